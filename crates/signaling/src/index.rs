//! Where the parts of a message stand: one pass over the text that notes offsets and copies nothing.

use crate::error::ParseError;
use crate::header::HeaderName;
use crate::lex::{self, is_token};
use crate::method::Method;
use crate::uri::Uri;

/// A stretch of the message. 16 bits are enough, because a message has at most 65,535 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: u16,
    pub end: u16,
}

impl Span {
    pub(crate) fn of(start: usize, end: usize) -> Self {
        // The message is at most `Message::MAX_BYTES` long, so neither is ever cut.
        Self {
            start: start as u16,
            end: end as u16,
        }
    }

    pub(crate) fn text(self, text: &str) -> &str {
        text.get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or("")
    }

    /// As [`Span::text`]; `None` if it is empty.
    pub(crate) fn some(self, text: &str) -> Option<&str> {
        (self.start < self.end).then(|| self.text(text))
    }

    /// Where `part`, a piece of this span's text `whole`, stands.
    pub(crate) fn part(self, whole: &str, part: &str) -> Self {
        let before = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        let start = usize::from(self.start) + before;
        Self::of(start, start + part.len())
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or(&[])
    }
}

/// One header field: its name and its value, without the white space around either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub name: HeaderName,
    pub name_len: u8,
    pub name_start: u16,
    pub value: Span,
}

impl Line {
    pub(crate) fn name_text(self, text: &str) -> &str {
        let start = usize::from(self.name_start);
        text.get(start..start + usize::from(self.name_len))
            .unwrap_or("")
    }
}

/// The first line of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    Request {
        method: Method,
        name: Span,
        uri: Span,
    },
    Response {
        status: u16,
        reason: Span,
    },
}

/// Everything up to the empty line.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub start: Start,
    pub lines: Vec<Line>,
    /// Where the body begins.
    pub body: usize,
    /// True if a value runs over more than one line.
    pub folded: bool,
}

/// Header fields that an ordinary INVITE has at most; room for these is taken at once, so that
/// the index is one allocation.
const USUAL_LINES: usize = 40;

/// Indexes `text`, which begins with the start line.
pub(crate) fn head(text: &str, max_lines: usize) -> Result<Head, ParseError> {
    let (first, mut at) = next_line(text, 0)?.ok_or(ParseError::Unterminated)?;
    let start = start_line(first)?;
    let mut lines: Vec<Line> = Vec::with_capacity(USUAL_LINES.min(max_lines));
    let mut folded = false;
    loop {
        let (line, next) = next_line(text, at)?.ok_or(ParseError::Unterminated)?;
        if line.is_empty() {
            return Ok(Head {
                start,
                lines,
                body: next,
                folded,
            });
        }
        if line.starts_with([' ', '\t']) {
            // A fold: the value before it goes on (§7.3.1).
            let last = lines.last_mut().ok_or(ParseError::HeaderLine)?;
            let end = at + line.trim_end_matches([' ', '\t']).len();
            if last.value.start == last.value.end {
                let begin = at + (line.len() - line.trim_start_matches([' ', '\t']).len());
                last.value = Span::of(begin.min(end), end);
            } else if end > at {
                last.value.end = end as u16;
            }
            folded = true;
        } else {
            if lines.len() == max_lines {
                return Err(ParseError::TooManyHeaders);
            }
            lines.push(header_line(line, at).ok_or(ParseError::HeaderLine)?);
        }
        at = next;
    }
}

/// The line at `at` without its CRLF, and where the next begins; `None` if none ends there.
/// A CR or LF that stands alone is refused: readers disagree on whether it ends a line.
fn next_line(text: &str, at: usize) -> Result<Option<(&str, usize)>, ParseError> {
    let bytes = text.as_bytes();
    let Some(end) = line_end(bytes, at) else {
        return Ok(None);
    };
    match bytes.get(end..end + 2) {
        Some(b"\r\n") => Ok(text.get(at..end).map(|line| (line, end + 2))),
        None if bytes.get(end) == Some(&b'\r') => Ok(None),
        _ => Err(ParseError::LineEnd),
    }
}

/// Where the first CR or LF from `at` on stands. Eight bytes at a time, because this is the one
/// search that sees every byte of every message.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // Nonzero if a byte of `word` is `byte`; may say so wrongly only behind a byte that is.
    let holds = |word: u64, byte: u8| {
        let x = word ^ (ONES * u64::from(byte));
        x.wrapping_sub(ONES) & !x & HIGHS
    };
    let mut i = at;
    while let Some(chunk) = bytes.get(i..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let found = holds(word, b'\r') | holds(word, b'\n');
        if found != 0 {
            return Some(i + found.trailing_zeros() as usize / 8);
        }
        i += 8;
    }
    let rest = bytes.get(i..)?;
    rest.iter()
        .position(|b| matches!(b, b'\r' | b'\n'))
        .map(|found| i + found)
}

/// `name : value`.
pub(crate) fn header_line(line: &str, at: usize) -> Option<Line> {
    let bytes = line.as_bytes();
    let colon = lex::find(line, b':')?;
    let mut name_len = colon;
    while name_len > 0 && matches!(bytes[name_len - 1], b' ' | b'\t') {
        name_len -= 1;
    }
    let name = HeaderName::of(&line[..name_len]);
    // A name that is known is a token.
    if name == HeaderName::Other && !is_token(&line[..name_len]) {
        return None;
    }
    let mut start = colon + 1;
    while matches!(bytes.get(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    let mut end = bytes.len();
    while end > start && matches!(bytes[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    Some(Line {
        name,
        name_len: u8::try_from(name_len).ok()?,
        name_start: at as u16,
        value: Span::of(at + start, at + end),
    })
}

/// Request-Line or Status-Line (§7.1, §7.2): single spaces, nothing before or behind.
fn start_line(line: &str) -> Result<Start, ParseError> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        // Peers that leave the reason out often leave its space out too.
        let (code, reason_at) = rest
            .find(' ')
            .map_or((rest, line.len()), |at| (&rest[..at], 8 + at + 1));
        let status = lex::number(code).filter(|n| code.len() == 3 && (100..700).contains(n));
        let status = status.ok_or(ParseError::Status)? as u16;
        return Ok(Start::Response {
            status,
            reason: Span::of(reason_at, line.len()),
        });
    }
    if line.starts_with("SIP/") {
        return Err(ParseError::Version);
    }
    let mut parts = line.split(' ');
    let (Some(method), Some(uri), Some(version)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(ParseError::StartLine);
    };
    if !is_token(method) || parts.next().is_some() || uri.is_empty() {
        return Err(ParseError::StartLine);
    }
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        let other = version
            .get(..4)
            .is_some_and(|v| v.eq_ignore_ascii_case("SIP/"));
        return Err(if other {
            ParseError::Version
        } else {
            ParseError::StartLine
        });
    }
    // URI headers are not allowed in a Request-URI (§19.1.1, table 1).
    match Uri::parse(uri) {
        Ok(parsed) if parsed.headers.is_empty() => {}
        _ => return Err(ParseError::RequestUri),
    }
    let uri_at = method.len() + 1;
    Ok(Start::Request {
        method: Method::of(method),
        name: Span::of(0, method.len()),
        uri: Span::of(uri_at, uri_at + uri.len()),
    })
}
