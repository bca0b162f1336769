//! A fixed set of seeds over all shipped scenarios and all levels of faults ends without a broken
//! promise. Fresh seeds are the soak's.

mod whole;

use meishier_sim::scenario::NAMES;
use meishier_sim::{FaultLevel, run};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use whole::{named, options};

/// Scenario, faults, seeds, days. The surges begin on the second day.
type Runs = (&'static str, FaultLevel, RangeInclusive<u64>, u32);

const QUIET: &[Runs] = &[
    ("guizhou", FaultLevel::None, 101..=102, 1),
    ("beijing", FaultLevel::None, 101..=102, 1),
    ("surge2", FaultLevel::None, 101..=101, 2),
    ("surge3", FaultLevel::None, 101..=101, 2),
    ("overload", FaultLevel::None, 101..=101, 1),
    ("tiny", FaultLevel::None, 101..=102, 1),
    ("shanghai", FaultLevel::None, 101..=101, 1),
    ("guangzhou", FaultLevel::None, 101..=101, 2),
    ("zhuzhou", FaultLevel::None, 101..=101, 1),
    ("referral", FaultLevel::None, 101..=101, 1),
    ("nation", FaultLevel::None, 101..=101, 1),
];

const LIGHT: &[Runs] = &[
    ("guizhou", FaultLevel::Light, 201..=203, 1),
    ("beijing", FaultLevel::Light, 201..=203, 1),
    ("surge2", FaultLevel::Light, 201..=201, 2),
    ("surge3", FaultLevel::Light, 201..=201, 2),
    ("overload", FaultLevel::Light, 201..=201, 1),
    ("tiny", FaultLevel::Light, 201..=202, 1),
    ("shanghai", FaultLevel::Light, 201..=201, 1),
    ("guangzhou", FaultLevel::Light, 201..=201, 1),
    ("zhuzhou", FaultLevel::Light, 201..=201, 1),
    ("referral", FaultLevel::Light, 201..=201, 1),
    ("nation", FaultLevel::Light, 201..=201, 1),
];

const SWARM_OF_PROVINCES: &[Runs] = &[
    ("guizhou", FaultLevel::Swarm, 301..=310, 1),
    ("beijing", FaultLevel::Swarm, 301..=312, 1),
];

const SWARM_OF_TABLES: &[Runs] = &[
    ("shanghai", FaultLevel::Swarm, 301..=302, 1),
    ("guangzhou", FaultLevel::Swarm, 301..=302, 1),
    ("zhuzhou", FaultLevel::Swarm, 301..=302, 1),
    ("referral", FaultLevel::Swarm, 301..=303, 1),
    ("nation", FaultLevel::Swarm, 301..=301, 1),
];

const SWARM_OF_CROWDS: &[Runs] = &[
    ("surge2", FaultLevel::Swarm, 301..=304, 2),
    ("surge3", FaultLevel::Swarm, 301..=304, 2),
    ("overload", FaultLevel::Swarm, 301..=302, 1),
    ("tiny", FaultLevel::Swarm, 301..=308, 1),
];

/// Plays them all, and tells of every failure, not of the first alone.
fn play(list: &[Runs]) {
    let mut broken = Vec::new();
    for (name, faults, seeds, days) in list {
        let scenario = named(name);
        for seed in seeds.clone() {
            let report = run(&scenario, &options(seed, *days, *faults), None).unwrap();
            assert!(report.steps > 1_000, "{}", report.replay());
            assert!(report.served.attempts >= report.tally.calls / 2);
            if let Some(failure) = &report.failure {
                println!("{failure}\n{}\n", report.replay());
                broken.push(format!("{}: {}", report.replay(), failure.violation));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn nothing_breaks_without_faults() {
    play(QUIET);
}

#[test]
fn nothing_breaks_with_a_little_of_everything() {
    play(LIGHT);
}

#[test]
fn nothing_breaks_in_swarms_over_provinces() {
    play(SWARM_OF_PROVINCES);
}

#[test]
fn nothing_breaks_in_swarms_over_every_shipped_table() {
    play(SWARM_OF_TABLES);
}

#[test]
fn nothing_breaks_in_swarms_over_crowds() {
    play(SWARM_OF_CROWDS);
}

#[test]
fn every_scenario_is_played_at_every_level() {
    let lists = [
        QUIET,
        LIGHT,
        SWARM_OF_PROVINCES,
        SWARM_OF_TABLES,
        SWARM_OF_CROWDS,
    ];
    let played: BTreeSet<_> = lists
        .into_iter()
        .flatten()
        .map(|(name, faults, ..)| (*name, faults.as_str()))
        .collect();
    assert_eq!(played.len(), NAMES.len() * 3);
    assert!(played.iter().all(|(name, _)| NAMES.contains(name)));
}
