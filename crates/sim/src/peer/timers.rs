//! The timers of RFC 3261 §17 (table 4): what is sent again, and until when.

use meishier_model::Mono;
use std::time::Duration;

/// T1: the round trip that is reckoned with.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// T2: the longest pause between repetitions of non-INVITE requests and of 2xx.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// T4: how long a message may stay on its way.
pub(crate) const T4: Duration = Duration::from_secs(5);
/// 64·T1: timers B, D (at least 32 s), F, H, J, L and M.
pub(crate) const LONG: Duration = Duration::from_secs(32);

/// When something is sent again, each time after twice as long (timers A, E and G).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Repeat {
    at: Option<Mono>,
    pause: Duration,
}

impl Repeat {
    /// Never.
    pub(crate) fn off() -> Self {
        Self::default()
    }

    /// After T1, and so on.
    pub(crate) fn from(now: Mono) -> Self {
        Self {
            at: Some(now + T1),
            pause: T1,
        }
    }

    pub(crate) fn at(&self) -> Option<Mono> {
        self.at
    }

    /// True if it is time; the next time is after twice the pause, at most `cap`.
    pub(crate) fn is_due(&mut self, now: Mono, cap: Duration) -> bool {
        let due = self.at.is_some_and(|at| at <= now);
        if due {
            self.pause = (self.pause * 2).min(cap);
            self.at = Some(now + self.pause);
        }
        due
    }

    /// From now on every T2 (timer E in Proceeding).
    pub(crate) fn slow_down(&mut self) {
        self.pause = T2;
    }
}

/// The earlier of two times.
pub(crate) fn earlier(a: Option<Mono>, b: Option<Mono>) -> Option<Mono> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
