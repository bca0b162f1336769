//! One change under way: what it reads is one moment's state, what it writes shows at once or never.

use super::{CellAt, DONE, MOST_WRITES, Memory, WordAt, word};
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
    descriptor: usize,
    /// The head at the start.
    start: u64,
    written: usize,
    /// One bit for each word written, by a hash: most reads are of words not written.
    filter: u64,
    /// Reads left while glancing; `None` in a change proper.
    glance: Option<u32>,
}

/// Reads that a glance may make before it gives up: it could be led in a circle.
const GLANCE: u32 = 4_000_000;

fn bit(at: WordAt) -> u64 {
    1 << (at.0.wrapping_mul(0x9e37_79b1) >> 26)
}

impl<'m> Change<'m> {
    pub(super) fn new(memory: &'m Memory, descriptor: usize, start: u64) -> Self {
        Self {
            memory,
            descriptor,
            start,
            written: 0,
            filter: 0,
            glance: None,
        }
    }

    pub(super) fn glancing(&mut self) {
        self.glance = Some(GLANCE);
    }

    /// The words and cells.
    pub(crate) fn memory(&self) -> &'m Memory {
        self.memory
    }

    /// A plain cell.
    #[inline]
    pub(crate) fn cell(&self, at: CellAt) -> u64 {
        self.memory.cell(at)
    }

    /// A word, as this change has it.
    #[inline]
    pub(crate) fn get(&mut self, at: WordAt) -> Result<u32, Stop> {
        if self.filter & bit(at) != 0
            && let Some(index) = self.find(at)
        {
            return Ok(self.write_at(index) as u32);
        }
        Ok(word::value(self.read(at)?))
    }

    #[inline]
    fn read(&mut self, at: WordAt) -> Result<u64, Stop> {
        let Some(cell) = self.memory.store.get(at.0 as usize) else {
            return Err(Stop::Overtaken);
        };
        // Acquire: cells that the word leads to were written before it.
        let raw = cell.load(Ordering::Acquire);
        if let Some(left) = &mut self.glance {
            *left = left.checked_sub(1).ok_or(Stop::Overtaken)?;
        } else if word::number(raw) > word::number(self.start) {
            return Err(Stop::Overtaken);
        }
        Ok(raw)
    }

    /// Writes a word, for this change at once, for others when it is decided.
    #[inline]
    pub(crate) fn set(&mut self, at: WordAt, value: u32) -> Result<(), Stop> {
        debug_assert!(value < word::VALUES, "a value has 22 bits");
        let write = (u64::from(at.0) << 32) | u64::from(value);
        let mut index = self.written;
        if self.filter & bit(at) != 0
            && let Some(known) = self.find(at)
        {
            index = known;
        }
        let own = &self.memory.descriptors[self.descriptor];
        let Some(slot) = own.writes.get(index) else {
            debug_assert!(false, "a change writes at most {MOST_WRITES} words");
            return Err(Stop::Overtaken);
        };
        // Release: a helper of our last change that reads this finds that change's stage gone.
        slot.store(write, Ordering::Release);
        if index == self.written {
            self.written += 1;
            self.filter |= bit(at);
        }
        Ok(())
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

    fn write_at(&self, index: usize) -> u64 {
        // Relaxed: this thread wrote it.
        self.memory.descriptors[self.descriptor].writes[index].load(Ordering::Relaxed)
    }

    fn find(&self, at: WordAt) -> Option<usize> {
        let own = &self.memory.descriptors[self.descriptor].writes[..self.written];
        own.iter()
            .position(|write| (write.load(Ordering::Relaxed) >> 32) as u32 == at.0)
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
        let own = &memory.descriptors[self.descriptor];
        let number = word::number(self.start) + 1;
        let head = word::pack(self.descriptor as u32, number);
        // Relaxed: released by the stage.
        own.length.store(self.written as u64, Ordering::Relaxed);
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
        for index in 0..self.written {
            memory.write(self.write_at(index), number);
        }
        // Release: who sees it finished sees its words. A plain store: helpers only ever turn this
        // stage into the same.
        own.stage.store(DONE, Ordering::Release);
        true
    }
}
