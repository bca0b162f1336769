//! How fast a pool serves its line, noted without a lock.
//!
//! It is for people: each note is made after the change that it tells of, so a thread stopped between
//! the two leaves one out.

use meishier_model::Mono;

use crate::pace::{HISTORY, quantiles_of};
use crate::sync::{Note, Ordering};
use crate::view::Quantiles;

/// Departures of one pool.
#[derive(Debug)]
pub(super) struct Pace {
    /// Microseconds between departures, the oldest overwritten.
    intervals: Box<[Note]>,
    count: Note,
    /// Last departure, or since when somebody waits, plus 1; 0 while nobody does.
    mark: Note,
}

impl Pace {
    pub(super) fn new() -> Self {
        let room = if cfg!(loom) { 1 } else { HISTORY };
        Self {
            intervals: (0..room).map(|_| Note::new(0)).collect(),
            count: Note::new(0),
            mark: Note::new(0),
        }
    }

    /// Tells whether anybody waits.
    pub(super) fn set_waiting(&self, now: Mono, waiting: bool) {
        // Relaxed throughout, and no read-modify-write: of two notes made at once one may be lost.
        if waiting {
            if self.mark.load(Ordering::Relaxed) == 0 {
                self.mark.store(now.0.saturating_add(1), Ordering::Relaxed);
            }
        } else {
            self.mark.store(0, Ordering::Relaxed);
        }
    }

    /// A caller of this line went to a seat. Those who never had to wait do not count.
    pub(super) fn departed(&self, now: Mono) {
        let before = self.mark.load(Ordering::Relaxed);
        self.mark.store(now.0.saturating_add(1), Ordering::Relaxed);
        let Some(before) = before.checked_sub(1) else {
            return;
        };
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count + 1, Ordering::Relaxed);
        let at = count as usize & (self.intervals.len() - 1);
        self.intervals[at].store(now.0.saturating_sub(before), Ordering::Relaxed);
    }

    /// The wait of somebody with so many ahead, from now; `None` without enough evidence.
    pub(super) fn quantiles(&self, ahead: usize) -> Option<Quantiles> {
        let count = self.count.load(Ordering::Relaxed) as usize;
        let room = self.intervals.len();
        let known = (count.saturating_sub(room)..count)
            .map(|i| self.intervals[i & (room - 1)].load(Ordering::Relaxed));
        quantiles_of(&known.collect::<Vec<u64>>(), ahead)
    }
}
