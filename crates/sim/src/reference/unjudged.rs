//! What a file says that the judges have no reading of. They would be lenient where they are to
//! judge, so they judge nothing of such a file, and say why.

use super::place;
use super::plan_read::{number, tables, text, texts};
use super::policy_read::{raw_steps, strings};
use super::service;
use toml::{Table, Value};

/// Tables that say where calls go, with the words that the judges read in them or that change
/// nothing for them.
const WORDS: &[(&str, &[&str])] = &[
    ("aliases", &["number", "name", "city"]),
    (
        "areas",
        &["city", "province", "code", "nation", "pools", "paired"],
    ),
    ("blocks", &["city", "callers", "trunks"]),
    ("cells", &["prefix", "city"]),
    (
        "numbers",
        &[
            "number",
            "numbers",
            "risk",
            "nuisance",
            "counsellor",
            "tags",
            "until",
            "reason",
            "by",
        ],
    ),
    (
        "pools",
        &[
            "name",
            "title",
            "shifts",
            "overloaded_waiting",
            "overloaded_wait",
            "going_down",
            "strategy",
        ],
    ),
    (
        "preferences",
        &[
            "name",
            "title",
            "prefer",
            "counsellor",
            "called",
            "callers",
            "trunks",
            "cities",
            "provinces",
            "hours",
            "days",
            "at_risk",
            "nuisance",
            "tags",
        ],
    ),
    (
        "routes",
        &[
            "name",
            "title",
            "rings",
            "then",
            "then_after",
            "class",
            "risk",
            "skills",
            "prefer",
            "called",
            "callers",
            "trunks",
            "cities",
            "provinces",
            "hours",
            "days",
            "at_risk",
            "nuisance",
            "tags",
            "states",
        ],
    ),
    (
        "trunks",
        &[
            "name",
            "title",
            "peers",
            "out",
            "transport",
            "answer",
            "early",
            "answer_after",
            "codecs",
            "outgoing_number",
            "area_code",
            "trust",
            "keep_caller_user",
            "options_every",
        ],
    ),
    (
        "care",
        &["risk_calls_per_shift", "talk_per_shift", "recovery"],
    ),
    (
        "nuisance",
        &[
            "calls_a_day",
            "short_calls",
            "short",
            "class",
            "marked_for",
            "rings",
        ],
    ),
    ("redial", &["within"]),
    (
        "risk",
        &[
            "dropped_within",
            "flagged_for",
            "own_hold",
            "prefer",
            "danger_key",
            "rings",
        ],
    ),
    ("routing", &["default", "first", "calendar"]),
];

/// Headers for which a trunk may be trusted.
const TRUSTED: [&str; 5] = ["asserted", "remote_party", "diversion", "history", "cell"];
const STEPS: [&str; 4] = ["@city", "@paired", "@province", "@nation"];

/// The first thing that is not judged, in words.
pub(super) fn unjudged(file: &Table) -> Option<String> {
    let sections = ["exceptional", "include"];
    let section = sections.into_iter().find(|it| file.contains_key(*it));
    section
        .map(|section| format!("{section} is not judged"))
        .or_else(|| words(file))
        .or_else(|| trunks(file))
        .or_else(|| places(file))
        .or_else(|| states(file))
        .or_else(|| steps(file))
}

/// Each table of a name, whether there may be one or many.
fn each<'t>(file: &'t Table, name: &str) -> Vec<&'t Table> {
    match file.get(name) {
        Some(Value::Table(one)) => vec![one],
        _ => tables(file, name),
    }
}

fn words(file: &Table) -> Option<String> {
    for (section, known) in WORDS {
        let keys = each(file, section).into_iter().flat_map(Table::keys);
        if let Some(key) = keys.into_iter().find(|key| !known.contains(&key.as_str())) {
            return Some(format!("{key} of {section} is not judged"));
        }
    }
    None
}

fn trunks(file: &Table) -> Option<String> {
    for trunk in tables(file, "trunks") {
        let code = text(trunk, "area_code");
        if trunk.contains_key("area_code") && place::code(code).is_none() {
            return Some(format!("area_code {code} is not in the judges' table"));
        }
        let trust = texts(trunk, "trust");
        // The carriers of the simulator name callers in no other header.
        if trunk.contains_key("trust") && !trust.iter().any(|word| word == "asserted") {
            return Some("trust without \"asserted\" is not judged".to_owned());
        }
        if let Some(word) = trust.iter().find(|word| !TRUSTED.contains(&word.as_str())) {
            return Some(format!("trust in {word:?} is not judged"));
        }
    }
    None
}

fn places(file: &Table) -> Option<String> {
    let known = |key: &str, name: &str| match key {
        "city" | "cities" | "paired" => place::city(name).is_some(),
        "code" => place::shared(name).is_some(),
        _ => place::province(name).is_some(),
    };
    for section in [
        "aliases",
        "areas",
        "blocks",
        "cells",
        "preferences",
        "routes",
    ] {
        for table in tables(file, section) {
            for key in ["city", "code", "province", "cities", "provinces", "paired"] {
                let one = table.get(key).and_then(Value::as_str).map(str::to_owned);
                let names = texts(table, key).into_iter().chain(one);
                if let Some(name) = names.into_iter().find(|name| !known(key, name)) {
                    return Some(format!("{name} of {section} is not in the judges' tables"));
                }
            }
            let of_nothing = match section {
                "areas" => !["city", "code", "province", "nation"]
                    .iter()
                    .any(|it| table.contains_key(*it)),
                "blocks" | "cells" => !table.contains_key("city"),
                _ => false,
            };
            if of_nothing {
                return Some(format!("{section} of no place are not judged"));
            }
        }
    }
    None
}

fn states(file: &Table) -> Option<String> {
    let pools = tables(file, "pools");
    for route in tables(file, "routes") {
        let asked = route.get("states").and_then(Value::as_table);
        for (name, value) in asked.into_iter().flatten() {
            let Some(pool) = pools.iter().find(|pool| text(pool, "name") == name) else {
                return Some(format!(
                    "states of {name}, which is no pool, are not judged"
                ));
            };
            if number(pool, "overloaded_waiting", 1) == 0 || pool.contains_key("going_down") {
                return Some(format!("states of {name}, which goes down, are not judged"));
            }
            let one = value.as_str().map(str::to_owned);
            let words: Vec<String> = strings(value).into_iter().chain(one).collect();
            let unknown = words.iter().find(|word| service::state(word).is_none());
            if unknown.is_some() || words.is_empty() {
                return Some(format!("state {unknown:?} of {name} is not judged"));
            }
        }
    }
    None
}

fn steps(file: &Table) -> Option<String> {
    let pools = tables(file, "pools");
    let policies = ["risk", "nuisance"].map(|key| file.get(key).and_then(Value::as_table));
    let rules = tables(file, "routes").into_iter();
    let rules = rules.chain(policies.into_iter().flatten());
    for (step, _) in rules.flat_map(raw_steps) {
        let named = pools.iter().any(|pool| text(pool, "name") == step);
        if !named && !STEPS.contains(&step.as_str()) {
            return Some(format!("a step to {step} is not judged"));
        }
    }
    None
}
