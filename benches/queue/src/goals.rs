//! What is promised, and whether it is held.

use serde::Serialize;

use crate::contender::Kind;
use crate::cycles::Row;
use crate::sizes::Size;
use crate::stalled::Stalled;

/// A promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// Its name, also in the JSON.
    pub name: &'static str,
    /// What it says.
    pub what: &'static str,
    /// What was measured; `None` if this build cannot.
    pub value: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// True: the value must be at least the bound; false: at most.
    pub at_least: bool,
}

impl Goal {
    /// True if it was measured and kept.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.value.is_some_and(|value| {
            if self.at_least {
                value >= self.bound
            } else {
                value <= self.bound
            }
        })
    }
}

/// The three goals.
#[must_use]
pub fn goals(cycles: &[Row], stalled: &[Stalled]) -> [Goal; 3] {
    let at = |waiting| {
        let size = Size {
            waiting,
            ..Size::MIDDLE
        };
        cycles
            .iter()
            .find(|row| row.size == size && row.contender == Kind::Queue)
    };
    let p999 = |kind| {
        let it = stalled.iter().find(|it| it.contender == kind)?;
        it.latency.get("all").map(|all| all.p999_ns as f64)
    };
    // The better of the two locks is what has to be beaten.
    let locks = [p999(Kind::StdMutex), p999(Kind::ParkingLot)];
    let lock = locks.into_iter().flatten().min_by(f64::total_cmp);
    [
        Goal {
            name: "match_over_floor_1t",
            what: "enqueue + ready + match, in units of the floor, one thread",
            value: at(Size::MIDDLE.waiting).map(|row| row.over_floor),
            bound: 15.0,
            at_least: false,
        },
        Goal {
            name: "stalled_lock_over_lockfree_p999",
            what: "p99.9 beside a stopped thread, under the lock over without it",
            value: lock.zip(p999(Kind::Queue)).map(|(lock, free)| lock / free),
            bound: 20.0,
            at_least: true,
        },
        Goal {
            name: "match_50k_over_10",
            what: "a match with 50,000 waiting over one with 10",
            value: at(50_000)
                .zip(at(10))
                .map(|(many, few)| many.cycle_ns / few.cycle_ns),
            bound: 1.5,
            at_least: false,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::{Goal, goals};
    use crate::contender::Kind;
    use crate::cycles::Row;
    use crate::latency::Latency;
    use crate::sizes::Size;
    use crate::stalled::Stalled;

    fn row(waiting: usize, contender: Kind, cycle_ns: f64) -> Row {
        Row {
            size: Size {
                waiting,
                ..Size::MIDDLE
            },
            contender,
            cycle_ns,
            delivery_ns: 1.0,
            floor_ns: 10.0,
            over_floor: cycle_ns / 10.0,
        }
    }

    fn stalled(contender: Kind, p999_ns: u64) -> Stalled {
        let all = Latency {
            p999_ns,
            ..Latency::default()
        };
        Stalled {
            contender,
            stops: 1,
            latency: [("all".to_owned(), all)].into(),
        }
    }

    fn values(goals: &[Goal]) -> Vec<(Option<f64>, bool)> {
        goals.iter().map(|it| (it.value, it.is_held())).collect()
    }

    #[test]
    fn the_goals_are_about_the_queue_and_the_better_lock() {
        let mut cycles = vec![
            row(10, Kind::Queue, 100.0),
            row(1_000, Kind::OneLock, 9_000.0),
            row(1_000, Kind::Queue, 150.0),
            row(50_000, Kind::Queue, 150.0),
        ];
        let mut stops = vec![
            stalled(Kind::Queue, 100),
            stalled(Kind::StdMutex, 9_000),
            stalled(Kind::ParkingLot, 2_000),
        ];
        let held = [(Some(15.0), true), (Some(20.0), true), (Some(1.5), true)];
        assert_eq!(values(&goals(&cycles, &stops)), held);
        cycles[2] = row(1_000, Kind::Queue, 160.0);
        cycles[3] = row(50_000, Kind::Queue, 160.0);
        stops[2] = stalled(Kind::ParkingLot, 1_900);
        let missed = [(Some(16.0), false), (Some(19.0), false), (Some(1.6), false)];
        assert_eq!(values(&goals(&cycles, &stops)), missed);
        assert_eq!(values(&goals(&[], &stops[1..])), [(None, false); 3]);
    }
}
