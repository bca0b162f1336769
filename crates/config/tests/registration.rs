//! `[trunks.register]` and `[trunks.auth]`.

use meishier_config::{Config, Contact, Lang, Secret, To, parse};
use std::time::Duration;

const GOOD: &str = include_str!("data/small.toml");

const REGISTER: &str = r#"
[trunks.register]
user = "+8685112356"
password = "hush-hush"
domain = "gz.ims.example.cn"
registrar = "192.0.2.9:5070"
"#;

/// The first trunk with more behind its keys.
fn with(text: &str) -> String {
    let second = GOOD.match_indices("[[trunks]]").nth(1).unwrap().0;
    let (head, tail) = GOOD.split_at(second);
    format!("{head}{text}\n{tail}")
}

fn load(text: &str) -> Config {
    let read = parse(&with(text), None);
    read.unwrap_or_else(|all| {
        panic!(
            "{:?}",
            all.iter()
                .map(|it| it.message(Lang::En))
                .collect::<Vec<_>>()
        )
    })
    .0
}

fn told(text: &str) -> Vec<String> {
    let Err(all) = parse(&with(text), None) else {
        panic!("nothing was wrong in {text}");
    };
    for mistake in &all {
        assert_ne!(mistake.message(Lang::Zh), mistake.message(Lang::En));
        assert!(
            !mistake.message(Lang::Zh).contains("hush"),
            "no password in words"
        );
    }
    all.iter()
        .map(|it| it.message(Lang::En).to_owned())
        .collect()
}

#[test]
fn a_registration_is_read_with_its_defaults() {
    let config = load(REGISTER);
    let trunk = &config.trunks[0];
    let register = trunk.register.as_ref().unwrap();
    assert_eq!(register.user, "+8685112356");
    assert_eq!(register.domain, "gz.ims.example.cn");
    assert_eq!(register.registrar, Some("192.0.2.9:5070".parse().unwrap()));
    assert_eq!(register.expires, Duration::from_secs(3600));
    assert_eq!(register.contact, Contact::Own);
    let login = trunk.login.as_ref().unwrap();
    assert_eq!(
        login.user, "+8685112356",
        "the same user if no other is named"
    );
    assert_eq!(login.password, Secret::Text("hush-hush".into()));
    assert!(config.trunks[1].register.is_none() && config.trunks[1].login.is_none());
    let all = "auth_user = \"12356@ims.example\"\nexpires = \"10min\"\ncontact = \"as_seen\"\n";
    let config = load(&format!("{REGISTER}{all}"));
    let trunk = &config.trunks[0];
    let register = trunk.register.as_ref().unwrap();
    assert_eq!(register.expires, Duration::from_secs(600));
    assert_eq!(register.contact, Contact::AsSeen);
    assert_eq!(trunk.login.as_ref().unwrap().user, "12356@ims.example");
}

#[test]
fn calls_go_out_where_register_goes_unless_the_file_says_otherwise() {
    let registrar = To::only("192.0.2.9:5070".parse().unwrap());
    let without = with(REGISTER).replacen("out = ", "# out = ", 1);
    let config = parse(&without, None).unwrap().0;
    assert_eq!(config.trunks[0].to, std::slice::from_ref(&registrar));
    let other = without.replacen("[[trunks]]\n", "[[trunks]]\nto = [\"sip.example.cn\"]\n", 1);
    let config = parse(&other, None).unwrap().0;
    assert_ne!(config.trunks[0].to, [registrar]);
    // And REGISTER goes where calls go, names included, if no registrar is named.
    let other = other.replace("registrar = \"192.0.2.9:5070\"\n", "");
    let config = parse(&other, None).unwrap().0;
    assert_eq!(config.trunks[0].register.as_ref().unwrap().registrar, None);
}

#[test]
fn passwords_may_stand_elsewhere() {
    for (key, value, secret) in [
        (
            "password_file",
            "a/b.password",
            Secret::File("a/b.password".into()),
        ),
        (
            "password_env",
            "CARRIER",
            Secret::Variable("CARRIER".into()),
        ),
    ] {
        let config =
            load(&REGISTER.replace("password = \"hush-hush\"", &format!("{key} = \"{value}\"")));
        let login = config.trunks[0].login.as_ref().unwrap();
        assert_eq!(login.password, secret);
        assert_eq!(login.password.text(), "", "nobody has looked there yet");
    }
    let login = "[trunks.auth]\nuser = \"12356@ims\"\npassword = \"hush-hush\"\n";
    let config = load(login);
    assert!(config.trunks[0].register.is_none());
    assert_eq!(config.trunks[0].login.as_ref().unwrap().user, "12356@ims");
}

#[test]
fn mistakes_are_told_in_both_languages_and_without_the_password() {
    let changed = |from: &str, to: &str| {
        assert!(REGISTER.contains(from), "{from}");
        told(&REGISTER.replacen(from, to, 1))
    };
    assert_eq!(
        changed("user = \"+8685112356\"\n", ""),
        ["[trunks.register] lacks user"]
    );
    assert_eq!(
        changed("password = \"hush-hush\"\n", ""),
        ["[trunks.register] lacks password"]
    );
    assert_eq!(
        changed(
            "password = \"hush-hush\"",
            "password = \"hush\"\npassword_env = \"X\""
        ),
        ["only one of password, password_file and password_env is possible"]
    );
    assert_eq!(
        changed("hush-hush", "hush\\nhush"),
        ["password cannot be used: at most 256 bytes, no control characters"]
    );
    assert_eq!(
        changed("domain = \"gz.ims.example.cn\"\n", ""),
        ["[trunks.register] lacks domain"]
    );
    assert_eq!(
        changed("192.0.2.9:5070", "192.0.2.9:0"),
        ["registrar must not have port 0"]
    );
    assert_eq!(
        changed("192.0.2.9:5070", "sip.example.cn"),
        ["registrar is not an IP address with its port: \"sip.example.cn\""]
    );
    assert_eq!(
        changed("+8685112356", "a@b").len(),
        1,
        "the domain is a key of its own"
    );
    assert_eq!(changed("+8685112356", "a\\\"b").len(), 1);
    assert_eq!(changed("domain", "expires = \"10s\"\ndomain").len(), 1);
    assert_eq!(changed("domain", "contact = \"seen\"\ndomain").len(), 1);
    assert_eq!(
        changed("domain", "regsitrar = 1\ndomain"),
        ["[trunks.register] has no key \"regsitrar\""]
    );
    let both = format!("{REGISTER}[trunks.auth]\nuser = \"u\"\npassword = \"hush\"\n");
    assert_eq!(
        told(&both),
        ["only one of [trunks.auth] and [trunks.register] is possible"]
    );
    assert_eq!(
        told("[trunks.auth]\nuser = \"u\"\n"),
        ["[trunks.auth] lacks password"]
    );
}

#[test]
fn neither_debug_nor_the_picture_of_a_mistake_shows_it() {
    let config = load(REGISTER);
    let text = format!("{config:?}");
    assert!(!text.contains("hush-hush"), "{text}");
    assert!(!text.contains("8685112356"), "nor whose it is");
    let file = with(&REGISTER.replace("hush-hush", "hush\\nhush"));
    let mistakes = parse(&file, None).unwrap_err();
    let picture = meishier_config::render(&mistakes, "x.toml", &file, Lang::En);
    assert!(!picture.contains("hush"), "{picture}");
}
