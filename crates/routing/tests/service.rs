//! Service states: every combination of facts that matters, and what may never get worse.

use meishier_model::Wall;
use meishier_routing::{Hand, PoolFacts, Service, ServiceRules};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

const RULES: ServiceRules = ServiceRules {
    overloaded_waiting: Some(5),
    overloaded_wait: Some(Duration::from_secs(120)),
    going_down: Some(Duration::from_secs(900)),
};

/// An open pool with everybody there.
const FINE: PoolFacts = PoolFacts {
    lines: 9,
    used: 3,
    staffed: 6,
    reachable: 8,
    waiting: 0,
    oldest: None,
    closes_in: None,
    by_hand: None,
};

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn each_clause_and_its_edge() {
    use Service::{Down, GoingDown, Normal, Overloaded, Unstaffed};
    let cases = [
        ("fine", FINE, Normal),
        ("full is no state", PoolFacts { used: 9, ..FINE }, Normal),
        (
            "no telephone",
            PoolFacts {
                reachable: 0,
                staffed: 0,
                ..FINE
            },
            Down,
        ),
        (
            "no telephone, closed",
            PoolFacts {
                lines: 0,
                reachable: 0,
                staffed: 0,
                ..FINE
            },
            Unstaffed,
        ),
        (
            "nobody signed on",
            PoolFacts { staffed: 0, ..FINE },
            Unstaffed,
        ),
        (
            "one signed on",
            PoolFacts {
                staffed: 1,
                reachable: 1,
                ..FINE
            },
            Normal,
        ),
        ("closed", PoolFacts { lines: 0, ..FINE }, Unstaffed),
        (
            "4 wait",
            PoolFacts {
                waiting: 4,
                oldest: seconds(119),
                ..FINE
            },
            Normal,
        ),
        (
            "5 wait",
            PoolFacts {
                waiting: 5,
                oldest: seconds(1),
                ..FINE
            },
            Overloaded,
        ),
        (
            "one for 2 min",
            PoolFacts {
                waiting: 1,
                oldest: seconds(120),
                ..FINE
            },
            Overloaded,
        ),
        (
            "closes in 15:01",
            PoolFacts {
                closes_in: seconds(901),
                ..FINE
            },
            Normal,
        ),
        (
            "closes in 15:00",
            PoolFacts {
                closes_in: seconds(900),
                ..FINE
            },
            GoingDown,
        ),
        (
            "closes now",
            PoolFacts {
                closes_in: seconds(0),
                ..FINE
            },
            GoingDown,
        ),
        (
            "overloaded and closing",
            PoolFacts {
                waiting: 9,
                closes_in: seconds(5),
                ..FINE
            },
            Overloaded,
        ),
        (
            "unstaffed and crowded",
            PoolFacts {
                staffed: 0,
                waiting: 9,
                ..FINE
            },
            Unstaffed,
        ),
        (
            "down and crowded",
            PoolFacts {
                reachable: 0,
                waiting: 9,
                ..FINE
            },
            Down,
        ),
    ];
    for (what, facts, expected) in cases {
        assert_eq!(Service::of(&facts, &RULES), expected, "{what}");
        for by_hand in Service::ALL {
            let by_hand = PoolFacts {
                by_hand: Some(by_hand),
                ..facts
            };
            assert_eq!(
                Service::of(&by_hand, &RULES),
                by_hand.by_hand.unwrap(),
                "{what}"
            );
        }
    }
}

#[test]
fn without_rules_nothing_is_overloaded_or_going_down() {
    let none = ServiceRules::default();
    let facts = PoolFacts {
        waiting: 99,
        oldest: seconds(9999),
        closes_in: seconds(0),
        ..FINE
    };
    assert_eq!(Service::of(&facts, &none), Service::Normal);
    // Each rule alone.
    for (rules, expected) in [
        (
            ServiceRules {
                overloaded_waiting: Some(99),
                ..none
            },
            Service::Overloaded,
        ),
        (
            ServiceRules {
                overloaded_waiting: Some(100),
                ..none
            },
            Service::Normal,
        ),
        (
            ServiceRules {
                overloaded_wait: seconds(9999),
                ..none
            },
            Service::Overloaded,
        ),
        (
            ServiceRules {
                going_down: seconds(0),
                ..none
            },
            Service::GoingDown,
        ),
    ] {
        assert_eq!(Service::of(&facts, &rules), expected, "{rules:?}");
    }
}

#[test]
fn a_pool_is_full_when_every_line_is_held() {
    let full = |lines, used| {
        PoolFacts {
            lines,
            used,
            ..FINE
        }
        .full()
    };
    assert!(
        !full(2, 1) && full(2, 2) && full(2, 3),
        "3 after a change of shift"
    );
    assert!(full(0, 0), "closed");
}

#[test]
fn names_are_the_registrys_and_read_back() {
    let names: Vec<_> = Service::ALL.map(Service::as_str).into();
    assert_eq!(
        names,
        ["Normal", "Unstaffed", "Overloaded", "GoingDown", "Down"]
    );
    for state in Service::ALL {
        assert_eq!(Service::parse(state.as_str()), Some(state));
        assert_eq!(Service::parse(&state.as_str().to_lowercase()), Some(state));
        assert_eq!(state.to_string(), state.as_str());
    }
    for unknown in ["", "normal ", "Going Down", "Unreachable", "正常"] {
        assert_eq!(Service::parse(unknown), None, "{unknown:?}");
    }
    let titles: BTreeSet<_> = Service::ALL
        .into_iter()
        .flat_map(|s| [s.zh(), s.en()])
        .collect();
    assert_eq!(titles.len(), 10, "no title twice");
    let taking: Vec<_> = Service::ALL
        .into_iter()
        .filter(|s| s.takes_calls())
        .collect();
    assert_eq!(
        taking,
        [Service::Normal, Service::Overloaded, Service::GoingDown]
    );
}

#[test]
fn a_hand_counts_until_it_expires() {
    let hand = Hand {
        state: Service::Down,
        until: Some(Wall(1000)),
        reason: "停电检修".into(),
    };
    assert_eq!(hand.in_force(Wall(999)), Some(Service::Down));
    assert_eq!(hand.in_force(Wall(1000)), None);
    assert_eq!(
        hand.in_force(Wall(500)),
        Some(Service::Down),
        "the clock set back"
    );
    let open = Hand {
        until: None,
        ..hand
    };
    assert_eq!(open.in_force(Wall(i64::MAX)), Some(Service::Down));
}

fn facts() -> impl Strategy<Value = PoolFacts> {
    let wait = || proptest::option::of((0u64..300).prop_map(Duration::from_secs));
    (0u16..4, 0u16..5, 0u32..4, 0u32..4, 0u32..8, wait(), wait()).prop_map(
        |(lines, used, staffed, reachable, waiting, oldest, closes_in)| PoolFacts {
            lines,
            used,
            staffed,
            reachable,
            waiting,
            oldest,
            closes_in,
            by_hand: None,
        },
    )
}

fn rules() -> impl Strategy<Value = ServiceRules> {
    let span = || proptest::option::of((0u64..300).prop_map(Duration::from_secs));
    (proptest::option::of(1u32..8), span(), span()).prop_map(
        |(overloaded_waiting, overloaded_wait, going_down)| ServiceRules {
            overloaded_waiting,
            overloaded_wait,
            going_down,
        },
    )
}

proptest! {
    /// More people, telephones and lines never close a pool to callers.
    #[test]
    fn more_people_never_close_a_pool(facts in facts(), rules in rules(), more in 1u32..5) {
        let state = Service::of(&facts, &rules);
        let better = PoolFacts {
            lines: facts.lines + 1,
            staffed: facts.staffed + more,
            reachable: facts.reachable + more,
            ..facts
        };
        let then = Service::of(&better, &rules);
        prop_assert!(then.takes_calls());
        prop_assert!(!state.takes_calls() || then == state);
    }

    /// More callers never make a pool look better, and never close it to them.
    #[test]
    fn more_callers_only_overload(facts in facts(), rules in rules(), more in 1u32..5) {
        let state = Service::of(&facts, &rules);
        let oldest = facts.oldest.unwrap_or_default() + Duration::from_secs(u64::from(more));
        let worse = PoolFacts { waiting: facts.waiting + more, oldest: Some(oldest), ..facts };
        let then = Service::of(&worse, &rules);
        prop_assert!(then == state || then == Service::Overloaded);
        prop_assert_eq!(then.takes_calls(), state.takes_calls());
        prop_assert!(state != Service::Overloaded || then == state);
    }

    /// As the end comes nearer, going down stays going down.
    #[test]
    fn the_end_comes_nearer(facts in facts(), rules in rules(), nearer in 0u64..100) {
        let state = Service::of(&facts, &rules);
        let closes_in = facts.closes_in.map(|d| d.saturating_sub(Duration::from_secs(nearer)));
        let then = Service::of(&PoolFacts { closes_in, ..facts }, &rules);
        prop_assert!(then == state || (state, then) == (Service::Normal, Service::GoingDown));
    }

    /// Lines in use have no influence: a full pool is not a pool in trouble.
    #[test]
    fn lines_in_use_do_not_matter(facts in facts(), rules in rules(), used in 0u16..9) {
        let other = PoolFacts { used, ..facts };
        prop_assert_eq!(Service::of(&facts, &rules), Service::of(&other, &rules));
    }
}
