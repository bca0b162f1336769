//! From the steps of a route to the rings of one call.
//!
//! A step names pools or a place; the place is settled for each call, so that one route serves every
//! city. A step of which no pool takes calls now (closed, full, unstaffed, down) makes nobody wait:
//! the steps after it open as much sooner.
//!
//! ```text
//!   steps:   @city 0 s ──── @province 15 s ──── @nation 60 s
//!   city closed:            @province  0 s ──── @nation 45 s      (the city still stands first)
//! ```

use meishier_model::PoolId;
use smallvec::SmallVec;
use std::time::Duration;

use crate::source::{Step, To};
use crate::table::Ring;

/// Most pools of a decision: as many as the queue lets a caller name.
pub const MOST_RINGS: usize = 8;

/// Pools of one place and of those that stand in for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub pools: Box<[PoolId]>,
    pub paired: Box<[PoolId]>,
}

/// The places of one call, as far as they have pools.
#[derive(Clone, Copy, Default)]
pub(crate) struct Grounds<'t> {
    pub city: Option<&'t Served>,
    pub other: Option<&'t Served>,
    pub province: Option<&'t Served>,
    pub nation: Option<&'t Served>,
}

impl<'t> Grounds<'t> {
    pub fn pools<'a>(&self, to: &'a To) -> &'a [PoolId]
    where
        't: 'a,
    {
        let pools = |served: Option<&'t Served>| served.map_or(&[][..], |it| &it.pools);
        match to {
            To::Pool(pool) => std::slice::from_ref(pool),
            To::City => pools(self.city),
            To::OtherCity => pools(self.other),
            To::Paired => self.city.map_or(&[][..], |it| &it.paired),
            To::Province => pools(self.province),
            To::Nation => pools(self.nation),
        }
    }
}

impl Grounds<'_> {
    /// Which of the four, in order, a step asks; `None` if it names a pool itself.
    pub fn place(to: &To) -> Option<usize> {
        match to {
            To::Pool(_) => None,
            To::City | To::Paired => Some(0),
            To::OtherCity => Some(1),
            To::Province => Some(2),
            To::Nation => Some(3),
        }
    }
}

/// Adds the rings of one call, every pool once and at most [`MOST_RINGS`], to an empty list. Gives
/// those that take calls now as bits.
pub(crate) fn climb(
    steps: &[Step],
    grounds: &Grounds<'_>,
    takes_calls: impl Fn(PoolId) -> bool,
    rings: &mut SmallVec<[Ring; MOST_RINGS]>,
) -> u8 {
    let mut taking = 0u8;
    let mut saved = Duration::ZERO;
    let mut least = Duration::ZERO;
    // A first step that names nobody is as good as one that is closed.
    let mut last_after = Duration::ZERO;
    let mut last_takes = true;
    for (at, step) in steps.iter().enumerate() {
        if at > 0 && !last_takes {
            saved = saved.saturating_add(step.after.saturating_sub(last_after));
        }
        let due = step.after.saturating_sub(saved).max(least);
        let mut takes = false;
        for &pool in grounds.pools(&step.to) {
            takes |= match rings.iter().position(|ring| ring.pool == pool) {
                Some(known) => taking >> known & 1 != 0,
                None => {
                    let now = takes_calls(pool);
                    if rings.len() < MOST_RINGS {
                        taking |= u8::from(now) << rings.len();
                        rings.push(Ring { pool, after: due });
                    }
                    now
                }
            };
        }
        // Steps of one moment share the wait that follows them.
        takes |= at > 0 && step.after == last_after && last_takes;
        (least, last_after, last_takes) = (due, step.after, takes);
    }
    taking
}
