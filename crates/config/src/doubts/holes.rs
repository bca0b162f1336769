//! All holes of a week in few words: the same hours of days of a kind together.

use crate::sink::{Both, both};
use meishier_routing::{Day, DayKind, Moment, Schedule, Weekday, When, weekday_names};
use std::collections::{BTreeMap, BTreeSet};

/// Holes that a doubt names.
const NAMED: usize = 3;
/// Minutes of a day.
const DAY: u16 = 1440;
const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// A weekday (0 for Monday) as a kind: 0 its own (workday, or rest at the weekend), 1 a make-up
/// workday, 2 a public holiday.
type Key = (usize, u8);
/// Hours without a line, with their days.
type Groups = BTreeMap<(u16, u16), BTreeSet<Key>>;

/// Hours at which conditions hold and no schedule has a line: those of an ordinary week, of make-up
/// workdays after it, and of holidays one after another.
pub(super) fn within(schedules: &[&Schedule], when: &When) -> Groups {
    let mut out = Groups::new();
    let minutes = minutes(schedules, when);
    for key in keys() {
        let before = ((key.0 + 6) % 7, if key.1 == 2 { 2 } else { 0 });
        let (before, day) = (day_of(before), day_of(key));
        let mut open: Option<(u16, u16)> = None;
        for (at, &from) in minutes.iter().enumerate() {
            let to = minutes.get(at + 1).copied().unwrap_or(DAY);
            let closed = schedules.iter().all(|it| it.lines(before, day, from) == 0);
            match (&mut open, closed && holds(when, before, day, from)) {
                (Some(hours), true) => hours.1 = to,
                (None, true) => open = Some((from, to)),
                (_, false) => {
                    let hours = open.take();
                    hours.map(|hours| out.entry(hours).or_default().insert(key));
                }
            }
        }
        open.map(|hours| out.entry(hours).or_default().insert(key));
    }
    join_nights(&mut out);
    out
}

/// The first part of any possible week at which conditions hold and no schedule has a line.
pub(super) fn first(schedules: &[&Schedule], when: &When) -> Option<Moment> {
    let minutes = minutes(schedules, when);
    for (before, day) in pairs_of_days() {
        for (at, &from) in minutes.iter().enumerate() {
            let closed = schedules.iter().all(|it| it.lines(before, day, from) == 0);
            if closed && holds(when, before, day, from) {
                let to = minutes.get(at + 1).copied().unwrap_or(DAY);
                return Some(Moment { day, from, to });
            }
        }
    }
    None
}

/// `每天 18:00-20:00、周末 08:00-10:00`, the first ones, and how many more there are.
pub(super) fn words(groups: &Groups) -> Both {
    let named = groups.iter().take(NAMED).map(|((from, to), days)| {
        let clock = |minute: &u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let (zh, en) = days_words(days);
        let (from, to) = (clock(from), clock(to));
        both!("{zh} {from}-{to}", "{en} {from}-{to}")
    });
    let (zh, en): (Vec<String>, Vec<String>) = named.unzip();
    let (zh, en) = (zh.join("，"), en.join(", "));
    match groups.len().saturating_sub(NAMED) {
        0 => (zh, en),
        more => both!("{zh}，另有 {more} 处", "{en} and {more} more"),
    }
}

/// What is empty at the end of every day and at the beginning goes on through the night.
fn join_nights(groups: &mut Groups) {
    let all = keys().count();
    let every = |groups: &Groups, fits: &dyn Fn(&(u16, u16)) -> bool| {
        let mut found = groups.iter().filter(|(_, days)| days.len() == all);
        found.find(|(hours, _)| fits(hours)).map(|it| *it.0)
    };
    let morning = every(groups, &|it| it.0 == 0 && it.1 < DAY);
    let evening = every(groups, &|it| it.0 > 0 && it.1 == DAY);
    if let (Some(morning), Some(evening)) = (morning, evening) {
        groups.remove(&morning);
        if let Some(days) = groups.remove(&evening) {
            groups.insert((evening.0, morning.1), days);
        }
    }
}

fn days_words(days: &BTreeSet<Key>) -> Both {
    let all: BTreeSet<Key> = keys().collect();
    if *days == all {
        return both!("每天", "every day");
    }
    let sets: [(BTreeSet<Key>, Both); 6] = [
        (set(&all, |it| it.0 < 5), both!("周一至周五", "Mon to Fri")),
        (set(&all, |it| it.0 > 4), both!("周六周日", "Sat and Sun")),
        (
            set(&all, |it| it.1 == 1 || (it.1 == 0 && it.0 < 5)),
            both!("工作日", "workdays"),
        ),
        (
            set(&all, |it| it.1 == 0 && it.0 < 5),
            both!("工作日（调休除外）", "workdays but make-up ones"),
        ),
        (
            set(&all, |it| it.1 == 0 && it.0 > 4),
            both!("周末", "weekends"),
        ),
        (
            set(&all, |it| it.1 == 2),
            both!("节假日", "public holidays"),
        ),
    ];
    let (mut left, mut out) = (days.clone(), Vec::new());
    // Weekdays whatever they are, if nothing else is meant.
    let whole = (0..7).filter(|at| set(&all, |it| it.0 == *at).is_subset(days));
    let whole: BTreeSet<usize> = whole.collect();
    let plain = set(&all, |it| whole.contains(&it.0)) == *days;
    for (set, words) in sets.into_iter().skip(if plain { 0 } else { 2 }) {
        if set.is_subset(&left) {
            left = left.difference(&set).copied().collect();
            out.push(words);
        }
    }
    for at in 0..7 {
        let of_day = set(&all, |it| it.0 == at);
        if of_day.is_subset(&left) {
            left = left.difference(&of_day).copied().collect();
            let (zh, en) = weekday_names(WEEK.get(at).copied().unwrap_or(Weekday::Monday));
            out.push(both!("{zh}", "{en}"));
        }
    }
    out.extend(left.into_iter().map(|key| {
        let day = day_of(key);
        let ((zh, en), (kind_zh, kind_en)) = (weekday_names(day.weekday), day.kind_names());
        both!("{zh}（{kind_zh}）", "{en} ({kind_en})")
    }));
    let (zh, en): (Vec<String>, Vec<String>) = out.into_iter().unzip();
    (zh.join("、"), en.join(", "))
}

fn set(all: &BTreeSet<Key>, fits: impl Fn(&Key) -> bool) -> BTreeSet<Key> {
    all.iter().filter(|it| fits(it)).copied().collect()
}

fn keys() -> impl Iterator<Item = Key> {
    let kinds = |at: usize| if at < 5 { &[0, 2][..] } else { &[0, 1, 2][..] };
    (0..7).flat_map(move |at| kinds(at).iter().map(move |kind| (at, *kind)))
}

fn day_of((at, kind): Key) -> Day {
    let kind = match (kind, at) {
        (2, _) => DayKind::Holiday,
        (0, 5..) => DayKind::Restday,
        _ => DayKind::Workday,
    };
    let weekday = WEEK.get(at).copied().unwrap_or(Weekday::Monday);
    Day { weekday, kind }
}

/// Where hours of schedules or of the conditions begin or end.
fn minutes(schedules: &[&Schedule], when: &When) -> Vec<u16> {
    let shifts = schedules.iter().flat_map(|schedule| &schedule.shifts);
    let hours = shifts
        .map(|shift| shift.hours)
        .chain(when.hours.iter().copied());
    let mut minutes: Vec<u16> = hours
        .flat_map(|hours| [hours.start() % DAY, hours.end() % DAY])
        .collect();
    minutes.push(0);
    minutes.sort_unstable();
    minutes.dedup();
    minutes
}

/// True if the hours and days hold; those that cross midnight belong to the day they begin.
fn holds(when: &When, before: Day, day: Day, minute: u16) -> bool {
    if when.hours.is_empty() {
        return when.days.contains(day);
    }
    when.hours.iter().any(|hours| {
        let today = hours.start() <= minute && minute < hours.end();
        let spilt = minute + 1440 < hours.end();
        (today && when.days.contains(day)) || (spilt && when.days.contains(before))
    })
}

/// Every day of a week after the one before it, as every kind both can be; the ordinary week first.
fn pairs_of_days() -> impl Iterator<Item = (Day, Day)> {
    let kinds = |weekday: Weekday| match weekday {
        Weekday::Saturday | Weekday::Sunday => {
            &[DayKind::Restday, DayKind::Workday, DayKind::Holiday][..]
        }
        _ => &[DayKind::Workday, DayKind::Holiday][..],
    };
    (0..9).flat_map(move |round| {
        (0..7).filter_map(move |at| {
            let (weekday, before) = (WEEK[at], WEEK[(at + 6) % 7]);
            let kind = *kinds(weekday).get(round % 3)?;
            let kind_before = *kinds(before).get(round / 3)?;
            let day = |weekday, kind| Day { weekday, kind };
            Some((day(before, kind_before), day(weekday, kind)))
        })
    })
}
