//! The manual of routing tables: its configurations load, its commands answer as it says.
//!
//! | block | what is done with it |
//! | --- | --- |
//! | `toml NAME.toml` | a whole configuration; the first one is the example of the others |
//! | `toml part` | loads in the example, in place of the sections of the same names |
//! | `toml part NAME.toml` | the same, and commands may ask that file |
//! | `console` | `$ meishier …` is run where those files are; the lines below it stand in its output, in this order, `…` for what is left out |

use meishier_tests::documents::{Block, blocks, call};
use meishier_tests::{binary, documents, tree};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Keys by which sections of one kind are told apart.
const NAMES: &[&str] = &["name", "account", "city", "province", "code", "nation"];
/// Sections that may say the same thing twice.
const NEVER_REPLACED: &[&str] = &["[[exceptional]]", "[[blocks]]", "[[numbers]]", "[[cells]]"];
/// Doubts that come with the years.
const BY_TIME: &[&str] = &["节假日表", "已经到期"];

/// Lines of a configuration up to the next header; those before the first one have none.
#[derive(Clone, Debug)]
struct Chunk {
    header: String,
    lines: Vec<String>,
}

fn chunks(text: &str) -> Vec<Chunk> {
    let top = Chunk {
        header: String::new(),
        lines: Vec::new(),
    };
    let mut out = vec![top];
    for line in text.lines() {
        if line.starts_with('[') {
            let header = line.split('#').next().unwrap().trim().to_owned();
            let lines = Vec::new();
            out.push(Chunk { header, lines });
        } else if let Some(chunk) = out.last_mut() {
            chunk.lines.push(line.to_owned());
        }
    }
    out
}

fn key_of(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let value = value.split('#').next().unwrap_or_default();
    let plain = !key.starts_with([' ', '#']);
    plain.then_some((key.trim(), value.trim()))
}

impl Chunk {
    /// What two chunks of one thing have in common.
    fn identity(&self) -> Option<(String, String)> {
        if NEVER_REPLACED.contains(&self.header.as_str()) {
            return None;
        }
        let list = self.header.starts_with("[[");
        let named = self.lines.iter().filter_map(|line| key_of(line));
        let name = named
            .filter(|(key, _)| list && NAMES.contains(key))
            .map(|(key, value)| format!("{key}={value}"));
        let name = name.into_iter().next().unwrap_or_default();
        Some((self.header.clone(), name))
    }

    fn text(&self) -> String {
        let lines = self.lines.join("\n");
        match self.header.as_str() {
            "" => format!("{lines}\n"),
            header => format!("{header}\n{lines}\n"),
        }
    }
}

/// The example with the sections of a part: those of the same names replaced, routes put in front.
fn joined(example: &str, part: &str) -> String {
    let (mut whole, mut parts) = (chunks(example), chunks(part));
    let top = parts.remove(0);
    let keys: BTreeSet<&str> = top
        .lines
        .iter()
        .filter_map(|l| Some(key_of(l)?.0))
        .collect();
    let replaced = |line: &String| key_of(line).is_some_and(|(key, _)| keys.contains(key));
    whole[0].lines.retain(|line| !replaced(line));
    whole[0].lines.extend(top.lines.clone());
    let known: BTreeSet<_> = parts.iter().filter_map(Chunk::identity).collect();
    whole.retain(|chunk| chunk.identity().is_none_or(|id| !known.contains(&id)));
    let head = whole.remove(0).text();
    let texts = parts.iter().chain(&whole).map(Chunk::text);
    head + &texts.collect::<String>()
}

/// Writes every configuration of a document and checks it; gives how many there were, and adds what is
/// wrong.
fn write_all(folder: &Path, place: &str, blocks: &[Block], wrong: &mut Vec<String>) -> usize {
    let mut example = None;
    let mut number = 0;
    for block in blocks {
        let place = format!("{place}:{}", block.line);
        let kind: Vec<&str> = block.kind.split(' ').collect();
        let (name, text) = match kind[..] {
            ["toml", "part"] => ("part.toml", joined(example.expect(&place), &block.text)),
            ["toml", "part", name] => (name, joined(example.expect(&place), &block.text)),
            ["toml", name] => {
                example = example.or(Some(&block.text));
                (name, block.text.clone())
            }
            _ => continue,
        };
        let file = folder.join(name);
        fs::write(&file, &text).unwrap();
        let output = binary::run(&["check", "--config", &file.to_string_lossy()]);
        let (_, err) = binary::texts(&output);
        // What time alone makes doubtful is nobody's mistake.
        let by_time = |line: &str| BY_TIME.iter().any(|what| line.contains(what));
        let doubts = err.lines().filter(|line| line.contains("提醒："));
        if !output.status.success() || doubts.filter(|line| !by_time(line)).count() > 0 {
            wrong.push(format!("{place}\n{err}"));
        }
        number += 1;
    }
    number
}

/// Commands of a console, each with the lines that it is said to print.
fn sessions(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.text.replace("\\\n", " ").lines() {
        match (line.strip_prefix("$ "), out.last_mut()) {
            (Some(command), _) => out.push((command.to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.trim().to_owned()),
            (None, None) => panic!("line {}: no command before {line}", block.line),
        }
    }
    out
}

/// The first line that an output lacks, or has too early.
fn lacking<'l>(output: &str, lines: &'l [String]) -> Option<&'l String> {
    let mut rest = output;
    lines.iter().filter(|line| *line != "…").find(|line| {
        let found = rest.find(line.as_str());
        rest = found.map_or("", |at| &rest[at + line.len()..]);
        found.is_none()
    })
}

#[test]
fn the_manual_is_right() {
    let (mut files, mut asked, mut wrong) = (0, 0, Vec::new());
    for path in documents::all() {
        let found = blocks(&fs::read_to_string(&path).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let place = tree::shown(&path);
        files += write_all(folder.path(), &place, &found, &mut wrong);
        for block in found.iter().filter(|block| block.kind == "console") {
            for (command, lines) in sessions(block) {
                let place = format!("{place}:{}: {command}", block.line);
                let words = call(&command).expect(&place);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let run = binary::command(&words).current_dir(folder.path()).output();
                let (out, err) = binary::texts(&run.unwrap());
                if let Some(line) = lacking(&out, &lines) {
                    wrong.push(format!("{place}\n  lacks {line}\n{out}{err}"));
                }
                assert!(!lines.is_empty(), "{place}: nothing is said of its answer");
                asked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(
        files >= 24 && asked >= 24,
        "{files} files, {asked} commands"
    );
}

#[test]
fn the_manuals_say_the_same_in_both_languages() {
    // Comments, titles and reasons are in the document's own language.
    let said = |name: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(tree::root().join(name)).unwrap();
        let parts = blocks(&text).into_iter();
        let parts = parts.filter(|block| block.kind.starts_with("toml"));
        let keys = |block: Block| {
            let lines = block.text.lines().filter(|line| !line.starts_with('#'));
            let keys = lines.map(|line| line.split('=').next().unwrap_or_default());
            let keys = keys.map(|key| key.split('#').next().unwrap_or_default().trim().to_owned());
            let mut keys: Vec<String> = keys.filter(|key| !key.is_empty()).collect();
            keys.insert(0, block.kind);
            keys
        };
        parts.map(keys).collect()
    };
    let (zh, en) = (said("docs/routing.zh-CN.md"), said("docs/routing.md"));
    assert_eq!(zh, en);
}

#[test]
fn the_readers_read() {
    let example =
        "a = 1\nb = 2\n[x]\ny = 1\n[[routes]]\nname = \"one\"\nz = 1\n[[numbers]]\nname = \"n\"\n";
    let part = "b = 3\n[[routes]]\nname = \"two\"\n[[routes]]\nname = \"one\" # again\nz = 2\n[[numbers]]\nname = \"n\"\n";
    assert_eq!(
        joined(example, part),
        "a = 1\nb = 3\n[[routes]]\nname = \"two\"\n[[routes]]\nname = \"one\" # again\nz = 2\n[[numbers]]\nname = \"n\"\n[x]\ny = 1\n[[numbers]]\nname = \"n\"\n"
    );
    let lines = ["b", "…", "a"].map(str::to_owned);
    assert_eq!(lacking("a b c a", &lines), None);
    assert_eq!(lacking("a b", &lines), Some(&lines[2]));
}
