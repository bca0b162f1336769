//! The lines of a pool: a table of bits, lowest free number first.
//!
//! ```text
//!   top     ■□□…            a bit is set if all of the 16 below it are
//!   middle  ■■■■… ■□…       16 × 16
//!   leaves  lines 0-15 │ 16-31 │ …  4,095
//! ```

use super::layout::{LINE_BITS, PoolWord};
use super::operation::Operation;
use crate::config::MAX_LINES;
use crate::memory::Stop;

const ALL: u32 = (1 << LINE_BITS) - 1;
/// Set in a pool's limit while it takes no more calls: no number of lines in use lies below it then.
pub(super) const DRAINING: u32 = 1 << 16;

impl Operation<'_, '_> {
    fn limit(&mut self, pool: u32) -> Result<u32, Stop> {
        self.get(self.layout().pool(pool, PoolWord::Limit))
    }

    pub(super) fn set_limit(&mut self, pool: u32, lines: u16) -> Result<(), Stop> {
        let draining = self.limit(pool)? & DRAINING;
        self.set(
            self.layout().pool(pool, PoolWord::Limit),
            u32::from(lines) | draining,
        )
    }

    pub(super) fn set_draining(&mut self, pool: u32, draining: bool) -> Result<(), Stop> {
        let lines = self.limit(pool)? & !DRAINING;
        let bit = if draining { DRAINING } else { 0 };
        self.set(self.layout().pool(pool, PoolWord::Limit), lines | bit)
    }

    pub(super) fn is_draining(&mut self, pool: u32) -> Result<bool, Stop> {
        Ok(self.limit(pool)? & DRAINING != 0)
    }

    /// True if a match may take a line here.
    #[inline]
    pub(super) fn usable(&mut self, pool: u32) -> Result<bool, Stop> {
        let limit = self.limit(pool)?;
        let used = self.get(self.layout().pool(pool, PoolWord::Used))?;
        Ok(limit & DRAINING == 0 && used < limit)
    }

    pub(super) fn lines_full(&mut self, pool: u32) -> Result<bool, Stop> {
        let used = self.get(self.layout().pool(pool, PoolWord::Used))?;
        Ok(used >= self.limit(pool)? & !DRAINING)
    }

    /// Takes the lowest free line of a usable pool. It lies below the limit, since fewer than the
    /// limit are in use.
    pub(super) fn take_line(&mut self, pool: u32) -> Result<Option<u16>, Stop> {
        let layout = self.layout();
        let top = self.get(layout.pool(pool, PoolWord::LinesTop))?;
        let high = (!top).trailing_zeros();
        if high >= LINE_BITS {
            return Ok(None);
        }
        let middle = self.get(layout.lines_middle(pool, high))?;
        let middle = high * LINE_BITS + (!middle).trailing_zeros();
        let leaf = self.get(layout.lines_leaf(pool, middle))?;
        let number = (middle * LINE_BITS + (!leaf).trailing_zeros()) as u16;
        self.mark_line(pool, number, true)?;
        Ok(Some(number))
    }

    /// Takes this line, whether below the limit or not. False if it is in use.
    pub(super) fn hold_line(&mut self, pool: u32, number: u16) -> Result<bool, Stop> {
        self.mark_line(pool, number, true)
    }

    /// Gives a line back. False if it was not in use.
    pub(super) fn give_line(&mut self, pool: u32, number: u16) -> Result<bool, Stop> {
        self.mark_line(pool, number, false)
    }

    /// Sets or clears a line's bit. False if that is how it was.
    fn mark_line(&mut self, pool: u32, number: u16, used: bool) -> Result<bool, Stop> {
        if number >= MAX_LINES {
            return Ok(false);
        }
        let layout = self.layout();
        let number = u32::from(number);
        let (leaf, bit) = (number / LINE_BITS, 1 << (number % LINE_BITS));
        let at = layout.lines_leaf(pool, leaf);
        let before = self.get(at)?;
        if (before & bit != 0) == used {
            return Ok(false);
        }
        let after = before ^ bit;
        self.set(at, after)?;
        if (before == ALL) != (after == ALL) {
            let middle = layout.lines_middle(pool, leaf / LINE_BITS);
            let before = self.get(middle)?;
            let after = before ^ (1 << (leaf % LINE_BITS));
            self.set(middle, after)?;
            if (before == ALL) != (after == ALL) {
                let top = layout.pool(pool, PoolWord::LinesTop);
                let flipped = self.get(top)? ^ (1 << (leaf / LINE_BITS));
                self.set(top, flipped)?;
            }
        }
        let count = layout.pool(pool, PoolWord::Used);
        let lines = self.get(count)?;
        self.set(
            count,
            if used {
                lines + 1
            } else {
                lines.saturating_sub(1)
            },
        )?;
        Ok(true)
    }
}
