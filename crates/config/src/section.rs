//! One table of the file: typed look-ups that note what is wrong, and what nobody asked for.
//!
//! serde stops at the first unknown key or wrong type. A section goes on: each look-up notes its
//! own mistake and gives nothing, and dropping out of the keys that were asked for is what makes
//! a key unknown. So the look-ups are the schema, and there is no second one to drift from it.

use crate::sink::{Both, Sink, both, no_help};
use crate::value;
use std::cell::RefCell;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its place in the file.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// An element of an array that may hold texts and tables.
pub(crate) enum Entry<'f> {
    /// A string.
    Text(At<&'f str>),
    /// A table.
    Table(Section<'f>),
}

/// One table of the file.
pub(crate) struct Section<'f> {
    sink: &'f Sink,
    table: &'f DeTable<'f>,
    /// Where the table stands: its header, or its braces.
    pub span: Range<usize>,
    /// How people call it, such as `[[pools]]`; empty for the top of the file.
    label: &'static str,
    asked: RefCell<Vec<&'static str>>,
}

impl<'f> Section<'f> {
    pub fn new(
        sink: &'f Sink,
        table: &'f DeTable<'f>,
        span: Range<usize>,
        label: &'static str,
    ) -> Self {
        Self {
            sink,
            table,
            span,
            label,
            asked: RefCell::default(),
        }
    }

    /// The collector of mistakes.
    pub fn sink(&self) -> &'f Sink {
        self.sink
    }

    /// The value of a key as it stands in the file.
    pub fn raw(&self, key: &'static str) -> Option<&'f Spanned<DeValue<'f>>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Notes that a key must be there.
    pub fn missing(&self, key: &'static str, example: &str) {
        let (label, label_en) = match self.label {
            "" => ("文件", "the file"),
            label => (label, label),
        };
        self.sink.error(
            &self.span,
            both!("{label} 缺少 {key}", "{label_en} lacks {key}"),
            both!("加上 {key} = {example}", "add {key} = {example}"),
        );
    }

    /// A string.
    pub fn text(&self, key: &'static str) -> Option<At<&'f str>> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(At {
                value: text.as_ref(),
                span: value.span(),
            }),
            _ => self.wrong(key, value, ("字符串", "a string")),
        }
    }

    /// A string that must be there and not be empty.
    pub fn need_text(&self, key: &'static str, example: &str) -> Option<At<&'f str>> {
        if !self.table.contains_key(key) {
            self.asked.borrow_mut().push(key);
            self.missing(key, example);
            return None;
        }
        self.full_text(key, example)
    }

    /// A string that must not be empty if it is there.
    pub fn full_text(&self, key: &'static str, example: &str) -> Option<At<&'f str>> {
        let text = self.text(key)?;
        if text.value.trim().is_empty() {
            let message = both!("{key} 不能为空", "{key} must not be empty");
            self.sink.error(
                &text.span,
                message,
                both!("例如 {example}", "such as {example}"),
            );
            return None;
        }
        Some(text)
    }

    /// A whole number within a range.
    pub fn number(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<At<i64>> {
        let value = self.raw(key)?;
        let found =
            integer(value).or_else(|| self.wrong(key, value, ("整数", "a whole number")))?;
        self.within(key, &found, &range, |n| n.to_string())?;
        Some(found)
    }

    /// True or false.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong(key, value, ("true 或 false", "true or false")),
        }
    }

    /// A duration such as `"20s"` within a range.
    pub fn duration(
        &self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Option<At<Duration>> {
        let value = self.raw(key)?;
        let expected = ("带单位的时长", "a duration with its unit");
        let help = both!(
            "写成 \"500ms\"、\"20s\"、\"2min\" 或 \"1h\"",
            "write \"500ms\", \"20s\", \"2min\" or \"1h\""
        );
        let DeValue::String(text) = value.get_ref() else {
            return self.wrong_with(key, value, expected, help);
        };
        let Some(found) = value::duration(text) else {
            let message = both!(
                "{key} 不是时长：{text:?}",
                "{key} is not a duration: {text:?}"
            );
            self.sink.error(&value.span(), message, help);
            return None;
        };
        let found = At {
            value: found,
            span: value.span(),
        };
        self.within(key, &found, &range, |d| value::show(*d))?;
        Some(found)
    }

    /// One of several words.
    pub fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let list = words
                .iter()
                .map(|(word, _)| format!("{word:?}"))
                .collect::<Vec<_>>();
            self.unknown_word(key, &text, &list, words.iter().map(|(word, _)| *word));
        }
        found.map(|(_, value)| *value)
    }

    /// Notes a word that is none of a list.
    pub fn unknown_word<'w>(
        &self,
        key: &str,
        text: &At<&str>,
        list: &[String],
        words: impl IntoIterator<Item = &'w str>,
    ) {
        let (value, zh, en) = (text.value, list.join("、"), list.join(", "));
        let help = match value::nearest(value, words) {
            Some(near) => both!(
                "是否想写 {near:?}？可用：{zh}",
                "did you mean {near:?}? possible: {en}"
            ),
            None => both!("可用：{zh}", "possible: {en}"),
        };
        let message = both!(
            "{key} 的值 {value:?} 不认识",
            "{key} does not know {value:?}"
        );
        self.sink.error(&text.span, message, help);
    }

    /// An IP address.
    pub fn ip(&self, key: &'static str) -> Option<IpAddr> {
        let text = self.text(key)?;
        let parsed = text.value.parse().ok();
        self.parsed(
            key,
            &text,
            parsed,
            ("IP 地址", "an IP address"),
            "\"192.0.2.10\"",
        )
    }

    /// An address with its port.
    pub fn socket(&self, key: &'static str) -> Option<At<SocketAddr>> {
        let text = self.text(key)?;
        let parsed = text.value.parse().ok();
        let what = ("IP 地址加端口", "an IP address with its port");
        let value = self.parsed(key, &text, parsed, what, "\"192.0.2.10:5060\"")?;
        Some(At {
            value,
            span: text.span,
        })
    }

    /// Passes on what was parsed, or notes that the text is not what it should be.
    pub fn parsed<T>(
        &self,
        key: &str,
        text: &At<&str>,
        parsed: Option<T>,
        (zh, en): (&str, &str),
        example: &str,
    ) -> Option<T> {
        if parsed.is_none() {
            let value = text.value;
            let message = both!("{key} 不是{zh}：{value:?}", "{key} is not {en}: {value:?}");
            self.sink.error(
                &text.span,
                message,
                both!("例如 {example}", "such as {example}"),
            );
        }
        parsed
    }

    /// The elements of an array, at most `most`; empty if it is not there.
    pub fn array(&self, key: &'static str, most: usize) -> Vec<&'f Spanned<DeValue<'f>>> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong::<()>(key, value, ("数组", "an array"));
            return Vec::new();
        };
        // The first that is too many: it tells in which file.
        let span = array.get(most).unwrap_or(value).span();
        self.too_many(key, &span, array.len(), most);
        array.iter().take(most).collect()
    }

    /// Notes that a key has more entries than it may.
    pub fn at_most(&self, key: &'static str, count: usize, most: usize) {
        if let Some(value) = self.raw(key) {
            self.too_many(key, &value.span(), count, most);
        }
    }

    fn too_many(&self, key: &str, span: &Range<usize>, count: usize, most: usize) {
        if count > most {
            self.sink.error(
                span,
                both!(
                    "{key} 有 {count} 项，太多了",
                    "{key} has {count} entries, too many"
                ),
                both!("最多 {most} 项", "at most {most}"),
            );
        }
    }

    /// The strings of an array.
    pub fn texts(&self, key: &'static str, most: usize) -> Vec<At<&'f str>> {
        let text = |value: &'f Spanned<DeValue<'f>>| match value.get_ref() {
            DeValue::String(text) => Some(At {
                value: text.as_ref(),
                span: value.span(),
            }),
            _ => self.wrong(key, value, ("字符串", "a string")),
        };
        self.array(key, most).into_iter().filter_map(text).collect()
    }

    /// The tables of an array of tables.
    pub fn tables(&self, key: &'static str, label: &'static str, most: usize) -> Vec<Section<'f>> {
        let section = |value: &'f Spanned<DeValue<'f>>| self.section(key, value, label);
        self.array(key, most)
            .into_iter()
            .filter_map(section)
            .collect()
    }

    /// The elements of an array of strings and tables.
    pub fn entries(&self, key: &'static str, label: &'static str, most: usize) -> Vec<Entry<'f>> {
        let entry = |value: &'f Spanned<DeValue<'f>>| match value.get_ref() {
            DeValue::String(text) => Some(Entry::Text(At {
                value: text.as_ref(),
                span: value.span(),
            })),
            _ => self.section(key, value, label).map(Entry::Table),
        };
        self.array(key, most)
            .into_iter()
            .filter_map(entry)
            .collect()
    }

    /// A string or a table.
    pub fn entry(&self, key: &'static str, label: &'static str) -> Option<Entry<'f>> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Entry::Text(At {
                value: text.as_ref(),
                span: value.span(),
            })),
            _ => self.section(key, value, label).map(Entry::Table),
        }
    }

    /// A table, or an empty one in its stead.
    pub fn table(&self, key: &'static str, label: &'static str) -> Option<Section<'f>> {
        self.section(key, self.raw(key)?, label)
    }

    fn section(
        &self,
        key: &'static str,
        value: &'f Spanned<DeValue<'f>>,
        label: &'static str,
    ) -> Option<Section<'f>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(self.sink, table, value.span(), label)),
            _ => self.wrong(key, value, ("表", "a table")),
        }
    }

    /// Every key with its number, for tables whose keys are names.
    pub fn numbers(
        &self,
        key: &'static str,
        range: &RangeInclusive<i64>,
    ) -> Vec<(At<&'f str>, i64)> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong::<()>(
                key,
                value,
                ("表，如 { \"苗语\" = 3 }", "a table such as { \"x\" = 3 }"),
            );
            return Vec::new();
        };
        let mut out = Vec::new();
        for (name, value) in table {
            let Some(found) = integer(value) else {
                self.wrong::<()>(name.get_ref(), value, ("整数", "a whole number"));
                continue;
            };
            if self
                .within(name.get_ref(), &found, range, |n| n.to_string())
                .is_some()
            {
                out.push((
                    At {
                        value: name.get_ref().as_ref(),
                        span: name.span(),
                    },
                    found.value,
                ));
            }
        }
        out
    }

    /// Notes every key that nobody asked for. To be called when all look-ups are done.
    pub fn finish(self) {
        let mut known = self.asked.into_inner();
        known.sort_unstable();
        known.dedup();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let (label, label_en) = match self.label {
                "" => ("文件顶层", "the top of the file"),
                label => (label, label),
            };
            let list = known.join(", ");
            let help = match value::nearest(name, known.iter().copied()) {
                Some(near) => both!("是否想写 {near}？", "did you mean {near}?"),
                None => both!("可用的键：{list}", "known keys: {list}"),
            };
            let message = both!(
                "{label} 没有名为 {name:?} 的键",
                "{label_en} has no key {name:?}"
            );
            let message = (
                message.0.trim_start().to_owned(),
                message.1.trim_start().to_owned(),
            );
            self.sink.error(&key.span(), message, help);
        }
    }

    /// Notes a wrong type.
    pub fn wrong<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        expected: (&str, &str),
    ) -> Option<T> {
        self.wrong_with(key, value, expected, no_help())
    }

    fn wrong_with<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        (zh, en): (&str, &str),
        help: Both,
    ) -> Option<T> {
        let (is_zh, is_en) = type_of(value.get_ref());
        let message = both!(
            "{key} 应为{zh}，实为{is_zh}",
            "{key} must be {en}, but is {is_en}"
        );
        self.sink.error(&value.span(), message, help);
        None
    }

    fn within<T: PartialOrd + Copy, S: Display>(
        &self,
        key: &str,
        found: &At<T>,
        range: &RangeInclusive<T>,
        show: impl Fn(&T) -> S,
    ) -> Option<()> {
        if range.contains(&found.value) {
            return Some(());
        }
        let (is, from, to) = (show(&found.value), show(range.start()), show(range.end()));
        self.sink.error(
            &found.span,
            both!("{key} 超出范围：{is}", "{key} is out of range: {is}"),
            both!("{from} 到 {to}", "{from} to {to}"),
        );
        None
    }
}

/// A whole number, clamped to 64 bits so that a range can refuse it.
fn integer(value: &Spanned<DeValue<'_>>) -> Option<At<i64>> {
    let DeValue::Integer(number) = value.get_ref() else {
        return None;
    };
    let parsed = i64::from_str_radix(number.as_str(), number.radix());
    let clamped = if number.as_str().starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(At {
        value: parsed.unwrap_or(clamped),
        span: value.span(),
    })
}

fn type_of(value: &DeValue<'_>) -> (&'static str, &'static str) {
    match value {
        DeValue::String(_) => ("字符串", "a string"),
        DeValue::Integer(_) => ("整数", "a whole number"),
        DeValue::Float(_) => ("小数", "a fraction"),
        DeValue::Boolean(_) => ("布尔值", "true or false"),
        DeValue::Datetime(_) => ("日期", "a date"),
        DeValue::Array(_) => ("数组", "an array"),
        DeValue::Table(_) => ("表", "a table"),
    }
}
