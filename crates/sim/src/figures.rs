//! What the simulator produced and what became of it, in numbers.

use crate::people::{Attempt, AttemptEnd};
use crate::scenario::Scenario;
use crate::traffic::{Arrival, CallPlan, expected};
use std::time::Duration;

/// Answered this soon counts as answered in time (GB/T 33358).
pub const IN_TIME: Duration = Duration::from_secs(15);

/// Counts of one run; of several, if added up with [`Tally::add`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// People who called: first attempts.
    pub calls: u64,
    /// Second and further attempts that have come to an answer or an end.
    pub redials: u64,
    /// First attempts per entry of the scenario's hours.
    pub by_hours: Vec<u64>,
    /// First attempts per surge.
    pub by_surge: Vec<u64>,
    /// Of the people: nuisance.
    pub nuisance: u64,
    /// Of the people: high risk.
    pub risk: u64,
    /// Of those at risk: from a flagged number.
    pub flagged: u64,
    /// Of those at risk: a transfer key is to be pressed.
    pub crisis: u64,
    /// Of the people: minors.
    pub minors: u64,
    /// Of the people: women.
    pub women: u64,
    /// Of the people: number withheld.
    pub withheld: u64,
    /// Planned talk of all who are no nuisance.
    pub talk: Duration,
    /// Planned talk of nuisance calls.
    pub nuisance_talk: Duration,
    /// Attempts that a person answered.
    pub answered: u64,
    /// Of these, within [`IN_TIME`].
    pub answered_15s: u64,
    /// Of these, by someone at risk.
    pub risk_answered: u64,
    /// Of these, within [`IN_TIME`].
    pub risk_answered_15s: u64,
    /// Attempts that the caller gave up while waiting.
    pub abandoned: u64,
    /// Attempts that the engine or the network refused, failed or cut off while waiting.
    pub lost: u64,
    /// Time that the traffic covers, from the start of the scenario.
    pub span: Duration,
}

/// Attempts to reach a person, first and further ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// All of them.
    pub attempts: u64,
    /// By callers at risk.
    pub risk_attempts: u64,
}

impl Tally {
    /// Empty counts for a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            by_hours: vec![0; scenario.hours.len()],
            by_surge: vec![0; scenario.surges.len()],
            ..Self::default()
        }
    }

    /// Somebody began to call.
    pub fn arrived(&mut self, scenario: &Scenario, arrival: &Arrival) {
        let plan = &arrival.plan;
        self.calls += 1;
        self.span = self.span.max(arrival.at);
        let start = u64::from(scenario.start.minute) * 60;
        let second = (start + arrival.at.as_secs()) % 86_400;
        for (hour, count) in scenario.hours.iter().zip(&mut self.by_hours) {
            let (from, to) = (u64::from(hour.from) * 60, u64::from(hour.to) * 60);
            *count += u64::from((from..to).contains(&second));
            *count += u64::from((from..to).contains(&(second + 86_400)));
        }
        for (surge, count) in scenario.surges.iter().zip(&mut self.by_surge) {
            *count += u64::from((surge.from..surge.to).contains(&arrival.at));
        }
        self.nuisance += u64::from(plan.nuisance);
        self.risk += u64::from(plan.risk);
        self.flagged += u64::from(plan.flagged);
        self.crisis += u64::from(plan.talk.crisis);
        self.minors += u64::from(plan.minor);
        self.women += u64::from(plan.woman);
        self.withheld += u64::from(plan.withheld);
        match plan.nuisance {
            true => self.nuisance_talk += plan.talk.length,
            false => self.talk += plan.talk.length,
        }
    }

    /// An attempt of this caller went so.
    pub fn attempted(&mut self, plan: &CallPlan, attempt: &Attempt) {
        self.redials += u64::from(attempt.call.0 > 0);
        match attempt.end {
            AttemptEnd::Answered => {
                let (risk, in_time) = (u64::from(plan.risk), attempt.waited <= IN_TIME);
                self.answered += 1;
                self.answered_15s += u64::from(in_time);
                self.risk_answered += risk;
                self.risk_answered_15s += risk * u64::from(in_time);
            }
            AttemptEnd::Abandoned => self.abandoned += 1,
            AttemptEnd::Lost => self.lost += 1,
        }
    }

    /// The traffic was played up to this time, whether or not somebody called then.
    pub fn ran(&mut self, span: Duration) {
        self.span = self.span.max(span);
    }

    /// First and further attempts.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.calls + self.redials
    }

    /// Adds the counts of another run of the same scenario. Their spans add up, so that
    /// [`Tally::shares_within`] can judge single runs only.
    pub fn add(&mut self, other: &Self) {
        let sum = |list: &mut Vec<u64>, more: &[u64]| {
            list.resize(list.len().max(more.len()), 0);
            list.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        };
        sum(&mut self.by_hours, &other.by_hours);
        sum(&mut self.by_surge, &other.by_surge);
        self.calls += other.calls;
        self.redials += other.redials;
        self.nuisance += other.nuisance;
        self.risk += other.risk;
        self.flagged += other.flagged;
        self.crisis += other.crisis;
        self.minors += other.minors;
        self.women += other.women;
        self.withheld += other.withheld;
        self.talk += other.talk;
        self.nuisance_talk += other.nuisance_talk;
        self.answered += other.answered;
        self.answered_15s += other.answered_15s;
        self.risk_answered += other.risk_answered;
        self.risk_answered_15s += other.risk_answered_15s;
        self.abandoned += other.abandoned;
        self.lost += other.lost;
        self.span += other.span;
    }

    /// Whether volumes and shares are those of the scenario, within `tolerance` (0.1 is a tenth).
    /// Where so few were rolled that four standard deviations are more than that, these hold: a
    /// run of one day cannot be judged by a tenth of its two crises.
    ///
    /// # Errors
    /// Every figure that is outside, for people.
    pub fn shares_within(&self, scenario: &Scenario, tolerance: f64) -> Result<(), Vec<String>> {
        let mut judge = Judge {
            tolerance,
            outside: Vec::new(),
        };
        judge.volumes(self, scenario);
        let (mix, calls) = (scenario.mix, self.calls as f64);
        let risk = calls * mix.risk;
        let unflagged = 1.0 - mix.risk * mix.flagged;
        judge.count("nuisance", self.nuisance, calls * mix.nuisance);
        judge.count("risk", self.risk, risk);
        judge.count("flagged", self.flagged, risk * mix.flagged);
        judge.count("crisis", self.crisis, calls * mix.crisis);
        judge.count("minors", self.minors, calls * mix.minors);
        judge.count("women", self.women, calls * mix.women);
        judge.count("withheld", self.withheld, calls * mix.withheld * unflagged);
        let talk = scenario.talk;
        // Deviation over mean: of a log-normal, and of an exponential.
        let spread = (talk.spread * talk.spread).exp_m1().sqrt();
        let others = self.calls - self.nuisance;
        judge.mean("talk", self.talk, others, talk.mean, spread);
        let nuisance = (self.nuisance_talk, self.nuisance, talk.nuisance_mean);
        judge.mean("nuisance talk", nuisance.0, nuisance.1, nuisance.2, 1.0);
        match judge.outside.is_empty() {
            true => Ok(()),
            false => Err(judge.outside),
        }
    }
}

/// Compares, and notes what is outside.
struct Judge {
    tolerance: f64,
    outside: Vec<String>,
}

impl Judge {
    fn volumes(&mut self, tally: &Tally, scenario: &Scenario) {
        let span = tally.span;
        let all = expected(scenario, Duration::ZERO, span);
        self.count("calls", tally.calls, all);
        for (place, (hour, count)) in scenario.hours.iter().zip(&tally.by_hours).enumerate() {
            // The same scenario with these hours alone.
            let mut alone = scenario.clone();
            alone.hours = vec![*hour];
            let name = format!("calls in hours {place}");
            self.count(&name, *count, expected(&alone, Duration::ZERO, span));
        }
        for (place, (surge, count)) in scenario.surges.iter().zip(&tally.by_surge).enumerate() {
            let (from, to) = (surge.from.min(span), surge.to.min(span));
            let name = format!("calls in surge {place}");
            self.count(&name, *count, expected(scenario, from, to));
        }
    }

    fn count(&mut self, name: &str, is: u64, should: f64) {
        let bound = (self.tolerance * should).max(4.0 * should.sqrt());
        if (is as f64 - should).abs() > bound {
            self.outside
                .push(format!("{name}: {is}, expected {should:.1} ± {bound:.1}"));
        }
    }

    /// A mean of so many, each with this standard deviation over its mean.
    fn mean(&mut self, name: &str, sum: Duration, of: u64, should: Duration, spread: f64) {
        if of == 0 {
            return;
        }
        let (is, should) = (sum.as_secs_f64() / of as f64, should.as_secs_f64());
        let bound = should * self.tolerance.max(4.0 * spread / (of as f64).sqrt());
        if (is - should).abs() > bound {
            self.outside.push(format!(
                "{name}: {is:.1} s, expected {should:.1} s ± {bound:.1} s"
            ));
        }
    }
}
