//! The mind of whoever a transfer key calls: police, ambulance, another hotline.
//!
//! ```text
//!   ── rings ──► Ringing ── answer_after ──► Taken ── ACK ──► Talking ── hangs up, ended ──► gone
//!                   └─ busy, stopped, nobody comes ─► gone └─ no ACK ─► gone
//! ```

use super::{Happening, Token, Wish};
use crate::dice::Dice;
use crate::scenario::TargetHabits;
use meishier_model::{Mono, Now};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Longest time of ringing, and of waiting for an ACK.
const GUARD: Duration = Duration::from_secs(120);

/// Where one call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ringing { answers: Option<Mono>, until: Mono },
    Taken { until: Mono },
    Talking { until: Mono },
}

/// Everybody at the far end of transfers; any number of calls at a time.
#[derive(Clone, Debug)]
pub struct TargetMind {
    habits: TargetHabits,
    dice: Dice,
    calls: BTreeMap<Token, State>,
    wishes: VecDeque<Wish>,
}

impl TargetMind {
    /// Targets with these habits.
    #[must_use]
    pub fn new(habits: TargetHabits, dice: Dice) -> Self {
        Self {
            habits,
            dice,
            calls: BTreeMap::new(),
            wishes: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle_event(&mut self, now: Now, what: &Happening) {
        let now = now.mono;
        match what {
            Happening::Rings { call } => self.rings(now, *call),
            Happening::Talks { call, .. } => {
                let until = now + self.dice.exponential(self.habits.talk);
                if let Some(state) = self.calls.get_mut(call) {
                    *state = State::Talking { until };
                }
            }
            Happening::RingingStopped { call }
            | Happening::CallEnded { call }
            | Happening::CallFailed { call }
            | Happening::CallRefused { call, .. } => {
                self.calls.remove(call);
            }
            _ => {}
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.mono;
        let mut over = Vec::new();
        for (&call, state) in &mut self.calls {
            match *state {
                State::Ringing {
                    answers: Some(at),
                    until,
                } if now >= at => {
                    self.wishes.push_back(Wish::Answer { call });
                    // The guard now watches for the ACK.
                    let until = until.max(now + GUARD);
                    *state = State::Taken { until };
                }
                State::Ringing { until, .. } if now >= until => {
                    self.wishes.push_back(Wish::Reject { call, status: 480 });
                    over.push(call);
                }
                State::Taken { until } | State::Talking { until } if now >= until => {
                    self.wishes.push_back(Wish::Bye { call });
                    over.push(call);
                }
                _ => {}
            }
        }
        for call in over {
            self.calls.remove(&call);
        }
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let due = |state: &State| match *state {
            State::Ringing { answers, until } => answers.map_or(until, |at| at.min(until)),
            State::Taken { until } | State::Talking { until } => until,
        };
        self.calls.values().map(due).min()
    }

    /// What is wanted; to be asked until there is nothing left.
    pub fn poll_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    fn rings(&mut self, now: Mono, call: Token) {
        let habits = self.habits;
        let rest = (1.0 - habits.busy_share - habits.ring_out_share).max(0.0);
        let weights = [habits.busy_share, habits.ring_out_share, rest];
        let how = self.dice.weighted(&weights);
        let (shortest, longest) = habits.answer_after;
        let after = self.dice.between(shortest, longest);
        if how == 0 {
            self.wishes.push_back(Wish::Reject { call, status: 486 });
            return;
        }
        self.wishes.push_back(Wish::Ring { call, status: 180 });
        let state = State::Ringing {
            answers: (how == 2).then(|| now + after),
            until: now + GUARD,
        };
        self.calls.insert(call, state);
    }
}
