//! REFER from the seat's telephone.

use crate::*;

/// The seat's telephone sends a REFER with these further headers.
fn refer(world: &mut World, seat: &Sent, cseq: u32, headers: &str) {
    let text = seat_request(seat, "REFER", cseq, "");
    let text = text.replacen("Max-Forwards", &format!("{headers}\r\nMax-Forwards"), 1);
    world.arrive(seat.to, &text);
}

/// The seat refers to this user of ours.
fn refer_to(world: &mut World, seat: &Sent, user: &str) {
    refer(world, seat, 7, &format!("Refer-To: <sip:{user}@{ENGINE}>"));
}

/// The next NOTIFY at the seat, answered: what it tells, and whether it is the last.
fn notified(world: &mut World) -> (String, bool) {
    let notify = world.take(addr(S0), "NOTIFY");
    reply(world, &notify, "200 OK", "", "");
    let over = notify
        .header("Subscription-State")
        .starts_with("terminated");
    (notify.body().trim().to_owned(), over)
}

fn said(what: &str, over: bool) -> (String, bool) {
    (format!("SIP/2.0 {what}"), over)
}

#[test]
fn a_refer_to_a_key_calls_what_the_key_reaches_and_tells_how_it_goes() {
    for user in ["110", "*21", "%2A21"] {
        let (mut world, caller, seat) = talking();
        refer(
            &mut world,
            &seat,
            7,
            &format!("Refer-To: <sip:{user}@{ENGINE}>"),
        );
        let ok = world.take(addr(S0), "SIP/2.0 200");
        assert!(ok.header("CSeq").ends_with("REFER"));
        let by_refer = [(ByTelephone::Refer, Some(ThirdId(1)))];
        assert_eq!(by_telephone(&world), by_refer);
        let invite = world.take(addr(CARRIER), "INVITE sip:020110@");
        assert_eq!(notified(&mut world), said("100 Trying", false));
        reply(&mut world, &invite, "180 Ringing", "police", "");
        assert_eq!(notified(&mut world), said("180 Ringing", false));
        let media = sdp(invite.to, 7000);
        reply(&mut world, &invite, "200 OK", "police", &media);
        assert_eq!(notified(&mut world), said("200 OK", true));
        // Three talk, until the telephone leaves: then two.
        world.none(addr(S0), "BYE");
        seat_bye(&mut world, &seat);
        world.none(caller.from, "BYE");
        world.none(addr(S0), "NOTIFY");
        caller.bye(&mut world);
        world.take(addr(CARRIER), "BYE");
        assert_eq!(world.records.len(), 1);
        assert_eq!(world.records[0].transfers[0].key, "110");
        assert_eq!(
            world.records[0].transfers[0].outcome,
            TransferOutcome::Joined
        );
    }
}

#[test]
fn a_transfer_that_fails_is_told_and_another_may_be_asked_for() {
    let (mut world, _, seat) = talking();
    let before = [
        ("486 Busy Here", "486 Busy Here"),
        ("404 Not Found", "404 Not Found"),
    ];
    for (cseq, (status, told)) in (7..).zip(before) {
        refer(
            &mut world,
            &seat,
            cseq,
            &format!("Refer-To: <sip:110@{ENGINE}>"),
        );
        let invite = world.take(addr(CARRIER), "INVITE");
        reply(&mut world, &invite, status, "police", "");
        assert_eq!(notified(&mut world), said("100 Trying", false));
        assert_eq!(notified(&mut world), said(told, true));
    }
    refer(
        &mut world,
        &seat,
        9,
        &format!("Refer-To: <sip:110@{ENGINE}>"),
    );
    let invite = world.take(addr(CARRIER), "INVITE");
    reply(&mut world, &invite, "180 Ringing", "police", "");
    assert_eq!(notified(&mut world), said("100 Trying", false));
    assert_eq!(notified(&mut world), said("180 Ringing", false));
    world.pass(31 * SECOND);
    assert_eq!(notified(&mut world), said("408 Request Timeout", true));
}

#[test]
fn another_emergency_may_be_asked_for_while_one_rings() {
    let (mut world, _, seat) = talking();
    refer_to(&mut world, &seat, "110");
    let police = world.take(addr(CARRIER), "INVITE sip:020110@");
    assert_eq!(notified(&mut world), said("100 Trying", false));
    refer(
        &mut world,
        &seat,
        8,
        &format!("Refer-To: <sip:110@{ENGINE}>"),
    );
    world.take(addr(S0), "SIP/2.0 486");
    refer(
        &mut world,
        &seat,
        9,
        &format!("Refer-To: <sip:120@{ENGINE}>"),
    );
    let ambulance = world.take(addr(CARRIER), "INVITE sip:020120@");
    assert_eq!(
        notified(&mut world),
        said("100 Trying", true),
        "of the first no more"
    );
    assert_eq!(notified(&mut world), said("100 Trying", false));
    reply(&mut world, &police, "180 Ringing", "police", "");
    world.none(addr(S0), "NOTIFY");
    let media = sdp(ambulance.to, 7000);
    reply(&mut world, &ambulance, "200 OK", "ambulance", &media);
    assert_eq!(notified(&mut world), said("200 OK", true));
}

#[test]
fn a_telephone_that_wants_to_hear_nothing_hears_nothing() {
    let (mut world, _, seat) = talking();
    let headers =
        format!("Refer-To: <sip:110@{ENGINE}>\r\nRefer-Sub: false\r\nRequire: norefersub");
    refer(&mut world, &seat, 7, &headers);
    let ok = world.take(addr(S0), "SIP/2.0 200");
    assert_eq!(ok.header("Refer-Sub"), "false");
    let invite = world.take(addr(CARRIER), "INVITE");
    let media = sdp(invite.to, 7000);
    reply(&mut world, &invite, "200 OK", "police", &media);
    world.none(addr(S0), "NOTIFY");
}

#[test]
fn where_there_is_no_way_the_telephone_hears_it_at_once() {
    let (mut world, _, seat) = talking_at(World::with_ports(&config(), TEN_O_CLOCK, 2));
    refer_to(&mut world, &seat, "110");
    world.none(addr(CARRIER), "INVITE");
    assert_eq!(notified(&mut world), said("100 Trying", false));
    assert!(notified(&mut world).1);
}

#[test]
fn a_telephone_that_leaves_too_soon_does_not_lose_the_caller() {
    let none = config().replace("\"second_line\"", "\"number\"");
    let (mut world, caller, seat) = talking_in(&none);
    refer_to(&mut world, &seat, "110");
    let invite = world.take(addr(CARRIER), "INVITE");
    assert_eq!(notified(&mut world), said("100 Trying", false));
    seat_bye(&mut world, &seat);
    assert_eq!(notified(&mut world), said("100 Trying", true));
    world.none(caller.from, "BYE");
    world.none(addr(CARRIER), "CANCEL");
    reply(&mut world, &invite, "486 Busy Here", "police", "");
    world.none(caller.from, "BYE");
    assert_eq!(world.queue.waiting_list().len(), 1, "back in the queue");
}

#[test]
fn a_number_of_the_list_is_as_good_as_its_key() {
    for user in ["02087654321", "02087654322", "clinic", "*24"] {
        let (mut world, _, seat) = talking();
        refer(
            &mut world,
            &seat,
            7,
            &format!("Refer-To: <sip:{user}@{ENGINE}>"),
        );
        // The key's numbers in its own order, whichever of them was asked for.
        target_answers(&mut world, "INVITE sip:02087654321@");
        assert_eq!(notified(&mut world), said("100 Trying", false));
        assert_eq!(
            notified(&mut world),
            said("200 OK", true),
            "apart, but answered"
        );
    }
}

#[test]
fn who_leaves_by_refer_leaves_as_planned_unless_an_emergency_has_not_confirmed() {
    for (user, confirms, called_in) in [
        ("12345", false, false),
        ("110", false, true),
        ("110", true, false),
    ] {
        let (mut world, caller, seat) = talking();
        refer(
            &mut world,
            &seat,
            7,
            &format!("Refer-To: <sip:{user}@{ENGINE}>"),
        );
        target_answers(&mut world, "INVITE sip:");
        if confirms {
            press(&mut world, "*9");
        }
        seat_bye(&mut world, &seat);
        match called_in {
            true => drop(world.take(addr(CARRIER), "INVITE sip:02080000002@")),
            false => world.none(addr(CARRIER), "INVITE"),
        }
        world.none(caller.from, "BYE");
    }
}

/// What an attacker, or a telephone of a strange make, may put into Refer-To.
const STRANGE: [(&str, ReferWhy); 22] = [
    ("<sip:16870001@10.0.0.1:5060>", ReferWhy::List),
    ("<sip:0016505550100@10.0.0.1>", ReferWhy::List),
    ("<sip:+16505550100@10.0.0.1>", ReferWhy::List),
    ("<sip:010110@10.0.0.1>", ReferWhy::List),
    ("<sip:020110@10.0.0.1>", ReferWhy::List),
    ("<sip:1100@10.0.0.1>", ReferWhy::List),
    ("<sip:11@10.0.0.1>", ReferWhy::List),
    ("<sip:*111@10.0.0.1>", ReferWhy::List),
    ("<sip:*@10.0.0.1>", ReferWhy::List),
    ("<sip:**110@10.0.0.1>", ReferWhy::List),
    ("<sip:%31%31%30@10.0.0.1>", ReferWhy::List),
    ("<sip:110;phone-context=+86@10.0.0.1>", ReferWhy::List),
    ("<sip:110@evil.example>", ReferWhy::Uri),
    ("<sip:110@10.0.1.1>", ReferWhy::Uri),
    ("<sip:110@10.0.0.1:5070>", ReferWhy::Uri),
    ("<sip:110:pw@10.0.0.1>", ReferWhy::Uri),
    ("<sip:110@10.0.0.1;maddr=10.9.9.9>", ReferWhy::Uri),
    ("<sip:110@10.0.0.1;method=BYE>", ReferWhy::Uri),
    (
        "<sip:110@10.0.0.1?Route=%3Csip%3Aevil.example%3E>",
        ReferWhy::Uri,
    ),
    (
        "<sip:110@10.0.0.1?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>",
        ReferWhy::Replaces,
    ),
    ("<tel:110>", ReferWhy::Uri),
    ("<sip:10.0.0.1>", ReferWhy::Uri),
];

#[test]
fn whoever_is_not_on_the_list_is_never_called() {
    let (mut world, caller, seat) = talking();
    for (cseq, (to, why)) in (7..).zip(STRANGE) {
        world.notices.clear();
        refer(&mut world, &seat, cseq, &format!("Refer-To: {to}"));
        let refused = world.take(addr(S0), "SIP/2.0 403");
        assert!(refused.header("CSeq").ends_with("REFER"), "{to}");
        assert!(refused.find("Warning").is_some());
        world.none(addr(CARRIER), "INVITE");
        let refer = Notice::ReferRefused {
            call: Some(call_of(&world)),
            party: LegParty::Seat,
            why,
        };
        assert!(world.notices.contains(&refer), "{to}");
        assert!(
            world
                .notices
                .contains(&Notice::Refused(Refusal::NotAllowed))
        );
    }
    world.none(addr(S0), "NOTIFY");
    world.none(addr(S0), "BYE");
    caller.bye(&mut world);
    assert!(world.records[0].transfers.is_empty());
}

#[test]
fn our_own_names_are_all_the_same() {
    for to in [
        "<sip:110@test.invalid>",
        "<sip:110@TEST.invalid:5060;user=phone>",
        "<sips:110@10.0.0.1>",
        "sip:110@10.0.0.1:5060",
        "\"police\" <sip:110@test.invalid;transport=udp>",
    ] {
        let (mut world, ..) = {
            let (mut world, caller, seat) = talking();
            refer(&mut world, &seat, 7, &format!("Refer-To: {to}"));
            (world, caller)
        };
        world.take(addr(CARRIER), "INVITE sip:020110@");
    }
}

#[test]
fn neither_caller_nor_target_may_refer() {
    let (mut world, caller, seat) = talking();
    refer_to(&mut world, &seat, "110");
    let invite = world.take(addr(CARRIER), "INVITE");
    reply(&mut world, &invite, "200 OK", "seat", &sdp(invite.to, 7000));
    let to = format!("Refer-To: <sip:120@{ENGINE}>\r\nMax-Forwards");
    for text in [
        caller.request("REFER", 2, "r", ""),
        seat_request(&invite, "REFER", 2, ""),
    ] {
        world.notices.clear();
        world.arrive(addr(CARRIER), &text.replacen("Max-Forwards", &to, 1));
        world.take(addr(CARRIER), "SIP/2.0 403");
        let party = |notice: &Notice| matches!(notice, Notice::ReferRefused { party, why: ReferWhy::Party, .. } if *party != LegParty::Seat);
        assert!(world.notices.iter().any(party));
    }
    world.none(addr(CARRIER), "INVITE");
    let outside = caller.request("REFER", 3, "x", "").replace(";tag=", ";t=");
    world.arrive(addr(CARRIER), &outside.replacen("Max-Forwards", &to, 1));
    world.take(addr(CARRIER), "SIP/2.0 403");
    world.none(addr(CARRIER), "INVITE");
}

#[test]
fn without_a_place_nobody_is_called_by_guess() {
    let mut world = World::with(&config(), TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "anonymous");
    caller.invite(&mut world);
    let seat = offer_at(&mut world, S0);
    answer(&mut world, &seat);
    caller.answered(&mut world);
    refer_to(&mut world, &seat, "110");
    world.take(addr(S0), "SIP/2.0 484");
    world.none(addr(CARRIER), "INVITE");
}

#[test]
fn what_is_told_of_a_refer_goes_on_after_a_restart() {
    let (mut world, _, seat) = talking();
    refer_to(&mut world, &seat, "110");
    let invite = world.take(addr(CARRIER), "INVITE");
    assert_eq!(notified(&mut world), said("100 Trying", false));
    world.restart();
    let media = sdp(invite.to, 7000);
    reply(&mut world, &invite, "200 OK", "police", &media);
    assert_eq!(notified(&mut world), said("200 OK", true));
}
