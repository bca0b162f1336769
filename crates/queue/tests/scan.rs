//! More different requirements than any table of lanes has rows: still the reference model's matches.

mod fixtures;

use fixtures::operation::Operation;
use fixtures::shape::{DENSE, Shape};
use fixtures::twins::Twins;
use fixtures::{caller, is_one_lock};
use meishier_model::{CallId, ShardId, SkillSet};
use meishier_queue::Caller;
use std::collections::BTreeSet;

/// Everybody needs something else.
const DIFFERENT: Shape = Shape {
    skills: 64,
    needs: 6,
    preferences: 8,
    lacks: 9,
    seats: 200,
    calls: 6000,
    max_callers: 5000,
    capacity: 6000,
    lines: 200,
    pool_changes: 2000,
    restarts: 0,
    ..DENSE
};

/// Waiting callers of whom no two need the same.
fn fill(twins: &mut Twins, callers: u64) {
    let mut seen = BTreeSet::new();
    for n in 0..callers {
        let required = SkillSet(n << 3 | n << 40 | 1);
        assert!(seen.insert(required.0));
        let more = Caller {
            call: CallId(n),
            shard: ShardId((n % u64::from(DIFFERENT.shards)) as u16),
            required,
            ..caller(n, 0)
        };
        twins.both(Operation::Enqueue(more));
    }
}

#[test]
fn thousands_of_requirements_are_matched_like_a_few() {
    let mut twins = Twins::new(DIFFERENT, 1, "scan".to_owned());
    fill(&mut twins, 4000);
    assert_eq!(twins.model.counts().waiting, 4000);
    assert!(
        is_one_lock(&twins.queue) || twins.queue.figures().scanned > 0,
        "all of them had a row: this test needs more of them"
    );
    twins.play(20_000, 2000);
    assert!(twins.matches() > 1000, "{}", twins.matches());
}

#[test]
fn rows_of_requirements_that_nobody_has_any_more_are_used_again() {
    let shape = Shape {
        calls: 200,
        max_callers: 100,
        ..DIFFERENT
    };
    let mut twins = Twins::new(shape, 2, "scan".to_owned());
    twins.play(50_000, 2000);
    assert!(twins.matches() > 1000, "{}", twins.matches());
}
