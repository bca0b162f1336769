//! The sections of routing: what they say is in the table, and each mistake is told in both
//! languages.

mod refused;

use meishier_config::{Config, FEMALE, FRESH, Lang, MALE, Trust, parse};
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::{Date, Decision, ExceptionalLines, NuisanceWhy, Query, RiskWhy, Rule, Tags};
use std::time::Duration;

const GOOD: &str = include_str!("../data/areas.toml");

fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?} must be there once");
    GOOD.replacen(from, to, 1)
}

fn load(text: &str) -> Config {
    match parse(text, None) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", meishier_config::render(&errors, "f", text, Lang::En)),
    }
}

fn at(config: &Config, day: i8, minute: u16) -> Wall {
    let date = Date::new(2026, 11, day).unwrap();
    config.routing.wall_on(date, minute).unwrap()
}

fn decide(config: &Config, wall: Wall, caller: &str, called: &str) -> Decision {
    config.routing.decide(&Query::new(
        wall,
        TrunkId(0),
        &DialString::new(caller),
        &DialString::new(called),
    ))
}

fn rings(config: &Config, decision: &Decision) -> Vec<(String, u64)> {
    let name = |pool: PoolId| config.pools[usize::from(pool.0)].name.clone();
    let rings = decision.rings.iter();
    rings
        .map(|ring| (name(ring.pool), ring.after.as_secs()))
        .collect()
}

fn named(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter()
        .map(|(name, after)| ((*name).to_owned(), *after))
        .collect()
}

#[test]
fn the_file_has_no_doubt() {
    let today = load(GOOD)
        .routing
        .wall_on(Date::new(2026, 6, 1).unwrap(), 600);
    let (_, warnings) = parse(GOOD, today).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn places_lead_to_their_pools() {
    let config = load(GOOD);
    let day = at(&config, 10, 600);
    // A number block of 遵义, a shared code of which nothing more is known, an old number.
    let zunyi = decide(&config, day, "085128123456", "12356");
    let expected = [("zunyi", 0), ("province", 15), ("nation", 30)];
    assert_eq!(rings(&config, &zunyi), named(&expected));
    let shared = decide(&config, day, "", "085112356");
    let expected = [
        ("guiyang", 0),
        ("zunyi", 0),
        ("province", 15),
        ("nation", 30),
    ];
    assert_eq!(rings(&config, &shared), named(&expected));
    assert!(shared.ambiguous());
    let old = decide(&config, day, "", "96077");
    let expected = [("guiyang", 0), ("province", 15), ("nation", 30)];
    assert_eq!(rings(&config, &old), named(&expected));
    assert_eq!(
        config.routing.alias_names().collect::<Vec<_>>(),
        ["guiyang-old"]
    );
    let unknown = decide(&config, day, "", "12356");
    assert_eq!(rings(&config, &unknown), named(&[("nation", 0)]));
    // A local number is of the trunk's area code.
    let local = decide(&config, day, "28123456", "12356");
    assert_eq!(rings(&config, &local)[0].0, "zunyi");
    let cell = DialString::new("");
    let (called, mut query) = (DialString::new("12356"), None);
    let query = query.insert(Query::new(day, TrunkId(0), &cell, &called));
    query.cell = Some("46000AB77");
    assert_eq!(
        rings(&config, &config.routing.decide(query))[0].0,
        "guiyang"
    );
}

#[test]
fn policies_are_as_written() {
    let config = load(GOOD);
    let policies = config.routing.policies();
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(policies.risk.dropped_within, minutes(10));
    assert_eq!(policies.risk.flagged_for, minutes(24 * 60));
    assert_eq!(policies.risk.danger_key, Some(b'9'));
    assert_eq!(policies.nuisance.class.unwrap().number(), 6);
    assert_eq!(
        (policies.nuisance.calls_a_day, policies.nuisance.short_calls),
        (20, 6)
    );
    assert_eq!(
        policies.nuisance.marked_for,
        minutes(30 * 24 * 60),
        "unless the file says"
    );
    assert_eq!(policies.redial.within, minutes(10));
    let rules = config.routing.service_rules(PoolId(0)).unwrap();
    assert_eq!(rules.overloaded_waiting, Some(10));
    assert_eq!(
        (rules.overloaded_wait, rules.going_down),
        (Some(minutes(2)), Some(minutes(15)))
    );
    let trunk = &config.trunks[0];
    assert_eq!(trunk.trust, Trust::ASSERTED | Trust::ACCESS);
    assert_eq!(trunk.area_code.as_deref(), Some("0851"));
    assert_eq!(
        load(&changed("trust = [\"asserted\", \"cell\"]\n", "")).trunks[0].trust,
        Trust::ASSERTED
    );
    let care = &config.care;
    assert_eq!((care.risk_calls, care.talk), (4, Some(minutes(300))));
    assert_eq!(
        (care.recovery.emergency, care.recovery.long_from),
        (minutes(20), minutes(40))
    );
}

#[test]
fn lists_hold_until_the_end_of_their_last_day() {
    let config = load(GOOD);
    let risk = decide(&config, at(&config, 10, 600), "13312345678", "12356");
    assert!(risk.risk && risk.rules.contains(&Rule::Risk(RiskWhy::Listed)));
    assert_eq!(
        config.counsellors[risk.own.unwrap().0 as usize].account,
        "wang"
    );
    let nuisance = |date: (i16, i8, i8), minute| {
        let wall = config
            .routing
            .wall_on(Date::new(date.0, date.1, date.2).unwrap(), minute);
        let decision = decide(&config, wall.unwrap(), "13400000000", "12356");
        decision
            .rules
            .contains(&Rule::Nuisance(NuisanceWhy::Listed))
    };
    assert!(nuisance((2027, 1, 1), 1439), "the day itself is in it");
    assert!(!nuisance((2027, 1, 2), 0));
    assert_eq!(config.tags, ["儿童", "女性"]);
    assert_eq!(
        config.routing.policies().listed[0].tags,
        Tags::default().with(1)
    );
}

#[test]
fn exceptional_times_are_of_the_zone() {
    let config = load(GOOD);
    let entry = &config.routing.exceptional().entries()[0];
    assert_eq!(
        (entry.from, entry.to),
        (at(&config, 22, 480), at(&config, 24, 480))
    );
    assert_eq!(
        entry.lines,
        ExceptionalLines::AllLines,
        "unless the file says"
    );
    let closed = load(&changed(
        "reason = \"地震\"",
        "reason = \"地震\"\nlines = 0",
    ));
    assert_eq!(closed.routing.lines(PoolId(0), at(&closed, 23, 600)), 0);
    let days = load(&changed(
        "from = \"2026-11-22 08:00\"\nto = 2026-11-24T08:00:00",
        "from = 2026-11-22\nto = 2026-11-24",
    ));
    let entry = &days.routing.exceptional().entries()[0];
    assert_eq!((entry.from, entry.to), (at(&days, 22, 0), at(&days, 25, 0)));
}

#[test]
fn implied_skills_stand_behind_those_of_the_file() {
    let config = load(GOOD);
    assert_eq!(config.skills, ["未成年人", "危机", FEMALE, FRESH]);
    let skill = |name: &str| {
        let at = config.skills.iter().position(|it| it == name).unwrap();
        meishier_model::SkillId::new(u8::try_from(at).unwrap()).unwrap()
    };
    assert_eq!(config.care.fresh, Some(skill(FRESH)));
    let (chen, wang) = (&config.counsellors[0].skills, &config.counsellors[1].skills);
    assert!(chen.contains(&(skill(FEMALE), 5)) && chen.contains(&(skill(FRESH), 1)));
    assert_eq!(wang[..], [(skill(FRESH), 1)]);
    let first = config.routing.policies().risk.prefer[0];
    assert_eq!((first.skill, first.weight), (skill(FRESH), 1000));
    assert_eq!(
        config.routing.policies().preferences[1].prefer[0].skill,
        skill(FEMALE)
    );
    let men = load(&changed("counsellor = \"female\"", "counsellor = \"male\""));
    assert_eq!(men.skills[2], MALE);
}

#[test]
fn rules_are_found_in_the_file() {
    let config = load(GOOD);
    let text = |rule| config.rule_places.of(rule).map(|span| &GOOD[span]);
    assert_eq!(text(Rule::Route(0)), Some("\"night\""));
    assert_eq!(text(Rule::Default(1)), Some("\"rest\""));
    assert_eq!(text(Rule::Area(3)), Some("\"贵州省\""));
    assert_eq!(text(Rule::Area(4)), Some("true"));
    assert_eq!(text(Rule::Alias(0)), Some("\"96077\""));
    assert_eq!(text(Rule::Preference(1)), Some("\"women\""));
    assert_eq!(text(Rule::Listed(2)), Some("\"13400000000\""));
    let risk = text(Rule::Risk(RiskWhy::Listed)).unwrap();
    assert!(risk.starts_with("[risk]"), "{risk}");
    assert!(
        text(Rule::Nuisance(NuisanceWhy::Listed))
            .unwrap()
            .starts_with("[nuisance]")
    );
    assert!(text(Rule::Redial).unwrap().starts_with("[redial]"));
    assert_eq!((text(Rule::Ambiguous), text(Rule::Route(9))), (None, None));
}

#[test]
fn what_may_change_while_the_engine_runs() {
    let old = load(GOOD);
    let free = [
        ("pools = [\"guiyang\", \"zunyi\"]", "pools = [\"zunyi\"]"),
        ("prefix = \"46000ab\"", "prefix = \"46000cd\""),
        (
            "callers = [\"0851-28\", \"085127\"]",
            "callers = [\"085127\"]",
        ),
        ("class = 6", "class = 7"),
        (
            "[redial]\nwithin = \"10min\"",
            "[redial]\nwithin = \"5min\"",
        ),
        ("number = \"13312345678\"", "number = \"13312345679\""),
        ("to = 2026-11-24T08:00:00", "to = 2026-11-25T08:00:00"),
        ("name = \"night\"", "name = \"evening\""),
        ("trust = [\"asserted\", \"cell\"]", "trust = []"),
        ("risk_calls_per_shift = 4", "risk_calls_per_shift = 5"),
        (
            "tags = [\"儿童\", \"女性\"]",
            "tags = [\"儿童\", \"女性\", \"苗语\"]",
        ),
        // The last implied skill comes and goes; the others stay where they are.
        ("risk_calls_per_shift = 4\n", ""),
    ];
    for (from, to) in free {
        let new = load(&changed(from, to));
        assert_eq!(old.same_identity(&new), Ok(()), "{to}");
    }
    let restart = [
        (
            "tags = [\"儿童\", \"女性\"]",
            "tags = [\"女性\", \"儿童\"]",
            "tags",
        ),
        (
            "counsellor = \"female\"",
            "counsellor = \"male\"",
            "preferences, care",
        ),
        (
            "counsellor = \"female\"",
            "prefer = { \"危机\" = 1 }",
            "preferences, care",
        ),
        (
            "skills = [\"未成年人\", \"危机\"]",
            "skills = [\"未成年人\", \"危机\", \"方言\"]",
            "skills",
        ),
    ];
    for (from, to, key) in restart {
        let new = load(&changed(from, to));
        let found = old.same_identity(&new).unwrap_err();
        assert_eq!(
            found.iter().map(|it| it.key).collect::<Vec<_>>(),
            [key],
            "{to}"
        );
    }
    let more = load(&changed(
        "tags = [\"儿童\", \"女性\"]",
        "tags = [\"儿童\", \"女性\", \"苗语\"]",
    ));
    assert!(
        more.same_identity(&old).is_err(),
        "a tag that is gone takes a restart"
    );
}

/// A nation of 31 provinces and 340 cities, each with its pool, 1,000 seats and 4,000 counsellors.
fn nation() -> String {
    let atlas = meishier_routing::Atlas::builtin();
    let mut out = String::from(
        "name = \"全国\"\n[sip]\nmax_calls = 5000\n[rtp]\nfirst_port = 20000\nlast_port = 39999\n[routing]\ndefault = \"all\"\n\
         [[trunks]]\nname = \"one\"\npeers = [\"10.0.0.1\"]\noutgoing_number = \"12356\"\n\
         [[pools]]\nname = \"nation\"\nshifts = [{ hours = \"00:00-24:00\", lines = 9 }]\n\
         [[areas]]\nnation = true\npools = [\"nation\"]\n\
         [[seats]]\nname = \"n{1..9}\"\npassword = \"n{n}\"\npools = [\"nation\"]\n\
         [[counsellors]]\naccount = \"n{0001..4000}\"\npin = \"77{n}\"\nseats = \"any\"\n\
         [[routes]]\nname = \"all\"\nrings = [\"@city\", { pool = \"@province\", after = \"15s\" }, { pool = \"@nation\", after = \"60s\" }]\n",
    );
    let mut pool = |name: &str, area: &str, hours: &str| {
        out += &format!(
            "[[pools]]\nname = \"{name}\"\nshifts = [{{ hours = \"{hours}\", lines = 2 }}]\n\
             [[seats]]\nname = \"{name}-{{1..3}}\"\npassword = \"{name}-{{n}}\"\npools = [\"{name}\"]\n\
             [[areas]]\n{area}\npools = [\"{name}\"]\n"
        );
    };
    for (n, province) in atlas.provinces().iter().enumerate() {
        pool(
            &format!("p{n}"),
            &format!("province = \"{}\"", province.name),
            "00:00-24:00",
        );
    }
    for (n, city) in atlas.cities().iter().take(300).enumerate() {
        pool(
            &format!("c{n}"),
            &format!("city = \"{}\"", city.full_name()),
            "08:00-18:00",
        );
    }
    out
}

#[test]
fn a_nation_is_read() {
    let text = nation();
    let (config, warnings) = parse(&text, None).unwrap();
    assert_eq!((config.pools.len(), config.seats.len()), (332, 1002));
    assert_eq!(config.counsellors.len(), 4000);
    // Nobody says who serves the codes that cities share; all else is in order.
    let other = warnings
        .iter()
        .find(|it| !it.message_en.starts_with("area code "));
    assert_eq!(other, None);
    let decision = decide(&config, Wall(0), "", "01012356");
    assert_eq!(rings(&config, &decision).len(), 3);
}
