//! A waiting caller as the queue sees one: what it needs, where it may be served, where it stands.

use meishier_model::{CallId, Class, Mono, PoolId, SeatId, ShardId, SkillId, SkillSet};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The place in line that a caller took when it arrived. It never changes: put-back, redial and
/// overflow keep it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// When the caller arrived, microseconds of the engine's monotonic clock.
    pub at: Mono,
    /// Order among callers of one microsecond: smaller is earlier.
    pub tie: u32,
}

/// A skill that the caller would rather have. While it is not dropped it binds like a required one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Preference {
    /// The skill.
    pub skill: SkillId,
    /// How much it counts among ready seats once it no longer binds: 0 to 65,535, more is better.
    pub weight: u16,
    /// True once its time has passed: from then on it only weighs, it does not bind.
    pub dropped: bool,
}

/// A caller to be matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The call.
    pub call: CallId,
    /// Shard that owns the call: where its match is delivered.
    pub shard: ShardId,
    /// Place in line.
    pub stamp: Stamp,
    /// Priority class, 0 is served first.
    pub class: Class,
    /// Risk callers stand above every class; ageing lifts nobody to them.
    pub risk: bool,
    /// Skills without which no seat may take the call.
    pub required: SkillSet,
    /// Skills that bind until dropped, then weigh.
    pub preferred: SmallVec<[Preference; 2]>,
    /// Pools in the order in which they open.
    pub rings: SmallVec<[PoolId; 4]>,
    /// How many of `rings`, from the front, are open; more than there are means all.
    pub open: u8,
    /// The seat of the counsellor who knows this caller. That seat may take the call by any of its
    /// own pools, opened for the caller or not, and prefers it to every other caller but risk.
    pub own_seat: Option<SeatId>,
}

impl Caller {
    /// Every skill that binds now: the required ones and the preferences not yet dropped.
    #[must_use]
    pub fn needs(&self) -> SkillSet {
        let held = self.preferred.iter().filter(|p| !p.dropped);
        held.fold(self.required, |set, p| set.with(p.skill))
    }

    /// The pools that are open now, in order.
    #[must_use]
    pub fn open_rings(&self) -> &[PoolId] {
        &self.rings[..usize::from(self.open).min(self.rings.len())]
    }

    /// Sum of the weights of dropped preferences that `skills` satisfies.
    #[must_use]
    pub fn weight_of(&self, skills: SkillSet) -> u32 {
        let met = self
            .preferred
            .iter()
            .filter(|p| p.dropped && skills.contains(p.skill));
        met.map(|p| u32::from(p.weight)).sum()
    }
}

/// One step by which a waiting caller asks for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Widening {
    /// The next ring opens. Nothing happens if all are open.
    OpenRing,
    /// This preference stops binding. Nothing happens if there is none or it was dropped.
    DropPreference(SkillId),
    /// The caller has no seat of its own any more and takes its turn in its rings alone.
    ReleaseOwnSeat,
}
