//! Civil time of the demo: a date and a minute of the day, in the configuration's zone.

use meishier_model::Wall;
use meishier_routing::{Date, Table};

/// The minute of the day at which the night shift is played.
pub const NIGHT: u16 = 23 * 60;

/// A date and a minute of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    date: Date,
    minute: u16,
}

impl Default for Moment {
    /// A Wednesday that is no holiday, ten in the morning.
    fn default() -> Self {
        Self {
            date: Date::constant(2026, 3, 4),
            minute: 10 * 60,
        }
    }
}

impl Moment {
    /// Reads `2031-03-05T10:00`.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "日期时间的写法：2031-03-05T10:00 (a moment looks like that)".to_owned();
        let (date, time) = text.split_once('T').ok_or_else(wrong)?;
        let (hour, minute) = time.split_once(':').ok_or_else(wrong)?;
        let two = |text: &str, below: u16| {
            let number: u16 = text.parse().ok()?;
            (text.len() == 2 && number < below).then_some(number)
        };
        let hour = two(hour, 24).ok_or_else(wrong)?;
        let minute = two(minute, 60).ok_or_else(wrong)?;
        Ok(Self {
            date: date.parse().map_err(|_| wrong())?,
            minute: hour * 60 + minute,
        })
    }

    /// The same day at another minute.
    pub fn at(self, minute: u16) -> Self {
        Self { minute, ..self }
    }

    /// The moment as the table's zone has it; `None` beyond the calendar.
    pub fn wall(self, table: &Table) -> Option<Wall> {
        table.wall_on(self.date, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let moment = Moment::parse("2031-03-05T10:07").unwrap();
        assert_eq!(moment.minute, 607);
        assert_eq!(moment.date, Date::constant(2031, 3, 5));
        for wrong in [
            "",
            "2031-03-05",
            "2031-02-30T10:00",
            "2031-03-05T24:00",
            "2031-03-05T1:00",
        ] {
            assert!(Moment::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_night_is_of_the_same_day() {
        let night = Moment::default().at(NIGHT);
        assert_eq!(
            (night.date, night.minute),
            (Date::constant(2026, 3, 4), 1380)
        );
    }
}
