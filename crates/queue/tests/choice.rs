//! What fits and which seat is chosen, by name.

mod fixtures;

use fixtures::*;
use meishier_model::{CallId, Class, PoolId, SeatId, ShardId};
use meishier_queue::{
    Caller, EnqueueError, Lowest, Queue, ReadySeat, SeatError, Side, Strategy, WhyNot, Widening,
};

/// Seat that an ordinary caller gets when these are ready.
fn chosen(strategy: Strategy, seats: Vec<ReadySeat>, caller: Caller) -> Option<u32> {
    let queue = queue(strategy);
    for one in seats {
        queue.seat_ready(secs(0), one).unwrap();
    }
    queue.enqueue(secs(1), caller).unwrap();
    pairs(&queue).first().map(|(_, seat)| *seat)
}

#[test]
fn longest_idle_takes_the_seat_idle_longest() {
    let seats = [30, 10, 20].into_iter().zip(0..).map(|(at, n)| ReadySeat {
        idle_since: secs(at),
        ..seat(n)
    });
    assert_eq!(
        chosen(Strategy::LongestIdle, seats.collect(), caller(1, 0)),
        Some(1)
    );
}

#[test]
fn least_talk_counts_whole_minutes_then_idle_then_number() {
    let talked = |n, ms, idle| ReadySeat {
        talked_ms: ms,
        idle_since: secs(idle),
        ..seat(n)
    };
    let minutes = vec![talked(0, 120_000, 0), talked(1, 60_000, 9)];
    assert_eq!(chosen(Strategy::LeastTalk, minutes, caller(1, 0)), Some(1));
    let same_minute = vec![talked(0, 60_000, 9), talked(1, 119_999, 3)];
    assert_eq!(
        chosen(Strategy::LeastTalk, same_minute, caller(1, 0)),
        Some(1)
    );
    let equal = vec![talked(4, 0, 3), talked(2, 0, 3)];
    assert_eq!(chosen(Strategy::LeastTalk, equal, caller(1, 0)), Some(2));
}

#[test]
fn best_skill_takes_the_highest_level_of_what_the_caller_needs() {
    let levels = |n, a: u8, b: u8| ReadySeat {
        skills: [(skill(1), a), (skill(2), b)].into_iter().collect(),
        ..seat(n)
    };
    let seats = vec![levels(0, 1, 5), levels(1, 4, 1), levels(2, 3, 5)];
    let needs_one = Caller {
        required: set(&[1]),
        ..caller(1, 0)
    };
    assert_eq!(
        chosen(Strategy::BestSkill, seats.clone(), needs_one),
        Some(1)
    );
    let needs_both = Caller {
        required: set(&[1, 2]),
        ..caller(1, 0)
    };
    assert_eq!(chosen(Strategy::BestSkill, seats, needs_both), Some(2));
}

#[test]
fn round_robin_takes_whoever_was_matched_longest_ago() {
    let queue = queue(Strategy::RoundRobin);
    let mut got = Vec::new();
    for n in 0..3 {
        queue.seat_ready(secs(0), seat(n)).unwrap();
    }
    for call in 1..=6 {
        queue.enqueue(secs(call), caller(call, call)).unwrap();
        for made in matches(&queue) {
            got.push(made.seat.0);
            queue.release_line(secs(call), made.line);
            queue.seat_ready(secs(call), seat(made.seat.0)).unwrap();
        }
    }
    assert_eq!(got, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn a_dropped_preference_weighs_before_the_strategy() {
    let tired = ReadySeat {
        talked_ms: 9_000_000,
        skills: [(skill(3), 1)].into_iter().collect(),
        ..seat(0)
    };
    let mut wish = caller(1, 0);
    wish.preferred.push(held(3, 10));
    wish.preferred[0].dropped = true;
    assert_eq!(
        chosen(Strategy::LeastTalk, vec![tired.clone(), seat(1)], wish),
        Some(0)
    );
    assert_eq!(
        chosen(Strategy::LeastTalk, vec![tired, seat(1)], caller(1, 0)),
        Some(1)
    );
}

#[test]
fn a_preference_binds_until_it_is_dropped() {
    let queue = queue(Strategy::LeastTalk);
    let mut wish = caller(1, 0);
    wish.preferred.push(held(3, 10));
    queue.seat_ready(secs(0), seat(0)).unwrap();
    queue.enqueue(secs(1), wish).unwrap();
    let missing = set(&[3]);
    let held_back = WhyNot::PreferenceHeld {
        pool: PoolId(0),
        seat: SeatId(0),
        missing,
    };
    assert_eq!(queue.why(CallId(1)), Some(vec![held_back]));
    assert_eq!(
        queue
            .widen(secs(2), CallId(1), Widening::DropPreference(skill(3)))
            .as_slice(),
        [SHARD]
    );
    assert_eq!(pairs(&queue), [(1, 0)]);
}

#[test]
fn the_first_open_ring_with_a_seat_is_taken_whatever_stands_in_later_ones() {
    let near = ReadySeat {
        talked_ms: 9_000_000,
        ..seat(0)
    };
    let far = ReadySeat {
        pools: pools(&[1]),
        ..seat(1)
    };
    let wide = Caller {
        rings: pools(&[0, 1]),
        open: 2,
        ..caller(1, 0)
    };
    assert_eq!(
        chosen(Strategy::LeastTalk, vec![far.clone(), near], wide.clone()),
        Some(0)
    );
    assert_eq!(chosen(Strategy::LeastTalk, vec![far], wide), Some(1));
}

#[test]
fn a_ring_opens_by_widening_only() {
    let queue = queue(Strategy::LeastTalk);
    queue
        .seat_ready(
            secs(0),
            ReadySeat {
                pools: pools(&[1]),
                ..seat(7)
            },
        )
        .unwrap();
    queue
        .enqueue(
            secs(1),
            Caller {
                rings: pools(&[0, 1]),
                ..caller(1, 0)
            },
        )
        .unwrap();
    assert_eq!(
        queue.why(CallId(1)),
        Some(vec![
            WhyNot::RingNotOpen(PoolId(1)),
            WhyNot::NoSeatReady(PoolId(0))
        ])
    );
    queue.widen(secs(30), CallId(1), Widening::OpenRing);
    let made = matches(&queue);
    assert_eq!((made[0].seat, made[0].line.pool), (SeatId(7), PoolId(1)));
    assert!(
        queue
            .widen(secs(31), CallId(1), Widening::OpenRing)
            .is_empty(),
        "it waits no more"
    );
}

#[test]
fn a_reserved_seat_takes_no_lower_class_and_a_raise_reaches_it() {
    for (lowest, wanted) in [
        (Lowest::Class(class(2)), class(2)),
        (Lowest::RiskOnly, class(0)),
    ] {
        let queue = queue(Strategy::LeastTalk);
        queue
            .seat_ready(secs(0), ReadySeat { lowest, ..seat(0) })
            .unwrap();
        queue
            .enqueue(
                secs(1),
                Caller {
                    class: class(3),
                    ..caller(1, 0)
                },
            )
            .unwrap();
        let reserved = WhyNot::Reserved {
            pool: PoolId(0),
            seat: SeatId(0),
        };
        assert_eq!(queue.why(CallId(1)), Some(vec![reserved]));
        queue.raise(secs(2), CallId(1), Some(wanted), lowest == Lowest::RiskOnly);
        assert_eq!(pairs(&queue), [(1, 0)]);
    }
}

#[test]
fn the_own_seat_takes_its_caller_by_its_own_pool_before_any_ring_opens() {
    let queue = queue(Strategy::LeastTalk);
    queue.seat_ready(secs(0), seat(1)).unwrap();
    let mine = Caller {
        open: 0,
        own_seat: Some(SeatId(0)),
        ..caller(1, 0)
    };
    queue.enqueue(secs(1), mine).unwrap();
    assert_eq!(
        queue.why(CallId(1)),
        Some(vec![
            WhyNot::OwnSeatNotReady(SeatId(0)),
            WhyNot::RingNotOpen(PoolId(0))
        ])
    );
    queue
        .seat_ready(
            secs(2),
            ReadySeat {
                pools: pools(&[2]),
                ..seat(0)
            },
        )
        .unwrap();
    let made = matches(&queue);
    assert_eq!((made[0].seat, made[0].line.pool), (SeatId(0), PoolId(2)));
}

#[test]
fn abandon_and_match_exclude_each_other() {
    let queue = queue(Strategy::LeastTalk);
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    assert!(queue.abandon(secs(2), CallId(1)));
    assert!(!queue.abandon(secs(2), CallId(1)));
    queue.seat_ready(secs(3), seat(0)).unwrap();
    assert_eq!(pairs(&queue), []);
    queue.enqueue(secs(4), caller(2, 4)).unwrap();
    assert!(
        !queue.abandon(secs(5), CallId(2)),
        "its match lies in the inbox"
    );
    assert!(!queue.seat_withdrawn(SeatId(0)));
    assert_eq!(pairs(&queue), [(2, 0)]);
}

#[test]
fn a_seat_whose_match_was_not_taken_is_not_ready_again() {
    let queue = queue(Strategy::LeastTalk);
    queue.seat_ready(secs(0), seat(0)).unwrap();
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    queue.enqueue(secs(2), caller(2, 2)).unwrap();
    assert!(queue.seat_ready(secs(3), seat(0)).unwrap().is_empty());
    assert_eq!(queue.counts().ready, 0);
    assert_eq!(pairs(&queue), [(1, 0)]);
    queue.seat_ready(secs(4), seat(0)).unwrap();
    assert_eq!(pairs(&queue), [(2, 0)]);
}

#[test]
fn a_ready_seat_may_change_what_it_takes_and_keeps_its_time() {
    let queue = queue(Strategy::LeastTalk);
    queue
        .enqueue(
            secs(1),
            Caller {
                required: set(&[2]),
                ..caller(1, 1)
            },
        )
        .unwrap();
    queue.seat_ready(secs(2), seat(0)).unwrap();
    queue
        .seat_ready(
            secs(9),
            ReadySeat {
                skills: [(skill(2), 3)].into_iter().collect(),
                ..seat(0)
            },
        )
        .unwrap();
    let made = matches(&queue);
    assert_eq!((made[0].ready_since, made[0].enqueued), (secs(2), secs(1)));
}

#[test]
fn a_full_queue_refuses_ordinary_callers_but_neither_risk_nor_one_put_back() {
    let mut small = config(Strategy::LeastTalk, 10);
    small.max_callers = 2;
    let queue = Queue::new(small);
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    queue.enqueue(secs(1), caller(2, 1)).unwrap();
    assert_eq!(
        queue.enqueue(secs(1), caller(3, 1)),
        Err(EnqueueError::Full)
    );
    queue
        .enqueue(
            secs(1),
            Caller {
                risk: true,
                ..caller(4, 1)
            },
        )
        .unwrap();
    queue.put_back(secs(1), caller(5, 1)).unwrap();
    assert_eq!(queue.counts().waiting, 4);
}

#[test]
fn mistakes_of_the_engine_are_named() {
    let queue = queue(Strategy::LeastTalk);
    let refused = |one: Caller| queue.enqueue(secs(1), one).unwrap_err();
    assert_eq!(
        refused(Caller {
            rings: pools(&[0, 9]),
            ..caller(1, 1)
        }),
        EnqueueError::BadPool
    );
    assert_eq!(
        refused(Caller {
            rings: pools(&[]),
            ..caller(1, 1)
        }),
        EnqueueError::BadPool
    );
    assert_eq!(
        refused(Caller {
            shard: ShardId(5),
            ..caller(1, 1)
        }),
        EnqueueError::BadShard
    );
    assert_eq!(
        refused(Caller {
            own_seat: Some(SeatId(100)),
            ..caller(1, 1)
        }),
        EnqueueError::BadShard
    );
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    assert_eq!(refused(caller(1, 1)), EnqueueError::Duplicate);
    let unfit = |one: ReadySeat| queue.seat_ready(secs(1), one).unwrap_err();
    assert_eq!(unfit(seat(100)), SeatError::UnknownSeat);
    assert_eq!(
        unfit(ReadySeat {
            pools: pools(&[9]),
            ..seat(1)
        }),
        SeatError::BadPool
    );
    assert_eq!(
        unfit(ReadySeat {
            shard: ShardId(1),
            ..seat(1)
        }),
        SeatError::BadShard
    );
    queue.seat_ready(secs(1), seat(3)).unwrap();
    assert_eq!(
        refused(caller(1, 1)),
        EnqueueError::Duplicate,
        "its match was not taken"
    );
    assert!(queue.drain(secs(1), PoolId(9), false).is_empty());
}

#[test]
fn each_side_of_a_match_comes_once_to_its_shard() {
    let mut two = config(Strategy::LeastTalk, 10);
    two.shards = 3;
    let queue = Queue::new(two);
    queue
        .seat_ready(
            secs(0),
            ReadySeat {
                shard: ShardId(2),
                ..seat(0)
            },
        )
        .unwrap();
    let wakes = queue
        .enqueue(
            secs(1),
            Caller {
                shard: ShardId(1),
                ..caller(1, 1)
            },
        )
        .unwrap();
    assert_eq!(wakes.as_slice(), [ShardId(1), ShardId(2)]);
    assert_eq!(queue.take_match(ShardId(0)), None);
    let mine = queue.take_match(ShardId(1)).unwrap();
    let other = queue.take_match(ShardId(2)).unwrap();
    assert_eq!((mine.side, other.side), (Side::Caller, Side::Seat));
    assert_eq!(
        (mine.offer, mine.call, mine.seat, mine.line),
        (other.offer, other.call, other.seat, other.line)
    );
    assert_eq!(queue.take_match(ShardId(1)), None);
    assert_eq!(queue.take_match(ShardId(2)), None);
}

#[test]
fn missing_skills_are_named_and_never_overridden() {
    let queue = queue(Strategy::LeastTalk);
    queue
        .seat_ready(
            secs(0),
            ReadySeat {
                skills: [(skill(1), 5)].into_iter().collect(),
                ..seat(0)
            },
        )
        .unwrap();
    let needs = Caller {
        required: set(&[1, 2]),
        risk: true,
        class: Class::LOWEST,
        ..caller(1, 1)
    };
    queue
        .enqueue(
            secs(1),
            Caller {
                own_seat: Some(SeatId(0)),
                ..needs
            },
        )
        .unwrap();
    let lacking = WhyNot::SkillMissing {
        pool: PoolId(0),
        seat: SeatId(0),
        missing: set(&[2]),
    };
    assert_eq!(queue.why(CallId(1)), Some(vec![lacking]));
    assert_eq!(queue.why(CallId(2)), None);
}

#[test]
fn a_caller_survives_being_written_down() {
    let mut one = Caller {
        own_seat: Some(SeatId(3)),
        required: set(&[1]),
        risk: true,
        ..caller(1, 1)
    };
    one.preferred.push(held(3, 10));
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Caller>(&text).unwrap(), one);
    let ready = ReadySeat {
        skills: [(skill(2), 3)].into_iter().collect(),
        lowest: Lowest::RiskOnly,
        ..seat(1)
    };
    let text = serde_json::to_string(&ready).unwrap();
    assert_eq!(serde_json::from_str::<ReadySeat>(&text).unwrap(), ready);
}
