//! The files of a configuration as one text: each has its stretch of it, and every span of a
//! mistake counts from the start of the whole.

use crate::error::{ConfigError, Warning, place};
use crate::include;
use crate::picture::picture;
use crate::read;
use crate::types::{Config, Lang};
use meishier_model::Wall;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

/// Longest file, bytes.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of all files together.
pub const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;
/// Most files of a configuration.
pub const MAX_FILES: usize = 2000;
/// How deep files may include each other: a file that the main one includes has depth 1.
pub const MAX_DEPTH: usize = 8;

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name as people are shown it; a path with `/`, from which its own includes count.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl fmt::Debug for Source {
    /// Without the text, which holds passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} bytes)", self.name, self.text.len())
    }
}

/// One thing in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name within the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_folder: bool,
}

/// Why a file or folder cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Why, in Chinese.
    pub message_zh: String,
    /// Why, in English.
    pub message_en: String,
}

/// Where included files come from: a disk, or a list in a test. Names are paths with `/`.
pub trait Files {
    /// What lies in a folder, in any order; `""` is the working folder.
    ///
    /// # Errors
    /// Why it cannot be listed.
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable>;

    /// The text of a file. One longer than `most` bytes is refused, or cut anywhere above that.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn text(&mut self, name: &str, most: usize) -> Result<String, Unreadable>;
}

/// No files but those at hand.
struct Nothing;

impl Files for Nothing {
    fn entries(&mut self, _: &str) -> Result<Vec<Entry>, Unreadable> {
        Err(Unreadable {
            message_zh: "这里只有一个文件，不能包含别的文件".to_owned(),
            message_en: "there is this one file alone, which cannot include others".to_owned(),
        })
    }

    fn text(&mut self, _: &str, _: usize) -> Result<String, Unreadable> {
        self.entries("").map(|_| String::new())
    }
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'s> {
    /// The file's name as people are shown it.
    pub file: &'s str,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// All files of a configuration in their order: the main one, then each that it includes followed
/// by those that the included one includes.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    /// Where each file begins in the whole.
    starts: Vec<usize>,
    /// What was wrong with the includes.
    pub(crate) mistakes: Vec<ConfigError>,
    /// What was odd about them.
    pub(crate) doubts: Vec<Warning>,
}

impl Sources {
    /// One text that includes nothing.
    #[must_use]
    pub fn one(name: &str, text: &str) -> Self {
        let (name, text) = (name.to_owned(), text.to_owned());
        Self::gather(vec![Source { name, text }], &mut Nothing)
    }

    /// The files that a caller names, and all that they include. What is wrong with the includes is
    /// told by [`Sources::parse`], so that there is one list of mistakes.
    #[must_use]
    pub fn gather(named: Vec<Source>, files: &mut dyn Files) -> Self {
        include::gather(named, files)
    }

    /// Reads the configuration; see [`crate::parse`].
    ///
    /// # Errors
    /// Every mistake of all files, in order of the files and of their places in them; never empty.
    /// Files that cannot be included, and files that are not TOML, are told before anything else is
    /// read.
    pub fn parse(&self, today: Option<Wall>) -> Result<(Config, Vec<Warning>), Vec<ConfigError>> {
        read::parse(self, today)
    }

    /// The files in their order.
    #[must_use]
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// Which version of the configuration this is: the first 16 hexadecimal digits of the SHA-256
    /// over the texts in their order, a NUL between two. Names of files do not count; for one file
    /// it is the beginning of what `sha256sum` prints, unless the file begins with a byte order mark.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (at, file) in self.files.iter().enumerate() {
            if at > 0 {
                hash.update([0]);
            }
            hash.update(file.text.as_bytes());
        }
        let mut out = String::with_capacity(16);
        for byte in hash.finalize().iter().take(8) {
            let _ = write!(out, "{byte:02x}");
        }
        out
    }

    /// Where a byte of the whole stands. One past the end counts as the end of the last file.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place<'_> {
        let Some((file, start)) = self.at(offset) else {
            return Place {
                file: "",
                line: 1,
                column: 1,
            };
        };
        let (line, column) = place(&file.text, offset - start);
        Place {
            file: &file.name,
            line,
            column,
        }
    }

    /// Plain text of a list of mistakes: for each `file:line:column: message`, the line with the
    /// place underlined, where else the same stands, what would be right. Values of passwords, PINs
    /// and tokens are not shown.
    #[must_use]
    pub fn render(&self, mistakes: &[ConfigError], lang: Lang) -> String {
        self.draw(mistakes, "", lang)
    }

    /// The same for doubts, which say that they are.
    #[must_use]
    pub fn render_warnings(&self, doubts: &[Warning], lang: Lang) -> String {
        let sign = match lang {
            Lang::Zh => "提醒：",
            Lang::En => "warning: ",
        };
        self.draw(doubts, sign, lang)
    }

    fn draw(&self, list: &[ConfigError], sign: &str, lang: Lang) -> String {
        let (help, other) = match lang {
            Lang::Zh => ("提示：", "另一处："),
            Lang::En => ("help: ", "the other: "),
        };
        let mut out = String::new();
        // Writing to a String cannot fail.
        for item in list {
            let at = self.place(item.span.start);
            let _ = writeln!(out, "{at}: {sign}{}", item.message(lang));
            if let Some((file, start)) = self.at(item.span.start) {
                let end = item.span.end.max(item.span.start);
                picture(&mut out, &file.text, item.span.start - start..end - start);
            }
            if let Some(also) = &item.also {
                let _ = writeln!(out, "    {other}{}", self.place(also.start));
            }
            if !item.help(lang).is_empty() {
                let _ = writeln!(out, "    {help}{}", item.help(lang));
            }
        }
        out
    }

    /// The file that holds a byte of the whole, and where it begins.
    fn at(&self, offset: usize) -> Option<(&Source, usize)> {
        let after = self.starts.partition_point(|start| *start <= offset);
        let index = after.checked_sub(1)?;
        Some((self.files.get(index)?, *self.starts.get(index)?))
    }

    /// Each file with where it begins.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Source, usize)> {
        self.files.iter().zip(self.starts.iter().copied())
    }

    /// Adds a file; gives where it begins. Between two files lies one byte of neither, so that the
    /// end of one is not the start of the next.
    pub(crate) fn push(&mut self, file: Source) -> usize {
        let last = self.iter().last();
        let start = last.map_or(0, |(file, start)| start + file.text.len() + 1);
        self.files.push(file);
        self.starts.push(start);
        start
    }
}
