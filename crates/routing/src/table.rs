//! The compiled table.

use meishier_model::{Class, DialString, PoolId, SkillId, SkillSet, TrunkId, Wall};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// Index of a route in the file's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u16);

/// What is known of a call when it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// When it arrived.
    pub wall: Wall,
    /// Over which trunk.
    pub trunk: TrunkId,
    /// Caller's number as it arrived.
    pub caller: &'a DialString,
    /// Number dialled, as it arrived.
    pub called: &'a DialString,
}

/// One pool of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The pool.
    pub pool: PoolId,
    /// How long after the call's arrival the pool opens for it; never falls from ring to ring.
    pub after: Duration,
}

/// A skill that is liked but not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// The skill.
    pub skill: SkillId,
    /// How much it counts, 1 to 1000.
    pub weight: u16,
}

/// Which seats may answer a caller, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The route that was taken.
    pub route: RouteId,
    /// Pools in order; at least one.
    pub rings: SmallVec<[Ring; 4]>,
    /// Class in the queue.
    pub class: Class,
    /// Whether the caller is flagged as at risk by the route.
    pub risk: bool,
    /// Skills a counsellor must have.
    pub required: SkillSet,
    /// Skills that count in the choice of a counsellor.
    pub preferred: SmallVec<[Preference; 2]>,
    /// One sentence for the record, without the caller's number.
    pub reason: Arc<str>,
}

/// Routes, schedules, calendar and zone, compiled.
#[derive(Clone, Debug)]
pub struct Table {}

impl Table {
    /// Decides for one call. Anything unknown gets the default route, never a rejection.
    #[must_use]
    pub fn decide(&self, query: &Query<'_>) -> Decision {
        let _ = query;
        Decision {
            route: RouteId(0),
            rings: SmallVec::new(),
            class: Class::ORDINARY,
            risk: false,
            required: SkillSet::EMPTY,
            preferred: SmallVec::new(),
            reason: Arc::from(""),
        }
    }

    /// Lines of a pool that are open at this moment; 0 when it is closed or unknown.
    #[must_use]
    pub fn lines(&self, pool: PoolId, wall: Wall) -> u16 {
        let _ = (pool, wall);
        0
    }

    /// The next moment at which the lines of some pool change; `None` if they never do within a year.
    #[must_use]
    pub fn next_change(&self, wall: Wall) -> Option<Wall> {
        let _ = wall;
        None
    }
}
