//! What people do in conversations with third parties: press another key, both at once, take a key
//! back, join, take over, leave, hold, and hang up in the middle of it.

use super::desks::{Leg, Who};
use super::{Due, World};
use crate::people::{Happening, Token, Wish};
use crate::rig::ToEngine;
use crate::reference::place::VAGUE;
use meishier_engine::transfer::{Role, ThirdId};
use meishier_engine::{
    Command, Manner, Mode, Notice, Press, ThirdWish, TransferStep, Who as Party,
};
use meishier_model::{CallId, SeatId};
use std::time::Duration;

/// What was told of a third party, as far as it makes somebody do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Helped {
    /// The first target of a key is dialled.
    Dialled,
    /// Counsellor and target talk first.
    Apart,
    /// The target is in the conversation.
    Joined,
    /// It is asked which place is meant.
    Asking(ThirdId),
    /// A supervisor's seat is called.
    Supervised(ThirdId),
    /// The caller is gone, and others are still there.
    CallerGone,
}

impl Helped {
    pub(super) fn of(notice: &Notice) -> Option<(CallId, Self)> {
        match notice {
            Notice::TransferStep {
                call,
                third,
                role,
                step,
            } => {
                let helped = match step {
                    _ if *role == Role::Supervisor => return None,
                    TransferStep::Asking => Self::Asking(*third),
                    TransferStep::Dialling(0) => Self::Dialled,
                    TransferStep::Apart => Self::Apart,
                    TransferStep::Joined => Self::Joined,
                    _ => return None,
                };
                Some((*call, helped))
            }
            Notice::TakesPart {
                call,
                who: Party::Third(third),
                role: Role::Supervisor,
                ..
            } => Some((*call, Self::Supervised(*third))),
            Notice::CallBackDue { call } => Some((*call, Self::CallerGone)),
            _ => None,
        }
    }
}

/// Something that somebody does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Asks the engine.
    Ask(Command),
    /// The counsellor hangs up.
    SeatHangsUp(CallId),
    /// The caller hangs up.
    CallerHangsUp(CallId),
    /// A target presses 1.
    TargetPresses(CallId),
    /// The telephone of a supervisor is taken up.
    SupervisorAnswers(Leg),
    /// A supervisor hangs up.
    SupervisorHangsUp(Leg),
}

/// How supervisors take part.
const MODES: [Mode; 3] = [Mode::Listen, Mode::Whisper, Mode::Full];

const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn wish(call: CallId, wish: ThirdWish) -> Command {
    Command::Third {
        call,
        third: None,
        wish,
    }
}

fn hold(call: CallId, on: bool) -> Command {
    let mode = if on { Mode::Held } else { Mode::Full };
    Command::Hear {
        call,
        who: Party::Caller,
        mode,
    }
}

impl World {
    fn soon(&mut self, shortest: Duration, longest: Duration, deed: Deed) {
        let at = self.now.mono + self.dice.between(shortest, longest);
        self.agenda.put(at, Due::Helps(deed));
    }

    /// True for this share of the occasions; a share of 0 takes no number.
    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.dice.chance(share)
    }

    /// What people make of what they hear of a third party.
    pub(super) fn plan_help(&mut self, call: CallId, helped: Helped) {
        match helped {
            Helped::Dialled => self.while_dialling(call),
            Helped::Apart => {
                let joins = self.dice.chance(0.8);
                let then = if joins {
                    ThirdWish::Join
                } else {
                    ThirdWish::Cancel
                };
                self.soon(s(2), s(40), Deed::Ask(wish(call, then)));
                self.ends_in_the_middle(call);
            }
            Helped::Joined => self.with_the_target(call),
            Helped::Asking(third) => self.while_asking(call, third),
            Helped::Supervised(third) => self.while_supervised(call, third),
            // Whoever is left talks about what to do, then hangs up.
            Helped::CallerGone => self.soon(s(5), s(120), Deed::SeatHangsUp(call)),
        }
    }

    /// Somebody says which city is meant, or nobody knows.
    fn while_asking(&mut self, call: CallId, third: ThirdId) {
        if self.dice.chance(0.5) {
            let cities = VAGUE[self.dice.index(VAGUE.len())].1;
            let city = cities[self.dice.index(cities.len())].to_owned();
            let wish = ThirdWish::Settle(city);
            let third = Some(third);
            self.soon(s(1), s(20), Deed::Ask(Command::Third { call, third, wish }));
        }
        self.ends_in_the_middle(call);
    }

    /// A supervisor comes from a seat where nobody sits.
    fn supervise(&mut self, call: CallId) {
        let empty = |seat: &usize| self.seats[*seat].mind.counsellor().is_none();
        let empty: Vec<usize> = (0..self.seats.len()).filter(empty).collect();
        if empty.is_empty() {
            return;
        }
        let seat = SeatId(empty[self.dice.index(empty.len())] as u32);
        let mode = MODES[self.dice.index(MODES.len())];
        let command = Command::Supervise { call, seat, mode };
        self.soon(s(0), s(20), Deed::Ask(command));
    }

    /// Now and then a supervisor changes how to take part, or is sent away.
    fn while_supervised(&mut self, call: CallId, third: ThirdId) {
        if self.dice.chance(0.4) {
            let who = Party::Third(third);
            let mode = MODES[self.dice.index(MODES.len())];
            self.soon(s(2), s(40), Deed::Ask(Command::Hear { call, who, mode }));
        }
        if self.dice.chance(0.2) {
            let (third, wish) = (Some(third), ThirdWish::Cancel);
            self.soon(s(2), s(60), Deed::Ask(Command::Third { call, third, wish }));
        }
    }

    /// The telephone of a supervisor rings. True if that is why it does.
    pub(super) fn rings_supervisor(&mut self, seat: usize, leg: Leg, call: CallId) -> bool {
        let books = self.judges.checker.books();
        let known = books.calls.get(&call);
        if !known.is_some_and(|known| known.supervises(seat as u32)) {
            return false;
        }
        let desk = &mut self.seats[seat];
        desk.calls.insert(
            leg.1,
            super::desks::SeatCall {
                engine: Some(call),
                talks: false,
                supervises: true,
            },
        );
        self.on_telephone_wish(
            leg.0,
            Wish::Ring {
                call: Token(leg.1.0),
                status: 180,
            },
        );
        if self.dice.chance(0.8) {
            self.soon(s(1), s(8), Deed::SupervisorAnswers(leg));
            self.soon(s(10), s(180), Deed::SupervisorHangsUp(leg));
        }
        true
    }

    fn supervisor(&mut self, (far, key): Leg, wish: Wish) {
        let mut desks = self.seats.iter();
        let known = desks.any(|desk| desk.far == far && desk.calls.contains_key(&key));
        if known {
            self.on_telephone_wish(far, wish);
        }
    }

    fn while_dialling(&mut self, call: CallId) {
        let helps = self.scenario.helps;
        if self.happens(helps.supervise) {
            self.supervise(call);
        }
        let consult = self.happens(helps.consult);
        if consult || self.happens(helps.more) {
            let manner = consult.then_some(Manner::Consult);
            if let Some(press) = self.another_key(call, manner) {
                self.soon(s(0), s(20), Deed::Ask(press));
            }
        }
        if self.happens(helps.twice)
            && let Some(press) = self.another_key(call, None)
        {
            let at = self.now.mono + self.dice.between(s(0), s(10));
            for _ in 0..2 {
                self.agenda.put(at, Due::Helps(Deed::Ask(press.clone())));
            }
        }
        if self.happens(helps.back) {
            self.soon(s(0), s(15), Deed::Ask(Command::take_back(call)));
        }
        self.ends_in_the_middle(call);
    }

    fn with_the_target(&mut self, call: CallId) {
        let helps = self.scenario.helps;
        if self.happens(helps.confirm) {
            let deed = match self.dice.chance(0.5) {
                true => Deed::Ask(wish(call, ThirdWish::Confirm)),
                false => Deed::TargetPresses(call),
            };
            self.soon(s(1), s(20), deed);
        }
        if self.happens(helps.leave) {
            self.soon(s(1), s(60), Deed::Ask(Command::Leave { call }));
        }
        if self.happens(helps.hold) {
            let at = self.now.mono + self.dice.between(s(1), s(20));
            let until = at + self.dice.between(s(1), s(30));
            self.agenda.put(at, Due::Helps(Deed::Ask(hold(call, true))));
            self.agenda
                .put(until, Due::Helps(Deed::Ask(hold(call, false))));
        }
        self.ends_in_the_middle(call);
    }

    fn ends_in_the_middle(&mut self, call: CallId) {
        let helps = self.scenario.helps;
        if self.happens(helps.drops) {
            self.soon(s(0), s(60), Deed::SeatHangsUp(call));
        }
        if self.happens(helps.goes) {
            self.soon(s(0), s(60), Deed::CallerHangsUp(call));
        }
    }

    /// One of the scenario's keys, for one of its places.
    fn another_key(&mut self, call: CallId, manner: Option<Manner>) -> Option<Command> {
        let (keys, places) = (self.scenario.keys.len(), self.scenario.cities.len());
        if keys == 0 || places == 0 {
            return None;
        }
        let key = self.scenario.keys[self.dice.index(keys)].text.clone();
        let place = match self.happens(self.scenario.helps.vague) {
            true => VAGUE[self.dice.index(VAGUE.len())].0.to_owned(),
            false => self.scenario.cities[self.dice.index(places)].text.clone(),
        };
        let press = Press { key, place, manner };
        Some(Command::Transfer { call, press })
    }

    /// A target answers; somebody may take the key back in that moment.
    pub(super) fn crosses(&mut self, leg: Leg) {
        let call = self.targets.get(&leg).and_then(|desk| desk.engine);
        if let Some(call) = call
            && self.happens(self.scenario.helps.cross)
        {
            let ms = Duration::from_millis;
            self.soon(ms(0), ms(60), Deed::Ask(Command::take_back(call)));
        }
    }

    pub(super) fn help(&mut self, deed: Deed) {
        match deed {
            Deed::Ask(command) => self.ask(command),
            Deed::SeatHangsUp(call) => self.seat_hangs_up(call),
            Deed::CallerHangsUp(call) => self.caller_hangs_up(call),
            Deed::TargetPresses(call) => self.target_presses(call),
            Deed::SupervisorAnswers(leg) => {
                let call = Token(leg.1.0);
                self.supervisor(leg, Wish::Answer { call });
            }
            Deed::SupervisorHangsUp(leg) => {
                let call = Token(leg.1.0);
                self.supervisor(leg, Wish::Bye { call });
            }
        }
    }

    fn seat_hangs_up(&mut self, call: CallId) {
        let talks = |desk: &super::desks::SeatDesk| {
            let mut calls = desk.calls.iter();
            let found = calls.find(|(_, it)| {
                let counsellor = it.talks && !it.supervises;
                counsellor && it.engine == Some(call)
            });
            found.map(|(key, _)| *key)
        };
        let mut desks = self.seats.iter().enumerate();
        let found = desks.find_map(|(seat, desk)| Some((seat, talks(desk)?)));
        let Some((seat, key)) = found else { return };
        let call = Token(key.0);
        let far = self.seats[seat].far;
        self.on_telephone_wish(far, Wish::Bye { call });
        self.tell(Who::Seat(seat), &Happening::CallEnded { call });
    }

    fn caller_hangs_up(&mut self, call: CallId) {
        let Some(id) = self.calls.get(&call).copied() else {
            return;
        };
        let desk = self.callers.get(&id).filter(|desk| desk.answered);
        let Some(((far, key), call)) = desk.and_then(|desk| desk.leg) else {
            return;
        };
        self.fars[far.0].agent.bye(self.now.mono, key);
        self.dirty.insert(far);
        self.forget_leg(id);
        self.tell(Who::Caller(id), &Happening::CallEnded { call });
    }

    /// The key of a telephone that has taken a caller over.
    fn target_presses(&mut self, call: CallId) {
        let mut targets = self.targets.iter();
        let found = targets.find(|(_, desk)| desk.engine == Some(call));
        let Some((&(far, key), _)) = found else {
            return;
        };
        let sip = self.fars[far.0].agent.call_id(key).unwrap_or("").to_owned();
        let Some(to) = self.judges.told.get(&sip).copied() else {
            return;
        };
        let digit = '1';
        let what = ToEngine::Key { sip, to, digit };
        self.agenda.put(self.now.mono, Due::Engine(what));
    }
}
