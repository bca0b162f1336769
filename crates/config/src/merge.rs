//! Many files as one tree: their tables with spans that count from the start of the whole.

use crate::include;
use crate::sink::Sink;
use crate::slips;
use crate::sources::Sources;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// A table of a file.
pub(crate) type DeMap<'t> = DeTable<'t>;

/// The tree of all files, or nothing if one of them is not TOML.
pub(crate) fn merge<'t>(sources: &'t Sources, sink: &Sink) -> Option<DeMap<'t>> {
    let mut whole = DeTable::new();
    let mut sound = true;
    for (file, start) in sources.iter() {
        let (document, syntax) = DeTable::parse_recoverable(&file.text);
        let found = syntax.iter();
        let found = found.map(|it| (it.message(), it.span().unwrap_or(0..0)));
        slips::tell(sink, &file.text, start, &found.collect::<Vec<_>>());
        sound &= syntax.is_empty();
        if sound {
            for (key, value) in document.into_inner() {
                if key.get_ref() != include::KEY {
                    add(&mut whole, shift_key(key, start), shift(value, start), sink);
                }
            }
        }
    }
    sound.then_some(whole)
}

/// Adds one section or key: what comes in many goes on after what is there, all else stands once.
fn add<'t>(
    whole: &mut DeMap<'t>,
    key: Spanned<DeString<'t>>,
    value: Spanned<DeValue<'t>>,
    sink: &Sink,
) {
    let Some((first, before)) = whole.remove_entry(&key) else {
        whole.insert(key, value);
        return;
    };
    let span = before.span();
    let joined = match (before.into_inner(), value.into_inner()) {
        (DeValue::Array(mut all), DeValue::Array(more))
            if has_tables(&all) || has_tables(&more) =>
        {
            for element in more {
                all.push(element);
            }
            DeValue::Array(all)
        }
        (before, _) => {
            let (message, help) = include::in_two_files(key.get_ref());
            sink.error_also(&key.span(), Some(first.span()), message, help);
            before
        }
    };
    whole.insert(first, Spanned::new(span, joined));
}

fn has_tables(array: &DeArray<'_>) -> bool {
    let mut elements = array.iter();
    elements.any(|it| matches!(it.get_ref(), DeValue::Table(_)))
}

/// A key whose place counts from `start`.
pub(crate) fn shift_key<'t>(key: Spanned<DeString<'t>>, start: usize) -> Spanned<DeString<'t>> {
    let span = key.span();
    Spanned::new(span.start + start..span.end + start, key.into_inner())
}

/// A value whose places, and those of all within it, count from `start`. The parser bounds how deep
/// values lie within each other.
pub(crate) fn shift<'t>(value: Spanned<DeValue<'t>>, start: usize) -> Spanned<DeValue<'t>> {
    if start == 0 {
        return value;
    }
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::Array(array) => {
            let mut shifted = DeArray::new();
            for element in array {
                shifted.push(shift(element, start));
            }
            DeValue::Array(shifted)
        }
        DeValue::Table(table) => {
            let entries = table.into_iter();
            let entries = entries.map(|(key, value)| (shift_key(key, start), shift(value, start)));
            DeValue::Table(entries.collect())
        }
        plain => plain,
    };
    Spanned::new(span.start + start..span.end + start, value)
}
