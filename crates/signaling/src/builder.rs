//! Writes messages into one buffer.

use crate::field::Field;
use crate::header::HeaderName;
use crate::message::Message;
use crate::phrases;
use crate::push;
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
        push_word(&mut out, method);
        out.push(b' ');
        push_word(&mut out, uri);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out, body: &[] }
    }

    /// A response; an empty `reason` stands for the usual phrase of `status`.
    #[must_use]
    pub fn response(status: u16, reason: &str) -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"SIP/2.0 ");
        push::decimal(&mut out, u64::from(status));
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
            reply = reply.received("Via", value);
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
            reply = reply.received("Via", value);
        }
        reply.response_rest(request, status, to_tag)
    }

    fn response_rest(mut self, request: &Message, status: u16, to_tag: Option<&str>) -> Self {
        for value in request.header_bytes(HeaderName::From).take(1) {
            self = self.received("From", value);
        }
        for value in request.header_bytes(HeaderName::To).take(1) {
            self.out.extend_from_slice(b"To: ");
            push_received(&mut self.out, value);
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
                self = self.received("Record-Route", value);
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
        push_name(&mut self.out, name);
        push_value(&mut self.out, value);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// One header whose value is that of a message that was read.
    fn received(mut self, name: &str, value: &[u8]) -> Self {
        push_name(&mut self.out, name);
        push_received(&mut self.out, value);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// One header whose value `write` writes. It must not write CR, LF or NUL.
    #[must_use]
    pub(crate) fn header_with(mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        push_name(&mut self.out, name);
        write(&mut self.out);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Whole header lines that a builder wrote, each with its CRLF.
    #[must_use]
    pub(crate) fn lines(mut self, lines: &[u8]) -> Self {
        self.out.extend_from_slice(lines);
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

    /// One field of a message that was received, byte for byte: name as written, folds, bytes that
    /// are not UTF-8 (RFC 3261 §16.6 step 2 asks it of whoever hands a message on).
    #[must_use]
    pub fn field(mut self, field: Field<'_>) -> Self {
        self.out.extend_from_slice(field.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Every field of `from` with that name, long or compact, byte for byte and in order.
    #[must_use]
    pub fn forward(self, from: &Message, name: &str) -> Self {
        let fields = from.fields().filter(|field| field.is(name));
        fields.fold(self, Builder::field)
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
        push::decimal(&mut self.out, self.body.len() as u64);
        self.out.extend_from_slice(b"\r\n\r\n");
        self.out.extend_from_slice(self.body);
        self.out
    }
}

/// Writes a method or URI without what may not stand in a start line.
fn push_word(out: &mut Vec<u8>, word: &str) {
    if word.bytes().all(|b| b > b' ') {
        out.extend_from_slice(word.as_bytes());
    } else {
        out.extend(word.bytes().filter(|b| *b > b' '));
    }
}

/// Writes a header's name and colon.
fn push_name(out: &mut Vec<u8>, name: &str) {
    if name.bytes().all(|b| b > b' ' && b != b':') {
        out.extend_from_slice(name.as_bytes());
    } else {
        out.extend(name.bytes().filter(|b| *b > b' ' && *b != b':'));
    }
    out.extend_from_slice(b": ");
}

/// Writes a value as it came (RFC 3261 §8.2.6.2: "MUST equal"), on one line. The NUL that a quoted
/// string may hold (§25.1, quoted-pair) stays.
fn push_received(out: &mut Vec<u8>, value: &[u8]) {
    let ends_line = |b: u8| matches!(b, b'\r' | b'\n');
    if value.iter().fold(false, |found, b| found | ends_line(*b)) {
        out.extend(value.iter().map(|b| if ends_line(*b) { b' ' } else { *b }));
    } else {
        out.extend_from_slice(value);
    }
}

/// Writes a value that stays on its line.
fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    let ends_line = |b: u8| matches!(b, b'\r' | b'\n' | 0);
    // Without a way out before the end this is a few instructions for 32 bytes.
    if value.iter().fold(false, |found, b| found | ends_line(*b)) {
        out.extend(value.iter().map(|b| if ends_line(*b) { b' ' } else { *b }));
    } else {
        out.extend_from_slice(value);
    }
}
