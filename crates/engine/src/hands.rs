//! States of pools that people set by hand, and their ends.

use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{Mono, Now, PoolId, Wall};
use meishier_routing::Hand;
use std::time::Duration;

/// Longest reason of a state set by hand that is kept, characters.
const REASON_LIMIT: usize = 200;

/// The moment at which the civil clock shows `wall`, if nobody sets it meanwhile.
pub(crate) fn moment_of(now: Now, wall: Wall) -> Mono {
    let ms = u64::try_from(wall.0.saturating_sub(now.wall.0)).unwrap_or(0);
    now.mono + Duration::from_millis(ms)
}

impl Shard {
    /// Sets a pool's state, or leaves it to the rules again. False if there is no such pool.
    pub(crate) fn set_pool_state(&mut self, now: Now, pool: PoolId, hand: Option<Hand>) -> bool {
        if usize::from(pool.0) >= self.config.pools.len() {
            return false;
        }
        match hand {
            Some(mut hand) => {
                hand.reason = hand.reason.chars().take(REASON_LIMIT).collect();
                self.pools.hands.insert(pool, hand);
            }
            None => {
                self.pools.hands.remove(&pool);
            }
        }
        self.pools.dirty.insert(pool);
        self.set_hands_timer(now);
        true
    }

    /// States that have run out are by rule again: at their moment, and at every input, for the
    /// civil clock may have been set.
    pub(crate) fn check_hands(&mut self, now: Now) {
        let pools = &mut self.pools;
        let before = pools.hands.len();
        pools.hands.retain(|pool, hand| {
            let holds = hand.in_force(now.wall).is_some();
            if !holds {
                pools.dirty.insert(*pool);
            }
            holds
        });
        if pools.hands.len() != before {
            self.set_hands_timer(now);
        }
    }

    /// The moment has come; if the civil clock was set back, it comes again.
    pub(crate) fn on_hands(&mut self, now: Now) {
        self.hands_timer = None;
        self.check_hands(now);
        self.set_hands_timer(now);
    }

    /// The next end of a state that was set by hand.
    pub(crate) fn set_hands_timer(&mut self, now: Now) {
        if let Some(at) = self.hands_timer.take() {
            self.timers.cancel(at, Timer::Hands);
        }
        let ends = self.pools.hands.values().filter_map(|hand| hand.until);
        if let Some(until) = ends.min() {
            let at = moment_of(now, until);
            self.timers.set(at, Timer::Hands);
            self.hands_timer = Some(at);
        }
    }
}
