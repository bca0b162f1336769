//! Trunks and telephones in networks of their own: each hears of the address that is ours there.

mod world;

use meishier_engine::{Command, Input, Reply};
use meishier_model::TrunkId;
use world::scene::*;
use world::{
    CARRIER, CONFIG, Caller, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp, seat_request,
};

/// What the carrier and the office see of us.
const TO_CARRIER: &str = "203.0.113.9";
const TO_OFFICE: &str = "192.168.7.1";

/// Trunk "carrier" behind the carrier's NAT, seat s0 in an office; all others in neither.
fn text(office: &str) -> String {
    let networks = format!(
        "[[networks]]\nname = \"carrier\"\naddress = \"10.0.0.7\"\nadvertised = \"{TO_CARRIER}\"\n\
         rtp = {{ first_port = 30000, last_port = 30999 }}\n\n\
         [[networks]]\nname = \"office\"\naddress = \"{TO_OFFICE}\"\nrtp = {{ {office} }}\n\n[[trunks]]"
    );
    let listen = format!(
        "listen = [\"udp:10.0.0.1:5060\", \"udp:10.0.0.7:5060\", \"udp:{TO_OFFICE}:5060\"]"
    );
    let seats = "[[seats]]\nname = \"s0\"\nnetwork = \"office\"\ncontact = \"sip:s0@10.0.2.0:5060\"\npools = [\"city\"]\n\n\
                 [[seats]]\nname = \"s{1..1}\"";
    CONFIG
        .replacen("listen = [\"udp:10.0.0.1:5060\"]", &listen, 1)
        .replacen("max_calls = 100", "max_calls = 16", 1)
        .replacen("[[trunks]]", &networks, 1)
        .replacen(
            "name = \"carrier\"\npeers",
            "name = \"carrier\"\nnetwork = \"carrier\"\npeers",
            1,
        )
        .replacen("[[seats]]\nname = \"s{0..1}\"", seats, 1)
}

fn world(text: &str) -> World {
    let mut world = World::with(text, TEN_O_CLOCK);
    let seen = [(CARRIER, TO_CARRIER), (S0, TO_OFFICE)];
    for (remote, local) in seen {
        world
            .seen_as
            .insert(addr(remote), format!("{local}:5060").parse().unwrap());
    }
    world
}

/// Every place of a message where our address stands: Via and Contact, and the o=, c= and m= lines.
fn speaks_of(message: &Sent, ours: &str, ports: std::ops::Range<u16>) {
    let text = &message.text;
    if !message.is("SIP/2.0") {
        assert!(message.header("Via").contains(ours), "{text}");
    }
    assert!(message.header("Contact").contains(ours), "{text}");
    let body = message.body();
    let line = |start: &str| body.lines().find(|it| it.starts_with(start)).unwrap();
    assert!(line("o=").ends_with(&format!("IN IP4 {ours}")), "{body}");
    assert_eq!(line("c="), format!("c=IN IP4 {ours}"));
    let port: u16 = line("m=audio ").split(' ').nth(1).unwrap().parse().unwrap();
    assert!(ports.contains(&port), "{body}");
}

#[test]
fn a_call_between_two_networks_has_a_port_and_an_address_in_each() {
    let mut world = world(&text("first_port = 40000, last_port = 40999"));
    let before = world.gauges();
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = offer_at(&mut world, S0);
    speaks_of(&offer, TO_OFFICE, 40000..41000);
    answer(&mut world, &offer);
    let answered = world.take(caller.from, "SIP/2.0 200");
    speaks_of(&answered, TO_CARRIER, 30000..31000);
    caller.answer = Some(answered);
    caller.ack(&mut world);
    // The police are called by way of the carrier.
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    let key = Command::press(call, "110", "贵阳");
    assert!(matches!(world.command(key), Reply::Transfer(Ok(_))));
    let police = world.take(addr(CARRIER), "INVITE sip:0851110@");
    speaks_of(&police, TO_CARRIER, 30000..31000);
    reply(&mut world, &police, "200 OK", "seat", &sdp(police.to, 7000));
    let ack = world.take(addr(CARRIER), "ACK");
    assert!(ack.header("Via").contains(TO_CARRIER), "{}", ack.text);
    caller.bye(&mut world);
    // The police hang up, so that nobody is left for the counsellor.
    world.arrive(police.to, &seat_request(&police, "BYE", 9, ""));
    let bye = world.take(addr(S0), "BYE");
    assert!(bye.header("Via").contains(TO_OFFICE), "{}", bye.text);
    reply(&mut world, &bye, "200 OK", "", "");
    assert_eq!(world.gauges().ports, before.ports);
}

#[test]
fn who_names_no_network_is_told_what_the_file_says_for_all() {
    let mut world = world(&text("first_port = 40000, last_port = 40999"));
    sign_on(&mut world, 1, 0);
    let caller = Caller::new("10.0.1.2:5060", "13300000001");
    caller.invite(&mut world);
    let answered = world.take(caller.from, "SIP/2.0 200");
    speaks_of(&answered, "10.0.0.1", 20000..30000);
    speaks_of(&offer_at(&mut world, S1), "10.0.0.1", 20000..30000);
}

#[test]
fn a_network_may_be_seen_at_the_address_of_the_common_ports() {
    let (own, common) = ("advertised = \"203.0.113.9\"", "\"udp:10.0.0.1:5060\"");
    let text = text("first_port = 40000, last_port = 40999")
        .replacen(own, "advertised = \"10.0.0.1\"", 1)
        .replacen(
            common,
            "{ on = \"udp:10.0.0.1:5060\", advertised = \"198.51.100.1\" }",
            1,
        );
    let mut world = World::with(&text, TEN_O_CLOCK);
    sign_on(&mut world, 1, 0);
    let caller = Caller::new(CARRIER, "13300000001");
    caller.invite(&mut world);
    let offer = offer_at(&mut world, S1);
    let body = offer.body();
    let port = body.split("m=audio ").nth(1).unwrap();
    assert!(port.starts_with('2'), "one of [rtp]: {body}");
    answer(&mut world, &offer);
    let answered = world.take(caller.from, "SIP/2.0 200");
    speaks_of(&answered, "10.0.0.1", 30000..31000);
}

#[test]
fn the_address_of_a_trunk_is_believed_in_its_own_network_alone() {
    let mut world = world(&text("first_port = 40000, last_port = 40999"));
    world.seen_as.clear();
    let forged = Caller::new(CARRIER, "13300000001");
    forged.invite(&mut world);
    world.take(forged.from, "SIP/2.0 403");
    let in_the_office = format!("{TO_OFFICE}:5060").parse().unwrap();
    world.seen_as.insert(addr(CARRIER), in_the_office);
    let forged = Caller::new(CARRIER, "13300000002");
    forged.invite(&mut world);
    world.take(forged.from, "SIP/2.0 403");
    let of_carrier = format!("{TO_CARRIER}:5060").parse().unwrap();
    world.seen_as.insert(addr(CARRIER), of_carrier);
    let caller = Caller::new(CARRIER, "13300000003");
    caller.invite(&mut world);
    world.take(caller.from, "SIP/2.0 180");
}

#[test]
fn whoever_dns_names_among_the_peers_may_call() {
    let named = "peers = [\"10.0.1.1\", \"calls.carrier.example\"]";
    let text = CONFIG.replacen("peers = [\"10.0.1.1\"]", named, 1);
    let mut world = World::with(&text, TEN_O_CLOCK);
    let stranger = Caller::new("10.0.9.9:5060", "13300000001");
    stranger.invite(&mut world);
    // It may be whom DNS is about to name.
    let later = world.take(stranger.from, "SIP/2.0 503");
    assert!(!later.header("Retry-After").is_empty(), "{}", later.text);
    for shard in 0..world.shards.len() {
        world.handle(
            shard,
            Input::Callers {
                trunk: TrunkId(0),
                addresses: vec!["10.0.9.9".parse().unwrap()],
            },
        );
    }
    let known = Caller::new("10.0.9.9:5090", "13300000002");
    known.invite(&mut world);
    world.take(known.from, "SIP/2.0 180");
    let nobody = Caller::new("10.0.9.10:5060", "13300000005");
    nobody.invite(&mut world);
    world.take(nobody.from, "SIP/2.0 403");
    let more = text.replacen("carrier.example", "carrier.example\", \"more.example", 1);
    world.configure(&more);
    let still = Caller::new("10.0.9.9:5092", "13300000004");
    still.invite(&mut world);
    world.take(still.from, "SIP/2.0 180");
    // The file no longer names anybody.
    world.configure(CONFIG);
    let later = Caller::new("10.0.9.9:5091", "13300000003");
    later.invite(&mut world);
    world.take(later.from, "SIP/2.0 403");
}
