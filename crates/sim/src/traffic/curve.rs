//! How many call at what time of the day.

use crate::scenario::{HourShare, Scenario, Surge};
use std::time::Duration;

const DAY: f64 = 86_400.0;

/// Rate of calls over time: constant between edges, the same every day but for the surges.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// Seconds into the civil day at which the scenario starts.
    start: f64,
    per_day: f64,
    hours: Vec<HourShare>,
    surges: Vec<Surge>,
}

impl Curve {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            start: f64::from(scenario.start.minute) * 60.0,
            per_day: scenario.calls_per_day,
            hours: scenario.hours.clone(),
            surges: scenario.surges.clone(),
        }
    }

    /// Callers per second at `at` seconds since the start, and until when that holds.
    fn piece(&self, at: f64) -> (f64, f64) {
        let clock = self.start + at;
        let midnight = (clock / DAY).floor() * DAY;
        let (mut rate, mut until) = (0.0, midnight + DAY);
        for hour in &self.hours {
            let (from, to) = (f64::from(hour.from) * 60.0, f64::from(hour.to) * 60.0);
            // Hours over midnight began yesterday, or begin today.
            for day in [midnight - DAY, midnight] {
                if (day + from..day + to).contains(&clock) {
                    rate += self.per_day * hour.share / (to - from);
                }
                for edge in [day + from, day + to] {
                    if edge > clock {
                        until = until.min(edge);
                    }
                }
            }
        }
        let mut until = until - self.start;
        for surge in &self.surges {
            let (from, to) = (surge.from.as_secs_f64(), surge.to.as_secs_f64());
            if (from..to).contains(&at) {
                rate *= surge.times;
            }
            for edge in [from, to] {
                if edge > at {
                    until = until.min(edge);
                }
            }
        }
        (rate, until)
    }

    /// The time after `from` by which `callers` are to be expected; `None` if they never come.
    pub(super) fn after(&self, from: Duration, callers: f64) -> Option<Duration> {
        let (mut at, mut left) = (from.as_secs_f64(), callers);
        let mut empty = 0;
        loop {
            let (rate, until) = self.piece(at);
            let here = rate * (until - at);
            if here > left {
                return Some(Duration::from_secs_f64(at + left / rate).max(from));
            }
            // Every day has the same edges, at most two for each entry of the table: so many
            // pieces without a caller, surges of zero included, mean that nobody will come.
            empty = if here > 0.0 { 0 } else { empty + 1 };
            if empty > 8 * (self.hours.len() + self.surges.len() + 1) {
                return None;
            }
            left -= here;
            at = until;
        }
    }

    /// Callers to be expected between two times.
    fn expected(&self, from: Duration, to: Duration) -> f64 {
        let (mut at, end) = (from.as_secs_f64(), to.as_secs_f64());
        let mut sum = 0.0;
        while at < end {
            let (rate, until) = self.piece(at);
            let until = until.min(end);
            sum += rate * (until - at);
            at = until;
        }
        sum
    }
}

/// Callers per second at a time since the start.
pub(crate) fn rate(scenario: &Scenario, at: Duration) -> f64 {
    Curve::new(scenario).piece(at.as_secs_f64()).0
}

/// Callers to be expected between two times since the start, surges included.
#[must_use]
pub fn expected(scenario: &Scenario, from: Duration, to: Duration) -> f64 {
    Curve::new(scenario).expected(from, to)
}
