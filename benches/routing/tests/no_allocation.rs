//! Decisions on a table as large as the nation allocate nothing, and every way to them agrees.

use meishier_routing::{MOST_RINGS, Table};
use meishier_routing_bench::calls::{Kind, Standing, calls};
use meishier_routing_bench::measure::Sizes;
use meishier_routing_bench::nation::Nation;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const DECISIONS: usize = 10_000;

// The counter is the whole program's, so this is the only test of its binary.
#[test]
fn decisions_of_the_nation_allocate_nothing() {
    let nation = Nation::new();
    let source = nation.with(nation.gazetteer().unwrap());
    let pools = Standing::new(source.pools.len());
    let table = Table::compile(source).unwrap();
    let calls = calls(&nation, DECISIONS);

    let region = Region::new(COUNTING);
    let mut rings = 0;
    for call in &calls {
        rings += table.decide(&call.query()).rings.len();
        rings += table.decide_among(&call.query(), &pools).rings.len();
    }
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0));
    assert!(rings > 2 * DECISIONS);

    // The counter does count.
    let region = Region::new(COUNTING);
    let explained = table.explain(&calls[0].query(), &pools);
    assert!(region.change().allocations > 0);
    assert!(!explained.looked.is_empty());

    let mut routes = std::collections::BTreeSet::new();
    for call in &calls {
        let query = call.query();
        let decision = table.decide_among(&query, &pools);
        assert_eq!(decision, table.decide_linearly(&query, &pools));
        assert!((1..=MOST_RINGS).contains(&decision.rings.len()));
        routes.insert(decision.route.0);
    }
    assert!(routes.len() > 500, "many routes are met: {}", routes.len());

    let sizes = Sizes::of(&nation);
    assert_eq!(sizes.provinces, 31);
    assert!((330..400).contains(&sizes.cities), "{sizes:?}");
    assert!((1_400..1_700).contains(&sizes.routes), "{sizes:?}");
    assert!((900..1_300).contains(&sizes.lines), "{sizes:?}");
    for (kind, share) in Kind::SHARES {
        let of = calls.iter().filter(|call| call.kind == kind).count();
        let expected = DECISIONS * share / 100;
        assert!(of.abs_diff(expected) < expected / 2, "{kind:?} {of}");
    }
}
