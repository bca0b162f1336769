//! What a queue holds bounds what a file may ask for; each bound is told with its place.

use meishier_config::{ConfigError, Lang, limits, parse, place, render};

const GOOD: &str = include_str!("data/small.toml");

fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?}");
    GOOD.replacen(from, to, 1)
}

fn mistakes(text: &str) -> Vec<ConfigError> {
    parse(text, None)
        .map(|_| Vec::new())
        .unwrap_or_else(|errors| errors)
}

/// Exactly this one mistake, in both languages, at the place where this stands in the text.
fn refused(text: &str, at: &str, en: &str, zh: &str) {
    let errors = mistakes(text);
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.message_en.as_str(), error.message_zh.as_str()))
        .collect();
    assert_eq!(told, [(en, zh)]);
    let (line, column) = place(text, text.find(at).unwrap());
    let place = format!("small.toml:{line}:{column}");
    let report = render(&errors, "small.toml", text, Lang::En);
    assert!(report.contains(&place), "{place}: {report}");
}

/// A list of as many words, each by its number.
fn list(count: usize, word: impl Fn(usize) -> String) -> String {
    let words: Vec<String> = (0..count).map(word).collect();
    format!("[{}]", words.join(", "))
}

/// The small file with so many pools beside its own.
fn with_pools(count: usize, text: &str) -> String {
    let pool = |n: usize| {
        format!(
            "[[pools]]\nname = \"extra{n}\"\nshifts = [{{ hours = \"00:00-24:00\", lines = 1 }}]\n\n"
        )
    };
    let pools: String = (0..count).map(pool).collect();
    text.replacen("[[seats]]", &format!("{pools}[[seats]]"), 1)
}

#[test]
fn calls_seats_and_lines_have_a_most() {
    refused(
        &changed("max_calls = 100", "max_calls = 65537"),
        "65537",
        "max_calls is out of range: 65537",
        "max_calls 超出范围：65537",
    );
    refused(
        &changed("announce_every = \"0s\"", "max_waiting = 65537"),
        "65537",
        "max_waiting is out of range: 65537",
        "max_waiting 超出范围：65537",
    );
    refused(
        &changed("lines = 5", "lines = 4097"),
        "4097",
        "lines is out of range: 4097",
        "lines 超出范围：4097",
    );
    let seats = changed(
        "[[counsellors]]\naccount = \"chen\"",
        "[[seats]]\nname = \"x{0000..8187}\"\npassword = \"x-{n}\"\npools = [\"day\"]\n\n\
         [[counsellors]]\naccount = \"chen\"",
    );
    refused(
        &seats,
        "\"x{0000..8187}\"",
        "too many: 8193 up to here",
        "太多了：到这里已有 8193 个",
    );
    assert_eq!(mistakes(&seats.replace("8187", "8186")), []);
    assert_eq!(mistakes(&changed("lines = 5", "lines = 4096")), []);
}

#[test]
fn a_route_has_so_many_rings_and_preferences() {
    let rings = |count: usize| {
        let rings = list(count, |n| format!("\"extra{n}\""));
        with_pools(
            9,
            &changed("rings = [\"always\"]", &format!("rings = {rings}")),
        )
    };
    assert_eq!(mistakes(&rings(8)), []);
    let text = rings(9);
    let at = "[\"extra0\"";
    let (en, zh) = ("rings has 9 entries, too many", "rings 有 9 项，太多了");
    refused(&text, at, en, zh);

    let prefer = |count: usize| {
        let words = list(count, |n| format!("\"技{n}\""));
        let more = words.trim_start_matches('[').trim_end_matches(']');
        let skills = format!("skills = [\"苗语\", \"危机\", {more}]");
        let likes: Vec<String> = (0..count).map(|n| format!("\"技{n}\" = 5")).collect();
        changed("skills = [\"苗语\", \"危机\"]", &skills).replacen(
            "prefer = { \"苗语\" = 100 }",
            &format!("prefer = {{ {} }}", likes.join(", ")),
            1,
        )
    };
    assert_eq!(mistakes(&prefer(8)), []);
    let (en, zh) = ("prefer has 9 entries, too many", "prefer 有 9 项，太多了");
    refused(&prefer(9), "{ \"技0\" = 5", en, zh);
}

#[test]
fn a_seat_has_so_many_pools() {
    let pools = |count: usize| {
        let pools = list(count, |n| format!("\"extra{n}\""));
        let from = "pools = [\"day\", \"always\"]";
        with_pools(9, &changed(from, &format!("pools = {pools}")))
    };
    assert_eq!(mistakes(&pools(limits::MOST_POOLS_OF_A_SEAT)), []);
    let (en, zh) = ("pools has 9 entries, too many", "pools 有 9 项，太多了");
    refused(&pools(9), "[\"extra0\"", en, zh);
}
