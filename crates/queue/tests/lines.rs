//! What lines, their limits and drains do, by name.

mod fixtures;

use fixtures::*;
use meishier_model::{CallId, LineId, PoolId, SeatId};
use meishier_queue::{Caller, Queue, ReadySeat, Strategy, WhyNot};

#[test]
fn a_full_pool_matches_nobody_until_a_line_is_released() {
    let queue = Queue::new(config(Strategy::LeastTalk, 2));
    for n in 0..4 {
        queue.seat_ready(secs(0), seat(n)).unwrap();
        queue
            .enqueue(secs(1), caller(u64::from(n) + 1, 1 + u64::from(n)))
            .unwrap();
    }
    let first = matches(&queue);
    assert_eq!(
        first.iter().map(|m| m.line.number).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(
        queue.why(CallId(3)),
        Some(vec![WhyNot::LinesFull(PoolId(0))])
    );
    assert_eq!(
        queue.release_line(secs(2), first[1].line).as_slice(),
        [SHARD]
    );
    let second = matches(&queue);
    assert_eq!(
        (second.len(), second[0].call, second[0].line.number),
        (1, CallId(3), 1)
    );
    assert!(
        queue
            .release_line(
                secs(3),
                LineId {
                    pool: PoolId(0),
                    number: 77
                }
            )
            .is_empty()
    );
    assert_eq!(queue.counts().lines_used, [2, 0, 0]);
}

#[test]
fn the_lowest_free_line_is_taken_first() {
    let queue = queue(Strategy::LeastTalk);
    for n in 0..4 {
        queue.enqueue(secs(1), caller(u64::from(n), 1)).unwrap();
        queue.seat_ready(secs(2), seat(n)).unwrap();
    }
    for number in [2, 0] {
        queue.release_line(
            secs(3),
            LineId {
                pool: PoolId(0),
                number,
            },
        );
    }
    matches(&queue);
    for n in 4..7 {
        queue.enqueue(secs(4), caller(n, 1)).unwrap();
        queue
            .seat_ready(secs(5), seat(u32::try_from(n).unwrap()))
            .unwrap();
    }
    assert_eq!(
        matches(&queue)
            .iter()
            .map(|m| m.line.number)
            .collect::<Vec<_>>(),
        [0, 2, 4]
    );
}

#[test]
fn more_lines_match_as_many_as_fit_at_once_and_fewer_take_no_line_away() {
    let queue = Queue::new(config(Strategy::LeastTalk, 0));
    for n in 0..5 {
        queue.seat_ready(secs(0), seat(n)).unwrap();
        queue.enqueue(secs(1), caller(u64::from(n), 1)).unwrap();
    }
    queue.set_lines(secs(2), PoolId(0), 3);
    let made = matches(&queue);
    assert_eq!(made.len(), 3);
    queue.set_lines(secs(3), PoolId(0), 1);
    assert_eq!(queue.counts().lines_used[0], 3);
    for (released, expected) in made.iter().zip([0, 0, 1]) {
        queue.release_line(secs(4), released.line);
        assert_eq!(matches(&queue).len(), expected);
    }
}

#[test]
fn a_draining_pool_takes_no_call_and_catches_up_after() {
    let queue = queue(Strategy::LeastTalk);
    queue.drain(secs(0), PoolId(0), true);
    for n in 0..2 {
        queue.seat_ready(secs(1), seat(n)).unwrap();
        queue.enqueue(secs(2), caller(u64::from(n), 1)).unwrap();
    }
    assert_eq!(
        queue.why(CallId(0)),
        Some(vec![WhyNot::Draining(PoolId(0))])
    );
    queue.set_lines(secs(3), PoolId(0), 20);
    assert_eq!(pairs(&queue), []);
    queue.drain(secs(4), PoolId(0), false);
    assert_eq!(pairs(&queue), [(0, 0), (1, 1)]);
}

#[test]
fn a_drained_ring_leaves_the_next_open_one() {
    let queue = queue(Strategy::LeastTalk);
    queue.drain(secs(0), PoolId(0), true);
    queue
        .seat_ready(
            secs(1),
            ReadySeat {
                pools: pools(&[0, 1]),
                ..seat(0)
            },
        )
        .unwrap();
    queue
        .enqueue(
            secs(2),
            Caller {
                rings: pools(&[0, 1]),
                open: 2,
                ..caller(1, 1)
            },
        )
        .unwrap();
    assert_eq!(
        matches(&queue)[0].line,
        LineId {
            pool: PoolId(1),
            number: 0
        }
    );
}

#[test]
fn a_released_line_goes_to_the_first_in_line_and_an_own_caller_counts_as_such() {
    let queue = Queue::new(config(Strategy::LeastTalk, 0));
    queue.seat_ready(secs(0), seat(0)).unwrap();
    queue.seat_ready(secs(0), seat(1)).unwrap();
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    let rings = pools(&[2]);
    queue
        .enqueue(
            secs(2),
            Caller {
                own_seat: Some(SeatId(0)),
                rings,
                ..caller(2, 2)
            },
        )
        .unwrap();
    queue.set_lines(secs(3), PoolId(0), 1);
    assert_eq!(pairs(&queue), [(2, 0)]);
}
