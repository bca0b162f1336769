//! Is a party of whom nothing is heard still there? Its dialog is asked, and only its dialog.
//!
//! A telephone that loses its power, or a carrier that vanishes, sends no BYE. Silence alone ends
//! nothing: who is muted, holds, or cannot speak sends no packets either. So a silent party is asked
//! by OPTIONS within its dialog (RFC 3261 §11, §12.2), at once and every [`EVERY`] while the
//! silence lasts, and its leg ends only if the dialog is gone (§12.2.1.2).
//!
//! ```text
//!            Silent                    any status but 481, 408; its first failed flow
//!   (none) ─────────► Asking ─────────────────────────────────────► Resting
//!     ▲                │  │  ▲                                         │ │
//!     │                │  │  └──────────────── 30 s ───────────────────┘ │
//!     │    Heard, hold,│  │ 481, 408 (§12.2.1.2), timer F (§17.1.2.2),   │
//!     │    leg ends    │  │ the flow failed twice in a row (§8.1.3.1)    │
//!     ├────────────────┘  ▼                                              │
//!     │                 dead: the leg ends as if its path had failed     │
//!     └──────────────────────────────────────────────────────────────────┘
//! ```
//! The call of a caller who is flagged as at risk is not ended in that way: it is told as an alarm, once a silence, and
//! asking goes on.
//! A leg that is not up yet (ringing, or our 200 not acknowledged) is not asked: a caller who still
//! hears ringing is its carrier's to give up (CANCEL), and the missing ACK has a limit of its own.

use crate::api::{LegParty, Notice};
use crate::call::Call;
use crate::ports::PortOwner;
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use meishier_model::{CallId, LegId, Now, PortId, ReleasedBy};
use meishier_routing::RiskWhy;
use meishier_signaling::{EndCause, Probed};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// From one probe of a silent party to the next.
const EVERY: Duration = Duration::from_secs(30);
/// Failed flows in a row that count like no answer: the first may be a connection that only has to
/// be opened anew, or an ICMP error that passes.
const FAILED_FLOWS: u8 = 2;

/// A party of whom media hears nothing, by its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Silence {
    pub(crate) port: PortId,
    asking: bool,
    failed_flows: u8,
    /// It was told that this party is lost, and is not to be ended for it.
    #[serde(default)]
    told: bool,
}

impl Silence {
    fn new(port: PortId) -> Self {
        Self {
            port,
            asking: false,
            failed_flows: 0,
            told: false,
        }
    }

    /// What came of a probe; true if the dialog is gone.
    fn handle_probed(&mut self, result: Probed) -> bool {
        if !std::mem::take(&mut self.asking) {
            // A probe of an earlier silence: packets came since.
            return false;
        }
        match result {
            Probed::Answered(status) => {
                self.failed_flows = 0;
                matches!(status, 408 | 481)
            }
            Probed::NoAnswer => true,
            Probed::FlowFailed => {
                self.failed_flows = self.failed_flows.saturating_add(1);
                self.failed_flows >= FAILED_FLOWS
            }
        }
    }
}

/// Whose port it is, and that party's leg.
fn party_at(call: &Call, port: PortId) -> Option<(LegParty, LegId)> {
    if call.side.voice.port == port {
        return (!call.side.gone).then_some((LegParty::Caller, call.side.leg));
    }
    if let Some(side) = call.seat_side()
        && side.voice.as_ref().is_some_and(|v| v.port == port)
    {
        return side.leg.map(|leg| (LegParty::Seat, leg));
    }
    let mut thirds = call.thirds.iter();
    let third = thirds.find(|it| it.voice.as_ref().is_some_and(|v| v.port == port))?;
    third.leg.map(|leg| (LegParty::Target, leg))
}

impl Shard {
    fn call_at(&self, port: PortId) -> Option<CallId> {
        match self.ports.owner(port)? {
            PortOwner::Caller(id) | PortOwner::Seat(id) | PortOwner::Target(id, _) => Some(id),
            PortOwner::Service(_) => None,
        }
    }

    /// Media hears nothing of a party.
    pub(crate) fn on_silent(&mut self, now: Now, port: PortId) {
        let Some(id) = self.call_at(port) else {
            return;
        };
        self.with_call(id, |shard, call| {
            // A restored call's silence is told again, since media began anew.
            call.heard.retain(|p| *p != port);
            let known = call.silences.iter().any(|s| s.port == port);
            if !known && call.ending.is_none() && party_at(call, port).is_some() {
                call.silences.push(Silence::new(port));
                shard.probe(now, call, port);
            }
            shard.look_at_speech(now, call);
        });
    }

    /// Media hears a party, or does not expect to.
    pub(crate) fn on_heard(&mut self, now: Now, port: PortId) {
        if let Some(id) = self.call_at(port) {
            self.with_call(id, |shard, call| {
                shard.end_silence(call, port);
                if !call.heard.contains(&port) {
                    call.heard.push(port);
                }
                shard.look_at_speech(now, call);
            });
        }
    }

    /// The party at this port is not silent any more, or not there. A probe under way is moot.
    pub(crate) fn end_silence(&mut self, call: &mut Call, port: PortId) {
        let before = call.silences.len();
        call.silences.retain(|s| s.port != port);
        if call.silences.len() != before {
            self.cancel_call_timers(call, |t| matches!(t, Timer::Probe(_, p) if *p == port));
        }
    }

    fn probe(&mut self, now: Now, call: &mut Call, port: PortId) {
        let Some((party, leg)) = party_at(call, port) else {
            return self.end_silence(call, port);
        };
        self.set_call_timer(call, now.mono + EVERY, Timer::Probe(call.id, port));
        // An error: the leg is not up yet, or an earlier probe is under way. It is tried again.
        if self.endpoint.probe(now.mono, leg).is_ok() {
            if let Some(silence) = call.silences.iter_mut().find(|s| s.port == port) {
                silence.asking = true;
            }
            self.notice(Notice::Probe {
                call: call.id,
                party,
            });
        }
    }

    /// The party is silent still, and it is time to ask again.
    pub(crate) fn on_probe_timer(&mut self, now: Now, call: &mut Call, port: PortId) {
        if call.silences.iter().any(|s| s.port == port) {
            self.probe(now, call, port);
        }
    }

    /// What came of a probe.
    pub(crate) fn on_probed(&mut self, now: Now, leg: LegId, result: Probed) {
        let id = match self.legs.get(&leg) {
            Some(LegOwner::Caller(id) | LegOwner::Seat(id, _) | LegOwner::Target(id, _)) => *id,
            Some(LegOwner::Service(_) | LegOwner::Nobody) | None => return,
        };
        self.with_call(id, |shard, call| {
            let found = call.silences.iter().enumerate().find_map(|(index, s)| {
                let (party, its) = party_at(call, s.port)?;
                (its == leg).then_some((index, party))
            });
            let Some((index, party)) = found else {
                return;
            };
            if !call.silences[index].handle_probed(result) {
                return;
            }
            // Who is at risk only because the engine lost its counsellor was not flagged by anybody.
            let flagged = call.entry.risk && call.known.risk != Some(RiskWhy::Dropped);
            if party == LegParty::Caller && flagged {
                shard.keep_unheard(call, index);
            } else {
                shard.bury(now, call, party, leg);
            }
        });
    }

    /// A caller at risk is lost: neither heard, nor does its dialog answer. Its call is not ended for
    /// that. Who talks with it, or is next to, hears for themselves, and calls back.
    fn keep_unheard(&mut self, call: &mut Call, index: usize) {
        let told = call.silences.get_mut(index).map(|s| &mut s.told);
        if told.is_some_and(|told| !std::mem::replace(told, true)) {
            self.notice(Notice::MediaLost { call: call.id });
        }
    }

    /// The party's dialog is gone. BYE is sent all the same, once and again until timer F: should
    /// the party be there after all, it is not to believe itself in a call (RFC 3261 §12.2.1.2).
    fn bury(&mut self, now: Now, call: &mut Call, party: LegParty, leg: LegId) {
        self.notice(Notice::DeadLeg {
            call: call.id,
            party,
        });
        self.release_leg(now, leg, None);
        match party {
            LegParty::Caller => {
                call.side.gone = true;
                self.on_caller_gone(now, call, ReleasedBy::Engine, 0);
            }
            LegParty::Seat => {
                if let Some(side) = call.seat_side_mut() {
                    side.leg = None;
                }
                self.on_seat_gone(now, call, EndCause::Lost);
            }
            LegParty::Target => self.on_target_lost(now, call, leg),
        }
    }
}
