//! The lines of one pool.

use std::collections::BTreeSet;

/// Lines in use and free, lowest number first.
#[derive(Debug)]
pub(crate) struct Lines {
    limit: u16,
    /// Numbers from here on were never taken.
    fresh: u16,
    /// Numbers below `fresh` that were given back.
    free: BTreeSet<u16>,
}

impl Lines {
    pub(crate) fn new(limit: u16) -> Self {
        Self {
            limit,
            fresh: 0,
            free: BTreeSet::new(),
        }
    }

    /// How many calls may hold a line. Calls beyond a lowered limit keep theirs.
    pub(crate) fn set_limit(&mut self, limit: u16) {
        self.limit = limit;
    }

    pub(crate) fn used(&self) -> u16 {
        // Every freed number lies below `fresh`, so there are never more of them.
        self.fresh - u16::try_from(self.free.len()).unwrap_or(self.fresh)
    }

    pub(crate) fn any_free(&self) -> bool {
        self.used() < self.limit
    }

    /// Takes the lowest free number. It lies below the limit, since fewer than `limit` are in use.
    pub(crate) fn take(&mut self) -> Option<u16> {
        if !self.any_free() {
            return None;
        }
        Some(self.free.pop_first().unwrap_or_else(|| {
            let number = self.fresh;
            self.fresh += 1;
            number
        }))
    }

    /// Takes this number, free or not below the limit: a call that goes on had it before. False if
    /// it is in use.
    pub(crate) fn hold(&mut self, number: u16) -> bool {
        if number >= self.fresh {
            self.free.extend(self.fresh..number);
            self.fresh = number.saturating_add(1);
            return true;
        }
        self.free.remove(&number)
    }

    /// Gives a number back. False if it was not in use.
    pub(crate) fn release(&mut self, number: u16) -> bool {
        number < self.fresh && self.free.insert(number)
    }
}
