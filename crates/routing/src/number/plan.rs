//! The numbering plan of China: country code, carriers, area codes and what kind a number is.

use super::{Called, HOTLINE, Kind, Number};

/// Digits of a mobile number.
const MOBILE: usize = 11;

impl Number {
    /// The form of dialled characters: country and mobile prefixes off, the area code's 0 on.
    #[inline]
    pub(super) fn normal(&self) -> Self {
        match self.as_bytes() {
            // Behind these no country code and no 0 is looked for, only a carrier's prefix.
            [b'1', ..] if self.len > MOBILE => self.behind_carrier().unwrap_or(*self),
            [b'1'..=b'7' | b'9', ..] => *self,
            _ => {
                let out = self.without_prefixes();
                out.behind_carrier().unwrap_or(out)
            }
        }
    }

    /// The whole number behind a carrier's prefix, if there are both.
    fn behind_carrier(&self) -> Option<Self> {
        let mut rest = Self::EMPTY;
        rest.push_all(behind_carrier(self.as_bytes())?);
        let rest = rest.normal();
        let whole = rest.is_whole() || rest.kind() == Kind::Foreign;
        (whole || matches!(rest.called(), Called::HotlineOf(_))).then_some(rest)
    }

    /// True for a number that needs nothing behind it, but perhaps an area code before it.
    pub(super) fn is_subscriber(&self) -> bool {
        self.kind() == Kind::Local || self.is_whole()
    }

    /// True for a mobile number, and for one with an area code that is not a short number.
    fn is_whole(&self) -> bool {
        match self.kind() {
            Kind::Mobile => true,
            Kind::Landline { code } => self.len >= usize::from(code) + 7,
            _ => false,
        }
    }

    /// A number that is one only behind the country's code.
    pub(super) fn in_china(&self) -> Self {
        let mut global = Self::EMPTY;
        global.push_all(b"+86");
        global.push_all(self.as_bytes());
        let global = global.normal();
        if global.is_whole() { global } else { *self }
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

/// What stands behind the prefix that chooses a carrier for a call: an IP telephony code (`179xx`,
/// such as 17951, 17911 and 17909), 10193, 11808 or 12593, or one of a card with several numbers
/// (`12583x`).
fn behind_carrier(digits: &[u8]) -> Option<&[u8]> {
    match digits {
        [b'1', b'7', b'9', b'0'..=b'9', b'0'..=b'9', rest @ ..] => Some(rest),
        [b'1', b'2', b'5', b'8', b'3', b'1'..=b'9', rest @ ..] => Some(rest),
        _ => [b"10193", b"11808", b"12593"]
            .iter()
            .find_map(|prefix| digits.strip_prefix(prefix.as_slice())),
    }
}

fn is_mobile(digits: &[u8]) -> bool {
    digits.len() == MOBILE && digits[0] == b'1' && digits[1] >= b'3'
}

/// 400 and 800 numbers, reached from everywhere.
fn is_service(digits: &[u8]) -> bool {
    digits.len() == 10 && (digits.starts_with(b"400") || digits.starts_with(b"800"))
}

/// Length of the area code that a national number begins with, by its first digits.
pub(super) fn area_len(digits: &[u8]) -> Option<usize> {
    let len = match digits.get(..2)? {
        b"01" if digits.get(2) == Some(&b'0') => 3,
        b"02" => 3,
        [b'0', b'3'..=b'9'] => 4,
        _ => return None,
    };
    (digits.len() >= len).then_some(len)
}

pub(super) fn kind_of(form: &[u8]) -> Kind {
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
