//! Ringing that is acknowledged (RFC 3262): a telephone's 180, sent until its PRACK comes, and which
//! of those that come to a caller are new.

use super::timers::{LONG, Repeat, earlier};
use meishier_model::Mono;
use std::time::Duration;

/// One reliable provisional response of ours (RFC 3262 §3).
///
/// ```text
///   180 sent ──▶ Unheard ── T1, 2·T1, …: again
///                 │    │ └─ 64·T1: 504
///            PRACK│    │ final response
///                 ▼    ▼
///                Acknowledged, or not waited for
/// ```
#[derive(Debug)]
pub(crate) struct Reliable {
    number: u32,
    waits: bool,
    repeat: Repeat,
    end: Mono,
}

/// What time brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheard {
    Nothing,
    Again,
    Never,
}

impl Reliable {
    /// One that is sent now.
    pub(crate) fn new(now: Mono, number: u32) -> Self {
        Self {
            number,
            waits: true,
            repeat: Repeat::from(now),
            end: now + LONG,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        earlier(self.repeat.at(), Some(self.end)).filter(|_| self.waits)
    }

    pub(crate) fn handle_timeout(&mut self, now: Mono) -> Unheard {
        if !self.waits {
            Unheard::Nothing
        } else if self.end <= now {
            self.waits = false;
            Unheard::Never
        } else if self.repeat.is_due(now, Duration::MAX) {
            Unheard::Again
        } else {
            Unheard::Nothing
        }
    }

    /// A final response goes out.
    pub(crate) fn rest(&mut self) {
        self.waits = false;
    }

    /// True if a RAck value names it, and this INVITE (§7.2).
    pub(crate) fn is_named(&self, rack: &str, cseq: u32) -> bool {
        rack.split_ascii_whitespace()
            .eq([&*self.number.to_string(), &*cseq.to_string(), "INVITE"])
    }
}
