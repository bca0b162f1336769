//! A header field as it came, for those who hand on what they do not look at.

use crate::header::HeaderName;
use std::fmt;

/// One header field byte for byte: name, white space around the colon, value and folds; without
/// its last line end. Only [`crate::message::Message::fields`] makes one, so it never holds the end
/// of a header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    name: HeaderName,
    name_len: usize,
    bytes: &'a [u8],
}

/// Shows the name only: the value may tell who calls.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} …)", self.name_text())
    }
}

impl<'a> Field<'a> {
    pub(crate) fn new(name: HeaderName, name_len: usize, bytes: &'a [u8]) -> Self {
        Self {
            name,
            name_len,
            bytes,
        }
    }

    /// Which field it is, long or compact.
    #[must_use]
    pub fn name(&self) -> HeaderName {
        self.name
    }

    /// Its name as written.
    #[must_use]
    pub fn name_text(&self) -> &'a str {
        let name = self.bytes.get(..self.name_len).unwrap_or(&[]);
        std::str::from_utf8(name).unwrap_or("")
    }

    /// All of it.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// True if it has that name, long or compact, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match HeaderName::of(name) {
            HeaderName::Other => self.name_text().eq_ignore_ascii_case(name),
            known => self.name == known,
        }
    }
}
