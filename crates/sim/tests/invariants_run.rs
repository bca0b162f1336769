//! A sound engine is never accused, whatever the people, the wires and the inboxes do.

mod invariants_world;

use invariants_world::scene::{Faults, Scene};

fn runs(seeds: std::ops::Range<u64>, faults: Faults) {
    for seed in seeds {
        let mut scene = Scene::new(seed, faults);
        for turn in 0..120 {
            scene.act();
            if let Some(found) = &scene.rig.found {
                panic!(
                    "seed {seed}, turn {turn}, step {}: {found:?}",
                    scene.rig.steps
                );
            }
        }
        scene.end();
        if let Some(found) = &scene.rig.found {
            panic!("seed {seed}, at the end: {found:?}");
        }
        assert!(!scene.rig.records.is_empty(), "seed {seed} saw no call");
    }
}

#[test]
fn a_quiet_day() {
    runs(0..60, Faults::default());
}

#[test]
fn messages_are_lost() {
    runs(
        100..160,
        Faults {
            loss: true,
            ..Faults::default()
        },
    );
}

#[test]
fn inboxes_lag() {
    runs(
        200..260,
        Faults {
            lag: true,
            ..Faults::default()
        },
    );
}

#[test]
fn shards_are_made_anew() {
    runs(
        300..340,
        Faults {
            restore: true,
            ..Faults::default()
        },
    );
}

#[test]
fn the_clock_is_set() {
    runs(
        400..440,
        Faults {
            jumps: true,
            ..Faults::default()
        },
    );
}

#[test]
fn another_configuration() {
    runs(
        600..640,
        Faults {
            reload: true,
            ..Faults::default()
        },
    );
}

#[test]
fn everything_at_once() {
    runs(
        500..560,
        Faults {
            loss: true,
            lag: true,
            restore: true,
            jumps: true,
            reload: false,
        },
    );
}
