//! RFC 4475 against shards: what a carrier, and a stranger, is answered to every message of the
//! RFC, that nothing of it stays behind, and that the next caller is served.

#[path = "../../signaling/tests/rfc4475/table.rs"]
mod table;
mod world;

use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::{Input, dispatch};
use std::net::SocketAddr;
use table::{Answer, Case, TABLE, follow_up};
use world::digest::{digest, md5_challenge};
use world::scene::{S0, SECOND, baseline, offer_at, seat_state, sign_on};
use world::{CARRIER, Caller, ENGINE, Sent, World, addr, answer};

const STRANGER: &str = "10.9.9.9:5060";

fn arrive(world: &mut World, from: SocketAddr, bytes: &[u8]) {
    let flow = Flow {
        transport: Transport::Udp,
        local: addr(ENGINE),
        remote: from,
        connection: 0,
    };
    let shard = usize::from(dispatch(bytes, &world.config, world.config.shards).0);
    world.handle(shard, Input::Message { flow, bytes });
}

/// What was sent since the last look, all of it to `from`.
fn answers(world: &mut World, from: SocketAddr) -> Vec<Sent> {
    let sent: Vec<Sent> = world.sent.drain(..).collect();
    assert!(sent.iter().all(|message| message.to == from));
    sent
}

fn statuses(sent: &[Sent]) -> Vec<u16> {
    let status = |message: &Sent| message.start()[8..11].parse().unwrap();
    sent.iter().map(status).collect()
}

/// Malformed requests, malformed responses, and what belongs to nothing.
fn counted(world: &World) -> (u64, u64, u64) {
    let counters = world.shards.iter().map(|shard| shard.counters());
    counters.fold((0, 0, 0), |sum, c| {
        (
            sum.0 + c.malformed,
            sum.1 + c.malformed_responses,
            sum.2 + c.unmatched,
        )
    })
}

/// Ends a call of the table before anybody answers it.
fn give_up(world: &mut World, from: SocketAddr, invite: &[u8]) {
    arrive(world, from, follow_up(invite, "CANCEL", None).as_bytes());
    let sent = answers(world, from);
    assert_eq!(statuses(&sent), [200, 487]);
    let ack = follow_up(invite, "ACK", Some(sent[1].header("To")));
    arrive(world, from, ack.as_bytes());
    assert!(world.sent.is_empty());
}

fn check(world: &mut World, case: &Case) {
    let (name, bytes, from) = (case.name, case.bytes(), addr(CARRIER));
    let before = counted(world);
    arrive(world, from, &bytes);
    let sent = answers(world, from);
    let after = counted(world);
    let new = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
    match case.engine {
        Answer::Status(status) => {
            assert_eq!(statuses(&sent), [status], "{name}");
            let refused = matches!(case.parser, table::Parser::Refused(_));
            assert_eq!((new.0, new.1), (u64::from(refused), 0), "{name}");
            promises(name, status, &sent[0]);
        }
        Answer::Call => {
            assert_eq!(statuses(&sent), [100, 180], "{name}");
            assert_eq!(new, (0, 0, 0), "{name}");
            give_up(world, from, &bytes);
        }
        Answer::Malformed => assert_eq!((statuses(&sent), new), (vec![], (0, 1, 0)), "{name}"),
        Answer::Unmatched => assert_eq!((statuses(&sent), new), (vec![], (0, 0, 1)), "{name}"),
        Answer::Two(..) | Answer::Unfinished => panic!("{name}: of a stream only"),
    }
}

/// What an answer of that status must hold beside it.
fn promises(name: &str, status: u16, sent: &Sent) {
    match status {
        401 => assert!(sent.find("WWW-Authenticate").is_some(), "{name}"),
        405 | 501 => assert!(sent.header("Allow").contains("INVITE"), "{name}"),
        415 => assert!(sent.header("Accept").contains("application/sdp"), "{name}"),
        420 => assert_eq!(
            sent.header("Unsupported"),
            "noSuchThing, norThatOne",
            "{name}"
        ),
        400 => assert!(sent.start().len() > "SIP/2.0 400 ".len(), "{name}"),
        _ => {}
    }
    let tagged = sent.find("To").is_none_or(|to| to.contains("tag"));
    assert!(tagged, "{name}: a final response has a To tag");
}

#[test]
fn every_message_is_answered_as_the_rfc_says_and_the_next_caller_is_served() {
    let mut world = World::new();
    let before = world.gauges();
    for case in TABLE {
        check(&mut world, case);
    }
    baseline(&mut world, before);
    world.clear();
    assert!(
        world
            .notices
            .iter()
            .all(|n| !matches!(n, meishier_engine::Notice::Unexpected(_)))
    );
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    caller.answered(&mut world);
    assert_eq!(
        seat_state(&mut world, 0),
        meishier_engine::SeatState::Talking
    );
}

#[test]
fn from_a_stranger_they_bring_refusals_and_leave_nothing() {
    let mut world = World::new();
    let (before, from) = (world.gauges(), addr(STRANGER));
    for case in TABLE {
        arrive(&mut world, from, &case.bytes());
        let expected = match case.engine {
            Answer::Status(200) | Answer::Call => vec![403],
            Answer::Status(status) => vec![status],
            _ => vec![],
        };
        assert_eq!(
            statuses(&answers(&mut world, from)),
            expected,
            "{}",
            case.name
        );
        assert_eq!(world.gauges(), before, "{}", case.name);
    }
    world.pass(40 * SECOND);
    world.none(from, "SIP");
}

#[test]
fn with_a_password_the_odd_contacts_are_bound_and_told_again() {
    // §3.3.12 to §3.3.14: "must include" the URI's own, "must not" what the header has.
    for (name, told) in [
        (
            "cparam01",
            "<sip:+8685100000000@gw1.phone.example>;expires=",
        ),
        (
            "cparam02",
            "<sip:+8685100000000@gw1.phone.example;unheardof>;expires=",
        ),
        (
            "regescrt",
            "<sip:r0@198.51.100.22?Route=%3Csip:edge.phone.example%3E>;expires=",
        ),
    ] {
        let (mut world, from) = (World::new(), addr("10.0.3.1:5062"));
        let case = TABLE.iter().find(|case| case.name == name).unwrap();
        let request = String::from_utf8(case.bytes()).unwrap();
        world.arrive(from, &request);
        let challenge = md5_challenge(&world.take(from, "SIP/2.0 401"));
        let uri = "sip:test.invalid";
        let proof = digest(&challenge, "REGISTER", uri, "r0", "secret-r0");
        let proved = request.replacen("To:", &format!("Authorization: {proof}\r\nTo:"), 1);
        world.arrive(from, &proved);
        let ok = world.take(from, "SIP/2.0 200");
        assert!(ok.header("Contact").starts_with(told), "{}", ok.text);
        // Asked for again without Contact, the binding is what it was.
        let query: String = request
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with("Contact:") && !line.starts_with("M:"))
            .collect();
        let query = query.replacen("branch=z9hG4bK", "branch=z9hG4bKagain", 1);
        let query = query.replacen("CSeq: ", "CSeq: 1", 1);
        world.arrive(from, &query);
        let challenge = md5_challenge(&world.take(from, "SIP/2.0 401"));
        let proof = digest(&challenge, "REGISTER", uri, "r0", "secret-r0");
        world.arrive(
            from,
            &query.replacen("To:", &format!("Authorization: {proof}\r\nTo:"), 1),
        );
        let ok = world.take(from, "SIP/2.0 200");
        assert!(ok.header("Contact").starts_with(told), "{}", ok.text);
    }
}
