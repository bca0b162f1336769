//! What the queue is told at its start, and how it refuses.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use crate::seat::Strategy;

/// Size and rules of one queue.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// How many shards call it; each has an inbox.
    pub shards: u16,
    /// The pools; a [`meishier_model::PoolId`] is an index into them.
    pub pools: Vec<PoolConfig>,
    /// How many seats there are; a [`meishier_model::SeatId`] is below it.
    pub seats: usize,
    /// How many callers may wait before ordinary ones are refused.
    pub max_callers: usize,
    /// How waiting lifts a caller.
    pub ageing: Ageing,
}

/// Rules of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolConfig {
    /// How it chooses among its ready seats.
    pub strategy: Strategy,
    /// Lines at the start: how many calls may ring or talk in it at once.
    pub lines: u16,
}

/// How waiting lifts a caller among the classes.
///
/// Each class further down counts as having arrived one `step` later: the effective class is
/// `class - waited / step`, as a real number. The difference of two callers' effective classes
/// then never changes while they wait, so the order of two waiting callers is fixed, and whoever
/// arrives later than `class * step` after a caller can no longer overtake it (risk and a
/// seat's own callers apart).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ageing {
    /// Waiting that equals one class. Zero: classes do not matter. At most [`Ageing::MAX_STEP`].
    pub step: Duration,
}

impl Ageing {
    /// One day: nobody waits so long, so classes are strict in practice. Longer steps are cut to it.
    pub const MAX_STEP: Duration = Duration::from_secs(24 * 60 * 60);
}

impl Default for Ageing {
    /// Two minutes a class.
    fn default() -> Self {
        Self {
            step: Duration::from_secs(120),
        }
    }
}

/// Why a caller was not let in. The caller of this interface is at fault in all cases but `Full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnqueueError {
    /// As many callers wait as may. Never for a risk caller, never for one put back.
    Full,
    /// This call waits already, or its match still lies in its shard's inbox.
    Duplicate,
    /// A ring names a pool that does not exist, or there is neither ring nor own seat.
    BadPool,
    /// The shard, or the own seat, does not exist.
    BadShard,
}

/// Why a seat was not taken. The caller of this interface is at fault in all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeatError {
    /// There is no such seat.
    UnknownSeat,
    /// It names a pool that does not exist, or none.
    BadPool,
    /// There is no such shard.
    BadShard,
}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the queue is full",
            Self::Duplicate => "the call waits already or its match was not taken yet",
            Self::BadPool => "a ring names no pool of this queue",
            Self::BadShard => "no such shard or own seat",
        })
    }
}

impl std::error::Error for EnqueueError {}

impl fmt::Display for SeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownSeat => "no such seat",
            Self::BadPool => "the seat names no pool of this queue",
            Self::BadShard => "no such shard",
        })
    }
}

impl std::error::Error for SeatError {}
