//! Memory that changes in many places as one step, without a lock.
//!
//! ```text
//!           ┌ descriptor 0: stage, writes ┐
//!   head ──►│ descriptor 1: stage, writes │──► words  (value, number of the change that wrote it)
//!  (number, └ …                           ┘    cells  (plain, written before anybody can see them)
//!   descriptor)
//!
//!   begin:  read head; if its change is not finished, finish it          (help)
//!   work:   read words; a number above the start's → begin anew; writes go into the own descriptor
//!   decide: stage := my number, then compare-and-swap head               (the one decision)
//!   finish: compare-and-swap each word from an older number to mine; stage := done
//! ```
//!
//! # Rules
//! 1. Changes are totally ordered by their number; change n+1 is decided only by a thread that has
//!    seen change n finished. So at most one change is decided and not finished.
//! 2. A word's number never falls. Whoever finishes change n writes a word only if its number is
//!    below n, so each word is written once for n, however many help and however late.
//! 3. A change reads only words with numbers up to its start: what it reads is one moment's state. If
//!    another change was decided since, its own compare-and-swap fails and it works anew: that one
//!    fails because another succeeded is what makes the memory lock-free.
//! 4. A descriptor's writes are altered only while its stage does not name a decided change. A helper
//!    reads a write first and the stage after it; if the stage still names the change, so did the write.
//! 5. Plain cells of a record, and its words outside of a change, are written only between its claim
//!    from a free list and the change that makes it reachable, and that change starts after the claim
//!    (a claim in its middle must find the head where it was): so a private word is never older than
//!    the change that freed the record. Who reaches a record by words of a bygone moment may read cells of its
//!    next life: such a change fails at rule 3, and what it read must only not lead astray (every
//!    index is checked, every loop follows words).
//! 6. A thread stopped anywhere holds back its descriptor and what it has claimed from free lists,
//!    nothing else: there are more descriptors than threads.
//!
//! The scheme is a redo-log software transactional memory with one commit word, after Ramalhete,
//! Correia, Felber and Cohen, "OneFile", DSN 2019; numbers stand in each word beside the value, so
//! that no double-width compare-and-swap is needed.

mod change;
mod free;
#[cfg(all(test, loom))]
#[path = "../../tests/interleavings/memory.rs"]
mod loom_tests;
mod word;

pub(crate) use change::{Change, Stop};
pub(crate) use free::FreeList;
pub(crate) use word::VALUES;

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicU64, Note, Ordering, fence};

/// Where a word lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WordAt(pub(crate) u32);

/// Where a plain cell lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CellAt(pub(crate) u32);

/// At most so many words in one change. The widest is a caller that is rewritten: nine places, in
/// each the strand of six levels it leaves and the one it enters, two rows, and the match: some 600.
pub(crate) const MOST_WRITES: usize = if cfg!(loom) {
    96
} else if cfg!(feature = "shuttle") {
    512
} else {
    1024
};

/// The smallest page of memory that systems hand out, in bytes.
const PAGE: usize = 4096;

/// No change; also what a stage says when its change is finished.
const DONE: u64 = u64::MAX;

/// The words, the cells, and the descriptors of the changes under way.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Number of the last decided change, and its descriptor in the place of a value.
    head: CachePadded<AtomicU64>,
    store: Box<[AtomicU64]>,
    descriptors: Box<[CachePadded<Descriptor>]>,
    helped: CachePadded<Note>,
    repeated: CachePadded<Note>,
}

/// What is counted beside the words: by whoever decides a change, right after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Tally {
    /// Callers that wait.
    Waiting,
    /// Seats that are ready.
    Ready,
}
const TALLIES: usize = 2;

/// What one thread wants to write.
#[derive(Debug)]
struct Descriptor {
    /// 1 while a thread works with it.
    claimed: AtomicU64,
    /// The head that its change would be or is; [`DONE`] once that is finished.
    stage: AtomicU64,
    length: AtomicU64,
    /// Its owners' part of each tally, wrapping; only an owner writes it.
    tallies: [AtomicU64; TALLIES],
    /// Word in the upper half, value in the lower.
    writes: Box<[AtomicU64]>,
}

impl Memory {
    /// `size` words and cells, all 0, and descriptors for `threads` operations at once.
    pub(crate) fn new(size: usize, threads: usize) -> Self {
        let descriptors = (0..threads.max(2)).map(|_| CachePadded::new(Descriptor::new()));
        let store: Box<[AtomicU64]> = (0..size).map(|_| AtomicU64::new(0)).collect();
        // The system may hand out pages when they are first written: that is to be over before the
        // first call.
        for cell in store.iter().step_by(PAGE / size_of::<u64>()) {
            cell.store(0, Ordering::Relaxed);
        }
        Self {
            head: CachePadded::new(AtomicU64::new(word::pack(0, 0))),
            store,
            descriptors: descriptors.collect(),
            helped: CachePadded::new(Note::new(0)),
            repeated: CachePadded::new(Note::new(0)),
        }
    }

    /// Changes finished by another thread than the one that decided them.
    pub(crate) fn helped(&self) -> u64 {
        // Relaxed, as where it is counted: a figure.
        self.helped.load(Ordering::Relaxed)
    }

    /// Changes worked out anew because another was decided first.
    pub(crate) fn repeated(&self) -> u64 {
        // Relaxed, as where it is counted: a figure.
        self.repeated.load(Ordering::Relaxed)
    }

    /// Reads a plain cell. Relaxed: whoever may rely on it reached it through a word or the head
    /// whose acquiring read came after the publishing change.
    #[inline]
    pub(crate) fn cell(&self, at: CellAt) -> u64 {
        self.store[at.0 as usize].load(Ordering::Relaxed)
    }

    /// Writes a plain cell of a record that nobody else can reach. Relaxed: the change that publishes
    /// the record releases it.
    #[inline]
    pub(crate) fn set_cell(&self, at: CellAt, value: u64) {
        self.store[at.0 as usize].store(value, Ordering::Relaxed);
    }

    /// A word's value as it stands now, outside of any change. Other words of the change that wrote it
    /// may still be unwritten.
    #[inline]
    pub(crate) fn peek(&self, at: WordAt) -> u32 {
        // Acquire: what the value leads to was published before it.
        word::value(self.store[at.0 as usize].load(Ordering::Acquire))
    }

    /// A word's value once the last decided change is finished: whoever has seen one word of a change,
    /// here or elsewhere, sees all of them.
    #[inline]
    pub(crate) fn look(&self, at: WordAt) -> u32 {
        // A word of a change is written after its head was, so the head read here is no older than
        // what was seen.
        self.begin();
        self.peek(at)
    }

    /// How much was counted. Exact while no operation runs; a thread stopped between its change and
    /// its count is missing from it.
    pub(crate) fn tally(&self, which: Tally) -> u32 {
        let parts = self.descriptors.iter();
        // Relaxed: whoever wants it exact was told that all operations ended, and that orders more.
        let sum = parts.fold(0u64, |sum, it| {
            sum.wrapping_add(it.tallies[which as usize].load(Ordering::Relaxed))
        });
        // Parts read at different moments may sum to less than nothing.
        u32::try_from(sum as i64).unwrap_or(0)
    }

    /// Writes a word before anybody else knows this memory.
    pub(crate) fn write_first(&self, at: WordAt, value: u32) {
        self.store[at.0 as usize].store(word::pack(value, 0), Ordering::Relaxed);
    }

    /// Does one thing as one change: `work` is called until its change is decided. `hint` tells which
    /// descriptor to try first; threads that give different hints do not meet.
    pub(crate) fn change<'m, T, W>(&'m self, hint: usize, mut work: W) -> Result<T, Stop>
    where
        W: FnMut(&mut Change<'m>) -> Result<T, Stop>,
    {
        let descriptor = self.claim(hint);
        let result = loop {
            let start = self.begin();
            let mut change = Change::new(self, descriptor, start);
            match work(&mut change) {
                Ok(value) => {
                    if change.decide() {
                        break Ok(value);
                    }
                }
                Err(Stop::Overtaken) => {}
                Err(Stop::WorkLeft) => break Err(Stop::WorkLeft),
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
        };
        // Release: the next to claim it sees our writes to it as past.
        self.descriptors[descriptor]
            .claimed
            .store(0, Ordering::Release);
        result
    }

    /// Reads without writing, and without asking for one moment: every word as it stands when it is
    /// read. For people, when too much goes on for a view of one moment.
    pub(crate) fn glance<'m, T>(
        &'m self,
        work: impl FnOnce(&mut Change<'m>) -> Result<T, Stop>,
    ) -> Option<T> {
        let descriptor = self.claim(0);
        let mut change = Change::new(self, descriptor, self.begin());
        change.glancing();
        let result = work(&mut change).ok();
        self.descriptors[descriptor]
            .claimed
            .store(0, Ordering::Release);
        result
    }

    /// Takes a free descriptor. There are more of them than threads, so one is free; that one is gone
    /// when we come to it means that another thread got on.
    fn claim(&self, hint: usize) -> usize {
        let count = self.descriptors.len();
        let mut at = hint;
        loop {
            if at >= count {
                // A hint beyond them all costs a division once.
                at %= count;
            }
            // Acquire: the last owner's writes to it lie behind us. Relaxed before: only a hint.
            let claimed = &self.descriptors[at].claimed;
            if claimed.load(Ordering::Relaxed) == 0
                && claimed
                    .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return at;
            }
            at += 1;
        }
    }

    /// The last decided change, finished.
    fn begin(&self) -> u64 {
        // Acquire: its descriptor's writes and stage, and the cells it published, lie behind us.
        let head = self.head.load(Ordering::Acquire);
        // Acquire: if it is finished, all its words lie behind us.
        if let Some(descriptor) = self.descriptors.get(word::value(head) as usize)
            && descriptor.stage.load(Ordering::Acquire) == head
        {
            self.help(head, descriptor);
        }
        head
    }

    /// Finishes a change that another thread decided.
    fn help(&self, head: u64, descriptor: &Descriptor) {
        // Acquire, and the owner writes with release, as with the writes: a later change's length is
        // read only by those who find the stage gone.
        let length = descriptor.length.load(Ordering::Acquire) as usize;
        for write in descriptor.writes.iter().take(length) {
            // Acquire, and the owner writes with release: if this is a later change's write, the
            // stage read after it is no longer ours (rule 4).
            let write = write.load(Ordering::Acquire);
            // Acquire: who finds it gone was told by its owner, or by a helper, that all is written.
            if descriptor.stage.load(Ordering::Acquire) != head {
                return;
            }
            self.write(write, word::number(head));
        }
        // Release: whoever sees the change finished sees its words. Acquire on failure: whoever
        // finished it did so before us.
        let closed =
            descriptor
                .stage
                .compare_exchange(head, DONE, Ordering::AcqRel, Ordering::Acquire);
        if closed.is_ok() {
            self.helped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes one word of a decided change unless that was done (rule 2).
    #[inline]
    fn write(&self, write: u64, number: u64) {
        let Some(cell) = self.store.get((write >> 32) as usize) else {
            return;
        };
        let new = word::pack(write as u32, number);
        // Acquire, here and on failure: what another wrote for us is behind us when we say that the
        // change is finished.
        let mut old = cell.load(Ordering::Acquire);
        while word::number(old) < number {
            // Release: the word leads to cells that its change published.
            match cell.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => old = now,
            }
        }
    }
}

impl Descriptor {
    fn new() -> Self {
        Self {
            claimed: AtomicU64::new(0),
            stage: AtomicU64::new(DONE),
            length: AtomicU64::new(0),
            tallies: [const { 0 }; TALLIES].map(AtomicU64::new),
            writes: (0..MOST_WRITES).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// Orders a claim from a free list before the plain cells that are written next: who reads one of
/// them in a bygone change must find the head moved on (rule 5).
pub(crate) fn before_private_writes() {
    fence(Ordering::Release);
}
