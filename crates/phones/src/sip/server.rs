//! The server transactions of RFC 3261 §17.2 over UDP, with the Accepted state of RFC 6026.

use super::timers::SipTimers;
use rsip::Method;
use std::net::SocketAddr;
use std::time::Duration;

/// ```text
///        request               final of INVITE, 3xx-6xx            ACK (§17.2.1)
///  ───► Proceeding ───────────────► Completed ────────────────────► Confirmed ──► gone
///          │  │                     G: repeat, H: gone
///          │  └── 2xx of INVITE ──► Accepted (RFC 6026 §7.1): the leg repeats the 2xx ──► gone
///          └───── final of others ► Completed, J: gone (§17.2.2)
///  The request again: the last response again, but nothing in Accepted and Confirmed.
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerState {
    Proceeding,
    Completed,
    Accepted,
    Confirmed,
}

/// One request being answered.
pub(crate) struct ServerTx {
    pub method: Method,
    /// The leg that an INVITE belongs to, for CANCEL.
    pub leg: Option<u64>,
    pub to: SocketAddr,
    pub state: ServerState,
    pub last: Option<Vec<u8>>,
    interval: Duration,
}

impl ServerTx {
    pub(crate) fn new(method: Method, leg: Option<u64>, to: SocketAddr, times: &SipTimers) -> Self {
        Self {
            method,
            leg,
            to,
            state: ServerState::Proceeding,
            last: None,
            interval: times.t1,
        }
    }

    /// The key under which repetitions, ACK and CANCEL find it (RFC 3261 §17.2.3).
    pub(crate) fn key(branch: &str, sent_by: &str, method: Method) -> String {
        format!("{branch}|{sent_by}|{method}")
    }

    /// Keeps a response for repetitions; true if timer G must run.
    pub(crate) fn responded(&mut self, status: u16, bytes: Vec<u8>) -> bool {
        self.last = Some(bytes);
        let invite = self.method == Method::Invite;
        self.state = match status {
            ..200 => ServerState::Proceeding,
            200..300 if invite => ServerState::Accepted,
            _ => ServerState::Completed,
        };
        invite && self.state == ServerState::Completed
    }

    /// What to send when the request comes again.
    pub(crate) fn repeated(&self) -> Option<&[u8]> {
        let silent = matches!(self.state, ServerState::Accepted | ServerState::Confirmed);
        self.last.as_deref().filter(|_| !silent)
    }

    /// Timer G: how long until the next repetition; `None` once the ACK is there.
    pub(crate) fn repeat(&mut self, times: &SipTimers) -> Option<Duration> {
        if self.method != Method::Invite || self.state != ServerState::Completed {
            return None;
        }
        self.interval = (self.interval * 2).min(times.t2);
        Some(self.interval)
    }

    /// ACK to a final response other than 2xx.
    pub(crate) fn acknowledged(&mut self) {
        if self.state == ServerState::Completed {
            self.state = ServerState::Confirmed;
        }
    }
}
