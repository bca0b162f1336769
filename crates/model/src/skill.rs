//! Skills and priority classes: what a caller needs, what a counsellor has.

use serde::{Deserialize, Serialize};

/// A skill (技能): language or dialect, minors, crisis, second line, counsellor's gender. 0 to 63,
/// an index into the configuration's skills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SkillId(u8);

impl SkillId {
    /// How many skills a configuration may name.
    pub const LIMIT: usize = 64;

    /// The skill with this index; `None` from [`Self::LIMIT`] on.
    #[must_use]
    pub fn new(index: u8) -> Option<Self> {
        (usize::from(index) < Self::LIMIT).then_some(Self(index))
    }

    /// The index.
    #[must_use]
    pub fn index(self) -> u8 {
        self.0
    }
}

/// A set of skills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SkillSet(pub u64);

impl SkillSet {
    /// The empty set.
    pub const EMPTY: SkillSet = SkillSet(0);

    /// This set and `skill`.
    #[must_use]
    pub fn with(self, skill: SkillId) -> Self {
        Self(self.0 | 1 << skill.0)
    }

    /// True if `skill` is in it.
    #[must_use]
    pub fn contains(self, skill: SkillId) -> bool {
        self.0 & (1 << skill.0) != 0
    }

    /// True if every skill of `needed` is in it.
    #[must_use]
    pub fn covers(self, needed: SkillSet) -> bool {
        needed.0 & !self.0 == 0
    }
}

/// Priority class of a waiting caller: 0 is served first, [`Class::LOWEST`] last.
///
/// Risk is not a class: a risk-flagged caller stands above all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Class(u8);

impl Class {
    /// How many classes there are.
    pub const COUNT: u8 = 8;
    /// The class of an ordinary caller.
    pub const ORDINARY: Class = Class(4);
    /// The last class.
    pub const LOWEST: Class = Class(Self::COUNT - 1);

    /// Class `n`; `None` from [`Self::COUNT`] on.
    #[must_use]
    pub fn new(n: u8) -> Option<Self> {
        (n < Self::COUNT).then_some(Self(n))
    }

    /// The number, 0 to 7.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}
