//! Transfer keys in every way at once: several in one call, targets in order, two people who press in
//! one moment, keys taken back as the target answers, counsellors who leave and who drop out, callers
//! who hang up in the middle; with faults, and with restarts in the middle of it.

use meishier_sim::{FaultLevel, QueueKind, RunOptions, Scenario, run};

const KEYS: &str = include_str!("transfers/keys.toml");

fn options(seed: u64, faults: FaultLevel, restore_at: Option<u64>) -> RunOptions {
    RunOptions {
        seed,
        days: 1,
        faults,
        restore_at,
        queue: QueueKind::default(),
    }
}

/// Every run whose judges accuse the engine, and how many steps the last took.
fn accused(all: impl IntoIterator<Item = RunOptions>) -> (Vec<String>, u64) {
    let scenario = Scenario::parse(KEYS).expect("the scenario can be read");
    let (mut out, mut steps) = (Vec::new(), 0);
    for options in all {
        let report = run(&scenario, &options, None).expect("the scenario fits");
        steps = report.steps;
        let failure = report.failure.as_ref();
        out.extend(failure.map(|failure| format!("{}\n{failure}", report.replay())));
    }
    (out, steps)
}

fn not_accused(all: impl IntoIterator<Item = RunOptions>) -> u64 {
    let (out, steps) = accused(all);
    assert!(out.is_empty(), "{} runs:\n{}", out.len(), out.join("\n"));
    steps
}

#[test]
fn a_sound_engine_is_not_accused() {
    not_accused((0..6).map(|seed| options(seed, FaultLevel::None, None)));
}

#[test]
fn a_sound_engine_among_faults_is_not_accused() {
    let levels = [FaultLevel::Light, FaultLevel::Swarm];
    let all = levels
        .into_iter()
        .flat_map(|level| (0..6).map(move |seed| (seed, level)));
    not_accused(all.map(|(seed, level)| options(seed, level, None)));
}

#[test]
fn a_restart_in_the_middle_of_anything_is_survived() {
    let steps = not_accused([options(7, FaultLevel::None, None)]);
    let parts = (1..12).map(|part| steps * part / 12);
    not_accused(parts.map(|step| options(7, FaultLevel::None, Some(step))));
}
