//! A peer that is dead, busy or out of order, in the middle of a key.

use crate::world::scene::{S0, SECOND, police_answer, talking};
use crate::world::{World, addr, reply, sdp, seat_bye};
use crate::{A, B, C, OTHER, only_call, press, pressed, world};
use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::{Input, Notice};
use meishier_model::TransferOutcome;
use std::time::Duration;

const TWO: &str = "to = [\"10.0.1.1:5060\", \"10.0.1.5\"]";

fn tried(world: &World) -> Vec<(String, u16)> {
    let tried = &world.records[0].transfers[0].tried;
    tried
        .iter()
        .map(|it| (it.peer.clone(), it.status))
        .collect()
}

#[test]
fn a_silent_peer_is_left_and_the_next_one_answers() {
    let mut world = world(TWO);
    let (caller, seat) = talking(&mut world);
    let before = world.gauges();
    let call = only_call(&world);
    press(&mut world, call, "110");
    let first = world.take(addr(A), "INVITE sip:0851110@10.0.1.1:5060");
    world.pass(Duration::from_millis(3900));
    world.none(addr(B), "INVITE");
    world.pass(Duration::from_millis(200));
    let second = world.take(addr(B), "INVITE sip:0851110@10.0.1.5:5060");
    assert_ne!(first.header("Call-ID"), second.header("Call-ID"));
    // RFC 3261 §9.1: the CANCEL waits for a response.
    world.none(addr(A), "CANCEL");
    police_answer(&mut world, &second);
    // The first one wakes up: it is cancelled, and its 200 hung up.
    reply(&mut world, &first, "180 Ringing", "late", "");
    let cancel = world.take(addr(A), "CANCEL");
    assert_eq!(cancel.header("Reason"), "SIP;cause=408");
    reply(&mut world, &first, "200 OK", "late", &sdp(first.to, 7100));
    world.take(addr(A), "ACK");
    let bye = world.take(addr(A), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.none(addr(B), "BYE");
    assert_eq!(world.gauges().ports, before.ports + 1);
    caller.bye(&mut world);
    seat_bye(&mut world, &seat);
    assert_eq!(
        world.records[0].transfers[0].outcome,
        TransferOutcome::Joined
    );
    assert_eq!(tried(&world), [(A.to_owned(), 408), (B.to_owned(), 200)]);
    let bye = world.take(addr(B), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.pass(60 * SECOND);
    assert_eq!((world.gauges().legs, world.gauges().ports), (0, 0));
}

/// Who is asked after this status: the next peer, the next trunk, nobody.
fn after(key: &str, status: &str, provisional: &str) -> Option<&'static str> {
    let (mut world, ..) = pressed(TWO, key);
    let first = world.take(addr(A), "INVITE");
    reply(&mut world, &first, provisional, "x", "");
    reply(&mut world, &first, status, "x", "");
    [B, OTHER].into_iter().find(|peer| {
        world
            .sent
            .iter()
            .any(|m| m.to == addr(peer) && m.is("INVITE sip:0851"))
    })
}

#[test]
fn what_a_server_says_of_itself_goes_to_the_next_and_the_callees_word_does_not() {
    for (status, hotline, emergency) in [
        ("408 Request Timeout", Some(B), Some(B)),
        ("500 Server Internal Error", Some(B), Some(B)),
        ("502 Bad Gateway", Some(B), Some(B)),
        ("503 Service Unavailable", Some(B), Some(B)),
        ("504 Server Time-out", Some(B), Some(B)),
        ("401 Unauthorized", Some(OTHER), Some(B)),
        ("403 Forbidden", Some(OTHER), Some(B)),
        ("407 Proxy Authentication Required", Some(OTHER), Some(B)),
        ("302 Moved Temporarily", None, Some(B)),
        ("404 Not Found", None, Some(B)),
        ("420 Bad Extension", None, Some(B)),
        ("480 Temporarily Unavailable", None, Some(B)),
        ("486 Busy Here", None, None),
        ("487 Request Terminated", None, Some(B)),
        ("488 Not Acceptable Here", None, Some(B)),
        ("501 Not Implemented", None, Some(B)),
        ("600 Busy Everywhere", None, None),
        ("603 Decline", None, None),
        ("604 Does Not Exist Anywhere", None, Some(B)),
    ] {
        assert_eq!(after("12348", status, "100 Trying"), hotline, "{status}");
        assert_eq!(after("120", status, "100 Trying"), emergency, "{status}");
    }
}

#[test]
fn an_emergency_goes_on_after_ringing_that_has_ended_and_other_keys_do_not() {
    for provisional in [
        "180 Ringing",
        "181 Call Is Being Forwarded",
        "183 Session Progress",
    ] {
        for status in [
            "408 Request Timeout",
            "503 Service Unavailable",
            "403 Forbidden",
        ] {
            assert_eq!(after("12348", status, provisional), None, "{status}");
            assert_eq!(after("120", status, provisional), Some(B), "{status}");
        }
        assert_eq!(after("120", "486 Busy Here", provisional), None);
    }
}

#[test]
fn nobody_else_is_called_while_a_telephone_may_ring() {
    for key in ["110", "12345"] {
        let (mut world, (caller, _), _) = pressed(TWO, key);
        let first = world.take(addr(A), "INVITE");
        reply(&mut world, &first, "183 Session Progress", "x", "");
        world.pass(25 * SECOND);
        world.none(addr(A), "CANCEL");
        world.none(addr(B), "INVITE");
        reply(&mut world, &first, "486 Busy Here", "x", "");
        caller.bye(&mut world);
        assert_eq!(tried(&world), [(A.to_owned(), 486)]);
    }
}

#[test]
fn the_last_trunk_is_asked_when_all_refuse_an_emergency_after_ringing() {
    let (mut world, (caller, seat), _) = pressed(TWO, "120");
    for peer in [A, B] {
        let invite = world.take(addr(peer), "INVITE sip:0851120@");
        reply(&mut world, &invite, "180 Ringing", "x", "");
        reply(&mut world, &invite, "404 Not Found", "x", "");
    }
    let third = world.take(addr(OTHER), "INVITE sip:0851120@");
    police_answer(&mut world, &third);
    caller.bye(&mut world);
    seat_bye(&mut world, &seat);
    let expected = [
        (A.to_owned(), 404),
        (B.to_owned(), 404),
        (OTHER.to_owned(), 200),
    ];
    assert_eq!(tried(&world), expected);
}

#[test]
fn who_said_100_is_there_and_keeps_the_call_of_other_keys() {
    let (mut world, ..) = pressed(TWO, "12345");
    let first = world.take(addr(A), "INVITE");
    reply(&mut world, &first, "100 Trying", "", "");
    world.pass(20 * SECOND);
    world.none(addr(B), "INVITE");
    police_answer(&mut world, &first);
}

#[test]
fn an_emergency_leaves_who_said_100_alone_for_ten_seconds() {
    let (mut world, (caller, seat), _) = pressed(TWO, "110");
    let first = world.take(addr(A), "INVITE");
    reply(&mut world, &first, "100 Trying", "", "");
    world.pass(Duration::from_millis(9900));
    world.none(addr(B), "INVITE");
    world.pass(Duration::from_millis(200));
    let second = world.take(addr(B), "INVITE sip:0851110@");
    let cancel = world.take(addr(A), "CANCEL");
    assert_eq!(cancel.header("Reason"), "SIP;cause=408");
    // The answer crosses the CANCEL.
    reply(&mut world, &first, "200 OK", "late", &sdp(first.to, 7100));
    world.take(addr(A), "BYE");
    // Nobody is left beside the second.
    reply(&mut world, &second, "100 Trying", "", "");
    world.pass(12 * SECOND);
    world.none(addr(B), "CANCEL");
    police_answer(&mut world, &second);
    caller.bye(&mut world);
    seat_bye(&mut world, &seat);
    assert_eq!(tried(&world), [(A.to_owned(), 408), (B.to_owned(), 200)]);
}

#[test]
fn whoever_is_asked_next_in_an_emergency_has_time_to_answer() {
    for (key, rings) in [("110", true), ("12345", false)] {
        let (mut world, ..) = pressed(TWO, key);
        let first = world.take(addr(A), "INVITE");
        reply(&mut world, &first, "100 Trying", "", "");
        // The key has 30 s; nobody but the first is asked until almost all are gone.
        reply(
            &mut world,
            &first,
            if rings { "180 Ringing" } else { "100 Trying" },
            "x",
            "",
        );
        world.pass(28 * SECOND);
        reply(&mut world, &first, "503 Service Unavailable", "x", "");
        let second = world.take(addr(B), "INVITE");
        reply(&mut world, &second, "180 Ringing", "x", "");
        world.pass(14 * SECOND);
        let left = world.sent.iter().any(|m| m.to == addr(B) && m.is("CANCEL"));
        assert_eq!(left, !rings, "{key}");
        world.pass(2 * SECOND);
        world.take(addr(B), "CANCEL");
    }
}

#[test]
fn who_says_something_unusable_is_not_silent() {
    let (mut world, ..) = pressed(TWO, "12345");
    let first = world.take(addr(A), "INVITE");
    // RFC 3262 §4: without RSeq it is none that could be acknowledged.
    reply(
        &mut world,
        &first,
        "180 Ringing\r\nRequire: 100rel",
        "x",
        "",
    );
    world.pass(10 * SECOND);
    world.none(addr(B), "INVITE");
    world.none(addr(A), "CANCEL");
    police_answer(&mut world, &first);
}

#[test]
fn the_last_peer_has_all_the_time_of_the_key() {
    let (mut world, ..) = pressed("to = [\"10.0.1.1\"]\ntry_for = \"1s\"", "110");
    let first = world.take(addr(A), "INVITE");
    world.pass(20 * SECOND);
    world.none(addr(A), "CANCEL");
    police_answer(&mut world, &first);
}

#[test]
fn a_path_that_fails_is_left_at_once() {
    let (mut world, ..) = pressed(TWO, "110");
    world.take(addr(A), "INVITE");
    let flow = Flow {
        transport: Transport::Udp,
        local: addr(crate::world::ENGINE),
        remote: addr(A),
        connection: 0,
    };
    for shard in 0..world.shards.len() {
        world.handle(shard, Input::FlowFailed { flow });
    }
    let second = world.take(addr(B), "INVITE");
    police_answer(&mut world, &second);
}

#[test]
fn a_peer_that_says_when_to_come_back_rests_for_all_shards() {
    let mut world = world(TWO);
    let (caller, seat) = talking(&mut world);
    let call = only_call(&world);
    press(&mut world, call, "12345");
    let first = world.take(addr(A), "INVITE");
    let mut text = format!(
        "SIP/2.0 503 Service Unavailable\r\nTo: {};tag=x\r\n",
        first.header("To")
    );
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        text.push_str(&format!("{name}: {}\r\n", first.header(name)));
    }
    text.push_str("Retry-After: 120 (full)\r\nContent-Length: 0\r\n\r\n");
    world.arrive(addr(A), &text);
    let second = world.take(addr(B), "INVITE");
    reply(&mut world, &second, "486 Busy Here", "x", "");
    // For two minutes nobody asks the first; who presses for an emergency asks it last.
    press(&mut world, call, "12345");
    let busy = world.take(addr(B), "INVITE");
    reply(&mut world, &busy, "503 Service Unavailable", "x", "");
    world.none(addr(A), "INVITE");
    press(&mut world, call, "110");
    let again = world.take(addr(B), "INVITE");
    reply(&mut world, &again, "503 Service Unavailable", "x", "");
    let last = world.take(addr(A), "INVITE sip:0851110@");
    reply(&mut world, &last, "486 Busy Here", "x", "");
    world.pass(121 * SECOND);
    press(&mut world, call, "12345");
    world.take(addr(A), "INVITE");
    drop((caller, seat));
}

#[test]
fn who_did_not_respond_is_asked_last_for_a_while() {
    let (mut world, _, call) = pressed(TWO, "110");
    world.take(addr(A), "INVITE");
    world.pass(5 * SECOND);
    let second = world.take(addr(B), "INVITE");
    reply(&mut world, &second, "486 Busy Here", "x", "");
    world.clear();
    press(&mut world, call, "110");
    let first = world.take(addr(B), "INVITE");
    world.none(addr(A), "INVITE sip:0851110");
    reply(&mut world, &first, "486 Busy Here", "x", "");
    world.pass(31 * SECOND);
    world.clear();
    press(&mut world, call, "110");
    world.take(addr(A), "INVITE");
}

#[test]
fn the_backup_trunk_comes_when_no_peer_is_left() {
    let (mut world, (caller, seat), _) = pressed(TWO, "120");
    for peer in [A, B] {
        let invite = world.take(addr(peer), "INVITE sip:0851120@");
        reply(&mut world, &invite, "503 Service Unavailable", "x", "");
    }
    let third = world.take(addr(OTHER), "INVITE sip:0851120@10.0.1.2:5060");
    // Only the codec of that trunk.
    assert!(third.body().contains("RTP/AVP 8 101"), "{}", third.body());
    police_answer(&mut world, &third);
    caller.bye(&mut world);
    seat_bye(&mut world, &seat);
    let tried = &world.records[0].transfers[0].tried;
    let trunks: Vec<_> = tried.iter().map(|it| it.trunk.as_str()).collect();
    assert_eq!(trunks, ["carrier", "carrier", "at-once"]);
}

#[test]
fn without_anybody_left_the_last_status_is_told() {
    let (mut world, (caller, _), _) = pressed(TWO, "110");
    for (peer, status) in [(A, "503 Service Unavailable"), (B, "500 Oh")] {
        let invite = world.take(addr(peer), "INVITE");
        reply(&mut world, &invite, status, "x", "");
    }
    world.none(addr(S0), "BYE");
    caller.bye(&mut world);
    let transfer = &world.records[0].transfers[0];
    assert_eq!(
        (transfer.outcome, transfer.status),
        (TransferOutcome::Failed, 500)
    );
}

#[test]
fn a_key_that_is_taken_back_leaves_nobody_dialled() {
    let (mut world, _, call) = pressed(TWO, "110");
    world.take(addr(A), "INVITE");
    world.command(meishier_engine::Command::take_back(call));
    world.pass(10 * SECOND);
    world.none(addr(B), "INVITE");
}

#[test]
fn a_try_outlives_the_engine() {
    let (mut world, ..) = pressed(TWO, "110");
    world.take(addr(A), "INVITE");
    world.pass(2 * SECOND);
    world.restart();
    world.clear();
    world.pass(3 * SECOND);
    let second = world.take(addr(B), "INVITE");
    police_answer(&mut world, &second);
}

#[test]
fn peers_share_the_calls_by_weight_and_are_replaced_while_calls_run() {
    let table = |name: &str, weight: u16| {
        format!("{{ address = \"{name}\", priority = 1, weight = {weight} }}")
    };
    let mut world = world(&format!(
        "to = [{}, {}]",
        table("10.0.1.1", 3),
        table("10.0.1.5", 1)
    ));
    let _ = talking(&mut world);
    let call = only_call(&world);
    let mut count = [0, 0];
    for _ in 0..200 {
        press(&mut world, call, "110");
        let invite = world
            .sent
            .iter()
            .find(|m| m.is("INVITE sip:0851110"))
            .cloned();
        let invite = invite.unwrap();
        count[usize::from(invite.to == addr(B))] += 1;
        reply(&mut world, &invite, "486 Busy Here", "x", "");
        world.clear();
    }
    assert!(count[0] > 120 && count[1] > 20, "{count:?}");
    // The driver has looked names up.
    let targets = vec![meishier_engine::Target {
        address: addr(C),
        transport: Transport::Udp,
        tls_name: None,
        priority: 0,
        weight: 0,
    }];
    let trunk = meishier_model::TrunkId(0);
    for shard in 0..world.shards.len() {
        let targets = targets.clone();
        world.handle(shard, Input::Peers { trunk, targets });
        let targets = Vec::new();
        world.handle(shard, Input::Peers { trunk, targets });
    }
    let told = world
        .notices
        .iter()
        .filter(|it| matches!(it, Notice::NoPeers { .. }));
    assert_eq!(
        told.count(),
        1,
        "an empty list changes nothing, and is told once"
    );
    press(&mut world, call, "110");
    world.take(addr(C), "INVITE sip:0851110@10.0.1.6:5060");
}
