//! Records that nobody uses: index and generation in one word, so that a late compare-and-swap
//! never takes a list for the one it was.
//!
//! ```text
//!   tops[0] ─► 7 ─► 3 ─► 9          claims pop from tops[turn], returns go to the other;
//!   tops[1] ─► 1 ─► 4               when the one is empty the turn changes: all records take turns
//! ```

use crossbeam::utils::CachePadded;

use super::{CellAt, Memory, before_private_writes, word};
use crate::sync::{AtomicU64, Ordering};

/// Free records of one kind. Record `i` has its link in the cell `first + i`.
#[derive(Debug)]
pub(crate) struct FreeList {
    tops: [CachePadded<AtomicU64>; 2],
    turn: CachePadded<AtomicU64>,
    first: u32,
}

impl FreeList {
    /// All of `count` records are free.
    pub(crate) fn new(memory: &Memory, first: u32, count: u32) -> Self {
        let top = word::pack(u32::from(count > 0), 0);
        let list = Self {
            tops: [top, 0].map(|top| CachePadded::new(AtomicU64::new(top))),
            turn: CachePadded::new(AtomicU64::new(0)),
            first,
        };
        for index in 0..count {
            let next = (index + 1) % count;
            let link = if next == 0 { 0 } else { next + 1 };
            memory.set_cell(list.link(index), u64::from(link));
        }
        list
    }

    fn link(&self, index: u32) -> CellAt {
        CellAt(self.first + index)
    }

    /// Takes a record; `None` if none is free.
    pub(crate) fn claim(&self, memory: &Memory) -> Option<u32> {
        loop {
            // Acquire: whoever turned had seen this list filled.
            let turn = self.turn.load(Ordering::Acquire);
            let top = &self.tops[(turn & 1) as usize];
            // Acquire: the link of the top record was written before it was given.
            let old = top.load(Ordering::Acquire);
            let Some(index) = word::value(old).checked_sub(1) else {
                // Acquire, here and below: who emptied the other had seen what this one held.
                let other = &self.tops[(turn & 1 ^ 1) as usize];
                if word::value(other.load(Ordering::Acquire)) == 0 {
                    // Two looks at two lists: only if this one stood still meanwhile (its number
                    // counts every change) were both empty at once, when the other was read.
                    if top.load(Ordering::Acquire) == old {
                        return None;
                    }
                    continue;
                }
                // That it fails means that another thread did it. Release: see above.
                let _ =
                    self.turn
                        .compare_exchange(turn, turn + 1, Ordering::AcqRel, Ordering::Relaxed);
                continue;
            };
            let next = memory.cell(self.link(index)) as u32;
            let new = word::pack(next, word::number(old) + 1);
            // Acquire: the freeing change lies behind the claim; release keeps the rest of the list
            // published.
            if top
                .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                before_private_writes();
                return Some(index);
            }
        }
    }

    /// Gives a record back that nothing leads to any more.
    pub(crate) fn give(&self, memory: &Memory, index: u32) {
        loop {
            // Acquire: as in a claim. A turn that is over only gives to the wrong list, where it is
            // found as well.
            let turn = self.turn.load(Ordering::Acquire);
            let top = &self.tops[(turn & 1 ^ 1) as usize];
            // Acquire: what our success publishes again was published to us.
            let old = top.load(Ordering::Acquire);
            memory.set_cell(self.link(index), u64::from(word::value(old)));
            let new = word::pack(index + 1, word::number(old) + 1);
            // Release: the link, and the change that freed the record, lie before it.
            if top
                .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                return;
            }
        }
    }
}
