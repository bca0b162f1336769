//! The timer values of RFC 3261 (Table 4) and the queue that says which timer fires next.

use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// The base values from which every SIP timer is derived (RFC 3261 §17.1.1.1 and Table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// T1, the estimate of a round trip: 500 ms. First interval of every retransmission.
    pub t1: Duration,
    /// T2, the longest interval between retransmissions of non-INVITE requests and of responses
    /// to INVITE: 4 s.
    pub t2: Duration,
    /// T4, the longest time a message stays in the network: 5 s (timers I and K).
    pub t4: Duration,
    /// How often a ringing response is repeated so that no proxy gives up the call: 60 s
    /// (RFC 3261 §13.3.1.1).
    pub refresh: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            refresh: Duration::from_secs(60),
        }
    }
}

impl Timers {
    /// 64·T1, the length of timers B, F, H, J, L and M, and the wait for the ACK of a 2xx
    /// (RFC 3261 Table 4 and §13.3.1.4, RFC 6026 §7.1 and §7.2).
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D, how long an INVITE client transaction answers repeated failures: as long as the
    /// peer's timer H may run on an unreliable transport, nothing on a reliable one
    /// (RFC 3261 §17.1.1.2).
    #[must_use]
    pub fn d(&self, reliable: bool) -> Duration {
        if reliable {
            Duration::ZERO
        } else {
            self.timeout()
        }
    }

    /// Timers I and K: T4 on an unreliable transport, nothing on a reliable one
    /// (RFC 3261 §17.2.1, §17.1.2.2).
    #[must_use]
    pub fn linger(&self, reliable: bool) -> Duration {
        if reliable { Duration::ZERO } else { self.t4 }
    }

    /// Timer J: 64·T1 on an unreliable transport, nothing on a reliable one (RFC 3261 §17.2.2).
    #[must_use]
    pub fn j(&self, reliable: bool) -> Duration {
        if reliable {
            Duration::ZERO
        } else {
            self.timeout()
        }
    }
}

/// A retransmission timer whose interval doubles: A, E, G, and that of the 2xx to INVITE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    at: Option<Mono>,
    interval: Duration,
}

impl Repeat {
    /// Fires for the first time after `interval`.
    #[must_use]
    pub fn start(now: Mono, interval: Duration) -> Self {
        Self {
            at: Some(now + interval),
            interval,
        }
    }

    /// A timer that never fires.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// When it fires next.
    #[must_use]
    pub fn at(&self) -> Option<Mono> {
        self.at
    }

    /// True if it fires now; it is then set anew with twice the interval, at most `cap`.
    ///
    /// The next interval counts from `now`, so that a driver that comes late does not send a burst.
    pub fn fire(&mut self, now: Mono, cap: Option<Duration>) -> bool {
        if self.at.is_none_or(|at| at > now) {
            return false;
        }
        let doubled = self.interval.saturating_mul(2);
        self.set(now, cap.map_or(doubled, |cap| doubled.min(cap)));
        true
    }

    /// Fires next after `interval`.
    pub fn set(&mut self, now: Mono, interval: Duration) {
        *self = Self::start(now, interval);
    }

    /// Moves the timer from the clock of `taken` to that of `now` (see [`rebase`]).
    pub fn rebase(&mut self, taken: Mono, now: Mono) {
        rebase(&mut self.at, taken, now);
    }
}

/// Moves a point in time from a clock that showed `taken` to one that shows `now`: what was left
/// to wait is left to wait, what was due is due at once.
pub fn rebase(at: &mut Option<Mono>, taken: Mono, now: Mono) {
    if let Some(at) = at {
        *at = now + at.since(taken);
    }
}

/// The earlier of two points in time, of which either may be absent.
#[must_use]
pub fn earlier(a: Option<Mono>, b: Option<Mono>) -> Option<Mono> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// How late a [`Due::lingering`] timer may fire. At 100 calls a second such timers would else wake
/// the thread 400 times a second, each time to free a few bytes.
pub const LINGER_GRAIN: Duration = Duration::from_millis(500);

/// An owner's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: Mono,
    /// True for timers that only end the time for which a finished transaction is remembered
    /// (D, I, J, K, L, M): nothing is sent when they fire, so they may wait for one another.
    pub lingering: bool,
}

/// The timers of many owners, at most one each: an owner with several timers sets the earliest.
///
/// The owner keeps its deadline and hands it back on every change, so that no entry is ever
/// stale and [`TimerQueue::next`] is exact, but for lingering timers, which it puts together.
#[derive(Debug)]
pub struct TimerQueue<K: Ord + Copy> {
    prompt: BTreeSet<(Mono, K)>,
    lingering: BTreeSet<(Mono, K)>,
}

impl<K: Ord + Copy> Default for TimerQueue<K> {
    fn default() -> Self {
        Self {
            prompt: BTreeSet::new(),
            lingering: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Copy> TimerQueue<K> {
    fn entries(&mut self, lingering: bool) -> &mut BTreeSet<(Mono, K)> {
        if lingering {
            &mut self.lingering
        } else {
            &mut self.prompt
        }
    }

    /// Replaces an owner's deadline. `kept` is where the owner keeps it.
    pub fn set(&mut self, owner: K, kept: &mut Option<Due>, deadline: Option<Due>) {
        if *kept == deadline {
            return;
        }
        if let Some(old) = *kept {
            self.entries(old.lingering).remove(&(old.at, owner));
        }
        if let Some(new) = deadline {
            self.entries(new.lingering).insert((new.at, owner));
        }
        *kept = deadline;
    }

    /// The next owner whose deadline has come, with that deadline. It stays in the queue until
    /// [`TimerQueue::set`] changes it.
    #[must_use]
    pub fn due(&self, now: Mono) -> Option<(Mono, K)> {
        let first = [self.prompt.first(), self.lingering.first()];
        let first = first.into_iter().flatten().min().copied();
        first.filter(|(at, _)| *at <= now)
    }

    /// Takes out an entry whose owner no longer exists.
    pub fn forget(&mut self, entry: (Mono, K)) {
        self.prompt.remove(&entry);
        self.lingering.remove(&entry);
    }

    /// When the next timer is to be looked for: a lingering one up to [`LINGER_GRAIN`] after its
    /// deadline.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        let grain = LINGER_GRAIN.as_micros() as u64;
        let lingering = self.lingering.first();
        earlier(
            self.prompt.first().map(|(at, _)| *at),
            lingering.map(|(at, _)| Mono(at.0.div_ceil(grain).saturating_mul(grain))),
        )
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prompt.len() + self.lingering.len()
    }

    /// True if none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
