//! After its start the queue allocates nothing: every thread that works on it counts.

// The counting allocator has to be unsafe, and only it.
#![allow(unsafe_code)]

mod fixtures;

use arrayvec::ArrayVec;
use fixtures::dice::Dice;
use fixtures::is_one_lock;
use fixtures::memory::Memory;
use fixtures::operation::{Answer, Operation};
use fixtures::shape::{DENSE, Shape};
use meishier_model::{LineId, Mono, ShardId};
use meishier_queue::{MAX_POOLS, MAX_PREFERENCES, MAX_RINGS, Match, Queue, Side};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;

const OPERATIONS: usize = 100_000;
const THREADS: usize = 3;

thread_local! {
    /// Allocations of this thread. It has neither a destructor nor a first use, so that reading it
    /// does not allocate.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `alloc` above, that is from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: `at` came from `alloc` above, and the rest is the caller's contract.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Nobody has more of anything than lies in a caller or seat itself.
const SMALL: Shape = Shape {
    shards: 2,
    seats: 24,
    calls: 64,
    max_callers: 48,
    preferences: 2,
    rings: 4,
    seat_pools: 4,
    skills: 6,
    lines: 12,
    faulty: 0,
    restarts: 0,
    ..DENSE
};

/// Callers have as many rings and preferences and seats as many pools as the queue takes, more than
/// lie in themselves: all their room is asked for before anybody counts.
const WIDE: Shape = Shape {
    pools: 8,
    preferences: MAX_PREFERENCES as u64,
    rings: MAX_RINGS as u64,
    seat_pools: MAX_POOLS as u64,
    skills: 12,
    ..SMALL
};

/// Operations that were made before anybody counts.
fn prepared(shape: &Shape, seed: u64) -> Vec<Operation> {
    let (mut dice, memory) = (Dice::new(seed), Memory::default());
    let all = (0..OPERATIONS as u64).map(|n| shape.operation(&mut dice, Mono(1000 + n), &memory));
    all.collect()
}

/// Lines of calls that are not over yet.
#[derive(Default)]
struct Calls {
    lines: ArrayVec<LineId, 64>,
    taken: u64,
}

impl Calls {
    fn hear(&mut self, answer: &Answer) {
        if let Answer::Taken(Some(Match { side, line, .. })) = answer
            && *side == Side::Caller
        {
            self.lines.push(*line);
            self.taken += 1;
        }
    }
}

/// Does all of it, takes every match and hangs up soon. Allocations, and matches taken.
fn count(queue: &Queue, operations: Vec<Operation>) -> (u64, u64) {
    let mut calls = Calls::default();
    let before = ALLOCATIONS.get();
    for (n, operation) in operations.into_iter().enumerate() {
        let now = Mono(1000 + n as u64);
        calls.hear(&operation.on(queue, now));
        for shard in (0..SMALL.shards).map(ShardId) {
            calls.hear(&Operation::Take(shard).on(queue, now));
        }
        while calls.lines.len() > 4
            && let Some(line) = calls.lines.pop()
        {
            Operation::Release(line).on(queue, now);
        }
    }
    // Other threads go on with its lines.
    for line in calls.lines {
        Operation::Release(line).on(queue, Mono(1000 + OPERATIONS as u64));
    }
    (ALLOCATIONS.get() - before, calls.taken)
}

#[test]
fn the_counter_sees_what_the_reference_model_allocates() {
    let operations = prepared(&SMALL, 1);
    let (allocations, taken) = count(&Queue::one_lock(SMALL.config()), operations);
    assert!(allocations > 1000, "{allocations}");
    assert!(taken > 1000, "{taken}");
}

/// Allocations and matches of each thread, while all of them do other operations on one queue.
fn at_once(queue: &Queue, shape: &Shape) -> Vec<(u64, u64)> {
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let one = |seed: u64| {
            let start = &start;
            scope.spawn(move || {
                let operations = prepared(shape, seed);
                start.wait();
                count(queue, operations)
            })
        };
        let threads: Vec<_> = (0..THREADS as u64).map(one).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    })
}

fn nothing_is_allocated(shape: &Shape) {
    let queue = Queue::new(shape.config());
    let mut counted = vec![count(&queue, prepared(shape, 2))];
    counted.extend(at_once(&queue, shape));
    let busy = counted.iter().all(|(_, taken)| *taken > 0);
    assert!(busy, "somebody had no match: {counted:?}");
    let taken: u64 = counted.iter().map(|(_, taken)| taken).sum();
    assert!(taken > 1000, "{taken}");
    let nothing = counted.iter().all(|(allocations, _)| *allocations == 0);
    // Only the reference model may.
    assert_eq!(nothing, !is_one_lock(&queue), "{counted:?}");
}

#[test]
fn a_queue_that_runs_allocates_nothing() {
    nothing_is_allocated(&SMALL);
}

#[test]
fn the_widest_callers_and_seats_allocate_nothing_inside() {
    let mut dice = Dice::new(3);
    let wide = (0..100).map(|_| WIDE.caller(&mut dice, Mono(1000)));
    let spilled = wide.filter(|it| it.rings.spilled() && it.preferred.spilled());
    assert!(spilled.count() > 10);
    nothing_is_allocated(&WIDE);
}
