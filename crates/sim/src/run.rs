//! One run from its seed to its report: faults first, then peace, then the last judgement.

use crate::defect::Flaw;
use crate::faults::FaultLevel;
use crate::figures::{Served, Tally};
use crate::invariants::{Invariant, Violation};
use crate::rig::QueueKind;
use crate::scenario::Scenario;
use crate::world::{World, WorldError, WorldSettings};
use meishier_model::Mono;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::time::Duration;

/// How long the last callers may take once nobody new calls: the longest talks and some more.
const LAST_CALLS: Duration = Duration::from_secs(12 * 3600);
/// How long people go on calling once nothing goes wrong any more.
const PEACE: Duration = Duration::from_secs(2 * 3600);
/// How long transactions and rests may take to end after the last call.
const REST: Duration = Duration::from_secs(900);
/// Calls of a province-year: 119 a day, as Beijing has them.
pub const PROVINCE_YEAR: f64 = 119.0 * 365.0;

/// What is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Everything follows from it.
    pub seed: u64,
    /// Simulated days in which people call, 1 or more.
    pub days: u32,
    /// What goes wrong.
    pub faults: FaultLevel,
    /// The whole engine is turned into snapshots and restored after this step of the engine.
    pub restore_at: Option<u64>,
    /// Which queue the engine runs on.
    pub queue: QueueKind,
}

/// A broken promise, and how to see it again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which promise, and what was seen.
    pub violation: Violation,
    /// After which step of the engine.
    pub step: u64,
    /// When, since the start.
    pub at: Duration,
    /// The messages of the call concerned.
    pub ladder: String,
}

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The options it was run with.
    pub options: RunOptions,
    /// Name of the scenario.
    pub scenario: String,
    /// Steps of the engine.
    pub steps: u64,
    /// What was counted.
    pub tally: Tally,
    /// Attempts to reach a person.
    pub served: Served,
    /// Offers to seats: all, and those whose caller was on another shard than the seat.
    pub offers: (u64, u64),
    /// Messages of the engine that stand in the log, and messages to it, each counted once however
    /// often it arrived, as the wires count them.
    pub messages: (u64, u64),
    /// What the faults did until they were over, by name: how often each mishap happened, what
    /// became of datagrams, which quirks of far ends showed.
    pub faults: BTreeMap<&'static str, u64>,
    /// SHA-256 of the log, hexadecimal.
    pub log_sha256: String,
    /// Why the copy of the log is not whole, if it is not.
    pub log_failure: Option<String>,
    /// The first broken promise; the run ended there.
    pub failure: Option<Failure>,
}

/// A part of a whole; 1 of nothing, since nobody was let down.
fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 1.0,
        _ => part as f64 / whole as f64,
    }
}

impl RunReport {
    /// The one command that runs it again.
    #[must_use]
    pub fn replay(&self) -> String {
        self.replay_of(&self.scenario)
    }

    /// The same for a scenario that was read from this file.
    #[must_use]
    pub fn replay_of(&self, scenario: &str) -> String {
        let RunOptions {
            seed,
            days,
            faults,
            restore_at,
            queue,
        } = &self.options;
        let restore = restore_at.map_or(String::new(), |step| format!(" --restore-at {step}"));
        let queue = match queue {
            QueueKind::LockFree => String::new(),
            other => format!(" --queue {}", other.as_str()),
        };
        format!(
            "meishier sim --scenario {scenario} --seed {seed} --days {days} --faults {}{restore}{queue}",
            faults.as_str()
        )
    }

    /// Province-years that were simulated, by the number of calls.
    #[must_use]
    pub fn province_years(&self) -> f64 {
        self.served.attempts as f64 / PROVINCE_YEAR
    }

    /// Share of all attempts that a person answered within 15 s, 0 to 1.
    #[must_use]
    pub fn answered_15s(&self) -> f64 {
        share(self.tally.answered_15s, self.served.attempts)
    }

    /// The same of attempts by callers at risk.
    #[must_use]
    pub fn risk_answered_15s(&self) -> f64 {
        share(self.tally.risk_answered_15s, self.served.risk_attempts)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "step {} at {:?}: {}", self.step, self.at, self.violation)?;
        f.write_str(&self.ladder)
    }
}

/// Runs a scenario. `log` gets a copy of the log.
///
/// # Errors
/// The scenario's configuration does not fit the engine; whoever wrote it is at fault.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    log: Option<Box<dyn Write>>,
) -> Result<RunReport, WorldError> {
    judged(scenario, options, log, Wrong::default())
}

/// What is wrong on purpose in a run of a test.
#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    /// In the engine.
    flaw: Flaw,
    /// The judges are shown this record, counted from 1, twice.
    forge: Option<u64>,
}

/// Runs a scenario with an engine that is broken on purpose.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "defects")]
pub fn run_broken(
    scenario: &Scenario,
    options: &RunOptions,
    defect: crate::Defect,
) -> Result<RunReport, WorldError> {
    let flaw = Flaw::of(defect);
    judged(scenario, options, None, Wrong { flaw, forge: None })
}

/// A run whose judges are shown one record, counted from 1, twice: how a failure looks while
/// nothing is broken. For tests.
///
/// # Errors
/// As [`run`].
#[doc(hidden)]
pub fn run_forged(
    scenario: &Scenario,
    options: &RunOptions,
    log: Option<Box<dyn Write>>,
    forge: Option<u64>,
) -> Result<RunReport, WorldError> {
    let flaw = Flaw::default();
    judged(scenario, options, log, Wrong { flaw, forge })
}

fn judged(
    scenario: &Scenario,
    options: &RunOptions,
    log: Option<Box<dyn Write>>,
    wrong: Wrong,
) -> Result<RunReport, WorldError> {
    let (mut world, violation) = play(scenario, options, log, (false, wrong))?;
    let log_failure = world.close_log();
    let failure = match violation {
        None => None,
        Some(violation) => Some(explain(scenario, options, &world, violation, wrong)?),
    };
    Ok(RunReport {
        options: options.clone(),
        scenario: scenario.name.clone(),
        steps: world.steps(),
        tally: world.tally().clone(),
        served: world.served(),
        offers: world.offers(),
        messages: world.messages(),
        faults: world.faults(),
        log_sha256: world.log_sha256(),
        log_failure,
        failure,
    })
}

fn explain(
    scenario: &Scenario,
    options: &RunOptions,
    world: &World,
    violation: Violation,
    wrong: Wrong,
) -> Result<Failure, WorldError> {
    let (again, second) = play(scenario, options, None, (true, wrong))?;
    let ladder = match second {
        Some(second) if second == violation => again
            .ladder(violation.call.as_deref())
            .unwrap_or_default(),
        _ => "the second run of this seed went another way: the engine or the simulator uses something that does not follow from the seed\n".to_owned(),
    };
    Ok(Failure {
        violation,
        step: world.steps(),
        at: world.lasted(),
        ladder,
    })
}

fn play(
    scenario: &Scenario,
    options: &RunOptions,
    log: Option<Box<dyn Write>>,
    (trace, wrong): (bool, Wrong),
) -> Result<(World, Option<Violation>), WorldError> {
    let mut world = World::start(
        scenario,
        WorldSettings {
            seed: options.seed,
            lasts: scenario.day * options.days.max(1),
            peace: PEACE,
            faults: options.faults,
            queue: options.queue,
            log,
            trace,
            flaw: wrong.flaw,
            forge: wrong.forge,
        },
    )?;
    let violation = phases(&mut world, options, scenario.day).err();
    Ok((world, violation))
}

fn phases(world: &mut World, options: &RunOptions, day: Duration) -> Result<(), Violation> {
    let restore_at = options.restore_at;
    let mut restored = false;
    let mut restore = |world: &mut World| -> Result<bool, Violation> {
        if !restored && restore_at.is_some_and(|step| world.steps() >= step) {
            restored = true;
            world.replace_engine()?;
        }
        Ok(true)
    };
    let start = world.now().mono;
    let end = start + day * options.days.max(1);
    world.run(end, &mut restore)?;
    world.end_faults();
    world.run(end + PEACE, &mut restore)?;
    let limit: Mono = end + PEACE + LAST_CALLS;
    world.run(limit, &mut |world| {
        restore(world)?;
        Ok(!world.quiet())
    })?;
    if let Some(call) = world.ignored() {
        return Err(Violation {
            invariant: Invariant::OnePlace,
            call: Some(call.to_owned()),
            what: "nothing went wrong any more, and a caller had no answer".to_owned(),
        });
    }
    if !world.quiet() {
        return Err(Violation {
            invariant: Invariant::Baseline,
            call: world.somebody_left(),
            what: format!(
                "{:?} after the last caller began and with no more faults, calls are still there",
                LAST_CALLS
            ),
        });
    }
    let rest = world.now().mono + REST;
    world.run(rest, &mut restore)?;
    world.judge_rest()
}
