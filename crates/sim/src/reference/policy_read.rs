//! From the file's text to routes and [`Policies`].

use super::hours::{Clock, Shift};
use super::number::plain;
use super::place::{self, Place};
use super::plan::{ORDINARY, RoutePlan};
use super::plan_read::{
    FEMALE, FRESH, MALE, bits, date, duration, number, places, tables, text, texts, time, void_from,
};
use super::policy::{Areas, Block, Listed, Policies, Step, To, Watched, When, Which};
use super::service;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::{Table, Value};

/// Names by their place in the file.
pub(super) struct Words<'a> {
    pub pools: &'a [String],
    pub trunks: &'a [String],
    pub skills: &'a [String],
    pub tags: &'a [String],
}

/// Names and times of `rings`.
pub(super) fn raw_steps(table: &Table) -> Vec<(String, Duration)> {
    let rings = table.get("rings").and_then(Value::as_array);
    let ring = |value: &Value| match value {
        Value::String(name) => Some((name.clone(), Duration::ZERO)),
        Value::Table(ring) => Some((
            text(ring, "pool").to_owned(),
            time(ring, "after", Duration::ZERO),
        )),
        _ => None,
    };
    rings.into_iter().flatten().filter_map(ring).collect()
}

fn steps(table: &Table, pools: &[String]) -> Vec<Step> {
    let to = |name: &str| {
        Some(match name {
            "@city" => To::City,
            "@paired" => To::Paired,
            "@province" => To::Province,
            "@nation" => To::Nation,
            name => {
                let at = pools.iter().position(|pool| pool == name)?;
                To::Pool(u16::try_from(at).ok()?)
            }
        })
    };
    let raw = raw_steps(table).into_iter();
    raw.filter_map(|(name, after)| Some((to(&name)?, after)))
        .collect()
}

fn skills_of(table: &Table, key: &str, words: &Words<'_>) -> u64 {
    let names = table.get(key).and_then(Value::as_table);
    let names: Vec<String> = names.into_iter().flat_map(|t| t.keys().cloned()).collect();
    bits(&names, words.skills)
}

fn when(table: &Table, words: &Words<'_>) -> When {
    let flag = |key: &str| table.get(key).and_then(Value::as_bool);
    let hours = match table.get("hours") {
        Some(Value::String(one)) => vec![one.clone()],
        _ => texts(table, "hours"),
    };
    When {
        called: texts(table, "called").iter().map(|it| plain(it)).collect(),
        callers: texts(table, "callers"),
        trunks: places(&texts(table, "trunks"), words.trunks),
        cities: texts(table, "cities")
            .iter()
            .map(|it| name_of(it))
            .collect(),
        provinces: texts(table, "provinces")
            .iter()
            .map(|it| province_of(it))
            .collect(),
        days: texts(table, "days"),
        hours: hours.iter().filter_map(|it| Shift::hours(it)).collect(),
        risk: flag("at_risk"),
        nuisance: flag("nuisance"),
        tags: bits(&texts(table, "tags"), words.tags),
        states: states(table, words),
    }
}

/// A city's name as the judges' table has it.
fn name_of(city: &str) -> String {
    let place = place::city(city).and_then(|place| place.city);
    place.unwrap_or(city).to_owned()
}

fn province_of(name: &str) -> String {
    place::province(name).unwrap_or(name).to_owned()
}

/// Pools and the states in one of which each must be.
fn states(table: &Table, words: &Words<'_>) -> Vec<(u16, u8)> {
    let named = table.get("states").and_then(Value::as_table);
    let of = |(name, value): (&String, &Value)| {
        let names = match value {
            Value::String(one) => vec![one.clone()],
            _ => strings(value),
        };
        let bits = names.iter().filter_map(|it| service::state(it));
        let pool = words.pools.iter().position(|pool| pool == name)?;
        Some((u16::try_from(pool).ok()?, bits.fold(0, |set, it| set | it)))
    };
    named.into_iter().flatten().filter_map(of).collect()
}

/// The texts of a list.
pub(super) fn strings(list: &Value) -> Vec<String> {
    let values = list.as_array().into_iter().flatten();
    values
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// Pools at whose state a route looks.
fn watched(file: &Table, words: &Words<'_>) -> Vec<Watched> {
    let routes = tables(file, "routes");
    let asked: Vec<u16> = routes
        .iter()
        .flat_map(|route| states(route, words))
        .map(|it| it.0)
        .collect();
    let pools = (0u16..).zip(tables(file, "pools"));
    let pools = pools.filter(|(pool, _)| asked.contains(pool));
    pools
        .map(|(pool, table)| Watched {
            pool,
            waiting: table
                .contains_key("overloaded_waiting")
                .then(|| number(table, "overloaded_waiting", 0)),
            wait: duration(text(table, "overloaded_wait")),
        })
        .collect()
}

fn blocks(file: &Table, words: &Words<'_>) -> Vec<Block> {
    let read = |block: &Table| {
        let digits = |head: &String| head.replace('-', "");
        Some(Block {
            place: place::city(text(block, "city"))?,
            callers: texts(block, "callers").iter().map(digits).collect(),
            trunks: places(&texts(block, "trunks"), words.trunks),
        })
    };
    tables(file, "blocks")
        .into_iter()
        .filter_map(read)
        .collect()
}

fn cells(file: &Table) -> Vec<(String, Place)> {
    let read = |cell: &Table| {
        let place = place::city(text(cell, "city"))?;
        Some((text(cell, "prefix").to_ascii_uppercase(), place))
    };
    tables(file, "cells").into_iter().filter_map(read).collect()
}

/// Reads the routes; steps of one that another goes on with stand behind that one's.
pub(super) fn routes(list: &[&Table], words: &Words<'_>) -> Vec<RoutePlan> {
    let of = |name: &str| list.iter().find(|route| text(route, "name") == name);
    let read = |route: &&Table| {
        let mut chain = steps(route, words.pools);
        let mut last = *route;
        // Circles are the file's mistake.
        for _ in 0..list.len() {
            let Some(next) = of(text(last, "then")) else {
                break;
            };
            let from = chain.last().map_or(Duration::ZERO, |step| step.1);
            let from = from + time(last, "then_after", Duration::ZERO);
            let more = steps(next, words.pools).into_iter();
            chain.extend(more.map(|(to, after)| (to, from + after)));
            last = next;
        }
        RoutePlan {
            name: text(route, "name").to_owned(),
            when: when(route, words),
            steps: chain,
            class: u8::try_from(number(route, "class", u64::from(ORDINARY))).unwrap_or(ORDINARY),
            risk: route.get("risk").and_then(Value::as_bool).unwrap_or(false),
            required: bits(&texts(route, "skills"), words.skills),
            preferred: skills_of(route, "prefer", words),
        }
    };
    list.iter().map(read).collect()
}

fn areas(file: &Table, words: &Words<'_>) -> Areas {
    let mut out = Areas::default();
    for area in tables(file, "areas") {
        let pools: Vec<u16> = places(&texts(area, "pools"), words.pools);
        let paired = texts(area, "paired").iter().map(|it| name_of(it)).collect();
        if area.contains_key("city") {
            out.cities
                .insert(name_of(text(area, "city")), (pools, paired));
        } else if area.contains_key("code") {
            out.codes
                .insert(text(area, "code").to_owned(), (pools, paired));
        } else if area.contains_key("province") {
            out.provinces
                .insert(province_of(text(area, "province")), pools);
        } else {
            out.nation = pools;
        }
    }
    out
}

fn numbers(
    file: &Table,
    words: &Words<'_>,
    accounts: &BTreeMap<String, u32>,
    clock: &Clock,
) -> BTreeMap<String, Vec<Listed>> {
    let mut out: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for entry in tables(file, "numbers") {
        let flag = |key: &str| entry.get(key).and_then(Value::as_bool).unwrap_or(false);
        let listed = Listed {
            risk: flag("risk"),
            nuisance: flag("nuisance"),
            counsellor: accounts.get(text(entry, "counsellor")).copied(),
            tags: bits(&texts(entry, "tags"), words.tags),
            until: date(entry.get("until")).and_then(|day| void_from(day, clock)),
        };
        let one = text(entry, "number").to_owned();
        let all = texts(entry, "numbers").into_iter().chain([one]);
        for number in all.filter(|number| !number.is_empty()) {
            out.entry(plain(&number)).or_default().push(listed.clone());
        }
    }
    out
}

/// Reads what holds across all routes.
pub(super) fn policies(
    file: &Table,
    words: &Words<'_>,
    accounts: &BTreeMap<String, u32>,
    clock: &Clock,
) -> Policies {
    let empty = Table::new();
    let section = |key: &str| file.get(key).and_then(Value::as_table).unwrap_or(&empty);
    let (risk, nuisance, care) = (section("risk"), section("nuisance"), section("care"));
    let recovery = care
        .get("recovery")
        .and_then(Value::as_table)
        .unwrap_or(&empty);
    let none = Duration::ZERO;
    let count = |table, key| usize::try_from(number(table, key, 0)).unwrap_or(0);
    let preferences = tables(file, "preferences").into_iter().map(|it| {
        let gender = match text(it, "counsellor") {
            "female" => FEMALE,
            "male" => MALE,
            _ => 0,
        };
        let skills = skills_of(it, "prefer", words) | gender;
        (text(it, "name").to_owned(), when(it, words), skills)
    });
    let risk_calls = u16::try_from(number(care, "risk_calls_per_shift", 0)).unwrap_or(0);
    let aliases = tables(file, "aliases").into_iter();
    let aliases = aliases.map(|it| (plain(text(it, "number")), place::city(text(it, "city"))));
    Policies {
        first: first(section("routing")),
        areas: areas(file, words),
        by_place: by_place(file),
        aliases: aliases.collect(),
        blocks: blocks(file, words),
        cells: cells(file),
        watched: watched(file, words),
        numbers: numbers(file, words, accounts, clock),
        dropped_within: time(risk, "dropped_within", none),
        flagged_for: time(risk, "flagged_for", none),
        own_hold: time(risk, "own_hold", none),
        risk_steps: steps(risk, words.pools),
        risk_prefer: skills_of(risk, "prefer", words),
        danger_key: text(risk, "danger_key").chars().next(),
        calls_a_day: count(nuisance, "calls_a_day"),
        short_calls: count(nuisance, "short_calls"),
        short: time(nuisance, "short", none),
        nuisance_class: nuisance
            .contains_key("class")
            .then(|| u8::try_from(number(nuisance, "class", 0)).unwrap_or(0)),
        nuisance_steps: steps(nuisance, words.pools),
        marked_for: time(nuisance, "marked_for", Duration::from_secs(30 * 86_400)),
        redial_within: time(section("redial"), "within", none),
        preferences: preferences.collect(),
        risk_calls,
        fresh: if risk_calls > 0 { FRESH } else { 0 },
        talk: duration(text(care, "talk_per_shift")),
        rest_risk: time(recovery, "risk", none),
        rest_emergency: time(recovery, "emergency", none),
        rest_long: duration(text(recovery, "long_from"))
            .map(|from| (time(recovery, "long", none), from)),
        emergency_keys: tables(section("transfer"), "keys")
            .into_iter()
            .filter(|key| text(key, "kind") == "emergency")
            .map(|key| text(key, "name").to_owned())
            .collect(),
    }
}

fn first(routing: &Table) -> Vec<Which> {
    let words = texts(routing, "first");
    if words.is_empty() {
        return vec![Which::Called, Which::Here, Which::Home];
    }
    let which = |word: &String| match word.as_str() {
        "called" => Some(Which::Called),
        "here" => Some(Which::Here),
        "home" => Some(Which::Home),
        _ => None,
    };
    words.iter().filter_map(which).collect()
}

/// True if somebody asks where callers are.
fn by_place(file: &Table) -> bool {
    let policies = ["risk", "nuisance"].map(|key| file.get(key).and_then(Value::as_table));
    let rules = tables(file, "routes").into_iter();
    let rules: Vec<&Table> = rules
        .chain(tables(file, "preferences"))
        .chain(policies.into_iter().flatten())
        .collect();
    rules.iter().any(|rule| {
        rule.contains_key("cities")
            || rule.contains_key("provinces")
            || raw_steps(rule).iter().any(|step| step.0.starts_with('@'))
    })
}
