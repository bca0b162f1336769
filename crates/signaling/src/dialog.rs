//! Dialogs (RFC 3261 §12): who speaks with whom, by which route, at which number.

use crate::lex;
use crate::message::{HeaderName, Message, NameAddr};
use crate::uri::Uri;
use crate::write;
use serde::{Deserialize, Serialize};

/// Most bytes of a route set that are kept; longer ones are refused with the request.
const ROUTE_LIMIT: usize = 4 * 1024;

/// One dialog, or what is known of it before it stands.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Dialog {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    /// Empty for peers of RFC 2543 (§12.1.1) and before the dialog stands.
    pub remote_tag: Box<str>,
    /// Our side's From value, with tag.
    pub local: Box<str>,
    /// The peer's To value, with tag once it is known.
    pub remote: Box<str>,
    /// The route set as a Route value, in the order in which we use it; empty if there is none.
    pub route: Box<str>,
    /// The remote target (§12.2.1.1).
    pub target: Box<str>,
    /// Number of our last request.
    pub local_seq: u32,
    /// Number of the peer's last request.
    pub remote_seq: Option<u32>,
}

/// Why no dialog can come of a message. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DialogError {
    /// No Contact, or one that cannot be used (§12.1.1).
    Contact,
    /// A route set that is malformed or beyond the limit.
    Route,
    /// From or To without a URI that can be used.
    Party,
}

impl Dialog {
    /// The dialog of an INVITE that came (§12.1.1): the route set is Record-Route as it stands.
    pub(crate) fn of_request(request: &Message, local_tag: String) -> Result<Self, DialogError> {
        let route = join(request.values(HeaderName::RecordRoute))?;
        let target = target_of(request).ok_or(DialogError::Contact)?;
        let remote_tag = request.from_tag().unwrap_or("");
        Ok(Self {
            call_id: request.call_id().into(),
            local: tagged(uri_of(request.header(HeaderName::To))?, &local_tag),
            remote: tagged(uri_of(request.header(HeaderName::From))?, remote_tag),
            local_tag: local_tag.into(),
            remote_tag: remote_tag.into(),
            route,
            target,
            local_seq: 0,
            remote_seq: Some(request.cseq().0),
        })
    }

    /// The dialog that a 2xx to our INVITE makes (§12.1.2): the route set is Record-Route from the
    /// last to the first. `fallback` is the target if the peer sent no Contact.
    pub(crate) fn of_response(response: &Message, fallback: &str) -> Result<Self, DialogError> {
        let mut hops: Vec<&str> = response.values(HeaderName::RecordRoute).collect();
        hops.reverse();
        let local_tag = response.from_tag().unwrap_or("");
        let remote_tag = response.to_tag().unwrap_or("");
        Ok(Self {
            call_id: response.call_id().into(),
            local: tagged(uri_of(response.header(HeaderName::From))?, local_tag),
            remote: tagged(uri_of(response.header(HeaderName::To))?, remote_tag),
            local_tag: local_tag.into(),
            remote_tag: remote_tag.into(),
            route: join(hops.into_iter())?,
            target: target_of(response).unwrap_or_else(|| fallback.into()),
            local_seq: response.cseq().0,
            remote_seq: None,
        })
    }

    /// True if a request belongs to this dialog (§12.2.2): Call-ID and both tags agree.
    pub(crate) fn owns_request(&self, request: &Message) -> bool {
        request.call_id() == &*self.call_id
            && request.to_tag() == Some(&*self.local_tag)
            && request.from_tag().unwrap_or("") == &*self.remote_tag
    }

    /// Takes the peer's next request number. False if it is not higher than the last (§12.2.2).
    pub(crate) fn take_seq(&mut self, seq: u32) -> bool {
        let in_order = self.remote_seq.is_none_or(|last| seq > last);
        if in_order {
            self.remote_seq = Some(seq);
        }
        in_order
    }

    /// The number of our next request.
    pub(crate) fn next_seq(&mut self) -> u32 {
        self.local_seq = self.local_seq.wrapping_add(1) & 0x7fff_ffff;
        self.local_seq
    }

    /// Target refresh (§12.2.1.2, §12.2.2): the peer's new Contact, if it sent one.
    pub(crate) fn refresh_target(&mut self, target: Option<Box<str>>) {
        if let Some(target) = target {
            self.target = target;
        }
    }

    /// Request-URI and Route value of our next request (§12.2.1.1): loose routing unless the
    /// first hop lacks `lr`, then the strict routing of RFC 2543.
    pub(crate) fn next_hop(&self) -> (String, String) {
        let Some(first) = lex::list(&self.route).next() else {
            return (self.target.to_string(), String::new());
        };
        let uri = NameAddr::parse(first).map_or("", |address| address.uri);
        if Uri::parse(uri).is_ok_and(|uri| uri.params.get("lr").is_some()) {
            return (self.target.to_string(), self.route.to_string());
        }
        let mut rest: Vec<&str> = lex::list(&self.route).skip(1).collect();
        let last = format!("<{}>", self.target);
        rest.push(&last);
        (usable(uri).unwrap_or(uri).to_owned(), rest.join(", "))
    }
}

/// The URI of the Contact of a message, if there is one that can be used.
pub(crate) fn target_of(message: &Message) -> Option<Box<str>> {
    usable(message.contact().ok()?.uri).map(Into::into)
}

/// A URI of the peer's as it may stand in a start line: without headers (§19.1.1, Table 1).
pub(crate) fn usable(uri: &str) -> Option<&str> {
    let uri = uri.split('?').next().unwrap_or("");
    write::is_uri(uri).then_some(uri)
}

/// A Route value of these hops, each checked.
pub(crate) fn join<'a>(hops: impl Iterator<Item = &'a str>) -> Result<Box<str>, DialogError> {
    let mut out = String::new();
    for hop in hops {
        let known = NameAddr::parse(hop).is_ok_and(|hop| usable(hop.uri).is_some());
        if !known || out.len() + hop.len() > ROUTE_LIMIT {
            return Err(DialogError::Route);
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(hop);
    }
    Ok(out.into())
}

/// The URI of a From or To value; the display name is of no use in a dialog.
fn uri_of(value: Option<&str>) -> Result<&str, DialogError> {
    let address = value.and_then(|v| NameAddr::parse(v).ok());
    let uri = address.map_or("", |address| address.uri);
    if write::is_uri(uri) {
        Ok(uri)
    } else {
        Err(DialogError::Party)
    }
}

/// A From or To value with its tag, if there is one.
pub(crate) fn tagged(uri: &str, tag: &str) -> Box<str> {
    if tag.is_empty() {
        ["<", uri, ">"].concat().into()
    } else {
        ["<", uri, ">;tag=", tag].concat().into()
    }
}
