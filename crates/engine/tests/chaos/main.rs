//! Seeded disorder: callers, seats and the police do anything at any moment, messages come twice or
//! not at all, shards are replaced by their snapshots, what shards tell each other comes late.
//! Whatever happens, every call that was accepted leaves exactly one record, and everything
//! returns to its baseline.
//!
//! `CHAOS_SEED=n` plays one seed, `CHAOS_SEEDS=n` the first n.

mod checks;
mod scene;
mod vanish;
#[path = "../world/mod.rs"]
mod world;

use scene::{Disorder, Scene};
use std::collections::BTreeMap;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|s| s.parse().ok())
}

fn play(disorder: Disorder, seeds: u64) {
    let seeds = number("CHAOS_SEEDS").unwrap_or(seeds);
    let (first, last) = number("CHAOS_SEED").map_or((1, seeds), |seed| (seed, seed));
    let mut brought: BTreeMap<String, u32> = BTreeMap::new();
    for seed in first..=last {
        let run = std::panic::catch_unwind(|| {
            let mut scene = Scene::new(seed, disorder);
            for _ in 0..150 {
                scene.step();
            }
            assert!(scene.accepted.len() > 5, "something happened");
            scene.end()
        });
        let Ok(more) = run else {
            panic!("seed {seed}");
        };
        for (key, count) in more {
            *brought.entry(key).or_default() += count;
        }
    }
    if last - first > 30 {
        let any = |keys: &[&str]| keys.iter().any(|key| brought.contains_key(*key));
        assert!(any(&["110"]), "no police came: {brought:?}");
        let seats = ["2", "3", "supervise"];
        assert!(any(&seats), "no seat was called in: {brought:?}");
    }
}

#[test]
fn every_accepted_call_leaves_one_record_and_nothing_stays_behind() {
    play(Disorder::default(), 50);
}

#[test]
fn shards_that_hear_of_each_other_late_and_in_any_order_agree_in_the_end() {
    let late = Disorder {
        late: true,
        ..Disorder::default()
    };
    play(late, 60);
}

#[test]
fn lost_messages_and_dead_flows_lose_no_call() {
    let lossy = Disorder {
        late: true,
        lossy: true,
        ..Disorder::default()
    };
    play(lossy, 60);
}

#[test]
fn peers_that_vanish_in_mid_talk_leave_nothing_and_nobody_else_is_cut() {
    let vanish = Disorder {
        vanish: true,
        ..Disorder::default()
    };
    play(vanish, 60);
    let late = Disorder {
        late: true,
        ..vanish
    };
    play(late, 60);
    let lossy = Disorder {
        lossy: true,
        ..late
    };
    play(lossy, 60);
}

#[test]
fn an_engine_that_goes_on_in_another_process_loses_no_call() {
    for (late, lossy) in [(false, false), (true, false), (true, true)] {
        let killed = true;
        play(
            Disorder {
                late,
                lossy,
                killed,
                ..Disorder::default()
            },
            40,
        );
    }
}
