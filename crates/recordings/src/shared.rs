//! What the recorder's thread and whoever asks it share: counts, what is owed, what was lost.

use meishier_media::Taped;
use meishier_model::TapeId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Recordings of which it is kept in mind that they lack something until the call's record has it: some
/// hundred KiB.
const MOST_LOSSES: usize = 16_384;
/// Most refused recordings that wait for being deleted, 1 MiB of names.
pub(crate) const MOST_OWED: usize = 65_536;

/// What the recorder did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recordings that are being written now.
    pub open: u64,
    /// Recordings that were ended and kept.
    pub kept: u64,
    /// Recordings that were deleted at once because the caller refused.
    pub refused: u64,
    /// Recordings given up because the disk refused or the file was gone.
    pub failed: u64,
    /// True from such a failure until something can be written again.
    pub failing: bool,
    /// Blocks of 20 ms that could not be kept: the disk is too slow, or refused.
    pub lost: u64,
    /// Bytes of recordings that were kept.
    pub bytes: u64,
    /// Refused recordings that could not be deleted yet.
    pub owed: u64,
}

/// What a recording that is over lacks, for the call's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The recording.
    pub tape: TapeId,
    /// Blocks of 20 ms, of all parties.
    pub lost: u64,
    /// It was given up: nothing after the first of the lost blocks is in the file.
    pub given_up: bool,
}

#[derive(Default)]
pub(crate) struct Shared {
    /// [`Recorder::close`] was called.
    pub(crate) closed: AtomicBool,
    /// Refused recordings that are not deleted yet.
    pub(crate) owed: Mutex<BTreeSet<TapeId>>,
    /// Blocks of recordings that run for which there was no room on the way to the thread.
    dropped: Mutex<BTreeMap<TapeId, u64>>,
    /// What recordings lack that are over.
    losses: Mutex<Vec<Loss>>,
    pub(crate) open: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) failing: AtomicBool,
    pub(crate) lost: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Shared {
    pub(crate) fn owed(&self) -> MutexGuard<'_, BTreeSet<TapeId>> {
        // A set of names is whole whatever happened to whoever held it.
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a block for which there is no room.
    pub(crate) fn drop_block(&self, tape: TapeId) {
        self.lost.fetch_add(1, Relaxed);
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        if dropped.contains_key(&tape) || dropped.len() < MOST_LOSSES {
            *dropped.entry(tape).or_default() += 1;
        }
    }

    pub(crate) fn take_dropped(&self, tape: TapeId) -> u64 {
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        dropped.remove(&tape).unwrap_or(0)
    }

    pub(crate) fn tell_loss(&self, loss: Loss) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        if losses.len() < MOST_LOSSES {
            losses.push(loss);
        }
    }

    /// A refused recording is to be deleted; false if too many are already.
    pub(crate) fn owe(&self, id: TapeId) -> bool {
        let mut owed = self.owed();
        owed.contains(&id) || (owed.len() < MOST_OWED && owed.insert(id))
    }

    /// Nobody is there to take a part: what is lost of it is counted, what was refused is kept in mind.
    pub(crate) fn on_nobody(&self, part: &Taped) {
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

    /// What recordings lack that ended since this was asked the last time.
    pub(crate) fn losses(&self) -> Vec<Loss> {
        let losses = self.losses.lock();
        std::mem::take(&mut losses.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            open: self.open.load(Relaxed),
            kept: self.kept.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
            failing: self.failing.load(Relaxed),
            lost: self.lost.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            owed: self.owed().len() as u64,
        }
    }
}
