//! How long operations take.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time that is told from longer ones, nanoseconds.
const LONGEST_NS: u64 = 60_000_000_000;

/// Quantiles of one operation, nanoseconds, to two significant digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were measured.
    pub samples: u64,
    /// Half take no longer.
    pub p50_ns: u64,
    /// 99 of 100 take no longer.
    pub p99_ns: u64,
    /// 999 of 1,000 take no longer.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// An operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A caller comes in; a push of the floor.
    Enqueue,
    /// A seat becomes ready; a pop of the floor.
    Ready,
    /// A copy of a match is taken, or there was none.
    Take,
    /// A line is released.
    Release,
}

impl Op {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Enqueue, "enqueue"),
        (Self::Ready, "ready"),
        (Self::Take, "take"),
        (Self::Release, "release"),
    ];
}

/// A histogram for each operation.
pub struct Times(Vec<Histogram<u64>>);

impl Default for Times {
    fn default() -> Self {
        Self(Op::ALL.iter().map(|_| histogram()).collect())
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 2).expect("the bounds are in order")
}

impl Times {
    /// Notes one operation; longer than a minute counts as a minute.
    pub fn note(&mut self, op: Op, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS);
        self.0[op as usize].saturating_record(ns);
    }

    /// Adds what another thread noted.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            own.add(other).expect("all have the same bounds");
        }
    }

    /// Quantiles by operation, those that never came left out, and of `all` of them.
    #[must_use]
    pub fn summary(&self) -> BTreeMap<String, Latency> {
        let mut all = histogram();
        let mut out = BTreeMap::new();
        for ((_, name), own) in Op::ALL.iter().zip(&self.0) {
            all.add(own).expect("all have the same bounds");
            if !own.is_empty() {
                out.insert((*name).to_owned(), of(own));
            }
        }
        out.insert("all".to_owned(), of(&all));
        out
    }
}

fn of(histogram: &Histogram<u64>) -> Latency {
    Latency {
        samples: histogram.len(),
        p50_ns: histogram.value_at_quantile(0.5),
        p99_ns: histogram.value_at_quantile(0.99),
        p999_ns: histogram.value_at_quantile(0.999),
        max_ns: histogram.max(),
    }
}

/// The middle one, of an even number the mean of both; 0 of none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, Times, median};
    use std::time::Duration;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let (mut times, mut other) = (Times::default(), Times::default());
        for n in 1..=1_000_u64 {
            let half = if n % 2 == 0 { &mut times } else { &mut other };
            half.note(Op::Ready, Duration::from_micros(n));
        }
        times.add(&other);
        times.note(Op::Take, Duration::from_secs(3_600));
        let summary = times.summary();
        assert!(!summary.contains_key("enqueue"));
        let ready = summary["ready"];
        // Two significant digits.
        let near = |value: u64, us: u64| value.abs_diff(us * 1_000) * 100 <= us * 1_000;
        assert_eq!(ready.samples, 1_000);
        assert!(near(ready.p50_ns, 500), "{ready:?}");
        assert!(near(ready.p99_ns, 990), "{ready:?}");
        assert!(near(ready.p999_ns, 999), "{ready:?}");
        assert!(near(ready.max_ns, 1_000), "{ready:?}");
        assert_eq!(summary["all"].samples, 1_001);
        assert!(near(summary["all"].max_ns, 60_000_000), "a minute at most");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
