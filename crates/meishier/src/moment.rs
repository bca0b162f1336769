//! Moments on the command line, and how they are shown.

use jiff::Timestamp;
use jiff::civil::DateTime;
use meishier_config::Lang;
use meishier_model::Wall;
use meishier_routing::{Day, DayKind, Table, Weekday, short_weekday_names};
use std::time::Duration;

/// Reads `2026-10-01 23:30` in the table's zone, or RFC 3339 with its own. Seconds may be left out of
/// the former.
pub fn parse(text: &str, table: &Table) -> Option<Wall> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(Wall(moment.as_millisecond()));
    }
    let local: DateTime = text.parse().ok()?;
    // A date alone would be midnight, which nobody means.
    text.contains(':').then_some(())?;
    let minute =
        u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    let wall = table.wall_on(local.date(), minute)?;
    Some(Wall(wall.0 + i64::from(local.second()) * 1000))
}

/// `2026-10-01T23:30:00+08:00` in the table's zone.
pub fn rfc3339(wall: Wall, table: &Table) -> String {
    let (date, minute) = table.civil(wall);
    let local = date.at(0, 0, 0, 0);
    let utc = jiff::tz::TimeZone::UTC;
    let midnight = utc.to_timestamp(local).map_or(0, Timestamp::as_millisecond);
    let shown = midnight + i64::from(minute) * 60_000;
    // Zones differ from UTC by whole minutes since long before telephones.
    let offset = (shown - wall.0.div_euclid(60_000) * 60_000) / 60_000;
    let second = wall.0.div_euclid(1000).rem_euclid(60);
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
    let (hour, minute) = (minute / 60, minute % 60);
    format!("{date}T{hour:02}:{minute:02}:{second:02}{sign}{hours:02}:{minutes:02}")
}

/// `2026-10-01 周四 23:30（节假日 国庆节）`
pub fn words(wall: Wall, table: &Table, lang: Lang) -> String {
    let (date, minute) = table.civil(wall);
    let day = table.calendar().day(date);
    let (time, weekday) = (clock(minute), weekday(day.weekday, lang));
    let kind = kind(day.kind, day.weekday, lang);
    let name = table.calendar().name(date);
    match (lang, name) {
        (Lang::Zh, Some((zh, _))) => format!("{date} {weekday} {time}（{kind} {zh}）"),
        (Lang::Zh, None) => format!("{date} {weekday} {time}（{kind}）"),
        (Lang::En, Some((_, en))) => format!("{date} {weekday} {time} ({kind}, {en})"),
        (Lang::En, None) => format!("{date} {weekday} {time} ({kind})"),
    }
}

/// Another moment as short as it can be told: `20:00`, `次日 02:00`, `10-03 08:00`.
pub fn short(wall: Wall, now: Wall, table: &Table, lang: Lang) -> String {
    let ((date, minute), (today, _)) = (table.civil(wall), table.civil(now));
    let time = clock(minute);
    if date == today {
        return time;
    }
    if today.tomorrow().is_ok_and(|next| next == date) {
        return match lang {
            Lang::Zh => format!("次日 {time}"),
            Lang::En => format!("{time} the next day"),
        };
    }
    format!("{:02}-{:02} {time}", date.month(), date.day())
}

/// `08:05`; `24:00` ends a day.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A wait: `立即`, `15 秒后`.
pub fn after(wait: Duration, lang: Lang) -> String {
    match (wait.as_secs(), lang) {
        (0, Lang::Zh) => "立即".to_owned(),
        (0, Lang::En) => "at once".to_owned(),
        (seconds, Lang::Zh) => format!("{seconds} 秒后"),
        (seconds, Lang::En) => format!("after {seconds} s"),
    }
}

/// The weekday's name.
pub fn weekday(weekday: Weekday, lang: Lang) -> &'static str {
    of(short_weekday_names(weekday), lang)
}

/// What a day counts as.
pub fn kind(kind: DayKind, weekday: Weekday, lang: Lang) -> &'static str {
    of(Day { weekday, kind }.kind_names(), lang)
}

fn of((zh, en): (&'static str, &'static str), lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meishier_routing::{PoolSource, Route, Step, TableSource};

    fn table(zone: &str) -> Table {
        let step = Step::pool(meishier_model::PoolId(0), Duration::ZERO);
        Table::compile(TableSource {
            zone: zone.to_owned(),
            pools: vec![PoolSource::default()],
            routes: vec![Route::new("r", [step])],
            ..Default::default()
        })
        .unwrap()
    }

    #[test]
    fn local_and_absolute_moments_are_the_same_moment() {
        let table = table("Asia/Shanghai");
        let wall = parse("2026-10-01 23:30", &table).unwrap();
        for same in [
            "2026-10-01T23:30",
            "2026-10-01T23:30:00",
            "2026-10-01T23:30:00+08:00",
            "2026-10-01T15:30:00Z",
        ] {
            assert_eq!(parse(same, &table), Some(wall), "{same}");
        }
        assert_eq!(rfc3339(wall, &table), "2026-10-01T23:30:00+08:00");
        for wrong in [
            "",
            "now",
            "2026-10-01",
            "2026-02-30 10:00",
            "23:30",
            "2026-10-01 25:00",
        ] {
            assert_eq!(parse(wrong, &table), None, "{wrong}");
        }
    }

    #[test]
    fn a_moment_shown_is_read_back() {
        for zone in ["Asia/Shanghai", "America/New_York", "Asia/Kathmandu"] {
            let table = table(zone);
            for at in [-1, 0, 1_791_000_123_000, 1_775_000_059_000] {
                let shown = rfc3339(Wall(at), &table);
                let read = parse(&shown, &table).unwrap();
                assert_eq!(read.0, at.div_euclid(1000) * 1000, "{shown} in {zone}");
            }
        }
    }
}
