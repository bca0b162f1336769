//! `zone`, `[routing]` with its calendar, `[[routes]]`.

use crate::counsellors::{date, not_a_date};
use crate::names::{Known, check_plain};
use crate::places::Places;
use crate::rings::{LONGEST_WAIT, rings};
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::when::{Names, prefer, skill, when};
use meishier_model::{Class, PoolId, SkillId, SkillSet};
use meishier_routing::{
    Calendar, Exception, MOST_HOPS, Policies, PoolSource, Route, RouteId, Step, Table, TableSource,
    Which,
};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Most routes.
pub(crate) const MAX_ROUTES: usize = 4096;

/// Words for the cities of a call.
const WHICH: [(&str, Which); 3] = [
    ("called", Which::Called),
    ("here", Which::Here),
    ("home", Which::Home),
];

/// The zone of the file; Asia/Shanghai if it names none or a wrong one.
pub(crate) fn zone(top: &Section<'_>) -> String {
    let standard = "Asia/Shanghai";
    let Some(text) = top.full_text("zone", "\"Asia/Shanghai\"") else {
        return standard.to_owned();
    };
    let found = Table::zone(text.value).map(|_| text.value.to_owned());
    let what = ("时区的名字", "the name of a time zone");
    let found = top.parsed("zone", &text, found, what, "\"Asia/Shanghai\"");
    found.unwrap_or_else(|| standard.to_owned())
}

/// A table in which nothing is routed, for turning dates into moments before the real one is made.
pub(crate) fn clock(zone: &str, places: &Places) -> Option<Table> {
    let route = Route::new("", [Step::pool(PoolId(0), Duration::ZERO)]);
    let pools = vec![PoolSource::default()];
    let zone = zone.to_owned();
    Table::compile(TableSource {
        zone,
        pools,
        routes: vec![route],
        // Every field is given: a default gazetteer would be made anew for each file.
        gazetteer: Arc::new(places.gazetteer(&[], Vec::new()).ok()?),
        calendar: Calendar::empty(),
        exceptional: Vec::new(),
        trunk_codes: Vec::new(),
        aliases: Vec::new(),
        areas: Vec::new(),
        default: RouteId(0),
        policies: Policies::default(),
    })
    .ok()
}

/// Routes, their places and the default.
pub(crate) struct Routes {
    pub routes: Vec<Route>,
    pub spans: Vec<Range<usize>>,
    pub default: Option<RouteId>,
    pub calendar: Calendar,
    pub first: SmallVec<[Which; 3]>,
}

/// Where a route goes on: the name, and the wait if there is one.
type Then<'f> = (At<&'f str>, Option<At<Duration>>);

/// Reads `[routing]` and `[[routes]]`.
pub(crate) fn routes<'f>(
    top: &Section<'f>,
    sections: Vec<Section<'f>>,
    names: &Names<'_>,
) -> Routes {
    let mut known = Known::new("路由", "route");
    let mut out = Routes {
        routes: Vec::new(),
        spans: Vec::new(),
        default: None,
        calendar: Calendar::shipped(),
        first: [Which::Called, Which::Here, Which::Home]
            .into_iter()
            .collect(),
    };
    let mut followers: Vec<Option<Then<'f>>> = Vec::new();
    for section in sections {
        let name = section.need_text("name", "\"city\"");
        if let Some(name) = &name {
            check_plain(section.sink(), "name", name.value, &name.span);
            known.add(section.sink(), name.value, &name.span);
        }
        out.spans.push(
            name.as_ref()
                .map_or(section.span.clone(), |name| name.span.clone()),
        );
        let (route, follower) = route(&section, name.map_or("", |name| name.value), names);
        out.routes.push(route);
        followers.push(follower);
        section.finish();
    }
    follow(top.sink(), &mut out.routes, &followers, &known);
    match top.table("routing", "[routing]") {
        Some(section) => {
            out.calendar = calendar(&section);
            if let Some(first) = first(&section) {
                out.first = first;
            }
            let default = section.need_text("default", "\"province\"");
            let found = default.and_then(|default| known.find(section.sink(), &default));
            out.default = found.and_then(|id| u16::try_from(id).ok()).map(RouteId);
            section.finish();
        }
        None => top.missing("routing", "{ default = \"province\" }"),
    }
    out
}

fn first(section: &Section<'_>) -> Option<SmallVec<[Which; 3]>> {
    let mut out: SmallVec<[Which; 3]> = SmallVec::new();
    let given = section.raw("first")?;
    for text in section.texts("first", WHICH.len()) {
        let value = text.value;
        match WHICH.iter().find(|(word, _)| *word == value) {
            Some((_, which)) if out.contains(which) => section.sink().error(
                &text.span,
                both!("first 中 {value:?} 重复", "first has {value:?} twice"),
                both!("删去一个", "remove one"),
            ),
            Some((_, which)) => out.push(*which),
            None => {
                let list = WHICH.map(|(word, _)| format!("{word:?}"));
                section.unknown_word("first", &text, &list, WHICH.map(|(word, _)| word));
            }
        }
    }
    if given
        .get_ref()
        .as_array()
        .is_some_and(|array| array.is_empty())
    {
        section.sink().error(
            &given.span(),
            both!("first 不能为空", "first must not be empty"),
            both!(
                "例如 [\"called\", \"here\", \"home\"]",
                "such as [\"called\", \"here\", \"home\"]"
            ),
        );
    }
    Some(out)
}

fn calendar(section: &Section<'_>) -> Calendar {
    let mut calendar = Calendar::shipped();
    let words = [
        ("holiday", Exception::Holiday),
        ("workday", Exception::Workday),
    ];
    for day in section.tables("calendar", "calendar", 2000) {
        let value = day.raw("date");
        let found = value.and_then(|value| date(value.get_ref()));
        match (value, found) {
            (None, _) => day.missing("date", "2027-01-01"),
            (Some(value), None) => not_a_date(&day, &value.span()),
            _ => {}
        }
        let kind = day.choice("kind", &words);
        if day.raw("kind").is_none() {
            day.missing("kind", "\"holiday\"");
        }
        let name = day
            .text("name")
            .filter(|name| !name.value.trim().is_empty());
        match (found, kind, name) {
            (Some(date), Some(kind), Some(name)) => calendar.set_named(date, kind, name.value),
            (Some(date), Some(kind), None) => calendar.set(date, kind),
            _ => {}
        }
        day.finish();
    }
    calendar
}

fn route<'f>(section: &Section<'f>, name: &str, names: &Names<'_>) -> (Route, Option<Then<'f>>) {
    let sink = section.sink();
    let mut required = SkillSet::EMPTY;
    for text in section.texts("skills", SkillId::LIMIT) {
        let id = names.skills.find(sink, &text).and_then(skill);
        required = id.map_or(required, |id| required.with(id));
    }
    let class = section.number("class", 0..=i64::from(Class::LOWEST.number()));
    let class = class.and_then(|at| Class::new(u8::try_from(at.value).ok()?));
    let _ = section.text("title");
    let steps = rings(section, names.pools);
    let then = section.full_text("then", "\"nation\"");
    let wait = section.duration("then_after", Duration::ZERO..=LONGEST_WAIT);
    if section.raw("rings").is_none() && section.raw("then").is_none() {
        section.missing("rings", "[\"city\"]");
    }
    if let (Some(value), None) = (section.raw("then_after"), section.raw("then")) {
        sink.error(
            &value.span(),
            both!("then_after 没有 then", "then_after without then"),
            both!("加上 then = \"路由名\"", "add then = \"the route's name\""),
        );
    }
    if let Some(wait) = &wait
        && steps.is_empty()
        && !wait.value.is_zero()
        && section.raw("rings").is_none()
    {
        sink.error(
            &wait.span,
            both!(
                "前面没有坐席组，不能让来电者空等",
                "no pool comes before: the caller must not wait for nobody"
            ),
            both!(
                "去掉 then_after，或加上 rings",
                "remove then_after, or add rings"
            ),
        );
    }
    let route = Route {
        name: name.to_owned(),
        when: when(section, names),
        steps,
        then: None,
        class: class.unwrap_or(Class::ORDINARY),
        risk: section.flag("risk").unwrap_or(false),
        required,
        preferred: prefer(section, names.skills),
    };
    (route, then.map(|then| (then, wait)))
}

/// Resolves where routes go on, and notes circles and long ways.
fn follow(sink: &Sink, routes: &mut [Route], followers: &[Option<Then<'_>>], known: &Known) {
    for (route, follower) in routes.iter_mut().zip(followers) {
        let Some((name, wait)) = follower else {
            continue;
        };
        let found = known.find(sink, name).and_then(|id| u16::try_from(id).ok());
        let wait = wait.as_ref().map_or(Duration::ZERO, |wait| wait.value);
        route.then = found.map(|id| (RouteId(id), wait));
    }
    let mut told = vec![false; routes.len()];
    for (at, follower) in followers.iter().enumerate() {
        let Some((name, _)) = follower else { continue };
        let way = way(routes, at);
        if let Some(from) = way.circle {
            let circle = way.seen.get(from..).unwrap_or_default();
            let first = circle.first().copied().unwrap_or(at);
            let before = circle.iter().any(|it| told.get(*it) == Some(&true));
            if first == at && !before {
                circle.iter().for_each(|it| told[*it] = true);
                let names = circle.iter().chain([&first]);
                let names: Vec<&str> = names.map(|it| routes[*it].name.as_str()).collect();
                let names = names.join(" → ");
                sink.error(
                    &name.span,
                    both!("then 绕成一圈：{names}", "then goes in a circle: {names}"),
                    both!("去掉其中一个 then", "remove one of these"),
                );
            }
        } else if way.seen.len() == MOST_HOPS + 2 {
            // Only the route from which it is one too many: those before it would say the same.
            let count = way.seen.len() - 1;
            let names: Vec<&str> = way
                .seen
                .iter()
                .map(|it| routes[*it].name.as_str())
                .collect();
            let names = names.join(" → ");
            sink.error(
                &name.span,
                both!("then 接得太长：{names}", "then goes on too long: {names}"),
                both!(
                    "一条路由后面最多接 {MOST_HOPS} 条，这里有 {count} 条",
                    "at most {MOST_HOPS} routes follow one, here {count} do"
                ),
            );
        }
    }
}

/// Routes from one on.
struct Way {
    seen: Vec<usize>,
    /// From where on they are a circle, if they are.
    circle: Option<usize>,
}

fn way(routes: &[Route], first: usize) -> Way {
    let mut seen = vec![first];
    let mut at = first;
    while let Some((next, _)) = routes.get(at).and_then(|route| route.then) {
        let next = usize::from(next.0);
        if let Some(from) = seen.iter().position(|it| *it == next) {
            return Way {
                seen,
                circle: Some(from),
            };
        }
        seen.push(next);
        // A circle beyond is told where it is; one more than is allowed suffices.
        if seen.len() > MOST_HOPS + 2 && seen.len() > routes.len() {
            break;
        }
        at = next;
    }
    Way { seen, circle: None }
}
