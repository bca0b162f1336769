//! What a side of a call is to be spoken to with, as its operator and ours have agreed.

use crate::leg_reliable::{self, Peer};
use crate::leg_timer;
use crate::message::Message;
use crate::session_timer::{self, Verdict};
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// How long a session may stand without a refresh, as we ask for it (RFC 4028); `None`: only
    /// what the other side asks for is kept.
    pub session: Option<Duration>,
}

/// [`session_timer::SHORTEST`] as it is written.
pub(crate) const LEAST: &str = "90";

/// Why a call is refused that does not fit the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// 420, 421 or 422.
    pub status: u16,
    /// Name and value of the header that says why.
    pub header: (&'static str, &'static str),
}

impl Terms {
    /// Whether an INVITE fits: 420 if it requires what is off (RFC 3261 §8.2.2.3), 421 if it does not
    /// name what is required (§21.4.16), 422 if its session would last less than 90 s (RFC 4028 §9).
    ///
    /// # Errors
    /// [`Unfit`]: how it is to be refused.
    pub fn admit(&self, invite: &Message) -> Result<(), Unfit> {
        let (status, name) = match (self.reliable, Peer::of_invite(invite).reliable) {
            (Reliability::Off, Reliability::Required) => (420, "Unsupported"),
            (Reliability::Required, Reliability::Off) => (421, "Require"),
            _ => (0, ""),
        };
        if status != 0 {
            let header = (name, leg_reliable::TAG);
            return Err(Unfit { status, header });
        }
        match session_timer::judge(leg_timer::claimed(invite), self.session) {
            Verdict::TooShort => Err(Unfit {
                status: 422,
                header: ("Min-SE", LEAST),
            }),
            Verdict::Untimed | Verdict::Timed { .. } => Ok(()),
        }
    }
}
