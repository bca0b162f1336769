//! The reference model: the whole queue under one lock.
//!
//! Rules, true whenever the lock is free:
//! 1. A caller is in `callers` and in its lanes, or in neither. A seat is in `seats` and in the
//!    groups of its pools, or in neither.
//! 2. A match takes caller, seat and line in one step, so no two matches share any of them.
//! 3. No caller in `callers` and seat in `seats` fit. Each operation makes new pairs fit in one way
//!    only (one caller, one seat, or one pool that becomes usable) and matches all of those.
//! 4. Of several pairs that fit, the one whose caller stands first (see [`Standing`]) is made; that
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
use crate::matches::{Match, OfferId, Wakes};
use crate::order::Standing;
use crate::seat::ReadySeat;
use crate::view::Figures;
use groups::Ready;
use inboxes::Inboxes;
use lanes::{Lanes, Place};
use pool::Pool;

/// The queue of callers and ready seats.
///
/// Every operation takes `&self`; any number of shards may call at once. Whatever an operation
/// returns as [`Wakes`] are the shards that should call [`OneLock::take_match`] until it is empty.
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
    pub fn new(config: QueueConfig) -> Self {
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

    /// Lets a caller in.
    ///
    /// # Errors
    /// See [`EnqueueError`]. A risk caller is never refused as [`EnqueueError::Full`]: their number
    /// is limited by the calls that the engine carries, not here.
    pub fn enqueue(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        let mut state = self.lock();
        state.check_entry(&caller)?;
        let all_alike = !caller.risk || state.broken.is(Defect::FullRefusesRisk);
        if all_alike && state.held() >= state.max_callers {
            return Err(EnqueueError::Full);
        }
        Ok(state.insert_caller(now, caller))
    }

    /// Lets a caller in again whose offer came to nothing. The stamp in `caller` is its old one, so
    /// it stands where it stood. Never [`EnqueueError::Full`]: it was let in before.
    ///
    /// # Errors
    /// See [`EnqueueError`].
    pub fn put_back(&self, now: Mono, mut caller: Caller) -> Result<Wakes, EnqueueError> {
        let mut state = self.lock();
        caller.stamp = state.broken.stamp(now, caller.stamp);
        state.check_entry(&caller)?;
        Ok(state.insert_caller(now, caller))
    }

    /// The caller hung up. True: it was waiting and is out, no match will come. False: its match is
    /// or was in its shard's inbox, or it is unknown.
    pub fn abandon(&self, now: Mono, call: CallId) -> bool {
        let mut state = self.lock();
        if state.broken.is(Defect::AbandonTakesAnother)
            && let Some(other) = state.callers.keys().copied().find(|other| *other != call)
        {
            state.remove_caller(now, other);
        }
        state.remove_caller(now, call).is_some()
    }

    /// A waiting caller asks for less. Nothing happens if it does not wait.
    pub fn widen(&self, now: Mono, call: CallId, step: Widening) -> Wakes {
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

    /// A waiting caller rises: to `class` if that is better than its own, to risk if `risk`. Nobody
    /// is ever lowered. Nothing happens if it does not wait.
    pub fn raise(&self, now: Mono, call: CallId, class: Option<Class>, risk: bool) -> Wakes {
        self.lock().change_caller(now, call, |caller| {
            caller.class = class.map_or(caller.class, |better| better.min(caller.class));
            caller.risk |= risk;
        })
    }

    /// A seat may be offered a call. If it is ready already, what was said of it is replaced. If it
    /// is matched and its home shard has not taken the match yet, the match stands and nothing
    /// happens: the shard will find it.
    ///
    /// # Errors
    /// See [`SeatError`].
    pub fn seat_ready(&self, now: Mono, seat: ReadySeat) -> Result<Wakes, SeatError> {
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

    /// A seat may no longer be offered a call. True: it was ready and is out. False: it is matched,
    /// or was never ready.
    pub fn seat_withdrawn(&self, seat: SeatId) -> bool {
        let mut state = self.lock();
        !state.broken.is(Defect::WithdrawnSeatStays) && state.remove_seat(seat).is_some()
    }

    /// The pool has so many lines from now on. Calls on lines beyond a lowered number keep them, and
    /// no new one comes until fewer than `lines` are in use. An unknown pool is ignored.
    pub fn set_lines(&self, now: Mono, pool: PoolId, lines: u16) -> Wakes {
        let mut state = self.lock();
        let lines = lines + u16::from(state.broken.is(Defect::OneLineTooMany));
        let lines = lines.min(MAX_LINES);
        state.change_pool(now, pool, |p| p.lines.set_limit(lines))
    }

    /// A line is free again. One that is not in use is ignored.
    pub fn release_line(&self, now: Mono, line: LineId) -> Wakes {
        self.lock().change_pool(now, line.pool, |p| {
            p.lines.release(line.number);
        })
    }

    /// The pool takes no more calls (`true`), or takes them again. Calls on its lines go on, callers
    /// and seats stay where they are. An unknown pool is ignored.
    pub fn drain(&self, now: Mono, pool: PoolId, draining: bool) -> Wakes {
        self.lock()
            .change_pool(now, pool, |p| p.draining = draining)
    }

    /// The next entry of a shard's inbox. Each match comes once for the caller's shard and once for
    /// the seat's home shard; if one shard is both, it comes twice.
    pub fn take_match(&self, shard: ShardId) -> Option<Match> {
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

    /// Matches a caller that came or changed, if a seat fits it now.
    fn settle_caller(&mut self, now: Mono, call: CallId) -> Wakes {
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

    /// Changes a pool; if it becomes usable by that, matches what fits through it now. A pool that
    /// was usable before has no pair left to make.
    fn change_pool(&mut self, now: Mono, id: PoolId, change: impl FnOnce(&mut Pool)) -> Wakes {
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

    fn match_seat(&mut self, now: Mono, seat: SeatId, wakes: &mut Wakes) {
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
    fn best_seat(&self, caller: &Caller) -> Option<SeatId> {
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
