//! Which day is a workday, a day of rest, a public holiday.

use jiff::civil::{Date, Weekday};

use crate::holidays::SHIPPED;

/// What the calendar says of a day that its weekday does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exception {
    /// A public holiday.
    Holiday,
    /// A make-up workday (调休上班) at a weekend.
    Workday,
}

/// What a day counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayKind {
    /// Monday to Friday without a holiday, and make-up workdays.
    Workday,
    /// Saturday and Sunday that are neither holiday nor make-up workday.
    Restday,
    /// A public holiday; schedules count it among the days of rest too.
    Holiday,
}

/// One day as schedules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Day {
    /// Weekday by the calendar.
    pub weekday: Weekday,
    /// What it counts as.
    pub kind: DayKind,
}

/// Holidays and make-up workdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    days: Vec<(Date, Exception)>,
}

impl Default for Calendar {
    /// The shipped years.
    fn default() -> Self {
        Self::shipped()
    }
}

impl Calendar {
    /// The years that come with the program: 2025 and 2026.
    #[must_use]
    pub fn shipped() -> Self {
        let mut days: Vec<_> = SHIPPED
            .iter()
            .filter_map(|&(y, m, d, what)| Some((Date::new(y, m, d).ok()?, what)))
            .collect();
        days.sort_by_key(|&(date, _)| date);
        Self { days }
    }

    /// Adds a day, or replaces what was known of it.
    pub fn set(&mut self, date: Date, what: Exception) {
        match self.days.binary_search_by_key(&date, |&(date, _)| date) {
            Ok(at) => self.days[at].1 = what,
            Err(at) => self.days.insert(at, (date, what)),
        }
    }

    /// What is known of a date beyond its weekday.
    #[must_use]
    pub fn exception(&self, date: Date) -> Option<Exception> {
        let at = self
            .days
            .binary_search_by_key(&date, |&(date, _)| date)
            .ok()?;
        self.days.get(at).map(|&(_, what)| what)
    }

    /// The day as schedules see it.
    #[must_use]
    pub fn day(&self, date: Date) -> Day {
        let weekday = date.weekday();
        let kind = match self.exception(date) {
            Some(Exception::Holiday) => DayKind::Holiday,
            Some(Exception::Workday) => DayKind::Workday,
            None if is_weekend(weekday) => DayKind::Restday,
            None => DayKind::Workday,
        };
        Day { weekday, kind }
    }

    /// True if at least one day of the year is known; otherwise its days go by weekday alone.
    #[must_use]
    pub fn covers(&self, year: i16) -> bool {
        let at = self.days.partition_point(|&(date, _)| date.year() < year);
        self.days
            .get(at)
            .is_some_and(|&(date, _)| date.year() == year)
    }
}

fn is_weekend(weekday: Weekday) -> bool {
    matches!(weekday, Weekday::Saturday | Weekday::Sunday)
}

/// Every kind of day that a weekday can be, the ordinary one first.
pub(crate) fn kinds(weekday: Weekday) -> &'static [DayKind] {
    if is_weekend(weekday) {
        &[DayKind::Restday, DayKind::Workday, DayKind::Holiday]
    } else {
        &[DayKind::Workday, DayKind::Holiday]
    }
}

/// Monday to Sunday.
pub(crate) const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];
