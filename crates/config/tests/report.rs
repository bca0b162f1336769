//! What people read when a file is wrong.

use meishier_config::{ConfigError, Lang, parse, place, render};

const MISTAKES: &str = include_str!("data/mistakes.toml");

fn errors(text: &str) -> Vec<ConfigError> {
    parse(text, None)
        .map(|(config, _)| config.name)
        .unwrap_err()
}

/// The expected text lies beside the file; `BLESS=1` writes it anew.
fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{name}");
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let errors = errors(MISTAKES);
    golden(
        "mistakes.zh.txt",
        &render(&errors, "mistakes.toml", MISTAKES, Lang::Zh),
    );
    golden(
        "mistakes.en.txt",
        &render(&errors, "mistakes.toml", MISTAKES, Lang::En),
    );
}

#[test]
fn every_span_holds_the_offending_text() {
    let errors = errors(MISTAKES);
    let spans: Vec<&str> = errors
        .iter()
        .map(|error| &MISTAKES[error.span.clone()])
        .collect();
    for offending in [
        "\"Asia/Peking\"",
        "99",
        "skils",
        "600",
        "20001",
        "\"3s\"",
        "60",
        "\"75s\"",
        "\"on_seet\"",
        "\"citi\"",
        "\"a{01..03}\"",
        "[]",
        "\"12\"",
        "9",
        "\"钢琴\"",
        "\"b02\"",
        "\"2028\"",
        "\"province\"",
        "8",
        "\"al\"",
        "\"carrier\"",
        "20001",
        "0",
        "day",
        "\"8-18\"",
        "\"0.0.0.0:8080\"",
    ] {
        // The range's own name is right; it is here to show that nothing else is blamed.
        let blamed = spans.contains(&offending);
        assert_eq!(blamed, offending != "\"a{01..03}\"", "{offending}");
    }
    assert!(errors.is_sorted_by_key(|error| error.span.start));
}

#[test]
fn both_languages_say_as_much() {
    for error in errors(MISTAKES) {
        assert!(!error.message_zh.is_empty() && !error.message_en.is_empty());
        assert_eq!(
            error.help_zh.is_empty(),
            error.help_en.is_empty(),
            "{error:?}"
        );
        assert!(
            error.message_en.chars().any(|c| c.is_ascii_alphabetic()),
            "{error:?}"
        );
        assert!(!error.message_zh.is_ascii(), "{error:?}");
    }
}

#[test]
fn no_mistake_shows_a_secret() {
    let text = MISTAKES
        .replace("\"12\"", "\"geheim\"")
        .replace("\"secret\"", "\"geheim\"");
    let text = text.replace("listen = \"0.0.0.0:8080\"", "token = \"geheim\"");
    let report = render(&errors(&text), "f", &text, Lang::Zh);
    assert!(!report.contains("geheim"), "{report}");
}

#[test]
fn an_empty_file_is_told_what_it_lacks() {
    golden(
        "empty.zh.txt",
        &render(&errors(""), "empty.toml", "", Lang::Zh),
    );
    golden(
        "empty.en.txt",
        &render(&errors(""), "empty.toml", "", Lang::En),
    );
}

#[test]
fn a_file_that_is_not_toml_is_told_every_place() {
    let text = "name = \nshards = 1\n[sip\nmax_calls = 5\n";
    let errors = errors(text);
    let lines: Vec<usize> = errors.iter().map(|e| place(text, e.span.start).0).collect();
    assert!(lines.contains(&1) && lines.contains(&3), "{lines:?}");
}

#[test]
fn columns_count_characters() {
    let text = "a\n没事儿 = 1\n";
    assert_eq!(place(text, 0), (1, 1));
    assert_eq!(place(text, text.find('=').unwrap()), (2, 5));
    assert_eq!(place(text, 4), (2, 1), "within a character");
    assert_eq!(place(text, 999), (3, 1), "past the end");
}
