//! Dates and times of day in the file's zone.

use crate::counsellors::date;
use crate::section::{At, Section};
use crate::sink::both;
use meishier_model::Wall;
use meishier_routing::{Date, Table};
use toml::Spanned;
use toml::de::DeValue;

/// How a date without a time of day counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    /// As its first moment.
    Begin,
    /// As the moment after it: the day belongs to it.
    End,
}

/// Reads `"2026-11-22 08:00"`, a local date-time or a date of TOML, or notes what is wrong.
pub(crate) fn moment(
    section: &Section<'_>,
    key: &'static str,
    clock: &Table,
    bare: Bare,
) -> Option<At<Wall>> {
    let value = section.raw(key)?;
    let found = match value.get_ref() {
        DeValue::String(text) => written(text),
        other => dated(other),
    };
    let Some((date, minute)) = found else {
        let example = "\"2026-11-22 08:00\"";
        section.sink().error(
            &value.span(),
            both!("{key} 应为日期或时刻", "{key} must be a date or a moment"),
            both!(
                "例如 {example} 或 2026-11-22，按文件的时区",
                "such as {example} or 2026-11-22, in the file's zone"
            ),
        );
        return None;
    };
    let wall = match (minute, bare) {
        (Some(minute), _) => clock.wall_on(date, minute),
        (None, Bare::Begin) => clock.wall_on(date, 0),
        (None, Bare::End) => date.tomorrow().ok().and_then(|date| clock.wall_on(date, 0)),
    };
    at(wall?, value)
}

fn at(value: Wall, of: &Spanned<DeValue<'_>>) -> Option<At<Wall>> {
    let span = of.span();
    Some(At { value, span })
}

/// Date and minute of the day; none for a date alone.
type Written = (Date, Option<u16>);

fn written(text: &str) -> Option<Written> {
    let text = text.trim();
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time.trim())),
        None => (text, None),
    };
    let mut parts = day.split('-');
    let mut part = || parts.next().filter(|part| part.len() <= 4);
    let (year, month, day) = (part()?, part()?, part()?);
    if parts.next().is_some() {
        return None;
    }
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let minute = match time {
        None => None,
        Some(time) => {
            let (hour, minute) = time.split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            Some((hour < 24 && minute < 60).then_some(hour * 60 + minute)?)
        }
    };
    Some((date, minute))
}

fn dated(value: &DeValue<'_>) -> Option<Written> {
    if let Some(date) = date(value) {
        return Some((date, None));
    }
    let found = value.as_datetime().filter(|it| it.offset.is_none())?;
    let (day, time) = (found.date?, found.time?);
    let part = |n: u8| i8::try_from(n).ok();
    let year = i16::try_from(day.year).ok()?;
    let date = Date::new(year, part(day.month)?, part(day.day)?).ok()?;
    Some((
        date,
        Some(u16::from(time.hour) * 60 + u16::from(time.minute)),
    ))
}
