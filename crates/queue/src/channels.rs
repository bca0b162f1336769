//! How many calls each trunk carries, counted across all shards.
//!
//! One word a trunk. A share of the channels for each shard would refuse calls while others lie idle,
//! and on a small trunk give some shards none at all; one shard that counts for all would have to be
//! asked before a call could be answered. So every shard changes the same word, by compare-and-swap:
//! whoever is stopped in between holds up nobody, and the limit is never passed by any order of steps,
//! since it is looked at in the very word that is swapped. Only an emergency may pass it, when it says so.
//!
//! The limit comes with each call and not from the start, for the configuration may change while calls run:
//! a lowered one cuts no call, and is kept from the next one on.

use crate::sync::{Note, Ordering};
use meishier_model::TrunkId;

/// Most trunks that are counted; the configuration allows no more.
pub const MAX_TRUNKS: usize = 256;

/// The count of each trunk. Every operation takes `&self` and is one step.
pub struct Channels(Box<[Note]>);

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Channels")
    }
}

impl Channels {
    pub(crate) fn new() -> Self {
        Self((0..MAX_TRUNKS).map(|_| Note::new(0)).collect())
    }

    /// Takes a channel if fewer than `limit` are taken. True if it did; give it back once.
    pub fn take(&self, trunk: TrunkId, limit: u32) -> bool {
        let Some(word) = self.0.get(usize::from(trunk.0)) else {
            return false;
        };
        let mut taken = word.load(Ordering::Relaxed);
        while taken < u64::from(limit) {
            // Nothing else hangs on this word, so no order with other words is asked for.
            match word.compare_exchange(taken, taken + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => taken = now,
            }
        }
        false
    }

    /// Takes a channel whatever is taken: for a call that has one already, as after a restart, or an
    /// emergency that goes out over the limit. Give it back once.
    pub fn hold(&self, trunk: TrunkId) {
        if let Some(word) = self.0.get(usize::from(trunk.0)) {
            word.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives a channel back that was taken or held.
    pub fn give_back(&self, trunk: TrunkId) {
        let Some(word) = self.0.get(usize::from(trunk.0)) else {
            return;
        };
        let mut taken = word.load(Ordering::Relaxed);
        // Never below 0, which would be no limit at all.
        while taken > 0 {
            match word.compare_exchange(taken, taken - 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => taken = now,
            }
        }
    }

    /// How many are taken now.
    #[must_use]
    pub fn taken(&self, trunk: TrunkId) -> u64 {
        let word = self.0.get(usize::from(trunk.0));
        word.map_or(0, |word| word.load(Ordering::Relaxed))
    }
}
