//! `meishier diff` through the binary: two tables held against each other by what they decide.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(name)
}

fn run(old: &Path, new: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .arg("diff")
        .arg(old)
        .arg(new)
        .args(words)
        .output()
        .unwrap()
}

/// A province and its cities, each with routes of its own.
fn two_levels() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/two_levels.toml")
}

/// That file with each of the texts replaced, held against it as it stands.
fn changed(changes: &[(&str, &str)], words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.toml");
    let old = two_levels();
    let mut text = std::fs::read_to_string(&old).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    std::fs::write(&new, text).unwrap();
    run(&old, &new, words)
}

fn json(changes: &[(&str, &str)]) -> Value {
    let output = changed(changes, &["--json", "--all"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn empty(found: &Value, but: &[&str]) {
    for key in ["routes", "lines", "numbers", "policies"] {
        let is_empty = found[key].as_array().unwrap().is_empty();
        assert_eq!(is_empty, !but.contains(&key), "{key} of {found}");
    }
}

/// The anshun pool comes after ten seconds for those who dial 0851.
const ANSHUN: (&str, &str) = (
    r#"rings = ["guiyang", { pool = "anshun", after = "10s" }"#,
    r#"rings = ["guiyang", { pool = "anshun", after = "12s" }"#,
);

#[test]
fn the_same_is_the_same_whatever_its_words() {
    let same = run(&deploy("guizhou.toml"), &deploy("guizhou.toml"), &[]);
    assert_eq!(same.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&same.stdout), "没有变化\n");
    let words = [
        ("# 两级服务", "# 改过说明的两级服务"),
        ("name = \"liupanshui-local\"", "name = \"renamed\""),
    ];
    let output = changed(&words, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["same"], true);
    assert_ne!(found["old"], found["new"]);
}

#[test]
fn a_wait_concerns_its_callers_at_its_hours_alone() {
    let found = json(&[ANSHUN]);
    empty(&found, &["routes"]);
    // By day anshun comes two seconds later; at night, when it is closed, whoever comes after it.
    let mut hours = Vec::new();
    for route in found["routes"].as_array().unwrap() {
        let callers = route["callers"].to_string();
        assert!(
            callers.contains("0851") && !callers.contains("0854"),
            "{callers}"
        );
        assert_eq!(route["when"][0]["days"].as_array().unwrap().len(), 9);
        let second = |side: &str| route[side]["pools"][1].clone();
        assert_eq!(
            (&second("old")["after_s"], &second("new")["after_s"]),
            (&10.into(), &12.into())
        );
        hours.push((
            second("new")["pool"].to_string(),
            route["when"][0]["hours"][0].to_string(),
        ));
    }
    hours.sort();
    let expected = [
        ("anshun", "08:00-18:00"),
        ("liupanshui", "02:00-08:00"),
        ("province", "18:00-02:00"),
    ];
    assert_eq!(
        hours,
        expected.map(|(pool, time)| (format!("{pool:?}"), format!("{time:?}")))
    );
}

#[test]
fn a_night_without_lines_is_a_change_of_lines_and_of_callers() {
    let change = (
        r#"{ hours = "18:00-08:00", lines = 2 },"#,
        r#"{ hours = "18:00-08:00", lines = 2, days = ["mon", "tue", "wed", "thu", "fri", "sun"] },"#,
    );
    let found = json(&[change]);
    empty(&found, &["routes", "lines"]);
    let lines = &found["lines"][0];
    assert_eq!(
        (
            lines["pool"].as_str(),
            lines["old"].as_u64(),
            lines["new"].as_u64()
        ),
        (Some("guiyang"), Some(2), Some(0))
    );
    // Saturday's night lasts into the Sunday that is worked.
    assert_eq!(lines["when"][0]["days"], serde_json::json!(["sat"]));
    assert_eq!(
        lines["when"][0]["hours"],
        serde_json::json!(["18:00-08:00"])
    );
    let output = changed(&[change], &[]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in [
        "guiyang 周六 18:00-08:00",
        "2 → 0 条线路",
        "guiyang → province",
        "周六 18:00-02:00",
    ] {
        assert!(told.contains(words), "{words} is not in:\n{told}");
    }
    let output = changed(&[change], &["--lang", "en"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("guiyang Sat 18:00-08:00; make-up workdays 00:00-08:00: 2 → 0 lines"),
        "{told}"
    );
}

#[test]
fn numbers_are_masked_and_policies_are_told_by_their_keys() {
    let added = "\n[risk]\ndropped_within = \"10min\"\n[[numbers]]\nnumber = \"13312345678\"\nrisk = true\nreason = \"回访\"\n[routing]\n";
    let found = json(&[("\n[routing]\n", added)]);
    empty(&found, &["numbers", "policies"]);
    assert_eq!(found["numbers"][0]["key"], "133****5678");
    assert_eq!(found["numbers"][0]["old"], Value::Null);
    assert!(
        found["numbers"][0]["new"]
            .as_str()
            .unwrap()
            .contains("高危")
    );
    assert_eq!(found["policies"][0]["key"], "risk.dropped_within");
    assert_eq!(found["policies"][0]["new"], "10min");
    assert!(!found.to_string().contains("13312345678"));
}

#[test]
fn a_route_for_one_trunk_number_or_hour_is_found() {
    let route = "[[routes]]\nname = \"new\"\ncalled = [\"962525\"]\nhours = [\"19:00-20:00\"]\nrings = [\"liupanshui\"]\n[[routes]]\nname = \"liupanshui\"";
    let found = json(&[("[[routes]]\nname = \"liupanshui\"", route)]);
    empty(&found, &["routes"]);
    let routes = found["routes"].as_array().unwrap();
    assert_eq!(routes.len(), 1, "{found}");
    assert!(
        routes[0]["callers"].to_string().contains("962525"),
        "{found}"
    );
    assert_eq!(
        routes[0]["when"][0]["hours"],
        serde_json::json!(["19:00-20:00"])
    );
    assert_eq!(routes[0]["new"]["pools"][0]["pool"], "liupanshui");
}

#[test]
fn a_prefix_that_is_a_whole_number_is_masked() {
    let route = "[[routes]]\nname = \"new\"\ncallers = [\"13312345678\", \"133123\"]\nrings = [\"liupanshui\"]\n[[routes]]\nname = \"liupanshui\"";
    let found = json(&[("[[routes]]\nname = \"liupanshui\"", route)]).to_string();
    assert!(
        found.contains("133****5678") && found.contains("号码 133123…"),
        "{found}"
    );
    assert!(!found.contains("13312345678"), "{found}");
}

#[test]
fn a_key_and_a_place_with_other_targets_are_told() {
    let key = "{ name = \"119\", title = \"消防\", kind = \"emergency\", ring = \"30s\", trunk = \"carrier\" },";
    let other = key.replace("30s", "40s");
    let place = "[transfer]\nplaces = [{ city = \"贵阳\", key = \"110\", to = [\"085112345\"] }]";
    let found = json(&[(key, &other), ("[transfer]", place)]);
    empty(&found, &["policies"]);
    let rows = found["policies"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{found}");
    assert_eq!(rows[0]["key"], "transfer.keys 119");
    assert!(rows[0]["new"].as_str().unwrap().contains("ring 40s"));
    assert_eq!(rows[1]["key"], "transfer.places 520100 110");
    assert_eq!(rows[1]["new"], "085112345");
}

#[test]
fn other_pools_are_named_and_long_lists_are_cut() {
    let output = run(
        &deploy("guizhou.toml"),
        &deploy("beijing.toml"),
        &["--json"],
    );
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["pools"]["added"], serde_json::json!(["beijing"]));
    assert_eq!(found["pools"]["removed"].as_array().unwrap().len(), 7);
    for route in found["routes"].as_array().unwrap() {
        assert_eq!(route["new"]["pools"][0]["pool"], "beijing");
        assert_ne!(route["old"]["pools"][0]["pool"], "beijing");
    }
    let dates: String = (1..=28)
        .map(|day| format!("{{ date = 2027-03-{day:02}, kind = \"holiday\" }}, "))
        .collect();
    let many = format!("default = \"province\"\ncalendar = [{dates}]");
    let short = changed(&[("default = \"province\"", &many)], &[]);
    let told = String::from_utf8_lossy(&short.stdout).into_owned();
    assert!(
        told.contains("另有 8 处") && !told.contains("2027-03-28"),
        "{told}"
    );
    let all = changed(&[("default = \"province\"", &many)], &["--all"]);
    assert!(String::from_utf8_lossy(&all.stdout).contains("calendar 2027-03-28：无 → 节假日"));
}

#[test]
fn what_cannot_be_read_ends_with_two() {
    let good = deploy("guizhou.toml");
    assert_eq!(
        run(&good, Path::new("/nowhere/at.toml"), &[]).status.code(),
        Some(2)
    );
    let wrong = changed(&[("shards = 4", "shards = 99")], &["--lang", "en"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("shards is out of range"));
}
