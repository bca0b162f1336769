//! Waiting callers, indexed so that a seat looks at one caller a lane.
//!
//! A lane holds the callers of one place who need the same skills and are of the same class; a
//! seat fits all of them or none, and among them the first is the earliest stamp.

use meishier_model::{CallId, Class, PoolId, SeatId, SkillSet};
use std::collections::{BTreeMap, BTreeSet};

use crate::caller::{Caller, Stamp};
use crate::seat::Lowest;

/// Where a caller may be picked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// By any seat of an open ring.
    Pool(PoolId),
    /// By the seat that is the caller's own.
    Own(SeatId),
}

/// What all callers of a lane have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneKey {
    needs: u64,
    class: Class,
    pub(crate) risk: bool,
}

impl LaneKey {
    fn of(caller: &Caller) -> Self {
        Self {
            needs: caller.needs().0,
            class: caller.class,
            risk: caller.risk,
        }
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// True if a seat with these skills and this limit may take callers of the lane.
    pub(crate) fn fits(&self, skills: SkillSet, lowest: Lowest) -> bool {
        skills.covers(SkillSet(self.needs)) && lowest.admits(self.class, self.risk)
    }
}

type Lane = BTreeSet<(Stamp, CallId)>;

/// All lanes of all places. Empty ones are not kept.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    places: BTreeMap<Place, BTreeMap<LaneKey, Lane>>,
}

impl Lanes {
    /// Where `caller` may be picked up now.
    fn places_of(caller: &Caller) -> impl Iterator<Item = Place> {
        let pools = caller.open_rings().iter().copied().map(Place::Pool);
        pools.chain(caller.own_seat.map(Place::Own))
    }

    pub(crate) fn insert(&mut self, caller: &Caller) {
        let key = LaneKey::of(caller);
        for place in Self::places_of(caller) {
            let lane = self
                .places
                .entry(place)
                .or_default()
                .entry(key)
                .or_default();
            lane.insert((caller.stamp, caller.call));
        }
    }

    pub(crate) fn remove(&mut self, caller: &Caller) {
        let key = LaneKey::of(caller);
        for place in Self::places_of(caller) {
            let Some(lanes) = self.places.get_mut(&place) else {
                continue;
            };
            let Some(lane) = lanes.get_mut(&key) else {
                continue;
            };
            lane.remove(&(caller.stamp, caller.call));
            if lane.is_empty() {
                lanes.remove(&key);
            }
            if lanes.is_empty() {
                self.places.remove(&place);
            }
        }
    }

    /// True if anybody waits there.
    pub(crate) fn any(&self, place: Place) -> bool {
        self.places.contains_key(&place)
    }

    /// The first caller of each lane of a place.
    pub(crate) fn heads(&self, place: Place) -> impl Iterator<Item = (&LaneKey, Stamp, CallId)> {
        self.lanes(place)
            .filter_map(|(key, lane)| lane.first().map(|(stamp, call)| (key, *stamp, *call)))
    }

    /// Every lane of a place.
    pub(crate) fn lanes(&self, place: Place) -> impl Iterator<Item = (&LaneKey, &Lane)> {
        self.places.get(&place).into_iter().flatten()
    }

    /// Seats for which callers of their own wait.
    pub(crate) fn own_seats(&self) -> impl Iterator<Item = SeatId> {
        let from = Place::Own(SeatId(0));
        self.places
            .range(from..)
            .filter_map(|(place, _)| match place {
                Place::Own(seat) => Some(*seat),
                Place::Pool(_) => None,
            })
    }
}
