//! Every scenario is played by a test of the peers, and `tests/scenarios/README.md` says which.

use meishier_tests::tree;
use std::fs;
use std::path::Path;

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The scenarios, without the document.
fn scenarios() -> Vec<String> {
    let files = tree::files(&tree::root().join("tests/scenarios"), "");
    let names = files.iter().filter_map(|path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    });
    let names: Vec<String> = names.filter(|name| name != "README.md").collect();
    assert!(names.len() > 30, "the scenarios were found: {names:?}");
    names
}

/// What stands in backquotes in the tables of the document.
fn quoted(readme: &str) -> Vec<&str> {
    let rows = readme.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_scenario_is_played() {
    let root = tree::root();
    let mut played = String::new();
    for folder in ["tests/tests/peers", "tests/src/peers"] {
        for path in tree::files(&root.join(folder), ".rs") {
            played.push_str(&read(&path));
        }
    }
    for name in scenarios() {
        let stem = name.trim_end_matches(".xml");
        let named = [format!("\"{stem}\""), format!("tests/scenarios/{name}\"")];
        assert!(
            named.iter().any(|words| played.contains(words)),
            "nobody plays {name}"
        );
    }
}

#[test]
fn the_document_names_every_scenario_and_no_other() {
    let readme = read(&tree::root().join("tests/scenarios/README.md"));
    let quoted = quoted(&readme);
    let all = scenarios();
    for name in &all {
        assert!(
            quoted.contains(&name.as_str()),
            "{name} is not in the table"
        );
    }
    let files = quoted.iter().filter(|word| word.ends_with(".xml"));
    for name in files {
        assert!(all.iter().any(|known| known == name), "{name} is not there");
    }
}

#[test]
fn the_document_names_tests_that_exist() {
    let folder = tree::root().join("tests/tests/peers");
    let readme = read(&tree::root().join("tests/scenarios/README.md"));
    let named: Vec<&str> = quoted(&readme);
    for (file, test) in named.iter().filter_map(|word| word.split_once("::")) {
        let words = format!("#[test]\nfn {test}() {{");
        assert!(
            read(&folder.join(file)).contains(&words),
            "{file} has no test {test}"
        );
    }
}
