//! One form for a number however it was dialled.
//!
//! ```text
//!   text ─► user part ─► dialled characters ─► country code ─► area code ─► Number, Kind
//!           sip:…@host    ０→0, no - . ( )      +86 0086 86     0 back or     by its digits
//!           ;context      no extension          0085… → +…      off a mobile
//! ```

use std::fmt;

/// Longest number kept, in bytes: a DialString and the 0 before it.
const MAX: usize = 72;

/// Most characters of a text that are looked at; the rest of a longer one falls away.
const READ: usize = MAX - 1;

/// The digits of the hotline.
const HOTLINE: &str = "12356";

/// A number in the form that routes compare: digits with the domestic `0` before an area code,
/// or a SIP user name as it came.
///
/// `Debug` shows its kind alone, so that no number slips into a log.
#[derive(Clone, Copy)]
pub struct Number {
    bytes: [u8; MAX],
    len: usize,
}

/// What sort of number it is, by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nobody says who calls, or nothing was dialled.
    Withheld,
    /// A mobile number of mainland China: eleven digits, `13…` to `19…`.
    Mobile,
    /// An area code and a number in it, a short number among them (`0851110`).
    Landline {
        /// Length of the area code with its 0: 3 (`010`, `02x`) or 4.
        code: u8,
    },
    /// A subscriber's seven or eight digits without an area code.
    Local,
    /// Dialled without an area code everywhere: `110`, `12356`, `96xxx`, `400…`, or a switchboard's
    /// own extension of at most six digits.
    Short,
    /// Another country's or region's, with `+` (`+852…`).
    Foreign,
    /// A SIP user name.
    Name,
    /// Digits that fit no numbering plan, service codes (`*99#`).
    Other,
}

/// What was dialled, as far as its form tells. Old hotline numbers are of a table, not of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Called<'a> {
    /// `12356`: the hotline of where the caller is.
    Hotline,
    /// Area code (with its 0) and `12356`: the hotline of that area.
    HotlineOf(&'a str),
    /// Another number, or none.
    Other,
}

impl Number {
    /// Brings `text` into that form without allocating.
    ///
    /// `sip:`, `tel:`, what follows `@` or `;`, visual separators (RFC 3966 §5.1.1), extensions,
    /// `+86`, `0086` and a `86` that nothing else can mean fall away; a national number gets its
    /// `0` back (`+8685412356` is `085412356`), short numbers and mobile numbers have none
    /// (`+8612356` is `12356`, `0133…` is `133…`). Full-width characters count as plain ones. A
    /// `phone-context` with an area code (RFC 3966 §5.1.5) makes a local number national. What
    /// says that the number is withheld becomes the empty number (RFC 3323 §4.1.1.3).
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::in_area(text, None)
    }

    /// As [`Self::new`], but a local number belongs to `area_code` (with or without its `0`), such
    /// as that of the trunk over which it comes. A `phone-context` goes before it; what is no area
    /// code is ignored.
    #[must_use]
    pub fn in_area(text: &str, area_code: Option<&str>) -> Self {
        // Nearly every number is digits already cut out, which need no search for anything else.
        let (digits, context) = match Self::plain(text) {
            Some(digits) => (digits, None),
            None => {
                let (user, context) = user_part(text);
                if is_withheld(user) {
                    return Self::EMPTY;
                }
                match Self::plain(user).or_else(|| dialled(user)) {
                    Some(digits) => (digits, context),
                    None => return Self::name(user),
                }
            }
        };
        let mut number = digits.normal();
        if matches!(number.len, 7 | 8) && number.kind() == Kind::Local {
            let mut areas = [context, area_code].into_iter().flatten();
            areas.any(|area| number.give_area(area));
        }
        number
    }

    /// The dialled characters of a text that is digits alone, perhaps after a `+`.
    fn plain(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digits = bytes.strip_prefix(b"+").unwrap_or(bytes);
        let fits = bytes.len() <= READ && digits.iter().all(u8::is_ascii_digit);
        fits.then(|| {
            let mut number = Self::EMPTY;
            number.push_all(bytes);
            number
        })
    }

    const EMPTY: Self = Self {
        bytes: [0; MAX],
        len: 0,
    };

    /// The form, empty if nothing was dialled.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The form as text. Personal data: not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only whole characters are ever pushed.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// What sort of number it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        kind_of(self.as_bytes())
    }

    /// Which form of the hotline's number was dialled, if any.
    #[must_use]
    pub fn called(&self) -> Called<'_> {
        match self.as_bytes().strip_suffix(HOTLINE.as_bytes()) {
            Some(b"") => Called::Hotline,
            Some(area) if area_len(self.as_bytes()) == Some(area.len()) => {
                // An area code is digits.
                str::from_utf8(area).map_or(Called::Other, Called::HotlineOf)
            }
            _ => Called::Other,
        }
    }

    /// True if both are the same line: one of them may lack its area code.
    #[must_use]
    pub fn same_line(&self, other: &Number) -> bool {
        let ends = |long: &Number, short: &Number| {
            matches!(long.kind(), Kind::Landline { code }
                if short.kind() == Kind::Local
                    && long.as_bytes().get(usize::from(code)..) == Some(short.as_bytes()))
        };
        self.len > 0
            && (self.as_bytes() == other.as_bytes() || ends(self, other) || ends(other, self))
    }

    fn name(user: &str) -> Self {
        let mut name = Self::EMPTY;
        name.push_all(user.as_bytes());
        name
    }

    /// The form of dialled characters: country and mobile prefixes off, the area code's 0 on.
    #[inline]
    fn normal(&self) -> Self {
        match self.as_bytes().first() {
            // Neither a country code nor a 0 stands before these.
            Some(b'1'..=b'7' | b'9') => *self,
            _ => self.without_prefixes(),
        }
    }

    fn without_prefixes(&self) -> Self {
        let all = self.as_bytes();
        let digits = all.strip_prefix(b"+").unwrap_or(all);
        if !digits.iter().all(u8::is_ascii_digit) {
            return *self;
        }
        let zeros = digits.iter().take_while(|&&b| b == b'0').count();
        let rest = &digits[zeros..];
        let abroad = zeros >= 2 || (zeros == 0 && digits.len() < all.len());
        let mut out = Self::EMPTY;
        let mut national = match zeros {
            1 => None,
            _ => strip_country(rest, abroad),
        };
        // A country code twice, in what is too long to be a national number.
        while let Some(inner) = national
            .filter(|rest| !is_national(rest))
            .and_then(|rest| strip_country(rest, false))
        {
            national = Some(inner);
        }
        match national {
            Some(national) => out.push_national(national),
            None if abroad && !rest.is_empty() => {
                out.push(b'+');
                out.push_all(rest);
            }
            None if abroad => {}
            None => {
                out.push_all(&digits[..zeros]);
                out.push_all(rest);
            }
        }
        out.drop_mobile_zero();
        out
    }

    /// A number that a country code preceded.
    fn push_national(&mut self, national: &[u8]) {
        if is_national(national) {
            self.push(b'0');
        }
        self.push_all(national);
    }

    /// `013…` with eleven digits after the 0 is a mobile number dialled as a trunk call; `010…` is Beijing.
    fn drop_mobile_zero(&mut self) {
        if self.len == 12 && self.bytes[0] == b'0' && is_mobile(&self.bytes[1..12]) {
            self.bytes.copy_within(1..12, 0);
            self.len = 11;
        }
    }

    /// Puts an area code before a local number; true if `area` is one. A context may name another
    /// country's.
    fn give_area(&mut self, area: &str) -> bool {
        let local = *self;
        let context = Self::name(area).without_separators();
        let digits = context.as_bytes();
        let china = digits
            .strip_prefix(b"+86")
            .or_else(|| digits.strip_prefix(b"0086"));
        let mut given = Self::EMPTY;
        if let (None, Some(country)) = (china, digits.strip_prefix(b"+")) {
            let is_code = country.iter().all(u8::is_ascii_digit) && country.first() > Some(&b'0');
            if is_code && country.len() <= 7 {
                given.push_all(digits);
                given.push_all(local.as_bytes());
                *self = given.normal();
                return true;
            }
            return false;
        }
        let code = china.unwrap_or(digits);
        given.push(b'0');
        given.push_all(code.strip_prefix(b"0").unwrap_or(code));
        let is_code = given.as_bytes().iter().all(u8::is_ascii_digit);
        if is_code && area_len(given.as_bytes()) == Some(given.len) {
            given.push_all(local.as_bytes());
            *self = given;
            return true;
        }
        false
    }

    fn without_separators(&self) -> Self {
        let mut out = Self::EMPTY;
        let kept = self.as_bytes().iter().filter(|b| !b"-.() ".contains(b));
        kept.for_each(|&b| out.push(b));
        out
    }

    fn push(&mut self, b: u8) {
        // Texts are cut to READ before, so nothing that was dialled is lost here.
        if self.len < MAX {
            self.bytes[self.len] = b;
            self.len += 1;
        }
    }

    fn push_all(&mut self, bytes: &[u8]) {
        let end = MAX.min(self.len + bytes.len());
        let room = &mut self.bytes[self.len..end];
        room.copy_from_slice(&bytes[..room.len()]);
        self.len = end;
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({:?})", self.kind())
    }
}

/// User part of a SIP URI or digits of a `tel:` one, and the context that its parameters give.
pub(crate) fn user_part(text: &str) -> (&str, Option<&str>) {
    let mut user = text.trim();
    let mut sip = false;
    while let Some((rest, is_sip)) = without_scheme(user) {
        (user, sip) = (rest.trim(), is_sip);
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
        let is_global = name.trim().eq_ignore_ascii_case("phone-context");
        (is_global && value.trim().starts_with('+')).then(|| value.trim())
    });
    (cut(user.trim()), context)
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
fn is_withheld(user: &str) -> bool {
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
fn dialled(user: &str) -> Option<Number> {
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
            _ if digits.len > 0 && is_extension(before) => return Some(digits),
            _ => return None,
        }
    }
    if let Some(at) = dash {
        digits.cut_extension(at);
    }
    Some(digits)
}

impl Number {
    /// What follows a dash is an extension if what stands before is a whole number and both
    /// together are none: `88908001-8012`, but not `0755-88908001`.
    fn cut_extension(&mut self, at: usize) {
        let whole = |number: &Number| {
            let normal = number.normal();
            match normal.kind() {
                Kind::Mobile | Kind::Local => true,
                Kind::Landline { code } => normal.len >= usize::from(code) + 7,
                _ => false,
            }
        };
        let mut head = Number::EMPTY;
        head.push_all(&self.bytes[..at]);
        if (1..=6).contains(&(self.len - at)) && whole(&head) && !whole(self) {
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

/// What follows China's country code in digits without leading zeros. `abroad`: an international
/// prefix stood before. Without one, `86` is the country code only if the rest is as long as no
/// local number can be.
fn strip_country(digits: &[u8], abroad: bool) -> Option<&[u8]> {
    let rest = digits.strip_prefix(b"86")?;
    let zeros = rest.iter().take_while(|&&b| b == b'0').count();
    let rest = &rest[zeros..];
    let hotline = rest.len() > HOTLINE.len() && rest.ends_with(HOTLINE.as_bytes());
    let long = matches!(rest.len(), 10..=11) && is_plausible(rest);
    (abroad || long || (hotline && matches!(rest.len(), 7..=8) && is_plausible(rest)))
        .then_some(rest)
}

/// True for digits that may follow `86`: a mobile number, or an area code without its 0.
fn is_plausible(rest: &[u8]) -> bool {
    is_mobile(rest) || rest.starts_with(b"10") || matches!(rest.first(), Some(b'2'..=b'9'))
}

/// True for a national number without its 0: neither a short number, nor a mobile one.
fn is_national(rest: &[u8]) -> bool {
    let starts = match rest.first() {
        Some(b'1') => rest.starts_with(b"10") && rest.len() <= 10,
        Some(b'2'..=b'9') => !is_service(rest),
        _ => false,
    };
    starts && (7..=13).contains(&rest.len())
}

fn is_mobile(digits: &[u8]) -> bool {
    digits.len() == 11 && digits[0] == b'1' && digits[1] >= b'3'
}

/// 400 and 800 numbers, reached from everywhere.
fn is_service(digits: &[u8]) -> bool {
    digits.len() == 10 && (digits.starts_with(b"400") || digits.starts_with(b"800"))
}

/// Length of the area code that a national number begins with, by its first digits.
fn area_len(digits: &[u8]) -> Option<usize> {
    let len = match digits.get(..2)? {
        b"01" if digits.get(2) == Some(&b'0') => 3,
        b"02" => 3,
        [b'0', b'3'..=b'9'] => 4,
        _ => return None,
    };
    (digits.len() >= len).then_some(len)
}

fn kind_of(form: &[u8]) -> Kind {
    let digits = form.strip_prefix(b"+").unwrap_or(form);
    if form.is_empty() {
        Kind::Withheld
    } else if !digits.iter().all(u8::is_ascii_digit) {
        let service = form
            .iter()
            .all(|b| b.is_ascii_digit() || b"+*#".contains(b));
        if service { Kind::Other } else { Kind::Name }
    } else if digits.len() < form.len() {
        Kind::Foreign
    } else if let Some(code @ (3 | 4)) = area_len(form) {
        match form.len() - code {
            3..=8 => Kind::Landline { code: code as u8 },
            _ => Kind::Other,
        }
    } else if is_mobile(form) {
        Kind::Mobile
    } else if form[0] == b'0' {
        Kind::Other
    } else {
        match (form.len(), form[0]) {
            (..=6, _) => Kind::Short,
            (7 | 8, b'9') if form[1] == b'5' => Kind::Short,
            (7 | 8, b'2'..=b'9') => Kind::Local,
            _ if is_service(form) => Kind::Short,
            _ => Kind::Other,
        }
    }
}
