//! Random schedules of several threads, one access at a time: recorded histories against the
//! reference model, and a thread that is stopped for ever while the others go on.
//!
//! shuttle runs all threads in one, so what is not the queue's own needs no atomics of its kind.

mod fixtures;

use fixtures::dice::Dice;
use fixtures::linear::{Event, Naming, linearizable};
use fixtures::memory::Memory;
use fixtures::operation::Operation;
use fixtures::shape::{OPENING, Shape, TINY};
use fixtures::world::{Listening, Shard, World, all_is_whole, others_are_whole};
use meishier_model::{Mono, ShardId};
use meishier_queue::{Queue, hold};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::Barrier;
use shuttle::sync::mpsc::{Receiver, Sender, channel};
use shuttle::{Config, Runner, thread};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

const THREADS: usize = 4;
/// Schedules of a kind.
const HISTORIES: usize = 3000;
const STOPS: usize = 4000;

/// Runs it under each of the scheduler's schedules; `model` gets a number that is new each time.
fn run(scheduler: impl Scheduler + 'static, model: impl Fn(u64) + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.silence_warnings = true;
    config.failure_persistence = shuttle::FailurePersistence::None;
    let round = AtomicU64::new(0);
    let rounds = Runner::new(scheduler, config).run(move || {
        model(round.fetch_add(1, Ordering::Relaxed));
    });
    println!("{rounds} schedules");
}

/// A queue whose operations are recorded.
struct Recorder {
    queue: Queue,
    clock: AtomicU64,
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn record(&self, thread: usize, operation: Operation) -> Event {
        let called = self.tick();
        let now = Mono(called);
        let answer = operation.clone().on(&self.queue, now);
        let event = Event {
            thread,
            called,
            returned: self.tick(),
            now,
            operation,
            answer,
        };
        self.events.lock().unwrap().push(event.clone());
        event
    }

    fn play(&self, shape: &Shape, thread: usize, dice: &mut Dice, times: u64, memory: &mut Memory) {
        for _ in 0..times {
            let now = Mono(self.clock.load(Ordering::Relaxed));
            let operation = match dice.roll(6) {
                0 => Operation::Take(ShardId(dice.roll(2) as u16)),
                1 if dice.one_in(3) => Operation::Has(ShardId(dice.roll(2) as u16)),
                _ => shape.operation(dice, now, memory),
            };
            let event = self.record(thread, operation);
            memory.note(event.now, event.operation.clone(), &event.answer);
        }
    }

    /// Everything that is left in the inboxes.
    fn close(&self) {
        for shard in [ShardId(0), ShardId(1)] {
            while self.queue.has_match(shard) {
                self.record(THREADS, Operation::Take(shard));
            }
            self.record(THREADS, Operation::Take(shard));
        }
    }
}

/// Some operations of each thread: some order explains them, and nobody is missed.
fn history(shape: &'static Shape, naming: Naming, seed: u64) {
    let mut dice = Dice::new(seed);
    let recorder = Arc::new(Recorder {
        queue: Queue::new(shape.config()),
        clock: AtomicU64::new(1000),
        events: Mutex::default(),
    });
    let mut memory = Memory::default();
    let before = dice.roll(8);
    recorder.play(shape, THREADS, &mut dice, before, &mut memory);
    let threads: Vec<_> = (0..THREADS)
        .map(|n| {
            let (recorder, mut mine) = (recorder.clone(), memory.clone());
            // A line is released once, by whoever knows it.
            let lines = memory.lines.iter().copied();
            mine.lines = lines.skip(n).step_by(THREADS).collect();
            let mut dice = Dice::new(seed * 16 + n as u64 + 1);
            thread::spawn(move || recorder.play(shape, n, &mut dice, 5, &mut mine))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let missed = recorder.queue.missed();
    recorder.close();
    let events = recorder.events.lock().unwrap();
    assert_eq!(missed, None, "seed {seed}: {events:#?}");
    let explained = linearizable(&shape.config(), naming, &events);
    assert!(explained, "no order explains seed {seed}: {events:#?}");
}

#[test]
fn random_schedules_are_explained_by_an_order() {
    run(RandomScheduler::new_from_seed(1, HISTORIES), |seed| {
        history(&TINY, Naming::Each, seed);
    });
}

#[test]
fn schedules_of_few_preemptions_are_explained_by_an_order() {
    run(PctScheduler::new_from_seed(2, 4, HISTORIES), |seed| {
        history(&TINY, Naming::Each, seed);
    });
}

#[test]
fn schedules_in_which_pools_open_are_explained_as_well() {
    run(RandomScheduler::new_from_seed(3, HISTORIES), |seed| {
        history(&OPENING, Naming::Together, seed);
    });
}

/// What a shard does of its own accord.
fn act(mut shard: Shard, world: &World, mut dice: Dice) -> Shard {
    for _ in 0..6 {
        if let Some(operation) = shard.choose(world, &mut dice) {
            shard.perform(world, operation);
        }
        shard.listen(world, Listening::Asking);
    }
    shard
}

/// Somebody of each shard waits or is ready.
fn begun(world: &World, seed: u64) -> Vec<Shard> {
    let begin = |n| {
        let mut dice = Dice::new(seed * 64 + u64::from(n) + 32);
        let mut shard = Shard::new(ShardId(n));
        for _ in 0..2 {
            let caller = shard.caller(world, &mut dice);
            shard.perform(world, Operation::Enqueue(caller));
            let seat = shard.seat(&mut dice);
            shard.perform(world, Operation::Ready(seat));
        }
        shard
    };
    (0..THREADS as u16).map(begin).collect()
}

/// Where a thread stops: it says so and waits until it is let go.
struct Stop {
    reached: Sender<bool>,
    go_on: Receiver<()>,
}

/// This thread stops before its access number `at`. The hook lives as long as the real thread,
/// shuttle's channels must not.
fn stop_at(at: u64, me: thread::ThreadId, stop: Weak<Stop>) {
    let mut accesses = 0;
    hold::set(Some(Box::new(move |_| {
        if thread::current().id() != me {
            return;
        }
        if accesses == at
            && let Some(stop) = stop.upgrade()
        {
            let _ = stop.reached.send(true);
            let _ = stop.go_on.recv();
        }
        accesses += 1;
    })));
}

/// One thread stops before some access and stays there until the others are done and looked at.
/// True if it had as many.
fn stopped(seed: u64) -> bool {
    let world = Arc::new(World::new(THREADS as u16, 24, 64));
    let shards = begun(&world, seed);
    let (let_go, go_on) = channel::<()>();
    let (reached, news) = channel();
    let done = reached.clone();
    let stop = Arc::new(Stop { reached, go_on });
    let start = Arc::new(Barrier::new(THREADS + 1));
    let threads: Vec<_> = shards
        .into_iter()
        .map(|shard| {
            let (world, start, done) = (world.clone(), start.clone(), done.clone());
            let dice = Dice::new(seed * 16 + u64::from(shard.id.0) + 1);
            thread::spawn(move || {
                start.wait();
                let shard = act(shard, &world, dice);
                if shard.id.0 == 0 {
                    let _ = done.send(false);
                }
                shard
            })
        })
        .collect();
    let at = Dice::new(seed).roll(600);
    stop_at(at, threads[0].thread().id(), Arc::downgrade(&stop));
    start.wait();
    let mut threads = threads.into_iter();
    let held = threads.next().unwrap();
    let mut others: Vec<Shard> = threads.map(|it| it.join().unwrap()).collect();
    // It may be slow instead of stopped, and is not to go on while we look.
    let stands = news.recv().unwrap();
    others_are_whole(&world, &mut others);
    drop(let_go);
    others.insert(0, held.join().unwrap());
    hold::set(None);
    all_is_whole(&world, others);
    stands
}

fn stop_somewhere(scheduler: impl Scheduler + 'static) {
    let stops = Arc::new(AtomicUsize::new(0));
    let count = stops.clone();
    run(scheduler, move |seed| {
        count.fetch_add(usize::from(stopped(seed)), Ordering::Relaxed);
    });
    let stops = stops.load(Ordering::Relaxed);
    println!("stopped in {stops} of them");
    assert!(stops > STOPS / 2, "it stopped too seldom: {stops}");
}

#[test]
fn nobody_waits_for_a_stopped_thread_in_random_schedules() {
    stop_somewhere(RandomScheduler::new_from_seed(4, STOPS));
}

#[test]
fn nobody_waits_for_a_stopped_thread_in_schedules_of_few_preemptions() {
    stop_somewhere(PctScheduler::new_from_seed(5, 4, STOPS));
}
