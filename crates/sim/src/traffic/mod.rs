//! Who calls when, and what for: a Poisson process whose rate follows the hours and the surges.

mod curve;
mod plan;

pub use plan::{CallPlan, Holding, TalkPlan};

pub use curve::expected;
pub(crate) use curve::rate;

use crate::dice::Dice;
use crate::scenario::Scenario;
use curve::Curve;
use plan::Planner;
use std::time::Duration;

/// A person who begins to call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// When, since the start of the scenario.
    pub at: Duration,
    /// Who and what for.
    pub plan: CallPlan,
}

/// The callers of a scenario, one after another.
#[derive(Clone, Debug)]
pub struct Traffic {
    curve: Curve,
    planner: Planner,
    arrivals: Dice,
    at: Duration,
}

impl Traffic {
    /// The callers that follow from this stream of numbers. When people come and who they are
    /// have streams of their own.
    #[must_use]
    pub fn new(scenario: &Scenario, dice: Dice) -> Self {
        Self {
            curve: Curve::new(scenario),
            planner: Planner::new(scenario, dice.branch("plans")),
            arrivals: dice.branch("arrivals"),
            at: Duration::ZERO,
        }
    }
}

/// Callers in order of time; the line ends only in a scenario in which nobody calls.
impl Iterator for Traffic {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let unit = self.arrivals.exponential(Duration::from_secs(1));
        self.at = self.curve.after(self.at, unit.as_secs_f64())?;
        let plan = self.planner.plan();
        Some(Arrival { at: self.at, plan })
    }
}
