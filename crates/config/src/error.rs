//! Mistakes and doubts with their place, in both languages.

use crate::Lang;
use std::fmt::Write as _;
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
    /// Bytes of the file that it is about.
    pub span: Range<usize>,
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

/// Plain text of the list: `file:line:column: message`, below it what would be right.
#[must_use]
pub fn render(list: &[ConfigError], file_name: &str, text: &str, lang: Lang) -> String {
    let help = match lang {
        Lang::Zh => "提示",
        Lang::En => "help",
    };
    let mut out = String::new();
    for item in list {
        let (line, column) = place(text, item.span.start);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{file_name}:{line}:{column}: {}", item.message(lang));
        if !item.help(lang).is_empty() {
            let _ = writeln!(out, "    {help}: {}", item.help(lang));
        }
    }
    out
}
