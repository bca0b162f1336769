//! What an endpoint tells its user, and the words of that talk.

use crate::flow::Flow;
use crate::message::Message;
use meishier_model::LegId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A request outside any dialog: one that came and waits for [`crate::endpoint::Endpoint::respond`],
/// or an OPTIONS of ours that waits for its response. Unique within an endpoint's lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// Why a leg ended without our asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndCause {
    /// The caller took the call back before the answer: CANCEL (RFC 3261 §9.2); 487 was sent.
    Cancelled,
    /// The peer hung up (§15.1.2).
    Bye,
    /// The peer never acknowledged our 200, though it was sent for 64·T1 (§13.3.1.4); BYE was sent.
    NoAck,
    /// The caller never acknowledged a reliable provisional response of ours, though it was sent for
    /// 64·T1 (RFC 3262 §3); 504 was sent.
    NoPrack,
    /// Nobody refreshed the session in the time that was agreed on (RFC 4028 §10); BYE was sent.
    Expired,
    /// The peer does not know the dialog any more or does not respond in it: 481 or 408 to a
    /// request of ours (§12.2.1.2); BYE was sent.
    Lost,
}

/// What came of [`crate::endpoint::Endpoint::probe`]. Only the user knows what follows from it: the
/// leg stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probed {
    /// The final response, 200 to 699. 481 and 408 say that the peer has no such dialog any more
    /// (RFC 3261 §12.2.1.2); any other, a refusal too, is a sign of life (§11).
    Answered(u16),
    /// No final response until timer F.
    NoAnswer,
    /// The flow failed before a response came (§8.1.3.1).
    FlowFailed,
}

/// What happened. In the order in which it happened; [`Event::Gone`] is the last of its leg.
#[derive(Clone)]
pub enum Event {
    /// An INVITE outside any dialog. 100 Trying was sent already.
    Invite {
        /// The new leg.
        leg: LegId,
        /// The path that it came on.
        flow: Flow,
        /// The INVITE.
        request: Message,
    },
    /// A provisional response above 100 came to our INVITE.
    Progress {
        /// The outgoing leg.
        leg: LegId,
        /// 101 to 199.
        status: u16,
        /// Session description, if it had one.
        sdp: Option<Vec<u8>>,
    },
    /// The callee answered; the ACK was sent.
    Answered {
        /// The outgoing leg.
        leg: LegId,
        /// Session description of the 2xx.
        sdp: Option<Vec<u8>>,
    },
    /// The caller acknowledged our 200.
    Confirmed {
        /// The incoming leg.
        leg: LegId,
    },
    /// The peer answered an offer of ours that stood in a response: in the PRACK of a ringing one
    /// (RFC 3262 §5), or in the ACK of the 200 to a re-INVITE (RFC 3261 §14.2); or the one by which
    /// the endpoint refreshed the session (RFC 4028 §7.4), in the 200 to it. The answer is there
    /// for [`crate::endpoint::Endpoint::take_ack_sdp`].
    OfferAnswered {
        /// The leg.
        leg: LegId,
    },
    /// The call was refused or nobody was reached.
    Failed {
        /// The outgoing leg.
        leg: LegId,
        /// Status of the final response, 300 to 699; 408 if nobody responded, 503 if the flow failed.
        status: u16,
        /// Value of the response's Reason header (RFC 3326).
        reason: Option<String>,
        /// Seconds of the response's Retry-After (RFC 3261 §20.33).
        retry_after: Option<u32>,
    },
    /// The peer ended the leg, or it broke.
    Ended {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: EndCause,
        /// Value of the Reason header (RFC 3326) of the BYE or CANCEL.
        reason: Option<String>,
    },
    /// Nothing is kept of the leg any more. Once for every leg, its last event.
    Gone {
        /// The leg.
        leg: LegId,
    },
    /// The peer wants to change the session: re-INVITE, or UPDATE with an offer. Answer it with
    /// `answer_reinvite` or `reject_reinvite`.
    Reinvite {
        /// The leg.
        leg: LegId,
        /// The offer; `None` asks us for one.
        sdp: Option<Vec<u8>>,
    },
    /// Our re-INVITE got its final response.
    ReinviteDone {
        /// The leg.
        leg: LegId,
        /// 200 to 699; 408 if none came, 503 if the flow failed.
        status: u16,
        /// The answer.
        sdp: Option<Vec<u8>>,
    },
    /// Our probe is over. Not told of a leg that has ended since.
    Probed {
        /// The leg.
        leg: LegId,
        /// What came of it.
        result: Probed,
    },
    /// An INFO came and was answered 200.
    Info {
        /// The leg.
        leg: LegId,
        /// Media type of the body.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// The peer wants somebody called (RFC 3515). Answer it with `accept_refer` or `reject_refer`.
    Refer {
        /// The leg.
        leg: LegId,
        /// The URI of Refer-To as it stands there, headers and all; at most 512 bytes. Nothing of it
        /// was looked at.
        refer_to: String,
        /// It names a call that the new one is to replace (RFC 3891): an attended transfer.
        replaces: bool,
    },
    /// A request outside any dialog that waits for `respond`: REGISTER, OPTIONS, MESSAGE.
    Request {
        /// To answer it by.
        id: RequestId,
        /// The path that it came on.
        flow: Flow,
        /// The request.
        request: Message,
    },
    /// The final response to our OPTIONS.
    Response {
        /// Which one.
        id: RequestId,
        /// 200 to 699; 408 if none came, 503 if the flow failed.
        status: u16,
    },
    /// The final response to our REGISTER, for [`crate::registration::Registration`].
    RegisterDone {
        /// Which one.
        id: RequestId,
        /// 200 to 699; 408 if none came, 503 if the flow failed.
        status: u16,
        /// The response, if one came.
        reply: Option<Message>,
    },
}

/// Shows leg, request and status only: bodies and reasons may tell who calls and what was dialled.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invite { leg, .. } => write!(f, "Invite({leg})"),
            Self::Progress { leg, status, .. } => write!(f, "Progress({leg} {status})"),
            Self::Answered { leg, .. } => write!(f, "Answered({leg})"),
            Self::OfferAnswered { leg } => write!(f, "OfferAnswered({leg})"),
            Self::Confirmed { leg } => write!(f, "Confirmed({leg})"),
            Self::Failed { leg, status, .. } => write!(f, "Failed({leg} {status})"),
            Self::Ended { leg, cause, .. } => write!(f, "Ended({leg} {cause:?})"),
            Self::Gone { leg } => write!(f, "Gone({leg})"),
            Self::Reinvite { leg, .. } => write!(f, "Reinvite({leg})"),
            Self::ReinviteDone { leg, status, .. } => write!(f, "ReinviteDone({leg} {status})"),
            Self::Probed { leg, result } => write!(f, "Probed({leg} {result:?})"),
            Self::Info { leg, .. } => write!(f, "Info({leg})"),
            Self::Refer { leg, .. } => write!(f, "Refer({leg})"),
            Self::Request { id, request, .. } => write!(f, "Request({} {request:?})", id.0),
            Self::Response { id, status } => write!(f, "Response({} {status})", id.0),
            Self::RegisterDone { id, status, .. } => {
                write!(f, "RegisterDone({} {status})", id.0)
            }
        }
    }
}

/// Why a leg does not do what it was asked to. The caller of the API is at fault, or too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LegError {
    /// No such leg, or it is gone.
    Unknown,
    /// The leg's state does not allow it; most often the peer was faster.
    State,
    /// Another change of the session is under way.
    Busy,
    /// A status outside the range that the call takes.
    Status,
}

impl fmt::Display for LegError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such leg",
            Self::State => "not in this state of the leg",
            Self::Busy => "another change of the session is under way",
            Self::Status => "status out of range",
        })
    }
}

impl std::error::Error for LegError {}

/// Why an endpoint does not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointError {
    /// The limit of legs or transactions is reached.
    Full,
    /// A URI that cannot be written into a message. The caller of the API is at fault.
    Uri,
    /// No such request, or it was answered, or its sender has given up.
    UnknownRequest,
    /// A status outside 100 to 699. The caller of the API is at fault.
    Status,
    /// A leg of this number exists already (restoring).
    Taken,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "limit of legs or transactions reached",
            Self::Uri => "URI cannot be used",
            Self::UnknownRequest => "no such request",
            Self::Status => "status out of range",
            Self::Taken => "leg exists already",
        })
    }
}

impl std::error::Error for EndpointError {}
