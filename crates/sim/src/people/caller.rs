//! The mind of a caller: dials, waits as long as patience lasts, talks, tries again.
//!
//! ```text
//!            ┌──────────────────────── redial_after ◄───────────────┐
//!            ▼                                                      │
//!   Start ─► Dialling ── 200 ──► Waiting ── a person ──► Talking    │
//!            │    │                 │                      │        │
//!            │    └─ patience ──┐   ├─ patience: BYE       ├─ over: BYE ──► Over
//!            │                  ▼   │                      │        │
//!            │             Cancelling                      │        │
//!            │                  │   │                      │        │
//!            └─ refused, failed ┴───┴─ ended ──► Resting ◄─┴ cut off, dead air
//!                                                   │
//!                                                   └─ no further attempt ──► Over
//! ```

use super::{Attempt, AttemptEnd, CallerEnd, Dial, Happening, Token, Wish};
use crate::dice::Dice;
use crate::traffic::{CallPlan, Holding};
use meishier_model::{Mono, Now};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a caller waits for the answer to a CANCEL: longer than any SIP timer.
const CANCEL_GUARD: Duration = Duration::from_secs(70);
/// How long after the planned end a caller still waits for the counsellor to say good-bye.
const GOODBYE: Duration = Duration::from_secs(120);
/// A talk that ends this much too soon was cut off.
const CUT_OFF: Duration = Duration::from_secs(5);
/// How much dead air is borne, shortest and longest.
const DEAD_AIR: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(30));

/// Where a caller stands; see the module's drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Dialling,
    Cancelling { until: Mono },
    Waiting,
    Talking { since: Mono, ends: Mono, hold: Hold },
    Resting { until: Mono },
    Over,
}

/// The caller's own hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    None,
    Planned { at: Mono, lasts: Duration },
    On { until: Mono },
}

/// A caller, all attempts together.
#[derive(Clone, Debug)]
pub struct CallerMind {
    plan: CallPlan,
    dice: Dice,
    state: State,
    /// The present attempt.
    call: u64,
    dialled: Mono,
    /// When patience is over; counted from dialling.
    patience: Mono,
    /// A person is heard, though the 200 has not come yet.
    hears: bool,
    /// When the dead air will be too much.
    dead_air: Option<Mono>,
    talked: bool,
    gave_up: bool,
    wishes: VecDeque<Wish>,
    attempts: VecDeque<Attempt>,
}

impl CallerMind {
    /// A caller who dials at the first `handle_timeout`, which is due at once.
    #[must_use]
    pub fn new(plan: CallPlan, dice: Dice) -> Self {
        Self {
            plan,
            dice,
            state: State::Start,
            call: 0,
            dialled: Mono(0),
            patience: Mono(0),
            hears: false,
            dead_air: None,
            talked: false,
            gave_up: false,
            wishes: VecDeque::new(),
            attempts: VecDeque::new(),
        }
    }

    /// Who this is.
    #[must_use]
    pub fn plan(&self) -> &CallPlan {
        &self.plan
    }

    /// How often this caller has tried again.
    #[must_use]
    pub fn redials(&self) -> u64 {
        self.call
    }

    /// Takes in what happened.
    pub fn handle_event(&mut self, now: Now, what: &Happening) {
        let now = now.mono;
        match what {
            Happening::CallAnswered { call } if self.is(*call) => self.answered(now),
            Happening::CallRefused { call, .. }
            | Happening::CallFailed { call }
            | Happening::CallEnded { call }
                if self.is(*call) =>
            {
                self.ended(now);
            }
            Happening::Hears { call, person } if self.is(*call) => self.hears(now, *person),
            _ => {}
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.mono;
        match self.state {
            State::Start => self.dial(now),
            State::Dialling if now >= self.patience => {
                self.give_up(now);
                self.wish(|call| Wish::Cancel { call });
                self.state = State::Cancelling {
                    until: now + CANCEL_GUARD,
                };
            }
            State::Cancelling { until } if now >= until => self.rest(now),
            State::Waiting if self.dead_air_over(now) => {
                self.note(now, AttemptEnd::Lost);
                self.hang_up(now);
            }
            State::Waiting if now >= self.patience => {
                self.give_up(now);
                self.hang_up(now);
            }
            State::Talking { since, ends, hold } => self.talking(now, since, ends, hold),
            State::Resting { until } if now >= until => {
                self.call += 1;
                self.dial(now);
            }
            _ => {}
        }
    }

    /// When `handle_timeout` is due; `None` if only an event can move this caller.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let earlier = |at: Mono| Some(self.dead_air.map_or(at, |air| air.min(at)));
        match self.state {
            State::Start => Some(Mono(0)),
            State::Dialling => Some(self.patience),
            State::Waiting => earlier(self.patience),
            State::Cancelling { until } | State::Resting { until } => Some(until),
            State::Talking { ends, hold, .. } => earlier(match hold {
                Hold::None => ends,
                Hold::Planned { at, .. } => ends.min(at),
                Hold::On { until } => ends.min(until),
            }),
            State::Over => None,
        }
    }

    /// What this caller wants; to be asked until there is nothing left.
    pub fn poll_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// How attempts went; to be asked until there is nothing left.
    pub fn poll_attempt(&mut self) -> Option<Attempt> {
        self.attempts.pop_front()
    }

    /// Whether the event is about the present call.
    fn is(&self, call: Token) -> bool {
        call.0 == self.call
    }

    fn wish(&mut self, make: impl FnOnce(Token) -> Wish) {
        self.wishes.push_back(make(Token(self.call)));
    }

    fn dial(&mut self, now: Mono) {
        self.dialled = now;
        self.patience = now + self.plan.patience;
        self.hears = false;
        self.dead_air = None;
        self.gave_up = false;
        self.state = State::Dialling;
        let plan = &self.plan;
        let (caller, asserted) = match plan.withheld {
            true => ("anonymous".to_owned(), None),
            false => (plan.number.clone(), Some(plan.number.clone())),
        };
        let called = plan.called.clone();
        self.wish(|call| {
            Wish::Dial(Dial {
                call,
                called,
                caller,
                asserted,
            })
        });
    }

    fn note(&mut self, now: Mono, end: AttemptEnd) {
        self.attempts.push_back(Attempt {
            call: Token(self.call),
            waited: now.since(self.dialled),
            end,
        });
    }

    fn give_up(&mut self, now: Mono) {
        self.gave_up = true;
        self.note(now, AttemptEnd::Abandoned);
    }

    fn answered(&mut self, now: Mono) {
        match self.state {
            State::Dialling if self.hears => self.begin_talk(now),
            State::Dialling => self.state = State::Waiting,
            // The 200 crossed the CANCEL. A telephone hangs up such a call by itself; should it
            // not, it is told to.
            State::Cancelling { .. } => self.hang_up(now),
            _ => {}
        }
    }

    /// A person is heard, or nothing at all.
    fn hears(&mut self, now: Mono, person: bool) {
        match self.state {
            State::Dialling => self.hears = person,
            State::Waiting if person => self.begin_talk(now),
            State::Talking { .. } if person => self.dead_air = None,
            State::Waiting | State::Talking { .. } if !person && self.dead_air.is_none() => {
                let bears = self.dice.between(DEAD_AIR.0, DEAD_AIR.1);
                self.dead_air = Some(now + bears);
            }
            _ => {}
        }
    }

    fn begin_talk(&mut self, now: Mono) {
        self.talked = true;
        self.dead_air = None;
        self.note(now, AttemptEnd::Answered);
        let talk = &self.plan.talk;
        let extra = match talk.caller_ends {
            true => Duration::ZERO,
            false => GOODBYE,
        };
        let hold = match talk.hold {
            Some(Holding {
                by_caller: true,
                at,
                lasts,
            }) => Hold::Planned {
                at: now + at,
                lasts,
            },
            _ => Hold::None,
        };
        self.state = State::Talking {
            since: now,
            ends: now + talk.length + extra,
            hold,
        };
    }

    fn dead_air_over(&self, now: Mono) -> bool {
        self.dead_air.is_some_and(|air| now >= air)
    }

    fn talking(&mut self, now: Mono, since: Mono, ends: Mono, hold: Hold) {
        if now >= ends {
            self.wish(|call| Wish::Bye { call });
            return self.over();
        }
        let next = match hold {
            Hold::Planned { at, lasts } if now >= at => {
                self.wish(|call| Wish::Hold { call, on: true });
                // Whoever holds does not mind the silence.
                self.dead_air = None;
                Hold::On { until: now + lasts }
            }
            Hold::On { until } if now >= until => {
                self.wish(|call| Wish::Hold { call, on: false });
                Hold::None
            }
            hold => hold,
        };
        if self.dead_air_over(now) && !matches!(next, Hold::On { .. }) {
            return self.hang_up(now);
        }
        if self.dead_air_over(now) {
            self.dead_air = None;
        }
        self.state = State::Talking {
            since,
            ends,
            hold: next,
        };
    }

    /// The call is gone: refused, failed, or the other side hung up.
    fn ended(&mut self, now: Mono) {
        match self.state {
            State::Talking { since, .. } if now.since(since) + CUT_OFF >= self.plan.talk.length => {
                self.over();
            }
            State::Talking { .. } | State::Cancelling { .. } => self.rest(now),
            State::Dialling | State::Waiting => {
                self.note(now, AttemptEnd::Lost);
                self.rest(now);
            }
            State::Start | State::Resting { .. } | State::Over => {}
        }
    }

    fn hang_up(&mut self, now: Mono) {
        self.wish(|call| Wish::Bye { call });
        self.rest(now);
    }

    /// Tries again later, or not.
    fn rest(&mut self, now: Mono) {
        self.dead_air = None;
        if !self.plan.redial || self.call >= u64::from(self.plan.redials) {
            return self.over();
        }
        self.state = State::Resting {
            until: now + self.plan.redial_after,
        };
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.dead_air = None;
        let end = match (self.talked, self.gave_up) {
            (true, _) => CallerEnd::Talked,
            (false, true) => CallerEnd::GaveUp,
            (false, false) => CallerEnd::TurnedAway,
        };
        self.wishes.push_back(Wish::Done { end });
    }
}
