//! Who gets whom: the choices that every other queue is compared with.

use meishier_model::{CallId, LineId, Mono, PoolId, SeatId};

use super::State;
use super::groups::Ready;
use super::lanes::Place;
use super::pool::Pool;
use crate::caller::Caller;
use crate::defect::Defect;
use crate::matches::{Match, OfferId, Wakes};
use crate::order::Standing;
use crate::seat::ReadySeat;

impl State {
    /// Matches a caller that came or changed, if a seat fits it now.
    pub(super) fn settle_caller(&mut self, now: Mono, call: CallId) -> Wakes {
        let mut wakes = Wakes::new();
        if let Some(seat) = self
            .callers
            .get(&call)
            .filter(|_| self.open)
            .and_then(|w| self.best_seat(&w.caller))
        {
            self.make_match(now, call, seat, &mut wakes);
        } else if let Some(waiting) = self.callers.get_mut(&call) {
            waiting.kept = true;
            let rings = waiting.caller.rings.clone();
            self.note_waiting(now, &rings);
        }
        wakes
    }

    /// Changes a pool; if it becomes usable by that, matches what fits through it now. A pool that
    /// was usable before has no pair left to make.
    pub(super) fn change_pool(
        &mut self,
        now: Mono,
        id: PoolId,
        change: impl FnOnce(&mut Pool),
    ) -> Wakes {
        let mut wakes = Wakes::new();
        let Some(pool) = self.pools.get_mut(usize::from(id.0)) else {
            return wakes;
        };
        let before = pool.usable() || self.broken.is(Defect::FreedLineUnmatched);
        change(pool);
        while !before && self.open && self.usable(id) {
            let Some(best) = self.best_caller_in(id) else {
                break;
            };
            if !self.match_caller(now, best.call(), &mut wakes) {
                break;
            }
        }
        wakes
    }

    /// Gives a caller the seat that it should have. False if there is none.
    pub(crate) fn match_caller(&mut self, now: Mono, call: CallId, wakes: &mut Wakes) -> bool {
        let caller = self.callers.get(&call);
        let Some(seat) = caller.and_then(|w| self.best_seat(&w.caller)) else {
            return false;
        };
        self.make_match(now, call, seat, wakes);
        true
    }

    pub(super) fn match_seat(&mut self, now: Mono, seat: SeatId, wakes: &mut Wakes) {
        let Some(ready) = self.seats.get(&seat).filter(|_| self.open) else {
            return;
        };
        let usable = ready
            .seat
            .pools
            .iter()
            .copied()
            .filter(|pool| self.usable(*pool));
        let mut places = usable.map(Place::Pool).peekable();
        if places.peek().is_none() {
            return;
        }
        let all = places.chain([Place::Own(seat)]);
        let best = all.filter_map(|place| self.best_at(place, ready)).min();
        if let Some(best) = best {
            self.make_match(now, best.call(), seat, wakes);
        }
    }

    /// Who of a place should go to this seat. A caller that stands in one of the seat's pools as
    /// well as at the seat itself counts by the better of both, which the seat itself gives.
    fn best_at(&self, place: Place, ready: &Ready) -> Option<Standing> {
        let own = matches!(place, Place::Own(_));
        let heads = self
            .lanes
            .heads(place)
            .filter(|(lane, ..)| lane.fits(ready.skills, ready.seat.lowest));
        heads
            .map(|(lane, stamp, call)| {
                Standing::new(lane.risk, own, lane.class(), stamp, call, self.ageing)
            })
            .min()
    }

    /// Who should go first of those whom a ready seat of the pool fits, by this pool. It is usable.
    pub(crate) fn best_caller_in(&self, id: PoolId) -> Option<Standing> {
        let pool = self.pool(id)?;
        let heads = self
            .lanes
            .heads(Place::Pool(id))
            .filter(|(lane, ..)| pool.groups.any_fits(lane));
        let by_ring = heads.map(|(lane, stamp, call)| {
            Standing::new(lane.risk, false, lane.class(), stamp, call, self.ageing)
        });
        let seats = self
            .lanes
            .own_seats()
            .filter_map(|seat| self.seats.get(&seat));
        let here = seats.filter(|ready| ready.seat.pools.contains(&id));
        let by_own = here.filter_map(|ready| self.best_at(Place::Own(ready.seat.seat), ready));
        by_ring.chain(by_own).min()
    }

    /// The seat that a caller should have now: its own, or by the first open ring that has one.
    pub(super) fn best_seat(&self, caller: &Caller) -> Option<SeatId> {
        let own = caller
            .own_seat
            .and_then(|seat| self.seats.get(&seat))
            .filter(|ready| {
                ready.skills.covers(caller.needs())
                    && ready.seat.lowest.admits(caller.class, caller.risk)
                    && ready.seat.pools.iter().any(|pool| self.usable(*pool))
            });
        if let Some(ready) = own {
            return Some(ready.seat.seat);
        }
        let open = caller
            .open_rings()
            .iter()
            .filter_map(|pool| self.pool(*pool));
        open.filter(|pool| pool.usable())
            .find_map(|pool| pool.groups.best(caller))
    }

    /// By which pool the two match: the caller's first open ring that the seat serves, else (its own
    /// seat) the seat's first pool, always one that is usable.
    fn pool_of(&self, caller: &Caller, seat: &ReadySeat) -> Option<PoolId> {
        let rings = caller
            .open_rings()
            .iter()
            .filter(|pool| seat.pools.contains(pool));
        let own = seat
            .pools
            .iter()
            .filter(|_| caller.own_seat == Some(seat.seat));
        rings.chain(own).copied().find(|pool| self.usable(*pool))
    }

    /// Takes caller, seat and line, and tells both shards.
    fn make_match(&mut self, now: Mono, call: CallId, seat: SeatId, wakes: &mut Wakes) {
        let (Some(waiting), Some(ready)) = (self.callers.get(&call), self.seats.get(&seat)) else {
            return;
        };
        let Some(id) = self.pool_of(&waiting.caller, &ready.seat) else {
            return;
        };
        let from_line = waiting.kept && waiting.caller.open_rings().contains(&id);
        let Some(pool) = self.pools.get_mut(usize::from(id.0)) else {
            return;
        };
        let Some(number) = pool.lines.take() else {
            return;
        };
        if from_line {
            pool.pace.departed(now);
        }
        let (Some(waiting), Some(ready)) = (self.remove_caller(now, call), self.remove_seat(seat))
        else {
            return;
        };
        self.matches += 1;
        self.turns.insert(seat, self.matches);
        let made = Match {
            side: crate::Side::Caller,
            call,
            caller_shard: waiting.caller.shard,
            seat,
            seat_shard: ready.seat.shard,
            counsellor: ready.seat.counsellor,
            line: LineId { pool: id, number },
            offer: OfferId(self.matches),
            ready_since: ready.since,
            enqueued: waiting.enqueued,
        };
        self.inboxes.put(made, wakes);
    }
}
