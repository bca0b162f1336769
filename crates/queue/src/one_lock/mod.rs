//! The reference model: the whole queue under one lock.
//!
//! Rules, true whenever the lock is free:
//! 1. A caller is in `callers` and in its lanes, or in neither. A seat is in `seats` and in the
//!    groups of its pools, or in neither.
//! 2. A match takes caller, seat and line in one step, so no two matches share any of them.
//! 3. No caller in `callers` and seat in `seats` fit. Each operation makes new pairs fit in one way
//!    only (one caller, one seat, or one pool that becomes usable) and matches all of those.
//! 4. Of several pairs that fit, the one whose caller stands first (see [`crate::order`]) is made; that
//!    caller then chooses: its own seat, else by the first ring that has a fitting seat,
//!    in it by weight and strategy.
//!
//! ```text
//!   Caller ─► lanes[place][needs, class, risk] ─ first ┐
//!                                                      ├─► match ─► line ─► inboxes ─► wakes
//!   seat ───► pools[p].groups[skills, lowest] ── first ┘
//! ```

mod groups;
mod inboxes;
mod lanes;
mod lines;
mod matching;
mod pace;
mod pool;
mod reading;
mod restore;

use meishier_model::{CallId, Class, LineId, Mono, PoolId, SeatId, ShardId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::caller::{Caller, Widening};
use crate::config::{
    Ageing, EnqueueError, MAX_LINES, MAX_POOLS, MAX_PREFERENCES, MAX_RINGS, QueueConfig, SeatError,
};
use crate::defect::{Broken, Defect};
use crate::matches::{Match, Wakes};
use crate::seat::ReadySeat;
use crate::view::Figures;
use groups::Ready;
use inboxes::Inboxes;
use lanes::{Lanes, Place};
use pool::Pool;

/// The queue under one lock; what each operation promises stands at [`crate::Queue`].
#[derive(Debug)]
pub(crate) struct OneLock {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) ageing: Ageing,
    pub(crate) max_callers: usize,
    pub(crate) capacity: usize,
    pub(crate) max_seats: usize,
    /// False until everybody is back who was there before: nobody is matched so long.
    pub(crate) open: bool,
    pub(crate) pools: Vec<Pool>,
    pub(crate) callers: BTreeMap<CallId, Waiting>,
    pub(crate) seats: BTreeMap<SeatId, Ready>,
    pub(crate) lanes: Lanes,
    /// Number of each seat's last match, for round robin.
    pub(crate) turns: BTreeMap<SeatId, u64>,
    pub(crate) matches: u64,
    pub(crate) inboxes: Inboxes,
    pub(crate) broken: Broken,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) caller: Caller,
    pub(crate) enqueued: Mono,
    /// False while the operation that let it in still looks for a seat.
    kept: bool,
}

impl OneLock {
    /// An empty queue.
    #[must_use]
    pub(crate) fn new(config: QueueConfig) -> Self {
        let state = State {
            ageing: config.ageing,
            max_callers: config.max_callers,
            capacity: config.capacity,
            max_seats: config.seats,
            open: true,
            pools: config.pools.iter().map(Pool::new).collect(),
            callers: BTreeMap::new(),
            seats: BTreeMap::new(),
            lanes: Lanes::default(),
            turns: BTreeMap::new(),
            matches: 0,
            inboxes: Inboxes::new(config.shards),
            broken: Broken::default(),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// A thread that panicked inside would leave a half-made match at worst; callers must go on
    /// being served, so the poison is ignored.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`crate::Queue::enqueue`].
    pub(crate) fn enqueue(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        let mut state = self.lock();
        state.check_entry(&caller)?;
        let all_alike = !caller.risk || state.broken.is(Defect::FullRefusesRisk);
        if all_alike && state.held() >= state.max_callers {
            return Err(EnqueueError::Full);
        }
        Ok(state.insert_caller(now, caller))
    }

    /// See [`crate::Queue::put_back`].
    pub(crate) fn put_back(&self, now: Mono, mut caller: Caller) -> Result<Wakes, EnqueueError> {
        let mut state = self.lock();
        caller.stamp = state.broken.stamp(now, caller.stamp);
        state.check_entry(&caller)?;
        Ok(state.insert_caller(now, caller))
    }

    /// See [`crate::Queue::abandon`].
    pub(crate) fn abandon(&self, now: Mono, call: CallId) -> bool {
        let mut state = self.lock();
        if state.broken.is(Defect::AbandonTakesAnother)
            && let Some(other) = state.callers.keys().copied().find(|other| *other != call)
        {
            state.remove_caller(now, other);
        }
        state.remove_caller(now, call).is_some()
    }

    /// See [`crate::Queue::widen`].
    pub(crate) fn widen(&self, now: Mono, call: CallId, step: Widening) -> Wakes {
        self.lock().change_caller(now, call, |caller| match step {
            Widening::OpenRing => {
                let all = u8::try_from(caller.rings.len()).unwrap_or(u8::MAX);
                caller.open = caller.open.saturating_add(1).min(all);
            }
            Widening::DropPreference(skill) => {
                for preference in caller.preferred.iter_mut().filter(|p| p.skill == skill) {
                    preference.dropped = true;
                }
            }
            Widening::ReleaseOwnSeat => caller.own_seat = None,
        })
    }

    /// See [`crate::Queue::rewrite`].
    pub(crate) fn rewrite(&self, now: Mono, caller: Caller) -> Result<Option<Wakes>, EnqueueError> {
        let mut state = self.lock();
        state.check_caller(&caller)?;
        if !state.callers.contains_key(&caller.call) {
            return Ok(None);
        }
        let wakes = state.change_caller(now, caller.call, |before| {
            let (stamp, shard, risk) = (before.stamp, before.shard, before.risk);
            *before = Caller {
                stamp,
                shard,
                risk: risk || caller.risk,
                ..caller
            };
        });
        Ok(Some(wakes))
    }

    /// See [`crate::Queue::raise`].
    pub(crate) fn raise(&self, now: Mono, call: CallId, class: Option<Class>, risk: bool) -> Wakes {
        self.lock().change_caller(now, call, |caller| {
            caller.class = class.map_or(caller.class, |better| better.min(caller.class));
            caller.risk |= risk;
        })
    }

    /// See [`crate::Queue::seat_ready`].
    pub(crate) fn seat_ready(&self, now: Mono, seat: ReadySeat) -> Result<Wakes, SeatError> {
        let mut state = self.lock();
        state.check_seat(&seat)?;
        let mut wakes = Wakes::new();
        let id = seat.seat;
        if !state.inboxes.holds_seat(id) {
            let since = state.remove_seat(id).map_or(now, |before| before.since);
            state.insert_seat(since, seat);
            state.match_seat(now, id, &mut wakes);
        }
        Ok(wakes)
    }

    /// See [`crate::Queue::seat_withdrawn`].
    pub(crate) fn seat_withdrawn(&self, seat: SeatId) -> bool {
        let mut state = self.lock();
        !state.broken.is(Defect::WithdrawnSeatStays) && state.remove_seat(seat).is_some()
    }

    /// See [`crate::Queue::set_lines`].
    pub(crate) fn set_lines(&self, now: Mono, pool: PoolId, lines: u16) -> Wakes {
        let mut state = self.lock();
        let lines = lines + u16::from(state.broken.is(Defect::OneLineTooMany));
        let lines = lines.min(MAX_LINES);
        state.change_pool(now, pool, |p| p.lines.set_limit(lines))
    }

    /// See [`crate::Queue::release_line`].
    pub(crate) fn release_line(&self, now: Mono, line: LineId) -> Wakes {
        self.lock().change_pool(now, line.pool, |p| {
            p.lines.release(line.number);
        })
    }

    /// See [`crate::Queue::drain`].
    pub(crate) fn drain(&self, now: Mono, pool: PoolId, draining: bool) -> Wakes {
        self.lock()
            .change_pool(now, pool, |p| p.draining = draining)
    }

    /// See [`crate::Queue::take_match`].
    pub(crate) fn take_match(&self, shard: ShardId) -> Option<Match> {
        self.lock().inboxes.take(shard)
    }
}

impl OneLock {
    /// See [`crate::Queue::has_match`].
    pub(crate) fn has_match(&self, shard: ShardId) -> bool {
        self.lock().inboxes.waiting().contains(&shard)
    }

    /// See [`crate::Queue::missed`].
    pub(crate) fn missed(&self) -> Option<(CallId, SeatId)> {
        let state = self.lock();
        let call = state.best_caller().filter(|_| state.open)?;
        let caller = &state.callers.get(&call)?.caller;
        Some((call, state.best_seat(caller)?))
    }

    /// See [`crate::Queue::heal`].
    pub(crate) fn heal(&self, now: Mono) -> Wakes {
        let mut state = self.lock();
        let mut wakes = Wakes::new();
        while let Some(call) = state.best_caller().filter(|_| state.open) {
            if !state.match_caller(now, call, &mut wakes) {
                break;
            }
        }
        wakes
    }

    /// See [`crate::Queue::figures`].
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            matches: self.lock().matches,
            ..Figures::default()
        }
    }

    /// Breaks it.
    #[cfg(feature = "defects")]
    pub(crate) fn break_deliberately(&self, which: Defect) {
        self.lock().broken.which = Some(which);
    }
}

impl State {
    pub(crate) fn pool(&self, pool: PoolId) -> Option<&Pool> {
        self.pools.get(usize::from(pool.0))
    }

    pub(crate) fn usable(&self, pool: PoolId) -> bool {
        self.pool(pool).is_some_and(Pool::usable)
    }

    pub(crate) fn check_caller(&self, caller: &Caller) -> Result<(), EnqueueError> {
        if caller.rings.len() > MAX_RINGS || caller.preferred.len() > MAX_PREFERENCES {
            return Err(EnqueueError::TooMany);
        }
        let known = caller.rings.iter().all(|pool| self.pool(*pool).is_some());
        if !known || (caller.rings.is_empty() && caller.own_seat.is_none()) {
            return Err(EnqueueError::BadPool);
        }
        let seat_known = caller
            .own_seat
            .is_none_or(|seat| (seat.0 as usize) < self.max_seats);
        if !seat_known || !self.inboxes.has(caller.shard) {
            return Err(EnqueueError::BadShard);
        }
        Ok(())
    }

    /// Callers that wait, and those whose match was not taken yet: a shard that does not read its
    /// inbox cannot make it grow.
    fn held(&self) -> usize {
        self.callers.len() + self.inboxes.calls()
    }

    /// Whether this caller may come in, as far as the arenas go.
    pub(crate) fn check_entry(&self, caller: &Caller) -> Result<(), EnqueueError> {
        self.check_caller(caller)?;
        if self.callers.contains_key(&caller.call) || self.inboxes.holds_call(caller.call) {
            return Err(EnqueueError::Duplicate);
        }
        if self.held() >= self.capacity {
            return Err(EnqueueError::Full);
        }
        Ok(())
    }

    fn check_seat(&self, seat: &ReadySeat) -> Result<(), SeatError> {
        if seat.seat.0 as usize >= self.max_seats {
            return Err(SeatError::UnknownSeat);
        }
        if seat.pools.is_empty() || seat.pools.iter().any(|pool| self.pool(*pool).is_none()) {
            return Err(SeatError::BadPool);
        }
        if !self.inboxes.has(seat.shard) {
            return Err(SeatError::BadShard);
        }
        if seat.pools.len() > MAX_POOLS {
            return Err(SeatError::TooMany);
        }
        Ok(())
    }

    pub(crate) fn insert_caller(&mut self, now: Mono, caller: Caller) -> Wakes {
        let caller = self.broken.entry(caller);
        let call = caller.call;
        self.lanes.insert(&caller);
        self.callers.insert(
            call,
            Waiting {
                caller,
                enqueued: now,
                kept: false,
            },
        );
        self.settle_caller(now, call)
    }

    fn remove_caller(&mut self, now: Mono, call: CallId) -> Option<Waiting> {
        let waiting = self.callers.remove(&call)?;
        self.lanes.remove(&waiting.caller);
        self.note_waiting(now, &waiting.caller.rings);
        Some(waiting)
    }

    fn change_caller(
        &mut self,
        now: Mono,
        call: CallId,
        change: impl FnOnce(&mut Caller),
    ) -> Wakes {
        let Some(waiting) = self.callers.get_mut(&call) else {
            return Wakes::new();
        };
        self.lanes.remove(&waiting.caller);
        let before = waiting.caller.rings.clone();
        change(&mut waiting.caller);
        self.lanes.insert(&waiting.caller);
        let moved = before != waiting.caller.rings;
        let wakes = self.settle_caller(now, call);
        if moved {
            self.note_waiting(now, &before);
        }
        wakes
    }

    /// Tells the pools whether anybody waits for them.
    fn note_waiting(&mut self, now: Mono, rings: &[PoolId]) {
        for pool in rings {
            let any = self.lanes.any(Place::Pool(*pool));
            if let Some(pool) = self.pools.get_mut(usize::from(pool.0)) {
                pool.pace.set_waiting(now, any);
            }
        }
    }

    fn insert_seat(&mut self, since: Mono, seat: ReadySeat) {
        let id = seat.seat;
        let turn = self.turns.get(&id).copied().unwrap_or(0);
        let ready = Ready {
            skills: seat.skill_set(),
            seat,
            since,
            turn,
        };
        for pool in &ready.seat.pools {
            if let Some(pool) = self.pools.get_mut(usize::from(pool.0)) {
                pool.groups.insert(&ready);
            }
        }
        self.seats.insert(id, ready);
    }

    fn remove_seat(&mut self, seat: SeatId) -> Option<Ready> {
        let ready = self.seats.remove(&seat)?;
        for pool in &ready.seat.pools {
            if let Some(pool) = self.pools.get_mut(usize::from(pool.0)) {
                pool.groups.remove(&ready);
            }
        }
        Some(ready)
    }
}
