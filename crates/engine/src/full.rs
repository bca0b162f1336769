//! Pools whose every line stays in use while callers wait: these wait for the next pool no longer.
//!
//! When a call arrives, a pool that is full at that moment delays it by nothing. While callers wait,
//! pools fill and come free with every offer, so a pool counts as full for them only once it has been
//! so for [`LASTS`]: an offer that is refused or withdrawn at once sends nobody elsewhere. Then whoever
//! waits for it is decided anew, keeps the place in it, and is open to the next pool as well; a line
//! that comes free takes nothing back.
//!
//! Nobody tells a shard what other shards' offers do to a pool's lines. So each looks for itself every
//! [`LOOK`] while a caller of its own waits, at all pools at once, and walks over its callers only when
//! a pool has turned.

use crate::call::State;
use crate::defect::Defect;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{CallId, Mono, Now, PoolId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often a shard looks while its callers wait.
const LOOK: Duration = Duration::from_millis(500);
/// How long a pool must have been full at each look.
const LASTS: Duration = Duration::from_secs(2);

/// What one shard has seen of full pools.
#[derive(Debug, Default)]
pub(crate) struct FullPools {
    /// When it looks next; `None` while nobody waits.
    next: Option<Mono>,
    /// Since when each pool has been full at every look.
    since: BTreeMap<PoolId, Mono>,
    /// Those of them that have been so for [`LASTS`].
    lasting: BTreeSet<PoolId>,
    /// Callers who began to wait, or to wait again, since the last look. Bounded by what a shard can
    /// take in within [`LOOK`].
    new: BTreeSet<CallId>,
}

impl FullPools {
    /// True if a timer is set for it.
    pub(crate) fn stands(&self) -> bool {
        self.next.is_some()
    }

    /// True if the pool has been full for long.
    pub(crate) fn lasts(&self, pool: PoolId) -> bool {
        self.lasting.contains(&pool)
    }

    /// Takes down which pools are full now; gives out those that have been so for long since this
    /// look.
    fn see(&mut self, now: Mono, full: &BTreeSet<PoolId>) -> BTreeSet<PoolId> {
        self.since.retain(|pool, _| full.contains(pool));
        for pool in full {
            self.since.entry(*pool).or_insert(now);
        }
        let lasts = |since: &Mono| now.since(*since) >= LASTS;
        let lasting: BTreeSet<PoolId> = (self.since.iter())
            .filter_map(|(pool, since)| lasts(since).then_some(*pool))
            .collect();
        let turned = lasting.difference(&self.lasting).copied().collect();
        self.lasting = lasting;
        turned
    }
}

impl Shard {
    fn look_again(&mut self, at: Mono) {
        self.full.next = Some(at);
        self.timers.set(at, Timer::FullPools);
    }

    /// A caller begins to wait, or waits again: pools are looked at from now on. One may have turned
    /// without this caller; or seem to have been full all along, if a line was free between two looks.
    pub(crate) fn begins_to_wait(&mut self, now: Now, call: CallId) {
        self.full.new.insert(call);
        if self.full.next.is_none() {
            self.look_again(now.mono + LOOK);
        }
    }

    pub(crate) fn on_full_pools(&mut self, now: Now) {
        self.full.next = None;
        if !self.somebody_waits() {
            // What was seen is old by the time at which somebody waits again.
            self.full = FullPools::default();
            return;
        }
        let full = self.full_pools(now);
        let turned = self.full.see(now.mono, &full);
        let new = std::mem::take(&mut self.full.new);
        self.look_again(now.mono + LOOK);
        if self.broken.is(Defect::FullPoolsUnheeded) || turned.is_empty() && new.is_empty() {
            return;
        }
        let meant = |id: &CallId| {
            let call = self.calls.get(id)?;
            let among =
                |pool: &PoolId| turned.contains(pool) || new.contains(id) && self.full.lasts(*pool);
            let concerned = call.entry.rings.iter().any(among);
            (matches!(call.state, State::Queued) && concerned).then_some(*id)
        };
        let waiting: Vec<CallId> = if turned.is_empty() {
            new.iter().filter_map(meant).collect()
        } else {
            self.calls.keys().filter_map(meant).collect()
        };
        for id in waiting {
            self.with_call(id, |shard, call| shard.reconsider(now, call));
        }
    }

    /// Open pools of which every line is in use.
    fn full_pools(&self, now: Now) -> BTreeSet<PoolId> {
        let used = self.queue.counts().lines_used;
        let used = (0..).map(PoolId).zip(used);
        let full = |(pool, used): (PoolId, u16)| {
            let full = used > 0 && used >= self.config.routing.lines(pool, now.wall);
            full.then_some(pool)
        };
        used.filter_map(full).collect()
    }
}
