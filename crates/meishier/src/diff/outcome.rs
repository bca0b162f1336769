//! What a caller gets, by names, so that two configurations can be held against each other.

use crate::moment::after;
use crate::wording::{self, join, say};
use meishier_config::{Config, Lang};
use meishier_model::Class;
use meishier_routing::Decision;
use serde_json::{Value, json};
use std::time::Duration;

/// What a caller gets at a moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Pools that take the call, with their waits; if none does, those that the caller waits for.
    pub rings: Vec<(String, Duration)>,
    /// Whether some pool takes calls.
    pub taking: bool,
    class: u8,
    risk: bool,
    skills: Vec<String>,
    prefer: Vec<String>,
    own: Option<String>,
}

impl Outcome {
    /// What a decision comes to. Pools that take no calls at the moment do not count beside others.
    /// `marked`: the caller is at risk whatever the table says, so that this is no outcome.
    pub fn of(config: &Config, decision: &Decision, marked: bool) -> Self {
        let taking = decision.taking != 0;
        let rings = decision.rings.iter().enumerate();
        let rings = rings.filter(|(at, _)| !taking || decision.taking & (1 << at) != 0);
        let own = decision
            .own
            .and_then(|id| config.counsellors.get(id.0 as usize));
        let prefer = decision
            .preferred
            .iter()
            .map(|it| wording::preference(config, it));
        Self {
            rings: rings
                .map(|(_, ring)| (wording::pool(config, ring.pool).to_owned(), ring.after))
                .collect(),
            taking,
            class: decision.class.number(),
            risk: decision.risk && !marked,
            skills: wording::skills(config, decision.required),
            prefer: prefer.collect(),
            own: own.map(|it| it.account.clone()),
        }
    }

    /// Who takes the call first; empty if nobody does.
    pub fn first(&self) -> &str {
        let first = self.rings.first().filter(|_| self.taking);
        first.map_or("", |(name, _)| name)
    }

    /// `guiyang 立即，province 15 秒后`, and what else is not as usual.
    pub fn words(&self, lang: Lang) -> String {
        let comma = say(lang, "，", ", ");
        let rings = self.rings.iter().map(|(name, wait)| match self.taking {
            true => format!("{name} {}", after(*wait, lang)),
            false => name.clone(),
        });
        let mut parts: Vec<String> = rings.collect();
        if !self.taking {
            let names = join(&parts, lang);
            parts = vec![match lang {
                Lang::Zh => format!("无人接听，等 {names} 开"),
                Lang::En => format!("nobody, until {names} opens"),
            }];
        }
        if self.class != Class::ORDINARY.number() {
            parts.push(format!("{} {}", say(lang, "优先级", "class"), self.class));
        }
        if self.risk {
            parts.push(say(lang, "高危", "at risk").to_owned());
        }
        if !self.skills.is_empty() {
            parts.push(format!(
                "{} {}",
                say(lang, "需要", "needs"),
                join(&self.skills, lang)
            ));
        }
        if !self.prefer.is_empty() {
            parts.push(format!(
                "{} {}",
                say(lang, "加分", "likes"),
                join(&self.prefer, lang)
            ));
        }
        if let Some(own) = &self.own {
            parts.push(format!("{} {own}", say(lang, "咨询员", "counsellor")));
        }
        parts.join(comma)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let rings = self
            .rings
            .iter()
            .map(|(name, wait)| json!({"pool": name, "after_s": wait.as_secs()}));
        json!({
            "taking": self.taking,
            "pools": rings.collect::<Vec<_>>(),
            "class": self.class,
            "risk": self.risk,
            "skills": self.skills,
            "prefer": self.prefer,
            "counsellor": self.own,
        })
    }
}
