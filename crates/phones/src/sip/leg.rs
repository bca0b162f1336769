//! One dialog of a phone, from INVITE to its end (RFC 3261 §12).

use crate::call::{CallStatus, End, EndedBy, Phase};
use crate::media::port::{Codec, MediaPort};
use crate::sdp::{Direction, LocalSdp, RemoteSdp};
use rsip::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// What a phone can speak, best first.
pub(crate) const CODECS: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

/// ```text
///  we call:                                  we are called:
///  Calling ──hang up──► Cancelling           Ringing ──reject, CANCEL (§9.2)──► Ended
///    │ │ 2xx (§13.2.2.4)   │ 2xx: ACK, BYE     │ answer (§13.3.1.4)
///    │ └────┐              │                   ▼
///    │      │              │                 Answered ──no ACK in 64*T1: BYE──► Leaving
///    │      ▼              │                   │ ACK
///    │   Established ◄─────┼───────────────────┘
///    │      │ hang up ─────┴─► Leaving ── BYE answered (§15.1.1) ──► Ended
///    │      └ BYE received (§15.1.2) ──────────────────────────────► Ended
///    └ 3xx-6xx or no response (§13.2.2.3); Cancelling: 487 (§9.1) ─► Ended
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegState {
    Calling,
    Cancelling,
    Ringing,
    Answered,
    Established,
    Leaving,
    Ended,
}

/// An INVITE of ours that has no final response yet.
pub(crate) struct OwnInvite {
    pub branch: String,
    pub cseq: u32,
    pub request: Request,
    pub provisional: bool,
    pub cancel_sent: bool,
    pub authorized: bool,
    /// Set for a re-INVITE: who waits for its status.
    pub again: Option<oneshot::Sender<u16>>,
}

/// The INVITE that rings here.
pub(crate) struct TheirInvite {
    pub request: Request,
    pub source: SocketAddr,
    pub key: String,
}

/// A 2xx that is repeated until its ACK comes.
pub(crate) struct Unacknowledged {
    pub cseq: u32,
    pub bytes: Vec<u8>,
    pub to: SocketAddr,
    pub interval: Duration,
    pub until: Instant,
    /// We made the offer in the 2xx: the ACK brings the answer.
    pub answer_in_ack: bool,
}

/// One dialog.
pub(crate) struct Leg {
    pub id: u64,
    pub phone: u64,
    pub state: LegState,
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: Option<String>,
    /// Our From or To value, with tag.
    pub local: String,
    /// Theirs.
    pub remote: String,
    pub target: rsip::Uri,
    /// Where requests go: the first route's or the target's address.
    pub destination: SocketAddr,
    pub routes: Vec<String>,
    pub local_cseq: u32,
    pub remote_cseq: u32,
    pub own: Option<OwnInvite>,
    pub theirs: Option<TheirInvite>,
    pub unacknowledged: Option<Unacknowledged>,
    /// Our last ACK to a 2xx, with its CSeq and destination.
    pub ack: Option<(u32, Vec<u8>, SocketAddr)>,
    pub bye_wanted: bool,
    pub talk: Option<Duration>,
    pub media: Arc<MediaPort>,
    pub sdp: LocalSdp,
    /// The answer that goes with the 183 or 200 to the INVITE that rings here.
    pub answer: Option<String>,
    pub status: watch::Sender<CallStatus>,
}

impl Leg {
    /// Takes the far side's answer: speech goes there from now on. False if there is nothing in common.
    pub(crate) fn take_answer(&mut self, body: &[u8]) -> bool {
        let Some(theirs) = RemoteSdp::read(body) else {
            return false;
        };
        self.connect(&theirs)
    }

    /// Takes an offer and writes our answer (RFC 3264 §6); `None` if there is nothing in common.
    pub(crate) fn take_offer(&mut self, body: &[u8]) -> Option<String> {
        let theirs = RemoteSdp::read(body)?;
        self.sdp.direction = theirs.direction.mirrored();
        if !self.connect(&theirs) {
            return None;
        }
        self.sdp.version += 1;
        let codecs = theirs
            .codecs
            .iter()
            .copied()
            .filter(|c| CODECS.contains(c))
            .take(1)
            .collect();
        Some(
            LocalSdp {
                codecs,
                event_type: theirs.event_type,
                ..self.sdp.clone()
            }
            .write(),
        )
    }

    /// An offer of ours.
    pub(crate) fn offer(&mut self, direction: Direction) -> String {
        self.sdp.direction = direction;
        self.sdp.version += 1;
        self.sdp.write()
    }

    fn connect(&mut self, theirs: &RemoteSdp) -> bool {
        let remote = theirs.remote(&CODECS, self.sdp.direction);
        remote.is_some_and(|remote| {
            self.media.connect(remote);
            true
        })
    }

    pub(crate) fn provisional(&self, status: u16, early_media: bool) {
        self.status.send_modify(|s| {
            s.provisional = status;
            s.early_media |= early_media;
            if s.phase == Phase::Calling && status > 100 {
                s.phase = Phase::Ringing;
                s.ringing_at.get_or_insert(Instant::now());
            }
        });
    }

    pub(crate) fn answered(&self) {
        self.media.answered();
        self.status.send_modify(|s| {
            s.phase = Phase::Answered;
            s.answered_at.get_or_insert(Instant::now());
        });
    }

    /// The end: the socket is freed, the scripts hear of it. Later calls change nothing.
    pub(crate) fn end(&mut self, by: EndedBy, status: u16) {
        self.state = LegState::Ended;
        self.unacknowledged = None;
        self.media.close();
        if let Some(waiting) = self.own.take().and_then(|own| own.again) {
            let _ = waiting.send(481);
        }
        self.status.send_modify(|s| {
            if s.ended.is_none() {
                s.phase = Phase::Ended;
                s.ended = Some(End { by, status });
                s.ended_at = Some(Instant::now());
            }
        });
    }

    /// True for a request with a CSeq that is not older than the last (RFC 3261 §12.2.2).
    pub(crate) fn in_order(&mut self, cseq: u32) -> bool {
        let in_order = cseq >= self.remote_cseq;
        self.remote_cseq = self.remote_cseq.max(cseq);
        in_order
    }
}
