//! What others do, write or lack must not cost a caller its seat: strangers, odd names, other codecs.

mod world;

use meishier_engine::media::{MediaCommand, Source};
use meishier_engine::{Command, SeatChange, SeatState};
use meishier_model::SeatId;
use world::scene::{S0, S2, SECOND, offer_at, seat_state, sign_on, talking};
use world::{
    CARRIER, CONFIG, Caller, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp, seat_bye,
    seat_request,
};

#[test]
fn strangers_leave_nothing_behind_and_nothing_is_sent_to_them_twice() {
    let mut world = World::new();
    let before = world.gauges();
    // More than all legs and transactions that the shards may hold.
    for n in 0..5_000 {
        let caller = Caller::new("10.9.9.9:5060", &format!("x{n}"));
        caller.invite(&mut world);
        if n % 5 == 0 {
            caller.invite(&mut world);
            let star = caller.request("INVITE", 2, "s", &sdp(caller.from, 4000));
            world.arrive(caller.from, &star.replace("sip:12356@", "sip:*12@"));
            for method in ["REGISTER", "OPTIONS", "MESSAGE"] {
                world.arrive(caller.from, &caller.request(method, 3, method, ""));
            }
        }
        caller.ack(&mut world);
    }
    assert_eq!(world.gauges(), before);
    let answers: Vec<u16> = world
        .sent
        .iter()
        .map(|m| m.start()[8..11].parse().unwrap())
        .collect();
    assert_eq!(answers.len(), 5_000 + 5 * 1_000, "one answer a request");
    assert!(answers.iter().all(|s| [401, 403, 405].contains(s)));
    let tags: std::collections::BTreeSet<&str> = world
        .sent
        .iter()
        .filter(|m| m.is("SIP/2.0 403") && m.find("Call-ID") == Some("x0@caller"))
        .filter(|m| m.header("CSeq") == "1 INVITE")
        .map(|m| m.header("To"))
        .collect();
    assert_eq!(tags.len(), 1, "the same answer for the same request");
    world.clear();
    world.pass(40 * SECOND);
    world.none(addr("10.9.9.9:5060"), "SIP");
    assert!(
        world
            .shards
            .iter()
            .all(|s| s.counters().sent_responses[100] == 0)
    );
    // And who may call is served.
    Caller::new(CARRIER, "1").invite(&mut world);
    world.take(addr(CARRIER), "SIP/2.0 180");
}

#[test]
fn the_target_speaks_the_codecs_of_its_own_trunk() {
    let text = CONFIG.replacen("codecs = [\"pcma\", \"pcmu\"]", "codecs = [\"pcmu\"]", 1);
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new("10.0.1.2:5060", "1");
    caller.invite(&mut world);
    caller.answered(&mut world);
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    let call = world
        .shards
        .iter()
        .find_map(|s| s.calls().next())
        .expect("a call");
    world.command(Command::press(call, "110", "贵阳"));
    let target = world.take(addr(CARRIER), "INVITE");
    let pcmu = sdp(target.to, 6000)
        .replace("AVP 8 101", "AVP 0 101")
        .replace("rtpmap:8 PCMA", "rtpmap:0 PCMU");
    reply(&mut world, &target, "200 OK", "t", &pcmu);
    world.take(target.to, "ACK");
    world.none(target.to, "BYE");
    assert!(matches!(
        world.media.last(),
        Some(MediaCommand::Hear {
            source: Source::Mix(_),
            ..
        })
    ));
}

#[test]
fn a_change_that_was_refused_leaves_no_gap_in_the_versions_of_our_description() {
    let mut world = World::new();
    let (_caller, seat) = talking(&mut world);
    let body = sdp(seat.to, 6000);
    let other = body
        .replace("AVP 8 101", "AVP 99")
        .replace("rtpmap:8 PCMA", "rtpmap:99 opus");
    let text = seat_request(&seat, "INVITE", 10, &other);
    world.arrive(seat.to, &text);
    world.take(seat.to, "SIP/2.0 488");
    world.arrive(seat.to, &seat_request(&seat, "ACK", 10, ""));
    let text = seat_request(&seat, "INVITE", 11, &body);
    world.arrive(seat.to, &text);
    let changed = world.take(seat.to, "SIP/2.0 200");
    let version = |sent: &Sent| -> u64 {
        let line = sent.body().lines().find(|l| l.starts_with("o=")).unwrap();
        line.split(' ').nth(2).unwrap().parse().unwrap()
    };
    assert_eq!(version(&changed), version(&seat) + 1);
}

#[test]
fn nobody_is_signed_on_by_the_configuration_whose_qualification_has_run_out() {
    let start = "start = { seat = \"s0\", state = \"ready\" }";
    let state = |text: &str| seat_state(&mut World::with(text, TEN_O_CLOCK), 0);
    let expired = format!("pin = \"2000\"\n{start}");
    let text = CONFIG.replace("pin = \"2000\"", &expired);
    assert_eq!(state(&text), SeatState::SignedOff);
    assert_eq!(
        state(&text.replace("2026-01-31", "2027-01-31")),
        SeatState::Ready
    );
}

#[test]
fn no_back_off_does_not_mean_for_ever_at_once() {
    // A telephone of the other family of addresses: found out at once.
    let text = CONFIG
        .replace("backoff = \"5s\"", "backoff = \"0s\"")
        .replace(
            "contact = \"sip:s{n}@10.0.2.{n}:5060\"",
            "contact = \"sip:s{n}@[fd00::{n}]:5060\"",
        );
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    Caller::new(CARRIER, "1").invite(&mut world);
    assert_eq!(seat_state(&mut world, 0), SeatState::Backoff);
    world.pass(SECOND / 2);
    sign_on(&mut world, 2, 2);
    world.pass(10 * SECOND);
    offer_at(&mut world, S2);
}

#[test]
fn the_caller_is_whom_the_carrier_asserts_in_either_kind_of_uri() {
    for (header, number) in [
        (
            "\"Li, Ming\" <sip:+8613300000001@c.cn;user=phone>",
            "+8613300000001",
        ),
        ("<tel:+86-133-0000-0002>", "+8613300000002"),
        ("<sip:@c.cn>, <tel:13300000003>", "13300000003"),
    ] {
        let mut world = World::new();
        let caller = Caller::new(CARRIER, "1");
        let text = caller
            .request("INVITE", 1, "i", &sdp(caller.from, 4000))
            .replace(
                "Max-Forwards",
                &format!("P-Asserted-Identity: {header}\r\nMax-Forwards"),
            );
        world.arrive(caller.from, &text);
        caller.cancel(&mut world);
        assert_eq!(world.records[0].caller.reveal(), number);
    }
}

#[test]
fn a_name_that_no_uri_can_carry_keeps_neither_seat_nor_police_away() {
    let text = CONFIG.replacen(
        "outgoing_number",
        "keep_caller_user = true\noutgoing_number",
        1,
    );
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "1");
    let invite = caller
        .request("INVITE", 1, "i", &sdp(caller.from, 4000))
        .replace("<sip:1@", "<sip:a%0d%0aX%3a%20y@");
    world.arrive(caller.from, &invite);
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    caller.answered(&mut world);
    let call = world
        .shards
        .iter()
        .find_map(|s| s.calls().next())
        .expect("a call");
    world.command(Command::press(call, "110", "贵阳"));
    let target = world.take(addr(CARRIER), "INVITE");
    assert!(target.header("From").starts_with("<sip:12356@"));
}

#[test]
fn who_is_put_back_after_an_answer_finds_the_later_pools_open() {
    let mut world = World::new();
    sign_on(&mut world, 2, 2);
    let (_caller, seat) = talking(&mut world);
    let call = world
        .shards
        .iter()
        .find_map(|s| s.calls().next())
        .expect("a call");
    world.command(Command::press(call, "110", "贵阳"));
    let target = world.take(addr(CARRIER), "INVITE");
    seat_bye(&mut world, &seat);
    world.command(Command::Seat {
        seat: SeatId(0),
        change: SeatChange::SignOff,
    });
    world.pass(11 * SECOND);
    world.none(addr(S2), "INVITE");
    reply(&mut world, &target, "486 Busy Here", "t", "");
    offer_at(&mut world, S2);
}
