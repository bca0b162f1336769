//! A match becomes an offer: the seat's INVITE, its ring limit, and every way in which it can fail.
//!
//! A failed offer puts the caller back with its arrival stamp, so that it keeps its place; the
//! seat is kept out by its home shard. An offer that ends releases its line exactly once.

use crate::api::{Notice, ShardMessage, home_of_seat};
use crate::arrival::session;
use crate::call::{Call, SeatSide, State, Voice};
use crate::defect::Defect;
use crate::ports::PortOwner;
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use crate::typed::Typed;
use meishier_config::SeatContact;
use meishier_media::MediaCommand;
use meishier_model::{CallId, LegId, Now, OfferOutcome, OfferRecord, Outcome, PortId, ReleasedBy};
use meishier_queue::{Match, OfferId};
use meishier_signaling::{Binding, Flow, Invite, Party, Transport};
use std::collections::VecDeque;
use std::time::Duration;

/// The header by which a seat's desk finds the call that rings (its value is the call's identifier).
pub const CALL_HEADER: &str = "X-Meishier-Call";

/// A telephone that says nothing at all for so long is tried where else it registered from. Its INVITE
/// has been sent four times by then; a person rings for much longer.
pub(crate) const NO_SIGN: Duration = Duration::from_secs(4);

pub(crate) fn sip_transport(transport: meishier_config::Transport) -> Transport {
    match transport {
        meishier_config::Transport::Udp => Transport::Udp,
        meishier_config::Transport::Tcp => Transport::Tcp,
        meishier_config::Transport::Tls => Transport::Tls,
    }
}

/// What a seat's final response means. Busy and refusal are the person's; the rest is the path's.
pub(crate) fn outcome_of(status: u16) -> OfferOutcome {
    match status {
        404 | 408 | 410 | 430 | 500..=599 => OfferOutcome::Unreachable,
        _ => OfferOutcome::Refused,
    }
}

/// True for a user part that may stand in a URI as it is (RFC 3261 §25.1): what a caller wrote must
/// not keep its call from going out.
pub(crate) fn is_user(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// True for what may be dialled back: digits, with a `+` before them at most.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

impl Shard {
    /// The queue gave a seat to a call of this shard.
    pub(crate) fn on_match_for_call(&mut self, now: Now, found: Match) {
        let waits = self
            .calls
            .get(&found.call)
            .is_some_and(|call| matches!(call.state, State::Queued));
        if !waits {
            if !self.on_match_for_second(now, &found) {
                // The caller left while the match was under way.
                self.end_match(now, &found, OfferOutcome::CallerGone);
            }
            return;
        }
        self.with_call(found.call, |shard, call| {
            shard.begin_offer(now, call, &found)
        });
    }

    fn end_match(&mut self, now: Now, found: &Match, outcome: OfferOutcome) {
        let wakes = self.queue.release_line(now.mono, found.line);
        self.wake(now, &wakes);
        let message = ShardMessage::OfferEnded {
            seat: found.seat,
            offer: found.offer,
            outcome,
        };
        self.send(found.seat_shard, message);
    }

    fn begin_offer(&mut self, now: Now, call: &mut Call, found: &Match) {
        call.state = State::Offered(Box::new(SeatSide {
            seat: found.seat,
            counsellor: found.counsellor,
            line: found.line,
            offer: found.offer,
            leg: None,
            voice: None,
            contacts: VecDeque::new(),
            offered: now,
            answered: None,
            version: 1,
            typed: Typed::default(),
            referred: None,
        }));
        let waited = found.ready_since > found.enqueued;
        let first = call.offers.is_empty();
        let name =
            |id: usize, names: &dyn Fn(usize) -> Option<String>| names(id).unwrap_or_default();
        let config = &self.config;
        call.offers.push(OfferRecord {
            seat: name(found.seat.0 as usize, &|i| {
                config.seats.get(i).map(|s| s.name.clone())
            }),
            counsellor: name(found.counsellor.0 as usize, &|i| {
                config.counsellors.get(i).map(|c| c.account.clone())
            }),
            pool: name(usize::from(found.line.pool.0), &|i| {
                config.pools.get(i).map(|p| p.name.clone())
            }),
            at: now.wall,
            rang_ms: 0,
            outcome: OfferOutcome::Unreachable,
            status: 0,
            cause: String::new(),
        });
        self.notice(Notice::Offered {
            call: call.id,
            seat: found.seat,
            ready_to_invite: waited.then(|| now.mono - found.ready_since),
            setup: (!waited && first).then(|| now.mono - call.arrived.mono),
        });
        self.find_seat(now, call, found);
    }

    fn find_seat(&mut self, now: Now, call: &mut Call, found: &Match) {
        let config = std::sync::Arc::clone(&self.config);
        let Some(seat) = config.seats.get(found.seat.0 as usize) else {
            return self.end_offer(now, call, OfferOutcome::Unreachable, 0);
        };
        match &seat.contact {
            SeatContact::Register { .. } => {
                self.lookups.insert(found.offer.0, call.id);
                let user = seat.name.clone();
                self.outputs.push_back(crate::api::Output::Lookup {
                    token: found.offer.0,
                    user,
                });
            }
            SeatContact::Static {
                uri,
                address,
                transport,
            } => match self.flow_to(sip_transport(*transport), *address, seat.network) {
                Some(flow) => self.invite_seat(now, call, flow, uri.clone(), ""),
                None => self.end_offer(now, call, OfferOutcome::Unreachable, 0),
            },
        }
    }

    /// Where the seat's telephone is, as the driver's index of registrations says.
    pub(crate) fn on_contacts(&mut self, now: Now, token: u64, contacts: Vec<Binding>) {
        let Some(id) = self.lookups.remove(&token) else {
            return;
        };
        self.with_call(id, |shard, call| {
            let mut contacts: Vec<Binding> =
                contacts.into_iter().filter(|b| b.expires > now.mono).collect();
            // They come newest first, and stay so among those that the phone likes as much.
            contacts.sort_by_key(|b| std::cmp::Reverse(b.q));
            let current = matches!(&call.state, State::Offered(side) if side.offer.0 == token && side.leg.is_none());
            if !current {
                return shard.on_telephone_found(now, call, token, contacts);
            }
            if let Some(side) = call.seat_side_mut() {
                side.contacts = contacts.into();
            }
            shard.try_contact(now, call, 0);
        });
    }

    /// Rings the telephone where it is to be tried next. Of all the places that one seat has registered
    /// from, one rings at a time: the next only when there is nobody at the one before (RFC 5626 §5.3
    /// has it so of the flows of one instance). `status` says why the one before was given up.
    fn try_contact(&mut self, now: Now, call: &mut Call, status: u16) {
        // That of the place before must not be held against the next.
        self.cancel_call_timers(call, |timer| matches!(timer, Timer::NoSign(..)));
        let next = call
            .seat_side_mut()
            .and_then(|side| side.contacts.pop_front());
        match next {
            Some(to) => self.invite_seat(now, call, to.flow, to.uri, &to.route),
            None => self.end_offer(now, call, OfferOutcome::Unreachable, status),
        }
    }

    /// Nothing was heard of the telephone where it was tried: it is tried elsewhere. Should it answer
    /// there after all, it is hung up (RFC 3261 §9.1).
    pub(crate) fn on_no_sign(&mut self, now: Now, call: &mut Call, offer: OfferId) {
        let State::Offered(side) = &mut call.state else {
            return;
        };
        let mute = side.leg.filter(|leg| {
            self.endpoint.leg_state(*leg) == Some(meishier_signaling::LegState::Calling)
        });
        if let (Some(leg), true) = (mute, side.offer == offer) {
            side.leg = None;
            self.release_leg(now, leg, None);
            self.try_contact(now, call, 408);
        }
    }

    pub(crate) fn seat_invite(
        &self,
        call: &Call,
        flow: Flow,
        uri: String,
        body: Vec<u8>,
        (seat, route): (usize, &str),
    ) -> Invite {
        let domain = &self.config.sip.domain;
        let user = call.from_user.reveal();
        let user = if self.config.offer.keep_caller_user && is_user(user) {
            user
        } else {
            "12356"
        };
        let name = self.config.seats.get(seat).map_or("", |s| s.name.as_str());
        let mut headers = vec![
            (CALL_HEADER.to_owned(), call.id.to_string()),
            self.hops(call),
        ];
        let priority = call.priority.as_deref();
        headers.extend(priority.map(|it| ("Resource-Priority".to_owned(), it.to_owned())));
        if !route.is_empty() {
            // RFC 3327 §5.3.
            headers.push(("Route".to_owned(), route.to_owned()));
        }
        Invite {
            flow,
            uri,
            from: Party {
                display: None,
                uri: format!("sip:{user}@{domain}"),
            },
            to: Party {
                display: None,
                uri: format!("sip:{name}@{domain}"),
            },
            contact_user: "12356".to_owned(),
            sdp: Some(body),
            attached: None,
            headers,
            terms: self.phone_terms(),
        }
    }

    fn invite_seat(&mut self, now: Now, call: &mut Call, flow: Flow, uri: String, route: &str) {
        let Some(side) = call.seat_side() else {
            return;
        };
        let (seat, more) = (side.seat.0 as usize, !side.contacts.is_empty());
        let network = self.config.seats.get(seat).and_then(|seat| seat.network);
        // The port stays when the telephone is tried elsewhere.
        let kept = side.voice.as_ref().map(|voice| voice.port);
        let kept = kept.and_then(|port| Some((port, self.ports.address(port)?)));
        let Some((port, address)) = kept.or_else(|| self.ports.take(network)) else {
            return self.end_offer(now, call, OfferOutcome::Unreachable, 503);
        };
        // The caller's codec first, so that speech passes unchanged wherever the seat can take it.
        let mut codecs = call.codecs.to_vec();
        if let Some((media, _)) = &call.side.voice.agreed {
            codecs.sort_by_key(|codec| *codec != media.codec);
        }
        let srtp = self.config.seats.get(seat).map(|seat| seat.srtp);
        let remote = flow.remote.ip();
        let mut voice = Voice::new(port, Some(remote), srtp.unwrap_or_default());
        let ours = (address, session(call.id, 1, 1));
        let body = self.describe(now, &mut voice, ours, &codecs);
        let invite = self.seat_invite(call, flow, uri, body, (seat, route));
        let leg = match self.endpoint.invite(now.mono, invite) {
            Ok(leg) => leg,
            Err(_) => {
                if kept.is_none() {
                    self.ports.give_back(port);
                }
                // What cannot be written to one place may be to another; there are few.
                return self.try_contact(now, call, 503);
            }
        };
        let ring = self.config.offer.ring;
        let Some(side) = call.seat_side_mut() else {
            return;
        };
        side.leg = Some(leg);
        side.voice = Some(voice);
        let offer = side.offer;
        self.legs.insert(leg, LegOwner::Seat(call.id, offer));
        self.ports.own(port, PortOwner::Seat(call.id));
        let rings = Timer::OfferRing(call.id, offer);
        let first = !call.timers.iter().any(|(_, timer)| *timer == rings);
        if first && !self.broken.is(Defect::SeatRingsForEver) {
            self.set_call_timer(call, now.mono + ring, rings);
        }
        if more {
            self.set_call_timer(call, now.mono + NO_SIGN, Timer::NoSign(call.id, offer));
        }
    }

    pub(crate) fn on_ring_limit(&mut self, now: Now, call: &mut Call, offer: OfferId) {
        if matches!(&call.state, State::Offered(side) if side.offer == offer) {
            self.end_offer(now, call, OfferOutcome::NoAnswer, 0);
        } else {
            self.on_second_ring_limit(now, call, offer);
        }
    }

    pub(crate) fn on_seat_failed(
        &mut self,
        now: Now,
        (id, offer): (CallId, OfferId),
        status: u16,
        cause: String,
    ) {
        self.with_call(id, |shard, call| {
            if matches!(&call.state, State::Offered(side) if side.offer == offer) {
                if let State::Offered(side) = &mut call.state {
                    side.leg = None;
                }
                if let Some(record) = call.offers.last_mut() {
                    record.cause = cause;
                }
                match outcome_of(status) {
                    OfferOutcome::Unreachable => shard.try_contact(now, call, status),
                    // Who is busy or will not is so wherever it rings.
                    outcome => shard.end_offer(now, call, outcome, status),
                }
            }
        });
    }

    /// The seat's home asks for the offer back.
    pub(crate) fn on_withdraw(&mut self, now: Now, id: CallId, offer: OfferId) {
        self.with_call(id, |shard, call| {
            if matches!(&call.state, State::Offered(side) if side.offer == offer) {
                shard.end_offer(now, call, OfferOutcome::Withdrawn, 0);
            }
        });
        self.on_withdraw_second(now, id, offer);
    }

    /// Ends the offer and puts the caller back into the queue.
    pub(crate) fn end_offer(
        &mut self,
        now: Now,
        call: &mut Call,
        outcome: OfferOutcome,
        status: u16,
    ) {
        self.drop_offer(now, call, outcome, status);
        if self.broken.is(Defect::RiskDropped) && call.entry.risk {
            return self.finish(now, call, Outcome::Failed, ReleasedBy::Engine, 480);
        }
        self.requeue(now, call);
    }

    /// Ends the offer: the telephone stops ringing, line and port are free, the home shard knows.
    pub(crate) fn drop_offer(
        &mut self,
        now: Now,
        call: &mut Call,
        outcome: OfferOutcome,
        status: u16,
    ) {
        let State::Offered(side) = std::mem::replace(&mut call.state, State::Queued) else {
            return;
        };
        self.lookups.remove(&side.offer.0);
        let ringing = |t: &Timer| matches!(t, Timer::OfferRing(..) | Timer::NoSign(..));
        self.cancel_call_timers(call, ringing);
        if let Some(leg) = side.leg {
            self.release_leg(now, leg, None);
        }
        if let Some(voice) = &side.voice {
            self.drop_voice(voice, call);
        }
        if let Some(record) = call.offers.last_mut() {
            record.outcome = outcome;
            record.status = status;
            record.rang_ms = (now.mono - side.offered.mono).as_millis() as u64;
        }
        self.notice(Notice::OfferEnded {
            call: call.id,
            seat: side.seat,
            outcome,
        });
        // The home shard first: a seat that goes into a back-off is not there when the line frees.
        let message = ShardMessage::OfferEnded {
            seat: side.seat,
            offer: side.offer,
            outcome,
        };
        self.send(home_of_seat(side.seat, self.shards), message);
        if self.broken.is(Defect::LineLostWithCaller) && outcome == OfferOutcome::CallerGone {
            return;
        }
        let wakes = self.queue.release_line(now.mono, side.line);
        self.wake(now, &wakes);
    }

    /// Back into the queue with the place that arrival gave.
    pub(crate) fn requeue(&mut self, now: Now, call: &mut Call) {
        call.state = State::Queued;
        call.enqueued = now.mono;
        self.begins_to_wait(now, call.id);
        if self.broken.is(Defect::CallerNotPutBack) {
            return;
        }
        if self.broken.is(Defect::CallerPutBackTwice) {
            let _ = self.queue.put_back(now.mono, call.entry.clone());
        }
        match self.queue.put_back(now.mono, call.entry.clone()) {
            Ok(wakes) => self.wake(now, &wakes),
            Err(error) => self.keep_outside(now, call, error),
        }
    }

    /// Hangs up a leg that no call follows any more.
    pub(crate) fn release_leg(&mut self, now: Now, leg: LegId, reason: Option<&str>) {
        if let Some(owner) = self.legs.get_mut(&leg) {
            *owner = LegOwner::Nobody;
            // An error means that the leg has ended by itself.
            let _ = self.endpoint.hangup(now.mono, leg, reason);
        }
    }

    /// Gives a port up: at once if media never heard of it, else when media has closed it.
    pub(crate) fn drop_voice(&mut self, voice: &Voice, call: &mut Call) {
        self.end_silence(call, voice.port);
        if voice.open {
            call.closing.push(voice.port);
            if !self.broken.is(Defect::PortNotClosed) {
                self.media(MediaCommand::Close { port: voice.port });
            }
        } else {
            self.free_port(voice.port);
        }
    }

    pub(crate) fn free_port(&mut self, port: PortId) {
        self.ports.give_back(port);
    }
}
