//! What tells transactions apart (RFC 3261 §17.1.3, §17.2.3), and whose they are.

use crate::event::RequestId;
use crate::message::{Message, Method};
use crate::names::Fnv;
use meishier_model::LegId;
use serde::{Deserialize, Serialize};

/// A client transaction: the word in its branch; a CANCEL has that of its INVITE (§9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ClientKey {
    pub word: u64,
    pub cancel: bool,
}

/// A server transaction (§17.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ServerKey(pub u64);

/// Whose timer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    Client(ClientKey),
    Server(ServerKey),
    Leg(LegId),
}

/// Who hears of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owner {
    Nobody,
    Leg(LegId),
    Request(RequestId),
}

/// What a request of ours was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    Invite,
    Reinvite,
    Cancel,
    Bye,
    Options,
    Prack,
    Update,
    Register,
    Notify,
}

impl Purpose {
    /// The method of such a request.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Invite | Self::Reinvite => Method::Invite,
            Self::Cancel => Method::Cancel,
            Self::Bye => Method::Bye,
            Self::Options => Method::Options,
            Self::Prack => Method::Prack,
            Self::Update => Method::Update,
            Self::Register => Method::Register,
            Self::Notify => Method::Notify,
        }
    }
}

/// The key of the server transaction of a request (§17.2.3). ACK has the key of its INVITE;
/// `method` is given so that a CANCEL can ask for its INVITE (§9.2).
///
/// Requests of RFC 2543 peers have no branch that names the transaction: Request-URI, From tag,
/// Call-ID, CSeq and the whole top Via stand for it. The To tag is left out, as the ACK of a
/// failure has one and its INVITE has none.
pub(crate) fn server_key(request: &Message, method: &str) -> ServerKey {
    let via = request.top_via();
    let method = if method == "ACK" { "INVITE" } else { method };
    let hash = Fnv::new()
        .part(method.as_bytes())
        .folded(via.host.as_bytes())
        .part(&via.port.unwrap_or(0).to_be_bytes());
    let branch = via.branch.unwrap_or("");
    if via.has_magic_cookie() {
        return ServerKey(hash.part(branch.as_bytes()).finish());
    }
    let hash = hash
        .part(request.request_uri().as_bytes())
        .part(request.from_tag().unwrap_or("").as_bytes())
        .part(request.call_id().as_bytes())
        .part(&request.cseq().0.to_be_bytes())
        .part(branch.as_bytes());
    ServerKey(hash.finish())
}

/// What two ways of one request have in common (§8.2.2.2).
pub(crate) fn merge_key(request: &Message) -> u64 {
    let (number, method) = request.cseq();
    Fnv::new()
        .part(request.from_tag().unwrap_or("").as_bytes())
        .part(request.call_id().as_bytes())
        .part(&number.to_be_bytes())
        .part(method.as_bytes())
        .finish()
}
