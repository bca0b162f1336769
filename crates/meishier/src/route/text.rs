//! The answer for people.

use super::json::shown_called;
use super::{Answer, PoolAnswer, Question, RuleAnswer};
use crate::land;
use crate::loaded::Loaded;
use crate::moment;
use crate::wording::{self, join, say};
use meishier_config::Lang;
use meishier_model::Class;
use meishier_routing::{Number, Rule, Which};
use std::fmt::Write as _;

/// Several lines, the last with its line break.
pub fn text(question: &Question, answer: &Answer, loaded: &Loaded, explain: bool) -> String {
    let mut rows = vec![
        call(question, loaded),
        place(question, answer, loaded),
        route(question, answer, loaded),
    ];
    rows.extend(calendar(question, loaded));
    rows.extend(qualities(question, answer, loaded));
    let lang = question.lang;
    let mut out = String::new();
    for (name, value) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name}{}{value}", say(lang, "：", ": "));
    }
    let _ = writeln!(out, "{}", say(lang, "坐席组：", "pools:"));
    for (pool, at) in answer.pools.iter().zip(1..) {
        let _ = writeln!(out, "  {at}. {}", ring(question, pool, loaded));
    }
    let _ = writeln!(out, "{}", verdict(question, answer, loaded));
    if explain {
        let hit = answer.rules.iter().filter(|it| it.miss.is_none()).count();
        let all = answer.rules.len();
        let _ = match lang {
            Lang::Zh => writeln!(out, "看过的规则 {all} 条，符合 {hit} 条："),
            Lang::En => writeln!(out, "rules looked at: {all}, of which hold: {hit}"),
        };
        for rule in &answer.rules {
            let _ = writeln!(out, "  {}", looked(rule, loaded, lang));
        }
    }
    let _ = match lang {
        Lang::Zh => writeln!(out, "配置版本：{}", loaded.table()),
        Lang::En => writeln!(out, "version of the files: {}", loaded.table()),
    };
    out
}

type Row = (&'static str, String);

fn call(question: &Question, loaded: &Loaded) -> Row {
    let (config, lang) = (&loaded.config, question.lang);
    let withheld = Number::new(question.caller.reveal()).as_bytes().is_empty();
    let caller = match (withheld, question.reveal) {
        (true, _) => say(lang, "号码不明", "a withheld number").to_owned(),
        (false, true) => question.caller.reveal().to_owned(),
        (false, false) => question.caller.masked(),
    };
    let called = shown_called(question);
    let trunk = config.trunk(question.trunk);
    let trunk = trunk.map_or("", |it| &it.name);
    let when = moment::words(question.wall, &config.routing, lang);
    let value = match lang {
        Lang::Zh => format!("{caller} 拨 {called}，从中继 {trunk} 来，{when}"),
        Lang::En => format!("{caller} dials {called}, over trunk {trunk}, {when}"),
    };
    (say(lang, "来电", "call"), value)
}

/// What is not known of the day, if hours or rules ask for it.
fn calendar(question: &Question, loaded: &Loaded) -> Option<Row> {
    let (table, lang) = (&loaded.config.routing, question.lang);
    if table.calendar_covers(question.wall) {
        return None;
    }
    let year = table.civil(question.wall).0.year();
    let value = match lang {
        Lang::Zh => format!("没有 {year} 年的节假日表，工作日和节假日只按星期推算"),
        Lang::En => {
            format!("no holidays of {year} are known: workdays and holidays go by weekday alone")
        }
    };
    Some((say(lang, "日历", "calendar"), value))
}

fn place(question: &Question, answer: &Answer, loaded: &Loaded) -> Row {
    let (table, lang) = (&loaded.config.routing, question.lang);
    let settled = &answer.explained.decision.place;
    let by = settled.which.and_then(|which| match which {
        // The evidence says so by itself.
        Which::Called => None,
        Which::Here => Some(say(lang, "按打来的地方", "where the call is made")),
        Which::Home => Some(say(lang, "按号码归属", "where the number is from")),
    });
    let evidence = answer.found().map(|found| land::evidence(&found, lang));
    let why: Vec<String> = by.map(str::to_owned).into_iter().chain(evidence).collect();
    let where_ = match (settled.city, settled.code, settled.province) {
        (Some(city), _, _) => land::city(table, city),
        (None, Some(first), _) => {
            let code = land::area_code(table, first);
            match lang {
                Lang::Zh => format!("区号 {code} 由多个城市共用，分不清是哪个"),
                Lang::En => {
                    format!("area code {code} is shared by several cities, which one is unknown")
                }
            }
        }
        (None, None, Some(province)) => land::province(table, province).to_owned(),
        (None, None, None) => say(lang, "不明", "unknown").to_owned(),
    };
    let mut value = where_;
    if !why.is_empty() {
        let why = why.join(say(lang, "，", ", "));
        value = match lang {
            Lang::Zh => format!("{value}，{why}"),
            Lang::En => format!("{value}: {why}"),
        };
    }
    if let Some(other) = settled.other {
        let other = land::city(table, other);
        let _ = match lang {
            Lang::Zh => write!(value, "；另有 {other}"),
            Lang::En => write!(value, "; also {other}"),
        };
    }
    (say(lang, "来电者所在", "caller's place"), value)
}

fn route(question: &Question, answer: &Answer, loaded: &Loaded) -> Row {
    let (table, lang) = (&loaded.config.routing, question.lang);
    let decision = &answer.explained.decision;
    let name = table
        .route_names()
        .nth(usize::from(decision.route.0))
        .unwrap_or_default();
    let rule = Rule::Route(decision.route.0);
    let mut value = name.to_owned();
    if decision
        .rules
        .iter()
        .any(|it| matches!(it, Rule::Default(_)))
    {
        value.push_str(say(
            lang,
            "（没有路由符合，用默认路由）",
            " (none holds: the default)",
        ));
    }
    if let Some(place) = loaded.place(rule) {
        let _ = write!(value, "  {}:{}", place.file, place.line);
    }
    (say(lang, "路由", "route"), value)
}

fn qualities(question: &Question, answer: &Answer, loaded: &Loaded) -> Vec<Row> {
    let (config, lang) = (&loaded.config, question.lang);
    let decision = &answer.explained.decision;
    let class = decision.class.number();
    let ordinary = decision.class == Class::ORDINARY;
    let class = match (lang, ordinary) {
        (Lang::Zh, true) => format!("{class}（普通；0 最先，7 最后）"),
        (Lang::Zh, false) => format!("{class}（0 最先，7 最后）"),
        (Lang::En, true) => format!("{class} (ordinary; 0 first, 7 last)"),
        (Lang::En, false) => format!("{class} (0 first, 7 last)"),
    };
    let risk = match decision.risk {
        true => say(lang, "是，排在所有人之前", "yes, before everybody else"),
        false => say(lang, "否", "no"),
    };
    let mut rows = vec![
        (say(lang, "优先级", "class"), class),
        (say(lang, "高危", "at risk"), risk.to_owned()),
    ];
    let needed = wording::skills(config, decision.required);
    if !needed.is_empty() {
        rows.push((
            say(lang, "需要的技能", "skills needed"),
            join(&needed, lang),
        ));
    }
    let preferred = decision.preferred.iter();
    let preferred: Vec<_> = preferred
        .map(|it| wording::preference(config, it))
        .collect();
    if !preferred.is_empty() {
        rows.push((
            say(lang, "加分的技能", "skills liked"),
            join(&preferred, lang),
        ));
    }
    let own = decision
        .own
        .and_then(|id| config.counsellors.get(id.0 as usize));
    if let Some(own) = own {
        let value = match lang {
            Lang::Zh => format!("{}（{}）", own.title, own.account),
            Lang::En => format!("{} ({})", own.title, own.account),
        };
        rows.push((say(lang, "安排的咨询员", "planned counsellor"), value));
    }
    rows
}

fn ring(question: &Question, pool: &PoolAnswer, loaded: &Loaded) -> String {
    let (config, lang) = (&loaded.config, question.lang);
    let table = &config.routing;
    let found = config.pools.get(usize::from(pool.pool.0));
    let (name, title) = found.map_or(("", ""), |it| (&*it.name, &*it.title));
    let short = |wall| moment::short(wall, question.wall, table, lang);
    let mut out = name.to_owned();
    if !title.is_empty() && title != name {
        let _ = match lang {
            Lang::Zh => write!(out, "（{title}）"),
            Lang::En => write!(out, " ({title})"),
        };
    }
    out.push_str(say(lang, "：", ": "));
    if pool.lines == 0 {
        let opens = pool.opens.map(short);
        out.push_str(&match (lang, opens) {
            (Lang::Zh, Some(at)) => format!("此刻关门，{at} 开"),
            (Lang::Zh, None) => "一直关门".to_owned(),
            (Lang::En, Some(at)) => format!("closed, opens {at}"),
            (Lang::En, None) => "closed for good".to_owned(),
        });
        return out;
    }
    out.push_str(&match pool.taking {
        true => moment::after(pool.after, lang),
        false => say(lang, "此刻不接", "takes no calls now").to_owned(),
    });
    let (lines, until) = (pool.lines, pool.until.map(short));
    out.push_str(&match (lang, until) {
        (Lang::Zh, Some(at)) => format!("，开放 {lines} 条线路，到 {at}"),
        (Lang::Zh, None) => format!("，开放 {lines} 条线路，一周内不关"),
        (Lang::En, Some(at)) => format!(", {lines} lines, until {at}"),
        (Lang::En, None) => format!(", {lines} lines, not closing within a week"),
    });
    if pool.now.service != meishier_routing::Service::Normal {
        let state = wording::service(pool.now.service, lang);
        let _ = write!(out, "{}{state}", say(lang, "，状态：", ", state: "));
    }
    if pool.now.full {
        out.push_str(say(lang, "，线路已满", ", every line in use"));
    }
    out
}

fn verdict(question: &Question, answer: &Answer, loaded: &Loaded) -> String {
    let lang = question.lang;
    if let Some(first) = answer.pools.iter().find(|it| it.taking) {
        let name = wording::pool(&loaded.config, first.pool);
        return match lang {
            Lang::Zh => format!("结论：先由 {name} 接"),
            Lang::En => format!("so: {name} takes it first"),
        };
    }
    if let Some(full) = answer.pools.iter().find(|it| it.is_only_full()) {
        let name = wording::pool(&loaded.config, full.pool);
        return match lang {
            Lang::Zh => format!("结论：此刻线路全满，来电者等到 {name} 空出一条线路"),
            Lang::En => {
                format!("so: every line is in use; the caller waits until a line of {name} is free")
            }
        };
    }
    let opens = answer.pools.iter().filter_map(|it| it.opens).min();
    let opens = opens.map(|at| moment::short(at, question.wall, &loaded.config.routing, lang));
    match (lang, opens) {
        (Lang::Zh, Some(at)) => format!("结论：此刻没有坐席组接听，来电者要等到 {at}"),
        (Lang::Zh, None) => "结论：此刻没有坐席组接听".to_owned(),
        (Lang::En, Some(at)) => format!("so: nobody takes it now; the caller waits until {at}"),
        (Lang::En, None) => "so: nobody takes it now".to_owned(),
    }
}

fn looked(rule: &RuleAnswer, loaded: &Loaded, lang: Lang) -> String {
    let sign = if rule.miss.is_none() { '✓' } else { '–' };
    let mut out = format!("{sign} {}", rule.name);
    if let Some(place) = &rule.place {
        let _ = write!(out, "  {}:{}", place.file, place.line);
    }
    if let Some(miss) = rule.miss {
        let _ = write!(out, "  {}", wording::miss(&loaded.config, miss, lang));
    }
    out
}
