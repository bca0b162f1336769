//! What the queue is told at its start, and how it refuses.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use crate::seat::Strategy;

/// How many pools a caller may name as rings.
pub const MAX_RINGS: usize = 8;

/// How many preferences a caller may have.
pub const MAX_PREFERENCES: usize = 8;

/// How many pools a seat may serve.
pub const MAX_POOLS: usize = 8;

/// How many lines a pool may have; line numbers are below it.
pub const MAX_LINES: u16 = 4096;

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
    /// How many callers fit at all, those whose match was not taken yet among them. What lies between
    /// [`Self::max_callers`] and this is for risk callers and for those who are put back. At most
    /// 98,304 in a queue of at most 8,192 seats.
    pub capacity: usize,
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
    /// As many callers wait as may; for a risk caller and one put back, as many as fit at all.
    Full,
    /// This call waits already, or its match still lies in its shard's inbox.
    Duplicate,
    /// A ring names a pool that does not exist, or there is neither ring nor own seat.
    BadPool,
    /// The shard, or the own seat, does not exist.
    BadShard,
    /// More rings than [`MAX_RINGS`] or preferences than [`MAX_PREFERENCES`].
    TooMany,
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
    /// More pools than [`MAX_POOLS`].
    TooMany,
    /// Too many matches of seats lie untaken in the inboxes of callers' shards.
    Full,
}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the queue is full",
            Self::Duplicate => "the call waits already or its match was not taken yet",
            Self::BadPool => "a ring names no pool of this queue",
            Self::BadShard => "no such shard or own seat",
            Self::TooMany => "more rings or preferences than a caller may have",
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
            Self::TooMany => "more pools than a seat may serve",
            Self::Full => "too many matches were not taken by their shards",
        })
    }
}

impl std::error::Error for SeatError {}
