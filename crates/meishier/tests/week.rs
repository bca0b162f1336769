//! `meishier week` through the binary.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(name)
}

fn run(file: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .args(["week", "--config"])
        .arg(file)
        .args(words)
        .output()
        .unwrap()
}

fn json(file: &Path, words: &[&str]) -> Value {
    let output = run(file, &[words, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(file: &Path, words: &[&str]) -> String {
    String::from_utf8(run(file, words).stdout).unwrap()
}

#[test]
fn the_national_holiday_of_guizhou_is_drawn_with_its_holes() {
    let file = deploy("guizhou.toml");
    let words = ["--pool", "province", "--from", "2026-10-01"];
    let week = json(&file, &words);
    assert_eq!(week["days"][0]["date"], "2026-09-28");
    assert_eq!(week["days"][3]["kind"], "public holiday");
    assert_eq!(week["days"][3]["name"], "国庆节");
    assert_eq!(week["most_lines"], 5);
    // Six hours are missing every night, eighteen are open: just what the notice asks for.
    assert_eq!(week["holes"].as_array().unwrap().len(), 7);
    assert_eq!(week["holes"][0]["from"], "2026-09-28T02:00");
    assert_eq!(week["short_days"], serde_json::json!([]));
    let told = text(&file, &words);
    for words in ["省级", "国庆节", "空档 7 处", "02:00 – 08:00"] {
        assert!(told.contains(words), "{words} is not in:\n{told}");
    }
    let told = text(&file, &[&words[..], &["--lang", "en"]].concat());
    assert!(told.contains("holes without any line: 7"), "{told}");
    assert!(told.contains("National Day"), "{told}");
}

#[test]
fn short_days_are_named_and_pools_are_drawn_together() {
    let file = deploy("guizhou.toml");
    let alone = json(&file, &["--pool", "qiannan", "--from", "2026-03-04"]);
    assert_eq!(alone["short_days"].as_array().unwrap().len(), 7);
    let told = text(&file, &["--pool", "qiannan", "--from", "2026-03-04"]);
    assert!(told.contains("不足 18 小时的日子"), "{told}");
    assert!(told.contains("03-02 周一（10:00）"), "{told}");
    let words = [
        "--pool",
        "qiannan",
        "--pool",
        "liupanshui",
        "--from",
        "2026-03-04",
    ];
    let both = json(&file, &words);
    assert_eq!(both["holes"], serde_json::json!([]));
    assert_eq!(both["most_lines"], 7);
    assert_eq!(both["days"][0]["spans"][1]["from"], "08:00");
    assert_eq!(both["days"][0]["spans"][1]["lines"], 7);
}

#[test]
fn a_city_is_drawn_with_everybody_who_serves_it() {
    let file = deploy("guizhou.toml");
    let week = json(&file, &["--city", "黔南", "--from", "2026-03-04"]);
    let expected = ["qiannan", "province", "guiyang", "liupanshui"];
    let mut pools: Vec<&str> = week["pools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    pools.sort_by_key(|it| expected.iter().position(|other| other == it));
    assert_eq!(pools, expected);
    assert_eq!(week["holes"], serde_json::json!([]));
}

#[test]
fn exceptional_times_and_unknown_years_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quake.toml");
    let text_of = std::fs::read_to_string(deploy("guizhou.toml")).unwrap();
    let quake = "\n[[exceptional]]\nfrom = \"2026-03-04 20:00\"\nto = \"2026-03-05 08:00\"\npools = [\"qiannan\"]\nlines = \"all\"\nreason = \"地震\"\n";
    std::fs::write(&file, text_of + quake).unwrap();
    let words = ["--pool", "qiannan", "--from", "2026-03-04"];
    let week = json(&file, &words);
    assert_eq!(week["exceptional"][0]["reason"], "地震");
    assert_eq!(week["exceptional"][0]["from"], "2026-03-04T20:00:00+08:00");
    let told = text(&file, &words);
    assert!(
        told.contains("特殊安排：2026-03-04 20:00 至 2026-03-05 08:00，qiannan，全部线路，地震"),
        "{told}"
    );
    let other = json(&file, &["--pool", "guiyang", "--from", "2026-03-04"]);
    assert_eq!(other["exceptional"], serde_json::json!([]));
    let far = json(&file, &["--pool", "qiannan", "--from", "2031-03-04"]);
    assert_eq!(far["years_without_calendar"], serde_json::json!([2031]));
    assert!(
        text(&file, &["--pool", "qiannan", "--from", "2031-03-04"])
            .contains("没有 2031 年的节假日表")
    );
}

#[test]
fn wrong_arguments_end_with_two() {
    let file = deploy("guizhou.toml");
    for (words, said) in [
        (vec!["--pool", "nowhere"], "liupanshui"),
        (vec!["--city", "亚特兰蒂斯"], "没有城市"),
        (vec!["--pool", "province", "--from", "tomorrow"], "tomorrow"),
        (vec![], "--pool"),
        (vec!["--pool", "province", "--city", "黔南"], "--city"),
    ] {
        let output = run(&file, &words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(said), "{said} is not in {told}");
    }
}
