//! One form for a number however it was dialled.

/// Longest number kept, in bytes: a DialString and the 0 before it.
const MAX: usize = 72;

/// A number in the form that routes compare: digits with the domestic `0` before an area code,
/// or a SIP user name as it came.
#[derive(Clone, Copy)]
pub struct Number {
    bytes: [u8; MAX],
    len: usize,
}

impl Number {
    /// Brings `text` into that form without allocating.
    ///
    /// `sip:`, `tel:`, what follows `@` or `;`, visual separators (RFC 3966 §5.1.1), `+86` and
    /// `0086` fall away; a national number gets its `0` back (`+8685412356` is `085412356`), short
    /// numbers and mobile numbers have none (`+8612356` is `12356`, `0133…` is `133…`).
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut number = Self {
            bytes: [0; MAX],
            len: 0,
        };
        let text = ["sip:", "sips:", "tel:"]
            .iter()
            .find_map(|scheme| {
                let head = text.get(..scheme.len())?;
                head.eq_ignore_ascii_case(scheme)
                    .then(|| &text[scheme.len()..])
            })
            .unwrap_or(text);
        let text = text.split(['@', ';']).next().unwrap_or(text).trim();
        let dialled = |b: u8| b.is_ascii_digit() || b"+-.() *#".contains(&b);
        if !text.bytes().all(dialled) {
            number.push_all(text.as_bytes());
            return number;
        }
        for b in text.bytes().filter(|b| !b"-.() ".contains(b)) {
            number.push(b);
        }
        let rest = number.without_country();
        let mut out = Self {
            bytes: [0; MAX],
            len: 0,
        };
        match rest {
            Some(rest) if is_national(rest) => {
                out.push(b'0');
                out.push_all(rest);
            }
            Some(rest) => out.push_all(rest),
            None => out.push_all(&number.bytes[..number.len]),
        }
        out.drop_mobile_zero();
        out
    }

    /// The form, empty if nothing was dialled.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What follows `+86` or `0086`.
    fn without_country(&self) -> Option<&[u8]> {
        let bytes = self.as_bytes();
        bytes
            .strip_prefix(b"+86")
            .or_else(|| bytes.strip_prefix(b"0086"))
    }

    /// `013…` with eleven digits after the 0 is a mobile number dialled as a trunk call; `010…` is Beijing.
    fn drop_mobile_zero(&mut self) {
        let bytes = self.as_bytes();
        if bytes.len() == 12 && bytes.starts_with(b"01") && bytes[2] >= b'3' {
            self.bytes.copy_within(1..12, 0);
            self.len = 11;
        }
    }

    fn push(&mut self, b: u8) {
        // Longer than any DialString, so nothing that was dialled is cut.
        if self.len < MAX {
            self.bytes[self.len] = b;
            self.len += 1;
        }
    }

    fn push_all(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.push(b));
    }
}

/// True for a national number without its 0: neither a short number, nor a mobile one.
fn is_national(rest: &[u8]) -> bool {
    let mobile = rest.len() == 11 && rest[0] == b'1' && rest[1] >= b'3';
    rest.len() > 6 && !mobile && rest[0] != b'0'
}
