//! What calls out say of us and of the caller, what seats see of one who is anonymous, and loops.

use crate::world::scene::{S0, offer_at, sign_on};
use crate::world::{CARRIER, Caller, Sent, World, addr, answer, reply, sdp};
use crate::{A, only_call, press, world};
use meishier_engine::{Notice, Refusal};

const ALL: &str = "to = [\"10.0.1.1\"]\nkeep_caller_user = true\n\
    trust = [\"asserted\", \"priority\"]\n\
    tells = [\"asserted\", \"diversion\", \"history\", \"priority\"]";

/// A caller with these headers, in conversation; gives the seat's INVITE.
fn talks(world: &mut World, headers: &str) -> Sent {
    sign_on(world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let text = caller.request("INVITE", 1, "i", &sdp(caller.from, 4000));
    world.arrive(caller.from, &text.replace("Max-Forwards: 70\r\n", headers));
    let invite = offer_at(world, S0);
    answer(world, &invite);
    caller.answered(world);
    invite
}

fn target(world: &mut World, key: &str) -> Sent {
    let call = only_call(world);
    press(world, call, key);
    let invite = world.take(addr(A), &format!("INVITE sip:0851{key}@"));
    reply(world, &invite, "486 Busy Here", "x", "");
    invite
}

#[test]
fn without_being_asked_a_call_out_says_no_more_than_before() {
    let mut world = world("to = [\"10.0.1.1\"]");
    talks(&mut world, "Max-Forwards: 70\r\n");
    let invite = target(&mut world, "110");
    assert!(
        invite
            .header("From")
            .starts_with("<sip:12356@test.invalid>")
    );
    for name in [
        "P-Asserted-Identity",
        "Privacy",
        "Diversion",
        "History-Info",
        "Resource-Priority",
    ] {
        assert_eq!(invite.find(name), None, "{name}");
    }
}

#[test]
fn a_call_out_says_who_forwards_and_how_urgent_it_is() {
    let mut world = world(ALL);
    talks(
        &mut world,
        "Max-Forwards: 70\r\nResource-Priority: wps.3, bad\r\n",
    );
    let invite = target(&mut world, "110");
    assert!(
        invite
            .header("From")
            .starts_with("<sip:13300000001@test.invalid>")
    );
    assert_eq!(
        invite.header("P-Asserted-Identity"),
        "<sip:12356@test.invalid>"
    );
    assert_eq!(
        invite.header("Diversion"),
        "<sip:12356@test.invalid>;reason=unconditional;counter=1"
    );
    assert_eq!(
        invite.header("History-Info"),
        "<sip:12356@test.invalid>;index=1, <sip:0851110@10.0.1.1:5060;cause=302>;index=1.1;mp=1"
    );
    assert_eq!(invite.header("Resource-Priority"), "esnet.0, wps.3");
    assert_eq!(invite.find("Privacy"), None);
    let invite = target(&mut world, "12345");
    assert_eq!(
        invite.header("Resource-Priority"),
        "wps.3",
        "no emergency of ours"
    );
}

#[test]
fn a_priority_is_believed_of_trusted_trunks_alone() {
    let mut world =
        world(&ALL.replace("\"asserted\", \"priority\"]\ntells", "\"asserted\"]\ntells"));
    let seat = talks(
        &mut world,
        "Max-Forwards: 70\r\nResource-Priority: wps.0\r\n",
    );
    assert_eq!(seat.find("Resource-Priority"), None);
    let invite = target(&mut world, "12345");
    assert_eq!(invite.find("Resource-Priority"), None);
    let invite = target(&mut world, "110");
    assert_eq!(invite.header("Resource-Priority"), "esnet.0");
}

#[test]
fn a_withheld_number_is_told_to_emergencies_alone() {
    let mut world = world(ALL);
    talks(
        &mut world,
        "Max-Forwards: 70\r\nPrivacy: id\r\nP-Asserted-Identity: <sip:13300000001@carrier>\r\n",
    );
    let invite = target(&mut world, "12345");
    assert_eq!(invite.header("Privacy"), "id");
    assert!(!invite.text.contains("13300000001"), "{}", invite.text);
    let invite = target(&mut world, "110");
    assert!(
        invite
            .header("From")
            .starts_with("<sip:13300000001@test.invalid>")
    );
    assert_eq!(
        invite.find("Privacy"),
        None,
        "who saves a life is to see it"
    );
    let invite = target(&mut world, "12345");
    assert!(
        !invite.text.contains("13300000001"),
        "the next is no emergency again"
    );
}

#[test]
fn an_anonymous_caller_is_anonymous_at_every_header_of_the_seats_invite() {
    let wishes = [
        "Privacy: id\r\nP-Asserted-Identity: <sip:13300000001@carrier>\r\n",
        "Privacy: user\r\n",
        "Privacy: header\r\nP-Asserted-Identity: <tel:+8613300000001>\r\n",
        "Privacy: id;critical\r\nP-Asserted-Identity: \"13300000001\" <sip:13300000001@c>\r\n",
        "Privacy: id\r\nDiversion: <sip:13300000001@c>;reason=unknown\r\n\
         History-Info: <sip:13300000001@c>;index=1\r\nRemote-Party-ID: <sip:13300000001@c>\r\n\
         Call-Info: <sip:13300000001@c>\r\nReferred-By: <sip:13300000001@c>\r\n\
         Subject: 13300000001\r\nContact: <sip:13300000001@c>\r\nReply-To: <sip:13300000001@c>\r\n",
    ];
    for wish in wishes {
        // Two Contacts are malformed: the caller's own is enough.
        let wish = wish.replace("Contact: <sip:13300000001@c>\r\n", "");
        let mut world = world(ALL);
        let seat = talks(&mut world, &format!("Max-Forwards: 70\r\n{wish}"));
        for line in seat.text.lines() {
            assert!(!line.contains("3300000001"), "{line}");
            assert!(!line.contains("10.0.1.1"), "the carrier's address: {line}");
        }
        assert!(seat.header("From").starts_with("<sip:12356@test.invalid>"));
    }
}

#[test]
fn hops_are_counted_on_towards_seat_and_target() {
    for (given, sent) in [
        ("Max-Forwards: 70\r\n", "69"),
        ("Max-Forwards: 9\r\n", "8"),
        ("Max-Forwards: 1\r\n", "0"),
        ("Max-Forwards: 255\r\n", "254"),
        ("", "69"),
    ] {
        let mut world = world(ALL);
        let seat = talks(&mut world, given);
        assert_eq!(seat.header("Max-Forwards"), sent);
        let invite = target(&mut world, "110");
        assert_eq!(invite.header("Max-Forwards"), sent);
        let lines = invite
            .text
            .lines()
            .filter(|l| l.starts_with("Max-Forwards"));
        assert_eq!(lines.count(), 1);
    }
}

#[test]
fn a_call_of_ours_that_comes_back_through_the_carrier_is_a_loop() {
    let mut world = world(ALL);
    talks(&mut world, "Max-Forwards: 70\r\n");
    let call = only_call(&world);
    press(&mut world, call, "110");
    let invite = world.take(addr(A), "INVITE sip:0851110@");
    let mark = invite.header("X-Meishier-Engine").to_owned();
    // A B2BUA: everything of the dialog is its own, what it does not know is handed on.
    let back = Caller::new(CARRIER, "12356");
    let text = back.request("INVITE", 1, "i", &sdp(back.from, 4000));
    let header = format!("X-Meishier-Engine: {mark}\r\nMax-Forwards");
    world.arrive(back.from, &text.replace("Max-Forwards", &header));
    world.take(back.from, "SIP/2.0 482");
    let told = |it: &&Notice| matches!(it, Notice::Refused(Refusal::Loop));
    assert_eq!(world.notices.iter().filter(told).count(), 1);
    // That of another engine is a call as any other, and so is one that names a call of ours.
    for (number, header) in [
        (
            "13500000000",
            "X-Meishier-Engine: 0123456789abcdef".to_owned(),
        ),
        ("13500000001", format!("X-Meishier-Call: {call}")),
    ] {
        let other = Caller::new(CARRIER, number);
        let text = other.request("INVITE", 1, "i", &sdp(other.from, 4000));
        let header = format!("{header}\r\nMax-Forwards");
        world.arrive(other.from, &text.replace("Max-Forwards", &header));
        world.take(other.from, "SIP/2.0 180");
    }
}
