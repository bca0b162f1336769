//! The engine's configuration as the deploy file has it, with what a scenario changes.

use super::Scenario;
use std::time::Duration;
use toml::{Table, Value};

/// What of the engine's configuration differs from the deploy file; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Shards.
    pub shards: Option<u16>,
    /// Most calls at a time.
    pub max_calls: Option<u32>,
    /// Most callers who may wait.
    pub max_waiting: Option<u32>,
    /// After-call work.
    pub wrapup: Option<Duration>,
    /// Interval of the announcements; zero for none.
    pub announce_every: Option<Duration>,
    /// When trunks answer.
    pub answer: Option<AnswerAs>,
    /// Latest time of the answer of a trunk that answers when a seat does.
    pub answer_after: Option<Duration>,
}

/// When a trunk's calls are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerAs {
    /// `on_seat`.
    OnSeat,
    /// `at_once`.
    AtOnce,
}

/// Applies the overlay and the route of the flagged numbers. A text that is no TOML comes back as
/// it is, for the engine's own reader to say what is wrong with it.
pub(super) fn apply(scenario: &Scenario) -> String {
    let Ok(mut file) = scenario.config_text.parse::<Table>() else {
        return scenario.config_text.clone();
    };
    let overlay = &scenario.engine;
    if let Some(shards) = overlay.shards {
        file.insert("shards".into(), i64::from(shards).into());
    }
    let number = |value: Option<u32>| value.map(|value| Value::from(i64::from(value)));
    let time = |value: Option<Duration>| value.map(|value| Value::from(show(value)));
    set(&mut file, "sip", "max_calls", number(overlay.max_calls));
    set(
        &mut file,
        "waiting",
        "max_waiting",
        number(overlay.max_waiting),
    );
    set(&mut file, "offer", "wrapup", time(overlay.wrapup));
    set(
        &mut file,
        "waiting",
        "announce_every",
        time(overlay.announce_every),
    );
    answer(&mut file, overlay);
    flag(&mut file, &scenario.flagged_prefix);
    toml::to_string(&file).unwrap_or_else(|_| scenario.config_text.clone())
}

fn set(file: &mut Table, section: &str, key: &str, value: Option<Value>) {
    let Some(value) = value else { return };
    let section = file.entry(section).or_insert_with(|| Table::new().into());
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

fn answer(file: &mut Table, overlay: &Overlay) {
    let Some(Value::Array(trunks)) = file.get_mut("trunks") else {
        return;
    };
    for trunk in trunks.iter_mut().filter_map(Value::as_table_mut) {
        match overlay.answer {
            Some(AnswerAs::AtOnce) => {
                // What is said while it is not answered has no meaning then.
                trunk.remove("early");
                trunk.remove("answer_after");
                trunk.insert("answer".into(), "at_once".into());
            }
            Some(AnswerAs::OnSeat) => {
                trunk.insert("answer".into(), "on_seat".into());
            }
            None => {}
        }
        if let Some(after) = overlay.answer_after
            && overlay.answer != Some(AnswerAs::AtOnce)
        {
            trunk.insert("answer_after".into(), show(after).into());
        }
    }
}

/// Puts a route for the flagged numbers before all others: at risk, and otherwise like the default.
fn flag(file: &mut Table, prefix: &str) {
    let default = file
        .get("routing")
        .and_then(|routing| routing.get("default"));
    let Some(default) = default.and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let Some(Value::Array(routes)) = file.get_mut("routes") else {
        return;
    };
    let named = |route: &&Value| route.get("name").and_then(Value::as_str) == Some(&default);
    let Some(mut route) = routes.iter().find(named).and_then(Value::as_table).cloned() else {
        return;
    };
    for key in ["called", "trunks", "title"] {
        route.remove(key);
    }
    route.insert("name".into(), "flagged".into());
    route.insert("callers".into(), Value::Array(vec![prefix.into()]));
    route.insert("risk".into(), true.into());
    routes.insert(0, Value::Table(route));
}

/// A duration as the configuration writes it.
fn show(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
