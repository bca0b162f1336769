//! Random tables and calls in a part of the country where much can go wrong: area codes that three
//! cities share, paired cities, old numbers.

use meishier_model::{Class, CounsellorId, PoolId, TrunkId, Wall};
use meishier_routing::{
    Alias, Area, AreaOf, Calendar, Days, Hours, Known, Ladder, Listed, NuisanceWhy, Policies,
    PreferenceRule, RiskWhy, Route, RouteId, Service, Services, Step, TableSource, Tags, To, When,
    Which,
};
use meishier_routing::{Atlas, Block, CityId, CodeId, Gazetteer, Segments};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::town::{DAY, HOUR, States, always, by_day, liked, listed};

/// Sets of days, and on which days of the week they are, Monday first, where the calendar is empty.
pub const DAYS: [(Days, [bool; 7]); 4] = {
    const WORK: [bool; 7] = [true, true, true, true, true, false, false];
    const REST: [bool; 7] = [false, false, false, false, false, true, true];
    [
        (Days::ALL, [true; 7]),
        (Days::WORKDAYS, WORK),
        (Days::RESTDAYS, REST),
        (Days::NONE, [false; 7]),
    ]
};

const POOLS: u16 = 6;
const CALLERS: [&str; 10] = [
    "",
    "anonymous",
    "13312345678",
    "13985012345",
    "15185012345",
    "085122212345",
    "085178901234",
    "073122212345",
    "01088908001",
    "+85221234567",
];
const CALLED: [&str; 6] = [
    "12356",
    "085112356",
    "+8673112356",
    "01012356",
    "962525",
    "desk",
];
const PREFIXES: [&str; 6] = ["0851", "0851222", "133", "13312345678", "010", ""];
const CITIES: [&str; 6] = ["贵阳", "遵义", "安顺", "长沙", "株洲", "北京"];
const CELLS: [Option<&str>; 4] = [None, None, Some("460001234"), Some("460009999")];

struct Country {
    atlas: Arc<Atlas>,
    gazetteer: Arc<Gazetteer>,
}

static COUNTRY: LazyLock<Country> = LazyLock::new(|| {
    let atlas = Arc::new(Atlas::builtin());
    let segments = Arc::new(Segments::builtin(&atlas));
    let city = |name| atlas.find(name).unwrap();
    let block = |trunks: &[u16], callers: &[&str], name| Block {
        trunks: trunks.iter().copied().map(TrunkId).collect(),
        callers: callers.iter().map(|&it| it.into()).collect(),
        city: city(name),
    };
    let blocks = [
        block(&[1], &[], "贵阳"),
        block(&[], &["0851222"], "遵义"),
        block(&[2], &["0731222", "133"], "株洲"),
    ];
    let cells = vec![("46000123".to_owned(), city("安顺"))];
    let gazetteer = Gazetteer::new(Arc::clone(&atlas), segments, &blocks, cells);
    Country {
        gazetteer: Arc::new(gazetteer.unwrap()),
        atlas,
    }
});

pub fn atlas() -> &'static Atlas {
    &COUNTRY.atlas
}

pub fn gazetteer() -> Arc<Gazetteer> {
    Arc::clone(&COUNTRY.gazetteer)
}

/// Cities of an area code.
pub fn code_cities(code: CodeId) -> Vec<CityId> {
    let cities = atlas().code(code).unwrap().cities;
    cities.to_vec()
}

fn city(name: &str) -> CityId {
    atlas().find(name).unwrap()
}

/// One call with the pools as they stand.
#[derive(Clone, Debug)]
pub struct Asked {
    pub wall: Wall,
    pub trunk: u16,
    pub caller: &'static str,
    pub called: &'static str,
    pub cell: Option<&'static str>,
    pub known: Known,
    pub pools: States,
}

pub fn asked() -> impl Strategy<Value = Asked> {
    let call = (
        select(&CALLERS[..]),
        select(&CALLED[..]),
        select(&CELLS[..]),
    );
    let minutes = -4 * 24 * 60..4i64 * 24 * 60;
    (minutes, 0u16..4, call, known(), states()).prop_map(|(minutes, trunk, call, known, pools)| {
        let (caller, called, cell) = call;
        Asked {
            wall: Wall(DAY.0 + minutes * 60_000),
            trunk,
            caller,
            called,
            cell,
            known,
            pools,
        }
    })
}

fn known() -> impl Strategy<Value = Known> {
    let risk = rarely(select(vec![RiskWhy::Flagged, RiskWhy::Dropped]));
    let nuisance = rarely(select(vec![NuisanceWhy::Marked, NuisanceWhy::ShortCalls]));
    let persons = (rarely(1u16..5), rarely(5u16..9));
    (risk, nuisance, persons, tags(), any::<bool>()).prop_map(
        |(risk, nuisance, (planned, last), tags, redial)| Known {
            risk,
            nuisance,
            planned: planned.map(|it| CounsellorId(it.into())),
            last: last.map(|it| CounsellorId(it.into())),
            redial,
            tags,
        },
    )
}

fn states() -> impl Strategy<Value = States> {
    let state = prop_oneof![
        3 => Just(None),
        1 => select(&Service::ALL[..]).prop_map(Some),
    ];
    prop::collection::vec((state, prop::bool::weighted(0.1)), usize::from(POOLS)).prop_map(|all| {
        let mut out = States::default();
        for ((state, full), pool) in all.into_iter().zip(0..) {
            if let Some(state) = state {
                out = out.with(pool, state);
            }
            if full {
                out = out.full(pool);
            }
        }
        out
    })
}

fn rarely<T: std::fmt::Debug + Clone>(
    some: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.2, some)
}

fn tags() -> impl Strategy<Value = Tags> {
    prop_oneof![3 => Just(0u64), 1 => 0u64..8].prop_map(Tags)
}

/// Nothing mostly, else one or two of them.
fn few<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = Vec<T>> + use<T> {
    let all = all.to_vec();
    prop_oneof![4 => Just(Vec::new()), 1 => subsequence(all, 1..=2)]
}

fn pools() -> impl Strategy<Value = Vec<PoolId>> {
    let all: Vec<PoolId> = (0..POOLS).map(PoolId).collect();
    subsequence(all, 0..=3).prop_shuffle()
}

fn when() -> impl Strategy<Value = When> {
    let texts = |all: &[&str]| few(&all.iter().map(|&it| it.to_owned()).collect::<Vec<_>>());
    let cities = CITIES.map(city);
    let provinces = [city("贵阳"), city("长沙")].map(|it| atlas().province_of(it).unwrap());
    let numbers = (
        texts(&CALLED),
        texts(&PREFIXES),
        few(&[0, 1, 2].map(TrunkId)),
    );
    let places = (few(&cities), few(&provinces));
    let hours = ["18:00-08:00", "08:00-18:00", "23:00-24:00"].map(|it| Hours::parse(it).unwrap());
    let days = DAYS.map(|(days, _)| days);
    let days = prop_oneof![6 => Just(Days::ALL), 1 => select(days.to_vec())];
    let states = subsequence(Service::ALL.to_vec(), 1..5)
        .prop_map(|all| all.into_iter().fold(Services::default(), Services::with));
    let states = prop_oneof![
        6 => Just(Vec::new()),
        1 => prop::collection::vec(((0..POOLS).prop_map(PoolId), states), 1..3),
    ];
    let flags = (rarely(any::<bool>()), rarely(any::<bool>()), tags());
    (numbers, places, (days, few(&hours)), states, flags).prop_map(
        |(numbers, places, (days, hours), states, (risk, nuisance, tags))| When {
            called: numbers.0,
            callers: numbers.1,
            trunks: numbers.2,
            cities: places.0,
            provinces: places.1,
            days,
            hours,
            states,
            risk,
            nuisance,
            tags,
        },
    )
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![
        3 => (0..POOLS).prop_map(|it| To::Pool(PoolId(it))),
        2 => Just(To::City),
        1 => Just(To::OtherCity),
        1 => Just(To::Paired),
        1 => Just(To::Province),
        1 => Just(To::Nation),
    ]
}

fn ladder(least: usize) -> impl Strategy<Value = Ladder> {
    let wait = prop_oneof![Just(0), Just(10), Just(25)];
    prop::collection::vec((to(), wait), least..6).prop_map(|steps| {
        let mut after = Duration::ZERO;
        let step = |(to, wait)| {
            after += Duration::from_secs(wait);
            Step { to, after }
        };
        steps.into_iter().map(step).collect()
    })
}

fn likes() -> impl Strategy<Value = Vec<(u8, u16)>> {
    prop::collection::vec((0u8..12, 1u16..1000), 0..4)
}

fn preferred<const N: usize>(
    likes: Vec<(u8, u16)>,
) -> smallvec::SmallVec<[meishier_routing::Preference; N]> {
    let liked = |(skill, weight)| liked(skill, weight);
    likes.into_iter().map(liked).collect()
}

fn route() -> impl Strategy<Value = Route> {
    // How far behind the route that follows stands, and after which wait.
    let then = rarely((1u16..3, 0u64..90));
    let weight = (0u8..8, prop::bool::weighted(0.1));
    (when(), ladder(1), then, weight, likes()).prop_map(
        |(when, steps, then, (class, risk), likes)| Route {
            when,
            then: then.map(|(on, wait)| (RouteId(on), Duration::from_secs(wait))),
            class: Class::new(class).unwrap(),
            risk,
            preferred: preferred(likes),
            ..Route::new("route", steps)
        },
    )
}

/// Routes that follow each other forwards only; the last one names a pool and follows nothing.
fn routes() -> impl Strategy<Value = Vec<Route>> {
    prop::collection::vec(route(), 1..12).prop_map(|mut routes| {
        let last = routes.len() - 1;
        for (at, route) in routes.iter_mut().enumerate() {
            let on = |(by, wait): (RouteId, Duration)| (RouteId(at as u16 + by.0), wait);
            route.then = route
                .then
                .map(on)
                .filter(|(to, _)| usize::from(to.0) <= last);
        }
        routes[last].steps = crate::town::ladder(&[(POOLS - 1, 0)]);
        routes
    })
}

fn areas() -> impl Strategy<Value = Vec<Area>> {
    let atlas = atlas();
    let cities = CITIES.map(|it| AreaOf::City(city(it)));
    let provinces =
        ["贵阳", "长沙", "北京"].map(|it| AreaOf::Province(atlas.province_of(city(it)).unwrap()));
    let codes = ["0851", "0731"].map(|it| AreaOf::Code(atlas.find_code(it).unwrap().id));
    let all = [&cities[..], &provinces, &codes, &[AreaOf::Nation]].concat();
    let of = subsequence(all.clone(), 0..=all.len()).prop_shuffle();
    let partners = subsequence(CITIES.map(city).to_vec(), 0..3);
    let with = prop::collection::vec((pools(), partners), all.len());
    (of, with).prop_map(|(of, with)| {
        let area = |(of, (pools, paired))| Area { of, pools, paired };
        of.into_iter().zip(with).map(area).collect()
    })
}

fn lists() -> impl Strategy<Value = Vec<Listed>> {
    let ends = [-2, 0, 2].map(|days| Wall(DAY.0 + days * 24 * HOUR));
    let flags = (any::<bool>(), any::<bool>(), tags(), rarely(9u16..12));
    let until = prop::option::of(select(ends.to_vec()));
    let entry = (select(&CALLERS[..]), flags, until);
    let entry = entry.prop_map(
        |(number, (risk, nuisance, tags, counsellor), until)| Listed {
            risk,
            nuisance,
            tags,
            counsellor: counsellor.map(|it| CounsellorId(it.into())),
            until,
            ..listed(number)
        },
    );
    prop::collection::vec(entry, 0..6)
}

fn policies() -> impl Strategy<Value = Policies> {
    let which = vec![Which::Called, Which::Here, Which::Home];
    let first = subsequence(which, 1..=3).prop_shuffle();
    let rule = (when(), likes()).prop_map(|(when, likes)| PreferenceRule {
        name: "rule".into(),
        when,
        prefer: preferred(likes),
    });
    let rules = prop::collection::vec(rule, 0..4);
    let risk = (ladder(0), likes(), any::<bool>());
    let nuisance = (ladder(0), prop::option::of(0u8..8), any::<bool>());
    (first, risk, nuisance, rules, lists()).prop_map(|(first, risk, nuisance, rules, lists)| {
        let mut policies = Policies {
            first: first.into_iter().collect(),
            preferences: rules,
            listed: lists,
            ..Policies::default()
        };
        policies.risk.prefer = preferred(risk.1);
        policies.nuisance.class = nuisance.1.and_then(Class::new);
        if risk.2 {
            policies.risk.steps = risk.0;
        }
        if nuisance.2 {
            policies.nuisance.steps = nuisance.0;
        }
        policies
    })
}

/// A whole configuration.
pub fn world() -> impl Strategy<Value = TableSource> {
    let old = prop::option::of(select(CITIES.map(city).to_vec()));
    (
        routes(),
        areas(),
        policies(),
        any::<prop::sample::Index>(),
        old,
    )
        .prop_map(|(routes, areas, policies, default, old)| {
            // Any route whose own chain ends in a pool may be the default: the last one's does.
            let last = routes.len() - 1;
            let default = match default.index(3) {
                0 => last,
                _ => (0..=last)
                    .find(|at| names_pool(&routes[*at]))
                    .unwrap_or(last),
            };
            TableSource {
                zone: "Asia/Shanghai".into(),
                calendar: Calendar::empty(),
                pools: (0..POOLS)
                    .map(|at| {
                        if at % 2 == 0 {
                            by_day("day")
                        } else {
                            always("always")
                        }
                    })
                    .collect(),
                gazetteer: gazetteer(),
                aliases: vec![Alias {
                    number: "962525".into(),
                    name: "old".into(),
                    city: old,
                }],
                areas,
                routes,
                default: RouteId(default as u16),
                policies,
                ..TableSource::default()
            }
        })
}

fn names_pool(route: &Route) -> bool {
    route
        .steps
        .iter()
        .any(|step| matches!(step.to, To::Pool(_)))
}
