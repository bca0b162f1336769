//! Causes of either side, as the record keeps them (RFC 3326).

use crate::world::scene::{S0, offer_at, sign_on, talking};
use crate::world::{CARRIER, Caller, addr, answer, reply, sdp, seat_request};
use crate::{A, press, pressed, world};

fn with_reason(text: &str, reason: &str) -> String {
    text.replace("Max-Forwards", &format!("Reason: {reason}\r\nMax-Forwards"))
}

#[test]
fn the_callers_bye_and_cancel_say_why() {
    let mut world = world("to = [\"10.0.1.1\"]");
    let (caller, _) = talking(&mut world);
    let text = with_reason(
        &caller.request("BYE", 2, "b", ""),
        "Q.850;cause=41;text=\"Oh\"",
    );
    world.arrive(caller.from, &text);
    assert_eq!(world.records[0].cause, "Q.850;cause=41");
    assert_eq!(world.records[0].seat_cause, "");
    let other = Caller::new(CARRIER, "13500000000");
    other.invite(&mut world);
    let text = with_reason(
        &other.request("CANCEL", 1, "i", ""),
        "SIP;cause=487, Q.850;cause=16",
    );
    world.arrive(other.from, &text);
    assert_eq!(world.records[1].cause, "SIP;cause=487, Q.850;cause=16");
}

#[test]
fn a_seats_refusal_and_its_bye_say_why() {
    let mut world = world("to = [\"10.0.1.1\"]");
    sign_on(&mut world, 0, 0);
    sign_on(&mut world, 1, 1);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let first = offer_at(&mut world, S0);
    reply(
        &mut world,
        &first,
        "486 Busy Here\r\nReason: Q.850;cause=17",
        "x",
        "",
    );
    let second = offer_at(&mut world, crate::world::scene::S1);
    answer(&mut world, &second);
    caller.answered(&mut world);
    let bye = with_reason(
        &seat_request(&second, "BYE", 0x7000_0000, ""),
        "Q.850;cause=16",
    );
    world.arrive(second.to, &bye);
    let record = &world.records[0];
    assert_eq!(record.offers[0].cause, "Q.850;cause=17");
    assert_eq!(
        (record.offers[1].cause.as_str(), &*record.seat_cause),
        ("", "Q.850;cause=16")
    );
}

#[test]
fn a_targets_refusal_and_its_bye_say_why() {
    let (mut world, (caller, _), call) = pressed("to = [\"10.0.1.1\"]", "110");
    let busy = world.take(addr(A), "INVITE");
    reply(
        &mut world,
        &busy,
        "486 Busy Here\r\nReason: Q.850;cause=17",
        "x",
        "",
    );
    press(&mut world, call, "110");
    let invite = world.take(addr(A), "INVITE");
    reply(&mut world, &invite, "200 OK", "seat", &sdp(invite.to, 7000));
    let bye = with_reason(
        &seat_request(&invite, "BYE", 0x7000_0000, ""),
        "Q.850;cause=31",
    );
    world.arrive(invite.to, &bye);
    caller.bye(&mut world);
    let causes: Vec<_> = world.records[0]
        .transfers
        .iter()
        .map(|it| it.cause.as_str())
        .collect();
    assert_eq!(causes, ["Q.850;cause=17", "Q.850;cause=31"]);
}
