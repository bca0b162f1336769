//! Measures the queue through its public interface: alone beside a floor, under several threads, and
//! while one thread is stopped inside an operation.
//!
//! What lives here: traffic, contenders, clocks and tables. What may not: anything that looks inside
//! the queue.
//!
//! ```text
//!   meishier-queue-bench                               meishier-queue-stalled
//!     cycles ── one thread, by turns with the floor      stalled ── one of 8 threads is stopped
//!     middle ── one thread, put back halfway
//!     crowd ─── 1 to 8 threads          ── starts ──►    allocations
//!     goals ─── report                  ◄── JSON ───
//!
//!   contenders: the queue │ the same lanes under a lock (std, parking_lot) │ the reference model
//! ```
//!
//! The second program is one of its own so that counting allocations and the queue's hook at each
//! atomic access cost the figures of the first one nothing.

pub mod clock;
pub mod contender;
pub mod crowd;
pub mod cycles;
pub mod floor;
pub mod goals;
pub mod hold;
pub mod latency;
pub mod middle;
pub mod options;
pub mod report;
pub mod results;
pub mod shard;
pub mod sizes;
pub mod stalled;
pub mod traffic;
