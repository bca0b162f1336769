//! Where each thing lies in the memory.
//!
//! ```text
//!   globals │ pools │ seats │ inboxes │ buckets │ callers │ entries │ rows │ free links │ towers
//! ```
//! A caller, a seat entry and a row are records of plain cells, written before anybody can see
//! them, and words. A caller has a node for each ring and one for its own seat; a seat entry has one
//! for each pool. Some nodes stand in the higher levels of
//! their strand too; those links lie in the towers.

use crate::config::{MAX_LINES, MAX_POOLS, MAX_RINGS, QueueConfig};
use crate::memory::CellAt;
use crate::memory::{VALUES, WordAt};
use std::ops::Range;

/// Nodes of a caller: its rings, then its own seat.
pub(super) const CALLER_NODES: u32 = MAX_RINGS as u32 + 1;
/// The node by which a caller stands at its own seat.
pub(super) const OWN_NODE: u32 = MAX_RINGS as u32;
/// Nodes of a seat entry.
pub(super) const ENTRY_NODES: u32 = MAX_POOLS as u32;
/// Levels of a strand: 8^5 callers stand in about five.
pub(super) const LEVELS: u32 = 6;
/// Rows with a requirement of their own, at most; more requirements at once share the scanned rows.
const MOST_ROWS: u32 = if cfg!(loom) { 4 } else { 4096 };
/// Operations that may hold records claimed but not used, beside one a shard.
const SPARE: u32 = if cfg!(any(loom, feature = "shuttle")) {
    2
} else {
    64
};
/// Callers that may be held at most.
const MOST_CALLERS: u32 = 98_304;
/// Bits of the line table in one word.
pub(super) const LINE_BITS: u32 = 16;

/// One word of its own each.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Global {
    /// First pool that has pairs left to make, plus 1; or [`super::ALL_WORK`].
    Work,
    /// 1 if callers and seats are matched, 0 while not everybody is back after a restart.
    Open,
    /// Callers that wait, and those whose match their shard has not taken.
    Held,
    /// Matches, lower and upper half.
    MatchesLow,
    MatchesHigh,
    MaxCallers,
    /// Microseconds of waiting that equal a class, lower and upper half.
    StepLow,
    StepHigh,
    /// First seat at which callers of its own wait, plus 1.
    Owned,
}
const GLOBALS: u32 = 16;

/// Words of a pool.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum PoolWord {
    /// Lines that may be used; [`super::lines::DRAINING`] above them.
    Limit,
    Used,
    Strategy,
    /// Next pool that has pairs left to make, plus 1; and whether this one stands on that list.
    WorkNext,
    OnWork,
    Lanes,
    Groups,
    /// The line table: one word whose bits say which of the next are full.
    LinesTop,
}
const LINE_MIDDLE: u32 = PoolWord::LinesTop as u32 + 1;
/// loom has no room for so many words; nothing there comes near the last line.
const LINE_WORDS: u32 = if cfg!(loom) {
    LINE_BITS
} else {
    MAX_LINES as u32 / LINE_BITS
};
const POOL: u32 = LINE_MIDDLE + LINE_WORDS / LINE_BITS + LINE_WORDS;

/// Words and cells of a seat.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum SeatWord {
    /// Its entry, plus 1, while it is ready or its match was not taken.
    Entry,
    /// Number of its last match, in short; 0 before the first.
    Turn,
    Lanes,
    OwnedNext,
    OwnedPrevious,
}
const SEAT: u32 = 8;

/// Cells of a caller: the first line of the cache. Its words follow.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum CallerCell {
    Call,
    At,
    /// Tie, and the shard above it.
    TieShard,
    Required,
    Enqueued,
    /// Sixteen bits a ring.
    Rings,
    /// Own seat plus 1, number of rings (from bit 32) and of preferences (from bit 40).
    Shape,
    /// The fifth ring and on.
    MoreRings,
    /// Four cells of two preferences each: skill and weight.
    Preferred = CALLER_NODE + CALLER_NODES * NODE,
}

/// Words of a caller: the second line, with its first node.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum CallerWord {
    /// [`super::WAITING`], or its seat entry plus [`super::MATCHED`].
    State = 8,
    /// See [`super::records::Terms`].
    Terms,
    /// Next of its bucket, plus 1.
    Chain,
    /// Next of the inbox.
    Mail,
    /// Of a matched caller, in the words of its first node, which stands nowhere then: number of the
    /// line it got, and by which of its rings or of the seat's pools.
    Line,
    /// Likewise: number of its match, in short.
    Offer,
}
const CALLER_NODE: u32 = CallerWord::Line as u32;
const CALLER: u32 = 48;

/// Cells of a seat entry: the first line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum EntryCell {
    /// Seat, and the counsellor above it.
    Seat,
    /// Shard, code of the lowest class (from bit 16), number of pools (from bit 32).
    Shape,
    Skills,
    Idle,
    Minutes,
    Turn,
    Since,
    /// Sixteen bits a pool.
    Pools,
    /// The fifth pool and on.
    MorePools = ENTRY_NODE + ENTRY_NODES * NODE,
    /// Three cells: three bits a skill.
    Levels,
}

/// Words of a seat entry: the second line, with its first node.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum EntryWord {
    /// [`super::READY`], or its caller plus [`super::MATCHED`].
    State = 8,
    /// Which copies of its match were taken.
    Taken,
    Mail,
}
const ENTRY_NODE: u32 = EntryWord::Mail as u32 + 1;
const ENTRY: u32 = 40;

/// Cells of a row: a lane of callers or a group of seats.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum RowCell {
    /// Place, and the code of what its members have in common above it.
    Place,
    Skills,
    Levels,
}

/// Words of a row.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum RowWord {
    Chain = 6,
    Next,
    Previous,
    /// Six words: first node of each level.
    First,
    /// Six words: last node of each level.
    Last = 15,
}
const ROW: u32 = 24;

/// Words of a node.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum NodeWord {
    /// Next of its strand; the previous one's word follows.
    Next,
    /// Its row plus 1; 0 while it stands nowhere.
    Row = 2,
}
const NODE: u32 = 3;

/// Which kind of record a node belongs to, which record, and which of its nodes it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Caller(u32, u32),
    Entry(u32, u32),
}

/// Sizes, and where each part begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) shards: u32,
    pub(super) pools: u32,
    pub(super) seats: u32,
    /// Callers that may be held; there are a few more records than that.
    pub(super) capacity: u32,
    pub(super) callers: u32,
    pub(super) entries: u32,
    pub(super) rows: u32,
    pub(super) call_buckets: u32,
    pub(super) row_buckets: u32,
    /// Bits of a caller's and of an entry's number.
    caller_bits: u32,
    entry_bits: u32,
    pool: u32,
    seat: u32,
    inbox: u32,
    call_bucket: u32,
    row_bucket: u32,
    caller: u32,
    entry: u32,
    row: u32,
    links: [u32; 3],
    caller_tower: [u32; LEVELS as usize],
    entry_tower: [u32; LEVELS as usize],
    pub(super) size: u32,
}

/// Hands out room from the front.
struct Room(u32);

impl Room {
    fn take(&mut self, count: u32, each: u32) -> u32 {
        let first = self.0;
        self.0 += count * each;
        first
    }
}

/// Bits in which numbers below `count` fit.
fn bits(count: u32) -> u32 {
    count.next_power_of_two().trailing_zeros().max(1)
}

fn fit(count: usize, most: u32) -> u32 {
    u32::try_from(count).unwrap_or(most).min(most)
}

impl Layout {
    pub(super) fn new(config: &QueueConfig) -> Self {
        let shards = u32::from(config.shards);
        let pools = fit(config.pools.len(), 1 << 16);
        let seats = fit(config.seats, VALUES / 64);
        let capacity = fit(config.capacity, MOST_CALLERS);
        let spare = SPARE + shards;
        // A match keeps both records until both copies are taken: beyond the callers held there may be
        // a seat's copy for each seat, beyond the seats a caller's copy for each caller held.
        let callers = (capacity + seats + spare).next_multiple_of(8);
        let entries = (seats + capacity + spare).next_multiple_of(8);
        // The scanned rows come first: one for the callers and one for the seats of each pool, one
        // for each seat's own callers.
        let rows = 2 * pools + seats + MOST_ROWS.min(2 * (callers + entries));
        let (call_buckets, row_buckets) = (callers.next_power_of_two(), rows.next_power_of_two());
        let mut room = Room(GLOBALS);
        let pool = room.take(pools, POOL);
        let seat = room.take(seats, SEAT);
        let inbox = room.take(shards, 2);
        let call_bucket = room.take(call_buckets, 1);
        let row_bucket = room.take(row_buckets, 1);
        room.0 = room.0.next_multiple_of(8);
        let caller = room.take(callers, CALLER);
        let entry = room.take(entries, ENTRY);
        let row = room.take(rows, ROW);
        let links = [callers, entries, rows].map(|count| room.take(count, 1));
        let (caller_bits, entry_bits) = (bits(callers), bits(entries));
        let mut tower = |bits: u32, nodes: u32| {
            let mut first = [0; LEVELS as usize];
            for (level, first) in (0..).zip(&mut first).skip(1) {
                *first = room.take(((1 << bits) >> (3 * level)) + 1, nodes * 2);
            }
            first
        };
        let caller_tower = tower(caller_bits, CALLER_NODES);
        let entry_tower = tower(entry_bits, ENTRY_NODES);
        Self {
            shards,
            pools,
            seats,
            capacity,
            callers,
            entries,
            rows,
            call_buckets,
            row_buckets,
            caller_bits,
            entry_bits,
            pool,
            seat,
            inbox,
            call_bucket,
            row_bucket,
            caller,
            entry,
            row,
            links,
            caller_tower,
            entry_tower,
            size: room.0,
        }
    }

    /// True if this is the layout for such a queue.
    pub(super) fn is_for(&self, config: &QueueConfig) -> bool {
        self.shards == u32::from(config.shards)
            && self.pools as usize == config.pools.len()
            && self.seats as usize == config.seats
            && self.capacity == fit(config.capacity, MOST_CALLERS)
    }

    pub(super) fn threads(&self) -> usize {
        (self.shards + SPARE) as usize
    }

    #[inline]
    pub(super) fn global(which: Global) -> WordAt {
        WordAt(which as u32)
    }

    #[inline]
    pub(super) fn pool(&self, pool: u32, which: PoolWord) -> WordAt {
        WordAt(self.pool + pool * POOL + which as u32)
    }

    #[inline]
    pub(super) fn lines_middle(&self, pool: u32, at: u32) -> WordAt {
        WordAt(self.pool + pool * POOL + LINE_MIDDLE + at)
    }

    #[inline]
    pub(super) fn lines_leaf(&self, pool: u32, at: u32) -> WordAt {
        WordAt(self.pool + pool * POOL + LINE_MIDDLE + LINE_WORDS / LINE_BITS + at)
    }

    #[inline]
    pub(super) fn seat(&self, seat: u32, which: SeatWord) -> WordAt {
        WordAt(self.seat + seat * SEAT + which as u32)
    }

    /// First and last entry of a shard's inbox.
    #[inline]
    pub(super) fn inbox(&self, shard: u32) -> (WordAt, WordAt) {
        let first = self.inbox + shard * 2;
        (WordAt(first), WordAt(first + 1))
    }

    #[inline]
    pub(super) fn call_bucket(&self, hash: u64) -> WordAt {
        WordAt(self.call_bucket + ((hash >> 40) as u32 & (self.call_buckets - 1)))
    }

    #[inline]
    pub(super) fn row_bucket(&self, hash: u64) -> WordAt {
        WordAt(self.row_bucket + ((hash >> 40) as u32 & (self.row_buckets - 1)))
    }

    /// The words and cells of a caller or of an entry, as a range.
    #[inline]
    pub(super) fn caller_range(&self, caller: u32) -> Range<u32> {
        let first = self.caller + caller * CALLER;
        first..first + CALLER
    }

    #[inline]
    pub(super) fn entry_range(&self, entry: u32) -> Range<u32> {
        let first = self.entry + entry * ENTRY;
        first..first + ENTRY
    }

    #[inline]
    pub(super) fn caller_cell(&self, caller: u32, which: CallerCell, more: u32) -> CellAt {
        CellAt(self.caller + caller * CALLER + which as u32 + more)
    }

    #[inline]
    pub(super) fn caller(&self, caller: u32, which: CallerWord) -> WordAt {
        WordAt(self.caller + caller * CALLER + which as u32)
    }

    #[inline]
    pub(super) fn entry_cell(&self, entry: u32, which: EntryCell, more: u32) -> CellAt {
        CellAt(self.entry + entry * ENTRY + which as u32 + more)
    }

    #[inline]
    pub(super) fn entry(&self, entry: u32, which: EntryWord) -> WordAt {
        WordAt(self.entry + entry * ENTRY + which as u32)
    }

    #[inline]
    pub(super) fn row_cell(&self, row: u32, which: RowCell, more: u32) -> CellAt {
        CellAt(self.row + row * ROW + which as u32 + more)
    }

    #[inline]
    pub(super) fn row(&self, row: u32, which: RowWord, more: u32) -> WordAt {
        WordAt(self.row + row * ROW + which as u32 + more)
    }

    /// The links of the free callers, entries and rows: where the first lies, and how many.
    pub(super) fn free_links(&self) -> [(u32, u32); 3] {
        let own_rows = self.own_rows();
        [
            (self.links[0], self.callers),
            (self.links[1], self.entries),
            (self.links[2], self.rows - own_rows),
        ]
    }

    /// Rows with a requirement of their own begin here; the scanned ones come before.
    #[inline]
    pub(super) fn own_rows(&self) -> u32 {
        2 * self.pools + self.seats
    }

    /// A caller's node, as a value above 0.
    #[inline]
    pub(super) fn caller_node(caller: u32, node: u32) -> u32 {
        caller * CALLER_NODES + node + 1
    }

    /// A seat entry's node, as a value above 0.
    #[inline]
    pub(super) fn entry_node(&self, entry: u32, node: u32) -> u32 {
        self.callers * CALLER_NODES + entry * ENTRY_NODES + node + 1
    }

    /// Whose node this is. `node` is above 0.
    #[inline]
    pub(super) fn owner(&self, node: u32) -> Owner {
        let index = node.saturating_sub(1);
        match index.checked_sub(self.callers * CALLER_NODES) {
            None => Owner::Caller(index / CALLER_NODES, index % CALLER_NODES),
            Some(index) => Owner::Entry(index / ENTRY_NODES, index % ENTRY_NODES),
        }
    }

    #[inline]
    pub(super) fn node(&self, owner: Owner, which: NodeWord) -> WordAt {
        WordAt(match owner {
            Owner::Caller(caller, node) => {
                self.caller + caller * CALLER + CALLER_NODE + node * NODE + which as u32
            }
            Owner::Entry(entry, node) => {
                self.entry + entry * ENTRY + ENTRY_NODE + node * NODE + which as u32
            }
        })
    }

    /// A record's number among all of its kind, shuffled: callers who come by turns, and so in records
    /// that follow each other by a fixed step, must not stand in strands of one height. One to one,
    /// since each step of it can be undone.
    #[inline]
    fn shuffled(&self, owner: Owner) -> u32 {
        let (record, bits) = match owner {
            Owner::Caller(record, _) => (record, self.caller_bits),
            Owner::Entry(record, _) => (record, self.entry_bits),
        };
        let half = bits.div_ceil(2);
        let mixed = (record ^ record >> half).wrapping_mul(0x9e37_79b1) & ((1 << bits) - 1);
        mixed ^ mixed >> half
    }

    /// Levels in which a node stands: one more for each time that 8 divides its shuffled number.
    #[inline]
    pub(super) fn height(&self, owner: Owner) -> u32 {
        (1 + self.shuffled(owner).trailing_zeros() / 3).min(LEVELS)
    }

    /// Next and previous of a node in a level. The level is below its height.
    #[inline]
    pub(super) fn links(&self, owner: Owner, level: u32) -> (WordAt, WordAt) {
        let first = if level == 0 {
            self.node(owner, NodeWord::Next).0
        } else {
            match owner {
                Owner::Caller(_, node) => {
                    let tower = self.shuffled(owner) >> (3 * level);
                    self.caller_tower[level as usize] + (tower * CALLER_NODES + node) * 2
                }
                Owner::Entry(_, node) => {
                    let tower = self.shuffled(owner) >> (3 * level);
                    self.entry_tower[level as usize] + (tower * ENTRY_NODES + node) * 2
                }
            }
        };
        (WordAt(first), WordAt(first + 1))
    }
}
