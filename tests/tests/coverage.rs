//! docs/rfc-coverage.md says what is so: every file, item and test that it names exists, every test
//! is one that runs, and every clause is either done or "not done" with a reason.

use meishier_tests::tree;
use std::collections::BTreeSet;
use std::fs;

const FILE: &str = "docs/rfc-coverage.md";
/// RFCs that must be spoken of, done or not.
const RFCS: &[u32] = &[
    2046, 3261, 3262, 3263, 3264, 3311, 3323, 3325, 3326, 3327, 3515, 3550, 3581, 3891, 3966, 4028,
    4119, 4320, 4475, 4733, 5031, 5393, 5621, 5626, 5761, 5806, 6026, 6086, 6442, 6874, 7044, 7315,
    7544, 7616, 8224, 8760, 8866,
];

/// One line of a table.
struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

/// The rows of all tables, without heads and rules.
fn rows(text: &str) -> Vec<Row<'_>> {
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.starts_with('|'));
    let rows = lines.map(|(line, text)| Row {
        line,
        cells: text.trim_matches('|').split(" | ").map(str::trim).collect(),
    });
    rows.filter(|row| row.cells[0] != "clause" && !row.cells[0].starts_with("---"))
        .collect()
}

/// What stands in backquotes and has `::` in it: file and name.
fn places(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).collect()
}

/// The text of a file that the document names; those of crates stand below `crates`.
fn read(file: &str) -> Option<String> {
    let root = tree::root();
    let path = match file.starts_with("tests/") {
        true => root.join(file),
        false => root.join("crates").join(file),
    };
    fs::read_to_string(path).ok()
}

/// True if the source defines such an item.
fn defines(source: &str, item: &str) -> bool {
    let kinds = ["fn", "struct", "enum", "const", "static", "trait", "type"];
    source.lines().any(|line| {
        kinds.iter().any(|kind| {
            let word = format!("{kind} {item}");
            line.find(&word).is_some_and(|at| {
                let end = line[at + word.len()..].chars().next();
                let whole = end.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let start = line[..at].trim_start();
                let visible = ["", "pub", "pub(crate)", "pub(super)", "pub const", "const"];
                let start = start.trim_end().trim_end_matches("async");
                whole && visible.contains(&start.trim_end())
            })
        })
    })
}

/// Why a function of that name is not a test that runs; `None` if it is one.
fn idle(source: &str, name: &str) -> Option<&'static str> {
    let start = format!("fn {name}(");
    let begins = |line: &str| {
        let line = line.trim_start();
        line.trim_start_matches("async ").starts_with(&start)
    };
    let Some(at) = source.lines().position(begins) else {
        return Some("no such function");
    };
    let lines: Vec<&str> = source.lines().take(at).collect();
    let above = lines.iter().rev().map(|line| line.trim());
    let attributes: Vec<&str> = above.take_while(|line| line.starts_with("#[")).collect();
    if attributes
        .iter()
        .any(|a| a.starts_with(concat!("#[ig", "nore")))
    {
        return Some("it is left out");
    }
    if attributes.iter().any(|a| a.starts_with("#[cfg")) {
        return Some("it is there only at times");
    }
    let is_test = attributes
        .iter()
        .any(|a| *a == "#[test]" || a.starts_with("#[tokio::test"));
    (!is_test).then_some("it is no test")
}

/// Why the file of a test is not compiled as one: it is a target, or `main.rs` beside it names it.
fn unused(file: &str) -> Option<&'static str> {
    let mut parts = file.rsplit('/');
    let (own, folder) = (parts.next()?, parts.next()?);
    if folder == "tests" || own == "main.rs" {
        return None;
    }
    // Tests of a module's own, in it or in a module of it.
    if file.contains("/src/") {
        let above = file
            .strip_suffix(own)
            .and_then(|folder| read(&format!("{folder}mod.rs")));
        let named = above.is_some_and(|it| it.lines().any(|line| line == "mod tests;"));
        return (own == "tests.rs" && !named).then_some("no module has it");
    }
    let main = file
        .strip_suffix(own)
        .and_then(|folder| read(&format!("{folder}main.rs")));
    let module = format!("mod {};", own.trim_end_matches(".rs"));
    match main {
        Some(main) if main.lines().any(|line| line == module) => None,
        _ => Some("no target has it"),
    }
}

/// Offences of one row.
fn offences(row: &Row<'_>) -> Vec<String> {
    let [clause, code, test] = row.cells[..] else {
        return vec!["a row has three cells".to_owned()];
    };
    let mut out = Vec::new();
    if clause.is_empty() {
        out.push("no clause".to_owned());
    }
    if let Some(reason) = test.strip_prefix("not done") {
        let told = reason.strip_prefix(':').is_some_and(|r| r.trim().len() > 5);
        if !told || code != "—" {
            out.push("\"not done\" has a reason and no code".to_owned());
        }
        return out;
    }
    let (items, tests) = (places(code), places(test));
    if items.is_empty() || tests.is_empty() {
        out.push("neither done nor \"not done\"".to_owned());
    }
    for (file, item) in items {
        match read(file) {
            Some(source) if defines(&source, item) => {}
            Some(_) => out.push(format!("{file} has no {item}")),
            None => out.push(format!("no file {file}")),
        }
    }
    for (file, name) in tests {
        let why = match read(file) {
            Some(source) => unused(file).or_else(|| idle(&source, name)),
            None => Some("no such file"),
        };
        out.extend(why.map(|why| format!("{file}::{name}: {why}")));
    }
    out
}

#[test]
fn every_row_names_code_and_a_test_that_runs_or_says_why_not() {
    let text = fs::read_to_string(tree::root().join(FILE)).unwrap();
    let rows = rows(&text);
    assert!(rows.len() > 120, "the tables were found: {}", rows.len());
    let found: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            let all = offences(row).into_iter();
            all.map(|what| format!("{FILE}:{}: {what}", row.line))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rfc_that_matters_is_spoken_of_and_has_one_section() {
    let text = fs::read_to_string(tree::root().join(FILE)).unwrap();
    for rfc in RFCS {
        let number = rfc.to_string();
        let spoken = text
            .split(|c: char| !c.is_ascii_digit())
            .any(|word| word == number);
        assert!(spoken, "RFC {rfc}");
    }
    let heads: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    let different: BTreeSet<&&str> = heads.iter().collect();
    assert_eq!(heads.len(), different.len(), "a section twice");
    let rows = rows(&text);
    let different: BTreeSet<(usize, &str)> = rows
        .iter()
        .map(|row| {
            let section = text
                .lines()
                .take(row.line)
                .filter(|line| line.starts_with('#'));
            (section.count(), row.cells[0])
        })
        .collect();
    assert_eq!(rows.len(), different.len(), "a clause twice in one section");
}

#[test]
fn what_is_wrong_in_a_row_is_seen() {
    let parse = "`signaling/src/message.rs::parse`";
    let good = "`signaling/tests/message_parse.rs::limits_hold`";
    let of_folder =
        "`engine/tests/call/end.rs::a_200_that_crosses_the_cancel_is_acknowledged_and_ended`";
    for (row, wrong) in [
        (format!("| §1 | {parse} | {good} |"), ""),
        (format!("| §1 | {parse} | {of_folder} |"), ""),
        ("| §1 | — | not done: nobody needs it |".to_owned(), ""),
        (format!("| §1 | {parse} |"), "three cells"),
        ("| §1 | — | not done |".to_owned(), "a reason"),
        (
            format!("| §1 | {parse} | not done: half of it |"),
            "no code",
        ),
        (format!("| §1 | {parse} | |"), "neither"),
        (
            format!("| §1 | `signaling/src/none.rs::parse` | {good} |"),
            "no file",
        ),
        (
            format!("| §1 | `signaling/src/message.rs::pars` | {good} |"),
            "has no pars",
        ),
        (
            format!("| §1 | {parse} | `signaling/tests/none.rs::x` |"),
            "no such file",
        ),
        (
            format!("| §1 | {parse} | `signaling/tests/message_parse.rs::none` |"),
            "no such function",
        ),
        (
            format!("| §1 | {parse} | `signaling/tests/message_parse.rs::request` |"),
            "no test",
        ),
        (
            format!("| §1 | {parse} | `signaling/tests/wire/mod.rs::invite` |"),
            "no target",
        ),
    ] {
        let found = offences(&rows(&row)[0]).join("; ");
        assert_eq!(found.is_empty(), wrong.is_empty(), "{row}: {found}");
        assert!(found.contains(wrong), "{row}: {found}");
    }
    let left_out = format!("#[test]\n#[{}]\nfn x() {{}}\n", concat!("ig", "nore"));
    assert_eq!(idle(&left_out, "x"), Some("it is left out"));
    assert_eq!(
        idle("#[cfg(never)]\n#[test]\nfn x() {}\n", "x"),
        Some("it is there only at times")
    );
    assert_eq!(idle("    #[test]\n    fn x(a in 0..2) {}\n", "x"), None);
}
