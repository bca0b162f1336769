//! Who answers this caller now, and why: numbers, places, schedules, routes and policies, compiled
//! into a [`Table`]; and what is remembered of callers between calls.
//!
//! What lives here: pure functions of a table, a moment and a call that are handed in.
//! What may not: clocks, the machine's zone, files, anything that can fail at the time of a call.
//!
//! ```text
//!   headers ──weigh──► caller, number dialled, cell
//!                          │
//!   TableSource ──compile──► Table ── decide(Query, Pools) ──► Decision { rings, class, skills, own, rules }
//!     zone, calendar           ├───── explain ──► every rule looked at, hit or passed over
//!     shifts, exceptional days ├───── lines(pool, wall) ──► open lines of a pool
//!     areas, routes, policies  └───── next_change(wall) ──► when lines() changes next
//!   Book ── what a number did before ──► Known { risk, nuisance, redial, counsellor }
//! ```

mod areas;
mod book;
mod calendar;
mod compile;
mod coverage;
mod decide;
mod exceptional;
mod explain;
mod holidays;
mod hours;
mod identity;
mod index;
mod ladder;
mod listed;
mod number;
mod place;
mod policy;
mod schedule;
mod service;
mod source;
mod table;
mod week;
mod when;

pub use book::{Book, Fact, KeptPlace, MOST_COUNTED, MOST_NUMBERS, Note};
pub use calendar::{
    Calendar, Day, DayKind, Exception, LOOK_AHEAD_DAYS, short_weekday_names, weekday_names,
};
pub use coverage::{Coverage, NOTICE_LINES, NOTICE_MINUTES, coverage};
pub use decide::{
    AllNormal, Decision, Dialled, MOST_PREFERENCES, PoolNow, Pools, Query, Rule, Settled,
};
pub use exceptional::{
    Exceptional, ExceptionalDays, ExceptionalError, ExceptionalLines, ExceptionalPools,
};
pub use explain::{Explained, Looked};
pub use hours::{Days, Hours, HoursError};
pub use identity::{Claim, Claims, Identified, IdentitySource, Trust, weigh};
pub use jiff::civil::{Date, Weekday};
pub use ladder::MOST_RINGS;
pub use number::{Called, Form, Kind, MobileZero, Number, NumberFormat};
pub use place::{
    AreaCode, Atlas, Block, City, CityError, CityId, CityTable, CodeId, Confidence, Evidence,
    Found, Gazetteer, GazetteerError, Places, Province, ProvinceId, Segments, SegmentsError,
    Source,
};
pub use policy::{
    Known, Listed, NuisancePolicy, NuisanceWhy, Policies, PreferenceRule, RedialPolicy, RiskPolicy,
    RiskWhy, Which,
};
pub use schedule::{Clash, Moment, Schedule, Shift, Step as PlanStep, WeekPlan, hole};
pub use service::{Hand, PoolFacts, Service, ServiceRules};
pub use source::{
    Alias, Area, AreaOf, Ladder, MOST_HOPS, PoolSource, Route, Services, Step, TableError,
    TableSource, Tags, To, When,
};
pub use table::{Preference, Ring, RouteId, Table};
pub use week::{Hole, Stretch, Timetable, Week, WeekDay};
pub use when::Miss;
