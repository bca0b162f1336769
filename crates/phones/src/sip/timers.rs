//! The timers of RFC 3261 and the queue in which they wait.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The three times from which RFC 3261 §17 derives all others (table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipTimers {
    /// Round-trip estimate: first retransmission.
    pub t1: Duration,
    /// Longest time between two retransmissions of a non-INVITE request or a final response.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Default for SipTimers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl SipTimers {
    /// 64*T1: timers B, F, H, J, and how long a 2xx is repeated.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.t1 * 64
    }
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Timers A and E: send the request again.
    ClientRetransmit(String),
    /// Timers B and F: no final response came.
    ClientTimeout(String),
    /// Timers D and K: forget the transaction.
    ClientGone(String),
    /// Timer G: send the final response again.
    ServerRetransmit(String),
    /// Timers H, I and J: forget the transaction.
    ServerGone(String),
    /// The 200 was not acknowledged yet (RFC 3261 §13.3.1.4).
    AnswerRetransmit(u64),
    /// The behaviour of a ringing phone: it answers.
    Answer(u64),
    /// The behaviour of a ringing phone: it refuses.
    Reject(u64, u16),
    /// The phone hangs up by itself.
    HangUp(u64),
    /// No final response after CANCEL or no end of a leg in time.
    LegLimit(u64),
    /// Forget an ended leg.
    LegGone(u64),
    /// Register again before the binding expires.
    Refresh(u64),
}

/// A queue of due times, earliest first; what no longer matters is ignored when it comes up.
#[derive(Default)]
pub(crate) struct TimerQueue {
    waiting: BTreeMap<(Instant, u64), Due>,
    count: u64,
}

impl TimerQueue {
    pub(crate) fn add(&mut self, at: Instant, due: Due) {
        self.count += 1;
        self.waiting.insert((at, self.count), due);
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn pop(&mut self, now: Instant) -> Option<Due> {
        let entry = self.waiting.first_entry()?;
        if entry.key().0 > now {
            None
        } else {
            Some(entry.remove())
        }
    }
}
