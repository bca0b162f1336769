//! Which names are to be looked up when, what was found of each, and what follows for every trunk.
//! Knows neither sockets nor the clock.
//!
//! ```text
//!            due            answered             its time is over
//!   Unknown ─────► Asking ────────────► Fresh ─────────────────────► Asking …
//!                    │  ▲                 what was found holds all the while
//!      no answer, or │  │ due again
//!     one that names ▼  │
//!            nobody   Stale: what was found last goes on to hold
//! ```
//!
//! A part of an answer is taken behind what a whole one said before, and asked for again soon.

use super::locate::{Located, MOST, NoAnswer, Place, Wanted};
use meishier_engine::config::{self, Config, Destination, Trunk};
use meishier_engine::signaling::Transport;
use meishier_engine::{MAX_PEERS, Target};
use meishier_model::TrunkId;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How often names are looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// No more often than this, whatever DNS says.
    pub least: Duration,
    /// No less often.
    pub most: Duration,
    /// How soon again after no answer.
    pub again: Duration,
}

/// Names change seldom, and a carrier that moves is to be followed within the hour.
pub(crate) const BOUNDS: Bounds = Bounds {
    least: Duration::from_secs(5),
    most: Duration::from_secs(3600),
    again: Duration::from_secs(15),
};

/// How long an address may call after DNS last gave it: carriers give some of many in turn.
const CALLER_KEPT: Duration = Duration::from_secs(3600);
/// Most addresses of one name that may call.
const CALLERS: usize = 256;

/// What is known of one name.
#[derive(Debug)]
struct Name {
    found: Vec<Place>,
    /// What the last whole answer said.
    whole: Vec<Place>,
    /// All that it stood for of late, and when it last did.
    seen: BTreeMap<IpAddr, Instant>,
    due: Instant,
    asking: bool,
    stale: bool,
}

impl Name {
    fn unknown(due: Instant) -> Self {
        Self {
            found: Vec::new(),
            whole: Vec::new(),
            seen: BTreeMap::new(),
            due,
            asking: false,
            stale: false,
        }
    }

    /// Takes places; if they are a part of what there is, those of the last whole answer go first.
    fn take(&mut self, now: Instant, places: Vec<Place>, part: bool) {
        for place in &places {
            self.seen.insert(place.address.ip(), now);
        }
        self.seen.retain(|_, at| *at + CALLER_KEPT > now);
        while self.seen.len() > CALLERS {
            let oldest = self.seen.iter().min_by_key(|(_, at)| **at);
            let Some(oldest) = oldest.map(|(ip, _)| *ip) else {
                break;
            };
            self.seen.remove(&oldest);
        }
        if !part {
            self.whole.clone_from(&places);
            self.found = places;
            return;
        }
        let behind = self.whole.iter().map(|it| it.rank.saturating_add(1)).max();
        self.found.clone_from(&self.whole);
        for mut place in places {
            let same = |it: &Place| (it.address, it.transport) == (place.address, place.transport);
            if !self.found.iter().any(same) {
                place.rank = place.rank.saturating_add(behind.unwrap_or(0));
                self.found.push(place);
            }
        }
        self.found.truncate(MOST);
    }
}

/// What a trunk's names have come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Where its calls out go.
    pub targets: Vec<Target>,
    /// Whose calls are its.
    pub callers: Vec<IpAddr>,
}

/// All names of a configuration.
pub(crate) struct Plan {
    bounds: Bounds,
    names: BTreeMap<Wanted, Name>,
    trunks: Vec<Trunk>,
    /// What was told of each trunk that has names.
    told: BTreeMap<usize, Outcome>,
}

/// True if anything of a configuration has to be looked up.
pub(crate) fn has_names(config: &Config) -> bool {
    config.trunks.iter().any(|it| !wanted_of(it).is_empty())
}

fn named(destination: &Destination, transport: Option<Transport>) -> Option<Wanted> {
    match destination {
        Destination::Address(_) => None,
        Destination::Name { host, port } => Some(Wanted {
            host: host.clone(),
            port: *port,
            transport,
        }),
    }
}

pub(super) fn by(transport: config::Transport) -> Transport {
    match transport {
        config::Transport::Udp => Transport::Udp,
        config::Transport::Tcp => Transport::Tcp,
        config::Transport::Tls => Transport::Tls,
    }
}

fn caller(host: &str) -> Wanted {
    Wanted {
        host: host.to_owned(),
        port: None,
        transport: None,
    }
}

fn wanted_of(trunk: &Trunk) -> Vec<Wanted> {
    let to = trunk.to.iter();
    let out = to.filter_map(|to| named(&to.destination, to.transport.map(by)));
    out.chain(trunk.peer_names.iter().map(|host| caller(host)))
        .collect()
}

impl Plan {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            names: BTreeMap::new(),
            trunks: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    /// Takes another configuration. What is known of a name that stays is kept, and asked anew.
    pub(crate) fn follow(&mut self, config: &Config, now: Instant) {
        self.trunks.clone_from(&config.trunks);
        let wanted = self.trunks.iter().flat_map(wanted_of);
        let mut before = std::mem::take(&mut self.names);
        for wanted in wanted {
            let known = before.remove(&wanted).map(|name| Name { due: now, ..name });
            self.names
                .entry(wanted)
                .or_insert_with(|| known.unwrap_or(Name::unknown(now)));
        }
        // The shards have forgotten what was told them of trunks that have changed.
        self.told.clear();
    }

    /// When the next name is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let idle = self.names.values().filter(|it| !it.asking);
        idle.map(|it| it.due).min()
    }

    /// Up to `most` names that are due; each is to be answered by [`Self::answer`].
    pub(crate) fn take_due(&mut self, now: Instant, most: usize) -> Vec<Wanted> {
        let due = self.names.iter_mut();
        let due = due.filter(|(_, it)| !it.asking && it.due <= now);
        let take = |(wanted, name): (&Wanted, &mut Name)| {
            name.asking = true;
            wanted.clone()
        };
        due.take(most).map(take).collect()
    }

    /// Takes what came of a name. True if it is news that it is stale, or no longer.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        wanted: &Wanted,
        answer: Result<Located, NoAnswer>,
    ) -> bool {
        // It may have gone from the configuration meanwhile.
        let Some(name) = self.names.get_mut(wanted) else {
            return false;
        };
        name.asking = false;
        let before = name.stale;
        match answer {
            Ok(located) if !located.places.is_empty() => {
                name.stale = false;
                let holds = match located.part {
                    true => self.bounds.again,
                    false => located.holds.clamp(self.bounds.least, self.bounds.most),
                };
                name.take(now, located.places, located.part);
                name.due = now + holds;
            }
            // Nobody at all: rather a slip of theirs than the end of the trunk. It is asked again when
            // the answer has run out.
            Ok(located) => {
                name.stale = true;
                name.due = now + located.holds.clamp(self.bounds.again, self.bounds.most);
            }
            Err(NoAnswer) => {
                name.stale = true;
                name.due = now + self.bounds.again;
            }
        }
        name.stale != before
    }

    /// True if nothing new is known of a name.
    pub(crate) fn is_stale(&self, wanted: &Wanted) -> bool {
        self.names.get(wanted).is_some_and(|it| it.stale)
    }

    /// How many names live on what was found before, or were never found.
    pub(crate) fn stale(&self) -> u64 {
        self.names.values().filter(|it| it.stale).count() as u64
    }

    /// What is to be told of trunks since the last call.
    pub(crate) fn news(&mut self) -> Vec<(TrunkId, Outcome)> {
        let mut news = Vec::new();
        for (index, trunk) in self.trunks.iter().enumerate() {
            let wanted = wanted_of(trunk);
            let known = |it: &Wanted| self.names.get(it).is_some_and(|it| !it.found.is_empty());
            let failed = |it: &Wanted| self.names.get(it).is_some_and(|it| it.stale);
            if wanted.is_empty() || !wanted.iter().any(|it| known(it) || failed(it)) {
                continue;
            }
            let outcome = Outcome {
                targets: self.targets(trunk),
                callers: self.callers(trunk),
            };
            if self.told.get(&index) == Some(&outcome) {
                continue;
            }
            self.told.insert(index, outcome.clone());
            news.extend(u16::try_from(index).map(|id| (TrunkId(id), outcome)));
        }
        news
    }

    fn found(&self, wanted: &Wanted) -> &[Place] {
        self.names.get(wanted).map_or(&[], |name| &name.found)
    }

    fn callers(&self, trunk: &Trunk) -> Vec<IpAddr> {
        let hosts = trunk.peer_names.iter();
        let mut all: Vec<IpAddr> = Vec::new();
        for name in hosts.filter_map(|host| self.names.get(&caller(host))) {
            all.extend(name.found.iter().map(|place| place.address.ip()));
            all.extend(name.seen.keys());
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Everywhere that the trunk's calls go, in one order: by the file's priority, within it by the
    /// rank that DNS gives.
    fn targets(&self, trunk: &Trunk) -> Vec<Target> {
        let mut ranked: Vec<(u16, u16, Target)> = Vec::new();
        let fixed = Target::fixed(trunk).into_iter();
        ranked.extend(fixed.map(|target| (target.priority, 0, target)));
        for to in &trunk.to {
            let Some(wanted) = named(&to.destination, to.transport.map(by)) else {
                continue;
            };
            for place in self.found(&wanted) {
                // RFC 5922 §7.1: the name that was asked for, not what DNS made of it.
                let tls_name = to.tls_name.clone().unwrap_or_else(|| wanted.host.clone());
                let weight = match place.weight {
                    Some(own) => own.saturating_mul(to.weight),
                    None => to.weight,
                };
                let target = Target {
                    address: place.address,
                    transport: place.transport,
                    tls_name: Some(tls_name),
                    priority: 0,
                    weight,
                };
                ranked.push((to.priority, place.rank, target));
            }
        }
        ranked.sort_by_key(|(priority, rank, _)| (*priority, *rank));
        let mut groups = 0;
        let mut before = None;
        let mut targets = Vec::new();
        for (priority, rank, mut target) in ranked {
            if before.is_some_and(|it| it != (priority, rank)) {
                groups += 1;
            }
            before = Some((priority, rank));
            target.priority = groups;
            targets.push(target);
        }
        targets.truncate(MAX_PEERS);
        targets
    }
}
