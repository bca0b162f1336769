//! What people may ask of the queue.

use meishier_model::{CallId, Class, Mono, PoolId, SeatId, ShardId, SkillSet};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

use crate::caller::Stamp;

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Callers that wait.
    pub waiting: u32,
    /// Seats that are ready.
    pub ready: u32,
    /// Lines in use, by pool.
    pub lines_used: Vec<u16>,
    /// Matches since the start.
    pub matches: u64,
}

/// What the queue counts of its own work since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Matches made.
    pub matches: u64,
    /// Changes that another thread finished writing than the one that decided them.
    pub helped: u64,
    /// Changes that were worked out anew since another came first.
    pub repeated: u64,
    /// Callers and seats in lanes and groups that had no row of their own and are scanned one by
    /// one; above zero the table of rows is too small.
    pub scanned: u64,
}

/// Who waits for one pool. A caller with several open rings counts in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolWaiting {
    /// Risk callers.
    pub risk: u32,
    /// The others, by class.
    pub by_class: [u32; Class::COUNT as usize],
    /// Arrival of whoever came first, risk or not.
    pub oldest: Option<Mono>,
}

impl PoolWaiting {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.risk + self.by_class.iter().sum::<u32>()
    }
}

/// One waiting caller, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    /// The call.
    pub call: CallId,
    /// Shard that owns it.
    pub shard: ShardId,
    /// Place in line.
    pub stamp: Stamp,
    /// When it entered the queue, this time.
    pub enqueued: Mono,
    /// Its class.
    pub class: Class,
    /// Risk flag.
    pub risk: bool,
    /// All skills that bind now.
    pub needs: SkillSet,
    /// Pools in order.
    pub rings: SmallVec<[PoolId; 4]>,
    /// How many of them are open.
    pub open: u8,
    /// Its own seat, if it has one.
    pub own_seat: Option<SeatId>,
}

/// One reason why a waiting caller has no offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// Its own seat is not ready.
    OwnSeatNotReady(SeatId),
    /// This ring has not opened yet.
    RingNotOpen(PoolId),
    /// The pool takes no more calls.
    Draining(PoolId),
    /// Every line of the pool is in use.
    LinesFull(PoolId),
    /// No seat of the pool is ready.
    NoSeatReady(PoolId),
    /// This ready seat lacks required skills.
    SkillMissing {
        /// The pool in which it was looked at.
        pool: PoolId,
        /// The seat.
        seat: SeatId,
        /// What it lacks.
        missing: SkillSet,
    },
    /// This ready seat lacks only skills that are preferred and not dropped yet.
    PreferenceHeld {
        /// The pool in which it was looked at.
        pool: PoolId,
        /// The seat.
        seat: SeatId,
        /// What it lacks.
        missing: SkillSet,
    },
    /// This ready seat is kept for higher priorities.
    Reserved {
        /// The pool in which it was looked at.
        pool: PoolId,
        /// The seat.
        seat: SeatId,
    },
}

/// An expected wait with its doubt: of callers in this place, half waited less than `p50`, nine in
/// ten less than `p90`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median.
    pub p50: Duration,
    /// Nine in ten.
    pub p90: Duration,
    /// How many observed stretches this rests on.
    pub samples: u32,
}
