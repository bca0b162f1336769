//! What a queue alone knows, to be written out and taken in again.

use meishier_model::{PoolId, SeatId};
use serde::{Deserialize, Serialize};

use crate::matches::Match;

/// What a queue knows beside who waits, who is ready and which lines are in use. How fast its
/// pools serve is not in it: [`crate::Queue::expected_wait`] gathers its evidence anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSnapshot {
    /// Matches since the first start.
    pub(crate) matches: u64,
    /// No [`crate::OfferId`] above this was given.
    #[serde(default)]
    pub(crate) offers: u64,
    /// Number of each seat's last match, for round robin.
    pub(crate) turns: Vec<(SeatId, u64)>,
    /// Pools that take no more calls.
    pub(crate) draining: Vec<PoolId>,
    /// Copies of matches that their shards have not taken yet, inbox by inbox, in order.
    pub(crate) left: Vec<Match>,
}
