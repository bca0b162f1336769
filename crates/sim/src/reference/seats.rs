//! One seat as the judges know it: from commands and their answers, offers and registrations.
//!
//! ```text
//!   off ── sign-on, ready ──► free ── offer ──► busy ── released, refused, rang out ──► resting
//!    ▲                         ▲  │                                                        │
//!    └── pause, sign-off ──────┼──┘                                                        │
//!                              └──────────────── time is up, or "ready" ───────────────────┘
//! ```

use meishier_model::{CallId, Mono, OfferOutcome};
use std::time::Duration;

/// A seat that did not take an offer rests at least so long.
pub(super) const SHORTEST_REST: Duration = Duration::from_secs(1);

/// One seat.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    /// Who is signed on.
    pub person: Option<u32>,
    /// Wants no calls.
    pub paused: bool,
    /// The step in which it was paused or signed off; `None` while it takes calls.
    pub off: Option<u64>,
    /// The telephone can be reached.
    pub reachable: bool,
    /// Rings for or talks with.
    pub busy: Option<CallId>,
    /// Rests at least until then.
    pub rests: Option<Mono>,
    /// May rest until then, since messages between shards may lag.
    pub may_rest: Option<Mono>,
    /// Since when nothing that is known stands against a call.
    pub free: Mono,
    /// Offers in a row that rang out, at least and at most.
    pub rang_out: (u8, u8),
    last_rang_out: Option<Mono>,
    rest_began: Mono,
    /// A star code is under way: the state is not known until then.
    pub unsure: Option<Mono>,
    /// When it last changed whether calls may come.
    pub changed: Mono,
    /// Calls at risk of whoever sits there, since signing on: at least and at most.
    pub risk_calls: (u16, u16),
    /// Talk of whoever sits there, since signing on.
    pub talked: Duration,
}

impl Seat {
    /// A seat at the start: nobody is there.
    #[must_use]
    pub fn new(reachable: bool) -> Self {
        Self {
            off: Some(0),
            reachable,
            ..Self::default()
        }
    }

    /// True if it should be in the queue for sure at `now`.
    #[must_use]
    pub fn ready(&self, now: Mono) -> bool {
        self.off.is_none()
            && self.reachable
            && self.busy.is_none()
            && self.unsure.is_none()
            && self.may_rest.is_none_or(|until| until <= now)
    }

    /// Since when [`Self::ready`] holds, if it does.
    #[must_use]
    pub fn ready_since(&self) -> Mono {
        self.may_rest
            .map_or(self.free, |until| self.free.max(until))
    }

    pub(super) fn signed_on(&mut self, now: Mono, who: u32, ready: bool, step: u64) {
        self.person = Some(who);
        (self.risk_calls, self.talked, self.changed) = ((0, 0), Duration::ZERO, now);
        self.rang_out = (0, 0);
        self.paused = !ready;
        self.off = (!ready).then_some(step);
        self.free = now;
    }

    /// "Ready" ends a pause, a wrap-up and a back-off.
    pub(super) fn said_ready(&mut self, now: Mono, lag: Duration) {
        if self.off.is_some() || self.rests.is_some_and(|until| until > now) {
            self.free = now;
        }
        if self.paused {
            self.changed = now;
        }
        self.paused = false;
        self.off = None;
        self.rests = None;
        // What began the rest may not have reached the seat's shard yet, so that the rest follows.
        if now.since(self.rest_began) > lag {
            self.may_rest = None;
        }
        let late = self.last_rang_out.is_some_and(|at| now.since(at) <= lag);
        self.rang_out = (0, if late { self.rang_out.1 } else { 0 });
    }

    pub(super) fn paused(&mut self, step: u64) {
        self.paused = true;
        self.off = self.off.or(Some(step));
    }

    pub(super) fn signed_off(&mut self, now: Mono, lag: Duration, step: u64) {
        if now.since(self.rest_began) <= lag {
            // The seat's shard may hear only now that the conversation is over, with nobody there.
            self.rests = None;
        }
        self.person = None;
        self.paused = false;
        self.off = self.off.or(Some(step));
    }

    pub(super) fn registered(&mut self, now: Mono, reachable: bool) {
        if reachable && !self.reachable {
            self.free = now;
        }
        if reachable != self.reachable {
            self.changed = now;
        }
        self.reachable = reachable;
    }

    fn rest(&mut self, now: Mono, rest: Duration, lag: Duration) {
        self.busy = None;
        self.free = now;
        self.rest_began = now;
        if !rest.is_zero() {
            self.rests = Some(now + rest);
            self.may_rest = Some(now + rest + lag);
        }
    }

    /// Rests last otherwise from now on, `most` at most. The seat's shard goes by the rules of the
    /// moment at which it hears that one begins, up to `lag` after the fact.
    pub(super) fn rules_changed(&mut self, now: Mono, most: Duration, lag: Duration) {
        if self.rest_began > Mono(0) && now.since(self.rest_began) <= lag {
            self.rests = None;
            self.may_rest = self.may_rest.max(Some(now + most + lag));
        }
    }

    pub(super) fn offer_ended(
        &mut self,
        now: Mono,
        outcome: OfferOutcome,
        backoff: Duration,
        lag: Duration,
    ) {
        let rest = match outcome {
            OfferOutcome::Answered => {
                self.rang_out = (0, 0);
                return;
            }
            OfferOutcome::CallerGone | OfferOutcome::Withdrawn => Duration::ZERO,
            OfferOutcome::Unreachable => backoff.max(SHORTEST_REST),
            OfferOutcome::NoAnswer => {
                self.rang_out.0 = self.rang_out.0.saturating_add(1);
                self.rang_out.1 = self.rang_out.1.saturating_add(1);
                self.last_rang_out = Some(now);
                backoff.max(SHORTEST_REST)
            }
            OfferOutcome::Refused => {
                self.rang_out = (0, 0);
                backoff.max(SHORTEST_REST)
            }
        };
        self.rest(now, rest, lag);
    }

    /// The conversation is over. Nobody wraps up for somebody who has signed off.
    pub(super) fn released(
        &mut self,
        now: Mono,
        (wrapup, most): (Duration, Duration),
        lag: Duration,
    ) {
        let rest = if self.person.is_some() {
            wrapup
        } else {
            Duration::ZERO
        };
        self.rest(now, rest, lag);
        if self.person.is_some() && most > Duration::ZERO {
            self.may_rest = Some(now + most + lag);
        }
        if self.person.is_none() {
            // Unless somebody else signs on before the shard of the seat hears of it.
            self.may_rest = Some(now + most + lag);
        }
    }
}
