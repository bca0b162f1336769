//! What is promised, and whether it is held.

use serde::Serialize;

use crate::measure::Results;

/// A promise: at most so much.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// Its name, also in the JSON.
    pub name: &'static str,
    /// What it says.
    pub what: &'static str,
    /// What was measured; `None` if this program cannot.
    pub value: Option<f64>,
    /// The bound.
    pub bound: f64,
}

impl Goal {
    /// True if it was measured and kept.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.value.is_some_and(|value| value <= self.bound)
    }
}

/// The three goals.
#[must_use]
pub fn goals(results: &Results) -> [Goal; 3] {
    [
        Goal {
            name: "decision_ns",
            what: "a decision on the nation's table, ns",
            value: Some(results.decision_ns),
            bound: 2_000.0,
        },
        Goal {
            name: "allocations",
            what: "allocations of all decisions of a round",
            value: results.allocations.map(|count| count as f64),
            bound: 0.0,
        },
        Goal {
            name: "load_ms",
            what: "from the nation's files to its table, ms",
            value: Some(results.load_ms),
            bound: 200.0,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::Goal;

    #[test]
    fn what_was_not_measured_is_not_held() {
        let goal = |value| Goal {
            name: "goal",
            what: "",
            value,
            bound: 2.0,
        };
        let held = [None, Some(2.0), Some(2.1)].map(|value| goal(value).is_held());
        assert_eq!(held, [false, true, false]);
    }
}
