//! The machine of one seat, owned by the seat's home shard.
//!
//! Two things are told apart: what the counsellor wants (`Wish`) and what the telephone does
//! (`Activity`). A seat stands in the queue exactly when the wish is `Available`, the activity is
//! `Idle`, somebody is signed on and the telephone can be reached.
//!
//! ```text
//!                       match                    answered
//!            ┌─ Idle ─────────────► Offered ───────────────► Talking
//!            │   ▲ ▲                 │   │                      │ released
//!            │   │ └── caller gone ──┘   │ refused, rang out,   ▼
//!            │   │                       ▼ unreachable        Wrapup
//!            │   └──── time is up ─── Backoff                   │
//!            │   └────────────────── time is up ────────────────┘
//!            ▼
//!      (in the queue while Available, reachable, signed on)
//! ```
//!
//! A pause or sign-off takes effect in every state: it leaves a conversation alone, takes a
//! ringing offer back, and decides what the seat becomes afterwards.

use crate::api::{CommandError, SeatState, Staffed, TalkWeight};
use meishier_config::Care;
use meishier_model::{CallId, CounsellorId, Mono, OfferOutcome, SeatId, ShardId};
use meishier_queue::OfferId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Shortest rest of a seat that did not take an offer, whatever the file says: a telephone that
/// refuses at once, or cannot be reached, would else be matched with the same caller for ever.
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// What the counsellor who is signed on wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wish {
    Available,
    Paused { reason: String, by_engine: bool },
}

/// What the seat's telephone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Activity {
    Idle,
    Offered { call: CallId, offer: OfferId },
    Talking { call: CallId, offer: OfferId },
    Wrapup { until: Mono },
    Backoff { until: Mono },
}

/// The person at the seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedOn {
    pub(crate) counsellor: CounsellorId,
    pub(crate) wish: Wish,
    /// Talk in this shift, milliseconds.
    pub(crate) talked_ms: u64,
    /// Callers at risk in this shift.
    pub(crate) risk_calls: u16,
    /// Offers in a row that rang out.
    pub(crate) rang_out: u8,
}

/// What the shard has to do after an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatEffect {
    None,
    /// Put the seat into the queue.
    Enter,
    /// Take the seat out of the queue.
    Leave,
    /// Take back this offer at the call's shard.
    TakeBack {
        call: CallId,
        offer: OfferId,
    },
}

/// Policy of offers, from the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeatPolicy {
    pub(crate) backoff: Duration,
    pub(crate) wrapup: Duration,
    pub(crate) pause_after: u8,
    pub(crate) care: Care,
}

impl SeatPolicy {
    /// How long a seat rests after a conversation: the wrap-up, or the longest of the recoveries that
    /// its weight asks for.
    fn rest(&self, talked_ms: u64, weight: TalkWeight) -> Duration {
        let recovery = &self.care.recovery;
        let long = Duration::from_millis(talked_ms) >= recovery.long_from;
        let asked = [
            (weight.risk, recovery.risk),
            (weight.emergency, recovery.emergency),
            (long && !recovery.long_from.is_zero(), recovery.long),
        ];
        let held = asked.into_iter().filter(|(asks, _)| *asks);
        let recovery = held.map(|(_, rest)| rest).max();
        self.wrapup.max(recovery.unwrap_or_default())
    }
}

/// Who asked for the sign-on that waits for the counsellor's home shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asker {
    Command { token: u64 },
    Shard { from: ShardId, token: u64 },
}

/// A sign-on that waits for `Claimed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingSignOn {
    pub(crate) counsellor: CounsellorId,
    pub(crate) ready: bool,
    pub(crate) asker: Asker,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeatMachine {
    pub(crate) seat: SeatId,
    pub(crate) person: Option<SignedOn>,
    pub(crate) activity: Activity,
    pub(crate) reachable: bool,
    pub(crate) in_queue: bool,
    pub(crate) pending: Option<PendingSignOn>,
    pub(crate) idle_since: Mono,
    pub(crate) since: Mono,
    shown: SeatState,
}

impl SeatMachine {
    pub(crate) fn new(seat: SeatId, reachable: bool, now: Mono) -> Self {
        Self {
            seat,
            person: None,
            activity: Activity::Idle,
            reachable,
            in_queue: false,
            pending: None,
            idle_since: now,
            since: now,
            shown: SeatState::SignedOff,
        }
    }

    /// The state as people see it.
    pub(crate) fn state(&self) -> SeatState {
        match self.activity {
            Activity::Offered { .. } => return SeatState::Offered,
            Activity::Talking { .. } => return SeatState::Talking,
            _ => {}
        }
        let Some(person) = &self.person else {
            return SeatState::SignedOff;
        };
        if matches!(person.wish, Wish::Paused { .. }) {
            return SeatState::Paused;
        }
        match self.activity {
            Activity::Wrapup { .. } => SeatState::Wrapup,
            Activity::Backoff { .. } => SeatState::Backoff,
            _ if self.reachable => SeatState::Ready,
            _ => SeatState::Unreachable,
        }
    }

    /// Whether calls may come here, now or after the present one.
    pub(crate) fn staffed(&self) -> Staffed {
        let person = self.person.as_ref();
        Staffed {
            counsellor: person.map(|it| it.counsellor),
            willing: person.is_some_and(|it| it.wish == Wish::Available),
            reachable: self.reachable,
            talks: matches!(self.activity, Activity::Talking { .. }),
            back: match self.activity {
                Activity::Wrapup { until } | Activity::Backoff { until } => until,
                _ => Mono(0),
            },
        }
    }

    /// The change of the shown state since the last call of this function.
    pub(crate) fn take_change(&mut self, now: Mono) -> Option<(SeatState, SeatState)> {
        let state = self.state();
        if state == self.shown {
            return None;
        }
        let before = std::mem::replace(&mut self.shown, state);
        self.since = now;
        Some((before, state))
    }

    pub(crate) fn paused_by_engine(&self) -> bool {
        matches!(
            &self.person,
            Some(SignedOn {
                wish: Wish::Paused {
                    by_engine: true,
                    ..
                },
                ..
            })
        )
    }

    /// Why it is paused.
    pub(crate) fn reason(&self) -> Option<&str> {
        match &self.person {
            Some(SignedOn {
                wish: Wish::Paused { reason, .. },
                ..
            }) => Some(reason),
            _ => None,
        }
    }

    /// The call it rings for or talks with.
    pub(crate) fn call(&self) -> Option<CallId> {
        match self.activity {
            Activity::Offered { call, .. } | Activity::Talking { call, .. } => Some(call),
            _ => None,
        }
    }

    /// When the present activity ends by itself.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        match self.activity {
            Activity::Wrapup { until } | Activity::Backoff { until } => Some(until),
            _ => None,
        }
    }

    fn wants_calls(&self) -> bool {
        self.reachable && matches!(&self.person, Some(p) if p.wish == Wish::Available)
    }

    /// Compares what is with what should be.
    pub(crate) fn settle(&self) -> SeatEffect {
        match self.activity {
            Activity::Idle if self.wants_calls() && !self.in_queue => SeatEffect::Enter,
            _ if self.in_queue && !(self.activity == Activity::Idle && self.wants_calls()) => {
                SeatEffect::Leave
            }
            _ => SeatEffect::None,
        }
    }

    pub(crate) fn handle_signed_on(
        &mut self,
        now: Mono,
        counsellor: CounsellorId,
        ready: bool,
    ) -> SeatEffect {
        let wish = if ready {
            Wish::Available
        } else {
            Wish::Paused {
                reason: String::new(),
                by_engine: false,
            }
        };
        self.person = Some(SignedOn {
            counsellor,
            wish,
            talked_ms: 0,
            risk_calls: 0,
            rang_out: 0,
        });
        if self.activity == Activity::Idle {
            self.idle_since = now;
        }
        self.settle()
    }

    pub(crate) fn handle_ready(&mut self, now: Mono) -> Result<SeatEffect, CommandError> {
        let person = self.person.as_mut().ok_or(CommandError::NobodySignedOn)?;
        person.wish = Wish::Available;
        person.rang_out = 0;
        match self.activity {
            // Saying "ready" ends after-call work and a back-off: the counsellor is there.
            Activity::Wrapup { .. } | Activity::Backoff { .. } => {
                self.activity = Activity::Idle;
                self.idle_since = now;
            }
            Activity::Idle if !self.in_queue => self.idle_since = now,
            _ => {}
        }
        Ok(self.settle())
    }

    pub(crate) fn handle_pause(
        &mut self,
        reason: &str,
        by_engine: bool,
    ) -> Result<SeatEffect, CommandError> {
        let person = self.person.as_mut().ok_or(CommandError::NobodySignedOn)?;
        person.wish = Wish::Paused {
            reason: reason.to_owned(),
            by_engine,
        };
        Ok(self.withdraw_effect())
    }

    pub(crate) fn handle_signed_off(&mut self) -> Result<SeatEffect, CommandError> {
        if self.person.take().is_none() {
            return Err(CommandError::NobodySignedOn);
        }
        Ok(self.withdraw_effect())
    }

    pub(crate) fn handle_reachable(&mut self, now: Mono, reachable: bool) -> SeatEffect {
        if reachable && !self.reachable && self.activity == Activity::Idle {
            self.idle_since = now;
        }
        self.reachable = reachable;
        // A ringing offer is left alone: the INVITE's own timers tell whether the phone is there.
        self.settle()
    }

    fn withdraw_effect(&self) -> SeatEffect {
        match self.activity {
            Activity::Offered { call, offer } => SeatEffect::TakeBack { call, offer },
            _ => self.settle(),
        }
    }

    /// The queue gave a caller to this seat.
    pub(crate) fn handle_match(&mut self, call: CallId, offer: OfferId) -> SeatEffect {
        self.in_queue = false;
        self.activity = Activity::Offered { call, offer };
        if self.wants_calls() {
            SeatEffect::None
        } else {
            SeatEffect::TakeBack { call, offer }
        }
    }

    /// It rings for a conversation that runs, which the queue knows by another number.
    pub(crate) fn handle_offer_of(&mut self, offer: OfferId, call: CallId) {
        match &mut self.activity {
            Activity::Offered {
                call: known,
                offer: current,
            } if *current == offer => *known = call,
            _ => {}
        }
    }

    pub(crate) fn handle_answered(&mut self, offer: OfferId) -> bool {
        let Activity::Offered {
            call,
            offer: current,
        } = self.activity
        else {
            return false;
        };
        if current != offer {
            return false;
        }
        self.activity = Activity::Talking { call, offer };
        if let Some(person) = &mut self.person {
            person.rang_out = 0;
        }
        true
    }

    /// `None` if the message is about an offer that is not the present one.
    pub(crate) fn handle_offer_ended(
        &mut self,
        now: Mono,
        offer: OfferId,
        outcome: OfferOutcome,
        policy: SeatPolicy,
    ) -> Option<SeatEffect> {
        let Activity::Offered { offer: current, .. } = self.activity else {
            return None;
        };
        if current != offer {
            return None;
        }
        let rest = match outcome {
            OfferOutcome::NoAnswer | OfferOutcome::Refused | OfferOutcome::Unreachable => {
                policy.backoff.max(SHORTEST_REST)
            }
            OfferOutcome::Answered | OfferOutcome::CallerGone | OfferOutcome::Withdrawn => {
                Duration::ZERO
            }
        };
        self.activity = Activity::Idle;
        self.idle_since = now;
        if !rest.is_zero() {
            self.activity = Activity::Backoff { until: now + rest };
        }
        if outcome == OfferOutcome::NoAnswer {
            self.count_rang_out(policy.pause_after);
        } else if outcome == OfferOutcome::Refused
            && let Some(person) = &mut self.person
        {
            person.rang_out = 0;
        }
        Some(self.settle())
    }

    fn count_rang_out(&mut self, pause_after: u8) {
        let Some(person) = &mut self.person else {
            return;
        };
        person.rang_out = person.rang_out.saturating_add(1);
        if pause_after != 0 && person.rang_out >= pause_after && person.wish == Wish::Available {
            person.wish = Wish::Paused {
                reason: "no_answer".to_owned(),
                by_engine: true,
            };
        }
    }

    /// `None` if the message is about another conversation.
    pub(crate) fn handle_released(
        &mut self,
        now: Mono,
        offer: OfferId,
        (talked_ms, weight): (u64, TalkWeight),
        policy: SeatPolicy,
    ) -> Option<SeatEffect> {
        match self.activity {
            Activity::Talking { offer: current, .. } if current == offer => {}
            _ => return None,
        }
        if let Some(person) = &mut self.person {
            person.talked_ms = person.talked_ms.saturating_add(talked_ms);
            person.risk_calls = person.risk_calls.saturating_add(u16::from(weight.risk));
            let most = policy.care.talk.map_or(u128::MAX, |most| most.as_millis());
            if u128::from(person.talked_ms) >= most && person.wish == Wish::Available {
                person.wish = Wish::Paused {
                    reason: "talk_limit".to_owned(),
                    by_engine: true,
                };
            }
        }
        let rest = policy.rest(talked_ms, weight);
        self.idle_since = now;
        self.activity = if rest.is_zero() || self.person.is_none() {
            Activity::Idle
        } else {
            Activity::Wrapup { until: now + rest }
        };
        Some(self.settle())
    }

    /// Ends wrap-up or back-off if its time is up.
    pub(crate) fn handle_timeout(&mut self, now: Mono) -> SeatEffect {
        match self.deadline() {
            Some(until) if until <= now => {
                self.activity = Activity::Idle;
                self.idle_since = now;
                self.settle()
            }
            _ => SeatEffect::None,
        }
    }
}
