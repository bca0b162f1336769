//! Session timers (RFC 4028): a session that nobody refreshes ends, so that one whose other side has
//! vanished does not stand for ever.

use crate::timers::{earlier, rebase};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The shortest interval that is agreed to: 90 s (RFC 4028 §4).
pub const SHORTEST: Duration = Duration::from_secs(90);

/// The longest interval that is reckoned with; a longer one is taken as this: a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Who refreshes, of the sides of one request (§4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresher {
    /// Who sent it.
    Uac,
    /// Who answered it.
    Uas,
}

impl Refresher {
    /// The value of the parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

/// What a message says of the session's time: Session-Expires, Min-SE, and the option tag `timer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Session-Expires without its parameter (§4).
    pub expires: Option<Duration>,
    /// Its `refresher`.
    pub refresher: Option<Refresher>,
    /// Min-SE (§5); zero if there is none.
    pub least: Duration,
    /// The sender names `timer` in Supported or Require (§7.1).
    pub supports: bool,
}

/// The interval and refresher of a Session-Expires value; `None` if it is none.
#[must_use]
pub fn parse(value: &str) -> Option<(Duration, Option<Refresher>)> {
    let mut parts = value.split(';');
    let seconds = seconds(parts.next()?)?;
    let refresher = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is = |word: &str| value.trim().eq_ignore_ascii_case(word);
        match name.trim().eq_ignore_ascii_case("refresher") {
            true if is("uac") => Some(Refresher::Uac),
            true if is("uas") => Some(Refresher::Uas),
            _ => None,
        }
    });
    Some((seconds, refresher))
}

/// The seconds of Session-Expires or Min-SE (§4, §5), a day at most.
#[must_use]
pub fn seconds(value: &str) -> Option<Duration> {
    let digits = value.split(';').next()?.trim();
    let number = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty();
    // More digits than fit are more than a day.
    let seconds = number.then(|| digits.parse().unwrap_or(u64::MAX))?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// What the called side makes of a request (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// 422 with our Min-SE: too short.
    TooShort,
    /// No session timer.
    Untimed,
    /// This goes into the 2xx.
    Timed {
        /// Session-Expires.
        interval: Duration,
        /// Its `refresher`.
        refresher: Refresher,
        /// `Require: timer` goes with it.
        require: bool,
    },
}

/// What to answer to a request that claims this, if `ours` is what we would ask for ourselves (§9,
/// Table 2): never longer than was asked for, never shorter than either side's least.
#[must_use]
pub fn judge(claimed: Claimed, ours: Option<Duration>) -> Verdict {
    let least = claimed.least.max(SHORTEST);
    let interval = match (claimed.expires, ours) {
        (Some(asked), _) if asked < SHORTEST => {
            // Who does not know the timer cannot be told 422 (§9).
            return if claimed.supports {
                Verdict::TooShort
            } else {
                Verdict::Untimed
            };
        }
        (Some(asked), Some(ours)) => ours.max(least).min(asked),
        (Some(asked), None) => asked,
        (None, Some(ours)) => ours.max(least),
        (None, None) => return Verdict::Untimed,
    };
    let refresher = match (claimed.supports, claimed.refresher) {
        // Table 2: who does not know the timer does not refresh.
        (false, _) => Refresher::Uas,
        (true, Some(named)) => named,
        // Left to us: who asked for the timer keeps it.
        (true, None) if claimed.expires.is_some() => Refresher::Uac,
        (true, None) => Refresher::Uas,
    };
    Verdict::Timed {
        interval,
        refresher,
        require: claimed.supports,
    }
}

/// Where the session timer of a leg stands.
///
/// After [`SessionTimer::keep`] it is `Refreshing` without an end.
///
/// ```text
///                 agree(ours)              half the interval: Refresh (§7.2, §10)
///   ┌─────┐ ─────────────────▶ ┌────────────┐ ◀──┐
///   │ Off │                    │ Refreshing │────┘
///   └─────┘ ◀───────────────── └──┬──────┬──┘
///     │ ▲       stop              │  ▲   │
///     │ │            agree(theirs)│  │   │ §10: the interval less the shorter of 32 s and a
///     │ │                         ▼  │   │ third of it has passed: Expire, the leg says BYE
///     │ │       stop           ┌─────┴──────┐ │
///     │ └───────────────────── │  Waiting   │ │
///     └──────────────────────▶ └─────┬──────┘ │
///              agree(theirs)         │ §10    │
///                                    ▼        ▼
///                                     Off, Expire
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionState {
    /// No timer was agreed on.
    #[default]
    Off,
    /// We refresh.
    Refreshing,
    /// The other side refreshes.
    Waiting,
}

/// What the owner of the machine has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAction {
    /// Nothing.
    Nothing,
    /// Refresh the session: UPDATE, or re-INVITE (§7.4).
    Refresh,
    /// End the session by BYE (§10).
    Expire,
}

/// The session timer of one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimer {
    state: SessionState,
    interval: Duration,
    refresh: Option<Mono>,
    end: Option<Mono>,
}

impl SessionTimer {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// What was agreed on; zero if nothing was.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        earlier(self.refresh, self.end)
    }

    /// Moves its timers to another clock (see [`rebase`]).
    pub fn rebase(&mut self, taken: Mono, now: Mono) {
        rebase(&mut self.refresh, taken, now);
        rebase(&mut self.end, taken, now);
    }

    /// The session was refreshed or begun by a 2xx now; `ours`: the next refresh is ours.
    pub fn agree(&mut self, now: Mono, interval: Duration, ours: bool) {
        // §10: early enough that the BYE comes before the other side forgets the session.
        let before = Duration::from_secs(32).min(interval / 3);
        *self = Self {
            state: if ours {
                SessionState::Refreshing
            } else {
                SessionState::Waiting
            },
            interval,
            // §7.2: half the interval is recommended.
            refresh: ours.then(|| now + interval / 2),
            end: Some(now + interval.saturating_sub(before)),
        };
    }

    /// The other side knows no timer (§7.2): the session is refreshed all the same, to see that it is
    /// still there, but no time was agreed on after which it ends.
    pub fn keep(&mut self, now: Mono, interval: Duration) {
        self.agree(now, interval, true);
        self.end = None;
    }

    /// There is no timer, or no session any more.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// A refresh did not come to pass: it is tried again after `wait`, while there is time.
    pub fn retry(&mut self, now: Mono, wait: Duration) {
        if self.state == SessionState::Refreshing {
            // Where nothing ends without it, there is no hurry.
            let wait = match self.end {
                Some(_) => wait,
                None if wait.is_zero() => wait,
                None => wait.max(self.interval / 2),
            };
            self.refresh = Some(now + wait);
        }
    }

    /// A timer may be due.
    pub fn on_timeout(&mut self, now: Mono) -> SessionAction {
        if self.end.is_some_and(|end| end <= now) {
            self.stop();
            return SessionAction::Expire;
        }
        if self.refresh.is_some_and(|at| at <= now) {
            self.refresh = None;
            return SessionAction::Refresh;
        }
        SessionAction::Nothing
    }
}
