//! Matching of waiting callers and ready seats.

mod caller;
mod config;
mod inbox;
mod one_lock;
mod seat;
mod view;

pub use caller::{Caller, Preference, Stamp, Widening};
pub use config::{Ageing, EnqueueError, PoolConfig, QueueConfig, SeatError};
pub use inbox::{Match, OfferId, Side, Wakes};
pub use one_lock::Queue;
pub use seat::{Lowest, ReadySeat, Strategy};
pub use view::{Counts, PoolWaiting, Quantiles, WaitingView, WhyNot};
