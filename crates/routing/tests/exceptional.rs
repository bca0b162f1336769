//! Exceptional days: which entry counts for which pool at which moment.

use meishier_model::{PoolId, Wall};
use meishier_routing::{
    Exceptional, ExceptionalDays, ExceptionalError, ExceptionalLines, ExceptionalPools,
};
use proptest::prelude::*;

const A: PoolId = PoolId(1);
const B: PoolId = PoolId(2);

fn entry(from: i64, to: i64, pools: &[PoolId], lines: ExceptionalLines) -> Exceptional {
    Exceptional {
        from: Wall(from),
        to: Wall(to),
        pools: if pools.is_empty() {
            ExceptionalPools::All
        } else {
            ExceptionalPools::These(pools.to_vec())
        },
        lines,
        reason: format!("{from}-{to}"),
    }
}

use ExceptionalLines::{AllLines, Closed, Number};

#[test]
fn a_disaster_opens_all_lines() {
    let days = ExceptionalDays::compile(vec![entry(100, 200, &[], AllLines)]).unwrap();
    let lines = |wall, planned, most| days.lines(A, planned, most, Wall(wall));
    assert_eq!(lines(99, 2, 9), 2);
    assert_eq!(lines(100, 2, 9), 9, "from the first millisecond");
    assert_eq!(lines(150, 0, 9), 9, "closed by the schedule");
    assert_eq!(lines(199, 2, 9), 9);
    assert_eq!(lines(200, 2, 9), 2, "the end does not count");
    assert_eq!(lines(150, 0, 0), 0, "a pool without shifts stays closed");
    // A look-up remembers nothing: a clock set back sees what was.
    assert_eq!(
        (lines(150, 2, 9), lines(50, 2, 9), lines(150, 2, 9)),
        (9, 2, 9)
    );
    for end in [i64::MIN, i64::MAX] {
        assert_eq!(lines(end, 2, 9), 2);
    }
}

#[test]
fn the_later_entry_wins_pool_by_pool() {
    let days = ExceptionalDays::compile(vec![
        entry(100, 200, &[], AllLines),
        entry(120, 180, &[B, A, B], Closed),
        entry(140, 160, &[A], Number(4)),
    ])
    .unwrap();
    let lines = |wall| [A, B, PoolId(3)].map(|pool| days.lines(pool, 2, 9, Wall(wall)));
    assert_eq!(lines(110), [9, 9, 9]);
    assert_eq!(lines(130), [0, 0, 9]);
    assert_eq!(lines(150), [4, 0, 9]);
    assert_eq!(lines(170), [0, 0, 9]);
    assert_eq!(lines(190), [9, 9, 9]);
    assert_eq!(lines(200), [2, 2, 2]);
    let reason = |pool, wall| days.in_force(pool, Wall(wall)).map(|e| e.reason.as_str());
    assert_eq!(reason(A, 150), Some("140-160"));
    assert_eq!(reason(B, 150), Some("120-180"));
    assert_eq!(reason(PoolId(3), 150), Some("100-200"));
    assert_eq!(reason(A, 200), None);
    let mut at = Wall(i64::MIN);
    let mut changes = vec![];
    while let Some(next) = days.next_change(at) {
        changes.push(next.0);
        at = next;
    }
    assert_eq!(changes, [100, 120, 140, 160, 180, 200]);
    // The other way round the entry for all covers the rest.
    let days = ExceptionalDays::compile(vec![
        entry(120, 180, &[A], Closed),
        entry(100, 200, &[], AllLines),
    ])
    .unwrap();
    assert_eq!(days.lines(A, 2, 9, Wall(150)), 9);
    assert_eq!(
        days.next_change(Wall(100)),
        Some(Wall(200)),
        "nothing changes between"
    );
}

#[test]
fn entries_made_by_hand_win_and_go() {
    let file = ExceptionalDays::compile(vec![entry(100, 200, &[A], Closed)]).unwrap();
    let by_hand = file.with(entry(150, 400, &[A], Number(1))).unwrap();
    assert_eq!(
        file.lines(A, 2, 9, Wall(160)),
        0,
        "the old list is as it was"
    );
    assert_eq!(by_hand.lines(A, 2, 9, Wall(160)), 1);
    assert_eq!(by_hand.without_past(Wall(199)), by_hand);
    let later = by_hand.without_past(Wall(200));
    assert_eq!(later.entries().len(), 1);
    assert_eq!(later.lines(A, 2, 9, Wall(300)), 1);
    assert_eq!(later.without_past(Wall(400)), ExceptionalDays::default());
    let gone = file.with(entry(7, 7, &[], Closed));
    assert_eq!(gone.unwrap_err(), ExceptionalError::Empty(1));
}

#[test]
fn a_list_has_durations_and_a_bound() {
    let none = ExceptionalDays::compile(vec![]).unwrap();
    assert_eq!(none, ExceptionalDays::default());
    assert_eq!(none.next_change(Wall(i64::MIN)), None);
    assert_eq!(none.lines(A, 3, 9, Wall(0)), 3);
    let backwards =
        ExceptionalDays::compile(vec![entry(1, 2, &[], Closed), entry(5, 4, &[], Closed)]);
    assert_eq!(backwards.unwrap_err(), ExceptionalError::Empty(1));
    let many = |n: usize| {
        let entries = (0..n as i64).map(|at| entry(at, at + 1000, &[A], Number(1)));
        ExceptionalDays::compile(entries.collect()).map(|days| days.entries().len())
    };
    assert_eq!(many(ExceptionalDays::MOST), Ok(ExceptionalDays::MOST));
    assert_eq!(
        many(ExceptionalDays::MOST + 1),
        Err(ExceptionalError::TooMany)
    );
    // No pool at all is nobody, not everybody.
    let nobody = Exceptional {
        pools: ExceptionalPools::These(vec![]),
        ..entry(0, 10, &[], Closed)
    };
    let days = ExceptionalDays::compile(vec![nobody]).unwrap();
    assert_eq!(days.lines(A, 3, 9, Wall(5)), 3);
}

fn entries() -> impl Strategy<Value = Vec<Exceptional>> {
    let lines = prop_oneof![Just(AllLines), Just(Closed), (0u16..5).prop_map(Number)];
    let pools = proptest::collection::vec((0u16..4).prop_map(PoolId), 0..3);
    let one = (0i64..60, 1i64..30, pools, lines)
        .prop_map(|(from, length, pools, lines)| entry(from, from + length, &pools, lines));
    proptest::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn as_a_walk_over_the_list(entries in entries()) {
        let days = ExceptionalDays::compile(entries.clone()).unwrap();
        for (wall, pool) in (-1..95).flat_map(|wall| (0..4).map(move |p| (Wall(wall), PoolId(p)))) {
            let concerns = |e: &&Exceptional| {
                let pools = match &e.pools {
                    ExceptionalPools::All => true,
                    ExceptionalPools::These(these) => these.contains(&pool),
                };
                pools && e.from <= wall && wall < e.to
            };
            let expected = match entries.iter().rev().find(concerns).map(|e| e.lines) {
                None => 2,
                Some(AllLines) => 9,
                Some(Closed) => 0,
                Some(Number(n)) => n,
            };
            prop_assert_eq!(days.lines(pool, 2, 9, wall), expected);
            // Nothing changes before the next change.
            if let Some(next) = days.next_change(wall) {
                prop_assert!(next > wall);
                let last = Wall(next.0 - 1);
                prop_assert_eq!(days.lines(pool, 2, 9, last), expected);
            } else {
                prop_assert_eq!(days.lines(pool, 2, 9, Wall(wall.0 + 1_000_000)), expected);
            }
        }
    }
}
