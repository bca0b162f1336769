//! The server transaction of every request but INVITE and ACK (RFC 3261 §17.2.2, RFC 4320).

use crate::timers::{Timers, rebase};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};

/// Where a non-INVITE server transaction stands.
///
/// ```text
///        request
///           ▼
///      ┌────────┐   1xx    ┌────────────┐ request again: 1xx again
///      │ Trying │─────────▶│ Proceeding │◀──┐
///      └─┬────┬─┘          └─┬────────┬─┴───┘
///        │    │ 200–699      │        │ 64·T1 without a final
///        │    └────────┬─────┘        │ response
///        │             ▼ start J      │
///        │      ┌───────────┐ request again: response again
///        │      │ Completed │◀──┐     │
///        │      └─────┬─────┴───┘     │
///        │ 64·T1      │ J             │
///        ▼            ▼               ▼
///      ┌──────────────────────────────────┐
///      │            Terminated            │
///      └──────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NonInviteServerState {
    /// No response was sent; the request's retransmissions are absorbed.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// A final response was sent.
    Completed,
    /// Over: to be freed.
    Terminated,
}

/// What the owner of the machine has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonInviteServerAction {
    /// Nothing.
    Nothing,
    /// Send the last response again.
    Resend,
}

/// One non-INVITE server transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonInviteServer {
    state: NonInviteServerState,
    reliable: bool,
    /// Timer J, or the end of the time in which a response makes sense.
    end: Option<Mono>,
}

impl NonInviteServer {
    /// A transaction for a request that has just come.
    ///
    /// If nobody answers within 64·T1 the client's timer F has fired and no response may be sent
    /// any more (RFC 4320 §4.2), so the transaction ends by itself.
    #[must_use]
    pub fn new(now: Mono, timers: &Timers, reliable: bool) -> Self {
        Self {
            state: NonInviteServerState::Trying,
            reliable,
            end: Some(now + timers.timeout()),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> NonInviteServerState {
        self.state
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        self.end
    }

    /// Moves its timer to another clock (see [`rebase`]).
    pub fn rebase(&mut self, taken: Mono, now: Mono) {
        rebase(&mut self.end, taken, now);
    }

    /// The endpoint sends a response. True if the transaction lets it through.
    pub fn on_send(&mut self, now: Mono, timers: &Timers, status: u16) -> bool {
        match self.state {
            NonInviteServerState::Trying | NonInviteServerState::Proceeding if status < 200 => {
                // §17.2.2: the first provisional response leads to Proceeding.
                self.state = NonInviteServerState::Proceeding;
                true
            }
            NonInviteServerState::Trying | NonInviteServerState::Proceeding => {
                // §17.2.2: timer J is zero on a reliable transport.
                if self.reliable {
                    self.terminate();
                } else {
                    self.state = NonInviteServerState::Completed;
                    self.end = Some(now + timers.j(self.reliable));
                }
                true
            }
            // §17.2.2: further final responses are discarded.
            NonInviteServerState::Completed | NonInviteServerState::Terminated => false,
        }
    }

    /// The request came again.
    #[must_use]
    pub fn on_retransmission(&self) -> NonInviteServerAction {
        match self.state {
            // §17.2.2: discarded in Trying, answered in the states that have a response.
            NonInviteServerState::Trying | NonInviteServerState::Terminated => {
                NonInviteServerAction::Nothing
            }
            NonInviteServerState::Proceeding | NonInviteServerState::Completed => {
                NonInviteServerAction::Resend
            }
        }
    }

    /// The timer may be due. True if the transaction is over.
    pub fn on_timeout(&mut self, now: Mono) -> bool {
        if self.end.is_some_and(|end| end <= now) {
            self.terminate();
        }
        self.state == NonInviteServerState::Terminated
    }

    fn terminate(&mut self) {
        self.state = NonInviteServerState::Terminated;
        self.end = None;
    }
}
