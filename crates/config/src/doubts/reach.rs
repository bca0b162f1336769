//! Pools and areas that lead nowhere, or to which nothing leads.

use crate::directory::Directory;
use crate::ladders::Ladders;
use crate::pools::PoolEntry;
use crate::sink::{Sink, both};
use crate::table::Read;
use meishier_model::PoolId;
use meishier_routing::{AreaOf, Step, To};
use std::collections::BTreeSet;

/// Pools without seats, with fewer than lines, and those to which nothing leads.
pub(super) fn pools(sink: &Sink, directory: &Directory, read: &Read) {
    let mut seats = vec![0_usize; directory.pools.len()];
    for pool in directory.seats.iter().flat_map(|seat| &seat.pools) {
        if let Some(count) = seats.get_mut(usize::from(pool.0)) {
            *count += 1;
        }
    }
    let routes = read.routes.routes.iter().flat_map(|route| &route.steps);
    let policies = &read.policies;
    let served = reached(read, routes.chain(&policies.risk.steps));
    let held = reached(read, &policies.nuisance.steps);
    for ((entry, id), seats) in directory.pools.iter().zip(0..).zip(seats) {
        let id = PoolId(id);
        let name = &entry.pool.name;
        if seats == 0 {
            sink.warn(
                &entry.span,
                both!("坐席组 {name:?} 没有坐席", "pool {name:?} has no seat"),
                both!(
                    "把坐席的 pools 指向它，或删去它",
                    "point some seat's pools at it, or remove it"
                ),
            );
        } else {
            lines(sink, entry, seats);
        }
        if served.contains(&id) {
            continue;
        }
        if !held.contains(&id) {
            unreached(sink, entry, read, id);
        } else if only_here(directory, id, &served) {
            sink.warn(
                &entry.span,
                both!(
                    "坐席组 {name:?} 只接骚扰电话，它的坐席别处也不接",
                    "pool {name:?} is for nuisance callers alone, and so are its seats"
                ),
                both!(
                    "让它的坐席也属于别的坐席组",
                    "let its seats serve another pool as well"
                ),
            );
        }
    }
}

/// More lines than telephones: the lines beyond are never used, and nobody hears that all are busy.
fn lines(sink: &Sink, entry: &PoolEntry, seats: usize) {
    let (name, lines) = (&entry.pool.name, entry.schedule.most_lines());
    if usize::from(lines) > seats {
        sink.warn(
            &entry.span,
            both!(
                "坐席组 {name:?} 有 {lines} 条线路，但只有 {seats} 个坐席",
                "pool {name:?} has more lines ({lines}) than seats ({seats})"
            ),
            both!("减少 lines，或增加坐席", "lower lines, or add seats"),
        );
    }
}

fn unreached(sink: &Sink, entry: &PoolEntry, read: &Read, id: PoolId) {
    let name = &entry.pool.name;
    let help = if read.areas.areas.iter().any(|area| area.pools.contains(&id)) {
        both!(
            "[[areas]] 用到它，但没有 rings 写 \"@city\" 之类",
            "[[areas]] names it, but no rings has \"@city\" or the like"
        )
    } else {
        both!(
            "把它写进某条路由的 rings，或删去它",
            "name it in some route's rings, or remove it"
        )
    };
    let message = both!(
        "没有路由用到坐席组 {name:?}",
        "no route leads to pool {name:?}"
    );
    sink.warn(&entry.span, message, help);
}

/// True if no seat of the pool serves one of the others.
fn only_here(directory: &Directory, id: PoolId, others: &BTreeSet<PoolId>) -> bool {
    let mut seats = directory
        .seats
        .iter()
        .filter(|seat| seat.pools.contains(&id));
    seats.all(|seat| !seat.pools.iter().any(|pool| others.contains(pool)))
}

/// Every pool to which some of these steps may lead.
fn reached<'s>(read: &Read, steps: impl IntoIterator<Item = &'s Step>) -> BTreeSet<PoolId> {
    let mut words = BTreeSet::new();
    let mut out = BTreeSet::new();
    for step in steps {
        match step.to {
            To::Pool(pool) => {
                out.insert(pool);
            }
            To::City => words.extend(["city", "code"]),
            To::OtherCity => words.extend(["city"]),
            To::Paired => words.extend(["paired"]),
            To::Province => words.extend(["province"]),
            To::Nation => words.extend(["nation"]),
        }
    }
    let paired: BTreeSet<_> = read
        .areas
        .areas
        .iter()
        .flat_map(|area| &area.paired)
        .collect();
    for area in &read.areas.areas {
        let led = match area.of {
            AreaOf::City(city) => {
                words.contains("city") || (words.contains("paired") && paired.contains(&city))
            }
            AreaOf::Code(_) => words.contains("code"),
            AreaOf::Province(_) => words.contains("province"),
            AreaOf::Nation => words.contains("nation"),
        };
        if led {
            out.extend(&area.pools);
        }
    }
    out
}

/// Paired cities without pools, and shared area codes whose cities differ.
pub(super) fn areas(sink: &Sink, directory: &Directory, read: &Read, ladders: &Ladders<'_>) {
    for (city, span) in &read.areas.paired {
        if ladders
            .area(AreaOf::City(*city))
            .is_none_or(|area| area.pools.is_empty())
        {
            let name = directory.places.name(*city);
            sink.warn(
                span,
                both!(
                    "结对的 {name} 没有坐席组",
                    "{name}, which is paired, has no pool"
                ),
                both!(
                    "给 {name} 加一段 [[areas]]，或换一个城市",
                    "add an [[areas]] of {name}, or name another city"
                ),
            );
        }
    }
    let steps = read.routes.routes.iter().flat_map(|route| &route.steps);
    let by_city = steps
        .chain(&read.policies.risk.steps)
        .any(|step| step.to == To::City);
    for code in directory.places.shared_codes() {
        if !by_city || ladders.area(AreaOf::Code(code.id)).is_some() {
            continue;
        }
        let of = |city| {
            ladders
                .area(AreaOf::City(city))
                .map_or(&[][..], |area| &area.pools)
        };
        let differ = code
            .cities
            .windows(2)
            .any(|pair| of(pair[0]) != of(pair[1]));
        let mut areas = read.areas.areas.iter().zip(&read.areas.spans);
        let named = areas
            .find(|(area, _)| matches!(area.of, AreaOf::City(city) if code.cities.contains(&city)));
        if let (true, Some((_, span))) = (differ, named) {
            let digits = code.text;
            let names: Vec<String> = code
                .cities
                .iter()
                .map(|city| directory.places.name(*city))
                .collect();
            let (zh, en) = (names.join("、"), names.join(", "));
            sink.warn(
                span,
                both!(
                    "区号 {digits} 由 {zh} 共用，各市坐席组不同，却没有写该区号找谁",
                    "area code {digits} is shared by {en} with different pools, and nothing says who serves the code"
                ),
                both!(
                    "加一段 code = \"{digits}\" 的 [[areas]]",
                    "add an [[areas]] with code = \"{digits}\""
                ),
            );
        }
    }
}
