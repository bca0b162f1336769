//! Every interleaving of a few changes, weak memory included, up to a number of preemptions.
//!
//! Each test says its bound and how many executions it took when it was written; together they take a
//! minute and a half on one core.

use loom::model::Builder;
use loom::thread::{self, JoinHandle};
use std::sync::Arc;

use super::{CellAt, FreeList, Memory, Stop, Tally, WordAt};

/// Runs all interleavings with at most so many preemptions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    let executions = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = executions.clone();
    builder.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    println!("{executions:?} executions, {preemptions} preemptions");
}

const X: WordAt = WordAt(0);
const Y: WordAt = WordAt(1);
const Z: WordAt = WordAt(2);

fn spawn<T: 'static>(
    memory: &Arc<Memory>,
    work: impl FnOnce(&Memory) -> T + 'static,
) -> JoinHandle<T> {
    let memory = memory.clone();
    thread::spawn(move || work(&memory))
}

/// Writes these values.
fn write(memory: &Memory, hint: usize, values: &[(WordAt, u32)]) {
    let done = memory.change(hint, |change| {
        values
            .iter()
            .try_for_each(|(at, value)| change.set(*at, *value))
    });
    assert_eq!(done, Ok(()));
}

/// Adds one to each of these words; what the first was before.
fn add(memory: &Memory, hint: usize, words: &[WordAt]) -> u32 {
    let before = memory.change(hint, |change| {
        let before = change.get(words[0])?;
        for at in words {
            let value = change.get(*at)?;
            change.set(*at, value + 1)?;
        }
        Ok(before)
    });
    before.unwrap()
}

fn read<const N: usize>(memory: &Memory, hint: usize, words: [WordAt; N]) -> [u32; N] {
    let values = memory.change(hint, |change| {
        let mut values = [0; N];
        for (value, at) in values.iter_mut().zip(words) {
            *value = change.get(at)?;
        }
        Ok(values)
    });
    values.unwrap()
}

/// Two writers of three words and a reader: nobody sees half a change, none is lost.
///
/// At most one preemption: 51,856 executions.
#[test]
fn a_change_shows_at_once_or_never() {
    explore(1, || {
        let memory = Arc::new(Memory::new(3, 3));
        let first = spawn(&memory, |memory| add(memory, 0, &[X, Y, Z]));
        let second = spawn(&memory, |memory| add(memory, 1, &[Z, Y, X]));
        let [x, y, z] = read(&memory, 2, [X, Y, Z]);
        assert!(x == y && y == z, "half a change: {x} {y} {z}");
        let [first, second] = [first, second].map(|it| it.join().unwrap());
        assert_eq!(first + second, 1, "one came after the other");
        assert_eq!(read(&memory, 0, [X, Y, Z]), [2; 3]);
    });
}

/// Rule 3: not even who is overtaken sees words of two moments, so nothing leads it astray.
///
/// At most two preemptions: 40,810 executions.
#[test]
fn whoever_is_overtaken_saw_one_moment() {
    explore(2, || {
        let memory = Arc::new(Memory::new(2, 2));
        let other = spawn(&memory, |memory| {
            add(memory, 0, &[X, Y]);
            add(memory, 0, &[Y, X]);
        });
        let seen = memory.change(1, |change| {
            let [y, x] = [change.get(Y)?, change.get(X)?];
            assert_eq!(x, y, "two moments");
            Ok(x)
        });
        assert!(seen.unwrap() <= 2);
        other.join().unwrap();
    });
}

/// One thread decides and stops, one helps, and a third relies on it.
///
/// At most one preemption: 90,030 executions.
#[test]
fn whoever_sees_a_change_finished_sees_its_words() {
    explore(1, || {
        let memory = Arc::new(Memory::new(2, 3));
        let owner = spawn(&memory, |memory| write(memory, 0, &[(X, 1), (Y, 1)]));
        let readers = [1, 2].map(|hint| spawn(&memory, move |memory| read(memory, hint, [X, Y])));
        for reader in readers {
            let [x, y] = reader.join().unwrap();
            assert_eq!(x, y, "half a change");
        }
        owner.join().unwrap();
        assert_eq!(read(&memory, 0, [X, Y]), [1, 1]);
    });
}

/// One thread of two changes and one of one, each of which reads what the others wrote.
///
/// At most two preemptions: 55,897 executions.
#[test]
fn no_change_is_lost() {
    explore(2, || {
        let memory = Arc::new(Memory::new(2, 2));
        let other = spawn(&memory, |memory| {
            [add(memory, 1, &[X, Y]), add(memory, 1, &[Y])]
        });
        let mine = add(&memory, 0, &[Y, X]);
        let theirs = other.join().unwrap();
        assert!(theirs[0] <= 1 && theirs[1] <= 2 && mine <= 2);
        assert_eq!(read(&memory, 0, [X, Y]), [2, 3]);
    });
}

/// Both threads would have the same descriptor.
///
/// At most two preemptions: 21,007 executions.
#[test]
fn a_descriptor_has_one_owner() {
    explore(2, || {
        let memory = Arc::new(Memory::new(2, 2));
        let other = spawn(&memory, |memory| add(memory, 0, &[X, Y]));
        add(&memory, 0, &[X, Y]);
        other.join().unwrap();
        assert_eq!(read(&memory, 0, [X, Y]), [2; 2]);
    });
}

/// Rule 4: while one thread helps, the owner goes on to changes of other lengths in the same
/// descriptor. In its last places lies what an older change wrote.
///
/// At most two preemptions: 8,842 executions.
#[test]
fn a_helper_takes_nothing_from_another_change() {
    explore(2, || {
        let memory = Arc::new(Memory::new(3, 2));
        write(&memory, 0, &[(X, 1), (Y, 5)]);
        write(&memory, 1, &[(Y, 7)]);
        let owner = spawn(&memory, |memory| {
            write(memory, 0, &[(X, 2)]);
            write(memory, 0, &[(Z, 1), (X, 3)]);
        });
        let [x, y, z] = read(&memory, 1, [X, Y, Z]);
        assert!(
            matches!((x, y, z), (1 | 2, 7, 0) | (3, 7, 1)),
            "{x} {y} {z}"
        );
        owner.join().unwrap();
        assert_eq!(read(&memory, 1, [X, Y, Z]), [3, 7, 1]);
    });
}

/// The same with a helper that writes: the order of all changes is one.
///
/// At most two preemptions: 35,291 executions.
#[test]
fn a_helper_that_writes_comes_before_or_after() {
    explore(2, || {
        let memory = Arc::new(Memory::new(2, 2));
        write(&memory, 0, &[(X, 1), (Y, 5)]);
        write(&memory, 1, &[(Y, 7)]);
        let owner = spawn(&memory, |memory| {
            let first = add(memory, 0, &[X]);
            (first, add(memory, 0, &[X, Y]))
        });
        let mine = add(&memory, 1, &[X, Y]);
        let (first, second) = owner.join().unwrap();
        let mut order = [mine, first, second];
        order.sort_unstable();
        assert_eq!(order, [1, 2, 3]);
        assert_eq!(read(&memory, 1, [X, Y]), [4, 9]);
    });
}

/// A helper of a change whose owner has gone on to the next value.
///
/// At most two preemptions: 7,589 executions.
#[test]
fn a_late_helper_never_writes_over_a_newer_value() {
    explore(2, || {
        let memory = Arc::new(Memory::new(1, 2));
        let owner = spawn(&memory, |memory| {
            write(memory, 0, &[(X, 1)]);
            write(memory, 0, &[(X, 2)]);
        });
        read(&memory, 1, [X]);
        owner.join().unwrap();
        assert_eq!(read(&memory, 1, [X]), [2]);
    });
}

/// What is counted beside the words, by two owners of one descriptor.
///
/// At most two preemptions: 4,517 executions.
#[test]
fn nothing_is_counted_twice_or_lost() {
    explore(2, || {
        let memory = Arc::new(Memory::new(1, 2));
        let count = |memory: &Memory| {
            let done = memory.change(0, |change| {
                let value = change.get(X)?;
                change.tally(Tally::Waiting, 1);
                change.set(X, value + 1)
            });
            assert_eq!(done, Ok(()));
        };
        let other = spawn(&memory, count);
        count(&memory);
        other.join().unwrap();
        assert_eq!(memory.tally(Tally::Waiting), 2);
        assert_eq!(memory.tally(Tally::Ready), 0);
    });
}

/// A change that is given up because work is left leaves no trace.
///
/// At most two preemptions: 780 executions.
#[test]
fn who_stops_leaves_no_trace() {
    explore(2, || {
        let memory = Arc::new(Memory::new(2, 2));
        let other = spawn(&memory, |memory| {
            memory.change(1, |change| {
                change.set(X, 9)?;
                if change.get(Y)? == 0 {
                    return Err(Stop::WorkLeft);
                }
                change.set(Y, 9)
            })
        });
        add(&memory, 0, &[Y]);
        let seen = other.join().unwrap();
        let after = if seen.is_ok() { [9, 9] } else { [0, 1] };
        assert_eq!(read(&memory, 0, [X, Y]), after);
    });
}

/// Records with one cell and one word; the word `X` leads to one of them, `Y` says its generation.
struct Records {
    memory: Memory,
    free: FreeList,
}

const LINKS: u32 = 8;

impl Records {
    fn word(record: u32) -> WordAt {
        WordAt(2 + 2 * record)
    }

    fn cell(record: u32) -> CellAt {
        CellAt(3 + 2 * record)
    }

    fn new(count: u32, threads: usize) -> Arc<Self> {
        let memory = Memory::new((LINKS + count) as usize, threads);
        let free = FreeList::new(&memory, LINKS, count);
        let records = Self { memory, free };
        records.publish(0, 1);
        Arc::new(records)
    }

    /// A record of this generation takes the place of the one that `X` leads to.
    fn publish(&self, hint: usize, generation: u32) {
        let record = self.free.claim(&self.memory).expect("one is free");
        self.memory
            .set_cell(Self::cell(record), u64::from(generation));
        let before = self.memory.change(hint, |change| {
            let before = change.get(X)?;
            let word = Self::word(record);
            change.own(word.0..word.0 + 1);
            change.set_private(word, 0);
            change.set(word, generation)?;
            change.set(Y, generation)?;
            change.set(X, record + 1)?;
            Ok(before)
        });
        if let Some(before) = before.unwrap().checked_sub(1) {
            self.free.give(&self.memory, before);
        }
    }

    /// What the record says that `X` leads to; with `copy`, written into `Z` too.
    fn look(&self, hint: usize, copy: bool) {
        let seen = self.memory.change(hint, |change| {
            let record = change.get(X)? - 1;
            let cell = change.cell(Self::cell(record)) as u32;
            let word = change.get(Self::word(record))?;
            let generation = change.get(Y)?;
            if copy {
                change.set(WordAt(LINKS - 1), cell)?;
            }
            Ok([cell, word, generation])
        });
        let [cell, word, generation] = seen.unwrap();
        assert!(cell == generation && word == generation, "two lives mixed");
    }
}

/// Rule 5: a reader on its way to a record whose next life begins.
///
/// At most two preemptions: 49,031 executions.
#[test]
fn nobody_mixes_two_lives_of_a_record() {
    explore(2, || {
        let records = Records::new(2, 2);
        let writer = records.clone();
        let writer = thread::spawn(move || {
            writer.publish(0, 2);
            writer.publish(0, 3);
        });
        records.look(1, false);
        writer.join().unwrap();
        records.look(1, false);
    });
}

/// The same for a reader that writes down what it read.
///
/// At most two preemptions: 68,478 executions.
#[test]
fn nobody_writes_down_two_lives_of_a_record() {
    explore(2, || {
        let records = Records::new(2, 2);
        let writer = records.clone();
        let writer = thread::spawn(move || {
            writer.publish(0, 2);
            writer.publish(0, 3);
        });
        records.look(1, true);
        writer.join().unwrap();
        records.look(1, false);
    });
}

/// A record leaves by a change that writes it, and is private at once; a late helper of that
/// change must not reach into its next life.
///
/// At most two preemptions: 7,888 executions.
#[test]
fn a_late_helper_never_writes_into_a_private_record() {
    explore(2, || {
        let records = Records::new(1, 2);
        let owner = records.clone();
        let owner = thread::spawn(move || {
            let gone = owner.memory.change(0, |change| {
                let record = change.get(X)? - 1;
                change.set(Records::word(record), 9)?;
                change.set(X, 0)?;
                Ok(record)
            });
            owner.free.give(&owner.memory, gone.unwrap());
            owner.publish(0, 2);
        });
        read(&records.memory, 1, [Y]);
        owner.join().unwrap();
        records.look(1, false);
    });
}

/// Who has which record.
struct Shared {
    memory: Memory,
    free: FreeList,
    held: Vec<loom::sync::atomic::AtomicBool>,
}

impl Shared {
    fn new(count: u32) -> Arc<Self> {
        let memory = Memory::new(count as usize, 2);
        let held = (0..count).map(|_| loom::sync::atomic::AtomicBool::new(false));
        Arc::new(Self {
            free: FreeList::new(&memory, 0, count),
            memory,
            held: held.collect(),
        })
    }

    fn claim(&self) -> Option<u32> {
        let record = self.free.claim(&self.memory)?;
        let before = self.held[record as usize].swap(true, loom::sync::atomic::Ordering::Relaxed);
        assert!(!before, "handed out twice");
        Some(record)
    }

    fn give(&self, record: u32) {
        self.held[record as usize].store(false, loom::sync::atomic::Ordering::Relaxed);
        self.free.give(&self.memory, record);
    }

    fn claim_and_give(&self, times: u32) {
        for _ in 0..times {
            let record = self.claim().expect("one is always free");
            self.give(record);
        }
    }

    fn all_there(&self) {
        let there = std::iter::from_fn(|| self.claim()).count();
        assert_eq!(there, self.held.len());
    }
}

/// Two threads, of which each holds one record at most, and two records: both lists run empty and
/// the turn changes in the middle of a claim.
///
/// At most two preemptions: 38,341 executions.
#[test]
fn no_record_is_handed_out_twice_or_lost() {
    explore(2, || {
        let shared = Shared::new(2);
        let other = shared.clone();
        let other = thread::spawn(move || other.claim_and_give(2));
        shared.claim_and_give(2);
        other.join().unwrap();
        shared.all_there();
    });
}

/// One thread gives back what it and the other claimed before.
///
/// At most two preemptions: 9,806 executions.
#[test]
fn a_record_that_was_free_all_the_time_is_found() {
    explore(2, || {
        let shared = Shared::new(2);
        let all = [(); 2].map(|()| shared.claim().unwrap());
        for record in all {
            shared.give(record);
        }
        let other = shared.clone();
        let other = thread::spawn(move || other.claim_and_give(3));
        let record = shared.claim().expect("the other holds one of two");
        other.join().unwrap();
        shared.give(record);
        shared.all_there();
    });
}
