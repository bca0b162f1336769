//! Hours, days, holidays, zones: tables of moments and the lines that are open then.

use meishier_model::{PoolId, Wall};
use meishier_routing::{
    Calendar, Clash, Date, DayKind, Days, Exception, Hours, HoursError, PoolSource, Route, RouteId,
    Schedule, Shift, Step, Table, TableError, TableSource, Weekday,
};
use std::process::Command;
use std::time::Duration;

fn shift(days: &[&str], hours: &str, lines: u16) -> Shift {
    let days = days
        .iter()
        .fold(Days::NONE, |set, name| set.or(Days::parse(name).unwrap()));
    Shift {
        days,
        hours: Hours::parse(hours).unwrap(),
        lines,
    }
}

fn source(zone: &str, shifts: &[Shift]) -> TableSource {
    let route = Route::new("all", [Step::pool(PoolId(0), Duration::ZERO)]);
    TableSource {
        zone: zone.into(),
        pools: vec![PoolSource {
            name: "p".into(),
            schedule: Schedule {
                shifts: shifts.to_vec(),
            },
            ..Default::default()
        }],
        routes: vec![route],
        ..Default::default()
    }
}

fn table(shifts: &[Shift]) -> Table {
    Table::compile(source("Asia/Shanghai", shifts)).unwrap()
}

/// `2026-06-01 08:00` in the table's zone.
fn at(table: &Table, text: &str) -> Wall {
    let (date, clock) = text.split_once(' ').unwrap();
    let (hour, minute) = clock.split_once(':').unwrap();
    let minutes = hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap();
    table
        .wall_on(date.parse::<Date>().unwrap(), minutes)
        .unwrap()
}

fn check(table: &Table, cases: &[(&str, u16)]) {
    for (when, lines) in cases {
        assert_eq!(table.lines(PoolId(0), at(table, when)), *lines, "{when}");
    }
}

const BEIJING: [(&str, &str, u16); 2] = [("all", "08:00-18:00", 9), ("all", "18:00-08:00", 2)];

fn beijing() -> Table {
    table(&BEIJING.map(|(days, hours, lines)| shift(&[days], hours, lines)))
}

#[test]
fn hours_cross_midnight() {
    let table = beijing();
    check(
        &table,
        &[
            ("2026-06-01 07:59", 2),
            ("2026-06-01 08:00", 9),
            ("2026-06-01 17:59", 9),
            ("2026-06-01 18:00", 2),
            ("2026-06-01 23:59", 2),
            ("2026-06-02 00:00", 2),
            ("2026-06-02 07:59", 2),
            ("2026-06-02 08:00", 9),
        ],
    );
    let boundary = at(&table, "2026-06-01 08:00");
    assert_eq!(
        table.lines(PoolId(0), Wall(boundary.0 - 1)),
        2,
        "one millisecond before"
    );
    assert_eq!(
        table.lines(PoolId(7), boundary),
        0,
        "a pool that is not there"
    );
}

#[test]
fn a_shift_belongs_to_the_day_on_which_it_begins() {
    // 2026-06-05 is a Friday.
    let table = table(&[shift(&["fri"], "18:00-08:00", 3)]);
    check(
        &table,
        &[
            ("2026-06-05 07:00", 0),
            ("2026-06-05 18:00", 3),
            ("2026-06-06 07:59", 3),
            ("2026-06-06 08:00", 0),
            ("2026-06-06 18:00", 0),
        ],
    );
}

#[test]
fn holidays_and_make_up_workdays_move_shifts() {
    let shifts = [
        shift(&["workday"], "08:00-18:00", 5),
        shift(&["restday"], "08:00-18:00", 2),
        shift(&["holiday"], "20:00-24:00", 1),
    ];
    let table = table(&shifts);
    check(
        &table,
        &[
            ("2026-06-01 09:00", 5), // an ordinary Monday
            ("2026-06-06 09:00", 2), // an ordinary Saturday
            ("2026-06-06 21:00", 0), // which is no public holiday
            ("2026-10-01 09:00", 2), // National Day, a Thursday
            ("2026-10-01 21:00", 1),
            ("2026-10-10 09:00", 5), // a Saturday worked in its stead
            ("2025-01-26 09:00", 5), // a Sunday worked before the Spring Festival
            ("2025-01-28 09:00", 2), // the eve, a Tuesday
        ],
    );
}

#[test]
fn weekdays_by_name_do_not_ask_the_calendar() {
    let named = table(&[shift(
        &["mon", "tue", "wed", "thu", "fri"],
        "08:00-18:00",
        5,
    )]);
    check(&named, &[("2026-10-01 09:00", 5), ("2026-10-10 09:00", 0)]);
    let unknown_year = at(&named, "2031-06-02 09:00");
    assert!(
        named.calendar_covers(unknown_year),
        "nothing is asked of it"
    );
    let asking = table(&[shift(&["workday"], "08:00-18:00", 5)]);
    assert!(!asking.calendar_covers(unknown_year));
    assert!(asking.calendar_covers(at(&asking, "2026-12-31 23:59")));
    assert!(!asking.calendar_covers(at(&asking, "2027-01-01 00:00")));
    check(&asking, &[("2031-06-02 09:00", 5), ("2031-06-07 09:00", 0)]);
}

#[test]
fn the_calendar_can_be_added_to() {
    let mut calendar = Calendar::shipped();
    assert!(calendar.covers(2025) && calendar.covers(2026) && !calendar.covers(2027));
    calendar.set("2027-02-05".parse().unwrap(), Exception::Holiday);
    calendar.set("2026-10-01".parse().unwrap(), Exception::Workday);
    assert!(calendar.covers(2027) && !calendar.covers(2028));
    assert_eq!(
        calendar.exception("2026-10-01".parse().unwrap()),
        Some(Exception::Workday)
    );
    assert_eq!(
        calendar.day("2027-02-05".parse().unwrap()).weekday,
        Weekday::Friday
    );
}

#[test]
fn the_shipped_years_are_whole() {
    let calendar = Calendar::shipped();
    let count = |year: i16, what| {
        let mut date = Date::new(year, 1, 1).unwrap();
        let mut count = 0;
        while date.year() == year {
            count += usize::from(calendar.exception(date) == Some(what));
            date = date.tomorrow().unwrap();
        }
        count
    };
    // Sums of the yearly notices.
    assert_eq!(
        (
            count(2025, Exception::Holiday),
            count(2025, Exception::Workday)
        ),
        (28, 5)
    );
    assert_eq!(
        (
            count(2026, Exception::Holiday),
            count(2026, Exception::Workday)
        ),
        (33, 6)
    );
}

#[test]
fn the_zone_is_the_files() {
    let shift = shift(&["all"], "08:00-18:00", 5);
    let moment = Wall(1_780_272_000_000); // 2026-06-01T00:00:00Z
    let lines = |zone: &str| {
        Table::compile(source(zone, &[shift]))
            .unwrap()
            .lines(PoolId(0), moment)
    };
    assert_eq!(lines("Asia/Shanghai"), 5, "08:00 there");
    assert_eq!(lines("Asia/Urumqi"), 0, "06:00 there");
    assert_eq!(lines("America/New_York"), 0, "20:00 the day before");
    assert_eq!(
        Table::compile(source("Asia/Peking", &[shift])).unwrap_err(),
        TableError::UnknownZone
    );
    assert!(Table::zone("").is_none() && Table::zone("../etc/localtime").is_none());
}

#[test]
fn every_day_of_the_zone_has_24_hours() {
    let table = beijing();
    let mut now = at(&table, "2025-01-01 08:00");
    let end = at(&table, "2027-01-01 08:00");
    let mut changes = 0;
    while now < end {
        let next = table.next_change(now).unwrap();
        let hours = (next.0 - now.0) / 3_600_000;
        assert_eq!(hours, if changes % 2 == 0 { 10 } else { 14 });
        now = next;
        changes += 1;
    }
    assert_eq!(changes, 2 * 730, "no summer time");
}

#[test]
fn next_change_is_the_next_change() {
    let shifts = [
        shift(&["workday"], "08:00-18:00", 5),
        shift(&["workday"], "18:00-02:30", 2),
        shift(&["restday"], "10:15-16:00", 1),
    ];
    let table = table(&shifts);
    let mut now = at(&table, "2026-09-18 00:00");
    let end = at(&table, "2026-10-12 00:00");
    while now < end {
        let next = table.next_change(now).unwrap();
        let lines = table.lines(PoolId(0), now);
        assert_ne!(table.lines(PoolId(0), next), lines);
        let mut minute = now.0 - now.0.rem_euclid(60_000);
        while minute < next.0 {
            assert_eq!(table.lines(PoolId(0), Wall(minute.max(now.0))), lines);
            minute += 60_000;
        }
        now = next;
    }
}

#[test]
fn what_never_changes_has_no_next_change() {
    let always = table(&[shift(&["all"], "00:00-24:00", 2)]);
    assert_eq!(always.next_change(at(&always, "2026-06-01 12:00")), None);
    let never = table(&[]);
    assert_eq!(never.next_change(Wall(0)), None);
    let halves = table(&[
        shift(&["all"], "00:00-12:00", 2),
        shift(&["all"], "12:00-24:00", 2),
    ]);
    assert_eq!(
        halves.next_change(Wall(0)),
        None,
        "a shift that changes nothing"
    );
    for end_of_time in [Wall(i64::MIN), Wall(i64::MAX)] {
        let _ = beijing().next_change(end_of_time);
        let _ = beijing().lines(PoolId(0), end_of_time);
    }
}

#[test]
fn shifts_may_not_overlap() {
    let clash = |shifts: &[Shift]| match Table::compile(source("Asia/Shanghai", shifts)) {
        Err(TableError::Clash(_, Clash { first, second, at })) => {
            Some((first, second, at.from, at.to))
        }
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    };
    let day = shift(&["all"], "08:00-18:00", 9);
    assert_eq!(
        clash(&[day, shift(&["all"], "17:00-08:00", 2)]),
        Some((0, 1, 1020, 1080))
    );
    assert_eq!(
        clash(&[day, shift(&["all"], "18:00-08:01", 2)]),
        Some((1, 0, 480, 481))
    );
    assert_eq!(
        clash(&[day, shift(&["sun"], "09:00-10:00", 2)]),
        Some((0, 1, 540, 600))
    );
    assert_eq!(clash(&[day, shift(&["all"], "18:00-08:00", 2)]), None);
    // Friday's night runs into a Saturday that opens at midnight.
    let night = shift(&["workday"], "18:00-08:00", 2);
    assert_eq!(
        clash(&[night, shift(&["restday"], "00:00-24:00", 1)]),
        Some((0, 1, 0, 480))
    );
    // Apart in every ordinary week, together on a make-up workday.
    let (work, sat) = (
        shift(&["workday"], "08:00-10:00", 1),
        shift(&["sat"], "09:00-11:00", 1),
    );
    assert_eq!(clash(&[work, sat]), Some((0, 1, 540, 600)));
    assert_eq!(clash(&[work, shift(&["restday"], "09:00-11:00", 1)]), None);
}

#[test]
fn holes_are_found() {
    let hole = |shifts: &[Shift]| {
        table(shifts)
            .hole(RouteId(0))
            .map(|m| (m.day.weekday, m.from, m.to))
    };
    assert_eq!(hole(&[shift(&["all"], "00:00-24:00", 1)]), None);
    let night = [shift(&["all"], "08:00-02:00", 1)];
    assert_eq!(hole(&night), Some((Weekday::Monday, 120, 480)));
    let saturday = [shift(
        &["mon", "tue", "wed", "thu", "fri", "sun"],
        "00:00-24:00",
        1,
    )];
    assert_eq!(hole(&saturday), Some((Weekday::Saturday, 0, 1440)));
    assert_eq!(
        table(&[]).hole(RouteId(9)),
        None,
        "a route that is not there"
    );
}

#[test]
fn hours_are_read_as_people_write_them() {
    let hours = |text| Hours::parse(text).map(|h| (h.start(), h.end(), h.crosses_midnight()));
    assert_eq!(hours("08:00-18:00"), Ok((480, 1080, false)));
    assert_eq!(hours("18:00-08:00"), Ok((1080, 1920, true)));
    assert_eq!(hours("00:00-24:00"), Ok((0, 1440, false)));
    assert_eq!(hours("8:00 - 18:00"), Ok((480, 1080, false)));
    assert_eq!(hours("20:00-00:00"), Ok((1200, 1440, false)));
    for text in [
        "",
        "-",
        "8-18",
        "08:00",
        "08:0-09:00",
        "08:00-09:00-10:00",
        "０8:00-09:00",
        "+8:00-09:00",
    ] {
        assert_eq!(hours(text), Err(HoursError::Form), "{text}");
    }
    for text in ["24:00-08:00", "08:00-24:01", "08:60-09:00", "25:00-26:00"] {
        assert_eq!(hours(text), Err(HoursError::Range), "{text}");
    }
    assert_eq!(hours("08:00-08:00"), Err(HoursError::Empty));
}

#[test]
fn a_missing_year_is_seen_two_months_ahead() {
    let calendar = Calendar::shipped();
    let date = |text: &str| text.parse::<Date>().unwrap();
    let missing = |from, until| calendar.missing_years(date(from), date(until));
    assert_eq!(missing("2025-01-01", "2026-12-31"), []);
    assert_eq!(missing("2024-12-31", "2028-01-01"), [2024, 2027, 2028]);
    assert_eq!(missing("2027-03-01", "2027-03-01"), [2027]);
    assert_eq!(missing("2027-03-02", "2027-03-01"), [], "no day at all");
    let ahead = |today| calendar.missing_ahead(date(today));
    assert_eq!(ahead("2026-10-31"), []);
    assert_eq!(ahead("2026-11-01"), [2027]);
    assert_eq!(ahead("2026-12-31"), [2027]);
    assert_eq!(ahead("2025-12-01"), [], "the next one is there");
    assert_eq!(ahead("2027-12-01"), [2027, 2028]);
    assert_eq!(ahead("9999-12-31"), [9999], "the end of all dates");
    assert_eq!(Calendar::empty().missing_ahead(date("2026-06-01")), [2026]);
}

#[test]
fn holidays_have_names() {
    let mut calendar = Calendar::shipped();
    let date = |text: &str| text.parse::<Date>().unwrap();
    assert_eq!(
        calendar.name(date("2026-02-17")),
        Some(("春节", "Spring Festival"))
    );
    assert_eq!(
        calendar.name(date("2026-10-10")),
        Some(("国庆节", "National Day")),
        "worked in its stead"
    );
    assert_eq!(calendar.name(date("2026-06-01")), None);
    // What is set to what it is keeps its name; what becomes something else loses it.
    calendar.set(date("2026-10-10"), Exception::Workday);
    assert!(calendar.name(date("2026-10-10")).is_some());
    calendar.set(date("2026-10-10"), Exception::Holiday);
    assert_eq!(calendar.name(date("2026-10-10")), None);
    calendar.set_named(date("2026-04-20"), Exception::Holiday, "三月三");
    assert_eq!(
        calendar.name(date("2026-04-20")),
        Some(("三月三", "三月三"))
    );
    assert_eq!(calendar.day(date("2026-04-20")).kind, DayKind::Holiday);
}

/// The other tests of this file in a process whose machine stands elsewhere.
#[test]
fn the_machines_zone_has_no_influence() {
    if std::env::var_os("MEISHIER_TEST_ELSEWHERE").is_some() {
        return;
    }
    let children: Vec<_> = ["America/New_York", "Pacific/Kiritimati", "no/such/zone", ""]
        .map(|zone| {
            Command::new(std::env::current_exe().unwrap())
                .env("TZ", zone)
                .env("TZDIR", "/nonexistent")
                .env("MEISHIER_TEST_ELSEWHERE", "1")
                .output()
                .unwrap()
        })
        .into();
    for child in children {
        let text = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(
            child.status.success() && text.contains("hours_cross_midnight ... ok"),
            "{text}"
        );
    }
}
