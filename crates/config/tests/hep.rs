//! `[hep]`, right and wrong.
#![allow(missing_docs)]

use meishier_config::{HepNumbers, parse};

const GOOD: &str = include_str!("data/small.toml");

fn with(section: &str) -> String {
    format!("{GOOD}\n[hep]\n{section}\n")
}

/// The mistakes, Chinese and English.
fn mistakes(section: &str) -> Vec<(String, String)> {
    let errors = parse(&with(section), None).map(|_| ()).unwrap_err();
    let both = errors.into_iter().map(|it| (it.message_zh, it.message_en));
    both.collect()
}

#[test]
fn without_the_section_nothing_is_copied() {
    assert_eq!(parse(GOOD, None).unwrap().0.hep, None);
}

#[test]
fn the_least_section_hides_numbers_and_bodies() {
    let (config, _) = parse(&with("collector = \"192.0.2.9:9060\""), None).unwrap();
    let hep = config.hep.unwrap();
    assert_eq!(hep.collector, "192.0.2.9:9060".parse().unwrap());
    assert_eq!((hep.capture_id, hep.password), (2001, None));
    assert_eq!((hep.numbers, hep.bodies), (HepNumbers::Masked, false));
}

#[test]
fn everything_can_be_said() {
    let all = "collector = \"[2001:db8::9]:9060\"\ncapture_id = 4294967295\npassword = \"p w\"\n\
               numbers = \"whole\"\nbodies = true";
    let hep = parse(&with(all), None).unwrap().0.hep.unwrap();
    assert!(hep.collector.is_ipv6() && hep.bodies);
    assert_eq!(hep.capture_id, u32::MAX);
    assert_eq!(hep.password.as_deref(), Some("p w"));
    assert_eq!(hep.numbers, HepNumbers::Whole);
    assert!(!format!("{hep:?}").contains("p w"));
}

#[test]
fn mistakes_are_told_in_both_languages() {
    let pairs = [
        (
            "numbers = \"masked\"",
            "[hep] 缺少 collector",
            "[hep] lacks collector",
        ),
        (
            "collector = \"192.0.2.9:0\"",
            "collector 必须是能到达的地址和端口",
            "collector must be an address and a port that can be reached",
        ),
        (
            "collector = \"0.0.0.0:9060\"",
            "collector 必须是能到达的地址和端口",
            "collector must be an address and a port that can be reached",
        ),
    ];
    for (section, zh, en) in pairs {
        assert_eq!(mistakes(section), [(zh.to_owned(), en.to_owned())]);
    }
    let one = |section: &str| {
        let found = mistakes(&format!("collector = \"192.0.2.9:9060\"\n{section}"));
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap().1
    };
    assert!(one("capture_id = 0").contains("capture_id"));
    assert!(one("numbers = \"some\"").contains("numbers"));
    assert!(one("bodies = \"yes\"").contains("bodies"));
    assert!(one("colector = 1").contains("colector"));
    let long = format!("password = \"{}\"", "x".repeat(256));
    assert_eq!(one(&long), "password is too long");
}
