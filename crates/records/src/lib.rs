//! The records of finished calls in SQLite: one row a call, exactly once, written off the call path;
//! what people said of numbers, until it ends; and who did what in a call.
//!
//! What lives here: the schema and its versions, the writer with its bounded buffer, the courier
//! with its outbox, the reading side for the API. What may not: policy about calls, HTTP, the engine's types.
//!
//! ```text
//!   shard threads ── try_write ──► bounded buffer ──► one task: batches, one transaction each
//!                    (never blocks)                     │ fails? keeps the batch, tries again later
//!                                                       ▼
//!                                  calls ─┬─ offers     SQLite, WAL, file mode 0600
//!                                         └─ transfers
//!                                  number_marks
//!   try_post ──► bounded buffer ──► deliveries, data_uses, tasks ──► Carrier, until it is taken
//!   API ── audit (waits for the disk) ──────► audit, append only
//!   API ── count / recent / get ──► read-only connections
//! ```

mod audit;
mod courier;
mod error;
mod marks;
mod outbox;
mod read;
mod row;
mod schema;
mod store;
mod tapes;
mod tasks;
mod write;
mod writer;

pub use audit::{AuditEntry, KeptEntry};
pub use courier::{
    Carried, Carrier, Carrying, Clock, Courier, CourierCounts, CourierOptions, Route,
};
pub use error::StoreError;
pub use marks::KeptMark;
pub use outbox::{Delivery, LARGEST_BODY, MOST_PENDING, Parcel, Pending, Receipt, Standing, Use};
pub use store::{Store, StoreOptions};
pub use tasks::{KeptTask, Task, TaskKind};
pub use writer::{Counts, Left, Writer};
