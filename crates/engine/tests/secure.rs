//! SRTP as the engine settles it: which descriptions have keys, which keys, and for how long they hold.

mod world;

use meishier_engine::media::srtp::{Master, Protection, Suite};
use meishier_engine::media::{MediaCommand, Negotiated};
use meishier_engine::{Notice, Refusal};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use world::scene::*;
use world::{CARRIER, Caller, Sent, World, addr, answer, reply, sdp};

const SHORT: &str = "AES_CM_128_HMAC_SHA1_80";
const LONG: &str = "AES_256_CM_HMAC_SHA1_80";

/// A key of a party, by number.
fn key(suite: Suite, number: u8) -> Master {
    let bytes = vec![number; suite.key_bytes() + suite.salt_bytes()];
    Master::new(suite, bytes).unwrap()
}

/// A description with one line of `a=crypto`.
fn secret(address: SocketAddr, port: u16, tag: u32, suite: Suite, number: u8) -> String {
    let (name, key) = (suite.name(), key(suite, number).to_base64());
    sdp(address, port).replacen("RTP/AVP", "RTP/SAVP", 1)
        + &format!("a=crypto:{tag} {name} inline:{key}\r\n")
}

/// Suite and key of every line of `a=crypto`.
fn lines(message: &Sent) -> Vec<(String, String)> {
    let lines = message.body().lines();
    let lines = lines.filter_map(|line| line.strip_prefix("a=crypto:"));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let key = words[2].strip_prefix("inline:").unwrap();
            (words[1].to_owned(), key.to_owned())
        })
        .collect()
}

/// The last that media was told of the party with this RTP port.
fn told(world: &World, remote: u16) -> Negotiated {
    let found = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Open { media, .. } | MediaCommand::Update { media, .. } => {
            (media.remote.port() == remote).then(|| media.clone())
        }
        _ => None,
    });
    found.expect("media was told")
}

fn protection(world: &World, remote: u16) -> Protection {
    *told(world, remote).protection.expect("SRTP")
}

/// Ours and theirs.
fn pair(protection: &Protection) -> (Master, Master) {
    (protection.ours.clone(), protection.theirs.clone())
}

fn with(trunk: &str, seat: &str) -> World {
    let text = world::CONFIG.replacen(
        "name = \"carrier\"",
        &format!("name = \"carrier\"\n{trunk}"),
        1,
    );
    let text = text.replacen(
        "name = \"s{0..1}\"",
        &format!("name = \"s{{0..1}}\"\n{seat}"),
        1,
    );
    World::with(&text, world::TEN_O_CLOCK)
}

fn invite(world: &mut World, caller: &Caller, body: &str) {
    let text = caller.request("INVITE", 1, "i", body);
    world.arrive(caller.from, &text);
}

#[test]
fn a_caller_that_offers_srtp_gets_it_and_the_seat_hears_it_plain() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let body = secret(caller.from, 4000, 7, Suite::AesCm256Sha1_80, 1);
    invite(&mut world, &caller, &body);
    let offer = offer_at(&mut world, S0);
    assert!(offer.body().contains(" RTP/AVP ") && lines(&offer).is_empty());
    answer(&mut world, &offer);
    caller.answered(&mut world);
    let ok = caller.answer.clone().unwrap();
    assert!(ok.body().contains(" RTP/SAVP 8"), "{}", ok.body());
    assert!(ok.body().contains(&format!("a=crypto:7 {LONG} inline:")));
    let held = protection(&world, 4000);
    assert_eq!(held.theirs, key(Suite::AesCm256Sha1_80, 1));
    assert_eq!(lines(&ok), [(LONG.to_owned(), held.ours.to_base64())]);
    assert_eq!(told(&world, 6000).protection, None);
}

#[test]
fn who_requires_it_refuses_plain_offers_and_says_why() {
    for (trunk, body, warning) in [
        (
            "srtp = \"required\"",
            sdp(addr(CARRIER), 4000),
            "302 meishier",
        ),
        (
            "srtp = \"off\"",
            secret(addr(CARRIER), 4000, 1, Suite::AesCm128Sha1_80, 1),
            "302 meishier",
        ),
        (
            "",
            sdp(addr(CARRIER), 4000).replacen("AVP", "SAVP", 1),
            "306 meishier",
        ),
    ] {
        let mut world = with(trunk, "");
        let before = world.gauges();
        let caller = Caller::new(CARRIER, "13300000001");
        invite(&mut world, &caller, &body);
        let refused = world.take(caller.from, "SIP/2.0 488");
        assert!(refused.header("Warning").starts_with(warning), "{trunk}");
        assert!(
            world
                .notices
                .iter()
                .any(|n| matches!(n, Notice::Refused(Refusal::NoCommonMedia)))
        );
        caller.ack(&mut world);
        baseline(&mut world, before);
    }
}

#[test]
fn a_seat_that_is_to_have_it_is_offered_nothing_else() {
    let mut world = with("", "srtp = \"required\"");
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 1, 1);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = offer_at(&mut world, S0);
    assert!(offer.body().contains(" RTP/SAVP "), "{}", offer.body());
    let all = lines(&offer);
    let suites: Vec<&str> = all.iter().map(|(suite, _)| suite.as_str()).collect();
    assert_eq!(suites, Suite::OFFERED.map(Suite::name));
    // A telephone that answers plain is none that can be talked to; the caller goes on to the next.
    answer(&mut world, &offer);
    world.take(addr(S0), "BYE");
    let second = offer_at(&mut world, S1);
    let body = secret(addr(S1), 6000, 2, Suite::AesCm256Sha1_80, 2);
    reply(&mut world, &second, "200 OK", "seat", &body);
    world.take(addr(S1), "ACK");
    caller.answered(&mut world);
    let held = protection(&world, 6000);
    assert_eq!(held.theirs, key(Suite::AesCm256Sha1_80, 2));
    assert_eq!(lines(&second)[1], (LONG.to_owned(), held.ours.to_base64()));
    let keys: BTreeSet<_> = lines(&offer).into_iter().chain(lines(&second)).collect();
    assert_eq!(keys.len(), 6, "another key in every line of every offer");
}

#[test]
fn a_key_that_stays_keeps_ours_and_another_brings_another() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let body = |port, number| secret(addr(CARRIER), port, 1, Suite::AesCm128Sha1_80, number);
    invite(&mut world, &caller, &body(4000, 1));
    let offer = offer_at(&mut world, S0);
    answer(&mut world, &offer);
    caller.answered(&mut world);
    let first = protection(&world, 4000);
    let change = |world: &mut World, cseq: u32, body: &str| {
        let text = caller.request("INVITE", cseq, &format!("r{cseq}"), body);
        world.arrive(caller.from, &text);
        let ok = world.take(caller.from, "SIP/2.0 200");
        world.arrive(
            caller.from,
            &caller.request("ACK", cseq, &format!("a{cseq}"), ""),
        );
        ok
    };
    // Hold and move with the same key.
    let held = body(4002, 1).replacen("sendrecv", "sendonly", 1);
    let ok = change(&mut world, 2, &held);
    assert_eq!(pair(&protection(&world, 4002)), pair(&first));
    assert_eq!(lines(&ok), [(SHORT.to_owned(), first.ours.to_base64())]);
    let ok = change(&mut world, 3, &body(4004, 2));
    let second = protection(&world, 4004);
    assert_eq!(second.theirs, key(Suite::AesCm128Sha1_80, 2));
    assert_ne!(second.ours, first.ours);
    assert_eq!(lines(&ok), [(SHORT.to_owned(), second.ours.to_base64())]);
    // One that asks for our offer is offered SRTP with other keys; its answer counts.
    let text = caller.request("INVITE", 4, "r4", "");
    world.arrive(caller.from, &text);
    let ok = world.take(caller.from, "SIP/2.0 200");
    assert_eq!(lines(&ok).len(), 3);
    assert!(ok.body().contains(" RTP/SAVP "));
    world.arrive(caller.from, &caller.request("ACK", 4, "a4", &body(4006, 3)));
    let third = protection(&world, 4006);
    assert_eq!((SHORT.to_owned(), third.ours.to_base64()), lines(&ok)[0]);
    assert_eq!(third.theirs, key(Suite::AesCm128Sha1_80, 3));
    // A description that fits nothing leaves everything as it was.
    let bad = sdp(addr(CARRIER), 4008).replacen("AVP", "SAVP", 1);
    world.arrive(caller.from, &caller.request("INVITE", 5, "r5", &bad));
    world.take(caller.from, "SIP/2.0 488");
    assert!(
        world.media.iter().all(
            |c| !matches!(c, MediaCommand::Update { media, .. } if media.remote.port() == 4008)
        )
    );
}

#[test]
fn a_telephone_that_renews_its_key_at_a_refresh_is_heard_with_it() {
    let text = world::CONFIG.replacen("[offer]", "[offer]\nsession_expires = \"2min\"", 1);
    let text = text.replacen(
        "name = \"s{0..1}\"",
        "name = \"s{0..1}\"\nsrtp = \"required\"",
        1,
    );
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = offer_at(&mut world, S0);
    let body = |port, number| secret(addr(S0), port, 1, Suite::AesCm128Sha1_80, number);
    reply(&mut world, &offer, "200 OK", "seat", &body(6000, 1));
    world.take(addr(S0), "ACK");
    caller.answered(&mut world);
    let first = protection(&world, 6000);
    for (number, port, changes) in [(1, 6000, 0), (2, 6000, 1), (2, 6002, 1)] {
        world.pass(60 * SECOND);
        world.media.clear();
        let again = world.take(addr(S0), "INVITE");
        assert_eq!(again.body(), offer.body());
        reply(&mut world, &again, "200 OK", "seat", &body(port, number));
        world.take(addr(S0), "ACK");
        let updates = world
            .media
            .iter()
            .filter(|c| matches!(c, MediaCommand::Update { .. }));
        assert_eq!(updates.count(), changes);
        if changes > 0 {
            let now = protection(&world, port);
            assert_eq!(now.theirs, key(Suite::AesCm128Sha1_80, number));
            assert_eq!(now.ours, first.ours);
        }
    }
}

#[test]
fn a_restart_keeps_the_keys_that_hold_and_never_gives_one_out_again() {
    let mut world = with("", "srtp = \"required\"");
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 1, 1);
    let mut keys = BTreeSet::new();
    let mut note = |message: &Sent| {
        for (_, key) in lines(message) {
            assert!(keys.insert(key), "a key a second time");
        }
    };
    let mut caller = Caller::new(CARRIER, "13300000001");
    let body = secret(caller.from, 4000, 1, Suite::AesCm128Sha1_80, 1);
    invite(&mut world, &caller, &body);
    let offer = offer_at(&mut world, S0);
    note(&offer);
    let answer = secret(addr(S0), 6000, 1, Suite::AesCm128Sha1_80, 2);
    reply(&mut world, &offer, "200 OK", "seat", &answer);
    world.take(addr(S0), "ACK");
    caller.answered(&mut world);
    note(caller.answer.as_ref().unwrap());
    let before = [protection(&world, 4000), protection(&world, 6000)];
    // 25 minutes: at 10 ms a packet the numbers turn over twice, and may be about to for the third time.
    world.pass(1500 * SECOND);
    world.media.clear();
    world.restart();
    let after = [protection(&world, 4000), protection(&world, 6000)];
    for (before, after) in before.into_iter().zip(after) {
        assert_eq!((before.turns, after.turns), (1, 3));
        assert_eq!(pair(&after), pair(&before));
    }
    // Another caller, before and after the shards were replaced in the running process.
    for number in 2..4 {
        let mut other = Caller::new(CARRIER, &format!("1330000000{number}"));
        let body = secret(other.from, 4100, 1, Suite::AesCm128Sha1_80, 5);
        invite(&mut world, &other, &body);
        let offer = offer_at(&mut world, S1);
        note(&offer);
        let answer = secret(addr(S1), 6100, 1, Suite::AesCm128Sha1_80, 6);
        reply(&mut world, &offer, "200 OK", "seat", &answer);
        world.take(addr(S1), "ACK");
        other.answered(&mut world);
        note(other.answer.as_ref().unwrap());
        other.bye(&mut world);
        world.take(other.from, "SIP/2.0 200");
        let bye = world.take(addr(S1), "BYE");
        reply(&mut world, &bye, "200 OK", "", "");
        world.pass(11 * SECOND);
        world.replace_by_snapshots();
    }
    // A change within the call that went through all of it.
    let body = secret(caller.from, 4004, 1, Suite::AesCm128Sha1_80, 9);
    let again = caller.request("INVITE", 2, "r", &body);
    world.arrive(caller.from, &again);
    note(&world.take(caller.from, "SIP/2.0 200"));
    assert_eq!(protection(&world, 4004).turns, 0);
}

#[test]
fn numbers_of_a_caller_may_turn_over_before_its_port_opens() {
    // At once, and for a caller who has talked into a port that nobody opened for eleven minutes.
    for (waits, turns) in [(0, 1), (660, 2)] {
        let text = world::CONFIG.replacen(
            "greeting = true\nmusic = true\nannounce_every = \"30s\"",
            "greeting = false\nmusic = false\nannounce_every = \"0s\"",
            1,
        );
        let mut world = World::with(&text, world::TEN_O_CLOCK);
        let mut caller = Caller::new(CARRIER, "13300000001");
        let body = secret(caller.from, 4000, 1, Suite::AesCm128Sha1_80, 1);
        invite(&mut world, &caller, &body);
        if waits > 0 {
            // Answered after half a minute, and left in silence.
            world.pass(31 * SECOND);
            caller.answered(&mut world);
            world.pass(waits * SECOND);
            assert!(world.media.is_empty(), "{:?}", world.media);
        }
        sign_on(&mut world, 0, 0);
        let offer = offer_at(&mut world, S0);
        answer(&mut world, &offer);
        if waits == 0 {
            caller.answered(&mut world);
        }
        assert_eq!(protection(&world, 4000).turns, turns, "after {waits} s");
    }
}

#[test]
fn an_offer_that_rings_through_a_restart_is_answered_with_its_keys() {
    let mut world = with("", "srtp = \"required\"");
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = offer_at(&mut world, S0);
    world.replace_by_snapshots();
    let body = secret(addr(S0), 6000, 3, Suite::AesGcm128, 2);
    reply(&mut world, &offer, "200 OK", "seat", &body);
    world.take(addr(S0), "ACK");
    caller.answered(&mut world);
    let held = protection(&world, 6000);
    assert_eq!(lines(&offer)[2].1, held.ours.to_base64());
}
