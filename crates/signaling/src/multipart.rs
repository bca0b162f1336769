//! The parts of a multipart body (RFC 2046 §5.1, RFC 5621): cut at their boundaries, never at what
//! looks like one within a part, with any bytes in them.
//!
//! ```text
//!   --b CRLF  head CRLF CRLF content CRLF  --b CRLF  head CRLF CRLF content CRLF  --b--
//!                                 └─ may be a multipart again, MAX_NESTING deep at most
//! ```

use crate::error::substitute;
use crate::header::HeaderName;
use crate::index::header_line;
use crate::lex::{self, Params, trim, unquote};
use std::borrow::Cow;
use std::fmt;

/// Multiparts within each other at most, the body itself counted.
pub const MAX_NESTING: usize = 4;
/// Parts of one body at most, those of all levels counted.
pub const MAX_PARTS: usize = 32;

/// Why a multipart body cannot be taken apart. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultipartError {
    /// No boundary, one of more than 70 characters, or one that the body does not hold.
    Boundary,
    /// A part without the empty line behind its head.
    Head,
    /// More than [`MAX_NESTING`] levels.
    TooDeep,
    /// More than [`MAX_PARTS`] parts.
    TooMany,
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boundary => "bad multipart boundary",
            Self::Head => "bad head of a body part",
            Self::TooDeep => "multipart nested too deeply",
            Self::TooMany => "too many body parts",
        })
    }
}

impl std::error::Error for MultipartError {}

/// One part that is no multipart itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    head: &'a [u8],
    content: &'a [u8],
}

/// Shows the length only: a location is as personal as a number.
impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({} bytes)", self.content.len())
    }
}

impl<'a> Part<'a> {
    /// Its bytes, as they came.
    #[must_use]
    pub fn content(&self) -> &'a [u8] {
        self.content
    }

    /// The value of the first field of its head with that name, unfolded; compact names count.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = substitute(self.head);
        let known = HeaderName::of(name);
        let mut found: Option<String> = None;
        for line in head.split("\r\n") {
            if line.starts_with([' ', '\t']) {
                if let Some(value) = &mut found {
                    value.push(' ');
                    value.push_str(trim(line));
                }
                continue;
            }
            if found.is_some() {
                break;
            }
            let field = header_line(line, 0);
            found = field
                .filter(|field| match known {
                    HeaderName::Other => field.name_text(line).eq_ignore_ascii_case(name),
                    known => field.name == known,
                })
                .map(|field| field.value.text(line).to_owned());
        }
        found
    }

    /// Its media type with its parameters; `text/plain` if it names none (RFC 2046 §5.1).
    #[must_use]
    pub fn content_type(&self) -> String {
        let named = self.header("Content-Type");
        named.unwrap_or_else(|| "text/plain".to_owned())
    }

    /// True if its bytes are of that media type, such as `application/sdp`, and not encoded.
    #[must_use]
    pub fn is(&self, media: &str) -> bool {
        media_of(&self.content_type()).eq_ignore_ascii_case(media) && !self.is_encoded()
    }

    /// True if the content stands in an encoding that would have to be undone first.
    fn is_encoded(&self) -> bool {
        const PLAIN: [&str; 3] = ["7bit", "8bit", "binary"];
        let transfer = self.header("Content-Transfer-Encoding");
        let transfer =
            transfer.is_some_and(|e| !PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(&e)));
        let content = self.header("Content-Encoding");
        transfer || content.is_some_and(|e| !e.eq_ignore_ascii_case("identity"))
    }

    /// What its sender says of those who do not understand it: `Some(true)` they must refuse the
    /// message, `Some(false)` they may go on; `None` if it says nothing (RFC 3261 §20.11).
    #[must_use]
    pub fn required(&self) -> Option<bool> {
        required(&self.header("Content-Disposition")?)
    }
}

/// The `handling` of a Content-Disposition.
pub(crate) fn required(disposition: &str) -> Option<bool> {
    let params = Params::new(disposition.split_once(';')?.1);
    let handling = unquote(params.value("handling")?);
    Some(!handling.eq_ignore_ascii_case("optional"))
}

/// A media type without its parameters.
pub(crate) fn media_of(content_type: &str) -> &str {
    trim(lex::split_before(content_type, b';').0)
}

/// True for the media type of a body with parts.
#[must_use]
pub fn is_multipart(content_type: &str) -> bool {
    let start = media_of(content_type).get(..10);
    start.is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
}

/// All parts of a body that are no multiparts themselves, in order.
///
/// # Errors
/// [`MultipartError`]: the sender's fault, or more than is read of anybody.
pub fn parts<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, MultipartError> {
    let mut leaves = Vec::new();
    // Multiparts that are not taken apart yet, from the back; no recursion that a peer can drive.
    let mut seen = 0;
    let mut open = vec![(Cow::Borrowed(content_type), body, 1)];
    while let Some((content_type, body, level)) = open.pop() {
        if level > MAX_NESTING {
            return Err(MultipartError::TooDeep);
        }
        let children = children(&boundary_of(&content_type)?, body)?;
        seen += children.len();
        if seen > MAX_PARTS {
            return Err(MultipartError::TooMany);
        }
        for child in children {
            let content_type = child.content_type();
            if is_multipart(&content_type) && !child.is_encoded() {
                open.push((Cow::Owned(content_type), child.content, level + 1));
            } else {
                leaves.push(child);
            }
        }
    }
    leaves.sort_by_key(|part| part.content.as_ptr() as usize);
    Ok(leaves)
}

fn boundary_of(content_type: &str) -> Result<String, MultipartError> {
    let params = content_type
        .split_once(';')
        .map_or("", |(_, params)| params);
    let boundary = Params::new(params).value("boundary").map(unquote);
    boundary
        .filter(|b| !b.is_empty() && b.len() <= 70)
        .map(Cow::into_owned)
        .ok_or(MultipartError::Boundary)
}

/// The parts of one level. What stands before the first boundary and behind the last is left out;
/// where the last boundary is missing, the last part goes on to the end.
fn children<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, MultipartError> {
    let mark = ["--", boundary].concat().into_bytes();
    let first = delimiter(body, &mark, 0).ok_or(MultipartError::Boundary)?;
    let mut all = Vec::new();
    let mut at = first;
    while !at.closes {
        let next = delimiter(body, &mark, at.end);
        let end = next.map_or(body.len(), |next| next.start);
        all.push(part(body.get(at.end..end).unwrap_or(&[]))?);
        if all.len() > MAX_PARTS {
            return Err(MultipartError::TooMany);
        }
        let Some(next) = next else { break };
        at = next;
    }
    Ok(all)
}

/// A line that divides parts.
#[derive(Clone, Copy)]
struct Delimiter {
    /// Where it begins; the line end before it is its own.
    start: usize,
    /// Behind its line end.
    end: usize,
    /// True for the last one, `--boundary--`.
    closes: bool,
}

/// The first whole delimiter line from `from` on, which is the beginning of a line.
fn delimiter(body: &[u8], mark: &[u8], from: usize) -> Option<Delimiter> {
    let mut line = from;
    loop {
        let rest = body.get(line..)?;
        let len = rest.windows(2).position(|w| w == b"\r\n");
        let text = rest.get(..len.unwrap_or(rest.len()))?;
        if let Some(behind) = text.strip_prefix(mark) {
            let (closes, pad) = match behind.strip_prefix(b"--") {
                Some(pad) => (true, pad),
                None => (false, behind),
            };
            // §5.1.1: white space may follow; anything else is another boundary's line, or content.
            if pad.iter().all(|b| matches!(b, b' ' | b'\t')) && (closes || len.is_some()) {
                let own = if line > from { 2 } else { 0 };
                return Some(Delimiter {
                    start: line - own,
                    end: line + text.len() + if len.is_some() { 2 } else { 0 },
                    closes,
                });
            }
        }
        line += len? + 2;
    }
}

/// Head and content of a part. Without fields it begins with the empty line; without content the
/// line end of that belongs to the boundary.
fn part(bytes: &[u8]) -> Result<Part<'_>, MultipartError> {
    if let Some(content) = bytes.strip_prefix(b"\r\n") {
        return Ok(Part { head: &[], content });
    }
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
    let (head, content) = match end {
        Some(end) => (bytes.get(..end), bytes.get(end + 4..)),
        None if bytes.is_empty() => (None, None),
        None => (
            Some(bytes.strip_suffix(b"\r\n").ok_or(MultipartError::Head)?),
            None,
        ),
    };
    Ok(Part {
        head: head.unwrap_or(&[]),
        // Nothing, but in its place: the order of parts is that of their contents.
        content: content.or(bytes.get(bytes.len()..)).unwrap_or(&[]),
    })
}
