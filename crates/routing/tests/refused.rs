//! What no table is made of.

mod town;

use meishier_model::{PoolId, TrunkId};
use meishier_routing::{
    Exceptional, ExceptionalLines, ExceptionalPools, MOST_HOPS, PreferenceRule, Route, RouteId,
    Services, Table, TableError, TableSource, When,
};
use std::time::Duration;
use town::*;

fn routes() -> Vec<Route> {
    let of_trunk = Route {
        when: When {
            trunks: vec![TrunkId(1)],
            ..When::default()
        },
        ..route("trunk", &[(CITY, 0), (PROVINCE, 15)])
    };
    let two = route("two", &[(CITY, 0), (COUNTY, 10)]);
    vec![of_trunk, two, route("rest", &[(PROVINCE, 0)])]
}

fn refused(change: impl FnOnce(&mut TableSource)) -> TableError {
    let mut source = source(routes());
    change(&mut source);
    Table::compile(source).map(|_| ()).unwrap_err()
}

#[test]
fn what_cannot_work_is_refused() {
    assert_eq!(
        refused(|s| s.default = RouteId(3)),
        TableError::UnknownRoute(RouteId(3))
    );
    assert_eq!(
        refused(|s| s.routes.clear()),
        TableError::UnknownRoute(RouteId(2))
    );
    assert_eq!(
        refused(|s| s.routes[1].steps.clear()),
        TableError::NoRing(RouteId(1))
    );
    assert_eq!(
        refused(|s| s.routes[0].steps[0].after = secs(16)),
        TableError::FallingWait(RouteId(0))
    );
    assert_eq!(refused(|s| s.zone.clear()), TableError::UnknownZone);
    let many = refused(|s| s.policies.listed = vec![listed("133"); 70_000]);
    assert_eq!(many, TableError::TooMany);
    let early = Exceptional {
        from: DAY,
        to: DAY,
        pools: ExceptionalPools::All,
        lines: ExceptionalLines::Closed,
        reason: String::new(),
    };
    let refusal = refused(|s| s.exceptional = vec![early]);
    assert!(matches!(refusal, TableError::Exceptional(_)));
    let twice = refused(|s| {
        let again = s.pools[0].schedule.shifts[0];
        s.pools[0].schedule.shifts.push(again);
    });
    assert!(matches!(twice, TableError::Clash(PoolId(0), _)));
}

#[test]
fn a_pool_that_is_not_there_is_refused_wherever_it_is_named() {
    let nobody = PoolId(3);
    let when = When {
        states: vec![(nobody, Services::default())],
        ..When::default()
    };
    let of_route = TableError::UnknownPool(Some(RouteId(2)), nobody);
    assert_eq!(refused(|s| s.routes[2].steps = ladder(&[(3, 0)])), of_route);
    assert_eq!(refused(|s| s.routes[2].when = when.clone()), of_route);
    let nowhere = TableError::UnknownPool(None, nobody);
    assert_eq!(
        refused(|s| s.policies.risk.steps = ladder(&[(3, 0)])),
        nowhere
    );
    assert_eq!(
        refused(|s| s.policies.nuisance.steps = ladder(&[(3, 0)])),
        nowhere
    );
    let rule = PreferenceRule {
        name: "rule".into(),
        when,
        prefer: Default::default(),
    };
    assert_eq!(refused(|s| s.policies.preferences = vec![rule]), nowhere);
}

/// Routes that each go on with the next after ten seconds; the last goes on with nothing.
fn chain(count: u16) -> Vec<Route> {
    let link = |at: u16| Route {
        then: (at + 1 < count).then(|| (RouteId(at + 1), secs(10))),
        ..route("link", &[(at % 3, 5)])
    };
    (0..count).map(link).collect()
}

#[test]
fn a_chain_ends_somewhere() {
    let most = MOST_HOPS as u16 + 1;
    assert!(Table::compile(source(chain(most))).is_ok());
    assert_eq!(
        refused(|s| s.routes = chain(most + 1)),
        TableError::TooManyHops(RouteId(0))
    );
    let back_to = |to: u16| {
        refused(move |s| {
            s.routes = chain(7);
            s.routes[6].then = Some((RouteId(to), Duration::ZERO));
        })
    };
    assert_eq!(back_to(6), TableError::Loop(RouteId(0)));
    assert_eq!(back_to(3), TableError::Loop(RouteId(0)));
    assert_eq!(back_to(9), TableError::UnknownRoute(RouteId(9)));
}
