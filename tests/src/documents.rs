//! The documents for people, and what stands in their fenced blocks.

use crate::tree;
use std::fs;
use std::path::PathBuf;

/// How the program is called in documents.
const PROGRAM: &[&str] = &[
    "cargo run --release -- ",
    "target/release/meishier ",
    "meishier ",
];
/// What the program can be told to do.
const COMMANDS: &[&str] = &[
    "serve",
    "check",
    "demo",
    "sim",
    "route",
    "week",
    "diff",
    "why",
    "key",
    "recordings",
];

/// One fenced block.
#[derive(Debug)]
pub struct Block {
    /// What stands behind the fence: `sh`, `toml part night.toml`.
    pub kind: String,
    /// Line of the fence, from 1.
    pub line: usize,
    /// What stands inside, each line with its end.
    pub text: String,
}

/// Fenced blocks of a document.
#[must_use]
pub fn blocks(text: &str) -> Vec<Block> {
    let (mut out, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (line, content) in (1..).zip(text.lines()) {
        match (content.trim_start().strip_prefix("```"), open.take()) {
            (Some(kind), None) => {
                let kind = kind.trim().to_owned();
                open = Some(Block {
                    kind,
                    line,
                    text: String::new(),
                });
            }
            (Some(_), Some(block)) => out.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(content);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    out
}

/// Commands of a block: lines joined at a backslash, comments left out, a console's `$` taken off.
#[must_use]
pub fn commands(block: &Block) -> Vec<String> {
    let joined = block.text.replace("\\\n", " ");
    let lines = joined
        .lines()
        .map(|line| line.trim().trim_start_matches("$ "));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Every document of the checkout.
#[must_use]
pub fn all() -> Vec<PathBuf> {
    let root = tree::root();
    let mut found = tree::files(&root.join("docs"), ".md");
    found.extend(tree::files(&root.join("deploy"), ".md"));
    let top = fs::read_dir(&root).into_iter().flatten().flatten();
    let top = top.map(|entry| entry.path());
    found.extend(top.filter(|path| path.extension().is_some_and(|e| e == "md")));
    found
}

/// Words of a command line; quotes keep words together.
#[must_use]
pub fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(end)) if c == end => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => out.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

/// The words after the program's name, if the line calls it.
#[must_use]
pub fn call(line: &str) -> Option<Vec<String>> {
    let rest = PROGRAM.iter().find_map(|start| line.strip_prefix(start))?;
    let words = words(rest);
    let first = words.first()?;
    COMMANDS.contains(&first.as_str()).then_some(words)
}
