//! The seats at home on this shard: commands, sign-on, queue, registrations.

use crate::api::{
    Command, CommandError, Notice, Output, Refusal, Reply, SeatChange, SeatStatus, ShardMessage,
    home_of_counsellor, home_of_seat,
};
use crate::defect::Defect;
use crate::seat::{Asker, PendingSignOn, SeatEffect, SeatMachine, SeatPolicy, SignedOn};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_config::{Counsellor, SeatContact, StartState};
use meishier_model::{CounsellorId, Now, OfferOutcome, SeatId, SkillId};
use meishier_queue::{Lowest, Match, OfferId, ReadySeat};
use meishier_signaling::{ALLOW, Binding, BindingChange, Flow, Message, RequestId, Transport};
use std::sync::Arc;
use std::time::Duration;

/// Longest reason of a pause that is kept, characters.
const REASON_LIMIT: usize = 100;

/// True unless the counsellor's qualification has run out.
pub(crate) fn may_work(counsellor: &Counsellor, now: Now) -> bool {
    let qualification = counsellor.qualification.as_ref();
    qualification.is_none_or(|q| now.wall < q.expires)
}

impl Shard {
    fn policy(&self) -> SeatPolicy {
        let offer = &self.config.offer;
        let counts = !self.broken.is(Defect::SeatNeverPaused);
        let rests = !self.broken.is(Defect::SeatDoesNotRest);
        SeatPolicy {
            backoff: if rests { offer.backoff } else { Duration::ZERO },
            wrapup: offer.wrapup,
            pause_after: if counts { offer.pause_after } else { 0 },
            care: self.config.care,
        }
    }

    pub(crate) fn start_seats(&mut self, now: Now) {
        let config = Arc::clone(&self.config);
        for (id, seat) in (0u32..).map(SeatId).zip(&config.seats) {
            if home_of_seat(id, self.shards) == self.id {
                let reachable = matches!(seat.contact, SeatContact::Static { .. });
                let machine = SeatMachine::new(id, reachable, now.mono);
                self.seats.insert(id, Box::new(machine));
            }
        }
        for (id, counsellor) in (0u32..).map(CounsellorId).zip(&config.counsellors) {
            // Who may not sign on is not signed on by the configuration either.
            let Some(start) = counsellor.start.filter(|_| may_work(counsellor, now)) else {
                continue;
            };
            if home_of_counsellor(id, self.shards) == self.id {
                self.claims.insert(id, start.seat);
            }
            let ready = start.state == StartState::Ready;
            self.change_seat(now, start.seat, |machine| {
                Ok(machine.handle_signed_on(now.mono, id, ready))
            });
        }
    }

    /// Changes a seat of this shard and does what follows from it.
    pub(crate) fn change_seat(
        &mut self,
        now: Now,
        seat: SeatId,
        change: impl FnOnce(&mut SeatMachine) -> Result<SeatEffect, CommandError>,
    ) -> Option<CommandError> {
        let Some(mut machine) = self.seats.remove(&seat) else {
            return Some(CommandError::UnknownSeat);
        };
        let deadline = machine.deadline();
        let result = change(&mut machine);
        if let Ok(effect) = &result {
            self.apply(now, &mut machine, *effect);
        }
        if machine.deadline() != deadline {
            if let Some(at) = deadline {
                self.timers.cancel(at, Timer::Seat(seat));
            }
            if let Some(at) = machine.deadline() {
                self.timers.set(at, Timer::Seat(seat));
            }
        }
        if let Some((from, to)) = machine.take_change(now.mono) {
            let by_engine = machine.paused_by_engine();
            self.notice(Notice::Seat {
                seat,
                from,
                to,
                by_engine,
            });
        }
        self.tell_staffing(now.mono, &machine);
        self.seats.insert(seat, machine);
        result.err()
    }

    fn apply(&mut self, now: Now, machine: &mut SeatMachine, effect: SeatEffect) {
        match effect {
            SeatEffect::None => {}
            SeatEffect::Enter => {
                let Some(ready) = self.ready_seat(machine) else {
                    return;
                };
                machine.in_queue = true;
                match self.queue.seat_ready(now.mono, ready) {
                    Ok(wakes) => self.wake(now, &wakes),
                    Err(error) => self.seat_refused(now, machine, error),
                }
            }
            SeatEffect::Leave => {
                machine.in_queue = false;
                // False: matched already; the match is in the inbox and is taken back when read.
                if !self.queue.seat_withdrawn(machine.seat) {
                    self.inbox_dirty = true;
                }
            }
            SeatEffect::TakeBack { call, offer } => {
                self.send(call.shard(), ShardMessage::WithdrawOffer { call, offer });
            }
        }
    }

    /// What the counsellor can do now: whoever has had as many callers at risk as a shift may bring
    /// no longer has the skill that these prefer, and gets them only when nobody else comes free.
    fn skills_of<'c>(
        &self,
        counsellor: &'c Counsellor,
        person: &SignedOn,
    ) -> impl Iterator<Item = (SkillId, u8)> + use<'c> {
        let care = &self.config.care;
        let tired = care.risk_calls != 0 && person.risk_calls >= care.risk_calls;
        let fresh = care.fresh.filter(|_| tired);
        let skills = counsellor.skills.iter().copied();
        skills.filter(move |(skill, _)| Some(*skill) != fresh)
    }

    pub(crate) fn ready_seat(&self, machine: &SeatMachine) -> Option<ReadySeat> {
        let person = machine.person.as_ref()?;
        let counsellor = self.config.counsellors.get(person.counsellor.0 as usize)?;
        let seat = self.config.seats.get(machine.seat.0 as usize)?;
        Some(ReadySeat {
            seat: machine.seat,
            shard: self.id,
            counsellor: person.counsellor,
            pools: seat.pools.iter().copied().collect(),
            skills: self.skills_of(counsellor, person).collect(),
            lowest: Lowest::Everyone,
            idle_since: machine.idle_since,
            talked_ms: person.talked_ms,
        })
    }

    pub(crate) fn on_match_for_seat(&mut self, now: Now, found: Match) {
        self.change_seat(now, found.seat, |machine| {
            Ok(machine.handle_match(found.call, found.offer))
        });
    }

    pub(crate) fn on_seat_timer(&mut self, now: Now, seat: SeatId) {
        let stays = self.broken.is(Defect::SeatRestsForEver);
        self.change_seat(now, seat, |machine| {
            let effect = machine.handle_timeout(now.mono);
            Ok(if stays { SeatEffect::None } else { effect })
        });
    }

    pub(crate) fn on_shard_message(&mut self, now: Now, message: ShardMessage) {
        match message {
            ShardMessage::OfferEnded {
                seat,
                offer,
                outcome,
            } => self.on_offer_ended(now, seat, offer, outcome),
            ShardMessage::OfferAnswered { seat, offer } => {
                self.change_seat(now, seat, |machine| {
                    machine.handle_answered(offer);
                    Ok(SeatEffect::None)
                });
            }
            ShardMessage::OfferOf { seat, offer, call } => {
                self.change_seat(now, seat, |machine| {
                    machine.handle_offer_of(offer, call);
                    Ok(SeatEffect::None)
                });
            }
            ShardMessage::SeatReleased {
                seat,
                offer,
                talked_ms,
                weight,
            } => {
                let policy = self.policy();
                self.change_seat(now, seat, |machine| {
                    let ended =
                        machine.handle_released(now.mono, offer, (talked_ms, weight), policy);
                    Ok(ended.unwrap_or(SeatEffect::None))
                });
                self.leave_if_not_permitted(now, seat);
            }
            ShardMessage::WithdrawOffer { call, offer } => self.on_withdraw(now, call, offer),
            ShardMessage::Noted(note) => self.on_noted(&note),
            ShardMessage::Staffing { seat, now } => self.on_staffing(seat, now),
            ShardMessage::TrunkRegistered { trunk, route, peer } => {
                self.on_trunk_registered(trunk, route, peer);
            }
            ShardMessage::PeerHealth {
                trunk,
                address,
                transport,
                up,
            } => self.on_peer_health(trunk, (address, transport), up),
            ShardMessage::PeerRests {
                trunk,
                address,
                transport,
                lasts,
                said,
            } => self.on_peer_rests(now, trunk, (address, transport), (lasts, said)),
            ShardMessage::LinesChanged => self.on_lines_changed(),
            ShardMessage::SeatCommand {
                from,
                token,
                seat,
                change,
            } => {
                self.seat_command(now, seat, change, Asker::Shard { from, token });
            }
            ShardMessage::Key(letter) => self.on_key_letter(now, letter),
            ShardMessage::SeatCommandDone { token, result } => {
                self.on_star_done(now, token, result.is_ok())
            }
            ShardMessage::Claim {
                counsellor,
                seat,
                from,
            } => {
                let elsewhere = self
                    .claims
                    .get(&counsellor)
                    .copied()
                    .filter(|held| *held != seat);
                if elsewhere.is_none() {
                    self.claims.insert(counsellor, seat);
                }
                self.send(
                    from,
                    ShardMessage::Claimed {
                        counsellor,
                        seat,
                        elsewhere,
                    },
                );
            }
            ShardMessage::Claimed {
                counsellor,
                seat,
                elsewhere,
            } => {
                self.on_claimed(now, counsellor, seat, elsewhere);
            }
            ShardMessage::Unclaim { counsellor, seat } => {
                if self.claims.get(&counsellor) == Some(&seat) {
                    self.claims.remove(&counsellor);
                }
            }
        }
    }

    fn on_offer_ended(&mut self, now: Now, seat: SeatId, offer: OfferId, outcome: OfferOutcome) {
        let policy = self.policy();
        self.change_seat(now, seat, |machine| {
            Ok(machine
                .handle_offer_ended(now.mono, offer, outcome, policy)
                .unwrap_or(SeatEffect::None))
        });
    }

    pub(crate) fn on_seat_command(
        &mut self,
        now: Now,
        seat: SeatId,
        change: SeatChange,
        token: u64,
    ) {
        self.seat_command(now, seat, change, Asker::Command { token });
    }

    fn seat_command(&mut self, now: Now, seat: SeatId, change: SeatChange, asker: Asker) {
        let result = match change {
            SeatChange::SignOn { counsellor, pin } => {
                match self.begin_sign_on(now, seat, counsellor, pin.as_deref(), asker) {
                    Ok(true) => return,
                    Ok(false) => None,
                    Err(error) => Some(error),
                }
            }
            SeatChange::Ready => {
                self.change_seat(now, seat, |machine| machine.handle_ready(now.mono))
            }
            SeatChange::Pause { reason } => {
                let reason: String = reason.chars().take(REASON_LIMIT).collect();
                self.change_seat(now, seat, |machine| machine.handle_pause(&reason, false))
            }
            SeatChange::SignOff => self.sign_off(now, seat),
        };
        self.answer_asker(now, seat, asker, result);
    }

    pub(crate) fn sign_off(&mut self, now: Now, seat: SeatId) -> Option<CommandError> {
        let who = self
            .seats
            .get(&seat)
            .and_then(|m| m.person.as_ref())
            .map(|p| p.counsellor);
        let error = self.change_seat(now, seat, SeatMachine::handle_signed_off);
        if let (None, Some(counsellor)) = (&error, who) {
            let home = home_of_counsellor(counsellor, self.shards);
            self.send(home, ShardMessage::Unclaim { counsellor, seat });
        }
        error
    }

    /// True if the answer comes later, when the counsellor's home has said yes or no.
    fn begin_sign_on(
        &mut self,
        now: Now,
        seat: SeatId,
        id: CounsellorId,
        pin: Option<&str>,
        asker: Asker,
    ) -> Result<bool, CommandError> {
        let config = Arc::clone(&self.config);
        let counsellor = config
            .counsellors
            .get(id.0 as usize)
            .ok_or(CommandError::NotAdmitted)?;
        if pin.is_some_and(|pin| pin != counsellor.pin) {
            return Err(CommandError::NotAdmitted);
        }
        if !counsellor.seats.contains(&seat) {
            return Err(CommandError::SeatNotPermitted);
        }
        if !may_work(counsellor, now) {
            return Err(CommandError::QualificationExpired);
        }
        let machine = self.seats.get_mut(&seat).ok_or(CommandError::UnknownSeat)?;
        if machine.pending.is_some() {
            return Err(CommandError::Busy);
        }
        match machine.person.as_ref().map(|p| p.counsellor) {
            Some(other) if other == id => {
                return match self.change_seat(now, seat, |machine| machine.handle_ready(now.mono)) {
                    None => Ok(false),
                    Some(error) => Err(error),
                };
            }
            Some(other) => {
                let account = config
                    .counsellors
                    .get(other.0 as usize)
                    .map(|c| c.account.clone());
                return Err(CommandError::SeatTaken(account.unwrap_or_default()));
            }
            None => {}
        }
        machine.pending = Some(PendingSignOn {
            counsellor: id,
            ready: true,
            asker,
        });
        let claim = ShardMessage::Claim {
            counsellor: id,
            seat,
            from: self.id,
        };
        self.send(home_of_counsellor(id, self.shards), claim);
        Ok(true)
    }

    fn on_claimed(
        &mut self,
        now: Now,
        counsellor: CounsellorId,
        seat: SeatId,
        elsewhere: Option<SeatId>,
    ) {
        let Some(machine) = self.seats.get_mut(&seat) else {
            return;
        };
        let Some(pending) = machine.pending.take_if(|p| p.counsellor == counsellor) else {
            return;
        };
        let permitted = self.permitted(now, seat, counsellor);
        let error = match elsewhere {
            None if !permitted => {
                // The configuration has changed since the counsellor asked.
                let home = home_of_counsellor(counsellor, self.shards);
                self.send(home, ShardMessage::Unclaim { counsellor, seat });
                Some(CommandError::SeatNotPermitted)
            }
            Some(other) => {
                let name = self
                    .config
                    .seats
                    .get(other.0 as usize)
                    .map(|s| s.name.clone());
                Some(CommandError::SignedOnElsewhere(name.unwrap_or_default()))
            }
            None => self.change_seat(now, seat, |machine| {
                Ok(machine.handle_signed_on(now.mono, counsellor, pending.ready))
            }),
        };
        self.answer_asker(now, seat, pending.asker, error);
    }

    fn answer_asker(&mut self, now: Now, seat: SeatId, asker: Asker, error: Option<CommandError>) {
        let result = match error {
            Some(error) => Err(error),
            None => self.seat_status(now, seat).ok_or(CommandError::UnknownSeat),
        };
        match asker {
            Asker::Command { .. } if self.broken.is(Defect::NeverAnswered) => {}
            Asker::Command { token } => {
                if self.broken.is(Defect::AnsweredTwice) {
                    self.reply(token, Reply::Seat(result.clone()));
                }
                self.reply(token, Reply::Seat(result));
            }
            Asker::Shard { from, token } => {
                self.send(from, ShardMessage::SeatCommandDone { token, result })
            }
        }
    }

    pub(crate) fn seat_status(&self, now: Now, seat: SeatId) -> Option<SeatStatus> {
        let machine = self.seats.get(&seat)?;
        let person = machine.person.as_ref();
        Some(SeatStatus {
            seat,
            name: self.config.seats.get(seat.0 as usize)?.name.clone(),
            state: machine.state(),
            reason: machine.reason().map(str::to_owned),
            counsellor: person
                .and_then(|p| self.config.counsellors.get(p.counsellor.0 as usize))
                .map(|c| c.account.clone()),
            call: machine.call(),
            since_ms: (now.mono - machine.since).as_millis() as u64,
        })
    }

    /// A request outside any call: REGISTER and OPTIONS are answered, others refused.
    pub(crate) fn on_request(&mut self, now: Now, id: RequestId, flow: Flow, request: &Message) {
        match request.method_str() {
            "REGISTER" => self.on_register(now, id, flow, request),
            "OPTIONS" => self.on_options(now, id, flow),
            _ => {
                let _ = self
                    .endpoint
                    .respond_once(now.mono, id, 405, &[("Allow", ALLOW)]);
            }
        }
    }

    fn on_register(&mut self, now: Now, id: RequestId, flow: Flow, request: &Message) {
        let (config, names) = (&self.config, &self.seat_names);
        let password = |user: &str| Self::password(config, names, user);
        let reply = self
            .registrar
            .handle_register(now.mono, flow, request, &password);
        let headers: Vec<(&str, &str)> = reply
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        // An error means that the transaction has timed out meanwhile; the phone asks again.
        let _ = match reply.status {
            300.. => (self.endpoint).respond_once(now.mono, id, reply.status, &headers),
            status => self.endpoint.respond(now.mono, id, status, &headers, None),
        };
        match reply.status {
            403 if reply.guessed => self.refuse(Refusal::WrongPassword),
            503 => self.refuse(Refusal::SlowedDown),
            _ => {}
        }
        if let Some(change) = reply.change {
            self.on_binding_change(now, change);
        }
    }

    /// Keeps the ways to telephones behind NAT open: OPTIONS (RFC 3261 §11) to each, whatever it
    /// answers. Telephones that know better do it themselves (RFC 5626 §4.4).
    pub(crate) fn on_keep_open(&mut self, now: Now) {
        self.keep_open = None;
        let ways = self.registrar.behind_nat();
        let ways: Vec<(Flow, String)> = ways.map(|it| (it.flow, it.uri.clone())).collect();
        for (flow, uri) in &ways {
            // At a limit the way may close until the telephone speaks again.
            let _ = self.endpoint.options(now.mono, *flow, uri);
        }
        self.set_keep_open(now, !ways.is_empty());
    }

    fn set_keep_open(&mut self, now: Now, needed: bool) {
        let every = self.config.sip.nat_keep_alive;
        if needed && self.keep_open.is_none() && !every.is_zero() {
            let at = now.mono + every;
            self.keep_open = Some(at);
            self.timers.set(at, Timer::KeepOpen);
        }
    }

    pub(crate) fn on_binding_change(&mut self, now: Now, change: BindingChange) {
        let reachable = !change.contacts.is_empty();
        let hidden = |it: &Binding| it.flow.transport == Transport::Udp && it.behind_nat();
        self.set_keep_open(now, change.contacts.iter().any(hidden));
        // A seat with an address of its own may have registered before it was given one.
        let seat = self.seat_names.get(&change.user).copied();
        let seat = seat.filter(|seat| self.registers(*seat));
        // The index first, so that an offer that follows finds the telephone.
        self.outputs.push_back(Output::Registered(change));
        if let Some(seat) = seat {
            self.change_seat(now, seat, |machine| {
                Ok(machine.handle_reachable(now.mono, reachable))
            });
        }
    }

    /// The seats' part of a command that concerns this shard, for tests of the interface.
    #[must_use]
    pub fn is_home_of(&self, command: &Command) -> bool {
        command
            .shard(self.shards)
            .is_none_or(|shard| shard == self.id)
    }
}
