//! By which way the phone of a REGISTER wants to be reached: Path (RFC 3327 §5.3), and flows of one
//! instance (RFC 5626 §6).
//!
//! ```text
//!   Path unreadable ───────────────────────────────► 400
//!   reg-id of a phone that can, behind proxies of
//!     which the first does not say `ob` ───────────► 439
//!   two contacts to be bound, one with reg-id ─────► 400
//!   else ─► route, and for each contact its flow: instance and reg-id
//! ```

use crate::lex;
use crate::message::{HeaderName, Message, NameAddr};
use crate::uri::Uri;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The option tags of RFC 3327 §4 and RFC 5626 §11.4, in Supported and Require of REGISTER.
pub(crate) const TAGS: [&str; 2] = ["path", "outbound"];

/// Most proxies on the way to a phone.
const MOST_HOPS: usize = 8;

/// Longest Path and instance that are kept, in bytes.
const MAX_PATH: usize = 512;
const MAX_INSTANCE: usize = 128;

/// One of the flows by which an instance is reached: a newer registration of both replaces the binding,
/// whatever its URI (RFC 5626 §6).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowId {
    /// `+sip.instance`, without its quotes: the same for ever, so personal data.
    pub instance: String,
    /// `reg-id`, 1 or above: which flow of the instance.
    pub reg_id: u32,
}

/// Shows which flow, not whose.
impl fmt::Debug for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowId")
            .field("reg_id", &self.reg_id)
            .finish_non_exhaustive()
    }
}

impl FlowId {
    /// The parameters of a Contact.
    pub(crate) fn params(&self) -> String {
        let Self { instance, reg_id } = self;
        format!(";+sip.instance=\"{instance}\";reg-id={reg_id}")
    }
}

/// Why a REGISTER cannot be served: 400, or 439 (RFC 5626 §11.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreachable(pub u16);

/// What the headers of a REGISTER say of the way.
pub(crate) struct Way {
    /// Path, as it goes into Route; empty for a phone that is reached directly.
    pub route: String,
    /// Whether instance and reg-id of contacts count.
    pub outbound: bool,
}

/// Reads the way.
///
/// # Errors
/// 400 for a Path that is none, or longer than anybody's.
pub(crate) fn way(request: &Message) -> Result<Way, Unreachable> {
    let mut hops = Vec::new();
    for value in request.values(HeaderName::Path) {
        let loose = NameAddr::parse(value).ok().and_then(|hop| hop.uri().ok());
        let loose = loose.filter(|uri| uri.is_sip() && uri.params.get("lr").is_some());
        if loose.is_none() || hops.len() >= MOST_HOPS {
            return Err(Unreachable(400));
        }
        hops.push(lex::trim(value));
    }
    let route = hops.join(", ");
    if route.len() > MAX_PATH {
        return Err(Unreachable(400));
    }
    let mut tags = request.values(HeaderName::Supported);
    let outbound = tags.any(|tag| tag.eq_ignore_ascii_case("outbound"));
    Ok(Way { route, outbound })
}

/// The flow that a contact names. A reg-id without instance is none (RFC 5626 §6), nor is one of a phone
/// that does not speak of outbound.
pub(crate) fn flow_of(contact: &NameAddr<'_>, way: &Way) -> Option<FlowId> {
    let reg_id = contact.params.value("reg-id").and_then(lex::number)?;
    let instance = lex::unquote(contact.params.value("+sip.instance")?);
    let fits =
        |text: &str| !text.is_empty() && text.len() <= MAX_INSTANCE && !text.contains(['"', '\\']);
    let plain = fits(&instance) && !instance.chars().any(char::is_control);
    (way.outbound && reg_id > 0 && plain).then(|| FlowId {
        instance: instance.into_owned(),
        reg_id,
    })
}

/// True if the first proxy that the phone sent to keeps its flow (RFC 5626 §5.1, §6): there is none, or
/// its Path, the last one, says `ob`.
pub(crate) fn first_hop_keeps_flow(request: &Message) -> bool {
    let direct = request.values(HeaderName::Via).nth(1).is_none();
    direct
        || request
            .values(HeaderName::Path)
            .last()
            .and_then(|value| NameAddr::parse(value).ok())
            .and_then(|hop| Uri::parse(hop.uri).ok())
            .is_some_and(|uri| uri.params.get("ob").is_some())
}
