//! What stands in a table besides its decisions, as rows that can be held against each other.

use crate::loaded::{Loaded, strings};
use crate::moment::{self, clock};
use crate::wording::{self, join, say};
use meishier_config::{Config, Lang, Strategy};
use meishier_model::{DialString, PoolId, Wall};
use meishier_routing::{
    Date, Exception, ExceptionalLines, ExceptionalPools, Ladder, Listed, Number, To, Which,
};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::de::DeTable;

/// One row that differs.
pub struct FactChange {
    /// What it is about: a key of the file, or a masked number.
    pub key: String,
    /// What stood there.
    pub old: Option<String>,
    /// What stands there.
    pub new: Option<String>,
}

pub(super) type Rows = BTreeMap<String, String>;

fn changes(old: Rows, mut new: Rows, shown: impl Fn(String) -> String) -> Vec<FactChange> {
    let mut out = Vec::new();
    for (key, value) in old {
        let other = new.remove(&key);
        if other.as_ref() != Some(&value) {
            out.push(FactChange {
                key: shown(key),
                old: Some(value),
                new: other,
            });
        }
    }
    out.extend(new.into_iter().map(|(key, value)| FactChange {
        key: shown(key),
        old: None,
        new: Some(value),
    }));
    out
}

/// Numbers of which people say something else, masked.
pub fn numbers(old: &Loaded, new: &Loaded, lang: Lang) -> Vec<FactChange> {
    let rows = |loaded: &Loaded| {
        let tags = &loaded.config.tags;
        let mut rows = Rows::new();
        for entry in &loaded.config.routing.policies().listed {
            let number = Number::new(&entry.number).as_str().to_owned();
            let words = listed(entry, &loaded.config, tags, lang);
            let row: &mut String = rows.entry(number).or_default();
            if !row.is_empty() {
                row.push_str(" + ");
            }
            row.push_str(&words);
        }
        rows
    };
    changes(rows(old), rows(new), |number| {
        DialString::new(&number).masked()
    })
}

fn listed(entry: &Listed, config: &Config, tags: &[String], lang: Lang) -> String {
    let mut parts = Vec::new();
    if entry.risk {
        parts.push(say(lang, "高危", "at risk").to_owned());
    }
    if entry.nuisance {
        parts.push(say(lang, "骚扰", "nuisance").to_owned());
    }
    let own = entry
        .counsellor
        .and_then(|id| config.counsellors.get(id.0 as usize));
    if let Some(own) = own {
        parts.push(format!(
            "{} {}",
            say(lang, "咨询员", "counsellor"),
            own.account
        ));
    }
    for (at, tag) in tags.iter().enumerate() {
        if entry.tags.meet(meishier_routing::Tags::default().with(at)) {
            parts.push(tag.clone());
        }
    }
    if let Some(until) = entry.until {
        let (date, minute) = config.routing.civil(until);
        parts.push(format!(
            "{} {date} {}",
            say(lang, "至", "until"),
            clock(minute)
        ));
    }
    join(&parts, lang)
}

/// Policies, pools' own settings, trunks, calendar and exceptional times.
pub fn policies(old: &Loaded, new: &Loaded, lang: Lang) -> Vec<FactChange> {
    let now = meishier_net::Clock::system().wall();
    let rows = |loaded: &Loaded, other: &Loaded| {
        let config = &loaded.config;
        let mut rows = Rows::new();
        policy_rows(config, &mut rows);
        pool_rows(config, &other.config, &mut rows);
        calendar_rows(config, now, lang, &mut rows);
        trunk_rows(config, lang, &mut rows);
        care_rows(config, &mut rows);
        super::keys::rows(config, &mut rows);
        alias_rows(loaded, &mut rows);
        rows.extend(super::rules::rows(loaded));
        rows.insert("tags".to_owned(), or_none(&config.tags.join(", ")));
        rows
    };
    changes(rows(old, new), rows(new, old), |key| key)
}

fn policy_rows(config: &Config, rows: &mut Rows) {
    let policies = config.routing.policies();
    let (risk, nuisance) = (&policies.risk, &policies.nuisance);
    let mut row = |key: &str, value: String| rows.insert(key.to_owned(), value);
    let first = policies.first.iter().map(|it| match it {
        Which::Called => "called",
        Which::Here => "here",
        Which::Home => "home",
    });
    row("routing.first", first.collect::<Vec<_>>().join(", "));
    row("risk.dropped_within", duration(risk.dropped_within));
    row("risk.flagged_for", duration(risk.flagged_for));
    row("risk.own_hold", duration(risk.own_hold));
    row("risk.prefer", preferences(config, &risk.prefer));
    row("risk.rings", ladder(config, &risk.steps));
    let key = risk.danger_key.map(char::from);
    row(
        "risk.danger_key",
        key.map_or_else(|| "-".to_owned(), String::from),
    );
    row("nuisance.calls_a_day", nuisance.calls_a_day.to_string());
    row("nuisance.short_calls", nuisance.short_calls.to_string());
    row("nuisance.short", duration(nuisance.short));
    let class = nuisance.class.map(|it| it.number().to_string());
    row("nuisance.class", class.unwrap_or_else(|| "-".to_owned()));
    row("nuisance.rings", ladder(config, &nuisance.steps));
    row("nuisance.marked_for", duration(nuisance.marked_for));
    row("redial.within", duration(policies.redial.within));
    for rule in &policies.preferences {
        row(
            &format!("preferences {}", rule.name),
            preferences(config, &rule.prefer),
        );
    }
}

/// What a trunk's calls are believed, and of which area its local numbers are.
fn trunk_rows(config: &Config, lang: Lang, rows: &mut Rows) {
    for trunk in &config.trunks {
        let name = &trunk.name;
        let there = say(lang, "有", "there");
        rows.insert(format!("trunks {name}"), there.to_owned());
        let trust: Vec<&str> = trunk.trust.names().collect();
        rows.insert(format!("trunks {name} trust"), or_none(&trust.join(", ")));
        let code = trunk.area_code.as_deref().unwrap_or_default();
        rows.insert(format!("trunks {name} area_code"), or_none(code));
    }
}

fn care_rows(config: &Config, rows: &mut Rows) {
    let care = &config.care;
    let recovery = &care.recovery;
    let mut row = |key: &str, value: String| rows.insert(format!("care.{key}"), value);
    row("risk_calls_per_shift", care.risk_calls.to_string());
    row("talk_per_shift", duration(care.talk.unwrap_or_default()));
    row("recovery.risk", duration(recovery.risk));
    row("recovery.emergency", duration(recovery.emergency));
    row("recovery.long", duration(recovery.long));
    row("recovery.long_from", duration(recovery.long_from));
    let key = care.nuisance_key.iter();
    let keys: String = key
        .flat_map(|key| (0..).map_while(|at| key.after(at)))
        .collect();
    row("nuisance_key", or_none(&keys));
    let hours = config.call_backs.hours;
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let end = match hours.end() {
        past if hours.crosses_midnight() => past - 24 * 60,
        end => end,
    };
    row(
        "call_back_hours",
        format!("{}-{}", time(hours.start()), time(end)),
    );
    let trunks = config.call_backs.trunks.iter();
    let names = trunks.filter_map(|it| config.trunks.get(usize::from(it.0)));
    let names: Vec<&str> = names.map(|it| it.name.as_str()).collect();
    row("call_back_trunks", or_none(&names.join(", ")));
}

/// Old numbers of the hotline with the cities that they are of. Their names are only names.
fn alias_rows(loaded: &Loaded, rows: &mut Rows) {
    for text in loaded.texts() {
        // The file has been read without a mistake a moment ago.
        let Ok(document) = DeTable::parse(text) else {
            continue;
        };
        let list = document.get_ref().get("aliases");
        let list = list.and_then(|it| it.get_ref().as_array());
        for entry in list.into_iter().flatten() {
            let Some(entry) = entry.get_ref().as_table() else {
                continue;
            };
            let city = strings(entry, "city").join(", ");
            for number in strings(entry, "number") {
                let number = Number::new(number);
                rows.insert(format!("aliases {}", number.as_str()), or_none(&city));
            }
        }
    }
}

/// Settings of the pools that both configurations have.
fn pool_rows(config: &Config, other: &Config, rows: &mut Rows) {
    let shared = |name: &str| other.pools.iter().any(|it| it.name == name);
    let pools = config.pools.iter().zip(0u16..);
    for (pool, id) in pools.filter(|(pool, _)| shared(&pool.name)) {
        let rules = config
            .routing
            .service_rules(PoolId(id))
            .copied()
            .unwrap_or_default();
        let name = &pool.name;
        let mut row = |key: &str, value: String| rows.insert(format!("pools {name} {key}"), value);
        let waiting = rules.overloaded_waiting.map(|it| it.to_string());
        row(
            "overloaded_waiting",
            waiting.unwrap_or_else(|| "-".to_owned()),
        );
        row(
            "overloaded_wait",
            duration(rules.overloaded_wait.unwrap_or_default()),
        );
        row("going_down", duration(rules.going_down.unwrap_or_default()));
        let strategy = match pool.strategy {
            Strategy::LongestIdle => "longest_idle",
            Strategy::BestSkill => "best_skill",
            Strategy::LeastTalk => "least_talk",
            Strategy::RoundRobin => "round_robin",
        };
        row("strategy", strategy.to_owned());
    }
}

fn calendar_rows(config: &Config, now: Wall, lang: Lang, rows: &mut Rows) {
    let table = &config.routing;
    let shown = moment::rfc3339(now, table);
    let offset = shown
        .get(shown.len().saturating_sub(6)..)
        .unwrap_or_default();
    rows.insert("zone".to_owned(), format!("UTC{offset}"));
    let year = table.civil(now).0.year();
    let first = Date::new(year, 1, 1).ok();
    let dates = std::iter::successors(first, |it| it.tomorrow().ok());
    for date in dates.take_while(|it| it.year() <= year.saturating_add(2)) {
        let words = match table.calendar().exception(date) {
            Some(Exception::Holiday) => say(lang, "节假日", "public holiday"),
            Some(Exception::Workday) => say(lang, "调休上班", "make-up workday"),
            None => continue,
        };
        rows.insert(format!("calendar {date}"), words.to_owned());
    }
    for entry in table.exceptional().entries() {
        let pools = match &entry.pools {
            ExceptionalPools::All => "all".to_owned(),
            ExceptionalPools::These(pools) => {
                let names: Vec<&str> = pools.iter().map(|it| wording::pool(config, *it)).collect();
                names.join(", ")
            }
        };
        let lines = match entry.lines {
            ExceptionalLines::AllLines => "all".to_owned(),
            ExceptionalLines::Closed => "0".to_owned(),
            ExceptionalLines::Number(lines) => lines.to_string(),
        };
        let moment = |wall| moment::rfc3339(wall, table);
        let key = format!(
            "exceptional {} {} {pools}",
            moment(entry.from),
            moment(entry.to)
        );
        rows.insert(key, format!("lines {lines}, {}", entry.reason));
    }
}

pub(super) fn or_none(text: &str) -> String {
    let text = if text.is_empty() { "-" } else { text };
    text.to_owned()
}

pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "-".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}min", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

fn preferences(config: &Config, list: &[meishier_routing::Preference]) -> String {
    let list: Vec<String> = list
        .iter()
        .map(|it| wording::preference(config, it))
        .collect();
    list.join(", ")
}

fn ladder(config: &Config, steps: &Ladder) -> String {
    let steps = steps.iter().map(|step| {
        let to = match step.to {
            To::Pool(pool) => wording::pool(config, pool),
            To::City => "@city",
            To::OtherCity => "@other_city",
            To::Paired => "@paired",
            To::Province => "@province",
            To::Nation => "@nation",
        };
        format!("{to} {}", duration(step.after))
    });
    steps.collect::<Vec<_>>().join(", ")
}
