//! Identifiers. Each is a number with a type of its own, so that a seat is never taken for a pool.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(
    /// One shard of the engine: 0 up to the configured number of shards, exclusive.
    ShardId(u16), "shard");
id!(
    /// One leg (one INVITE dialog) of a call, unique within a shard's lifetime.
    LegId(u64), "leg");
id!(
    /// A seat (坐席): one telephone. Index into the configuration's seats.
    SeatId(u32), "seat");
id!(
    /// A counsellor (咨询员): one person. Index into the configuration's counsellors.
    CounsellorId(u32), "counsellor");
id!(
    /// A pool of seats (坐席组). Index into the configuration's pools.
    PoolId(u16), "pool");
id!(
    /// A SIP trunk (中继). Index into the configuration's trunks.
    TrunkId(u16), "trunk");
id!(
    /// A local RTP port of a shard: index into the list of addresses that the driver handed over.
    PortId(u32), "port");

/// A line (线路): one unit of a pool's capacity, held by a call that rings or talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineId {
    /// The pool whose line it is.
    pub pool: PoolId,
    /// Number within the pool, from 0; the lowest free number is taken first.
    pub number: u16,
}

/// One call from its first INVITE to its record; unique across restarts.
///
/// The top 16 bits name the shard that owns the call for its whole life. The rest counts
/// upwards from the millisecond in which the engine started (41 bits of milliseconds, 7 bits of
/// count), so that a restarted engine never repeats an identifier as long as it took fewer than
/// 128 calls a millisecond on average.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

impl CallId {
    const COUNT_MASK: u64 = (1 << 48) - 1;

    /// The identifier of a shard's `count`-th call.
    #[must_use]
    pub fn new(shard: ShardId, count: u64) -> Self {
        Self((u64::from(shard.0) << 48) | (count & Self::COUNT_MASK))
    }

    /// The shard that owns the call.
    #[must_use]
    pub fn shard(self) -> ShardId {
        ShardId((self.0 >> 48) as u16)
    }

    /// Where a shard that starts at `boot` begins to count.
    #[must_use]
    pub fn first_count(boot: crate::Wall) -> u64 {
        ((boot.0 as u64) << 7) & Self::COUNT_MASK
    }

    /// Reads the form that [`fmt::Display`] writes; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 16
            || !text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
