//! `meishier route` through the binary: what it says is what the table does.

use serde_json::Value;
use sha2::{Digest, Sha256};
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
        .args(["route", "--config"])
        .arg(file)
        .args(words)
        .output()
        .unwrap()
}

fn json(file: &Path, words: &[&str]) -> (Value, i32) {
    let output = run(file, &[words, &["--json"]].concat());
    let found = serde_json::from_slice(&output.stdout);
    let found = found.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (found, output.status.code().unwrap())
}

fn text(file: &Path, words: &[&str]) -> String {
    String::from_utf8(run(file, words).stdout).unwrap()
}

fn pools(found: &Value) -> Vec<(&str, u64, bool)> {
    let pools = found["pools"].as_array().unwrap().iter();
    pools
        .map(|it| {
            let name = it["pool"].as_str().unwrap();
            (
                name,
                it["after_s"].as_u64().unwrap(),
                it["taking"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn rule<'v>(found: &'v Value, name: &str) -> &'v Value {
    let mut rules = found["rules"].as_array().unwrap().iter();
    rules
        .find(|it| it["rule"] == name)
        .unwrap_or_else(|| panic!("no {name} in {found}"))
}

/// A small table: a city by day, the nation's pool in the evening, nobody at night.
fn small() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.toml");
    let text = r#"
name = "试验"
tags = ["儿童"]
skills = ["危机", "未成年人"]
[[trunks]]
name = "one"
peers = ["127.0.0.1"]
outgoing_number = "12356"
[[trunks]]
name = "two"
peers = ["127.0.0.2"]
outgoing_number = "12356"
[[pools]]
name = "city"
title = "市级"
shifts = [{ hours = "08:00-18:00", lines = 3 }]
[[pools]]
name = "far"
shifts = [{ hours = "09:00-22:00", lines = 1, days = ["workday"] }]
[[seats]]
name = "a1"
password = "例-a1"
pools = ["city", "far"]
[[counsellors]]
account = "chen"
title = "陈"
pin = "246810"
seats = "any"
skills = { "危机" = 3, "未成年人" = 3 }
[routing]
default = "rest"
[[areas]]
city = "黔南"
pools = ["city"]
[risk]
prefer = { "危机" = 900 }
[[preferences]]
name = "minors"
tags = ["儿童"]
prefer = { "未成年人" = 300 }
[[numbers]]
number = "13312345678"
risk = true
counsellor = "chen"
reason = "回访"
[[numbers]]
number = "13312340000"
risk = true
until = 2026-01-01
reason = "已结束"
[[routes]]
name = "second-trunk"
trunks = ["two"]
rings = ["far"]
class = 2
[[routes]]
name = "at-home"
cities = ["黔南"]
rings = ["@city", { pool = "far", after = "20s" }]
[[routes]]
name = "rest"
called = ["962525"]
rings = ["far"]
"#;
    std::fs::write(&file, text.trim_start()).unwrap();
    (folder, file)
}

/// A workday of the week that has no holiday.
const DAY: &str = "2026-03-04 10:00";
const EVENING: &str = "2026-03-04 20:00";
const NIGHT: &str = "2026-03-04 23:00";

#[test]
fn the_city_by_day_and_who_stands_in_by_night_in_guizhou() {
    let file = deploy("guizhou.toml");
    let words = ["--from", "085488908001", "--to", "085412356", "--at"];
    let (day, code) = json(&file, &[&words[..], &["2026-03-04 10:00"]].concat());
    assert_eq!((pools(&day)[0], code), (("qiannan", 0, true), 0));
    let (night, code) = json(&file, &[&words[..], &["2026-03-04 23:00"]].concat());
    assert_eq!(code, 0);
    assert_eq!(
        &pools(&night)[..2],
        [("qiannan", 0, false), ("province", 0, true)]
    );
    // The province closes at two; a holiday is no different there.
    assert_eq!(night["pools"][1]["until"], "2026-03-05T02:00:00+08:00");
    assert_eq!(night["pools"][0]["opens"], "2026-03-05T08:00:00+08:00");
    let (late, _) = json(
        &file,
        &[&words[..], &["2026-03-05T02:30:00+08:00"]].concat(),
    );
    let taking: Vec<&str> = pools(&late)
        .iter()
        .filter(|it| it.2)
        .map(|it| it.0)
        .collect();
    assert_eq!(taking, ["guiyang", "liupanshui"]);
    assert_eq!(late["at"], "2026-03-05T02:30:00+08:00");
}

#[test]
fn the_hash_is_that_of_the_file_and_rules_stand_where_it_says() {
    let file = deploy("beijing.toml");
    let bytes = std::fs::read(&file).unwrap();
    let hash = Sha256::digest(&bytes);
    let hash: String = hash.iter().take(8).map(|it| format!("{it:02x}")).collect();
    let (found, code) = json(&file, &["--from", "01088880000", "--at", DAY]);
    assert_eq!((found["table"].as_str(), code), (Some(hash.as_str()), 0));
    assert_eq!(found["skills"], serde_json::json!(["一线"]));
    let (_folder, small) = small();
    let (found, _) = json(&small, &["--from", "085488908001", "--at", DAY]);
    let text = std::fs::read_to_string(&small).unwrap();
    for name in ["second-trunk", "at-home", "rest"] {
        let line = rule(&found, &format!("route:{name}"))["line"]
            .as_u64()
            .unwrap();
        let line = text
            .lines()
            .nth(usize::try_from(line).unwrap() - 1)
            .unwrap();
        assert_eq!(line, format!("name = \"{name}\""));
    }
}

#[test]
fn every_rule_is_told_hit_or_passed_over() {
    let (_folder, file) = small();
    let (found, code) = json(&file, &["--from", "0854-8890 8001", "--at", DAY]);
    assert_eq!((pools(&found)[0], code), (("city", 0, true), 0));
    assert_eq!(found["place"]["city"], "黔南");
    assert_eq!(found["place"]["which"], "here");
    assert_eq!(found["place"]["confidence"], "high");
    assert_eq!(rule(&found, "route:second-trunk")["miss"], "trunks");
    assert_eq!(rule(&found, "route:at-home")["hit"], true);
    assert_eq!(rule(&found, "route:rest")["miss"], "later");
    assert_eq!(rule(&found, "preference:minors")["miss"], "tags");
    assert_eq!(rule(&found, "area:1")["hit"], true);
    let told = text(&file, &["--from", "085488908001", "--at", DAY, "--explain"]);
    for words in [
        "✓ route:at-home",
        "– route:second-trunk",
        "从别的中继来",
        "黔南（贵州）",
        "把握大",
    ] {
        assert!(told.contains(words), "{words} is not in:\n{told}");
    }
    let brief = text(&file, &["--from", "085488908001", "--at", DAY]);
    assert!(!brief.contains("second-trunk"), "{brief}");
    let told = text(
        &file,
        &[
            "--from",
            "085488908001",
            "--at",
            DAY,
            "--explain",
            "--lang",
            "en",
        ],
    );
    for words in [
        "it came over another trunk",
        "high confidence",
        "far: after 20 s",
    ] {
        assert!(told.contains(words), "{words} is not in:\n{told}");
    }
}

#[test]
fn the_unknown_go_to_the_default_and_numbers_are_masked() {
    let (_folder, file) = small();
    for from in ["anonymous", "", "+85221234567", "sip:bob@example.org"] {
        let (found, code) = json(&file, &["--from", from, "--at", DAY]);
        assert_eq!((found["route"].as_str(), code), (Some("rest"), 0), "{from}");
        assert_eq!(rule(&found, "default:rest")["hit"], true);
        assert_eq!(found["ambiguous"], false);
    }
    let (found, _) = json(&file, &["--from", "anonymous", "--at", DAY]);
    assert_eq!(found["from"], Value::Null);
    assert!(text(&file, &["--from", "anonymous", "--at", DAY]).contains("号码不明"));
    let number = "13398765432";
    for words in [
        vec!["--from", number, "--explain"],
        vec!["--from", number, "--json"],
    ] {
        assert!(!text(&file, &words).contains(number));
        let shown = text(&file, &[&words[..], &["--reveal"]].concat());
        assert!(shown.contains(number), "{shown}");
    }
    let dialled = text(&file, &["--from", "anonymous", "--to", number, "--json"]);
    assert!(!dialled.contains(number), "{dialled}");
}

#[test]
fn a_shared_area_code_is_told_as_ambiguous() {
    let (_folder, file) = small();
    let words = ["--from", "085188888888", "--to", "085112356", "--at", DAY];
    let (found, _) = json(&file, &words);
    assert_eq!(found["ambiguous"], true);
    assert_eq!(found["place"]["shared_code"], "0851");
    assert_eq!(rule(&found, "ambiguous")["hit"], true);
    assert!(text(&file, &words).contains("由多个城市共用"));
}

#[test]
fn nobody_there_ends_with_three_and_says_when_somebody_is() {
    let (_folder, file) = small();
    let (found, code) = json(&file, &["--from", "085488908001", "--at", NIGHT]);
    assert_eq!((code, found["taking"].as_bool()), (3, Some(false)));
    let words = ["--from", "085488908001", "--at", NIGHT];
    let told = text(&file, &words);
    assert!(
        told.contains("此刻没有坐席组接听，来电者要等到 次日 08:00"),
        "{told}"
    );
    let told = text(&file, &[&words[..], &["--lang", "en"]].concat());
    assert!(told.contains("nobody takes it now"), "{told}");
    // The far pool works on workdays alone: a holiday evening has nobody, another evening has.
    let evening = |at| json(&file, &["--from", "085488908001", "--at", at]).1;
    assert_eq!((evening(EVENING), evening("2026-10-01 20:00")), (0, 3));
}

#[test]
fn states_risk_tags_and_trunks_are_supposed() {
    let (_folder, file) = small();
    let ask = |words: &[&str]| {
        json(
            &file,
            &[&["--from", "085488908001", "--at", DAY], words].concat(),
        )
    };
    let (down, code) = ask(&["--pool-state", "city=down"]);
    assert_eq!(
        (pools(&down), code),
        (vec![("city", 0, false), ("far", 0, true)], 0)
    );
    assert_eq!(down["pools"][0]["state"], "Down");
    let (full, _) = ask(&["--pool-state", "city=full"]);
    assert_eq!(pools(&full), [("city", 0, false), ("far", 0, true)]);
    let (_, code) = ask(&["--pool-state", "city=down", "--pool-state", "far=unstaffed"]);
    assert_eq!(code, 3);
    let (risk, _) = ask(&["--risk"]);
    assert_eq!(
        (
            risk["risk"].as_bool(),
            rule(&risk, "risk:person")["hit"].as_bool()
        ),
        (Some(true), Some(true))
    );
    assert_eq!(
        risk["prefer"][0],
        serde_json::json!({"skill": "危机", "weight": 900})
    );
    let (child, _) = ask(&["--tag", "儿童"]);
    assert_eq!(child["prefer"][0]["skill"], "未成年人");
    let (nuisance, _) = ask(&["--nuisance"]);
    assert_eq!(rule(&nuisance, "nuisance:marked")["hit"], true);
    let (two, _) = ask(&["--trunk", "two"]);
    assert_eq!(
        (two["route"].as_str(), two["class"].as_u64()),
        (Some("second-trunk"), Some(2))
    );
}

#[test]
fn lists_count_until_they_expire() {
    let (_folder, file) = small();
    let (found, _) = json(&file, &["--from", "+8613312345678", "--at", DAY]);
    assert_eq!(
        (found["risk"].as_bool(), found["counsellor"].as_str()),
        (Some(true), Some("chen"))
    );
    assert_eq!(rule(&found, "risk:listed")["hit"], true);
    let (found, _) = json(&file, &["--from", "13312340000", "--at", DAY]);
    assert_eq!(found["risk"], false);
    assert_eq!(rule(&found, "number:2")["miss"], "expired");
}

#[test]
fn wrong_arguments_end_with_two_and_a_wrong_file_with_one() {
    let (_folder, file) = small();
    for (words, said) in [
        (["--trunk", "three"], "one、two"),
        (["--at", "noon"], "2026-10-01 23:30"),
        (["--tag", "老人"], "儿童"),
        (["--pool-state", "city"], "坐席组=状态"),
        (["--pool-state", "city=asleep"], "unstaffed"),
        (["--pool-state", "town=down"], "city、far"),
    ] {
        let output = run(&file, &[&["--from", "12345"], &words[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(said), "{said} is not in {told}");
    }
    assert_eq!(run(&file, &[]).status.code(), Some(2));
    let nowhere = run(Path::new("/nowhere/at.toml"), &["--from", "1"]);
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn a_year_without_holidays_is_told() {
    let (_folder, file) = small();
    let at = |moment| ["--from", "085412345678", "--at", moment];
    let (known, unknown) = (at("2026-11-23 10:00"), at("2031-11-24 10:00"));
    assert_eq!(json(&file, &known).0["calendar_known"], true);
    assert_eq!(json(&file, &unknown).0["calendar_known"], false);
    let line = "日历：没有 2031 年的节假日表，工作日和节假日只按星期推算\n";
    assert!(!text(&file, &known).contains("日历"));
    assert!(text(&file, &unknown).contains(line));
    let english = [&unknown[..], &["--explain", "--lang", "en"]].concat();
    let line =
        "calendar: no holidays of 2031 are known: workdays and holidays go by weekday alone\n";
    let told = text(&file, &english);
    assert!(told.contains(line), "{told}");
    // Hours that never ask what day it is do not depend on it.
    let plain = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, plain.replace(", days = [\"workday\"]", "")).unwrap();
    assert!(!text(&file, &unknown).contains("日历"));
    assert_eq!(json(&file, &unknown).0["calendar_known"], false);
}

/// Who cannot tell where they are is answered while a district is open, and a full line of duty is
/// waited for as long as it is full, not until the next morning.
#[test]
fn zhuzhou_answers_while_a_district_is_open() {
    let file = deploy("zhuzhou.toml");
    let ask = |at: &str, state: &str| {
        let words = ["--from", "anonymous", "--pool-state", state, "--at", at];
        json(&file, &words)
    };
    let (down, code) = ask("2026-11-23 10:00", "duty=down");
    let takes = |(name, after, taking): (_, _, bool)| taking.then_some((name, after));
    let taking: Vec<_> = pools(&down).into_iter().filter_map(takes).collect();
    let city = ["tianyuan", "lusong", "hetang", "shifeng"];
    assert_eq!((taking, code), (city.map(|name| (name, 0)).to_vec(), 0));

    let say = |lang: &str, state: &str| {
        let at = "2026-11-23 23:00";
        #[rustfmt::skip]
        let words = ["--from", "anonymous", "--pool-state", state, "--at", at, "--lang", lang];
        let said = text(&file, &words);
        let verdict = said.lines().find(|it| it.starts_with(['结', 's']));
        verdict.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    let (zh, en) = (say("zh", "duty=full"), say("en", "duty=full"));
    assert!(zh.contains("等到 duty 空出一条线路"), "{zh}");
    assert!(en.ends_with("waits until a line of duty is free"), "{en}");
    assert_eq!(ask("2026-11-23 23:00", "duty=full").1, 3);
    // A pool that is down frees no line: the districts open in the morning.
    let down = say("en", "duty=down");
    assert!(
        down.contains("nobody takes it now; the caller waits until"),
        "{down}"
    );
}
