//! Where rings lead for callers of each place, before the table is compiled.

use crate::directory::Directory;
use crate::limits::MOST_RINGS;
use crate::places::Places;
use crate::sink::{Sink, both};
use crate::table::Read;
use meishier_model::PoolId;
use meishier_routing::{Area, AreaOf, CityId, CodeId, Days, ProvinceId, Route, Step, To, When};
use std::collections::BTreeMap;
use std::ops::Range;

/// The place of a caller, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    pub city: Option<CityId>,
    /// A shared area code of which the city is not known.
    pub code: Option<CodeId>,
    pub province: Option<ProvinceId>,
}

/// Areas by place, and every place for which they differ.
pub(crate) struct Ladders<'a> {
    places: &'a Places,
    by: BTreeMap<AreaOf, &'a Area>,
    routes: &'a [Route],
    /// Nowhere first, then each area.
    pub spots: Vec<Spot>,
}

impl<'a> Ladders<'a> {
    pub fn new(directory: &'a Directory, read: &'a Read) -> Self {
        let areas = &read.areas.areas;
        let mut out = Self {
            places: &directory.places,
            by: areas.iter().map(|area| (area.of, area)).collect(),
            routes: &read.routes.routes,
            spots: vec![Spot::default()],
        };
        let spots: Vec<Spot> = areas.iter().map(|area| out.spot(area.of)).collect();
        out.spots.extend(spots);
        out
    }

    /// The place that an area is.
    pub fn spot(&self, of: AreaOf) -> Spot {
        let nowhere = Spot::default();
        match of {
            AreaOf::City(city) => Spot {
                city: Some(city),
                province: self.places.province_of(city),
                ..nowhere
            },
            AreaOf::Code(code) => Spot {
                code: Some(code),
                province: self.places.province_of_code(code),
                ..nowhere
            },
            AreaOf::Province(province) => Spot {
                province: Some(province),
                ..nowhere
            },
            AreaOf::Nation => nowhere,
        }
    }

    /// What people call a place.
    pub fn name(&self, spot: Spot) -> (String, String) {
        match (spot.city, spot.province) {
            _ if spot.code.is_some() => {
                let code = spot.code.map_or("", |code| self.places.code_text(code));
                both!("区号 {code}", "area code {code}")
            }
            (Some(city), _) => {
                let name = self.places.name(city);
                (name.clone(), name)
            }
            (None, Some(province)) => {
                let name = self.places.province_name(province).to_owned();
                (name.clone(), name)
            }
            (None, None) => both!("未知地区", "an unknown place"),
        }
    }

    /// The area of a place.
    pub fn area(&self, of: AreaOf) -> Option<&'a Area> {
        self.by.get(&of).copied()
    }

    /// Where the steps of a route and of those that follow it lead.
    pub fn chain(&self, route: &Route) -> Vec<To> {
        let mut out = Vec::new();
        let mut next = Some(route);
        // Circles are told elsewhere; so no way is longer than all routes.
        for _ in 0..=self.routes.len() {
            let Some(route) = next else { break };
            out.extend(route.steps.iter().map(|step| step.to));
            next = route
                .then
                .and_then(|(id, _)| self.routes.get(usize::from(id.0)));
        }
        out
    }

    /// The pools for callers of a place, each once; `other` is the second city that is known.
    pub fn pools(&self, steps: &[To], spot: Spot, other: Option<CityId>) -> Vec<PoolId> {
        let mut out: Vec<PoolId> = Vec::new();
        let mut add = |pools: &[PoolId]| {
            for pool in pools {
                if !out.contains(pool) {
                    out.push(*pool);
                }
            }
        };
        let of = |of| self.area(of).map_or(&[][..], |area| &area.pools);
        let own = spot.city.map(AreaOf::City).or(spot.code.map(AreaOf::Code));
        for step in steps {
            match step {
                To::Pool(pool) => add(std::slice::from_ref(pool)),
                To::City => add(own.map_or(&[], of)),
                To::OtherCity => add(other.map_or(&[], |city| of(AreaOf::City(city)))),
                To::Paired => {
                    let paired = own.and_then(|own| self.area(own));
                    for city in paired.map_or(&[][..], |area| &area.paired) {
                        add(of(AreaOf::City(*city)));
                    }
                }
                To::Province => add(spot.province.map_or(&[], |it| of(AreaOf::Province(it)))),
                To::Nation => add(of(AreaOf::Nation)),
            }
        }
        out
    }

    /// Places of callers that conditions let through; those of all areas if they name none.
    pub fn spots_of(&self, when: &When) -> Vec<Spot> {
        let in_province = |spot: &Spot| {
            when.provinces.is_empty()
                || spot.province.is_some_and(|it| when.provinces.contains(&it))
        };
        if !when.cities.is_empty() {
            let spots = when
                .cities
                .iter()
                .map(|city| self.spot(AreaOf::City(*city)));
            return spots.filter(in_province).collect();
        }
        let provinces = when
            .provinces
            .iter()
            .map(|it| self.spot(AreaOf::Province(*it)));
        let spots = self.spots.iter().copied().filter(in_province);
        spots.chain(provinces).collect()
    }

    /// The route of callers of a place of whom nothing else is known.
    pub fn plain_route(&self, read: &Read, spot: Spot) -> Option<&'a Route> {
        let plain = |route: &&Route| {
            let when = &route.when;
            let listed = |list: bool, found: bool| list || found;
            is_plain(when)
                && listed(
                    when.cities.is_empty(),
                    spot.city.is_some_and(|city| when.cities.contains(&city)),
                )
                && listed(
                    when.provinces.is_empty(),
                    spot.province.is_some_and(|it| when.provinces.contains(&it)),
                )
        };
        let default = read
            .routes
            .default
            .and_then(|id| self.routes.get(usize::from(id.0)));
        self.routes.iter().find(plain).or(default)
    }

    fn other_cities(&self) -> impl Iterator<Item = CityId> + '_ {
        self.by.keys().filter_map(|of| match of {
            AreaOf::City(city) => Some(*city),
            _ => None,
        })
    }
}

/// True if conditions ask for nothing but places, and let ordinary callers through.
fn is_plain(when: &When) -> bool {
    when.called.is_empty()
        && when.callers.is_empty()
        && when.trunks.is_empty()
        && when.hours.is_empty()
        && when.days == Days::ALL
        && when.states.is_empty()
        && when.risk != Some(true)
        && when.nuisance != Some(true)
        && when.tags.is_empty()
}

/// Notes ladders with more pools than a call may have, and a default that leads nowhere.
pub(crate) fn check(sink: &Sink, directory: &Directory, read: &Read) {
    let ladders = Ladders::new(directory, read);
    for (route, span) in read.routes.routes.iter().zip(&read.routes.spans) {
        let name = &route.name;
        let what = both!("路由 {name:?}", "route {name:?}");
        let spots = ladders.spots_of(&route.when);
        too_many(sink, &ladders, (what, span), &ladders.chain(route), &spots);
    }
    let policies = &read.policies;
    let places = &read.rule_places;
    let of = |steps: &[Step]| -> Vec<To> { steps.iter().map(|step| step.to).collect() };
    let risk = (
        both!("[risk]", "[risk]"),
        of(&policies.risk.steps),
        &places.risk,
    );
    let nuisance = (
        both!("[nuisance]", "[nuisance]"),
        of(&policies.nuisance.steps),
        &places.nuisance,
    );
    for (what, steps, span) in [risk, nuisance] {
        if let Some(span) = span {
            too_many(sink, &ladders, (what, span), &steps, &ladders.spots);
        }
    }
    let default = read.routes.default.map(|id| usize::from(id.0));
    let route = default.and_then(|at| read.routes.routes.get(at).zip(read.routes.spans.get(at)));
    if let Some((route, span)) = route
        && sink.count() == 0
        && ladders
            .pools(&ladders.chain(route), Spot::default(), None)
            .is_empty()
    {
        sink.error(
            span,
            both!(
                "默认路由对地区不明的来电没有坐席组",
                "the default route has no pool for callers of whom no place is known"
            ),
            both!(
                "加一段 nation = true 的 [[areas]] 和 \"@nation\"，或写一个坐席组",
                "add an [[areas]] with nation = true and \"@nation\", or name a pool"
            ),
        );
    }
}

fn too_many(
    sink: &Sink,
    ladders: &Ladders<'_>,
    ((zh, en), span): ((String, String), &Range<usize>),
    steps: &[To],
    spots: &[Spot],
) {
    let others: Vec<Option<CityId>> = if steps.contains(&To::OtherCity) {
        ladders.other_cities().map(Some).chain([None]).collect()
    } else {
        vec![None]
    };
    let count = |spot: &Spot| {
        let of = |other: &Option<CityId>| ladders.pools(steps, *spot, *other).len();
        let most = others
            .iter()
            .filter(|other| **other != spot.city || other.is_none());
        most.map(of).max().unwrap_or(0)
    };
    let over = spots.iter().map(|spot| (spot, count(spot)));
    let over: Vec<_> = over.filter(|(_, count)| *count > MOST_RINGS).collect();
    let Some((spot, count)) = over.first() else {
        return;
    };
    let (place_zh, place_en) = ladders.name(**spot);
    let places = over.len();
    sink.error(
        span,
        both!(
            "{zh} 对 {place_zh} 的来电有 {count} 个坐席组",
            "{en} has {count} pools for callers of {place_en}"
        ),
        both!(
            "一次来电最多 {MOST_RINGS} 个；这样的地方有 {places} 个",
            "a call has at most {MOST_RINGS}; it is so for {places} places"
        ),
    );
}
