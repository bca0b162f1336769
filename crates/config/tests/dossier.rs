//! `[dossier]`, right and wrong.
#![allow(missing_docs)]

use meishier_config::{Secret, WebAddress, parse};
use std::path::Path;
use std::time::Duration;

const GOOD: &str = include_str!("data/small.toml");
const LEAST: &str = "name = \"police\"\nurl = \"https://cad.example.cn/in?x=1\"\nemergencies = true\n\
                     secret_file = \"police.secret\"\ntrusted_ca = \"ca.pem\"";

fn with(receiver: &str) -> String {
    format!("{GOOD}\n[dossier]\ngive_up = \"2h\"\n[[dossier.receivers]]\n{receiver}\n")
}

fn told(receiver: &str) -> Vec<String> {
    match parse(&with(receiver), None) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            assert!(errors.iter().all(|it| !it.message_zh.is_ascii()));
            errors.into_iter().map(|it| it.message_en).collect()
        }
    }
}

#[test]
fn without_the_section_nobody_gets_anything() {
    let dossier = parse(GOOD, None).unwrap().0.dossier;
    assert!(dossier.receivers.is_empty());
    assert_eq!(dossier.alert_after, Duration::from_secs(300));
}

#[test]
fn a_receiver_is_read() {
    let dossier = parse(&with(LEAST), None).unwrap().0.dossier;
    assert_eq!(dossier.give_up, Duration::from_secs(7200));
    let [receiver] = &dossier.receivers[..] else {
        panic!("{dossier:?}")
    };
    assert_eq!(receiver.url.authority(), "cad.example.cn:443");
    assert_eq!(receiver.url.path, "/in?x=1");
    assert!(!format!("{receiver:?}").contains("x=1"));
    assert_eq!(receiver.secret, Some(Secret::File("police.secret".into())));
    assert_eq!(receiver.trusted_ca.as_deref(), Some(Path::new("ca.pem")));
    assert!(receiver.takes("110", true) && !receiver.takes("12345", false));
    let mutual = LEAST
        .replace(
            "secret_file = \"police.secret\"",
            "certificate = \"a\"\nkey = \"b\"",
        )
        .replace("emergencies = true", "keys = [\"110\"]");
    let receiver = &parse(&with(&mutual), None).unwrap().0.dossier.receivers[0];
    assert_eq!(receiver.identity, Some(("a".into(), "b".into())));
    assert!(receiver.takes("110", true) && !receiver.takes("120", true));
}

#[test]
fn mistakes_are_told() {
    assert_eq!(told(LEAST), Vec::<String>::new());
    for (from, to, message) in [
        (
            "https://cad.example.cn",
            "http://cad.example.cn",
            "url is not an address",
        ),
        ("emergencies = true", "", "the receiver gets no dossier"),
        (
            "emergencies = true",
            "keys = [\"99\"]",
            "keys does not know \"99\"",
        ),
        (
            "secret_file = \"police.secret\"",
            "",
            "cannot know that it is us",
        ),
        (
            "secret_file = \"police.secret\"",
            "key = \"b\"",
            "stand together",
        ),
        ("trusted_ca = \"ca.pem\"", "", "https lacks trusted_ca"),
        ("name = \"police\"", "", "lacks name"),
    ] {
        assert!(LEAST.contains(from));
        let told = told(&LEAST.replace(from, to));
        assert!(
            told.iter().any(|it| it.contains(message)),
            "{message}: {told:?}"
        );
    }
    let plain = LEAST.replace("https://cad.example.cn", "http://127.0.0.1");
    assert_eq!(told(&plain), Vec::<String>::new());
    let unsigned = plain.replace(
        "secret_file = \"police.secret\"",
        "certificate = \"a\"\nkey = \"b\"",
    );
    let told_of = told(&unsigned);
    assert!(told_of[0].contains("it must be signed"), "{told_of:?}");
    let twice = format!("{LEAST}\n[[dossier.receivers]]\n{LEAST}");
    assert_eq!(told(&twice).len(), 1);
}

#[test]
fn addresses_are_https_or_of_this_machine() {
    for (text, shown) in [
        ("https://a.cn", Some("a.cn:443/")),
        ("https://A.cn:8443/x/y?z", Some("a.cn:8443/x/y?z")),
        ("https://a.cn?z", Some("a.cn:443/?z")),
        ("https://[2001:db8::1]/x", Some("[2001:db8::1]:443/x")),
        ("http://127.0.0.1:80/", Some("127.0.0.1:80/")),
        ("http://[::1]:8080", Some("[::1]:8080/")),
        ("http://localhost", Some("localhost:80/")),
        ("http://10.0.0.1/", None),
        ("http://localhost.cn/", None),
        ("ftp://a.cn", None),
        ("https://", None),
        ("https://:443/", None),
        ("https://a.cn:0/", None),
        ("https://a.cn:70000/", None),
        ("https://user@a.cn/", None),
        ("https://a.cn/#x", None),
        ("https://a.cn/x y", None),
        ("https://a.cn/\r\nX: y", None),
        ("https://[a.cn]/", None),
        ("https://地点.cn/", None),
    ] {
        let found = WebAddress::parse(text).map(|it| format!("{}{}", it.authority(), it.path));
        assert_eq!(found.as_deref(), shown, "{text}");
    }
}

#[test]
fn a_key_that_is_no_emergencys_needs_consent() {
    let hotline = |consent: &str, receiver: &str| {
        let keys = "keys = [\"12345\"]";
        let receiver = LEAST.replace("emergencies = true", &format!("{keys}{receiver}"));
        let key = "[[transfer.keys]]\nname = \"12345\"\nkind = \"hotline\"\ntrunk = \"one\"\n";
        let text = with(&format!("{receiver}\n{key}{consent}"));
        parse(&text, None)
    };
    let refused = hotline("", "").err().unwrap();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].message_en.contains("only if they agree"));
    assert!(refused[0].message_zh.contains("来电者同意"));
    assert!(hotline("consent = true", "").is_ok());
    let receiver = "\nconsent = true";
    let config = hotline("", receiver).unwrap().0;
    assert!(config.dossier.receivers[0].consent);
}
