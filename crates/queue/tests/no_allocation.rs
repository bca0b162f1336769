//! After its start the queue allocates nothing: every thread that works on it counts.

// The counting allocator has to be unsafe, and only it.
#![allow(unsafe_code)]

mod fixtures;

use fixtures::dice::Dice;
use fixtures::is_one_lock;
use fixtures::memory::Memory;
use fixtures::operation::{Answer, Operation};
use fixtures::shape::{DENSE, Shape};
use meishier_model::{LineId, Mono, ShardId};
use meishier_queue::{Match, Queue, Side};
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

/// Operations that were made before anybody counts.
fn prepared(seed: u64) -> Vec<Operation> {
    let (mut dice, memory) = (Dice::new(seed), Memory::default());
    let all = (0..OPERATIONS as u64).map(|n| SMALL.operation(&mut dice, Mono(1000 + n), &memory));
    all.collect()
}

/// Does all of it, takes every match and hangs up at once. Allocations, and matches taken.
fn count(queue: &Queue, operations: Vec<Operation>) -> (u64, u64) {
    let mut lines: [Option<LineId>; 64] = [None; 64];
    let (mut held, mut taken) = (0, 0);
    let before = ALLOCATIONS.get();
    for (n, operation) in operations.into_iter().enumerate() {
        let now = Mono(1000 + n as u64);
        operation.on(queue, now);
        for shard in (0..SMALL.shards).map(ShardId) {
            let entry = Operation::Take(shard).on(queue, now);
            if let Answer::Taken(Some(Match { side, line, .. })) = entry
                && side == Side::Caller
            {
                lines[held] = Some(line);
                held += 1;
                taken += 1;
            }
        }
        if held > 4
            && let Some(line) = lines[held - 1].take()
        {
            held -= 1;
            Operation::Release(line).on(queue, now);
        }
    }
    (ALLOCATIONS.get() - before, taken)
}

#[test]
fn the_counter_sees_what_the_reference_model_allocates() {
    let operations = prepared(1);
    let (allocations, taken) = count(&Queue::one_lock(SMALL.config()), operations);
    assert!(allocations > 1000, "{allocations}");
    assert!(taken > 1000, "{taken}");
}

/// Allocations of each thread, while all of them do other operations on one queue.
fn at_once(queue: &Queue) -> Vec<(u64, u64)> {
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let one = |seed: u64| {
            let start = &start;
            scope.spawn(move || {
                let operations = prepared(seed);
                start.wait();
                count(queue, operations)
            })
        };
        let threads: Vec<_> = (0..THREADS as u64).map(one).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    })
}

#[test]
fn a_queue_that_runs_allocates_nothing() {
    let queue = Queue::new(SMALL.config());
    let mut counted = vec![count(&queue, prepared(2))];
    counted.extend(at_once(&queue));
    let taken: u64 = counted.iter().map(|(_, taken)| taken).sum();
    assert!(taken > 1000, "{taken}");
    let nothing = counted.iter().all(|(allocations, _)| *allocations == 0);
    // Only the reference model may.
    assert_eq!(nothing, !is_one_lock(&queue), "{counted:?}");
}
