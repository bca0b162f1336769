//! Whatever a counsellor types: no panic, never two places at once, never a number outside the plan.

use meishier_model::TrunkId;
use meishier_routing::Atlas;
use meishier_transfer::{Choice, Heard, Key, Plan, SERVICES};
use proptest::prelude::*;
use std::sync::LazyLock;

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let keys = SERVICES
        .iter()
        .map(|it| Key::usual(it.name, it.title, it.kind, TrunkId(0)));
    Plan::new(keys.collect())
});

static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);

static CITIES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let name = |it: &meishier_routing::City| (it.full_name(), format!("{}110", it.area_code));
    ATLAS.cities().iter().map(name).collect()
});

fn check(text: &str) -> Result<(), TestCaseError> {
    let Ok(choice) = PLAN.choose("110", &Heard::given(text)) else {
        return Ok(());
    };
    let target = choice.target();
    prop_assert_eq!(target.dials.len(), 1);
    let number = target.first();
    prop_assert!(number.starts_with('0') && number.ends_with("110") && number.len() <= 7);
    prop_assert!(!target.city.is_empty());
    match &choice {
        Choice::Dials(_) => prop_assert!(target.doubt.is_empty()),
        Choice::Asks { others, .. } => {
            prop_assert!(!target.doubt.is_empty());
            prop_assert!(!others.contains(&target.city));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_text(text in ".{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_text_of_the_characters_of_places(
        text in "[州市省区县海南吉林朝阳鼓楼白云西安北京上广东河山江门路族自治在不是，01235 ]{0,40}"
    ) {
        check(&text)?;
    }

    /// Two places that are both said settle neither.
    #[test]
    fn two_cities(a in 0usize..361, b in 0usize..361, between in "(，在|、|在|，人在|。)") {
        let (one, other) = (&CITIES[a], &CITIES[b]);
        let text = format!("{}{between}{}", one.0, other.0);
        check(&text)?;
        let choice = PLAN.choose("110", &Heard::given(&text)).unwrap();
        let target = choice.target();
        let codes = [a, b].map(|at| ATLAS.cities()[at].adcode);
        let within = |x: u32, y: u32| y == x / 100 * 100 || y == x / 10_000 * 10_000;
        let one_place = codes[0] == codes[1] || within(codes[0], codes[1]) || within(codes[1], codes[0]);
        if let Choice::Dials(target) = &choice {
            prop_assert!(one_place, "{text}: {}", target.city);
        }
        prop_assert!([&one.1, &other.1].contains(&&target.first().to_owned()), "{text}");
    }

    /// A city that is said stays the one that is dialled, whatever street follows.
    #[test]
    fn a_city_and_a_street(a in 0usize..361, b in 0usize..361) {
        let street = ATLAS.cities()[b].name;
        let text = format!("{}{street}路7号", CITIES[a].0);
        check(&text)?;
        if let Choice::Dials(target) = PLAN.choose("110", &Heard::given(&text)).unwrap() {
            prop_assert_eq!(&target.city, &CITIES[a].0, "{}", text);
        }
    }
}
