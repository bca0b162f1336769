//! Scenario files: every mistake told at once, and what the engine gets from them.

use meishier_config::{AnswerMode, Config, Lang, render};
use meishier_model::{CounsellorId, SeatId, Wall};
use meishier_sim::scenario::{NAMES, Scenario};
use std::time::Duration;

fn named(name: &str) -> Scenario {
    Scenario::named(name).unwrap_or_else(|| panic!("{name} cannot be read"))
}

fn configuration(scenario: &Scenario) -> Config {
    let text = scenario.engine_config();
    match meishier_config::parse(&text, Some(scenario.start_wall().unwrap())) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", render(&errors, &scenario.name, &text, Lang::En)),
    }
}

#[test]
fn the_engine_takes_what_every_shipped_scenario_gives_it() {
    for name in NAMES {
        let scenario = named(name);
        assert_eq!(scenario.name, name);
        let config = configuration(&scenario);
        for key in &scenario.keys {
            for city in &scenario.cities {
                let found = config.transfer.target(&key.text, &city.text);
                assert!(found.is_ok(), "{name}: {} {}", key.text, city.text);
            }
        }
    }
    assert_eq!(Scenario::named("nowhere"), None);
}

#[test]
fn flagged_numbers_are_at_risk_and_ring_where_the_default_does() {
    for name in NAMES {
        let scenario = named(name);
        let text: toml::Table = scenario.engine_config().parse().unwrap();
        let routes = text["routes"].as_array().unwrap();
        let default = &text["routing"]["default"];
        let usual = routes.iter().find(|route| &route["name"] == default);
        let (flagged, usual) = (&routes[0], usual.unwrap());
        let block = toml::Value::from(scenario.flagged_prefix.clone());
        assert_eq!(flagged["callers"], vec![block].into());
        assert_eq!(flagged["risk"], true.into());
        assert_eq!(flagged["rings"], usual["rings"]);
        assert_eq!(flagged.get("skills"), usual.get("skills"));
        assert_eq!(flagged.get("called"), None);
        let names: Vec<_> = configuration(&scenario)
            .routing
            .route_names()
            .map(str::to_owned)
            .collect();
        assert_eq!(names[0], "flagged");
        assert_eq!(names.len(), routes.len());
    }
}

#[test]
fn an_overlay_changes_what_it_names_and_nothing_else() {
    let text = r#"
        name = "mine"
        base = "beijing"
        [engine]
        shards = 3
        max_calls = 77
        max_waiting = 5
        wrapup = "90s"
        announce_every = "0s"
        answer = "at_once"
    "#;
    let scenario = Scenario::parse(text).unwrap();
    let (mine, usual) = (configuration(&scenario), configuration(&named("beijing")));
    assert_eq!((mine.shards, usual.shards), (3, 4));
    assert_eq!((mine.sip.max_calls, usual.sip.max_calls), (77, 500));
    assert_eq!(
        (mine.waiting.max_waiting, usual.waiting.max_waiting),
        (5, 300)
    );
    assert_eq!(mine.offer.wrapup, Duration::from_secs(90));
    assert_eq!(mine.waiting.announce_every, None);
    assert_eq!(mine.trunks[0].answer, AnswerMode::AtOnce);
    assert_eq!(mine.trunks[0].codecs, usual.trunks[0].codecs);
    assert_eq!(mine.seats, usual.seats);
    assert_eq!(mine.counsellors.len(), usual.counsellors.len());
    let text = text.replace("at_once", "on_seat") + "\nanswer_after = \"20s\"";
    let on_seat = configuration(&Scenario::parse(&text).unwrap()).trunks[0].answer;
    let AnswerMode::OnSeat { answer_after, .. } = on_seat else {
        panic!("{on_seat:?}");
    };
    assert_eq!(answer_after, Duration::from_secs(20));
}

#[test]
fn a_scenario_on_another_takes_over_what_it_does_not_say() {
    let (beijing, surge) = (named("beijing"), named("surge3"));
    assert_eq!(surge.surges[0].times, 3.0);
    assert_eq!(beijing.hours, surge.hours);
    assert_eq!(beijing.calls_per_day, surge.calls_per_day);
    assert_eq!(beijing.engine_config(), surge.engine_config());
    assert_eq!(named("overload").talk, beijing.talk);
    assert!(named("overload").patience != beijing.patience);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = r#"name = "mine"
base = "beijing"
colour = "blue"
calls_per_day = -1
hours = [{ hours = "08:00-18:00", share = 0.5 }]
called = [{ number = "a12356", weight = 1 }]
surges = [{ from = "2d", to = "1d", times = 2 }]
[talk]
mean = "soon"
[mix]
nuisance = 0.9
risk = 0.2
[patience]
redial_after = ["60s", "5s"]
[seats]
refuse = 0.1
[engine]
answer = "never"
"#;
    let errors = Scenario::parse(text).unwrap_err();
    let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [3, 4, 5, 5, 6, 7, 9, 10, 14, 16, 18], "{errors:#?}");
    assert!(errors[0].zh.contains("colour") && errors[0].en.contains("colour"));
    assert!(errors[0].to_string().starts_with("第 3 行"));
    // Without a base, everything that is not there is missed.
    let errors = Scenario::parse("name = \"mine\"").unwrap_err();
    for key in [
        "config",
        "start",
        "hours",
        "mean",
        "risk",
        "redials",
        "pause_every",
    ] {
        let missed = |error: &meishier_sim::scenario::ScenarioError| error.en.ends_with(key);
        assert!(errors.iter().any(missed), "{key}: {errors:#?}");
    }
    assert_eq!(Scenario::parse("name = ").unwrap_err()[0].line, 1);
    let other = Scenario::parse("name = \"x\"\nbase = \"beijing\"\nconfig = \"deploy/x.toml\"");
    assert_eq!(other.unwrap_err()[0].line, 3);
}

#[test]
fn people_read_the_configuration_as_the_engine_does() {
    let played = |name: &&str| !["surge2", "surge3", "overload"].contains(name);
    for name in NAMES.into_iter().filter(played) {
        let scenario = named(name);
        let (roster, config) = (scenario.roster().unwrap(), configuration(&scenario));
        assert_eq!(roster.domain, config.sip.domain);
        assert_eq!(roster.seats.len(), config.seats.len(), "{name}");
        for (mine, theirs) in roster.seats.iter().zip(&config.seats) {
            assert_eq!(mine.name, theirs.name);
            let pools: Vec<_> = theirs
                .pools
                .iter()
                .map(|pool| usize::from(pool.0))
                .collect();
            assert_eq!(mine.pools, pools, "{name} {}", mine.name);
            let meishier_config::SeatContact::Register { password } = &theirs.contact else {
                panic!("{}", mine.name);
            };
            assert_eq!(mine.password.as_ref(), Some(password));
        }
        assert_eq!(roster.people.len(), config.counsellors.len(), "{name}");
        for (number, (mine, theirs)) in roster.people.iter().zip(&config.counsellors).enumerate() {
            assert_eq!((&mine.account, &mine.pin), (&theirs.account, &theirs.pin));
            let seats: Vec<_> = mine.seats.iter().map(|seat| SeatId(*seat as u32)).collect();
            assert_eq!(
                seats[..],
                theirs.seats[..],
                "{:?}",
                CounsellorId(number as u32)
            );
            // What the file implies is nobody's own.
            let implied = [
                meishier_config::FEMALE,
                meishier_config::MALE,
                meishier_config::FRESH,
            ];
            let named = theirs.skills.iter().filter(|(skill, _)| {
                let name = &config.skills[usize::from(skill.index())];
                !implied.contains(&name.as_str())
            });
            assert_eq!(mine.skills.len(), named.count());
        }
    }
}

#[test]
fn a_scenario_starts_at_its_civil_time() {
    let scenario = named("tiny");
    // 2026-06-01T09:00 in China is 01:00 in Greenwich.
    assert_eq!(scenario.start_wall(), Ok(Wall(1_780_275_600_000)));
}
