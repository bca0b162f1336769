//! Which day is a workday, a day of rest, a public holiday.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::holidays::{Festival, SHIPPED};

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

/// Days ahead of today for which [`Calendar::missing_ahead`] wants a table: from 1 November on
/// they reach the next year, whose notice has usually appeared by then.
pub const LOOK_AHEAD_DAYS: i32 = 61;

/// Holidays and make-up workdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Ascending by date.
    days: Vec<Known>,
    /// Their dates as numbers, side by side for the search of every decision.
    numbers: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    date: Date,
    what: Exception,
    name: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Festival(Festival),
    Own(Box<str>),
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
            .filter_map(|&(y, m, d, what, festival)| {
                let date = Date::new(y, m, d).ok()?;
                let name = Some(Name::Festival(festival));
                Some(Known { date, what, name })
            })
            .collect();
        days.sort_by_key(|known| known.date);
        let numbers = days.iter().map(|known| number_of(known.date)).collect();
        Self { days, numbers }
    }

    /// A calendar that knows nothing but weekdays.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            days: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Adds a day, or replaces what was known of it; the name stays if the day stays what it was.
    pub fn set(&mut self, date: Date, what: Exception) {
        match self.find(date) {
            Ok(at) if self.days[at].what == what => {}
            Ok(at) => {
                self.days[at] = Known {
                    date,
                    what,
                    name: None,
                }
            }
            Err(at) => {
                let name = None;
                self.days.insert(at, Known { date, what, name });
                self.numbers.insert(at, number_of(date));
            }
        }
    }

    /// Like [`Self::set`] with a name for the drawn week, such as a province's own holiday.
    pub fn set_named(&mut self, date: Date, what: Exception, name: &str) {
        self.set(date, what);
        if let Ok(at) = self.find(date) {
            self.days[at].name = Some(Name::Own(name.into()));
        }
    }

    /// What is known of a date beyond its weekday.
    #[must_use]
    pub fn exception(&self, date: Date) -> Option<Exception> {
        let at = self.find(date).ok()?;
        self.days.get(at).map(|known| known.what)
    }

    /// Name of the holiday, or of the holiday that a make-up workday is worked for, in Chinese and
    /// in English; a name that was given with the day is the same in both.
    #[must_use]
    pub fn name(&self, date: Date) -> Option<(&str, &str)> {
        let at = self.find(date).ok()?;
        match self.days.get(at)?.name.as_ref()? {
            Name::Festival(festival) => Some(festival.names()),
            Name::Own(name) => Some((name, name)),
        }
    }

    fn find(&self, date: Date) -> Result<usize, usize> {
        self.days.binary_search_by_key(&date, |known| known.date)
    }

    /// The day as schedules see it.
    #[must_use]
    pub fn day(&self, date: Date) -> Day {
        Day::new(date.weekday(), self.exception(date))
    }

    /// The day of this number, counted from 1970-01-01, and before it the day before: two calls of
    /// [`Self::day`] by one search.
    pub(crate) fn two_days(&self, number: i64) -> [Day; 2] {
        let from = self.numbers.partition_point(|known| *known < number - 1);
        let exception = |at: usize, wanted: i64| {
            let is_known = self.numbers.get(at) == Some(&wanted);
            self.days.get(at).filter(|_| is_known).map(|it| it.what)
        };
        let before = exception(from, number - 1);
        let day = exception(from + usize::from(before.is_some()), number);
        [
            Day::new(weekday_of(number - 1), before),
            Day::new(weekday_of(number), day),
        ]
    }

    /// True if at least one day of the year is known; otherwise its days go by weekday alone.
    #[must_use]
    pub fn covers(&self, year: i16) -> bool {
        let at = self.days.partition_point(|known| known.date.year() < year);
        self.days
            .get(at)
            .is_some_and(|known| known.date.year() == year)
    }

    /// Years without a table that a day from `from` to `until`, both included, falls into,
    /// ascending; empty if `until` is before `from`.
    #[must_use]
    pub fn missing_years(&self, from: Date, until: Date) -> Vec<i16> {
        (from.year()..=until.year())
            .filter(|&year| from <= until && !self.covers(year))
            .collect()
    }

    /// Years without a table that the next [`LOOK_AHEAD_DAYS`] days fall into, today included.
    #[must_use]
    pub fn missing_ahead(&self, today: Date) -> Vec<i16> {
        let until = today
            .checked_add(LOOK_AHEAD_DAYS.days())
            .unwrap_or(Date::MAX);
        self.missing_years(today, until)
    }
}

impl Day {
    fn new(weekday: Weekday, exception: Option<Exception>) -> Self {
        let kind = match exception {
            Some(Exception::Holiday) => DayKind::Holiday,
            Some(Exception::Workday) => DayKind::Workday,
            None if is_weekend(weekday) => DayKind::Restday,
            None => DayKind::Workday,
        };
        Self { weekday, kind }
    }

    /// What it counts as, in Chinese and in English; a workday at a weekend is a make-up workday.
    #[must_use]
    pub fn kind_names(self) -> (&'static str, &'static str) {
        match self.kind {
            DayKind::Workday if is_weekend(self.weekday) => ("调休上班", "make-up workday"),
            DayKind::Workday => ("工作日", "workday"),
            DayKind::Restday => ("休息日", "day of rest"),
            DayKind::Holiday => ("节假日", "public holiday"),
        }
    }
}

/// A weekday's name in Chinese and in English: 周一, Monday.
#[must_use]
pub fn weekday_names(weekday: Weekday) -> (&'static str, &'static str) {
    match weekday {
        Weekday::Monday => ("周一", "Monday"),
        Weekday::Tuesday => ("周二", "Tuesday"),
        Weekday::Wednesday => ("周三", "Wednesday"),
        Weekday::Thursday => ("周四", "Thursday"),
        Weekday::Friday => ("周五", "Friday"),
        Weekday::Saturday => ("周六", "Saturday"),
        Weekday::Sunday => ("周日", "Sunday"),
    }
}

/// The same with the three letters by which English tables name a weekday: 周一, Mon.
#[must_use]
pub fn short_weekday_names(weekday: Weekday) -> (&'static str, &'static str) {
    let (zh, en) = weekday_names(weekday);
    (zh, en.get(..3).unwrap_or(en))
}

/// Days since 1970-01-01.
fn number_of(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

/// 1970-01-01 was a Thursday.
fn weekday_of(number: i64) -> Weekday {
    let at = usize::try_from((number + 3).rem_euclid(7));
    let found = at.ok().and_then(|at| WEEK.get(at));
    found.copied().unwrap_or(Weekday::Monday)
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

#[cfg(test)]
mod tests {
    use super::{Calendar, Exception, number_of};
    use jiff::civil::Date;

    #[test]
    fn two_days_by_number_are_the_days_by_date() {
        let mut calendar = Calendar::shipped();
        calendar.set(Date::constant(1969, 12, 31), Exception::Holiday);
        calendar.set(Date::constant(1970, 1, 4), Exception::Workday);
        let mut seen = Vec::new();
        for from in [Date::constant(1969, 12, 1), Date::constant(2024, 12, 1)] {
            let mut date = from;
            for _ in 0..800 {
                let before = date.yesterday().unwrap_or(date);
                let wanted = [calendar.day(before), calendar.day(date)];
                assert_eq!(calendar.two_days(number_of(date)), wanted, "{date}");
                if !seen.contains(&wanted) {
                    seen.push(wanted);
                }
                date = date.tomorrow().unwrap_or(date);
            }
        }
        assert!(seen.len() > 20, "holidays and make-up workdays are met");
    }
}
