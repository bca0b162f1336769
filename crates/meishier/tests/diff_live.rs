//! `meishier diff` tells every change that takes effect while calls run (the table in `docs/routing.md`).

use std::path::Path;
use std::process::{Command, Output};

/// What the table of two levels lacks of the keys that a reload takes.
const MORE: &str = r#"
[risk]
dropped_within = "10min"
flagged_for = "24h"
own_hold = "20s"
prefer = { "危机" = 800 }
danger_key = "9"
rings = ["province", "guiyang"]
[nuisance]
calls_a_day = 20
short_calls = 6
short = "20s"
class = 6
rings = ["liupanshui"]
marked_for = "30d"
[redial]
within = "11min"
[care]
risk_calls_per_shift = 4
talk_per_shift = "5h"
recovery = { risk = "12min", emergency = "21min", long = "5min", long_from = "40min" }
nuisance_key = "*7"
[[aliases]]
number = "962525"
name = "old"
city = "贵阳"
[[areas]]
city = "贵阳"
pools = ["guiyang"]
[[blocks]]
city = "贵阳"
callers = ["0851-2"]
[[blocks]]
city = "遵义"
callers = ["0851-8"]
[[cells]]
prefix = "4600008512"
city = "贵阳"
[[preferences]]
name = "minors"
tags = ["儿童"]
prefer = { "未成年人" = 300 }
[[preferences]]
name = "both"
tags = ["儿童"]
callers = ["0854"]
prefer = { "危机" = 301 }
[[numbers]]
number = "085188881234"
risk = true
reason = "回访"
[[exceptional]]
from = 2027-03-01
to = 2027-03-02
lines = 0
pools = ["anshun"]
reason = "搬迁"
[routing]
first = ["called", "home", "here"]
calendar = [{ date = 2027-01-01, kind = "holiday" }]
"#;
/// Routes of places and states before all others.
const ROUTES: &str = r#"
[[routes]]
name = "guiyang-people"
cities = ["贵阳"]
rings = ["@city", { pool = "province", after = "16s" }]
[[routes]]
name = "overflow"
states = { guiyang = ["overloaded", "down"] }
cities = ["遵义"]
rings = ["anshun", { pool = "province", after = "17s" }]
[[routes]]
name = "liupanshui"
"#;

fn table() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/two_levels.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let changes = [
        ("\n[routing]\n", MORE),
        ("\n[[routes]]\nname = \"liupanshui\"\n", ROUTES),
        ("\nskills = ", "\ntags = [\"儿童\"]\nskills = "),
        (
            "codecs = [\"pcma\", \"pcmu\"]",
            "codecs = [\"pcma\", \"pcmu\"]\narea_code = \"0851\"\ntrust = [\"asserted\", \"cell\"]",
        ),
    ];
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn diff(old: &str, new: &str, words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
    std::fs::write(&a, old).unwrap();
    std::fs::write(&b, new).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command.arg("diff").arg(a).arg(b).args(words);
    command.output().unwrap()
}

/// What is told of one change, all of it.
fn told(from: &str, to: &str) -> String {
    let old = table();
    assert!(old.contains(from), "{from}");
    let output = diff(&old, &old.replacen(from, to, 1), &["--all", "--lang", "en"]);
    assert_eq!(output.status.code(), Some(1), "{from} → {to}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_table_of_all_keys_is_the_same_as_itself() {
    let output = diff(&table(), &table(), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn policies_trunks_care_and_old_numbers_are_told_by_key() {
    let rows = [
        (
            "trust = [\"asserted\", \"cell\"]",
            "trust = [\"asserted\"]",
            "trunks carrier trust: asserted, cell → asserted",
        ),
        (
            "area_code = \"0851\"\n",
            "area_code = \"0854\"\n",
            "trunks carrier area_code: 0851 → 0854",
        ),
        (
            "risk_calls_per_shift = 4",
            "risk_calls_per_shift = 5",
            "care.risk_calls_per_shift: 4 → 5",
        ),
        (
            "talk_per_shift = \"5h\"",
            "talk_per_shift = \"6h\"",
            "care.talk_per_shift: 5h → 6h",
        ),
        (
            "{ risk = \"12min\"",
            "{ risk = \"13min\"",
            "care.recovery.risk: 12min → 13min",
        ),
        (
            "emergency = \"21min\"",
            "emergency = \"22min\"",
            "care.recovery.emergency: 21min → 22min",
        ),
        (
            "long = \"5min\"",
            "long = \"6min\"",
            "care.recovery.long: 5min → 6min",
        ),
        (
            "long_from = \"40min\"",
            "long_from = \"41min\"",
            "care.recovery.long_from: 40min → 41min",
        ),
        (
            "nuisance_key = \"*7\"",
            "nuisance_key = \"#70\"",
            "care.nuisance_key: *7 → #70",
        ),
        (
            "nuisance_key = \"*7\"",
            "nuisance_key = \"*7\"\ncall_back_hours = \"20:30-07:15\"",
            "care.call_back_hours: 09:00-21:00 → 20:30-07:15",
        ),
        (
            "nuisance_key = \"*7\"",
            "nuisance_key = \"*7\"\ncall_back_trunks = [\"carrier\"]",
            "care.call_back_trunks: none → carrier",
        ),
        (
            "number = \"962525\"",
            "number = \"962526\"",
            "aliases 962526: none → 贵阳",
        ),
        (
            "dropped_within = \"10min\"",
            "dropped_within = \"11min\"",
            "risk.dropped_within: 10min → 11min",
        ),
        (
            "flagged_for = \"24h\"",
            "flagged_for = \"25h\"",
            "risk.flagged_for: 24h → 25h",
        ),
        (
            "own_hold = \"20s\"",
            "own_hold = \"21s\"",
            "risk.own_hold: 20s → 21s",
        ),
        (
            "\"危机\" = 800",
            "\"危机\" = 801",
            "危机 +800 → 可接高危 +1000, 危机 +801",
        ),
        (
            "danger_key = \"9\"",
            "danger_key = \"8\"",
            "risk.danger_key: 9 → 8",
        ),
        (
            "calls_a_day = 20",
            "calls_a_day = 21",
            "nuisance.calls_a_day: 20 → 21",
        ),
        (
            "short_calls = 6",
            "short_calls = 7",
            "nuisance.short_calls: 6 → 7",
        ),
        (
            "short = \"20s\"",
            "short = \"21s\"",
            "nuisance.short: 20s → 21s",
        ),
        ("class = 6", "class = 7", "nuisance.class: 6 → 7"),
        (
            "marked_for = \"30d\"",
            "marked_for = \"31d\"",
            "nuisance.marked_for: 720h → 744h",
        ),
        (
            "within = \"11min\"",
            "within = \"12min\"",
            "redial.within: 11min → 12min",
        ),
        (
            "first = [\"called\", \"home\", \"here\"]",
            "first = [\"called\", \"here\", \"home\"]",
            "routing.first: called, home, here → called, here, home",
        ),
        (
            "tags = [\"儿童\"]\nskills",
            "tags = [\"儿童\", \"老人\"]\nskills",
            "tags: 儿童 → 儿童, 老人",
        ),
        (
            "date = 2027-01-01",
            "date = 2027-01-02",
            "calendar 2027-01-02: none → public holiday",
        ),
        (
            "lines = 0\npools",
            "lines = 1\npools",
            "lines 0, 搬迁 → lines 1, 搬迁",
        ),
        ("\"17s\"", "\"18s\"", "after = 17s"),
        ("\"危机\" = 301", "\"危机\" = 302", "危机 = 302"),
    ];
    for (from, to, row) in rows {
        let told = told(from, to);
        assert!(told.contains(row), "{row} is not in:\n{told}");
    }
}

#[test]
fn ladders_places_and_lists_are_told_by_their_callers() {
    let changes = [
        (
            "rings = [\"province\", \"guiyang\"]",
            "rings = [\"guiyang\", \"province\"]",
            "at risk",
        ),
        (
            "rings = [\"liupanshui\"]\nmarked",
            "rings = [\"guiyang\"]\nmarked",
            "nuisance",
        ),
        (
            "callers = [\"0851-2\"]",
            "callers = [\"0851-3\"]",
            "numbers",
        ),
        (
            "prefix = \"4600008512\"",
            "prefix = \"4600008513\"",
            "cells",
        ),
        (
            "pools = [\"guiyang\"]\n[[blocks]]",
            "pools = [\"anshun\"]\n[[blocks]]",
            "贵阳",
        ),
        ("\"16s\"", "\"18s\"", "贵阳"),
        ("\"未成年人\" = 300", "\"未成年人\" = 299", "tag 儿童"),
        (
            "number = \"085188881234\"",
            "number = \"085188881235\"",
            "at risk",
        ),
        (
            "{ hours = \"20:00-02:00\", lines = 3 }",
            "{ hours = \"20:00-02:00\", lines = 4 }",
            "3 → 4 lines",
        ),
    ];
    for (from, to, words) in changes {
        let told = told(from, to);
        assert!(told.contains(words), "{words} is not in:\n{told}");
        assert!(!told.contains("88881234"), "{told}");
    }
}

#[test]
fn another_area_code_of_a_trunk_is_told_with_the_local_numbers_that_go_elsewhere() {
    let zhuzhou = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/zhuzhou.toml");
    let old = std::fs::read_to_string(zhuzhou).unwrap();
    let new = old.replacen("area_code = \"0731\"", "area_code = \"0734\"", 1);
    assert_ne!(old, new);
    let output = diff(&old, &new, &["--all", "--lang", "en"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("callers routed otherwise"), "{told}");
    assert!(told.contains("numbers 2"), "{told}");
    assert!(
        told.contains("trunks carrier area_code: 0731 → 0734"),
        "{told}"
    );
}
