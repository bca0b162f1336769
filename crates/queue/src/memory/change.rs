//! One change under way: what it reads is one moment's state, what it writes shows at once or never.

use std::ops::Range;

use super::{CellAt, DONE, Descriptor, MOST_WRITES, Memory, TALLIES, Tally, WordAt, word};
use crate::sync::{Ordering, fence};

/// Why a change was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Another change was decided meanwhile; begin anew.
    Overtaken,
    /// There is work left that comes before this operation.
    WorkLeft,
}

/// A change that a thread works out.
#[derive(Debug)]
pub(crate) struct Change<'m> {
    memory: &'m Memory,
    /// Where its writes are kept until it is decided.
    own: &'m Descriptor,
    descriptor: u32,
    written: u32,
    /// The head at the start.
    start: u64,
    /// One bit for each word written, by a hash: most reads are of words not written.
    filter: [u64; FILTER],
    /// Words of a record that nobody else can reach yet: first, and how many.
    private: (u32, u32),
    /// Reads left while glancing; `None` in a change proper.
    glance: Option<u32>,
    tallies: [i8; TALLIES],
}

/// Reads that a glance may make before it gives up: it could be led in a circle.
const GLANCE: u32 = 4_000_000;

/// Words of the filter.
const FILTER: usize = 4;

/// Which bit of which word of the filter.
#[inline(always)]
fn bit(at: WordAt) -> (usize, u64) {
    let hash = at.0.wrapping_mul(0x9e37_79b1);
    ((hash >> 30) as usize, 1 << (hash >> 24 & 63))
}

impl<'m> Change<'m> {
    pub(super) fn new(memory: &'m Memory, descriptor: usize, start: u64) -> Self {
        Self {
            memory,
            own: &memory.descriptors[descriptor],
            descriptor: descriptor as u32,
            written: 0,
            start,
            filter: [0; FILTER],
            private: (0, 0),
            glance: None,
            tallies: [0; TALLIES],
        }
    }

    /// Reads words as they stand from now on. Every word that was ever written counts as newer than
    /// the start, so that each read of one counts: what is read may lead in a circle.
    pub(super) fn glancing(&mut self) {
        self.glance = Some(GLANCE);
        self.start = 0;
    }

    /// These words are of a record that nobody else can reach before this change is decided: they
    /// are written at once.
    #[inline]
    pub(crate) fn own(&mut self, words: Range<u32>) {
        self.private = (words.start, words.end - words.start);
    }

    /// Counts once the change is decided.
    #[inline]
    pub(crate) fn tally(&mut self, which: Tally, more: i8) {
        self.tallies[which as usize] += more;
    }

    /// The words and cells.
    pub(crate) fn memory(&self) -> &'m Memory {
        self.memory
    }

    /// Fails if another change was decided since the start: for a record that is claimed in the middle
    /// of a change.
    pub(crate) fn still_first(&self) -> Result<(), Stop> {
        // Relaxed: the claim acquired the change that freed the record, so a head that is still ours
        // comes after that.
        if self.memory.head.load(Ordering::Relaxed) == self.start {
            Ok(())
        } else {
            Err(Stop::Overtaken)
        }
    }

    /// A plain cell.
    #[inline(always)]
    pub(crate) fn cell(&self, at: CellAt) -> u64 {
        self.memory.cell(at)
    }

    #[inline(always)]
    fn maybe_written(&self, at: WordAt) -> bool {
        let (word, bit) = bit(at);
        self.filter[word & (FILTER - 1)] & bit != 0
    }

    /// A word, as this change has it.
    #[inline(always)]
    pub(crate) fn get(&mut self, at: WordAt) -> Result<u32, Stop> {
        let Some(cell) = self.memory.store.get(at.0 as usize) else {
            return Err(Stop::Overtaken);
        };
        // Acquire: cells that the word leads to were written before it.
        let raw = cell.load(Ordering::Acquire);
        if word::number(raw) > word::number(self.start) {
            self.glance_on()?;
        }
        if self.maybe_written(at) {
            return Ok(self.written_value(at).unwrap_or(word::value(raw)));
        }
        Ok(word::value(raw))
    }

    /// Another change was decided since the start.
    #[cold]
    fn glance_on(&mut self) -> Result<(), Stop> {
        let left = self.glance.as_mut().ok_or(Stop::Overtaken)?;
        *left = left.checked_sub(1).ok_or(Stop::Overtaken)?;
        Ok(())
    }

    #[inline(never)]
    fn written_value(&self, at: WordAt) -> Option<u32> {
        Some(self.write_at(self.find(at)?) as u32)
    }

    /// Writes a word, for this change at once, for others when it is decided.
    #[inline]
    pub(crate) fn set(&mut self, at: WordAt, value: u32) -> Result<(), Stop> {
        debug_assert!(value < word::VALUES, "a value has 22 bits");
        if at.0.wrapping_sub(self.private.0) < self.private.1 {
            self.set_private(at, value);
            return Ok(());
        }
        let write = (u64::from(at.0) << 32) | u64::from(value);
        if self.maybe_written(at) && self.write_again(at, write) {
            return Ok(());
        }
        let Some(slot) = self.own.writes.get(self.written as usize) else {
            debug_assert!(false, "a change writes at most {MOST_WRITES} words");
            return Err(Stop::Overtaken);
        };
        // Release: a helper of our last change that reads this finds that change's stage gone.
        slot.store(write, Ordering::Release);
        self.written += 1;
        let (word, bit) = bit(at);
        self.filter[word & (FILTER - 1)] |= bit;
        Ok(())
    }

    #[inline(never)]
    fn write_again(&mut self, at: WordAt, write: u64) -> bool {
        let known = self.find(at);
        if let Some(slot) = known.and_then(|index| self.own.writes.get(index)) {
            // Release: as for the first time.
            slot.store(write, Ordering::Release);
        }
        known.is_some()
    }

    /// Writes a word of a record that nobody else can reach, at once. Its number is the start's: not
    /// below any change that ever wrote it, not above any change that may come to read it.
    #[inline]
    pub(crate) fn set_private(&self, at: WordAt, value: u32) {
        let raw = word::pack(value, word::number(self.start));
        if let Some(cell) = self.memory.store.get(at.0 as usize) {
            // Relaxed: the change that publishes the record releases it.
            cell.store(raw, Ordering::Relaxed);
        }
    }

    #[inline]
    fn write_at(&self, index: usize) -> u64 {
        // Relaxed: this thread wrote it.
        let slot = self.own.writes.get(index);
        slot.map_or(0, |slot| slot.load(Ordering::Relaxed))
    }

    fn find(&self, at: WordAt) -> Option<usize> {
        // The last first: what was written last is most often asked for.
        (0..self.written as usize)
            .rev()
            .find(|index| (self.write_at(*index) >> 32) as u32 == at.0)
    }

    /// Makes the change, if none was decided since its start; false otherwise. A change without
    /// writes is decided if nothing was meanwhile.
    pub(super) fn decide(self) -> bool {
        let memory = self.memory;
        if self.written == 0 {
            // Acquire fence: if a cell was read that was written after its record was freed, the
            // freeing change is seen here (rule 5).
            fence(Ordering::Acquire);
            return memory.head.load(Ordering::Relaxed) == self.start;
        }
        let own = self.own;
        let number = word::number(self.start) + 1;
        let head = word::pack(self.descriptor, number);
        // Release: a helper of our last change that reads this finds that change's stage gone, as with
        // the writes; else it could take an older change's write beyond our last one's for ours.
        own.length.store(u64::from(self.written), Ordering::Release);
        // Release: a helper that sees this stage sees the writes.
        own.stage.store(head, Ordering::Release);
        // Release: publishes the writes, the stage and the cells of records that become reachable.
        let decided =
            memory
                .head
                .compare_exchange(self.start, head, Ordering::AcqRel, Ordering::Relaxed);
        if decided.is_err() {
            return false;
        }
        for write in own.writes.iter().take(self.written as usize) {
            // Relaxed: this thread wrote it.
            memory.write(write.load(Ordering::Relaxed), number);
        }
        // Release: who sees it finished sees its words. A plain store: helpers only ever turn this
        // stage into the same.
        own.stage.store_after(DONE, Ordering::Release);
        for (tally, more) in own.tallies.iter().zip(self.tallies) {
            if more != 0 {
                // Relaxed, and no read-modify-write: only the descriptor's owner writes it.
                let before = tally.load(Ordering::Relaxed);
                tally.store(before.wrapping_add(more as u64), Ordering::Relaxed);
            }
        }
        true
    }
}
