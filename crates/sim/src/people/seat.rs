//! The mind at a seat: whoever sits there, and what they do with the telephone.
//!
//! ```text
//!   Away ── shift begins: sign on ──► SigningOn ── done ──► There ── shift over ──► Leaving ─► Away
//!    ▲                                    │                 │   ▲                      ▲
//!    └── refused, forgotten by the engine ┘                 ▼   │ break over: ready    │
//!                                                          OnBreak ── shift over ──────┘
//! ```
//!
//! Nobody leaves, or takes a break, in the middle of a call; the telephone is [`super::phone`]'s.

use super::phone::Phone;
use super::{Asked, Counsellor, Duties, Duty, Fault, Happening, Token, Wish};
use crate::dice::Dice;
use crate::scenario::SeatHabits;
use meishier_model::{Mono, Now};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A command without an answer for so long is given again.
const NO_ANSWER: Duration = Duration::from_secs(30);
/// Until another try after the engine was short of something.
const SOON: Duration = Duration::from_secs(10);
/// Until another try after something that rights itself.
const LATER: Duration = Duration::from_secs(60);
/// Until another try after a plain no.
const MUCH_LATER: Duration = Duration::from_secs(600);

/// Who is at the seat; see the module's drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Away { retry: Mono },
    SigningOn { who: Counsellor, until: Mono },
    There { who: Counsellor, rest_at: Mono },
    OnBreak { who: Counsellor, until: Mono },
    Leaving { until: Mono },
}

/// A seat with whoever is on duty there.
#[derive(Clone, Debug)]
pub struct SeatMind {
    seat: usize,
    duties: Arc<Duties>,
    habits: SeatHabits,
    dice: Dice,
    state: State,
    phone: Phone,
    duty: Duty,
    /// When the duty is to be looked up again.
    look_at: Mono,
    /// When somebody will notice that the engine paused the seat.
    notice_at: Option<Mono>,
    wishes: VecDeque<Wish>,
}

impl SeatMind {
    /// An empty seat; `seat` is its index in the configuration. Its first timeout is due at once.
    #[must_use]
    pub fn new(seat: usize, duties: Arc<Duties>, habits: SeatHabits, dice: Dice) -> Self {
        let phone = Phone::new(habits, dice.branch("phone"));
        Self {
            seat,
            duties,
            habits,
            dice,
            state: State::Away { retry: Mono(0) },
            phone,
            duty: Duty {
                counsellor: None,
                lasts: Duration::ZERO,
            },
            look_at: Mono(0),
            notice_at: None,
            wishes: VecDeque::new(),
        }
    }

    /// Who is signed on, as far as this seat knows.
    #[must_use]
    pub fn counsellor(&self) -> Option<&Counsellor> {
        match &self.state {
            State::There { who, .. } | State::OnBreak { who, .. } => Some(who),
            _ => None,
        }
    }

    /// The call that rings or is talked in.
    #[must_use]
    pub fn call(&self) -> Option<Token> {
        self.phone.call()
    }

    /// Takes in what happened.
    pub fn handle_event(&mut self, now: Now, what: &Happening) {
        let at = now.mono;
        match what {
            Happening::CommandDone {
                asked: Asked::Key,
                result,
            } => self.phone.key_done(at, *result),
            Happening::CommandDone { asked, result } => self.done(at, *asked, *result),
            Happening::PausedByEngine if matches!(self.state, State::There { .. }) => {
                let (shortest, longest) = self.habits.notice_after;
                self.notice_at = Some(at + self.dice.between(shortest, longest));
            }
            Happening::Forgotten if self.counsellor().is_some() => {
                let (shortest, longest) = self.habits.notice_after;
                let after = self.dice.between(shortest, longest);
                self.away(at + after);
            }
            Happening::ShiftTick => self.look_at = at,
            Happening::Rings { call } => {
                let there = matches!(self.state, State::There { .. });
                self.phone.rings(at, *call, there, &mut self.wishes);
            }
            other => self.phone.handle_event(at, other),
        }
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.phone.handle_timeout(now.mono, &mut self.wishes);
        self.settle(now);
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let idle = self.phone.call().is_none();
        let state = match self.state {
            State::Away { retry } if self.duty.counsellor.is_some() => Some(retry),
            State::Away { .. } => None,
            State::SigningOn { until, .. } | State::Leaving { until } => Some(until),
            // In the middle of a call nothing changes; its end is an event.
            State::There { rest_at, .. } => idle.then_some(rest_at),
            State::OnBreak { until, .. } => Some(until),
        };
        let all = [Some(self.look_at), state, self.notice_at, self.phone.due()];
        all.into_iter().flatten().min()
    }

    /// What is wanted; to be asked until there is nothing left.
    pub fn poll_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    fn away(&mut self, retry: Mono) {
        self.notice_at = None;
        self.state = State::Away { retry };
    }

    /// The engine answered a command.
    fn done(&mut self, now: Mono, asked: Asked, result: Result<(), Fault>) {
        match (asked, result, &self.state) {
            (Asked::SignOn, Ok(()), State::SigningOn { who, .. }) => {
                let who = who.clone();
                self.there(now, who);
            }
            (Asked::SignOn, Err(Fault::SeatTaken), State::SigningOn { .. }) => self.leave(now),
            (Asked::SignOn, Err(fault), State::SigningOn { .. }) => {
                let after = match fault {
                    Fault::Busy => SOON,
                    Fault::Elsewhere => LATER,
                    _ => MUCH_LATER,
                };
                self.away(now + after);
            }
            (Asked::SignOff, Ok(()) | Err(Fault::NobodySignedOn), State::Leaving { .. }) => {
                self.away(now);
            }
            (Asked::Pause | Asked::Ready, Err(Fault::NobodySignedOn), _)
                if self.counsellor().is_some() =>
            {
                self.away(now + SOON);
            }
            (Asked::Ready, Err(_), State::There { .. }) => self.notice_at = Some(now + SOON),
            _ => {}
        }
    }

    fn there(&mut self, now: Mono, who: Counsellor) {
        // People do not keep to the minute: a fifth sooner or later.
        let every = self.habits.pause_every;
        let rest_at = now + self.dice.between(every * 4 / 5, every * 6 / 5);
        self.state = State::There { who, rest_at };
    }

    fn leave(&mut self, now: Mono) {
        self.notice_at = None;
        self.wishes.push_back(Wish::SignOff);
        self.state = State::Leaving {
            until: now + NO_ANSWER,
        };
    }

    /// Looks at the clock and does what the hour asks for.
    fn settle(&mut self, now: Now) {
        let at = now.mono;
        if at >= self.look_at {
            self.duty = self.duties.at(self.seat, now.wall);
            self.look_at = at + self.duty.lasts;
        }
        if self.notice_at.is_some_and(|notice| at >= notice) {
            self.notice_at = None;
            self.wishes.push_back(Wish::Ready);
        }
        let wanted = self.duty.counsellor.as_ref();
        let idle = self.phone.call().is_none();
        match &self.state {
            State::Away { retry } if at >= *retry => {
                if let Some(who) = wanted.cloned() {
                    self.sign_on(at, who);
                }
            }
            State::SigningOn { who, until } if at >= *until => {
                let who = who.clone();
                match wanted == Some(&who) {
                    true => self.sign_on(at, who),
                    // Perhaps the engine did it after all.
                    false => self.leave(at),
                }
            }
            State::Leaving { until } if at >= *until => self.leave(at),
            State::There { who, .. } | State::OnBreak { who, .. }
                if wanted != Some(who) && idle =>
            {
                self.leave(at);
            }
            State::There { who, rest_at } if at >= *rest_at && idle => {
                let length = self.habits.pause_for;
                let until = at + self.dice.between(length * 7 / 10, length * 13 / 10);
                let who = who.clone();
                let reason = "休息".to_owned();
                self.wishes.push_back(Wish::Pause { reason });
                self.notice_at = None;
                self.state = State::OnBreak { who, until };
            }
            State::OnBreak { who, until } if at >= *until => {
                let who = who.clone();
                self.wishes.push_back(Wish::Ready);
                self.there(at, who);
            }
            _ => {}
        }
    }

    fn sign_on(&mut self, now: Mono, who: Counsellor) {
        self.wishes.push_back(Wish::SignOn {
            counsellor: who.clone(),
        });
        self.state = State::SigningOn {
            who,
            until: now + NO_ANSWER,
        };
    }
}
