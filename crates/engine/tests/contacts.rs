//! Seats whose telephones registered from several places: one rings, and the next only when nobody is
//! there. Ways through proxies and NAT, and who guesses passwords.

mod world;

use meishier_engine::signaling::{Binding, BindingChange};
use meishier_engine::{Command, Notice, Refusal, Reply, SeatChange, SeatState};
use meishier_model::{CounsellorId, OfferOutcome, SeatId};
use world::digest::{digest, md5_challenge};
use world::scene::{SECOND, seat_state};
use world::{CARRIER, Caller, Sent, World, addr, answer, reply};

const R0: u32 = 3;

/// One telephone of r0's.
#[derive(Clone, Copy)]
struct Phone {
    at: &'static str,
    contact: &'static str,
    headers: &'static str,
}

const DESK: Phone = Phone {
    at: "10.0.3.1:5062",
    contact: "<sip:r0@10.0.3.1:5062>",
    headers: "",
};
const COUCH: Phone = Phone {
    at: "10.0.3.2:5062",
    contact: "<sip:r0@10.0.3.2:5062>",
    headers: "",
};

fn request(phone: Phone, cseq: u32, authorization: &str) -> String {
    let Phone {
        at,
        contact,
        headers,
    } = phone;
    let auth = match authorization {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    format!(
        "REGISTER sip:test.invalid SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKr{cseq}\r\n\
         From: <sip:r0@test.invalid>;tag=r\r\nTo: <sip:r0@test.invalid>\r\nCall-ID: {at}\r\n\
         CSeq: {cseq} REGISTER\r\nContact: {contact}\r\nExpires: 600\r\nMax-Forwards: 70\r\n\
         {headers}{auth}Content-Length: 0\r\n\r\n"
    )
}

fn try_to_register(world: &mut World, phone: Phone, cseq: u32, password: &str) -> Sent {
    world.arrive(addr(phone.at), &request(phone, cseq, ""));
    let refused = world.take(addr(phone.at), "SIP/2.0 401");
    let challenge = md5_challenge(&refused);
    let auth = digest(&challenge, "REGISTER", "sip:test.invalid", "r0", password);
    world.arrive(addr(phone.at), &request(phone, cseq + 1, &auth));
    world.take(addr(phone.at), "SIP/2.0 ")
}

fn register(world: &mut World, phone: Phone) -> Sent {
    let ok = try_to_register(world, phone, 1, "secret-r0");
    assert!(ok.is("SIP/2.0 200"), "{}", ok.text);
    ok
}

fn sign_on(world: &mut World) {
    let change = SeatChange::SignOn {
        counsellor: CounsellorId(0),
        pin: None,
    };
    let seat = SeatId(R0);
    let Reply::Seat(Ok(_)) = world.command(Command::Seat { seat, change }) else {
        panic!()
    };
}

/// A caller waits for r0, which these telephones have registered for.
fn called(phones: &[Phone]) -> (World, Caller) {
    let mut world = World::new();
    for phone in phones {
        register(&mut world, *phone);
        world.pass(SECOND);
    }
    sign_on(&mut world);
    let caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    (world, caller)
}

fn outcomes(world: &World) -> Vec<OfferOutcome> {
    let ended = world.notices.iter().filter_map(|n| match n {
        Notice::OfferEnded { outcome, .. } => Some(*outcome),
        _ => None,
    });
    ended.collect()
}

#[test]
fn the_newest_rings_and_no_other() {
    let (mut world, mut caller) = called(&[DESK, COUCH]);
    let offer = world.take(addr(COUCH.at), "INVITE sip:r0@10.0.3.2:5062");
    reply(&mut world, &offer, "180 Ringing", "seat", "");
    world.pass(10 * SECOND);
    world.none(addr(DESK.at), "INVITE");
    answer(&mut world, &offer);
    caller.answered(&mut world);
    world.none(addr(DESK.at), "INVITE");
    caller.bye(&mut world);
    let bye = world.take(addr(COUCH.at), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.pass(40 * SECOND);
    let after = world.gauges();
    assert_eq!((after.calls, after.legs, after.ports), (0, 0, 0));
}

#[test]
fn what_the_phone_likes_more_comes_before_what_is_newer() {
    let quiet = Phone {
        contact: "<sip:r0@10.0.3.2:5062>;q=0.3",
        ..COUCH
    };
    let (mut world, _) = called(&[DESK, quiet]);
    world.take(addr(DESK.at), "INVITE");
    world.none(addr(quiet.at), "INVITE");
}

#[test]
fn where_nobody_is_the_next_one_rings_within_the_same_offer() {
    for status in ["430 Flow Failed", "404 Not Found", "503 Unavailable"] {
        let (mut world, mut caller) = called(&[DESK, COUCH]);
        let offer = world.take(addr(COUCH.at), "INVITE");
        reply(&mut world, &offer, status, "seat", "");
        world.take(addr(COUCH.at), "ACK");
        let next = world.take(addr(DESK.at), "INVITE");
        assert_eq!(next.rtp_port(), offer.rtp_port(), "one offer, one port");
        assert_eq!(outcomes(&world), [], "{status}");
        answer(&mut world, &next);
        caller.answered(&mut world);
        assert_eq!(outcomes(&world), [OfferOutcome::Answered]);
        assert_eq!(seat_state(&mut world, R0), SeatState::Talking);
    }
    // Nobody anywhere.
    let (mut world, _) = called(&[DESK, COUCH]);
    for phone in [COUCH, DESK] {
        let offer = world.take(addr(phone.at), "INVITE");
        reply(&mut world, &offer, "503 Unavailable", "seat", "");
    }
    assert_eq!(outcomes(&world), [OfferOutcome::Unreachable]);
}

#[test]
fn who_is_busy_is_so_everywhere() {
    for status in ["486 Busy Here", "603 Decline"] {
        let (mut world, _) = called(&[DESK, COUCH]);
        let offer = world.take(addr(COUCH.at), "INVITE");
        reply(&mut world, &offer, status, "seat", "");
        world.none(addr(DESK.at), "INVITE");
        assert_eq!(outcomes(&world), [OfferOutcome::Refused], "{status}");
    }
}

#[test]
fn a_telephone_that_says_nothing_is_tried_elsewhere_and_hung_up_if_it_answers_late() {
    let (mut world, mut caller) = called(&[DESK, COUCH]);
    let before = world.gauges();
    let mute = world.take(addr(COUCH.at), "INVITE");
    world.pass(3 * SECOND);
    world.none(addr(DESK.at), "INVITE");
    world.pass(SECOND);
    let offer = world.take(addr(DESK.at), "INVITE");
    reply(&mut world, &offer, "180 Ringing", "seat", "");
    // It answers after all: never two of one seat.
    world.clear();
    answer(&mut world, &mute);
    let bye = world.take(addr(COUCH.at), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.none(caller.from, "SIP/2.0 200");
    answer(&mut world, &offer);
    caller.answered(&mut world);
    assert_eq!(outcomes(&world), [OfferOutcome::Answered]);
    caller.bye(&mut world);
    let bye = world.take(addr(DESK.at), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.pass(40 * SECOND);
    let after = world.gauges();
    assert_eq!((after.calls, after.legs, after.ports), (0, 0, 0));
    assert_eq!(after.registrations, before.registrations);
}

#[test]
fn one_that_says_anything_is_waited_for_and_the_ring_limit_is_one() {
    let (mut world, _) = called(&[DESK, COUCH]);
    let offer = world.take(addr(COUCH.at), "INVITE");
    reply(&mut world, &offer, "100 Trying", "", "");
    world.pass(19 * SECOND);
    world.none(addr(DESK.at), "INVITE");
    world.pass(SECOND);
    assert_eq!(outcomes(&world), [OfferOutcome::NoAnswer]);
    // The limit counts from the first place on.
    let (mut world, _) = called(&[DESK, COUCH]);
    world.pass(4 * SECOND);
    let offer = world.take(addr(DESK.at), "INVITE");
    reply(&mut world, &offer, "180 Ringing", "seat", "");
    world.pass(16 * SECOND);
    assert_eq!(outcomes(&world), [OfferOutcome::NoAnswer]);
}

#[test]
fn each_place_has_the_whole_of_its_time_to_say_something() {
    let third = Phone {
        at: "10.0.3.3:5062",
        contact: "<sip:r0@10.0.3.3:5062>",
        ..DESK
    };
    let (mut world, _) = called(&[DESK, COUCH, third]);
    let offer = world.take(addr(third.at), "INVITE");
    world.pass(3 * SECOND);
    // Nobody is there; what was left of its time is not the next one's.
    reply(&mut world, &offer, "503 Unavailable", "seat", "");
    world.take(addr(COUCH.at), "INVITE");
    world.pass(3 * SECOND);
    world.none(addr(DESK.at), "INVITE");
    world.pass(SECOND);
    world.take(addr(DESK.at), "INVITE");
}

#[test]
fn a_place_that_cannot_be_written_to_does_not_end_the_offer() {
    let mut world = World::new();
    for phone in [DESK, COUCH] {
        register(&mut world, phone);
        world.pass(SECOND);
    }
    world.bindings.get_mut("r0").unwrap()[0].uri = "sip:r0@10.0.3.2 5062".to_owned();
    sign_on(&mut world);
    let before = world.gauges();
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = world.take(addr(DESK.at), "INVITE");
    world.none(addr(COUCH.at), "INVITE");
    assert_eq!(outcomes(&world), []);
    answer(&mut world, &offer);
    caller.answered(&mut world);
    caller.bye(&mut world);
    let bye = world.take(addr(DESK.at), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.pass(40 * SECOND);
    assert_eq!(world.gauges().ports, before.ports);
    // Nowhere at all: then it is over.
    for binding in world.bindings.get_mut("r0").unwrap() {
        binding.uri = "sip:r0@10.0.3.2 5062".to_owned();
    }
    world.notices.clear();
    Caller::new(CARRIER, "13300000002").invite(&mut world);
    assert_eq!(outcomes(&world), [OfferOutcome::Unreachable]);
}

#[test]
fn an_offer_goes_on_to_the_next_place_after_a_restart() {
    let (mut world, _) = called(&[DESK, COUCH]);
    world.take(addr(COUCH.at), "INVITE");
    world.pass(2 * SECOND);
    world.restart();
    world.none(addr(DESK.at), "INVITE");
    world.pass(3 * SECOND);
    world.take(addr(DESK.at), "INVITE");
}

#[test]
fn behind_a_proxy_the_call_goes_by_its_path() {
    let behind = Phone {
        headers: "Supported: path\r\nPath: <sip:edge@10.0.3.1:5062;lr>\r\n",
        contact: "<sip:r0@192.168.1.7>",
        ..DESK
    };
    let (mut world, mut caller) = called(&[behind]);
    let offer = world.take(addr(behind.at), "INVITE sip:r0@192.168.1.7 ");
    assert_eq!(offer.header("Route"), "<sip:edge@10.0.3.1:5062;lr>");
    answer(&mut world, &offer);
    caller.answered(&mut world);
}

#[test]
fn an_old_snapshot_of_a_binding_is_read() {
    let old = r#"{"user":"r0","contacts":[{"uri":"sip:r0@10.0.3.1","flow":{"transport":"Udp",
        "local":"10.0.0.1:5060","remote":"10.0.3.1:5060","connection":0},"expires":9}]}"#;
    let change: BindingChange = serde_json::from_str(old).unwrap();
    let Binding {
        route, flow_id, q, ..
    } = &change.contacts[0];
    assert_eq!((route.as_str(), flow_id, *q), ("", &None, 1000));
}

#[test]
fn a_telephone_behind_nat_hears_something_before_its_way_closes() {
    let hidden = Phone {
        contact: "<sip:r0@192.168.1.7:5060>",
        ..DESK
    };
    let timers = |phone| {
        let mut world = World::new();
        register(&mut world, phone);
        world.gauges().timers
    };
    assert_eq!(timers(hidden), timers(DESK), "it is no call's");
    let mut world = World::new();
    register(&mut world, hidden);
    for _ in 0..3 {
        world.clear();
        world.pass(25 * SECOND);
        let ask = world.take(addr(hidden.at), "OPTIONS sip:r0@192.168.1.7:5060 ");
        reply(&mut world, &ask, "200 OK", "phone", "");
    }
    world.restart();
    world.clear();
    world.pass(26 * SECOND);
    world.take(addr(hidden.at), "OPTIONS");
    // It ends with the registration.
    world.pass(600 * SECOND);
    world.clear();
    world.pass(100 * SECOND);
    world.none(addr(hidden.at), "OPTIONS");
    // Who is reached where it says needs none of it, and who is not to be asked is not.
    for (every, phone) in [("25s", DESK), ("0s", hidden)] {
        let key = format!("[sip]\nnat_keep_alive = \"{every}\"");
        let text = world::CONFIG.replacen("[sip]", &key, 1);
        let mut world = World::with(&text, world::TEN_O_CLOCK);
        register(&mut world, phone);
        world.pass(100 * SECOND);
        world.none(addr(phone.at), "OPTIONS");
    }
}

#[test]
fn guesses_are_counted_and_slowed_down() {
    let mut world = World::new();
    let refusals = |world: &World, why: Refusal| {
        let is = |n: &&Notice| matches!(n, Notice::Refused(it) if *it == why);
        world.notices.iter().filter(is).count()
    };
    for n in 0..6 {
        let refused = try_to_register(&mut world, DESK, 10 * n + 1, "guess");
        assert!(refused.is("SIP/2.0 403"), "{}", refused.text);
    }
    assert_eq!(refusals(&world, Refusal::WrongPassword), 6);
    let later = try_to_register(&mut world, DESK, 100, "secret-r0");
    assert!(later.is("SIP/2.0 503"), "{}", later.text);
    assert_eq!(later.header("Retry-After"), "1");
    assert_eq!(refusals(&world, Refusal::SlowedDown), 1);
    // Another telephone of the seat is nobody's victim, and the wait ends.
    register(&mut world, COUCH);
    world.pass(2 * SECOND);
    let ok = try_to_register(&mut world, DESK, 200, "secret-r0");
    assert!(ok.is("SIP/2.0 200"), "{}", ok.text);
}

#[test]
fn who_guesses_is_told_the_same_of_everybody_whatever_its_call_ids() {
    let mut heard = Vec::new();
    for user in ["r0", "nobody", "nemo"] {
        let mut world = World::new();
        let mut said = Vec::new();
        for n in 0..8 {
            let of = |cseq, auth: &str| {
                let text = request(DESK, cseq, auth).replace("sip:r0@", &format!("sip:{user}@"));
                text.replace("Call-ID: ", &format!("Call-ID: {n}-"))
            };
            world.arrive(addr(DESK.at), &of(10 * n + 1, ""));
            let refused = world.take(addr(DESK.at), "SIP/2.0 401");
            let challenge = md5_challenge(&refused);
            let auth = digest(&challenge, "REGISTER", "sip:test.invalid", user, "guess");
            world.arrive(addr(DESK.at), &of(10 * n + 2, &auth));
            let answer = world.take(addr(DESK.at), "SIP/2.0 ");
            said.push(answer.start().to_owned());
        }
        heard.push(said);
    }
    assert!(heard[0].last().unwrap().starts_with("SIP/2.0 503"));
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
}

#[test]
fn a_star_code_says_nothing_of_who_exists() {
    let mut world = World::new();
    let mut said = Vec::new();
    // s0 has an address of its own, r0 registers, nobody is unknown.
    for (n, user) in ["s0", "r0", "nobody"].iter().enumerate() {
        let caller = Caller::new("10.9.9.9:5060", user);
        let text = caller.request("INVITE", 1, "i", &world::sdp(caller.from, 4000));
        let text = text
            .replacen("sip:12356@", "sip:*12@", 2)
            .replace(&format!("{user}@caller"), &format!("n{n}@caller"));
        world.arrive(caller.from, &text);
        said.push(world.take(caller.from, "SIP/2.0 ").start().to_owned());
    }
    assert_eq!(said, ["SIP/2.0 401 Unauthorized"; 3]);
}
