//! `rings`: pools and places in the order in which they are asked.

use crate::limits::MOST_RINGS;
use crate::names::Known;
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::when::pool;
use meishier_routing::{Ladder, Step, To};
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;

/// Longest wait before a pool opens.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Words for places.
const PLACES: [(&str, To); 5] = [
    ("@city", To::City),
    ("@other_city", To::OtherCity),
    ("@paired", To::Paired),
    ("@province", To::Province),
    ("@nation", To::Nation),
];

/// Pools in order: `"city"` for at once, `"@city"` for those of the caller's city, or
/// `{ pool = "province", after = "15s" }`. Empty if the key is not there.
pub(crate) fn rings(section: &Section<'_>, pools: &Known) -> Ladder {
    let sink = section.sink();
    let values = section.array("rings", MOST_RINGS);
    if let Some(given) = section.raw("rings")
        && values.is_empty()
        && given.get_ref().is_array()
    {
        sink.error(
            &given.span(),
            both!("路由没有坐席组", "the route has no pool"),
            both!("例如 [\"city\"]", "such as [\"city\"]"),
        );
    }
    let mut out = Ladder::new();
    for (at, value) in values.into_iter().enumerate() {
        let (name, after) = match value.get_ref() {
            DeValue::String(name) => {
                let value = At {
                    value: name.as_ref(),
                    span: value.span(),
                };
                (Some(value), None)
            }
            DeValue::Table(table) => {
                let ring = Section::new(sink, table, value.span(), "rings");
                let after = ring.duration("after", Duration::ZERO..=LONGEST_WAIT);
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
        let Some(to) = to(section, &name, pools) else {
            continue;
        };
        let ring = Step {
            to,
            after: after.as_ref().map_or(Duration::ZERO, |at| at.value),
        };
        let after = after.map(|at| at.span);
        check_ring(sink, (at == 0, &out), ring, &name, after);
        out.push(ring);
    }
    out
}

fn to(section: &Section<'_>, name: &At<&str>, pools: &Known) -> Option<To> {
    if !name.value.starts_with('@') {
        return pool(section.sink(), name, pools).map(To::Pool);
    }
    let found = PLACES.iter().find(|(word, _)| *word == name.value);
    if found.is_none() {
        let list = PLACES.map(|(word, _)| format!("{word:?}"));
        section.unknown_word("rings", name, &list, PLACES.map(|(word, _)| word));
    }
    found.map(|(_, to)| *to)
}

fn check_ring(
    sink: &Sink,
    (first, before): (bool, &[Step]),
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
        None if first && !ring.after.is_zero() => sink.error(
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
