//! How fast a pool serves its line, and what that means for a caller in it.
//!
//! An interval is the time between two departures to a seat while somebody waited throughout. A
//! caller with `k` ahead leaves after `k + 1` such intervals, so the quantiles of its wait are the
//! quantiles of all stretches of `k + 1` successive intervals that were observed. Nothing here
//! reads a clock: the expectation of a caller changes only if somebody leaves or passes, never
//! merely because it waits. Callers who hang up are not departures, so it errs to the long side.

use std::time::Duration;

use crate::view::Quantiles;

/// How many intervals are remembered; a power of two.
pub(crate) const HISTORY: usize = 512;
/// Below so many intervals nothing is said.
const LEAST: usize = 8;
/// There must be so many times more intervals than the stretch is long.
const STRETCHES: usize = 4;

/// The wait of somebody with so many ahead, from now, by intervals in microseconds, the oldest first;
/// `None` without enough evidence.
pub(crate) fn quantiles_of(intervals: &[u64], ahead: usize) -> Option<Quantiles> {
    let length = ahead.checked_add(1)?;
    let known = intervals.len();
    if known < LEAST || known / STRETCHES < length {
        return None;
    }
    let mut sum: u64 = intervals.iter().take(length).sum();
    let mut sums = vec![sum];
    for (old, new) in intervals.iter().zip(intervals.iter().skip(length)) {
        sum = sum.saturating_sub(*old).saturating_add(*new);
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
