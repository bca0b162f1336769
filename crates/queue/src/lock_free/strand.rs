//! A strand: the callers of a lane, or the seats of a group, in their order.
//!
//! ```text
//!   level 2   first ──────────────────────► 64 ───────────────────────► last
//!   level 1   first ────────► 8 ──────────► 64 ──────────► 16 ────────► last
//!   level 0   first ─► 3 ─► 8 ─► 5 ─► 7 ──► 64 ─► 1 ─► 2 ─► 16 ─► 4 ──► last
//! ```
//! Doubly linked in each level, so that leaving costs no search, and coming last (as who arrives
//! does) or first (as who is put back does) costs none either. How high a node stands follows from
//! the number of its record, shuffled: about each eighth is higher.

use super::layout::{LEVELS, NodeWord, Owner, RowWord};
use super::operation::Operation;
use crate::memory::{Stop, WordAt};

/// The order in a strand: smaller first.
pub(super) type Key = (u64, u64, u64);

impl Operation<'_, '_> {
    /// Next of a node in a level; with node 0, the first of the row.
    fn next_at(&self, row: u32, node: u32, level: u32) -> WordAt {
        if node == 0 {
            self.layout().row(row, RowWord::First, level)
        } else {
            self.layout().links(self.layout().owner(node), level).0
        }
    }

    /// Previous of a node in a level; with node 0, the last of the row.
    fn previous_at(&self, row: u32, node: u32, level: u32) -> WordAt {
        if node == 0 {
            self.layout().row(row, RowWord::Last, level)
        } else {
            self.layout().links(self.layout().owner(node), level).1
        }
    }

    /// The node after which, in each level below `height`, one of this key stands; 0 is the front.
    fn places_before(
        &mut self,
        row: u32,
        key: Key,
        height: u32,
    ) -> Result<[u32; LEVELS as usize], Stop> {
        let mut before = [0; LEVELS as usize];
        // Last: the usual place.
        let mut all_last = true;
        for level in (0..height).rev() {
            let last = self.get(self.layout().row(row, RowWord::Last, level))?;
            all_last &= last == 0 || self.key_of(row, last) < key;
            before[level as usize] = last;
        }
        if all_last {
            return Ok(before);
        }
        // First: the place of who is put back.
        let first = self.get(self.layout().row(row, RowWord::First, 0))?;
        if first == 0 || key < self.key_of(row, first) {
            return Ok([0; LEVELS as usize]);
        }
        let mut node = 0;
        for level in (0..LEVELS).rev() {
            loop {
                let next = self.get(self.next_at(row, node, level))?;
                if next == 0 || key < self.key_of(row, next) {
                    break;
                }
                node = next;
            }
            before[level as usize] = node;
        }
        Ok(before)
    }

    /// Puts a node that stands nowhere into a row. True if the row was empty.
    pub(super) fn link(&mut self, row: u32, node: u32) -> Result<bool, Stop> {
        let layout = self.layout();
        let owner = layout.owner(node);
        let key = self.key_of(row, node);
        let height = layout.height(owner);
        let before = self.places_before(row, key, height)?;
        let mut was_empty = false;
        for level in 0..height {
            let previous = before[level as usize];
            let after = self.next_at(row, previous, level);
            let next = self.get(after)?;
            was_empty |= level == 0 && previous == 0 && next == 0;
            let (own_next, own_previous) = layout.links(owner, level);
            self.set(own_next, next)?;
            self.set(own_previous, previous)?;
            self.set(after, node)?;
            self.set(self.previous_at(row, next, level), node)?;
        }
        self.set(layout.node(owner, NodeWord::Row), row + 1)?;
        Ok(was_empty)
    }

    /// Takes a node out of its row: the row, and whether it is empty now. `None` if it stood nowhere.
    /// `stays`: its record goes on and may be linked again.
    pub(super) fn unlink(
        &mut self,
        owner: Owner,
        stays: bool,
    ) -> Result<Option<(u32, bool)>, Stop> {
        let layout = self.layout();
        let at = layout.node(owner, NodeWord::Row);
        let Some(row) = self.get(at)?.checked_sub(1) else {
            return Ok(None);
        };
        if stays {
            self.set(at, 0)?;
        }
        let mut empty = false;
        for level in 0..layout.height(owner) {
            let (next, previous) = layout.links(owner, level);
            let (next, previous) = (self.get(next)?, self.get(previous)?);
            self.set(self.next_at(row, previous, level), next)?;
            self.set(self.previous_at(row, next, level), previous)?;
            empty |= level == 0 && next == 0 && previous == 0;
        }
        Ok(Some((row, empty)))
    }

    /// The first of a row; 0 if there is none.
    pub(super) fn first_of(&mut self, row: u32) -> Result<u32, Stop> {
        self.get(self.layout().row(row, RowWord::First, 0))
    }

    /// The next of its row; 0 if there is none.
    pub(super) fn next_of(&mut self, node: u32) -> Result<u32, Stop> {
        let (next, _) = self.layout().links(self.layout().owner(node), 0);
        self.get(next)
    }
}
