//! Rows: lanes of callers and groups of seats, each by what its members have in common.
//!
//! A lane's callers need the same skills and are of the same class; a group's seats have the same
//! skills, take the same classes, and (by [`Strategy::BestSkill`]) have the same levels. So one look
//! at the first of each row is a look at all. A row comes when its first member does and goes with its last.
//! When all rows are in use, members of further kinds share the scanned row of their place, where
//! each is looked at.

use meishier_model::{Class, SkillSet};

use super::index::spread;
use super::layout::{ENTRY_NODES, Layout, NodeWord, OWN_NODE, Owner, RowCell, RowWord, SeatWord};
use super::layout::{Global, PoolWord};
use super::operation::Operation;
use super::records::{Terms, levels_in, lowest_of};
use super::strand::Key;
use crate::memory::{Stop, WordAt};
use crate::seat::Strategy;

/// Where a row belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Callers of a pool.
    Lanes(u32),
    /// Ready seats of a pool.
    Groups(u32),
    /// Callers of a seat of their own.
    Owned(u32),
}

/// What the members of a row have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Lane: class and risk. Group: code of the lowest class and strategy.
    code: u32,
    /// What callers need, or what seats have.
    pub(super) skills: u64,
    pub(super) levels: [u64; 3],
}

const RISK: u32 = 1 << 3;
const STRATEGY: u32 = 4;
/// The members have nothing in common.
const SCANNED: u32 = 1 << 7;

impl Kind {
    pub(super) fn lane(needs: SkillSet, terms: Terms) -> Self {
        let risk = if terms.risk { RISK } else { 0 };
        Self {
            code: u32::from(terms.class.number()) | risk,
            skills: needs.0,
            levels: [0; 3],
        }
    }

    pub(super) fn group(skills: u64, lowest: u32, strategy: u32, levels: [u64; 3]) -> Self {
        Self {
            code: lowest | strategy << STRATEGY,
            skills,
            levels,
        }
    }

    /// Of a lane.
    pub(super) fn class(&self) -> Class {
        Class::new((self.code & 7) as u8).unwrap_or(Class::LOWEST)
    }

    /// Of a lane.
    pub(super) fn risk(&self) -> bool {
        self.code & RISK != 0
    }

    /// Of a group.
    pub(super) fn lowest(&self) -> u32 {
        self.code & 15
    }

    /// Of a group: the levels of its skills, by skill; none where levels make no difference.
    pub(super) fn level_list(&self) -> Vec<u8> {
        if self.levels == [0; 3] {
            return Vec::new();
        }
        let skills = (0..64).filter(|skill| self.skills >> skill & 1 == 1);
        skills
            .map(|skill| levels_in(&self.levels, 1 << skill) as u8)
            .collect()
    }

    pub(super) fn scanned(&self) -> bool {
        self.code & SCANNED != 0
    }

    /// True if seats of the group `group` may take callers of this lane.
    pub(super) fn fits(&self, group: &Kind) -> bool {
        group.skills & self.skills == self.skills
            && lowest_of(group.lowest()).admits(self.class(), self.risk())
    }
}

impl Place {
    fn number(self) -> u32 {
        match self {
            Self::Lanes(pool) => pool << 2,
            Self::Groups(pool) => pool << 2 | 1,
            Self::Owned(seat) => seat << 2 | 2,
        }
    }

    fn from_number(number: u32) -> Self {
        match number & 3 {
            0 => Self::Lanes(number >> 2),
            1 => Self::Groups(number >> 2),
            _ => Self::Owned(number >> 2),
        }
    }
}

impl Operation<'_, '_> {
    /// First row of a place, plus 1.
    pub(super) fn rows_at(&self, place: Place) -> WordAt {
        match place {
            Place::Lanes(pool) => self.layout().pool(pool, PoolWord::Lanes),
            Place::Groups(pool) => self.layout().pool(pool, PoolWord::Groups),
            Place::Owned(seat) => self.layout().seat(seat, SeatWord::Lanes),
        }
    }

    pub(super) fn next_row(&mut self, row: u32) -> Result<u32, Stop> {
        self.get(self.layout().row(row, RowWord::Next, 0))
    }

    /// The row in which members that share no row of their own stand.
    fn scanned_row(&self, place: Place) -> u32 {
        match place {
            Place::Lanes(pool) => pool,
            Place::Groups(pool) => self.layout().pools + pool,
            Place::Owned(seat) => 2 * self.layout().pools + seat,
        }
    }

    fn place_of_row(&self, row: u32) -> Place {
        let (pools, own) = (self.layout().pools, self.layout().own_rows());
        if row < pools {
            Place::Lanes(row)
        } else if row < 2 * pools {
            Place::Groups(row - pools)
        } else if row < own {
            Place::Owned(row - 2 * pools)
        } else {
            let cell = self
                .change
                .cell(self.layout().row_cell(row, RowCell::Place, 0));
            Place::from_number(cell as u32)
        }
    }

    pub(super) fn kind_of_row(&self, row: u32) -> Kind {
        if row < self.layout().own_rows() {
            return Kind {
                code: SCANNED,
                skills: 0,
                levels: [0; 3],
            };
        }
        let cell = |which, more| self.change.cell(self.layout().row_cell(row, which, more));
        let code = (cell(RowCell::Place, 0) >> 32) as u32;
        let by_level = code >> STRATEGY & 3 == Strategy::BestSkill as u32;
        Kind {
            code,
            skills: cell(RowCell::Skills, 0),
            levels: if by_level {
                [0, 1, 2].map(|i| cell(RowCell::Levels, i))
            } else {
                [0; 3]
            },
        }
    }

    fn bucket_of(&self, place: Place, kind: &Kind) -> WordAt {
        let mut hash = spread(kind.skills ^ u64::from(place.number()) << 32 ^ u64::from(kind.code));
        if kind.levels != [0; 3] {
            hash = kind
                .levels
                .iter()
                .fold(hash, |hash, cell| spread(hash ^ cell));
        }
        self.layout().row_bucket(hash)
    }

    /// The row for members of this kind: theirs, a new one, or the scanned one.
    fn row_for(&mut self, place: Place, kind: &Kind) -> Result<u32, Stop> {
        let bucket = self.bucket_of(place, kind);
        let first = self.get(bucket)?;
        let mut at = first;
        while let Some(row) = at.checked_sub(1) {
            if self.place_of_row(row) == place && self.kind_of_row(row) == *kind {
                return Ok(row);
            }
            at = self.get(self.layout().row(row, RowWord::Chain, 0))?;
        }
        let queue = self.queue;
        let Some(spare) = self.spare.next(self.change, &queue.free_rows)? else {
            queue.count_scanned();
            return Ok(self.scanned_row(place));
        };
        let row = spare + self.layout().own_rows();
        self.write_row(row, place, kind);
        self.change
            .set_private(self.layout().row(row, RowWord::Chain, 0), first);
        self.set(bucket, row + 1)?;
        Ok(row)
    }

    /// Writes a row that nobody can reach yet.
    fn write_row(&mut self, row: u32, place: Place, kind: &Kind) {
        let (layout, memory) = (self.layout(), self.change.memory());
        let common = u64::from(place.number()) | u64::from(kind.code) << 32;
        memory.set_cell(layout.row_cell(row, RowCell::Place, 0), common);
        memory.set_cell(layout.row_cell(row, RowCell::Skills, 0), kind.skills);
        for (more, cell) in (0..).zip(kind.levels) {
            memory.set_cell(layout.row_cell(row, RowCell::Levels, more), cell);
        }
        for level in 0..super::layout::LEVELS {
            self.change
                .set_private(layout.row(row, RowWord::First, level), 0);
            self.change
                .set_private(layout.row(row, RowWord::Last, level), 0);
        }
    }

    /// Puts a node into the row for its kind.
    pub(super) fn join(&mut self, place: Place, kind: &Kind, node: u32) -> Result<(), Stop> {
        let row = self.row_for(place, kind)?;
        if !self.link(row, node)? {
            return Ok(());
        }
        let layout = self.layout();
        let head = self.rows_at(place);
        let next = self.get(head)?;
        self.set(layout.row(row, RowWord::Next, 0), next)?;
        self.set(layout.row(row, RowWord::Previous, 0), 0)?;
        if let Some(next) = next.checked_sub(1) {
            self.set(layout.row(next, RowWord::Previous, 0), row + 1)?;
        } else if let Place::Owned(seat) = place {
            self.list_owned(seat)?;
        }
        self.set(head, row + 1)
    }

    /// Takes a node out of its row, if it stands in one, and the row away if that was its last.
    fn leave(&mut self, owner: Owner, stays: bool) -> Result<(), Stop> {
        let Some((row, true)) = self.unlink(owner, stays)? else {
            return Ok(());
        };
        let layout = self.layout();
        let place = self.place_of_row(row);
        let next = self.get(layout.row(row, RowWord::Next, 0))?;
        let previous = self.get(layout.row(row, RowWord::Previous, 0))?;
        if let Some(next) = next.checked_sub(1) {
            self.set(layout.row(next, RowWord::Previous, 0), previous)?;
        }
        match previous.checked_sub(1) {
            Some(previous) => self.set(layout.row(previous, RowWord::Next, 0), next)?,
            None => self.set(self.rows_at(place), next)?,
        }
        if let Place::Owned(seat) = place
            && next == 0
            && previous == 0
        {
            self.unlist_owned(seat)?;
        }
        if row >= layout.own_rows() {
            self.forget_row(row, place)?;
        }
        Ok(())
    }

    fn forget_row(&mut self, row: u32, place: Place) -> Result<(), Stop> {
        let layout = self.layout();
        let next = self.get(layout.row(row, RowWord::Chain, 0))?;
        let mut link = self.bucket_of(place, &self.kind_of_row(row));
        loop {
            let at = self.get(link)?;
            if at == row + 1 {
                self.set(link, next)?;
                break;
            }
            let Some(other) = at.checked_sub(1) else {
                return Ok(());
            };
            link = layout.row(other, RowWord::Chain, 0);
        }
        // Without room it stays out of the list: its loss would be a row, not a caller.
        let _ = self.after.rows.try_push(row - layout.own_rows());
        Ok(())
    }

    /// Seats at which callers of their own wait, so that a line that comes free can ask them.
    fn list_owned(&mut self, seat: u32) -> Result<(), Stop> {
        let layout = self.layout();
        let next = self.global(Global::Owned)?;
        self.set(layout.seat(seat, SeatWord::OwnedNext), next)?;
        self.set(layout.seat(seat, SeatWord::OwnedPrevious), 0)?;
        if let Some(next) = next.checked_sub(1) {
            self.set(layout.seat(next, SeatWord::OwnedPrevious), seat + 1)?;
        }
        self.set_global(Global::Owned, seat + 1)
    }

    fn unlist_owned(&mut self, seat: u32) -> Result<(), Stop> {
        let layout = self.layout();
        let next = self.get(layout.seat(seat, SeatWord::OwnedNext))?;
        let previous = self.get(layout.seat(seat, SeatWord::OwnedPrevious))?;
        if let Some(next) = next.checked_sub(1) {
            self.set(layout.seat(next, SeatWord::OwnedPrevious), previous)?;
        }
        match previous.checked_sub(1) {
            Some(previous) => self.set(layout.seat(previous, SeatWord::OwnedNext), next),
            None => self.set_global(Global::Owned, next),
        }
    }

    /// Where a node stands among those of its row.
    pub(super) fn key_of(&self, row: u32, node: u32) -> Key {
        match self.layout().owner(node) {
            Owner::Caller(caller, _) => {
                let caller = self.caller(caller);
                let stamp = caller.stamp();
                (stamp.at.0, u64::from(stamp.tie), caller.call().0)
            }
            Owner::Entry(entry, _) => {
                let strategy = self.kind_of_row(row).code >> STRATEGY & 3;
                self.seat_key(strategy, entry)
            }
        }
    }

    /// A seat's key by a pool's strategy, fixed when it became ready.
    pub(super) fn seat_key(&self, strategy: u32, entry: u32) -> Key {
        let entry = self.entry(entry);
        let seat = u64::from(entry.seat());
        if strategy == Strategy::LeastTalk as u32 {
            (entry.minutes(), entry.idle_since(), seat)
        } else if strategy == Strategy::RoundRobin as u32 {
            (entry.turn(), 0, seat)
        } else {
            (0, entry.idle_since(), seat)
        }
    }

    /// Puts a caller into the lanes of its open rings and of its own seat, as its terms say.
    pub(super) fn join_lanes(&mut self, index: u32, terms: Terms) -> Result<(), Stop> {
        let caller = self.caller(index);
        let kind = Kind::lane(caller.needs(terms), terms);
        for ring in 0..terms.open.min(caller.rings()) {
            let pool = caller.ring(ring);
            if !(0..ring).any(|before| caller.ring(before) == pool) {
                self.join(Place::Lanes(pool), &kind, Layout::caller_node(index, ring))?;
            }
        }
        if let Some(seat) = caller.own_seat().filter(|_| !terms.released) {
            let node = Layout::caller_node(index, OWN_NODE);
            self.join(Place::Owned(seat), &kind, node)?;
        }
        Ok(())
    }

    /// Takes a caller out of all its lanes; `stays`: it may join others in this change.
    pub(super) fn leave_lanes(&mut self, index: u32, stays: bool) -> Result<(), Stop> {
        let caller = self.caller(index);
        for ring in 0..caller.rings() {
            self.leave(Owner::Caller(index, ring), stays)?;
        }
        if caller.own_seat().is_some() {
            self.leave(Owner::Caller(index, OWN_NODE), stays)?;
        }
        Ok(())
    }

    /// What the seats of a group have in common with this one, in a pool of this strategy.
    pub(super) fn group_kind(&self, index: u32, strategy: u32) -> Kind {
        let entry = self.entry(index);
        let by_level = strategy == Strategy::BestSkill as u32;
        let levels = if by_level { entry.levels() } else { [0; 3] };
        Kind::group(entry.skills(), entry.lowest(), strategy, levels)
    }

    /// Puts a seat into the groups of its pools.
    pub(super) fn join_groups(&mut self, index: u32) -> Result<(), Stop> {
        let entry = self.entry(index);
        for i in 0..entry.pools() {
            let pool = entry.pool(i);
            if (0..i).any(|before| entry.pool(before) == pool) {
                continue;
            }
            let strategy = self.get(self.layout().pool(pool, PoolWord::Strategy))?;
            let kind = self.group_kind(index, strategy);
            let node = self.layout().entry_node(index, i);
            self.join(Place::Groups(pool), &kind, node)?;
        }
        Ok(())
    }

    /// Takes a seat out of all its groups; `stays`: it may join others in this change.
    pub(super) fn leave_groups(&mut self, index: u32, stays: bool) -> Result<(), Stop> {
        for i in 0..self.entry(index).pools().min(ENTRY_NODES) {
            self.leave(Owner::Entry(index, i), stays)?;
        }
        Ok(())
    }

    /// Makes the nodes of a record that nobody can reach yet stand nowhere.
    pub(super) fn clear_nodes(&mut self, owners: impl Iterator<Item = Owner>) {
        for owner in owners {
            let row = self.layout().node(owner, NodeWord::Row);
            self.change.set_private(row, 0);
        }
    }
}
