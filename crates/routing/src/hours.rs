//! Hours of a day and sets of days, as people write them.

use jiff::civil::Weekday;

use crate::calendar::{Day, DayKind};

/// Minutes of a day.
pub(crate) const DAY: u16 = 24 * 60;

/// From one minute to another, at most 24 hours, possibly past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hours {
    start: u16,
    end: u16,
}

/// Why a text is not [`Hours`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoursError {
    /// Not of the form `08:00-18:00`.
    Form,
    /// An hour above 23 (24:00 may only end) or a minute above 59.
    Range,
    /// Start and end are the same; the whole day is `00:00-24:00`.
    Empty,
}

impl Hours {
    /// The whole day.
    pub const ALL_DAY: Hours = Hours { start: 0, end: DAY };

    /// Reads `08:00-18:00`, or `18:00-08:00` which ends the next morning; `24:00` ends a day.
    ///
    /// # Errors
    /// [`HoursError`] if it is not that.
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let (start, end) = text.split_once('-').ok_or(HoursError::Form)?;
        let (start, end) = (minute(start.trim())?, minute(end.trim())?);
        if start >= DAY {
            return Err(HoursError::Range);
        }
        match end {
            _ if end == start => Err(HoursError::Empty),
            0 => Ok(Self { start, end: DAY }),
            _ if end < start => Ok(Self {
                start,
                end: end + DAY,
            }),
            _ => Ok(Self { start, end }),
        }
    }

    /// First minute of the day, 0 to 1439.
    #[must_use]
    pub fn start(self) -> u16 {
        self.start
    }

    /// Minute after the last, counted from the midnight before the start: up to 2879.
    #[must_use]
    pub fn end(self) -> u16 {
        self.end
    }

    /// True if the hours end after the midnight that follows their start.
    #[must_use]
    pub fn crosses_midnight(self) -> bool {
        self.end > DAY
    }

    /// The part on the day they begin, as minutes from and to.
    pub(crate) fn first_day(self) -> (u16, u16) {
        (self.start, self.end.min(DAY))
    }

    /// The part on the day after, if there is one.
    pub(crate) fn second_day(self) -> Option<(u16, u16)> {
        self.crosses_midnight().then(|| (0, self.end - DAY))
    }
}

fn minute(text: &str) -> Result<u16, HoursError> {
    let (hour, minute) = text.split_once(':').ok_or(HoursError::Form)?;
    let number = |text: &str| {
        let fits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits {
            text.parse::<u16>().map_err(|_| HoursError::Form)
        } else {
            Err(HoursError::Form)
        }
    };
    if minute.len() != 2 {
        return Err(HoursError::Form);
    }
    let (hour, minute) = (number(hour)?, number(minute)?);
    if minute > 59 || hour > 24 || (hour == 24 && minute > 0) {
        return Err(HoursError::Range);
    }
    Ok(hour * 60 + minute)
}

/// A set of days: weekdays by name, and kinds of day by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Days(u16);

impl Days {
    /// No day.
    pub const NONE: Days = Days(0);
    /// Every day, whatever the calendar says.
    pub const ALL: Days = Days(0x7f);
    /// Workdays by the calendar.
    pub const WORKDAYS: Days = Days(1 << 7);
    /// Days of rest by the calendar, public holidays among them.
    pub const RESTDAYS: Days = Days(1 << 8);
    /// Public holidays by the calendar.
    pub const HOLIDAYS: Days = Days(1 << 9);
    /// Names that [`Self::parse`] knows.
    pub const NAMES: [&'static str; 11] = [
        "all", "workday", "restday", "holiday", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    ];

    /// The days of one name; `None` if there is no such name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        Some(match at {
            0 => Self::ALL,
            1 => Self::WORKDAYS,
            2 => Self::RESTDAYS,
            3 => Self::HOLIDAYS,
            n => Self(1 << (n - 4)),
        })
    }

    /// Days of either set.
    #[must_use]
    pub fn or(self, other: Days) -> Days {
        Days(self.0 | other.0)
    }

    /// True if the day is in the set.
    #[must_use]
    pub fn contains(self, day: Day) -> bool {
        let kinds = match day.kind {
            DayKind::Workday => Self::WORKDAYS.0,
            DayKind::Restday => Self::RESTDAYS.0,
            DayKind::Holiday => Self::RESTDAYS.0 | Self::HOLIDAYS.0,
        };
        self.0 & (kinds | weekday_bit(day.weekday)) != 0
    }

    /// True if the set depends on the calendar of holidays.
    #[must_use]
    pub fn asks_calendar(self) -> bool {
        self.0 >> 7 != 0
    }
}

fn weekday_bit(weekday: Weekday) -> u16 {
    1 << weekday.to_monday_zero_offset()
}
