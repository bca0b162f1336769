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
    /// What this queue alone knows, taken whole under the lock.
    #[must_use]
    pub fn snapshot(&self) -> QueueSnapshot {
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

    /// A closed queue that goes on from `snapshot`: no [`OfferId`] of before is given again, and what
    /// lay in an inbox lies there. Nobody is matched before [`Self::open`].
    #[must_use]
    pub fn restore(config: QueueConfig, snapshot: &QueueSnapshot) -> Self {
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

    /// No offer gets a number up to this one any more, for when the queue's own snapshot is lost.
    pub fn count_from(&self, last: OfferId) {
        let mut state = self.lock();
        state.matches = state.matches.max(last.0);
    }

    /// A caller that waited before is back, in the place that its stamp gives and with what was
    /// opened and dropped for it. `enqueued` is when it entered the queue, the last time. Whose
    /// match lies in an inbox waits no more, and nothing happens.
    ///
    /// # Errors
    /// See [`EnqueueError`]; never [`EnqueueError::Full`].
    pub fn reenter_caller(&self, enqueued: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        let mut state = self.lock();
        if state.inboxes.holds_call(caller.call) {
            return Ok(Wakes::new());
        }
        state.check_entry(&caller)?;
        Ok(state.insert_caller(enqueued, caller))
    }

    /// A call holds this line again. False if it is held already, or its pool does not exist.
    pub fn hold_line(&self, line: LineId) -> bool {
        self.lock().hold(line)
    }

    /// Everybody is back: from now on callers and seats are matched, at first all who fit, in their
    /// order. Names every shard whose inbox holds something. Does nothing to an open queue.
    pub fn open(&self, now: Mono) -> Wakes {
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

    /// Other rules from now on: how many may wait, ageing, and the pools' strategies; lines are
    /// [`Self::set_lines`]'s. Nobody who waits leaves, and no pair fits by it that did not before.
    /// False, and nothing is changed, if shards, pools or seats are not as many as they were.
    pub fn reconfigure(&self, config: &QueueConfig) -> bool {
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
