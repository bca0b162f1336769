//! `zone`, `[routing]` with its calendar, `[[routes]]`.

use crate::counsellors::{date, not_a_date};
use crate::limits::{MOST_PREFERENCES, MOST_RINGS};
use crate::names::{Known, check_plain};
use crate::pools::{PoolEntry, moment};
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::trunks::check_number;
use meishier_model::{Class, PoolId, SkillId, SkillSet, TrunkId};
use meishier_routing::{
    Calendar, Exception, Ladder, Number, PoolSource, Preference, Route, RouteId, Step, Table,
    TableError, TableSource, To, When,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;

/// Most routes.
pub(crate) const MAX_ROUTES: usize = 4096;

/// What routes refer to.
pub(crate) struct Names<'k> {
    pub pools: &'k Known,
    pub trunks: &'k Known,
    pub skills: &'k Known,
}

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
pub(crate) fn clock(zone: &str) -> Option<Table> {
    let route = Route::new("", [Step::pool(PoolId(0), Duration::ZERO)]);
    let pools = vec![PoolSource::default()];
    let zone = zone.to_owned();
    Table::compile(TableSource {
        zone,
        pools,
        routes: vec![route],
        ..Default::default()
    })
    .ok()
}

/// Routes, their places and the default.
pub(crate) struct Routes {
    pub routes: Vec<Route>,
    pub spans: Vec<Range<usize>>,
    pub default: Option<RouteId>,
    pub calendar: Calendar,
}

/// Reads `[routing]` and `[[routes]]`.
pub(crate) fn routes(
    top: &Section<'_>,
    routing: Option<Section<'_>>,
    sections: Vec<Section<'_>>,
    names: &Names<'_>,
) -> Routes {
    let mut known = Known::new("路由", "route");
    let mut out = Routes {
        routes: Vec::new(),
        spans: Vec::new(),
        default: None,
        calendar: Calendar::shipped(),
    };
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
        out.routes
            .push(route(&section, name.map_or("", |name| name.value), names));
        section.finish();
    }
    match routing {
        Some(section) => {
            out.calendar = calendar(&section);
            let default = section.need_text("default", "\"province\"");
            let found = default.and_then(|default| known.find(section.sink(), &default));
            out.default = found.and_then(|id| u16::try_from(id).ok()).map(RouteId);
            section.finish();
        }
        None => top.missing("routing", "{ default = \"province\" }"),
    }
    out
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
        let _ = day.text("name");
        if let (Some(date), Some(kind)) = (found, kind) {
            calendar.set(date, kind);
        }
        day.finish();
    }
    calendar
}

fn route(section: &Section<'_>, name: &str, names: &Names<'_>) -> Route {
    let sink = section.sink();
    let called = section.texts("called", 256);
    for text in &called {
        if text.value.is_empty() || text.value.len() > 64 {
            check_number(sink, "called", text);
        }
    }
    let callers = section.texts("callers", 256);
    callers
        .iter()
        .for_each(|prefix| check_number(sink, "callers", prefix));
    let trunks = section.texts("trunks", 256);
    let trunk = |text: &At<&str>| {
        let id = names.trunks.find(sink, text)?;
        Some(TrunkId(u16::try_from(id).ok()?))
    };
    let mut required = SkillSet::EMPTY;
    for text in section.texts("skills", SkillId::LIMIT) {
        let id = names.skills.find(sink, &text).and_then(skill);
        required = id.map_or(required, |id| required.with(id));
    }
    let mut preferred = smallvec::SmallVec::new();
    let prefer = section.numbers("prefer", &(1..=1000));
    section.at_most("prefer", prefer.len(), MOST_PREFERENCES);
    for (text, weight) in prefer {
        let id = names.skills.find(sink, &text).and_then(skill);
        if let (Some(skill), Ok(weight)) = (id, u16::try_from(weight)) {
            preferred.push(Preference { skill, weight });
        }
    }
    let class = section.number("class", 0..=i64::from(Class::LOWEST.number()));
    let class = class.and_then(|at| Class::new(u8::try_from(at.value).ok()?));
    let _ = section.text("title");
    Route {
        name: name.to_owned(),
        when: When {
            called: called.iter().map(|text| text.value.to_owned()).collect(),
            trunks: trunks.iter().filter_map(trunk).collect(),
            callers: callers.iter().map(|text| text.value.to_owned()).collect(),
            ..When::default()
        },
        steps: rings(section, names.pools),
        then: None,
        class: class.unwrap_or(Class::ORDINARY),
        risk: section.flag("risk").unwrap_or(false),
        required,
        preferred,
    }
}

fn skill(index: u32) -> Option<SkillId> {
    SkillId::new(u8::try_from(index).ok()?)
}

/// Pools in order: `"city"` for at once, or `{ pool = "province", after = "15s" }`.
fn rings(section: &Section<'_>, pools: &Known) -> Ladder {
    let sink = section.sink();
    let values = section.array("rings", MOST_RINGS);
    let mut out = Ladder::new();
    if values.is_empty() {
        match section.raw("rings") {
            Some(value) if value.get_ref().is_array() => {
                let message = both!("路由没有坐席组", "the route has no pool");
                sink.error(
                    &value.span(),
                    message,
                    both!("例如 [\"city\"]", "such as [\"city\"]"),
                );
            }
            Some(_) => {}
            None => section.missing("rings", "[\"city\"]"),
        }
    }
    for value in values {
        let (name, after) = match value.get_ref() {
            DeValue::String(name) => (
                Some(At {
                    value: name.as_ref(),
                    span: value.span(),
                }),
                None,
            ),
            DeValue::Table(table) => {
                let ring = Section::new(sink, table, value.span(), "rings");
                let after = ring.duration("after", Duration::ZERO..=Duration::from_secs(3600));
                let name = ring.need_text("pool", "\"city\"");
                ring.finish();
                (name, after)
            }
            _ => {
                let expected = ("坐席组的名字或表", "a pool's name or a table");
                section.wrong::<()>("rings", value, expected);
                continue;
            }
        };
        let Some(name) = name else { continue };
        let Some(id) = pools.find(sink, &name) else {
            continue;
        };
        let pool = PoolId(u16::try_from(id).unwrap_or(u16::MAX));
        let ring = Step {
            to: To::Pool(pool),
            after: after.as_ref().map_or(Duration::ZERO, |at| at.value),
        };
        check_ring(sink, &out, ring, &name, after.map(|at| at.span));
        out.push(ring);
    }
    out
}

fn check_ring(
    sink: &Sink,
    before: &[Step],
    ring: Step,
    name: &At<&str>,
    after: Option<Range<usize>>,
) {
    let value = name.value;
    if before.iter().any(|other| other.to == ring.to) {
        let message = both!("rings 中 {value:?} 重复", "rings has {value:?} twice");
        sink.error(&name.span, message, both!("删去一个", "remove one"));
    }
    let span = after.unwrap_or_else(|| name.span.clone());
    match before.last() {
        None if !ring.after.is_zero() => sink.error(
            &span,
            both!(
                "第一个坐席组不能让来电者空等",
                "the first pool must not make the caller wait for nobody"
            ),
            both!("去掉第一个的 after", "remove the after of the first"),
        ),
        Some(last) if ring.after < last.after => {
            let least = crate::value::show(last.after);
            sink.error(
                &span,
                both!(
                    "after 比前一个坐席组还短",
                    "after is shorter than that of the pool before"
                ),
                both!(
                    "从来电起算，至少 {least:?}",
                    "counted from the call's arrival: at least {least:?}"
                ),
            );
        }
        _ => {}
    }
}

/// Compiles the table once the file has no mistake left.
pub(crate) fn compile(
    sink: &Sink,
    zone: String,
    pools: &[PoolEntry],
    read: Routes,
) -> Option<Table> {
    let named = |entry: &PoolEntry| PoolSource {
        name: entry.pool.name.clone(),
        schedule: entry.schedule.clone(),
        ..PoolSource::default()
    };
    let source = TableSource {
        zone,
        calendar: read.calendar,
        pools: pools.iter().map(named).collect(),
        routes: read.routes,
        default: read.default?,
        ..TableSource::default()
    };
    match Table::compile(source) {
        Ok(table) => {
            for (span, id) in read.spans.iter().zip(0..) {
                if let Some(hole) = table.hole(RouteId(id)) {
                    let (zh, en) = moment(&hole);
                    sink.warn(
                        span,
                        both!(
                            "有时无人接听：{zh} 没有一条线路",
                            "a hole in the week: no line on {en}"
                        ),
                        both!(
                            "给某个坐席组加班次，或加一个后备坐席组",
                            "add a shift to a pool, or a pool to fall back on"
                        ),
                    );
                }
            }
            Some(table)
        }
        Err(error) => {
            note(sink, &error, &read.spans);
            None
        }
    }
}

/// The reader found all of these before; should one slip by, it is said rather than lost.
fn note(sink: &Sink, error: &TableError, spans: &[Range<usize>]) {
    let span = match error {
        TableError::NoRing(id)
        | TableError::UnknownPool(Some(id), _)
        | TableError::FallingWait(id) => spans.get(usize::from(id.0)).cloned(),
        _ => None,
    };
    let message = both!(
        "路由表无法使用：{error}",
        "the routing table cannot be used: {error}"
    );
    sink.error(&span.unwrap_or(0..0), message, crate::sink::no_help());
}

/// Notes numbers that an earlier route takes from everyone.
pub(crate) fn warn_shadowed(sink: &Sink, read: &Routes) {
    let mut taken: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for (route, span) in read.routes.iter().zip(&read.spans) {
        for number in &route.when.called {
            let key = Number::new(number).as_bytes().to_vec();
            if let Some(first) = taken.get(&key) {
                sink.warn(
                    span,
                    both!(
                        "号码 {number:?} 已由前面的路由 {first:?} 接走",
                        "number {number:?} is taken by route {first:?} before"
                    ),
                    both!(
                        "自上而下，第一条符合的路由有效",
                        "from the top, the first route that fits holds"
                    ),
                );
            } else if route.when.trunks.is_empty() && route.when.callers.is_empty() {
                taken.insert(key, &route.name);
            }
        }
    }
}
