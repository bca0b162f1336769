//! The times at which two configurations are held against each other: one day of each sort, cut where
//! hours of either begin or end.

use super::hours;
use super::named::Named;
use crate::moment;
use crate::wording::{join, say};
use meishier_config::{Config, Lang};
use meishier_model::{PoolId, Wall};
use meishier_routing::{Date, DayKind, Exception};
use std::collections::{BTreeMap, BTreeSet};

/// Minutes of a day.
const DAY: u16 = 1440;
/// Most cuts of a day.
const MOST_CUTS: usize = 288;

/// What a sampled day stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A weekday of an ordinary week, 0 for Monday.
    Weekday(u8),
    /// A public holiday.
    Holiday,
    /// A make-up workday.
    Makeup,
}

/// A part of a sampled day.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Of which day.
    pub sort: Sort,
    /// First minute.
    pub from: u16,
    /// Minute after the last.
    pub to: u16,
    /// Its first moment in the old configuration's zone.
    pub old: Wall,
    /// The same in the new one's.
    pub new: Wall,
}

/// Days, and their hours as minutes from and to; to is below from where they end the next day.
pub type Hours = (BTreeSet<Sort>, Vec<(u16, u16)>);

/// All parts of all sampled days, in order.
pub struct Times {
    slots: Vec<Slot>,
    sorts: usize,
}

impl Times {
    /// One day of each sort: of the year that `now` lies in as far as both calendars have them.
    pub fn of(both: [&Config; 2], named: &Named, now: Wall) -> Self {
        let [old, new] = both;
        let year = old.routing.civil(now).0.year();
        let cuts = cuts(both, named);
        let mut slots = Vec::new();
        let days = days(both, year);
        for (sort, date) in &days {
            for (at, &from) in cuts.iter().enumerate() {
                let to = cuts.get(at + 1).copied().unwrap_or(DAY);
                let moments = (
                    old.routing.wall_on(*date, from),
                    new.routing.wall_on(*date, from),
                );
                if let (Some(old), Some(new)) = moments {
                    let sort = *sort;
                    slots.push(Slot {
                        sort,
                        from,
                        to,
                        old,
                        new,
                    });
                }
            }
        }
        Self {
            slots,
            sorts: days.len(),
        }
    }

    /// The parts.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Days with the same hours together, hours in order.
    pub fn hours(&self, times: &[usize]) -> Vec<Hours> {
        let mut days: BTreeMap<Sort, Vec<(u16, u16)>> = BTreeMap::new();
        for slot in times.iter().filter_map(|at| self.slots.get(*at)) {
            let list = days.entry(slot.sort).or_default();
            match list.last_mut() {
                Some(last) if last.1 == slot.from => last.1 = slot.to,
                _ => list.push((slot.from, slot.to)),
            }
        }
        join_nights(&mut days);
        let mut out: Vec<Hours> = Vec::new();
        for (sort, list) in days {
            match out.iter_mut().find(|(_, it)| *it == list) {
                Some((sorts, _)) => {
                    sorts.insert(sort);
                }
                None => out.push((BTreeSet::from([sort]), list)),
            }
        }
        out.retain(|(_, list)| !list.is_empty());
        out
    }

    /// `每天 18:00-08:00`
    pub fn words(&self, times: &[usize], lang: Lang) -> String {
        let groups = self.hours(times).into_iter().map(|(sorts, list)| {
            let sorts = self.sorts_words(&sorts, lang);
            let list: Vec<String> = list
                .iter()
                .map(|(from, to)| match (from, to) {
                    (0, &DAY) => say(lang, "全天", "all day").to_owned(),
                    (from, to) => hours(*from, *to),
                })
                .collect();
            format!("{sorts} {}", join(&list, lang))
        });
        groups.collect::<Vec<_>>().join(say(lang, "；", "; "))
    }

    fn sorts_words(&self, sorts: &BTreeSet<Sort>, lang: Lang) -> String {
        if sorts.len() == self.sorts {
            return say(lang, "每天", "every day").to_owned();
        }
        let week: BTreeSet<Sort> = (0..7).map(Sort::Weekday).collect();
        let work: BTreeSet<Sort> = (0..5).map(Sort::Weekday).collect();
        let mut left = sorts.clone();
        let mut out = Vec::new();
        let folds = [
            (week, say(lang, "周一至周日", "Mon to Sun")),
            (work, say(lang, "周一至周五", "Mon to Fri")),
        ];
        for (set, words) in folds {
            if set.is_subset(&left) {
                left = left.difference(&set).copied().collect();
                out.push(words.to_owned());
            }
        }
        out.extend(left.into_iter().map(|sort| sort.words(lang).to_owned()));
        join(&out, lang)
    }
}

impl Sort {
    /// For people.
    pub fn words(self, lang: Lang) -> &'static str {
        match self {
            Self::Weekday(day) => {
                let monday = meishier_routing::Weekday::Monday;
                moment::weekday(monday.wrapping_add(i64::from(day)), lang)
            }
            Self::Holiday => say(lang, "节假日", "public holidays"),
            Self::Makeup => say(lang, "调休上班日", "make-up workdays"),
        }
    }

    /// For programs.
    pub fn name(self) -> &'static str {
        const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        match self {
            Self::Weekday(day) => WEEK.get(usize::from(day)).copied().unwrap_or_default(),
            Self::Holiday => "holiday",
            Self::Makeup => "makeup",
        }
    }
}

/// Joins the end of a day with the beginning of the next one, as people say `18:00-08:00`. What stands
/// alone in the sample is taken to follow a day of its own sort.
fn join_nights(days: &mut BTreeMap<Sort, Vec<(u16, u16)>>) {
    let next = |sort: Sort| match sort {
        Sort::Weekday(day) => Sort::Weekday((day + 1) % 7),
        single => single,
    };
    let ends = |list: &Vec<(u16, u16)>| list.last().is_some_and(|it| it.1 == DAY && it.0 > 0);
    let begins = |list: &Vec<(u16, u16)>| {
        list.first()
            .filter(|it| it.0 == 0 && it.1 < DAY)
            .map(|it| it.1)
    };
    let before = days.clone();
    for (sort, list) in &before {
        let Some(end) = before
            .get(&next(*sort))
            .and_then(begins)
            .filter(|_| ends(list))
        else {
            continue;
        };
        if let Some(last) = days.get_mut(sort).and_then(|it| it.last_mut()) {
            last.1 = end;
        }
        if let Some(list) = days.get_mut(&next(*sort)) {
            list.remove(0);
        }
    }
}

/// Where the hours of pools and rules begin and end, of both.
fn cuts(both: [&Config; 2], named: &Named) -> Vec<u16> {
    let mut cuts: BTreeSet<u16> = named.minutes.iter().copied().chain([0]).collect();
    for config in both {
        for (_, id) in config.pools.iter().zip(0u16..) {
            let shifts = config.routing.schedule(PoolId(id)).map(|it| &it.shifts);
            for shift in shifts.into_iter().flatten() {
                cuts.extend([shift.hours.start() % DAY, shift.hours.end() % DAY]);
            }
        }
    }
    cuts.into_iter().take(MOST_CUTS).collect()
}

/// A date of each sort.
fn days(both: [&Config; 2], year: i16) -> Vec<(Sort, Date)> {
    let Ok(first) = Date::new(year, 1, 1) else {
        return Vec::new();
    };
    let dates: Vec<Date> = std::iter::successors(Some(first), |it| it.tomorrow().ok())
        .take_while(|it| it.year() == year)
        .collect();
    let plain = |date: &Date| both.iter().all(|it| is_plain(it, *date));
    let ordinary = |date: &Date| {
        both.iter()
            .all(|it| it.routing.calendar().exception(*date).is_none())
    };
    // The Sunday before counts too, whose night reaches into Monday.
    let weeks = dates.windows(8).filter(|it| {
        it.get(1)
            .is_some_and(|day| day.weekday() == meishier_routing::Weekday::Monday)
    });
    let week = weeks
        .clone()
        .find(|week| week.iter().all(|it| plain(it) && ordinary(it)));
    let week = week.or(weeks.clone().next()).into_iter().flatten().skip(1);
    let mut out: Vec<(Sort, Date)> = (0..).map(Sort::Weekday).zip(week.copied()).collect();
    for (sort, what) in [
        (Sort::Holiday, Exception::Holiday),
        (Sort::Makeup, Exception::Workday),
    ] {
        let is = |date: &&Date| {
            let calendars = both.iter().map(|it| it.routing.calendar());
            plain(date)
                && calendars
                    .map(|it| it.exception(**date))
                    .all(|it| it == Some(what))
        };
        // A holiday after a holiday, so that the night before is one of its own sort.
        let follows = |date: &&Date| {
            let before = date.yesterday().ok();
            let kinds = both
                .iter()
                .map(|it| before.map(|day| it.routing.calendar().day(day).kind));
            kinds.into_iter().all(|kind| kind == Some(DayKind::Holiday))
        };
        let best = dates
            .iter()
            .find(|it| is(it) && (sort != Sort::Holiday || follows(it)));
        out.extend(best.or(dates.iter().find(is)).map(|date| (sort, *date)));
    }
    out
}

/// True if no exceptional time touches the day.
fn is_plain(config: &Config, date: Date) -> bool {
    let table = &config.routing;
    let next = date.tomorrow().ok().and_then(|it| table.wall_on(it, 0));
    let (Some(begin), Some(end)) = (table.wall_on(date, 0), next) else {
        return false;
    };
    let entries = table.exceptional().entries();
    !entries.iter().any(|it| it.from < end && it.to > begin)
}
