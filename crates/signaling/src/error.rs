//! What is wrong with a message that cannot be used, and the answer its sender gets.

use crate::builder::Builder;
use crate::header::HeaderName;
use crate::index::{Line, header_line};
use crate::lex;
use crate::message::Message;
use crate::via::{self, Via};
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

/// Why bytes are not a SIP message. In every case the sender (or a stranger) is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParseError {
    /// No bytes, or only CR and LF: a keep-alive (RFC 5626 §4.4.1).
    Empty,
    /// More than [`Message::MAX_BYTES`].
    TooLarge,
    /// More than [`Message::MAX_HEADERS`] header fields.
    TooManyHeaders,
    /// A CR or LF alone.
    LineEnd,
    /// The empty line after the headers never comes.
    Unterminated,
    /// Not `METHOD URI SIP/2.0` with single spaces.
    StartLine,
    /// A version other than 2.0; answered 505.
    Version,
    /// The Request-URI is malformed or holds headers.
    RequestUri,
    /// A status code outside 100 to 699.
    Status,
    /// A line among the headers that is not `name: value`.
    HeaderLine,
    /// A header that every message needs is not there (RFC 3261 §8.1.1).
    Missing(HeaderName),
    /// A header that may come once came twice.
    Repeated(HeaderName),
    /// A header that is needed cannot be read.
    Malformed(HeaderName),
    /// CSeq names another method than the request (§8.1.1.5).
    MethodMismatch,
    /// Fewer bytes than Content-Length says (§18.3).
    BodyTooShort,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty Message"),
            Self::TooLarge => f.write_str("Message Too Large"),
            Self::TooManyHeaders => f.write_str("Too Many Header Fields"),
            Self::LineEnd => f.write_str("Lone CR Or LF"),
            Self::Unterminated => f.write_str("Headers Not Terminated"),
            Self::StartLine => f.write_str("Malformed Start Line"),
            Self::Version => f.write_str("Version Not Supported"),
            Self::RequestUri => f.write_str("Malformed Request-URI"),
            Self::Status => f.write_str("Malformed Status"),
            Self::HeaderLine => f.write_str("Malformed Header Line"),
            Self::Missing(name) => write!(f, "Missing {name} Header Field"),
            Self::Repeated(name) => write!(f, "Repeated {name} Header Field"),
            Self::Malformed(name) => write!(f, "Malformed {name} Header Field"),
            Self::MethodMismatch => f.write_str("CSeq Method Does Not Match"),
            Self::BodyTooShort => f.write_str("Body Shorter Than Content-Length"),
        }
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    /// The status with which a request is refused: 400, 505 or 513 (RFC 3261 §21.5.7).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::TooLarge => 513,
            _ => 400,
        }
    }

    /// The answer to a request that [`Message::parse`] refused, if its first Via says where to
    /// send it and it has a CSeq; From, To and Call-ID are copied as far as they are there (RFC 4475
    /// §3.3.1 asks for 400 without any of them). `None` for responses, for ACK (never answered)
    /// and for what is not SIP at all.
    ///
    /// `remote` is where the request came from; it goes into `received` and `rport`.
    #[must_use]
    pub fn reply_400(self, bytes: &[u8], remote: SocketAddr) -> Option<Vec<u8>> {
        let bytes = &bytes[..bytes.len().min(Message::MAX_BYTES)];
        let text = substitute(bytes);
        let text = text.trim_start_matches(['\r', '\n']);
        let first = text.lines().next()?;
        let method = first.split(' ').next()?;
        if first.starts_with("SIP/")
            || !lex::is_token(method)
            || method == "ACK"
            || !first.contains("SIP/")
        {
            return None;
        }
        let lines = readable_lines(text);
        let one = |name: HeaderName| {
            lines
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value.as_ref())
        };
        let via = one(HeaderName::Via)?;
        let branch = Via::parse_sent_by(lex::list(via).next()?)
            .ok()?
            .branch
            .unwrap_or("");
        let cseq = one(HeaderName::CSeq)?;
        if !cseq.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut reply = Builder::response(self.status(), &self.to_string())
            .header("Via", &via::with_source(via, remote));
        for (_, value) in lines.iter().filter(|(n, _)| *n == HeaderName::Via).skip(1) {
            reply = reply.header("Via", value);
        }
        let call_id = one(HeaderName::CallId);
        if let Some(from) = one(HeaderName::From) {
            reply = reply.header("From", from);
        }
        if let Some(to) = one(HeaderName::To) {
            let mut to = to.to_owned();
            if !to.to_ascii_lowercase().contains(";tag") {
                let tag = fnv(&[call_id.unwrap_or(""), cseq, branch]);
                to.push_str(&format!(";tag={tag:016x}"));
            }
            reply = reply.header("To", &to);
        }
        if let Some(call_id) = call_id {
            reply = reply.header("Call-ID", call_id);
        }
        Some(reply.header("CSeq", cseq).finish())
    }
}

/// Names and unfolded values of the lines that can be read, up to the empty line.
fn readable_lines(text: &str) -> Vec<(HeaderName, Cow<'_, str>)> {
    let mut lines: Vec<(HeaderName, Cow<'_, str>)> = Vec::new();
    for line in text.lines().skip(1).take(2 * Message::MAX_HEADERS) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = lines.last_mut() {
                let value = value.to_mut();
                value.push(' ');
                value.push_str(lex::trim(line));
            }
        } else if let Some(Line { name, value, .. }) = header_line(line, 0) {
            lines.push((name, Cow::Borrowed(value.text(line))));
        }
    }
    lines
}

/// `bytes` as text of the same length: every byte that is not UTF-8 becomes SUB (U+001A), which
/// is allowed in no token and no URI, so that nothing is mistaken for something else.
pub(crate) fn substitute(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{1a}'));
    }
    Cow::Owned(out)
}

/// FNV-1a: a To tag that stays the same when the request is sent again, without any state.
fn fnv(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|p| p.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}
