//! The records of finished calls in SQLite: one row a call, exactly once, written off the call path;
//! and what people said of numbers, until it ends.
//!
//! What lives here: the schema and its versions, the writer with its bounded buffer, the reading
//! side for the API. What may not: policy about calls, HTTP, the engine's types.
//!
//! ```text
//!   shard threads ── try_write ──► bounded buffer ──► one task: batches, one transaction each
//!                    (never blocks)                     │ fails? keeps the batch, tries again later
//!                                                       ▼
//!                                  calls ─┬─ offers     SQLite, WAL, file mode 0600
//!                                         └─ transfers
//!                                  number_marks
//!   API ── count / recent / get ──► read-only connections
//! ```

mod error;
mod marks;
mod read;
mod row;
mod schema;
mod store;
mod write;
mod writer;

pub use error::StoreError;
pub use marks::KeptMark;
pub use store::{Store, StoreOptions};
pub use writer::{Counts, Left, Writer};
