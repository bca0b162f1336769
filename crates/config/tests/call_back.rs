//! When callers who hung up are called back, and by which trunks.

use meishier_config::{Config, Lang, parse, render};
use meishier_model::TrunkId;
use meishier_routing::Hours;

const GOOD: &str = include_str!("data/small.toml");

/// The small file with `[care]` of these lines.
fn file(lines: &str) -> String {
    assert!(!GOOD.contains("[care]"));
    format!("{GOOD}\n[care]\n{lines}\n")
}

fn load(text: &str) -> Config {
    match parse(text, None) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", render(&errors, "f", text, Lang::En)),
    }
}

/// What is wrong with these lines, in that language.
fn wrong(lines: &str, lang: Lang) -> String {
    let text = file(lines);
    let errors = parse(&text, None).expect_err(lines);
    render(&errors, "f", &text, lang)
}

#[test]
fn callers_are_called_back_from_nine_to_nine_by_their_own_trunk_if_the_file_says_nothing() {
    for text in [GOOD.to_owned(), file("")] {
        let found = load(&text).call_backs;
        assert_eq!(found.hours, Hours::parse("09:00-21:00").unwrap());
        assert_eq!(found.trunks, []);
    }
}

#[test]
fn hours_and_trunks_are_the_files_own() {
    let found = load(&file(
        "call_back_hours = \"20:30-07:15\"\ncall_back_trunks = [\"one\"]",
    ));
    assert_eq!(found.call_backs.hours, Hours::parse("20:30-07:15").unwrap());
    assert_eq!(found.call_backs.trunks, [TrunkId(0)]);
}

#[test]
fn nonsense_is_told_in_both_languages() {
    for (lines, zh, en) in [
        ("call_back_hours = \"9-21\"", "看不懂", "makes no sense"),
        (
            "call_back_hours = \"09:00-09:00\"",
            "看不懂",
            "makes no sense",
        ),
        ("call_back_hours = 9", "字符串", "a string"),
        ("call_back_trunks = [\"nowhere\"]", "nowhere", "nowhere"),
        (
            "call_back_trunk = [\"one\"]",
            "call_back_trunk",
            "call_back_trunk",
        ),
    ] {
        assert!(
            wrong(lines, Lang::Zh).contains(zh),
            "{}",
            wrong(lines, Lang::Zh)
        );
        assert!(
            wrong(lines, Lang::En).contains(en),
            "{}",
            wrong(lines, Lang::En)
        );
    }
}

#[test]
fn a_trunk_that_leads_nowhere_calls_nobody_back() {
    let lines = "call_back_trunks = [\"in\"]\n[[trunks]]\nname = \"in\"\npeers = [\"10.9.9.9\"]\n\
                 codecs = [\"pcma\"]\noutgoing_number = \"12356\"";
    let told = wrong(lines, Lang::En);
    assert!(told.contains("has no address for calls out"), "{told}");
}
