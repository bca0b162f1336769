//! Whatever the table and whatever the call: the compiled way, the linear way, the explained way and
//! a reference written from the documents agree.

mod random;
mod reference;
mod town;

use meishier_model::{DialString, TrunkId};
use meishier_routing::{Looked, MOST_PREFERENCES, MOST_RINGS, Miss, Query, Rule, Table};
use proptest::prelude::*;
use random::{Asked, world};
use reference::expected;

/// How often the ways are compared: tables, each with many calls.
const TABLES: u32 = 600;

fn agree(table: &Table, source: &meishier_routing::TableSource, asked: &Asked) {
    let (caller, called) = (DialString::new(asked.caller), DialString::new(asked.called));
    let query = Query {
        cell: asked.cell,
        known: asked.known,
        ..Query::new(asked.wall, TrunkId(asked.trunk), &caller, &called)
    };
    let decision = table.decide_among(&query, &asked.pools);
    assert_eq!(table.decide_among(&query, &asked.pools), decision, "again");
    assert_eq!(table.decide_linearly(&query, &asked.pools), decision);
    let explained = table.explain(&query, &asked.pools);
    assert_eq!(explained.decision, decision);

    let routes: Vec<&Looked> = explained
        .looked
        .iter()
        .filter(|it| matches!(it.rule, Rule::Route(_)))
        .collect();
    assert_eq!(routes.len(), source.routes.len());
    let holding: Vec<_> = routes.iter().filter(|it| it.miss.is_none()).collect();
    let default = decision.rules.contains(&Rule::Default(source.default.0));
    assert_eq!(holding.len(), usize::from(!default));
    let later = routes.iter().filter(|it| it.miss == Some(Miss::Later));
    assert!(
        later.count() == 0 || !default,
        "nothing is later than the default"
    );

    let wanted = expected(source, &explained.places, asked);
    assert_eq!(
        (decision.route.0, default),
        (wanted.route, wanted.by_default)
    );
    assert_eq!(decision.place.city, wanted.city);
    assert_eq!(decision.place.province, wanted.province);
    let rings = decision.rings.iter().map(|it| (it.pool.0, it.after));
    assert_eq!(rings.collect::<Vec<_>>(), wanted.rings);
    assert_eq!(decision.taking, wanted.taking);
    assert_eq!(
        (decision.class.number(), decision.risk),
        (wanted.class, wanted.risk)
    );
    assert_eq!(decision.own, wanted.own);
    assert_eq!(town::likes(&decision), wanted.likes);

    assert!((1..=MOST_RINGS).contains(&decision.rings.len()));
    assert!(decision.preferred.len() <= MOST_PREFERENCES);
    let falls = decision
        .rings
        .windows(2)
        .any(|two| two[1].after < two[0].after);
    assert!(!falls);
}

#[test]
fn every_way_to_a_decision_is_the_same() {
    let config = ProptestConfig {
        cases: TABLES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(source in world(), calls in prop::collection::vec(random::asked(), 1..30))| {
        let table = Table::compile(source.clone()).unwrap();
        for asked in &calls {
            agree(&table, &source, asked);
        }
    });
}

/// The random calls are worth something only if they meet every kind of rule.
#[test]
fn random_calls_meet_every_kind_of_rule() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met = std::collections::BTreeMap::<&str, u32>::new();
    let calls = prop::collection::vec(random::asked(), 20);
    for _ in 0..150 {
        let source = world().new_tree(&mut runner).unwrap().current();
        let table = Table::compile(source).unwrap();
        for asked in calls.new_tree(&mut runner).unwrap().current() {
            let (caller, called) = (DialString::new(asked.caller), DialString::new(asked.called));
            let query = Query {
                cell: asked.cell,
                known: asked.known,
                ..Query::new(asked.wall, TrunkId(asked.trunk), &caller, &called)
            };
            let decision = table.explain(&query, &asked.pools);
            let hit = decision.decision.rules.iter().map(|rule| kind(*rule));
            let missed = decision.looked.iter().filter_map(|it| it.miss);
            let chosen = (decision.decision.route.0 > 1).then_some("later route");
            let shorter = decision.decision.rings.windows(2);
            let waits = shorter.into_iter().any(|two| two[1].after > two[0].after);
            let waits = waits.then_some("waits");
            for what in hit
                .chain(missed.map(Miss::as_str))
                .chain(chosen)
                .chain(waits)
            {
                *met.entry(what).or_default() += 1;
            }
        }
    }
    let kinds = [
        "route",
        "default",
        "area",
        "alias",
        "preference",
        "listed",
        "risk rule",
        "nuisance rule",
        "redial",
        "called",
        "callers",
        "trunks",
        "cities",
        "provinces",
        "hours",
        "state",
        "risk",
        "nuisance",
        "tags",
        "expired",
        "later",
        "later route",
        "waits",
        "ambiguous",
    ];
    for wanted in kinds {
        assert!(
            met.get(wanted).is_some_and(|count| *count > 20),
            "{wanted}: {met:?}"
        );
    }
}

fn kind(rule: Rule) -> &'static str {
    match rule {
        Rule::Route(_) => "route",
        Rule::Default(_) => "default",
        Rule::Area(_) => "area",
        Rule::Alias(_) => "alias",
        Rule::Preference(_) => "preference",
        Rule::Listed(_) => "listed",
        Rule::Risk(_) => "risk rule",
        Rule::Nuisance(_) => "nuisance rule",
        Rule::Redial => "redial",
        Rule::Ambiguous => "ambiguous",
    }
}
