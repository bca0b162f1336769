//! The people's view of the reference model: each answer is taken whole under the lock.
//!
//! Positions and lists cost by the number of waiting callers; they are for people, not for the
//! call path.

use meishier_model::{CallId, PoolId, SeatId};
use std::collections::BTreeSet;

use super::groups::Ready;
use super::lanes::Place;
use super::{OneLock, State, Waiting};
use crate::caller::Caller;
use crate::order::Standing;
use crate::view::{Counts, PoolWaiting, Quantiles, WaitingView, WhyNot};

/// At most so many ready seats are named in one answer of [`crate::Queue::why`].
const WHY_SEATS: usize = 64;

impl OneLock {
    /// See [`crate::Queue::position`].
    #[must_use]
    pub(crate) fn position(&self, call: CallId) -> Option<u32> {
        let state = self.lock();
        let me = &state.callers.get(&call)?.caller;
        let ahead = state
            .callers
            .values()
            .filter(|other| state.stands_before(&other.caller, me));
        u32::try_from(ahead.count()).ok()
    }

    /// See [`crate::Queue::waiting`].
    #[must_use]
    pub(crate) fn waiting(&self, pool: PoolId) -> PoolWaiting {
        let state = self.lock();
        let mut view = PoolWaiting::default();
        for (key, lane) in state.lanes.lanes(Place::Pool(pool)) {
            let count = u32::try_from(lane.len()).unwrap_or(u32::MAX);
            if key.risk {
                view.risk += count;
            } else if let Some(class) = view.by_class.get_mut(usize::from(key.class().number())) {
                *class += count;
            }
            let first = lane.first().map(|(stamp, _)| stamp.at);
            view.oldest = [view.oldest, first].into_iter().flatten().min();
        }
        view
    }

    /// See [`crate::Queue::lines_used`].
    pub(crate) fn lines_used(&self, pool: PoolId) -> u16 {
        let state = self.lock();
        let found = state.pools.get(usize::from(pool.0));
        found.map_or(0, |pool| pool.lines.used())
    }

    /// See [`crate::Queue::counts`].
    pub(crate) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            waiting: u32::try_from(state.callers.len()).unwrap_or(u32::MAX),
            ready: u32::try_from(state.seats.len()).unwrap_or(u32::MAX),
            lines_used: state.pools.iter().map(|pool| pool.lines.used()).collect(),
            matches: state.matches,
        }
    }

    /// See [`crate::Queue::waiting_list`].
    #[must_use]
    pub(crate) fn waiting_list(&self) -> Vec<WaitingView> {
        let state = self.lock();
        let mut all: Vec<&Waiting> = state.callers.values().collect();
        all.sort_by_key(|waiting| Standing::of(&waiting.caller, None, state.ageing));
        all.into_iter().map(view_of).collect()
    }

    /// See [`crate::Queue::why`].
    #[must_use]
    pub(crate) fn why(&self, call: CallId) -> Option<Vec<WhyNot>> {
        let state = self.lock();
        let caller = &state.callers.get(&call)?.caller;
        Some(state.reasons(caller))
    }

    /// See [`crate::Queue::expected_wait`].
    #[must_use]
    pub(crate) fn expected_wait(&self, call: CallId) -> Option<Quantiles> {
        let state = self.lock();
        let caller = &state.callers.get(&call)?.caller;
        let me = Standing::of(caller, None, state.ageing);
        let open = caller.open_rings().iter();
        let by_pool = open.filter_map(|pool| {
            let others = state.lanes.lanes(Place::Pool(*pool));
            let ahead = others.map(|(key, lane)| {
                let standing = |(stamp, id)| {
                    Standing::new(key.risk, false, key.class(), stamp, id, state.ageing)
                };
                lane.iter().take_while(|one| standing(**one) < me).count()
            });
            let ahead: usize = ahead.sum();
            state.pool(*pool)?.pace.quantiles(ahead)
        });
        by_pool.min_by_key(|q| (q.p50, q.p90))
    }
}

fn view_of(waiting: &Waiting) -> WaitingView {
    let caller = &waiting.caller;
    WaitingView {
        call: caller.call,
        shard: caller.shard,
        stamp: caller.stamp,
        enqueued: waiting.enqueued,
        class: caller.class,
        risk: caller.risk,
        needs: caller.needs(),
        rings: caller.rings.clone(),
        open: u8::try_from(caller.open_rings().len()).unwrap_or(u8::MAX),
        own_seat: caller.own_seat,
    }
}

impl State {
    fn stands_before(&self, other: &Caller, me: &Caller) -> bool {
        let competes = other
            .open_rings()
            .iter()
            .any(|pool| me.open_rings().contains(pool))
            || (me.own_seat.is_some() && other.own_seat == me.own_seat);
        competes && Standing::of(other, None, self.ageing) < Standing::of(me, None, self.ageing)
    }

    fn reasons(&self, caller: &Caller) -> Vec<WhyNot> {
        let mut why = Vec::new();
        let mut seen = BTreeSet::new();
        if let Some(own) = caller.own_seat {
            self.reasons_of_own(caller, own, &mut seen, &mut why);
        }
        let open = caller.open_rings();
        for pool in caller.rings.iter().filter(|pool| !open.contains(pool)) {
            why.push(WhyNot::RingNotOpen(*pool));
        }
        for id in open {
            let Some(pool) = self.pool(*id) else { continue };
            if let Some(reason) = self.pool_closed(*id) {
                why.push(reason);
            }
            if pool.groups.is_empty() {
                why.push(WhyNot::NoSeatReady(*id));
            }
            for seat in pool.groups.seats() {
                let Some(ready) = self.seats.get(&seat) else {
                    continue;
                };
                if seen.len() < WHY_SEATS && seen.insert(seat) {
                    why.extend(seat_unfit(caller, *id, ready));
                }
            }
        }
        why
    }

    fn reasons_of_own(
        &self,
        caller: &Caller,
        own: SeatId,
        seen: &mut BTreeSet<SeatId>,
        why: &mut Vec<WhyNot>,
    ) {
        let Some(ready) = self.seats.get(&own) else {
            why.push(WhyNot::OwnSeatNotReady(own));
            return;
        };
        seen.insert(own);
        let Some(first) = ready.seat.pools.first() else {
            return;
        };
        match seat_unfit(caller, *first, ready) {
            Some(reason) => why.push(reason),
            None => {
                let others = ready
                    .seat
                    .pools
                    .iter()
                    .filter(|pool| !caller.open_rings().contains(pool));
                why.extend(others.filter_map(|pool| self.pool_closed(*pool)));
            }
        }
    }

    /// Why a pool gives nobody a line.
    fn pool_closed(&self, id: PoolId) -> Option<WhyNot> {
        let pool = self.pool(id)?;
        if pool.draining {
            Some(WhyNot::Draining(id))
        } else if !pool.lines.any_free() {
            Some(WhyNot::LinesFull(id))
        } else {
            None
        }
    }
}

/// Why a ready seat may not take a caller, its pool's lines apart.
fn seat_unfit(caller: &Caller, pool: PoolId, ready: &Ready) -> Option<WhyNot> {
    let seat = ready.seat.seat;
    let lacks = |wanted: meishier_model::SkillSet| {
        let missing = meishier_model::SkillSet(wanted.0 & !ready.skills.0);
        (missing != meishier_model::SkillSet::EMPTY).then_some(missing)
    };
    if let Some(missing) = lacks(caller.required) {
        Some(WhyNot::SkillMissing {
            pool,
            seat,
            missing,
        })
    } else if let Some(missing) = lacks(caller.needs()) {
        Some(WhyNot::PreferenceHeld {
            pool,
            seat,
            missing,
        })
    } else if !ready.seat.lowest.admits(caller.class, caller.risk) {
        Some(WhyNot::Reserved { pool, seat })
    } else {
        None
    }
}
