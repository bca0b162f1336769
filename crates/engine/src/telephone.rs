//! A seat's telephone rings for a conversation that runs: where it is, where else it may be, and what
//! comes of it. Who is called and why is `second`'s or `supervise`'s.

use crate::api::Output;
use crate::arrival::{session, third_party};
use crate::call::{Call, State, ThirdSide, Voice};
use crate::defect::Defect;
use crate::offer::{NO_SIGN, outcome_of, sip_transport};
use crate::ports::PortOwner;
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use meishier_config::SeatContact;
use meishier_model::{LegId, Now, OfferOutcome};
use meishier_queue::OfferId;
use meishier_signaling::{Binding, Flow, LegState};
use meishier_transfer::ThirdId;

/// Look-ups for seats that the queue did not give: apart from those that go by the number of an offer.
const BY_NAME: u64 = 1 << 63;

impl Shard {
    /// Begins to call the seat that this third party is, or is to be.
    pub(crate) fn call_seat(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if self.broken.is(Defect::CallerQueuedForSecond) && call.seat_side().is_some() {
            self.drop_thirds(now, call);
            self.release_seat(now, call, true);
            call.state = State::Queued;
            return self.back_in_line(now, call);
        }
        match call.third(third) {
            Some(side) if side.is_named() => self.look_for_telephone(now, call, third),
            Some(_) => self.enter_second(now, call, third),
            None => {}
        }
    }

    /// Where is the telephone of the seat that was named, or that the queue gave?
    pub(crate) fn look_for_telephone(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let config = std::sync::Arc::clone(&self.config);
        let unreachable = (OfferOutcome::Unreachable, 0);
        let offer = offer_of(call, third);
        let token = match offer {
            Some(offer) => offer.0,
            None => self.token() | BY_NAME,
        };
        let Some(called) = call.third_mut(third).and_then(|it| it.seat.as_mut()) else {
            return;
        };
        let seat = called.seat();
        let Some(seat) = seat.and_then(|it| config.seats.get(it.0 as usize)) else {
            return self.end_bid(now, call, third, unreachable);
        };
        match &seat.contact {
            SeatContact::Register { .. } => {
                called.lookup = Some(token);
                self.lookups.insert(token, call.id);
                let user = seat.name.clone();
                self.outputs.push_back(Output::Lookup { token, user });
            }
            SeatContact::Static {
                uri,
                address,
                transport,
            } => match self.flow_to(sip_transport(*transport), *address, seat.network) {
                Some(flow) => self.ring_telephone(now, call, third, (flow, uri.clone(), "")),
                None => self.end_bid(now, call, third, unreachable),
            },
        }
    }

    /// What the driver's index of registrations says; nothing happens if that is not this call's any
    /// more.
    pub(crate) fn on_telephone_found(
        &mut self,
        now: Now,
        call: &mut Call,
        token: u64,
        contacts: Vec<Binding>,
    ) {
        let asks = |it: &&mut ThirdSide| {
            let seat = it.seat.as_ref();
            seat.is_some_and(|seat| seat.lookup == Some(token))
        };
        let Some(side) = call.thirds.iter_mut().find(asks) else {
            return;
        };
        let third = side.id;
        if let Some(seat) = &mut side.seat {
            seat.lookup = None;
            seat.contacts = contacts.into();
        }
        self.try_telephone(now, call, third, 0);
        self.run_third(now, call, third);
    }

    /// Rings where the telephone is to be tried next; `status` says why the place before was given up.
    fn try_telephone(&mut self, now: Now, call: &mut Call, third: ThirdId, status: u16) {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_, it) if *it == third));
        let seat = call.third_mut(third).and_then(|it| it.seat.as_mut());
        match seat.and_then(|it| it.contacts.pop_front()) {
            Some(to) => self.ring_telephone(now, call, third, (to.flow, to.uri, &to.route)),
            None => self.end_bid(now, call, third, (OfferOutcome::Unreachable, status)),
        }
    }

    fn ring_telephone(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        (flow, uri, route): (Flow, String, &str),
    ) {
        let called = call.third(third).and_then(|it| it.seat.as_ref());
        let Some((seat, more)) = called.and_then(|it| Some((it.seat()?, !it.contacts.is_empty())))
        else {
            return;
        };
        let config = std::sync::Arc::clone(&self.config);
        let known = config.seats.get(seat.0 as usize);
        let network = known.and_then(|it| it.network);
        let srtp = known.map(|it| it.srtp).unwrap_or_default();
        let Some((port, address)) = self.ports.take_spare(network) else {
            return self.end_bid(now, call, third, (OfferOutcome::Unreachable, 503));
        };
        // The caller's codec first, so that speech passes unchanged wherever the seat can take it.
        let mut codecs = call.codecs.clone();
        if let Some((media, _)) = &call.side.voice.agreed {
            codecs.sort_by_key(|codec| *codec != media.codec);
        }
        let mut voice = Voice::new(port, Some(flow.remote.ip()), srtp);
        let ours = (address, session(call.id, third_party(third), 1));
        let body = self.describe(now, &mut voice, ours, &codecs);
        let invite = self.seat_invite(call, flow, uri, body, (seat.0 as usize, route));
        let Ok(leg) = self.endpoint.invite(now.mono, invite) else {
            self.ports.give_back(port);
            // What cannot be written to one place may be to another; there are few.
            return self.try_telephone(now, call, third, 503);
        };
        self.legs.insert(leg, LegOwner::Target(call.id, third));
        self.ports.own(port, PortOwner::Target(call.id, third));
        if let Some(side) = call.third_mut(third) {
            side.leg = Some(leg);
            side.voice = Some(voice);
            side.version = 1;
            side.codecs = codecs;
        }
        self.set_telephone_timers(now, call, third, more);
    }

    fn set_telephone_timers(&mut self, now: Now, call: &mut Call, third: ThirdId, more: bool) {
        if let Some(offer) = offer_of(call, third) {
            let rings = Timer::OfferRing(call.id, offer);
            if !call.timers.iter().any(|(_, timer)| *timer == rings) {
                self.set_call_timer(call, now.mono + self.config.offer.ring, rings);
            }
        }
        if more {
            self.set_call_timer(call, now.mono + NO_SIGN, Timer::PeerTry(call.id, third));
        }
    }

    /// Nothing was heard of the telephone where it was tried: it is tried elsewhere.
    pub(crate) fn on_telephone_silent(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let leg = call.third(third).and_then(|it| it.leg);
        let mute = |leg: &LegId| self.endpoint.leg_state(*leg) == Some(LegState::Calling);
        if leg.as_ref().is_some_and(mute) {
            self.hang_up_telephone(now, call, third);
            self.try_telephone(now, call, third, 408);
        }
    }

    /// The telephone refused, or was not there.
    pub(crate) fn on_telephone_failed(
        &mut self,
        now: Now,
        call: &mut Call,
        (third, leg): (ThirdId, LegId),
        status: u16,
        cause: String,
    ) {
        let side = call.third_mut(third).filter(|it| it.leg == Some(leg));
        let Some(side) = side else {
            return;
        };
        side.leg = None;
        self.note_cause(call, third, cause);
        self.hang_up_telephone(now, call, third);
        match outcome_of(status) {
            OfferOutcome::Unreachable => self.try_telephone(now, call, third, status),
            // Who is busy or will not is so wherever it rings.
            outcome => self.end_bid(now, call, third, (outcome, status)),
        }
        self.run_third(now, call, third);
    }

    /// The telephone's leg and port are given up.
    pub(crate) fn hang_up_telephone(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_, it) if *it == third));
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let (leg, voice) = (side.leg.take(), side.voice.take());
        if let Some(leg) = leg {
            self.release_leg(now, leg, None);
        }
        if let Some(voice) = voice {
            self.drop_voice(&voice, call);
        }
    }
}

/// The offer by which this third party's seat rings.
fn offer_of(call: &Call, third: ThirdId) -> Option<OfferId> {
    let request = call.third(third)?.request()?;
    request.found().map(|it| it.offer)
}
