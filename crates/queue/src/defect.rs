//! Deliberate defects, which the simulator's tests switch on one at a time to show that each of its
//! invariants can fail. Without the feature `defects` nothing of them is in the program: the switch
//! has no size and says no at compile time.

use meishier_model::{Mono, SkillSet};

use crate::caller::{Caller, Stamp};
use crate::config::Ageing;

/// What of the queue is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Who came last goes first.
    LastComesFirst,
    /// A caller at risk stands where others stand.
    RiskStandsBehind,
    /// However long somebody waits, a better class goes first.
    WaitingLiftsNobody,
    /// Required skills are not looked at.
    SkillsIgnored,
    /// A full queue refuses callers at risk as well.
    FullRefusesRisk,
    /// A caller who is put back goes to the end.
    PutBackLosesPlace,
    /// Who hangs up takes another caller along.
    AbandonTakesAnother,
    /// Nobody is matched when a line comes free.
    FreedLineUnmatched,
    /// Each pool has a line more than its shift.
    OneLineTooMany,
    /// A seat that is withdrawn stays.
    WithdrawnSeatStays,
}

/// The switch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Broken {
    #[cfg(feature = "defects")]
    pub(crate) which: Option<Defect>,
}

impl Broken {
    /// True if this is broken.
    #[cfg(feature = "defects")]
    pub(crate) fn is(self, which: Defect) -> bool {
        self.which == Some(which)
    }

    /// True if this is broken: nothing is.
    #[cfg(not(feature = "defects"))]
    pub(crate) const fn is(self, _: Defect) -> bool {
        false
    }

    /// A caller as it is let in.
    pub(crate) fn entry(self, mut caller: Caller) -> Caller {
        if self.is(Defect::LastComesFirst) {
            caller.stamp.at = Mono(u64::MAX / 2 - caller.stamp.at.0);
        }
        if self.is(Defect::RiskStandsBehind) {
            caller.risk = false;
        }
        if self.is(Defect::WaitingLiftsNobody) {
            let step = Ageing::MAX_STEP * u32::from(caller.class.number());
            caller.stamp.at = caller.stamp.at + step;
        }
        if self.is(Defect::SkillsIgnored) {
            caller.required = SkillSet::default();
        }
        caller
    }

    /// The stamp of a caller who is put back.
    pub(crate) fn stamp(self, now: Mono, stamp: Stamp) -> Stamp {
        if self.is(Defect::PutBackLosesPlace) {
            return Stamp { at: now, ..stamp };
        }
        stamp
    }
}

/// A switch that any thread may read while another sets it.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    #[cfg(feature = "defects")]
    which: std::sync::OnceLock<Defect>,
}

impl Switch {
    /// What is broken now.
    #[cfg(feature = "defects")]
    pub(crate) fn now(&self) -> Broken {
        Broken {
            which: self.which.get().copied(),
        }
    }

    /// What is broken now: nothing.
    #[cfg(not(feature = "defects"))]
    pub(crate) const fn now(&self) -> Broken {
        Broken {}
    }

    /// Breaks it, for good.
    #[cfg(feature = "defects")]
    pub(crate) fn set(&self, which: Defect) {
        // A second defect is not asked for.
        let _ = self.which.set(which);
    }
}
