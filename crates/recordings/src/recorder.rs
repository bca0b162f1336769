//! The thread that writes recordings, and the bounded way to it.
//!
//! ```text
//!            Started                      Ended(keep)
//!   (none) ───────────► Writing ────────────────────────► last chunk, synced: whole
//!                        │   │  Ended(not keep)
//!                        │   └──────────────────────────► key destroyed, row, file removed
//!                        │ the disk refuses
//!                        └──────────────────────────────► given up: readable up to there, an alarm
//! ```
//! A call knows nothing of any of it: whoever is not quick enough loses blocks, counted, and never a
//! call. A refused recording that cannot be deleted stays on a list, is tried again until it is, and is
//! named in the log. A defect (panic) gives up what is being written; the thread goes on with what comes.

use crate::track::Tape;
use crate::{Event, Keys, RecordingError, Shelf};
use crossbeam::channel::{self, Receiver, RecvTimeoutError, Sender, TrySendError};
use meishier_media::Taped;
use meishier_model::{TapeId, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Parts that may wait: 0.8 s of a hundred recorded calls.
const WAITING: usize = 8192;
/// How often what waits for a full chunk is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Most refused recordings that wait for being deleted, 1 MiB of names; and how many are tried at a time.
const MOST_OWED: usize = 65_536;
const TRIED: usize = 64;
/// By which rule a refused recording is deleted.
const REFUSED: &str = "refused by the caller";

/// What the recorder did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recordings that are being written now.
    pub open: u64,
    /// Recordings that were ended and kept.
    pub kept: u64,
    /// Recordings that were deleted at once because the caller refused.
    pub refused: u64,
    /// Recordings given up because the disk refused.
    pub failed: u64,
    /// True from such a failure until something can be written again.
    pub failing: bool,
    /// Blocks of 20 ms that could not be kept: the disk is too slow.
    pub lost: u64,
    /// Bytes of recordings that were kept.
    pub bytes: u64,
    /// Refused recordings that could not be deleted yet.
    pub owed: u64,
}

#[derive(Default)]
struct Shared {
    /// [`Recorder::close`] was called.
    closed: AtomicBool,
    /// Refused recordings that are not deleted yet.
    owed: Mutex<BTreeSet<TapeId>>,
    open: AtomicU64,
    kept: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    failing: AtomicBool,
    lost: AtomicU64,
    bytes: AtomicU64,
}

impl Shared {
    fn owed(&self) -> MutexGuard<'_, BTreeSet<TapeId>> {
        // A set of names is whole whatever happened to whoever held it.
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A refused recording is to be deleted; false if too many are already.
    fn owe(&self, id: TapeId) -> bool {
        let mut owed = self.owed();
        owed.contains(&id) || (owed.len() < MOST_OWED && owed.insert(id))
    }

    /// Nobody is there to take a part: what is lost of it is counted, what was refused is kept in mind.
    fn on_nobody(&self, part: &Taped) {
        match part {
            Taped::Ended {
                tape, keep: false, ..
            } => {
                self.owe(*tape);
                tracing::error!(%tape, "a recording was refused and is not deleted yet");
            }
            Taped::Block { .. } => {
                self.lost.fetch_add(1, Relaxed);
            }
            _ => {}
        }
        // After the end there is nothing more that could be written.
        if !self.closed.load(Relaxed) {
            self.failing.store(true, Relaxed);
        }
    }
}

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
    /// Starts the thread. `wall` tells what time it is, for the list of deletions.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the system gives no thread.
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
            ending: false,
        };
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
            Err(TrySendError::Full(Part::Taped(Taped::Block { .. }))) => {
                self.shared.lost.fetch_add(1, Relaxed);
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

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let shared = &self.shared;
        Counts {
            open: shared.open.load(Relaxed),
            kept: shared.kept.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            failed: shared.failed.load(Relaxed),
            failing: shared.failing.load(Relaxed),
            lost: shared.lost.load(Relaxed),
            bytes: shared.bytes.load(Relaxed),
            owed: shared.owed().len() as u64,
        }
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
    /// Nothing more is to come.
    ending: bool,
}

impl Work {
    fn run(&mut self, parts: &Receiver<Part>) {
        // All that a panic may leave half done are the files that are open, which are given up.
        while catch_unwind(AssertUnwindSafe(|| self.until_closed(parts))).is_err() {
            let given_up = self.tapes.len().max(1) as u64;
            self.tapes.clear();
            self.shared.failed.fetch_add(given_up, Relaxed);
            self.shared.failing.store(true, Relaxed);
            self.shared.open.store(0, Relaxed);
            tracing::error!(given_up, "the recorder had panicked; it goes on");
            if self.ending {
                break;
            }
        }
        self.shared.open.store(0, Relaxed);
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
                    Err(error) => self.on_fault(id, &error),
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

    /// A recording whose file was given up is known no more; what still comes of it goes nowhere.
    fn with(&mut self, id: TapeId, work: impl FnOnce(&mut Tape) -> Result<(), RecordingError>) {
        if let Some(tape) = self.tapes.get_mut(&id) {
            match work(tape) {
                Ok(()) => {}
                Err(error) => self.on_fault(id, &error),
            }
        }
    }

    fn on_end(&mut self, id: TapeId, frame: u32, keep: bool, lost: u64) {
        self.shared.lost.fetch_add(lost, Relaxed);
        let tape = self.tapes.remove(&id);
        self.shared.open.store(self.tapes.len() as u64, Relaxed);
        if keep {
            let Some(tape) = tape else { return };
            match tape.end(frame, lost) {
                Ok(bytes) => {
                    self.shared.kept.fetch_add(1, Relaxed);
                    self.shared.bytes.fetch_add(bytes, Relaxed);
                    self.shared.failing.store(false, Relaxed);
                }
                Err(error) => self.on_fault(id, &error),
            }
            return;
        }
        // The file is closed before it is deleted.
        drop(tape);
        if !self.shared.owe(id) {
            tracing::error!(tape = %id, "too many refused recordings wait for being deleted");
        }
        if let Err(error) = self.unmake(id) {
            tracing::error!(tape = %id, "a recording was refused and is not deleted yet");
            self.on_fault(id, &error);
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

    fn on_fault(&mut self, id: TapeId, error: &RecordingError) {
        self.tapes.remove(&id);
        self.shared.open.store(self.tapes.len() as u64, Relaxed);
        self.shared.failed.fetch_add(1, Relaxed);
        self.shared.failing.store(true, Relaxed);
        tracing::error!(tape = %id, %error, "a recording was given up; the call goes on");
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
