//! A telephone number or user part as it was dialled. Personal data: shown masked.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A number or SIP user part exactly as it came, at most [`DialString::MAX`] bytes.
///
/// `Display` and `Debug` show it masked (`133****6745`), so that it can never slip into a log;
/// [`DialString::reveal`] gives the whole for signalling and records.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DialString(Box<str>);

impl DialString {
    /// Longest string kept, in bytes; what is longer is cut at a character boundary.
    pub const MAX: usize = 64;

    /// Keeps `text`, cut to [`Self::MAX`] bytes.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut end = text.len().min(Self::MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(text[..end].into())
    }

    /// The whole string. Not for logs, metrics or panics.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True if nothing is known (a withheld number).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// First three and last four characters, the middle as `****`; short ones keep only the last two.
    #[must_use]
    pub fn masked(&self) -> String {
        let chars: Vec<char> = self.0.chars().collect();
        let n = chars.len();
        if n == 0 {
            return String::new();
        }
        let (head, tail) = if n >= 10 { (3, 4) } else { (0, 2.min(n / 2)) };
        let mut out: String = chars[..head].iter().collect();
        out.push_str("****");
        out.extend(&chars[n - tail..]);
        out
    }
}

impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl From<&str> for DialString {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
