//! Recorded histories of several threads against the reference model: each is explained by some
//! order of its operations, answers, named shards and matches included.

mod fixtures;

use fixtures::dice::Dice;
use fixtures::linear::{Event, Naming, linearizable};
use fixtures::memory::Memory;
use fixtures::operation::Operation;
use fixtures::shape::{OPENING, Shape, TINY};
use meishier_model::{CallId, Mono, SeatId, ShardId};
use meishier_queue::Queue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

const THREADS: usize = 3;
/// Histories of one kind.
const ROUNDS: u64 = 50_000;

/// A queue whose operations are recorded.
struct Recorder {
    queue: Queue,
    clock: AtomicU64,
}

impl Recorder {
    fn new(queue: Queue) -> Self {
        let clock = AtomicU64::new(1000);
        Self { queue, clock }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Does it, after others had their turn now and then, since they are to meet.
    fn record(&self, thread: usize, operation: Operation, dice: &mut Dice) -> Event {
        let called = self.tick();
        if dice.one_in(3) {
            std::thread::yield_now();
        }
        let now = Mono(called);
        let answer = operation.clone().on(&self.queue, now);
        Event {
            thread,
            called,
            returned: self.tick(),
            now,
            operation,
            answer,
        }
    }

    /// Some operations of one thread, one after the other.
    fn play(
        &self,
        shape: &Shape,
        thread: usize,
        dice: &mut Dice,
        operations: u64,
        memory: &mut Memory,
    ) -> Vec<Event> {
        let one = |_| {
            let now = Mono(self.clock.load(Ordering::SeqCst));
            let operation = match dice.roll(6) {
                0 => Operation::Take(ShardId(dice.roll(2) as u16)),
                1 if dice.one_in(3) => Operation::Has(ShardId(dice.roll(2) as u16)),
                _ => shape.operation(dice, now, memory),
            };
            let event = self.record(thread, operation, dice);
            memory.note(event.now, event.operation.clone(), &event.answer);
            event
        };
        (0..operations).map(one).collect()
    }

    /// Everything that is left in the inboxes.
    fn close(&self) -> Vec<Event> {
        let (mut events, mut dice) = (Vec::new(), Dice::new(0));
        for shard in [ShardId(0), ShardId(1)] {
            while self.queue.has_match(shard) {
                events.push(self.record(THREADS, Operation::Take(shard), &mut dice));
            }
            events.push(self.record(THREADS, Operation::Take(shard), &mut dice));
        }
        events
    }
}

/// Gives other threads their turn at some of this thread's atomic accesses.
#[cfg(feature = "hold")]
fn interleave(seed: u64) {
    let mut dice = Dice::new(seed);
    meishier_queue::hold::set(Some(Box::new(move |_| {
        if dice.one_in(12) {
            std::thread::yield_now();
        }
    })));
}

/// Without the hook only the machine interleaves.
#[cfg(not(feature = "hold"))]
fn interleave(_: u64) {}

/// One thread's part of a round.
struct Part {
    dice: Dice,
    memory: Memory,
    operations: u64,
}

/// Threads that live through all rounds, so that they begin each round together.
struct Threads<'a> {
    shape: &'a Shape,
    gate: Barrier,
    /// How many stand at the start of a round, over all rounds.
    standing: AtomicUsize,
    recorder: Mutex<Option<Arc<Recorder>>>,
    parts: Vec<Mutex<Option<Part>>>,
    events: Mutex<Vec<Event>>,
    panicked: AtomicBool,
}

impl Threads<'_> {
    fn work(&self, thread: usize) {
        interleave(thread as u64);
        loop {
            self.gate.wait();
            let Some(recorder) = self.recorder.lock().unwrap().clone() else {
                return;
            };
            let part = self.parts[thread].lock().unwrap().take();
            let Some(mut part) = part else { continue };
            self.start();
            let (dice, memory) = (&mut part.dice, &mut part.memory);
            let played = catch_unwind(AssertUnwindSafe(|| {
                recorder.play(self.shape, thread, dice, part.operations, memory)
            }));
            // The others wait at the gate: whoever panics must come there as well.
            match played {
                Ok(events) => self.events.lock().unwrap().extend(events),
                Err(_) => self.panicked.store(true, Ordering::SeqCst),
            }
            drop(recorder);
            self.gate.wait();
        }
    }

    /// Waits until all are awake: who wakes first would be done before the last has begun.
    fn start(&self) {
        let place = self.standing.fetch_add(1, Ordering::SeqCst);
        let all = (place / THREADS + 1) * THREADS;
        while self.standing.load(Ordering::SeqCst) < all {
            std::thread::yield_now();
        }
    }

    /// What was done in a round, and who was missed when it was over.
    fn round(&self, seed: u64) -> (Vec<Event>, Option<(CallId, SeatId)>) {
        let mut dice = Dice::new(seed);
        let recorder = Arc::new(Recorder::new(Queue::new(self.shape.config())));
        let mut memory = Memory::default();
        let before = dice.roll(8);
        let mut events = recorder.play(self.shape, THREADS, &mut dice, before, &mut memory);
        *self.recorder.lock().unwrap() = Some(recorder.clone());
        for (n, part) in (0..).zip(&self.parts) {
            let mut mine = memory.clone();
            // A line is released once, by whoever knows it.
            mine.lines = memory
                .lines
                .iter()
                .copied()
                .skip(n)
                .step_by(THREADS)
                .collect();
            *part.lock().unwrap() = Some(Part {
                dice: Dice::new(seed * 16 + n as u64 + 1),
                memory: mine,
                operations: 4 + dice.roll(3),
            });
        }
        for _ in 0..2 {
            self.gate.wait();
        }
        events.append(&mut self.events.lock().unwrap());
        let missed = recorder.queue.missed();
        events.extend(recorder.close());
        (events, missed)
    }
}

/// How many of these pairs of operations ran at the same time.
fn overlapping(events: &[Event]) -> usize {
    let pairs = events.iter().enumerate().flat_map(|(n, one)| {
        let later = events[n + 1..].iter();
        later.filter(move |two| one.called < two.returned && two.called < one.returned)
    });
    pairs.count()
}

fn play(shape: &Shape, naming: Naming, seeds: std::ops::Range<u64>) {
    let threads = Threads {
        shape,
        gate: Barrier::new(THREADS + 1),
        standing: AtomicUsize::new(0),
        recorder: Mutex::new(None),
        parts: (0..THREADS).map(|_| Mutex::new(None)).collect(),
        events: Mutex::new(Vec::new()),
        panicked: AtomicBool::new(false),
    };
    let (mut together, mut wrong) = (0, None);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let threads = &threads;
            scope.spawn(move || threads.work(thread));
        }
        for seed in seeds {
            let (events, missed) = threads.round(seed);
            together += overlapping(&events);
            let panicked = threads.panicked.load(Ordering::SeqCst);
            let explained = || linearizable(&shape.config(), naming, &events);
            if panicked || missed.is_some() || !explained() {
                wrong = Some((seed, missed, events));
                break;
            }
        }
        *threads.recorder.lock().unwrap() = None;
        threads.gate.wait();
    });
    if let Some((seed, missed, events)) = wrong {
        let names = linearizable(&shape.config(), Naming::Ignored, &events);
        panic!(
            "no order explains round {seed}; only names are wrong: {names}, missed: {missed:?}\n{}",
            told(&events)
        );
    }
    println!("{together} pairs of operations at the same time");
    assert!(together > 1000, "the threads met too seldom: {together}");
}

fn told(events: &[Event]) -> String {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| event.called);
    let lines = events.into_iter().map(|event| {
        let Event {
            thread,
            called,
            returned,
            operation,
            answer,
            ..
        } = event;
        format!("thread {thread}, {called} to {returned}: {operation:?}\n    → {answer:?}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_history_is_explained_by_an_order() {
    play(&TINY, Naming::Each, 0..ROUNDS);
}

#[test]
fn histories_in_which_pools_open_are_explained_as_well() {
    play(&OPENING, Naming::Together, ROUNDS..2 * ROUNDS);
}

/// Histories that no order explains, so that the search is known to refuse.
mod refused {
    use super::*;
    use crate::fixtures::operation::Answer;
    use crate::fixtures::{caller, config, seat};
    use meishier_queue::{Match, OfferId, QueueConfig, Strategy};

    fn rules() -> QueueConfig {
        config(Strategy::LongestIdle, 4)
    }

    /// What a queue does one after the other.
    fn honest(operations: Vec<Operation>) -> Vec<Event> {
        let recorder = Recorder::new(Queue::one_lock(rules()));
        let mut dice = Dice::new(0);
        let all = operations.into_iter();
        let all = all.map(|it| recorder.record(0, it, &mut dice));
        all.collect()
    }

    fn two_matches() -> Vec<Event> {
        let take = || Operation::Take(ShardId(0));
        let events = honest(vec![
            Operation::Enqueue(caller(1, 1)),
            Operation::Enqueue(caller(2, 1)),
            Operation::Ready(seat(0)),
            Operation::Ready(seat(1)),
            take(),
            take(),
            take(),
            take(),
        ]);
        assert!(linearizable(&rules(), Naming::Each, &events));
        assert!(linearizable(&rules(), Naming::Together, &events));
        events
    }

    fn change(events: &mut [Event], change: impl Fn(&mut Match)) {
        for event in events {
            if let Answer::Taken(Some(made)) = &mut event.answer {
                change(made);
            }
        }
    }

    fn is_refused(events: &[Event]) {
        assert!(!linearizable(&rules(), Naming::Each, events));
        assert!(!linearizable(&rules(), Naming::Together, events));
    }

    #[test]
    fn the_later_caller_goes_first() {
        let mut events = two_matches();
        change(&mut events, |made| made.call = CallId(3 - made.call.0));
        is_refused(&events);
    }

    #[test]
    fn who_came_at_the_same_time_may_go_first() {
        // The same answers, but with the later caller's entry done before the first was in.
        let mut events = honest(vec![
            Operation::Enqueue(caller(2, 1)),
            Operation::Ready(seat(0)),
            Operation::Enqueue(caller(1, 1)),
            Operation::Take(ShardId(0)),
        ]);
        let (entered, entry) = (events[0].returned, events[2].called);
        assert!(linearizable(&rules(), Naming::Each, &events));
        // Called first, it has to be in when the seat becomes ready only if it had returned.
        events[2].called = 0;
        assert!(linearizable(&rules(), Naming::Each, &events));
        events[2].returned = 1;
        assert!(entered < entry);
        is_refused(&events);
    }

    #[test]
    fn one_seat_is_given_twice() {
        let mut events = two_matches();
        change(&mut events, |made| made.seat = seat(0).seat);
        is_refused(&events);
    }

    #[test]
    fn offers_are_counted_backwards() {
        let mut events = two_matches();
        change(&mut events, |made| made.offer = OfferId(9 - made.offer.0));
        is_refused(&events);
    }

    #[test]
    fn offers_may_have_other_numbers() {
        let mut events = two_matches();
        change(&mut events, |made| made.offer = OfferId(9 * made.offer.0));
        assert!(linearizable(&rules(), Naming::Each, &events));
    }

    #[test]
    fn a_match_is_lost() {
        let mut events = two_matches();
        for event in &mut events[4..] {
            event.answer = Answer::Taken(None);
        }
        is_refused(&events);
    }

    #[test]
    fn nobody_is_told_of_a_match() {
        let mut events = two_matches();
        events[2].answer = Answer::Seated(Ok(Default::default()));
        is_refused(&events);
    }

    #[test]
    fn who_left_is_matched() {
        let mut events = two_matches();
        let left = Event {
            operation: Operation::Abandon(CallId(1)),
            answer: Answer::Said(true),
            ..events[1].clone()
        };
        events.insert(2, left);
        is_refused(&events);
    }
}
