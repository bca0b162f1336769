//! The thread that writes recordings, and the bounded way to it.
//!
//! ```text
//!            Started                      Ended(keep)
//!   (none) ───────────► Writing ────────────────────────► last chunk, synced: whole
//!                        │   │  Ended(not keep)
//!                        │   └──────────────────────────► key destroyed, row, file removed
//!                        │ the disk refuses, or the file is gone
//!                        └──────────────────────────────► given up: readable up to there, an alarm
//! ```
//! A call knows nothing of any of it: whoever is not quick enough loses blocks, and never a call. Each
//! block that is lost is counted, also those that come after a recording was given up, and what each
//! recording lacks is told to whoever keeps the call's record. A refused recording that cannot be deleted
//! is marked and stays on a list, is tried again until it is, and is named in the log; what is marked
//! when a recorder starts is deleted before anything else. A defect (panic) gives up what is being written; the thread goes on with what comes.

use crate::shared::{MOST_OWED, Shared};
use crate::track::Tape;
use crate::{Counts, Event, Keys, Loss, RecordingError, Shelf};
use crossbeam::channel::{self, Receiver, RecvTimeoutError, Sender, TrySendError};
use meishier_media::Taped;
use meishier_model::{TapeId, Wall};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Parts that may wait: 0.8 s of a hundred recorded calls.
const WAITING: usize = 8192;
/// How often what waits for a full chunk is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How many refused recordings are tried at a time.
const TRIED: usize = 64;
/// By which rule a refused recording is deleted.
const REFUSED: &str = "refused by the caller";

/// Takes parts of recordings from any thread without blocking. Clones are cheap; the thread ends when
/// [`Recorder::close`] is called.
#[derive(Clone)]
pub struct Recorder {
    parts: Sender<Part>,
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are parts of recordings, the other comes once"
)]
enum Part {
    Taped(Taped),
    Close,
}

impl Recorder {
    /// Deletes what was refused and is still there, and starts the thread; what cannot be deleted is owed.
    /// `wall` tells what time it is, for the list of deletions.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the folder cannot be read or the system gives no thread.
    pub fn start(
        shelf: Shelf,
        keys: Keys,
        wall: impl Fn() -> Wall + Send + 'static,
    ) -> Result<Self, RecordingError> {
        let (parts, incoming) = channel::bounded(WAITING);
        let shared = Arc::new(Shared::default());
        let folder = shelf.folder().to_owned();
        let mut work = Work {
            shelf,
            keys,
            wall: Box::new(wall),
            shared: shared.clone(),
            tapes: BTreeMap::new(),
            given_up: BTreeMap::new(),
            ending: false,
        };
        for tape in work.shelf.refused()? {
            shared.owe(tape);
        }
        work.settle(MOST_OWED);
        for tape in shared.owed().iter() {
            tracing::error!(%tape, "a recording was refused and could not be deleted");
        }
        let thread = std::thread::Builder::new().name("recorder".to_owned());
        let thread = thread.spawn(move || work.run(&incoming));
        let thread = thread.map_err(RecordingError::file(&folder))?;
        Ok(Self {
            parts,
            shared,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Takes a part of a recording, without blocking.
    ///
    /// # Errors
    /// Gives the part back if too many wait; blocks are dropped then and counted, so `Ok`.
    pub fn take(&self, part: Taped) -> Result<(), Box<Taped>> {
        match self.parts.try_send(Part::Taped(part)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Part::Taped(Taped::Block { tape, .. }))) => {
                self.shared.drop_block(tape);
                Ok(())
            }
            Err(TrySendError::Full(Part::Taped(part))) => Err(Box::new(part)),
            Err(TrySendError::Disconnected(Part::Taped(part))) => {
                self.shared.on_nobody(&part);
                Ok(())
            }
            // Not what was given.
            Err(_) => Ok(()),
        }
    }

    /// What recordings lack that ended since this was asked the last time.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        self.shared.losses()
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Writes what was taken and ends the thread. What was not ended is readable up to its last word. What
    /// was refused and cannot be deleted is named in the log.
    pub fn close(&self) {
        self.shared.closed.store(true, Relaxed);
        // It ends by itself only if it panicked.
        let _ = self.parts.send(Part::Close);
        let thread = self.thread.lock().map(|mut it| it.take());
        if let Ok(Some(thread)) = thread
            && thread.join().is_err()
        {
            tracing::error!("the recorder had panicked");
        }
        for tape in self.shared.owed().iter() {
            tracing::error!(%tape, "a recording was refused and could not be deleted");
        }
    }
}

struct Work {
    shelf: Shelf,
    keys: Keys,
    wall: Box<dyn Fn() -> Wall + Send>,
    shared: Arc<Shared>,
    /// Bounded by the ports: each recording has one at least.
    tapes: BTreeMap<TapeId, Tape>,
    /// Those that were given up and go on without us, and how many blocks each has lost. As bounded.
    given_up: BTreeMap<TapeId, u64>,
    /// Nothing more is to come.
    ending: bool,
}

impl Work {
    fn run(&mut self, parts: &Receiver<Part>) {
        // All that a panic may leave half done are the files that are open, which are given up.
        while catch_unwind(AssertUnwindSafe(|| self.until_closed(parts))).is_err() {
            let given_up = self.tapes.len().max(1) as u64;
            for (id, tape) in std::mem::take(&mut self.tapes) {
                self.lose(id, tape.unwritten());
            }
            self.shared.failed.fetch_add(given_up, Relaxed);
            self.shared.failing.store(true, Relaxed);
            self.shared.open.store(0, Relaxed);
            tracing::error!(given_up, "the recorder had panicked; it goes on");
            if self.ending {
                break;
            }
        }
        self.shared.open.store(0, Relaxed);
        // Whatever was not ended is over as well.
        for (tape, lost) in std::mem::take(&mut self.given_up) {
            self.shared.tell_loss(Loss {
                tape,
                lost,
                given_up: true,
            });
        }
    }

    /// Keeps in mind what a recording that was given up has lost.
    fn lose(&mut self, id: TapeId, blocks: u64) {
        self.shared.lost.fetch_add(blocks, Relaxed);
        *self.given_up.entry(id).or_default() += blocks;
    }

    fn until_closed(&mut self, parts: &Receiver<Part>) {
        let mut look = Instant::now() + LOOK;
        loop {
            match parts.recv_deadline(look) {
                Ok(Part::Taped(part)) => self.on_part(part),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Part::Close) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= look {
                look = Instant::now() + LOOK;
                self.flush();
                self.settle(TRIED);
            }
        }
        self.ending = true;
        self.flush();
        self.settle(MOST_OWED);
    }

    fn flush(&mut self) {
        let ids: Vec<TapeId> = self.tapes.keys().copied().collect();
        for id in ids {
            self.with(id, Tape::flush);
        }
    }

    fn on_part(&mut self, part: Taped) {
        let id = part.tape();
        match part {
            Taped::Started {
                form, begun, about, ..
            } => {
                let begin = || {
                    let path = self.shelf.place(id, begun)?;
                    let mut tape = Tape::begin(path, (id, form, begun), &self.keys)?;
                    tape.event(0, Event::Began { about })?;
                    Ok(tape)
                };
                match begin() {
                    Ok(tape) => {
                        self.tapes.insert(id, tape);
                        self.shared.open.store(self.tapes.len() as u64, Relaxed);
                    }
                    Err(error) => self.give_up(id, &error),
                }
            }
            Taped::Joined {
                frame,
                track,
                label: party,
                ..
            } => self.with(id, |tape| tape.event(frame, Event::Joined { track, party })),
            Taped::Left { frame, track, .. } => {
                self.with(id, |tape| tape.event(frame, Event::Left { track }));
            }
            Taped::Note { frame, note, .. } => {
                self.with(id, |tape| tape.event(frame, Event::Note { note }));
            }
            Taped::Block { .. } if !self.tapes.contains_key(&id) => self.lose(id, 1),
            Taped::Block {
                frame,
                track,
                samples,
                ..
            } => self.with(id, |tape| tape.block(frame, track, &samples)),
            Taped::Ended {
                frame, keep, lost, ..
            } => self.on_end(id, frame, keep, lost),
        }
    }

    /// A recording whose file was given up is known no more; what still comes of it is lost.
    fn with(&mut self, id: TapeId, work: impl FnOnce(&mut Tape) -> Result<(), RecordingError>) {
        if let Some(tape) = self.tapes.get_mut(&id) {
            match work(tape) {
                Ok(()) => {}
                Err(error) => self.give_up(id, &error),
            }
        }
    }

    fn on_end(&mut self, id: TapeId, frame: u32, keep: bool, lost: u64) {
        self.shared.lost.fetch_add(lost, Relaxed);
        let lost = lost + self.shared.take_dropped(id);
        if keep {
            if let Some(tape) = self.tapes.get_mut(&id) {
                match tape.end(frame, lost) {
                    Ok(bytes) => {
                        self.shared.kept.fetch_add(1, Relaxed);
                        self.shared.bytes.fetch_add(bytes, Relaxed);
                        self.shared.failing.store(false, Relaxed);
                    }
                    Err(error) => self.give_up(id, &error),
                }
            }
            self.forget(id);
            let after = self.given_up.remove(&id);
            let loss = Loss {
                tape: id,
                lost: lost + after.unwrap_or(0),
                given_up: after.is_some(),
            };
            if loss.lost > 0 || loss.given_up {
                self.shared.tell_loss(loss);
            }
            return;
        }
        // The file is closed before it is deleted.
        self.forget(id);
        self.given_up.remove(&id);
        if !self.shared.owe(id) {
            tracing::error!(tape = %id, "too many refused recordings wait for being deleted");
        }
        if let Err(error) = self.unmake(id) {
            tracing::error!(tape = %id, %error, "a recording was refused and is not deleted yet");
            self.on_fault();
        }
    }

    /// Deletes a refused recording, also one that was ended or given up: what there is of it is not to
    /// stay.
    fn unmake(&mut self, id: TapeId) -> Result<(), RecordingError> {
        if self.shelf.refuse((self.wall)(), id, REFUSED)? {
            self.shared.refused.fetch_add(1, Relaxed);
        }
        self.shared.owed().remove(&id);
        Ok(())
    }

    /// Tries again what could not be deleted. Why it could not was said the first time.
    fn settle(&mut self, most: usize) {
        let ids: Vec<TapeId> = self.shared.owed().iter().take(most).copied().collect();
        for id in ids {
            if self.unmake(id).is_err() {
                self.shared.failing.store(true, Relaxed);
            }
        }
    }

    fn forget(&mut self, id: TapeId) {
        self.tapes.remove(&id);
        self.shared.open.store(self.tapes.len() as u64, Relaxed);
    }

    /// The one time that a recording is given up, and told of in the log.
    fn give_up(&mut self, id: TapeId, error: &RecordingError) {
        let unwritten = self.tapes.get(&id).map_or(0, Tape::unwritten);
        self.lose(id, unwritten);
        self.forget(id);
        self.on_fault();
        tracing::error!(tape = %id, %error, "a recording was given up; the call goes on");
    }

    fn on_fault(&self) {
        self.shared.failed.fetch_add(1, Relaxed);
        self.shared.failing.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meishier_model::CallId;

    /// What there would be if the thread were gone.
    fn nobody() -> Recorder {
        let (parts, _) = channel::bounded(1);
        Recorder {
            parts,
            shared: Arc::default(),
            thread: Arc::default(),
        }
    }

    const TAPE: TapeId = TapeId {
        call: CallId(7),
        segment: 0,
    };

    fn parts() -> [Taped; 3] {
        let samples = [0; meishier_media::FRAME];
        let ended = |keep| Taped::Ended {
            tape: TAPE,
            frame: 1,
            keep,
            lost: 0,
        };
        let block = Taped::Block {
            tape: TAPE,
            frame: 0,
            track: 0,
            samples,
        };
        [block, ended(true), ended(false)]
    }

    #[test]
    fn without_its_thread_blocks_count_as_lost_and_the_alarm_is_raised() {
        let recorder = nobody();
        let [block, kept, refused] = parts();
        recorder.take(kept).unwrap();
        assert!(recorder.counts().failing);
        recorder.take(block).unwrap();
        recorder.take(refused).unwrap();
        let counts = recorder.counts();
        assert_eq!((counts.lost, counts.owed), (1, 1));
    }

    #[test]
    fn after_the_end_a_refusal_is_kept_in_mind_and_no_alarm_is_raised() {
        let recorder = nobody();
        recorder.close();
        for part in parts() {
            recorder.take(part).unwrap();
        }
        let counts = recorder.counts();
        assert_eq!((counts.failing, counts.owed), (false, 1));
    }
}
