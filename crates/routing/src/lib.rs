//! Who answers this caller now, and why: routes, schedules, calendar, compiled into a [`Table`].
//!
//! What lives here: pure functions of a table and a moment that is handed in.
//! What may not: clocks, the machine's zone, files, anything that can fail at the time of a call.
//!
//! ```text
//!   TableSource ──compile──► Table ── decide(Query) ──► Decision { rings, class, skills, reason }
//!     zone, calendar           ├───── lines(pool, wall) ──► open lines of a pool
//!     shifts, routes           └───── next_change(wall) ──► when lines() changes next
//! ```

mod calendar;
mod holidays;
mod hours;
mod identity;
mod number;
mod place;
mod schedule;
mod source;
mod table;

pub use calendar::{Calendar, Day, DayKind, Exception};
pub use hours::{Days, Hours, HoursError};
pub use identity::{Claim, Claims, Identified, IdentitySource, Trust, weigh};
pub use jiff::civil::{Date, Weekday};
pub use number::{Called, Kind, Number};
pub use place::{
    AreaCode, Atlas, Block, City, CityError, CityId, CityTable, CodeId, Confidence, Evidence,
    Found, Gazetteer, GazetteerError, Places, Province, ProvinceId, Segments, SegmentsError,
    Source,
};
pub use schedule::{Clash, Moment, Schedule, Shift, hole};
pub use source::{Route, TableError, TableSource};
pub use table::{Decision, Preference, Query, Ring, RouteId, Table};
