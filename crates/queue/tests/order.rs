//! Each rule of the order among callers, by name.

mod fixtures;

use fixtures::*;
use meishier_model::{CallId, Class, PoolId, SeatId};
use meishier_queue::{Ageing, Caller, Queue, Stamp, Strategy, Widening};
use std::time::Duration;

/// Enqueues in the order given and says in which order seats take them.
fn served(callers: Vec<Caller>) -> Vec<u64> {
    let queue = queue(Strategy::LeastTalk);
    let count = callers.len();
    for one in callers {
        queue.enqueue(secs(500), one).unwrap();
    }
    let mut calls = Vec::new();
    for n in 0..u32::try_from(count).unwrap() {
        queue.seat_ready(secs(500), seat(n)).unwrap();
        calls.extend(pairs(&queue).iter().map(|(call, _)| *call));
    }
    calls
}

#[test]
fn risk_stands_above_every_class_and_every_wait() {
    let first = Caller {
        class: class(0),
        ..caller(1, 0)
    };
    let risk = Caller {
        class: Class::LOWEST,
        risk: true,
        ..caller(2, 499)
    };
    assert_eq!(served(vec![first, risk]), [2, 1]);
}

#[test]
fn among_risk_callers_class_and_arrival_decide() {
    let late = Caller {
        risk: true,
        ..caller(1, 30)
    };
    let early = Caller {
        risk: true,
        ..caller(2, 20)
    };
    let better = Caller {
        risk: true,
        class: class(3),
        ..caller(3, 40)
    };
    assert_eq!(served(vec![late, early, better]), [3, 2, 1]);
}

#[test]
fn own_seat_stands_above_class_and_below_risk() {
    let better = Caller {
        class: class(0),
        ..caller(1, 0)
    };
    let own = Caller {
        own_seat: Some(SeatId(0)),
        ..caller(2, 400)
    };
    let risk = Caller {
        risk: true,
        ..caller(3, 450)
    };
    assert_eq!(served(vec![better.clone(), own.clone()]), [2, 1]);
    assert_eq!(
        served(vec![better, own, risk]),
        [3, 1, 2],
        "seat 1 is nobody's own"
    );
}

#[test]
fn a_better_class_goes_first() {
    let ordinary = caller(1, 100);
    let better = Caller {
        class: class(3),
        ..caller(2, 101)
    };
    assert_eq!(served(vec![ordinary, better]), [2, 1]);
}

#[test]
fn waiting_one_step_equals_one_class() {
    let ordinary = caller(1, 100);
    for (arrival, order) in [(159, [2, 1]), (160, [1, 2]), (161, [1, 2])] {
        let better = Caller {
            class: class(3),
            ..caller(2, arrival)
        };
        assert_eq!(
            served(vec![ordinary.clone(), better]),
            order,
            "arrived at {arrival}"
        );
    }
}

#[test]
fn ageing_never_reaches_risk() {
    let queue = queue(Strategy::LeastTalk);
    queue
        .enqueue(
            secs(0),
            Caller {
                class: class(0),
                ..caller(1, 0)
            },
        )
        .unwrap();
    let a_week = 7 * 24 * 3600;
    queue
        .enqueue(
            secs(a_week),
            Caller {
                risk: true,
                class: Class::LOWEST,
                ..caller(2, a_week)
            },
        )
        .unwrap();
    assert_eq!(serve(&queue, 2), [2, 1]);
}

#[test]
fn ageing_bounds_who_may_overtake() {
    let queue = queue(Strategy::LeastTalk);
    queue
        .enqueue(
            secs(0),
            Caller {
                class: class(2),
                ..caller(1, 0)
            },
        )
        .unwrap();
    for n in 0..60 {
        let better = Caller {
            class: class(0),
            ..caller(100 + n, n * 4)
        };
        queue.enqueue(secs(n * 4), better).unwrap();
    }
    queue.set_lines(secs(300), PoolId(0), 100);
    let order = serve(&queue, 61);
    let overtook = order.iter().position(|call| *call == 1).unwrap();
    assert_eq!(overtook, 30, "only those of the first two minutes");
}

#[test]
fn without_ageing_steps_classes_do_not_matter_and_with_long_ones_they_are_strict() {
    for (step, order) in [(Duration::ZERO, [1, 2]), (Duration::MAX, [2, 1])] {
        let mut config = config(Strategy::LeastTalk, 10);
        config.ageing = Ageing { step };
        let queue = Queue::new(config);
        queue
            .enqueue(
                secs(0),
                Caller {
                    class: Class::LOWEST,
                    ..caller(1, 0)
                },
            )
            .unwrap();
        queue
            .enqueue(
                secs(40_000),
                Caller {
                    class: class(6),
                    ..caller(2, 40_000)
                },
            )
            .unwrap();
        assert_eq!(serve(&queue, 2), order);
    }
}

#[test]
fn of_one_class_the_earlier_stamp_goes_first_then_its_tie_then_the_id() {
    let later = caller(1, 11);
    let tied = Caller {
        stamp: Stamp {
            at: secs(10),
            tie: 1,
        },
        ..caller(2, 10)
    };
    let higher_id = caller(9, 10);
    let lower_id = caller(8, 10);
    assert_eq!(served(vec![later, tied, higher_id, lower_id]), [8, 9, 2, 1]);
}

#[test]
fn a_caller_whom_no_seat_fits_holds_up_nobody() {
    let demanding = Caller {
        required: set(&[5]),
        risk: true,
        ..caller(1, 0)
    };
    assert_eq!(served(vec![demanding, caller(2, 1), caller(3, 2)]), [2, 3]);
}

#[test]
fn put_back_keeps_its_place() {
    let queue = queue(Strategy::LeastTalk);
    for n in 1..=3 {
        queue.enqueue(secs(n), caller(n, n)).unwrap();
    }
    assert_eq!(serve(&queue, 1), [1]);
    queue.put_back(secs(50), caller(1, 1)).unwrap();
    assert_eq!(queue.position(CallId(1)), Some(0));
    assert_eq!(queue.position(CallId(2)), Some(1));
    assert_eq!(serve(&queue, 3), [1, 2, 3]);
}

#[test]
fn raising_to_risk_goes_to_the_front_and_nothing_lowers() {
    let queue = queue(Strategy::LeastTalk);
    for n in 1..=3 {
        queue.enqueue(secs(n), caller(n, n)).unwrap();
    }
    queue.raise(secs(10), CallId(3), None, true);
    queue.raise(secs(10), CallId(2), Some(class(1)), false);
    queue.raise(secs(10), CallId(2), Some(Class::LOWEST), false);
    queue.raise(secs(10), CallId(3), None, false);
    assert_eq!(serve(&queue, 3), [3, 2, 1]);
}

#[test]
fn the_view_lists_callers_in_the_order_of_service() {
    let queue = queue(Strategy::LeastTalk);
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    queue
        .enqueue(
            secs(2),
            Caller {
                class: class(3),
                ..caller(2, 2)
            },
        )
        .unwrap();
    queue
        .enqueue(
            secs(3),
            Caller {
                risk: true,
                ..caller(3, 3)
            },
        )
        .unwrap();
    queue
        .enqueue(
            secs(4),
            Caller {
                rings: [PoolId(1)].into_iter().collect(),
                ..caller(4, 0)
            },
        )
        .unwrap();
    let listed: Vec<u64> = queue.waiting_list().iter().map(|w| w.call.0).collect();
    assert_eq!(listed, [3, 2, 4, 1]);
    let ahead: Vec<Option<u32>> = (1..=5).map(|n| queue.position(CallId(n))).collect();
    assert_eq!(
        ahead,
        [Some(2), Some(1), Some(0), Some(0), None],
        "call 4 waits for another pool"
    );
}

#[test]
fn widening_keeps_the_place_in_the_new_pool() {
    let queue = queue(Strategy::LeastTalk);
    let rings = [PoolId(1), PoolId(0)].into_iter().collect();
    queue
        .enqueue(
            secs(1),
            Caller {
                rings,
                ..caller(1, 1)
            },
        )
        .unwrap();
    queue.enqueue(secs(2), caller(2, 2)).unwrap();
    queue.widen(secs(30), CallId(1), Widening::OpenRing);
    assert_eq!(serve(&queue, 2), [1, 2]);
}
