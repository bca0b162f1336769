//! What the body of a message holds: the session description, and beside it, in a multipart body
//! (RFC 5621), where the caller is (RFC 6442) or what only others understand.

use crate::message::{HeaderName, Message};
pub use crate::multipart::{MAX_NESTING, MAX_PARTS, MultipartError, Part};
use crate::multipart::{is_multipart, media_of, required};

pub(crate) const SDP: &str = "application/sdp";
const PIDF: &str = "application/pidf+xml";

/// What a body is to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none, or none that its sender wants understood.
    Empty,
    /// It is, or holds, a session description.
    Session,
    /// Something else, or a session description beside what its sender wants understood as well.
    Foreign,
    /// Parts that cannot be taken apart.
    Malformed(MultipartError),
}

/// What the body of a message is.
#[must_use]
pub fn kind(message: &Message) -> Body {
    if message.body().is_empty() {
        return Body::Empty;
    }
    if !is_multipart(message.content_type()) {
        let disposition = message.header(HeaderName::ContentDisposition);
        return match disposition.and_then(required) {
            _ if is_session(message) => Body::Session,
            Some(false) => Body::Empty,
            _ => Body::Foreign,
        };
    }
    let parts = match parts(message) {
        Ok(parts) => parts,
        Err(error) => return Body::Malformed(error),
    };
    let understood = |part: &Part<'_>| part.is(SDP) || part.is(PIDF);
    // RFC 3261 §20.11 makes handling "required" where nothing is said. Carriers put descriptions
    // of their own beside the session and say nothing: only what is said is taken at its word.
    if parts
        .iter()
        .any(|part| part.required() == Some(true) && !understood(part))
    {
        Body::Foreign
    } else if parts.iter().any(|part| part.is(SDP)) {
        Body::Session
    } else if parts
        .iter()
        .all(|part| part.required() == Some(false) || part.is(PIDF))
    {
        Body::Empty
    } else {
        Body::Foreign
    }
}

/// The parts of a multipart body, those within each other too, in order; nothing if the body is
/// no multipart.
///
/// # Errors
/// [`MultipartError`]: the sender's fault, or more than [`MAX_PARTS`] or [`MAX_NESTING`].
pub fn parts(message: &Message) -> Result<Vec<Part<'_>>, MultipartError> {
    let content_type = message.header(HeaderName::ContentType).unwrap_or("");
    if !is_multipart(content_type) {
        return Ok(Vec::new());
    }
    crate::multipart::parts(content_type, message.body())
}

/// The session description in a message; `None` if there is none.
#[must_use]
pub fn sdp(message: &Message) -> Option<&[u8]> {
    if is_session(message) {
        return Some(message.body());
    }
    first(message, SDP)
}

/// Where the caller says it is, as a PIDF-LO document (RFC 4119); `None` if it does not say.
#[must_use]
pub fn location(message: &Message) -> Option<&[u8]> {
    if media_of(message.content_type()).eq_ignore_ascii_case(PIDF) && !message.body().is_empty() {
        return Some(message.body());
    }
    first(message, PIDF)
}

fn is_session(message: &Message) -> bool {
    !message.body().is_empty() && message.content_type().eq_ignore_ascii_case(SDP)
}

fn first<'a>(message: &'a Message, media: &str) -> Option<&'a [u8]> {
    let parts = parts(message).ok()?;
    let part = parts.iter().find(|part| part.is(media))?;
    Some(part.content())
}
