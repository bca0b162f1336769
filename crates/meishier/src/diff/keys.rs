//! Transfer keys and numbers of places, as rows that can be held against each other.

use super::facts::{Rows, duration, or_none};
use crate::wording;
use meishier_config::{Config, Dial, Key, Manner, PlaceRule, Reach, RuleOf};
use meishier_model::TrunkId;

/// One row for each key and for each line of a place.
pub fn rows(config: &Config, rows: &mut Rows) {
    let plan = &config.transfer;
    for key in &plan.keys {
        rows.insert(format!("transfer.keys {}", key.name), of_key(key, config));
    }
    for rule in &plan.places {
        let place = match rule.of {
            RuleOf::City(code) => code.to_string(),
            RuleOf::Province(code) => format!("{code}0000"),
        };
        let name = format!("transfer.places {place}{} {}", rule.district, rule.key);
        rows.insert(name, of_place(rule, config));
    }
}

fn of_key(key: &Key, config: &Config) -> String {
    let mut parts = vec![key.title.clone(), format!("{:?}", key.kind).to_lowercase()];
    parts.push(match &key.reach {
        Reach::Place => "by place".to_owned(),
        Reach::Fixed(list) => dials(list),
        Reach::Seats { pool, skills } => {
            let skills = wording::skills(config, *skills).join(" ");
            let pool = wording::pool(config, *pool);
            format!("pool {pool} {skills}").trim_end().to_owned()
        }
    });
    let manners = key.manners.iter().map(|it| match it {
        Manner::Warm => "warm",
        Manner::Consult => "consult",
        Manner::Quiet => "quiet",
        Manner::Blind => "blind",
    });
    parts.push(manners.collect::<Vec<_>>().join(" "));
    let times = [key.ring, key.limit, key.ask_within].map(duration);
    parts.push(format!(
        "ring {} limit {} ask {}",
        times[0], times[1], times[2]
    ));
    if !matches!(key.reach, Reach::Seats { .. }) {
        let trunks = std::iter::once(&key.trunk).chain(&key.backup);
        let names = trunks.map(|id| trunk(config, *id));
        parts.push(format!("by {}", names.collect::<Vec<_>>().join(" ")));
    }
    parts.push(format!("star {}", or_none(&key.star)));
    for (word, said) in [
        ("brief", key.brief),
        ("dossier", key.dossier),
        ("consent", key.consent),
    ] {
        if said {
            parts.push(word.to_owned());
        }
    }
    parts.join(", ")
}

fn of_place(rule: &PlaceRule, config: &Config) -> String {
    let by = rule.trunk.map(|id| format!(" by {}", trunk(config, id)));
    format!("{}{}", dials(&rule.to), by.unwrap_or_default())
}

fn dials(list: &[Dial]) -> String {
    list.iter().map(Dial::as_str).collect::<Vec<_>>().join(" ")
}

fn trunk(config: &Config, id: TrunkId) -> &str {
    let trunk = config.trunk(id);
    trunk.map_or("", |it| &it.name)
}
