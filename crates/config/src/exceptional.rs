//! `[[exceptional]]`: a time at which pools are open otherwise than by their shifts.

use crate::limits::MOST_LINES;
use crate::moments::{Bare, moment};
use crate::names::Known;
use crate::section::{At, Section};
use crate::sink::both;
use crate::when::pool;
use meishier_routing::{Exceptional, ExceptionalDays, ExceptionalLines, ExceptionalPools, Table};
use toml::de::DeValue;

/// Most entries.
pub(crate) const MAX_ENTRIES: usize = ExceptionalDays::MOST;

/// Reads `[[exceptional]]`.
pub(crate) fn exceptional(
    sections: Vec<Section<'_>>,
    pools: &Known,
    clock: &Table,
) -> Vec<Exceptional> {
    let mut out = Vec::new();
    for section in sections {
        out.extend(entry(&section, pools, clock));
        section.finish();
    }
    out
}

fn entry(section: &Section<'_>, pools: &Known, clock: &Table) -> Option<Exceptional> {
    let sink = section.sink();
    let from = moment(section, "from", clock, Bare::Begin);
    let to = moment(section, "to", clock, Bare::End);
    for key in ["from", "to"] {
        if section.raw(key).is_none() {
            section.missing(key, "\"2026-11-22 08:00\"");
        }
    }
    let reason = section.need_text("reason", "\"地震\"");
    let given = section.texts("pools", 1024);
    let found = given.iter().filter_map(|text| pool(sink, text, pools));
    let found: Vec<_> = found.collect();
    if let Some(value) = section.raw("pools")
        && given.is_empty()
        && value.get_ref().is_array()
    {
        sink.error(
            &value.span(),
            both!("pools 不能为空", "pools must not be empty"),
            both!("所有坐席组：去掉 pools", "leave pools out for all of them"),
        );
    }
    let lines = lines(section);
    let (from, to) = (from?, to?);
    if to.value <= from.value {
        sink.error_also(
            &to.span,
            Some(from.span),
            both!("to 不晚于 from", "to is not after from"),
            both!("to 是结束的时刻", "to is when it ends"),
        );
    }
    Some(Exceptional {
        from: from.value,
        to: to.value,
        pools: match section.raw("pools") {
            Some(_) => ExceptionalPools::These(found),
            None => ExceptionalPools::All,
        },
        lines: lines?,
        reason: reason?.value.to_owned(),
    })
}

/// `"all"`, the same if left out, or a number.
fn lines(section: &Section<'_>) -> Option<ExceptionalLines> {
    let value = match section.raw("lines") {
        None => return Some(ExceptionalLines::AllLines),
        Some(value) => value,
    };
    match value.get_ref() {
        DeValue::String(word) if word.as_ref() == "all" => Some(ExceptionalLines::AllLines),
        DeValue::String(word) => {
            let word = At {
                value: word.as_ref(),
                span: value.span(),
            };
            section.unknown_word("lines", &word, &["\"all\"".to_owned()], ["all"]);
            None
        }
        _ => {
            let number = section.number("lines", 0..=i64::from(MOST_LINES))?;
            Some(match u16::try_from(number.value).ok()? {
                0 => ExceptionalLines::Closed,
                number => ExceptionalLines::Number(number),
            })
        }
    }
}
