//! The INVITE client transaction (RFC 3261 §17.1.1, with the Accepted state of RFC 6026 §7.2).

use crate::timers::{Repeat, Timers, earlier, rebase};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};

/// Where an INVITE client transaction stands.
///
/// ```text
///               INVITE sent: start A (UDP), B
///                        ▼
///                  ┌─────────┐ A: INVITE again, interval doubles
///        ┌─────────│ Calling │◀──┐
///        │         └┬───┬───┬┴───┘
///        │      1xx │   │   └───────────────┐ 300–699: ACK
///        │          ▼   │ 2xx               │
///        │ ┌────────────┐───────┐           │
///        │ │ Proceeding │       │           │
///        │ └──┬─────┬───┘       │           │
///        │    │ 2xx │ 300–699: ACK, start D │
///        │    │     └───────────│───┐       │
/// B, the │    ▼ start M         ▼   ▼       ▼
/// flow   │  ┌───────────────────┐ ┌───────────┐ 300–699 again:
/// failed,│  │     Accepted      │ │ Completed │◀──┐ ACK again
/// given  │  │ 2xx: to the leg   │ └─────┬─────┴───┘
/// up     │  └─────────┬─────────┘       │ D
///        ▼            ▼ M               ▼
///     ┌────────────────────────────────────┐
///     │             Terminated             │
///     └────────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteClientState {
    /// Sent, no response yet.
    Calling,
    /// A provisional response came; no timer runs.
    Proceeding,
    /// A 2xx came; every further 2xx goes to the leg, which sends the ACK.
    Accepted,
    /// A failure came; the transaction acknowledges it as often as it comes.
    Completed,
    /// Over: to be freed.
    Terminated,
}

/// What the owner of the machine has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteClientAction {
    /// Nothing.
    Nothing,
    /// Send the INVITE again.
    Resend,
    /// Hand the response to the leg.
    Deliver,
    /// Send the ACK of a failure and hand the response to the leg.
    AckAndDeliver,
    /// Send the ACK of a failure again.
    Ack,
    /// Tell the leg that nobody responded (as 408, RFC 3261 §8.1.3.1).
    TimedOut,
}

/// One INVITE client transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteClient {
    state: InviteClientState,
    reliable: bool,
    /// Timer A.
    repeat: Repeat,
    /// Timer B, D or M, or the end of the wait after a CANCEL.
    end: Option<Mono>,
    /// Nobody waits for the final response any more.
    given_up: bool,
}

impl InviteClient {
    /// A transaction whose INVITE is sent now (§17.1.1.2: timer A only if unreliable).
    #[must_use]
    pub fn new(now: Mono, timers: &Timers, reliable: bool) -> Self {
        let repeat = if reliable {
            Repeat::off()
        } else {
            Repeat::start(now, timers.t1)
        };
        Self {
            state: InviteClientState::Calling,
            reliable,
            repeat,
            end: Some(now + timers.timeout()),
            given_up: false,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> InviteClientState {
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
    pub fn on_response(&mut self, now: Mono, timers: &Timers, status: u16) -> InviteClientAction {
        match (self.state, status) {
            // §17.1.1.2: a provisional response stops A and B.
            (InviteClientState::Calling, ..200) => {
                self.state = InviteClientState::Proceeding;
                self.repeat = Repeat::off();
                self.end = self.given_up.then(|| now + timers.timeout());
                InviteClientAction::Deliver
            }
            (InviteClientState::Proceeding, ..200) => InviteClientAction::Deliver,
            // RFC 6026 §7.2: a 2xx starts timer M, on any transport.
            (InviteClientState::Calling | InviteClientState::Proceeding, 200..300) => {
                self.state = InviteClientState::Accepted;
                self.repeat = Repeat::off();
                self.end = Some(now + timers.timeout());
                InviteClientAction::Deliver
            }
            // §17.1.1.2: timer D is zero on a reliable transport.
            (InviteClientState::Calling | InviteClientState::Proceeding, _) => {
                self.repeat = Repeat::off();
                if self.reliable {
                    self.terminate();
                } else {
                    self.state = InviteClientState::Completed;
                    self.end = Some(now + timers.d(self.reliable));
                }
                InviteClientAction::AckAndDeliver
            }
            // RFC 6026 §7.2: every 2xx in Accepted goes up, anything else is dropped.
            (InviteClientState::Accepted, 200..300) => InviteClientAction::Deliver,
            // §17.1.1.2: a repeated failure is acknowledged again.
            (InviteClientState::Completed, 300..) => InviteClientAction::Ack,
            _ => InviteClientAction::Nothing,
        }
    }

    /// A CANCEL was sent, or the dialog of a re-INVITE ended: if no final response comes within
    /// 64·T1 none is waited for any more (§9.1). Without this a transaction in Proceeding, which
    /// has no timer, would stay for ever when the final response is lost with its sender.
    pub fn on_given_up(&mut self, now: Mono, timers: &Timers) {
        self.given_up = true;
        if self.state == InviteClientState::Proceeding {
            self.end = Some(now + timers.timeout());
        }
    }

    /// A timer may be due.
    pub fn on_timeout(&mut self, now: Mono) -> InviteClientAction {
        if self.end.is_some_and(|end| end <= now) {
            // §17.1.1.2: timer B informs the user; so does the end of §9.1. D and M are silent.
            let waiting = self.is_waiting();
            self.terminate();
            return if waiting {
                InviteClientAction::TimedOut
            } else {
                InviteClientAction::Nothing
            };
        }
        // §17.1.1.2: timer A doubles without a cap.
        if self.repeat.fire(now, None) {
            return InviteClientAction::Resend;
        }
        InviteClientAction::Nothing
    }

    /// The flow failed (§17.1.4). True if the leg has to be told (as 503, §8.1.3.1).
    pub fn on_flow_failed(&mut self) -> bool {
        let waiting = self.is_waiting();
        if waiting || self.state == InviteClientState::Completed {
            self.terminate();
        }
        waiting
    }

    /// True while no final response came.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(
            self.state,
            InviteClientState::Calling | InviteClientState::Proceeding
        )
    }

    fn terminate(&mut self) {
        self.state = InviteClientState::Terminated;
        self.repeat = Repeat::off();
        self.end = None;
    }
}
