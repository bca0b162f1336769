//! The non-INVITE client transaction: BYE, CANCEL, UPDATE, PRACK, OPTIONS, REGISTER.

use super::timers::{LONG, Repeat, T2, earlier};
use meishier_model::Mono;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Bye,
    Cancel,
    Update,
    Prack,
    Options,
    Register,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Update => "UPDATE",
            Self::Prack => "PRACK",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
        }
    }
}

/// Where a non-INVITE client transaction stands (RFC 3261 §17.1.2).
///
/// ```text
///              request sent: timers E (UDP), F
///                 ▼
///           ┌─────────┐ E: request again, after T1, 2·T1 … T2
///           │ Trying  │◀─┐
///           └─┬─┬───┬─┴──┘
///        1xx  │ │   │ F (64·T1): nobody answered
///             ▼ │   ▼
///  ┌────────────┐│  Terminated
///  │ Proceeding ││     ▲
///  └──────┬─────┘│     │ 200–699
///         └──────┴─────┘
/// ```
/// Completed with its timer K is left out: it only swallows responses that come again, and a
/// response that fits no transaction is swallowed anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Terminated,
}

/// One request on its way.
#[derive(Debug)]
pub(crate) struct OtherOut {
    pub method: Method,
    pub branch: u64,
    state: State,
    packet: Vec<u8>,
    /// Timer E.
    repeat: Repeat,
    /// Timer F.
    end: Mono,
}

/// What time brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Send it again.
    Again,
    /// Nobody answered.
    Unanswered,
}

impl OtherOut {
    /// A request that is sent now.
    pub(crate) fn new(
        now: Mono,
        reliable: bool,
        method: Method,
        branch: u64,
        packet: Vec<u8>,
    ) -> Self {
        let repeat = if reliable {
            Repeat::off()
        } else {
            Repeat::from(now)
        };
        Self {
            method,
            branch,
            state: State::Trying,
            packet,
            repeat,
            end: now + LONG,
        }
    }

    /// True if a response by this branch and method is its own (§17.1.3).
    pub(crate) fn owns(&self, branch: Option<u64>, method: &str) -> bool {
        Some(self.branch) == branch && self.method.as_str() == method && !self.is_over()
    }

    /// A response came. True if it is the final one.
    pub(crate) fn handle_response(&mut self, status: u16) -> bool {
        if status < 200 {
            if self.state == State::Trying {
                self.state = State::Proceeding;
                self.repeat.slow_down();
            }
            return false;
        }
        self.state = State::Terminated;
        true
    }

    pub(crate) fn handle_timeout(&mut self, now: Mono) -> Due {
        if self.is_over() {
            Due::Nothing
        } else if self.end <= now {
            self.state = State::Terminated;
            Due::Unanswered
        } else if self.repeat.is_due(now, T2) {
            Due::Again
        } else {
            Due::Nothing
        }
    }

    pub(crate) fn packet(&self) -> Vec<u8> {
        self.packet.clone()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        (!self.is_over()).then(|| earlier(self.repeat.at(), Some(self.end)))?
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Terminated
    }
}
