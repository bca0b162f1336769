//! The arithmetic of digest authentication (RFC 7616 §3.4, RFC 8760) and the reading of its headers.

use crate::lex::{self, trim, unquote};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// A hash that digest may use. SHA-512/256 is left out: no phone asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    /// The name in headers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// Hexadecimal hash of `parts` with colons between them.
    pub(crate) fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Md5 => hash::<Md5>(parts),
        }
    }
}

fn hash<D: Digest>(parts: &[&str]) -> String {
    let mut hasher = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hasher.update(b":");
        }
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n & 15)]);
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(*b)])
        .collect()
}

/// HMAC-SHA-256 (RFC 2104) with a key of 32 bytes, shorter than the block of 64.
pub(crate) fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36));
    for part in parts {
        // Lengths keep neighbouring parts apart.
        inner.update((part.len() as u64).to_be_bytes());
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(pad(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// What a client sent in one Authorization header, scheme Digest.
pub(crate) struct Credentials<'a> {
    pub username: Cow<'a, str>,
    pub realm: Cow<'a, str>,
    pub nonce: Cow<'a, str>,
    pub uri: Cow<'a, str>,
    pub response: Cow<'a, str>,
    pub cnonce: Cow<'a, str>,
    pub nc: Cow<'a, str>,
    pub qop: Cow<'a, str>,
    /// `None` for an algorithm that is not ours; absent means MD5 (RFC 7616 §3.4).
    pub algorithm: Option<Algorithm>,
    /// True if the user name is hashed, which is not supported.
    pub userhash: bool,
}

/// Why an Authorization header is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialsError {
    /// Another scheme, such as Bearer.
    OtherScheme,
    /// Not parameters, one twice, one missing, or too long.
    Malformed,
}

/// Longest Authorization header that is looked at, in bytes.
const MAX_HEADER: usize = 2048;

impl<'a> Credentials<'a> {
    /// Reads `Digest name=value, …`.
    pub(crate) fn parse(value: &'a str) -> Result<Self, CredentialsError> {
        let (scheme, rest) =
            value.split_at(value.bytes().position(lex::is_lws).unwrap_or(value.len()));
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(CredentialsError::OtherScheme);
        }
        if value.len() > MAX_HEADER {
            return Err(CredentialsError::Malformed);
        }
        const NAMES: [&str; 10] = [
            "username",
            "realm",
            "nonce",
            "uri",
            "response",
            "cnonce",
            "nc",
            "qop",
            "algorithm",
            "userhash",
        ];
        let mut found: [Option<Cow<'a, str>>; NAMES.len()] = Default::default();
        for item in lex::list(rest) {
            let (name, value) = item.split_once('=').ok_or(CredentialsError::Malformed)?;
            let (name, value) = (trim(name), trim(value));
            if !lex::is_token(name) {
                return Err(CredentialsError::Malformed);
            }
            let Some(at) = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)) else {
                continue;
            };
            if found[at].is_some()
                || (value.starts_with('"') && (value.len() < 2 || !value.ends_with('"')))
            {
                return Err(CredentialsError::Malformed);
            }
            found[at] = Some(unquote(value));
        }
        let [
            username,
            realm,
            nonce,
            uri,
            response,
            cnonce,
            nc,
            qop,
            algorithm,
            userhash,
        ] = found;
        let algorithm = match algorithm.as_deref() {
            None => Some(Algorithm::Md5),
            Some(name) if name.eq_ignore_ascii_case("MD5") => Some(Algorithm::Md5),
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Some(Algorithm::Sha256),
            Some(_) => None,
        };
        let need = |part: Option<Cow<'a, str>>| part.ok_or(CredentialsError::Malformed);
        Ok(Self {
            username: need(username)?,
            realm: need(realm)?,
            nonce: need(nonce)?,
            uri: need(uri)?,
            response: need(response)?,
            cnonce: cnonce.unwrap_or_default(),
            nc: nc.unwrap_or_default(),
            qop: qop.unwrap_or_default(),
            algorithm,
            userhash: userhash.is_some_and(|v| v.eq_ignore_ascii_case("true")),
        })
    }

    /// The response that a client with this password sends (RFC 7616 §3.4.1, qop=auth). `work` counts the
    /// hashes that it took.
    pub(crate) fn expected(
        &self,
        algorithm: Algorithm,
        method: &str,
        password: &str,
        work: &mut u64,
    ) -> String {
        let mut hash = |parts: &[&str]| {
            *work += 1;
            algorithm.hash(parts)
        };
        let secret = hash(&[&self.username, &self.realm, password]);
        let request = hash(&[method, &self.uri]);
        hash(&[
            &secret,
            &self.nonce,
            &self.nc,
            &self.cnonce,
            &self.qop,
            &request,
        ])
    }
}
