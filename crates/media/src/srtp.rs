//! SRTP and SRTCP (RFC 3711, 6188, 7714) with keys from SDP (RFC 4568): packets are encrypted and
//! authenticated, and nobody's packet is taken twice.
//!
//! ```text
//!  KeySeed ─► Master (suite, key, salt) ─► Transform: cipher, salt, authentication key   one a direction
//!                                              │
//!   packet of the party ─► index ─► seen? ─► tag right? ─► deciphered        Inbound, one state a stream
//!   packet of ours ──────► index ─► given out before? ─► enciphered, tag     Outbound
//! ```
//!
//! Pure: time and randomness play no part, keys come from outside. Keys show up in no `Debug`, and are
//! wiped when they are dropped.

mod inbound;
mod key;
mod outbound;
mod transform;
mod window;

pub use inbound::{Inbound, Unsafe};
pub use key::{KeySeed, Master, Suite};
pub use outbound::Outbound;
pub use transform::{MAX_TAG, MAX_TRAILER, Tag};

use serde::{Deserialize, Serialize};

/// What is taken and offered of SRTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Never: an offer of SRTP alone is refused, keys beside plain RTP are not looked at.
    Off,
    /// For a party that offers it; plain RTP is offered.
    #[default]
    IfOffered,
    /// Always: it is offered, and a party without it is refused.
    Required,
}

/// How one party's packets are protected, both ways.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Protection {
    /// What our packets are made with.
    pub ours: Master,
    /// What the party's packets are made with.
    pub theirs: Master,
    /// How often the party's sequence numbers may have turned over before its first packet is seen: 1 for
    /// a call that begins, for those before the turn may be lost. Tried one by one until a packet proves
    /// right.
    #[serde(default)]
    pub turns: u8,
}
