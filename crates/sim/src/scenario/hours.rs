//! Pools with their shifts, seats and counsellors, read from the configuration's text.
//!
//! The simulator's own reading: it takes what people need to come to work, and shares no code with
//! the engine's reader. What it does not understand it leaves out.

use super::reader;
use crate::reference::hours::{Calendar, Special};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use meishier_model::Wall;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Minutes of a day.
const DAY: i64 = 1440;

/// Who works where, and when pools are open.
#[derive(Clone, Debug)]
pub struct Roster {
    zone: TimeZone,
    calendar: Calendar,
    /// Pools, in the order of the file.
    pub pools: Vec<PoolFacts>,
    /// Seats, in the order of the file, ranges written out: the engine's `SeatId` is the index.
    pub seats: Vec<SeatFacts>,
    /// Counsellors, in the order of the file, ranges written out: the engine's `CounsellorId` is
    /// the index.
    pub people: Vec<PersonFacts>,
    /// SIP domain of the telephones.
    pub domain: String,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolFacts {
    /// Its name.
    pub name: String,
    /// Its shifts, in the order of the file.
    pub shifts: Vec<ShiftFacts>,
    /// The skills that some route asks for before it rings here.
    pub skills: Vec<String>,
}

/// Hours of a day with lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftFacts {
    /// First minute of the day on which it begins.
    pub from: u16,
    /// Minute after the last one; above 1440 if it goes over midnight.
    pub to: u16,
    /// Lines that are open.
    pub lines: u16,
    /// Days on which it begins, as the file says; empty for all.
    pub days: Vec<String>,
}

/// A seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatFacts {
    /// Its name.
    pub name: String,
    /// The password of its telephone; `None` if it does not register.
    pub password: Option<String>,
    /// Its pools, as indices.
    pub pools: Vec<usize>,
}

/// A counsellor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonFacts {
    /// Account.
    pub account: String,
    /// PIN.
    pub pin: String,
    /// Seats at which they may sign on, as indices.
    pub seats: Vec<usize>,
    /// Skills, without levels.
    pub skills: Vec<String>,
}

impl Roster {
    /// Reads a configuration.
    ///
    /// # Errors
    /// If it is no TOML, or its zone is unknown.
    pub fn read(config: &str) -> Result<Self, String> {
        let file: Table = config.parse().map_err(|error| format!("{error}"))?;
        let zone = text(&file, "zone").unwrap_or("Asia/Shanghai");
        let zone = TimeZone::get(zone).map_err(|error| format!("{error}"))?;
        let mut pools: Vec<_> = tables(&file, "pools").map(pool).collect();
        for route in tables(&file, "routes") {
            note_skills(&mut pools, route);
        }
        let seats = seats(&file, &pools);
        let people = people(&file, &seats);
        let sip = file.get("sip").and_then(Value::as_table);
        Ok(Self {
            zone,
            calendar: calendar(&file),
            pools,
            seats,
            people,
            domain: sip
                .and_then(|sip| text(sip, "domain"))
                .unwrap_or("meishier.invalid")
                .to_owned(),
        })
    }

    /// Civil minutes since the beginning of year 1 in the configuration's zone, rounded down, and
    /// the milliseconds above that.
    pub(crate) fn civil(&self, wall: Wall) -> (i64, i64) {
        let Ok(moment) = Timestamp::from_millisecond(wall.0) else {
            return (0, 0);
        };
        let civil = self.zone.to_datetime(moment);
        let minute = i64::from(civil.hour()) * 60 + i64::from(civil.minute());
        let above = i64::from(civil.second()) * 1000 + i64::from(civil.millisecond());
        (day_number(civil.date()) * DAY + minute, above)
    }

    /// The moment of a civil time in the configuration's zone.
    #[must_use]
    pub fn wall(&self, civil: DateTime) -> Option<Wall> {
        let moment = self.zone.to_timestamp(civil).ok()?;
        Some(Wall(moment.as_millisecond()))
    }

    /// Lines of a pool on the shift of this number that begins on this day; 0 if it does not.
    pub(crate) fn lines(&self, pool: usize, shift: usize, day: i64) -> u16 {
        let shift = self.pools.get(pool).and_then(|pool| pool.shifts.get(shift));
        match shift {
            Some(shift) if self.begins(shift, day) => shift.lines,
            _ => 0,
        }
    }

    fn begins(&self, shift: &ShiftFacts, day: i64) -> bool {
        shift.days.is_empty()
            || date(day)
                .is_some_and(|date| shift.days.iter().any(|word| self.calendar.is(date, word)))
    }
}

/// Days since the first of January of year 1.
fn day_number(date: Date) -> i64 {
    let first = Date::constant(1, 1, 1);
    date.duration_since(first).as_hours() / 24
}

fn date(day: i64) -> Option<Date> {
    let days = jiff::SignedDuration::from_hours(day.checked_mul(24)?);
    Date::constant(1, 1, 1).checked_add(days).ok()
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}

fn tables<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = &'t Table> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_table)
}

fn texts<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = &'t str> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The days that the state has announced, and those that the file adds.
fn calendar(file: &Table) -> Calendar {
    let routing = file.get("routing").and_then(Value::as_table);
    let mut out = Calendar::published();
    for entry in routing.into_iter().flat_map(|r| tables(r, "calendar")) {
        let date = entry.get("date").and_then(Value::as_datetime);
        let Some(date) = date.and_then(|moment| moment.date) else {
            continue;
        };
        let what = match text(entry, "kind") {
            Some("holiday") => Special::Holiday,
            _ => Special::Workday,
        };
        if let Ok(date) = Date::new(date.year as i16, date.month as i8, date.day as i8) {
            out.set(date, what);
        }
    }
    out
}

fn pool(table: &Table) -> PoolFacts {
    let mut shifts = Vec::new();
    for entry in tables(table, "shifts") {
        let lines = entry.get("lines").and_then(Value::as_integer).unwrap_or(0);
        if let Some((from, to)) = text(entry, "hours").and_then(reader::hours) {
            shifts.push(ShiftFacts {
                from,
                to,
                lines: u16::try_from(lines).unwrap_or(0),
                days: texts(entry, "days").map(str::to_owned).collect(),
            });
        }
    }
    PoolFacts {
        name: text(table, "name").unwrap_or_default().to_owned(),
        shifts,
        skills: Vec::new(),
    }
}

fn note_skills(pools: &mut [PoolFacts], route: &Table) {
    let rings = route.get("rings").and_then(Value::as_array);
    for ring in rings.into_iter().flatten() {
        let name = match ring {
            Value::Table(ring) => text(ring, "pool"),
            ring => ring.as_str(),
        };
        let found = pools
            .iter_mut()
            .find(|pool| Some(pool.name.as_str()) == name);
        let Some(pool) = found else { continue };
        for skill in texts(route, "skills") {
            if !pool.skills.iter().any(|known| known == skill) {
                pool.skills.push(skill.to_owned());
            }
        }
    }
}

fn seats(file: &Table, pools: &[PoolFacts]) -> Vec<SeatFacts> {
    let mut out = Vec::new();
    for entry in tables(file, "seats") {
        let index = |name| pools.iter().position(|pool| pool.name == name);
        let pools: Vec<_> = texts(entry, "pools").filter_map(index).collect();
        for (name, number) in names(text(entry, "name").unwrap_or_default()) {
            out.push(SeatFacts {
                name,
                password: text(entry, "password").map(|word| word.replace("{n}", &number)),
                pools: pools.clone(),
            });
        }
    }
    out
}

fn people(file: &Table, seats: &[SeatFacts]) -> Vec<PersonFacts> {
    let mut out = Vec::new();
    let known: BTreeMap<_, _> = (seats.iter().map(|seat| seat.name.as_str()).zip(0..)).collect();
    for entry in tables(file, "counsellors") {
        let skills = entry.get("skills").and_then(Value::as_table);
        let skills: Vec<_> = skills.into_iter().flat_map(|s| s.keys().cloned()).collect();
        for (account, number) in names(text(entry, "account").unwrap_or_default()) {
            let at = |range: &str| names(&range.replace("{n}", &number));
            let index = |(name, _): (String, String)| known.get(name.as_str()).copied();
            let mut seats: Vec<usize> = match text(entry, "seats") {
                Some("any") => (0..seats.len()).collect(),
                _ => (texts(entry, "seats").flat_map(at))
                    .filter_map(index)
                    .collect(),
            };
            seats.sort_unstable();
            seats.dedup();
            out.push(PersonFacts {
                account,
                pin: text(entry, "pin")
                    .unwrap_or_default()
                    .replace("{n}", &number),
                seats,
                skills: skills.clone(),
            });
        }
    }
    out
}

/// The names that `a{01..03}` stands for, each with what `{n}` is there; one name stands for itself.
fn names(text: &str) -> Vec<(String, String)> {
    let range = || {
        let (head, rest) = text.split_once('{')?;
        let (range, tail) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        let numbers = first.parse::<u32>().ok()?..=last.parse().ok()?;
        let width = first.len();
        let one = |number| {
            let number = format!("{number:0width$}");
            (format!("{head}{number}{tail}"), number)
        };
        Some(numbers.map(one).collect())
    };
    range().unwrap_or_else(|| vec![(text.to_owned(), String::new())])
}
