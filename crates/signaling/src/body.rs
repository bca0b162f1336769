//! The session description in a message, alone or as a part of a multipart body (RFC 5621).

use crate::lex::{Params, trim, unquote};
use crate::message::{HeaderName, Message};

const SDP: &str = "application/sdp";

/// What a body is to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    Empty,
    /// It is, or holds, a session description.
    Session,
    /// Something else.
    Foreign,
}

/// What the body of a message is.
#[must_use]
pub fn kind(message: &Message) -> Body {
    if message.body().is_empty() {
        Body::Empty
    } else if sdp(message).is_some() {
        Body::Session
    } else {
        Body::Foreign
    }
}

/// The session description in a message; `None` if there is none.
#[must_use]
pub fn sdp(message: &Message) -> Option<&[u8]> {
    let body = message.body();
    if body.is_empty() {
        return None;
    }
    let kind = message.content_type();
    if kind.eq_ignore_ascii_case(SDP) {
        return Some(body);
    }
    if !kind
        .get(..10)
        .is_some_and(|k| k.eq_ignore_ascii_case("multipart/"))
    {
        return None;
    }
    let value = message.header(HeaderName::ContentType)?;
    let boundary = unquote(Params::new(value.split_once(';')?.1).value("boundary")?);
    part(body, boundary.as_bytes())
}

/// The first part of a multipart body that is a session description (RFC 2046 §5.1).
fn part<'a>(body: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let mut mark = b"--".to_vec();
    mark.extend_from_slice(boundary);
    let mut rest = body.get(find(body, &mark)? + mark.len()..)?;
    loop {
        let end = find(rest, &mark)?;
        let (part, after) = rest.split_at(end);
        if let Some(sdp) = session(part) {
            return Some(sdp);
        }
        rest = after.get(mark.len()..)?;
    }
}

/// The content of one part, if it is a session description.
fn session(part: &[u8]) -> Option<&[u8]> {
    let part = part.strip_prefix(b"\r\n")?;
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(..end)?).ok()?;
    let is_sdp = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| {
            let name = trim(name);
            let kind = trim(value.split(';').next().unwrap_or(""));
            (name.eq_ignore_ascii_case("Content-Type") || name.eq_ignore_ascii_case("c"))
                && kind.eq_ignore_ascii_case(SDP)
        });
    let content = part.get(end + 4..)?;
    // The line end before the boundary belongs to the boundary.
    is_sdp.then(|| content.strip_suffix(b"\r\n").unwrap_or(content))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|w| w == wanted)
}
