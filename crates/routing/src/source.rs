//! What a table is made from.

use meishier_model::{Class, PoolId, SkillSet, TrunkId};
use smallvec::SmallVec;
use std::fmt;

use crate::calendar::Calendar;
use crate::schedule::{Clash, Schedule};
use crate::table::{Preference, Ring, RouteId};

/// Everything that [`Table::compile`](crate::Table::compile) needs.
#[derive(Clone, Debug, Default)]
pub struct TableSource {
    /// IANA name of the zone in which schedules count, such as `Asia/Shanghai`.
    pub zone: String,
    /// Holidays and make-up workdays.
    pub calendar: Calendar,
    /// Name of each pool for reasons, and its schedule; [`PoolId`] is the index.
    pub pools: Vec<(String, Schedule)>,
    /// Routes in the order in which they are looked at.
    pub routes: Vec<Route>,
    /// Route of callers whom no other fits.
    pub default: RouteId,
}

/// One route: whom it is for, and who answers. A condition that is empty holds for everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Name for reasons.
    pub name: String,
    /// Numbers that are dialled, old ones among them; compared after [`crate::Number`].
    pub called: Vec<String>,
    /// Trunks over which the call comes.
    pub trunks: Vec<TrunkId>,
    /// First digits of the caller's number, such as an area code with its 0.
    pub callers: Vec<String>,
    /// Pools in order; at least one, `after` never falling.
    pub rings: SmallVec<[Ring; 4]>,
    /// Class in the queue.
    pub class: Class,
    /// Flag the caller as at risk.
    pub risk: bool,
    /// Skills a counsellor must have.
    pub required: SkillSet,
    /// Skills that count in the choice.
    pub preferred: SmallVec<[Preference; 2]>,
}

/// Why a table cannot be compiled. Whoever wrote the source is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableError {
    /// No such zone in the bundled data.
    UnknownZone,
    /// Two shifts of a pool are open at one moment.
    Clash(PoolId, Clash),
    /// A route without a pool.
    NoRing(RouteId),
    /// A route names a pool that is not there.
    UnknownPool(RouteId, PoolId),
    /// A route's waits fall from one pool to the next.
    FallingWait(RouteId),
    /// The default route is not there.
    UnknownDefault,
    /// More pools or routes than 65,535.
    TooMany,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownZone => f.write_str("no such zone"),
            Self::Clash(pool, clash) => {
                write!(
                    f,
                    "shifts {} and {} of {pool} overlap",
                    clash.first, clash.second
                )
            }
            Self::NoRing(route) => write!(f, "route {} has no pool", route.0),
            Self::UnknownPool(route, pool) => write!(f, "route {} names {pool}", route.0),
            Self::FallingWait(route) => write!(f, "waits of route {} fall", route.0),
            Self::UnknownDefault => f.write_str("the default route is not there"),
            Self::TooMany => f.write_str("too many pools or routes"),
        }
    }
}

impl std::error::Error for TableError {}
