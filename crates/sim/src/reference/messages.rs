//! What SIP messages and answered commands change in the books.

use super::books::{Books, Invited};
use super::claim::Claim;
use super::decide::Ask;
use super::legs::Party;
use super::number::plain;
use super::parts::Part;
use super::place::is_local;
use super::sip::{Sip, Start, uri_of, user};
use meishier_engine::{Command, Phase, Reply, SeatChange, ThirdWish};
use meishier_model::{CallId, Now};
use std::net::SocketAddr;
use std::time::Duration;

/// A star-code call lasts at most so long; after that its effect is known.
const STAR: Duration = Duration::from_secs(16);

impl Books {
    pub(super) fn came(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        let Some(sip) = Sip::read(bytes) else { return };
        let starred = sip.is("INVITE") && sip.called().starts_with('*');
        let seat = self.plan.seat_names.get(user(uri_of(sip.from))).copied();
        let star = starred.then(|| seat.unwrap_or(u32::MAX));
        let Some((id, new)) = self.legs.incoming(now.mono, from, &sip, star) else {
            return;
        };
        if starred {
            let until = now.mono + STAR + self.lag(now.mono) * 2;
            let seat = seat.and_then(|seat| self.seats.get_mut(seat as usize));
            if let Some(seat) = seat {
                seat.unsure = Some(until);
            }
            return;
        }
        let trunk = self.plan.trunk_of(from);
        let caller = self.complete(trunk, sip.caller());
        let claim = trunk
            .map(|trunk| self.claim_of(now, trunk, &sip))
            .unwrap_or_default();
        self.facts.invites.push(Invited {
            sip: id,
            trunk,
            caller,
            called: sip.called().to_owned(),
            claim,
            heeded: !new,
            new,
        });
    }

    /// A number with the area code of the trunk, if it came without.
    fn complete(&self, trunk: Option<u16>, number: &str) -> String {
        let trunk = trunk.and_then(|trunk| self.plan.trunks.get(usize::from(trunk)));
        let local = plain(number);
        match trunk {
            Some(trunk) if is_local(&local) => format!("{}{local}", trunk.area_code),
            _ => number.to_owned(),
        }
    }

    /// What the caller of an INVITE is entitled to.
    fn claim_of(&self, now: Now, trunk: u16, sip: &Sip<'_>) -> Claim {
        let (view, policies) = (self.view(now.mono), &self.plan.policies);
        let caller = plain(&self.complete(Some(trunk), sip.caller()));
        let called = plain(sip.called());
        let over = self.plan.trunks.get(usize::from(trunk));
        let cell = over.filter(|it| it.cell).map_or("", |_| sip.cell);
        let unread = sip.forwarded && over.is_some_and(|it| it.forwards);
        let known = self.numbers.known(&caller, now, policies, view.window);
        // What a call leaves behind is told when it is over, which its record says later.
        let ending = self.calls.values().any(|call| {
            call.phase == Phase::WrappingUp && !caller.is_empty() && call.claim.ask.caller == caller
        });
        let ask = Ask {
            trunk,
            caller,
            called,
            cell: cell.to_owned(),
            unread,
            risk: known.risk,
            nuisance: known.nuisance,
            last: known.last,
        };
        let stamp = known.place.unwrap_or(now.mono).min(now.mono);
        let mut claim = Claim::new(&self.plan, now, ask, stamp, &view);
        claim.vague = known.vague || ending;
        claim
    }

    /// A caller pressed a key.
    pub(super) fn key_pressed(&mut self, now: Now, sip: &str, digit: char) {
        if self.plan.policies.danger_key != Some(digit) {
            return;
        }
        let waits = |call: &&super::calls::Call| {
            *call.sip == *sip && matches!(call.phase, Phase::Queued | Phase::Offered)
        };
        if let Some(id) = self.calls.values().find(waits).map(|call| call.id) {
            self.flag(now, id);
        }
    }

    /// From now on this caller is at risk.
    pub(super) fn flag(&mut self, now: Now, id: CallId) {
        let view = self.view(now.mono);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        (call.said, call.marked) = (true, false);
        let number = call.claim.ask.caller.clone();
        (call.claim.risk, call.claim.nuisance) = (true, false);
        (call.claim.ask.risk, call.claim.ask.nuisance) = (true, false);
        let waits = matches!(call.phase, Phase::Queued | Phase::Offered);
        self.facts.flagged.push(id);
        self.numbers.flagged(&number, now, &self.plan.policies);
        if waits {
            self.renew(now, id, &view);
        }
    }

    /// A message left that was read already.
    pub fn left(&mut self, now: Now, to: SocketAddr, sip: &Sip<'_>) {
        // 100 says only that the transaction is there.
        if let Start::Response(200..) = sip.start
            && let Some(invited) = self
                .facts
                .invites
                .iter_mut()
                .find(|i| *i.sip == *sip.call_id)
        {
            invited.heeded = true;
        }
        let party = self.party(sip);
        if let Some(id) = self.legs.outgoing(now.mono, to, sip, party) {
            match party {
                Some(Party::Seat(whose, seat)) => {
                    let call = self.calls.get_mut(&whose);
                    let offer = call.and_then(|call| call.offer.as_mut());
                    if let Some(offer) = offer.filter(|o| o.seat == seat && o.leg.is_none()) {
                        offer.leg = Some(id);
                    } else {
                        self.second_rings(now, whose, seat, id);
                    }
                }
                // Whose it is is known at the end of the step.
                Some(Party::Target(call)) => {
                    self.facts.dialled.push((call, id, sip.called().to_owned()));
                }
                _ => {}
            }
        }
        self.star_over(now, sip);
    }

    /// Whose leg an INVITE of the engine begins.
    fn party(&self, sip: &Sip<'_>) -> Option<Party> {
        if !sip.is("INVITE") || sip.engine_call.is_empty() {
            return None;
        }
        let call = CallId::parse(sip.engine_call)?;
        let to = uri_of(sip.to);
        let host = to.rsplit_once('@').map_or("", |(_, host)| host);
        let seat = self.plan.seat_names.get(user(to)).copied();
        match seat {
            Some(seat) if host == self.plan.domain => Some(Party::Seat(call, seat)),
            _ => Some(Party::Target(call)),
        }
    }

    /// A star code was answered: whatever it did is done.
    fn star_over(&mut self, now: Now, sip: &Sip<'_>) {
        // Unless the answer was another one's: then what it did may still be under way.
        let until = now.mono + self.lag(now.mono) * 4;
        if sip.method == "INVITE"
            && sip.status().is_some_and(|status| status >= 200)
            && let Some(Party::Star(seat)) = self.legs.get(sip.call_id).map(|leg| leg.party)
            && !self
                .legs
                .iter()
                .any(|(_, leg)| leg.party == Party::Star(seat) && leg.last.is_none())
            && let Some(seat) = self.seats.get_mut(seat as usize)
            && seat.unsure.is_some()
        {
            seat.unsure = Some(until);
        }
    }

    pub(super) fn replied(&mut self, now: Now, token: u64, reply: &Reply) {
        let Some(asked) = self.asked.get_mut(&token) else {
            return;
        };
        asked.replies += 1;
        let command = asked.command.clone();
        match (command, reply) {
            (Command::Seat { seat, change }, Reply::Seat(Ok(_))) => {
                self.seat_changed(now, seat.0, &change);
            }
            (Command::Transfer { call, press }, Reply::Transfer(Ok(started))) => {
                let whose = (started.third.0, press.key.as_str(), press.place.as_str());
                let asks = started.asks.as_ref();
                self.started(now, call, whose, (&started.dialled, press.manner, asks));
            }
            (Command::Supervise { call, seat, mode }, Reply::Transfer(Ok(started))) => {
                let whose = (seat.0, Part::of(mode));
                self.supervised(call, started.third.0, whose);
            }
            (Command::Third { call, third, wish }, Reply::Done(Ok(()))) => {
                let third = third.map(|third| third.0);
                match wish {
                    ThirdWish::Cancel => self.facts.taken_back.push((call, third)),
                    ThirdWish::Settle(place) => self.settled(call, third, &place),
                    ThirdWish::Join | ThirdWish::Confirm => {}
                }
            }
            (Command::Leave { call }, Reply::Done(Ok(()))) => self.facts.let_go.push(call),
            (Command::Flag { call }, Reply::Done(Ok(()))) => self.flag(now, call),
            (
                Command::Nuisance {
                    call, lasts, end, ..
                },
                Reply::Done(Ok(())),
            ) => {
                self.mark(now, call, lasts, end);
            }
            _ => {}
        }
    }

    /// A counsellor marked the caller for nuisance.
    fn mark(&mut self, now: Now, id: CallId, lasts: Option<Duration>, end: bool) {
        const LONGEST: Duration = Duration::from_secs(366 * 86_400);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.marked = true;
        call.parted |= end;
        let lasts = lasts.unwrap_or(self.plan.policies.marked_for).min(LONGEST);
        let number = call.claim.ask.caller.clone();
        self.numbers.marked(&number, now, lasts);
    }

    fn seat_changed(&mut self, now: Now, id: u32, change: &SeatChange) {
        let (step, lag) = (self.step, self.lag(now.mono) * 2);
        let Some(seat) = self.seats.get_mut(id as usize) else {
            return;
        };
        match change {
            SeatChange::SignOn { counsellor, .. } if seat.person != Some(counsellor.0) => {
                seat.signed_on(now.mono, counsellor.0, true, step);
                self.facts.signed_on.push((id, counsellor.0));
            }
            SeatChange::SignOn { .. } | SeatChange::Ready => seat.said_ready(now.mono, lag),
            SeatChange::Pause { .. } => seat.paused(step),
            SeatChange::SignOff => seat.signed_off(now.mono, lag, step),
        }
    }
}
