//! `meishier sim`: what it prints, what it takes, and how it ends.
#![allow(missing_docs)]

use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::{Command, Output};

fn sim(words: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command.arg("sim").args(words).current_dir(folder);
    command.output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The fields of the summary in their order, with their values as they stand.
fn summary(text: &str) -> Vec<(String, String)> {
    let line = text.lines().last().unwrap();
    let inner = line.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    let fields = inner.unwrap_or_else(|| panic!("no summary: {line}"));
    let fields = fields.split(',').map(|field| {
        let (name, value) = field.split_once(':').unwrap();
        (name.trim_matches('"').to_owned(), value.to_owned())
    });
    // It is JSON for other readers, too.
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let fields: Vec<_> = fields.collect();
    assert_eq!(value.as_object().unwrap().len(), fields.len());
    fields
}

const FIELDS: [&str; 9] = [
    "seed",
    "days",
    "calls",
    "answered_15s",
    "risk_answered_15s",
    "abandoned",
    "violations",
    "province_years_per_day",
    "log_sha256",
];

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(it, _)| it == name);
    &found.unwrap_or_else(|| panic!("{name}: {fields:?}")).1
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_day_of_guizhou_ends_with_its_summary() {
    let folder = tempfile::tempdir().unwrap();
    let output = sim(
        &[
            "--scenario",
            "guizhou",
            "--seed",
            "7",
            "--days",
            "1",
            "--json",
        ],
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = out(&output);
    let fields = summary(&text);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, FIELDS);
    assert_eq!(field(&fields, "seed"), "7");
    assert_eq!(field(&fields, "days"), "1");
    assert_eq!(field(&fields, "violations"), "0");
    // 45 callers a day, and as many again would be no quiet day.
    let calls: u64 = field(&fields, "calls").parse().unwrap();
    assert!((15..=90).contains(&calls), "{calls}");
    for name in ["answered_15s", "risk_answered_15s"] {
        let share: f64 = field(&fields, name).parse().unwrap();
        assert!((0.0..=1.0).contains(&share), "{name}: {share}");
    }
    assert!(field(&fields, "abandoned").parse::<u64>().unwrap() <= calls);
    let speed: f64 = field(&fields, "province_years_per_day").parse().unwrap();
    assert!(speed > 0.0);
    let hash = field(&fields, "log_sha256").trim_matches('"');
    assert!(hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()));
    // For people, in Chinese; nothing on the side, no file left behind.
    assert!(text.starts_with("场景 guizhou，种子 7，1 天"), "{text}");
    assert!(text.contains("违反规则 0 处"), "{text}");
    assert_eq!(err(&output), "");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_json_there_is_none_and_english_is_english() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--scenario", "guizhou", "--seed", "7", "--lang", "en"];
    let output = sim(&words, folder.path());
    assert!(output.status.success(), "{output:?}");
    let text = out(&output);
    assert!(
        text.starts_with("scenario guizhou, seed 7, 1 days, faults none"),
        "{text}"
    );
    assert!(text.contains("0 promises broken"), "{text}");
    assert!(!text.contains('{'), "{text}");
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn two_processes_write_the_same_log_and_tell_its_hash() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let logs = folders.each_ref().map(|folder| {
        let words = [
            "--scenario",
            "guizhou",
            "--seed",
            "11",
            "--faults",
            "swarm",
            "--json",
            "--log",
            "run.log",
        ];
        let output = sim(&words, folder.path());
        assert!(output.status.success(), "{}", out(&output));
        let bytes = std::fs::read(folder.path().join("run.log")).unwrap();
        let fields = summary(&out(&output));
        let told = field(&fields, "log_sha256").trim_matches('"').to_owned();
        assert_eq!(told, sha256(&bytes), "the hash is the file's");
        bytes
    });
    assert!(logs[0].len() > 1_000_000, "{} bytes", logs[0].len());
    assert!(logs[0] == logs[1], "two processes, one seed, two logs");
}

#[test]
fn a_scenario_may_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"mine\"\nbase = \"guizhou\"\ncalls_per_day = 20\n";
    std::fs::write(folder.path().join("mine.toml"), text).unwrap();
    let words = ["--scenario", "mine.toml", "--seed", "1", "--json"];
    let output = sim(&words, folder.path());
    assert!(output.status.success(), "{output:?}");
    assert!(out(&output).starts_with("场景 mine，"), "{}", out(&output));
    let mine = summary(&out(&output));
    let calls: u64 = field(&mine, "calls").parse().unwrap();
    assert!((5..=45).contains(&calls), "{calls}");
}

#[test]
fn a_replay_line_is_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let words = "--scenario guizhou --seed 5 --days 1 --faults light --restore-at 300";
    let words: Vec<&str> = words.split(' ').collect();
    let output = sim(&words, folder.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn it_runs_on_either_queue() {
    let folder = tempfile::tempdir().unwrap();
    for queue in ["lock-free", "one-lock"] {
        let words = ["--scenario", "tiny", "--seed", "5", "--queue", queue];
        let output = sim(&words, folder.path());
        assert!(output.status.success(), "{queue}: {output:?}");
    }
    let words = ["--scenario", "tiny", "--seed", "5", "--queue", "none"];
    assert!(!sim(&words, folder.path()).status.success());
}

#[test]
fn an_unknown_scenario_names_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for (lang, start) in [
        (None, "没有这个文件，也没有这个场景：nowhere"),
        (Some("zh"), "没有这个文件，也没有这个场景：nowhere"),
        (Some("en"), "neither a file nor a scenario: nowhere"),
    ] {
        let mut words = vec!["--scenario", "nowhere", "--seed", "1"];
        words.extend(lang.iter().flat_map(|lang| ["--lang", lang]));
        let output = sim(&words, folder.path());
        assert_eq!(output.status.code(), Some(1));
        let told = err(&output);
        assert!(told.starts_with(start), "{told}");
        for name in ["guizhou", "beijing", "surge2", "surge3", "overload", "tiny"] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert_eq!(out(&output), "");
    }
}

#[test]
fn every_mistake_of_a_scenario_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"mine\"\nbase = \"guizhou\"\ncolour = \"blue\"\ncalls_per_day = -1\n\n[mix]\nnuisance = 1.5\n";
    std::fs::write(folder.path().join("wrong.toml"), text).unwrap();
    for (lang, places) in [
        ("zh", ["第 3 行：", "第 4 行：", "第 7 行："]),
        ("en", ["line 3: ", "line 4: ", "line 7: "]),
    ] {
        let words = ["--scenario", "wrong.toml", "--seed", "1", "--lang", lang];
        let output = sim(&words, folder.path());
        assert_eq!(output.status.code(), Some(1));
        let told = err(&output);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        for (line, place) in lines.iter().zip(places) {
            assert!(line.starts_with("wrong.toml"), "{line}");
            assert!(line.contains(place), "{place} is not in {line}");
        }
        assert!(told.contains("colour"), "{told}");
        assert_eq!(lang == "en", told.is_ascii(), "{told}");
    }
}

#[test]
fn a_configuration_that_the_engine_refuses_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"mine\"\nbase = \"guizhou\"\nconfig_text = \"zone = 5\"\n";
    std::fs::write(folder.path().join("mine.toml"), text).unwrap();
    let output = sim(&["--scenario", "mine.toml", "--seed", "1"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(err(&output).contains("zone"), "{}", err(&output));
}

#[test]
fn a_log_that_cannot_be_written_ends_it_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "--scenario",
        "guizhou",
        "--seed",
        "1",
        "--log",
        "no/such/run.log",
    ];
    let output = sim(&words, folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no/such/run.log"), "{}", err(&output));
    assert_eq!(out(&output), "");
}
