//! Hours at which nobody answers, held against the whole week and against the national notice.

use crate::directory::Directory;
use crate::ladders::{Ladders, Spot};
use crate::pools::moment;
use crate::sink::{Both, Sink, both};
use crate::table::Read;
use meishier_model::PoolId;
use meishier_routing::{
    AreaOf, Coverage, Day, DayKind, Days, Moment, NOTICE_MINUTES, Schedule, To, Weekday, When,
    coverage, hole,
};
use std::collections::BTreeMap;

/// Seats that the national notice asks of a city.
const NOTICE_SEATS: usize = 2;
/// Places that a doubt names.
const NAMED: usize = 3;

fn schedules<'d>(directory: &'d Directory, pools: &[PoolId]) -> Vec<&'d Schedule> {
    let of = |pool: &PoolId| directory.pools.get(usize::from(pool.0));
    pools
        .iter()
        .filter_map(of)
        .map(|entry| &entry.schedule)
        .collect()
}

/// Routes that have nobody at some hour at which they hold, with the places for which it is so.
pub(super) fn routes(sink: &Sink, directory: &Directory, read: &Read, ladders: &Ladders<'_>) {
    let default = read
        .routes
        .default
        .and_then(|id| read.routes.routes.get(usize::from(id.0)));
    let default = default
        .map(|route| ladders.chain(route))
        .unwrap_or_default();
    let mut known: BTreeMap<Vec<PoolId>, Option<Moment>> = BTreeMap::new();
    for (route, span) in read.routes.routes.iter().zip(&read.routes.spans) {
        let chain = ladders.chain(route);
        let by_place = chain.iter().any(|to| !matches!(to, To::Pool(_)));
        let always = route.when.hours.is_empty() && route.when.days == Days::ALL;
        let spots = match by_place {
            true => ladders.spots_of(&route.when),
            false => vec![Spot::default()],
        };
        let mut found: Vec<(Spot, Moment)> = Vec::new();
        for spot in spots {
            let mut pools = ladders.pools(&chain, spot, None);
            if pools.is_empty() {
                pools = ladders.pools(&default, spot, None);
            }
            pools.sort_unstable();
            let hole = match known.get(&pools).filter(|_| always) {
                Some(hole) => *hole,
                None => hole_within(&schedules(directory, &pools), &route.when),
            };
            if always {
                known.insert(pools, hole);
            }
            found.extend(hole.map(|hole| (spot, hole)));
        }
        if let Some((_, hole)) = found.first() {
            let places = by_place.then(|| named(ladders, &found));
            tell_hole(sink, span, hole, places);
        }
    }
}

/// The first places by name, and how many there are.
fn named(ladders: &Ladders<'_>, found: &[(Spot, Moment)]) -> Both {
    let names = found
        .iter()
        .take(NAMED)
        .map(|(spot, _)| ladders.name(*spot));
    let (zh, en): (Vec<String>, Vec<String>) = names.unzip();
    let (zh, en) = (zh.join("、"), en.join(", "));
    match found.len() {
        ..=NAMED => (zh, en),
        count => both!("{zh} 等 {count} 地", "{en} and others ({count})"),
    }
}

fn tell_hole(sink: &Sink, span: &std::ops::Range<usize>, hole: &Moment, places: Option<Both>) {
    let (zh, en) = moment(hole);
    let message = match places {
        None => both!(
            "有时无人接听：{zh} 没有一条线路",
            "a hole in the week: no line on {en}"
        ),
        Some((places_zh, places_en)) => both!(
            "有时无人接听（{places_zh}）：{zh} 没有一条线路",
            "a hole in the week for {places_en}: no line on {en}"
        ),
    };
    let help = both!(
        "给某个坐席组加班次，或加一个后备坐席组",
        "add a shift to a pool, or a pool to fall back on"
    );
    sink.warn(span, message, help);
}

/// Cities below the national notice whose callers nobody else takes over.
///
/// A city that cannot do it alone is served by its province, as the notice has it; so nothing is
/// said as long as the whole ladder of its callers does what is asked.
pub(super) fn cities(sink: &Sink, directory: &Directory, read: &Read, ladders: &Ladders<'_>) {
    for (area, span) in read.areas.areas.iter().zip(&read.areas.spans) {
        let AreaOf::City(city) = area.of else {
            continue;
        };
        if meets(directory, &area.pools).is_ok() {
            continue;
        }
        let spot = ladders.spot(area.of);
        let route = ladders.plain_route(read, spot);
        let chain = route.map(|route| ladders.chain(route)).unwrap_or_default();
        let mut pools = ladders.pools(&chain, spot, None);
        for pool in &area.pools {
            if !pools.contains(pool) {
                pools.push(*pool);
            }
        }
        let Err(lack) = meets(directory, &pools) else {
            continue;
        };
        let name = directory.places.name(city);
        let message = match lack {
            Lack::Seats(seats) => both!(
                "{name} 只有 {seats} 个坐席，国家要求至少 {NOTICE_SEATS} 个",
                "{name} has {seats} of the {NOTICE_SEATS} seats that the national notice asks for"
            ),
            Lack::Hours(found) => {
                let (zh, en) = day(&found);
                let (hours, minutes) = (found.least_minutes / 60, found.least_minutes % 60);
                let least = NOTICE_MINUTES / 60;
                both!(
                    "{name} {zh} 只有 {hours} 小时 {minutes} 分有人接听，国家要求每天至少 {least} 小时",
                    "{name} is answered for {hours} h {minutes} min on {en}, the national notice asks for {least} hours a day"
                )
            }
        };
        let help = both!(
            "延长班次，或在 rings 中加上 \"@province\"、\"@paired\"、\"@nation\"",
            "lengthen shifts, or add \"@province\", \"@paired\" or \"@nation\" to rings"
        );
        sink.warn(span, message, help);
    }
}

/// What a city lacks of the national notice.
enum Lack {
    Seats(usize),
    Hours(Coverage),
}

fn meets(directory: &Directory, pools: &[PoolId]) -> Result<(), Lack> {
    let seats = directory.seats.iter();
    let seats = seats.filter(|seat| seat.pools.iter().any(|pool| pools.contains(pool)));
    let seats = seats.take(NOTICE_SEATS).count();
    if seats < NOTICE_SEATS {
        return Err(Lack::Seats(seats));
    }
    let found = coverage(&schedules(directory, pools));
    if found.meets_notice() {
        Ok(())
    } else {
        Err(Lack::Hours(found))
    }
}

fn day(found: &Coverage) -> Both {
    let whole = Moment {
        day: found.worst,
        from: 0,
        to: 0,
    };
    let (zh, en) = moment(&whole);
    let cut = |text: &str, at: &str| text.split_once(at).map_or(text, |(day, _)| day).to_owned();
    (cut(&zh, "00:00"), cut(&en, " 00:00"))
}

/// The first part of any possible week at which conditions hold and no schedule has a line.
fn hole_within(schedules: &[&Schedule], when: &When) -> Option<Moment> {
    if when.hours.is_empty() && when.days == Days::ALL {
        return hole(schedules);
    }
    let shifts = schedules.iter().flat_map(|schedule| &schedule.shifts);
    let hours = shifts
        .map(|shift| shift.hours)
        .chain(when.hours.iter().copied());
    let mut minutes: Vec<u16> = hours
        .flat_map(|hours| [hours.start() % 1440, hours.end() % 1440])
        .collect();
    minutes.push(0);
    minutes.sort_unstable();
    minutes.dedup();
    for (before, day) in pairs_of_days() {
        for (at, &from) in minutes.iter().enumerate() {
            let closed = schedules.iter().all(|it| it.lines(before, day, from) == 0);
            if closed && holds(when, before, day, from) {
                let to = minutes.get(at + 1).copied().unwrap_or(1440);
                return Some(Moment { day, from, to });
            }
        }
    }
    None
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
    const WEEK: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
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
