//! Service states of pools, after NENA i3.
//!
//! Names and meaning: NENA-STA-010.3, section 2.4.2 (Service State) and the serviceState registry,
//! section 10.12. Of its ten values five are told apart here. Of the others, those for maintenance,
//! major incidents and partial service are set by people and come as [`Service::Down`] or
//! [`Service::Overloaded`] by hand, and `Unreachable` is what a subscriber says of a service that
//! it cannot ask. The registry of queueState (section 10.17: `Active`, `Inactive`, `Disabled`,
//! `Full`, `Standby`, …) is about one queue; its `Full` is [`PoolFacts::full`], which is no
//! state of service: a full pool is passed over for this call only.
//!
//! One deviation. There, calls "must" go elsewhere from a service that is overloaded or going down.
//! Here such a pool stays the last resort of callers whom nobody else can take, since none may be
//! turned away; routes that look at states send them elsewhere first.
//!
//! ```text
//!              by hand, until it expires (1)
//!      ┌─────────────────────────────────────────────► any state
//!      │
//!      │  open, and no telephone reachable (2)
//!      ├───────────────────────────────────────► Down            no calls
//!      │  closed, or nobody signed on (3)
//!      ├───────────────────────────────────────► Unstaffed       no calls
//!    facts   so many waiting, or one so long (4)
//!      ├───────────────────────────────────────► Overloaded      calls, others first
//!      │  the last line closes soon (5)
//!      ├───────────────────────────────────────► GoingDown       calls, others first
//!      │  none of these (6)
//!      └───────────────────────────────────────► Normal          calls
//! ```
//!
//! The state follows from the facts alone, the first clause that holds: it has no memory, so it can
//! go from any state to any other, and two engines with the same facts agree.

use meishier_model::Wall;
use std::fmt;
use std::time::Duration;

/// How a pool serves now. The order is that of the registry, from best to worst.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Works as usual.
    #[default]
    Normal,
    /// Nobody is there to answer, or the pool is closed.
    Unstaffed,
    /// More callers wait than it can answer in time.
    Overloaded,
    /// Closes shortly.
    GoingDown,
    /// Out of order.
    Down,
}

impl Service {
    /// Every state.
    pub const ALL: [Service; 5] = [
        Service::Normal,
        Service::Unstaffed,
        Service::Overloaded,
        Service::GoingDown,
        Service::Down,
    ];

    /// The state that follows from the facts; the clauses are in the head of this module.
    #[must_use]
    pub fn of(facts: &PoolFacts, rules: &ServiceRules) -> Self {
        if let Some(state) = facts.by_hand {
            return state; // (1)
        }
        if facts.lines > 0 && facts.reachable == 0 {
            return Self::Down; // (2)
        }
        if facts.lines == 0 || facts.staffed == 0 {
            return Self::Unstaffed; // (3)
        }
        let reached = |value, bound| matches!((value, bound), (Some(v), Some(b)) if v >= b);
        let crowded = rules
            .overloaded_waiting
            .is_some_and(|most| facts.waiting >= most);
        if crowded || reached(facts.oldest, rules.overloaded_wait) {
            return Self::Overloaded; // (4)
        }
        if reached(rules.going_down, facts.closes_in) {
            return Self::GoingDown; // (5)
        }
        Self::Normal // (6)
    }

    /// True if new callers may be sent there: Normal, Overloaded, GoingDown. Says nothing of free
    /// lines ([`PoolFacts::full`]) or hours.
    #[must_use]
    pub fn takes_calls(self) -> bool {
        match self {
            Self::Normal | Self::Overloaded | Self::GoingDown => true,
            Self::Unstaffed | Self::Down => false,
        }
    }

    /// The name in the registry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Unstaffed => "Unstaffed",
            Self::Overloaded => "Overloaded",
            Self::GoingDown => "GoingDown",
            Self::Down => "Down",
        }
    }

    /// The state of a name in the registry, capitals or not; `None` if it is none of the five.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str().eq_ignore_ascii_case(name))
    }

    /// Title in Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Normal => "正常",
            Self::Unstaffed => "无人值守",
            Self::Overloaded => "过载",
            Self::GoingDown => "即将关闭",
            Self::Down => "停止服务",
        }
    }

    /// Title in English.
    #[must_use]
    pub fn en(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Unstaffed => "unstaffed",
            Self::Overloaded => "overloaded",
            Self::GoingDown => "going down",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a pool counts as overloaded or going down; what is `None` never makes it so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServiceRules {
    /// Overloaded when so many or more wait; at least 1, as 0 is always reached.
    pub overloaded_waiting: Option<u32>,
    /// Overloaded when somebody has waited so long or longer.
    pub overloaded_wait: Option<Duration>,
    /// Going down so long before the last line closes.
    pub going_down: Option<Duration>,
}

/// What is known of a pool at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PoolFacts {
    /// Lines that are open now; 0 when closed.
    pub lines: u16,
    /// Lines held by calls that ring or talk; above `lines` after a change of shift.
    pub used: u16,
    /// Counsellors signed on and willing, at telephones that can be reached, talking ones included.
    pub staffed: u32,
    /// Telephones that can be reached, whoever sits there.
    pub reachable: u32,
    /// Callers who wait for this pool.
    pub waiting: u32,
    /// How long the longest of them has waited.
    pub oldest: Option<Duration>,
    /// How long until no line is open; `None` if not in sight.
    pub closes_in: Option<Duration>,
    /// State set by people and in force ([`Hand::in_force`]).
    pub by_hand: Option<Service>,
}

impl PoolFacts {
    /// True if every open line is held; so is every closed pool.
    #[must_use]
    pub fn full(&self) -> bool {
        self.used >= self.lines
    }
}

/// A state set by people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hand {
    /// The state.
    pub state: Service,
    /// Moment from which it no longer counts; `None` until it is taken back.
    pub until: Option<Wall>,
    /// Why, for people.
    pub reason: String,
}

impl Hand {
    /// The state if it still counts. If the clock is set back, it counts again: `until` is the
    /// moment that people named.
    #[must_use]
    pub fn in_force(&self, now: Wall) -> Option<Service> {
        let over = self.until.is_some_and(|until| now >= until);
        (!over).then_some(self.state)
    }
}
