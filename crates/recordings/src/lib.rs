//! Recordings at rest: the format of a file, the thread that writes, the shelf they stand on, and the
//! proof that they were deleted.
//!
//! What lives here: encryption and its keys, files, retention, holds, the ledgers. What may not: when a
//! call is recorded (the engine's), the sound before it is laid on the beat (media's).
//!
//! ```text
//!   media threads ── Taped ──► Recorder: bounded channel ──► one thread ──► shelf/2026-11-22/ID.tape
//!                   (never blocks)                           AES-256-GCM, a key for each file,
//!                                                            wrapped by a key file kept elsewhere
//!   Shelf ── list, hold, sweep: the key first, then the row of deletions.log, then the file
//!   Reader ── chunks checked one by one ──► WAV
//! ```
//! The format is described in `docs/recordings.md`.

mod error;
mod format;
mod keys;
mod ledger;
mod reader;
mod recorder;
mod shared;
mod shelf;
mod track;
mod wav;

pub use error::RecordingError;
pub use format::{Entry, Event, HEADER, Header, MIX};
pub use keys::{KeyId, Keys, new_key};
pub use ledger::{Broken, Ledger, Row};
pub use reader::{End, Reader};
pub use recorder::Recorder;
pub use shared::{Counts, Loss};
pub use shelf::{Found, Shelf, Swept};
pub use wav::{Which, export};
