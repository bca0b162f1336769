//! What a counsellor does with the telephone: takes it up or not, talks, presses the key.
//!
//! ```text
//!            rings              answer_after            ACK
//!   Free ───────────► Ringing ───────────────► Taken ─────────► Talking ── ended, BYE ──► Free
//!    ▲                   │ refused, rung out      │ no ACK
//!    └───────────────────┴────────────────────────┘
//! ```

use super::{Fault, Happening, Token, Wish};
use crate::dice::Dice;
use crate::scenario::SeatHabits;
use crate::traffic::{Holding, TalkPlan};
use meishier_model::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// A telephone that nobody takes up, or whose 200 nobody acknowledges, is silent after this.
const GUARD: Duration = Duration::from_secs(120);
/// How long after the planned end a counsellor waits for the caller to say good-bye.
const GOODBYE: Duration = Duration::from_secs(300);
/// When the key is pressed, shortest and longest time into the talk.
const KEY_AFTER: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));
/// How long a talk lasts of which nothing is known, shortest and longest.
const UNKNOWN_TALK: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(2400));
/// How long a counsellor speaks into silence before hanging up: somebody may sob or be mute.
const SILENCE: Duration = Duration::from_secs(180);
/// How often the key is pressed again when the engine is short of something.
const PRESSES: u8 = 3;

/// Where the telephone stands; see the module's drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Free,
    Ringing { call: Token, deed: Deed, at: Mono },
    Taken { call: Token, until: Mono },
    Talking { call: Token, talk: Running },
}

/// What is done with a ringing telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Answer,
    Refuse,
    Nothing,
}

/// A talk under way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    ends: Mono,
    key: Option<Key>,
    hold: Option<(Mono, Duration)>,
    held_until: Option<Mono>,
    silence: Option<Mono>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    at: Option<Mono>,
    presses: u8,
    key: String,
    city: String,
}

/// A seat's telephone and the hand on it.
#[derive(Clone, Debug)]
pub(super) struct Phone {
    habits: SeatHabits,
    dice: Dice,
    state: State,
}

impl Phone {
    pub(super) fn new(habits: SeatHabits, dice: Dice) -> Self {
        Self {
            habits,
            dice,
            state: State::Free,
        }
    }

    /// The call that rings or is talked in.
    pub(super) fn call(&self) -> Option<Token> {
        match self.state {
            State::Free => None,
            State::Ringing { call, .. }
            | State::Taken { call, .. }
            | State::Talking { call, .. } => Some(call),
        }
    }

    /// A call comes; `there` if somebody sits at the seat and is not on a break.
    pub(super) fn rings(
        &mut self,
        now: Mono,
        call: Token,
        there: bool,
        wishes: &mut VecDeque<Wish>,
    ) {
        if self.state != State::Free {
            wishes.push_back(Wish::Reject { call, status: 486 });
            return;
        }
        let (refuse, ring_out) = (self.habits.refuse_share, self.habits.ring_out_share);
        let rest = (1.0 - refuse - ring_out).max(0.0);
        let deed = match self.dice.weighted(&[refuse, ring_out, rest]) {
            _ if !there => Deed::Nothing,
            0 => Deed::Refuse,
            1 => Deed::Nothing,
            _ => Deed::Answer,
        };
        let (shortest, longest) = self.habits.answer_after;
        let after = match deed {
            Deed::Nothing => GUARD,
            _ => self.dice.between(shortest, longest),
        };
        wishes.push_back(Wish::Ring { call, status: 180 });
        self.state = State::Ringing {
            call,
            deed,
            at: now + after,
        };
    }

    pub(super) fn handle_event(&mut self, now: Mono, what: &Happening) {
        match what {
            Happening::Talks { call, plan } if self.call() == Some(*call) => {
                let talk = self.begin(now, plan.as_ref());
                self.state = State::Talking { call: *call, talk };
            }
            Happening::RingingStopped { call }
            | Happening::CallEnded { call }
            | Happening::CallFailed { call }
                if self.call() == Some(*call) =>
            {
                self.state = State::Free;
            }
            Happening::PhoneDied => self.state = State::Free,
            Happening::Hears { call, person } if self.call() == Some(*call) => {
                if let State::Talking { talk, .. } = &mut self.state {
                    talk.silence = match (person, talk.silence) {
                        (true, _) => None,
                        (false, since) => since.or(Some(now + SILENCE)),
                    };
                }
            }
            _ => {}
        }
    }

    /// The engine answered the key.
    pub(super) fn key_done(&mut self, now: Mono, result: Result<(), Fault>) {
        if let State::Talking { talk, .. } = &mut self.state
            && let Some(key) = &mut talk.key
            && result == Err(Fault::Busy)
            && key.presses < PRESSES
        {
            key.at = Some(now + Duration::from_secs(5));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Mono, wishes: &mut VecDeque<Wish>) {
        match &mut self.state {
            State::Ringing { call, deed, at } if now >= *at => {
                let call = *call;
                self.state = match deed {
                    Deed::Answer => {
                        wishes.push_back(Wish::Answer { call });
                        let until = now + GUARD;
                        State::Taken { call, until }
                    }
                    Deed::Refuse => {
                        wishes.push_back(Wish::Reject { call, status: 486 });
                        State::Free
                    }
                    Deed::Nothing => {
                        wishes.push_back(Wish::Reject { call, status: 480 });
                        State::Free
                    }
                };
            }
            State::Taken { call, until } if now >= *until => {
                wishes.push_back(Wish::Bye { call: *call });
                self.state = State::Free;
            }
            State::Talking { call, talk } => {
                let call = *call;
                if talk.go_on(now, call, wishes) {
                    wishes.push_back(Wish::Bye { call });
                    self.state = State::Free;
                }
            }
            _ => {}
        }
    }

    /// When `handle_timeout` is due.
    pub(super) fn due(&self) -> Option<Mono> {
        match &self.state {
            State::Free => None,
            State::Ringing { at, .. } => Some(*at),
            State::Taken { until, .. } => Some(*until),
            State::Talking { talk, .. } => Some(talk.due()),
        }
    }

    fn begin(&mut self, now: Mono, plan: Option<&TalkPlan>) -> Running {
        let Some(plan) = plan else {
            return Running {
                ends: now + self.dice.between(UNKNOWN_TALK.0, UNKNOWN_TALK.1),
                key: None,
                hold: None,
                held_until: None,
                silence: None,
            };
        };
        let extra = if plan.caller_ends {
            GOODBYE
        } else {
            Duration::ZERO
        };
        let after = self.dice.between(KEY_AFTER.0, KEY_AFTER.1);
        let key = plan.crisis.then(|| Key {
            at: Some(now + after.min(plan.length / 2)),
            presses: 0,
            key: plan.key.clone(),
            city: plan.city.clone(),
        });
        let hold = match plan.hold {
            Some(Holding {
                by_caller: false,
                at,
                lasts,
            }) => Some((now + at, lasts)),
            _ => None,
        };
        Running {
            ends: now + plan.length + extra,
            key,
            hold,
            held_until: None,
            silence: None,
        }
    }
}

impl Running {
    fn due(&self) -> Mono {
        let key = self.key.as_ref().and_then(|key| key.at);
        let hold = self.hold.map(|(at, _)| at);
        let all = [key, hold, self.held_until, self.silence];
        all.into_iter().flatten().fold(self.ends, Mono::min)
    }

    /// Does what is due; true if the talk is over.
    fn go_on(&mut self, now: Mono, call: Token, wishes: &mut VecDeque<Wish>) -> bool {
        if now >= self.ends || self.silence.is_some_and(|silence| now >= silence) {
            return true;
        }
        if let Some(key) = &mut self.key
            && key.at.is_some_and(|at| now >= at)
        {
            key.at = None;
            key.presses += 1;
            wishes.push_back(Wish::PressKey {
                call,
                key: key.key.clone(),
                city: key.city.clone(),
            });
        }
        if self.held_until.is_some_and(|until| now >= until) {
            self.held_until = None;
            wishes.push_back(Wish::Hold { call, on: false });
        }
        if let Some((at, lasts)) = self.hold
            && now >= at
        {
            self.hold = None;
            self.held_until = Some(now + lasts);
            wishes.push_back(Wish::Hold { call, on: true });
        }
        false
    }
}
