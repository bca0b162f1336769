//! Matching of waiting callers and ready seats: the only state that shards share.
//!
//! What lives here: the interface by which shards enqueue callers and offer seats, the order among
//! callers, the choice among seats, and the reference model that does all of it under one lock.
//! What may not: timers and clocks (time enters by operations), signalling, policy about who gets
//! which class or ring, any exclusion of one seat for one caller.
//!
//! ```text
//!   shard 0 ─ enqueue, put_back, widen, raise, abandon ─┐                ┌─► inbox 0 ─ take_match
//!   shard 1 ─ seat_ready, seat_withdrawn ───────────────┼─► Queue ─► match ─► inbox 1 ─ take_match
//!   shard n ─ set_lines, release_line, drain ───────────┘                └─► inbox n ─ take_match
//! ```
//!
//! # What is guaranteed
//! 1. A caller is matched at most once for each time it is let in, a seat once for each time it
//!    becomes ready. Exactly one of "its match is delivered" and "`abandon` returned true" happens.
//! 2. No missed match: when all operations have returned, no waiting caller and ready seat that
//!    fit remain.
//! 3. Among the callers whom a seat fits: risk, own seat, effective class, arrival stamp, id.
//! 4. Each match reaches the caller's shard and the seat's home shard once each, by inboxes that
//!    cannot fill, and every operation names exactly the shards that got something.
//!
//! # After a restart
//! [`Queue::restore`] makes a closed queue: callers, seats and lines come back into it by `reenter_*`
//! in any order, and nobody is matched before [`Queue::open`].
//!
//! # What "fits" means
//! A caller and a seat fit if all of this holds:
//! - a pool of the seat is one of the caller's open rings (or the seat is the caller's own), it is
//!   not draining and has a free line;
//! - the seat's skills cover the required ones and the preferences not dropped yet;
//! - the seat takes callers of that class, or of risk ([`Lowest`]).
//!
//! # Which seat a caller gets
//! Its own seat if that fits. Else by the first open ring in which some ready seat fits, there the
//! seat with the greatest weight of dropped preferences, then by the pool's [`Strategy`].

mod caller;
mod config;
mod defect;
#[cfg(feature = "hold")]
pub mod hold;
mod lock_free;
mod matches;
mod memory;
mod one_lock;
mod order;
mod pace;
mod queue;
mod seat;
mod snapshot;
mod sync;
mod view;

pub use caller::{Caller, Preference, Stamp, Widening};
pub use config::{
    Ageing, EnqueueError, MAX_LINES, MAX_POOLS, MAX_PREFERENCES, MAX_RINGS, PoolConfig,
    QueueConfig, SeatError,
};
#[cfg(feature = "defects")]
pub use defect::Defect;
pub use matches::{Match, OfferId, Side, Wakes};
pub use queue::Queue;
pub use seat::{Lowest, ReadySeat, Strategy};
pub use snapshot::QueueSnapshot;
pub use view::{Counts, Figures, PoolWaiting, Quantiles, WaitingView, WhyNot};
