//! Hours at which nobody answers, held against the whole week and against the national notice.

use super::holes;
use crate::directory::Directory;
use crate::ladders::{Ladders, Spot};
use crate::pools::moment;
use crate::sink::{Both, Sink, both};
use crate::table::Read;
use meishier_model::PoolId;
use meishier_routing::{
    AreaOf, Coverage, Days, Moment, NOTICE_MINUTES, Schedule, To, When, coverage, hole,
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
    let mut known: BTreeMap<Vec<PoolId>, Option<Both>> = BTreeMap::new();
    for (route, span) in read.routes.routes.iter().zip(&read.routes.spans) {
        let chain = ladders.chain(route);
        let by_place = chain.iter().any(|to| !matches!(to, To::Pool(_)));
        let always = route.when.hours.is_empty() && route.when.days == Days::ALL;
        let spots = match by_place {
            true => ladders.spots_of(&route.when),
            false => vec![Spot::default()],
        };
        let mut found: Vec<(Spot, Both)> = Vec::new();
        for spot in spots {
            let mut pools = ladders.pools(&chain, spot, None);
            if pools.is_empty() {
                pools = ladders.pools(&default, spot, None);
            }
            pools.sort_unstable();
            let hole = match known.get(&pools).filter(|_| always) {
                Some(hole) => hole.clone(),
                None => holes_within(&schedules(directory, &pools), &route.when),
            };
            if always {
                known.insert(pools, hole.clone());
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
fn named(ladders: &Ladders<'_>, found: &[(Spot, Both)]) -> Both {
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

fn tell_hole(sink: &Sink, span: &std::ops::Range<usize>, hole: &Both, places: Option<Both>) {
    let (zh, en) = hole;
    let message = match places {
        None => both!(
            "有时无人接听：{zh} 没有一条线路",
            "a hole in the week, no line: {en}"
        ),
        Some((places_zh, places_en)) => both!(
            "有时无人接听（{places_zh}）：{zh} 没有一条线路",
            "a hole in the week for {places_en}, no line: {en}"
        ),
    };
    let help = both!(
        "给某个坐席组加班次，或加一个后备坐席组；meishier week 画出整周",
        "add a shift to a pool, or a pool to fall back on; meishier week draws the whole week"
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

/// Every hole of the week in few words; one that only some sequences of days have by itself.
fn holes_within(schedules: &[&Schedule], when: &When) -> Option<Both> {
    let always = when.hours.is_empty() && when.days == Days::ALL;
    if always && hole(schedules).is_none() {
        return None;
    }
    let groups = holes::within(schedules, when);
    match groups.is_empty() {
        true => holes::first(schedules, when).map(|it| moment(&it)),
        false => Some(holes::words(&groups)),
    }
}
