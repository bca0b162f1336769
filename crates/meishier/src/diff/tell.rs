//! The differences as lines for people, or one object for programs.

use super::facts::FactChange;
use super::routes::RouteChange;
use super::sample::{Scenario, Who};
use super::{Differences, hours};
use crate::land;
use crate::loaded::Loaded;
use crate::wording::{join, say};
use meishier_config::Lang;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Most entries of one kind, and most places of one entry, unless all are asked for.
const MOST: usize = 20;
const MOST_CALLERS: usize = 6;
/// What is missing of a whole is told instead of what is there, up to so many.
const MOST_EXCEPT: usize = 4;

/// Lines for people.
pub fn text(found: &Differences, all: bool, lang: Lang) -> String {
    if found.is_empty() {
        return say(lang, "没有变化\n", "nothing would change\n").to_owned();
    }
    let mut out = String::new();
    let routes: Vec<String> = found.routes.iter().map(|it| route(it, found, all, lang)).collect();
    section(&mut out, say(lang, "来电的去向", "callers routed otherwise"), &routes, all, lang);
    let pools = [(&found.removed, say(lang, "去掉", "gone")), (&found.added, say(lang, "新增", "new"))];
    let pools: Vec<String> = pools
        .iter()
        .flat_map(|(names, what)| names.iter().map(move |name| format!("{what} {name}")))
        .collect();
    section(&mut out, say(lang, "坐席组", "pools"), &pools, all, lang);
    let lines = found.lines.iter().map(|it| {
        let when = found.times.words(&it.times, lang);
        let what = say(lang, "条线路", "lines");
        format!("{} {when}{}{} → {} {what}", it.pool, say(lang, "：", ": "), it.old, it.new)
    });
    section(&mut out, say(lang, "线路", "lines"), &lines.collect::<Vec<_>>(), all, lang);
    let rows = |list: &[FactChange]| list.iter().map(|it| row(it, lang)).collect::<Vec<_>>();
    let title = say(lang, "名单上的号码", "listed numbers");
    section(&mut out, title, &rows(&found.numbers), all, lang);
    let title = say(lang, "规定", "policies");
    section(&mut out, title, &rows(&found.policies), all, lang);
    out
}

fn section(out: &mut String, title: &str, lines: &[String], all: bool, lang: Lang) {
    if lines.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = match lang {
        Lang::Zh => writeln!(out, "{title}（{} 处）：", lines.len()),
        Lang::En => writeln!(out, "{title} ({}):", lines.len()),
    };
    let shown = if all { lines.len() } else { MOST };
    for line in lines.iter().take(shown) {
        let _ = writeln!(out, "  {line}");
    }
    if let Some(left @ 1..) = lines.len().checked_sub(shown) {
        let _ = match lang {
            Lang::Zh => writeln!(out, "  …… 另有 {left} 处，加 --all 全部列出"),
            Lang::En => writeln!(out, "  … and {left} more, all with --all"),
        };
    }
}

fn route(change: &RouteChange, found: &Differences, all: bool, lang: Lang) -> String {
    let shown = if all { change.callers.len() } else { MOST_CALLERS };
    let mut callers = change.callers.iter().take(shown).cloned().collect::<Vec<_>>().join(say(lang, "；", "; "));
    if let Some(left @ 1..) = change.callers.len().checked_sub(shown) {
        let _ = match lang {
            Lang::Zh => write!(callers, "；等另外 {left} 类"),
            Lang::En => write!(callers, "; and {left} more"),
        };
    }
    let when = found.times.words(&change.times, lang);
    let nobody = say(lang, "无人", "nobody");
    let name = |first| if first == "" { nobody } else { first };
    let (from, to) = (name(change.old.first()), name(change.new.first()));
    let brief = match from == to {
        true => format!("{from}{}", say(lang, " 不变", " as before")),
        false => format!("{from} → {to}"),
    };
    let (old, new) = (change.old.words(lang), change.new.words(lang));
    match lang {
        Lang::Zh => format!("{callers} 的来电，{when}：{brief}（原 {old}；现 {new}）"),
        Lang::En => format!("{callers}, {when}: {brief} (was {old}; would be {new})"),
    }
}

fn row(change: &FactChange, lang: Lang) -> String {
    let none = say(lang, "无", "none");
    let (old, new) = (change.old.as_deref().unwrap_or(none), change.new.as_deref().unwrap_or(none));
    format!("{}{}{old} → {new}", change.key, say(lang, "：", ": "))
}

/// One object.
pub fn json(found: &Differences, old: &Loaded, new: &Loaded, all: bool) -> Value {
    let most = if all { usize::MAX } else { MOST };
    let left = |count: usize| count.saturating_sub(most);
    let when = |times: &[usize]| {
        let groups = found.times.hours(times).into_iter().map(|(sorts, list)| {
            json!({
                "days": sorts.iter().map(|it| it.name()).collect::<Vec<_>>(),
                "hours": list.iter().map(|(from, to)| hours(*from, *to)).collect::<Vec<_>>(),
            })
        });
        groups.collect::<Vec<_>>()
    };
    let routes = found.routes.iter().take(most).map(|it| {
        json!({
            "callers": it.callers,
            "when": when(&it.times),
            "old": it.old.json(),
            "new": it.new.json(),
        })
    });
    let lines = found.lines.iter().take(most).map(|it| {
        json!({"pool": it.pool, "when": when(&it.times), "old": it.old, "new": it.new})
    });
    let rows = |list: &[FactChange]| {
        let rows = list.iter().take(most);
        rows.map(|it| json!({"key": it.key, "old": it.old, "new": it.new})).collect::<Vec<_>>()
    };
    let lists = [found.routes.len(), found.lines.len(), found.numbers.len(), found.policies.len()];
    json!({
        "same": found.is_empty(),
        "old": old.table(),
        "new": new.table(),
        "routes": routes.collect::<Vec<_>>(),
        "pools": {"removed": found.removed, "added": found.added},
        "lines": lines.collect::<Vec<_>>(),
        "numbers": rows(&found.numbers),
        "policies": rows(&found.policies),
        "left_out": lists.into_iter().map(left).sum::<usize>(),
    })
}

/// Callers of one change in as few words as they need.
pub fn callers(scenarios: &[&Scenario], lang: Lang) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        groups.entry(scenario.besides(lang)).or_default().push(scenario);
    }
    let mut out = Vec::new();
    for (besides, group) in groups {
        let labels = labels(&group, lang).into_iter();
        out.extend(labels.map(|label| match besides.is_empty() {
            true => label,
            false => format!("{label}{}{besides}", say(lang, "，", ", ")),
        }));
    }
    out
}

/// Area codes and cities of a group, by what is dialled.
fn labels(group: &[&Scenario], lang: Lang) -> Vec<String> {
    let (mut out, mut dialled) = (Vec::new(), BTreeMap::<&str, Vec<&Who>>::new());
    for scenario in group {
        dialled.entry(&scenario.called).or_default().push(&scenario.who);
    }
    // Area code + 12356, whether dialled from there or from elsewhere.
    let mut codes = BTreeSet::new();
    let all = land::area_codes();
    dialled.retain(|called, who| {
        let code = called.strip_suffix("12356").and_then(|code| all.get_key_value(code));
        let plain = who.iter().any(|it| **it == Who::Withheld);
        match code {
            Some((code, _)) if plain => codes.insert(code.to_string()),
            _ => return true,
        };
        false
    });
    for (called, who) in dialled {
        let to = match called {
            "12356" => String::new(),
            other => format!("{} {other}", say(lang, " 拨", " dialling")),
        };
        out.extend(people(&who, lang).into_iter().map(|it| format!("{it}{to}")));
    }
    let wholes = by_province(&codes_by_province());
    if !codes.is_empty() {
        let places = fold(&codes, &wholes, lang, &code_words);
        out.push(match lang {
            Lang::Zh => format!("拨 {places} 区号加 12356"),
            Lang::En => format!("dialling the area code of {places} and 12356"),
        });
    }
    out
}

fn people(who: &[&Who], lang: Lang) -> Vec<String> {
    let (mut codes, mut cities, mut out) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for who in who {
        match who {
            Who::Landline(code) => {
                codes.insert(code.clone());
            }
            Who::Mobile { province, city } => {
                cities.insert(format!("{province}{city}"));
            }
            Who::Withheld => out.push(say(lang, "号码不明", "withheld numbers").to_owned()),
            Who::AnyMobile => out.push(say(lang, "归属不明的手机", "mobiles of unknown home").to_owned()),
            Who::Foreign => out.push(say(lang, "境外号码", "foreign numbers").to_owned()),
            Who::Begins(prefix) => out.push(format!("{} {prefix}…", say(lang, "号码", "numbers"))),
            Who::Cell(prefix) => out.push(format!("{} {prefix}…", say(lang, "基站", "cells"))),
        }
    }
    if !cities.is_empty() {
        let places = fold(&cities, &by_province(&cities_by_province()), lang, &str::to_owned);
        out.insert(0, format!("{places}{}", say(lang, " 手机", " mobiles")));
    }
    if !codes.is_empty() {
        let places = fold(&codes, &by_province(&codes_by_province()), lang, &code_words);
        out.insert(0, format!("{places}{}", say(lang, " 固话", " landlines")));
    }
    out
}

fn codes_by_province() -> Vec<(&'static str, String)> {
    let codes = land::area_codes().into_iter();
    codes
        .filter_map(|(code, cities)| Some((cities.first()?.1, code.to_owned())))
        .collect()
}

fn cities_by_province() -> Vec<(&'static str, String)> {
    let cities = land::area_codes().into_values().flatten();
    cities.map(|(city, province)| (province, format!("{province}{city}"))).collect()
}

fn by_province(list: &[(&'static str, String)]) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut out: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (province, item) in list {
        out.entry(*province).or_default().insert(item.clone());
    }
    out
}

/// `0851（贵阳、遵义、安顺）`
fn code_words(code: &str) -> String {
    let all = land::area_codes();
    let cities: Vec<&str> = all.get(code).into_iter().flatten().map(|it| it.0).collect();
    format!("{code}（{}）", cities.join("、"))
}

/// A set of places: everywhere, everywhere but a few, whole provinces, the rest one by one.
fn fold(
    set: &BTreeSet<String>,
    wholes: &BTreeMap<&'static str, BTreeSet<String>>,
    lang: Lang,
    words: &dyn Fn(&str) -> String,
) -> String {
    let missing: Vec<String> =
        wholes.values().flatten().filter(|it| !set.contains(*it)).map(|it| words(it)).collect();
    let everywhere = say(lang, "各地", "everywhere");
    match missing.len() {
        0 => return everywhere.to_owned(),
        few if few <= MOST_EXCEPT && set.len() > few => {
            let missing = join(&missing, lang);
            return match lang {
                Lang::Zh => format!("除 {missing} 外各地"),
                Lang::En => format!("everywhere but {missing}"),
            };
        }
        _ => {}
    }
    let mut left = set.clone();
    let mut out = Vec::new();
    for (province, all) in wholes {
        if all.len() > 1 && all.is_subset(&left) {
            left = left.difference(all).cloned().collect();
            out.push((*province).to_owned());
        }
    }
    out.extend(left.iter().map(|it| words(it)));
    join(&out, lang)
}
