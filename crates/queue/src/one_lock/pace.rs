//! How fast a pool serves its line, and what that means for a caller in it.
//!
//! An interval is the time between two departures to a seat while somebody waited throughout. A
//! caller with `k` ahead leaves after `k + 1` such intervals, so the quantiles of its wait are the
//! quantiles of all stretches of `k + 1` successive intervals that were observed. Nothing here
//! reads a clock: the expectation of a caller changes only if somebody leaves or passes, never
//! merely because it waits. Callers who hang up are not departures, so it errs to the long side.

use meishier_model::Mono;
use std::collections::VecDeque;
use std::time::Duration;

use crate::view::Quantiles;

/// Departures of one pool.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    intervals: VecDeque<u64>,
    /// Last departure, or since when somebody waits; `None` while nobody does.
    mark: Option<Mono>,
}

impl Pace {
    /// How many intervals are remembered.
    const HISTORY: usize = 512;
    /// Below so many intervals nothing is said.
    const LEAST: usize = 8;
    /// There must be so many times more intervals than the stretch is long.
    const STRETCHES: usize = 4;

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
        if self.intervals.len() == Self::HISTORY {
            self.intervals.pop_front();
        }
        self.intervals.push_back(now.0.saturating_sub(mark.0));
    }

    /// The wait of somebody with so many ahead, from now; `None` without enough evidence.
    pub(crate) fn quantiles(&self, ahead: usize) -> Option<Quantiles> {
        let length = ahead.checked_add(1)?;
        let known = self.intervals.len();
        if known < Self::LEAST || known / Self::STRETCHES < length {
            return None;
        }
        let mut sum: u64 = self.intervals.iter().take(length).sum();
        let mut sums = vec![sum];
        for (old, new) in self
            .intervals
            .iter()
            .zip(self.intervals.iter().skip(length))
        {
            sum = sum - old + new;
            sums.push(sum);
        }
        sums.sort_unstable();
        let at = |percent: usize| {
            let index = (sums.len() * percent).div_ceil(100).saturating_sub(1);
            sums.get(index).copied().map(Duration::from_micros)
        };
        let samples = u32::try_from(known / length).unwrap_or(u32::MAX);
        Some(Quantiles {
            p50: at(50)?,
            p90: at(90)?,
            samples,
        })
    }
}
