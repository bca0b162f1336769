//! The INVITE server transaction (RFC 3261 §17.2.1, with the Accepted state of RFC 6026 §7.1).
//!
//! A pure machine: it says what to do, `transactions` does it.

use crate::timers::{Repeat, Timers, earlier, rebase};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};

/// Where an INVITE server transaction stands.
///
/// ```text
///                  INVITE
///                    │ 100 by the endpoint at once
///                    ▼
///             ┌────────────┐ INVITE again: last provisional again
///   1xx ─────▶│ Proceeding │◀──┐
///             └─┬────────┬─┴───┘
///        2xx    │        │ 300–699: start G (UDP), H
///   start L     ▼        ▼
///     ┌──────────┐   ┌───────────┐ INVITE again, G: response again
///     │ Accepted │   │ Completed │◀──┐
///     └─┬────────┘   └─┬───────┬─┴───┘
///       │ INVITE       │ ACK   │ H: no ACK came
///       │ absorbed     ▼       │
///       │        ┌───────────┐ │
///       │ L      │ Confirmed │ │ ACK absorbed
///       │        └─┬─────────┘ │
///       │          │ I         │
///       ▼          ▼           ▼
///     ┌──────────────────────────┐
///     │        Terminated        │
///     └──────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteServerState {
    /// No final response was sent.
    Proceeding,
    /// A 2xx was sent; the leg repeats it, the transaction only absorbs the INVITE.
    Accepted,
    /// A final response other than 2xx was sent; it is repeated until its ACK comes.
    Completed,
    /// The ACK came; further ones are absorbed.
    Confirmed,
    /// Over: to be freed.
    Terminated,
}

/// What the owner of the machine has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteServerAction {
    /// Nothing.
    Nothing,
    /// Send the last response again.
    Resend,
    /// Tell the leg that the ACK of a failure came.
    Acknowledged,
    /// Tell the leg that no ACK came within 64·T1; the transaction is over.
    NoAck,
}

/// One INVITE server transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteServer {
    state: InviteServerState,
    reliable: bool,
    /// Timer G.
    repeat: Repeat,
    /// Timer H, I or L.
    end: Option<Mono>,
}

impl InviteServer {
    /// A transaction for an INVITE that has just come.
    #[must_use]
    pub fn new(reliable: bool) -> Self {
        Self {
            state: InviteServerState::Proceeding,
            reliable,
            repeat: Repeat::off(),
            end: None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> InviteServerState {
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

    /// The endpoint sends a response. True if the transaction lets it through.
    pub fn on_send(&mut self, now: Mono, timers: &Timers, status: u16) -> bool {
        if self.state != InviteServerState::Proceeding {
            return false;
        }
        match status {
            // §17.2.1: provisional responses keep the state.
            ..200 => {}
            // RFC 6026 §7.1: timer L starts in Accepted, on any transport.
            200..300 => {
                self.state = InviteServerState::Accepted;
                self.end = Some(now + timers.timeout());
            }
            // §17.2.1: timer G only if unreliable, timer H always.
            _ => {
                self.state = InviteServerState::Completed;
                self.end = Some(now + timers.timeout());
                if !self.reliable {
                    self.repeat.set(now, timers.t1);
                }
            }
        }
        true
    }

    /// The INVITE came again.
    #[must_use]
    pub fn on_retransmission(&self) -> InviteServerAction {
        match self.state {
            // §17.2.1: the most recent response again.
            InviteServerState::Proceeding | InviteServerState::Completed => {
                InviteServerAction::Resend
            }
            // RFC 6026 §7.1: absorbed without a response; Confirmed and Terminated likewise.
            _ => InviteServerAction::Nothing,
        }
    }

    /// An ACK with this transaction's branch came.
    pub fn on_ack(&mut self, now: Mono, timers: &Timers) -> InviteServerAction {
        if self.state != InviteServerState::Completed {
            // §17.2.1: Confirmed absorbs further ACKs.
            return InviteServerAction::Nothing;
        }
        // §17.2.1: timers G and H are stopped; timer I is zero on a reliable transport.
        self.repeat = Repeat::off();
        if self.reliable {
            self.terminate();
        } else {
            self.state = InviteServerState::Confirmed;
            self.end = Some(now + timers.linger(self.reliable));
        }
        InviteServerAction::Acknowledged
    }

    /// A timer may be due.
    pub fn on_timeout(&mut self, now: Mono, timers: &Timers) -> InviteServerAction {
        if self.end.is_some_and(|end| end <= now) {
            // §17.2.1: timer H tells the user that no ACK came; I and L end in silence.
            let no_ack = self.state == InviteServerState::Completed;
            self.terminate();
            return if no_ack {
                InviteServerAction::NoAck
            } else {
                InviteServerAction::Nothing
            };
        }
        // §17.2.1: timer G doubles up to T2.
        if self.repeat.fire(now, Some(timers.t2)) {
            return InviteServerAction::Resend;
        }
        InviteServerAction::Nothing
    }

    fn terminate(&mut self) {
        self.state = InviteServerState::Terminated;
        self.repeat = Repeat::off();
        self.end = None;
    }
}
