//! The recorder of a running service: started with it, swept every hour, ended after the calls. What a
//! caller refused and an earlier process did not get to is deleted before the first call; what recordings
//! lack goes into the records of their calls.

use crate::tables::InForce;
use meishier_config::{Config, Recording};
use meishier_media::Taped;
use meishier_model::{CallId, Wall};
use meishier_net::{Clock, TapeSink};
use meishier_recordings::{Keys, Loss, Recorder, RecordingError, Shelf};
use meishier_records::Store;
use meishier_telemetry::RecordingsSample;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often recordings past their time are looked for.
const SWEEP: Duration = Duration::from_secs(3600);
/// How often what recordings lack is written into the records of their calls.
const TELL: Duration = Duration::from_secs(2);
/// Most recordings that lack something and whose call has no record yet; the oldest is given up.
const MOST_LOSSES: usize = 16_384;

/// The recorder, its shelf, and what the sweeps did.
pub struct Taping {
    recorder: Recorder,
    shelf: Shelf,
    deleted: AtomicU64,
    held: AtomicU64,
    /// Past their time, and the last sweep could not delete them; or what is past its time was not found
    /// out at all: 1 then.
    failed: AtomicU64,
    /// What recordings lack whose calls have no record yet.
    losses: Mutex<Vec<Loss>>,
}

impl Taping {
    /// Starts the recorder if the configuration wants one. `refused`: calls in which somebody refused, and
    /// when each came; what there is of them is deleted before this returns.
    ///
    /// # Errors
    /// [`RecordingError`]: the folder or a key is not as it must be. A hotline that is to record does not
    /// start without.
    pub fn start(
        config: &Config,
        clock: &Clock,
        refused: &[(CallId, Wall)],
    ) -> Result<Option<Arc<Self>>, RecordingError> {
        let Some(recording) = &config.recording else {
            return Ok(None);
        };
        let shelf = Shelf::open(&recording.folder)?;
        // The configuration compared the names; links, and what counts from the working directory, are
        // known here alone.
        let records = config.records.path.parent();
        let data = [Some(&*recording.folder), records];
        let data: Vec<&Path> = data.into_iter().flatten().collect();
        let keys = Keys::read(&recording.key_files, &data)?;
        if let Some(since) = refused.iter().map(|(_, arrived)| *arrived).min() {
            let calls: BTreeSet<CallId> = refused.iter().map(|(call, _)| *call).collect();
            // A full disk is no reason for a hotline not to start.
            if let Err(error) = shelf.mark_refused(&calls, since) {
                tracing::error!(%error, "refused recordings could not be looked for");
            }
        }
        let clock = clock.clone();
        let recorder = Recorder::start(shelf.clone(), keys, move || clock.wall())?;
        Ok(Some(Arc::new(Self {
            recorder,
            shelf,
            deleted: AtomicU64::new(0),
            held: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            losses: Mutex::default(),
        })))
    }

    /// Writes what recordings lack into the records of their calls, as they come.
    pub async fn tell_records(self: Arc<Self>, store: Store) {
        let mut tick = tokio::time::interval(TELL);
        loop {
            tick.tick().await;
            self.tell_losses(&store).await;
        }
    }

    /// Writes what recordings lack by now into the records of their calls. What has no record yet is kept
    /// for the next time.
    pub async fn tell_losses(&self, store: &Store) {
        let losses = {
            let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
            losses.extend(self.recorder.losses());
            let too_many = losses.len().saturating_sub(MOST_LOSSES);
            losses.drain(..too_many);
            losses.clone()
        };
        for loss in losses {
            match store
                .tape_lacks(loss.tape, (loss.lost, loss.given_up))
                .await
            {
                Ok(true) => {
                    let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
                    losses.retain(|it| *it != loss);
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "a record does not say yet what its recording lacks");
                    return;
                }
            }
        }
    }

    /// The way of the media threads.
    pub fn sink(&self) -> TapeSink {
        let recorder = self.recorder.clone();
        Arc::new(move |part: Taped| recorder.take(part))
    }

    /// Writes what was taken and ends the thread. To be called on a thread that may block.
    pub fn close(&self) {
        self.recorder.close();
    }

    /// What it did so far.
    pub fn sample(&self) -> RecordingsSample {
        let counts = self.recorder.counts();
        RecordingsSample {
            open: counts.open,
            kept: counts.kept,
            refused: counts.refused,
            failed: counts.failed,
            failing: u64::from(counts.failing),
            lost: counts.lost,
            bytes: counts.bytes,
            deleted: self.deleted.load(Relaxed),
            held: self.held.load(Relaxed),
            undeleted: self.failed.load(Relaxed) + counts.owed,
        }
    }

    /// Deletes what is past its time, now and every hour, by the rule that is in force then.
    pub async fn sweep(self: Arc<Self>, tables: Arc<InForce>, clock: Clock) {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            tick.tick().await;
            let (taping, now) = (self.clone(), clock.wall());
            let config = tables.config();
            let Some(recording) = config.recording.clone() else {
                continue;
            };
            let swept = tokio::task::spawn_blocking(move || {
                let swept = taping.shelf.sweep(now, recording.keep, &rule(&recording));
                match swept {
                    Ok(swept) => {
                        taping.deleted.fetch_add(swept.deleted, Relaxed);
                        taping.held.store(swept.held, Relaxed);
                        taping.failed.store(swept.failed, Relaxed);
                        if swept.deleted > 0 {
                            tracing::info!(deleted = swept.deleted, "recordings past their time");
                        }
                    }
                    Err(error) => {
                        taping.failed.fetch_max(1, Relaxed);
                        tracing::error!(%error, "recordings were not swept");
                    }
                }
            });
            // It ends with an error only if it panicked or the program ends.
            let _ = swept.await;
        }
    }
}

/// By which rule recordings are deleted, as it stands in the list of deletions.
pub fn rule(recording: &Recording) -> String {
    format!("keep {}d", recording.keep.as_secs() / 86_400)
}
