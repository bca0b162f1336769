//! Names that other parts of the file refer to, with their indices.

use crate::section::At;
use crate::sink::{Sink, both};
use crate::value::nearest;
use std::collections::BTreeMap;
use std::ops::Range;

/// The names of one kind of thing, such as pools.
pub(crate) struct Known {
    zh: &'static str,
    en: &'static str,
    by_name: BTreeMap<String, u32>,
    /// Where each name stands first.
    spans: BTreeMap<u32, Range<usize>>,
    broken: Vec<String>,
    count: u32,
}

impl Known {
    pub fn new(zh: &'static str, en: &'static str) -> Self {
        Self {
            zh,
            en,
            by_name: BTreeMap::new(),
            spans: BTreeMap::new(),
            broken: Vec::new(),
            count: 0,
        }
    }

    /// Gives the next index to a name and notes a name that was given before.
    pub fn add(&mut self, sink: &Sink, name: &str, span: &Range<usize>) -> u32 {
        let index = self.count;
        self.count += 1;
        if let Some(first) = self.by_name.get(name) {
            let (zh, en) = (self.zh, self.en);
            sink.error_also(
                span,
                self.spans.get(first).cloned(),
                both!("{zh} {name:?} 重名", "{en} {name:?} is there twice"),
                both!("每个名字只用一次", "give each a name of its own"),
            );
        } else {
            self.by_name.insert(name.to_owned(), index);
            self.spans.insert(index, span.clone());
        }
        index
    }

    /// Remembers a range of names that could not be read, so that references to its names are not
    /// blamed for it.
    pub fn broken(&mut self, range: &str) {
        let head = range.split('{').next().unwrap_or(range);
        self.broken.push(head.to_owned());
    }

    /// The index of a name, or a note that there is none.
    pub fn find(&self, sink: &Sink, name: &At<&str>) -> Option<u32> {
        let found = self.by_name.get(name.value).copied();
        if found.is_none() {
            self.unknown(sink, name);
        }
        found
    }

    /// The index of a name, without a note.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// Notes a name that is not there.
    pub fn unknown(&self, sink: &Sink, name: &At<&str>) {
        let (zh, en, value) = (self.zh, self.en, name.value);
        if self
            .broken
            .iter()
            .any(|head| !head.is_empty() && value.starts_with(head))
        {
            return;
        }
        let names = self.by_name.keys().map(String::as_str);
        let help = match nearest(value, names) {
            Some(near) => both!("是否想写 {near:?}？", "did you mean {near:?}?"),
            None => {
                let mut list = self
                    .by_name
                    .keys()
                    .take(12)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ");
                if self.by_name.len() > 12 {
                    list.push_str(", …");
                }
                both!("已有的{zh}：{list}", "there are: {list}")
            }
        };
        let message = both!(
            "没有名为 {value:?} 的{zh}",
            "there is no {en} named {value:?}"
        );
        sink.error(&name.span, message, help);
    }

    /// How many names were added.
    pub fn len(&self) -> u32 {
        self.count
    }
}

/// Notes a name that is not made of ASCII letters, digits, `.`, `_` and `-`, 1 to 32 of them.
pub(crate) fn check_plain(sink: &Sink, key: &str, name: &str, span: &Range<usize>) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
        sink.error(
            span,
            both!("{key} 不能写成 {name:?}", "{key} cannot be {name:?}"),
            both!(
                "1 到 32 个英文字母、数字或 . _ -",
                "1 to 32 ASCII letters, digits or . _ -"
            ),
        );
    }
}
