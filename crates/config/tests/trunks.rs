//! Every key of a trunk that calls out use: what it says, its default, its mistakes.

use meishier_config::{
    Channels, Config, Destination, Form, MobileZero, Tells, Transport, Trunk, Trust, parse,
};
use meishier_model::TrunkId;
use std::time::Duration;

const GOOD: &str = include_str!("data/small.toml");
const PEERS: &str = "peers = [\"10.0.0.1:5060\"]";

/// The small file with these lines in its first trunk.
fn with(lines: &str) -> String {
    assert_eq!(GOOD.matches(PEERS).count(), 1);
    GOOD.replace(PEERS, &format!("{PEERS}\n{lines}"))
}

fn load(text: &str) -> Config {
    parse(text, None)
        .unwrap_or_else(|errors| panic!("{errors:#?}"))
        .0
}

fn trunk(lines: &str) -> Trunk {
    load(&with(lines)).trunks.swap_remove(0)
}

fn refuses(lines: &str, message: &str) {
    let errors = parse(&with(lines), None).map(|_| ()).unwrap_err();
    let told: Vec<&str> = errors.iter().map(|it| it.message_en.as_str()).collect();
    assert_eq!(told, [message], "{lines}");
    assert!(errors.iter().all(|it| !it.message_zh.is_empty()));
}

#[test]
fn nothing_said_is_as_it_was() {
    let trunk = trunk("");
    assert_eq!(trunk.to.len(), 1, "the first peer with a port");
    assert_eq!(trunk.try_for, Duration::from_secs(4));
    assert_eq!((trunk.channels, trunk.tells), (None, Tells::NOTHING));
    assert_eq!((&trunk.numbers_in, &trunk.numbers_out), (&None, &None));
    assert_eq!(trunk.priority, "esnet.0");
}

#[test]
fn destinations_are_addresses_and_names() {
    let lines = "transport = \"tcp\"\ntry_for = \"2s\"\nto = [\"192.0.2.1\", \"192.0.2.1:5070\", \
                 \"[2001:db8::1]:5060\", \"SIP.Example.cn\", \"edge.example.cn:5080\", \
                 { address = \"192.0.2.9\", transport = \"udp\", priority = 1, weight = 70 }]";
    let trunk = trunk(lines);
    let at = |text: &str| Destination::Address(text.parse().unwrap());
    let name = |host: &str, port| Destination::Name {
        host: host.to_owned(),
        port,
    };
    let found: Vec<_> = trunk.to.iter().map(|to| to.destination.clone()).collect();
    assert_eq!(
        found,
        [
            at("192.0.2.1:5060"),
            at("192.0.2.1:5070"),
            at("[2001:db8::1]:5060"),
            name("sip.example.cn", None),
            name("edge.example.cn", Some(5080)),
            at("192.0.2.9:5060"),
        ]
    );
    let ranks: Vec<_> = trunk.to.iter().map(|to| (to.priority, to.weight)).collect();
    assert_eq!(ranks, [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (1, 70)]);
    assert_eq!(trunk.to[0].transport, Some(Transport::Tcp));
    assert_eq!(trunk.to[5].transport, Some(Transport::Udp));
    assert_eq!(trunk.try_for, Duration::from_secs(2));
}

#[test]
fn destinations_may_be_sections_of_their_own() {
    let section = "\n[[trunks.to]]\naddress = \"192.0.2.7\"\nweight = 3\n";
    // The first pool stands right behind the trunks.
    let text = GOOD.replacen("\n[[pools]]", &format!("{section}\n[[pools]]"), 1);
    let config = load(&text);
    let last = config.trunks.last().unwrap();
    assert_eq!((last.to.len(), last.to[0].weight), (1, 3));
}

#[test]
fn wrong_destinations_are_refused() {
    for (lines, message) in [
        ("to = []", "to must not be empty"),
        (
            "to = [\"192.0.2.300\"]",
            "to is not an address or a host name: \"192.0.2.300\"",
        ),
        (
            "to = [\"192.0.2.1:0\"]",
            "to is not an address or a host name: \"192.0.2.1:0\"",
        ),
        (
            "to = [\"-a.example\"]",
            "to is not an address or a host name: \"-a.example\"",
        ),
        (
            "to = [\"sip:a.example\"]",
            "to is not an address or a host name: \"sip:a.example\"",
        ),
        (
            "to = [\"192.0.2.1\", \"192.0.2.1:5060\"]",
            "to has \"192.0.2.1:5060\" twice",
        ),
        (
            "out = \"192.0.2.1:5060\"\nto = [\"192.0.2.1\"]",
            "out and to exclude each other",
        ),
        ("to = [{ priority = 1 }]", "[[trunks.to]] lacks address"),
        (
            "to = [{ address = \"192.0.2.1\", weight = 65536 }]",
            "weight is out of range: 65536",
        ),
        (
            "to = [{ address = \"192.0.2.1\", wait = 1 }]",
            "[[trunks.to]] has no key \"wait\"",
        ),
        ("to = [5060]", "to must be a table, but is a whole number"),
        ("try_for = \"100ms\"", "try_for is out of range: 100ms"),
    ] {
        refuses(lines, message);
    }
}

#[test]
fn channels_have_a_reserve_that_is_smaller() {
    let trunk = trunk("channels = 60\nreserve = 4");
    let channels = trunk.channels.unwrap();
    assert_eq!(
        channels,
        Channels {
            all: 60,
            reserve: 4
        }
    );
    assert_eq!((channels.limit(false), channels.limit(true)), (56, 60));
    assert_eq!(
        self::trunk("channels = 1").channels.unwrap().limit(false),
        1
    );
    refuses("channels = 0", "channels is out of range: 0");
    refuses("reserve = 4", "reserve is there without channels");
    refuses(
        "channels = 4\nreserve = 4",
        "reserve must be less than channels",
    );
}

#[test]
fn numbers_are_written_by_word_or_table() {
    let trunk = trunk(
        "numbers_in = \"bare\"\nnumbers_out = { form = \"local\", mobile = \"zero_elsewhere\", strip = \"0851\", add = \"9\" }",
    );
    assert_eq!(trunk.numbers_in.unwrap().form, Form::Bare);
    let out = trunk.numbers_out.unwrap();
    assert_eq!((out.form, out.mobile), (Form::Local, MobileZero::Elsewhere));
    assert_eq!((&*out.strip, &*out.add), ("0851", "9"));
    refuses(
        "numbers_out = \"e163\"",
        "numbers_out does not know \"e163\"",
    );
    refuses(
        "numbers_out = { add = \"nine\" }",
        "add is not a prefix of 1 to 10 digits: \"nine\"",
    );
    refuses(
        "numbers_in = { mobile = \"zero\" }",
        "numbers_in has no key \"mobile\"",
    );
}

#[test]
fn what_calls_out_tell_is_named() {
    let trunk = trunk(
        "trust = [\"priority\"]\npriority = \"ets.1\"\n\
         tells = [\"asserted\", \"diversion\", \"history\", \"priority\"]",
    );
    let all = Tells::ASSERTED | Tells::DIVERSION | Tells::HISTORY | Tells::PRIORITY;
    assert_eq!((trunk.tells, &*trunk.priority), (all, "ets.1"));
    assert_eq!(trunk.trust, Trust::PRIORITY);
    refuses("tells = [\"all\"]", "tells does not know \"all\"");
    refuses(
        "priority = \"urgent\"",
        "priority is not a resource priority (namespace.value): \"urgent\"",
    );
}

#[test]
fn a_key_may_have_backup_trunks() {
    let names: Vec<String> = load(GOOD).trunks.into_iter().map(|it| it.name).collect();
    let [first, second] = &names[..] else {
        panic!("{names:?}")
    };
    let key = format!("trunk = \"{first}\"");
    assert_eq!(GOOD.matches(&key).count(), 1);
    let backup = |list: &str| GOOD.replace(&key, &format!("{key}\nbackup = [{list}]"));
    let told = |text: &str| -> Vec<String> {
        match parse(text, None) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|it| it.message_en).collect(),
        }
    };
    let config = load(&backup(&format!("{second:?}")));
    assert_eq!(config.transfer.keys[0].backup, [TrunkId(1)]);
    assert_eq!(
        told(&backup(&format!("{first:?}"))),
        [format!("trunk {first:?} stands there twice")]
    );
    assert_eq!(told(&backup("\"nobody\"")).len(), 1);
}
