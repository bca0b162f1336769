//! Between telephones and people: what an agent tells becomes what a mind hears, and what a mind
//! wishes is done by its agent or asked of the engine.

use super::desks::{CallerDesk, SeatCall, TargetDesk, Who};
use super::far::FarId;
use super::{Due, World};
use crate::peer::{AgentEvent, CallKey, NewCall};
use crate::people::{Dial, Fault, Happening, TargetMind, Token, Wish};
use crate::rig::ToEngine;
use crate::traffic::CallPlan;
use meishier_engine::{Command, CommandError, Reply, SeatChange};
use meishier_model::{CallId, CounsellorId, Mono, SeatId};

fn fault(error: &CommandError) -> Fault {
    match error {
        CommandError::SeatTaken(_) => Fault::SeatTaken,
        CommandError::SignedOnElsewhere(_) => Fault::Elsewhere,
        CommandError::NobodySignedOn => Fault::NobodySignedOn,
        CommandError::Busy => Fault::Busy,
        _ => Fault::Other,
    }
}

/// Seconds for which a session of a fourth of the callers lasts without a refresh of the engine's: so
/// short that talks of minutes see several.
const SESSION: u32 = 180;

impl World {
    pub(super) fn new_caller(&mut self, mut plan: CallPlan) {
        self.odd_number(&mut plan);
        self.next_caller += 1;
        let id = self.next_caller;
        let dice = self.dice.branch("caller").branch(&id.to_string());
        self.callers.insert(id, CallerDesk::new(plan, dice));
        self.carry_out(Who::Caller(id));
    }

    /// Tells a mind what happened, and does what it wishes.
    pub(super) fn tell(&mut self, who: Who, what: &Happening) {
        let now = self.true_now();
        match who {
            Who::Caller(id) => {
                if let Some(desk) = self.callers.get_mut(&id) {
                    desk.mind.handle_event(now, what);
                }
            }
            Who::Seat(seat) => self.seats[seat].mind.handle_event(now, what),
            Who::Target(leg) => {
                if let Some(desk) = self.targets.get_mut(&leg) {
                    desk.mind.handle_event(now, what);
                }
            }
        }
        self.carry_out(who);
    }

    pub(super) fn mind_timeout(&mut self, who: Who, at: Mono) {
        let now = self.true_now();
        match who {
            Who::Caller(id) => {
                let Some(desk) = self.callers.get_mut(&id) else {
                    return;
                };
                if desk.timer.take_if(|it| *it == at).is_none() {
                    return;
                }
                desk.mind.handle_timeout(now);
            }
            Who::Seat(seat) => {
                if self.seats[seat].timer.take_if(|it| *it == at).is_none() {
                    return;
                }
                self.seats[seat].mind.handle_timeout(now);
            }
            Who::Target(leg) => {
                let Some(desk) = self.targets.get_mut(&leg) else {
                    return;
                };
                if desk.timer.take_if(|it| *it == at).is_none() {
                    return;
                }
                desk.mind.handle_timeout(now);
            }
        }
        self.carry_out(who);
    }

    /// Does what a mind wishes until it wishes nothing more, then notes when it wants to be woken.
    pub(super) fn carry_out(&mut self, who: Who) {
        loop {
            let wish = match who {
                Who::Caller(id) => self.poll_caller(id),
                Who::Seat(seat) => self.seats[seat].mind.poll_wish(),
                Who::Target(leg) => self.targets.get_mut(&leg).and_then(|d| d.mind.poll_wish()),
            };
            let Some(wish) = wish else { break };
            match who {
                Who::Caller(id) => self.on_caller_wish(id, wish),
                Who::Seat(seat) => self.on_seat_wish(seat, wish),
                Who::Target(leg) => self.on_telephone_wish(leg.0, wish),
            }
        }
        let (next, timer) = match who {
            Who::Caller(id) => match self.callers.get_mut(&id) {
                Some(desk) => (desk.mind.poll_timeout(), &mut desk.timer),
                None => return,
            },
            Who::Seat(seat) => {
                let desk = &mut self.seats[seat];
                (desk.mind.poll_timeout(), &mut desk.timer)
            }
            Who::Target(leg) => match self.targets.get_mut(&leg) {
                Some(desk) => (desk.mind.poll_timeout(), &mut desk.timer),
                None => return,
            },
        };
        let next = next.map(|at| at.max(self.now.mono));
        if next != *timer {
            *timer = next;
            if let Some(at) = next {
                self.agenda.put(at, Due::Mind(who, at));
            }
        }
    }

    fn poll_caller(&mut self, id: u64) -> Option<Wish> {
        let desk = self.callers.get_mut(&id)?;
        while let Some(attempt) = desk.mind.poll_attempt() {
            self.served.attempts += 1;
            self.served.risk_attempts += u64::from(desk.plan.risk);
            self.tally.attempted(&desk.plan, &attempt);
        }
        desk.mind.poll_wish()
    }

    fn on_caller_wish(&mut self, id: u64, wish: Wish) {
        match wish {
            Wish::Dial(dial) => self.dial(id, dial),
            Wish::Cancel { call } => {
                if let Some((far, key)) = self.leg_of(id, call) {
                    self.fars[far.0].agent.cancel(self.now.mono, key);
                    self.dirty.insert(far);
                }
            }
            Wish::Bye { call } => {
                if let Some((far, key)) = self.leg_of(id, call) {
                    self.fars[far.0].agent.bye(self.now.mono, key);
                    self.dirty.insert(far);
                    self.forget_leg(id);
                }
            }
            Wish::Hold { call, on } => {
                if let Some((far, key)) = self.leg_of(id, call) {
                    self.voice_changes(far, key, true);
                    self.fars[far.0].agent.hold(self.now.mono, key, on);
                    self.dirty.insert(far);
                }
            }
            Wish::Done { .. } => {
                self.forget_leg(id);
                self.callers.remove(&id);
            }
            _ => {}
        }
    }

    fn leg_of(&self, id: u64, call: Token) -> Option<super::desks::Leg> {
        let (leg, token) = self.callers.get(&id)?.leg?;
        (token == call).then_some(leg)
    }

    /// The caller's present attempt is over.
    pub(super) fn forget_leg(&mut self, id: u64) {
        if let Some(desk) = self.callers.get_mut(&id)
            && let Some((leg, _)) = desk.leg.take()
        {
            self.legs.remove(&leg);
        }
    }

    fn dial(&mut self, id: u64, mut dial: Dial) {
        self.forget_leg(id);
        self.dials(id, &mut dial);
        let any = self.dice.index(self.carriers);
        let plan = self.callers.get(&id).map(|desk| &desk.plan);
        let trunks = &self.rig.config().trunks;
        let over = plan.and_then(|plan| trunks.iter().position(|it| it.name == plan.trunk));
        let far = FarId(over.unwrap_or(any));
        let cell = plan.map_or_else(String::new, |plan| plan.cell.clone());
        let call = NewCall {
            to_user: dial.called,
            caller: dial.caller,
            asserted: dial.asserted,
            cell,
            late_offer: self.now_and_then(self.plan.late_offer),
            // Carriers that name it and carriers that do not are met with in turn.
            no_100rel: !dial.call.0.is_multiple_of(3),
            session: (dial.call.0 % 4 == 1 || self.now_and_then(self.plan.sessions))
                .then_some(SESSION),
            refreshes: self.plan.sessions > 0.0 && self.dice.chance(0.5),
        };
        let key = self.fars[far.0].agent.invite(self.now.mono, call);
        self.dirty.insert(far);
        if let Some(call_id) = self.fars[far.0].agent.call_id(key) {
            let call_id = call_id.to_owned();
            self.has_voice(call_id, far, key);
        }
        self.note_dialling(id, dial.call, (far, key));
        self.legs.insert((far, key), (id, dial.call));
        if let Some(desk) = self.callers.get_mut(&id) {
            desk.leg = Some(((far, key), dial.call));
            desk.dialled = self.now.mono;
            desk.answered = false;
            desk.heard = false;
        }
    }

    /// True for this share of the occasions; a share of 0 takes no number.
    fn now_and_then(&mut self, share: f64) -> bool {
        share > 0.0 && self.dice.chance(share)
    }

    /// Who makes this call: the records tell of calls, the scenario of people.
    fn note_dialling(&mut self, id: u64, attempt: Token, (far, key): super::desks::Leg) {
        let plan = self.callers.get(&id).map(|desk| &desk.plan);
        let kind = plan.map_or("", |plan| match (plan.nuisance, plan.risk) {
            (true, _) => "nuisance",
            (_, true) => "risk",
            _ => "usual",
        });
        let call_id = self.fars[far.0].agent.call_id(key).unwrap_or("");
        self.judges.log.write(
            self.now.mono,
            format_args!("caller {id} dials {} {kind} {call_id}", attempt.0),
            &[],
        );
    }

    fn on_seat_wish(&mut self, seat: usize, wish: Wish) {
        let asked = wish.asked();
        let id = SeatId(seat as u32);
        let change = match wish {
            Wish::SignOn { counsellor } => SeatChange::SignOn {
                counsellor: CounsellorId(counsellor.index),
                pin: None,
            },
            Wish::SignOff => SeatChange::SignOff,
            Wish::Pause { reason } => SeatChange::Pause { reason },
            Wish::Ready => SeatChange::Ready,
            Wish::PressKey { call, key, city } => {
                let known = self.seats[seat].calls.get(&CallKey(call.0));
                if let (Some(call), Some(asked)) = (known.and_then(|it| it.engine), asked) {
                    let command = Command::press(call, &key, &city);
                    self.command(seat, asked, command);
                }
                return;
            }
            other => return self.on_telephone_wish(self.seats[seat].far, other),
        };
        if let Some(asked) = asked {
            self.command(seat, asked, Command::Seat { seat: id, change });
        }
    }

    fn command(&mut self, seat: usize, asked: crate::people::Asked, command: Command) {
        self.next_token += 1;
        let token = self.next_token;
        self.commands.insert(token, (seat, asked));
        let what = ToEngine::Command { token, command };
        self.agenda.put(self.now.mono, Due::Engine(what));
    }

    pub(super) fn on_reply(&mut self, token: u64, reply: Reply) {
        let Some((seat, asked)) = self.commands.remove(&token) else {
            return;
        };
        let result = match reply {
            Reply::Seat(result) => result.map(drop),
            Reply::Transfer(result) => result.map(drop),
            Reply::Done(result) => result,
            Reply::Why(result) => result.map(drop),
            Reply::Revealed(result) => result.map(drop),
            Reply::Rescheduled | Reply::View(_) => Ok(()),
        };
        let result = result.map_err(|error| fault(&error));
        self.tell(Who::Seat(seat), &Happening::CommandDone { asked, result });
    }

    /// Wishes of whoever was called; the token is the agent's key.
    pub(super) fn on_telephone_wish(&mut self, far: FarId, wish: Wish) {
        let now = self.now.mono;
        if let Wish::Answer { call } = &wish {
            self.crosses((far, CallKey(call.0)));
        }
        if let Wish::Hold { call, .. } = &wish {
            self.voice_changes(far, CallKey(call.0), true);
        }
        let agent = &mut self.fars[far.0].agent;
        match wish {
            Wish::Ring { call, status } => agent.ring(now, CallKey(call.0), status),
            Wish::Answer { call } => agent.answer(now, CallKey(call.0)),
            Wish::Reject { call, status } => {
                let refused = agent.reject(now, CallKey(call.0), status);
                // The telephone is free for the next call.
                self.forget_call(far, CallKey(call.0));
                refused
            }
            Wish::Hold { call, on } => agent.hold(now, CallKey(call.0), on),
            Wish::Bye { call } => {
                let hung_up = agent.bye(now, CallKey(call.0));
                self.forget_call(far, CallKey(call.0));
                hung_up
            }
            _ => false,
        };
        self.dirty.insert(far);
    }

    fn forget_call(&mut self, far: FarId, key: CallKey) {
        if let Some(seat) = self.seat_at(far) {
            self.seats[seat].calls.remove(&key);
        } else {
            self.targets.remove(&(far, key));
        }
    }

    fn seat_at(&self, far: FarId) -> Option<usize> {
        far.0.checked_sub(self.carriers)
    }

    /// An agent tells something.
    pub(super) fn on_agent(&mut self, far: FarId, event: AgentEvent) {
        match &event {
            AgentEvent::Incoming { key, call_id, .. } => {
                self.has_voice(call_id.clone(), far, *key);
            }
            // With any other status nobody knows what the engine made of it.
            AgentEvent::HoldDone { key, status: 200 } => self.voice_changes(far, *key, false),
            _ => {}
        }
        match (self.seat_at(far), event) {
            (_, AgentEvent::Registered { .. } | AgentEvent::RegisterRefused { .. }) => {}
            (Some(seat), event) => self.on_seat_phone(seat, far, event),
            (None, event) => self.on_carrier(far, event),
        }
    }

    fn on_carrier(&mut self, far: FarId, event: AgentEvent) {
        let (key, what): (CallKey, fn(Token) -> Happening) = match event {
            AgentEvent::Incoming {
                key, engine_call, ..
            } => {
                let leg = (far, key);
                let dice = self.dice.branch("target").branch(&key.0.to_string());
                let mind = TargetMind::new(self.scenario.targets, dice);
                self.targets.insert(
                    leg,
                    TargetDesk {
                        mind,
                        engine: engine_call.as_deref().and_then(CallId::parse),
                        timer: None,
                    },
                );
                let call = Token(key.0);
                return self.tell(Who::Target(leg), &Happening::Rings { call });
            }
            AgentEvent::Progress {
                key, early_media, ..
            } => {
                if let Some((id, call)) = self.legs.get(&(far, key)).copied() {
                    let what = Happening::CallProgress { call, early_media };
                    self.tell(Who::Caller(id), &what);
                }
                return;
            }
            AgentEvent::Refused { key, status } => {
                if let Some((id, call)) = self.legs.get(&(far, key)).copied() {
                    self.forget_leg(id);
                    let what = Happening::CallRefused { call, status };
                    self.tell(Who::Caller(id), &what);
                }
                return;
            }
            AgentEvent::Answered { key } => return self.on_caller_answered(far, key),
            AgentEvent::Cancelled { key } => (key, |call| Happening::RingingStopped { call }),
            AgentEvent::Confirmed { key } => {
                let call = Token(key.0);
                let what = Happening::Talks { call, plan: None };
                return self.tell(Who::Target((far, key)), &what);
            }
            AgentEvent::Ended { key } => (key, |call| Happening::CallEnded { call }),
            AgentEvent::Failed { key } => {
                self.on_ignored(far, key);
                (key, |call| Happening::CallFailed { call })
            }
            _ => return,
        };
        if let Some((id, call)) = self.legs.get(&(far, key)).copied() {
            self.forget_leg(id);
            self.tell(Who::Caller(id), &what(call));
        } else if self.targets.contains_key(&(far, key)) {
            self.tell(Who::Target((far, key)), &what(Token(key.0)));
            self.targets.remove(&(far, key));
        }
    }

    /// An attempt had no answer, or its 200 no end. In peace that is the engine's doing.
    fn on_ignored(&mut self, far: FarId, key: CallKey) {
        let leg = self.legs.get(&(far, key));
        let desk = leg.and_then(|(id, _)| self.callers.get(id));
        let in_peace = |began: Mono| self.peace.is_some_and(|peace| began >= peace);
        if desk.is_some_and(|desk| !desk.answered && in_peace(desk.dialled)) {
            let id = self.fars[far.0].agent.call_id(key);
            self.ignored = Some(id.unwrap_or_default().to_owned());
        }
    }

    fn on_caller_answered(&mut self, far: FarId, key: CallKey) {
        let Some((id, call)) = self.legs.get(&(far, key)).copied() else {
            return;
        };
        if let Some(desk) = self.callers.get_mut(&id) {
            desk.answered = true;
        }
        self.tell(Who::Caller(id), &Happening::CallAnswered { call });
        // The counsellor may have been there first.
        let talks = self.seats.iter().any(|desk| {
            let of_caller =
                |engine: CallId| self.calls.get(&engine).is_some_and(|whose| *whose == id);
            let mut calls = desk.calls.values();
            calls.any(|call| call.talks && call.engine.is_some_and(of_caller))
        });
        if talks {
            self.person(id, true);
        }
    }

    /// A caller hears a person, or nothing at all any more.
    pub(super) fn person(&mut self, id: u64, person: bool) {
        let Some(desk) = self.callers.get_mut(&id) else {
            return;
        };
        let Some((_, call)) = desk.leg else { return };
        if !desk.answered || (!person && !desk.heard) {
            return;
        }
        desk.heard |= person;
        self.tell(Who::Caller(id), &Happening::Hears { call, person });
    }

    /// Something is told of a supervisor's call, who is not whoever sits there otherwise.
    fn on_supervisor(&mut self, seat: usize, event: &AgentEvent) -> bool {
        let (AgentEvent::Cancelled { key }
        | AgentEvent::Confirmed { key }
        | AgentEvent::Ended { key }
        | AgentEvent::Failed { key }) = event
        else {
            return false;
        };
        let calls = &mut self.seats[seat].calls;
        let Some(call) = calls.get_mut(key).filter(|call| call.supervises) else {
            return false;
        };
        call.talks = true;
        if !matches!(event, AgentEvent::Confirmed { .. }) {
            calls.remove(key);
        }
        true
    }

    fn on_seat_phone(&mut self, seat: usize, far: FarId, event: AgentEvent) {
        let who = Who::Seat(seat);
        if self.on_supervisor(seat, &event) {
            return;
        }
        match event {
            AgentEvent::Incoming {
                key, engine_call, ..
            } => {
                let busy = !self.seats[seat].calls.is_empty();
                if busy {
                    self.fars[far.0].agent.reject(self.now.mono, key, 486);
                    self.dirty.insert(far);
                    return;
                }
                let engine = engine_call.as_deref().and_then(CallId::parse);
                let leg = (far, key);
                if engine.is_some_and(|call| self.rings_supervisor(seat, leg, call)) {
                    return;
                }
                let call = SeatCall {
                    engine,
                    talks: false,
                    supervises: false,
                };
                self.seats[seat].calls.insert(key, call);
                let call = Token(key.0);
                self.tell(who, &Happening::Rings { call });
            }
            AgentEvent::Cancelled { key } => {
                self.seats[seat].calls.remove(&key);
                let call = Token(key.0);
                self.tell(who, &Happening::RingingStopped { call });
            }
            AgentEvent::Confirmed { key } => {
                let known = self.seats[seat].calls.get_mut(&key);
                let engine = known.and_then(|call| {
                    call.talks = true;
                    call.engine
                });
                let caller = engine.and_then(|call| self.calls.get(&call)).copied();
                let desk = caller.and_then(|id| self.callers.get(&id));
                let plan = desk.map(|desk| desk.plan.talk.clone());
                self.talks(engine, caller);
                let call = Token(key.0);
                self.tell(who, &Happening::Talks { call, plan });
                if let Some(id) = caller {
                    self.person(id, true);
                }
            }
            AgentEvent::Ended { key } => {
                self.seats[seat].calls.remove(&key);
                let call = Token(key.0);
                self.tell(who, &Happening::CallEnded { call });
            }
            AgentEvent::Failed { key } => {
                self.seats[seat].calls.remove(&key);
                let call = Token(key.0);
                self.tell(who, &Happening::CallFailed { call });
            }
            _ => {}
        }
    }

    /// What the last step of the engine told onlookers, as far as people see it.
    pub(super) fn after_engine(&mut self) {
        for (call_id, call) in std::mem::take(&mut self.judges.arrived) {
            let found = self.legs.iter().find(|((far, key), _)| {
                self.fars[far.0].agent.call_id(*key) == Some(call_id.as_str())
            });
            if let Some((_, (id, _))) = found {
                self.calls.insert(call, *id);
            }
        }
        for seat in std::mem::take(&mut self.judges.paused) {
            self.tell(Who::Seat(seat.0 as usize), &Happening::PausedByEngine);
        }
        for (call, helped) in std::mem::take(&mut self.judges.helped) {
            self.plan_help(call, helped);
        }
    }
}
