//! Digest authentication of requests (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! ```text
//!   no credentials, qop or algorithm not ours ───────────────► Challenge
//!   header unreadable, or its uri is another ────────────────► Malformed
//!   too many wrong ones before (slowdown) ───────────────────► Later
//!   nonce not ours, too old, or of another source ───────────► Challenge, stale=true
//!   response wrong, or user unknown (one path, one cost) ────► Refused, and counted
//!   response right ─┬─ nc seen ──────────────────────────────► Challenge, stale=true
//!                   └─ nc new ───────────────────────────────► Ok
//! ```
//!
//! The nonce comes before the password: who sends under another's address never sees the nonce that goes
//! there, so nobody can fail in another's name; and a nonce of nobody says nothing of a guess.
//!
//! A nonce is not stored: it is time and a counter, and a keyed hash over both and the source that was
//! challenged (an IPv4 address or the network of an IPv6 one, so that a change of port or of a temporary
//! address costs nothing). What is stored is
//! which nonce counts were used, and that only for nonces with which somebody proved to know a
//! password; so nobody without one can make the table grow, and nobody can replay a request.

use crate::digest::{Algorithm, Credentials, CredentialsError, hex, keyed_hash};
use crate::header::HeaderName;
use crate::lex;
use crate::message::Message;
use crate::slowdown::{Slowdown, source};
use crate::uri::Uri;
use meishier_model::Mono;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// What an [`Authenticator`] needs to know.
#[derive(Clone)]
pub struct AuthConfig {
    /// The protection domain that phones show and hash: the SIP domain as a rule.
    pub realm: String,
    /// Key of the nonces: random, and new whenever the process starts, because [`Mono`] starts
    /// anew with it.
    pub secret: [u8; 32],
    /// How long a nonce may be used. Minutes; a phone that comes later is challenged again, which
    /// costs one round trip.
    pub nonce_ttl: Duration,
    /// Offer SHA-256 before MD5. A client takes the first hash that it knows (RFC 8760 §2.4), but
    /// some phones give up at the first that they do not; those are offered MD5 alone.
    pub sha256: bool,
}

/// Shows no secret.
impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("realm", &self.realm)
            .field("nonce_ttl", &self.nonce_ttl)
            .field("sha256", &self.sha256)
            .finish()
    }
}

/// What became of a check.
#[derive(Clone, PartialEq, Eq)]
pub enum AuthResult {
    /// The sender knows the password of this user.
    Ok {
        /// The user as it stands in the credentials, unquoted.
        user: String,
    },
    /// Answer 401 with these headers: `WWW-Authenticate` for each hash, SHA-256 before MD5
    /// (RFC 8760 §2.4).
    Challenge {
        /// Names and values.
        headers: Vec<(String, String)>,
    },
    /// Answer 403: wrong password or unknown user, which look the same.
    Refused,
    /// Answer 400: the Authorization header cannot be read, or is for another request.
    Malformed,
    /// Answer 503 with this as Retry-After: too many wrong answers came before, and this one was not
    /// looked at.
    Later {
        /// How long until the next is looked at.
        wait: Duration,
    },
}

/// Where credentials come from.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// Whose tries count together.
    pub from: IpAddr,
    /// True of a user who is registered from exactly there, and is never slowed down.
    pub is_home: &'a dyn Fn(&str) -> bool,
}

/// Shows no user.
impl fmt::Debug for AuthResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok { .. } => "Ok",
            Self::Challenge { .. } => "Challenge",
            Self::Refused => "Refused",
            Self::Malformed => "Malformed",
            Self::Later { .. } => "Later",
        })
    }
}

/// Checks the credentials of requests.
#[derive(Debug)]
pub struct Authenticator {
    config: AuthConfig,
    issued: u32,
    used: BTreeMap<NonceId, Counts>,
    /// Nonces up to this one are stale whatever their age: their counts were forgotten for room.
    forgotten: Option<NonceId>,
    slowdown: Slowdown,
    work: u64,
}

/// When a nonce was made (µs of [`Mono`]), and a number that tells those of one moment apart.
type NonceId = (u64, u32);

/// The highest nonce count seen, and which of the 64 below it.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    highest: u32,
    seen: u64,
}

impl Counts {
    /// Notes `count`; false if it was noted before or is too far behind to tell.
    fn note(&mut self, count: u32) -> bool {
        if count > self.highest {
            let shift = count - self.highest;
            self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        if behind >= 64 || self.seen & (1 << behind) != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

/// How phones name themselves that give up at a challenge whose algorithm they do not know, instead
/// of taking the next (RFC 8760 §2.4): baresip before its second version.
const MD5_ALONE: &[&str] = &["baresip v0.", "baresip v1."];

/// Length of a nonce: 16 digits of time, 8 of the counter, 32 of the keyed hash.
const NONCE_LEN: usize = 56;

impl Authenticator {
    /// Most nonces whose counts are kept. With more phones than this within one `nonce_ttl`, the
    /// oldest nonces turn stale early, and their phones are challenged once more.
    pub const MAX_NONCES: usize = 32_768;

    /// An authenticator that has issued nothing yet.
    #[must_use]
    pub fn new(mut config: AuthConfig) -> Self {
        // A quote in it would end the quoted string of the challenge.
        config
            .realm
            .retain(|c| !c.is_control() && c != '"' && c != '\\');
        Self {
            config,
            issued: 0,
            used: BTreeMap::new(),
            forgotten: None,
            slowdown: Slowdown::default(),
            work: 0,
        }
    }

    /// How many hashes were computed since the start. Of one check as many for a user who does not
    /// exist as for one who does.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.work
    }

    /// Who has failed lately.
    #[must_use]
    pub fn slowdown(&self) -> &Slowdown {
        &self.slowdown
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.config.realm
    }

    /// How many nonces have their counts kept.
    #[must_use]
    pub fn tracked_nonces(&self) -> usize {
        self.used.len()
    }

    /// Checks the Authorization headers of `request`, which came from `from`; `password` knows the user's
    /// password.
    ///
    /// An unknown user costs what a wrong password costs, as far as this function goes: `password`
    /// itself should not take longer for one than for the other.
    pub fn check(
        &mut self,
        now: Mono,
        from: IpAddr,
        request: &Message,
        password: &dyn Fn(&str) -> Option<String>,
    ) -> AuthResult {
        let at = (now, source(from));
        match self.usable(request) {
            Ok(Some(credentials)) => self.check_credentials(at, request, &credentials, password),
            Ok(None) => self.challenge(at, request, false),
            Err(CredentialsError::Malformed | CredentialsError::OtherScheme) => {
                AuthResult::Malformed
            }
        }
    }

    /// The same for who may be guessing: wrong answers are counted by source and user, and after some of
    /// them those that follow too soon are not looked at.
    pub fn check_from(
        &mut self,
        now: Mono,
        sender: Sender<'_>,
        request: &Message,
        password: &dyn Fn(&str) -> Option<String>,
    ) -> AuthResult {
        let claimed = match self.usable(request) {
            Ok(Some(credentials)) => credentials.username.into_owned(),
            _ => return self.check(now, sender.from, request, password),
        };
        let user = self.number_of(&claimed);
        if let Some(wait) = self.slowdown.wait(now, sender.from, user)
            && !(sender.is_home)(&claimed)
        {
            return AuthResult::Later { wait };
        }
        let result = self.check(now, sender.from, request, password);
        match &result {
            AuthResult::Refused => self.slowdown.failed(now, sender.from, user),
            AuthResult::Ok { .. } => self.slowdown.passed(sender.from, user),
            _ => {}
        }
        result
    }

    /// A number that stands for a user; nobody can choose two users of one.
    fn number_of(&mut self, user: &str) -> u64 {
        self.work += 1;
        let hash = keyed_hash(&self.config.secret, &[b"user", user.as_bytes()]);
        let (number, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
        u64::from_be_bytes(*number)
    }

    /// The credentials for this realm: of two answers to our two challenges the stronger.
    fn usable<'m>(
        &self,
        request: &'m Message,
    ) -> Result<Option<Credentials<'m>>, CredentialsError> {
        let mut usable = None;
        for value in request.headers(HeaderName::Authorization).take(8) {
            match Credentials::parse(value) {
                Err(CredentialsError::OtherScheme) => {}
                Err(error @ CredentialsError::Malformed) => return Err(error),
                // Credentials for other realms are for other servers (RFC 3261 §22.3).
                Ok(credentials) if *credentials.realm == *self.config.realm => {
                    let stronger = credentials.algorithm == Some(Algorithm::Sha256);
                    if usable.is_none() || stronger {
                        usable = Some(credentials);
                    }
                }
                Ok(_) => {}
            }
        }
        Ok(usable)
    }

    fn check_credentials(
        &mut self,
        at: (Mono, IpAddr),
        request: &Message,
        credentials: &Credentials<'_>,
        password: &dyn Fn(&str) -> Option<String>,
    ) -> AuthResult {
        let Some(algorithm) = credentials.algorithm else {
            return self.challenge(at, request, false);
        };
        // Without qop (RFC 2069) there is no nonce count, and so no defence against replay.
        if !credentials.qop.eq_ignore_ascii_case("auth") || credentials.userhash {
            return self.challenge(at, request, false);
        }
        let (Some(count), false) = (nonce_count(&credentials.nc), credentials.cnonce.is_empty())
        else {
            return AuthResult::Malformed;
        };
        if !same_target(&credentials.uri, request.request_uri()) {
            return AuthResult::Malformed;
        }
        let Some(nonce) = self.fresh(at, &credentials.nonce) else {
            return self.challenge(at, request, true);
        };
        let known = password(&credentials.username);
        let is_known = subtle::Choice::from(u8::from(known.is_some()));
        // Made for who is known as well, so that both cost the same.
        let nobodys = self.nobodys_password();
        let secret = known.unwrap_or(nobodys);
        let method = request.method_str();
        let expected = credentials.expected(algorithm, method, &secret, &mut self.work);
        let right = expected
            .as_bytes()
            .ct_eq(credentials.response.to_ascii_lowercase().as_bytes())
            & is_known;
        if !bool::from(right) {
            return AuthResult::Refused;
        }
        match self.note_use(at.0, nonce, count) {
            true => AuthResult::Ok {
                user: credentials.username.clone().into_owned(),
            },
            false => self.challenge(at, request, true),
        }
    }

    /// A password that nobody can have, of the usual length.
    fn nobodys_password(&mut self) -> String {
        self.work += 1;
        hex(&keyed_hash(&self.config.secret, &[b"nobody"])[..8])
    }

    /// The algorithms that a phone is offered, one challenge each, in this order. The strongest comes
    /// first (RFC 8760 §2.4), as far as telephones let it.
    fn offered(&self, request: &Message) -> &'static [Algorithm] {
        if !self.config.sha256 {
            return &[Algorithm::Md5];
        }
        match request.header(HeaderName::UserAgent) {
            Some(agent) if MD5_ALONE.iter().any(|name| agent.starts_with(name)) => {
                &[Algorithm::Md5]
            }
            Some(_) => &[Algorithm::Sha256, Algorithm::Md5],
            // Scripts of SIPp do not name themselves, and it reads the first challenge only.
            None => &[Algorithm::Md5, Algorithm::Sha256],
        }
    }

    /// The headers of a 401 (RFC 7616 §3.3), with a new nonce.
    fn challenge(&mut self, at: (Mono, IpAddr), request: &Message, stale: bool) -> AuthResult {
        self.issued = self.issued.wrapping_add(1);
        let nonce = self.nonce((at.0.0, self.issued), at.1);
        let realm = &self.config.realm;
        let stale = if stale { ", stale=true" } else { "" };
        let header = |algorithm: Algorithm| {
            let name = algorithm.as_str();
            let value = format!(
                "Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"{stale}"
            );
            ("WWW-Authenticate".to_owned(), value)
        };
        let offered = self.offered(request);
        AuthResult::Challenge {
            headers: offered.iter().copied().map(header).collect(),
        }
    }

    fn nonce(&self, (time, number): NonceId, from: IpAddr) -> String {
        let from = from.to_string();
        let parts: [&[u8]; 4] = [
            &time.to_be_bytes(),
            &number.to_be_bytes(),
            from.as_bytes(),
            self.config.realm.as_bytes(),
        ];
        let tag = keyed_hash(&self.config.secret, &parts);
        format!("{time:016x}{number:08x}{}", hex(&tag[..16]))
    }

    /// Which nonce of ours this is, made for this source and not too old.
    fn fresh(&self, (now, from): (Mono, IpAddr), nonce: &str) -> Option<NonceId> {
        let id = nonce_id(nonce)?;
        let ours = self.nonce(id, from).as_bytes().ct_eq(nonce.as_bytes());
        let age = Duration::from_micros(now.0.checked_sub(id.0)?);
        let fresh = bool::from(ours) && age <= self.config.nonce_ttl;
        (fresh && self.forgotten.is_none_or(|limit| id > limit)).then_some(id)
    }

    /// Notes the use of a fresh nonce; false if it was used with `count` before, or has no room.
    fn note_use(&mut self, now: Mono, id: NonceId, count: u32) -> bool {
        self.forget_old(now);
        if !self.used.contains_key(&id) && self.used.len() >= Self::MAX_NONCES {
            let oldest = self.used.pop_first().map(|(oldest, _)| oldest);
            self.forgotten = self.forgotten.max(oldest);
            if oldest.is_some_and(|oldest| id <= oldest) {
                return false;
            }
        }
        self.used.entry(id).or_default().note(count)
    }

    /// Drops the counts of nonces that are too old to be used.
    fn forget_old(&mut self, now: Mono) {
        while let Some((&(time, number), _)) = self.used.first_key_value() {
            if now.since(Mono(time)) <= self.config.nonce_ttl {
                break;
            }
            self.used.remove(&(time, number));
        }
    }
}

/// Time and number of a nonce of our form.
fn nonce_id(nonce: &str) -> Option<NonceId> {
    if nonce.len() != NONCE_LEN || !nonce.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((
        u64::from_str_radix(nonce.get(..16)?, 16).ok()?,
        u32::from_str_radix(nonce.get(16..24)?, 16).ok()?,
    ))
}

/// Eight hexadecimal digits, not zero (RFC 7616 §3.4).
fn nonce_count(text: &str) -> Option<u32> {
    if text.len() != 8 || !text.bytes().all(|b| lex::hex_digit(b).is_some()) {
        return None;
    }
    u32::from_str_radix(text, 16)
        .ok()
        .filter(|count| *count != 0)
}

/// True if the `uri` of the credentials names whom the request names. Host and port may differ: some
/// phones write where they send to, not what they ask for, and a proxy may have turned the request
/// elsewhere (RFC 3261 §22.4, point 5). The user may not: it is what a star code says.
fn same_target(claimed: &str, request_uri: &str) -> bool {
    if claimed == request_uri {
        return true;
    }
    match (Uri::parse(claimed), Uri::parse(request_uri)) {
        (Ok(a), Ok(b)) => a.is_sip() && b.is_sip() && a.user_unescaped() == b.user_unescaped(),
        _ => false,
    }
}
