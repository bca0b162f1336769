//! The answer for programs.

use super::{Answer, PoolAnswer, Question, RuleAnswer};
use crate::loaded::Loaded;
use crate::moment::rfc3339;
use crate::{land, wording};
use meishier_model::DialString;
use meishier_routing::{Number, Which};
use serde_json::{Value, json};

/// One object.
pub fn json(question: &Question, answer: &Answer, loaded: &Loaded) -> Value {
    let config = &loaded.config;
    let table = &config.routing;
    let decision = &answer.explained.decision;
    let withheld = Number::new(question.caller.reveal()).as_bytes().is_empty();
    let shown = |number: &DialString| match question.reveal {
        true => number.reveal().to_owned(),
        false => number.masked(),
    };
    let route = table.route_names().nth(usize::from(decision.route.0));
    let preferred = decision
        .preferred
        .iter()
        .map(|it| json!({"skill": wording::skill(config, it.skill), "weight": it.weight}));
    let own = decision
        .own
        .and_then(|id| config.counsellors.get(id.0 as usize));
    let trunk = config.trunk(question.trunk);
    json!({
        "table": loaded.table(),
        "at": rfc3339(question.wall, table),
        "calendar_known": table.calendar().covers(table.civil(question.wall).0.year()),
        "from": (!withheld).then(|| shown(&question.caller)),
        "to": shown_called(question),
        "trunk": trunk.map(|it| &it.name),
        "place": place(answer, loaded),
        "ambiguous": decision.ambiguous(),
        "route": route,
        "pools": answer.pools.iter().map(|it| pool(it, loaded)).collect::<Vec<_>>(),
        "taking": decision.taking != 0,
        "class": decision.class.number(),
        "risk": decision.risk,
        "skills": wording::skills(config, decision.required),
        "prefer": preferred.collect::<Vec<_>>(),
        "counsellor": own.map(|it| &it.account),
        "reason": table.reason(decision),
        "rules": answer.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

/// The hotline's own numbers are nobody's; anything else may be.
pub fn shown_called(question: &Question) -> String {
    let called = question.called.reveal();
    let hotline = called.len() <= 9 && called.ends_with("12356");
    match question.reveal || hotline {
        true => called.to_owned(),
        false => question.called.masked(),
    }
}

fn place(answer: &Answer, loaded: &Loaded) -> Value {
    let settled = &answer.explained.decision.place;
    let table = &loaded.config.routing;
    let name = |city| land::city_name(table, city);
    let found = answer.found();
    let which = settled.which.map(|it| match it {
        Which::Called => "called",
        Which::Here => "here",
        Which::Home => "home",
    });
    json!({
        "city": settled.city.and_then(name),
        "other": settled.other.and_then(name),
        "shared_code": settled.code.map(|first| land::area_code(table, first)),
        "province": settled.province.map(|it| land::province(table, it)),
        "which": which,
        "by": found.as_ref().map(land::source),
        "confidence": found.as_ref().map(land::confidence),
    })
}

fn pool(pool: &PoolAnswer, loaded: &Loaded) -> Value {
    let config = &loaded.config;
    let moment = |wall| rfc3339(wall, &config.routing);
    let found = config.pools.get(usize::from(pool.pool.0));
    json!({
        "pool": found.map(|it| &it.name),
        "title": found.map(|it| &it.title),
        "after_s": pool.after.as_secs(),
        "taking": pool.taking,
        "lines": pool.lines,
        "state": pool.now.service.as_str(),
        "full": pool.now.full,
        "until": pool.until.map(moment),
        "opens": pool.opens.map(moment),
    })
}

fn rule(rule: &RuleAnswer) -> Value {
    json!({
        "rule": rule.name,
        "hit": rule.miss.is_none(),
        "miss": rule.miss.map(|it| it.as_str()),
        "file": rule.place.as_ref().map(|it| &it.file),
        "line": rule.place.as_ref().map(|it| it.line),
    })
}
