//! Every configuration that is shipped can be served; a broken one is refused with the place.

use meishier_tests::{binary, tree};
use std::fs;
use std::path::PathBuf;

/// What `--config` may name: the parts of a configuration of many files, and the scenarios, are none.
fn shipped() -> Vec<PathBuf> {
    let deploy = tree::root().join("deploy");
    let mut files = tree::files(&deploy, ".toml");
    files.retain(|file| file.parent() == Some(&*deploy) || file.ends_with("main.toml"));
    files
}

#[test]
fn every_shipped_file_is_right() {
    let files = shipped();
    let names = [
        "guizhou.toml",
        "beijing.toml",
        "bench.toml",
        "shanghai.toml",
        "guangzhou.toml",
        "zhuzhou.toml",
        "referral.toml",
        "nation/main.toml",
    ];
    for name in names {
        assert!(
            files.iter().any(|file| file.ends_with(name)),
            "{name} is not shipped"
        );
    }
    for file in files {
        let output = binary::run(&["check", "--config", &file.to_string_lossy()]);
        let (out, err) = binary::texts(&output);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}: {out}{err}",
            tree::shown(&file)
        );
        assert!(
            out.contains(&*file.to_string_lossy()),
            "it names the file: {out}"
        );
    }
}

#[test]
fn every_mistake_is_named_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    let text = fs::read_to_string(tree::root().join("deploy/bench.toml")).unwrap();
    let text = text.replace("shards = 1\n", "shards = 1000\n");
    let text = text.replace("max_calls = 15000\n", "max_calls = 15000\nmax_cals = 3\n");
    fs::write(&file, &text).unwrap();
    let place = |words: &str| {
        let at = text.find(words).unwrap();
        let line = text[..at].matches('\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
        format!("broken.toml:{line}:{column}")
    };
    let output = binary::run(&["check", "--lang", "en", "--config", &file.to_string_lossy()]);
    let (out, err) = binary::texts(&output);
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(err.contains(&place("1000\n")), "{}\n{err}", place("1000\n"));
    assert!(
        err.contains(&place("max_cals")),
        "{}\n{err}",
        place("max_cals")
    );
    assert!(
        err.contains("max_calls"),
        "what would be right is said: {err}"
    );
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let output = binary::run(&["check", "--config", "/nowhere/at/all.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(binary::texts(&output).1.contains("/nowhere/at/all.toml"));
}

#[test]
fn messages_are_chinese_unless_english_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    let text = fs::read_to_string(tree::root().join("deploy/bench.toml")).unwrap();
    fs::write(&file, text.replace("shards = 1\n", "shards = 0\n")).unwrap();
    let han = |lang: &[&str]| {
        let mut words = vec!["check", "--config", file.to_str().unwrap()];
        words.extend(lang);
        let (_, err) = binary::texts(&binary::run(&words));
        // The file itself is quoted too; what the program says stands after the place.
        let said = err
            .lines()
            .find(|line| line.contains("broken.toml:"))
            .unwrap()
            .to_owned();
        said.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    };
    assert!(han(&[]));
    assert!(!han(&["--lang", "en"]));
}
