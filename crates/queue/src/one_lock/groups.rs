//! Ready seats of one pool, indexed so that a caller looks at one seat a group.
//!
//! A group holds seats that fit the same callers and weigh the same for each; among them the
//! pool's strategy alone decides, by a key that is fixed when the seat becomes ready.

use meishier_model::{Mono, SeatId, SkillId, SkillSet};
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::lanes::LaneKey;
use crate::caller::Caller;
use crate::seat::{Lowest, ReadySeat, Strategy};

/// A seat that is ready, with what was fixed when it became so.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) seat: ReadySeat,
    pub(crate) skills: SkillSet,
    pub(crate) since: Mono,
    /// Number of the seat's last match; 0 before the first.
    pub(crate) turn: u64,
}

/// Skills with levels, by skill.
type Levels = SmallVec<[(SkillId, u8); 8]>;

/// What all seats of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    skills: u64,
    lowest: Lowest,
    /// Only under [`Strategy::BestSkill`]; elsewhere levels make no difference.
    levels: Levels,
}

/// The order within a group: smaller first.
type SeatKey = (u64, Mono, SeatId);

/// How much a caller wants a seat: smaller first. Weight, level, then the strategy's key.
type Wish = (Reverse<u32>, Reverse<u32>, SeatKey);

/// The ready seats of one pool. Empty groups are not kept.
#[derive(Debug)]
pub(crate) struct Groups {
    strategy: Strategy,
    groups: BTreeMap<GroupKey, BTreeSet<SeatKey>>,
}

impl Groups {
    pub(crate) fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            groups: BTreeMap::new(),
        }
    }

    fn keys(&self, ready: &Ready) -> (GroupKey, SeatKey) {
        let seat = &ready.seat;
        let levels = match self.strategy {
            Strategy::BestSkill => {
                let mut levels: Levels = seat.skills.iter().copied().collect();
                levels.sort_unstable_by_key(|(skill, level)| (*skill, Reverse(*level)));
                levels.dedup_by_key(|(skill, _)| *skill);
                levels
            }
            _ => Levels::new(),
        };
        let group = GroupKey {
            skills: ready.skills.0,
            lowest: seat.lowest,
            levels,
        };
        let key = match self.strategy {
            Strategy::LongestIdle | Strategy::BestSkill => (0, seat.idle_since, seat.seat),
            Strategy::LeastTalk => (seat.talked_ms / 60_000, seat.idle_since, seat.seat),
            Strategy::RoundRobin => (ready.turn, Mono::default(), seat.seat),
        };
        (group, key)
    }

    pub(crate) fn insert(&mut self, ready: &Ready) {
        let (group, key) = self.keys(ready);
        self.groups.entry(group).or_default().insert(key);
    }

    pub(crate) fn remove(&mut self, ready: &Ready) {
        let (group, key) = self.keys(ready);
        let Some(seats) = self.groups.get_mut(&group) else {
            return;
        };
        seats.remove(&key);
        if seats.is_empty() {
            self.groups.remove(&group);
        }
    }

    /// True if some seat may take callers of this lane.
    pub(crate) fn any_fits(&self, lane: &LaneKey) -> bool {
        self.groups
            .keys()
            .any(|group| lane.fits(SkillSet(group.skills), group.lowest))
    }

    /// The seat that `caller` should have.
    pub(crate) fn best(&self, caller: &Caller) -> Option<SeatId> {
        let needs = caller.needs();
        let wanted = caller
            .preferred
            .iter()
            .fold(needs, |set, p| set.with(p.skill));
        let fitting = self.groups.iter().filter(|(group, _)| {
            SkillSet(group.skills).covers(needs) && group.lowest.admits(caller.class, caller.risk)
        });
        let wishes = fitting.filter_map(|(group, seats)| {
            let known = group
                .levels
                .iter()
                .filter(|(skill, _)| wanted.contains(*skill));
            let level: u32 = known.map(|(_, level)| u32::from(*level)).sum();
            let weight = caller.weight_of(SkillSet(group.skills));
            let first: Option<&SeatKey> = seats.first();
            first.map(|key| -> Wish { (Reverse(weight), Reverse(level), *key) })
        });
        wishes.min().map(|(_, _, (_, _, seat))| seat)
    }

    /// Every ready seat of the pool, group by group.
    pub(crate) fn seats(&self) -> impl Iterator<Item = SeatId> {
        self.groups.values().flatten().map(|(_, _, seat)| *seat)
    }

    /// Chooses by another strategy from now on; `ready` are the seats of the pool.
    pub(crate) fn choose_by<'a>(
        &mut self,
        strategy: Strategy,
        ready: impl Iterator<Item = &'a Ready>,
    ) {
        if strategy == self.strategy {
            return;
        }
        *self = Self::new(strategy);
        for seat in ready {
            self.insert(seat);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}
