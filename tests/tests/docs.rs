//! What the documents tell a reader to type works, and where they point there is something.
//!
//! `sh` blocks are run, `toml` blocks are checked by the program, `text` blocks (output, or commands
//! that change the machine or never end) are read: options that they name exist, and their `curl`
//! lines are asked of a demonstration engine. `toml part` and `console` blocks are those of the manual
//! of routing tables, see `manual.rs`.

use meishier_tests::documents::{self, blocks, call, commands, words};
use meishier_tests::engine::Engine;
use meishier_tests::{binary, tree};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Commands that a reader types and this test does not run, for it is what they run, or they change
/// the machine.
const ONLY_READ: &[&str] = &[
    "cargo xtask ",
    "cargo test",
    "cargo build",
    "apt-get ",
    "systemctl ",
    "install ",
];

fn run(words: &[String], place: &str) {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words[0] == "demo" {
        // The same calls, only closer together.
        words.extend(["--length", "20"]);
    }
    let output = binary::command(&words)
        .current_dir(tree::root())
        .output()
        .unwrap();
    let (out, err) = binary::texts(&output);
    assert!(
        output.status.success(),
        "{place}: {words:?}: {}\n{out}\n{err}",
        output.status
    );
}

#[test]
fn commands_of_the_documents_work() {
    let mut done = BTreeSet::new();
    let mut number = 0;
    for path in documents::all() {
        for block in blocks(&fs::read_to_string(&path).unwrap()) {
            if !["sh", "bash", "shell"].contains(&block.kind.as_str()) {
                continue;
            }
            let place = format!("{}:{}", tree::shown(&path), block.line);
            for command in commands(&block) {
                if ONLY_READ.iter().any(|start| command.starts_with(start)) {
                    continue;
                }
                let words = call(&command);
                let Some(mut words) = words else {
                    panic!("{place}: unknown command (is the block `text`?): {command}");
                };
                number += 1;
                // The language of messages makes no other command.
                if let Some(at) = words.iter().position(|word| word == "--lang") {
                    words.drain(at..at + 2);
                }
                if done.insert(words.clone()) {
                    run(&words, &place);
                }
            }
        }
    }
    assert!(number >= 2, "the documents show commands");
}

#[test]
fn options_in_the_documents_exist() {
    let mut number = 0;
    for path in documents::all() {
        for block in blocks(&fs::read_to_string(&path).unwrap()) {
            for words in commands(&block).iter().filter_map(|line| call(line)) {
                let own = ["recordings"].contains(&words[0].as_str());
                let mut asked = vec![words[0].as_str()];
                asked.extend(words.get(1).filter(|_| own).map(String::as_str));
                asked.push("--help");
                let help = binary::texts(&binary::run(&asked)).0;
                for option in words.iter().filter(|word| word.starts_with("--")) {
                    let place = format!("{}:{}", tree::shown(&path), block.line);
                    assert!(
                        help.contains(option.as_str()),
                        "{place}: {} has no {option}",
                        words[0]
                    );
                    number += 1;
                }
            }
        }
    }
    assert!(number > 3, "the documents show options");
}

#[test]
fn configurations_in_the_documents_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    for path in documents::all() {
        for block in blocks(&fs::read_to_string(&path).unwrap()) {
            if block.kind == "toml" {
                let file = folder.path().join("block.toml");
                fs::write(&file, &block.text).unwrap();
                let output =
                    binary::run(&["check", "--lang", "en", "--config", &file.to_string_lossy()]);
                let (_, err) = binary::texts(&output);
                assert!(
                    output.status.success(),
                    "{}:{}\n{err}",
                    tree::shown(&path),
                    block.line
                );
                number += 1;
            }
        }
    }
    assert!(number > 0, "the documents show a configuration");
}

#[test]
fn json_in_the_documents_is_json() {
    for path in documents::all() {
        for block in blocks(&fs::read_to_string(&path).unwrap()) {
            if block.kind == "json" {
                let value: Result<serde_json::Value, _> = serde_json::from_str(&block.text);
                assert!(
                    value.is_ok(),
                    "{}:{}: {value:?}",
                    tree::shown(&path),
                    block.line
                );
            }
        }
    }
}

/// Method, path and body of a `curl` line on the demonstration's address.
fn request(line: &str) -> Option<(String, String, String)> {
    let words = words(line.strip_prefix("curl ")?);
    let after = |option: &str| {
        let at = words.iter().position(|word| word == option)?;
        words.get(at + 1).cloned()
    };
    let url = words.iter().find(|word| word.starts_with("http://"))?;
    let path = url.strip_prefix("http://127.0.0.1:8080")?.to_owned();
    let body = after("-d").unwrap_or_default();
    let method = if body.is_empty() { "GET" } else { "POST" };
    Some((after("-X").unwrap_or_else(|| method.to_owned()), path, body))
}

#[test]
fn the_api_answers_as_the_documents_ask() {
    let mut number = 0;
    for path in documents::all() {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<String> = blocks(&text).iter().flat_map(commands).collect();
        let mut requests: Vec<_> = lines.iter().filter_map(|line| request(line)).collect();
        // What names a call needs one; tests of the program and the demonstration try it.
        requests.retain(|(_, path, _)| !path.contains("/calls/"));
        if requests.is_empty() {
            continue;
        }
        let engine = Engine::demo();
        for (method, url, body) in requests {
            let answer = engine.ask(&method, &url, &body);
            let place = tree::shown(&path);
            assert!(
                (200..300).contains(&answer.status),
                "{place}: {url} {body}: {answer:?}"
            );
            number += 1;
        }
    }
    assert!(number > 3, "the documents show requests");
}

/// The anchor that a heading gets: small letters, spaces as hyphens, other signs left out.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// Targets of `[words](target)`, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for part in text.split("](").skip(1) {
        if let Some((target, _)) = part.split_once(')') {
            out.push(target.to_owned());
        }
    }
    out
}

fn broken(path: &Path, text: &str, target: &str) -> bool {
    if target.starts_with("http://") || target.starts_with("https://") {
        return false;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = if file.is_empty() {
        path.to_path_buf()
    } else {
        path.parent().unwrap().join(file)
    };
    let there = if to.is_dir() {
        Some(String::new())
    } else {
        fs::read_to_string(&to).ok()
    };
    let there = if file.is_empty() {
        Some(text.to_owned())
    } else {
        there
    };
    match there {
        None => true,
        Some(there) => !anchor.is_empty() && !anchors(&there).contains(anchor),
    }
}

#[test]
fn links_lead_somewhere() {
    let mut out = Vec::new();
    for path in documents::all() {
        let text = fs::read_to_string(&path).unwrap();
        let bad = links(&text)
            .into_iter()
            .filter(|target| broken(&path, &text, target));
        out.extend(bad.map(|target| format!("{}: {target}", tree::shown(&path))));
    }
    assert!(out.is_empty(), "\n{}", out.join("\n"));
}

#[test]
fn every_document_for_people_is_there_in_both_languages() {
    let root = tree::root();
    for name in ["README", "docs/operations", "docs/routing"] {
        for ending in ["md", "zh-CN.md"] {
            assert!(
                root.join(format!("{name}.{ending}")).is_file(),
                "{name}.{ending}"
            );
        }
    }
}

#[test]
fn the_readers_read() {
    let text =
        "# A b\n```sh\n# note\ncargo run --release -- demo \\\n  --calls 6 'a b'\n```\n[x](y.md#z)";
    let found = blocks(text);
    assert_eq!(
        (found.len(), found[0].kind.as_str(), found[0].line),
        (1, "sh", 2)
    );
    let lines = commands(&found[0]);
    assert_eq!(call(&lines[0]).unwrap(), ["demo", "--calls", "6", "a b"]);
    assert_eq!(call("meishier has no such command"), None);
    assert_eq!(links(text), ["y.md#z"]);
    assert!(broken(Path::new("/nowhere/x.md"), text, "y.md#z"));
    assert!(!broken(Path::new("/nowhere/x.md"), text, "#a-b"));
    let (method, path, body) =
        request("curl -H 'A: b' -d '{\"a\":1}'  http://127.0.0.1:8080/x").unwrap();
    assert_eq!((&*method, &*path, &*body), ("POST", "/x", "{\"a\":1}"));
}
