//! The reference model: the whole queue under one lock.

use meishier_model::{CallId, Class, LineId, Mono, PoolId, SeatId, ShardId};

use crate::caller::{Caller, Widening};
use crate::inbox::{Match, Wakes};
use crate::seat::ReadySeat;
use crate::view::{Counts, PoolWaiting, Quantiles, WaitingView, WhyNot};
use crate::{EnqueueError, QueueConfig, SeatError};

/// The queue of callers and ready seats. Every operation takes `&self`; any number of shards may call.
pub struct Queue {
    config: QueueConfig,
}

#[allow(unused_variables, reason = "skeleton of signatures")]
impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(config: QueueConfig) -> Self {
        Self { config }
    }
    /// Lets a caller in.
    ///
    /// # Errors
    /// See [`EnqueueError`]. A risk caller is never refused as [`EnqueueError::Full`].
    pub fn enqueue(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        if self.config.pools.is_empty() {
            Err(EnqueueError::BadPool)
        } else {
            Ok(Wakes::new())
        }
    }
    /// Lets a caller in again whose offer failed: stamp kept, never [`EnqueueError::Full`].
    ///
    /// # Errors
    /// See [`EnqueueError`].
    pub fn put_back(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        Ok(Wakes::new())
    }
    /// The caller hung up. True: it was waiting and is out. False: its match is or was in the inbox, or it is unknown.
    pub fn abandon(&self, now: Mono, call: CallId) -> bool {
        false
    }
    /// A waiting caller asks for less.
    pub fn widen(&self, now: Mono, call: CallId, step: Widening) -> Wakes {
        Wakes::new()
    }
    /// A waiting caller rises: to `class` if that is better, to risk if `risk`. Nobody is lowered.
    pub fn raise(&self, now: Mono, call: CallId, class: Option<Class>, risk: bool) -> Wakes {
        Wakes::new()
    }
    /// A seat may be offered a call.
    ///
    /// # Errors
    /// See [`SeatError`].
    pub fn seat_ready(&self, now: Mono, seat: ReadySeat) -> Result<Wakes, SeatError> {
        Ok(Wakes::new())
    }
    /// A seat may no longer be offered a call. True: it was ready and is out. False: it is matched already, or unknown.
    pub fn seat_withdrawn(&self, seat: SeatId) -> bool {
        false
    }
    /// The pool has so many lines from now on.
    pub fn set_lines(&self, now: Mono, pool: PoolId, lines: u16) -> Wakes {
        Wakes::new()
    }
    /// A line is free again.
    pub fn release_line(&self, now: Mono, line: LineId) -> Wakes {
        Wakes::new()
    }
    /// The pool takes no more calls (`true`), or takes them again.
    pub fn drain(&self, now: Mono, pool: PoolId, draining: bool) -> Wakes {
        Wakes::new()
    }
    /// The next entry of a shard's inbox.
    pub fn take_match(&self, shard: ShardId) -> Option<Match> {
        None
    }
    /// How many callers stand before this one; `None` if it does not wait.
    #[must_use]
    pub fn position(&self, call: CallId) -> Option<u32> {
        None
    }
    /// Who waits for a pool.
    #[must_use]
    pub fn waiting(&self, pool: PoolId) -> PoolWaiting {
        PoolWaiting::default()
    }
    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
    /// Everybody who waits, in order.
    #[must_use]
    pub fn waiting_list(&self) -> Vec<WaitingView> {
        Vec::new()
    }
    /// Why this caller has no offer; `None` if it does not wait.
    #[must_use]
    pub fn why(&self, call: CallId) -> Option<Vec<WhyNot>> {
        None
    }
    /// How long this caller has to expect to wait from now; `None` without enough evidence.
    #[must_use]
    pub fn expected_wait(&self, call: CallId) -> Option<Quantiles> {
        None
    }
}
