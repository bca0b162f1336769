//! Answers to the challenges of others (RFC 3261 §22, RFC 7616, RFC 8760): what a carrier asks of us
//! before it takes a request, and what is remembered of it for the next one.
//!
//! ```text
//!   401, 407 ── Challenge::parse ─┬─ of one realm the strongest that we know
//!                                 ▼
//!                        Wallet::meet ── a session of each realm: nonce, count, cnonce
//!                                 │            ▲
//!                the request again, with      │ Wallet::carry: the next request shows it at once
//!                Authorization of each realm ─┘
//! ```
//! A realm is answered once in the life of a request, and once more if it says that the nonce was too
//! old (`stale`); so no peer can keep us answering.

use crate::digest::Algorithm;
use crate::lex::{self, trim};
use crate::message::{HeaderName, Message};
use crate::names::Names;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Longest challenge that is looked at, in bytes.
const MAX_CHALLENGE: usize = 2048;
/// Most challenges of one response that are looked at.
const MAX_CHALLENGES: usize = 8;
/// Most realms that one request is answered for.
const MAX_REALMS: usize = 4;
/// Most answers to challenges that one request is followed by: each realm, and each again if stale.
pub(crate) const MAX_ANSWERS: u32 = 2 * MAX_REALMS as u32;
/// Most sessions that are kept of an account.
const MAX_SESSIONS: usize = 2 * MAX_REALMS;

/// Who we are to a carrier.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// User name of the digest; without quotes, backslashes and control characters.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Shows neither user nor password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(***)")
    }
}

/// Which account of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u16);

/// One challenge of scheme Digest that we can answer (RFC 7616 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The realm, as it stands between its quotes.
    pub realm: &'a str,
    /// The nonce, as it stands between its quotes.
    pub nonce: &'a str,
    /// To be given back as it is.
    pub opaque: Option<&'a str>,
    /// True if the nonce was too old and user and password were right.
    pub stale: bool,
    algorithm: Algorithm,
    /// `-sess` (RFC 7616 §3.4.2).
    session: bool,
    /// The algorithm was named, and is named in the answer.
    named: bool,
    /// `qop=auth` is offered; without any qop the answer is that of RFC 2069.
    qop: bool,
}

impl<'a> Challenge<'a> {
    /// Reads the value of a WWW-Authenticate or Proxy-Authenticate header. `None` for another scheme,
    /// an algorithm or quality of protection that we do not know, and what cannot be read.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        let value = trim(value);
        let (scheme, rest) = value.split_at(value.bytes().position(lex::is_lws)?);
        if !scheme.eq_ignore_ascii_case("Digest") || value.len() > MAX_CHALLENGE {
            return None;
        }
        const NAMES: [&str; 6] = ["realm", "nonce", "opaque", "stale", "algorithm", "qop"];
        let mut found: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        for item in lex::list(rest) {
            let (name, value) = item.split_once('=')?;
            let (name, value) = (trim(name), trim(value));
            if !lex::is_token(name) {
                return None;
            }
            let Some(at) = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)) else {
                continue;
            };
            // Twice the same would be read otherwise by somebody else.
            if found[at].replace(bare(value)?).is_some() {
                return None;
            }
        }
        let [realm, nonce, opaque, stale, algorithm, qop] = found;
        let name = algorithm.unwrap_or("MD5");
        let (base, session) = match name
            .len()
            .checked_sub(5)
            .map(|at| name.split_at_checked(at))
        {
            Some(Some((base, end))) if end.eq_ignore_ascii_case("-sess") => (base, true),
            _ => (name, false),
        };
        let algorithm_of = [Algorithm::Md5, Algorithm::Sha256];
        let known = |it: &Algorithm| it.as_str().eq_ignore_ascii_case(base);
        let offers = |qop: &str| lex::list(qop).any(|it| it.eq_ignore_ascii_case("auth"));
        if qop.is_some_and(|qop| !offers(qop)) {
            return None;
        }
        Some(Self {
            realm: realm?,
            nonce: nonce?,
            opaque,
            stale: stale.is_some_and(|it| it.eq_ignore_ascii_case("true")),
            algorithm: algorithm_of.into_iter().find(known)?,
            session,
            named: algorithm.is_some(),
            qop: qop.is_some(),
        })
    }

    /// How strong it is, beside others of its realm.
    fn strength(&self) -> (bool, bool) {
        (self.algorithm == Algorithm::Sha256, self.qop)
    }

    /// The value of Authorization or Proxy-Authorization (RFC 7616 §3.4) for a request of `method` to
    /// `uri`, the `count`th with this nonce.
    #[must_use]
    pub fn answer(
        &self,
        account: &Account,
        (method, uri): (&str, &str),
        cnonce: &str,
        count: u32,
    ) -> String {
        let hash = |parts: &[&str]| self.algorithm.hash(parts);
        let user = account.user.as_str();
        let mut secret = hash(&[user, self.realm, &account.password]);
        if self.session {
            secret = hash(&[&secret, self.nonce, cnonce]);
        }
        let request = hash(&[method, uri]);
        let count = format!("{count:08x}");
        let response = if self.qop {
            hash(&[&secret, self.nonce, &count, cnonce, "auth", &request])
        } else {
            hash(&[&secret, self.nonce, &request])
        };
        let (realm, nonce) = (self.realm, self.nonce);
        let mut out = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\""
        );
        if self.named {
            let session = if self.session { "-sess" } else { "" };
            out.push_str(", algorithm=");
            out.push_str(self.algorithm.as_str());
            out.push_str(session);
        }
        if self.qop {
            out.push_str(&format!(", qop=auth, nc={count}"));
        }
        if self.qop || self.session {
            out.push_str(&format!(", cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = self.opaque {
            out.push_str(&format!(", opaque=\"{opaque}\""));
        }
        out
    }
}

/// A parameter's value without its quotes (RFC 7616 §3.4.1, `unq`): backslashes stay, for both sides
/// hash what stands there. `None` if its quotes do not close.
fn bare(value: &str) -> Option<&str> {
    if !value.starts_with('"') {
        return lex::is_token(value).then_some(value);
    }
    let whole = lex::quoted_len(value.as_bytes()) == Some(value.len());
    let inner = value.get(1..value.len().checked_sub(1)?)?;
    (whole && !inner.bytes().any(|b| b < b' ')).then_some(inner)
}

/// Where a challenge stands, and so its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// WWW-Authenticate: the end itself.
    End,
    /// Proxy-Authenticate: somebody on the way.
    Proxy,
}

impl Place {
    fn answer(self) -> &'static str {
        match self {
            Self::End => "Authorization",
            Self::Proxy => "Proxy-Authorization",
        }
    }
}

/// How often a realm was answered for one request.
#[derive(Clone, Serialize, Deserialize)]
struct Round {
    place: Place,
    realm: Box<str>,
    answers: u8,
}

/// Whose credentials a request may show, and what challenges it has met so far.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Attempts {
    /// The account; without one every challenge is a refusal.
    pub account: Option<AccountId>,
    rounds: Vec<Round>,
}

impl Attempts {
    /// A request that has met nobody yet.
    pub(crate) fn of(account: Option<AccountId>) -> Self {
        Self {
            account,
            rounds: Vec::new(),
        }
    }

    /// Counts the answer to a challenge. False if it is not to be answered: it was, and the nonce
    /// was not too old; or there were too many.
    fn count(&mut self, place: Place, challenge: &Challenge<'_>) -> bool {
        let room = self.rounds.len() < MAX_REALMS;
        let same = |it: &&mut Round| it.place == place && *it.realm == *challenge.realm;
        match self.rounds.iter_mut().find(same) {
            Some(round) if challenge.stale && round.answers < 2 => round.answers += 1,
            Some(_) => return false,
            None if room => self.rounds.push(Round {
                place,
                realm: challenge.realm.into(),
                answers: 1,
            }),
            None => return false,
        }
        true
    }
}

/// What is remembered of a realm: its last nonce and how often it was used.
struct Session {
    place: Place,
    realm: Box<str>,
    nonce: Box<str>,
    opaque: Option<Box<str>>,
    algorithm: Algorithm,
    session: bool,
    named: bool,
    qop: bool,
    /// One for the life of the nonce: `-sess` is computed with that of the first answer.
    cnonce: Box<str>,
    count: u32,
    /// REGISTER was challenged so.
    registers: bool,
    /// Another request was.
    calls: bool,
}

impl Session {
    fn new(place: Place, challenge: &Challenge<'_>, cnonce: String) -> Self {
        Self {
            place,
            realm: challenge.realm.into(),
            nonce: challenge.nonce.into(),
            opaque: challenge.opaque.map(Into::into),
            algorithm: challenge.algorithm,
            session: challenge.session,
            named: challenge.named,
            qop: challenge.qop,
            cnonce: cnonce.into(),
            count: 0,
            registers: false,
            calls: false,
        }
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge {
            realm: &self.realm,
            nonce: &self.nonce,
            opaque: self.opaque.as_deref(),
            stale: false,
            algorithm: self.algorithm,
            session: self.session,
            named: self.named,
            qop: self.qop,
        }
    }

    fn class(&mut self, method: &str) -> &mut bool {
        match method {
            "REGISTER" => &mut self.registers,
            _ => &mut self.calls,
        }
    }
}

struct Purse {
    account: Account,
    sessions: Vec<Session>,
}

/// Headers with credentials, name and value.
pub(crate) type Credentials = Vec<(&'static str, String)>;

/// The accounts of an endpoint and what it knows of their realms.
#[derive(Default)]
pub(crate) struct Wallet(BTreeMap<AccountId, Purse>);

impl Wallet {
    /// Puts an account in, or another one in its place: then what was known of its realms is
    /// forgotten. `None` takes it out.
    pub(crate) fn set(&mut self, id: AccountId, account: Option<Account>) {
        match account {
            None => drop(self.0.remove(&id)),
            Some(account) if self.0.get(&id).is_some_and(|it| it.account == account) => {}
            Some(account) => {
                let sessions = Vec::new();
                self.0.insert(id, Purse { account, sessions });
            }
        }
    }

    /// What a request is to show at once (RFC 3261 §22.3): an answer to the last challenge of each
    /// realm that asked requests of its kind, REGISTER or others; where none did, of each that asked
    /// the other kind.
    pub(crate) fn carry(
        &mut self,
        account: Option<AccountId>,
        (method, uri): (&str, &str),
    ) -> Credentials {
        let purse = account.and_then(|id| self.0.get_mut(&id));
        purse.map_or_else(Vec::new, |purse| purse.carry((method, uri)))
    }

    /// A request was refused with 401 or 407: what it is to show when it goes again; `None` if there
    /// is no answer, or it was given already.
    pub(crate) fn meet(
        &mut self,
        attempts: &mut Attempts,
        response: &Message,
        (method, uri): (&str, &str),
        names: &mut Names,
    ) -> Option<Credentials> {
        let purse = attempts.account.and_then(|id| self.0.get_mut(&id))?;
        let challenges = strongest(response);
        let mut all = !challenges.is_empty();
        for (place, challenge) in &challenges {
            all &= attempts.count(*place, challenge);
        }
        if !all {
            // What was shown did not help: the next request is not to show it again.
            purse.forget(method, |_| true);
            return None;
        }
        let of_this = |it: &Session| {
            let round = |r: &Round| r.place == it.place && r.realm == it.realm;
            attempts.rounds.iter().any(round)
        };
        let met = |place| challenges.iter().any(|it| it.0 == place);
        purse.forget(method, |it| met(it.place) && !of_this(it));
        for (place, challenge) in &challenges {
            purse.note(method, *place, challenge, names);
        }
        Some(purse.carry((method, uri)))
    }
}

impl Purse {
    fn carry(&mut self, (method, uri): (&str, &str)) -> Credentials {
        let own = self.sessions.iter_mut().any(|it| *it.class(method));
        let mut out = Vec::new();
        for session in &mut self.sessions {
            if own && !*session.class(method) {
                continue;
            }
            session.count = session.count.saturating_add(1);
            let value = session.challenge().answer(
                &self.account,
                (method, uri),
                &session.cnonce,
                session.count,
            );
            out.push((session.place.answer(), value));
        }
        out
    }

    /// Sessions that requests of this method show no more; those that none shows are dropped.
    fn forget(&mut self, method: &str, which: impl Fn(&Session) -> bool) {
        self.sessions.retain_mut(|it| {
            if which(it) {
                *it.class(method) = false;
            }
            it.registers || it.calls
        });
    }

    /// Keeps a challenge. One whose nonce is known goes on counting.
    fn note(&mut self, method: &str, place: Place, challenge: &Challenge<'_>, names: &mut Names) {
        let same = |it: &Session| it.place == place && *it.realm == *challenge.realm;
        let known = self.sessions.iter().position(same);
        let before = known.map(|at| self.sessions.remove(at));
        let (registers, calls) = before
            .as_ref()
            .map_or((false, false), |it| (it.registers, it.calls));
        // One that says that its nonce was too old is never the one that stands.
        let stands = before.filter(|it| it.challenge() == *challenge);
        let fresh = || Session::new(place, challenge, format!("{:016x}", names.word()));
        let mut session = stands.unwrap_or_else(fresh);
        (session.registers, session.calls) = (registers, calls);
        *session.class(method) = true;
        self.sessions.insert(0, session);
        self.sessions.truncate(MAX_SESSIONS);
    }
}

/// Of the challenges in a response, the strongest of each realm, in the order of the response.
fn strongest(response: &Message) -> Vec<(Place, Challenge<'_>)> {
    let of = |name, place| {
        let values = response.headers(name);
        values.filter_map(move |value| Some((place, Challenge::parse(value)?)))
    };
    let all = of(HeaderName::WwwAuthenticate, Place::End)
        .chain(of(HeaderName::ProxyAuthenticate, Place::Proxy));
    let mut out: Vec<(Place, Challenge<'_>)> = Vec::new();
    for (place, challenge) in all.take(MAX_CHALLENGES) {
        let same =
            |it: &&mut (Place, Challenge<'_>)| it.0 == place && it.1.realm == challenge.realm;
        match out.iter_mut().find(same) {
            Some(other) if other.1.strength() < challenge.strength() => other.1 = challenge,
            Some(_) => {}
            None => out.push((place, challenge)),
        }
    }
    out
}
