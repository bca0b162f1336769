//! The hand-over of one call to one target.

use meishier_model::{Mono, TransferOutcome};
use serde::{Deserialize, Serialize};
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
    /// The target failed with this SIP status.
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

/// What the engine has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Dial the target.
    Dial(Target),
    /// Put the target into the conversation.
    Join,
    /// Tell everybody in the conversation.
    Tell(Notice),
    /// Release this party's leg, whatever its state.
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
    /// Nobody is left to talk to, and everybody was served: end the call.
    End,
}

/// Where a hand-over stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No key was pressed.
    Idle,
    /// The target is dialled or rings.
    Dialling,
    /// The target is in the conversation.
    Joined,
    /// The last attempt is over.
    Done,
}

/// Why a key press was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PressError {
    /// A target is dialled or joined already.
    Busy,
    /// Caller or counsellor has left.
    Ended,
}

/// The machine of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    state: State,
}

#[allow(unused_variables, reason = "skeleton of signatures")]
impl Handover {
    /// A call of caller and counsellor, no key pressed.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Idle }
    }
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }
    /// The counsellor presses a key; the target must answer within `ring`.
    ///
    /// # Errors
    /// See [`PressError`].
    pub fn handle_press(
        &mut self,
        now: Mono,
        target: Target,
        ring: Duration,
    ) -> Result<(), PressError> {
        Ok(())
    }
    /// The counsellor takes the key back.
    pub fn handle_cancel(&mut self, now: Mono) {}
    /// The target's telephone rings (180, 183).
    pub fn handle_ringing(&mut self, now: Mono) {}
    /// The target answered.
    pub fn handle_answered(&mut self, now: Mono) {}
    /// The target's leg failed with this SIP status (300 to 699).
    pub fn handle_failed(&mut self, now: Mono, status: u16) {}
    /// A party's leg ended.
    pub fn handle_party_left(&mut self, now: Mono, party: Party) {}
    /// Time passed.
    pub fn handle_timeout(&mut self, now: Mono) {}
    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        None
    }
    /// The next thing to do; drain it after each input.
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }
}

impl Default for Handover {
    fn default() -> Self {
        Self::new()
    }
}
