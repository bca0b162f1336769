//! One form for a number however it was dialled.
//!
//! ```text
//!   text ─► user part ─► dialled characters ─► country code ─► area code ─► Number, Kind
//!           sip:…@host    ０→0, no - . ( )      +86 0086 86     0 back or     by its digits
//!           "x" <…>       no extension          0085… → +…      off a mobile
//!           ;context                            17951 off
//! ```

mod format;
mod plan;
mod text;

pub use format::{Form, MobileZero, NumberFormat};
pub(crate) use text::user_part;

use plan::{area_len, kind_of};
use std::fmt;
use text::{dialled, is_withheld};

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
    /// says that the number is withheld becomes the empty number (RFC 3323 §4.1.1.3). Of a
    /// name-addr (RFC 3261 §20.10) the URI counts. A carrier's prefix (`17951`) before a whole
    /// number falls away.
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
        } else if context.is_some_and(is_china) && number.kind() == Kind::Other {
            number = number.in_china();
        }
        number
    }

    /// The hotline that was meant if the area code before `12356` lacks its `0` (`85412356`), as
    /// some switches pass it on. `area_code` is that of the trunk, which may stand before it as
    /// before a local number. Whether there is such an area is for the atlas to say, and only a
    /// number that was dialled may be read so: a caller's `85412356` is a subscriber's.
    #[must_use]
    pub(crate) fn lacking_zero(&self, area_code: Option<&str>) -> Option<Self> {
        let all = self.as_bytes();
        // Nearly every call ends here: 12356 alone, or an area code with its 0.
        if all.len() <= HOTLINE.len() || !all.ends_with(HOTLINE.as_bytes()) {
            return None;
        }
        let before = match (self.kind(), area_code) {
            (Kind::Landline { code }, Some(area)) => {
                let (own, local) = all.split_at_checked(usize::from(code))?;
                let area = area.strip_prefix('0').unwrap_or(area);
                (own.get(1..) == Some(area.as_bytes())).then_some(local)?
            }
            (Kind::Local | Kind::Other, _) => all,
            _ => return None,
        };
        let area = before.strip_suffix(HOTLINE.as_bytes())?;
        let mut meant = Self::EMPTY;
        meant.push(b'0');
        meant.push_all(before);
        (area_len(meant.as_bytes()) == Some(area.len() + 1)).then_some(meant)
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

    /// Puts an area code before a local number; true if `area` is one. A context may name another
    /// country's.
    fn give_area(&mut self, area: &str) -> bool {
        let local = *self;
        let context = Self::name(area).without_separators();
        let digits = context.as_bytes();
        // No area code has four digits without its 0.
        let bare = digits.strip_prefix(b"86").filter(|it| it.len() >= 2);
        let china = digits
            .strip_prefix(b"+86")
            .or_else(|| digits.strip_prefix(b"0086"))
            .or(bare);
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

/// True of a `phone-context` that is the country alone.
fn is_china(context: &str) -> bool {
    matches!(context, "+86" | "86" | "0086")
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({:?})", self.kind())
    }
}
