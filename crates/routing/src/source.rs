//! What a table is made from: pools, areas, routes, and where everything unknown goes.

use meishier_model::{Class, PoolId, SkillSet, TrunkId};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::calendar::Calendar;
use crate::exceptional::{Exceptional, ExceptionalError};
use crate::hours::{Days, Hours};
use crate::place::{CityId, CodeId, Gazetteer, ProvinceId};
use crate::policy::Policies;
use crate::schedule::{Clash, Schedule};
use crate::service::{Service, ServiceRules};
use crate::table::{Preference, RouteId};

/// Most areas of one kind, preferences and listed numbers that a table takes.
pub const MOST_RULES: usize = 65_535;

/// How many routes may follow each other by [`Route::then`].
pub const MOST_HOPS: usize = 8;

/// Everything that [`Table::compile`](crate::Table::compile) needs.
#[derive(Clone, Debug, Default)]
pub struct TableSource {
    /// IANA name of the zone in which schedules count, such as `Asia/Shanghai`.
    pub zone: String,
    /// Holidays and make-up workdays.
    pub calendar: Calendar,
    /// Times at which pools are open otherwise than by their shifts; a later one wins.
    pub exceptional: Vec<Exceptional>,
    /// The pools; [`PoolId`] is the index.
    pub pools: Vec<PoolSource>,
    /// Area code of each trunk with its 0, if local numbers on it are of one; index by [`TrunkId`].
    pub trunk_codes: Vec<Option<String>>,
    /// Cities, mobile segments, number blocks and cells.
    pub gazetteer: Arc<Gazetteer>,
    /// Old numbers of the hotline that are still dialled.
    pub aliases: Vec<Alias>,
    /// Which pools serve which place.
    pub areas: Vec<Area>,
    /// Routes in the order in which they are looked at.
    pub routes: Vec<Route>,
    /// Route of callers whom no other fits.
    pub default: RouteId,
    /// What holds across all routes.
    pub policies: Policies,
}

/// One pool as routing sees it.
#[derive(Clone, Debug, Default)]
pub struct PoolSource {
    /// Name for reasons.
    pub name: String,
    /// Its lines by hour.
    pub schedule: Schedule,
    /// When it counts as overloaded or about to close.
    pub rules: ServiceRules,
}

/// A number that was the hotline's before 12356 and is still dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The number, in any form that [`crate::Number`] reads.
    pub number: String,
    /// Name in metrics; no personal data.
    pub name: String,
    /// City that it is of, if it is of one.
    pub city: Option<CityId>,
}

/// What an area is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AreaOf {
    /// A city.
    City(CityId),
    /// An area code that several cities share, for callers of whom nothing else is known.
    Code(CodeId),
    /// A province.
    Province(ProvinceId),
    /// The whole country.
    Nation,
}

/// Who serves a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// The place; no two areas of one.
    pub of: AreaOf,
    /// Its pools, in the order in which they are asked.
    pub pools: Vec<PoolId>,
    /// Cities that stand in for this one (结对帮扶), in order.
    pub paired: Vec<CityId>,
}

/// Where one step of a ladder leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum To {
    /// To this pool, whoever calls.
    Pool(PoolId),
    /// To the pools of the caller's city; of the area code if several cities share it.
    City,
    /// To the pools of the second city that is known of the caller: of the home if the first is where
    /// the call comes from, and the other way round.
    OtherCity,
    /// To the pools of the cities paired with the caller's city.
    Paired,
    /// To the pools of the caller's province.
    Province,
    /// To the pools of the nation.
    Nation,
}

/// One step of a route: which pools, and how long after the arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which pools.
    pub to: To,
    /// How long after the call's arrival they open for it; never falls from step to step.
    pub after: Duration,
}

/// Steps in order.
pub type Ladder = SmallVec<[Step; 6]>;

/// A set of service states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Services(u8);

impl Services {
    /// This set and `state`.
    #[must_use]
    pub fn with(self, state: Service) -> Self {
        Self(self.0 | 1 << state as u8)
    }

    /// True if `state` is in it.
    #[must_use]
    pub fn contains(self, state: Service) -> bool {
        self.0 & (1 << state as u8) != 0
    }
}

/// Conditions. One that is empty or `None` holds for everyone; all of them must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// Numbers that are dialled, old ones among them; compared after [`crate::Number`].
    pub called: Vec<String>,
    /// First digits of the caller's number, such as an area code with its 0.
    pub callers: Vec<String>,
    /// Trunks over which the call comes.
    pub trunks: Vec<TrunkId>,
    /// Cities of the caller, as the policy settles them.
    pub cities: Vec<CityId>,
    /// Provinces of the caller.
    pub provinces: Vec<ProvinceId>,
    /// Days on which it holds; hours that cross midnight belong to the day on which they begin.
    pub days: Days,
    /// Hours at which it holds, any of them.
    pub hours: Vec<Hours>,
    /// Pools with the states in which they must be.
    pub states: Vec<(PoolId, Services)>,
    /// Only callers flagged as at risk, or only others.
    pub risk: Option<bool>,
    /// Only callers held for nuisance, or only others.
    pub nuisance: Option<bool>,
    /// Tags (an index into the configuration's list each) of which the caller must have one.
    pub tags: Tags,
}

impl Default for When {
    fn default() -> Self {
        Self {
            called: Vec::new(),
            callers: Vec::new(),
            trunks: Vec::new(),
            cities: Vec::new(),
            provinces: Vec::new(),
            days: Days::ALL,
            hours: Vec::new(),
            states: Vec::new(),
            risk: None,
            nuisance: None,
            tags: Tags::default(),
        }
    }
}

/// What is noted of a caller (儿童, 苗语, 女性), as bits of the configuration's list; at most 64.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Tags(pub u64);

impl Tags {
    /// How many tags a configuration may name.
    pub const LIMIT: usize = 64;

    /// This set and the tag of this index; unchanged from [`Self::LIMIT`] on.
    #[must_use]
    pub fn with(self, index: usize) -> Self {
        let bit = u32::try_from(index)
            .ok()
            .and_then(|at| 1u64.checked_shl(at));
        Self(self.0 | bit.unwrap_or(0))
    }

    /// True if the two have a tag in common.
    #[must_use]
    pub fn meet(self, other: Tags) -> bool {
        self.0 & other.0 != 0
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One route: whom it is for, and who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Name for reasons.
    pub name: String,
    /// Whom it is for.
    pub when: When,
    /// Where it leads; at least one step, here or in the routes that follow.
    pub steps: Ladder,
    /// Route whose steps follow, and how long after this route's last step its first one opens.
    pub then: Option<(RouteId, Duration)>,
    /// Class in the queue.
    pub class: Class,
    /// Flag the caller as at risk.
    pub risk: bool,
    /// Skills a counsellor must have.
    pub required: SkillSet,
    /// Skills that count in the choice.
    pub preferred: SmallVec<[Preference; 2]>,
}

impl Route {
    /// A route for everyone.
    #[must_use]
    pub fn new(name: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            name: name.to_owned(),
            when: When::default(),
            steps: steps.into_iter().collect(),
            then: None,
            class: Class::ORDINARY,
            risk: false,
            required: SkillSet::EMPTY,
            preferred: SmallVec::new(),
        }
    }
}

impl Step {
    /// A pool that opens so long after the arrival.
    #[must_use]
    pub fn pool(pool: PoolId, after: Duration) -> Self {
        Self {
            to: To::Pool(pool),
            after,
        }
    }
}

/// Why a table cannot be compiled. Whoever wrote the source is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableError {
    /// No such zone in the bundled data.
    UnknownZone,
    /// Two shifts of a pool are open at one moment.
    Clash(PoolId, Clash),
    /// A route that leads nowhere.
    NoRing(RouteId),
    /// A route, an area or a policy names a pool that is not there.
    UnknownPool(Option<RouteId>, PoolId),
    /// A route's waits fall from one step to the next.
    FallingWait(RouteId),
    /// A route goes on with itself, directly or by others.
    Loop(RouteId),
    /// More routes than [`MOST_HOPS`] follow each other from this one.
    TooManyHops(RouteId),
    /// The default route, or one that another goes on with, is not there.
    UnknownRoute(RouteId),
    /// An exceptional time that cannot be.
    Exceptional(ExceptionalError),
    /// Two areas of one place.
    AreaTwice(usize),
    /// More pools, routes or rules than 65,535.
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
            Self::UnknownPool(Some(route), pool) => write!(f, "route {} names {pool}", route.0),
            Self::UnknownPool(None, pool) => write!(f, "{pool} is not there"),
            Self::FallingWait(route) => write!(f, "waits of route {} fall", route.0),
            Self::Loop(route) => write!(f, "route {} goes on with itself", route.0),
            Self::TooManyHops(route) => {
                write!(f, "more than {MOST_HOPS} routes follow route {}", route.0)
            }
            Self::UnknownRoute(route) => write!(f, "route {} is not there", route.0),
            Self::Exceptional(error) => write!(f, "exceptional times: {error:?}"),
            Self::AreaTwice(area) => write!(f, "area {area} is of a place that has one"),
            Self::TooMany => f.write_str("too many pools, routes or rules"),
        }
    }
}

impl std::error::Error for TableError {}
