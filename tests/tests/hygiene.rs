//! The habits of this tree that a machine can hold.

use meishier_tests::tree;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file of code, in lines; files of tests may be a bit longer, for they are lists.
const LONGEST: usize = 600;
const LONGEST_OF_TESTS: usize = 800;
/// Files that are tables and may be longer.
const TABLES: &[&str] = &["crates/sim/src/reference/segments.rs"];
/// Words that no source of ours holds, and why not. Written in pieces, for this file is scanned too.
const NOWHERE: &[(&str, &str)] = &[
    (concat!("#[", "ignore"), "a test is run or it is not there"),
    (concat!("to", "do!("), "no stubs"),
    (concat!("unimpl", "emented!("), "no stubs"),
    (concat!("db", "g!("), "left over from a search"),
    (concat!("/work", "/"), "a path of one machine"),
    (concat!("/home", "/"), "a path of one machine"),
];
/// What tests may not hold besides: they wait for events, not for time to pass. Time that a test
/// has stopped and moves by hand is none that anybody waits for.
const NOT_IN_TESTS: &[(&str, &str)] = &[(concat!("sle", "ep("), "tests wait for events")];

/// Offences of one file, as `line: word (why)`. `test` says that it is one of tests.
fn offences(text: &str, test: bool) -> Vec<String> {
    let mut out = Vec::new();
    let real_time = test && !text.contains("tokio::time::pause()");
    for (number, line) in (1..).zip(text.lines()) {
        let nowhere = NOWHERE
            .iter()
            .chain(NOT_IN_TESTS.iter().filter(|_| real_time));
        for (word, why) in nowhere.filter(|(word, _)| line.contains(word)) {
            out.push(format!("{number}: {word} ({why})"));
        }
    }
    out
}

fn sources() -> Vec<PathBuf> {
    let root = tree::root();
    let folders = ["crates", "benches", "tests", "xtask"];
    folders
        .iter()
        .flat_map(|folder| tree::files(&root.join(folder), ".rs"))
        .collect()
}

fn is_test(path: &Path) -> bool {
    let shown = tree::shown(path);
    shown.starts_with("tests/") || shown.contains("/tests/")
}

#[test]
fn no_forbidden_word() {
    let mut found = Vec::new();
    let sources = sources();
    assert!(sources.len() > 50, "the sources were found");
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let shown = tree::shown(&path);
        found.extend(
            offences(&text, is_test(&path))
                .iter()
                .map(|o| format!("{shown}:{o}")),
        );
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_search_for_words_finds_them() {
    let bad = format!("{}]\nfn x() {{ {}) }}", NOWHERE[0].0, NOWHERE[1].0);
    assert_eq!(offences(&bad, false).len(), 2);
    let slow = format!("std::thread::{}D)", NOT_IN_TESTS[0].0);
    assert_eq!(
        (offences(&slow, true).len(), offences(&slow, false).len()),
        (1, 0)
    );
}

#[test]
fn files_are_small_rooms() {
    let long = sources().into_iter().filter_map(|path| {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let shown = tree::shown(&path);
        let table = TABLES.contains(&shown.as_str());
        let longest = if is_test(&path) {
            LONGEST_OF_TESTS
        } else {
            LONGEST
        };
        (lines > longest && !table).then(|| format!("{shown}: {lines} lines"))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "too long:\n{}", long.join("\n"));
}

#[test]
fn every_crate_says_what_lives_in_it() {
    for path in sources().iter().filter(|path| path.ends_with("src/lib.rs")) {
        let text = fs::read_to_string(path).unwrap();
        let shown = tree::shown(path);
        assert!(
            text.starts_with("//!"),
            "{shown} begins with what lives there"
        );
    }
}

/// Everything that a fresh clone must hold to be built and judged.
#[test]
fn the_tree_is_complete() {
    let root = tree::root();
    let files = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        ".gitignore",
        ".cargo/config.toml",
        ".ci/run",
        "deploy/guizhou.toml",
        "deploy/beijing.toml",
        "deploy/bench.toml",
        "deploy/nation/main.toml",
    ];
    for file in files {
        assert!(root.join(file).is_file(), "{file} is missing");
    }
    let ignored = fs::read_to_string(root.join(".gitignore")).unwrap();
    assert!(
        !ignored.contains("Cargo.lock"),
        "the lock file is committed"
    );
}

/// Nobody builds from sources that a clone does not bring.
#[test]
fn manifests_name_no_place_outside() {
    for path in tree::files(&tree::root(), "Cargo.toml") {
        let text = fs::read_to_string(&path).unwrap();
        for word in [
            "git =",
            "git=",
            "registry =",
            "path = \"../../..",
            "path = \"/",
        ] {
            assert!(!text.contains(word), "{}: {word}", tree::shown(&path));
        }
    }
    let lock = fs::read_to_string(tree::root().join("Cargo.lock")).unwrap();
    for line in lock.lines().filter(|line| line.starts_with("source =")) {
        assert!(
            line.contains("crates.io-index"),
            "a dependency from elsewhere: {line}"
        );
    }
}
