//! How a match reaches the two shards that act on it.

use meishier_model::{CallId, CounsellorId, LineId, Mono, SeatId, ShardId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Shards that have something new in their inbox, each named once. Up to 64, as many
/// as a configuration may name, need no allocation.
pub type Wakes = SmallVec<[ShardId; 64]>;

/// One match of a caller and a seat; never used twice by one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfferId(pub u64);

/// For which of its two readers an entry of an inbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// For the shard that owns the call.
    Caller,
    /// For the home shard of the seat.
    Seat,
}

/// A caller and a seat that belong together from now on, and the line that they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Whose copy this is.
    pub side: Side,
    /// The call.
    pub call: CallId,
    /// Shard that owns the call.
    pub caller_shard: ShardId,
    /// The seat.
    pub seat: SeatId,
    /// Home shard of the seat.
    pub seat_shard: ShardId,
    /// Who sits there.
    pub counsellor: CounsellorId,
    /// Line taken; held until `release_line`.
    pub line: LineId,
    /// Name of this match.
    pub offer: OfferId,
    /// When the seat became ready.
    pub ready_since: Mono,
    /// When the caller entered the queue, this time.
    pub enqueued: Mono,
}
