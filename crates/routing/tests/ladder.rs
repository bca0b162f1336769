//! From steps to rings: who is asked, in which order, after which wait.

mod town;

use meishier_model::{PoolId, Wall};
use meishier_routing::{
    Exceptional, ExceptionalLines, ExceptionalPools, MOST_RINGS, Route, RouteId, Rule, Service,
    Services, Table, TableSource, To, When,
};
use town::*;

/// One route for everyone over pools that are always open.
fn town_of(pools: usize, steps: &[(u16, u64)]) -> Table {
    let names = (0..pools).map(|at| always(&format!("pool{at}")));
    compiled(TableSource {
        pools: names.collect(),
        ..source(vec![route("all", steps)])
    })
}

fn by_day_and_night(route: Route) -> [Vec<(u16, u64)>; 2] {
    let table = compiled(source(vec![route]));
    [DAY, NIGHT].map(|wall| {
        let call = Call {
            wall,
            ..Call::default()
        };
        rings(&call.on(&table))
    })
}

#[test]
fn a_closed_pool_is_not_waited_for() {
    let two = route("two", &[(CITY, 0), (PROVINCE, 15)]);
    let expected = [
        vec![(CITY, 0), (PROVINCE, 15)],
        vec![(CITY, 0), (PROVINCE, 0)],
    ];
    assert_eq!(by_day_and_night(two), expected);
    let three = route("three", &[(CITY, 0), (COUNTY, 10), (PROVINCE, 25)]);
    let [day, night] = by_day_and_night(three);
    assert_eq!(day, [(CITY, 0), (COUNTY, 10), (PROVINCE, 25)]);
    assert_eq!(night, [(CITY, 0), (COUNTY, 0), (PROVINCE, 0)]);
    // A wait before the first ring is the route's wish and stays.
    let late = route("late", &[(CITY, 5), (PROVINCE, 20)]);
    let expected = [
        vec![(CITY, 5), (PROVINCE, 20)],
        vec![(CITY, 5), (PROVINCE, 5)],
    ];
    assert_eq!(by_day_and_night(late), expected);
    // Only what the closed pool would have cost is saved.
    let middle = route("middle", &[(PROVINCE, 0), (CITY, 10), (COUNTY, 30)]);
    let [day, night] = by_day_and_night(middle);
    assert_eq!(day, [(PROVINCE, 0), (CITY, 10), (COUNTY, 30)]);
    assert_eq!(night, [(PROVINCE, 0), (CITY, 10), (COUNTY, 10)]);
}

#[test]
fn with_nothing_open_the_first_to_open_takes_the_caller() {
    let table = compiled(source(vec![route("day", &[(CITY, 0), (COUNTY, 20)])]));
    let call = Call {
        wall: NIGHT,
        ..Call::default()
    };
    let decision = call.on(&table);
    assert_eq!(rings(&decision), [(CITY, 0), (COUNTY, 0)]);
    assert_eq!(decision.taking, 0);
    assert!(table.reason(&decision).ends_with("，等候开班"));
}

#[test]
fn a_pool_that_takes_no_calls_delays_nobody() {
    let table = town_of(3, &[(0, 0), (1, 15), (2, 40)]);
    let all = States::default;
    let in_order = vec![(0, 0), (1, 15), (2, 40)];
    let without_first = vec![(0, 0), (1, 0), (2, 25)];
    let cases = [
        (all(), &in_order, 0b111),
        (all().full(0), &without_first, 0b110),
        (all().with(0, Service::Unstaffed), &without_first, 0b110),
        (all().with(0, Service::Down), &without_first, 0b110),
        // Busy, or about to close: still there.
        (all().with(0, Service::Overloaded), &in_order, 0b111),
        (all().with(0, Service::GoingDown), &in_order, 0b111),
        (all().full(1), &vec![(0, 0), (1, 15), (2, 15)], 0b101),
        (
            all().full(0).with(1, Service::Down),
            &vec![(0, 0), (1, 0), (2, 0)],
            0b100,
        ),
        (all().full(2), &in_order, 0b011),
    ];
    for (states, expected, taking) in cases {
        let decision = Call::default().among(&table, &states);
        assert_eq!(
            (&rings(&decision), decision.taking),
            (expected, taking),
            "{states:?}"
        );
    }
}

#[test]
fn of_several_pools_of_one_moment_one_that_takes_calls_is_waited_for() {
    let table = town_of(3, &[(0, 0), (1, 0), (2, 30)]);
    let decision = Call::default().among(&table, &States::default().full(0));
    assert_eq!(rings(&decision), [(0, 0), (1, 0), (2, 30)]);
    let decision = Call::default().among(&table, &States::default().full(1));
    assert_eq!(rings(&decision), [(0, 0), (1, 0), (2, 30)]);
    let both = States::default().full(0).full(1);
    let decision = Call::default().among(&table, &both);
    assert_eq!(rings(&decision), [(0, 0), (1, 0), (2, 0)]);
}

#[test]
fn every_pool_once_and_no_more_than_the_queue_takes() {
    let twice = town_of(2, &[(0, 0), (1, 10), (0, 20), (1, 30)]);
    assert_eq!(rings(&Call::default().on(&twice)), [(0, 0), (1, 10)]);
    let many: Vec<(u16, u64)> = (0..20).map(|at| (at, u64::from(at))).collect();
    let table = town_of(20, &many);
    let decision = Call::default().on(&table);
    assert_eq!(rings(&decision), many[..MOST_RINGS]);
    assert_eq!(decision.taking, u8::MAX);
    // Nobody takes calls: still no more.
    let out = (0..20).fold(States::default(), |all, at| all.with(at, Service::Down));
    let decision = Call::default().among(&table, &out);
    assert_eq!((decision.rings.len(), decision.taking), (MOST_RINGS, 0));
}

#[test]
fn a_route_goes_on_with_another_and_the_waits_add_up() {
    let first = Route {
        when: When {
            called: vec!["085412356".into()],
            ..When::default()
        },
        then: Some((RouteId(1), secs(60))),
        ..route("first", &[(0, 0), (1, 15)])
    };
    let second = Route {
        when: When {
            called: vec!["nobody".into()],
            ..When::default()
        },
        then: Some((RouteId(2), secs(20))),
        ..route("second", &[(2, 5)])
    };
    let third = route("third", &[(3, 0), (4, 30)]);
    let mut source = source(vec![first, second, third]);
    source.pools = (0..5).map(|at| always(&format!("pool{at}"))).collect();
    let table = compiled(source);
    let call = Call {
        called: "085412356",
        ..Call::default()
    };
    // 15 + 60 + 5, then 20 more, then 30.
    let decision = call.on(&table);
    assert_eq!(
        rings(&decision),
        [(0, 0), (1, 15), (2, 80), (3, 100), (4, 130)]
    );
    // The conditions and rules of those that follow are not asked.
    assert_eq!(decision.rules.as_slice(), [Rule::Route(0)]);
    // What takes no calls shortens the whole chain: 65 seconds of the second route's, 20 of the
    // third's.
    let out = States::default().with(1, Service::Down).full(2);
    let decision = call.among(&table, &out);
    assert_eq!(
        rings(&decision),
        [(0, 0), (1, 15), (2, 15), (3, 15), (4, 45)]
    );
}

#[test]
fn a_route_may_be_nothing_but_what_follows_it() {
    let only = Route {
        when: When {
            called: vec!["12345".into()],
            ..When::default()
        },
        then: Some((RouteId(1), secs(10))),
        ..route("only", &[])
    };
    let table = compiled(source(vec![only, route("rest", &[(PROVINCE, 5)])]));
    let call = Call {
        called: "12345",
        ..Call::default()
    };
    let decision = call.on(&table);
    assert_eq!(
        (decision.route, rings(&decision)),
        (RouteId(0), vec![(PROVINCE, 15)])
    );
}

#[test]
fn waits_beyond_all_time_are_the_longest_there_is() {
    let endless = std::time::Duration::MAX;
    let mut first = Route {
        then: Some((RouteId(1), endless)),
        ..route("first", &[(CITY, 0)])
    };
    first.steps[0].after = endless;
    let table = compiled(source(vec![first, route("second", &[(PROVINCE, 7)])]));
    let decision = Call::default().on(&table);
    let waits: Vec<_> = decision.rings.iter().map(|ring| ring.after).collect();
    assert_eq!(waits, [endless, endless]);
}

#[test]
fn a_place_that_nobody_serves_falls_to_the_default() {
    let everywhere = [
        (To::City, 0),
        (To::OtherCity, 5),
        (To::Paired, 10),
        (To::Province, 20),
        (To::Nation, 60),
    ];
    let places = Route::new("places", steps(&everywhere));
    let table = compiled(source(vec![
        places.clone(),
        route("rest", &[(PROVINCE, 30)]),
    ]));
    let decision = Call::default().on(&table);
    // The route's own class and skills stay; only its steps lead nowhere.
    assert_eq!(
        (decision.route, rings(&decision)),
        (RouteId(0), vec![(PROVINCE, 30)])
    );
    assert_eq!(decision.rules.as_slice(), [Rule::Route(0)]);
    // A policy's ladder that leads nowhere falls to the route's first.
    let mut source = source(vec![
        route("route", &[(COUNTY, 0)]),
        route("rest", &[(PROVINCE, 0)]),
    ]);
    source.default = RouteId(1);
    source.policies.risk.steps = steps(&[(To::Paired, 0)]);
    source.routes[0].risk = true;
    assert_eq!(rings(&Call::default().on(&compiled(source))), [(COUNTY, 0)]);
    // Steps to places cost no wait where nobody is.
    let mixed = [
        (To::City, 0),
        (To::Pool(PoolId(PROVINCE)), 15),
        (To::Nation, 30),
    ];
    let table = compiled(town::source(vec![Route::new("mixed", steps(&mixed))]));
    assert_eq!(rings(&Call::default().on(&table)), [(PROVINCE, 0)]);
}

#[test]
fn nobody_is_without_rings_while_the_default_has_a_pool() {
    let states = [
        States::default(),
        States::default().with(PROVINCE, Service::Down),
        States::default().full(CITY).full(COUNTY).full(PROVINCE),
    ];
    let down = Services::default().with(Service::Down);
    let of_state = Route {
        when: When {
            states: vec![(PoolId(PROVINCE), down)],
            ..When::default()
        },
        ..Route::new("state", steps(&[(To::Province, 0)]))
    };
    let rest = route("rest", &[(PROVINCE, 0)]);
    let mut source = source(vec![
        of_state,
        Route::new("city", steps(&[(To::City, 0)])),
        rest,
    ]);
    source.policies.risk.steps = steps(&[(To::City, 0)]);
    source.policies.nuisance.steps = steps(&[(To::Nation, 0)]);
    let table = compiled(source);
    for states in states {
        for wall in [DAY, NIGHT] {
            for called in ["", "12356", "085112356", "99"] {
                let call = Call {
                    wall,
                    called,
                    ..Call::default()
                };
                assert_eq!(
                    rings(&call.among(&table, &states)),
                    [(PROVINCE, 0)],
                    "{call:?}"
                );
            }
        }
    }
}

#[test]
fn an_exceptional_time_opens_and_closes_pools() {
    let mut source = source(vec![route("city", &[(CITY, 0), (PROVINCE, 15)])]);
    let special = |pool, lines| Exceptional {
        from: NIGHT,
        to: Wall(NIGHT.0 + HOUR),
        pools: ExceptionalPools::These(vec![PoolId(pool)]),
        lines,
        reason: "地震".into(),
    };
    source.exceptional = vec![
        special(CITY, ExceptionalLines::AllLines),
        special(PROVINCE, ExceptionalLines::Closed),
    ];
    let table = compiled(source);
    let call = |wall| Call {
        wall,
        ..Call::default()
    };
    let decision = call(NIGHT).on(&table);
    assert_eq!(
        (rings(&decision), decision.taking),
        (vec![(CITY, 0), (PROVINCE, 15)], 0b01)
    );
    let after = call(Wall(NIGHT.0 + HOUR)).on(&table);
    assert_eq!(
        (rings(&after), after.taking),
        (vec![(CITY, 0), (PROVINCE, 0)], 0b10)
    );
}
