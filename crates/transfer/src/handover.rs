//! One use of a key: from the press to the end of whoever it brought.
//!
//! No failure of the target touches the conversation of caller and counsellor; who is still there when
//! it ends is the conference's matter ([`crate::Conference`]).

use crate::keys::Manner;
use meishier_model::{Mono, TransferOutcome};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// How long beyond the limit for all the last way to an emergency may ring.
const MOST_OVER: Duration = Duration::from_secs(15);
/// How long a target may hear what is known, however often it wants to hear it, until it joins.
const MOST_BRIEFING: Duration = Duration::from_secs(90);

/// What those in the conversation are told, and what the record's time line keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The place is not certain; the counsellor is asked.
    Asking,
    /// Target number so, from 0, is being dialled.
    Dialling(u8),
    /// The target's telephone rings.
    Ringing,
    /// The target answered and is told what is known.
    Briefing,
    /// Counsellor and target talk apart from the caller.
    Apart,
    /// The target is in the conversation.
    Joined,
    /// The target has taken the caller over.
    Confirmed,
    /// A target failed with this SIP status, 0 if its leg ended without one.
    Failed(u16),
    /// A target did not answer in time.
    NoAnswer,
    /// The key was taken back.
    Cancelled,
    /// The target hung up after it had answered.
    TargetLeft,
}

/// What the engine has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Dial the target with this index, from 0.
    Dial(u8),
    /// Tell the target what is known; then [`Handover::handle_briefed`].
    Brief,
    /// Put the target together with the counsellor, apart from the caller.
    Meet,
    /// Put the target into the conversation.
    Join,
    /// Tell everybody who is in the conversation.
    Tell(Notice),
    /// The limit for all is over, and the last way rings on: people are to hear of it now.
    Late,
    /// Release the target's leg, whatever its state. Nothing happens if it has none.
    Drop,
    /// Over: close its entry in the record.
    Finished {
        /// What came of it.
        outcome: TransferOutcome,
        /// The target's final SIP status, or 0.
        status: u16,
    },
}

/// Where a use of a key stands.
///
/// ```text
///      place not certain       settled, or nobody settled it in time
///   ┌──────────────► Asking ──────────────┐
///   │                  │                  │     failed, rang too long: the next target
///   press              │                  ▼    ┌──┐
///   └──────────────────┼────────────► Dialling ◄──┘ the limit, another way rings on: Late
///                      │                │  │ none left, or the limit for all
///                      │       answered │  └────────────────────────────► Over
///                      │                ▼                                  ▲
///                      │   Briefing ─ hung up: the next target             │
///                      │     │   │   told, 1, or 90 s over                 │
///                      │  warm  consult                                    │
///                      │     │   └────► Apart ─────────────────────────────┤
///                      │     │            │ join          target left,     │
///                      │     ▼            ▼               cancel           │
///                      │   Joined ◄───────┘ ───────────────────────────────┤
///                      │     │ confirm                    target left      │
///                      │     ▼                                             │
///                      │   Confirmed ──────────────────────────────────────┤
///                      └────────────── cancel ─────────────────────────────┘
/// ```
///
/// Progress, final responses and CANCEL of the target's INVITE are RFC 3261 §13 and §9; a 200 that
/// crosses the CANCEL still arrives as an answer and is dropped again (§9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The counsellor is asked which place it is.
    Asking,
    /// A target is dialled or rings.
    Dialling,
    /// The target hears what is known.
    Briefing,
    /// Counsellor and target talk apart.
    Apart,
    /// The target is in the conversation.
    Joined,
    /// The target is in the conversation and has taken over.
    Confirmed,
    /// There is nothing left to do.
    Over,
}

/// Why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// Nothing is asked, or nobody is apart, or nobody has joined: it does not fit.
    NotNow,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transfer is not at this point")
    }
}

impl std::error::Error for InputError {}

/// What a use of a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How target and conversation come together.
    pub manner: Manner,
    /// The target is told what is known before it joins.
    pub brief: bool,
    /// Longest that each target may ring.
    pub ring: Duration,
    /// Longest from the first INVITE to an answer.
    pub limit: Duration,
}

/// The machine. Inputs by `handle_*`; after each, [`Handover::poll_action`] until it is empty. Inputs
/// that a state does not expect change nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    state: State,
    terms: Terms,
    /// Targets to be dialled in all, and the one that is.
    targets: u8,
    current: u8,
    /// When the place is taken as it is, or the target has rung or listened long enough.
    deadline: Option<Mono>,
    /// When all are given up; set with the first INVITE.
    limit: Option<Mono>,
    /// Whatever else is tried, nobody rings beyond this; set with the first INVITE.
    #[serde(default)]
    last: Option<Mono>,
    /// The limit for all as it was set, whatever may ring beyond it: people hear of it then.
    #[serde(default)]
    late: Option<Mono>,
    /// True once ringing was told; a target may say 180 many times.
    rang: bool,
    actions: VecDeque<Action>,
}

impl Handover {
    /// A key was pressed: so many targets are dialled in order.
    #[must_use]
    pub fn dialling(now: Mono, terms: Terms, targets: u8) -> Self {
        let mut machine = Self::new(terms, targets);
        machine.begin(now);
        machine
    }

    /// A key was pressed and the place is not certain; until then the counsellor may settle it.
    #[must_use]
    pub fn asking(until: Mono, terms: Terms, targets: u8) -> Self {
        let mut machine = Self::new(terms, targets);
        machine.deadline = Some(until);
        machine.push([Action::Tell(Notice::Asking)]);
        machine
    }

    fn new(terms: Terms, targets: u8) -> Self {
        Self {
            state: State::Asking,
            terms,
            targets,
            current: 0,
            deadline: None,
            limit: None,
            last: None,
            late: None,
            rang: false,
            actions: VecDeque::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Which of the targets is dialled, or was last; from 0.
    #[must_use]
    pub fn current(&self) -> usize {
        usize::from(self.current)
    }

    /// How it was to be.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// True while the target is neither there nor given up.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(
            self.state,
            State::Asking | State::Dialling | State::Briefing
        )
    }

    /// True while the target is there.
    #[must_use]
    pub fn is_present(&self) -> bool {
        matches!(self.state, State::Apart | State::Joined | State::Confirmed)
    }

    /// The place is settled; so many targets are dialled.
    ///
    /// # Errors
    /// Nothing was asked, or it is too late.
    pub fn handle_settled(&mut self, now: Mono, targets: u8) -> Result<(), InputError> {
        if self.state != State::Asking {
            return Err(InputError::NotNow);
        }
        self.targets = targets;
        self.begin(now);
        Ok(())
    }

    /// The target is told what is known before it joins, or not; it counts until it answers.
    pub fn set_brief(&mut self, brief: bool) {
        self.terms.brief = brief;
    }

    /// The target's telephone rings (180, 183).
    pub fn handle_ringing(&mut self) {
        if self.state == State::Dialling && !self.rang {
            self.rang = true;
            self.push([Action::Tell(Notice::Ringing)]);
        }
    }

    /// The target answered.
    pub fn handle_answered(&mut self) {
        match self.state {
            State::Dialling if self.terms.brief => {
                self.deadline = None;
                self.state = State::Briefing;
                self.push([Action::Tell(Notice::Briefing), Action::Brief]);
            }
            State::Dialling => self.arrive(),
            State::Over => self.push([Action::Drop]),
            _ => {}
        }
    }

    /// What is known begins to be told: the target joins when 90 s are over, whatever it has heard by then.
    pub fn handle_briefing(&mut self, now: Mono) {
        if self.state == State::Briefing {
            self.deadline = Some(now + MOST_BRIEFING);
        }
    }

    /// The target has heard what is known, or wants to hear no more.
    pub fn handle_briefed(&mut self) {
        if self.state == State::Briefing {
            self.arrive();
        }
    }

    /// The target's leg failed with this SIP status (300 to 699), or ended (0).
    pub fn handle_failed(&mut self, now: Mono, status: u16) {
        match self.state {
            State::Dialling | State::Briefing => {
                self.push([Action::Tell(Notice::Failed(status))]);
                self.next(now, TransferOutcome::Failed, status);
            }
            State::Apart | State::Joined | State::Confirmed => {
                self.push([Action::Tell(Notice::TargetLeft), Action::Drop]);
                let outcome = match self.state {
                    State::Apart => TransferOutcome::Failed,
                    _ => TransferOutcome::Joined,
                };
                self.finish(outcome, 0);
            }
            State::Asking | State::Over => {}
        }
    }

    /// Counsellor and target have talked enough apart.
    ///
    /// # Errors
    /// They are not apart.
    pub fn handle_join(&mut self) -> Result<(), InputError> {
        if self.state != State::Apart {
            return Err(InputError::NotNow);
        }
        self.state = State::Joined;
        self.push([Action::Join, Action::Tell(Notice::Joined)]);
        Ok(())
    }

    /// The target has taken the caller over.
    ///
    /// # Errors
    /// The target is not in the conversation.
    pub fn handle_confirm(&mut self) -> Result<(), InputError> {
        match self.state {
            State::Joined => {
                self.state = State::Confirmed;
                self.push([Action::Tell(Notice::Confirmed)]);
                Ok(())
            }
            State::Confirmed => Ok(()),
            _ => Err(InputError::NotNow),
        }
    }

    /// The counsellor, or a supervisor, takes the key back. A target that has joined stays: a service
    /// in conversation with the caller leaves by its own will only.
    ///
    /// # Errors
    /// The target has joined, or all is over.
    pub fn handle_cancel(&mut self) -> Result<(), InputError> {
        match self.state {
            State::Asking | State::Dialling | State::Briefing | State::Apart => {
                self.push([Action::Drop, Action::Tell(Notice::Cancelled)]);
                self.finish(TransferOutcome::Cancelled, 0);
                Ok(())
            }
            State::Joined | State::Confirmed | State::Over => Err(InputError::NotNow),
        }
    }

    /// There is nobody any more for whom the target could be there.
    pub fn handle_nobody(&mut self) {
        let outcome = match self.state {
            State::Joined | State::Confirmed => TransferOutcome::Joined,
            State::Over => return,
            _ => TransferOutcome::Cancelled,
        };
        self.push([Action::Drop]);
        self.finish(outcome, 0);
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        match self.state {
            State::Asking => self.begin(now),
            State::Dialling => {
                let late = self.late.take_if(|at| *at <= now).is_some();
                if self.rings_until().is_some_and(|at| at <= now) {
                    self.push([Action::Drop, Action::Tell(Notice::NoAnswer)]);
                    self.next(now, TransferOutcome::NoAnswer, 0);
                } else if late {
                    self.push([Action::Late]);
                }
            }
            State::Briefing => self.arrive(),
            _ => {}
        }
    }

    /// How long the present target may ring.
    fn rings_until(&self) -> Option<Mono> {
        self.deadline.into_iter().chain(self.limit).min()
    }

    /// Another way to the same target is tried since one failed: it may ring until `least`, but not
    /// longer than 15 s beyond the limit for all. At that limit people hear of it ([`Action::Late`]).
    pub fn handle_another(&mut self, least: Mono) {
        if self.state == State::Dialling {
            let least = self.last.map_or(least, |last| least.min(last));
            for at in [&mut self.deadline, &mut self.limit].into_iter().flatten() {
                *at = least.max(*at);
            }
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        match self.state {
            State::Dialling => self.rings_until().into_iter().chain(self.late).min(),
            _ => self.deadline,
        }
    }

    /// The next thing to do; drain it after each input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn push(&mut self, actions: impl IntoIterator<Item = Action>) {
        self.actions.extend(actions);
    }

    fn begin(&mut self, now: Mono) {
        self.limit = Some(now + self.terms.limit);
        self.late = self.limit;
        self.last = Some(now + self.terms.limit + MOST_OVER);
        self.dial(now, 0);
    }

    fn dial(&mut self, now: Mono, target: u8) {
        self.state = State::Dialling;
        self.current = target;
        self.rang = false;
        self.deadline = Some(now + self.terms.ring);
        self.push([Action::Tell(Notice::Dialling(target)), Action::Dial(target)]);
    }

    /// The present target will not come: the next, while there is time.
    fn next(&mut self, now: Mono, outcome: TransferOutcome, status: u16) {
        let next = self.current.saturating_add(1);
        let in_time = self.limit.is_none_or(|limit| now < limit);
        if next < self.targets && in_time {
            self.dial(now, next);
        } else {
            self.finish(outcome, status);
        }
    }

    fn arrive(&mut self) {
        self.deadline = None;
        self.limit = None;
        if self.terms.manner == Manner::Consult {
            self.state = State::Apart;
            self.push([Action::Meet, Action::Tell(Notice::Apart)]);
        } else {
            self.state = State::Joined;
            self.push([Action::Join, Action::Tell(Notice::Joined)]);
        }
    }

    fn finish(&mut self, outcome: TransferOutcome, status: u16) {
        self.state = State::Over;
        self.deadline = None;
        self.limit = None;
        self.push([Action::Finished { outcome, status }]);
    }
}
