//! `[recording]`, right and wrong.
#![allow(missing_docs)]

use meishier_config::{Recording, parse};
use meishier_model::{Consent, PoolId, TapeForm};
use std::path::PathBuf;

const GOOD: &str = include_str!("data/small.toml");
const LEAST: &str = "folder = \"tapes\"\nkey_files = [\"/etc/one.key\"]";
const DAY: u64 = 86_400;

fn with(section: &str) -> String {
    format!("{GOOD}\n[recording]\n{section}\n")
}

fn read(section: &str) -> Recording {
    parse(&with(section), None).unwrap().0.recording.unwrap()
}

fn mistakes(text: &str) -> Vec<(String, String)> {
    let errors = parse(text, None).map(|_| ()).unwrap_err();
    let both = errors.into_iter().map(|it| (it.message_zh, it.message_en));
    both.collect()
}

#[test]
fn without_the_section_or_with_it_off_nothing_is_recorded() {
    assert_eq!(parse(GOOD, None).unwrap().0.recording, None);
    let off = with(&format!("mode = \"off\"\n{LEAST}"));
    assert_eq!(parse(&off, None).unwrap().0.recording, None);
}

#[test]
fn the_least_section_records_nobody_and_keeps_for_three_years() {
    let least = read(LEAST);
    assert_eq!(least.folder, PathBuf::from("tapes"));
    assert_eq!(least.key_files, [PathBuf::from("/etc/one.key")]);
    assert_eq!(least.keep.as_secs(), 1096 * DAY);
    assert_eq!((least.form, least.refuse_key), (TapeForm::Mixed, '9'));
    assert_eq!(least.consent(PoolId(0)), Consent::Off);
    assert_eq!(least.consent(PoolId(999)), Consent::Off);
}

#[test]
fn everything_can_be_said_and_pools_say_it_for_themselves() {
    let all = "folder = \"/srv/tapes\"\nkey_files = [\"/etc/two.key\", \"/etc/one.key\"]\n\
               mode = \"both\"\nconsent = \"announced\"\nkeep = \"5y\"\nrefuse_key = \"0\"";
    let text = with(all).replacen("[[pools]]", "[[pools]]\nrecording = \"asked\"", 1);
    let (config, warnings) = parse(&text, None).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let recording = config.recording.unwrap();
    assert_eq!(recording.keep.as_secs(), (5 * 365 + 2) * DAY);
    assert_eq!(
        (recording.form, recording.refuse_key),
        (TapeForm::Both, '0')
    );
    assert_eq!(recording.consent(PoolId(0)), Consent::Asked);
    assert_eq!(recording.key_files.len(), 2);
    let others = 1..config.pools.len() as u16;
    for pool in others {
        assert_eq!(recording.consent(PoolId(pool)), Consent::Announced);
    }
}

#[test]
fn less_than_three_years_takes_a_reason_and_is_doubted_even_so() {
    let short = format!("{LEAST}\nkeep = \"30d\"");
    assert!(mistakes(&with(&short))[0].1.contains("three years"));
    let said = format!("{short}\nkeep_shorter_because = \"rehearsal\"");
    let (config, warnings) = parse(&with(&said), None).unwrap();
    assert_eq!(config.recording.unwrap().keep.as_secs(), 30 * DAY);
    assert!(warnings[0].message_zh.contains("三年"), "{warnings:?}");
}

#[test]
fn mistakes_are_told_in_both_languages() {
    let pairs = [
        (
            "key_files = [\"/k\"]",
            "[recording] 缺少 folder",
            "[recording] lacks folder",
        ),
        (
            "folder = \"t\"",
            "[recording] 缺少 key_files",
            "[recording] lacks key_files",
        ),
        (
            "folder = \"/srv/t\"\nkey_files = [\"/srv/x/../t/./one.key\"]",
            "录音密钥不能放在数据所在的文件夹里",
            "a key of recordings must not lie in a folder of data",
        ),
        (
            "folder = \"t\"\nkey_files = [\"/k\"]\nkeep = \"long\"",
            "keep 不是时长：\"long\"",
            "keep is not a duration: \"long\"",
        ),
        (
            "folder = \"t\"\nkey_files = [\"/k\"]\nrefuse_key = \"#\"",
            "refuse_key 应为一个数字键：\"#\"",
            "refuse_key must be one digit: \"#\"",
        ),
    ];
    for (section, zh, en) in pairs {
        let told = mistakes(&with(section));
        assert_eq!(told, [(zh.to_owned(), en.to_owned())], "{section}");
    }
    // A pool that is to be recorded, and nowhere to record to.
    let text = GOOD.replacen("[[pools]]", "[[pools]]\nrecording = \"asked\"", 1);
    assert!(mistakes(&text)[0].0.contains("[recording]"));
}

#[test]
fn the_folder_of_the_records_is_no_place_for_a_key_either() {
    let text = with("folder = \"/srv/tapes\"\nkey_files = [\"/srv/db/one.key\"]");
    let path = text.lines().find(|line| line.starts_with("path = "));
    let text = match path {
        Some(line) => text.replace(line, "path = \"/srv/db/records.db\""),
        None => format!("{text}\n[records]\npath = \"/srv/db/records.db\"\n"),
    };
    assert_eq!(mistakes(&text).len(), 1);
}
