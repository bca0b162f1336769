//! Which route a caller gets, and what it says.

mod town;

use meishier_model::{Class, PoolId, SkillId, SkillSet, TrunkId, Wall};
use meishier_routing::{
    Days, Hours, Known, Looked, Miss, NuisanceWhy, PreferenceRule, RiskWhy, Route, RouteId, Rule,
    Service, Services, Tags, When,
};
use town::*;

/// The routes of a small town.
fn routes() -> Vec<Route> {
    let when = |when: When, route: Route| Route { when, ..route };
    let called = |numbers: &[&str]| When {
        called: numbers.iter().map(|&it| it.into()).collect(),
        ..When::default()
    };
    vec![
        when(
            called(&["085412356", "96789"]),
            route("city", &[(CITY, 0), (PROVINCE, 15)]),
        ),
        when(
            called(&["085912356"]),
            route("chained", &[(CITY, 0), (COUNTY, 10), (PROVINCE, 25)]),
        ),
        Route {
            when: called(&["desk"]),
            risk: true,
            class: Class::new(0).unwrap(),
            ..route("desk", &[(COUNTY, 0)])
        },
        Route {
            when: When {
                trunks: vec![TrunkId(1)],
                ..When::default()
            },
            required: SkillSet::EMPTY.with(SkillId::new(3).unwrap()),
            preferred: [liked(4, 7)].into_iter().collect(),
            ..route("trunk", &[(COUNTY, 0)])
        },
        when(
            When {
                callers: vec!["0854".into(), "0859".into()],
                ..When::default()
            },
            route("local", &[(CITY, 0)]),
        ),
        when(
            When {
                callers: vec!["0855".into()],
                trunks: vec![TrunkId(2)],
                ..called(&["12356"])
            },
            route("both", &[(CITY, 0)]),
        ),
        when(called(&["12356"]), route("rest", &[(PROVINCE, 0)])),
    ]
}

#[test]
fn the_first_route_that_fits_is_taken() {
    let table = compiled(source(routes()));
    let cases = [
        // trunk, caller, called, route
        (0, "13312345678", "085412356", "city"),
        (0, "", "+8685412356", "city"),
        (0, "", "0086-854-12356", "city"),
        (0, "", "96789", "city"),
        (1, "", "085412356", "city"), // before the route by trunk
        (1, "", "12356", "trunk"),
        (0, "08543456789", "12356", "local"),
        (0, "+868543456789", "12356", "local"),
        (0, "008685 93456789", "12356", "local"),
        (1, "08543456789", "12356", "trunk"), // before the route by caller
        (2, "08551234567", "12356", "both"),
        (0, "08551234567", "12356", "rest"), // one condition of three fails
        (2, "08551234567", "12365", "rest"),
        (0, "anonymous", "12356", "rest"),
        (0, "", "", "rest"),
        (9, "0854", "sip:desk@10.0.0.1;user=phone", "desk"),
        (0, "", "DESK", "rest"), // user parts have upper and lower case, RFC 3261 §19.1.4
    ];
    for (trunk, caller, called, expected) in cases {
        let call = Call {
            trunk,
            caller,
            called,
            ..Call::default()
        };
        let decision = call.on(&table);
        assert_eq!(name(&table, &decision), expected, "{call:?}");
        assert!(!decision.rings.is_empty());
    }
}

#[test]
fn of_two_that_fit_the_one_that_stands_first_is_taken_whatever_it_asks() {
    // One route of each kind of condition, all of which hold, in every order of two.
    let conditions = [
        When::default(),
        When {
            called: vec!["12356".into()],
            ..When::default()
        },
        When {
            callers: vec!["133".into(), "".into()],
            ..When::default()
        },
        When {
            callers: vec!["13312345678".into()],
            ..When::default()
        },
        When {
            trunks: vec![TrunkId(0), TrunkId(5)],
            ..When::default()
        },
        When {
            risk: Some(false),
            ..When::default()
        },
    ];
    for first in &conditions {
        for second in &conditions {
            let routes = [first, second].map(|when| Route {
                when: when.clone(),
                ..route("fits", &[(CITY, 0)])
            });
            let mut routes = routes.to_vec();
            routes.push(route("rest", &[(PROVINCE, 0)]));
            let decision = Call::default().on(&compiled(source(routes)));
            assert_eq!(decision.route, RouteId(0), "{first:?} {second:?}");
            assert_eq!(decision.rules[0], Rule::Route(0));
        }
    }
}

/// A condition, a call for which it holds and one for which it does not, and the miss.
struct Case {
    when: When,
    hit: (Call<'static>, States),
    miss: (Call<'static>, States),
    why: Miss,
}

fn case(when: When, hit: Call<'static>, miss: Call<'static>, why: Miss) -> Case {
    Case {
        when,
        hit: (hit, States::default()),
        miss: (miss, States::default()),
        why,
    }
}

fn at(wall: Wall) -> Call<'static> {
    Call {
        wall,
        ..Call::default()
    }
}

fn of_numbers() -> Vec<Case> {
    let call = Call::default();
    let called = When {
        called: vec!["+8685412356".into(), "96789".into()],
        ..When::default()
    };
    let callers = When {
        callers: vec!["0854".into(), "133123".into()],
        ..When::default()
    };
    let trunks = When {
        trunks: vec![TrunkId(4), TrunkId(1)],
        ..When::default()
    };
    vec![
        case(
            called,
            Call {
                called: "085412356",
                ..call
            },
            call,
            Miss::Called,
        ),
        case(
            callers.clone(),
            call,
            Call {
                caller: "13312",
                ..call
            },
            Miss::Callers,
        ),
        case(callers, call, Call { caller: "", ..call }, Miss::Callers),
        case(trunks, Call { trunk: 1, ..call }, call, Miss::Trunks),
    ]
}

fn of_the_caller() -> Vec<Case> {
    let call = Call::default();
    let known = |known| Call { known, ..call };
    let at_risk = Known {
        risk: Some(RiskWhy::Flagged),
        ..Known::default()
    };
    let held = Known {
        nuisance: Some(NuisanceWhy::Marked),
        ..Known::default()
    };
    let both = Known {
        nuisance: held.nuisance,
        ..at_risk
    };
    let tagged = |tags| Known {
        tags: Tags(tags),
        ..Known::default()
    };
    let risk = |risk| When {
        risk: Some(risk),
        ..When::default()
    };
    let nuisance = |nuisance| When {
        nuisance: Some(nuisance),
        ..When::default()
    };
    let tags = When {
        tags: Tags::default().with(0).with(63),
        ..When::default()
    };
    vec![
        case(risk(true), known(at_risk), call, Miss::Risk),
        case(risk(false), call, known(at_risk), Miss::Risk),
        case(nuisance(true), known(held), call, Miss::Nuisance),
        // Who is at risk is held for nothing.
        case(nuisance(true), known(held), known(both), Miss::Nuisance),
        case(nuisance(false), known(both), known(held), Miss::Nuisance),
        case(tags.clone(), known(tagged(1 << 63)), call, Miss::Tags),
        case(tags, known(tagged(0b11)), known(tagged(0b10)), Miss::Tags),
    ]
}

fn of_time() -> Vec<Case> {
    let hours = |days, hours: &[&str]| When {
        days,
        hours: hours.iter().map(|it| Hours::parse(it).unwrap()).collect(),
        ..When::default()
    };
    let night = hours(Days::ALL, &["18:00-08:00"]);
    let minute = |hour: i64, minute: i64| at(Wall(DAY.0 + (hour - 10) * HOUR + minute * 60_000));
    let monday = Days::parse("mon").unwrap();
    // The night of Monday ends on Tuesday morning.
    let monday_night = hours(monday, &["18:00-08:00"]);
    let noon = hours(Days::ALL, &["10:00-11:00", "12:00-13:00"]);
    let weekend = hours(Days::RESTDAYS, &[]);
    vec![
        case(night.clone(), minute(18, 0), minute(17, 59), Miss::Hours),
        case(night, minute(7, 59), minute(8, 0), Miss::Hours),
        case(
            monday_night.clone(),
            minute(24 + 7, 59),
            minute(7, 59),
            Miss::Hours,
        ),
        case(monday_night, minute(18, 0), minute(24 + 18, 0), Miss::Hours),
        case(noon.clone(), minute(12, 59), minute(11, 0), Miss::Hours),
        case(noon, minute(10, 0), minute(13, 0), Miss::Hours),
        case(
            weekend,
            minute(5 * 24, 0),
            minute(5 * 24 - 1, 0),
            Miss::Hours,
        ),
        case(hours(monday, &[]), minute(0, 0), minute(24, 0), Miss::Hours),
        case(
            hours(Days::WORKDAYS, &["00:00-24:00"]),
            minute(23, 59),
            minute(6 * 24, 0),
            Miss::Hours,
        ),
    ]
}

fn of_pools() -> Vec<Case> {
    let call = Call::default();
    let out = Services::default()
        .with(Service::Unstaffed)
        .with(Service::Down);
    let fine = Services::default().with(Service::Normal);
    let when = When {
        states: vec![(PoolId(CITY), out), (PoolId(PROVINCE), fine)],
        ..When::default()
    };
    let down = States::default().with(CITY, Service::Down);
    let unstaffed = States::default().with(CITY, Service::Unstaffed);
    let crowded = down.clone().with(PROVINCE, Service::Overloaded);
    let case = |hit: &States, miss: &States, pool| Case {
        when: when.clone(),
        hit: (call, hit.clone()),
        miss: (call, miss.clone()),
        why: Miss::State(PoolId(pool)),
    };
    vec![
        case(&down, &States::default(), CITY),
        case(&unstaffed, &States::default().full(CITY), CITY),
        case(&down, &crowded, PROVINCE),
    ]
}

#[test]
fn every_condition_holds_and_misses_by_its_name() {
    let cases = [of_numbers(), of_the_caller(), of_time(), of_pools()];
    for (at, case) in cases.into_iter().flatten().enumerate() {
        let tested = Route {
            when: case.when.clone(),
            ..route("tested", &[(PROVINCE, 0)])
        };
        let mut source = source(vec![tested, route("rest", &[(PROVINCE, 0)])]);
        source.policies.preferences = vec![PreferenceRule {
            name: "tested".into(),
            when: case.when,
            prefer: [liked(1, 5)].into_iter().collect(),
        }];
        let table = compiled(source);
        for ((call, pools), miss) in [(case.hit, None), (case.miss, Some(case.why))] {
            let decision = call.among(&table, &pools);
            let expected = RouteId(u16::from(miss.is_some()));
            assert_eq!(decision.route, expected, "{at}: {call:?}");
            // A preference takes the same conditions.
            assert_eq!(
                decision.preferred.is_empty(),
                miss.is_some(),
                "{at}: {call:?}"
            );
            let looked = call.explain(&table, &pools).looked;
            for rule in [Rule::Route(0), Rule::Preference(0)] {
                assert!(
                    looked.contains(&Looked { rule, miss }),
                    "{at}: {call:?} {looked:?}"
                );
            }
        }
    }
}

#[test]
fn all_conditions_of_a_route_must_hold() {
    let when = When {
        called: vec!["12356".into()],
        callers: vec!["133".into()],
        trunks: vec![TrunkId(0)],
        risk: Some(false),
        nuisance: Some(false),
        hours: vec![Hours::parse("08:00-18:00").unwrap()],
        ..When::default()
    };
    let all = Route {
        when,
        ..route("all", &[(CITY, 0)])
    };
    let table = compiled(source(vec![all, route("rest", &[(PROVINCE, 0)])]));
    let call = Call::default();
    assert_eq!(call.on(&table).route, RouteId(0));
    let known = Known {
        risk: Some(RiskWhy::Listed),
        ..Known::default()
    };
    let others = [
        Call {
            called: "12345",
            ..call
        },
        Call {
            caller: "134",
            ..call
        },
        Call { trunk: 1, ..call },
        Call { known, ..call },
        at(NIGHT),
    ];
    for other in others {
        assert_eq!(other.on(&table).route, RouteId(1), "{other:?}");
    }
}

#[test]
fn explain_goes_through_the_file_and_names_one_route() {
    let table = compiled(source(routes()));
    let call = Call {
        trunk: 1,
        caller: "08541234567",
        ..Call::default()
    };
    let explained = call.explain(&table, &States::default());
    let misses = [
        Some(Miss::Called),
        Some(Miss::Called),
        Some(Miss::Called),
        None,
        Some(Miss::Later),
        Some(Miss::Later),
        Some(Miss::Later),
    ];
    let expected = misses.into_iter().zip(0..).map(|(miss, at)| Looked {
        rule: Rule::Route(at),
        miss,
    });
    assert_eq!(explained.looked, expected.collect::<Vec<_>>());
    assert_eq!(table.rule_names(&explained.decision), ["route:trunk"]);
    let unknown = Call {
        called: "12399",
        ..Call::default()
    };
    let decision = unknown.on(&table);
    assert_eq!(decision.rules.as_slice(), [Rule::Default(6)]);
    assert_eq!(table.rule_names(&decision), ["default:rest"]);
}

#[test]
fn class_risk_and_skills_come_with_the_route() {
    let table = compiled(source(routes()));
    let call = Call::default();
    let desk = Call {
        called: "desk",
        ..call
    }
    .on(&table);
    assert!(desk.risk && desk.class.number() == 0);
    assert!(desk.rules.contains(&Rule::Risk(RiskWhy::Route)));
    let trunk = Call { trunk: 1, ..call }.on(&table);
    assert!(trunk.required.contains(SkillId::new(3).unwrap()) && !trunk.risk);
    assert_eq!(likes(&trunk), [(4, 7)]);
    assert_eq!(trunk.class, Class::ORDINARY);
}

#[test]
fn reasons_are_sentences_without_the_callers_number() {
    let table = compiled(source(routes()));
    let reason = |wall, caller, called| {
        let call = Call {
            wall,
            caller,
            called,
            ..Call::default()
        };
        table.reason(&call.on(&table))
    };
    let cases = [
        (
            DAY,
            "",
            "085412356",
            "符合路由 city：city 立即，province 15 秒后",
        ),
        (
            NIGHT,
            "",
            "085412356",
            "符合路由 city：city 此刻不接，province 立即",
        ),
        (
            NIGHT,
            "",
            "desk",
            "符合路由 desk：county 此刻不接，等候开班；高危：路由规定",
        ),
        (
            DAY,
            "13312345678",
            "12399",
            "没有路由符合，用默认路由 rest：province 立即",
        ),
    ];
    for (wall, caller, called, expected) in cases {
        assert_eq!(reason(wall, caller, called), expected);
    }
}
