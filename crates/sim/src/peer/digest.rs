//! Digest credentials of a telephone (RFC 7616 §3.4; SHA-256 by RFC 8760).

use md5::Md5;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

/// A challenge that was taken up, and how often its nonce was used.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    algorithm: Algorithm,
    realm: Box<str>,
    nonce: Box<str>,
    opaque: Option<Box<str>>,
    /// With `qop="auth"`; without, the answer is that of RFC 2069.
    qop: bool,
    /// The server says that only the nonce was too old.
    pub stale: bool,
    ha1: String,
    /// Method, URI and their hash, kept from request to request: a refresh is always the same.
    ha2: (String, String),
    uses: u32,
}

/// Who registers.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub user: String,
    pub domain: String,
    pub password: String,
}

impl Challenge {
    /// The first challenge whose algorithm is known (RFC 8760 §2.4: they come best first).
    pub(crate) fn choose<'a>(
        values: impl Iterator<Item = &'a str>,
        account: &Account,
    ) -> Option<Self> {
        let mut values = values;
        values.find_map(|value| Self::read(value, account))
    }

    fn read(value: &str, account: &Account) -> Option<Self> {
        let (scheme, rest) = value.split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let algorithm = match directive(rest, "algorithm") {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let realm = directive(rest, "realm")?;
        let qop = match directive(rest, "qop") {
            Some(list) if list.split(',').any(|q| q.trim() == "auth") => true,
            Some(_) => return None,
            None => false,
        };
        Some(Self {
            algorithm,
            realm: realm.into(),
            nonce: directive(rest, "nonce")?.into(),
            opaque: directive(rest, "opaque").map(Into::into),
            qop,
            stale: directive(rest, "stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
            ha1: hash(algorithm, &[&account.user, realm, &account.password]),
            ha2: (String::new(), String::new()),
            uses: 0,
        })
    }

    /// The value of Authorization for one request; counts the use of the nonce.
    pub(crate) fn authorize(
        &mut self,
        account: &Account,
        method: &str,
        uri: &str,
        cnonce: u64,
    ) -> String {
        self.uses += 1;
        let known = self.ha2.0.strip_prefix(method);
        if known.and_then(|k| k.strip_prefix(':')) != Some(uri) {
            self.ha2 = (
                format!("{method}:{uri}"),
                hash(self.algorithm, &[method, uri]),
            );
        }
        let (count, cnonce) = (format!("{:08x}", self.uses), format!("{cnonce:016x}"));
        let (ha1, ha2) = (self.ha1.as_str(), self.ha2.1.as_str());
        let parts: &[&str] = if self.qop {
            &[ha1, &self.nonce, &count, &cnonce, "auth", ha2]
        } else {
            &[ha1, &self.nonce, ha2]
        };
        let name = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        };
        let mut value = String::with_capacity(320);
        let _ = write!(
            value,
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", \
             response=\"{}\", algorithm={name}",
            account.user,
            self.realm,
            self.nonce,
            hash(self.algorithm, parts)
        );
        if self.qop {
            let _ = write!(value, ", qop=auth, nc={count}, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque=\"{opaque}\"");
        }
        value
    }
}

/// What somebody shows in Authorization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof<'a> {
    pub user: &'a str,
    pub realm: &'a str,
    pub nonce: &'a str,
    /// How often the nonce was used, as they say; 0 without qop.
    pub count: u32,
    algorithm: Algorithm,
    parts: [&'a str; 4],
}

/// Reads credentials with `qop=auth`.
pub(crate) fn proof(value: &str) -> Option<Proof<'_>> {
    let rest = value.strip_prefix("Digest ")?;
    let get = |name| directive(rest, name);
    let algorithm = match get("algorithm") {
        Some("SHA-256") => Algorithm::Sha256,
        Some("MD5") | None => Algorithm::Md5,
        Some(_) => return None,
    };
    let count = get("nc")?;
    (get("qop")? == "auth").then_some(())?;
    Some(Proof {
        user: get("username")?,
        realm: get("realm")?,
        nonce: get("nonce")?,
        count: u32::from_str_radix(count, 16).ok()?,
        algorithm,
        parts: [count, get("cnonce")?, get("uri")?, get("response")?],
    })
}

impl Proof<'_> {
    /// True if it proves this password for this request.
    pub(crate) fn holds(&self, method: &str, uri: &str, password: &str) -> bool {
        let [count, cnonce, named, response] = self.parts;
        let ha1 = hash(self.algorithm, &[self.user, self.realm, password]);
        let ha2 = hash(self.algorithm, &[method, named]);
        let all = [&*ha1, self.nonce, count, cnonce, "auth", &*ha2];
        named == uri && hash(self.algorithm, &all) == response
    }
}

/// The value of one directive of a challenge, without its quotes. Backslashes stay: no realm or
/// nonce that is met here has them.
fn directive<'a>(mut rest: &'a str, name: &str) -> Option<&'a str> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let (found, after) = rest.split_once('=')?;
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = next;
    }
}

fn hash(algorithm: Algorithm, parts: &[&str]) -> String {
    match algorithm {
        Algorithm::Md5 => hash_with::<Md5>(parts),
        Algorithm::Sha256 => hash_with::<Sha256>(parts),
    }
}

fn hash_with<D: Digest>(parts: &[&str]) -> String {
    let mut hasher = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hasher.update(b":");
        }
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let mut text = String::with_capacity(digest.len() * 2);
    for byte in digest.iter() {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Account, Challenge};

    /// The examples of RFC 7616 §3.9.1, with its client nonce.
    #[test]
    fn the_rfcs_examples() {
        let account = Account {
            user: "Mufasa".to_owned(),
            domain: "example.org".to_owned(),
            password: "Circle of Life".to_owned(),
        };
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let parts = |algorithm, response: &str| {
            let ha1 = super::hash(
                algorithm,
                &["Mufasa", "http-auth@example.org", &account.password],
            );
            let ha2 = super::hash(algorithm, &["GET", "/dir/index.html"]);
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let all = [&ha1, nonce, "00000001", cnonce, "auth", &ha2];
            assert_eq!(super::hash(algorithm, &all), response);
        };
        parts(super::Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec");
        parts(
            super::Algorithm::Sha256,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        );
    }

    #[test]
    fn the_first_known_algorithm_is_taken_and_uses_are_counted() {
        let account = Account {
            user: "r0".to_owned(),
            domain: "test".to_owned(),
            password: "secret".to_owned(),
        };
        let values = [
            "Digest realm=\"a, b\", nonce=\"n0\", algorithm=SHA-512-256, qop=\"auth\"",
            "Digest realm=\"a, b\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth-int,auth\", stale=true",
        ];
        let mut challenge = Challenge::choose(values.into_iter(), &account).unwrap();
        assert!(challenge.stale);
        let first = challenge.authorize(&account, "REGISTER", "sip:test", 1);
        assert!(first.contains("realm=\"a, b\", nonce=\"n1\""), "{first}");
        assert!(first.contains("algorithm=SHA-256") && first.contains("nc=00000001"));
        let second = challenge.authorize(&account, "REGISTER", "sip:test", 2);
        assert!(second.contains("nc=00000002"));
    }
}
