//! `include`: which files belong to a configuration, found by names alone.

use crate::merge::{self, DeMap};
use crate::section::{At, Section};
use crate::sink::{Both, Sink, both, no_help};
use crate::sources::{
    Files, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, Source, Sources, Unreadable,
};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::DeTable;

/// Most patterns of one file.
const MAX_PATTERNS: usize = 256;
/// Longest pattern, bytes.
const MAX_PATTERN: usize = 1024;

/// See [`Sources::gather`].
pub(crate) fn gather(named: Vec<Source>, files: &mut dyn Files) -> Sources {
    let sink = Sink::default();
    let mut gathering = Gathering {
        files,
        sink: &sink,
        out: Sources::default(),
        bytes: 0,
        known: BTreeMap::new(),
    };
    for source in &named {
        gathering.known.insert(fold("", &source.name), None);
    }
    for source in named {
        let path = fold("", &source.name);
        gathering.add(source, path, &(0..0), &mut Vec::new());
    }
    let mut out = gathering.out;
    (out.mistakes, out.doubts) = sink.into_lists();
    out
}

struct Gathering<'a> {
    files: &'a mut dyn Files,
    sink: &'a Sink,
    out: Sources,
    bytes: usize,
    /// Every file by its path, with the place that includes it; `None` for those the caller named.
    known: BTreeMap<String, Option<Range<usize>>>,
}

impl Gathering<'_> {
    /// Adds a file and all that it includes. `chain` are the files that led here.
    fn add(&mut self, source: Source, path: String, at: &Range<usize>, chain: &mut Vec<String>) {
        let length = source.text.len();
        if length > MAX_FILE_BYTES || self.bytes + length > MAX_TOTAL_BYTES {
            let name = source.name;
            // The text stays out, but the name is wanted for the place of the mistake.
            if self.out.files().is_empty() {
                let text = String::new();
                self.out.push(Source {
                    name: name.clone(),
                    text,
                });
            }
            let (mib, total) = (MAX_FILE_BYTES >> 20, MAX_TOTAL_BYTES >> 20);
            self.sink.error(
                at,
                both!("文件太大：{name}", "the file is too large: {name}"),
                both!(
                    "一个文件最多 {mib} MiB，全部文件合计最多 {total} MiB",
                    "at most {mib} MiB a file and {total} MiB in all"
                ),
            );
            return;
        }
        self.bytes += length;
        // Without its letters or an escape there is no such key: most files are parsed once.
        let may_include = source.text.contains("include") || source.text.contains('\\');
        let text = may_include.then(|| source.text.clone());
        let start = self.out.push(source);
        let Some(text) = text else { return };
        let Some(only) = include_of(&text, start) else {
            return;
        };
        chain.push(path);
        let section = Section::new(self.sink, &only, start..start, "");
        for pattern in section.texts(KEY, MAX_PATTERNS) {
            self.include(&pattern, chain);
        }
        chain.pop();
    }

    /// Follows one pattern.
    fn include(&mut self, pattern: &At<&str>, chain: &mut Vec<String>) {
        let own = chain.last().cloned().unwrap_or_default();
        let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
        // A path that begins at the root has an empty folder name before its first stroke.
        let folder = if folder.is_empty() && own.starts_with('/') {
            "/"
        } else {
            folder
        };
        let text = pattern.value;
        if text.trim().is_empty() || text.len() > MAX_PATTERN || text.contains('\0') {
            let help = both!("例如 \"guizhou/*.toml\"", "such as \"guizhou/*.toml\"");
            let message = both!(
                "include 不是文件的路径",
                "include is not the path of a file"
            );
            self.sink.error(&pattern.span, message, help);
            return;
        }
        if chain.len() > MAX_DEPTH {
            let message = both!("文件一层层包含得太深", "files include each other too deep");
            let help = both!("最多 {MAX_DEPTH} 层", "at most {MAX_DEPTH} levels");
            self.sink.error(&pattern.span, message, help);
            return;
        }
        let path = fold(folder, text);
        let paths = match self.expand(&path) {
            Ok(paths) => paths,
            Err(why) => return self.unreadable(&pattern.span, why),
        };
        // Who takes everything around does not mean the file in which that stands.
        let wild = path.contains('*');
        let mut found = false;
        for path in paths.into_iter().filter(|path| !(wild && *path == own)) {
            found = true;
            if !self.one(path, &pattern.span, chain) {
                return;
            }
        }
        if !found {
            self.sink.warn(
                &pattern.span,
                both!("没有文件符合 {text:?}", "no file fits {text:?}"),
                both!("改正路径，或删去它", "correct the path, or remove it"),
            );
        }
    }

    /// Reads one included file; false if there are too many.
    fn one(&mut self, path: String, at: &Range<usize>, chain: &mut Vec<String>) -> bool {
        if let Some(before) = self.known.get(&path).cloned() {
            self.again(&path, at, before, chain);
            return true;
        }
        if self.known.len() >= MAX_FILES {
            let message = both!("文件太多", "there are too many files");
            let help = both!("最多 {MAX_FILES} 个", "at most {MAX_FILES}");
            self.sink.error(at, message, help);
            return false;
        }
        self.known.insert(path.clone(), Some(at.clone()));
        match self.files.text(&path, MAX_FILE_BYTES) {
            Ok(text) => {
                let name = path.clone();
                self.add(Source { name, text }, path, at, chain);
            }
            Err(why) => self.unreadable(at, why),
        }
        true
    }

    fn again(&self, path: &str, at: &Range<usize>, before: Option<Range<usize>>, chain: &[String]) {
        let begins = chain.iter().position(|it| it == path);
        if let Some(circle) = begins.and_then(|begins| chain.get(begins..)) {
            let circle = circle.join(" → ");
            self.sink.error(
                at,
                both!(
                    "{path} 绕一圈又包含了自己：{circle} → {path}",
                    "{path} includes itself in a circle: {circle} → {path}"
                ),
                both!("删去这一处", "remove this one"),
            );
            return;
        }
        let message = both!("{path} 已经包含过了", "{path} is included already");
        // A file of the folder that was named is read in any case; who names it too means no harm,
        // and may one day name the main file alone.
        if before.is_some() {
            let help = both!("每个文件只包含一次", "include each file once");
            self.sink.error_also(at, before, message, help);
        }
    }

    fn unreadable(&self, at: &Range<usize>, why: Unreadable) {
        self.sink
            .error(at, (why.message_zh, why.message_en), no_help());
    }

    /// The paths that fit a pattern, by name; a pattern without `*` is its own.
    fn expand(&mut self, pattern: &str) -> Result<Vec<String>, Unreadable> {
        let absolute = pattern.starts_with('/');
        let mut bases = vec![if absolute { "/" } else { "" }.to_owned()];
        let parts: Vec<&str> = pattern.split('/').filter(|it| !it.is_empty()).collect();
        let mut wild = false;
        for (at, part) in parts.iter().enumerate() {
            wild |= part.contains('*');
            if !wild {
                bases.iter_mut().for_each(|base| *base = join(base, part));
                continue;
            }
            let is_last = at + 1 == parts.len();
            let mut fitting = Vec::new();
            for base in &bases {
                let mut entries = self.files.entries(base)?;
                entries.retain(|it| it.is_folder != is_last && fits(part, &it.name));
                entries.sort();
                fitting.extend(entries.iter().map(|entry| join(base, &entry.name)));
                // One more than may be is enough to say that there are too many.
                fitting.truncate(MAX_FILES + 1);
            }
            bases = fitting;
        }
        Ok(bases)
    }
}

/// The key.
pub(crate) const KEY: &str = "include";

/// A table with `include` and nothing else, if there is one and the file is TOML.
fn include_of(text: &str, start: usize) -> Option<DeMap<'_>> {
    let (document, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        return None;
    }
    let (key, value) = document.into_inner().remove_entry(KEY)?;
    let mut only = DeTable::new();
    only.insert(merge::shift_key(key, start), merge::shift(value, start));
    Some(only)
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder if folder.ends_with('/') => format!("{folder}{name}"),
        folder => format!("{folder}/{name}"),
    }
}

/// A path as seen from a folder, without `.` and as far as possible without `..`: by its letters
/// alone, since there is no disk to ask.
fn fold(folder: &str, path: &str) -> String {
    let absolute = path.starts_with('/') || folder.starts_with('/');
    let before = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in before.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if absolute { format!("/{path}") } else { path }
}

/// Whether a name fits a pattern in which `*` stands for any letters. Hidden files take a pattern
/// that begins with a dot.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on if what follows the last star does not fit.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(byte) if name.get(n) == Some(byte) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, taken)) = retry else {
                    return false;
                };
                retry = Some((after, taken + 1));
                (p, n) = (after, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

/// What is said of a section or key that stands in two files.
pub(crate) fn in_two_files(key: &str) -> (Both, Both) {
    (
        both!("{key} 在两个文件里都有", "{key} stands in two files"),
        both!(
            "只有 [[…]] 这样可以有多段的才能分在几个文件里；其余只写一次",
            "only what comes in many, such as [[…]], may be spread over files; all else stands once"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::{fits, fold};

    #[test]
    fn paths_are_folded_by_their_letters() {
        for (folder, path, expected) in [
            ("", "./a.toml", "a.toml"),
            ("conf", "x/*.toml", "conf/x/*.toml"),
            ("conf/x", "../y.toml", "conf/y.toml"),
            ("conf", "../../y.toml", "../y.toml"),
            ("/etc/m", "a.toml", "/etc/m/a.toml"),
            ("/etc", "../../a.toml", "/a.toml"),
            ("/", "a.toml", "/a.toml"),
            ("conf", "/a//b.toml", "/a/b.toml"),
        ] {
            assert_eq!(fold(folder, path), expected, "{folder} {path}");
        }
    }

    #[test]
    fn stars_stand_for_any_letters_of_one_name() {
        for (pattern, name, expected) in [
            ("*.toml", "贵州.toml", true),
            ("*.toml", ".hidden.toml", false),
            (".*.toml", ".hidden.toml", true),
            ("*.toml", "a.toml~", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("**", "x", true),
            ("*", "", true),
            ("x", "x", true),
            ("x", "xy", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
