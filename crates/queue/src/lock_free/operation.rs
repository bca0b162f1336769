//! One operation on the queue while it is worked out as a change.
//!
//! The parts of it stand in files of their own: [`super::index`], [`super::rows`], [`super::strand`],
//! [`super::lines`], [`super::mail`], [`super::matching`].

use arrayvec::ArrayVec;

use super::LockFree;
use super::layout::CallerWord;
use super::layout::{Global, Layout};
use super::records::{CallerAt, EntryAt, Terms};
use crate::matches::Wakes;
use crate::memory::{Change, FreeList, Memory, Stop, WordAt};

/// What is done once a change is decided.
#[derive(Debug, Default)]
pub(super) struct Afterwards {
    pub(super) wakes: Wakes,
    /// Records that nothing leads to any more.
    pub(super) callers: ArrayVec<u32, 4>,
    pub(super) entries: ArrayVec<u32, 4>,
    pub(super) rows: ArrayVec<u32, 48>,
    /// The pool by which a caller left its line for a seat.
    pub(super) departed: Option<u32>,
    /// Pools in which somebody came or went.
    pub(super) noted: ArrayVec<u16, 24>,
}

impl Afterwards {
    pub(super) fn clear(&mut self) {
        self.wakes.clear();
        self.callers.clear();
        self.entries.clear();
        self.rows.clear();
        self.departed = None;
        self.noted.clear();
    }
}

/// Rows claimed for requirements that have none yet; kept over the tries of one operation.
#[derive(Debug, Default)]
pub(super) struct SpareRows {
    rows: ArrayVec<u32, 24>,
    used: usize,
}

impl SpareRows {
    pub(super) fn begin(&mut self) {
        self.used = 0;
    }

    /// A row for this try of the change. One that is claimed now may have been freed by a change after
    /// our start: then the row is kept and the change begun anew, so that the private words that it
    /// writes are not older than the row's last life.
    pub(super) fn next(
        &mut self,
        change: &Change<'_>,
        free: &FreeList,
    ) -> Result<Option<u32>, Stop> {
        if self.used == self.rows.len() {
            let memory = change.memory();
            let Some(row) = free.claim(memory) else {
                return Ok(None);
            };
            if self.rows.try_push(row).is_err() {
                free.give(memory, row);
                return Ok(None);
            }
            change.still_first()?;
        }
        self.used += 1;
        Ok(self.rows.get(self.used - 1).copied())
    }

    /// Gives back what was not used.
    pub(super) fn end(&mut self, memory: &Memory, free: &FreeList) {
        for row in self.rows.drain(self.used..) {
            free.give(memory, row);
        }
        self.rows.clear();
        self.used = 0;
    }
}

/// An operation in the middle of its change.
pub(super) struct Operation<'a, 'm> {
    pub(super) queue: &'m LockFree,
    pub(super) change: &'a mut Change<'m>,
    pub(super) after: &'a mut Afterwards,
    pub(super) spare: &'a mut SpareRows,
}

impl<'m> Operation<'_, 'm> {
    #[inline]
    pub(super) fn layout(&self) -> &'m Layout {
        &self.queue.layout
    }

    #[inline]
    pub(super) fn get(&mut self, at: WordAt) -> Result<u32, Stop> {
        self.change.get(at)
    }

    #[inline]
    pub(super) fn set(&mut self, at: WordAt, value: u32) -> Result<(), Stop> {
        self.change.set(at, value)
    }

    #[inline]
    pub(super) fn global(&mut self, which: Global) -> Result<u32, Stop> {
        self.change.get(Layout::global(which))
    }

    #[inline]
    pub(super) fn set_global(&mut self, which: Global, value: u32) -> Result<(), Stop> {
        self.change.set(Layout::global(which), value)
    }

    #[inline]
    pub(super) fn add(&mut self, which: Global, more: u32) -> Result<(), Stop> {
        let value = self.global(which)?;
        self.set_global(which, value + more)
    }

    #[inline]
    pub(super) fn subtract(&mut self, which: Global, less: u32) -> Result<(), Stop> {
        let value = self.global(which)?;
        self.set_global(which, value.saturating_sub(less))
    }

    /// Callers and seats are matched.
    #[inline]
    pub(super) fn is_open(&mut self) -> Result<bool, Stop> {
        Ok(self.global(Global::Open)? != 0)
    }

    #[inline]
    pub(super) fn caller(&self, caller: u32) -> CallerAt<'m> {
        CallerAt::new(&self.queue.memory, &self.queue.layout, caller)
    }

    #[inline]
    pub(super) fn entry(&self, entry: u32) -> EntryAt<'m> {
        EntryAt::new(&self.queue.memory, &self.queue.layout, entry)
    }

    #[inline]
    pub(super) fn terms(&mut self, caller: u32) -> Result<Terms, Stop> {
        let at = self.layout().caller(caller, CallerWord::Terms);
        Ok(Terms::unpacked(self.get(at)?))
    }

    /// Remembers that somebody came or went in these pools.
    pub(super) fn note(&mut self, caller: u32) {
        let caller = self.caller(caller);
        for ring in 0..caller.rings() {
            let pool = caller.ring(ring) as u16;
            if !self.after.noted.contains(&pool) {
                // Beyond its room it is left to the next who comes or goes.
                let _ = self.after.noted.try_push(pool);
            }
        }
    }
}
