//! Trunks: keep-alive by OPTIONS both ways, and whether a trunk is up.
//! [`crate::peers`] has the machine of each peer.
//!
//! Any response counts as an answer (RFC 3261 §11): even 404 proves that the peer is there; but for
//! 503, by which a peer says that it takes no calls now (§21.5.4). A trunk that answers now and then
//! does not go up and down with each answer.

use crate::api::{Notice, ShardMessage};
use crate::arrival::RETRY_AFTER;
use crate::peers::{Health, PeerKey, Target};
use crate::registration::account_of;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_config::Config;
use meishier_model::{Now, ShardId, TrunkId};
use meishier_signaling::{ACCEPT, ALLOW, Flow, RequestId};
use std::time::Duration;

impl Shard {
    /// One shard asks the trunks for all.
    pub(crate) fn start_trunks(&mut self, now: Now) {
        self.follow_registrations(now);
        if self.id != ShardId(0) {
            return;
        }
        for (i, trunk) in self.config.trunks.iter().enumerate() {
            if trunk.options_every.is_some()
                && let Ok(i) = u16::try_from(i)
            {
                self.timers.set(now.mono, Timer::KeepAlive(TrunkId(i)));
            }
        }
    }

    pub(crate) fn on_keep_alive(&mut self, now: Now, id: TrunkId) {
        let Some(trunk) = self.config.trunk(id) else {
            return;
        };
        let Some(every) = trunk.options_every else {
            return;
        };
        let network = trunk.network;
        let targets: Vec<PeerKey> = match self.peers.get(usize::from(id.0)) {
            Some(set) => set.targets().map(Target::key).collect(),
            None => Vec::new(),
        };
        let account = account_of(&self.config, id);
        for peer in targets {
            let asked = self.flow_to(peer.1, peer.0, network).and_then(|flow| {
                let uri = format!("sip:{}", peer.0);
                self.endpoint.options_as(now.mono, account, flow, &uri).ok()
            });
            match asked {
                Some(request) => {
                    self.pings.insert(request, (id, peer));
                }
                None => self.on_peer_result(id, peer, false),
            }
        }
        self.timers.set(now.mono + every, Timer::KeepAlive(id));
    }

    pub(crate) fn on_ping_response(&mut self, _now: Now, request: RequestId, status: u16) {
        let Some((trunk, peer)) = self.pings.remove(&request) else {
            return;
        };
        // 408 and 503 stand for "no answer" and "could not be sent" (RFC 3261 §8.1.3.1).
        self.on_peer_result(trunk, peer, !matches!(status, 408 | 503));
    }

    fn on_peer_result(&mut self, trunk: TrunkId, peer: PeerKey, answered: bool) {
        let after = self.config.trunk(trunk).map(|trunk| trunk.hysteresis);
        let set = self.peers.get_mut(usize::from(trunk.0));
        let (Some(set), Some(after)) = (set, after) else {
            return;
        };
        let before = set.health();
        let changed = set.handle_result(peer, answered, after);
        let health = set.health();
        if let Some(health) = changed {
            let ((address, transport), up) = (peer, health == Health::Up);
            self.notice(Notice::Peer { trunk, address, up });
            self.send_others(&ShardMessage::PeerHealth {
                trunk,
                address,
                transport,
                up,
            });
        }
        if health != before && health != Health::Unknown {
            let up = health == Health::Up;
            self.notice(Notice::Trunk { trunk, up });
        }
    }

    /// The first shard has found out that a peer answers, or does not.
    pub(crate) fn on_peer_health(&mut self, trunk: TrunkId, peer: PeerKey, up: bool) {
        if let Some(set) = self.peers.get_mut(usize::from(trunk.0)) {
            set.set_health(peer, if up { Health::Up } else { Health::Down });
        }
    }

    /// A peer takes no calls for a while, as it said, or did not respond to one.
    pub(crate) fn on_peer_rests(
        &mut self,
        now: Now,
        trunk: TrunkId,
        peer: PeerKey,
        (lasts, said): (Duration, bool),
    ) {
        match self.peers.get_mut(usize::from(trunk.0)) {
            Some(set) if said => set.rest(now.mono, peer, lasts),
            Some(set) => set.doubt(now.mono, peer, lasts),
            None => {}
        }
    }

    /// What DNS says of a trunk's names.
    pub(crate) fn on_peers(&mut self, trunk: TrunkId, targets: Vec<Target>) {
        match self.peers.get_mut(usize::from(trunk.0)) {
            Some(set) if !targets.is_empty() => set.replace(targets),
            Some(_) if self.id == ShardId(0) => self.notice(Notice::NoPeers { trunk }),
            Some(_) => {}
            None => self.notice(Notice::Unexpected("peers of a trunk that is not there")),
        }
    }

    /// Trunks whose addresses the new configuration has changed. Names are looked up by the driver;
    /// until it says what came of it, what was known of them holds.
    pub(crate) fn peers_follow(&mut self, before: &Config) {
        let config = std::sync::Arc::clone(&self.config);
        let trunks = before.trunks.iter().zip(&config.trunks);
        for (set, (old, new)) in self.peers.iter_mut().zip(trunks) {
            if old.to == new.to {
                continue;
            }
            let fixed = Target::fixed(old);
            let mut targets = Target::fixed(new);
            if targets.len() < new.to.len() {
                let found = set.targets().filter(|it| !fixed.contains(it));
                targets.extend(found.cloned());
            }
            set.replace(targets);
        }
    }

    /// To every shard but this one.
    pub(crate) fn send_others(&mut self, message: &ShardMessage) {
        let here = self.id;
        for shard in (0..self.shards).map(ShardId).filter(|it| *it != here) {
            self.send(shard, message.clone());
        }
    }

    /// OPTIONS from outside: 503 while draining, so that the carrier sends its calls elsewhere.
    pub(crate) fn on_options(&mut self, now: Now, id: RequestId, flow: Flow) {
        let status = match (self.draining, self.trunk_of(flow).is_some()) {
            (true, _) => 503,
            (false, true) => 200,
            (false, false) => 403,
        };
        let headers = [
            ("Allow", ALLOW),
            ("Accept", ACCEPT),
            ("Retry-After", RETRY_AFTER),
        ];
        // The last is for a peer that is to come back.
        let headers = &headers[..if status == 503 { 3 } else { 2 }];
        // An error means that the transaction has timed out meanwhile.
        let _ = match status {
            403 => self.endpoint.respond_once(now.mono, id, status, headers),
            _ => self.endpoint.respond(now.mono, id, status, headers, None),
        };
    }
}
