//! The client transaction of every request but INVITE and ACK (RFC 3261 §17.1.2).

use crate::timers::{Repeat, Timers, earlier, rebase};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};

/// Where a non-INVITE client transaction stands.
///
/// ```text
///              request sent: start E (UDP), F
///                       ▼
///                 ┌──────────┐ E: request again, interval doubles to T2
///        ┌────────│  Trying  │◀──┐
///        │        └──┬────┬──┴───┘
///        │       1xx │    │ 200–699, given up
///        │           ▼    │
///        │  ┌────────────┐│ E: request again every T2
///        ├──│ Proceeding ││◀──┐
///        │  └─────────┬──┘┴───┘
///        │    200–699,│   │
///        │    given up│   │
///   F or │            ▼   ▼ start K
/// failed │        ┌───────────┐ response again: absorbed
///   flow │        │ Completed │
///        │        └─────┬─────┘
///        ▼              ▼ K
///     ┌────────────────────┐
///     │     Terminated     │
///     └────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NonInviteClientState {
    /// Sent, no response yet.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// A final response came.
    Completed,
    /// Over: to be freed.
    Terminated,
}

/// What the owner of the machine has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonInviteClientAction {
    /// Nothing.
    Nothing,
    /// Send the request again.
    Resend,
    /// Hand the response to the user.
    Deliver,
    /// Tell the user that no final response came (as 408, RFC 3261 §8.1.3.1).
    TimedOut,
}

/// One non-INVITE client transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonInviteClient {
    state: NonInviteClientState,
    reliable: bool,
    /// Timer E.
    repeat: Repeat,
    /// Timer F or K.
    end: Option<Mono>,
}

impl NonInviteClient {
    /// A transaction whose request is sent now (§17.1.2.2: timer E only if unreliable).
    #[must_use]
    pub fn new(now: Mono, timers: &Timers, reliable: bool) -> Self {
        let repeat = if reliable {
            Repeat::off()
        } else {
            Repeat::start(now, timers.t1)
        };
        Self {
            state: NonInviteClientState::Trying,
            reliable,
            repeat,
            end: Some(now + timers.timeout()),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> NonInviteClientState {
        self.state
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        earlier(self.repeat.at(), self.end)
    }

    /// Moves its timers to another clock (see [`rebase`]).
    pub fn rebase(&mut self, taken: Mono, now: Mono) {
        self.repeat.rebase(taken, now);
        rebase(&mut self.end, taken, now);
    }

    /// A response came.
    pub fn on_response(
        &mut self,
        now: Mono,
        timers: &Timers,
        status: u16,
    ) -> NonInviteClientAction {
        match self.state {
            NonInviteClientState::Trying | NonInviteClientState::Proceeding if status < 200 => {
                // §17.1.2.2: in Proceeding timer E fires every T2.
                if self.state == NonInviteClientState::Trying && !self.reliable {
                    self.repeat.set(now, timers.t2);
                }
                self.state = NonInviteClientState::Proceeding;
                NonInviteClientAction::Deliver
            }
            NonInviteClientState::Trying | NonInviteClientState::Proceeding => {
                // §17.1.2.2: timer K is zero on a reliable transport.
                self.repeat = Repeat::off();
                if self.reliable {
                    self.terminate();
                } else {
                    self.state = NonInviteClientState::Completed;
                    self.end = Some(now + timers.linger(self.reliable));
                }
                NonInviteClientAction::Deliver
            }
            // §17.1.2.2: Completed absorbs retransmitted responses.
            NonInviteClientState::Completed | NonInviteClientState::Terminated => {
                NonInviteClientAction::Nothing
            }
        }
    }

    /// Nobody waits for the response any more: the request is not repeated, and a late response is
    /// absorbed as if it were a second one.
    pub fn on_given_up(&mut self, now: Mono, timers: &Timers) {
        if matches!(
            self.state,
            NonInviteClientState::Trying | NonInviteClientState::Proceeding
        ) {
            self.repeat = Repeat::off();
            self.state = NonInviteClientState::Completed;
            self.end = Some(now + timers.linger(false));
        }
    }

    /// A timer may be due.
    pub fn on_timeout(&mut self, now: Mono, timers: &Timers) -> NonInviteClientAction {
        if self.end.is_some_and(|end| end <= now) {
            // §17.1.2.2: timer F informs the user, timer K ends in silence.
            let waiting = matches!(
                self.state,
                NonInviteClientState::Trying | NonInviteClientState::Proceeding
            );
            self.terminate();
            return if waiting {
                NonInviteClientAction::TimedOut
            } else {
                NonInviteClientAction::Nothing
            };
        }
        // §17.1.2.2: timer E doubles up to T2.
        if self.repeat.fire(now, Some(timers.t2)) {
            return NonInviteClientAction::Resend;
        }
        NonInviteClientAction::Nothing
    }

    /// The flow failed (§17.1.4). True if the user has to be told (as 503, §8.1.3.1).
    pub fn on_flow_failed(&mut self) -> bool {
        let waiting = matches!(
            self.state,
            NonInviteClientState::Trying | NonInviteClientState::Proceeding
        );
        if waiting {
            self.terminate();
        }
        waiting
    }

    fn terminate(&mut self) {
        self.state = NonInviteClientState::Terminated;
        self.repeat = Repeat::off();
        self.end = None;
    }
}
