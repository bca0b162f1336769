//! Mistakes and doubts with their place, in both languages.

use crate::{Lang, Sources};
use std::ops::Range;

/// One mistake; a file with any is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong, in Chinese.
    pub message_zh: String,
    /// What is wrong, in English.
    pub message_en: String,
    /// What would be right, in Chinese.
    pub help_zh: String,
    /// What would be right, in English.
    pub help_en: String,
    /// Bytes that it is about, counted from the start of all files; see [`Sources::place`].
    pub span: Range<usize>,
    /// Bytes of the other place, if it takes two to make the mistake.
    pub also: Option<Range<usize>>,
}

impl ConfigError {
    /// What is wrong, in the language asked for.
    #[must_use]
    pub fn message(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.message_zh,
            Lang::En => &self.message_en,
        }
    }

    /// What would be right, in the language asked for.
    #[must_use]
    pub fn help(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.help_zh,
            Lang::En => &self.help_en,
        }
    }
}

/// One doubt; the file is taken. The same parts as a mistake.
pub type Warning = ConfigError;

/// Line and column, both from 1, of a byte of the text. Columns count characters.
///
/// An offset past the end or within a character counts as the next place before it.
#[must_use]
pub fn place(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// Plain text of the mistakes of one text, see [`Sources::render`].
#[must_use]
pub fn render(list: &[ConfigError], file_name: &str, text: &str, lang: Lang) -> String {
    Sources::one(file_name, text).render(list, lang)
}
