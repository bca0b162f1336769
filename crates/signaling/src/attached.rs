//! What goes along with an INVITE beside its session description: a multipart body (RFC 5621) with the
//! headers that point into it (RFC 2392). The call never depends on it: a peer that will not have it gets
//! the INVITE again without.

use crate::leg::{Context, Leg, LegState};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A body that holds the session description and more. It may say where somebody is, so `Debug` shows
/// the length alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Headers that go with it, name and value, such as Geolocation (RFC 6442) and Call-Info.
    pub headers: Vec<(String, String)>,
    /// Content-Type of the body, such as `multipart/mixed;boundary="x"`.
    pub content_type: String,
    /// The body; the description of [`crate::Invite::sdp`] is one of its parts.
    pub body: Vec<u8>,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attached({} bytes)", self.body.len())
    }
}

/// Refusals that may be of the body and not of the call: 400, which stands for whatever a peer does not
/// read, 413 and 513 (RFC 3261 §21.4.11, §21.5.7) too large, 415 (§21.4.13) of no type that it takes, 424
/// (RFC 6442 §4.3) a place that it cannot use.
const OF_THE_BODY: [u16; 5] = [400, 413, 415, 424, 513];

impl Leg {
    /// Sends our INVITE again with the description alone, if this refusal may be of what was attached.
    /// False if nothing was, or the call was taken back.
    pub(crate) fn invite_bare(&mut self, cx: &mut Context<'_>, status: u16) -> bool {
        let hopeless = !OF_THE_BODY.contains(&status) || self.state == LegState::Cancelling;
        let Some(mut draft) = self.draft.take_if(|it| it.attached.is_some() && !hopeless) else {
            return false;
        };
        draft.attached = None;
        self.state = LegState::Calling;
        self.send_invite(cx, &draft);
        self.draft = Some(draft);
        true
    }
}
