//! Callers and seat entries as they lie in the memory: written before they are published, read by
//! whoever reaches them.

use meishier_model::{
    CallId, Class, CounsellorId, Mono, PoolId, SeatId, ShardId, SkillId, SkillSet,
};

use super::layout::{CallerCell as C, EntryCell as E, Layout};
use crate::caller::{Caller, Preference, Stamp};
use crate::config::{MAX_POOLS, MAX_RINGS};
use crate::memory::Memory;
use crate::seat::{Lowest, ReadySeat};

/// What may change of a caller while it waits; one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) open: u32,
    pub(super) class: Class,
    pub(super) risk: bool,
    /// One bit a preference.
    pub(super) dropped: u32,
    /// It has no seat of its own any more.
    pub(super) released: bool,
}

impl Terms {
    pub(super) fn of(caller: &Caller) -> Self {
        let bits = (0u32..).zip(&caller.preferred);
        Self {
            open: caller.open_rings().len() as u32,
            class: caller.class,
            risk: caller.risk,
            dropped: bits.fold(0, |bits, (i, it)| bits | u32::from(it.dropped) << i),
            released: false,
        }
    }

    #[inline]
    pub(super) fn packed(self) -> u32 {
        self.open
            | u32::from(self.class.number()) << 4
            | u32::from(self.risk) << 7
            | u32::from(self.released) << 8
            | self.dropped << 9
    }

    #[inline]
    pub(super) fn unpacked(value: u32) -> Self {
        Self {
            open: value & 15,
            class: Class::new((value >> 4 & 7) as u8).unwrap_or(Class::LOWEST),
            risk: value >> 7 & 1 == 1,
            released: value >> 8 & 1 == 1,
            dropped: value >> 9 & 0xff,
        }
    }
}

/// The cells of one caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallerAt<'m> {
    memory: &'m Memory,
    layout: &'m Layout,
    pub(super) index: u32,
}

impl<'m> CallerAt<'m> {
    #[inline]
    pub(super) fn new(memory: &'m Memory, layout: &'m Layout, index: u32) -> Self {
        Self {
            memory,
            layout,
            index,
        }
    }

    #[inline]
    fn cell(self, which: C, more: u32) -> u64 {
        self.memory
            .cell(self.layout.caller_cell(self.index, which, more))
    }

    #[inline]
    pub(super) fn call(self) -> CallId {
        CallId(self.cell(C::Call, 0))
    }

    #[inline]
    pub(super) fn stamp(self) -> Stamp {
        Stamp {
            at: Mono(self.cell(C::At, 0)),
            tie: self.cell(C::TieShard, 0) as u32,
        }
    }

    #[inline]
    pub(super) fn shard(self) -> ShardId {
        ShardId((self.cell(C::TieShard, 0) >> 32) as u16)
    }

    #[inline]
    pub(super) fn enqueued(self) -> Mono {
        Mono(self.cell(C::Enqueued, 0))
    }

    #[inline]
    pub(super) fn own_seat(self) -> Option<u32> {
        (self.cell(C::Shape, 0) as u32).checked_sub(1)
    }

    #[inline]
    pub(super) fn rings(self) -> u32 {
        (self.cell(C::Shape, 0) >> 32 & 15) as u32
    }

    #[inline]
    fn preferences(self) -> u32 {
        (self.cell(C::Shape, 0) >> 40 & 15) as u32
    }

    #[inline]
    pub(super) fn ring(self, index: u32) -> u32 {
        let which = if index < 4 { C::Rings } else { C::MoreRings };
        let four = self.cell(which, 0);
        (four >> (16 * (index & 3)) & 0xffff) as u32
    }

    #[inline]
    fn preference(self, index: u32) -> (u32, u32) {
        let two = self.cell(C::Preferred, (index >> 1) & 3) >> (32 * (index & 1));
        ((two & 63) as u32, (two >> 8 & 0xffff) as u32)
    }

    #[inline]
    pub(super) fn required(self) -> SkillSet {
        SkillSet(self.cell(C::Required, 0))
    }

    /// Every skill that binds now.
    #[inline]
    pub(super) fn needs(self, terms: Terms) -> SkillSet {
        let required = self.cell(C::Required, 0);
        let held = (0..self.preferences()).filter(|i| terms.dropped >> i & 1 == 0);
        SkillSet(held.fold(required, |set, i| set | 1 << self.preference(i).0))
    }

    /// Every skill that binds or weighs.
    pub(super) fn wanted(self) -> u64 {
        let required = self.cell(C::Required, 0);
        (0..self.preferences()).fold(required, |set, i| set | 1 << self.preference(i).0)
    }

    /// Sum of the weights of dropped preferences that `skills` satisfies.
    pub(super) fn weight_of(self, terms: Terms, skills: u64) -> u32 {
        let met = (0..self.preferences())
            .filter(|i| terms.dropped >> i & 1 == 1 && skills >> self.preference(*i).0 & 1 == 1);
        met.map(|i| self.preference(i).1).sum()
    }

    /// Bits of the preferences for a skill.
    pub(super) fn preferring(self, skill: SkillId) -> u32 {
        let those =
            (0..self.preferences()).filter(|i| self.preference(*i).0 == u32::from(skill.index()));
        those.fold(0, |bits, i| bits | 1 << i)
    }

    /// The caller as it was let in, with what has changed since.
    pub(super) fn read(self, terms: Terms) -> Caller {
        let rings = (0..self.rings()).map(|i| PoolId(self.ring(i) as u16));
        let preferred = (0..self.preferences()).filter_map(|i| {
            let (skill, weight) = self.preference(i);
            Some(Preference {
                skill: SkillId::new(skill as u8)?,
                weight: weight as u16,
                dropped: terms.dropped >> i & 1 == 1,
            })
        });
        let own = self.own_seat().filter(|_| !terms.released).map(SeatId);
        Caller {
            call: self.call(),
            shard: self.shard(),
            stamp: self.stamp(),
            class: terms.class,
            risk: terms.risk,
            required: SkillSet(self.cell(C::Required, 0)),
            preferred: preferred.collect(),
            rings: rings.collect(),
            open: terms.open as u8,
            own_seat: own,
        }
    }

    /// Writes the place in line and the shard of a caller that nobody can reach yet.
    pub(super) fn write_place(self, stamp: Stamp, shard: ShardId) {
        let set = |which, value| {
            let at = self.layout.caller_cell(self.index, which, 0);
            self.memory.set_cell(at, value);
        };
        set(C::At, stamp.at.0);
        set(C::TieShard, u64::from(shard.0) << 32 | u64::from(stamp.tie));
    }

    /// Writes a caller that nobody can reach yet.
    pub(super) fn write(self, enqueued: Mono, caller: &Caller) {
        let set = |which, more, value| {
            let at = self.layout.caller_cell(self.index, which, more);
            self.memory.set_cell(at, value);
        };
        set(C::Call, 0, caller.call.0);
        set(C::At, 0, caller.stamp.at.0);
        let shard = u64::from(caller.shard.0) << 32;
        set(C::TieShard, 0, shard | u64::from(caller.stamp.tie));
        set(C::Required, 0, caller.required.0);
        set(C::Enqueued, 0, enqueued.0);
        let own = caller.own_seat.map_or(0, |seat| u64::from(seat.0) + 1);
        let rings = caller.rings.len().min(MAX_RINGS) as u64;
        let preferences = caller.preferred.len() as u64;
        set(C::Shape, 0, own | rings << 32 | preferences << 40);
        for (which, four) in [C::Rings, C::MoreRings]
            .into_iter()
            .zip(caller.rings.chunks(4))
        {
            set(which, 0, sixteens(four));
        }
        for (more, two) in (0..).zip(caller.preferred.chunks(2)).take(4) {
            let both = two.iter().rev().fold(0, |both, it| {
                both << 32 | u64::from(it.skill.index()) | u64::from(it.weight) << 8
            });
            set(C::Preferred, more, both);
        }
    }
}

fn sixteens(four: &[PoolId]) -> u64 {
    four.iter()
        .rev()
        .fold(0, |all, pool| all << 16 | u64::from(pool.0))
}

/// The code of a lowest class: smaller takes more.
pub(super) fn lowest_code(lowest: Lowest) -> u32 {
    match lowest {
        Lowest::Everyone => 0,
        Lowest::Class(class) => 1 + u32::from(class.number()),
        Lowest::RiskOnly => 15,
    }
}

pub(super) fn lowest_of(code: u32) -> Lowest {
    match code {
        0 => Lowest::Everyone,
        15 => Lowest::RiskOnly,
        _ => Class::new((code - 1) as u8).map_or(Lowest::RiskOnly, Lowest::Class),
    }
}

/// The cells of one seat entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryAt<'m> {
    memory: &'m Memory,
    layout: &'m Layout,
    pub(super) index: u32,
}

impl<'m> EntryAt<'m> {
    #[inline]
    pub(super) fn new(memory: &'m Memory, layout: &'m Layout, index: u32) -> Self {
        Self {
            memory,
            layout,
            index,
        }
    }

    #[inline]
    fn cell(self, which: E, more: u32) -> u64 {
        self.memory
            .cell(self.layout.entry_cell(self.index, which, more))
    }

    #[inline]
    fn set(self, which: E, more: u32, value: u64) {
        let at = self.layout.entry_cell(self.index, which, more);
        self.memory.set_cell(at, value);
    }

    #[inline]
    pub(super) fn seat(self) -> u32 {
        self.cell(E::Seat, 0) as u32
    }

    #[inline]
    pub(super) fn counsellor(self) -> CounsellorId {
        CounsellorId((self.cell(E::Seat, 0) >> 32) as u32)
    }

    #[inline]
    pub(super) fn shard(self) -> ShardId {
        ShardId(self.cell(E::Shape, 0) as u16)
    }

    #[inline]
    pub(super) fn lowest(self) -> u32 {
        (self.cell(E::Shape, 0) >> 16 & 15) as u32
    }

    #[inline]
    pub(super) fn pools(self) -> u32 {
        (self.cell(E::Shape, 0) >> 32 & 15) as u32
    }

    #[inline]
    pub(super) fn pool(self, index: u32) -> u32 {
        let which = if index < 4 { E::Pools } else { E::MorePools };
        let four = self.cell(which, 0);
        (four >> (16 * (index & 3)) & 0xffff) as u32
    }

    /// By which of its pools the seat serves this one.
    #[inline]
    pub(super) fn serves(self, pool: u32) -> Option<u32> {
        (0..self.pools()).find(|i| self.pool(*i) == pool)
    }

    #[inline]
    pub(super) fn skills(self) -> u64 {
        self.cell(E::Skills, 0)
    }

    pub(super) fn levels(self) -> [u64; 3] {
        [0, 1, 2].map(|i| self.cell(E::Levels, i))
    }

    #[inline]
    pub(super) fn idle_since(self) -> u64 {
        self.cell(E::Idle, 0)
    }

    #[inline]
    pub(super) fn minutes(self) -> u64 {
        self.cell(E::Minutes, 0)
    }

    #[inline]
    pub(super) fn turn(self) -> u64 {
        self.cell(E::Turn, 0)
    }

    #[inline]
    pub(super) fn since(self) -> Mono {
        Mono(self.cell(E::Since, 0))
    }

    /// When it became ready, and its seat's last match: known only inside the change.
    pub(super) fn write_since(self, since: Mono, turn: u64) {
        self.set(E::Since, 0, since.0);
        self.set(E::Turn, 0, turn);
    }

    /// Writes an entry that nobody can reach yet.
    pub(super) fn write(self, seat: &ReadySeat) {
        let counsellor = u64::from(seat.counsellor.0) << 32;
        self.set(E::Seat, 0, counsellor | u64::from(seat.seat.0));
        let pools = seat.pools.len().min(MAX_POOLS) as u64;
        let lowest = u64::from(lowest_code(seat.lowest));
        self.set(
            E::Shape,
            0,
            u64::from(seat.shard.0) | lowest << 16 | pools << 32,
        );
        self.set(E::Skills, 0, seat.skill_set().0);
        let mut levels = [0; 3];
        for (skill, level) in &seat.skills {
            set_level(&mut levels, u32::from(skill.index()), *level);
        }
        for (more, cell) in (0..).zip(levels) {
            self.set(E::Levels, more, cell);
        }
        self.set(E::Idle, 0, seat.idle_since.0);
        self.set(E::Minutes, 0, seat.talked_ms / 60_000);
        for (which, four) in [E::Pools, E::MorePools]
            .into_iter()
            .zip(seat.pools.chunks(4))
        {
            self.set(which, 0, sixteens(four));
        }
    }
}

/// Where a skill's three bits lie: twenty-one skills a cell, and skill 63 in the bits left over.
fn level_place(skill: u32) -> (usize, u32) {
    if skill < 63 {
        ((skill / 21) as usize, skill % 21 * 3)
    } else {
        (0, 63)
    }
}

fn set_level(levels: &mut [u64; 3], skill: u32, level: u8) {
    let level = level.min(7);
    if level <= level_of(levels, skill) {
        return;
    }
    let (cell, shift) = level_place(skill);
    if skill < 63 {
        levels[cell] = levels[cell] & !(7 << shift) | u64::from(level) << shift;
    } else {
        for (bit, cell) in levels.iter_mut().enumerate() {
            *cell = *cell & !(1 << 63) | u64::from(level >> bit & 1) << 63;
        }
    }
}

fn level_of(levels: &[u64; 3], skill: u32) -> u8 {
    let (cell, shift) = level_place(skill);
    if skill < 63 {
        (levels[cell] >> shift & 7) as u8
    } else {
        (0..3).fold(0, |level, bit| level | ((levels[bit] >> 63) as u8) << bit)
    }
}

/// Sum of the levels of the skills in `set`.
pub(super) fn levels_in(levels: &[u64; 3], mut set: u64) -> u32 {
    let mut sum = 0;
    while set != 0 {
        sum += u32::from(level_of(levels, set.trailing_zeros()));
        set &= set - 1;
    }
    sum
}
