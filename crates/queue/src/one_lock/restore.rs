//! A queue that goes on: what it alone knows is written out and taken in again; callers, seats and
//! lines come back from the shards that own them.
//!
//! ```text
//!   restore ─► closed ── reenter_caller, reenter_seat, hold_line, set_lines … ──► open ─► as ever
//!                        (any order, any shard; nobody is matched)
//! ```

use meishier_model::{LineId, Mono, PoolId};

use super::{OneLock, State};
use crate::caller::Caller;
use crate::config::{EnqueueError, QueueConfig};
use crate::matches::{OfferId, Side, Wakes};
use crate::snapshot::QueueSnapshot;

impl OneLock {
    /// See [`crate::Queue::snapshot`].
    #[must_use]
    pub(crate) fn snapshot(&self) -> QueueSnapshot {
        let state = self.lock();
        let draining = (0..).map(PoolId).zip(&state.pools);
        QueueSnapshot {
            matches: state.matches,
            offers: state.matches,
            turns: state.turns.iter().map(|(s, turn)| (*s, *turn)).collect(),
            draining: draining
                .filter(|(_, pool)| pool.draining)
                .map(|(id, _)| id)
                .collect(),
            left: state.inboxes.left().copied().collect(),
        }
    }

    /// See [`crate::Queue::restore`].
    #[must_use]
    pub(crate) fn restore(config: QueueConfig, snapshot: &QueueSnapshot) -> Self {
        let queue = Self::new(config);
        {
            let mut state = queue.lock();
            state.open = false;
            state.matches = snapshot.matches.max(snapshot.offers);
            state.turns = snapshot.turns.iter().copied().collect();
            for id in &snapshot.draining {
                if let Some(pool) = state.pools.get_mut(usize::from(id.0)) {
                    pool.draining = true;
                }
            }
            for copy in &snapshot.left {
                // The seat's copy holds no line: the call has it, or has given it back.
                if state.inboxes.put_again(*copy) && copy.side == Side::Caller {
                    state.hold(copy.line);
                }
            }
        }
        queue
    }

    /// See [`crate::Queue::count_from`].
    pub(crate) fn count_from(&self, last: OfferId) {
        let mut state = self.lock();
        state.matches = state.matches.max(last.0);
    }

    /// See [`crate::Queue::reenter_caller`].
    pub(crate) fn reenter_caller(
        &self,
        enqueued: Mono,
        caller: Caller,
    ) -> Result<Wakes, EnqueueError> {
        let mut state = self.lock();
        if state.inboxes.holds_call(caller.call) {
            return Ok(Wakes::new());
        }
        state.check_entry(&caller)?;
        Ok(state.insert_caller(enqueued, caller))
    }

    /// See [`crate::Queue::hold_line`].
    pub(crate) fn hold_line(&self, line: LineId) -> bool {
        self.lock().hold(line)
    }

    /// See [`crate::Queue::open`].
    pub(crate) fn open(&self, now: Mono) -> Wakes {
        let mut state = self.lock();
        if std::mem::replace(&mut state.open, true) {
            return Wakes::new();
        }
        let mut wakes = state.inboxes.waiting();
        while let Some(call) = state.best_caller() {
            if !state.match_caller(now, call, &mut wakes) {
                break;
            }
        }
        wakes
    }

    /// See [`crate::Queue::reconfigure`].
    pub(crate) fn reconfigure(&self, config: &QueueConfig) -> bool {
        let mut state = self.lock();
        let same = state.inboxes.shards() == usize::from(config.shards)
            && state.pools.len() == config.pools.len()
            && state.max_seats == config.seats
            && state.capacity == config.capacity;
        if !same {
            return false;
        }
        state.max_callers = config.max_callers;
        state.ageing = config.ageing;
        let State { pools, seats, .. } = &mut *state;
        for ((id, pool), rules) in (0..).map(PoolId).zip(pools).zip(&config.pools) {
            let here = seats.values().filter(|it| it.seat.pools.contains(&id));
            pool.groups.choose_by(rules.strategy, here);
        }
        true
    }
}

impl State {
    fn hold(&mut self, line: LineId) -> bool {
        let pool = self.pools.get_mut(usize::from(line.pool.0));
        pool.is_some_and(|pool| pool.lines.hold(line.number))
    }

    /// Who should go first of all whom some ready seat fits.
    pub(super) fn best_caller(&self) -> Option<meishier_model::CallId> {
        let pools = (0..).map(PoolId).take(self.pools.len());
        let usable = pools.filter(|pool| self.usable(*pool));
        let best = usable.filter_map(|pool| self.best_caller_in(pool)).min();
        best.map(|best| best.call())
    }
}
