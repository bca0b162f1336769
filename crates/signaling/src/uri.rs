//! URIs (RFC 3261 §19.1): `sip:` and `sips:` taken apart, every other scheme (`tel:`, `urn:`) opaque.

use crate::lex::{self, Params, unescape};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Why a text is not a URI that can be used. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriError {
    /// No `scheme:`, or characters in it that a scheme may not have.
    Scheme,
    /// White space, quotes, angle brackets or control characters.
    Character,
    /// An empty user before `@`, or a second `@`.
    User,
    /// No host, or one that is neither a name, an IPv4 address, `[IPv6]` nor `[IPv6%zone]`.
    Host,
    /// A port that is not 1 to 65535.
    Port,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "URI without scheme",
            Self::Character => "character not allowed in URI",
            Self::User => "bad user in URI",
            Self::Host => "bad host in URI",
            Self::Port => "bad port in URI",
        })
    }
}

impl std::error::Error for UriError {}

/// One URI, borrowed from the message it stands in. Escapes (`%HH`) are kept as they came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// Scheme as written: `sip`, `sips`, `tel`, `urn`, …
    pub scheme: &'a str,
    /// Part before `@`, without the password; `None` for other schemes and for URIs without user.
    /// Telephone parameters (`;phone-context=`) stay in it.
    pub user: Option<&'a str>,
    /// Password behind the user, if any.
    pub password: Option<&'a str>,
    /// Host; an IPv6 address keeps its brackets and its zone. Empty for other schemes.
    pub host: &'a str,
    /// Port, if one is given.
    pub port: Option<u16>,
    /// Parameters behind the host (or behind an opaque part).
    pub params: Params<'a>,
    /// Headers behind `?`, without the `?`; empty if there are none.
    pub headers: &'a str,
    /// Everything behind the scheme up to the parameters, for schemes other than `sip` and `sips`.
    pub opaque: &'a str,
}

/// Shows the scheme only: user and host may tell who calls.
impl fmt::Debug for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({}:…)", self.scheme)
    }
}

impl<'a> Uri<'a> {
    /// Takes `text` apart. No white space is allowed around or within.
    ///
    /// # Errors
    /// [`UriError`] says which part is malformed.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        if text.bytes().any(|b| CLASS[usize::from(b)] & BARRED != 0) {
            return Err(UriError::Character);
        }
        let (scheme, rest) = lex::split_once(text, b':').ok_or(UriError::Scheme)?;
        let mut letters = scheme.bytes();
        if !letters.next().is_some_and(|b| b.is_ascii_alphabetic())
            || !letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        {
            return Err(UriError::Scheme);
        }
        if !(scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")) {
            return Self::parse_opaque(scheme, rest);
        }
        let (user, password, rest) = split_user(rest)?;
        let (rest, headers) = lex::split_once(rest, b'?').unwrap_or((rest, ""));
        let (address, params) = lex::split_before(rest, b';');
        let (host, port) = split_host(address)?;
        Ok(Self {
            scheme,
            user,
            password,
            host,
            port,
            params: Params::new(params),
            headers,
            opaque: "",
        })
    }

    fn parse_opaque(scheme: &'a str, rest: &'a str) -> Result<Self, UriError> {
        let (rest, headers) = lex::split_once(rest, b'?').unwrap_or((rest, ""));
        let (opaque, params) = lex::split_before(rest, b';');
        if opaque.is_empty() {
            return Err(UriError::Host);
        }
        Ok(Self {
            scheme,
            user: None,
            password: None,
            host: "",
            port: None,
            params: Params::new(params),
            headers,
            opaque,
        })
    }

    /// True for `sip:` and `sips:`.
    #[must_use]
    pub fn is_sip(&self) -> bool {
        !self.host.is_empty()
    }

    /// The host as an address, and the zone of an IPv6 one (RFC 6874), unescaped; `None` for names.
    #[must_use]
    pub fn address(&self) -> Option<(IpAddr, Option<Cow<'a, str>>)> {
        host_address(self.host)
    }

    /// Name and value of each header behind `?` (§19.1.1), in order, escapes resolved. One without
    /// `=` has an empty value; empty ones are left out.
    pub fn header_fields(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        let items = self.headers.split('&').filter(|item| !item.is_empty());
        items.map(|item| {
            let (name, value) = lex::split_once(item, b'=').unwrap_or((item, ""));
            (unescape(name), unescape(value))
        })
    }

    /// True for an emergency service (RFC 5031): `urn:service:sos` and what stands below it.
    #[must_use]
    pub fn is_emergency_service(&self) -> bool {
        let service = self.opaque.to_ascii_lowercase();
        let rest = service.strip_prefix("service:sos");
        self.scheme.eq_ignore_ascii_case("urn")
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// The user with its escapes resolved; empty if there is none.
    #[must_use]
    pub fn user_unescaped(&self) -> Cow<'a, str> {
        unescape(self.user.unwrap_or(""))
    }

    /// What was dialled, or who calls: the user of a SIP URI without its telephone parameters, or
    /// the number of a `tel:` URI (RFC 3966) without visual separators. Empty for other schemes.
    #[must_use]
    pub fn dial_string(&self) -> Cow<'a, str> {
        if let Some(user) = self.user {
            return unescape(user.split_once(';').map_or(user, |(number, _)| number));
        }
        if !self.scheme.eq_ignore_ascii_case("tel") {
            return Cow::Borrowed("");
        }
        if self.opaque.contains(['-', '.', '(', ')']) {
            return Cow::Owned(self.opaque.replace(['-', '.', '(', ')'], ""));
        }
        Cow::Borrowed(self.opaque)
    }

    /// The comparison of RFC 3261 §19.1.4, as far as it matters for bindings and digest: scheme,
    /// user, password, host and port; of the parameters those that select another target
    /// (`user`, `ttl`, `method`, `maddr`, `transport`), and others only where both have them;
    /// headers, which are never ignored.
    #[must_use]
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        const ALWAYS: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
        let same_value = |a: Option<Option<&str>>, b: Option<Option<&str>>| match (a, b) {
            (Some(Some(a)), Some(Some(b))) => unescape(a).eq_ignore_ascii_case(&unescape(b)),
            (a, b) => a == b,
        };
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.user.is_some() == other.user.is_some()
            && self.user_unescaped() == other.user_unescaped()
            && self.password.map(unescape) == other.password.map(unescape)
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
            && self.opaque.eq_ignore_ascii_case(other.opaque)
            && ALWAYS
                .iter()
                .all(|n| same_value(self.params.get(n), other.params.get(n)))
            && self.params.iter().take(32).all(|(n, _)| {
                other
                    .params
                    .get(n)
                    .is_none_or(|theirs| same_value(self.params.get(n), Some(theirs)))
            })
            && self.same_headers(other)
    }

    /// True if both have the same headers in any order; beyond 32 only if they are written alike.
    fn same_headers(&self, other: &Uri<'_>) -> bool {
        const MOST: usize = 32;
        if self.headers == other.headers {
            return true;
        }
        let sorted = |uri: &Uri<'_>| {
            let mut all: Vec<(String, String)> = uri
                .header_fields()
                .take(MOST + 1)
                .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
                .collect();
            all.sort();
            all
        };
        let (ours, theirs) = (sorted(self), sorted(other));
        ours.len() <= MOST && ours == theirs
    }
}

/// May not stand in a URI.
const BARRED: u8 = 1;
/// May stand in a host name.
const HOST: u8 = 2;

/// What each byte may be; a table, because every URI of every message is checked by it.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let b = at as u8;
        if b <= b' ' || b == 0x7f || matches!(b, b'<' | b'>' | b'"') {
            table[at] |= BARRED;
        }
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_') {
            table[at] |= HOST;
        }
        at += 1;
    }
    table
};

/// User, password and what follows `@`. The first `@` ends the user, because neither host,
/// parameters nor headers may hold a bare one; a second is refused, or two readers of one URI
/// could see two hosts.
fn split_user(rest: &str) -> Result<(Option<&str>, Option<&str>, &str), UriError> {
    let Some((info, rest)) = lex::split_once(rest, b'@') else {
        return Ok((None, None, rest));
    };
    let (user, password) = match lex::split_once(info, b':') {
        Some((user, password)) => (user, Some(password)),
        None => (info, None),
    };
    if user.is_empty() || lex::find(rest, b'@').is_some() {
        return Err(UriError::User);
    }
    Ok((Some(user), password, rest))
}

/// The address that a host is, and the zone of an IPv6 one; `None` for names.
pub(crate) fn host_address(host: &str) -> Option<(IpAddr, Option<Cow<'_, str>>)> {
    let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) else {
        return host.parse().ok().map(|ip| (IpAddr::V4(ip), None));
    };
    let Some((address, zone)) = lex::split_once(inner, b'%') else {
        return Some((IpAddr::V6(inner.parse().ok()?), None));
    };
    // RFC 6874 §2 writes the percent sign as `%25`; many write it bare, as shells do.
    let zone = zone.strip_prefix("25").unwrap_or(zone);
    let address: Ipv6Addr = address.parse().ok()?;
    is_zone(zone).then(|| (IpAddr::V6(address), Some(unescape(zone))))
}

/// The address that a host is, with or without the brackets of IPv6: `received` has none (RFC 3261 §25.1).
pub(crate) fn bare_address(host: &str) -> Option<IpAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok()
}

/// A ZoneID of RFC 6874 §2: unreserved characters and escapes.
fn is_zone(zone: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'%');
    !zone.is_empty() && zone.bytes().all(fits)
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(crate) fn split_host(text: &str) -> Result<(&str, Option<u16>), UriError> {
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']').ok_or(UriError::Host)? + 1;
        let (host, rest) = text.split_at(end);
        host_address(host).ok_or(UriError::Host)?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(UriError::Host),
        }
    } else {
        let (host, port) =
            lex::split_once(text, b':').map_or((text, None), |(host, port)| (host, Some(port)));
        if host.is_empty() || !host.bytes().all(|b| CLASS[usize::from(b)] & HOST != 0) {
            return Err(UriError::Host);
        }
        (host, port)
    };
    match port {
        None => Ok((host, None)),
        Some(text) => match crate::lex::number(text).and_then(|n| u16::try_from(n).ok()) {
            Some(port) if port != 0 => Ok((host, Some(port))),
            _ => Err(UriError::Port),
        },
    }
}
