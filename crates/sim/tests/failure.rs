//! How a broken promise is told, shown on runs whose judges see one record twice.

mod whole;

use meishier_sim::{FaultLevel, QueueKind, RunReport, run, run_forged};
use whole::{named, options};

const FORGED: u64 = 12;

fn forged(name: &str, seed: u64, faults: FaultLevel) -> RunReport {
    let options = options(seed, 1, faults);
    run_forged(&named(name), &options, None, Some(FORGED)).unwrap()
}

#[test]
fn a_failure_tells_everything_that_is_needed() {
    let report = forged("tiny", 7, FaultLevel::Light);
    let failure = report.failure.as_ref().expect("the judges saw it");
    assert_eq!(
        report.replay(),
        "meishier sim --scenario tiny --seed 7 --days 1 --faults light"
    );
    assert_eq!(
        report.replay_of("mine.toml"),
        "meishier sim --scenario mine.toml --seed 7 --days 1 --faults light"
    );
    let mut other = report.clone();
    other.options.queue = QueueKind::OneLock;
    assert_eq!(
        other.replay(),
        "meishier sim --scenario tiny --seed 7 --days 1 --faults light --queue one-lock"
    );
    // The run ends where it was seen.
    assert_eq!(failure.step, report.steps);
    assert!(failure.step > 100 && !failure.at.is_zero(), "{failure:?}");
    let name = format!("{}", failure.violation.invariant);
    let told = failure.to_string();
    let first = told.lines().next().unwrap();
    assert!(
        first.starts_with(&format!("step {} at ", failure.step)),
        "{first}"
    );
    assert!(first.contains(&name), "{name}: {first}");
    assert!(first.contains(&failure.violation.what), "{first}");
    assert!(told.ends_with(&failure.ladder));
}

#[test]
fn the_ladder_is_that_of_the_call() {
    // The first caller of the day is answered.
    let options = options(3, 1, FaultLevel::None);
    let report = run_forged(&named("guizhou"), &options, None, Some(1)).unwrap();
    let failure = report.failure.expect("the judges saw it");
    let call = failure.violation.call.expect("a record is of a call");
    assert!(!call.is_empty());
    let ladder = failure.ladder;
    let head = ladder.lines().next().unwrap();
    // The caller's leg, the engine, and the seat's.
    let parties: Vec<&str> = head.split_whitespace().collect();
    assert_eq!(parties.len(), 3, "{ladder}");
    assert!(parties[0].starts_with("carrier"), "{ladder}");
    assert_eq!(parties[1], "engine", "{ladder}");
    for message in ["INVITE", "200 (INVITE)", "ACK", "BYE", "200 (BYE)"] {
        assert!(ladder.contains(message), "{message}:\n{ladder}");
    }
    // No other call: one INVITE to the engine, no numbers of callers.
    assert!(ladder.lines().count() < 60, "{ladder}");
    assert!(!ladder.contains("12356"), "{ladder}");
}

#[test]
fn a_replay_fails_at_the_same_step() {
    for (name, seed, faults) in [
        ("guizhou", 2, FaultLevel::Swarm),
        ("tiny", 9, FaultLevel::Swarm),
    ] {
        let (one, other) = (forged(name, seed, faults), forged(name, seed, faults));
        let (one_failure, other_failure) = (one.failure.unwrap(), other.failure.unwrap());
        assert_eq!(one_failure.step, other_failure.step);
        assert_eq!(one_failure.at, other_failure.at);
        assert_eq!(one_failure.violation, other_failure.violation);
        assert_eq!(one_failure.ladder, other_failure.ladder);
        assert_eq!(one.log_sha256, other.log_sha256);
        assert!(
            one_failure.ladder.contains("INVITE"),
            "{}",
            one_failure.ladder
        );
    }
}

#[test]
fn nothing_fails_that_was_not_forged() {
    let options = options(7, 1, FaultLevel::Light);
    let report = run(&named("tiny"), &options, None).unwrap();
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert!(report.steps > forged("tiny", 7, FaultLevel::Light).steps);
    // A record that the run never writes forges nothing.
    let same = run_forged(&named("tiny"), &options, None, Some(u64::MAX)).unwrap();
    assert_eq!(same.log_sha256, report.log_sha256);
}
