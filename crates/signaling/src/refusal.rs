//! What a request is refused for before anybody hears of it (RFC 3261 §8.2): checks that need
//! nothing but the request, in the order of that section.
//!
//! | § | what | status |
//! | --- | --- | --- |
//! | 19.3 | a To tag without a value | 400 |
//! | 16.3 | Max-Forwards used up | 483 |
//! | 8.2.1 | a method that is not for us, or unknown | 405, 501; 481 where it needs a dialog, 403 for REFER |
//! | 8.2.2.1 | the scheme of the Request-URI | 416 |
//! | 16.3 | a request of our own that came back | 482 |
//! | 8.2.2.3 | an extension that we do not have | 420 |
//! | 8.2.3 | a body that we cannot read; parts that nobody can | 415; 400 |
//! | 21.4.7 | an answer that the caller would not take | 406 |

use crate::body::{self, Body};
use crate::flow::Flow;
use crate::lex::{self, Params};
use crate::message::{HeaderName, Message, Method, Via};
use crate::multipart::media_of;
use crate::names::word_of_branch;
use crate::outbound;
use crate::uri::{Uri, host_address};
use crate::write;
use std::cmp::Ordering;

/// Why a request is refused here: the status and at most one header.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) header: Option<(&'static str, String)>,
}

impl Refusal {
    pub(crate) fn plain(status: u16) -> Self {
        Self {
            status,
            header: None,
        }
    }

    pub(crate) fn with(status: u16, name: &'static str, value: &str) -> Self {
        Self {
            status,
            header: Some((name, value.to_owned())),
        }
    }
}

/// The checks of this file; `flow` is the way that the request came by.
pub(crate) fn check(request: &Message, flow: &Flow, supported: &[String]) -> Result<(), Refusal> {
    if write::has_empty_tag(request) {
        return Err(Refusal::plain(400));
    }
    if request.max_forwards() == Some(0) {
        // We stand between two sides as a proxy does; a loop must end here.
        return Err(Refusal::plain(483));
    }
    let outside = request.to_tag().is_none();
    let method = request.method().unwrap_or(Method::Other);
    if outside && let Some(refusal) = not_outside(method) {
        return Err(refusal);
    }
    if !is_for_us(request.request_uri()) {
        return Err(Refusal::plain(416));
    }
    if outside && came_back(request, flow) {
        return Err(Refusal::plain(482));
    }
    let has = |tag: &str, known: &str| known.eq_ignore_ascii_case(tag);
    let registers = method == Method::Register;
    let missing: Vec<&str> = request
        .values(HeaderName::Require)
        .filter(|tag| !supported.iter().any(|known| has(tag, known)))
        .filter(|tag| !(registers && outbound::TAGS.iter().any(|known| has(tag, known))))
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::with(420, "Unsupported", &missing.join(", ")));
    }
    content(request, method)
}

/// What we do not take outside dialogs.
fn not_outside(method: Method) -> Option<Refusal> {
    match method {
        Method::Invite | Method::Register | Method::Options | Method::Message => None,
        // §15.1.2, RFC 3311 §5.2, RFC 6086 §4.2.2: these need a dialog.
        Method::Bye | Method::Update | Method::Info | Method::Prack => Some(Refusal::plain(481)),
        // Whoever is in no call has nobody to be called to it.
        Method::Refer => Some(Refusal::plain(403)),
        // §8.2.1: methods that exist but are not for us.
        Method::Subscribe | Method::Notify | Method::Publish => {
            Some(Refusal::with(405, "Allow", write::ALLOW))
        }
        // §21.5.2: methods that we have never heard of.
        _ => Some(Refusal::with(501, "Allow", write::ALLOW)),
    }
}

/// True for a Request-URI that can mean us: an address, a number, or an emergency service.
fn is_for_us(uri: &str) -> bool {
    Uri::parse(uri).is_ok_and(|uri| {
        uri.is_sip() || uri.scheme.eq_ignore_ascii_case("tel") || uri.is_emergency_service()
    })
}

/// True if a Via names us and has a branch as we make them: a request that we sent came back to
/// where it began (§16.3 step 4; the transaction is a new one, or it would not have come so far).
fn came_back(request: &Message, flow: &Flow) -> bool {
    request.values(HeaderName::Via).any(|value| {
        let Ok(via) = Via::parse(value) else {
            return false;
        };
        let ours = via.branch.is_some_and(|b| word_of_branch(b).is_some());
        let ip = || host_address(via.host).map(|(ip, _)| ip.to_canonical());
        ours && via.port.unwrap_or(5060) == flow.local.port()
            && ip() == Some(flow.local.ip().to_canonical())
    })
}

/// The body, and what the caller takes in return.
fn content(request: &Message, method: Method) -> Result<(), Refusal> {
    if request
        .header(HeaderName::ContentEncoding)
        .is_some_and(|e| !e.eq_ignore_ascii_case("identity"))
    {
        return Err(Refusal::with(415, "Accept-Encoding", "identity"));
    }
    if !matches!(method, Method::Invite | Method::Update) {
        return Ok(());
    }
    match body::kind(request) {
        Body::Foreign => return Err(Refusal::with(415, "Accept", write::ACCEPT)),
        Body::Malformed(_) => return Err(Refusal::plain(400)),
        Body::Empty | Body::Session => {}
    }
    // RFC 4475 §3.3.15: what we answer holds a session description.
    if takes_sdp(request) {
        Ok(())
    } else {
        Err(Refusal::plain(406))
    }
}

/// True if Accept covers a session description; without the header it does (§20.1). Of several
/// ranges the most specific one counts (RFC 9110 §12.5.1); an empty header takes nothing.
fn takes_sdp(request: &Message) -> bool {
    if request.header(HeaderName::Accept).is_none() {
        return true;
    }
    let rank = |range: &str| match media_of(range).to_ascii_lowercase().as_str() {
        "application/sdp" => 3,
        "application/*" => 2,
        "*/*" => 1,
        _ => 0,
    };
    let best = request
        .values(HeaderName::Accept)
        .map(|range| (rank(range), range))
        .filter(|(rank, _)| *rank > 0)
        // Of two alike the first.
        .max_by(|a, b| a.0.cmp(&b.0).then(Ordering::Greater));
    best.is_some_and(|(_, range)| {
        let (_, params) = lex::split_before(range, b';');
        let quality = Params::new(params).value("q").unwrap_or("1");
        quality.bytes().any(|b| matches!(b, b'1'..=b'9'))
    })
}
