//! Lines and changes by the clock, and the week as it is drawn.

use jiff::tz::TimeZone;
use meishier_model::{PoolId, Wall};
use meishier_routing::{
    Calendar, Date, Days, Exception, Exceptional, ExceptionalDays, ExceptionalLines,
    ExceptionalPools, Hole, Hours, Schedule, Shift, Table, Timetable, Week, WeekPlan,
};
use proptest::prelude::*;
use std::time::Duration;

const P: PoolId = PoolId(0);
const MINUTE: i64 = 60_000;

fn schedule(shifts: &[(&str, &str, u16)]) -> Schedule {
    let shift = |&(days, hours, lines): &(&str, &str, u16)| Shift {
        days: days
            .split(' ')
            .fold(Days::NONE, |set, name| set.or(Days::parse(name).unwrap())),
        hours: Hours::parse(hours).unwrap(),
        lines,
    };
    Schedule {
        shifts: shifts.iter().map(shift).collect(),
    }
}

fn plan(shifts: &[(&str, &str, u16)]) -> WeekPlan {
    WeekPlan::compile(&schedule(shifts))
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// A place with its calendar and entries.
struct Place {
    zone: TimeZone,
    calendar: Calendar,
    exceptional: ExceptionalDays,
}

impl Place {
    fn new(zone: &str) -> Self {
        Self {
            zone: Table::zone(zone).unwrap(),
            calendar: Calendar::shipped(),
            exceptional: ExceptionalDays::default(),
        }
    }

    fn with(mut self, from: &str, to: &str, lines: ExceptionalLines, reason: &str) -> Self {
        let entry = Exceptional {
            from: self.at(from),
            to: self.at(to),
            pools: ExceptionalPools::All,
            lines,
            reason: reason.into(),
        };
        self.exceptional = self.exceptional.with(entry).unwrap();
        self
    }

    fn table(&self) -> Timetable<'_> {
        Timetable {
            zone: &self.zone,
            calendar: &self.calendar,
            exceptional: &self.exceptional,
        }
    }

    /// `2026-06-01T08:00` there, the first time.
    fn at(&self, text: &str) -> Wall {
        let shown = text.parse().unwrap();
        let moment = self.zone.to_ambiguous_timestamp(shown);
        Wall(moment.compatible().unwrap().as_millisecond())
    }

    fn shown(&self, wall: Wall) -> String {
        let moment = jiff::Timestamp::from_millisecond(wall.0).unwrap();
        moment
            .to_zoned(self.zone.clone())
            .strftime("%F %H:%M %z")
            .to_string()
    }

    fn week(&self, plan: &WeekPlan, day: &str) -> Week {
        self.table().week(&[(P, plan)], date(day))
    }
}

const SHANGHAI: &str = "Asia/Shanghai";

/// Shifts about the hours at which clocks are set.
fn nights() -> impl Strategy<Value = Schedule> {
    let shift = (0usize..11, 0u16..20, 1u16..60, 1u16..20).prop_map(|(day, from, long, lines)| {
        let clock = |at: u16| format!("{:02}:{:02}", at % 96 / 4, at % 4 * 15);
        Shift {
            days: Days::parse(Days::NAMES[day]).unwrap(),
            hours: Hours::parse(&format!("{}-{}", clock(from), clock(from + long))).unwrap(),
            lines,
        }
    });
    proptest::collection::vec(shift, 0..6).prop_map(|shifts| Schedule { shifts })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Where clocks are set forward and back, every change is found and nothing between.
    #[test]
    fn next_change_is_exact(schedule in nights(), autumn in any::<bool>(), offset in 0i64..2880) {
        let place = Place::new("Europe/Berlin");
        let day = if autumn { "2026-10-24T00:00" } else { "2026-03-28T00:00" };
        let begin = Wall(place.at(day).0 + offset * MINUTE);
        let end = Wall(begin.0 + 36 * 60 * MINUTE);
        let plan = WeekPlan::compile(&schedule);
        let table = place.table();
        let mut found = vec![];
        let mut at = begin;
        while let Some(next) = table.next_change(P, &plan, at, end) {
            found.push(next);
            at = next;
        }
        let minutes = (begin.0 / MINUTE + 1)..=(end.0 / MINUTE);
        let lines = |minute: i64| table.lines(P, &plan, Wall(minute * MINUTE));
        let walked: Vec<_> = minutes.filter(|m| lines(*m) != lines(m - 1)).map(|m| Wall(m * MINUTE)).collect();
        prop_assert_eq!(found, walked);
    }
}

/// Every change of a pool's lines from a moment on, as the place shows it, with the lines.
fn changes(place: &Place, plan: &WeekPlan, from: &str, until: &str) -> Vec<String> {
    let (mut at, until) = (place.at(from), place.at(until));
    let mut found = vec![];
    while let Some(next) = place.table().next_change(P, plan, at, until) {
        found.push(format!(
            "{} {}",
            place.shown(next),
            place.table().lines(P, plan, next)
        ));
        at = next;
    }
    found
}

#[test]
fn clocks_set_back_and_forward() {
    let berlin = Place::new("Europe/Berlin");
    let night = plan(&[("all", "02:15-02:45", 1)]);
    assert_eq!(
        changes(&berlin, &night, "2026-10-25T00:00", "2026-10-25T12:00"),
        [
            "2026-10-25 02:15 +0200 1",
            "2026-10-25 02:45 +0200 0",
            "2026-10-25 02:15 +0100 1",
            "2026-10-25 02:45 +0100 0",
        ]
    );
    // In spring the shift is skipped as a whole.
    assert!(changes(&berlin, &night, "2026-03-29T00:00", "2026-03-29T12:00").is_empty());
    // Clocks go from 02:30 of the first pass to 02:00, in the middle of a shift.
    let across = plan(&[("all", "02:30-04:00", 1)]);
    assert_eq!(
        changes(&berlin, &across, "2026-10-25T00:00", "2026-10-25T12:00"),
        [
            "2026-10-25 02:30 +0200 1",
            "2026-10-25 02:00 +0100 0",
            "2026-10-25 02:30 +0100 1",
            "2026-10-25 04:00 +0100 0",
        ]
    );
    assert_eq!(
        changes(&berlin, &across, "2026-03-29T00:00", "2026-03-29T12:00"),
        ["2026-03-29 03:00 +0200 1", "2026-03-29 04:00 +0200 0"]
    );
}

#[test]
fn into_and_out_of_holidays() {
    let place = Place::new(SHANGHAI);
    let plan = plan(&[
        ("workday", "08:00-18:00", 5),
        ("workday", "18:00-02:00", 2),
        ("restday", "10:00-24:00", 1),
    ]);
    // The night of the last workday runs into the holiday.
    assert_eq!(
        changes(&place, &plan, "2026-09-30T12:00", "2026-10-01T23:59"),
        [
            "2026-09-30 18:00 +0800 2",
            "2026-10-01 02:00 +0800 0",
            "2026-10-01 10:00 +0800 1",
        ]
    );
    // From a holiday's 24:00 into a workday, and a make-up workday's night into Sunday.
    assert_eq!(
        changes(&place, &plan, "2026-10-07T12:00", "2026-10-08T09:00"),
        ["2026-10-08 00:00 +0800 0", "2026-10-08 08:00 +0800 5"]
    );
    assert_eq!(
        changes(&place, &plan, "2026-10-10T12:00", "2026-10-11T12:00"),
        [
            "2026-10-10 18:00 +0800 2",
            "2026-10-11 02:00 +0800 0",
            "2026-10-11 10:00 +0800 1",
        ]
    );
    // The year's end: 31 December 2025 is a workday, 1 January a holiday.
    assert_eq!(
        changes(&place, &plan, "2025-12-31T17:00", "2026-01-01T11:00"),
        [
            "2025-12-31 18:00 +0800 2",
            "2026-01-01 02:00 +0800 0",
            "2026-01-01 10:00 +0800 1",
        ]
    );
}

#[test]
fn an_entry_begins_in_the_middle_of_a_shift() {
    let beijing = plan(&[("all", "08:00-18:00", 9), ("all", "18:00-08:00", 2)]);
    let place = Place::new(SHANGHAI).with(
        "2026-07-01T20:30",
        "2026-07-02T09:00",
        ExceptionalLines::AllLines,
        "防汛",
    );
    assert_eq!(
        changes(&place, &beijing, "2026-07-01T12:00", "2026-07-03T00:00"),
        [
            "2026-07-01 18:00 +0800 2",
            "2026-07-01 20:30 +0800 9",
            "2026-07-02 18:00 +0800 2",
        ],
        "its end changes nothing"
    );
    // Lines follow the clock alone: set back, it finds what was.
    let table = place.table();
    let lines = |text| table.lines(P, &beijing, place.at(text));
    assert_eq!(
        (lines("2026-07-01T21:00"), lines("2026-07-01T20:29")),
        (9, 2)
    );
    assert_eq!(lines("2026-07-01T21:00"), 9);
    // A pool that never changes by itself, and one that has no shifts at all.
    let always = plan(&[("all", "00:00-24:00", 2)]);
    let closed = place.with(
        "2026-07-05T00:00",
        "2026-07-05T06:00",
        ExceptionalLines::Closed,
        "停电",
    );
    assert_eq!(
        changes(&closed, &always, "2026-07-01T12:00", "2026-12-01T00:00"),
        ["2026-07-05 00:00 +0800 0", "2026-07-05 06:00 +0800 2"]
    );
    assert!(changes(&closed, &plan(&[]), "2026-07-01T12:00", "2026-12-01T00:00").is_empty());
}

#[test]
fn when_a_pool_closes_and_opens() {
    let place = Place::new(SHANGHAI);
    let plan = plan(&[("workday", "08:00-18:00", 5), ("workday", "18:00-02:00", 2)]);
    let table = place.table();
    let hours = |h: u64| Duration::from_secs(h * 3600);
    let closes = |text, within| table.closes_in(P, &plan, place.at(text), within);
    assert_eq!(
        closes("2026-06-01T12:00", hours(20)),
        Some(hours(14)),
        "not at 18:00"
    );
    assert_eq!(closes("2026-06-01T12:00", hours(14)), Some(hours(14)));
    assert_eq!(closes("2026-06-01T12:00", hours(13)), None, "not in sight");
    assert_eq!(closes("2026-06-01T12:00", Duration::MAX), Some(hours(14)));
    assert_eq!(
        closes("2026-06-01T03:00", hours(20)),
        None,
        "closed already"
    );
    let always = WeekPlan::compile(&schedule(&[("all", "00:00-24:00", 1)]));
    assert_eq!(
        table.closes_in(P, &always, place.at("2026-06-01T12:00"), Duration::MAX),
        None
    );
    let opens = |text| {
        table
            .opens(P, &plan, place.at(text))
            .map(|wall| place.shown(wall))
    };
    // The last night before the holiday of October ends; the next workday is the 8th.
    assert_eq!(opens("2026-10-01T02:00").unwrap(), "2026-10-08 08:00 +0800");
    assert_eq!(opens("2026-10-01T01:59").unwrap(), "2026-10-01 01:59 +0800");
    assert_eq!(table.opens(P, &WeekPlan::default(), Wall(0)), None);
    for end in [Wall(i64::MIN), Wall(i64::MAX)] {
        assert!(table.closes_in(P, &always, end, hours(1)).is_none());
        let _ = table.opens(P, &plan, end);
    }
}

fn spans(week: &Week, at: usize) -> Vec<(u16, u16, u32)> {
    let spans = week.days[at].spans.iter();
    spans.map(|span| (span.from, span.to, span.lines)).collect()
}

#[test]
fn the_week_of_a_date() {
    let place = Place::new(SHANGHAI);
    let plan = plan(&[("workday", "08:00-02:00", 2), ("holiday", "10:00-24:00", 1)]);
    let week = place.week(&plan, "2026-10-08");
    assert_eq!(week, place.week(&plan, "2026-10-05"), "any day of it");
    assert_eq!(week, place.week(&plan, "2026-10-11"));
    let dates: Vec<_> = week.days.iter().map(|day| day.date.day()).collect();
    assert_eq!(dates, [5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(spans(&week, 0), [(0, 600, 0), (600, 1440, 1)]);
    assert_eq!(spans(&week, 3), [(0, 480, 0), (480, 1440, 2)]);
    assert_eq!(
        spans(&week, 5),
        [(0, 120, 2), (120, 480, 0), (480, 1440, 2)]
    );
    assert_eq!(spans(&week, 6), [(0, 120, 2), (120, 1440, 0)]);
    let open: Vec<_> = week.days.iter().map(|day| day.open / 60).collect();
    assert_eq!(open, [14, 14, 14, 16, 18, 18, 2]);
    assert_eq!((week.open, week.most_lines), (96 * 60, 2));
    assert_eq!(week.holes.len(), 7);
    assert_eq!(week.days[5].name.as_ref().unwrap().0, "国庆节");
    assert_eq!(week.days[6].name, None);
    // Sunday night runs on into the Monday after, which is another week; a whole week closed is
    // one hole.
    let closed = place.week(&WeekPlan::default(), "2026-10-08");
    let whole = Hole {
        from: date("2026-10-05"),
        from_minute: 0,
        to: date("2026-10-11"),
        to_minute: 1440,
        minutes: 7 * 1440,
    };
    assert_eq!(closed.holes, [whole]);
    assert_eq!(
        place.week(&plan, "9999-12-31").days.len(),
        5,
        "the end of all dates"
    );
}

#[test]
fn a_week_of_several_pools_with_an_entry() {
    let mut place = Place::new(SHANGHAI);
    let (day, night) = (
        plan(&[("all", "08:00-20:00", 9)]),
        plan(&[("all", "18:00-06:00", 3)]),
    );
    place.exceptional = ExceptionalDays::compile(vec![Exceptional {
        from: Wall(place.at("2026-06-02T22:10").0 + 1),
        to: place.at("2026-06-03T01:00"),
        pools: ExceptionalPools::These(vec![PoolId(4)]),
        lines: ExceptionalLines::AllLines,
        reason: "地震".into(),
    }])
    .unwrap();
    let week = place.table().week(
        &[(PoolId(4), &day), (PoolId(5), &night)],
        date("2026-06-01"),
    );
    assert_eq!(
        spans(&week, 0),
        [
            (0, 360, 3),
            (360, 480, 0),
            (480, 1080, 9),
            (1080, 1200, 12),
            (1200, 1440, 3)
        ]
    );
    let tuesday: Vec<_> = spans(&week, 1).split_off(4);
    assert_eq!(
        tuesday,
        [(1200, 1331, 3), (1331, 1440, 12)],
        "from the next whole minute on"
    );
    assert_eq!(spans(&week, 2)[..2], [(0, 60, 12), (60, 360, 3)]);
    let exceptional: Vec<_> = week.days[1]
        .spans
        .iter()
        .map(|span| span.exceptional)
        .collect();
    assert_eq!(exceptional, [false, false, false, false, false, true]);
    let reasons: Vec<_> = week.days.iter().map(|day| day.reasons.len()).collect();
    assert_eq!(reasons, [0, 1, 1, 0, 0, 0, 0]);
    let (zh, en) = week.draw();
    assert!(zh.contains("！特殊安排：地震") && en.contains("! exceptional: 地震"));
    assert_eq!(
        zh.lines().nth(2).unwrap(),
        "06-01 周一 工作日  3-----------------------········9---------------------------------------12------3---------------  开放 22:00"
    );
}

const DRAWN_ZH: &str = "\
2026-10-05 至 2026-10-11（每格半小时，数字为线路数，· 为关闭；半小时内有变时取较少者）
                            00  02  04  06  08  10  12  14  16  18  20  22  24
10-05 周一 节假日 国庆节    ·····················111111111111111111111111111  开放 13:45
10-06 周二 节假日 国庆节    222222222222·········111111111111111111111111111  开放 19:45  ！特殊安排：台风
10-07 周三 节假日 国庆节    ·····················111111111111111111111111111  开放 13:45
10-08 周四 工作日           ················22222222222222222222222222222222  开放 16:00
10-09 周五 工作日           2222············22222222222222222222222222222222  开放 18:00
10-10 周六 调休上班 国庆节  2222············22222222222222222222222222222222  开放 18:00
10-11 周日 休息日           2222············································  开放 02:00
全周开放 101:15，最多 2 条线路
空档 7 处（没有一条线路开放）：
  10-05 周一 节假日 国庆节 00:00 – 10:15（共 10:15）
  10-06 周二 节假日 国庆节 06:00 – 10:15（共 04:15）
  10-07 周三 节假日 国庆节 00:00 – 10:15（共 10:15）
  10-08 周四 工作日 00:00 – 08:00（共 08:00）
  10-09 周五 工作日 02:00 – 08:00（共 06:00）
  10-10 周六 调休上班 国庆节 02:00 – 08:00（共 06:00）
  10-11 周日 休息日 02:00 – 24:00（共 22:00）
";

const DRAWN_EN: &str = "\
2026-10-05 to 2026-10-11 (a cell is half an hour: number of lines, · closed; the fewest of the half hour)
                                        00  02  04  06  08  10  12  14  16  18  20  22  24
10-05 Mon public holiday National Day   ·····················111111111111111111111111111  open 13:45
10-06 Tue public holiday National Day   222222222222·········111111111111111111111111111  open 19:45  ! exceptional: 台风
10-07 Wed public holiday National Day   ·····················111111111111111111111111111  open 13:45
10-08 Thu workday                       ················22222222222222222222222222222222  open 16:00
10-09 Fri workday                       2222············22222222222222222222222222222222  open 18:00
10-10 Sat make-up workday National Day  2222············22222222222222222222222222222222  open 18:00
10-11 Sun day of rest                   2222············································  open 02:00
open 101:15 in the week, at most 2 lines
holes without any line: 7
  10-05 Mon public holiday National Day 00:00 – 10:15 (10:15 hours)
  10-06 Tue public holiday National Day 06:00 – 10:15 (04:15 hours)
  10-07 Wed public holiday National Day 00:00 – 10:15 (10:15 hours)
  10-08 Thu workday 00:00 – 08:00 (08:00 hours)
  10-09 Fri workday 02:00 – 08:00 (06:00 hours)
  10-10 Sat make-up workday National Day 02:00 – 08:00 (06:00 hours)
  10-11 Sun day of rest 02:00 – 24:00 (22:00 hours)
";

#[test]
fn the_drawing_in_both_languages() {
    let place = Place::new(SHANGHAI).with(
        "2026-10-06T00:00",
        "2026-10-06T06:00",
        ExceptionalLines::AllLines,
        "台风\n",
    );
    let plan = plan(&[("workday", "08:00-02:00", 2), ("holiday", "10:15-24:00", 1)]);
    let (zh, en) = place.week(&plan, "2026-10-08").draw();
    assert_eq!(zh, DRAWN_ZH);
    assert_eq!(en, DRAWN_EN);
    let always = place.week(
        &WeekPlan::compile(&schedule(&[("all", "00:00-24:00", 1)])),
        "2026-06-01",
    );
    assert!(always.draw_zh().ends_with("没有空档\n") && always.draw_en().ends_with("no holes\n"));
    assert_eq!(always.draw(), (always.draw_zh(), always.draw_en()));
    let mut named = Place::new(SHANGHAI);
    named
        .calendar
        .set_named(date("2026-04-20"), Exception::Holiday, "三月三");
    let drawn = named.week(&plan, "2026-04-20").draw_zh();
    assert!(drawn.contains("04-20 周一 节假日 三月三  "), "{drawn}");
}
