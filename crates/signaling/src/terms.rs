//! What a side of a call is to be spoken to with, as its operator and ours have agreed.

use crate::leg_reliable::{self, Peer};
use crate::message::Message;
use serde::{Deserialize, Serialize};

/// Whether provisional responses are sent reliably (100rel, RFC 3262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reliability {
    /// Never: 100rel is not named in our INVITE. A call that requires it is to be refused with 420.
    Off,
    /// Where the other side can (Supported, §3).
    #[default]
    Supported,
    /// Our INVITE requires it. A call that does not name it is to be refused with 421.
    Required,
}

/// How the dialog of a leg is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Provisional responses.
    pub reliable: Reliability,
}

/// Why a call is refused that does not fit the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// 420 or 421.
    pub status: u16,
    /// Name and value of the header that says why.
    pub header: (&'static str, &'static str),
}

impl Terms {
    /// Whether an INVITE fits: 420 if it requires what is off (RFC 3261 §8.2.2.3), 421 if it does not
    /// name what is required (§21.4.16).
    ///
    /// # Errors
    /// [`Unfit`]: how it is to be refused.
    pub fn admit(&self, invite: &Message) -> Result<(), Unfit> {
        let (status, name) = match (self.reliable, Peer::of_invite(invite).reliable) {
            (Reliability::Off, Reliability::Required) => (420, "Unsupported"),
            (Reliability::Required, Reliability::Off) => (421, "Require"),
            _ => return Ok(()),
        };
        let header = (name, leg_reliable::TAG);
        Err(Unfit { status, header })
    }
}
