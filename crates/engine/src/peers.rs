//! The peers of a trunk: which there are, how each stands, and which is asked next.
//!
//! ```text
//!            answered             `down_after` in a row without an answer
//!   Unknown ─────────► Up ─────────────────────────────────────────► Down
//!      │                ▲           `up_after` answers in a row         │
//!      │                └─────────────────────────────────────────────┘
//!      └── `down_after` in a row without an answer ──► Down
//! ```
//! Each peer has a machine of its own; the trunk is up if one of its peers is, and down if all are.
//! Beside it a peer rests that said 503 with Retry-After (RFC 3261 §21.5.4), for as long as it said, and
//! one is doubted for a while that did not respond to a call.
//!
//! | who is asked | first | then | at last |
//! | --- | --- | --- | --- |
//! | any call | those up or unknown | those down or doubted | nobody |
//! | an emergency | those up or unknown | those down or doubted | those that rest |
//!
//! Within each: who holds the trunk's registration, then the lowest priority, and of those one by weight (RFC 2782). Nobody is asked twice.

use meishier_config::{Hysteresis, To, Trunk};
use meishier_model::Mono;
use meishier_signaling::Transport;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// Most peers of one trunk; what DNS says beyond it is left out.
pub const MAX_PEERS: usize = 64;
/// Longest rest that a peer may ask for.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// One place to which a trunk's requests go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Where.
    pub address: SocketAddr,
    /// By which transport.
    pub transport: Transport,
    /// The name that its certificate must show on TLS (RFC 5922 §7); the address if absent.
    pub tls_name: Option<String>,
    /// The lowest that answers is taken (RFC 2782).
    pub priority: u16,
    /// The share among those of the same priority (RFC 2782).
    pub weight: u16,
}

/// What tells peers apart.
pub(crate) type PeerKey = (SocketAddr, Transport);

impl Target {
    /// Those of the trunk that the configuration itself names by address.
    #[must_use]
    pub fn fixed(trunk: &Trunk) -> Vec<Self> {
        let target = |to: &To| {
            Some(Self {
                address: to.address()?,
                transport: crate::offer::sip_transport(to.transport()),
                tls_name: to.tls_name.clone(),
                priority: to.priority,
                weight: to.weight,
            })
        };
        trunk.to.iter().filter_map(target).collect()
    }

    pub(crate) fn key(&self) -> PeerKey {
        (self.address, self.transport)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Health {
    #[default]
    Unknown,
    Up,
    Down,
}

/// One peer, and how it stands.
#[derive(Clone, Debug)]
struct Peer {
    target: Target,
    health: Health,
    /// Missing answers in a row.
    misses: u8,
    /// Answers in a row.
    answers: u8,
    /// Until when it takes no calls, as it said.
    rests: Mono,
    /// Until when it is asked last, for it did not respond.
    doubted: Mono,
}

impl Peer {
    fn new(target: Target) -> Self {
        Self {
            target,
            health: Health::Unknown,
            misses: 0,
            answers: 0,
            rests: Mono(0),
            doubted: Mono(0),
        }
    }

    /// 0: may be asked; 1: only if there is no other; 2: only for an emergency.
    fn grade(&self, now: Mono) -> u8 {
        if self.rests > now {
            2
        } else {
            u8::from(self.health == Health::Down || self.doubted > now)
        }
    }
}

/// All peers of one trunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerSet {
    peers: Vec<Peer>,
}

impl PeerSet {
    pub(crate) fn new(targets: Vec<Target>) -> Self {
        let mut set = Self::default();
        set.replace(targets);
        set
    }

    /// Other targets; who was there before keeps its state.
    pub(crate) fn replace(&mut self, targets: Vec<Target>) {
        let mut before = std::mem::take(&mut self.peers);
        for target in targets.into_iter().take(MAX_PEERS) {
            if self.find(target.key()).is_some() {
                continue;
            }
            let known = before.iter().position(|it| it.target.key() == target.key());
            let peer = match known {
                Some(at) => Peer {
                    target,
                    ..before.swap_remove(at)
                },
                None => Peer::new(target),
            };
            self.peers.push(peer);
        }
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.peers.iter().map(|peer| &peer.target)
    }

    fn find(&self, key: PeerKey) -> Option<&Peer> {
        self.peers.iter().find(|it| it.target.key() == key)
    }

    fn find_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|it| it.target.key() == key)
    }

    /// How the trunk stands.
    pub(crate) fn health(&self) -> Health {
        let any = |health| self.peers.iter().any(|it| it.health == health);
        match (any(Health::Up), any(Health::Unknown)) {
            (true, _) => Health::Up,
            (false, true) => Health::Unknown,
            (false, false) if self.peers.is_empty() => Health::Unknown,
            (false, false) => Health::Down,
        }
    }

    /// The change of this peer's health that the result of an OPTIONS brings, if any.
    pub(crate) fn handle_result(
        &mut self,
        key: PeerKey,
        answered: bool,
        after: Hysteresis,
    ) -> Option<Health> {
        let peer = self.find_mut(key)?;
        let before = peer.health;
        if answered {
            peer.misses = 0;
            peer.answers = peer.answers.saturating_add(1);
            if before != Health::Down || peer.answers >= after.up {
                peer.health = Health::Up;
            }
        } else {
            peer.answers = 0;
            peer.misses = peer.misses.saturating_add(1);
            if peer.misses >= after.down {
                peer.health = Health::Down;
            }
        }
        (peer.health != before).then_some(peer.health)
    }

    /// Another shard has found this out.
    pub(crate) fn set_health(&mut self, key: PeerKey, health: Health) {
        if let Some(peer) = self.find_mut(key) {
            peer.health = health;
        }
    }

    /// The peer takes no calls for so long.
    pub(crate) fn rest(&mut self, now: Mono, key: PeerKey, lasts: Duration) {
        if let Some(peer) = self.find_mut(key) {
            peer.rests = now + lasts.min(LONGEST_REST);
        }
    }

    /// The peer did not respond to a call; it is asked last for so long.
    pub(crate) fn doubt(&mut self, now: Mono, key: PeerKey, lasts: Duration) {
        if let Some(peer) = self.find_mut(key) {
            peer.doubted = now + lasts.min(LONGEST_REST);
        }
    }

    /// The best grade of those not tried, and who of them has it.
    fn best(
        &self,
        now: Mono,
        tried: &[PeerKey],
    ) -> Option<(u8, impl Iterator<Item = &Target> + Clone)> {
        let new = |peer: &&Peer| !tried.contains(&peer.target.key());
        let left = self.peers.iter().filter(new);
        let best = left.clone().map(|peer| peer.grade(now)).min()?;
        let of_it = left.filter(move |peer| peer.grade(now) == best);
        Some((best, of_it.map(|peer| &peer.target)))
    }

    /// The one of this key, if nobody left stands better.
    pub(crate) fn prefer(&self, now: Mono, key: PeerKey, tried: &[PeerKey]) -> Option<&Target> {
        let (grade, mut best) = self.best(now, tried)?;
        best.find(|it| it.key() == key).filter(|_| grade < 2)
    }

    /// Who is asked next, by a word that looks random; nobody of `tried`.
    pub(crate) fn choose(
        &self,
        now: Mono,
        word: u64,
        tried: &[PeerKey],
        emergency: bool,
    ) -> Option<&Target> {
        let (grade, best) = self.best(now, tried)?;
        if grade > 1 && !emergency {
            return None;
        }
        let lowest = best.clone().map(|it| it.priority).min()?;
        let of_weight = |none: bool| {
            let lowest = move |it: &&Target| it.priority == lowest && (it.weight == 0) == none;
            best.clone().filter(lowest)
        };
        // RFC 2782: those of weight 0 stand first, and a number from 0 to the sum is drawn.
        let ordered = || of_weight(true).chain(of_weight(false));
        let sum: u64 = ordered().map(|it| u64::from(it.weight)).sum();
        let drawn = word % (sum + 1);
        let mut running = 0;
        ordered().find(|it| {
            running += u64::from(it.weight);
            running >= drawn
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, PeerSet, Target};
    use meishier_config::Hysteresis;
    use meishier_model::Mono;
    use meishier_signaling::Transport;
    use std::time::Duration;

    const NOW: Mono = Mono(1_000_000);

    fn target(last: u8, priority: u16, weight: u16) -> Target {
        Target {
            address: ([192, 0, 2, last], 5060).into(),
            transport: Transport::Udp,
            tls_name: None,
            priority,
            weight,
        }
    }

    fn last(target: Option<&Target>) -> Option<u8> {
        match target?.address.ip() {
            std::net::IpAddr::V4(ip) => Some(ip.octets()[3]),
            std::net::IpAddr::V6(_) => None,
        }
    }

    #[test]
    fn the_lowest_priority_is_asked_first_and_nobody_twice() {
        let set = PeerSet::new(vec![target(1, 2, 1), target(2, 1, 1), target(3, 3, 1)]);
        let mut tried = Vec::new();
        let mut order = Vec::new();
        while let Some(next) = set.choose(NOW, 0, &tried, false) {
            order.extend(last(Some(next)));
            tried.push(next.key());
        }
        assert_eq!(order, [2, 1, 3]);
    }

    #[test]
    fn weights_share_the_calls_of_one_priority() {
        let set = PeerSet::new(vec![target(1, 1, 3), target(2, 1, 1), target(3, 1, 0)]);
        let mut count = [0; 4];
        for word in 0..5000_u64 {
            let chosen = last(set.choose(NOW, word, &[], false)).unwrap_or(0);
            count[usize::from(chosen)] += 1;
        }
        // RFC 2782: numbers 0 to 4 are drawn; 0 is the one of weight 0, 1 to 3, and 4.
        assert_eq!(count, [0, 3000, 1000, 1000]);
    }

    #[test]
    fn who_is_down_comes_after_and_who_rests_only_in_an_emergency() {
        let mut set = PeerSet::new(vec![target(1, 1, 1), target(2, 2, 1)]);
        let (first, second) = (target(1, 1, 1).key(), target(2, 2, 1).key());
        set.set_health(first, Health::Down);
        assert_eq!(last(set.choose(NOW, 0, &[], false)), Some(2));
        assert_eq!(last(set.choose(NOW, 0, &[second], false)), Some(1));
        set.rest(NOW, second, Duration::from_secs(30));
        assert_eq!(last(set.choose(NOW, 0, &[], false)), Some(1));
        assert_eq!(set.choose(NOW, 0, &[first], false), None);
        assert_eq!(last(set.choose(NOW, 0, &[first], true)), Some(2));
        let later = NOW + Duration::from_secs(30);
        assert_eq!(last(set.choose(later, 0, &[], false)), Some(2));
    }

    #[test]
    fn a_rest_has_a_limit() {
        let mut set = PeerSet::new(vec![target(1, 1, 1)]);
        set.rest(NOW, target(1, 1, 1).key(), Duration::from_secs(1 << 30));
        let later = NOW + Duration::from_secs(300);
        assert_eq!(last(set.choose(later, 0, &[], false)), Some(1));
    }

    #[test]
    fn the_trunk_is_up_if_one_peer_is_and_down_if_all_are() {
        let after = Hysteresis { down: 2, up: 1 };
        let mut set = PeerSet::new(vec![target(1, 1, 1), target(2, 1, 1)]);
        let (first, second) = (target(1, 1, 1).key(), target(2, 1, 1).key());
        assert_eq!(set.health(), Health::Unknown);
        for _ in 0..2 {
            let _ = set.handle_result(first, false, after);
        }
        assert_eq!(set.health(), Health::Unknown);
        assert_eq!(set.handle_result(second, true, after), Some(Health::Up));
        assert_eq!(set.health(), Health::Up);
        assert_eq!(set.handle_result(second, false, after), None);
        assert_eq!(set.handle_result(second, false, after), Some(Health::Down));
        assert_eq!(set.health(), Health::Down);
        assert_eq!(set.handle_result(first, true, after), Some(Health::Up));
        assert_eq!(set.health(), Health::Up);
    }

    #[test]
    fn others_take_the_place_and_who_stays_keeps_its_state() {
        let mut set = PeerSet::new(vec![target(1, 1, 1), target(2, 1, 1)]);
        set.set_health(target(2, 1, 1).key(), Health::Down);
        set.replace(vec![target(2, 1, 1), target(3, 1, 1), target(3, 1, 1)]);
        assert_eq!(set.targets().count(), 2);
        assert_eq!(last(set.choose(NOW, 1, &[], false)), Some(3));
    }
}
