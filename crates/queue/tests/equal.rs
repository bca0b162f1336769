//! The queue against the reference model: the same operations in one thread, the same answers, the
//! same matches in the same order.
//!
//! Each test plays a million operations, ten million together. `EQUAL_SEED` plays one seed alone,
//! `EQUAL_STEPS` so many operations of each seed.

mod fixtures;

use fixtures::shape::{DENSE, Shape};
use fixtures::twins::Twins;
use meishier_queue::Strategy;

/// How many seeds a test plays, and how many operations of each.
const SEEDS: u64 = 20;
const STEPS: u64 = 50_000;

fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}: not a number: {text}")),
    )
}

/// Plays a shape. One match in so many operations is expected at least.
fn play(test: &str, shape: &Shape, views: u64, least: u64) {
    let seeds: Vec<u64> = given("EQUAL_SEED").map_or((1..=SEEDS).collect(), |seed| vec![seed]);
    let steps = given("EQUAL_STEPS").unwrap_or(STEPS);
    let (mut played, mut matches) = (0, 0);
    for seed in seeds {
        let replay = format!(
            "EQUAL_SEED={seed} cargo test --profile soak -p meishier-queue --test equal -- --exact {test}"
        );
        let mut twins = Twins::new(shape.clone(), seed, replay);
        twins.play(steps, views);
        played += steps;
        matches += twins.matches();
    }
    println!("{test}: {played} operations, {matches} matches");
    if given("EQUAL_SEED").is_none() && given("EQUAL_STEPS").is_none() {
        assert_eq!(played, 1_000_000);
        assert!(matches > played / least, "too little happened: {matches}");
    }
}

#[test]
fn everything_meets() {
    play("everything_meets", &DENSE, 64, 20);
}

#[test]
fn many_skills() {
    let shape = Shape {
        skills: 64,
        needs: 3,
        lacks: 4,
        seats: 24,
        calls: 64,
        max_callers: 48,
        lines: 12,
        reserved: 8,
        ..DENSE
    };
    play("many_skills", &shape, 256, 20);
}

#[test]
fn classes_risk_and_reserves() {
    let shape = Shape {
        pools: 2,
        skills: 1,
        needs: 0,
        lacks: 0,
        preferences: 0,
        risk: 3,
        own: 0,
        reserved: 2,
        calls: 40,
        max_callers: 32,
        lines: 8,
        rings: 2,
        ..DENSE
    };
    play("classes_risk_and_reserves", &shape, 64, 20);
}

#[test]
fn seats_of_their_own() {
    let shape = Shape {
        own: 2,
        lines: 8,
        calls: 32,
        max_callers: 24,
        ..DENSE
    };
    play("seats_of_their_own", &shape, 64, 20);
}

#[test]
fn levels_and_weights() {
    let shape = Shape {
        strategies: &[Strategy::BestSkill],
        preferences: 8,
        skills: 6,
        seats: 16,
        lines: 16,
        own: 12,
        ..DENSE
    };
    play("levels_and_weights", &shape, 64, 20);
}

#[test]
fn eight_rings_and_seats_in_eight_pools() {
    let shape = Shape {
        pools: 12,
        rings: 8,
        seat_pools: 8,
        seats: 16,
        calls: 32,
        max_callers: 24,
        ..DENSE
    };
    play("eight_rings_and_seats_in_eight_pools", &shape, 64, 20);
}

#[test]
fn the_same_stamps() {
    let shape = Shape {
        stamps: 1,
        ties: 3,
        step: 0,
        calls: 48,
        max_callers: 40,
        lines: 8,
        ..DENSE
    };
    play("the_same_stamps", &shape, 64, 20);
}

#[test]
fn a_full_queue() {
    let shape = Shape {
        max_callers: 6,
        capacity: 9,
        calls: 24,
        risk: 3,
        take_all: 30,
        lines: 8,
        ..DENSE
    };
    play("a_full_queue", &shape, 64, 40);
}

#[test]
fn few_lines_that_change() {
    let shape = Shape {
        lines: 2,
        pool_changes: 3,
        seats: 12,
        calls: 24,
        max_callers: 20,
        reserved: 12,
        ..DENSE
    };
    play("few_lines_that_change", &shape, 64, 40);
}

#[test]
fn a_crowd() {
    let shape = Shape {
        seats: 100,
        calls: 600,
        max_callers: 500,
        lines: 60,
        skills: 5,
        needs: 2,
        lacks: 2,
        stamps: 4000,
        step: 500,
        restarts: 5000,
        ..DENSE
    };
    play("a_crowd", &shape, 1024, 20);
}

/// What is compared is enough to see each of the defects that the simulator knows.
#[cfg(feature = "defects")]
#[test]
fn no_deliberate_defect_goes_unseen() {
    use meishier_queue::Defect::*;
    let shape = Shape {
        restarts: 0,
        ..DENSE
    };
    for defect in [
        LastComesFirst,
        RiskStandsBehind,
        WaitingLiftsNobody,
        SkillsIgnored,
        FullRefusesRisk,
        PutBackLosesPlace,
        AbandonTakesAnother,
        FreedLineUnmatched,
        OneLineTooMany,
        WithdrawnSeatStays,
    ] {
        let seen = std::panic::catch_unwind(|| {
            let mut twins = Twins::new(shape.clone(), 1, format!("with {defect:?}"));
            twins.break_deliberately(defect);
            twins.play(20_000, 64);
        });
        assert!(seen.is_err(), "{defect:?} makes no difference");
    }
}
