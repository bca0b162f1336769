//! Reading and writing messages with `rsip`.

use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::prelude::HeadersExt;
use rsip::{Header, Headers, Method, Param, Request, Response, SipMessage, StatusCode};
use std::net::SocketAddr;

/// What the phones call themselves.
pub(crate) const USER_AGENT: &str = "meishier-phones";
/// Methods that a phone answers.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO";

/// A random word for tags, branches, Call-IDs and nonces (rsip takes it from a version 4 UUID).
pub(crate) fn token() -> String {
    let tag = rsip::param::Tag::default().to_string();
    tag.trim_start_matches("viska-").replace('-', "")
}

/// A 32-bit random number, for SSRCs.
pub(crate) fn random_u32() -> u32 {
    u32::from_str_radix(&token()[..8], 16).unwrap_or(1)
}

/// A branch parameter with the magic cookie (RFC 3261 §8.1.1.7).
pub(crate) fn branch() -> String {
    format!("z9hG4bK{}", token())
}

/// What every message must carry, read once.
#[derive(Clone, Debug)]
pub(crate) struct Essentials {
    pub call_id: String,
    pub from_tag: String,
    pub to_tag: Option<String>,
    pub cseq: u32,
    pub method: Method,
    pub branch: String,
    pub sent_by: String,
}

impl Essentials {
    /// Reads them; `None` if one is missing or rsip cannot read it.
    pub(crate) fn of(message: &SipMessage) -> Option<Self> {
        let via = message.via_header().ok()?.typed().ok()?;
        let cseq = message.cseq_header().ok()?.typed().ok()?;
        Some(Self {
            call_id: message.call_id_header().ok()?.value().to_owned(),
            from_tag: message.from_header().ok()?.tag().ok()??.to_string(),
            to_tag: message.to_header().ok()?.tag().ok()?.map(|t| t.to_string()),
            cseq: cseq.seq,
            method: cseq.method,
            branch: via.branch()?.to_string(),
            sent_by: via.uri.host_with_port.to_string(),
        })
    }
}

/// The text that goes on the wire.
pub(crate) fn bytes(message: impl Into<SipMessage>) -> Vec<u8> {
    message.into().to_string().into_bytes()
}

/// A header that rsip has no type for.
pub(crate) fn other(name: &str, value: impl Into<String>) -> Header {
    Header::Other(name.to_owned(), value.into())
}

/// `sip:user@address`.
pub(crate) fn uri(user: &str, address: &str) -> rsip::Uri {
    rsip::Uri {
        scheme: Some(rsip::Scheme::Sip),
        auth: (!user.is_empty()).then(|| rsip::Auth {
            user: user.to_owned(),
            password: None,
        }),
        host_with_port: rsip::HostWithPort::try_from(address).unwrap_or_default(),
        ..Default::default()
    }
}

/// The headers of a request up to the body, in the usual order (RFC 3261 §8.1.1).
pub(crate) struct RequestParts<'a> {
    pub method: Method,
    pub uri: rsip::Uri,
    pub local: SocketAddr,
    pub branch: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    pub routes: &'a [String],
}

impl RequestParts<'_> {
    /// The request with `headers` after the usual ones and `sdp` as its body.
    pub(crate) fn build(self, headers: Vec<Header>, sdp: Option<&str>) -> Request {
        let via = rsip::typed::Via {
            version: rsip::Version::V2,
            transport: rsip::Transport::Udp,
            uri: rsip::Uri::from(self.local),
            params: vec![
                Param::Branch(rsip::param::Branch::new(self.branch)),
                Param::Other("rport".into(), None),
            ],
        };
        let mut all: Headers = Headers::default();
        all.push(via.into());
        all.push(rsip::headers::MaxForwards::default().into());
        all.push(rsip::headers::From::new(self.from).into());
        all.push(rsip::headers::To::new(self.to).into());
        all.push(rsip::headers::CallId::new(self.call_id).into());
        all.push(
            rsip::typed::CSeq {
                seq: self.cseq,
                method: self.method,
            }
            .into(),
        );
        for route in self.routes {
            all.push(rsip::headers::Route::new(route).into());
        }
        all.push(rsip::headers::UserAgent::new(USER_AGENT).into());
        all.extend(headers);
        push_body(&mut all, sdp);
        Request {
            method: self.method,
            uri: self.uri,
            version: rsip::Version::V2,
            headers: all,
            body: sdp.unwrap_or_default().as_bytes().to_vec(),
        }
    }
}

fn push_body(headers: &mut Headers, sdp: Option<&str>) {
    if sdp.is_some() {
        headers.push(rsip::headers::ContentType::new("application/sdp").into());
    }
    let length = sdp.map_or(0, str::len).to_string();
    headers.push(rsip::headers::ContentLength::new(length).into());
}

/// A response to `request` that came from `source` (RFC 3261 §8.2.6, RFC 3581 §4).
pub(crate) fn response(
    request: &Request,
    source: SocketAddr,
    status: u16,
    to_tag: Option<&str>,
    more: Vec<Header>,
    sdp: Option<&str>,
) -> Response {
    let mut headers = Headers::default();
    let mut top = true;
    for header in request.headers.iter() {
        match header {
            Header::Via(via) => {
                headers.push(if top {
                    with_source(via, source)
                } else {
                    via.clone().into()
                });
                top = false;
            }
            Header::From(_) | Header::CallId(_) | Header::CSeq(_) => headers.push(header.clone()),
            Header::RecordRoute(_) if (101..300).contains(&status) => headers.push(header.clone()),
            Header::To(to) => headers.push(with_tag(to, to_tag)),
            _ => {}
        }
    }
    headers.push(rsip::headers::UserAgent::new(USER_AGENT).into());
    headers.extend(more);
    push_body(&mut headers, sdp);
    Response {
        status_code: StatusCode::Other(status, reason(status).to_owned()),
        version: rsip::Version::V2,
        headers,
        body: sdp.unwrap_or_default().as_bytes().to_vec(),
    }
}

fn with_source(via: &rsip::headers::Via, source: SocketAddr) -> Header {
    let Ok(mut typed) = via.typed() else {
        return via.clone().into();
    };
    for param in &mut typed.params {
        if matches!(param, Param::Other(name, None) if name.value().eq_ignore_ascii_case("rport")) {
            *param = Param::Other("rport".into(), Some(source.port().to_string().into()));
        }
    }
    typed
        .params
        .push(Param::Received(rsip::param::Received::new(
            source.ip().to_string(),
        )));
    typed.into()
}

fn with_tag(to: &rsip::headers::To, tag: Option<&str>) -> Header {
    match (to.typed(), tag) {
        (Ok(typed), Some(tag)) if typed.tag().is_none() => {
            typed.with_tag(rsip::param::Tag::new(tag)).into()
        }
        _ => to.clone().into(),
    }
}

/// The address of `uri`, port 5060 if it names none; `None` for a domain name.
pub(crate) fn address_of(uri: &rsip::Uri) -> Option<SocketAddr> {
    uri.host_with_port.clone().try_into().ok()
}

/// The URI of the first Contact.
pub(crate) fn contact(message: &impl HeadersExt) -> Option<rsip::Uri> {
    message.contact_header().ok()?.uri().ok()
}

/// All Record-Route entries, top first.
pub(crate) fn record_routes(headers: &Headers) -> Vec<String> {
    let values = headers.iter().filter_map(|h| match h {
        Header::RecordRoute(route) => Some(route.value().to_owned()),
        _ => None,
    });
    values
        .flat_map(|v| {
            v.split(',')
                .map(|r| r.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The phrases of the responses a phone sends (RFC 3261 §21).
fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "As Scripted",
    }
}
