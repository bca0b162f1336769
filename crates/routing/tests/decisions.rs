//! Which route a caller gets, and what it says.

use meishier_model::{Class, DialString, PoolId, SkillId, SkillSet, TrunkId, Wall};
use meishier_routing::{
    Days, Decision, Hours, Number, Preference, Query, Ring, Route, RouteId, Schedule, Shift, Table,
    TableError, TableSource,
};
use std::time::Duration;

fn always(lines: u16) -> Schedule {
    Schedule {
        shifts: vec![Shift {
            days: Days::ALL,
            hours: Hours::ALL_DAY,
            lines,
        }],
    }
}

fn by_day(lines: u16) -> Schedule {
    let hours = Hours::parse("08:00-18:00").unwrap();
    Schedule {
        shifts: vec![Shift {
            days: Days::ALL,
            hours,
            lines,
        }],
    }
}

fn route(name: &str, rings: &[(u16, u64)]) -> Route {
    let ring = |&(pool, after)| Ring {
        pool: PoolId(pool),
        after: Duration::from_secs(after),
    };
    Route {
        name: name.into(),
        called: vec![],
        trunks: vec![],
        callers: vec![],
        rings: rings.iter().map(ring).collect(),
        class: Class::ORDINARY,
        risk: false,
        required: SkillSet::EMPTY,
        preferred: [].into_iter().collect(),
    }
}

/// Pools: 0 city by day, 1 county by day, 2 province always.
fn source() -> TableSource {
    let city = Route {
        called: vec!["085412356".into(), "96789".into()],
        ..route("city", &[(0, 0), (2, 15)])
    };
    let chained = Route {
        called: vec!["085912356".into()],
        ..route("chained", &[(0, 0), (1, 10), (2, 25)])
    };
    let desk = Route {
        called: vec!["desk".into()],
        risk: true,
        class: Class::new(0).unwrap(),
        ..route("desk", &[(1, 0)])
    };
    let skill = SkillId::new(3).unwrap();
    let trunk = Route {
        trunks: vec![TrunkId(1)],
        required: SkillSet::EMPTY.with(skill),
        preferred: [Preference {
            skill: SkillId::new(4).unwrap(),
            weight: 7,
        }]
        .into_iter()
        .collect(),
        ..route("trunk", &[(1, 0)])
    };
    let local = Route {
        callers: vec!["0854".into(), "0859".into()],
        ..route("local", &[(0, 0)])
    };
    let both = Route {
        called: vec!["12356".into()],
        callers: vec!["0855".into()],
        trunks: vec![TrunkId(2)],
        ..route("both", &[(0, 0)])
    };
    let rest = Route {
        called: vec!["12356".into()],
        ..route("rest", &[(2, 0)])
    };
    TableSource {
        zone: "Asia/Shanghai".into(),
        pools: vec![
            ("city".into(), by_day(2)),
            ("county".into(), by_day(1)),
            ("province".into(), always(5)),
        ],
        routes: vec![city, chained, desk, trunk, local, both, rest],
        default: RouteId(6),
        ..Default::default()
    }
}

const DAY: i64 = 1_780_279_200_000; // 2026-06-01 10:00 in Shanghai
const NIGHT: i64 = DAY + 13 * 3_600_000;

fn decide(wall: i64, trunk: u16, caller: &str, called: &str) -> Decision {
    Table::compile(source()).unwrap().decide(&Query {
        wall: Wall(wall),
        trunk: TrunkId(trunk),
        caller: &DialString::new(caller),
        called: &DialString::new(called),
    })
}

fn name(decision: &Decision) -> String {
    let table = Table::compile(source()).unwrap();
    table
        .route_names()
        .nth(usize::from(decision.route.0))
        .unwrap()
        .to_owned()
}

fn rings(decision: &Decision) -> Vec<(u16, u64)> {
    decision
        .rings
        .iter()
        .map(|ring| (ring.pool.0, ring.after.as_secs()))
        .collect()
}

#[test]
fn the_first_route_that_fits_is_taken() {
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
        let decision = decide(DAY, trunk, caller, called);
        assert_eq!(name(&decision), expected, "{trunk} {caller} {called}");
        assert!(!decision.rings.is_empty());
    }
}

#[test]
fn a_closed_first_choice_is_not_waited_for() {
    assert_eq!(rings(&decide(DAY, 0, "", "085412356")), [(0, 0), (2, 15)]);
    assert_eq!(rings(&decide(NIGHT, 0, "", "085412356")), [(0, 0), (2, 0)]);
    assert_eq!(
        rings(&decide(DAY, 0, "", "085912356")),
        [(0, 0), (1, 10), (2, 25)]
    );
    assert_eq!(
        rings(&decide(NIGHT, 0, "", "085912356")),
        [(0, 0), (1, 0), (2, 0)]
    );
    // With nothing open the order and the waits stay: the first to open takes the caller.
    assert_eq!(rings(&decide(NIGHT, 0, "", "desk")), [(1, 0)]);
}

#[test]
fn class_risk_and_skills_come_with_the_route() {
    let desk = decide(DAY, 0, "", "desk");
    assert!(desk.risk && desk.class.number() == 0);
    let trunk = decide(DAY, 1, "", "12356");
    assert!(trunk.required.contains(SkillId::new(3).unwrap()) && !trunk.risk);
    assert_eq!(trunk.preferred[0].weight, 7);
    assert_eq!(trunk.class, Class::ORDINARY);
}

#[test]
fn reasons_are_sentences_without_the_callers_number() {
    let reason = |wall, caller, called| decide(wall, 0, caller, called).reason.to_string();
    assert_eq!(
        reason(DAY, "", "085412356"),
        "符合路由 city：city 立即，province 15 秒后"
    );
    assert_eq!(
        reason(NIGHT, "", "085412356"),
        "符合路由 city：city 此刻关闭，province 立即"
    );
    assert_eq!(
        reason(NIGHT, "", "desk"),
        "符合路由 desk：county 此刻关闭，等候开班"
    );
    let unknown = reason(DAY, "13312345678", "12399");
    assert_eq!(unknown, "没有路由符合，用默认路由 rest：province 立即");
}

#[test]
fn what_cannot_work_is_refused() {
    let compile = |change: &dyn Fn(&mut TableSource)| {
        let mut source = source();
        change(&mut source);
        Table::compile(source).map(|_| ()).unwrap_err()
    };
    assert_eq!(
        compile(&|s| s.default = RouteId(7)),
        TableError::UnknownDefault
    );
    assert_eq!(compile(&|s| s.routes.clear()), TableError::UnknownDefault);
    assert_eq!(
        compile(&|s| s.routes[1].rings.clear()),
        TableError::NoRing(RouteId(1))
    );
    assert_eq!(
        compile(&|s| s.routes[2].rings[0].pool = PoolId(3)),
        TableError::UnknownPool(RouteId(2), PoolId(3))
    );
    assert_eq!(
        compile(&|s| s.routes[0].rings[0].after = Duration::from_secs(16)),
        TableError::FallingWait(RouteId(0))
    );
    assert_eq!(compile(&|s| s.zone.clear()), TableError::UnknownZone);
}

#[test]
fn numbers_have_one_form() {
    let cases = [
        ("12356", "12356"),
        ("+8612356", "12356"),
        ("008612356", "12356"),
        ("085112356", "085112356"),
        ("+8685112356", "085112356"),
        ("+86085112356", "085112356"),
        ("+861012356", "01012356"),
        ("88908001", "88908001"),
        ("075588908001", "075588908001"),
        ("+8675588908001", "075588908001"),
        ("008675588908001", "075588908001"),
        ("+86 755-8890 8001", "075588908001"),
        ("13360096745", "13360096745"),
        ("013360096745", "13360096745"),
        ("+8613360096745", "13360096745"),
        ("01088908001", "01088908001"),
        ("tel:+8613360096745;ext=12", "13360096745"),
        (
            "sip:+8613360096745@ims.example.cn;user=phone",
            "13360096745",
        ),
        ("SIPS:12356@10.0.0.1", "12356"),
        ("anonymous", ""),
        ("+1 (212) 555-0100", "+12125550100"),
        ("*99#", "*99#"),
        ("", ""),
        ("+86", ""),
        ("没事儿", "没事儿"),
    ];
    for (dialled, form) in cases {
        assert_eq!(
            Number::new(dialled).as_bytes(),
            form.as_bytes(),
            "{dialled}"
        );
    }
}

#[test]
fn no_text_is_too_odd_for_a_number() {
    proptest::proptest!(|(text in ".{0,200}")| {
        let number = Number::new(&text);
        proptest::prop_assert!(number.as_bytes().len() <= text.len() + 1);
    });
    let long = "9".repeat(4000);
    assert!(Number::new(&long).as_bytes().len() < 100);
}

#[test]
fn indexed_and_plain_search_agree() {
    let source = source();
    let table = Table::compile(source.clone()).unwrap();
    let numbers = [
        "",
        "12356",
        "085412356",
        "+8685912356",
        "desk",
        "96789",
        "0854123",
        "08551",
        "0859",
    ];
    for trunk in 0..4 {
        for caller in numbers {
            for called in numbers {
                let fits = |route: &Route| {
                    let (caller, called) = (Number::new(caller), Number::new(called));
                    let dialled = |n: &String| Number::new(n).as_bytes() == called.as_bytes();
                    let from = |n: &String| caller.as_bytes().starts_with(n.as_bytes());
                    (route.called.is_empty() || route.called.iter().any(dialled))
                        && (route.callers.is_empty() || route.callers.iter().any(from))
                        && (route.trunks.is_empty() || route.trunks.contains(&TrunkId(trunk)))
                };
                let plain = source.routes.iter().position(fits).unwrap_or(6);
                let decision = table.decide(&Query {
                    wall: Wall(DAY),
                    trunk: TrunkId(trunk),
                    caller: &DialString::new(caller),
                    called: &DialString::new(called),
                });
                assert_eq!(
                    usize::from(decision.route.0),
                    plain,
                    "{trunk} {caller} {called}"
                );
            }
        }
    }
}
