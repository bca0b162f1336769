//! Seeds that once broke a promise, and what the fault was. All of them must pass.
//!
//! A seed keeps its meaning only until the simulator or a scenario changes; so each fault has a test
//! of its own beside this one: the engine's in crates/engine/tests, the judges' below and in
//! invariants_forged.rs. Seeds whose runs are long are left to `cargo xtask soak`.

use meishier_sim::{FaultLevel, QueueKind, RunOptions, Scenario, run};

/// Scenario, seed, days, faults, what was found.
type Row = (&'static str, u64, u32, FaultLevel, &'static str);

const ROWS: &[Row] = &[
    (
        "surge2",
        122,
        1,
        FaultLevel::Swarm,
        "the judges did not know that a caller whose seat vanished goes before others",
    ),
    (
        "surge3",
        500_008,
        3,
        FaultLevel::Swarm,
        "the engine had no port left for a caller at risk; a sixth is kept for them now",
    ),
    (
        "beijing",
        90_016,
        2,
        FaultLevel::Swarm,
        "the judges took the shorter of two wrap-ups, of this configuration and the last",
    ),
    (
        "overload",
        149,
        1,
        FaultLevel::Swarm,
        "the same with few ports and ten times the callers",
    ),
    (
        "beijing",
        500_056,
        3,
        FaultLevel::Swarm,
        "the world left a caller out who had given up before the engine read the INVITE",
    ),
    (
        "surge3",
        500_048,
        1,
        FaultLevel::Swarm,
        "the judges forgot a leg that went on after its path had failed",
    ),
];

#[test]
fn what_was_mended_stays_mended() {
    for (name, seed, days, faults, what) in ROWS {
        let scenario = Scenario::named(name).expect("shipped");
        let options = RunOptions {
            seed: *seed,
            days: *days,
            faults: *faults,
            restore_at: None,
            queue: QueueKind::default(),
        };
        let report = run(&scenario, &options, None).expect("its configuration is right");
        if let Some(failure) = &report.failure {
            panic!("{failure}{}\nonce: {what}", report.replay());
        }
    }
}
