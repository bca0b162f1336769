//! The differences as lines for people, or one object for programs.

use super::facts::FactChange;
use super::routes::RouteChange;
use super::{Differences, hours};
use crate::loaded::Loaded;
use crate::wording::say;
use meishier_config::Lang;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Most entries of one kind, and most places of one entry, unless all are asked for.
const MOST: usize = 20;
const MOST_CALLERS: usize = 6;

/// Lines for people.
pub fn text(found: &Differences, all: bool, lang: Lang) -> String {
    if found.is_empty() {
        return say(lang, "没有变化\n", "nothing would change\n").to_owned();
    }
    let mut out = String::new();
    let routes: Vec<String> = found
        .routes
        .iter()
        .map(|it| route(it, found, all, lang))
        .collect();
    section(
        &mut out,
        say(lang, "来电的去向", "callers routed otherwise"),
        &routes,
        all,
        lang,
    );
    let pools = [
        (&found.removed, say(lang, "去掉", "gone")),
        (&found.added, say(lang, "新增", "new")),
    ];
    let pools: Vec<String> = pools
        .iter()
        .flat_map(|(names, what)| names.iter().map(move |name| format!("{what} {name}")))
        .collect();
    section(&mut out, say(lang, "坐席组", "pools"), &pools, all, lang);
    let lines = found.lines.iter().map(|it| {
        let when = found.times.words(&it.times, lang);
        let what = say(lang, "条线路", "lines");
        format!(
            "{} {when}{}{} → {} {what}",
            it.pool,
            say(lang, "：", ": "),
            it.old,
            it.new
        )
    });
    section(
        &mut out,
        say(lang, "线路", "lines"),
        &lines.collect::<Vec<_>>(),
        all,
        lang,
    );
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
    let shown = if all {
        change.callers.len()
    } else {
        MOST_CALLERS
    };
    let mut callers = change
        .callers
        .iter()
        .take(shown)
        .cloned()
        .collect::<Vec<_>>()
        .join(say(lang, "；", "; "));
    if let Some(left @ 1..) = change.callers.len().checked_sub(shown) {
        let _ = match lang {
            Lang::Zh => write!(callers, "；等另外 {left} 类"),
            Lang::En => write!(callers, "; and {left} more"),
        };
    }
    let when = found.times.words(&change.times, lang);
    let nobody = say(lang, "无人", "nobody");
    let name = |first| if str::is_empty(first) { nobody } else { first };
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
    let (old, new) = (
        change.old.as_deref().unwrap_or(none),
        change.new.as_deref().unwrap_or(none),
    );
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
    let lines =
        found.lines.iter().take(most).map(
            |it| json!({"pool": it.pool, "when": when(&it.times), "old": it.old, "new": it.new}),
        );
    let rows = |list: &[FactChange]| {
        let rows = list.iter().take(most);
        rows.map(|it| json!({"key": it.key, "old": it.old, "new": it.new}))
            .collect::<Vec<_>>()
    };
    let lists = [
        found.routes.len(),
        found.lines.len(),
        found.numbers.len(),
        found.policies.len(),
    ];
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
