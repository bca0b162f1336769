//! Trunks: keep-alive by OPTIONS both ways, and whether a trunk is up.
//!
//! ```text
//!            answered                 two in a row without an answer
//!   Unknown ─────────► Up ─────────────────────────────────────────► Down
//!      │                ▲                  answered                    │
//!      │                └─────────────────────────────────────────────┘
//!      └── two in a row without an answer ──► Down
//! ```
//! Any response counts as an answer (RFC 3261 §11): even 404 proves that the peer is there.

use crate::api::Notice;
use crate::offer::sip_transport;
use crate::seats::ALLOW;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{Now, ShardId, TrunkId};
use meishier_signaling::{Flow, RequestId};

/// Misses in a row after which a trunk counts as down.
const MISSES: u8 = 2;

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
    pub(crate) misses: u8,
}

impl TrunkState {
    /// The change of health that this result brings, if any.
    pub(crate) fn handle_result(&mut self, answered: bool) -> Option<TrunkHealth> {
        let before = self.health;
        if answered {
            self.misses = 0;
            self.health = TrunkHealth::Up;
        } else {
            self.misses = self.misses.saturating_add(1);
            if self.misses >= MISSES {
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
        let Some(state) = self.trunks.get_mut(usize::from(trunk.0)) else {
            return;
        };
        if let Some(health) = state.handle_result(answered) {
            self.notice(Notice::Trunk {
                trunk,
                up: health == TrunkHealth::Up,
            });
        }
    }

    /// OPTIONS from outside: 503 while draining, so that the carrier sends its calls elsewhere.
    pub(crate) fn on_options(&mut self, now: Now, id: RequestId, flow: Flow) {
        let status = match (self.draining, self.trunk_of(flow.remote).is_some()) {
            (true, _) => 503,
            (false, true) => 200,
            (false, false) => 403,
        };
        let headers = [("Allow", ALLOW), ("Accept", "application/sdp")];
        // An error means that the transaction has timed out meanwhile.
        let _ = match status {
            403 => self.endpoint.respond_once(now.mono, id, status, &headers),
            _ => self.endpoint.respond(now.mono, id, status, &headers, None),
        };
    }
}
