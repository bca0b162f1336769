//! Who may ask: the bearer token, and no other site's pages.

use crate::error::Fault;
use axum::http::{HeaderMap, header};
use std::net::Ipv4Addr;

/// Checks the token, if there is one, and that no browser acts for another site.
pub(crate) fn check(headers: &HeaderMap, token: Option<&str>) -> Result<(), Fault> {
    if let Some(token) = token {
        let shown = headers
            .get(header::AUTHORIZATION)
            .map(|value| value.as_bytes());
        let shown = shown.and_then(bearer).unwrap_or_default();
        if token.is_empty() || !same(shown, token.as_bytes()) {
            return Err(Fault::Unauthorised);
        }
    }
    let origin = headers.get(header::ORIGIN).map(|value| value.as_bytes());
    let host = headers.get(header::HOST).map(|value| value.as_bytes());
    match origin {
        Some(origin) if Some(authority(origin)) != host => Err(Fault::ForeignOrigin),
        // Without a token the address is all that protects, and it is a loopback one. A site whose
        // name is made to point there would be "the same origin" to a browser.
        _ if token.is_none() && host.is_some_and(is_foreign_name) => Err(Fault::ForeignOrigin),
        _ => Ok(()),
    }
}

/// True for a name that others can register: not an address, not `localhost`, not a bare word.
fn is_foreign_name(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return true;
    };
    if host.starts_with('[') {
        return false;
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_end_matches('.');
    name.contains('.') && name.parse::<Ipv4Addr>().is_err() && !name.ends_with(".localhost")
}

/// The credentials behind the scheme, which is compared without case (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| rest.trim_ascii())
}

/// `http://host:port` without its scheme.
fn authority(origin: &[u8]) -> &[u8] {
    origin
        .strip_prefix(b"http://")
        .or_else(|| origin.strip_prefix(b"https://"))
        .unwrap_or(origin)
}

/// Compares in a time that tells nothing but the length of what was shown.
fn same(shown: &[u8], token: &[u8]) -> bool {
    let mut differs = shown.len() ^ token.len();
    for (n, byte) in shown.iter().enumerate() {
        differs |= usize::from(byte ^ token[n % token.len()]);
    }
    std::hint::black_box(differs) == 0
}
