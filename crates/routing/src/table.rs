//! The compiled table.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use meishier_model::{Class, DialString, PoolId, SkillId, SkillSet, TrunkId, Wall};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::calendar::{Calendar, Day};
use crate::hours::DAY;
use crate::number::Number;
use crate::schedule::{Moment, Schedule, hole};
use crate::source::{Route, TableError, TableSource};

/// How far [`Table::next_change`] looks: a year and a month, so past any holiday.
const SEARCHED_DAYS: u16 = 400;

/// Index of a route in the file's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u16);

/// What is known of a call when it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// When it arrived.
    pub wall: Wall,
    /// Over which trunk.
    pub trunk: TrunkId,
    /// Caller's number as it arrived.
    pub caller: &'a DialString,
    /// Number dialled, as it arrived.
    pub called: &'a DialString,
}

/// One pool of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The pool.
    pub pool: PoolId,
    /// How long after the call's arrival the pool opens for it; never falls from ring to ring.
    pub after: Duration,
}

/// A skill that is liked but not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// The skill.
    pub skill: SkillId,
    /// How much it counts, 1 to 1000.
    pub weight: u16,
}

/// Which seats may answer a caller, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The route that was taken.
    pub route: RouteId,
    /// Pools in order; at least one.
    pub rings: SmallVec<[Ring; 4]>,
    /// Class in the queue.
    pub class: Class,
    /// Whether the caller is flagged as at risk by the route.
    pub risk: bool,
    /// Skills a counsellor must have.
    pub required: SkillSet,
    /// Skills that count in the choice of a counsellor.
    pub preferred: SmallVec<[Preference; 2]>,
    /// One sentence for the record, without the caller's number.
    pub reason: Arc<str>,
}

/// Routes, schedules, calendar and zone, compiled.
#[derive(Clone, Debug)]
pub struct Table {
    zone: TimeZone,
    calendar: Calendar,
    pools: Vec<Schedule>,
    routes: Vec<Compiled>,
    /// Numbers dialled, ascending, with the routes that ask for them in order.
    by_called: Vec<(Box<[u8]>, Vec<u16>)>,
    /// Routes that do not ask for a number dialled, in order.
    by_other: Vec<u16>,
    default: u16,
}

#[derive(Clone, Debug)]
struct Compiled {
    source: Route,
    callers: Vec<Box<[u8]>>,
    /// Reasons by the index of the first open ring, one more for "all closed"; taken because it
    /// fits, or as the default.
    reasons: Vec<[Arc<str>; 2]>,
}

/// A moment in the table's zone.
struct Local {
    before: Day,
    day: Day,
    minute: u16,
}

impl Table {
    /// Compiles a table.
    ///
    /// # Errors
    /// The first thing that is wrong; see [`TableError`].
    pub fn compile(source: TableSource) -> Result<Self, TableError> {
        let zone = Self::zone(&source.zone).ok_or(TableError::UnknownZone)?;
        let fits = |n: usize| u16::try_from(n).is_ok();
        if !fits(source.pools.len()) || !fits(source.routes.len()) {
            return Err(TableError::TooMany);
        }
        if usize::from(source.default.0) >= source.routes.len() {
            return Err(TableError::UnknownDefault);
        }
        for ((_, schedule), id) in source.pools.iter().zip(0..) {
            if let Some(clash) = schedule.clash() {
                return Err(TableError::Clash(PoolId(id), clash));
            }
        }
        let mut by_called: BTreeMap<Box<[u8]>, Vec<u16>> = BTreeMap::new();
        let mut by_other = Vec::new();
        let mut routes = Vec::with_capacity(source.routes.len());
        for (route, id) in source.routes.into_iter().zip(0..) {
            check_rings(&route, RouteId(id), source.pools.len())?;
            for number in &route.called {
                let of_number = by_called
                    .entry(Number::new(number).as_bytes().into())
                    .or_default();
                if of_number.last() != Some(&id) {
                    of_number.push(id);
                }
            }
            if route.called.is_empty() {
                by_other.push(id);
            }
            routes.push(Compiled::new(route, &source.pools));
        }
        Ok(Self {
            zone,
            calendar: source.calendar,
            pools: source
                .pools
                .into_iter()
                .map(|(_, schedule)| schedule)
                .collect(),
            routes,
            by_called: by_called.into_iter().collect(),
            by_other,
            default: source.default.0,
        })
    }

    /// The zone of this name from the bundled data; the machine's data base is never read.
    #[must_use]
    pub fn zone(name: &str) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(name).ok()
    }

    /// Decides for one call. Anything unknown gets the default route, never a rejection.
    #[must_use]
    pub fn decide(&self, query: &Query<'_>) -> Decision {
        let (id, fits) = match self.find(query) {
            Some(id) => (id, true),
            None => (self.default, false),
        };
        let Some(route) = self.routes.get(usize::from(id)) else {
            // compile() saw to it that the default is there.
            return Decision::nowhere();
        };
        let local = self.local(query.wall);
        let open = |ring: &Ring| self.lines_at(ring.pool, &local) > 0;
        let first_open = route.source.rings.iter().position(open);
        let earlier = first_open.map_or(Duration::ZERO, |at| route.source.rings[at].after);
        let reason = route
            .reasons
            .get(first_open.unwrap_or(route.source.rings.len()));
        Decision {
            route: RouteId(id),
            rings: route
                .source
                .rings
                .iter()
                .map(|ring| Ring {
                    pool: ring.pool,
                    after: ring.after.saturating_sub(earlier),
                })
                .collect(),
            class: route.source.class,
            risk: route.source.risk,
            required: route.source.required,
            preferred: route.source.preferred.clone(),
            reason: reason.map_or_else(|| Arc::from(""), |pair| pair[usize::from(!fits)].clone()),
        }
    }

    /// Lines of a pool that are open at this moment; 0 when it is closed or unknown.
    #[must_use]
    pub fn lines(&self, pool: PoolId, wall: Wall) -> u16 {
        self.lines_at(pool, &self.local(wall))
    }

    /// The next moment at which the lines of some pool change; `None` if they never do within a year.
    #[must_use]
    pub fn next_change(&self, wall: Wall) -> Option<Wall> {
        let mut minutes: Vec<u16> = self
            .pools
            .iter()
            .flat_map(|pool| &pool.shifts)
            .flat_map(|shift| [shift.hours.start() % DAY, shift.hours.end() % DAY])
            .collect();
        minutes.sort_unstable();
        minutes.dedup();
        let now = self.all_lines(wall);
        let mut date = self.zone.to_datetime(timestamp(wall)).date();
        for _ in 0..SEARCHED_DAYS {
            for &minute in &minutes {
                let at = self.wall_on(date, minute)?;
                if at > wall && self.all_lines(at) != now {
                    return Some(at);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The moment at which the table's zone shows this date and minute of the day (0 to 1439); a
    /// minute that a change of clocks skips counts as the one after the gap.
    #[must_use]
    pub fn wall_on(&self, date: Date, minute: u16) -> Option<Wall> {
        let (hour, minute) = (
            i8::try_from(minute / 60).ok()?,
            i8::try_from(minute % 60).ok()?,
        );
        let time = Time::new(hour, minute, 0, 0).ok()?;
        let timestamp = self
            .zone
            .to_timestamp(DateTime::from_parts(date, time))
            .ok()?;
        Some(Wall(timestamp.as_millisecond()))
    }

    /// Date and minute of the day (0 to 1439) that the table's zone shows at this moment.
    #[must_use]
    pub fn civil(&self, wall: Wall) -> (Date, u16) {
        let shown = self.zone.to_datetime(timestamp(wall));
        (shown.date(), minute_of(shown))
    }

    /// The first part of the week at which no pool of the route is open.
    #[must_use]
    pub fn hole(&self, route: RouteId) -> Option<Moment> {
        let route = self.routes.get(usize::from(route.0))?;
        let pools = route.source.rings.iter();
        let schedules: Vec<_> = pools
            .filter_map(|ring| self.pools.get(usize::from(ring.pool.0)))
            .collect();
        hole(&schedules)
    }

    /// False if schedules ask for workdays or holidays of a year that the calendar does not know;
    /// its days then go by weekday alone.
    #[must_use]
    pub fn calendar_covers(&self, wall: Wall) -> bool {
        let year = self.civil(wall).0.year();
        !self.pools.iter().any(Schedule::asks_calendar) || self.calendar.covers(year)
    }

    /// Names of the routes in order.
    pub fn route_names(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.source.name.as_str())
    }

    fn lines_at(&self, pool: PoolId, local: &Local) -> u16 {
        let schedule = self.pools.get(usize::from(pool.0));
        schedule.map_or(0, |schedule| {
            schedule.lines(local.before, local.day, local.minute)
        })
    }

    fn all_lines(&self, wall: Wall) -> Vec<u16> {
        let local = self.local(wall);
        let lines = |schedule: &Schedule| schedule.lines(local.before, local.day, local.minute);
        self.pools.iter().map(lines).collect()
    }

    fn local(&self, wall: Wall) -> Local {
        let (date, minute) = self.civil(wall);
        let before = date.yesterday().unwrap_or(date);
        Local {
            before: self.calendar.day(before),
            day: self.calendar.day(date),
            minute,
        }
    }

    /// The first route in the file's order whose conditions hold.
    fn find(&self, query: &Query<'_>) -> Option<u16> {
        let called = Number::new(query.called.reveal());
        let caller = Number::new(query.caller.reveal());
        let key = called.as_bytes();
        let of_number = self
            .by_called
            .binary_search_by(|(number, _)| number.as_ref().cmp(key));
        let of_number = of_number.ok().and_then(|at| self.by_called.get(at));
        let of_number = of_number.map_or(&[][..], |(_, routes)| routes.as_slice());
        let holds = |id: &&u16| {
            let route = self.routes.get(usize::from(**id));
            route.is_some_and(|route| route.holds(query.trunk, caller.as_bytes()))
        };
        let first = of_number.iter().find(holds);
        let other = self.by_other.iter().find(holds);
        match (first, other) {
            (Some(a), Some(b)) => Some(*a.min(b)),
            (a, b) => a.or(b).copied(),
        }
    }
}

impl Compiled {
    fn new(source: Route, pools: &[(String, Schedule)]) -> Self {
        let callers = source
            .callers
            .iter()
            .map(|prefix| prefix.as_bytes().into())
            .collect();
        let reasons = (0..=source.rings.len())
            .map(|open| [true, false].map(|fits| Arc::from(reason(&source, pools, open, fits))))
            .collect();
        Self {
            source,
            callers,
            reasons,
        }
    }

    fn holds(&self, trunk: TrunkId, caller: &[u8]) -> bool {
        let trunks = &self.source.trunks;
        (trunks.is_empty() || trunks.contains(&trunk))
            && (self.callers.is_empty() || self.callers.iter().any(|p| caller.starts_with(p)))
    }
}

impl Decision {
    fn nowhere() -> Self {
        Self {
            route: RouteId(0),
            rings: SmallVec::new(),
            class: Class::ORDINARY,
            risk: false,
            required: SkillSet::EMPTY,
            preferred: SmallVec::new(),
            reason: Arc::from(""),
        }
    }
}

fn check_rings(route: &Route, id: RouteId, pools: usize) -> Result<(), TableError> {
    if route.rings.is_empty() {
        return Err(TableError::NoRing(id));
    }
    let unknown = route
        .rings
        .iter()
        .find(|ring| usize::from(ring.pool.0) >= pools);
    if let Some(ring) = unknown {
        return Err(TableError::UnknownPool(id, ring.pool));
    }
    if route
        .rings
        .windows(2)
        .any(|pair| pair[1].after < pair[0].after)
    {
        return Err(TableError::FallingWait(id));
    }
    Ok(())
}

/// The sentence for the record: which route, which pools after which wait, which are closed now.
fn reason(route: &Route, pools: &[(String, Schedule)], open: usize, fits: bool) -> String {
    let mut text = if fits {
        format!("符合路由 {}", route.name)
    } else {
        format!("没有路由符合，用默认路由 {}", route.name)
    };
    let name = |ring: &Ring| {
        pools
            .get(usize::from(ring.pool.0))
            .map_or("", |(name, _)| name)
    };
    let closed = open == route.rings.len();
    let earlier = route
        .rings
        .get(open)
        .map_or(Duration::ZERO, |ring| ring.after);
    for (at, ring) in route.rings.iter().enumerate() {
        let seconds = ring.after.saturating_sub(earlier).as_secs();
        text.push_str(if at == 0 { "：" } else { "，" });
        text.push_str(name(ring));
        match seconds {
            _ if at < open => text.push_str(" 此刻关闭"),
            0 => text.push_str(" 立即"),
            _ => text.push_str(&format!(" {seconds} 秒后")),
        }
    }
    if closed {
        text.push_str("，等候开班");
    }
    text
}

/// The moment for jiff; one outside its 20,000 years counts as their end.
fn timestamp(wall: Wall) -> Timestamp {
    let end = if wall.0 < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(wall.0).unwrap_or(end)
}

fn minute_of(shown: DateTime) -> u16 {
    // Hour and minute are never negative.
    u16::from(shown.hour().unsigned_abs()) * 60 + u16::from(shown.minute().unsigned_abs())
}
