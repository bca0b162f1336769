//! `meishier key` through the binary: whom a key reaches, and when it asks.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(name)
}

fn run(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command.arg("key").args(words).output().unwrap()
}

fn text(words: &[&str]) -> (String, i32) {
    let output = run(words);
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code().unwrap(),
    )
}

fn json(words: &[&str]) -> (Value, i32) {
    let output = run(&[words, &["--json"]].concat());
    let found = serde_json::from_slice(&output.stdout);
    let found = found.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (found, output.status.code().unwrap())
}

#[test]
fn a_settled_place_is_dialled() {
    let (out, status) = text(&["110", "贵阳", "--lang", "en"]);
    assert_eq!(status, 0);
    for part in ["110 (公安报警)", "贵州贵阳", "dial 1        0851110\n"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (out, status) = text(&["120", "在毕节七星关那边"]);
    assert_eq!(status, 0);
    assert!(out.contains("拨 1          0857120\n"), "{out}");
}

#[test]
fn what_is_not_certain_is_asked() {
    let (found, status) = json(&["110", "鼓楼区"]);
    assert_eq!(status, 1);
    assert_eq!(found["settled"], false);
    assert_eq!(found["place"], "江苏南京");
    let others: Vec<&str> = found["others"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert_eq!(others, ["江苏徐州", "福建福州", "河南开封"]);
    assert_eq!(found["ask_within_s"], 15);
    let (out, _) = text(&["110", "鼓楼区", "--lang", "en"]);
    assert!(out.contains("or is it 江苏徐州"), "{out}");
}

#[test]
fn nobody_is_dialled_for_a_key_or_place_that_is_not_there() {
    for (words, told) in [
        (["110", "巴黎"], "找不到这个城市"),
        (["110", ""], "找不到这个城市"),
        (["911", "贵阳"], "没有这个转接键；只有：110、120"),
    ] {
        let output = run(&words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_configuration_says_trunks_pools_and_numbers_of_places() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let text = std::fs::read_to_string(deploy("referral.toml")).unwrap();
    let places = "\n[[transfer.places]]\ncity = \"遵义\"\nkey = \"110\"\n\
                  to = [\"sip:110@192.0.2.9\"]\ntrunk = \"hospital\"\n";
    std::fs::write(&file, format!("{text}{places}")).unwrap();
    let config = file.to_str().unwrap();
    let (found, status) = json(&["110", "遵义", "--config", config]);
    assert_eq!(status, 0);
    let dials = found["dials"].as_array().unwrap();
    assert_eq!(dials[0]["dial"], "sip:110@192.0.2.9");
    assert_eq!(
        dials[0]["trunks"],
        serde_json::json!(["hospital", "carrier"])
    );
    assert_eq!(dials[1]["dial"], "0851110");
    assert_eq!(dials[1]["trunks"], serde_json::json!(["carrier"]));
    let (found, status) = json(&["psychiatry", "--config", config]);
    assert_eq!(
        (status, &found["dials"][0]["dial"]),
        (0, &"87654321".into())
    );
    let (out, status) = self::text(&["second", "--config", config]);
    assert_eq!(status, 0);
    assert!(out.contains("坐席组        second\n"), "{out}");
}

#[test]
fn a_caller_tells_of_the_place_and_is_asked_about_if_the_number_is_a_mobile_one() {
    let file = deploy("guizhou.toml");
    let config = ["--config", file.to_str().unwrap()];
    let ask = |words: &[&str]| json(&[words, &config].concat());
    let (found, status) = ask(&["110", "--from", "085788908001"]);
    assert_eq!((status, &found["place"]), (0, &"贵州毕节".into()));
    let (found, status) = ask(&["110", "--from", "13985012345"]);
    assert_eq!((status, &found["place"]), (1, &"贵州贵阳".into()));
    assert!(found["doubt"].as_str().unwrap().contains("手机号段"));
    let (found, status) = ask(&["110", "遵义", "--from", "13985012345"]);
    assert_eq!((status, &found["place"]), (0, &"贵州遵义".into()));
    let output = run(&[&["110", "--trunk", "nobody"][..], &config].concat());
    assert_eq!(output.status.code(), Some(2));
}
