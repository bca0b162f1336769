//! What a decision should be, written from the documents and without the engine's code: no index, no
//! compiled form, each rule as a person would read it in the file.

use meishier_model::{CounsellorId, PoolId, TrunkId, Wall};
use meishier_routing::{
    Area, AreaOf, Days, Number, Pools, Preference, Step, TableSource, To, When, Which,
};
use meishier_routing::{CityId, Places, ProvinceId};
use std::time::Duration;

use crate::random::{Asked, DAYS, code_cities};

/// What is compared.
#[derive(Debug, Default)]
pub struct Expected {
    pub route: u16,
    pub by_default: bool,
    pub city: Option<CityId>,
    pub province: Option<ProvinceId>,
    pub rings: Vec<(u16, Duration)>,
    pub taking: u8,
    pub class: u8,
    pub risk: bool,
    pub own: Option<CounsellorId>,
    pub likes: Vec<(u8, u16)>,
}

/// The clock on the wall in Shanghai, which has had no other since 1991.
struct Clock {
    /// Monday is 0.
    weekday: usize,
    minute: i64,
}

impl Clock {
    fn new(wall: Wall) -> Self {
        let minutes = wall.0.div_euclid(60_000) + 8 * 60;
        let day = minutes.div_euclid(24 * 60);
        Self {
            // 1970-01-01 was a Thursday.
            weekday: (day + 3).rem_euclid(7) as usize,
            minute: minutes.rem_euclid(24 * 60),
        }
    }

    /// From minute to minute of days that begin on one of `days`, possibly past midnight.
    fn is_within(&self, days: [bool; 7], from: u16, to: u16) -> bool {
        let (from, to) = (i64::from(from), i64::from(to));
        let today = days[self.weekday] && from <= self.minute && self.minute < to;
        let yesterday = days[(self.weekday + 6) % 7];
        let tomorrow = self.minute + 24 * 60;
        today || (yesterday && from <= tomorrow && tomorrow < to)
    }
}

fn weekdays(days: Days) -> [bool; 7] {
    DAYS.iter().find(|(known, _)| *known == days).unwrap().1
}

/// A caller with everything that rules ask of one.
struct Caller {
    number: Number,
    called: Number,
    city: Option<CityId>,
    code: Option<Vec<CityId>>,
    other: Option<CityId>,
    province: Option<ProvinceId>,
    clock: Clock,
    risk: bool,
    nuisance: bool,
    tags: u64,
    planned: Option<CounsellorId>,
}

impl Caller {
    fn fits(&self, when: &When, asked: &Asked) -> bool {
        let form = self.number.as_bytes();
        let called = |it: &String| Number::new(it).as_bytes() == self.called.as_bytes();
        let begins = |it: &String| form.starts_with(it.as_bytes());
        let state = |pool: PoolId| asked.pools.state(pool).service;
        let days = weekdays(when.days);
        let clock = &self.clock;
        (when.called.is_empty() || when.called.iter().any(called))
            && (when.callers.is_empty() || when.callers.iter().any(begins))
            && (when.trunks.is_empty() || when.trunks.contains(&TrunkId(asked.trunk)))
            && (when.cities.is_empty() || self.city.is_some_and(|it| when.cities.contains(&it)))
            && (when.provinces.is_empty()
                || self.province.is_some_and(|it| when.provinces.contains(&it)))
            && when.risk.is_none_or(|it| it == self.risk)
            && when
                .nuisance
                .is_none_or(|it| it == (self.nuisance && !self.risk))
            && (when.tags.0 == 0 || when.tags.0 & self.tags != 0)
            && when
                .states
                .iter()
                .all(|(pool, states)| states.contains(state(*pool)))
            && if when.hours.is_empty() {
                days[clock.weekday]
            } else {
                let mut hours = when.hours.iter();
                hours.any(|it| clock.is_within(days, it.start(), it.end()))
            }
    }

    /// Settles which of the places known is the caller's.
    fn settle(&mut self, source: &TableSource, places: &Places) {
        let first = &source.policies.first;
        let found: Vec<_> = first
            .iter()
            .filter_map(|which| match which {
                Which::Called => places.called,
                Which::Here => places.here,
                Which::Home => places.home,
            })
            .collect();
        let Some(best) = found.first() else { return };
        let mut cities = found.iter().filter_map(|it| it.city);
        (self.city, self.province) = (best.city, best.province);
        if self.city.is_none() {
            self.code = best.code.map(code_cities);
        }
        self.other = cities.find(|it| Some(*it) != self.city);
    }

    fn area<'s>(&self, source: &'s TableSource, to: To) -> Option<&'s Area> {
        let mut areas = source.areas.iter();
        let city = |wanted: CityId| move |it: &&Area| it.of == AreaOf::City(wanted);
        match to {
            To::Pool(_) => None,
            To::City | To::Paired => match (self.city, &self.code) {
                (Some(wanted), _) => areas.find(city(wanted)),
                (None, Some(shared)) => areas.find(|it| match it.of {
                    AreaOf::Code(code) => code_cities(code) == *shared,
                    _ => false,
                }),
                (None, None) => None,
            },
            To::OtherCity => self.other.and_then(|wanted| areas.find(city(wanted))),
            To::Province => {
                let wanted = self.province?;
                areas.find(|it| it.of == AreaOf::Province(wanted))
            }
            To::Nation => areas.find(|it| it.of == AreaOf::Nation),
        }
    }

    fn pools(&self, source: &TableSource, to: To) -> Vec<PoolId> {
        if let To::Pool(pool) = to {
            return vec![pool];
        }
        let Some(area) = self.area(source, to) else {
            return Vec::new();
        };
        if to != To::Paired {
            return area.pools.clone();
        }
        let of_city = |city: &CityId| {
            let mut areas = source.areas.iter();
            areas.find(|it| it.of == AreaOf::City(*city))
        };
        let partners = area.paired.iter().filter_map(of_city);
        partners.flat_map(|it| it.pools.clone()).collect()
    }
}

/// True if a call can go there at this moment.
fn takes(source: &TableSource, pool: PoolId, clock: &Clock, asked: &Asked) -> bool {
    let shifts = &source.pools[usize::from(pool.0)].schedule.shifts;
    let open = shifts.iter().any(|it| {
        let hours = it.hours;
        it.lines > 0 && clock.is_within(weekdays(it.days), hours.start(), hours.end())
    });
    let now = asked.pools.state(pool);
    open && now.service.takes_calls() && !now.full
}

/// A route's steps and those of the routes that follow.
fn whole(source: &TableSource, route: u16) -> Vec<Step> {
    let route = &source.routes[usize::from(route)];
    let mut steps = route.steps.to_vec();
    if let Some((next, wait)) = route.then {
        let last = steps.last().map_or(Duration::ZERO, |it| it.after);
        let rest = whole(source, next.0).into_iter();
        steps.extend(rest.map(|it| Step {
            after: last + wait + it.after,
            ..it
        }));
    }
    steps
}

/// Pools with their waits: the wait after a moment counts only if one of its pools takes calls.
fn rings(
    source: &TableSource,
    steps: &[Step],
    caller: &Caller,
    asked: &Asked,
) -> Vec<(u16, Duration)> {
    let mut moments: Vec<Duration> = steps.iter().map(|it| it.after).collect();
    moments.dedup();
    let mut out: Vec<(u16, Duration)> = Vec::new();
    let mut opens = moments.first().copied().unwrap_or_default();
    for (at, moment) in moments.iter().enumerate() {
        let here = steps.iter().filter(|it| it.after == *moment);
        let pools: Vec<PoolId> = here.flat_map(|it| caller.pools(source, it.to)).collect();
        for pool in &pools {
            if out.len() < 8 && out.iter().all(|(known, _)| *known != pool.0) {
                out.push((pool.0, opens));
            }
        }
        let any = pools
            .iter()
            .any(|it| takes(source, *it, &caller.clock, asked));
        if let Some(next) = moments.get(at + 1)
            && any
        {
            opens += *next - *moment;
        }
    }
    out
}

fn like(likes: &mut Vec<(u8, u16)>, more: &[Preference]) {
    for it in more {
        if likes.len() < 8 && likes.iter().all(|(skill, _)| *skill != it.skill.index()) {
            likes.push((it.skill.index(), it.weight));
        }
    }
}

fn caller(source: &TableSource, places: &Places, asked: &Asked) -> Caller {
    let number = Number::new(asked.caller);
    let said = source.policies.listed.iter().filter(|it| {
        let same = Number::new(&it.number).as_bytes() == number.as_bytes();
        same && !number.as_bytes().is_empty() && it.until.is_none_or(|until| asked.wall < until)
    });
    let said: Vec<_> = said.collect();
    let known = &asked.known;
    let mut caller = Caller {
        number,
        called: Number::new(asked.called),
        city: None,
        code: None,
        other: None,
        province: None,
        clock: Clock::new(asked.wall),
        risk: known.risk.is_some() || said.iter().any(|it| it.risk),
        nuisance: known.nuisance.is_some() || said.iter().any(|it| it.nuisance),
        tags: said.iter().fold(known.tags.0, |tags, it| tags | it.tags.0),
        planned: known.planned.or(said.iter().find_map(|it| it.counsellor)),
    };
    caller.settle(source, places);
    caller
}

/// The decision that the documents ask for.
pub fn expected(source: &TableSource, places: &Places, asked: &Asked) -> Expected {
    let mut caller = caller(source, places, asked);
    let policies = &source.policies;
    let mut routes = source.routes.iter();
    let found = routes.position(|it| caller.fits(&it.when, asked));
    let at = found.map_or(source.default.0, |at| at as u16);
    let route = &source.routes[usize::from(at)];
    caller.risk |= route.risk;
    let held = caller.nuisance && !caller.risk;
    let lowest = policies.nuisance.class.filter(|_| held);

    let is_open = |pool: u16| takes(source, PoolId(pool), &caller.clock, asked);
    let of_policy = match (caller.risk, held) {
        (true, _) => policies.risk.steps.to_vec(),
        (false, true) => policies.nuisance.steps.to_vec(),
        (false, false) => Vec::new(),
    };
    let mut rings_led = rings(source, &of_policy, &caller, asked);
    // Nobody waits for nobody because of a policy: the route's pools follow.
    if !rings_led.iter().any(|(pool, _)| is_open(*pool)) {
        for (pool, after) in rings(source, &whole(source, at), &caller, asked) {
            let known = rings_led.iter().any(|(it, _)| *it == pool);
            if !known && rings_led.len() < 8 {
                let last = rings_led.last().map_or(after, |(_, it)| after.max(*it));
                rings_led.push((pool, last));
            }
        }
    }
    if rings_led.is_empty() {
        rings_led = rings(source, &whole(source, source.default.0), &caller, asked);
    }
    let rings = rings_led;
    let open = rings.iter().map(|(pool, _)| u8::from(is_open(*pool)));

    let mut likes = Vec::new();
    if caller.risk {
        like(&mut likes, &policies.risk.prefer);
    }
    for rule in &policies.preferences {
        if caller.fits(&rule.when, asked) {
            like(&mut likes, &rule.prefer);
        }
    }
    like(&mut likes, &route.preferred);
    Expected {
        route: at,
        by_default: found.is_none(),
        city: caller.city,
        province: caller.province,
        taking: open.zip(0..).fold(0, |bits, (open, at)| bits | open << at),
        rings,
        class: lowest
            .map_or(route.class, |it| it.max(route.class))
            .number(),
        risk: caller.risk,
        own: caller.planned.or(asked.known.last.filter(|_| caller.risk)),
        likes,
    }
}
