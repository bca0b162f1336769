//! Answer, conversation, end and record.

use crate::api::{LegParty, Notice, ShardMessage, TalkWeight, home_of_seat};
use crate::call::{Answer, Call, Ending, SeatSide, State};
use crate::defect::Defect;
use crate::ports::PortOwner;
use crate::reason::{causes, says_cut_off};
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use meishier_media::{MediaEvent, Source};
use meishier_model::{
    CallId, CallRecord, DialString, LegId, Now, OfferOutcome, Outcome, PortId, ReleasedBy, RtpStats,
};
use meishier_queue::OfferId;
use meishier_signaling::EndCause;
use std::time::Duration;

/// True if the party itself ended the leg, and not its silence.
pub(crate) fn is_remote(cause: EndCause) -> bool {
    matches!(cause, EndCause::Cancelled | EndCause::Bye)
}

/// How long the record waits for media's counts of packets.
const CLOSE_GUARD: Duration = Duration::from_secs(2);

impl Shard {
    pub(crate) fn on_progress(&mut self, now: Now, leg: LegId, status: u16) {
        if let Some(LegOwner::Target(id, third)) = self.legs.get(&leg).copied() {
            self.with_call(id, |shard, call| {
                shard.on_target_progress(now, call, third, status)
            });
        }
    }

    pub(crate) fn on_answered(&mut self, now: Now, leg: LegId, sdp: Option<&[u8]>) {
        match self.legs.get(&leg).copied() {
            Some(LegOwner::Seat(id, offer)) => {
                self.with_call(id, |shard, call| {
                    shard.on_seat_answered(now, call, leg, offer, sdp)
                });
            }
            Some(LegOwner::Target(id, third)) => {
                self.with_call(id, |shard, call| {
                    shard.on_target_answered(now, call, (third, leg), sdp)
                });
            }
            _ => self.release_leg(now, leg, None),
        }
    }

    /// `cause`: what the refusal says of why.
    pub(crate) fn on_failed(
        &mut self,
        now: Now,
        leg: LegId,
        (status, retry_after): (u16, Option<u32>),
        cause: String,
    ) {
        let owner = self
            .legs
            .get_mut(&leg)
            .map(|o| std::mem::replace(o, LegOwner::Nobody));
        match owner {
            Some(LegOwner::Seat(id, offer)) => {
                self.on_seat_failed(now, (id, offer), status, cause);
            }
            Some(LegOwner::Target(id, third)) => {
                self.with_call(id, |shard, call| {
                    shard.on_target_failed(now, call, (third, leg), (status, retry_after), cause);
                });
            }
            _ => {}
        }
    }

    /// `reason`: the Reason header of the BYE or CANCEL.
    pub(crate) fn on_ended(&mut self, now: Now, leg: LegId, cause: EndCause, reason: Option<&str>) {
        let owner = self
            .legs
            .get_mut(&leg)
            .map(|o| std::mem::replace(o, LegOwner::Nobody));
        let said = reason.map(causes).unwrap_or_default();
        match owner {
            Some(LegOwner::Caller(id)) => self.with_call(id, |shard, call| {
                call.side.gone = true;
                call.cut_off = reason.is_some_and(says_cut_off);
                call.causes.0 = said.into();
                let by = if is_remote(cause) {
                    ReleasedBy::Caller
                } else {
                    ReleasedBy::Engine
                };
                let status = match cause {
                    EndCause::NoPrack => 504,
                    _ if call.side.answered => 0,
                    _ => 487,
                };
                shard.on_caller_gone(now, call, by, status);
            }),
            Some(LegOwner::Seat(id, _)) => self.with_call(id, |shard, call| {
                if let Some(side) = call.seat_side_mut() {
                    side.leg = None;
                }
                call.causes.1 = said.into();
                shard.on_seat_gone(now, call, cause);
            }),
            Some(LegOwner::Target(id, third)) => {
                self.with_call(id, |shard, call| {
                    shard.note_cause(call, third, said);
                    if is_remote(cause) {
                        shard.on_target_gone(now, call, third);
                    } else {
                        shard.on_target_lost(now, call, leg);
                    }
                });
            }
            Some(LegOwner::Service(id)) => self.end_service(now, id),
            Some(LegOwner::Nobody) | None => {}
        }
    }

    fn on_seat_answered(
        &mut self,
        now: Now,
        call: &mut Call,
        leg: LegId,
        offer: OfferId,
        sdp: Option<&[u8]>,
    ) {
        if !matches!(&call.state, State::Offered(side) if side.offer == offer) {
            return self.release_leg(now, leg, None);
        }
        let voice = call.seat_side().and_then(|side| side.voice.as_ref());
        let agreed = voice
            .zip(sdp)
            .and_then(|(voice, sdp)| voice.accept(sdp, &call.codecs).ok());
        let Some(agreed) = agreed else {
            // RFC 3264 §6: an answer that fits none of our offer; the dialog is ended again.
            return self.end_offer(now, call, OfferOutcome::Unreachable, 488);
        };
        let State::Offered(mut side) = std::mem::replace(&mut call.state, State::Queued) else {
            return;
        };
        side.answered = Some(now.mono);
        if let Some(voice) = &mut side.voice {
            voice.settle(now, agreed);
        }
        let waited = now.mono - call.arrived.mono;
        let first = call.answer.is_none();
        if first {
            let (seat, counsellor, line) = (side.seat, side.counsellor, side.line);
            call.answer = Some(Answer {
                at: now,
                seat,
                counsellor,
                line,
            });
        }
        if let Some(record) = call.offers.last_mut() {
            record.outcome = OfferOutcome::Answered;
            record.status = 200;
            record.rang_ms = (now.mono - side.offered.mono).as_millis() as u64;
        }
        // Rings go on opening and preferences go on falling: who is put back has waited for them.
        self.cancel_call_timers(call, |t| {
            matches!(
                t,
                Timer::Announce(_) | Timer::OfferRing(..) | Timer::NoSign(..)
            )
        });
        let (seat, pool) = (side.seat, side.line.pool);
        call.state = State::Talking(side);
        self.answer_caller(now, call);
        self.connect(call);
        self.send(
            home_of_seat(seat, self.shards),
            ShardMessage::OfferAnswered { seat, offer },
        );
        self.notice(Notice::OfferEnded {
            call: call.id,
            seat,
            outcome: OfferOutcome::Answered,
        });
        if first {
            self.notice(Notice::Answered {
                call: call.id,
                pool,
                waited,
            });
        }
    }

    /// Lets caller and counsellor hear each other, and nothing else.
    pub(crate) fn connect(&mut self, call: &mut Call) {
        let mut caller = call.side.voice.clone();
        let Some(side) = call.seat_side_mut() else {
            return;
        };
        let Some(mut seat) = side.voice.clone() else {
            return;
        };
        self.open_voice(&mut caller);
        self.open_voice(&mut seat);
        if !self.broken.is(Defect::MusicGoesOn) {
            self.hear(&caller, Source::Peer(seat.port));
        }
        if self.broken.is(Defect::CallersCrossed)
            && let Some(other) = self.calls.values().find(|call| call.side.voice.open)
        {
            let other = other.side.voice.port;
            self.hear(&caller, Source::Peer(other));
        }
        // A caller who made no offer is not there for media before its answer; then this is done again.
        if caller.open && !self.broken.is(Defect::CallerUnheard) {
            self.hear(&seat, Source::Peer(caller.port));
        }
        side.voice = Some(seat);
        call.side.voice = caller;
    }

    pub(crate) fn on_caller_gone(
        &mut self,
        now: Now,
        call: &mut Call,
        by: ReleasedBy,
        status: u16,
    ) {
        match call.state {
            State::Queued => {
                // False: a match is under way; its arrival finds nobody and is returned.
                let _ = self.queue.abandon(now.mono, call.id);
                let outcome = self.outcome(call, by);
                self.finish(now, call, outcome, by, status);
            }
            State::Offered(_) => {
                self.drop_offer(now, call, OfferOutcome::CallerGone, 0);
                let outcome = self.outcome(call, by);
                self.finish(now, call, outcome, by, status);
            }
            State::Talking(_) => {
                self.release_seat(now, call, true);
                self.finish(now, call, Outcome::Answered, by, 0);
            }
            State::Transferring(_) => self.on_caller_gone_in_transfer(now, call, by),
            State::Parting(_) => self.finish(now, call, Outcome::Answered, by, 0),
            State::WrappingUp => {}
        }
    }

    fn outcome(&self, call: &Call, by: ReleasedBy) -> Outcome {
        match (call.answer.is_some(), by) {
            (true, _) => Outcome::Answered,
            (false, ReleasedBy::Caller) => Outcome::Abandoned,
            (false, _) => Outcome::Failed,
        }
    }

    pub(crate) fn on_seat_gone(&mut self, now: Now, call: &mut Call, cause: EndCause) {
        match call.state {
            State::Talking(_) if is_remote(cause) => {
                self.release_seat(now, call, true);
                self.finish(now, call, Outcome::Answered, ReleasedBy::Seat, 0);
            }
            State::Talking(_) => {
                // The telephone vanished in mid-sentence: the caller is not to pay for it.
                self.release_seat(now, call, true);
                self.back_in_line(now, call);
            }
            State::Transferring(_) => self.on_counsellor_gone_in_transfer(now, call, cause),
            State::Offered(_) => self.end_offer(now, call, OfferOutcome::Unreachable, 0),
            State::Queued | State::Parting(_) | State::WrappingUp => {}
        }
    }

    /// Takes the seat's side out of the call: hangs up, frees the line, tells the home shard.
    /// Afterwards the call is `Queued` in name only; the caller of this function decides.
    pub(crate) fn release_seat(&mut self, now: Now, call: &mut Call, take_state: bool) {
        let side = match &mut call.state {
            State::Transferring(side) => side.take(),
            State::Talking(_) if take_state => {
                match std::mem::replace(&mut call.state, State::Queued) {
                    State::Talking(side) => Some(side),
                    other => {
                        call.state = other;
                        None
                    }
                }
            }
            _ => None,
        };
        if let Some(side) = side {
            self.let_seat_go(now, call, *side);
        }
    }

    fn let_seat_go(&mut self, now: Now, call: &mut Call, side: SeatSide) {
        if let Some(leg) = side.leg {
            self.release_leg(now, leg, None);
        }
        if let Some(voice) = &side.voice {
            self.drop_voice(voice, call);
        }
        let talked_ms = side
            .answered
            .map_or(0, |at| (now.mono - at).as_millis() as u64);
        let times = 1 + u64::from(self.broken.is(Defect::TalkCountsTwice));
        call.talked_ms = call.talked_ms.saturating_add(talked_ms * times);
        let wakes = self.queue.release_line(now.mono, side.line);
        self.wake(now, &wakes);
        let message = ShardMessage::SeatReleased {
            seat: side.seat,
            offer: side.offer,
            talked_ms,
            weight: TalkWeight {
                risk: call.entry.risk,
                emergency: call.emergency,
            },
        };
        self.send(home_of_seat(side.seat, self.shards), message);
    }

    /// The caller's side ends: the record follows when media has counted.
    pub(crate) fn finish(
        &mut self,
        now: Now,
        call: &mut Call,
        outcome: Outcome,
        by: ReleasedBy,
        status: u16,
    ) {
        self.note_end(now, call, by);
        self.close_dossiers(now, call);
        call.state = State::WrappingUp;
        call.ending = Some(Ending {
            at: now,
            outcome,
            by,
            status,
        });
        self.cancel_call_timers(call, |_| true);
        if self.broken.is(Defect::TimerOutlivesCall) {
            let day = Duration::from_secs(86_400);
            self.timers.set(now.mono + day, Timer::Announce(call.id));
        }
        if !call.side.gone {
            call.side.gone = true;
            if !self.broken.is(Defect::CallerNotReleased) {
                self.release_leg(now, call.side.leg, None);
            }
        }
        self.close_caller(call);
        if !call.closing.is_empty() {
            if self.broken.is(Defect::WrapupNeverEnds) {
                return;
            }
            self.set_call_timer(call, now.mono + CLOSE_GUARD, Timer::CloseGuard(call.id));
        }
    }

    /// Gives the caller's port up, once.
    pub(crate) fn close_caller(&mut self, call: &mut Call) {
        if !std::mem::replace(&mut call.side.closed, true) {
            let voice = call.side.voice.clone();
            self.drop_voice(&voice, call);
        }
    }

    pub(crate) fn hang_up_all(&mut self, now: Now) {
        let all: Vec<CallId> = self.calls.keys().copied().collect();
        for id in all {
            self.with_call(id, |shard, call| {
                if call.ending.is_some() {
                    return;
                }
                shard.drop_thirds(now, call);
                if let State::Offered(_) = call.state {
                    shard.drop_offer(now, call, OfferOutcome::Withdrawn, 0);
                }
                shard.release_seat(now, call, true);
                if let State::Queued = call.state {
                    let _ = shard.queue.abandon(now.mono, call.id);
                }
                let outcome = shard.outcome(call, ReleasedBy::Engine);
                let status = if call.side.answered { 0 } else { 480 };
                shard.finish(now, call, outcome, ReleasedBy::Engine, status);
            });
        }
        let services: Vec<u64> = self.services.keys().copied().collect();
        for id in services {
            self.end_service(now, id);
        }
    }

    pub(crate) fn on_media(&mut self, now: Now, event: MediaEvent) {
        match event {
            MediaEvent::Closed { port, stats } => self.on_port_closed(port, stats),
            MediaEvent::PlaylistDone { port, token } => {
                self.on_tape_told(port, token);
                self.on_played(now, port, token);
            }
            MediaEvent::Silent { port } => self.on_silent(now, port),
            MediaEvent::Heard { port } => self.on_heard(now, port),
            MediaEvent::Digit { port, digit } => self.on_digit(now, port, digit),
        }
    }

    /// A playlist, or what was said over a conversation, is over.
    fn on_played(&mut self, now: Now, port: PortId, token: u64) {
        match self.ports.owner(port) {
            Some(PortOwner::Service(id)) => self.on_service_prompt_done(now, id, token),
            Some(PortOwner::Target(id, third)) => self.on_told(now, id, third),
            Some(PortOwner::Caller(id)) if self.parts(id) => self.with_call(id, |shard, call| {
                shard.end_parting(now, call, Some(token));
            }),
            _ => self.on_said(port),
        }
    }

    fn on_port_closed(&mut self, port: PortId, stats: RtpStats) {
        let Some(owner) = self.ports.owner(port) else {
            // Nobody's: it is free already, and must not be given to two calls at once.
            return;
        };
        self.free_port(port);
        let (id, slot) = match owner {
            PortOwner::Caller(id) => (id, 0),
            PortOwner::Seat(id) => (id, 1),
            PortOwner::Target(id, _) => (id, 2),
            PortOwner::Service(_) => return,
        };
        self.with_call(id, |shard, call| {
            let party = match slot {
                0 => {
                    call.rtp_caller = stats;
                    LegParty::Caller
                }
                1 => {
                    call.rtp_seat = stats;
                    LegParty::Seat
                }
                _ => LegParty::Target,
            };
            shard.notice(Notice::LegOver {
                call: call.id,
                party,
                stats,
            });
            call.heard.retain(|p| *p != port);
            if !shard.broken.is(Defect::WrapupNeverEnds) {
                call.closing.retain(|p| *p != port);
            }
            if call.closing.is_empty() {
                shard.cancel_call_timers(call, |t| matches!(t, Timer::CloseGuard(_)));
            }
        });
    }

    pub(crate) fn give_up_closing(&mut self, call: &mut Call) {
        self.notice(Notice::Unexpected(
            "media did not confirm the closing of a port",
        ));
        call.closing.clear();
    }

    pub(crate) fn write_record(&mut self, mut call: Call) {
        let Some(ending) = call.ending else { return };
        self.keep_alarms(&mut call);
        let call_back = self.call_back_record(&call);
        let config = &self.config;
        let name_of_pool = |index: usize| config.pools.get(index).map(|p| p.name.clone());
        let answer = call.answer.as_ref();
        let waited_until = answer.map_or(ending.at.mono, |a| a.at.mono);
        let record = CallRecord {
            call: call.id,
            trunk: config
                .trunk(call.trunk)
                .map(|t| t.name.clone())
                .unwrap_or_default(),
            caller: if call.withheld {
                DialString::default()
            } else {
                call.caller
            },
            called: call.called,
            sip_call_id: call.sip_call_id.into(),
            arrived: call.arrived.wall,
            answered: answer.map(|a| a.at.wall),
            ended: ending.at.wall,
            waited_ms: (waited_until - call.arrived.mono).as_millis() as u64,
            talked_ms: call.talked_ms,
            outcome: ending.outcome,
            released_by: ending.by,
            status: ending.status,
            cause: call.causes.0.into(),
            seat_cause: call.causes.1.into(),
            pool: answer.and_then(|a| name_of_pool(usize::from(a.line.pool.0))),
            line: answer.map(|a| a.line.number),
            seat: answer
                .and_then(|a| config.seats.get(a.seat.0 as usize))
                .map(|s| s.name.clone()),
            counsellor: answer
                .and_then(|a| config.counsellors.get(a.counsellor.0 as usize))
                .map(|c| c.account.clone()),
            route: call
                .route
                .iter()
                .map(|(pool, after)| {
                    (
                        name_of_pool(usize::from(pool.0)).unwrap_or_default(),
                        *after,
                    )
                })
                .collect(),
            route_reason: call.route_reason.to_string(),
            table: call.table.to_string(),
            rules: call.rules,
            risk: call.entry.risk,
            nuisance: call.nuisance,
            offers: call.offers,
            transfers: call.transfers,
            rtp_caller: call.rtp_caller,
            rtp_seat: call.rtp_seat,
            recording: call.taping.into_record(),
            call_back,
        };
        let lasted = ending.at.mono - call.arrived.mono;
        self.notice(Notice::Phase {
            call: call.id,
            from: Some(crate::api::Phase::WrappingUp),
            to: None,
        });
        self.notice(Notice::Ended {
            call: call.id,
            outcome: ending.outcome,
            lasted,
        });
        if self.broken.is(Defect::RecordForgotten) {
            return;
        }
        if self.broken.is(Defect::RecordTwice) {
            let copy = Box::new(record.clone());
            self.outputs.push_back(crate::api::Output::Record(copy));
        }
        self.outputs
            .push_back(crate::api::Output::Record(Box::new(record)));
    }
}
