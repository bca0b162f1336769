//! Plans against the schedules they are compiled from, and the coverage of a city.

use meishier_routing::{
    Coverage, Day, DayKind, Days, Hours, NOTICE_MINUTES, Schedule, Shift, WeekPlan, Weekday,
    coverage,
};
use proptest::prelude::*;

fn shift(days: &str, hours: &str, lines: u16) -> Shift {
    Shift {
        days: days
            .split(' ')
            .fold(Days::NONE, |set, name| set.or(Days::parse(name).unwrap())),
        hours: Hours::parse(hours).unwrap(),
        lines,
    }
}

fn samples() -> Vec<Schedule> {
    [
        &[][..],
        &[("all", "00:00-24:00", 2)],
        &[("all", "08:00-18:00", 9), ("all", "18:00-08:00", 2)],
        &[("all", "08:00-02:00", 1)],
        &[
            ("workday", "08:00-18:00", 5),
            ("restday", "08:00-18:00", 2),
            ("holiday", "20:00-24:00", 1),
        ],
        &[
            ("workday", "18:00-08:00", 2),
            ("restday", "00:00-24:00", 12),
        ],
        &[
            ("mon wed fri", "06:30-22:15", 3),
            ("sat sun", "22:00-06:00", 1),
        ],
        &[("fri", "18:00-17:59", 3)],
        &[("holiday", "00:00-24:00", 7), ("workday", "23:59-00:01", 1)],
        &[("all", "00:00-12:00", 2), ("all", "12:00-24:00", 2)],
        &[
            ("restday", "23:00-22:00", 4),
            ("workday", "10:00-11:00", 65_535),
        ],
        // Shifts that clash, which no table would load: the first one counts.
        &[
            ("all", "08:00-20:00", 3),
            ("all", "10:00-12:00", 8),
            ("sun", "19:00-09:00", 1),
        ],
    ]
    .map(|shifts| Schedule {
        shifts: shifts
            .iter()
            .map(|&(days, hours, lines)| shift(days, hours, lines))
            .collect(),
    })
    .into()
}

const KINDS: [DayKind; 3] = [DayKind::Workday, DayKind::Restday, DayKind::Holiday];

fn same_everywhere(schedule: &Schedule) {
    let plan = WeekPlan::compile(schedule);
    for at in 0..7 {
        let weekday = Weekday::from_monday_zero_offset(at).unwrap();
        let yesterday = weekday.wrapping_sub(1);
        for (a, kind) in KINDS.iter().flat_map(|a| KINDS.map(|b| (*a, b))) {
            let before = Day {
                weekday: yesterday,
                kind: a,
            };
            let day = Day { weekday, kind };
            for minute in 0..1440 {
                assert_eq!(
                    plan.lines(before, day, minute),
                    schedule.lines(before, day, minute),
                    "{schedule:?} {before:?} {day:?} {minute}"
                );
            }
            assert_eq!(plan.lines(before, day, 1440), 0);
            let steps = plan.steps(before, day);
            assert_eq!(steps[0].from, 0);
            assert!(
                steps
                    .windows(2)
                    .all(|w| w[0].from < w[1].from && w[0].lines != w[1].lines)
            );
        }
    }
    assert_eq!(
        plan.most_lines(),
        schedule.shifts.iter().map(|s| s.lines).max().unwrap_or(0)
    );
}

#[test]
fn a_plan_says_what_the_schedule_says() {
    samples().iter().for_each(same_everywhere);
    let constant: Vec<_> = samples()
        .iter()
        .map(|s| WeekPlan::compile(s).is_constant())
        .collect();
    let expected: Vec<_> = (0..12).map(|at| [0, 1, 9].contains(&at)).collect();
    assert_eq!(constant, expected);
    assert_eq!(WeekPlan::default(), WeekPlan::compile(&Schedule::default()));
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let shift = (0usize..11, 0usize..11, 0u16..96, 1u16..96, 1u16..20).prop_map(
        |(a, b, from, long, lines)| {
            let clock = |quarter: u16| format!("{:02}:{:02}", quarter % 96 / 4, quarter % 4 * 15);
            let day = |at: usize| Days::parse(Days::NAMES[at]).unwrap();
            Shift {
                days: day(a).or(day(b)),
                hours: Hours::parse(&format!("{}-{}", clock(from), clock(from + long))).unwrap(),
                lines,
            }
        },
    );
    proptest::collection::vec(shift, 0..6).prop_map(|shifts| Schedule { shifts })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn so_does_any_plan(schedule in schedules()) {
        same_everywhere(&schedule);
    }
}

#[test]
fn a_city_is_held_against_the_national_notice() {
    let cover = |pools: &[&[Shift]]| {
        let schedules: Vec<_> = pools
            .iter()
            .map(|shifts| Schedule {
                shifts: shifts.to_vec(),
            })
            .collect();
        coverage(&schedules.iter().collect::<Vec<_>>())
    };
    let beijing = cover(&[&[
        shift("all", "08:00-18:00", 9),
        shift("all", "18:00-08:00", 2),
    ]]);
    assert_eq!(beijing.least_minutes, 1440);
    assert_eq!((beijing.most_lines, beijing.fewest_lines), (9, 2));
    assert!(beijing.holes.is_empty() && beijing.meets_notice());

    // 08:00-02:00 is 18 hours a day, and does.
    let eighteen = shift("all", "08:00-02:00", 1);
    let just = cover(&[&[eighteen]]);
    assert!(just.meets_notice() && just.least_minutes == NOTICE_MINUTES);
    let less = cover(&[&[shift("all", "08:00-01:59", 1)]]);
    assert!(!less.meets_notice() && less.least_minutes == NOTICE_MINUTES - 1);
    assert_eq!(less.holes[0].day.weekday, Weekday::Monday);
    assert_eq!((less.holes[0].from, less.holes[0].to), (119, 480));

    // Two pools fill each other's holes, and their lines add up where both are open.
    let day = shift("all", "08:00-20:00", 3);
    let night = shift("all", "18:00-08:00", 2);
    let both = cover(&[&[day], &[night]]);
    assert!(both.holes.is_empty());
    assert_eq!((both.most_lines, both.fewest_lines), (5, 2));

    // A workdays' pool leaves its worst day at a weekend, and a holiday is as bad.
    let work = cover(&[&[shift("workday", "00:00-24:00", 4)]]);
    assert_eq!(
        (work.least_minutes, work.worst.weekday),
        (0, Weekday::Saturday)
    );
    assert_eq!(work.worst_after.weekday, Weekday::Friday);
    assert!(
        work.holes
            .iter()
            .any(|hole| hole.day.kind == DayKind::Holiday)
    );
    assert!(work.holes.len() <= 9, "two of the weekend, seven holidays");

    for nothing in [cover(&[]), cover(&[&[]])] {
        assert_eq!((nothing.most_lines, nothing.fewest_lines), (0, 0));
        assert_eq!(
            (nothing.least_minutes, nothing.worst.weekday),
            (0, Weekday::Monday)
        );
        assert!(!nothing.meets_notice());
    }
    let crumbs: Vec<_> = (0..24)
        .map(|hour| shift("all", &format!("{hour:02}:00-{hour:02}:30"), 1))
        .collect();
    assert_eq!(cover(&[&crumbs]).holes.len(), Coverage::MOST_HOLES);
}
