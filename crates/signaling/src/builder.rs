//! Writes messages into one buffer.

use crate::header::HeaderName;
use crate::message::Message;
use crate::phrases;
use crate::via;
use std::net::SocketAddr;

pub use crate::phrases::reason_phrase;

/// A message being written: start line, headers in the order of the calls, body at the end.
///
/// Values cannot break out of their line: CR, LF and NUL are written as spaces.
pub struct Builder<'a> {
    out: Vec<u8>,
    body: &'a [u8],
}

impl<'a> Builder<'a> {
    /// A request. `method` and `uri` are written as they are, but for control characters and
    /// spaces, which are left out.
    #[must_use]
    pub fn request(method: &str, uri: &str) -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend(method.bytes().filter(|b| *b > b' '));
        out.push(b' ');
        out.extend(uri.bytes().filter(|b| *b > b' '));
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out, body: &[] }
    }

    /// A response; an empty `reason` stands for the usual phrase of `status`.
    #[must_use]
    pub fn response(status: u16, reason: &str) -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"SIP/2.0 ");
        out.extend_from_slice(status.to_string().as_bytes());
        out.push(b' ');
        push_value(
            &mut out,
            if reason.is_empty() {
                phrases::reason_phrase(status)
            } else {
                reason
            }
            .as_bytes(),
        );
        out.extend_from_slice(b"\r\n");
        Self { out, body: &[] }
    }

    /// A response to `request` with what §8.2.6.2 asks for: every Via, From, To (with `to_tag` if
    /// it has none yet), Call-ID, CSeq; and Record-Route where a dialog may come of it (§12.1.1).
    /// Via is copied as it is; [`Builder::response_from`] adds the source of the request.
    #[must_use]
    pub fn response_to(request: &Message, status: u16, reason: &str, to_tag: Option<&str>) -> Self {
        let mut reply = Self::response(status, reason);
        for value in request.header_bytes(HeaderName::Via) {
            reply = reply.header_raw("Via", value);
        }
        reply.response_rest(request, status, to_tag)
    }

    /// As [`Builder::response_to`], with `received` and `rport` in the first Via set from `remote`
    /// (RFC 3261 §18.2.1, RFC 3581 §4).
    #[must_use]
    pub fn response_from(
        request: &Message,
        status: u16,
        reason: &str,
        to_tag: Option<&str>,
        remote: SocketAddr,
    ) -> Self {
        let mut reply = Self::response(status, reason);
        if let Some(first) = request.header(HeaderName::Via) {
            reply = reply.header("Via", &via::with_source(first, remote));
        }
        for value in request.header_bytes(HeaderName::Via).skip(1) {
            reply = reply.header_raw("Via", value);
        }
        reply.response_rest(request, status, to_tag)
    }

    fn response_rest(mut self, request: &Message, status: u16, to_tag: Option<&str>) -> Self {
        for value in request.header_bytes(HeaderName::From).take(1) {
            self = self.header_raw("From", value);
        }
        for value in request.header_bytes(HeaderName::To).take(1) {
            self.out.extend_from_slice(b"To: ");
            push_value(&mut self.out, value);
            if let Some(tag) = to_tag.filter(|_| request.to_tag().is_none()) {
                self.out.extend_from_slice(b";tag=");
                push_value(&mut self.out, tag.as_bytes());
            }
            self.out.extend_from_slice(b"\r\n");
        }
        self = self.header("Call-ID", request.call_id());
        self = self.header("CSeq", request.header(HeaderName::CSeq).unwrap_or(""));
        if (101..300).contains(&status) {
            for value in request.header_bytes(HeaderName::RecordRoute) {
                self = self.header_raw("Record-Route", value);
            }
        }
        self
    }

    /// One header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_raw(name, value.as_bytes())
    }

    /// One header whose value need not be UTF-8.
    #[must_use]
    pub fn header_raw(mut self, name: &str, value: &[u8]) -> Self {
        self.out
            .extend(name.bytes().filter(|b| *b > b' ' && *b != b':'));
        self.out.extend_from_slice(b": ");
        push_value(&mut self.out, value);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// One whole header line, `name: value` without its CRLF, as it came from a peer.
    #[must_use]
    pub fn header_verbatim(mut self, line: &[u8]) -> Self {
        push_value(&mut self.out, line);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Every line of `from` with this header, byte for byte, under its long name.
    #[must_use]
    pub fn copy(mut self, from: &Message, name: HeaderName) -> Self {
        for value in from.header_bytes(name) {
            self = self.header_raw(name.as_str(), value);
        }
        self
    }

    /// The body and its Content-Type. A second call replaces the bytes, so call it once.
    #[must_use]
    pub fn body(mut self, content_type: &str, bytes: &'a [u8]) -> Self {
        self.body = bytes;
        self.header("Content-Type", content_type)
    }

    /// The message, with its Content-Length.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"Content-Length: ");
        self.out
            .extend_from_slice(self.body.len().to_string().as_bytes());
        self.out.extend_from_slice(b"\r\n\r\n");
        self.out.extend_from_slice(self.body);
        self.out
    }
}

/// Writes a value that stays on its line.
fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    if value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        out.extend(value.iter().map(|b| {
            if matches!(b, b'\r' | b'\n' | 0) {
                b' '
            } else {
                *b
            }
        }));
    } else {
        out.extend_from_slice(value);
    }
}
