//! The expected wait: silent without evidence, a quantile with it, and never worse by waiting.

mod fixtures;

use fixtures::*;
use meishier_model::{CallId, PoolId};
use meishier_queue::{Queue, Strategy};
use std::time::Duration;

/// A line of `waiting` callers that lost one caller to a seat after each of `gaps` seconds.
fn served_at(gaps: &[u64], waiting: u64) -> (Queue, u64) {
    let queue = queue(Strategy::LeastTalk);
    let total = waiting + u64::try_from(gaps.len()).unwrap();
    for n in 0..total {
        queue.enqueue(secs(0), caller(n, n)).unwrap();
    }
    let mut now = 0;
    for gap in gaps {
        now += gap;
        queue.seat_ready(secs(now), seat(0)).unwrap();
        for made in matches(&queue) {
            queue.release_line(secs(now), made.line);
        }
    }
    (queue, total - waiting)
}

#[test]
fn nothing_is_said_without_evidence() {
    let (queue, first) = served_at(&[10; 7], 1);
    assert_eq!(queue.expected_wait(CallId(first)), None);
    assert_eq!(queue.expected_wait(CallId(9999)), None);
    let (queue, first) = served_at(&[10; 11], 3);
    assert!(queue.expected_wait(CallId(first + 1)).is_some());
    assert_eq!(
        queue.expected_wait(CallId(first + 2)),
        None,
        "eleven departures say little of three"
    );
}

#[test]
fn a_steady_pool_gives_place_times_interval() {
    let (queue, first) = served_at(&[10; 40], 5);
    for ahead in 0..5 {
        let expected = queue.expected_wait(CallId(first + ahead)).unwrap();
        let wait = Duration::from_secs(10 * (ahead + 1));
        assert_eq!((expected.p50, expected.p90), (wait, wait));
        assert_eq!(u64::from(expected.samples), 40 / (ahead + 1));
    }
}

#[test]
fn doubt_shows_in_the_distance_of_the_quantiles() {
    let gaps = [10, 10, 10, 10, 10, 10, 10, 100].repeat(3);
    let (queue, first) = served_at(&gaps, 1);
    let expected = queue.expected_wait(CallId(first)).unwrap();
    assert_eq!((expected.p50.as_secs(), expected.p90.as_secs()), (10, 100));
}

#[test]
fn waiting_alone_changes_nothing_and_a_service_shortens_it() {
    let (queue, first) = served_at(&[10; 40], 3);
    let before = queue.expected_wait(CallId(first + 2)).unwrap();
    queue
        .enqueue(secs(100_000), caller(77_777, 100_000))
        .unwrap();
    assert_eq!(queue.expected_wait(CallId(first + 2)), Some(before));
    assert!(queue.abandon(secs(100_001), CallId(first)));
    assert!(queue.expected_wait(CallId(first + 2)).unwrap().p50 < before.p50);
}

#[test]
fn an_idle_pool_learns_nothing_from_its_idleness() {
    let queue = queue(Strategy::LeastTalk);
    for n in 0..40 {
        queue.seat_ready(secs(n * 100), seat(0)).unwrap();
        queue.enqueue(secs(n * 100), caller(n, n * 100)).unwrap();
        for made in matches(&queue) {
            queue.release_line(secs(n * 100), made.line);
        }
    }
    queue.enqueue(secs(9000), caller(99, 9000)).unwrap();
    assert_eq!(queue.expected_wait(CallId(99)), None);
}

#[test]
fn a_pool_counts_its_line_by_priority() {
    let (queue, first) = served_at(&[], 4);
    queue.raise(secs(1), CallId(first), None, true);
    queue.raise(secs(1), CallId(first + 1), Some(class(1)), false);
    let view = queue.waiting(PoolId(0));
    assert_eq!(
        (view.total(), view.risk, view.by_class[1], view.by_class[4]),
        (4, 1, 1, 2)
    );
    assert_eq!(view.oldest, Some(secs(0)));
    assert_eq!(queue.waiting(PoolId(1)).total(), 0);
}
