//! Who gets whom: the same choices as the reference model, in the same order.

use std::cmp::Reverse;

use meishier_model::SeatId;

use super::layout::{CallerWord, EntryWord, Global, Owner, PoolWord, SeatWord};
use super::mail::{BY_SEAT, Letter, line_code};
use super::operation::Operation;
use super::records::levels_in;
use super::rows::{Kind, Place};
use super::strand::Key;
use super::{ALL_WORK, MATCHED, READY};
use crate::memory::{Stop, Tally, VALUES};
use crate::order::Standing;

/// A waiting caller and where it stands.
pub(super) type Candidate = (Standing, u32);

/// How much a caller wants a seat: smaller first. Weight, level, then the strategy's key; the entry.
type Wish = (Reverse<u32>, Reverse<u32>, Key, u32);

/// Counts of matches that a word can say.
const SHORTS: u64 = VALUES as u64 / 2;

/// A count of matches in one word, above 0.
pub(super) fn short_count(matches: u64) -> u32 {
    (matches % SHORTS) as u32 + 1
}

fn better<T: Ord>(best: &mut Option<T>, candidate: T) {
    if best.as_ref().is_none_or(|best| candidate < *best) {
        *best = Some(candidate);
    }
}

impl Operation<'_, '_> {
    fn standing(&mut self, own: bool, index: u32, step: u64) -> Result<Standing, Stop> {
        let terms = self.terms(index)?;
        let caller = self.caller(index);
        Ok(Standing::by_step(
            terms.risk,
            own,
            terms.class,
            caller.stamp(),
            caller.call(),
            step,
        ))
    }

    /// Microseconds of waiting that equal a class.
    pub(super) fn step(&mut self) -> Result<u64, Stop> {
        let low = self.global(Global::StepLow)?;
        let high = self.global(Global::StepHigh)?;
        Ok(u64::from(high) * u64::from(VALUES) + u64::from(low))
    }

    fn caller_of(&self, node: u32) -> Result<u32, Stop> {
        match self.layout().owner(node) {
            Owner::Caller(caller, _) => Ok(caller),
            Owner::Entry(..) => Err(Stop::Overtaken),
        }
    }

    fn entry_of(&self, node: u32) -> Result<u32, Stop> {
        match self.layout().owner(node) {
            Owner::Entry(entry, _) => Ok(entry),
            Owner::Caller(..) => Err(Stop::Overtaken),
        }
    }

    /// Of the callers at a place, who should go first of those that `fits` lets through; `fits` is
    /// asked once for a lane.
    fn best_waiting(
        &mut self,
        place: Place,
        step: u64,
        mut fits: impl FnMut(&mut Self, &Kind) -> Result<bool, Stop>,
    ) -> Result<Option<Candidate>, Stop> {
        let own = matches!(place, Place::Owned(_));
        let mut best = None;
        let mut at = self.get(self.rows_at(place))?;
        while let Some(row) = at.checked_sub(1) {
            let kind = self.kind_of_row(row);
            if kind.scanned() {
                let mut node = self.first_of(row)?;
                while node != 0 {
                    let index = self.caller_of(node)?;
                    let terms = self.terms(index)?;
                    let kind = Kind::lane(self.caller(index).needs(terms), terms);
                    if fits(self, &kind)? {
                        better(&mut best, (self.standing(own, index, step)?, index));
                    }
                    node = self.next_of(node)?;
                }
            } else if fits(self, &kind)? {
                let first = self.first_of(row)?;
                let index = self.caller_of(first)?;
                let caller = self.caller(index);
                let (stamp, call) = (caller.stamp(), caller.call());
                let standing = Standing::by_step(kind.risk(), own, kind.class(), stamp, call, step);
                better(&mut best, (standing, index));
            }
            at = self.next_row(row)?;
        }
        Ok(best)
    }

    /// Who should go to this seat, which is not matched: of its usable pools and of its own callers.
    pub(super) fn best_caller_for(&mut self, entry: u32) -> Result<Option<u32>, Stop> {
        let seat = self.entry(entry);
        let group = self.group_kind(entry, 0);
        let step = self.step()?;
        let (mut best, mut any) = (None, false);
        for i in 0..seat.pools() {
            let pool = seat.pool(i);
            if !self.usable(pool)? {
                continue;
            }
            any = true;
            let here =
                self.best_waiting(Place::Lanes(pool), step, |_, lane| Ok(lane.fits(&group)))?;
            here.into_iter().for_each(|it| better(&mut best, it));
        }
        if any {
            let place = Place::Owned(seat.seat());
            let here = self.best_waiting(place, step, |_, lane| Ok(lane.fits(&group)))?;
            here.into_iter().for_each(|it| better(&mut best, it));
        }
        Ok(best.map(|(_, caller)| caller))
    }

    /// True if some ready seat of the pool may take callers of this lane.
    fn any_seat_fits(&mut self, pool: u32, lane: &Kind) -> Result<bool, Stop> {
        let mut at = self.get(self.rows_at(Place::Groups(pool)))?;
        while let Some(row) = at.checked_sub(1) {
            let group = self.kind_of_row(row);
            if group.scanned() {
                let mut node = self.first_of(row)?;
                while node != 0 {
                    let entry = self.entry_of(node)?;
                    if lane.fits(&self.group_kind(entry, 0)) {
                        return Ok(true);
                    }
                    node = self.next_of(node)?;
                }
            } else if lane.fits(&group) {
                return Ok(true);
            }
            at = self.next_row(row)?;
        }
        Ok(false)
    }

    /// Who should go first of those whom a ready seat of the pool fits, by this pool. It is usable.
    pub(super) fn best_caller_in(&mut self, pool: u32) -> Result<Option<Candidate>, Stop> {
        let step = self.step()?;
        let mut best = self.best_waiting(Place::Lanes(pool), step, |operation, lane| {
            operation.any_seat_fits(pool, lane)
        })?;
        let mut at = self.global(Global::Owned)?;
        while let Some(seat) = at.checked_sub(1) {
            if let Some(entry) = self.ready_entry(seat)?
                && self.entry(entry).serves(pool).is_some()
            {
                let group = self.group_kind(entry, 0);
                let place = Place::Owned(seat);
                let here = self.best_waiting(place, step, |_, lane| Ok(lane.fits(&group)))?;
                here.into_iter().for_each(|it| better(&mut best, it));
            }
            at = self.get(self.layout().seat(seat, SeatWord::OwnedNext))?;
        }
        Ok(best)
    }

    /// Who should go first of all whom some ready seat fits.
    pub(super) fn best_caller(&mut self) -> Result<Option<u32>, Stop> {
        let mut best = None;
        for pool in 0..self.layout().pools {
            if self.usable(pool)? {
                let here = self.best_caller_in(pool)?;
                here.into_iter().for_each(|it| better(&mut best, it));
            }
        }
        Ok(best.map(|(_, caller)| caller))
    }

    /// A seat's entry, if it is ready.
    pub(super) fn ready_entry(&mut self, seat: u32) -> Result<Option<u32>, Stop> {
        let at = self.layout().seat(seat, SeatWord::Entry);
        let Some(entry) = self.get(at)?.checked_sub(1) else {
            return Ok(None);
        };
        let state = self.get(self.layout().entry(entry, EntryWord::State))?;
        Ok((state == READY).then_some(entry))
    }

    /// The seat that a caller should have now: its own, or by the first open ring that has one.
    pub(super) fn best_seat(&mut self, index: u32) -> Result<Option<u32>, Stop> {
        let terms = self.terms(index)?;
        let caller = self.caller(index);
        let lane = Kind::lane(caller.needs(terms), terms);
        if let Some(seat) = caller.own_seat().filter(|_| !terms.released)
            && let Some(entry) = self.ready_entry(seat)?
            && lane.fits(&self.group_kind(entry, 0))
            && self.first_usable_pool(entry)?.is_some()
        {
            return Ok(Some(entry));
        }
        for ring in 0..terms.open.min(caller.rings()) {
            let pool = caller.ring(ring);
            if self.usable(pool)?
                && let Some(entry) = self.best_seat_in(pool, index, &lane)?
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn first_usable_pool(&mut self, entry: u32) -> Result<Option<u32>, Stop> {
        let seat = self.entry(entry);
        for i in 0..seat.pools() {
            if self.usable(seat.pool(i))? {
                return Ok(Some(i));
            }
        }
        Ok(None)
    }

    fn best_seat_in(&mut self, pool: u32, index: u32, lane: &Kind) -> Result<Option<u32>, Stop> {
        let strategy = self.get(self.layout().pool(pool, PoolWord::Strategy))?;
        let mut best: Option<Wish> = None;
        let mut at = self.get(self.rows_at(Place::Groups(pool)))?;
        while let Some(row) = at.checked_sub(1) {
            let group = self.kind_of_row(row);
            if group.scanned() {
                let mut node = self.first_of(row)?;
                while node != 0 {
                    let entry = self.entry_of(node)?;
                    let group = self.group_kind(entry, strategy);
                    if lane.fits(&group) {
                        let key = self.seat_key(strategy, entry);
                        better(&mut best, self.wish(index, &group, key, entry)?);
                    }
                    node = self.next_of(node)?;
                }
            } else if lane.fits(&group) {
                let first = self.first_of(row)?;
                let (entry, key) = (self.entry_of(first)?, self.key_of(row, first));
                better(&mut best, self.wish(index, &group, key, entry)?);
            }
            at = self.next_row(row)?;
        }
        Ok(best.map(|(.., entry)| entry))
    }

    fn wish(&mut self, index: u32, group: &Kind, key: Key, entry: u32) -> Result<Wish, Stop> {
        let terms = self.terms(index)?;
        let caller = self.caller(index);
        let weight = caller.weight_of(terms, group.skills);
        let level = levels_in(&group.levels, caller.wanted() & group.skills);
        Ok((Reverse(weight), Reverse(level), key, entry))
    }

    /// By which pool the two match: the caller's first open ring that the seat serves, else (its own
    /// seat) the seat's first pool, always one that is usable.
    fn pool_of(&mut self, index: u32, entry: u32) -> Result<Option<(u32, u32)>, Stop> {
        let terms = self.terms(index)?;
        let (caller, seat) = (self.caller(index), self.entry(entry));
        for ring in 0..terms.open.min(caller.rings()) {
            let pool = caller.ring(ring);
            if seat.serves(pool).is_some() && self.usable(pool)? {
                return Ok(Some((ring, pool)));
            }
        }
        let own = caller.own_seat().filter(|_| !terms.released);
        if own == Some(seat.seat())
            && let Some(i) = self.first_usable_pool(entry)?
        {
            return Ok(Some((BY_SEAT + i, seat.pool(i))));
        }
        Ok(None)
    }

    /// Takes caller, seat and line, and puts both copies of the match into their inboxes. `kept`: the
    /// caller stood in its lanes before this operation.
    pub(super) fn make_match(&mut self, index: u32, entry: u32, kept: bool) -> Result<bool, Stop> {
        let Some((by, pool)) = self.pool_of(index, entry)? else {
            return Ok(false);
        };
        let Some(number) = self.take_line(pool)? else {
            return Ok(false);
        };
        self.leave_lanes(index, false)?;
        self.leave_groups(entry, false)?;
        let layout = self.layout();
        self.set(layout.caller(index, CallerWord::State), MATCHED + entry)?;
        self.set(
            layout.caller(index, CallerWord::Line),
            line_code(by, number),
        )?;
        self.set(layout.entry(entry, EntryWord::State), MATCHED + index)?;
        let (caller, seat) = (self.caller(index), self.entry(entry));
        let offer = self.count_match()?;
        self.set(layout.caller(index, CallerWord::Offer), offer)?;
        self.change.tally(Tally::Waiting, -1);
        self.change.tally(Tally::Ready, -1);
        self.post(caller.shard(), Letter::Caller(index))?;
        self.post(seat.shard(), Letter::Entry(entry))?;
        self.after.departed = (kept && by < BY_SEAT).then_some(pool);
        self.note(index);
        Ok(true)
    }

    /// Matches so far.
    pub(super) fn matches(&mut self) -> Result<u64, Stop> {
        let high = u64::from(self.global(Global::MatchesHigh)?);
        Ok(high * SHORTS + u64::from(self.global(Global::MatchesLow)?))
    }

    pub(super) fn set_matches(&mut self, matches: u64) -> Result<(), Stop> {
        let high = (matches / SHORTS).min(u64::from(VALUES) - 1);
        self.set_global(Global::MatchesHigh, high as u32)?;
        self.set_global(Global::MatchesLow, (matches % SHORTS) as u32)
    }

    /// Counts one more match; the count in short.
    fn count_match(&mut self) -> Result<u32, Stop> {
        let low = self.global(Global::MatchesLow)? + 1;
        if u64::from(low) < SHORTS {
            self.set_global(Global::MatchesLow, low)?;
            return Ok(short_count(u64::from(low)));
        }
        let matches = self.matches()? + 1;
        self.set_matches(matches)?;
        Ok(short_count(matches))
    }

    /// The last count of matches that a word says in short: above 0, and the same again after two
    /// million matches. A match is not left that long; a seat that was, goes by the later count.
    pub(super) fn long_count(&mut self, short: u32) -> Result<u64, Stop> {
        let matches = self.matches()?;
        let past = (matches % SHORTS + SHORTS - u64::from(short.saturating_sub(1))) % SHORTS;
        Ok(matches.saturating_sub(past))
    }

    /// Matches a caller that stands in its lanes, if a seat fits it now.
    pub(super) fn settle_caller(&mut self, index: u32, kept: bool) -> Result<bool, Stop> {
        if !self.is_open()? {
            return Ok(false);
        }
        match self.best_seat(index)? {
            Some(entry) => self.make_match(index, entry, kept),
            None => Ok(false),
        }
    }

    /// One pair of those that are left to make, or one pool less to look at.
    pub(super) fn settle_one(&mut self) -> Result<(), Stop> {
        let work = self.global(Global::Work)?;
        if work == ALL_WORK {
            let made = match self.best_caller()? {
                Some(caller) => self.settle_caller(caller, true)?,
                None => false,
            };
            if !made {
                self.set_global(Global::Work, 0)?;
            }
            return Ok(());
        }
        let Some(pool) = work.checked_sub(1) else {
            return Ok(());
        };
        if self.match_in(pool)? {
            return Ok(());
        }
        let layout = self.layout();
        let next = self.get(layout.pool(pool, PoolWord::WorkNext))?;
        self.set(layout.pool(pool, PoolWord::OnWork), 0)?;
        self.set_global(Global::Work, next)
    }

    /// Makes one pair by this pool, if there is one.
    fn match_in(&mut self, pool: u32) -> Result<bool, Stop> {
        if !self.is_open()? || !self.usable(pool)? {
            return Ok(false);
        }
        match self.best_caller_in(pool)? {
            Some((_, caller)) => self.settle_caller(caller, true),
            None => Ok(false),
        }
    }

    /// A pool became usable: makes one pair; if there may be more, they are everybody's first work.
    pub(super) fn pool_opened(&mut self, pool: u32) -> Result<(), Stop> {
        if !self.match_in(pool)? || !self.usable(pool)? {
            return Ok(());
        }
        let layout = self.layout();
        if self.get(layout.pool(pool, PoolWord::OnWork))? == 0 {
            let next = self.global(Global::Work)?;
            self.set(layout.pool(pool, PoolWord::WorkNext), next)?;
            self.set(layout.pool(pool, PoolWord::OnWork), 1)?;
            self.set_global(Global::Work, pool + 1)?;
        }
        Ok(())
    }

    /// Puts a ready seat that nobody can reach yet at its place: matched, or into its groups.
    pub(super) fn settle_seat(&mut self, entry: u32) -> Result<(), Stop> {
        if self.is_open()?
            && let Some(caller) = self.best_caller_for(entry)?
            && self.make_match(caller, entry, true)?
        {
            return Ok(());
        }
        self.join_groups(entry)
    }

    /// The seat of a record.
    pub(super) fn seat_of(&self, entry: u32) -> SeatId {
        SeatId(self.entry(entry).seat())
    }

    /// Puts a new caller at its place: matched, or into its lanes.
    /// `kept`: it waited before this operation too.
    pub(super) fn settle_new(&mut self, index: u32, kept: bool) -> Result<(), Stop> {
        if self.settle_caller(index, kept)? {
            return Ok(());
        }
        let terms = self.terms(index)?;
        self.note(index);
        self.join_lanes(index, terms)
    }
}
