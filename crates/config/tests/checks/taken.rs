//! What is taken: all that a file says, its defaults, and doubts that are told.

use crate::{GOOD, changed, doubts, load, refuses};
use meishier_config::{
    AnswerMode, Codec, Digest, Early, KeyKind, SeatContact, StartState, Strategy, To, Transport,
    parse,
};
use meishier_model::Wall;
use std::time::Duration;

#[test]
fn the_small_file_says_what_it_says() {
    let (config, warnings) = load(GOOD);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(config.name, "小站");
    assert_eq!(config.sip.listen[1].transport, Transport::Tcp);
    assert_eq!(config.sip.t1, Duration::from_millis(500));
    assert_eq!(config.pools[0].strategy, Strategy::BestSkill);
    let trunk = &config.trunks[0];
    assert_eq!(
        trunk.to.iter().map(To::address).collect::<Vec<_>>(),
        [Some("10.0.0.1:5060".parse().unwrap())],
        "the first peer with a port"
    );
    assert_eq!(trunk.codecs, [Codec::Pcmu]);
    let (early, answer_after) = (Early::Progress183, Duration::from_secs(40));
    assert_eq!(
        trunk.answer,
        AnswerMode::OnSeat {
            early,
            answer_after
        }
    );
    assert_eq!(config.trunks[1].answer, AnswerMode::AtOnce);
    assert_eq!(
        config.trunks[1].options_every,
        Some(Duration::from_secs(60))
    );
    let SeatContact::Static {
        uri,
        address,
        transport,
    } = &config.seats[1].contact
    else {
        panic!("a fixed contact");
    };
    assert_eq!(
        (uri.as_str(), *transport),
        ("sip:s2@10.0.0.7;transport=tcp", Transport::Tcp)
    );
    assert_eq!(*address, "10.0.0.7:5060".parse().unwrap());
    let names: Vec<&str> = config.seats.iter().map(|seat| seat.name.as_str()).collect();
    assert_eq!(names, ["s1", "s2", "r08", "r09", "r10"]);
    assert_eq!(config.seats[3].title, "第 09 席");
    let SeatContact::Register { password } = &config.seats[4].contact else {
        panic!("a telephone that registers");
    };
    assert_eq!(password, "pw-10");
    let person = &config.counsellors[1];
    assert_eq!(
        (person.account.as_str(), person.pin.as_str()),
        ("r08", "9908")
    );
    assert_eq!(person.start.unwrap().state, StartState::Ready);
    assert_eq!(person.seats[..], [person.start.unwrap().seat]);
    assert_eq!(config.counsellors[0].seats.len(), 5, "any seat");
    assert_eq!(
        config.sip.digest,
        Digest::Both,
        "unless the file says otherwise"
    );
    assert_eq!(config.transfer.keys[0].kind, KeyKind::Emergency);
    assert_eq!(config.waiting.announce_every, None);
    let day = config
        .routing
        .civil(config.counsellors[0].qualification.clone().unwrap().expires);
    assert_eq!(
        (day.0.to_string().as_str(), day.1),
        ("2029-01-01", 0),
        "the day after its last"
    );
}

#[test]
fn defaults_are_safe_on_loopback() {
    let (config, _) = load(GOOD);
    assert!(config.http.listen.ip().is_loopback() && config.http.token.is_none());
    assert!(config.rtp.address.is_loopback());
    assert_eq!(config.shutdown_limit, Duration::from_secs(600));
}

#[test]
fn a_listener_may_say_what_others_see() {
    let from = "listen = [\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]";
    let listen = |entry: &str| format!("dscp = 26\nlisten = [\"udp:127.0.0.1:5060\", {entry}]");
    let (config, _) = load(&changed(
        from,
        &listen("{ on = \"tcp:10.0.0.5:5060\", advertised = \"203.0.113.9\", dscp = 0 }"),
    ));
    let [first, second] = &config.sip.listen[..] else {
        panic!("two listeners");
    };
    assert_eq!((first.advertised, first.dscp), (None, 26));
    assert_eq!(second.address, "10.0.0.5:5060".parse().unwrap());
    assert_eq!(second.advertised, Some("203.0.113.9:0".parse().unwrap()));
    assert_eq!((second.dscp, config.sip.dscp, config.rtp.dscp), (0, 26, 46));
    assert_eq!(load(GOOD).0.sip.dscp, 24);
    for (entry, message) in [
        ("{ advertised = \"203.0.113.9\" }", "listen lacks on"),
        (
            "{ on = \"tcp:10.0.0.5:5060\", advertised = \"nat\" }",
            "advertised is not an IP address, with a port or without: \"nat\"",
        ),
        (
            "{ on = \"tcp:10.0.0.5:5060\", dscp = 64 }",
            "dscp is out of range: 64",
        ),
        (
            "{ on = \"tcp:10.0.0.5:5060\", advertized = \"\" }",
            "listen has no key \"advertized\"",
        ),
        (
            "{ on = \"udp:127.0.0.1:5060\" }",
            "listen has \"udp:127.0.0.1:5060\" twice",
        ),
    ] {
        refuses(from, &listen(entry), message);
    }
}

#[test]
fn a_trunk_that_says_udp_means_it() {
    let (config, _) = load(GOOD);
    assert_eq!(config.trunks[0].transport, Transport::Udp);
    assert!(!config.trunks[0].udp_only, "unless the file says so");
    let from = "peers = [\"10.0.0.1:5060\"]";
    let (config, _) = load(&changed(from, &format!("{from}\ntransport = \"udp\"")));
    assert_eq!(config.trunks[0].transport, Transport::Udp);
    assert!(config.trunks[0].udp_only);
}

#[test]
fn doubts_are_told_and_the_file_is_taken() {
    doubts(
        "hours = \"00:00-24:00\"",
        "hours = \"02:00-20:00\"",
        "a hole in the week, no line: every day 20:00-02:00",
    );
    doubts(
        "rings = [\"always\"]",
        "rings = [\"day\"]\ncalled = [\"96789\"]",
        "number \"96789\" is taken by route \"first\" before",
    );
    doubts(
        "pools = [\"day\", \"always\"]",
        "pools = [\"day\"]",
        "pool \"always\" has no seat",
    );
    doubts(
        "\"危机\" = 5",
        "\"苗语\" = 5",
        "no counsellor has skill \"危机\": callers would wait for ever",
    );
}

#[test]
fn a_pool_that_nobody_is_led_to_is_a_doubt() {
    let text = changed("rings = [\"always\"]", "rings = [\"day\"]");
    let text = text.replace(", { pool = \"always\", after = \"15s\" }", "");
    assert_eq!(load(&text).1, ["no route leads to pool \"always\""]);
}

#[test]
fn qualifications_expire_by_the_day_that_is_handed_in() {
    let (config, _) = load(GOOD);
    let expires = config.counsellors[0].qualification.clone().unwrap().expires;
    let warnings = |at: Wall| {
        let (_, warnings) = parse(GOOD, Some(at)).unwrap();
        warnings
            .into_iter()
            .map(|warning| warning.message_en)
            .collect::<Vec<_>>()
    };
    let year = "no holidays of 2028 are known: workdays and holidays of shifts go by weekday alone";
    let next = year.replace("2028", "2029");
    assert_eq!(warnings(Wall(expires.0 - 1)), [year, &next]);
    assert!(warnings(expires).contains(&"the qualification expired on 2028-12-31".to_owned()));
}

#[test]
fn years_without_holidays_are_told() {
    let (config, _) = load(GOOD);
    let known = config
        .routing
        .wall_on(meishier_routing::Date::new(2027, 6, 1).unwrap(), 0);
    let (_, warnings) = parse(GOOD, known).unwrap();
    assert!(
        warnings.is_empty(),
        "2027 is in the file's calendar: {warnings:?}"
    );
}
