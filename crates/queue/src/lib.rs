//! Matching of waiting callers and ready seats: the only state that shards share.
//!
//! What lives here: the interface by which shards enqueue callers and offer seats, the order among
//! callers, the choice among seats, the memory without a lock in which both are kept, and the
//! reference model that does the same under one lock.
//! What may not: timers and clocks (time enters by operations), signalling, policy about who gets
//! which class or ring, any exclusion of one seat for one caller.
//!
//! ```text
//!   shard 0 ─ enqueue, put_back, widen, raise, abandon ─┐                ┌─► inbox 0 ─ take_match
//!   shard 1 ─ seat_ready, seat_withdrawn ───────────────┼─► Queue ─► match ─► inbox 1 ─ take_match
//!   shard n ─ set_lines, release_line, drain ───────────┘                └─► inbox n ─ take_match
//!
//!   queue ──► lock_free: what an operation does ──► memory: many words change as one ──► sync ──► atomics
//!     │         callers, seats, lanes, groups         change, descriptor, help             └─ hold
//!     └─────► one_lock: the same under one lock, for the tests to compare and the benches to beat
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | `queue` | [`Queue`]: what every operation promises; which of the two is inside |
//! | `memory` | words and cells, changes that are decided by one compare-and-swap, free lists |
//! | `lock_free` | every operation as one change of that memory |
//! | `one_lock` | the reference model |
//! | `order`, `pace` | who stands before whom, how fast a pool moves: for both |
//! | `channels` | how many calls each trunk carries |
//! | `caller`, `seat`, `config`, `matches`, `view`, `snapshot` | what goes in and comes out |
//! | `sync` | the atomics: std's, loom's or shuttle's; every access of the crate passes here |
//! | `hold` | with its feature only: a hook at each of those accesses |
//! | `defect` | with its feature only: faults that the tests must see |
//!
//! # What is guaranteed, and which test shows it
//! 1. A caller is matched at most once for each time it is let in, a seat once for each time it
//!    becomes ready. Exactly one of "its match is delivered" and "`abandon` returned true" happens
//!    (`threads`, `history`, `equal`).
//! 2. No missed match: when all operations have returned, no waiting caller and ready seat that
//!    fit remain (`specification`, `threads`, `hold`).
//! 3. Among the callers whom a seat fits: risk, own seat, effective class, arrival stamp, id. Every
//!    operation is one step in one order that all threads share (`order`, `choice`, `history`), and
//!    alone it does what the reference model does (`equal`). Two operations at once are played in every
//!    interleaving (`loom`), several in random ones (`shuttle`).
//! 4. A thread that stands still at any instruction for ever keeps no other from any operation and
//!    strands no other caller or seat (`hold`, `shuttle`, `found`), as long as fewer threads stand still inside an
//!    operation than there are descriptors: one a shard and 64 more.
//! 5. After the start no allocation, no system call, no lock, the people's view apart
//!    (`no_allocation`). Capacity is fixed; a full queue says so, and keeps a share for those at risk
//!    and those put back (`capacity`).
//! 6. What a match costs goes by the number of lanes and groups that could fit, never by that of
//!    callers or seats; whoever leaves is gone at once from wherever it stood (`scan`; times are the
//!    bench's).
//! 7. Records come from fixed arenas and go back to them: memory after any history is what it was
//!    (`capacity`).
//! 8. Each match reaches the caller's shard and the seat's home shard once each, by inboxes that
//!    cannot fill, and a shard with something in its inbox is named by an operation (`threads`,
//!    `names`, `history`). Whoever is stopped before it could name a shard leaves it to
//!    [`Queue::has_match`].
//!
//! That these tests can fail is shown by `defects`.
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
mod channels;
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
mod positions;
mod queue;
mod seat;
mod snapshot;
mod sync;
mod view;

pub use caller::{Caller, Preference, Stamp, Widening};
pub use channels::{Channels, MAX_TRUNKS};
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
