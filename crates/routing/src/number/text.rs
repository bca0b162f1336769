//! What was dialled, cut out of the texts in which it comes.

use super::{Called, Number, READ};

/// User part of a SIP URI or digits of a `tel:` one, and the context that its parameters give.
pub(crate) fn user_part(text: &str) -> (&str, Option<&str>) {
    let mut user = text.trim();
    let mut sip = false;
    loop {
        if let Some((rest, is_sip)) = without_scheme(user) {
            (user, sip) = (rest.trim(), is_sip);
        } else if let Some(inner) = in_brackets(user) {
            user = inner.trim();
        } else {
            break;
        }
    }
    let host = split_once(user, b'@').map(|(before, host)| {
        user = before;
        host
    });
    let (head, params) = split_once(user, b';').unwrap_or((user, ""));
    user = if host.is_some() {
        // A password (RFC 3261 §19.1.1) is nobody's number.
        split_once(head, b':').map_or(head, |(user, _)| user)
    } else {
        head
    };
    // `sip:10.0.0.1` has a host and no user; `sip:12356` is meant as a number.
    if sip && host.is_none() && user.contains(['.', '[']) {
        user = "";
    }
    if host.is_some_and(is_anonymous) {
        user = "";
    }
    let context = params.split(';').find_map(|param| {
        let (name, value) = param.split_once('=')?;
        let value = value.trim();
        // A global number (RFC 3966 §5.1.5), or one that lost its plus; a domain names no area.
        let is_number = value.starts_with("+") || value.bytes().all(|b| b.is_ascii_digit());
        let known = value.starts_with(['+', '0']) || value.starts_with("86");
        let is_context = name.trim().eq_ignore_ascii_case("phone-context");
        (is_context && is_number && known).then_some(value)
    });
    (cut(user.trim()), context)
}

/// The URI of a name-addr (RFC 3261 §20.10): what stands between `<` and `>` behind a display name,
/// which may be in quotes.
fn in_brackets(text: &str) -> Option<&str> {
    let mut behind = text;
    if let Some(quoted) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = quoted.bytes().position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        })?;
        behind = quoted.get(end + 1..)?;
    }
    let (_, uri) = split_once(behind, b'<')?;
    Some(split_once(uri, b'>')?.0)
}

/// As the one of `str` does it, which prepares for longer texts than these.
fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let found = text.bytes().position(|b| b == at)?;
    Some((text.get(..found)?, text.get(found + 1..)?))
}

/// RFC 3323 §4.1.1.3, with a port, parameters or headers behind.
fn is_anonymous(host: &str) -> bool {
    const NAME: &str = "anonymous.invalid";
    let (name, rest) = (host.get(..NAME.len()), host.as_bytes().get(NAME.len()));
    name.is_some_and(|name| name.eq_ignore_ascii_case(NAME))
        && rest.is_none_or(|b| b";?>:".contains(b))
}

fn without_scheme(text: &str) -> Option<(&str, bool)> {
    // The longest scheme has four letters.
    let colon = text.bytes().take(5).position(|b| b == b':')?;
    let (scheme, rest) = (text.get(..colon)?, text.get(colon + 1..)?);
    let sip = scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips");
    (sip || scheme.eq_ignore_ascii_case("tel")).then_some((rest, sip))
}

/// At most [`READ`] bytes, whole characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim()
}

/// RFC 3323 §4.1.1.3, and what switches write instead of a number.
pub(super) fn is_withheld(user: &str) -> bool {
    const WORDS: [&str; 10] = [
        "anonymous",
        "unavailable",
        "restricted",
        "unknown",
        "private",
        "withheld",
        "coinline/payphone",
        "匿名",
        "未知",
        "保密",
    ];
    let digit = |b: &u8| b.is_ascii_digit() || *b == b'+';
    !user.as_bytes().first().is_some_and(digit)
        && WORDS.iter().any(|word| user.eq_ignore_ascii_case(word))
}

/// The dialled characters of a number without separators and extension; `None` for a name.
pub(super) fn dialled(user: &str) -> Option<Number> {
    let mut digits = Number::EMPTY;
    // Where the last dash was, in digits.
    let mut dash = None;
    let mut chars = Plain { rest: user };
    loop {
        let before = chars.rest;
        let Some(c) = chars.next() else { break };
        match c {
            '0'..='9' | '*' | '#' => digits.push(c as u8),
            '+' if digits.len == 0 => digits.push(b'+'),
            '-' => dash = Some(digits.len),
            '.' | '(' | ')' | ' ' => {}
            _ if digits.len > 0 && is_extension(before) => break,
            _ => return None,
        }
    }
    if let Some(at) = digits.as_bytes().iter().position(|&b| b == b'#') {
        digits.cut_dialled(at);
    }
    if let Some(at) = dash.filter(|&at| at < digits.len) {
        digits.cut_extension(at);
    }
    Some(digits)
}

impl Number {
    /// What follows a dash is an extension if what stands before is a whole number and both
    /// together are none: `88908001-8012`, but not `0755-88908001`.
    fn cut_extension(&mut self, at: usize) {
        let mut head = Number::EMPTY;
        head.push_all(&self.bytes[..at]);
        let whole = |number: &Number| number.normal().is_subscriber();
        if (1..=6).contains(&(self.len - at)) && whole(&head) && !whole(self) {
            *self = head;
        }
    }

    /// What follows a `#` is an extension that was dialled on, or nothing; before it stands a whole
    /// number, which no service code has there.
    fn cut_dialled(&mut self, at: usize) {
        let (before, tail) = self.as_bytes().split_at(at);
        let mut head = Number::EMPTY;
        head.push_all(before);
        let digits = tail.iter().skip(1).all(u8::is_ascii_digit);
        let normal = head.normal();
        let hotline = tail.len() == 1 && normal.called() != Called::Other;
        if hotline || (digits && tail.len() <= 7 && normal.is_subscriber()) {
            *self = head;
        }
    }
}

/// Characters with full-width forms, odd dashes and spaces, and `%2B` made plain.
struct Plain<'a> {
    rest: &'a str,
}

impl Iterator for Plain<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        // Nearly all there is: a plain character that stands for itself.
        if let Some(&b @ (b'0'..=b'9' | b'+' | b'-' | b' ')) = self.rest.as_bytes().first() {
            self.rest = &self.rest[1..];
            return Some(char::from(b));
        }
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        let escaped = self
            .rest
            .strip_prefix('%')
            .and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok());
        if let Some(b @ (b'+' | b'*' | b'#' | b' ' | b'0'..=b'9')) = escaped {
            self.rest = &self.rest[3..];
            return Some(char::from(b));
        }
        self.rest = chars.as_str();
        Some(match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{a0}' | '\u{3000}' | '\t' => ' ',
            _ => c,
        })
    }
}

/// True if the text is nothing but an extension: `,8012`, `转8012`, `ext. 8012`, `x8012`.
fn is_extension(text: &str) -> bool {
    const MARKS: [&str; 8] = ["ext", "x", "p", ",", "，", "转", "分机", "轉"];
    let mark = MARKS.iter().find_map(|mark| {
        let head = text.get(..mark.len())?;
        head.eq_ignore_ascii_case(mark).then(|| &text[mark.len()..])
    });
    mark.is_some_and(|rest| {
        Plain { rest }.all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | ' ' | '-'))
    })
}
