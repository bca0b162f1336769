//! What the traffic model produces is what the scenario says.

use meishier_sim::dice::Dice;
use meishier_sim::figures::Tally;
use meishier_sim::scenario::{NAMES, Scenario, Surge};
use meishier_sim::traffic::{Arrival, Traffic, expected};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn named(name: &str) -> Scenario {
    Scenario::named(name).unwrap()
}

fn arrivals(scenario: &Scenario, seed: u64, span: Duration) -> Vec<Arrival> {
    let traffic = Traffic::new(scenario, Dice::new(seed));
    traffic.take_while(|one| one.at < span).collect()
}

fn tally(scenario: &Scenario, seed: u64, span: Duration) -> Tally {
    let mut tally = Tally::new(scenario);
    for arrival in arrivals(scenario, seed, span) {
        tally.arrived(scenario, &arrival);
    }
    tally.ran(span);
    tally
}

fn near(what: &str, is: f64, should: f64) {
    assert!((is / should - 1.0).abs() < 0.1, "{what}: {is} for {should}");
}

#[test]
fn four_months_have_the_volumes_and_shares_of_the_scenario() {
    for name in ["guizhou", "beijing"] {
        let scenario = named(name);
        let tally = tally(&scenario, 12356, DAY * 120);
        tally.shares_within(&scenario, 0.1).unwrap();
        let calls = tally.calls as f64;
        near(name, calls, scenario.calls_per_day * 120.0);
        for (hour, count) in scenario.hours.iter().zip(&tally.by_hours) {
            near("hours", *count as f64 / calls, hour.share);
        }
        let mix = scenario.mix;
        near("nuisance", tally.nuisance as f64 / calls, mix.nuisance);
        near("risk", tally.risk as f64 / calls, mix.risk);
        near("minors", tally.minors as f64 / calls, mix.minors);
        near("women", tally.women as f64 / calls, mix.women);
        near(
            "talk",
            tally.talk.as_secs_f64() / (calls - tally.nuisance as f64),
            scenario.talk.mean.as_secs_f64(),
        );
        near(
            "nuisance talk",
            tally.nuisance_talk.as_secs_f64() / tally.nuisance as f64,
            scenario.talk.nuisance_mean.as_secs_f64(),
        );
    }
}

#[test]
fn talks_are_of_the_length_that_the_field_knows() {
    let scenario = named("beijing");
    let mut talks: Vec<_> = arrivals(&scenario, 7, DAY * 120)
        .into_iter()
        .filter(|one| !one.plan.nuisance)
        .map(|one| one.plan.talk.length)
        .collect();
    talks.sort_unstable();
    let at = |share: f64| talks[(talks.len() as f64 * share) as usize].as_secs() / 60;
    // Nine of ten from 10 to 50 minutes; the tail passes an hour.
    assert!((8..=11).contains(&at(0.05)), "{}", at(0.05));
    assert!((45..=55).contains(&at(0.95)), "{}", at(0.95));
    assert!(at(0.985) > 60, "{}", at(0.985));
    assert!(talks.last().unwrap() <= &scenario.talk.longest);
}

#[test]
fn a_surge_multiplies_the_calls_of_its_time() {
    for (name, times) in [("surge2", 2.0), ("surge3", 3.0)] {
        let mut scenario = named(name);
        // So many days of it that the factor can be told from chance.
        scenario.surges = vec![Surge {
            from: DAY * 10,
            to: DAY * 50,
            ..scenario.surges[0]
        }];
        let tally = tally(&scenario, 3, DAY * 90);
        tally.shares_within(&scenario, 0.1).unwrap();
        let (within, outside) = (tally.by_surge[0], tally.calls - tally.by_surge[0]);
        let factor = (within as f64 / 40.0) / (outside as f64 / 50.0);
        near(name, factor, times);
    }
    assert_eq!(named("surge2").surges[0].times, 2.0);
    assert_eq!(named("surge3").surges[0].times, 3.0);
}

#[test]
fn every_shipped_scenario_produces_what_it_says() {
    for name in NAMES {
        let scenario = named(name);
        for seed in 0..5 {
            let result = tally(&scenario, seed, DAY * 5).shares_within(&scenario, 0.1);
            assert_eq!(result, Ok(()), "{name} {seed}");
        }
    }
}

#[test]
fn figures_of_another_scenario_are_told_apart() {
    let scenario = named("beijing");
    let tally = tally(&scenario, 5, DAY * 120);
    let wrong = |change: fn(&mut Scenario), word: &str| {
        let mut other = scenario.clone();
        change(&mut other);
        let outside = tally.shares_within(&other, 0.1).unwrap_err();
        assert!(
            outside.iter().any(|line| line.contains(word)),
            "{outside:?}"
        );
    };
    wrong(|s| s.calls_per_day *= 1.2, "calls:");
    wrong(|s| s.hours[1].share *= 1.2, "hours 1");
    wrong(|s| s.mix.nuisance *= 0.8, "nuisance");
    wrong(|s| s.mix.risk *= 1.25, "risk");
    wrong(|s| s.mix.minors *= 1.4, "minors");
    wrong(|s| s.mix.women *= 0.8, "women");
    wrong(|s| s.talk.mean = s.talk.mean.mul_f64(1.2), "talk");
}

#[test]
fn the_seed_alone_settles_who_calls() {
    let scenario = named("guizhou");
    let (one, same) = (arrivals(&scenario, 1, DAY), arrivals(&scenario, 1, DAY));
    assert_eq!(one, same);
    assert!(one != arrivals(&scenario, 2, DAY));
    assert!(one.is_sorted_by_key(|arrival| arrival.at));
}

#[test]
fn numbers_and_plans_hang_together() {
    let scenario = named("beijing");
    for Arrival { plan, .. } in arrivals(&scenario, 9, DAY * 60) {
        let digits = if plan.number.starts_with('0') { 12 } else { 11 };
        assert_eq!(plan.number.len(), digits, "{}", plan.number);
        assert_eq!(
            plan.flagged,
            plan.number.starts_with(&scenario.flagged_prefix)
        );
        assert!(!plan.flagged || (plan.risk && !plan.withheld));
        assert!(!plan.talk.crisis || plan.risk);
        assert!(!plan.risk || !plan.nuisance);
        assert_eq!(plan.talk.crisis, !plan.talk.key.is_empty());
        assert_eq!(plan.talk.crisis, !plan.talk.city.is_empty());
        assert!(plan.patience >= scenario.patience.floor);
        assert!(scenario.called.iter().any(|one| one.text == plan.called));
        if let Some(hold) = plan.talk.hold {
            assert!(hold.at < plan.talk.length);
        }
    }
}

#[test]
fn the_rate_follows_the_clock_from_any_start() {
    let mut scenario = named("beijing");
    // 119 × 0.38 over ten hours by day, 119 × 0.22 over the four hours around midnight.
    let (day, night) = (119.0 * 0.38 / 36_000.0, 119.0 * 0.22 / 14_400.0);
    let hours = |n: u64| Duration::from_secs(n * 3600);
    assert!((scenario.rate(hours(12)) - day).abs() < 1e-12);
    assert!((scenario.rate(hours(1)) - night).abs() < 1e-12);
    assert!((scenario.rate(hours(23)) - night).abs() < 1e-12);
    scenario.start.minute = 22 * 60;
    assert!((scenario.rate(hours(3)) - night).abs() < 1e-12);
    assert!((scenario.rate(hours(12)) - day).abs() < 1e-12);
    let whole = expected(&scenario, Duration::ZERO, DAY * 3);
    assert!((whole - 357.0).abs() < 1e-6, "{whole}");
}

#[test]
fn nobody_calls_where_there_are_no_calls() {
    let mut scenario = named("beijing");
    scenario.calls_per_day = 0.0;
    assert_eq!(Traffic::new(&scenario, Dice::new(1)).next(), None);
    // A surge of zero only makes a pause.
    let mut scenario = named("beijing");
    scenario.surges = vec![Surge {
        from: Duration::ZERO,
        to: DAY * 2,
        times: 0.0,
    }];
    let first = Traffic::new(&scenario, Dice::new(1)).next().unwrap();
    assert!(first.at >= DAY * 2);
}
