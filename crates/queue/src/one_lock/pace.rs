//! How fast a pool serves its line, noted under the lock.

use meishier_model::Mono;
use std::collections::VecDeque;

use crate::pace::{HISTORY, quantiles_of};
use crate::view::Quantiles;

/// Departures of one pool.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    intervals: VecDeque<u64>,
    /// Last departure, or since when somebody waits; `None` while nobody does.
    mark: Option<Mono>,
}

impl Pace {
    /// Tells whether anybody waits after an operation.
    pub(crate) fn set_waiting(&mut self, now: Mono, waiting: bool) {
        self.mark = if waiting {
            self.mark.or(Some(now))
        } else {
            None
        };
    }

    /// A caller of this line went to a seat. Those who never had to wait do not count.
    pub(crate) fn departed(&mut self, now: Mono) {
        let Some(mark) = self.mark.replace(now) else {
            return;
        };
        if self.intervals.len() == HISTORY {
            self.intervals.pop_front();
        }
        self.intervals.push_back(now.0.saturating_sub(mark.0));
    }

    /// The wait of somebody with so many ahead, from now; `None` without enough evidence.
    pub(crate) fn quantiles(&self, ahead: usize) -> Option<Quantiles> {
        let known: Vec<u64> = self.intervals.iter().copied().collect();
        quantiles_of(&known, ahead)
    }
}
