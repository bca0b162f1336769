//! Every interleaving of two operations that want the same, up to a number of preemptions.
//!
//! After them everything must be right: each match lies once in each of its two inboxes, nobody is
//! matched twice or lost, no match is missed. Run with `RUSTFLAGS="--cfg loom"`.
//!
//! Two preemptions each; when they were written that took 4,643 executions where a pool opens, 6,094
//! for two seats, 5,733 for two callers and 1,410 to 2,670 for the others, 20 seconds in all. Each
//! read sees the newest value: what else it might see on real memory is tried by the memory's own
//! tests, on which all of this rests.

#![cfg(loom)]

use loom::model::Builder;
use loom::thread;
use meishier_model::{CallId, Class, CounsellorId, Mono, PoolId, SeatId, ShardId, SkillSet};
use meishier_queue::{
    Ageing, Caller, Lowest, Match, PoolConfig, Queue, QueueConfig, ReadySeat, Side, Stamp,
    Strategy, Widening,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PREEMPTIONS: usize = 2;
const NOW: Mono = Mono(1_000_000);
const A: CallId = CallId(1);
/// Of shard 1, and so is seat 1: two threads begin at different descriptors.
const B: CallId = CallId(1 << 48 | 2);
const C: CallId = CallId(1 << 48 | 3);

fn queue(pools: usize, lines: u16, capacity: usize, seats: usize) -> Queue {
    let pool = PoolConfig {
        strategy: Strategy::LeastTalk,
        lines,
    };
    Queue::new(QueueConfig {
        shards: 2,
        pools: vec![pool; pools],
        seats,
        max_callers: capacity,
        capacity,
        ageing: Ageing::default(),
    })
}

/// Somebody who waits for pool 0.
fn caller(call: CallId) -> Caller {
    Caller {
        call,
        shard: call.shard(),
        stamp: Stamp {
            at: Mono(1),
            tie: call.0 as u32,
        },
        class: Class::ORDINARY,
        risk: false,
        required: SkillSet::EMPTY,
        preferred: Default::default(),
        rings: [PoolId(0)].into_iter().collect(),
        open: 1,
        own_seat: None,
    }
}

/// A seat of pool 0.
fn seat(n: u32) -> ReadySeat {
    ReadySeat {
        seat: SeatId(n),
        shard: ShardId(n as u16),
        counsellor: CounsellorId(n),
        pools: [PoolId(0)].into_iter().collect(),
        skills: Default::default(),
        lowest: Lowest::Everyone,
        idle_since: Mono(0),
        talked_ms: 0,
    }
}

/// What has become of everybody.
struct Ended {
    queue: Arc<Queue>,
    matches: Vec<Match>,
}

impl Ended {
    /// Reads what is left in both inboxes.
    fn new(queue: Arc<Queue>, taken: Option<Match>) -> Self {
        let shards = [0, 1].map(ShardId);
        let left = shards.into_iter().flat_map(|shard| {
            let all: Vec<Match> = std::iter::from_fn(|| queue.take_match(shard)).collect();
            let home = |it: &Match| match it.side {
                Side::Caller => it.caller_shard,
                Side::Seat => it.seat_shard,
            };
            assert!(all.iter().all(|it| home(it) == shard), "in the wrong inbox");
            all
        });
        let both: Vec<Match> = taken.into_iter().chain(left).collect();
        let mut offers: BTreeMap<u64, Vec<Match>> = BTreeMap::new();
        for made in &both {
            offers.entry(made.offer.0).or_default().push(*made);
        }
        for copies in offers.values() {
            let [one, two] = copies.as_slice() else {
                panic!("not two copies: {copies:?}")
            };
            let (side, other) = (one.side, two.side);
            assert!(side != other, "one side heard twice");
            assert_eq!(
                Match {
                    side: other,
                    ..*one
                },
                *two
            );
        }
        let matches = both.into_iter().filter(|it| it.side == Side::Caller);
        let matches: Vec<Match> = matches.collect();
        assert_eq!(queue.missed(), None, "a match was missed");
        assert_eq!(queue.counts().matches, matches.len() as u64);
        Self { queue, matches }
    }

    /// Everybody here was let in or became ready once.
    fn once(&self) {
        for (n, one) in self.matches.iter().enumerate() {
            let twice = |two: &Match| two.call == one.call || two.seat == one.seat;
            assert!(!self.matches[n + 1..].iter().any(twice), "twice: {one:?}");
            let line = |two: &Match| two.line == one.line;
            assert!(!self.matches[n + 1..].iter().any(line), "one line for two");
        }
    }

    fn matched(&self, call: CallId) -> bool {
        self.matches.iter().any(|it| it.call == call)
    }

    fn waits(&self, call: CallId) -> bool {
        self.queue.position(call).is_some()
    }

    fn counts(&self, waiting: u32, ready: u32) {
        let counts = self.queue.counts();
        assert_eq!((counts.waiting, counts.ready), (waiting, ready));
    }
}

/// Runs `one` and `two` at once in all ways on what `begin` makes, and looks at what has become of it.
fn race<T: Send + 'static, U: 'static>(
    preemptions: usize,
    begin: fn() -> Queue,
    one: fn(&Queue) -> T,
    two: fn(&Queue) -> U,
    end: fn(Arc<Queue>, T, U),
) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    let executions = Arc::new(AtomicU64::new(0));
    let count = executions.clone();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(begin());
        let shared = queue.clone();
        let first = thread::spawn(move || one(&shared));
        let second = two(&queue);
        let first = first.join().unwrap();
        end(queue, first, second);
    });
    println!("{executions:?} executions, {preemptions} preemptions");
}

fn enter(queue: &Queue, call: CallId) {
    queue.enqueue(NOW, caller(call)).unwrap();
}

fn ready(queue: &Queue, n: u32) {
    queue.seat_ready(NOW, seat(n)).unwrap();
}

#[test]
fn match_against_abandon() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 2, 1, 1);
            enter(&queue, A);
            queue
        },
        |queue| ready(queue, 0),
        |queue| queue.abandon(NOW, A),
        |queue, (), gone| {
            let ended = Ended::new(queue, None);
            ended.once();
            assert!(ended.matched(A) != gone, "hung up: {gone}");
            assert!(!ended.waits(A));
            ended.counts(0, u32::from(gone));
        },
    );
}

#[test]
fn two_callers_for_one_seat() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 2, 2, 1);
            ready(&queue, 0);
            queue
        },
        |queue| enter(queue, A),
        |queue| enter(queue, B),
        |queue, (), ()| {
            let ended = Ended::new(queue, None);
            ended.once();
            for call in [A, B] {
                assert!(ended.matched(call) != ended.waits(call));
            }
            assert_eq!(ended.matches.len(), 1);
            ended.counts(1, 0);
        },
    );
}

#[test]
fn two_seats_for_one_caller() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 2, 1, 2);
            enter(&queue, A);
            queue
        },
        |queue| ready(queue, 0),
        |queue| ready(queue, 1),
        |queue, (), ()| {
            let ended = Ended::new(queue, None);
            ended.once();
            assert!(ended.matched(A) && ended.matches.len() == 1);
            ended.counts(0, 1);
        },
    );
}

#[test]
fn widen_against_match() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(2, 2, 1, 1);
            let rings = [PoolId(1), PoolId(0)].into_iter().collect();
            let caller = Caller { rings, ..caller(A) };
            queue.enqueue(NOW, caller).unwrap();
            queue
        },
        |queue| ready(queue, 0),
        |queue| drop(queue.widen(NOW, A, Widening::OpenRing)),
        |queue, (), ()| {
            let ended = Ended::new(queue, None);
            ended.once();
            assert!(ended.matched(A), "whoever came second matches");
            ended.counts(0, 0);
        },
    );
}

#[test]
fn raise_against_match() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 2, 2, 1);
            enter(&queue, A);
            enter(&queue, B);
            queue
        },
        |queue| {
            let lowest = Lowest::RiskOnly;
            queue
                .seat_ready(NOW, ReadySeat { lowest, ..seat(0) })
                .unwrap();
        },
        |queue| drop(queue.raise(NOW, B, None, true)),
        |queue, (), ()| {
            let ended = Ended::new(queue, None);
            ended.once();
            assert!(ended.matched(B) && ended.waits(A) && !ended.matched(A));
            ended.counts(1, 0);
        },
    );
}

#[test]
fn put_back_against_seat_withdrawn() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 2, 1, 1);
            ready(&queue, 0);
            queue
        },
        |queue| drop(queue.put_back(NOW, caller(A)).unwrap()),
        |queue| queue.seat_withdrawn(SeatId(0)),
        |queue, (), withdrawn| {
            let ended = Ended::new(queue, None);
            ended.once();
            assert!(ended.matched(A) != withdrawn);
            assert!(ended.waits(A) == withdrawn);
            ended.counts(u32::from(withdrawn), 0);
        },
    );
}

/// The pool that opens has two pairs, of which its operation makes the first alone: whoever comes
/// next makes the other.
#[test]
fn a_pool_opens_against_a_new_caller() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 0, 3, 2);
            enter(&queue, A);
            enter(&queue, B);
            ready(&queue, 0);
            ready(&queue, 1);
            queue
        },
        |queue| drop(queue.set_lines(NOW, PoolId(0), 4)),
        |queue| enter(queue, C),
        |queue, (), ()| {
            let ended = Ended::new(queue, None);
            ended.once();
            assert!(ended.matched(A) && ended.matched(B), "they came first");
            assert!(ended.waits(C));
            ended.counts(1, 0);
        },
    );
}

#[test]
fn take_against_enqueue() {
    race(
        PREEMPTIONS,
        || {
            let queue = queue(1, 2, 2, 2);
            ready(&queue, 0);
            ready(&queue, 1);
            enter(&queue, A);
            queue
        },
        |queue| queue.take_match(ShardId(0)),
        |queue| enter(queue, B),
        |queue, taken, ()| {
            assert_eq!(taken.map(|it| it.call), Some(A));
            let ended = Ended::new(queue, taken);
            ended.once();
            assert!(ended.matched(A) && ended.matched(B));
            ended.counts(0, 0);
        },
    );
}
