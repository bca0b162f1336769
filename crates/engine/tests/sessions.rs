//! Sessions that change while a call lasts or before it is answered: by either side, by refreshes of
//! ours, out of order and at once.

mod world;

use meishier_engine::Notice;
use meishier_engine::media::{Codec, MediaCommand, Negotiated, Source};
use meishier_model::Outcome;
use world::scene::*;
use world::{CARRIER, Caller, Sent, World, addr, answer, reply, sdp, seat_request};

fn with(change: (&str, &str)) -> World {
    let text = world::CONFIG.replacen(change.0, change.1, 1);
    assert_ne!(text, world::CONFIG);
    World::with(&text, world::TEN_O_CLOCK)
}

fn early() -> World {
    with(("early = \"ringing\"", "early = \"progress\""))
}

/// What media was told last of the party at this address.
fn told(world: &World, remote: &str) -> Negotiated {
    let found = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Open { media, .. } | MediaCommand::Update { media, .. }
            if media.remote == addr(remote) =>
        {
            Some(media.clone())
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing for {remote}: {:?}", world.media))
}

/// A reliable 183 of a telephone, with its answer in it.
fn progress(world: &mut World, offer: &Sent, tag: &str, port: u16) {
    let body = sdp(offer.to, port);
    let mut text = String::from("SIP/2.0 183 Session Progress\r\n");
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        text.push_str(&format!("{name}: {}\r\n", offer.header(name)));
    }
    text.push_str(&format!(
        "To: {};tag={tag}\r\nContact: <sip:{tag}@{}>\r\nRequire: 100rel\r\nRSeq: 1\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        offer.header("To"),
        offer.to,
        body.len()
    ));
    world.arrive(offer.to, &text);
    let ack = world.take(offer.to, "PRACK");
    reply(world, &ack, "200 OK", tag, "");
}

#[test]
fn what_a_telephone_answers_to_a_refresh_is_taken() {
    let mut world = with(("[offer]", "[offer]\nsession_expires = \"2min\""));
    let (_, offer) = talking(&mut world);
    world.pass(60 * SECOND);
    let again = world.take(addr(S0), "INVITE");
    assert_eq!(again.body(), offer.body(), "RFC 4028 §7.4");
    world.media.clear();
    let body = sdp(offer.to, 6400).replace("sendrecv", "sendonly");
    reply(&mut world, &again, "200 OK", "seat", &body);
    world.take(addr(S0), "ACK");
    let media = told(&world, "10.0.2.0:6400");
    assert!(!media.direction.sends() && media.direction.receives());
}

#[test]
fn a_telephone_may_change_its_session_before_it_answers() {
    let mut world = World::new();
    let before = world.gauges();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite_with(&mut world, "");
    let offer = offer_at(&mut world, S0);
    progress(&mut world, &offer, "seat", 6000);
    // Another port, and its own favourite first.
    let wanted = sdp(offer.to, 6400).replace("AVP 8 101", "AVP 0 8 101");
    world.arrive(offer.to, &seat_request(&offer, "UPDATE", 7, &wanted));
    let ours = world.take(addr(S0), "SIP/2.0 200");
    assert!(ours.body().contains("RTP/AVP 0 101"), "{}", ours.body());
    assert!(
        !world
            .media
            .iter()
            .any(|c| matches!(c, MediaCommand::Open { .. })),
        "nobody is heard before the answer"
    );
    // One that fits nothing leaves all as it was, and says why.
    let foreign = sdp(offer.to, 6600).replace("AVP 8 101", "AVP 18 101");
    world.arrive(offer.to, &seat_request(&offer, "UPDATE", 8, &foreign));
    let refused = world.take(addr(S0), "SIP/2.0 488");
    assert!(refused.header("Warning").starts_with("305 "));
    answer(&mut world, &offer);
    caller.answered(&mut world);
    let media = told(&world, "10.0.2.0:6400");
    assert_eq!(media.codec, Codec::Pcmu, "what was answered last");
    caller.bye(&mut world);
    let bye = world.take(addr(S0), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    baseline(&mut world, before);
    assert_eq!(world.records[0].outcome, Outcome::Answered);
}

#[test]
fn of_several_early_dialogs_the_one_that_answers_is_heard() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite_with(&mut world, "");
    let offer = offer_at(&mut world, S0);
    progress(&mut world, &offer, "desk", 6100);
    progress(&mut world, &offer, "seat", 6000);
    reply(&mut world, &offer, "200 OK", "seat", &sdp(offer.to, 6900));
    world.take(addr(S0), "ACK");
    caller.answered(&mut world);
    told(&world, "10.0.2.0:6000");
    // The other answers as well: it is released, and the talk goes on.
    reply(&mut world, &offer, "200 OK", "desk", &sdp(offer.to, 6100));
    let ack = world.take(addr(S0), "ACK");
    let bye = world.take(addr(S0), "BYE");
    for message in [&ack, &bye] {
        assert!(message.header("To").ends_with(";tag=desk"));
    }
    // That BYE is lost, and the process dies: it is sent again.
    world.restart();
    world.clear();
    world.pass(SECOND);
    assert_eq!(world.take(addr(S0), "BYE").text, bye.text);
    reply(&mut world, &bye, "200 OK", "", "");
    world.clear();
    world.pass(40 * SECOND);
    world.none(addr(S0), "BYE");
    assert_eq!(world.gauges().calls, 1);
}

#[test]
fn a_change_that_fits_nothing_is_488_with_the_reason() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let foreign = sdp(caller.from, 4000).replace("AVP 8 101", "AVP 18 101");
    world.arrive(caller.from, &caller.request("INVITE", 2, "r", &foreign));
    let refused = world.take(caller.from, "SIP/2.0 488");
    assert!(
        refused
            .header("Warning")
            .starts_with("305 meishier \"Incompatible media format"),
        "{}",
        refused.text
    );
    world.none(addr(S0), "BYE");
}

#[test]
fn a_caller_who_holds_and_resumes_is_sent_nothing_meanwhile() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let held = sdp(caller.from, 4000).replace("sendrecv", "sendonly");
    for (n, body, sends) in [
        (2, held, false),
        (3, sdp(caller.from, 4000), true),
        (
            4,
            sdp(caller.from, 4000).replace("sendrecv", "inactive"),
            false,
        ),
        (5, sdp(caller.from, 4000), true),
    ] {
        world.media.clear();
        world.arrive(
            caller.from,
            &caller.request("INVITE", n, &format!("h{n}"), &body),
        );
        let ok = world.take(caller.from, "SIP/2.0 200");
        let version = format!(" {n} IN IP4");
        assert!(ok.body().contains(&version), "RFC 3264 §8: one more");
        world.arrive(
            caller.from,
            &caller.request("ACK", n, &format!("ha{n}"), ""),
        );
        let media = told(&world, "10.0.1.1:4000");
        assert_eq!(media.direction.sends(), sends, "{body}");
        let other = world
            .media
            .iter()
            .any(|c| !matches!(c, MediaCommand::Update { .. }));
        assert!(!other, "what each hears stays: {:?}", world.media);
    }
    assert_eq!(
        seat_state(&mut world, 0),
        meishier_engine::SeatState::Talking
    );
}

#[test]
fn requests_out_of_order_are_500_and_harm_nobody() {
    let mut world = World::new();
    let (caller, offer) = talking(&mut world);
    world.arrive(caller.from, &caller.request("OPTIONS", 7, "o7", ""));
    world.take(caller.from, "SIP/2.0 200");
    for (n, method) in [(6, "INFO"), (5, "INVITE"), (4, "BYE")] {
        let body = match method {
            "INVITE" => sdp(caller.from, 4800),
            _ => String::new(),
        };
        world.arrive(
            caller.from,
            &caller.request(method, n, &format!("late{n}"), &body),
        );
        let late = world.take(caller.from, "SIP/2.0 500");
        assert_eq!(late.header("Retry-After"), "1", "{method}");
    }
    world.arrive(offer.to, &seat_request(&offer, "OPTIONS", 9, ""));
    world.take(addr(S0), "SIP/2.0 200");
    world.arrive(offer.to, &seat_request(&offer, "BYE", 8, ""));
    world.take(addr(S0), "SIP/2.0 500");
    world.none(caller.from, "BYE");
    assert_eq!(
        seat_state(&mut world, 0),
        meishier_engine::SeatState::Talking
    );
}

#[test]
fn when_both_change_at_once_both_come_through() {
    let mut world = with(("[offer]", "[offer]\nsession_expires = \"2min\""));
    let (_, offer) = talking(&mut world);
    world.pass(60 * SECOND);
    let ours = world.take(addr(S0), "INVITE");
    let wanted = sdp(offer.to, 6400);
    world.arrive(offer.to, &seat_request(&offer, "INVITE", 20, &wanted));
    world.take(addr(S0), "SIP/2.0 491");
    world.arrive(offer.to, &seat_request(&offer, "ACK", 20, ""));
    reply(&mut world, &ours, "491 Request Pending", "seat", "");
    world.take(addr(S0), "ACK");
    // RFC 3261 §14.1: who made the Call-ID waits 2.1 s at least; the other is first.
    world.pass(SECOND);
    world.none(addr(S0), "INVITE");
    world.arrive(offer.to, &seat_request(&offer, "INVITE", 21, &wanted));
    let ok = world.take(addr(S0), "SIP/2.0 200");
    world.arrive(offer.to, &seat_request(&offer, "ACK", 21, ""));
    told(&world, "10.0.2.0:6400");
    world.pass(4 * SECOND);
    world.none(addr(S0), "BYE");
    let again = world.sent.iter().find(|m| m.is("INVITE"));
    let again = again.expect("ours goes again").clone();
    assert_eq!(again.rtp_port(), ok.rtp_port());
}

#[test]
fn a_caller_found_at_risk_is_not_given_up_for_want_of_a_prack() {
    for flagged in [false, true] {
        let mut world = early();
        let mut caller = Caller::new(CARRIER, "13300000001");
        caller.invite_with(&mut world, "Supported: 100rel\r\n");
        let first = world.take(caller.from, "SIP/2.0 183");
        world.pass(10 * SECOND);
        if flagged {
            // A person flags the call: the same as the key.
            let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
            world.command(meishier_engine::Command::Flag { call });
        }
        world.clear();
        world.pass(60 * SECOND);
        if !flagged {
            world.take(caller.from, "SIP/2.0 504");
            continue;
        }
        world.none(caller.from, "SIP/2.0 504");
        world.none(caller.from, "SIP/2.0 200");
        assert!(world.sent.iter().filter(|m| m.is("SIP/2.0 183")).count() > 7);
        // So it stays when another process goes on.
        world.restart();
        world.clear();
        world.pass(60 * SECOND);
        world.none(caller.from, "SIP/2.0 504");
        sign_on(&mut world, 0, 0);
        let offer = offer_at(&mut world, S0);
        caller.prack(&mut world, &first, 2);
        answer(&mut world, &offer);
        let ok = world.take(caller.from, "SIP/2.0 200");
        assert!(ok.header("CSeq").ends_with("INVITE"));
        caller.ack(&mut world);
        assert_eq!(
            seat_state(&mut world, 0),
            meishier_engine::SeatState::Talking
        );
    }
}

#[test]
fn what_is_taken_is_named_the_same_everywhere() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "13300000001");
    world.arrive(caller.from, &caller.request("OPTIONS", 1, "o", ""));
    let outside = world.take(caller.from, "SIP/2.0 200");
    world.arrive(caller.from, &caller.request("SUBSCRIBE", 2, "s", ""));
    let refused = world.take(caller.from, "SIP/2.0 405");
    let (caller, offer) = talking(&mut world);
    world.arrive(caller.from, &caller.request("OPTIONS", 7, "o7", ""));
    let within = world.take(caller.from, "SIP/2.0 200");
    let ok = caller.answer.as_ref().unwrap();
    for message in [&outside, &refused, &within, &offer, ok] {
        assert_eq!(message.header("Allow"), outside.header("Allow"));
    }
    for method in ["UPDATE", "PRACK", "INFO", "REGISTER", "OPTIONS"] {
        assert!(outside.header("Allow").contains(method), "{method}");
    }
    for message in [&outside, &within] {
        assert_eq!(message.header("Accept"), "application/sdp, multipart/mixed");
    }
    let unexpected = world
        .notices
        .iter()
        .any(|n| matches!(n, Notice::Unexpected(_)));
    assert!(!unexpected);
}

#[test]
fn nobody_is_to_hear_a_caller_who_has_not_said_where_it_is() {
    let mut world = World::new();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let text = caller.request("INVITE", 1, "i", "");
    world.arrive(caller.from, &text);
    let offer = offer_at(&mut world, S0);
    answer(&mut world, &offer);
    let ok = world.take(caller.from, "SIP/2.0 200");
    let (seat, own) = (offer.rtp_port().unwrap(), ok.rtp_port().unwrap());
    let hears = |world: &World, who, whom| {
        let is = |c: &MediaCommand| {
            matches!(c, MediaCommand::Hear { port, source: Source::Peer(peer) }
                if (*port, *peer) == (who, whom))
        };
        world.media.iter().any(is)
    };
    assert!(!hears(&world, seat, own), "its port is not open");
    caller.answer = Some(ok);
    let ack = caller.request("ACK", 1, "a", &sdp(caller.from, 4000));
    world.arrive(caller.from, &ack);
    assert!(hears(&world, seat, own) && hears(&world, own, seat));
}
