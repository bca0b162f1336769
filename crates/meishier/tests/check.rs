//! `meishier check`: exit status, and pictures of mistakes that show where and what would be right.
#![allow(missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

fn check(file: &Path, lang: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .args(["check", "--lang", lang, "--config"])
        .arg(file);
    command.output().unwrap()
}

fn shipped() -> Vec<std::path::PathBuf> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let files = std::fs::read_dir(deploy)
        .unwrap()
        .map(|it| it.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect()
}

#[test]
fn every_shipped_configuration_is_right() {
    let files = shipped();
    assert!(files.len() >= 3);
    for file in files {
        let output = check(&file, "zh");
        assert!(output.status.success(), "{}: {output:?}", file.display());
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("配置正确"));
    }
}

#[test]
fn all_mistakes_are_drawn_at_once_with_their_place_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    let good = shipped()
        .into_iter()
        .find(|it| it.ends_with("bench.toml"))
        .unwrap();
    let text = std::fs::read_to_string(good).unwrap();
    let wrong = text
        .replace("\nshards = 1\n", "\nshards = 99\n")
        .replace("\nring = ", "\nrnig = ");
    assert_ne!(text, wrong);
    std::fs::write(&file, &wrong).unwrap();
    for (lang, words) in [
        ("zh", ["shards 超出范围", "提示：1 到 64", "rnig"]),
        ("en", ["shards is out of range", "help: 1 to 64", "rnig"]),
    ] {
        let output = check(&file, lang);
        assert_eq!(output.status.code(), Some(1));
        let drawn = String::from_utf8_lossy(&output.stderr);
        for word in words {
            assert!(drawn.contains(word), "{word} is not in:\n{drawn}");
        }
        for start in ["shards = 99", "rnig = "] {
            let line = wrong.lines().position(|it| it.starts_with(start)).unwrap() + 1;
            let place = format!("wrong.toml:{line}:");
            assert!(drawn.contains(&place), "{place} is not in:\n{drawn}");
        }
    }
}

#[test]
fn a_prompt_that_is_no_recording_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).unwrap();
    std::fs::write(prompts.join("greeting.wav"), b"no recording").unwrap();
    let file = folder.path().join("own.toml");
    let good = shipped()
        .into_iter()
        .find(|it| it.ends_with("bench.toml"))
        .unwrap();
    let text = std::fs::read_to_string(good).unwrap();
    std::fs::write(&file, format!("prompts_dir = {prompts:?}\n{text}")).unwrap();
    let output = check(&file, "zh");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("greeting"));
}

#[test]
fn a_file_that_is_not_there_is_a_plain_error() {
    let output = check(Path::new("/nowhere/at.toml"), "en");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be read"));
}

#[test]
fn a_file_of_another_encoding_is_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gbk.toml");
    // "name = 贵州" in GB 18030.
    std::fs::write(&file, b"name = \"\xb9\xf3\xd6\xdd\"\n").unwrap();
    for (lang, words) in [("zh", "另存为 UTF-8"), ("en", "is not UTF-8")] {
        let output = check(&file, lang);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{said}");
    }
}
