//! `name-addr` and `addr-spec` as From, To, Contact, Route and their kin hold them (RFC 3261 §20.10, §25.1).

use crate::lex::{self, Params, trim, unquote};
use crate::uri::{Uri, UriError};
use std::borrow::Cow;
use std::fmt;

/// Why an address cannot be used. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// The header is not there.
    Missing,
    /// A quote or an angle bracket never closes, or text stands where none may.
    Unbalanced,
    /// The display name holds characters that need quotes.
    Display,
    /// A comma, question mark or white space in a URI without angle brackets (§20).
    NeedsBrackets,
    /// A malformed parameter, or `tag` twice.
    Params,
    /// The URI itself.
    Uri(UriError),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("address missing"),
            Self::Unbalanced => f.write_str("unbalanced quote or bracket"),
            Self::Display => f.write_str("bad display name"),
            Self::NeedsBrackets => f.write_str("URI needs angle brackets"),
            Self::Params => f.write_str("bad address parameters"),
            Self::Uri(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AddressError {}

/// A display name, a URI and the header's parameters, borrowed from the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// Display name as written, with its quotes; `None` if there is none.
    pub display: Option<&'a str>,
    /// The URI, without angle brackets.
    pub uri: &'a str,
    /// Parameters of the header field, not of the URI.
    pub params: Params<'a>,
}

/// Shows nothing of the party.
impl fmt::Debug for NameAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameAddr(…)")
    }
}

impl<'a> NameAddr<'a> {
    /// Reads one address (not a list).
    ///
    /// Quotes are honoured before angle brackets, so that a display name such as
    /// `"<sip:other@host>"` never passes for the URI. White space just within the brackets and
    /// unquoted display names with commas or full stops are let through: they leave no doubt
    /// about the URI, and carriers send them.
    ///
    /// # Errors
    /// [`AddressError`] says what is malformed. The URI is checked only by [`NameAddr::uri`].
    pub fn parse(value: &'a str) -> Result<Self, AddressError> {
        let value = trim(value);
        let open = lex::find_outside(value, b'<', false).map_err(|_| AddressError::Unbalanced)?;
        let (display, uri, params) = match open {
            Some(at) => {
                let (display, rest) = value.split_at(at);
                let (uri, params) =
                    lex::split_once(&rest[1..], b'>').ok_or(AddressError::Unbalanced)?;
                (trim(display), trim(uri), params)
            }
            None => {
                let (uri, params) = lex::split_before(value, b';');
                let uri = trim(uri);
                if uri
                    .bytes()
                    .any(|b| lex::is_lws(b) || matches!(b, b',' | b'?' | b'"'))
                {
                    return Err(AddressError::NeedsBrackets);
                }
                ("", uri, params)
            }
        };
        let params = Params::new(params);
        if uri.is_empty() {
            return Err(AddressError::Uri(UriError::Scheme));
        }
        check_display(display)?;
        if !params.0.is_empty() && !params.0.starts_with(';') {
            return Err(AddressError::Unbalanced);
        }
        if !params.well_formed("tag") {
            return Err(AddressError::Params);
        }
        Ok(Self {
            display: (!display.is_empty()).then_some(display),
            uri,
            params,
        })
    }

    /// The URI taken apart.
    ///
    /// # Errors
    /// [`AddressError::Uri`].
    pub fn uri(&self) -> Result<Uri<'a>, AddressError> {
        Uri::parse(self.uri).map_err(AddressError::Uri)
    }

    /// The display name for people: without quotes and backslashes. Empty if there is none.
    #[must_use]
    pub fn display_text(&self) -> Cow<'a, str> {
        unquote(self.display.unwrap_or(""))
    }

    /// The dialog tag (§19.3); `None` if absent or empty.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag").filter(|t| !t.is_empty())
    }
}

/// A quoted string and nothing behind it, or words without quotes and brackets.
fn check_display(display: &str) -> Result<(), AddressError> {
    let good = if display.starts_with('"') {
        lex::quoted_len(display.as_bytes()) == Some(display.len())
    } else {
        !display
            .bytes()
            .any(|b| matches!(b, b'"' | b'<' | b'>' | b';' | b':' | b'@'))
    };
    if good {
        Ok(())
    } else {
        Err(AddressError::Display)
    }
}
