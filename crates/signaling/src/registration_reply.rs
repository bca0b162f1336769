//! What a registrar's answer says of our binding (RFC 3261 §10.2.4, RFC 3581, RFC 3608).

use crate::address::NameAddr;
use crate::dialog;
use crate::lex;
use crate::message::{HeaderName, Message};
use crate::uri::{Uri, bare_address};
use std::net::SocketAddr;
use std::time::Duration;

/// A number of seconds; what is beyond 32 bits is as long as they can say (RFC 3261 §20.19).
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let text = lex::trim(text);
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| Duration::from_secs(u64::from(lex::number(text).unwrap_or(u32::MAX))))
}

/// How long our Contact is bound (§10.2.4): its own `expires`, else the Expires header. `None` if the
/// response says nothing.
pub(crate) fn granted(reply: &Message, asked: Option<SocketAddr>) -> Option<Duration> {
    let all: Vec<NameAddr<'_>> = reply.contacts().flatten().collect();
    let ours = |it: &&NameAddr<'_>| address_of(it.uri) == asked && asked.is_some();
    // Somebody on the way may have written another address; then a single one is ours.
    let alone = || all.first().filter(|_| all.len() == 1);
    let own = all.iter().find(ours).or_else(alone);
    let own = own.and_then(|it| it.params.value("expires"));
    let header = || reply.header(HeaderName::Expires).and_then(seconds);
    own.and_then(seconds).or_else(header)
}

fn address_of(uri: &str) -> Option<SocketAddr> {
    let uri = Uri::parse(uri).ok()?;
    let port = uri.port.unwrap_or(5060);
    Some(SocketAddr::new(bare_address(uri.host)?, port))
}

/// The address that the registrar sees us at (RFC 3581 §4); `None` if it does not say.
pub(crate) fn seen_at(reply: &Message, asked: Option<SocketAddr>) -> Option<SocketAddr> {
    let via = reply.top_via();
    let port = via.rport.flatten();
    let host = via.received.or(port.map(|_| via.host))?;
    let port = port.or(via.port).or(asked.map(|asked| asked.port()))?;
    Some(SocketAddr::new(bare_address(host)?, port))
        .filter(|it| port != 0 && !it.ip().is_unspecified())
}

/// The Route that Service-Route asks for (RFC 3608 §5). One that cannot be followed is left out whole.
pub(crate) fn service_route(reply: &Message) -> Box<str> {
    let hops: Vec<&str> = reply.values(HeaderName::ServiceRoute).collect();
    let loose = |hop: &&str| {
        let uri = NameAddr::parse(hop).map_or("", |hop| hop.uri);
        Uri::parse(uri).is_ok_and(|uri| uri.params.get("lr").is_some())
    };
    // §6: every hop routes loosely.
    match hops.iter().all(loose) {
        true => dialog::join(hops.into_iter()).unwrap_or_default(),
        false => "".into(),
    }
}
