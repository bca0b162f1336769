//! What a thread may meet that is overtaken or held at one certain access, and what a queue may be
//! given that contradicts itself or has no size.

mod fixtures;

use fixtures::{SHARD, caller, config, matches, pools, seat, secs, set};
use meishier_model::{CallId, LineId, PoolId, SeatId, ShardId, SkillSet};
use meishier_queue::{
    Caller, EnqueueError, Match, Queue, QueueConfig, QueueSnapshot, ReadySeat, Side, Strategy,
    Widening, hold,
};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::spawn;
use std::time::Duration;

/// Nothing is measured by it: it ends a test in which something does not end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Of the accesses at which somebody is held while a row changes hands, so many are passed over:
/// fewer than lie between what must be read before and after.
const FIRST_STEP: usize = 3;
const SECOND_STEP: usize = 2;
/// How much further the one then goes: past the writing of its row, short of a second one.
const THEN: [u64; 3] = [24, 36, 48];

fn small(shards: u16, seats: usize, capacity: usize) -> QueueConfig {
    QueueConfig {
        shards,
        seats,
        max_callers: capacity,
        capacity,
        ..config(Strategy::LongestIdle, 8)
    }
}

/// Both kinds of queue.
fn both(config: &QueueConfig) -> [Queue; 2] {
    [Queue::new(config.clone()), Queue::one_lock(config.clone())]
}

/// Accesses of this thread in `work`, with `before` called at each of them. What `before` does itself
/// does not count.
fn accesses(work: impl FnOnce(), mut before: impl FnMut(u64) + 'static) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    hold::set(Some(Box::new(move |_| {
        before(seen.get());
        seen.set(seen.get() + 1);
    })));
    work();
    hold::set(None);
    count.get()
}

/// Three callers of one pool, the first of whom was matched and is gone: the line that the next one
/// will get has a number that could be taken for a place in the lane.
fn two_behind_a_match() -> Queue {
    let queue = Queue::new(small(1, 10, 20));
    let first = LineId {
        pool: PoolId(0),
        number: 0,
    };
    assert!(queue.hold_line(first));
    queue.enqueue(secs(1), caller(1, 1)).unwrap();
    queue.seat_ready(secs(1), seat(0)).unwrap();
    for made in matches(&queue) {
        assert_eq!(made.line.number, 1);
        queue.release_line(secs(1), made.line);
    }
    queue.enqueue(secs(1), caller(2, 2)).unwrap();
    queue.enqueue(secs(1), caller(3, 3)).unwrap();
    queue
}

/// Looks at the queue while something is changed at each access up to number `at`, where call 2 is
/// matched. How many accesses that took.
fn looked_at(look: fn(&Queue), at: u64) -> u64 {
    let queue = Arc::new(two_behind_a_match());
    let other = queue.clone();
    let elsewhere = LineId {
        pool: PoolId(2),
        number: 7,
    };
    let count = accesses(
        || look(&queue),
        move |n| {
            if n < at && n % 2 == 0 {
                other.hold_line(elsewhere);
            } else if n < at {
                other.release_line(secs(2), elsewhere);
            } else if n == at {
                other.seat_ready(secs(2), seat(0)).unwrap();
            }
        },
    );
    let left = if count > at { None } else { Some(0) };
    assert_eq!(queue.position(CallId(2)), left);
    count
}

fn a_view_ends(look: fn(&Queue)) {
    let (ended, news) = channel();
    spawn(move || {
        // Nobody is matched: all tries for a whole view and then the one as things stand.
        let all = looked_at(look, u64::MAX);
        for at in all - all / 8..all {
            looked_at(look, at);
            let _ = ended.send(Some(at));
        }
        let _ = ended.send(None);
    });
    let mut last = None;
    while let Some(at) = news
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|error| panic!("{error}: no end of it after access {last:?}"))
    {
        last = Some(at);
    }
    assert!(last.is_some(), "it was never overtaken");
}

#[test]
fn a_position_that_is_overtaken_by_a_match_ends() {
    a_view_ends(|queue| assert!(queue.position(CallId(3)) <= Some(1)));
}

#[test]
fn a_pool_s_view_that_is_overtaken_by_a_match_ends() {
    a_view_ends(|queue| assert!(queue.waiting(PoolId(0)).risk == 0));
}

fn callers_come_and_go(queue: &Queue, times: u64) {
    for n in 1000..1000 + times {
        queue.enqueue(secs(1), caller(n, 1)).unwrap();
        assert!(queue.abandon(secs(1), CallId(n)));
    }
}

fn seats_come_and_go(queue: &Queue, times: u64) {
    for _ in 0..times {
        queue.seat_ready(secs(1), seat(0)).unwrap();
        assert!(queue.seat_withdrawn(SeatId(0)));
    }
}

/// While `work` is held at any of its accesses, all records are claimed and given back, as many
/// times as there are, a few more or a few less. `work` says whether it was let in.
fn free_means_free(rotate: fn(&Queue, u64), work: fn(&Queue) -> bool) {
    let config = small(1, 10, 20);
    // Of callers and of seats alike there are 96 records: 10 and 20, one for the shard, 64 to spare.
    for times in 88..=104 {
        let mut at = 0;
        loop {
            let queue = Arc::new(Queue::new(config.clone()));
            rotate(&queue, times);
            let other = queue.clone();
            let mut let_in = false;
            let all = accesses(
                || let_in = work(&queue),
                move |n| {
                    if n == at {
                        rotate(&other, times);
                    }
                },
            );
            assert!(let_in, "{times} came and went at access {at}");
            assert_eq!(queue.figures().scanned, 0, "nor are rows short");
            at += 1;
            if at >= all {
                break;
            }
        }
    }
}

#[test]
fn an_empty_queue_is_never_full_for_a_caller() {
    free_means_free(callers_come_and_go, |queue| {
        queue.enqueue(secs(1), caller(5, 1)).is_ok()
    });
}

#[test]
fn an_empty_queue_is_never_full_for_a_seat() {
    free_means_free(seats_come_and_go, |queue| {
        queue.seat_ready(secs(1), seat(5)).is_ok()
    });
}

/// What a snapshot says is left, changed by `spoil`.
fn spoiled(queue: &Queue, spoil: impl FnOnce(&mut Vec<serde_json::Value>)) -> QueueSnapshot {
    let mut value = serde_json::to_value(queue.snapshot()).unwrap();
    spoil(value["left"].as_array_mut().unwrap());
    serde_json::from_value(value).unwrap()
}

/// Both copies of two matches are left.
fn two_matches() -> Queue {
    let queue = Queue::new(small(1, 10, 20));
    for n in 0..2 {
        queue.enqueue(secs(1), caller(n, 1)).unwrap();
        queue.seat_ready(secs(1), seat(n as u32)).unwrap();
    }
    queue
}

/// Letters come to an end, the four that were right among them, and the queue goes on. Each caller and
/// each seat has one at most.
fn each_letter_comes_once(snapshot: &QueueSnapshot) {
    let config = small(1, 10, 20);
    let kinds = [
        Queue::restore(config.clone(), snapshot),
        Queue::restore_one_lock(config, snapshot),
    ];
    for queue in kinds {
        queue.open(secs(2));
        let letters = std::iter::from_fn(|| queue.take_match(SHARD));
        let letters: Vec<Match> = letters.take(100).collect();
        let of = |side| letters.iter().filter(move |it| it.side == side);
        let callers: BTreeSet<CallId> = of(Side::Caller).map(|it| it.call).collect();
        let seats: BTreeSet<SeatId> = of(Side::Seat).map(|it| it.seat).collect();
        assert!(letters.len() < 100, "the letters have no end");
        let once = callers.len() + seats.len();
        assert_eq!(letters.len(), once, "{letters:?}");
        assert!(callers.contains(&CallId(0)) && callers.contains(&CallId(1)));
        assert!(seats.contains(&SeatId(0)) && seats.contains(&SeatId(1)));
        assert!(!queue.has_match(SHARD));
        for made in of(Side::Caller) {
            queue.release_line(secs(2), made.line);
        }
        queue.enqueue(secs(3), caller(9, 3)).unwrap();
        queue.seat_ready(secs(3), seat(0)).unwrap();
        assert_eq!(fixtures::pairs(&queue), [(9, 0)]);
    }
}

#[test]
fn a_letter_that_stands_twice_in_a_snapshot_comes_once() {
    for twice in 0..4 {
        let snapshot = spoiled(&two_matches(), |left| left.push(left[twice].clone()));
        each_letter_comes_once(&snapshot);
    }
}

#[test]
fn a_seat_that_has_two_matches_in_a_snapshot_gets_one() {
    for copy in 0..4 {
        // As if of a third match.
        let snapshot = spoiled(&two_matches(), |left| {
            let mut more = left[copy].clone();
            more["offer"] = 77.into();
            left.push(more);
        });
        each_letter_comes_once(&snapshot);
    }
}

#[test]
fn copies_that_contradict_each_other_do_no_harm() {
    for (copy, key, value) in (0..4).flat_map(|copy| {
        [("call", 500), ("seat", 5), ("offer", 2), ("offer", 1)]
            .map(|(key, value)| (copy, key, value))
    }) {
        let snapshot = spoiled(&two_matches(), |left| {
            let mut more = left[copy].clone();
            more[key] = value.into();
            left.push(more);
        });
        each_letter_comes_once(&snapshot);
    }
}

fn unread(n: u32) -> ReadySeat {
    let shard = ShardId(1);
    ReadySeat { shard, ..seat(n) }
}

#[test]
fn nobody_is_refused_while_nobody_is_held_though_a_seats_shard_never_reads() {
    for queue in both(&small(2, 1000, 16)) {
        for n in 0..1000 {
            queue.seat_ready(secs(1), unread(n)).unwrap();
            queue.enqueue(secs(1), caller(n.into(), 1)).unwrap();
            for made in matches(&queue) {
                queue.release_line(secs(1), made.line);
            }
        }
        assert_eq!(queue.counts().matches, 1000);
    }
}

#[test]
fn a_full_queue_rewrites_though_a_seats_shard_never_reads() {
    for queue in both(&small(2, 1000, 16)) {
        let unfit = |n| Caller {
            required: set(&[50]),
            ..caller(n, 1)
        };
        queue.enqueue(secs(1), unfit(0)).unwrap();
        for n in 0..1000 {
            queue.seat_ready(secs(1), unread(n)).unwrap();
            queue
                .enqueue(secs(1), caller(5000 + u64::from(n), 1))
                .unwrap();
            for made in matches(&queue) {
                queue.release_line(secs(1), made.line);
            }
        }
        for n in 1..16 {
            queue.enqueue(secs(1), unfit(n)).unwrap();
        }
        let one_more = queue.put_back(secs(1), unfit(16));
        assert_eq!(one_more, Err(EnqueueError::Full));
        for n in 0..16 {
            let required = set(&[51]);
            let next = Caller {
                required,
                ..unfit(n)
            };
            let answer = queue.rewrite(secs(2), next);
            assert!(matches!(answer, Ok(Some(_))), "{n}: {answer:?}");
        }
        assert!(queue.waiting_list().iter().all(|it| it.needs == set(&[51])));
        assert_eq!(queue.counts().waiting, 16);
    }
}

/// Does everything once.
fn everything(queue: &Queue, config: &QueueConfig) {
    let (pool, call) = (PoolId(0), CallId(1));
    let line = LineId { pool, number: 0 };
    let risk = Caller {
        risk: true,
        own_seat: Some(SeatId(0)),
        ..caller(2, 1)
    };
    let _ = queue.enqueue(secs(1), caller(1, 1));
    let _ = queue.enqueue(secs(1), risk.clone());
    let _ = queue.put_back(secs(1), risk.clone());
    let _ = queue.reenter_caller(secs(1), risk.clone());
    let _ = queue.rewrite(secs(1), risk);
    let _ = queue.seat_ready(secs(1), seat(0));
    queue.raise(secs(1), call, None, true);
    queue.widen(secs(1), call, Widening::OpenRing);
    queue.set_lines(secs(1), pool, 1);
    queue.drain(secs(1), pool, true);
    queue.drain(secs(1), pool, false);
    queue.heal(secs(1));
    queue.open(secs(1));
    assert!(queue.reconfigure(config));
    assert_eq!(queue.hold_line(line), !config.pools.is_empty());
    queue.release_line(secs(1), line);
    let _ = (queue.why(call), queue.waiting(pool));
    assert_eq!(queue.expected_wait(call), None);
    assert_eq!(queue.figures().matches, 0);
}

#[test]
fn a_queue_without_any_size_in_some_direction_does_nothing() {
    // All but the last, which has one of each.
    for sizes in 0..15 {
        let has = |bit: usize| sizes >> bit & 1;
        let mut config = small(has(0) as u16, has(1), has(2));
        config.pools.truncate(has(3));
        let snapshot = Queue::new(config.clone()).snapshot();
        let restored = [
            Queue::restore(config.clone(), &snapshot),
            Queue::restore_one_lock(config.clone(), &snapshot),
        ];
        for queue in both(&config).into_iter().chain(restored) {
            everything(&queue, &config);
            assert!(!queue.has_match(SHARD));
            assert_eq!(queue.take_match(SHARD), None);
            assert_eq!(queue.missed(), None);
            assert_eq!(queue.snapshot(), snapshot);
            for call in [1, 2].map(CallId) {
                let waits = queue.position(call).is_some();
                assert_eq!(queue.abandon(secs(2), call), waits);
            }
            queue.seat_withdrawn(SeatId(0));
            let counts = queue.counts();
            assert_eq!((counts.waiting, counts.ready, counts.matches), (0, 0, 0));
            assert_eq!(queue.waiting_list(), []);
        }
    }
}

/// A thread inside `enqueue`, which stands still at some of its accesses.
struct Held {
    /// True: it stands. False: it is done.
    stands: Receiver<bool>,
    go: Sender<()>,
}

impl Held {
    fn enters(queue: &Arc<Queue>, caller: Caller, stops: &[u64]) -> Self {
        let ((says, stands), (go, may_go)) = (channel(), channel());
        let (queue, stops) = (queue.clone(), stops.to_vec());
        spawn(move || {
            let held = says.clone();
            hold::set(Some(Box::new(move |at| {
                if stops.contains(&at) {
                    let _ = held.send(true);
                    let _ = may_go.recv();
                }
            })));
            let entered = queue.enqueue(secs(1), caller);
            hold::set(None);
            // Who is not let in falls silent.
            let _ = entered.is_ok().then(|| says.send(false));
        });
        Self { stands, go }
    }

    /// Waits until it stands, or is done.
    fn stands(&self) -> bool {
        let stands = self.stands.recv_timeout(PATIENCE);
        stands.expect("it waits for another who is held")
    }

    fn goes(&self) {
        let _ = self.go.send(());
    }

    /// Lets it go wherever it stands.
    fn ends(self) {
        drop(self.go);
        let news = self.stands.iter().last();
        assert_eq!(news, Some(false));
    }
}

/// Nine pools; callers of a certain kind wait for the last one.
fn nine_pools() -> QueueConfig {
    let mut config = small(1, 1, 100);
    config.pools.resize(9, config.pools[0]);
    config
}

fn of_kind(call: u64, kind: u64) -> Caller {
    Caller {
        rings: pools(&[8]),
        required: SkillSet(kind),
        ..caller(call, 1)
    }
}

/// Three kinds whose rows hang in one chain: beside a row of the first one's the way to a row of
/// theirs is longer than beside a row of another kind's.
fn three_of_one_chain() -> [u64; 3] {
    let way = |beside, kind| {
        let queue = Queue::new(nine_pools());
        queue.enqueue(secs(1), of_kind(1, beside)).unwrap();
        let enters = || drop(queue.enqueue(secs(1), of_kind(2, kind)).unwrap());
        accesses(enters, |_| {})
    };
    let mut longer = (3..100_000).filter(|kind| way(1, *kind) > way(2, *kind));
    [1, longer.next().unwrap(), longer.next().unwrap()]
}

/// A caller of this kind waits, whose row came last and so is the first of its chain. No row is free.
fn rows_all_in_use(kind: u64) -> Arc<Queue> {
    let queue = Queue::new(nine_pools());
    // Keeps a row for the one who comes last.
    queue.enqueue(secs(1), of_kind(1, 1 << 61)).unwrap();
    for n in 100.. {
        let filler = Caller {
            rings: pools(&[0, 1, 2, 3, 4, 5, 6, 7]),
            open: 8,
            required: SkillSet(1 << 60 | n),
            ..caller(n, 1)
        };
        queue.enqueue(secs(1), filler).unwrap();
        if queue.figures().scanned > 0 {
            break;
        }
    }
    let before = queue.figures().scanned;
    assert!(queue.abandon(secs(1), CallId(1)));
    queue.enqueue(secs(1), of_kind(1, kind)).unwrap();
    assert_eq!(queue.figures().scanned, before, "it has a row of its own");
    Arc::new(queue)
}

/// One is held at its access `first`, another at `second`; the row that both may know of becomes
/// free; the one goes on to its access `then` and stays there, and the other must be done.
/// False if one of them has fewer accesses.
fn a_row_that_is_taken_anew(kinds: [u64; 3], first: u64, then: u64, second: u64) -> bool {
    let queue = rows_all_in_use(kinds[0]);
    let one = Held::enters(&queue, of_kind(2, kinds[1]), &[first, then]);
    if !one.stands() {
        return false;
    }
    let other = Held::enters(&queue, of_kind(3, kinds[2]), &[second]);
    if !other.stands() {
        one.ends();
        return false;
    }
    assert!(queue.abandon(secs(1), CallId(1)));
    one.goes();
    let stays = one.stands();
    other.goes();
    assert!(!other.stands());
    assert!(queue.position(CallId(3)).is_some());
    if stays {
        one.ends();
    }
    assert!(queue.abandon(secs(1), CallId(2)) && queue.abandon(secs(1), CallId(3)));
    true
}

#[test]
fn whoever_takes_a_row_in_the_middle_of_a_change_leads_nobody_in_a_circle() {
    let kinds = three_of_one_chain();
    let mut met = 0;
    for first in (0..).step_by(FIRST_STEP) {
        let mut reached = false;
        for then in THEN.map(|further| first + further) {
            for second in (0..).step_by(SECOND_STEP) {
                if !a_row_that_is_taken_anew(kinds, first, then, second) {
                    break;
                }
                reached = true;
                met += 1;
            }
        }
        if !reached {
            break;
        }
    }
    assert!(met > 100, "{met}");
}
