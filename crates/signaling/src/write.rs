//! Writing the messages of transactions and dialogs.
//!
//! A request that was sent is all that is needed to write its ACK (RFC 3261 §17.1.1.3) and its
//! CANCEL (§9.1); a [`head`] is all that is needed of a request to answer it later.

use crate::builder::Builder;
use crate::flow::{Flow, Transport};
use crate::message::Message;
use crate::push;

/// The methods that we take, for Allow (RFC 3261 §20.5) wherever it is written.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO, UPDATE, PRACK, REFER";

/// The media types that we take, for Accept (RFC 3261 §20.1, RFC 5621 §3.1) wherever it is written.
pub const ACCEPT: &str = "application/sdp, multipart/mixed";

/// The hops that a request of ours may take (RFC 3261 §8.1.1.6).
pub(crate) const MAX_FORWARDS: &str = "70";

/// Most bytes of headers in a request of which something is kept; one with more is answered 513.
pub(crate) const HEAD_LIMIT: usize = 12 * 1024;

const EMPTY_END: &[u8] = b"Content-Length: 0\r\n\r\n";

/// What a new request says.
pub(crate) struct Request<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub flow: &'a Flow,
    pub branch: &'a str,
    /// Route header value; empty if there is none.
    pub route: &'a str,
    /// From header value, with tag.
    pub from: &'a str,
    /// To header value.
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    /// Max-Forwards (RFC 3261 §20.22).
    pub hops: &'a str,
}

impl Request<'_> {
    /// Start line and the headers that every request has (RFC 3261 §8.1.1); Via asks for `rport`
    /// (RFC 3581 §3).
    pub(crate) fn builder<'b>(&self) -> Builder<'b> {
        let flow = self.flow;
        let mut out = Builder::request(self.method, self.uri)
            .header_with("Via", |out| {
                out.extend_from_slice(b"SIP/2.0/");
                out.extend_from_slice(flow.transport.as_str().as_bytes());
                out.push(b' ');
                push::socket(out, flow.local);
                out.extend_from_slice(b";branch=");
                out.extend_from_slice(self.branch.as_bytes());
                out.extend_from_slice(b";rport");
            })
            .header("Max-Forwards", self.hops);
        if !self.route.is_empty() {
            out = out.header("Route", self.route);
        }
        out.header("From", self.from)
            .header("To", self.to)
            .header("Call-ID", self.call_id)
            .header_with("CSeq", |out| {
                push::decimal(out, u64::from(self.cseq));
                out.push(b' ');
                out.extend_from_slice(self.method.as_bytes());
            })
    }
}

/// Writes a Contact value that leads to us: the flow's local address (RFC 3261 §8.1.1.8). `user`
/// is one that [`contact_user`] let through.
pub(crate) fn contact(out: &mut Vec<u8>, user: &str, flow: &Flow) {
    out.extend_from_slice(b"<sip:");
    if !user.is_empty() {
        out.extend_from_slice(user.as_bytes());
        out.push(b'@');
    }
    push::socket(out, flow.local);
    out.extend_from_slice(match flow.transport {
        Transport::Udp => b">",
        Transport::Tcp => b";transport=tcp>",
        Transport::Tls => b";transport=tls>",
    });
}

/// The header lines of a response to `request`: Via with the source (RFC 3581), From, To with our
/// tag, Call-ID, CSeq, Record-Route (RFC 3261 §8.2.6.2, §12.1.1).
pub(crate) fn head(request: &Message, flow: &Flow, to_tag: &str) -> Vec<u8> {
    let tag = (!has_empty_tag(request)).then_some(to_tag);
    // Any status from 101 to 299 makes the builder copy Record-Route.
    let bytes = Builder::response_from(request, 200, "", tag, flow.remote).finish();
    let start = bytes
        .windows(2)
        .position(|w| w == b"\r\n")
        .map_or(0, |at| at + 2);
    let end = bytes.len().saturating_sub(EMPTY_END.len()).max(start);
    bytes.get(start..end).unwrap_or(&[]).to_vec()
}

/// True if To has a `tag` without a value: neither within a dialog nor outside; answered 400, and
/// no second tag is added to it.
pub(crate) fn has_empty_tag(request: &Message) -> bool {
    request.to_tag().is_none()
        && request
            .to_addr()
            .is_ok_and(|to| to.params.get("tag").is_some())
}

/// A response with a head that [`head`] wrote.
pub(crate) fn response<'a>(head: &[u8], status: u16) -> Builder<'a> {
    Builder::response(status, "").lines(head)
}

/// The ACK of a failure: Request-URI, Via, Route, From, Call-ID and CSeq number of the INVITE, To
/// of the response (RFC 3261 §17.1.1.3).
pub(crate) fn ack_of_failure(invite: &[u8], to: &[u8]) -> Vec<u8> {
    derived(invite, "ACK", Some(to)).finish()
}

/// The CANCEL of an INVITE (RFC 3261 §9.1), with a Reason (RFC 3326) if there is one.
pub(crate) fn cancel(invite: &[u8], reason: Option<&str>) -> Vec<u8> {
    let mut out = derived(invite, "CANCEL", None);
    if let Some(reason) = reason {
        out = out.header("Reason", reason);
    }
    out.finish()
}

/// A request that we wrote, to be sent again with credentials (RFC 3261 §8.1.3.5, §22.2): another
/// branch and number, all else as it was but for credentials that it had.
pub(crate) fn again(request: &[u8], branch: &str, cseq: u32, shown: &[(&str, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(request.len() + 256 * shown.len());
    let mut head = 0;
    for line in lines(request) {
        head += line.len() + 2;
        if line.is_empty() {
            break;
        }
        match line.split(|b| *b == b':').next().unwrap_or(b"") {
            b"Via" => {
                let end = line.iter().position(|b| *b == b';').unwrap_or(line.len());
                out.extend_from_slice(line.get(..end).unwrap_or(line));
                out.extend_from_slice(b";branch=");
                out.extend_from_slice(branch.as_bytes());
                out.extend_from_slice(b";rport");
            }
            b"CSeq" => {
                let method = line.rsplit(|b| *b == b' ').next().unwrap_or(b"");
                out.extend_from_slice(b"CSeq: ");
                push::decimal(&mut out, u64::from(cseq));
                out.push(b' ');
                out.extend_from_slice(method);
                for (name, value) in shown {
                    out.extend_from_slice(b"\r\n");
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(b": ");
                    out.extend_from_slice(value.as_bytes());
                }
            }
            b"Authorization" | b"Proxy-Authorization" => continue,
            _ => out.extend_from_slice(line),
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(request.get(head..).unwrap_or(&[]));
    out
}

/// Method, Request-URI and CSeq number of a request that we wrote.
pub(crate) fn start_of(request: &[u8]) -> (&str, &str, u32) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or("");
    let mut all = lines(request);
    let mut words = text(all.next().unwrap_or(b"")).split(' ');
    let (method, uri) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let cseq = all.find_map(|line| line.strip_prefix(b"CSeq: "));
    let cseq = text(cseq.unwrap_or(b"")).split(' ').next();
    (method, uri, cseq.and_then(crate::lex::number).unwrap_or(0))
}

/// The credentials in a request that we wrote: its ACK shows them too (RFC 3261 §22.1).
pub(crate) fn credentials(request: &[u8]) -> Vec<(&str, &str)> {
    let lines = lines(request).take_while(|line| !line.is_empty());
    let fields = lines.filter_map(|line| std::str::from_utf8(line).ok()?.split_once(": "));
    fields
        .filter(|(name, _)| matches!(*name, "Authorization" | "Proxy-Authorization"))
        .collect()
}

/// A request that repeats the routing and dialog headers of one that we wrote.
fn derived<'a>(request: &[u8], method: &str, to: Option<&[u8]>) -> Builder<'a> {
    let mut all = lines(request);
    let uri = all
        .next()
        .and_then(|line| line.split(|b| *b == b' ').nth(1))
        .unwrap_or(b"");
    let mut out = Builder::request(method, &String::from_utf8_lossy(uri));
    for line in all.take_while(|line| !line.is_empty()) {
        let name = line.split(|b| *b == b':').next().unwrap_or(b"");
        match name {
            b"Via" | b"Max-Forwards" | b"Route" | b"From" | b"Call-ID" => {
                out = out.header_verbatim(line)
            }
            b"To" => {
                out = match to {
                    Some(to) => out.header_raw("To", to),
                    None => out.header_verbatim(line),
                }
            }
            b"CSeq" => {
                let number = line.split(|b| *b == b' ').nth(1).unwrap_or(b"");
                out = out.header(
                    "CSeq",
                    &format!("{} {method}", String::from_utf8_lossy(number)),
                );
            }
            _ => {}
        }
    }
    out
}

/// The lines of a head, without their line ends. The empty line comes as an empty slice.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .windows(2)
            .position(|w| w == b"\r\n")
            .unwrap_or(rest.len());
        let line = rest.get(..end)?;
        rest = rest.get(end + 2..).unwrap_or(&[]);
        Some(line)
    })
}

/// True for a text that may stand in angle brackets as a URI.
pub(crate) fn is_uri(text: &str) -> bool {
    text.len() <= 1024 && crate::uri::Uri::parse(text).is_ok()
}

/// A URI that [`is_uri`], without the headers behind `?` (RFC 3261 §19.1.1 has none in a
/// Request-URI).
pub(crate) fn without_headers(text: &str) -> &str {
    let headers = crate::uri::Uri::parse(text).map_or(0, |uri| uri.headers.len());
    let end = text.len().saturating_sub(headers);
    let text = text.get(..end).unwrap_or(text);
    text.strip_suffix('?').unwrap_or(text)
}

/// The From or To value of a party: `"display" <uri>`.
pub(crate) fn party(display: Option<&str>, uri: &str) -> String {
    let Some(display) = display.filter(|d| !d.is_empty()) else {
        return ["<", uri, ">"].concat();
    };
    let mut out = String::with_capacity(display.len() + uri.len() + 8);
    out.push('"');
    for c in display.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push_str("\" <");
    out.push_str(uri);
    out.push('>');
    out
}

/// The user part of a Contact of ours: `user` if it may stand there as it is, else empty.
pub(crate) fn contact_user(user: &str) -> &str {
    let fits = user.len() <= 64
        && user
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%".contains(&b));
    if fits { user } else { "" }
}
