//! Routes and preferences with conditions that no sampled call has together: states of pools, and what is
//! known of a caller beside who calls and where. They are held against each other as they are written.

use crate::loaded::Loaded;
use meishier_model::DialString;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Conditions that are sampled for ordinary callers alone.
const KNOWN: [&str; 3] = ["at_risk", "nuisance", "tags"];
/// Conditions of which one beside those is more than a sample has.
const PLACE: [&str; 5] = ["called", "callers", "trunks", "cities", "provinces"];
/// Conditions that follow the clock.
const TIME: [&str; 2] = ["hours", "days"];
/// Longest beginning of a number that may be shown.
const SHOWN: usize = 8;

/// One row for each such rule: its conditions, and what it gives. Its name and title do not count.
pub fn rows(loaded: &Loaded) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for text in loaded.texts() {
        // The file has been read without a mistake a moment ago.
        let Ok(document) = DeTable::parse(text) else {
            continue;
        };
        for kind in ["routes", "preferences"] {
            let list = document.get_ref().get(kind);
            let list = list.and_then(|it| it.get_ref().as_array());
            let entries = list.into_iter().flatten();
            for entry in entries.filter_map(|it| it.get_ref().as_table()) {
                if is_beyond(entry) {
                    let row = out.entry(format!("{kind} {}", part(entry, true)));
                    let row = row.or_default();
                    if !row.is_empty() {
                        row.push_str(" + ");
                    }
                    row.push_str(&part(entry, false));
                }
            }
        }
    }
    out
}

fn is_beyond(entry: &DeTable<'_>) -> bool {
    let has = |keys: &[&str]| keys.iter().filter(|it| entry.contains_key(**it)).count();
    let known = has(&KNOWN);
    entry.contains_key("states") || known > 1 || (known == 1 && has(&PLACE) > 0)
}

fn part(entry: &DeTable<'_>, conditions: bool) -> String {
    let is_condition = |key: &str| {
        key == "states" || KNOWN.contains(&key) || PLACE.contains(&key) || TIME.contains(&key)
    };
    let mut parts: Vec<String> = entry
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), value.get_ref()))
        .filter(|(key, _)| !["name", "title"].contains(key) && is_condition(key) == conditions)
        .map(|(key, value)| format!("{key} = {}", words(value)))
        .collect();
    parts.sort();
    parts.join(", ")
}

fn words(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(list) => {
            let list: Vec<String> = list.iter().map(|it| words(it.get_ref())).collect();
            format!("[{}]", list.join(", "))
        }
        DeValue::Table(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| format!("{} = {}", key.get_ref(), words(value.get_ref())));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What is nearly a whole number may be somebody's, and is masked.
fn shown(text: &str) -> String {
    let digits = text.chars().all(|it| it.is_ascii_digit() || it == '-');
    match digits && text.len() > SHOWN {
        true => DialString::new(text).masked(),
        false => text.to_owned(),
    }
}
