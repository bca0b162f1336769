//! Look-ups in a TOML table that note mistakes and go on, so that all are told at once.

use super::error::ScenarioError;
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where mistakes are noted.
pub(super) struct Notes<'t> {
    text: &'t str,
    list: RefCell<Vec<ScenarioError>>,
}

impl<'t> Notes<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            list: RefCell::default(),
        }
    }

    pub(super) fn add(&self, span: &Range<usize>, zh: String, en: String) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.list.borrow_mut().push(ScenarioError { line, zh, en });
    }

    pub(super) fn into_list(self) -> Vec<ScenarioError> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|error| error.line);
        list
    }
}

/// One table of the file.
pub(super) struct Reader<'f> {
    pub(super) notes: &'f Notes<'f>,
    table: Option<&'f DeTable<'f>>,
    pub(super) span: Range<usize>,
    label: String,
    asked: RefCell<Vec<&'static str>>,
}

type Value<'f> = Spanned<DeValue<'f>>;

/// What a table is called in Chinese and in English; the file itself has no name.
fn called(label: &str) -> (&str, &str) {
    match label {
        "" => ("文件", "the file"),
        label => (label, label),
    }
}

impl<'f> Reader<'f> {
    pub(super) fn new(
        notes: &'f Notes<'f>,
        table: Option<&'f DeTable<'f>>,
        span: Range<usize>,
        label: &str,
    ) -> Self {
        Self {
            notes,
            table,
            span,
            label: label.to_owned(),
            asked: RefCell::default(),
        }
    }

    pub(super) fn raw(&self, key: &'static str) -> Option<&'f Value<'f>> {
        self.asked.borrow_mut().push(key);
        self.table?.get(key)
    }

    /// What was found, else what it stands on; a mistake if there is neither.
    pub(super) fn or<T>(&self, key: &'static str, found: Option<T>, base: Option<T>) -> Option<T> {
        let there = self.table.is_some_and(|table| table.contains_key(key));
        if found.is_none() && base.is_none() && !there {
            let (zh, en) = called(&self.label);
            self.notes.add(
                &self.span,
                format!("{zh} 缺少 {key}"),
                format!("{en} lacks {key}"),
            );
        }
        found.or(base)
    }

    pub(super) fn wrong<T>(&self, key: &str, value: &Value<'_>, zh: &str, en: &str) -> Option<T> {
        let zh = format!("{key} 应为{zh}");
        self.notes
            .add(&value.span(), zh, format!("{key} must be {en}"));
        None
    }

    pub(super) fn text(&self, key: &'static str) -> Option<&'f str> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(text),
            _ => self.wrong(key, value, "不空的字符串", "a text that is not empty"),
        }
    }

    /// Digits, as they are dialled.
    pub(super) fn digits(&self, key: &'static str) -> Option<String> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::String(text) if is_number(text) => Some(text.to_string()),
            _ => self.wrong(key, value, "数字串", "digits, as a text"),
        }
    }

    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.raw(key)?;
        match number(value.get_ref()).filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let (from, to) = (range.start(), range.end());
                let (zh, en) = (
                    format!("{from} 到 {to} 的数"),
                    format!("a number from {from} to {to}"),
                );
                self.wrong(key, value, &zh, &en)
            }
        }
    }

    pub(super) fn share(&self, key: &'static str) -> Option<f64> {
        self.number(key, 0.0..=1.0)
    }

    pub(super) fn whole(&self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let (from, to) = (f64::from(*range.start()), f64::from(*range.end()));
        Some(self.number(key, from..=to)?.round() as u32)
    }

    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        self.as_duration(key, self.raw(key)?)
    }

    fn as_duration(&self, key: &str, value: &Value<'_>) -> Option<Duration> {
        match value.get_ref().as_str().and_then(duration) {
            Some(found) => Some(found),
            None => self.wrong(
                key,
                value,
                "时长，如 \"20s\"、\"2min\"、\"1h\"",
                "a duration such as \"20s\", \"2min\" or \"1h\"",
            ),
        }
    }

    /// Two durations, the shorter one first.
    pub(super) fn durations(&self, key: &'static str) -> Option<(Duration, Duration)> {
        let value = self.raw(key)?;
        if let DeValue::Array(list) = value.get_ref()
            && list.len() == 2
        {
            let (from, to) = (
                self.as_duration(key, list.first()?)?,
                self.as_duration(key, list.get(1)?)?,
            );
            if from <= to {
                return Some((from, to));
            }
        }
        let (zh, en) = ("两个时长，短的在前", "two durations, the shorter one first");
        self.wrong(key, value, zh, en)
    }

    /// The tables of an array; `None` if the key is not there.
    pub(super) fn tables(&self, key: &'static str) -> Option<Vec<Reader<'f>>> {
        let value = self.raw(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            return self.wrong(key, value, "表的数组", "an array of tables");
        };
        Some(
            list.iter()
                .filter_map(|one| match one.get_ref() {
                    DeValue::Table(table) => {
                        Some(Reader::new(self.notes, Some(table), one.span(), key))
                    }
                    _ => self.wrong(key, one, "表", "a table"),
                })
                .collect(),
        )
    }

    /// A table; an empty one if the key is not there.
    pub(super) fn table(&self, key: &'static str) -> Reader<'f> {
        let label = format!("[{key}]");
        let Some(value) = self.raw(key) else {
            return Reader::new(self.notes, None, self.span.clone(), &label);
        };
        let table = match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.wrong(key, value, "表", "a table"),
        };
        Reader::new(self.notes, table, value.span(), &label)
    }

    /// Notes every key that was not asked for.
    pub(super) fn finish(self) {
        let mut asked = self.asked.into_inner();
        asked.sort_unstable();
        asked.dedup();
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref();
            if !asked.iter().any(|known| known == name) {
                let list = asked.join(", ");
                let (zh, en) = called(&self.label);
                self.notes.add(
                    &key.span(),
                    format!("{zh} 没有名为 {name} 的键；可用：{list}"),
                    format!("{en} has no key {name}; known: {list}"),
                );
            }
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

/// True for what can be dialled: one to twenty digits.
pub(super) fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Reads `500ms`, `20s`, `2min`, `1h`, `3d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok().filter(|n| *n <= 10_000_000)?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number * ms))
}

/// Reads `08:00-18:00` as minutes; the end is above 1440 if it is on the next day.
pub(super) fn hours(text: &str) -> Option<(u16, u16)> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        if hour.len() != 2 || minute.len() != 2 {
            return None;
        }
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour <= 24 && minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    match from < 1440 && from != to {
        true if to > from => Some((from, to)),
        true => Some((from, to + 1440)),
        false => None,
    }
}
