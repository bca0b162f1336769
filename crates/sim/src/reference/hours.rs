//! Shifts by civil time: how many lines a pool should have at a moment.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use meishier_model::Wall;
use std::collections::BTreeMap;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// What the government's calendar says of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A public holiday.
    Holiday,
    /// A weekend day that is worked.
    Workday,
}

/// One shift of a pool.
#[derive(Clone, Debug)]
pub struct Shift {
    /// Words of `days`; empty for every day.
    pub days: Vec<String>,
    /// First minute of the day.
    pub from: u16,
    /// Minute after the last, beyond 1440 if it is on the next day.
    pub to: u16,
    /// Lines.
    pub lines: u16,
}

impl Shift {
    /// Reads `08:00-18:00`, `18:00-08:00`, `00:00-24:00`.
    #[must_use]
    pub fn hours(text: &str) -> Option<(u16, u16)> {
        let minute = |part: &str| {
            let (hour, minute) = part.trim().split_once(':')?;
            Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
        };
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        Some((from, if to <= from { to + DAY } else { to }))
    }

    fn on(&self, calendar: &Calendar, date: Date) -> bool {
        self.days.is_empty() || self.days.iter().any(|word| calendar.is(date, word))
    }
}

/// Days that are not what their weekday says.
#[derive(Clone, Debug, Default)]
pub struct Calendar(BTreeMap<Date, Special>);

impl Calendar {
    /// Notes a day.
    pub fn set(&mut self, date: Date, what: Special) {
        self.0.insert(date, what);
    }

    /// True if the date is what a word of `days` says.
    #[must_use]
    pub fn is(&self, date: Date, word: &str) -> bool {
        let weekday = date.weekday();
        let weekend = matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        let special = self.0.get(&date).copied();
        let holiday = special == Some(Special::Holiday);
        let free = holiday || (weekend && special.is_none());
        match word {
            "all" => true,
            "workday" => !free,
            "restday" => free,
            "holiday" => holiday,
            "mon" => weekday == Weekday::Monday,
            "tue" => weekday == Weekday::Tuesday,
            "wed" => weekday == Weekday::Wednesday,
            "thu" => weekday == Weekday::Thursday,
            "fri" => weekday == Weekday::Friday,
            "sat" => weekday == Weekday::Saturday,
            "sun" => weekday == Weekday::Sunday,
            _ => false,
        }
    }

    /// The holidays and worked weekends that are published for mainland China, 2025 and 2026, by
    /// the State Council's yearly notices: month, first and last day.
    #[must_use]
    pub fn published() -> Self {
        let mut out = Self::default();
        for (year, month, first, last) in HOLIDAYS {
            for day in *first..=*last {
                if let Ok(date) = Date::new(*year, *month, day) {
                    out.set(date, Special::Holiday);
                }
            }
        }
        for (year, month, day) in WORKED {
            if let Ok(date) = Date::new(*year, *month, *day) {
                out.set(date, Special::Workday);
            }
        }
        out
    }
}

const HOLIDAYS: &[(i16, i8, i8, i8)] = &[
    (2025, 1, 1, 1),
    (2025, 1, 28, 31),
    (2025, 2, 1, 4),
    (2025, 4, 4, 6),
    (2025, 5, 1, 5),
    (2025, 5, 31, 31),
    (2025, 6, 1, 2),
    (2025, 10, 1, 8),
    (2026, 1, 1, 3),
    (2026, 2, 15, 23),
    (2026, 4, 4, 6),
    (2026, 5, 1, 5),
    (2026, 6, 19, 21),
    (2026, 9, 25, 27),
    (2026, 10, 1, 7),
];

const WORKED: &[(i16, i8, i8)] = &[
    (2025, 1, 26),
    (2025, 2, 8),
    (2025, 4, 27),
    (2025, 9, 28),
    (2025, 10, 11),
    (2026, 1, 4),
    (2026, 2, 14),
    (2026, 2, 28),
    (2026, 5, 9),
    (2026, 9, 20),
    (2026, 10, 10),
];

/// A clock on the wall of the hotline.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The zone.
    pub zone: TimeZone,
    /// Holidays.
    pub calendar: Calendar,
}

impl Clock {
    /// Date and minute of the day there.
    #[must_use]
    pub fn civil(&self, wall: Wall) -> (Date, u16) {
        let moment = jiff::Timestamp::from_millisecond(wall.0).unwrap_or_default();
        let shown = self.zone.to_datetime(moment);
        let minute =
            u16::from(shown.hour().unsigned_abs()) * 60 + u16::from(shown.minute().unsigned_abs());
        (shown.date(), minute)
    }

    /// Lines of these shifts on that date at that minute. A shift across midnight belongs to the
    /// day on which it begins.
    #[must_use]
    pub fn lines(&self, shifts: &[Shift], date: Date, minute: u16) -> u16 {
        let yesterday = date.yesterday().unwrap_or(date);
        let open = shifts.iter().find(|shift| {
            let today = shift.from <= minute && minute < shift.to;
            let spilt = minute + DAY < shift.to;
            (today && shift.on(&self.calendar, date))
                || (spilt && shift.on(&self.calendar, yesterday))
        });
        open.map_or(0, |shift| shift.lines)
    }
}
