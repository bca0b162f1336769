//! Lexical parts shared by every header: white space, tokens, quoted strings, lists, parameters
//! (RFC 3261 §25.1). Nothing here allocates but [`unquote`] and [`unescape`] where they must.

use std::borrow::Cow;

/// True for the characters of linear white space. CR and LF count, because a value that was
/// taken from a message that nobody unfolded may still hold a fold.
pub(crate) fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `text` without linear white space at its ends.
///
/// By bytes: the pattern search of `str` costs ten times as much on texts as short as these, and
/// this runs hundreds of times a call.
pub(crate) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let start = bytes.iter().position(|b| !is_lws(*b));
    let end = bytes.iter().rposition(|b| !is_lws(*b));
    match (start, end) {
        (Some(start), Some(end)) => text.get(start..=end).unwrap_or(""),
        _ => "",
    }
}

/// Where the first ASCII byte `wanted` stands; for short texts, as [`trim`].
pub(crate) fn find(text: &str, wanted: u8) -> Option<usize> {
    text.bytes().position(|b| b == wanted)
}

/// What stands before and behind the first ASCII byte `wanted`.
pub(crate) fn split_once(text: &str, wanted: u8) -> Option<(&str, &str)> {
    let at = find(text, wanted)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `text` up to the first ASCII byte `wanted`, and the rest with it; the rest is empty without.
pub(crate) fn split_before(text: &str, wanted: u8) -> (&str, &str) {
    text.split_at(find(text, wanted).unwrap_or(text.len()))
}

/// True for one character of `token` (RFC 3261 §25.1).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Which bytes a token may hold; a table, because every header name is checked by it.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = (b as u8).is_ascii_alphanumeric()
            || matches!(
                b as u8,
                b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
            );
        b += 1;
    }
    table
};

/// True for a `token` (RFC 3261 §25.1), which is never empty.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// The index of the first `wanted` that stands outside quoted strings and, if `angles`, outside
/// `<…>`. `Err` if a quoted string or an angle never closes.
pub(crate) fn find_outside(
    text: &str,
    wanted: u8,
    angles: bool,
) -> Result<Option<usize>, Unbalanced> {
    let bytes = text.as_bytes();
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        if b == wanted {
            return Ok(Some(i));
        }
        i += match b {
            b'"' => quoted_len(&bytes[i..]).ok_or(Unbalanced)?,
            b'<' if angles => {
                let end = bytes[i..].iter().position(|b| *b == b'>');
                end.ok_or(Unbalanced)? + 1
            }
            _ => 1,
        };
    }
    Ok(None)
}

/// A quoted string or an angle bracket that is opened and never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unbalanced;

/// Length of the quoted string with which `bytes` begins, both quotes included.
pub(crate) fn quoted_len(bytes: &[u8]) -> Option<usize> {
    let mut i = 1;
    while let Some(&b) = bytes.get(i) {
        match b {
            b'\\' => i += 2,
            b'"' => return Some(i + 1),
            _ => i += 1,
        }
    }
    None
}

/// The elements of a comma list, trimmed; commas within quotes and `<…>` do not count
/// (RFC 3261 §7.3.1). Empty elements are left out. If a quote never closes, the rest is one element.
pub fn list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let item = match find_outside(text, b',', true) {
                Ok(Some(comma)) => {
                    rest = text.get(comma + 1..);
                    &text[..comma]
                }
                _ => {
                    rest = None;
                    text
                }
            };
            let item = trim(item);
            if !item.is_empty() {
                return Some(item);
            }
        }
    })
}

/// Parameters as they stand behind a value: `;name=value;flag`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a>(pub(crate) &'a str);

impl<'a> Params<'a> {
    /// The parameters in `text`, which may begin with `;`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(trim(text))
    }

    /// The text, as it stands in the message.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Name and value of each, in order; values keep their quotes. Empty ones are left out.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let mut rest = Some(self.0);
        std::iter::from_fn(move || {
            loop {
                let text = rest?;
                let item = match find_outside(text, b';', false) {
                    Ok(Some(at)) => {
                        rest = text.get(at + 1..);
                        &text[..at]
                    }
                    _ => {
                        rest = None;
                        text
                    }
                };
                let item = trim(item);
                if item.is_empty() {
                    continue;
                }
                return Some(match split_once(item, b'=') {
                    Some((name, value)) => (trim(name), Some(trim(value))),
                    None => (item, None),
                });
            }
        })
    }

    /// The first parameter of that name, whatever its case: `Some(None)` if it has no value.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Option<&'a str>> {
        self.iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    /// The value of the first parameter of that name.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// Hands each parameter to `visit` in order, malformed ones too. True if every one is `name`
    /// or `name=value` with a token for its name, none is empty, and `visit` said yes to each.
    pub(crate) fn visit(self, mut visit: impl FnMut(&'a str, Option<&'a str>) -> bool) -> bool {
        let Some(rest) = self.0.strip_prefix(';') else {
            return self.0.is_empty();
        };
        let mut rest = Some(rest);
        let mut good = true;
        while let Some(text) = rest {
            let item = match find_outside(text, b';', false) {
                Ok(Some(at)) => {
                    rest = text.get(at + 1..);
                    &text[..at]
                }
                end => {
                    good &= end.is_ok();
                    rest = None;
                    text
                }
            };
            let (name, value) = match item.bytes().position(|b| b == b'=') {
                Some(at) => (trim(&item[..at]), Some(trim(&item[at + 1..]))),
                None => (trim(item), None),
            };
            good &= is_token(name) && value.is_none_or(value_well_formed) && visit(name, value);
        }
        good
    }

    /// True if [`Params::visit`] finds nothing wrong and `once` is not repeated.
    pub(crate) fn well_formed(self, once: &str) -> bool {
        let mut seen = false;
        self.visit(|name, _| {
            let again = name.eq_ignore_ascii_case(once);
            let twice = seen && again;
            seen |= again;
            !twice
        })
    }
}

/// A quoted string, or text without white space, commas, quotes and angles: a list of addresses
/// in a header that holds one must not pass as the value of a parameter.
fn value_well_formed(value: &str) -> bool {
    if value.starts_with('"') {
        return quoted_len(value.as_bytes()) == Some(value.len());
    }
    !value
        .bytes()
        .any(|b| is_lws(b) || matches!(b, b',' | b'<' | b'>' | b'"'))
}

/// A quoted string without its quotes and backslashes; other text as it is.
#[must_use]
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `%HH` resolved (RFC 3261 §19.1.2). What is not a whole escape stays; what is not UTF-8
/// afterwards becomes U+FFFD.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let escape = (b == b'%')
            .then(|| Some(hex_digit(*bytes.get(i + 1)?)? << 4 | hex_digit(*bytes.get(i + 2)?)?));
        if let Some(Some(byte)) = escape {
            out.push(byte);
            i += 3;
        } else {
            out.push(b);
            i += 1;
        }
    }
    Cow::Owned(
        String::from_utf8(out)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
    )
}

/// The value of one hexadecimal digit.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|d| d as u8)
}

/// A number of decimal digits only; `None` if empty, signed or over `u32`.
pub(crate) fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
