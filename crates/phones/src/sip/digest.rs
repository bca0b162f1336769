//! Digest authentication of a client (RFC 3261 §22, RFC 7616, RFC 8760), qop=auth.
//!
//! `rsip` computes the response; it writes and reads the algorithm as `SHA256` where RFC 8760
//! has `SHA-256`, so the header itself is read with rsip's tokenizer and written here.

use rsip::headers::auth::{Algorithm as Hash, AuthQop};
use rsip::headers::typed::Tokenize;
use rsip::headers::typed::www_authenticate::Tokenizer;
use rsip::services::DigestGenerator;

/// Which digest a phone uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5 (RFC 2617), what old phones have.
    Md5,
    /// SHA-256 (RFC 8760).
    #[default]
    Sha256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self) -> Hash {
        match self {
            Self::Md5 => Hash::Md5,
            Self::Sha256 => Hash::Sha256,
        }
    }
}

/// User and password of a phone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub user: String,
    pub password: String,
    pub algorithm: Algorithm,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A challenge that can be answered, and how often its nonce was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: bool,
    pub stale: bool,
    uses: u8,
}

impl Challenge {
    /// Reads a WWW-Authenticate or Proxy-Authenticate value; `None` if it is not for `algorithm`.
    pub(crate) fn read(value: &str, algorithm: Algorithm) -> Option<Self> {
        let tokens = Tokenizer::tokenize(value).ok()?;
        let get = |name: &str| {
            let found = tokens
                .params
                .iter()
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            found.map(|(_, text)| text.trim().to_owned())
        };
        // Without the parameter it is MD5 (RFC 7616 §3.3).
        let offered = get("algorithm").unwrap_or_else(|| "MD5".into());
        if !tokens.scheme.value.eq_ignore_ascii_case("digest")
            || !offered.eq_ignore_ascii_case(algorithm.name())
        {
            return None;
        }
        Some(Self {
            realm: get("realm")?,
            nonce: get("nonce")?,
            opaque: get("opaque"),
            qop: get("qop").is_some_and(|list| {
                list.split(',')
                    .any(|q| q.trim().eq_ignore_ascii_case("auth"))
            }),
            stale: get("stale").is_some_and(|text| text.eq_ignore_ascii_case("true")),
            uses: 0,
        })
    }

    /// The value of Authorization or Proxy-Authorization for one more request.
    pub(crate) fn answer(
        &mut self,
        who: &Credentials,
        method: rsip::Method,
        uri: &rsip::Uri,
    ) -> String {
        self.uses = self.uses.saturating_add(1);
        let cnonce = super::message::token();
        let qop = self.qop.then(|| AuthQop::Auth {
            cnonce: cnonce.clone(),
            nc: self.uses,
        });
        let response = DigestGenerator {
            username: &who.user,
            password: &who.password,
            nonce: &self.nonce,
            uri,
            realm: &self.realm,
            method: &method,
            qop: qop.as_ref(),
            algorithm: who.algorithm.hash(),
        }
        .compute();
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            who.user,
            self.realm,
            self.nonce,
            who.algorithm.name()
        );
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        if self.qop {
            // rsip's digest takes the count in decimal digits; they are hexadecimal digits too, and rise.
            value.push_str(&format!(
                ", qop=auth, nc={:08}, cnonce=\"{cnonce}\"",
                self.uses
            ));
        }
        value
    }

    /// True if the nonce may be counted further (rsip counts in one octet).
    pub(crate) fn reusable(&self) -> bool {
        self.qop && self.uses < u8::MAX
    }
}
