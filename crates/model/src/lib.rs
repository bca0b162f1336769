//! Words that every other crate speaks: identifiers, time, numbers, causes, the record of a call.
//!
//! What lives here: plain data without behaviour beyond conversion and checking.
//! What may not: protocol, policy, sockets, clocks, anything that depends on another crate of ours.
//!
//! ```text
//!   ids ── CallId LegId SeatId CounsellorId PoolId LineId TrunkId ShardId PortId
//!   time ─ Mono (µs since start)  Wall (ms since 1970)  Now (both)
//!   number ─ DialString, masked when shown
//!   cause ── who ended a call and why      record ── the one line a call leaves
//!   recording ─ what is said of recordings
//! ```

pub mod cause;
pub mod ids;
pub mod number;
pub mod record;
pub mod recording;
pub mod skill;
pub mod time;

pub use cause::{Outcome, ReleasedBy};
pub use ids::{CallId, CounsellorId, LegId, LineId, PoolId, PortId, SeatId, ShardId, TrunkId};
pub use number::DialString;
pub use record::{
    CallBackRecord, CallRecord, MarkKind, NumberMark, OfferOutcome, OfferRecord, PeerTried,
    RtpStats, TransferEvent, TransferOutcome, TransferRecord,
};
pub use recording::{
    Consent, NoTape, PauseRecord, RecordingRecord, TapeForm, TapeId, TapeRecord, TrackRecord,
};
pub use skill::{Class, SkillId, SkillSet};
pub use time::{Mono, Now, Wall};
