//! The compiled table: what a decision looks things up in.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use meishier_model::{Class, DialString, PoolId, SkillId, SkillSet, TrunkId, Wall};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

use crate::areas::Areas;
use crate::calendar::Calendar;
use crate::compile;
use crate::decide::Dialled;
use crate::exceptional::ExceptionalDays;
use crate::hours::DAY;
use crate::index::Index;
use crate::listed::Lists;
use crate::number::{Called, Number};
use crate::place::prefixes::{Key, Prefixes};
use crate::place::{CityId, Gazetteer};
use crate::policy::Policies;
use crate::schedule::{Moment, Schedule, WeekPlan, hole, slot};
use crate::service::ServiceRules;
use crate::source::{Ladder, TableError, TableSource};
use crate::week::{Timetable, Week, minute_of, timestamp};
use crate::when::{Conditions, Local};

/// Index of a route in the file's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u16);

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

/// Routes, areas, policies, schedules, calendar and zone, compiled.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) zone: TimeZone,
    pub(crate) calendar: Calendar,
    pub(crate) exceptional: ExceptionalDays,
    pub(crate) pools: Vec<PoolTable>,
    pub(crate) trunk_codes: Vec<Option<String>>,
    pub(crate) gazetteer: Arc<Gazetteer>,
    pub(crate) aliases: Vec<AliasTable>,
    /// Places in the file of old numbers, by their normal form.
    pub(crate) by_alias: Prefixes<u16>,
    pub(crate) areas: Areas,
    pub(crate) routes: Vec<RouteTable>,
    pub(crate) index: Index,
    pub(crate) default: u16,
    pub(crate) preferences: Vec<PreferenceTable>,
    pub(crate) lists: Lists,
    pub(crate) policies: Policies,
    /// Minutes of the day at which conditions of routes and preferences may change, ascending.
    pub(crate) edges: Vec<u16>,
    /// Pools whose states conditions look at, ascending.
    pub(crate) watched: Vec<PoolId>,
    /// True if a condition depends on the calendar of holidays.
    pub(crate) dated: bool,
}

/// One pool.
#[derive(Clone, Debug)]
pub(crate) struct PoolTable {
    pub name: String,
    pub schedule: Schedule,
    pub plan: WeekPlan,
    pub rules: ServiceRules,
}

/// One old number.
#[derive(Clone, Debug)]
pub(crate) struct AliasTable {
    pub name: String,
    pub city: Option<CityId>,
}

/// One route with its steps and those of the routes that follow it.
#[derive(Clone, Debug)]
pub(crate) struct RouteTable {
    pub name: String,
    pub when: Conditions,
    pub steps: Ladder,
    pub class: Class,
    pub risk: bool,
    pub required: SkillSet,
    pub preferred: SmallVec<[Preference; 2]>,
}

/// One preference.
#[derive(Clone, Debug)]
pub(crate) struct PreferenceTable {
    pub name: String,
    pub when: Conditions,
    pub prefer: SmallVec<[Preference; 2]>,
}

impl Table {
    /// Compiles a table.
    ///
    /// # Errors
    /// The first thing that is wrong; see [`TableError`].
    pub fn compile(source: TableSource) -> Result<Self, TableError> {
        compile::compile(source)
    }

    /// The zone of this name from the bundled data; the machine's data base is never read.
    #[must_use]
    pub fn zone(name: &str) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(name).ok()
    }

    /// The policies.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Cities, mobile segments, number blocks and cells.
    #[must_use]
    pub fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }

    /// When this pool counts as overloaded or about to close; `None` if it does not exist.
    #[must_use]
    pub fn service_rules(&self, pool: PoolId) -> Option<&ServiceRules> {
        self.pools.get(usize::from(pool.0)).map(|it| &it.rules)
    }

    /// The shifts of this pool; `None` if it does not exist.
    #[must_use]
    pub fn schedule(&self, pool: PoolId) -> Option<&Schedule> {
        self.pools.get(usize::from(pool.0)).map(|it| &it.schedule)
    }

    /// Holidays and make-up workdays.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Times at which pools are open otherwise than by their shifts.
    #[must_use]
    pub fn exceptional(&self) -> &ExceptionalDays {
        &self.exceptional
    }

    /// Lines of a pool that are open at this moment; 0 when it is closed or unknown.
    #[must_use]
    pub fn lines(&self, pool: PoolId, wall: Wall) -> u16 {
        self.lines_at(pool, &self.local(wall))
    }

    /// The next moment at which the lines of some pool change, or the hours of some rule begin or
    /// end; `None` if nothing does within a year.
    #[must_use]
    pub fn next_change(&self, wall: Wall) -> Option<Wall> {
        let timetable = self.timetable();
        let mut soonest = self.next_edge(wall);
        for (pool, id) in self.pools.iter().zip(0u16..) {
            let until = soonest.unwrap_or(Wall(i64::MAX));
            let next = timetable.next_change(PoolId(id), &pool.plan, wall, until);
            soonest = next.or(soonest);
            let warned = self.going_down(PoolId(id), wall);
            soonest = [soonest, warned].into_iter().flatten().min();
        }
        soonest
    }

    /// When this pool begins to count as about to close, if that lies ahead of its present shift's
    /// end.
    fn going_down(&self, pool: PoolId, wall: Wall) -> Option<Wall> {
        let within = self.service_rules(pool)?.going_down?;
        let day = Duration::from_secs(24 * 3600);
        let left = self.closes_in(pool, wall, day)?;
        let ms = i64::try_from(left.checked_sub(within)?.as_millis()).ok()?;
        (ms > 0).then(|| Wall(wall.0.saturating_add(ms)))
    }

    fn next_edge(&self, wall: Wall) -> Option<Wall> {
        let today = self.civil(wall).0;
        let days = [Some(today), today.tomorrow().ok()].into_iter().flatten();
        let mut edges = days.flat_map(|date| {
            let minutes = self.edges.iter();
            minutes.filter_map(move |minute| self.wall_on(date, *minute))
        });
        edges.find(|at| *at > wall)
    }

    /// How long after `wall` this pool has no line any more, if that is within `within`; `None` if it
    /// is closed, or goes on.
    #[must_use]
    pub fn closes_in(&self, pool: PoolId, wall: Wall, within: Duration) -> Option<Duration> {
        let found = self.pools.get(usize::from(pool.0))?;
        self.timetable().closes_in(pool, &found.plan, wall, within)
    }

    /// The first moment from `wall` on at which this pool has a line; `None` if not within a year.
    #[must_use]
    pub fn opens(&self, pool: PoolId, wall: Wall) -> Option<Wall> {
        let found = self.pools.get(usize::from(pool.0))?;
        self.timetable().opens(pool, &found.plan, wall)
    }

    /// The lines of some pools together in the week that a date lies in. Unknown pools have none.
    #[must_use]
    pub fn week(&self, pools: &[PoolId], date: Date) -> Week {
        let plan = |id: &PoolId| Some((*id, &self.pools.get(usize::from(id.0))?.plan));
        let plans: Vec<_> = pools.iter().filter_map(plan).collect();
        self.timetable().week(&plans, date)
    }

    fn timetable(&self) -> Timetable<'_> {
        Timetable {
            zone: &self.zone,
            calendar: &self.calendar,
            exceptional: &self.exceptional,
        }
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

    /// The first part of the week at which no pool that the route names itself is open; `None` as
    /// well if it leads to places.
    #[must_use]
    pub fn hole(&self, route: RouteId) -> Option<Moment> {
        let route = self.routes.get(usize::from(route.0))?;
        let mut schedules = Vec::new();
        for step in &route.steps {
            let crate::source::To::Pool(pool) = step.to else {
                return None;
            };
            schedules.extend(self.schedule(pool));
        }
        hole(&schedules)
    }

    /// False if schedules ask for workdays or holidays of a year that the calendar does not know;
    /// its days then go by weekday alone.
    #[must_use]
    pub fn calendar_covers(&self, wall: Wall) -> bool {
        let year = self.civil(wall).0.year();
        !self.asks_calendar() || self.calendar.covers(year)
    }

    /// True if the state of this pool matters beyond its own callers: a rule looks at it.
    #[must_use]
    pub fn is_watched(&self, pool: PoolId) -> bool {
        self.watched.binary_search(&pool).is_ok()
    }

    /// True if some schedule or rule depends on workdays or holidays.
    #[must_use]
    pub fn asks_calendar(&self) -> bool {
        self.dated || self.pools.iter().any(|pool| pool.schedule.asks_calendar())
    }

    /// Names of the routes in order.
    pub fn route_names(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.name.as_str())
    }

    /// Names of the old numbers in order, for metrics.
    pub fn alias_names(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|alias| alias.name.as_str())
    }

    pub(crate) fn lines_at(&self, pool: PoolId, local: &Local) -> u16 {
        let Some(found) = self.pools.get(usize::from(pool.0)) else {
            return 0;
        };
        let lines = found.plan.lines_in(local.slot, local.minute);
        self.exceptional
            .lines(pool, lines, found.plan.most_lines(), local.wall)
    }

    pub(crate) fn local(&self, wall: Wall) -> Local {
        let at = timestamp(wall);
        let ahead = i64::from(self.zone.to_offset(at).seconds()) * 1000;
        let minutes = (at.as_millisecond() + ahead).div_euclid(60_000);
        let minutes_of_day = i64::from(DAY);
        let [before, day] = self.calendar.two_days(minutes.div_euclid(minutes_of_day));
        Local {
            before,
            day,
            slot: slot(before, day),
            // A rest is below its divisor.
            minute: minutes.rem_euclid(minutes_of_day) as u16,
            wall,
        }
    }

    /// Area code of which local numbers on this trunk are.
    pub(crate) fn trunk_code(&self, trunk: TrunkId) -> Option<&str> {
        self.trunk_codes.get(usize::from(trunk.0))?.as_deref()
    }

    /// True if this is one of the hotline's numbers: 12356, with or without an area code, or an old
    /// number that is still dialled.
    #[must_use]
    pub fn is_hotline(&self, number: &DialString) -> bool {
        let number = Number::new(number.reveal());
        self.dialled(Key::new(number.as_bytes())) != Dialled::Other
    }

    /// The number dialled. An area code that lost its 0 before 12356 gets it back if there is such
    /// an area.
    pub(crate) fn called_number(&self, text: &str, code: Option<&str>) -> Number {
        let called = Number::in_area(text, code);
        let meant = called.lacking_zero(code);
        let is_known = |meant: &Number| match meant.called() {
            Called::HotlineOf(area) => self.gazetteer.atlas().find_code(area).is_some(),
            Called::Hotline | Called::Other => false,
        };
        meant.filter(is_known).unwrap_or(called)
    }

    /// Which form of the hotline's number this is.
    pub(crate) fn dialled(&self, called: Key<'_>) -> Dialled {
        if let Some(at) = self.by_alias.get(called) {
            return Dialled::Alias(*at);
        }
        match called.bytes().strip_suffix(b"12356") {
            Some(b"") => Dialled::Short,
            Some(code) if code.first() == Some(&b'0') && matches!(code.len(), 3 | 4) => {
                Dialled::Area
            }
            _ => Dialled::Other,
        }
    }
}
