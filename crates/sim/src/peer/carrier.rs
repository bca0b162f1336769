//! A carrier that wants to be registered at and to be shown a password: its registrar, and its side of
//! calls that the engine makes. Calls come to nothing here (486): what is looked at is how they begin.

use super::digest::{Proof, proof};
use super::other_in::name_of;
use super::text::{Message, Start, Writer};
use crate::dice::Dice;
use meishier_model::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// Answers that are remembered, to be given again.
const MOST_ANSWERS: usize = 512;
/// How long it remembers nonces that it no longer gives.
const MOST_NONCES: usize = 64;

/// How the carrier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// All is well.
    Fine,
    /// It answers nothing.
    Silent,
    /// It answers 503.
    Busy,
    /// It answers 403 to REGISTER.
    Forbids,
}

/// What a carrier counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarrierFigures {
    /// REGISTERs that bound.
    pub bound: u64,
    /// Calls that showed good credentials.
    pub proved: u64,
    /// Of those, with the first request already.
    pub at_once: u64,
    /// Challenges because a nonce was too old.
    pub stale: u64,
    /// Changes of the realm.
    pub realms: u64,
}

/// The carrier.
#[derive(Debug)]
pub struct Carrier {
    engine: SocketAddr,
    user: &'static str,
    password: &'static str,
    dice: Dice,
    weather: Weather,
    realm: u64,
    nonce: String,
    /// The highest count of the nonce.
    count: u32,
    old: VecDeque<String>,
    until: Option<Mono>,
    answers: BTreeMap<u64, Vec<u8>>,
    /// Call-IDs that were challenged, for this nonce.
    challenged: BTreeSet<(String, String)>,
    packets: VecDeque<Vec<u8>>,
    fault: Option<String>,
    figures: CarrierFigures,
}

impl Carrier {
    /// A carrier that knows this user, and where the engine is.
    #[must_use]
    pub fn new(
        engine: SocketAddr,
        (user, password): (&'static str, &'static str),
        dice: Dice,
    ) -> Self {
        Self {
            engine,
            user,
            password,
            dice,
            weather: Weather::Fine,
            realm: 0,
            nonce: "first".to_owned(),
            count: 0,
            old: VecDeque::new(),
            until: None,
            answers: BTreeMap::new(),
            challenged: BTreeSet::new(),
            packets: VecDeque::new(),
            fault: None,
            figures: CarrierFigures::default(),
        }
    }

    /// How it is from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Forgets the binding, as after a restart.
    pub fn forget(&mut self) {
        self.until = None;
    }

    /// Another realm, and so another nonce.
    pub fn change_realm(&mut self) {
        self.realm += 1;
        self.figures.realms += 1;
        self.change_nonce();
        self.old.clear();
    }

    /// Another nonce; the one before is too old.
    pub fn change_nonce(&mut self) {
        let nonce = format!("{:016x}", self.dice.bits());
        let before = std::mem::replace(&mut self.nonce, nonce);
        self.count = 0;
        self.old.push_back(before);
        if self.old.len() > MOST_NONCES {
            self.old.pop_front();
        }
    }

    /// True if the engine is registered.
    #[must_use]
    pub fn is_bound(&self, now: Mono) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// What it counted.
    #[must_use]
    pub fn figures(&self) -> CarrierFigures {
        self.figures
    }

    /// What of the engine's doing it would complain about.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The next packet to the engine.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// Takes a message.
    pub fn handle_packet(&mut self, now: Mono, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else {
            return;
        };
        let Start::Request { method, uri } = message.start else {
            return;
        };
        if self.weather == Weather::Silent || method == "ACK" {
            return;
        }
        let name = name_of(&message);
        if let Some(answer) = self.answers.get(&name) {
            return self.packets.push_back(answer.clone());
        }
        let answer = match (self.weather, method) {
            (Weather::Busy, _) => self.reply(&message, 503, &[]),
            (Weather::Forbids, "REGISTER") => self.reply(&message, 403, &[]),
            (_, "REGISTER" | "INVITE") => self.on_asked(now, &message, method, uri),
            (_, "OPTIONS" | "BYE" | "CANCEL") => self.reply(&message, 200, &[]),
            _ => self.reply(&message, 501, &[]),
        };
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.clear();
        }
        self.answers.insert(name, answer.clone());
        self.packets.push_back(answer);
    }

    fn reply(&mut self, request: &Message<'_>, status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
        let tag = self.dice.bits();
        let mut writer = Writer::response(request, status, tag, self.engine);
        for (name, value) in headers {
            writer = writer.header(name, value);
        }
        writer.finish(None)
    }

    fn challenge(&mut self, request: &Message<'_>, stale: bool) -> Vec<u8> {
        let (realm, nonce) = (self.realm, &self.nonce);
        let stale = if stale { ", stale=true" } else { "" };
        let one = |algorithm: &str| {
            format!(
                "Digest realm=\"r{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"
            )
        };
        let (first, second) = (one("MD5"), one("SHA-256"));
        let name = "WWW-Authenticate";
        self.reply(request, 401, &[(name, &first), (name, &second)])
    }

    fn on_asked(&mut self, now: Mono, request: &Message<'_>, method: &str, uri: &str) -> Vec<u8> {
        let asked = (request.call_id.to_owned(), self.nonce.clone());
        let again = self.challenged.contains(&asked);
        let found: Vec<Proof<'_>> = request.headers("Authorization").filter_map(proof).collect();
        let realm = format!("r{}", self.realm);
        let Some(shown) = found.into_iter().find(|it| it.realm == realm) else {
            if again {
                self.blame(format!("{method} without credentials after a challenge"));
            }
            if self.challenged.len() > MOST_ANSWERS {
                self.challenged.clear();
            }
            self.challenged.insert(asked);
            return self.challenge(request, false);
        };
        if shown.user != self.user || !shown.holds(method, uri, self.password) {
            self.blame(format!("{method} with credentials that prove nothing"));
            return self.reply(request, 403, &[]);
        }
        if shown.nonce != self.nonce {
            if !self.old.iter().any(|nonce| nonce == shown.nonce) {
                self.blame(format!("{method} with a nonce that was never given"));
            }
            self.figures.stale += 1;
            return self.challenge(request, true);
        }
        if shown.count == 0 {
            self.blame("a nonce without its count".to_owned());
        }
        self.count = self.count.max(shown.count);
        match method {
            "REGISTER" => self.bind(now, request),
            _ => {
                self.figures.proved += 1;
                self.figures.at_once += u64::from(!again);
                let status = if self.is_bound(now) { 486 } else { 403 };
                self.reply(request, status, &[])
            }
        }
    }

    fn bind(&mut self, now: Mono, request: &Message<'_>) -> Vec<u8> {
        let asked = request.header("Expires").and_then(|it| it.parse().ok());
        let asked: u64 = asked.unwrap_or(0);
        if asked == 0 {
            self.until = None;
            return self.reply(request, 200, &[]);
        }
        let granted = (60 + self.dice.roll(540)).min(asked);
        self.until = Some(now + Duration::from_secs(granted));
        self.figures.bound += 1;
        // Some nonces are good once.
        if self.dice.chance(0.2) {
            self.change_nonce();
        }
        let granted = granted.to_string();
        self.reply(request, 200, &[("Expires", &granted)])
    }

    fn blame(&mut self, what: String) {
        self.fault.get_or_insert(what);
    }
}
