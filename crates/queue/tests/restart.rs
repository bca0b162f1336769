//! A queue after a restart, by name: closed until everybody is back, then as if nothing had been.

mod fixtures;

use fixtures::*;
use meishier_model::{CallId, LineId, PoolId, SeatId};
use meishier_queue::{EnqueueError, OfferId, Queue, QueueSnapshot, Strategy};

fn closed() -> Queue {
    Queue::restore(config(Strategy::LongestIdle, 2), &QueueSnapshot::default())
}

#[test]
fn nobody_is_matched_before_the_queue_opens_and_then_in_order() {
    let queue = closed();
    assert!(queue.reenter_seat(secs(5), seat(0)).unwrap().is_empty());
    // The one who came last is back first.
    for n in [3, 2, 1] {
        let wakes = queue.reenter_caller(secs(n), caller(n, n)).unwrap();
        assert!(wakes.is_empty());
    }
    assert!(queue.seat_ready(secs(9), seat(1)).unwrap().is_empty());
    assert!(queue.set_lines(secs(9), PoolId(0), 3).is_empty());
    assert!(queue.drain(secs(9), PoolId(0), true).is_empty());
    assert!(queue.drain(secs(9), PoolId(0), false).is_empty());
    assert_eq!(queue.open(secs(10)).as_slice(), [SHARD]);
    let made = matches(&queue);
    let pairs: Vec<_> = made.iter().map(|m| (m.call.0, m.seat.0)).collect();
    assert_eq!(pairs, [(1, 0), (2, 1)]);
    assert_eq!(made[0].ready_since, secs(5));
    assert_eq!(made[0].enqueued, secs(1));
    assert!(queue.open(secs(11)).is_empty(), "it opens once");
}

#[test]
fn lines_of_calls_that_go_on_are_not_given_to_others() {
    let queue = closed();
    let line = |number| LineId {
        pool: PoolId(0),
        number,
    };
    assert!(queue.hold_line(line(1)));
    assert!(!queue.hold_line(line(1)), "held already");
    assert!(!queue.hold_line(LineId {
        pool: PoolId(9),
        number: 0
    }));
    for n in 0..3 {
        queue.reenter_seat(secs(0), seat(n)).unwrap();
        queue
            .reenter_caller(secs(1), caller(u64::from(n), 1))
            .unwrap();
    }
    queue.open(secs(2));
    let made = matches(&queue);
    assert_eq!(made.len(), 1, "two lines, one of them held");
    assert_eq!(made[0].line, line(0));
    assert_eq!(queue.release_line(secs(3), line(1)).as_slice(), [SHARD]);
    assert_eq!(matches(&queue)[0].line, line(1));
}

#[test]
fn lines_beyond_a_lowered_number_are_held_as_well() {
    let queue = closed();
    for number in [7, 3] {
        assert!(queue.hold_line(LineId {
            pool: PoolId(0),
            number
        }));
    }
    assert_eq!(queue.counts().lines_used, [2, 0, 0]);
    queue.reenter_seat(secs(0), seat(0)).unwrap();
    queue.reenter_caller(secs(1), caller(1, 1)).unwrap();
    assert!(queue.open(secs(2)).is_empty(), "as many as may be");
}

#[test]
fn a_match_that_was_not_taken_lies_in_the_inbox_and_offers_go_on_counting() {
    let before = Queue::new(config(Strategy::LongestIdle, 2));
    before.enqueue(secs(1), caller(1, 1)).unwrap();
    before.seat_ready(secs(2), seat(0)).unwrap();
    let found = before.take_match(SHARD).unwrap();
    let text = serde_json::to_string(&before.snapshot()).unwrap();
    let snapshot: QueueSnapshot = serde_json::from_str(&text).unwrap();
    let queue = Queue::restore(config(Strategy::LongestIdle, 2), &snapshot);
    // The seat does not know of its match yet, and comes back as ready.
    queue.reenter_seat(secs(2), seat(0)).unwrap();
    assert!(
        queue.hold_line(found.line),
        "the caller's shard has the call"
    );
    assert_eq!(queue.open(secs(3)).as_slice(), [SHARD]);
    let copy = queue.take_match(SHARD).unwrap();
    assert_eq!((copy.offer, copy.seat), (found.offer, SeatId(0)));
    assert_eq!(queue.take_match(SHARD), None);
    queue.seat_ready(secs(4), seat(1)).unwrap();
    queue.enqueue(secs(4), caller(2, 4)).unwrap();
    assert!(matches(&queue)[0].offer > found.offer);
    queue.count_from(OfferId(50));
    queue.count_from(OfferId(40));
    queue.release_line(secs(5), found.line);
    queue.seat_ready(secs(5), seat(2)).unwrap();
    queue.enqueue(secs(5), caller(3, 5)).unwrap();
    assert!(matches(&queue)[0].offer > OfferId(50));
}

#[test]
fn a_caller_whose_match_lies_in_the_inbox_does_not_wait_as_well() {
    let before = Queue::new(config(Strategy::LongestIdle, 2));
    before.enqueue(secs(1), caller(1, 1)).unwrap();
    before.seat_ready(secs(2), seat(0)).unwrap();
    let queue = Queue::restore(config(Strategy::LongestIdle, 2), &before.snapshot());
    queue.reenter_caller(secs(1), caller(1, 1)).unwrap();
    queue.reenter_seat(secs(2), seat(0)).unwrap();
    assert_eq!((queue.counts().waiting, queue.counts().ready), (0, 0));
    assert_eq!(queue.counts().lines_used, [1, 0, 0]);
    queue.open(secs(3));
    assert_eq!(pairs(&queue), [(1, 0)]);
}

#[test]
fn other_rules_hold_for_whoever_comes_and_whoever_waits() {
    let mut rules = config(Strategy::LongestIdle, 10);
    let queue = Queue::new(rules.clone());
    for (n, talked_ms) in [(0, 600_000), (1, 0)] {
        let mut seat = seat(n);
        seat.idle_since = secs(u64::from(n));
        seat.talked_ms = talked_ms;
        queue.seat_ready(secs(2), seat).unwrap();
    }
    rules.pools[0].strategy = Strategy::LeastTalk;
    rules.max_callers = 1;
    assert!(queue.reconfigure(&rules));
    queue.enqueue(secs(3), caller(1, 3)).unwrap();
    assert_eq!(pairs(&queue), [(1, 1)], "who has talked least");
    queue.enqueue(secs(3), caller(2, 3)).unwrap();
    assert_eq!(pairs(&queue), [(2, 0)]);
    queue.enqueue(secs(3), caller(3, 3)).unwrap();
    let refused = queue.enqueue(secs(4), caller(4, 4));
    assert_eq!(refused, Err(EnqueueError::Full));
    assert_eq!(queue.position(CallId(3)), Some(0), "nobody is sent away");
    rules.seats += 1;
    assert!(!queue.reconfigure(&rules));
}
