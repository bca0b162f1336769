//! Cheap looks at bytes that nobody has parsed, for choosing the shard that will.
//!
//! Each reads the head once, allocates nothing, and answers `None` rather than guess. A message
//! that these functions read differently from [`crate::message::Message::parse`] would go to the
//! wrong shard, so both take the first Call-ID, long or compact, and skip leading line ends.

use crate::lex::is_lws;
use crate::method::Method;

/// The value of the first Call-ID header (`Call-ID` or `i`), trimmed; folded values too.
#[must_use]
pub fn call_id(bytes: &[u8]) -> Option<&[u8]> {
    header(bytes, b"Call-ID", b'i')
}

/// True if the start line looks like that of a request, false if like that of a response.
#[must_use]
pub fn start_line_is_request(bytes: &[u8]) -> bool {
    let rest = skip_line_ends(bytes);
    !rest.is_empty()
        && !rest
            .get(..4)
            .is_some_and(|p| p.eq_ignore_ascii_case(b"SIP/"))
}

/// The method of a request; `None` for a response and for what has no method.
#[must_use]
pub fn method(bytes: &[u8]) -> Option<Method> {
    if !start_line_is_request(bytes) {
        return None;
    }
    let rest = skip_line_ends(bytes);
    let end = rest.iter().take(64).position(|b| *b == b' ')?;
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    crate::lex::is_token(name).then(|| Method::of(name))
}

/// The user of the URI in the first To header (`To` or `t`), escapes kept; of a `tel:` URI the number.
#[must_use]
pub fn to_user(bytes: &[u8]) -> Option<&[u8]> {
    let value = std::str::from_utf8(header(bytes, b"To", b't')?).ok()?;
    let address = crate::address::NameAddr::parse(value).ok()?;
    let uri = address.uri().ok()?;
    match uri.user {
        Some(user) => Some(user.as_bytes()),
        None if uri.scheme.eq_ignore_ascii_case("tel") => Some(uri.opaque.as_bytes()),
        None => None,
    }
}

fn skip_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|b| !matches!(b, b'\r' | b'\n'))
        .unwrap_or(bytes.len());
    &bytes[start..]
}

/// The value of the first header of this name, with any folds still in it but trimmed at its ends.
fn header<'a>(bytes: &'a [u8], long: &[u8], short: u8) -> Option<&'a [u8]> {
    let mut rest = skip_line_ends(bytes);
    rest = &rest[line_len(rest)..];
    while !rest.is_empty() {
        let len = line_len(rest);
        let line = &rest[..len];
        if matches!(line, b"\r\n" | b"\n") {
            return None;
        }
        if let Some(value) = value_of(line, long, short) {
            let start = len - value.len();
            let mut end = len;
            while matches!(rest.get(end), Some(b' ' | b'\t')) {
                end += line_len(&rest[end..]);
            }
            return Some(trim(&rest[start..end]));
        }
        rest = &rest[len..];
    }
    None
}

/// `text` without the white space that the parser takes off: a form feed is none.
fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_lws(*b));
    let end = text.iter().rposition(|b| !is_lws(*b));
    match (start, end) {
        (Some(start), Some(end)) => text.get(start..=end).unwrap_or(&[]),
        _ => &[],
    }
}

/// Length of the first line of `rest`, its line end included.
fn line_len(rest: &[u8]) -> usize {
    rest.iter()
        .position(|b| *b == b'\n')
        .map_or(rest.len(), |at| at + 1)
}

/// What follows the colon, if the name is this one.
fn value_of<'a>(line: &'a [u8], long: &[u8], short: u8) -> Option<&'a [u8]> {
    let first = line.first()?.to_ascii_lowercase();
    if first != short && first != long.first()?.to_ascii_lowercase() {
        return None;
    }
    let colon = line.iter().position(|b| *b == b':')?;
    let name = trim(&line[..colon]);
    let same = name.eq_ignore_ascii_case(long) || (name.len() == 1 && first == short);
    same.then(|| &line[colon + 1..])
}
