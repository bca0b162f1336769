//! Trunks: keep-alive by OPTIONS both ways, and whether a trunk is up.
//!
//! ```text
//!            answered             `down_after` in a row without an answer
//!   Unknown ─────────► Up ─────────────────────────────────────────► Down
//!      │                ▲           `up_after` answers in a row         │
//!      │                └─────────────────────────────────────────────┘
//!      └── `down_after` in a row without an answer ──► Down
//! ```
//! Any response counts as an answer (RFC 3261 §11): even 404 proves that the peer is there; but for
//! 503, by which a peer says that it takes no calls now (§21.5.4). A trunk that answers now and then
//! does not go up and down with each answer.

use crate::api::Notice;
use crate::arrival::RETRY_AFTER;
use crate::offer::sip_transport;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_config::Hysteresis;
use meishier_model::{Now, ShardId, TrunkId};
use meishier_signaling::{ACCEPT, ALLOW, Flow, RequestId};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TrunkHealth {
    #[default]
    Unknown,
    Up,
    Down,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TrunkState {
    pub(crate) health: TrunkHealth,
    /// Missing answers in a row.
    pub(crate) misses: u8,
    /// Answers in a row.
    answers: u8,
}

impl TrunkState {
    /// The change of health that this result brings, if any.
    pub(crate) fn handle_result(
        &mut self,
        answered: bool,
        after: Hysteresis,
    ) -> Option<TrunkHealth> {
        let before = self.health;
        if answered {
            self.misses = 0;
            self.answers = self.answers.saturating_add(1);
            if before != TrunkHealth::Down || self.answers >= after.up {
                self.health = TrunkHealth::Up;
            }
        } else {
            self.answers = 0;
            self.misses = self.misses.saturating_add(1);
            if self.misses >= after.down {
                self.health = TrunkHealth::Down;
            }
        }
        (self.health != before).then_some(self.health)
    }
}

impl Shard {
    /// One shard asks the trunks for all.
    pub(crate) fn start_trunks(&mut self, now: Now) {
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
        let Some(trunk) = self.config.trunks.get(usize::from(id.0)) else {
            return;
        };
        let Some(every) = trunk.options_every else {
            return;
        };
        let peer = trunk.out;
        let flow = peer.and_then(|peer| self.flow_to(sip_transport(trunk.transport), peer));
        if let (Some(peer), Some(flow)) = (peer, flow) {
            match self
                .endpoint
                .options(now.mono, flow, &format!("sip:{peer}"))
            {
                Ok(request) => {
                    self.pings.insert(request, id);
                }
                Err(_) => self.on_trunk_result(id, false),
            }
        }
        self.timers.set(now.mono + every, Timer::KeepAlive(id));
    }

    pub(crate) fn on_ping_response(&mut self, _now: Now, request: RequestId, status: u16) {
        let Some(trunk) = self.pings.remove(&request) else {
            return;
        };
        // 408 and 503 stand for "no answer" and "could not be sent" (RFC 3261 §8.1.3.1).
        self.on_trunk_result(trunk, !matches!(status, 408 | 503));
    }

    fn on_trunk_result(&mut self, trunk: TrunkId, answered: bool) {
        let index = usize::from(trunk.0);
        let after = self.config.trunks.get(index).map(|trunk| trunk.hysteresis);
        let (Some(state), Some(after)) = (self.trunks.get_mut(index), after) else {
            return;
        };
        if let Some(health) = state.handle_result(answered, after) {
            self.notice(Notice::Trunk {
                trunk,
                up: health == TrunkHealth::Up,
            });
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
