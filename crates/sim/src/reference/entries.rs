//! What the engine's notices and records change in the books.

use super::books::{Books, Recorded};
use super::calls::{Call, Decision, Offer};
use super::known::Over;
use super::parts::{Part, Parts};
use super::policy::Policies;
use super::seats::Seat;
use meishier_engine::{Notice, Phase, Refusal};
use meishier_model::{CallId, CallRecord, Now, OfferOutcome, ReleasedBy};
use std::time::Duration;

impl Books {
    pub(super) fn told(&mut self, now: Now, notice: &Notice) {
        match notice {
            Notice::Arrived { call, .. } => self.arrived(now, *call),
            Notice::Phase { call, to, .. } => self.phase(now, *call, *to),
            Notice::Offered { call, seat, .. } => self.offered(now, *call, seat.0),
            Notice::OfferEnded {
                call,
                seat,
                outcome,
            } => {
                self.offer_ended(now, *call, seat.0, *outcome);
            }
            Notice::Answered { call, .. } => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.answered = call.answered.or(Some(now));
                }
            }
            Notice::TransferStep {
                call,
                third,
                role,
                step,
            } => self.told_step(now, *call, (third.0, role.as_str()), *step),
            Notice::Transfer {
                call,
                third,
                outcome,
                ..
            } => self.told_over(now, *call, third.0, *outcome),
            Notice::TransferAlarm { call, third } => self.told_alarm(now, *call, third.0),
            Notice::TakesPart {
                call, who, mode, ..
            } => self.heard_anew(*call, *who, Part::of(*mode)),
            Notice::CallBackDue { call } => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.caller_gone = Some(now.mono);
                }
                self.facts.moved.insert(*call);
            }
            Notice::Lines { pool, lines } => {
                if let Some(limit) = self.limits.get_mut(usize::from(pool.0)) {
                    *limit = *lines;
                }
            }
            Notice::Seat {
                seat,
                by_engine: true,
                to,
                ..
            } => {
                let step = self.step;
                if *to == meishier_engine::SeatState::Paused {
                    self.facts.paused_by_engine.push(seat.0);
                    if let Some(seat) = self.seats.get_mut(seat.0 as usize) {
                        seat.paused(step);
                    }
                }
            }
            Notice::Refused(Refusal::RiskOverload) => self.facts.risk_refused += 1,
            Notice::Refused(_)
            | Notice::Ended { .. }
            | Notice::Seat { .. }
            | Notice::Trunk { .. }
            | Notice::TransferAnswered { .. }
            | Notice::KeyByTelephone { .. }
            | Notice::Registration { .. }
            | Notice::Peer { .. }
            | Notice::NoPeers { .. }
            | Notice::Channel { .. }
            | Notice::ChannelsFull { .. }
            | Notice::Probe { .. }
            | Notice::ForeignCodec { .. }
            | Notice::MediaLost { .. }
            | Notice::OneWay { .. }
            | Notice::LegOver { .. }
            | Notice::DeadLeg { .. }
            | Notice::Missed { .. }
            | Notice::KeptOutside { .. }
            | Notice::Routed { .. }
            | Notice::Flagged { .. }
            | Notice::Pool { .. }
            | Notice::CalendarMissing(_)
            | Notice::ReferRefused { .. }
            | Notice::CallBack { .. }
            | Notice::Unexpected(_) => {}
        }
    }

    fn arrived(&mut self, now: Now, id: CallId) {
        let Some(invited) = self.facts.invites.last_mut() else {
            return;
        };
        invited.heeded = true;
        let (sip, trunk) = (invited.sip.clone(), invited.trunk.unwrap_or_default());
        self.legs.taken(now.mono, &sip, id);
        let call = Call {
            id,
            sip,
            arrived: now,
            jumps: self.jumps,
            trunk,
            caller: invited.caller.clone(),
            called: invited.called.clone(),
            claim: invited.claim.clone(),
            phase: Phase::Queued,
            since: now.mono,
            queued: now.mono,
            queued_step: self.step,
            decided: None,
            offer: None,
            talk: None,
            line: None,
            offers: Vec::new(),
            answered: None,
            answered_by: None,
            talked: std::time::Duration::ZERO,
            talks: 0,
            presses: Vec::new(),
            parts: Parts::default(),
            caller_gone: None,
            seat_leg: None,
            ended_step: 0,
            seat_left: 0,
            ended: None,
            overtaken: 0,
            said: false,
            marked: false,
            parted: false,
            emergency: false,
        };
        self.numbers.arrived(&call.claim.ask.caller, now);
        self.facts.arrived.push(id);
        self.calls.insert(id, call);
    }

    fn phase(&mut self, now: Now, id: CallId, to: Option<Phase>) {
        let step = self.step;
        if matches!(to, Some(Phase::Queued | Phase::WrappingUp)) {
            // The counsellor rests after what the conversation was, not after what cut it off.
            self.released(now, id);
        }
        let (Some(call), Some(to)) = (self.calls.get_mut(&id), to) else {
            return;
        };
        let before = call.phase;
        call.phase = to;
        call.since = now.mono;
        if to == Phase::Queued && before != Phase::Queued {
            call.parts = Parts::default();
            call.wait(now.mono, step);
            // Who was cut off in mid-sentence, by a seat that vanished or by counsellor and target
            // both, goes before everybody who has not been heard yet: the engine's own rule.
            if matches!(before, Phase::Talking | Phase::Transferring) {
                (call.claim.risk, call.claim.nuisance) = (true, false);
                (call.claim.ask.risk, call.claim.ask.nuisance) = (true, false);
                // Whoever talked with this caller is asked first.
                call.claim.own_unsure = true;
            }
        }
        if to == Phase::WrappingUp {
            call.ended = Some((now, before));
            call.ended_step = step;
            call.decided = None;
        }
        if matches!(to, Phase::Queued | Phase::WrappingUp) {
            let legs: Vec<_> = call.presses.iter().flat_map(|p| p.legs.clone()).collect();
            for leg in legs {
                self.legs.release(now.mono, &leg);
            }
        }
        if to == Phase::Queued && before != Phase::Queued {
            let view = self.view(now.mono);
            self.renew(now, id, &view);
        }
    }

    fn offered(&mut self, now: Now, id: CallId, seat: u32) {
        let step = self.step;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let decided = call.decided.get_or_insert(Decision {
            step,
            at: now.mono,
            rivals: Vec::new(),
            open: call.claim.maybe_open(now.mono).collect(),
            needs: call.claim.least(now.mono),
        });
        let sure =
            |book: &&Seat| book.off.is_none() && book.unsure.is_none() && book.free <= decided.at;
        let who = self
            .seats
            .get(seat as usize)
            .filter(sure)
            .and_then(|book| book.person);
        call.offer = Some(Offer {
            seat,
            at: now,
            leg: None,
            who,
        });
        call.overtaken = 0;
        self.facts.offered.push((id, seat));
        let before = self
            .seats
            .get_mut(seat as usize)
            .and_then(|book| book.busy.replace(id));
        if let Some(other) = before.filter(|other| *other != id) {
            self.facts.crossed.push((id, seat, other));
        }
    }

    fn offer_ended(&mut self, now: Now, id: CallId, seat: u32, outcome: OfferOutcome) {
        let (step, lag) = (self.step, self.lag(now.mono));
        let backoff = self.plan.backoff;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.offers.push((seat, outcome));
        let offer = call.offer.take();
        call.decided = None;
        let (leg, who) = offer.map_or((None, None), |offer| (offer.leg, offer.who));
        let book = self.seats.get_mut(seat as usize);
        if outcome == OfferOutcome::Answered {
            call.seat_leg.clone_from(&leg);
            call.talk = Some((seat, now.mono, leg));
            call.talks += 1;
            call.answered_by = call.answered_by.or(Some((seat, who)));
        } else {
            call.wait(now.mono, step);
            if let Some(leg) = leg {
                if outcome == OfferOutcome::Unreachable
                    && let Some(leg) = self.legs.get_mut(&leg)
                    && leg.last.is_none()
                {
                    // Nobody answered in time, or the path broke: nothing need follow.
                    leg.broken = true;
                }
                self.legs.release(now.mono, &leg);
            }
        }
        if let Some(seat) = book.filter(|seat| seat.busy == Some(id)) {
            seat.offer_ended(now.mono, outcome, backoff, lag);
        }
    }

    /// The counsellor is no longer with the call.
    pub(super) fn released(&mut self, now: Now, id: CallId) {
        let (step, lag) = (self.step, self.lag(now.mono));
        let wrapup = self.plan.wrapup;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some((seat, since, leg)) = call.talk.take() else {
            return;
        };
        let talked = now.mono.since(since);
        call.talked += talked;
        Self::counsellor_left(call);
        call.seat_left = step;
        let risk = call.claim.risk && !call.claim.vague;
        let (least, most) = rest_after(&self.plan.policies, wrapup, call);
        if let Some(leg) = leg {
            self.legs.release(now.mono, &leg);
        }
        if let Some(seat) = self.seats.get_mut(seat as usize)
            && seat.busy == Some(id)
        {
            seat.talked += talked;
            seat.risk_calls.0 += u16::from(risk);
            seat.risk_calls.1 += 1;
            seat.released(now.mono, (least, most), lag);
        }
    }

    pub(super) fn recorded(&mut self, now: Now, record: &CallRecord) {
        if let Some(call) = self.calls.remove(&record.call) {
            self.remember(now, &call, record);
            self.ended.insert(record.call);
            // Its seat's and target's legs were let go of before; the caller's may linger.
            self.legs.release(now.mono, &call.sip);
            self.facts.recorded.push(Recorded {
                call,
                outcome: record.outcome,
                by: record.released_by,
            });
        }
    }

    /// What a call leaves behind of its number.
    fn remember(&mut self, now: Now, call: &Call, record: &CallRecord) {
        let number = &call.claim.ask.caller;
        let account = record.counsellor.as_ref();
        let who = account
            .and_then(|account| self.plan.accounts.get(account))
            .copied();
        let risk = call.claim.risk;
        let broke_off = match record.released_by {
            ReleasedBy::Seat => false,
            ReleasedBy::Caller => risk,
            ReleasedBy::Engine => !call.marked && !call.claim.nuisance,
        };
        let talk = call.answered.map(|_| (call.talked, who, broke_off));
        let over = Over {
            stamp: call.claim.stamp,
            at: record.ended,
            talk,
            said: call.said,
        };
        self.numbers.over(number, now, &over, &self.plan.policies);
        if call.claim.vague {
            self.numbers.doubt(number);
        }
    }
}

/// The least and the most that a seat rests after a call.
fn rest_after(policies: &Policies, wrapup: Duration, call: &Call) -> (Duration, Duration) {
    const NEAR: Duration = Duration::from_millis(100);
    let (mut least, mut most) = (wrapup, wrapup);
    let mut asks = |sure: bool, rest: Duration| {
        if sure {
            least = least.max(rest);
        }
        most = most.max(rest);
    };
    asks(call.claim.risk && !call.claim.vague, policies.rest_risk);
    asks(call.emergency, policies.rest_emergency);
    if let Some((rest, from)) = policies.rest_long {
        asks(call.talked >= from + NEAR && call.talks < 2, rest);
    }
    (least, most)
}
