//! The hand-over of one call to one target.
//!
//! One rule stands above all others: while the caller is on the line, somebody stays with it, or
//! it goes back to the head of the queue. No failure of the target touches the conversation of
//! caller and counsellor.

use meishier_model::{Mono, TransferOutcome};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::plan::Target;

/// Somebody in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Who called the hotline.
    Caller,
    /// Who answered.
    Counsellor,
    /// Whom the key reaches.
    Target,
}

/// What everybody still in the conversation is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The target is being dialled.
    Dialling,
    /// The target's telephone rings.
    Ringing,
    /// The target is in the conversation.
    Joined,
    /// The target failed with this SIP status, 0 if its leg ended without one.
    Failed(u16),
    /// The target did not answer in time.
    NoAnswer,
    /// The counsellor took the key back.
    Cancelled,
    /// The counsellor's line ended; the transfer goes on.
    CounsellorLeft,
    /// The target hung up after it had joined.
    TargetLeft,
}

/// What the engine has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Dial the target.
    Dial(Target),
    /// Put the target into the conversation with whoever is there.
    Join,
    /// Tell everybody who is in the conversation.
    Tell(Notice),
    /// Release this party's leg, whatever its state. Nothing happens if it has none.
    Drop(Party),
    /// The attempt is over: close its entry in the record.
    Finished {
        /// What came of it.
        outcome: TransferOutcome,
        /// The target's final SIP status, or 0.
        status: u16,
    },
    /// The caller is alone and was not served: back to the head of the queue, flagged risk.
    Requeue,
    /// The target, who stayed with the caller to the end, hung up: end the call.
    End,
}

/// Where a hand-over stands.
///
/// ```text
///             press              answered
///   Idle ────────────► Dialling ──────────► Joined
///   Done ────────────►    │ │                 │ │
///    ▲ failed, ring limit,│ │ counsellor left │ │
///    │ cancel             │ │                 │ │
///    ├────────────────────┘ │     target left │ │
///    ├──────────────────────┼─────────────────┘ │
///                           ▼     answered      ▼ counsellor left
///                     DiallingAlone ─────► JoinedAlone
///      failed, ring limit,  │                   │
///      cancel: requeue      ▼                   │ target left: end
///                          Over ◄───────────────┘
///   Over ◄── caller left, in every state: a target is dropped
///   Over ◄── counsellor left, in Idle and Done
/// ```
///
/// Progress, final responses and CANCEL of the target's INVITE are RFC 3261 §13 and §9; a 200 that
/// crosses the CANCEL still arrives as an answer and is dropped again (§9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Caller and counsellor talk; no key was pressed.
    Idle,
    /// They talk while the target is dialled or rings.
    Dialling,
    /// The counsellor's line is gone; the caller hears the target being dialled.
    DiallingAlone,
    /// All three talk.
    Joined,
    /// Caller and target talk.
    JoinedAlone,
    /// Caller and counsellor talk; the last attempt is over. A key may be pressed again.
    Done,
    /// There is nothing left for this machine to do.
    Over,
}

/// Why a key press was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PressError {
    /// A target is dialled or joined already: one at a time.
    Busy,
    /// The call has ended, or the counsellor has left.
    Ended,
}

impl fmt::Display for PressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "a transfer is under way",
            Self::Ended => "the call has ended",
        })
    }
}

impl std::error::Error for PressError {}

/// The machine of one call. Inputs by `handle_*`; after each, [`Handover::poll_action`] until it is
/// empty. Inputs that a state does not expect change nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    state: State,
    /// Latest answer of the target; set while it is dialled.
    deadline: Option<Mono>,
    /// True once ringing was told; a target may say 180 many times.
    rang: bool,
    actions: VecDeque<Action>,
}

impl Handover {
    /// A call of caller and counsellor, no key pressed.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            deadline: None,
            rang: false,
            actions: VecDeque::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The counsellor presses a key; the target must answer within `ring` from now.
    ///
    /// # Errors
    /// See [`PressError`].
    pub fn handle_press(
        &mut self,
        now: Mono,
        target: Target,
        ring: Duration,
    ) -> Result<(), PressError> {
        match self.state {
            State::Idle | State::Done => {
                self.state = State::Dialling;
                self.deadline = Some(now + ring);
                self.rang = false;
                self.push([Action::Dial(target), Action::Tell(Notice::Dialling)]);
                Ok(())
            }
            State::Dialling | State::Joined => Err(PressError::Busy),
            State::DiallingAlone | State::JoinedAlone | State::Over => Err(PressError::Ended),
        }
    }

    /// The counsellor, or a supervisor, takes the key back. A target that has joined stays: a
    /// service in conversation with the caller leaves by its own will only.
    pub fn handle_cancel(&mut self) {
        if self.dialling() {
            self.push([Action::Drop(Party::Target), Action::Tell(Notice::Cancelled)]);
            self.give_up(TransferOutcome::Cancelled, 0);
        }
    }

    /// The target's telephone rings (180, 183).
    pub fn handle_ringing(&mut self) {
        if self.dialling() && !self.rang {
            self.rang = true;
            self.push([Action::Tell(Notice::Ringing)]);
        }
    }

    /// The target answered.
    pub fn handle_answered(&mut self) {
        self.state = match self.state {
            State::Dialling => State::Joined,
            State::DiallingAlone => State::JoinedAlone,
            State::Done | State::Over => {
                self.push([Action::Drop(Party::Target)]);
                return;
            }
            State::Idle | State::Joined | State::JoinedAlone => return,
        };
        self.deadline = None;
        self.push([Action::Join, Action::Tell(Notice::Joined)]);
    }

    /// The target's leg failed with this SIP status (300 to 699), or ended without one (0).
    pub fn handle_failed(&mut self, status: u16) {
        match self.state {
            State::Dialling | State::DiallingAlone => {
                self.push([Action::Tell(Notice::Failed(status))]);
                self.give_up(TransferOutcome::Failed, status);
            }
            State::Joined | State::JoinedAlone => self.target_left(),
            State::Idle | State::Done | State::Over => {}
        }
    }

    /// A party's leg ended, by its own will or by a fault of its network.
    pub fn handle_party_left(&mut self, party: Party) {
        match party {
            Party::Caller => self.caller_left(),
            Party::Counsellor => self.counsellor_left(),
            Party::Target => self.handle_failed(0),
        }
    }

    /// Time passed: a target that has not answered by its limit is given up.
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.push([Action::Drop(Party::Target), Action::Tell(Notice::NoAnswer)]);
            self.give_up(TransferOutcome::NoAnswer, 0);
        }
    }

    /// Another way to the target is tried since one failed: it may answer until `least` at any rate.
    pub fn handle_another(&mut self, least: Mono) {
        if let Some(deadline) = &mut self.deadline {
            *deadline = least.max(*deadline);
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.deadline
    }

    /// The next thing to do; drain it after each input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn dialling(&self) -> bool {
        matches!(self.state, State::Dialling | State::DiallingAlone)
    }

    fn push(&mut self, actions: impl IntoIterator<Item = Action>) {
        self.actions.extend(actions);
    }

    fn finish(&mut self, state: State, outcome: TransferOutcome, status: u16) {
        self.state = state;
        self.deadline = None;
        self.push([Action::Finished { outcome, status }]);
    }

    /// The target will not come. With the counsellor gone nobody is with the caller, who is the one
    /// that needed help most: back to the head of the queue.
    fn give_up(&mut self, outcome: TransferOutcome, status: u16) {
        if self.state == State::DiallingAlone {
            self.finish(State::Over, outcome, status);
            self.push([Action::Requeue]);
        } else {
            self.finish(State::Done, outcome, status);
        }
    }

    fn target_left(&mut self) {
        if self.state == State::JoinedAlone {
            self.finish(State::Over, TransferOutcome::Joined, 0);
            self.push([Action::End]);
        } else {
            self.push([Action::Tell(Notice::TargetLeft)]);
            self.finish(State::Done, TransferOutcome::Joined, 0);
        }
    }

    fn caller_left(&mut self) {
        let outcome = match self.state {
            State::Dialling | State::DiallingAlone => TransferOutcome::Cancelled,
            State::Joined | State::JoinedAlone => TransferOutcome::Joined,
            State::Idle | State::Done | State::Over => {
                self.state = State::Over;
                return;
            }
        };
        self.push([Action::Drop(Party::Target)]);
        self.finish(State::Over, outcome, 0);
    }

    /// A counsellor's telephone may die in the worst moment. While the target is dialled, dropping
    /// it would leave the caller with nobody and the police unasked, so dialling goes on and the
    /// caller hears it; once joined, the caller stays with the target.
    fn counsellor_left(&mut self) {
        self.state = match self.state {
            State::Dialling => State::DiallingAlone,
            State::Joined => State::JoinedAlone,
            State::Idle | State::Done => {
                self.state = State::Over;
                return;
            }
            State::DiallingAlone | State::JoinedAlone | State::Over => return,
        };
        self.push([Action::Tell(Notice::CounsellorLeft)]);
    }
}

impl Default for Handover {
    fn default() -> Self {
        Self::new()
    }
}
