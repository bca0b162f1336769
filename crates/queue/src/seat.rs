//! A ready seat as the queue sees one: whom it may take, and how a pool prefers it to others.

use meishier_model::{Class, CounsellorId, Mono, PoolId, SeatId, ShardId, SkillId, SkillSet};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// How a pool chooses among ready seats that fit a caller. Ties fall to the longest idle, then to
/// the lowest seat number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The seat that has been idle longest.
    LongestIdle,
    /// The highest sum of levels over the skills that bind for the caller or weigh for it.
    BestSkill,
    /// Least time in talk this shift, in whole minutes: counsellors wear out.
    #[default]
    LeastTalk,
    /// The seat whose last match lies furthest back; seats never matched come first, by number.
    RoundRobin,
}

/// The lowest priority that a seat takes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Lowest {
    /// Takes every caller.
    #[default]
    Everyone,
    /// Takes this class and better ones, and risk. The class the caller has, not the aged one:
    /// what fits may change by an operation only, never because time passes.
    Class(Class),
    /// Takes risk callers only.
    RiskOnly,
}

impl Lowest {
    /// True if a caller of `class`, flagged `risk` or not, may be taken.
    #[must_use]
    pub fn admits(self, class: Class, risk: bool) -> bool {
        match self {
            Self::Everyone => true,
            Self::Class(lowest) => risk || class <= lowest,
            Self::RiskOnly => risk,
        }
    }
}

impl From<Option<Class>> for Lowest {
    fn from(class: Option<Class>) -> Self {
        class.map_or(Self::Everyone, Self::Class)
    }
}

/// A seat that may be offered a call. A seat that refused, rings or wraps up is not ready, for anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadySeat {
    /// The telephone.
    pub seat: SeatId,
    /// Home shard: where its match is delivered.
    pub shard: ShardId,
    /// Who sits there.
    pub counsellor: CounsellorId,
    /// Pools it serves, in the order in which its own callers use their lines.
    pub pools: SmallVec<[PoolId; 4]>,
    /// What the counsellor can do, with levels 1 to 5.
    pub skills: SmallVec<[(SkillId, u8); 8]>,
    /// The lowest priority it takes.
    pub lowest: Lowest,
    /// Since when nobody talked here.
    pub idle_since: Mono,
    /// Talk of this shift, milliseconds; whole minutes count.
    pub talked_ms: u64,
}

impl ReadySeat {
    /// The skills without their levels.
    #[must_use]
    pub fn skill_set(&self) -> SkillSet {
        self.skills
            .iter()
            .fold(SkillSet::EMPTY, |set, (skill, _)| set.with(*skill))
    }
}
