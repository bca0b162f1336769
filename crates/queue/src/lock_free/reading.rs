//! The people's view: as of one moment, or as things stand if too much goes on for that.
//!
//! Positions and lists cost by the number of waiting callers; they are for people, not for the
//! call path.

use meishier_model::{CallId, PoolId, SeatId, SkillSet};
use std::collections::BTreeSet;

use super::layout::{CallerWord, Owner, PoolWord};
use super::operation::Operation;
use super::records::lowest_of;
use super::rows::Place;
use super::{LockFree, WAITING};
use crate::config::Ageing;
use crate::memory::{Stop, Tally, VALUES};
use crate::order::Standing;
use crate::view::{Counts, PoolWaiting, Quantiles, WaitingView, WhyNot};

/// At most so many ready seats are named in one answer of [`crate::Queue::why`].
const WHY_SEATS: usize = 64;

impl LockFree {
    /// See [`crate::Queue::position`].
    pub(crate) fn position(&self, call: CallId) -> Option<u32> {
        self.read(|operation| {
            let Some(me) = operation.find_waiting(call)? else {
                return Ok(None);
            };
            operation.position_of(me).map(Some)
        })
    }

    /// See [`crate::Queue::waiting`].
    pub(crate) fn waiting(&self, pool: PoolId) -> PoolWaiting {
        let pool = u32::from(pool.0);
        if pool >= self.layout.pools {
            return PoolWaiting::default();
        }
        self.read(|operation| {
            let mut view = PoolWaiting::default();
            operation.each_caller(Place::Lanes(pool), |operation, index| {
                let terms = operation.terms(index)?;
                if terms.risk {
                    view.risk += 1;
                } else if let Some(count) = view.by_class.get_mut(usize::from(terms.class.number()))
                {
                    *count += 1;
                }
                let at = Some(operation.caller(index).stamp().at);
                view.oldest = [view.oldest, at].into_iter().flatten().min();
                Ok(())
            })?;
            Ok(view)
        })
    }

    /// See [`crate::Queue::lines_used`].
    pub(crate) fn lines_used(&self, pool: PoolId) -> u16 {
        let pool = u32::from(pool.0);
        if pool >= self.layout.pools {
            return 0;
        }
        self.read(|operation| {
            let used = operation.layout().pool(pool, PoolWord::Used);
            Ok(operation.get(used)? as u16)
        })
    }

    /// See [`crate::Queue::counts`].
    pub(crate) fn counts(&self) -> Counts {
        self.read(|operation| {
            let mut lines_used = Vec::new();
            for pool in 0..operation.layout().pools {
                let used = operation.layout().pool(pool, PoolWord::Used);
                lines_used.push(operation.get(used)? as u16);
            }
            Ok(Counts {
                waiting: operation.queue.memory.tally(Tally::Waiting),
                ready: operation.queue.memory.tally(Tally::Ready),
                lines_used,
                matches: operation.matches()?,
            })
        })
    }

    /// See [`crate::Queue::waiting_list`].
    pub(crate) fn waiting_list(&self) -> Vec<WaitingView> {
        let mut all = self.read(|operation| operation.everybody());
        all.sort_by_key(|(standing, _)| *standing);
        all.into_iter().map(|(_, view)| view).collect()
    }

    /// See [`crate::Queue::why`].
    pub(crate) fn why(&self, call: CallId) -> Option<Vec<WhyNot>> {
        self.read(|operation| {
            let Some(me) = operation.find_waiting(call)? else {
                return Ok(None);
            };
            operation.reasons(me).map(Some)
        })
    }

    /// See [`crate::Queue::missed`].
    pub(crate) fn missed(&self) -> Option<(CallId, SeatId)> {
        // While so much goes on that no moment can be seen whole, nothing stands still either.
        self.read_whole(|operation| {
            if !operation.is_open()? {
                return Ok(None);
            }
            let Some(caller) = operation.best_caller()? else {
                return Ok(None);
            };
            let call = operation.caller(caller).call();
            let seat = operation.best_seat(caller)?;
            Ok(seat.map(|entry| (call, operation.seat_of(entry))))
        })
        .flatten()
    }

    /// See [`crate::Queue::expected_wait`].
    pub(crate) fn expected_wait(&self, call: CallId) -> Option<Quantiles> {
        let ahead = self.read(|operation| {
            let Some(me) = operation.find_waiting(call)? else {
                return Ok(Vec::new());
            };
            operation.ahead_by_pool(me)
        });
        let by_pool = ahead
            .into_iter()
            .filter_map(|(pool, ahead)| self.paces.get(pool as usize)?.quantiles(ahead));
        by_pool.min_by_key(|q| (q.p50, q.p90))
    }
}

impl Operation<'_, '_> {
    /// Where a caller stands among callers if no seat is meant.
    fn standing_of(&mut self, index: u32, step: u64) -> Result<Standing, Stop> {
        let terms = self.terms(index)?;
        let caller = self.caller(index);
        let (stamp, call) = (caller.stamp(), caller.call());
        Ok(Standing::by_step(
            terms.risk,
            false,
            terms.class,
            stamp,
            call,
            step,
        ))
    }

    /// Every caller of a place, lane by lane.
    fn each_caller(
        &mut self,
        place: Place,
        mut each: impl FnMut(&mut Self, u32) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut at = self.get(self.rows_at(place))?;
        while let Some(row) = at.checked_sub(1) {
            let mut node = self.first_of(row)?;
            while node != 0 {
                if let Owner::Caller(index, _) = self.layout().owner(node) {
                    each(self, index)?;
                }
                node = self.next_of(node)?;
            }
            at = self.next_row(row)?;
        }
        Ok(())
    }

    fn open_pools(&mut self, index: u32) -> Result<Vec<u32>, Stop> {
        let open = self.terms(index)?.open;
        let caller = self.caller(index);
        Ok((0..open.min(caller.rings()))
            .map(|ring| caller.ring(ring))
            .collect())
    }

    fn position_of(&mut self, me: u32) -> Result<u32, Stop> {
        let step = self.step()?;
        let mine = self.standing_of(me, step)?;
        let pools = self.open_pools(me)?;
        let mut ahead = 0;
        for (i, pool) in pools.iter().enumerate() {
            self.each_before(Place::Lanes(*pool), mine, step, |operation, index| {
                // Who stands in an earlier of my rings as well was counted there.
                ahead += u32::from(!operation.stands_in(index, &pools[..i])?);
                Ok(())
            })?;
        }
        let released = self.terms(me)?.released;
        if let Some(own) = self.caller(me).own_seat().filter(|_| !released) {
            self.each_before(Place::Owned(own), mine, step, |operation, index| {
                ahead += u32::from(!operation.stands_in(index, &pools)?);
                Ok(())
            })?;
        }
        Ok(ahead)
    }

    /// True if one of the caller's open rings is among these pools.
    fn stands_in(&mut self, index: u32, pools: &[u32]) -> Result<bool, Stop> {
        if pools.is_empty() {
            return Ok(false);
        }
        let open = self.terms(index)?.open;
        let caller = self.caller(index);
        Ok((0..open.min(caller.rings())).any(|ring| pools.contains(&caller.ring(ring))))
    }

    /// The callers of a place who stand before somebody: of a lane, whose members stand in order, the
    /// first so many; of a scanned row, all are asked.
    fn each_before(
        &mut self,
        place: Place,
        mine: Standing,
        step: u64,
        mut each: impl FnMut(&mut Self, u32) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut at = self.get(self.rows_at(place))?;
        while let Some(row) = at.checked_sub(1) {
            let scanned = self.kind_of_row(row).scanned();
            let mut node = self.first_of(row)?;
            while node != 0 {
                let Owner::Caller(index, _) = self.layout().owner(node) else {
                    return Err(Stop::Overtaken);
                };
                if self.standing_of(index, step)? < mine {
                    each(self, index)?;
                } else if !scanned {
                    break;
                }
                node = self.next_of(node)?;
            }
            at = self.next_row(row)?;
        }
        Ok(())
    }

    /// For each open ring, how many of its line stand before this caller.
    fn ahead_by_pool(&mut self, me: u32) -> Result<Vec<(u32, usize)>, Stop> {
        let step = self.step()?;
        let mine = self.standing_of(me, step)?;
        let mut all = Vec::new();
        for pool in self.open_pools(me)? {
            let mut ahead = 0;
            self.each_before(Place::Lanes(pool), mine, step, |_, _| {
                ahead += 1;
                Ok(())
            })?;
            all.push((pool, ahead));
        }
        Ok(all)
    }

    fn everybody(&mut self) -> Result<Vec<(Standing, WaitingView)>, Stop> {
        let step = self.step()?;
        let mut all = Vec::new();
        for bucket in 0..self.layout().call_buckets {
            let mut at = self.get(self.layout().call_bucket(u64::from(bucket) << 40))?;
            while let Some(index) = at.checked_sub(1) {
                let state = self.layout().caller(index, CallerWord::State);
                if self.get(state)? == WAITING {
                    all.push((self.standing_of(index, step)?, self.view_of(index)?));
                }
                at = self.get(self.layout().caller(index, CallerWord::Chain))?;
            }
        }
        Ok(all)
    }

    fn view_of(&mut self, index: u32) -> Result<WaitingView, Stop> {
        let terms = self.terms(index)?;
        let cells = self.caller(index);
        let caller = cells.read(terms);
        Ok(WaitingView {
            call: caller.call,
            shard: caller.shard,
            stamp: caller.stamp,
            enqueued: cells.enqueued(),
            class: caller.class,
            risk: caller.risk,
            needs: caller.needs(),
            open: caller.open,
            own_seat: caller.own_seat,
            rings: caller.rings,
        })
    }

    fn reasons(&mut self, me: u32) -> Result<Vec<WhyNot>, Stop> {
        let mut why = Vec::new();
        let mut seen = BTreeSet::new();
        let terms = self.terms(me)?;
        let caller = self.caller(me);
        if let Some(own) = caller.own_seat().filter(|_| !terms.released) {
            self.reasons_of_own(me, own, &mut seen, &mut why)?;
        }
        let open = self.open_pools(me)?;
        let all = (0..caller.rings()).map(|ring| caller.ring(ring));
        let closed = all.filter(|pool| !open.contains(pool));
        why.extend(closed.map(|pool| WhyNot::RingNotOpen(PoolId(pool as u16))));
        for pool in open {
            why.extend(self.pool_closed(pool)?);
            let seats = self.ready_seats(pool)?;
            if seats.is_empty() {
                why.push(WhyNot::NoSeatReady(PoolId(pool as u16)));
            }
            for entry in seats {
                let seat = self.entry(entry).seat();
                if seen.len() < WHY_SEATS && seen.insert(seat) {
                    why.extend(self.seat_unfit(me, pool, entry)?);
                }
            }
        }
        Ok(why)
    }

    fn reasons_of_own(
        &mut self,
        me: u32,
        own: u32,
        seen: &mut BTreeSet<u32>,
        why: &mut Vec<WhyNot>,
    ) -> Result<(), Stop> {
        let Some(entry) = self.ready_entry(own)? else {
            why.push(WhyNot::OwnSeatNotReady(SeatId(own)));
            return Ok(());
        };
        seen.insert(own);
        let seat = self.entry(entry);
        if let Some(reason) = self.seat_unfit(me, seat.pool(0), entry)? {
            why.push(reason);
            return Ok(());
        }
        let open = self.open_pools(me)?;
        for pool in (0..seat.pools()).map(|i| seat.pool(i)) {
            if !open.contains(&pool) {
                why.extend(self.pool_closed(pool)?);
            }
        }
        Ok(())
    }

    /// Why a pool gives nobody a line.
    fn pool_closed(&mut self, pool: u32) -> Result<Option<WhyNot>, Stop> {
        let id = PoolId(pool as u16);
        Ok(if self.is_draining(pool)? {
            Some(WhyNot::Draining(id))
        } else if self.lines_full(pool)? {
            Some(WhyNot::LinesFull(id))
        } else {
            None
        })
    }

    /// The ready seats of a pool: by skills, lowest class and levels, then by the pool's strategy.
    fn ready_seats(&mut self, pool: u32) -> Result<Vec<u32>, Stop> {
        let strategy = self.get(self.layout().pool(pool, PoolWord::Strategy))?;
        let mut all = Vec::new();
        let mut at = self.get(self.rows_at(Place::Groups(pool)))?;
        while let Some(row) = at.checked_sub(1) {
            let mut node = self.first_of(row)?;
            while node != 0 {
                if let Owner::Entry(entry, _) = self.layout().owner(node) {
                    let kind = self.group_kind(entry, strategy);
                    let order = (kind.skills, kind.lowest(), kind.level_list());
                    all.push((order, self.seat_key(strategy, entry), entry));
                }
                node = self.next_of(node)?;
            }
            at = self.next_row(row)?;
        }
        all.sort();
        Ok(all.into_iter().map(|(.., entry)| entry).collect())
    }

    /// Why a ready seat may not take a caller, its pool's lines apart.
    fn seat_unfit(&mut self, me: u32, pool: u32, entry: u32) -> Result<Option<WhyNot>, Stop> {
        let terms = self.terms(me)?;
        let (caller, cells) = (self.caller(me), self.entry(entry));
        let (pool, seat) = (PoolId(pool as u16), SeatId(cells.seat()));
        let lacks = |wanted: SkillSet| {
            let missing = SkillSet(wanted.0 & !cells.skills());
            (missing != SkillSet::EMPTY).then_some(missing)
        };
        Ok(if let Some(missing) = lacks(caller.required()) {
            Some(WhyNot::SkillMissing {
                pool,
                seat,
                missing,
            })
        } else if let Some(missing) = lacks(caller.needs(terms)) {
            Some(WhyNot::PreferenceHeld {
                pool,
                seat,
                missing,
            })
        } else if !lowest_of(cells.lowest()).admits(terms.class, terms.risk) {
            Some(WhyNot::Reserved { pool, seat })
        } else {
            None
        })
    }
}

/// The longest step is a day, so two words hold its microseconds.
const _: () = assert!(
    Ageing::MAX_STEP.as_micros() < (VALUES as u128) * (VALUES as u128),
    "a step fits into two words"
);
