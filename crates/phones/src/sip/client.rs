//! The client transactions of RFC 3261 §17.1 over UDP, INVITE and others.

use super::timers::SipTimers;
use rsip::Method;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// Who gets the responses.
pub(crate) enum Owner {
    /// A leg.
    Leg(u64),
    /// A phone's registration.
    Registration(u64),
    /// An OPTIONS sent by a script: the status goes there.
    Options(Option<oneshot::Sender<u16>>),
}

/// ```text
///            request sent, timers A/E (again) and B/F (limit) start
///                  │
///              ┌───▼───┐   1xx (§17.1.1.2, §17.1.2.2)   ┌────────────┐
///              │Calling├────────────────────────────────►│Proceeding  │
///              └───┬───┘  INVITE: A and B stop            └─────┬──────┘
///                  │      others: E goes on every T2            │
///                  │ final (INVITE: 3xx-6xx, then ACK)          │ final
///                  └───────────────┬────────────────────────────┘
///                            ┌─────▼─────┐  final again: INVITE repeats the ACK
///                            │ Completed │  timers D/K: gone
///                            └───────────┘
///  INVITE with 2xx: gone at once, the leg repeats its ACK itself (§13.2.2.4)
///  timers B/F in Calling or Proceeding (not INVITE): reported as 408, gone
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientState {
    Calling,
    Proceeding,
    Completed,
}

/// What the stack does with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is news for the owner.
    Deliver,
    /// It is news, and the transaction is over now (2xx to INVITE).
    DeliverAndDrop,
    /// A repetition of the final response.
    Repeated,
}

/// One request on its way.
pub(crate) struct ClientTx {
    pub method: Method,
    pub bytes: Vec<u8>,
    pub to: SocketAddr,
    pub owner: Owner,
    pub state: ClientState,
    /// The ACK to a final response other than 2xx, to be repeated with it.
    pub ack: Option<Vec<u8>>,
    interval: Duration,
}

impl ClientTx {
    pub(crate) fn new(
        method: Method,
        bytes: Vec<u8>,
        to: SocketAddr,
        owner: Owner,
        times: &SipTimers,
    ) -> Self {
        Self {
            method,
            bytes,
            to,
            owner,
            state: ClientState::Calling,
            ack: None,
            interval: times.t1,
        }
    }

    /// The key under which responses find the transaction (RFC 3261 §17.1.3).
    pub(crate) fn key(branch: &str, method: Method) -> String {
        format!("{branch}|{method}")
    }

    /// Timers A and E: how long until the next repetition; `None` once nothing is to be repeated.
    pub(crate) fn repeat(&mut self, times: &SipTimers) -> Option<Duration> {
        let invite = self.method == Method::Invite;
        match self.state {
            ClientState::Calling if invite => self.interval *= 2,
            ClientState::Calling => self.interval = (self.interval * 2).min(times.t2),
            ClientState::Proceeding if !invite => self.interval = times.t2,
            _ => return None,
        }
        Some(self.interval)
    }

    /// Takes a response.
    pub(crate) fn response(&mut self, status: u16) -> Verdict {
        let invite = self.method == Method::Invite;
        match (self.state, status) {
            (ClientState::Completed, _) => Verdict::Repeated,
            (_, ..200) => {
                self.state = ClientState::Proceeding;
                Verdict::Deliver
            }
            (_, 200..300) if invite => Verdict::DeliverAndDrop,
            _ => {
                self.state = ClientState::Completed;
                Verdict::Deliver
            }
        }
    }

    /// True if timer B or F ends it. An INVITE that was answered provisionally may ring on.
    pub(crate) fn times_out(&self) -> bool {
        match self.state {
            ClientState::Calling => true,
            ClientState::Proceeding => self.method != Method::Invite,
            ClientState::Completed => false,
        }
    }
}
