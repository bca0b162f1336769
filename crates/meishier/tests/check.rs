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

/// The shipped bench configuration cut in two: all that comes in many, and the rest.
fn cut() -> (String, String) {
    let good = shipped()
        .into_iter()
        .find(|it| it.ends_with("bench.toml"))
        .unwrap();
    let (mut main, mut many) = (String::new(), String::new());
    let mut is_many = false;
    for line in std::fs::read_to_string(good).unwrap().lines() {
        if line.starts_with('[') {
            is_many = line.starts_with("[[") && !line.contains('.');
        }
        let part = if is_many { &mut many } else { &mut main };
        part.push_str(line);
        part.push('\n');
    }
    assert!(many.contains("[[seats]]") && main.contains("[sip]"));
    (main, many)
}

#[test]
fn a_folder_is_one_configuration_with_its_main_file_first() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (main, many) = cut();
    std::fs::write(at("main.toml"), &main).unwrap();
    std::fs::write(at("a.toml"), &many).unwrap();
    // None of these is read.
    std::fs::write(at(".hidden.toml"), "[").unwrap();
    std::fs::write(at("a.toml~"), "[").unwrap();
    std::fs::create_dir(at("old.toml")).unwrap();
    let output = check(folder.path(), "zh");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("配置正确"), "{said}");

    // The main file comes first although another one's name does.
    std::fs::write(at("a.toml"), many + "\n[http]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    let output = check(folder.path(), "en");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    let first = main.lines().position(|it| it == "[http]").unwrap() + 1;
    assert!(
        told.contains("a.toml:") && told.contains("http stands in two files"),
        "{told}"
    );
    assert!(told.contains(&format!("main.toml:{first}:2\n")), "{told}");
}

#[test]
fn included_files_are_found_from_the_file_that_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (main, many) = cut();
    std::fs::create_dir_all(at("贵州/更多")).unwrap();
    std::fs::write(
        at("all.toml"),
        format!("include = [\"贵州/*.toml\"]\n{main}"),
    )
    .unwrap();
    std::fs::write(at("贵州/1.toml"), "include = [\"更多/*.toml\"]\n").unwrap();
    std::fs::write(at("贵州/更多/many.toml"), &many).unwrap();
    let output = check(&at("all.toml"), "en");
    assert!(output.status.success(), "{output:?}");

    // One mistake in each file, and each is told where it is.
    std::fs::write(
        at("all.toml"),
        format!("include = [\"贵州/*.toml\"]\nshard = 1\n{main}"),
    )
    .unwrap();
    std::fs::write(at("贵州/1.toml"), "include = [\"更多/*.toml\"]\nq = 1\n").unwrap();
    let wrong = many.replacen("[[seats]]\n", "[[seats]]\npasword = \"geheim\"\n", 1);
    assert_ne!(wrong, many);
    let line = wrong
        .lines()
        .position(|it| it.starts_with("pasword"))
        .unwrap()
        + 1;
    std::fs::write(at("贵州/更多/many.toml"), wrong).unwrap();
    let output = check(&at("all.toml"), "zh");
    let told = String::from_utf8_lossy(&output.stderr);
    let third = format!("贵州/更多/many.toml:{line}:1: ");
    for place in ["all.toml:2:1: ", "贵州/1.toml:2:1: ", &third] {
        assert!(told.contains(place), "{place} is not in:\n{told}");
    }
    assert!(!told.contains("geheim"), "{told}");
}

#[test]
fn a_folder_tells_every_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(folder.path(), "en");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds no .toml file"));
    for name in ["a.toml", "b.toml"] {
        std::fs::write(folder.path().join(name), b"# ok\n# \xb9\xf3\n").unwrap();
    }
    let output = check(folder.path(), "en");
    let told = String::from_utf8_lossy(&output.stderr);
    for words in [
        "a.toml is not UTF-8 (line 2)",
        "b.toml is not UTF-8 (line 2)",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn a_byte_order_mark_is_no_letter_of_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marked.toml");
    std::fs::write(&file, b"\xef\xbb\xbfname = \"\"\r\nshards = 99\r\n").unwrap();
    let output = check(&file, "en");
    let told = String::from_utf8_lossy(&output.stderr);
    let first = "marked.toml:1:8: name must not be empty\n  1 | name = \"\"\n    |        ^^\n";
    assert!(told.contains(first), "{told}");
    assert!(
        told.contains("marked.toml:2:10: shards is out of range"),
        "{told}"
    );
}
