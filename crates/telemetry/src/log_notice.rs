//! Notices as log lines: identifiers, states and times, nothing about people.

use crate::Telemetry;
use meishier_engine::api::{LegParty, Notice, ReferWhy};
use meishier_model::{CallId, OfferOutcome, TransferOutcome};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// Lines in one second at most about unexpected inputs and offers, which others can cause, and about
/// the queue's faults.
const FAULTS_A_SECOND: u64 = 10;

/// How many lines of a kind were written in the running second.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    /// The second in the upper 32 bits, lines in the lower.
    state: AtomicU64,
}

impl Allowance {
    fn take(&self, second: u64) -> bool {
        let second = second & 0xffff_ffff;
        let step = |state: u64| {
            let (last, lines) = (state >> 32, state & 0xffff_ffff);
            if last != second {
                Some(second << 32 | 1)
            } else {
                (lines < FAULTS_A_SECOND).then_some(state + 1)
            }
        };
        self.state.try_update(Relaxed, Relaxed, step).is_ok()
    }
}

impl Telemetry {
    /// Writes the fact to the log: what an operator follows at `info`, each step of a call at
    /// `debug`. Never blocks if [`crate::logs::init`] made the log.
    pub fn log_notice(&self, notice: &Notice) {
        match notice {
            Notice::Arrived { call, trunk } => {
                let trunk = self.trunk(trunk.0);
                tracing::info!(%call, trunk, "call arrived");
            }
            Notice::Routed {
                call,
                default,
                ambiguous,
                risk,
                nuisance,
                redial,
                ..
            } => {
                let risk = risk.map_or("no", |why| why.as_str());
                let nuisance = nuisance.map_or("no", |why| why.as_str());
                tracing::debug!(%call, default, ambiguous, risk, nuisance, redial, "call routed");
            }
            Notice::Flagged { call, why } => {
                tracing::warn!(%call, why = why.as_str(), "caller flagged as at risk");
            }
            Notice::Pool { pool, service } => {
                let (pool, state) = (self.pool(pool.0), service.as_str());
                if service.takes_calls() {
                    tracing::info!(pool, state, "state of service");
                } else {
                    tracing::warn!(pool, state, "pool takes no calls");
                }
            }
            Notice::CalendarMissing(missing) => self.log_calendar(*missing),
            Notice::Refused(reason) => {
                tracing::debug!(reason = reason.as_str(), "request refused");
            }
            Notice::ReferRefused { call, party, why } => self.log_refer(*call, *party, *why),
            Notice::ForeignCodec { trunk, offered } => {
                if self.media_logged.take(this_second()) {
                    let (trunk, offered) = (self.trunk(trunk.0), offered.as_str());
                    tracing::warn!(
                        trunk,
                        offered,
                        "call refused: no codec in common, G.711 wanted"
                    );
                }
            }
            Notice::Phase { call, from, to } => {
                let from = from.map_or("none", |phase| phase.as_str());
                let to = to.map_or("none", |phase| phase.as_str());
                tracing::debug!(%call, from, to, "phase");
            }
            Notice::Offered { call, seat, .. } => tracing::debug!(%call, %seat, "offered"),
            Notice::OfferEnded {
                call,
                seat,
                outcome,
            } => match outcome {
                OfferOutcome::NoAnswer | OfferOutcome::Refused | OfferOutcome::Unreachable => {
                    tracing::info!(%call, %seat, outcome = outcome.as_str(), "offer failed");
                }
                OfferOutcome::Answered | OfferOutcome::CallerGone | OfferOutcome::Withdrawn => {
                    tracing::debug!(%call, %seat, outcome = outcome.as_str(), "offer ended");
                }
            },
            Notice::Answered { call, pool, waited } => {
                let waited_ms = waited.as_millis() as u64;
                tracing::info!(%call, pool = self.pool(pool.0), waited_ms, "call answered");
            }
            Notice::Ended {
                call,
                outcome,
                lasted,
            } => {
                let lasted_ms = lasted.as_millis() as u64;
                tracing::info!(%call, outcome = outcome.as_str(), lasted_ms, "call ended");
            }
            Notice::TransferStep {
                call, role, step, ..
            } => {
                tracing::info!(%call, role = role.as_str(), ?step, "transfer goes on");
            }
            Notice::TransferAnswered { call, kind, after } => {
                let after_ms = after.as_millis() as u64;
                tracing::info!(%call, kind = kind.as_str(), after_ms, "transfer answered");
            }
            Notice::TakesPart {
                call, role, mode, ..
            } => {
                tracing::info!(%call, role = role.as_str(), mode = mode.as_str(), "takes part");
            }
            Notice::KeyByTelephone {
                call, how, third, ..
            } => {
                let refused = third.is_none();
                tracing::info!(%call, how = how.as_str(), refused, "pressed by the telephone");
            }
            Notice::Transfer { call, outcome, .. } => match outcome {
                TransferOutcome::Joined | TransferOutcome::Cancelled => {
                    tracing::info!(%call, outcome = outcome.as_str(), "transfer");
                }
                TransferOutcome::Failed | TransferOutcome::NoAnswer => {
                    tracing::warn!(%call, outcome = outcome.as_str(), "transfer failed");
                }
            },
            Notice::TransferAlarm { call, .. } => {
                tracing::error!(%call, "an emergency key reached nobody: dial by hand");
            }
            Notice::CallBackDue { call } => {
                tracing::warn!(%call, "the caller hung up while help was on the way: call back");
            }
            Notice::CallBack { call, result } => {
                tracing::info!(%call, result = result.as_str(), "call back");
            }
            Notice::Seat {
                seat,
                from,
                to,
                by_engine,
            } => {
                let (from, to) = (from.as_str(), to.as_str());
                if *by_engine {
                    tracing::warn!(%seat, from, to, "seat paused: offers in a row rang out");
                } else {
                    tracing::debug!(%seat, from, to, "seat");
                }
            }
            Notice::Trunk { trunk, up } => {
                let trunk = self.trunk(trunk.0);
                if *up {
                    tracing::info!(trunk, "trunk answers");
                } else {
                    tracing::error!(trunk, "trunk does not answer");
                }
            }
            Notice::Registration {
                trunk,
                registered,
                status,
            } => {
                let trunk = self.trunk(trunk.0);
                if *registered && *status == 0 {
                    tracing::info!(trunk, "trunk need not be registered any more");
                } else if *registered {
                    tracing::info!(trunk, "trunk registered");
                } else {
                    tracing::error!(trunk, status, "trunk not registered");
                }
            }
            Notice::Peer { trunk, address, up } => {
                let trunk = self.trunk(trunk.0);
                if *up {
                    tracing::info!(trunk, peer = %address, "peer answers");
                } else {
                    tracing::warn!(trunk, peer = %address, "peer does not answer");
                }
            }
            Notice::Channel { .. } => {}
            Notice::ChannelsFull {
                trunk,
                emergency: true,
                out,
            } => {
                let trunk = self.trunk(trunk.0);
                tracing::error!(trunk, out, "no channel left, not even of the reserve");
            }
            Notice::ChannelsFull { trunk, out, .. } => {
                let trunk = self.trunk(trunk.0);
                tracing::warn!(trunk, out, "no channel left but the reserve");
            }
            Notice::NoPeers { trunk } => {
                let trunk = self.trunk(trunk.0);
                tracing::error!(trunk, "no address known: what was known before is kept");
            }
            Notice::Lines { pool, lines } => {
                tracing::info!(pool = self.pool(pool.0), lines, "lines open");
            }
            Notice::Probe { call, party } => {
                tracing::debug!(%call, party = party.as_str(), "silent party asked");
            }
            Notice::DeadLeg { call, party } => {
                tracing::warn!(%call, party = party.as_str(), "party vanished: its leg was ended");
            }
            Notice::MediaLost { call } => {
                tracing::error!(%call, "caller at risk lost: no speech, no dialog; the call goes on");
            }
            Notice::OneWay {
                call,
                party,
                begins: true,
            } => {
                tracing::error!(%call, unheard = party.as_str(), "speech goes one way only");
            }
            Notice::OneWay { call, party, .. } => {
                tracing::info!(%call, party = party.as_str(), "speech goes one way no longer");
            }
            Notice::LegOver { call, party, stats } => {
                let party = party.as_str();
                let (lost, jitter_us) = (stats.lost, stats.jitter_us);
                tracing::debug!(%call, party, lost, jitter_us, "sound over");
            }
            Notice::Missed { call, seat } if self.queue_logged.take(this_second()) => {
                tracing::error!(%call, %seat, "a caller waited beside a seat that fits: matched by the watchdog");
            }
            Notice::KeptOutside { call, risk } if self.queue_logged.take(this_second()) => {
                tracing::error!(%call, risk, "no place in the queue: the caller is kept on the line");
            }
            Notice::Missed { .. } | Notice::KeptOutside { .. } => {}
            Notice::Unexpected(what) => self.log_unexpected(what),
        }
    }

    fn trunk(&self, index: u16) -> &str {
        self.names
            .trunks
            .get(usize::from(index))
            .map_or("", String::as_str)
    }

    fn pool(&self, index: u16) -> &str {
        self.names
            .pools
            .get(usize::from(index))
            .map_or("", String::as_str)
    }

    /// It is told at every change of the schedule; the log hears of what is new.
    fn log_calendar(&self, missing: bool) {
        match (self.calendar_missing.swap(missing, Relaxed), missing) {
            (false, true) => {
                tracing::error!(
                    "public holidays of this year are not known: days go by weekday alone"
                );
            }
            (true, false) => tracing::info!("public holidays of this year are known again"),
            (true, true) | (false, false) => {}
        }
    }

    /// A mistake at a telephone, or somebody who tries to call out at our cost.
    fn log_refer(&self, call: Option<CallId>, party: LegParty, why: ReferWhy) {
        if self.refers_logged.take(this_second()) {
            let (call, why) = (call.map(tracing::field::display), why.as_str());
            tracing::warn!(call, party = party.as_str(), why, "REFER refused");
        }
    }

    fn log_unexpected(&self, what: &'static str) {
        if self.unexpected_logged.take(this_second()) {
            tracing::error!(what, "unexpected");
        }
    }
}

/// Seconds since 1970.
fn this_second() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
