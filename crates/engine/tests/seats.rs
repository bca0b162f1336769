//! Seats that register, star codes, and reachability that follows registration.

mod world;

use meishier_engine::config;
use meishier_engine::media::{MediaCommand, MediaEvent, PromptId, Source};
use meishier_engine::signaling::{Authenticator, Flow, Transport};
use meishier_engine::{Command, Input, Reply, SeatChange, SeatState, dispatch};
use meishier_model::{CounsellorId, SeatId};
use std::time::Duration;
use world::digest::{digest, md5_challenge, md5_hex};
use world::{CARRIER, Caller, ENGINE, Sent, World, addr, reply, sdp};

const PHONE: &str = "10.0.3.1:5062";
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_tests_own_md5_is_md5() {
    assert_eq!(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(
        md5_hex("message digest"),
        "f96b697d7cb7938d525a2f31aaf161d0"
    );
}

fn register(cseq: u32, expires: u32, authorization: &str) -> String {
    let auth = if authorization.is_empty() {
        String::new()
    } else {
        format!("Authorization: {authorization}\r\n")
    };
    format!(
        "REGISTER sip:test.invalid SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bKr{cseq}\r\n\
         From: <sip:r0@test.invalid>;tag=r\r\nTo: <sip:r0@test.invalid>\r\nCall-ID: register@phone\r\n\
         CSeq: {cseq} REGISTER\r\nContact: <sip:r0@{PHONE}>\r\nExpires: {expires}\r\nMax-Forwards: 70\r\n{auth}\
         Content-Length: 0\r\n\r\n"
    )
}

/// What answers the challenge that the engine has sent, for this request.
fn authorization(world: &mut World, method: &str, uri: &str) -> String {
    let refused = world.take(addr(PHONE), "SIP/2.0 401");
    digest(&md5_challenge(&refused), method, uri, "r0", "secret-r0")
}

fn registered(world: &mut World, cseq: u32, expires: u32) -> Sent {
    world.arrive(addr(PHONE), &register(cseq, expires, ""));
    let auth = authorization(world, "REGISTER", "sip:test.invalid");
    world.arrive(addr(PHONE), &register(cseq + 1, expires, &auth));
    world.take(addr(PHONE), "SIP/2.0 200")
}

fn state(world: &World) -> SeatState {
    let views = world.shards.iter().map(|s| s.view(world.now));
    views
        .flat_map(|v| v.seats)
        .find(|s| s.name == "r0")
        .unwrap()
        .state
}

fn sign_on(world: &mut World) {
    let change = SeatChange::SignOn {
        counsellor: CounsellorId(0),
        pin: None,
    };
    let Reply::Seat(Ok(_)) = world.command(Command::Seat {
        seat: SeatId(3),
        change,
    }) else {
        panic!()
    };
}

#[test]
fn availability_follows_registration() {
    let mut world = World::new();
    sign_on(&mut world);
    assert_eq!(state(&world), SeatState::Unreachable);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    world.none(addr(PHONE), "INVITE");
    let ok = registered(&mut world, 1, 120);
    assert!(ok.header("Contact").contains("expires=120"));
    let invite = world.take(addr(PHONE), "INVITE sip:r0@10.0.3.1:5062");
    reply(&mut world, &invite, "486 Busy Here", "seat", "");
    world.pass(6 * SECOND);
    world.take(addr(PHONE), "INVITE");
    assert_eq!(state(&world), SeatState::Offered);
}

#[test]
fn a_registration_that_runs_out_takes_the_seat_out_of_the_queue() {
    let mut world = World::new();
    sign_on(&mut world);
    registered(&mut world, 1, 60);
    assert_eq!(state(&world), SeatState::Ready);
    world.pass(61 * SECOND);
    assert_eq!(state(&world), SeatState::Unreachable);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    world.none(addr(PHONE), "INVITE");
    assert_eq!(world.gauges().registrations, 0);
}

#[test]
fn a_phone_whose_connection_closed_is_unreachable_until_it_registers_again() {
    let mut world = World::new();
    let flow = Flow {
        transport: Transport::Tcp,
        local: addr(ENGINE),
        remote: addr(PHONE),
        connection: 7,
    };
    let send = |world: &mut World, connection, text: String| {
        let flow = Flow { connection, ..flow };
        let bytes = text.replace("/UDP", "/TCP").into_bytes();
        let shard = dispatch(&bytes, &world.config, world.config.shards);
        let bytes = &bytes;
        world.handle(usize::from(shard.0), Input::Message { flow, bytes });
    };
    let register_on = |world: &mut World, connection, cseq| {
        send(world, connection, register(cseq, 300, ""));
        let auth = authorization(world, "REGISTER", "sip:test.invalid");
        send(world, connection, register(cseq + 1, 300, &auth));
        world.take(addr(PHONE), "SIP/2.0 200");
    };
    register_on(&mut world, 7, 1);
    sign_on(&mut world);
    assert_eq!(state(&world), SeatState::Ready);
    for connection in [8, 0] {
        let flow = Flow { connection, ..flow };
        for shard in 0..4 {
            world.handle(shard, Input::FlowFailed { flow });
        }
        assert_eq!(state(&world), SeatState::Ready, "another's connection");
    }
    for shard in 0..4 {
        world.handle(shard, Input::FlowFailed { flow });
    }
    assert_eq!(state(&world), SeatState::Unreachable);
    assert!(world.bindings["r0"].is_empty());
    assert_eq!(world.queue.counts().ready, 0);
    register_on(&mut world, 9, 10);
    assert_eq!(state(&world), SeatState::Ready);
}

#[test]
fn a_wrong_password_registers_nobody() {
    let mut world = World::new();
    world.arrive(addr(PHONE), &register(1, 120, ""));
    let refused = world.take(addr(PHONE), "SIP/2.0 401");
    let auth = digest(
        &md5_challenge(&refused),
        "REGISTER",
        "sip:test.invalid",
        "r0",
        "guessed",
    );
    world.arrive(addr(PHONE), &register(2, 120, &auth));
    world.none(addr(PHONE), "SIP/2.0 200");
    assert_eq!(world.gauges().registrations, 0);
}

fn star(cseq: u32, code: &str, authorization: &str) -> String {
    let auth = if authorization.is_empty() {
        String::new()
    } else {
        format!("Authorization: {authorization}\r\n")
    };
    let body = sdp(addr(PHONE), 5000);
    let mark = code.replace('*', "-");
    format!(
        "INVITE sip:{code}@test.invalid SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bKs{mark}{cseq}\r\n\
         From: <sip:r0@test.invalid>;tag=s\r\nTo: <sip:{code}@test.invalid>\r\nCall-ID: star{code}@phone\r\n\
         CSeq: {cseq} INVITE\r\nContact: <sip:r0@{PHONE}>\r\nMax-Forwards: 70\r\n{auth}\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Dials a star code with the right digest; gives what is said.
fn dial_star(world: &mut World, code: &str) -> PromptId {
    world.arrive(addr(PHONE), &star(1, code, ""));
    let auth = authorization(world, "INVITE", &format!("sip:{code}@test.invalid"));
    world.media.clear();
    world.arrive(addr(PHONE), &star(2, code, &auth));
    let answer = world.take(addr(PHONE), "SIP/2.0 200");
    let ack = format!(
        "ACK {} SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bKsa{}\r\nFrom: <sip:r0@test.invalid>;tag=s\r\n\
         To: {}\r\nCall-ID: star{code}@phone\r\nCSeq: 2 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        answer.contact(),
        code.replace('*', "-"),
        answer.header("To")
    );
    world.arrive(addr(PHONE), &ack);
    let said = world.media.iter().find_map(|c| match c {
        MediaCommand::Hear {
            port,
            source: Source::Playlist { prompts, token, .. },
        } => Some((*port, prompts[0], *token)),
        _ => None,
    });
    let (port, prompt, token) = said.expect("something is said");
    for shard in 0..world.shards.len() {
        world.handle(
            shard,
            Input::Media(MediaEvent::PlaylistDone { port, token }),
        );
    }
    let bye = world.take(addr(PHONE), "BYE");
    reply(world, &bye, "200 OK", "", "");
    prompt
}

#[test]
fn a_counsellor_signs_on_pauses_and_leaves_by_star_codes() {
    let mut world = World::new();
    registered(&mut world, 1, 3600);
    assert_eq!(dial_star(&mut world, "*11*100*9999"), PromptId::PinWrong);
    assert_eq!(state(&world), SeatState::SignedOff);
    assert_eq!(dial_star(&mut world, "*11*100*1230"), PromptId::SignedOn);
    assert_eq!(state(&world), SeatState::Ready);
    assert_eq!(dial_star(&mut world, "*13"), PromptId::Paused);
    assert_eq!(state(&world), SeatState::Paused);
    assert_eq!(dial_star(&mut world, "*12"), PromptId::Resumed);
    assert_eq!(state(&world), SeatState::Ready);
    assert_eq!(dial_star(&mut world, "*14"), PromptId::SignedOff);
    assert_eq!(state(&world), SeatState::SignedOff);
    world.pass(60 * SECOND);
    let gauges = world.gauges();
    assert_eq!((gauges.legs, gauges.ports, gauges.transactions), (0, 0, 0));
    assert!(
        world.records.is_empty(),
        "a star code is no call to the hotline"
    );
}

#[test]
fn a_star_code_without_the_password_changes_nothing() {
    let mut world = World::new();
    world.arrive(addr(PHONE), &star(1, "*11*100*1230", ""));
    world.take(addr(PHONE), "SIP/2.0 401");
    assert_eq!(state(&world), SeatState::SignedOff);
}

#[test]
fn options_are_answered_and_a_draining_engine_says_503() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "1");
    let text = caller.request("OPTIONS", 1, "o", "");
    world.arrive(caller.from, &text);
    let answer = world.take(caller.from, "SIP/2.0 200");
    assert!(answer.header("Allow").contains("INVITE"));
    for shard in 0..4 {
        world.handle(shard, Input::Drain);
    }
    let text = caller.request("OPTIONS", 2, "p", "");
    world.arrive(caller.from, &text);
    let busy = world.take(caller.from, "SIP/2.0 503");
    assert_eq!(busy.header("Retry-After"), "5");
}

#[test]
fn an_unknown_require_is_420() {
    let mut world = World::new();
    let caller = Caller::new(CARRIER, "1");
    let text = caller
        .request("INVITE", 1, "i", &sdp(caller.from, 4000))
        .replace("Max-Forwards", "Require: teleport\r\nMax-Forwards");
    world.arrive(caller.from, &text);
    let refused = world.take(caller.from, "SIP/2.0 420");
    assert_eq!(refused.header("Unsupported"), "teleport");
}

#[test]
fn the_trunk_is_down_after_two_silent_options_and_up_after_one_answer() {
    let text = world::CONFIG.replacen(
        "answer = \"on_seat\"",
        "options_every = \"60s\"\nanswer = \"on_seat\"",
        1,
    );
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    world.pass(2 * 60 * SECOND);
    let down = |world: &World| {
        let is = |n: &&meishier_engine::Notice| matches!(n, meishier_engine::Notice::Trunk { .. });
        world.notices.iter().rfind(is).cloned()
    };
    assert!(matches!(
        down(&world),
        Some(meishier_engine::Notice::Trunk { up: false, .. })
    ));
    world.clear();
    world.pass(SECOND);
    let ping = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &ping, "404 Not Found", "x", "");
    assert!(matches!(
        down(&world),
        Some(meishier_engine::Notice::Trunk { up: true, .. })
    ));
}

#[test]
fn a_challenge_is_good_for_the_refresh_of_the_longest_registration() {
    for (after, answer) in [
        (480, "SIP/2.0 200"),
        (599, "SIP/2.0 200"),
        (661, "SIP/2.0 401"),
    ] {
        let mut world = World::new();
        world.arrive(addr(PHONE), &register(1, 600, ""));
        let auth = authorization(&mut world, "REGISTER", "sip:test.invalid");
        world.pass(after * SECOND);
        world.clear();
        world.arrive(addr(PHONE), &register(2, 600, &auth));
        world.take(addr(PHONE), answer);
    }
}

#[test]
fn the_same_secret_serves_all_shards() {
    // A challenge of one shard is accepted by another: the phone's second INVITE may hash elsewhere.
    let world = World::new();
    let _ = (&world, Transport::Udp, config::Lang::Zh, ENGINE);
    let setup = |secret| meishier_engine::signaling::AuthConfig {
        realm: "test.invalid".into(),
        secret,
        nonce_ttl: 60 * SECOND,
        sha256: true,
    };
    let mut one = Authenticator::new(setup([1; 32]));
    let mut two = Authenticator::new(setup([1; 32]));
    let password = |user: &str| (user == "r0").then(|| "secret-r0".to_owned());
    let parse = |text: &str| meishier_engine::signaling::Message::parse(text.as_bytes()).unwrap();
    let first = one.check(
        world.now.mono,
        addr(PHONE).ip(),
        &parse(&register(1, 60, "")),
        &password,
    );
    let meishier_engine::signaling::AuthResult::Challenge { headers } = first else {
        panic!()
    };
    let challenge = &headers.iter().find(|(_, v)| v.contains("MD5")).unwrap().1;
    let auth = digest(challenge, "REGISTER", "sip:test.invalid", "r0", "secret-r0");
    let second = two.check(
        world.now.mono,
        addr(PHONE).ip(),
        &parse(&register(2, 60, &auth)),
        &password,
    );
    assert!(matches!(second, meishier_engine::signaling::AuthResult::Ok { user } if user == "r0"));
}

#[test]
fn a_registered_phone_is_reached_after_a_restart_until_its_registration_runs_out() {
    let mut world = World::new();
    sign_on(&mut world);
    registered(&mut world, 1, 120);
    world.pass(20 * SECOND);
    world.restart();
    assert_eq!(state(&world), SeatState::Ready);
    assert_eq!(world.gauges().registrations, 1);
    let caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    let invite = world.take(addr(PHONE), "INVITE sip:r0@10.0.3.1:5062");
    reply(&mut world, &invite, "486 Busy Here", "seat", "");
    caller.cancel(&mut world);
    // A request that is older than the one before the restart changes nothing.
    world.clear();
    world.arrive(addr(PHONE), &register(1, 0, ""));
    let auth = authorization(&mut world, "REGISTER", "sip:test.invalid");
    let old = register(2, 0, &auth).replace("bKr2", "bKold");
    world.arrive(addr(PHONE), &old);
    world.take(addr(PHONE), "SIP/2.0 500");
    world.pass(99 * SECOND);
    assert_eq!(state(&world), SeatState::Ready);
    world.pass(2 * SECOND);
    assert_eq!(state(&world), SeatState::Unreachable);
}

#[test]
fn a_registration_outlives_a_shard_that_is_replaced_and_still_runs_out() {
    let mut world = World::new();
    sign_on(&mut world);
    registered(&mut world, 1, 60);
    world.replace_by_snapshots();
    assert_eq!(state(&world), SeatState::Ready);
    world.pass(61 * SECOND);
    assert_eq!(state(&world), SeatState::Unreachable);
}

#[test]
fn a_phone_whose_connection_went_with_the_process_registers_again() {
    let mut world = World::new();
    sign_on(&mut world);
    let flow = Flow {
        transport: Transport::Tcp,
        local: addr(ENGINE),
        remote: addr(PHONE),
        connection: 7,
    };
    let send = |world: &mut World, text: String| {
        let bytes = text.replace("/UDP", "/TCP").into_bytes();
        let shard = dispatch(&bytes, &world.config, world.config.shards);
        let bytes = &bytes;
        world.handle(usize::from(shard.0), Input::Message { flow, bytes });
    };
    send(&mut world, register(1, 300, ""));
    let auth = authorization(&mut world, "REGISTER", "sip:test.invalid");
    send(&mut world, register(2, 300, &auth));
    assert_eq!(state(&world), SeatState::Ready);
    world.replace_by_snapshots();
    assert_eq!(state(&world), SeatState::Ready, "the connection is there");
    world.restart();
    assert_eq!(state(&world), SeatState::Unreachable);
    assert_eq!(world.queue.counts().ready, 0);
    registered(&mut world, 3, 300);
    assert_eq!(state(&world), SeatState::Ready);
}

#[test]
fn a_star_code_that_a_restart_meets_is_done_and_its_call_ends() {
    let mut world = World::new();
    registered(&mut world, 1, 300);
    assert_eq!(dial_star(&mut world, "*11*100*1230"), PromptId::SignedOn);
    world.arrive(addr(PHONE), &star(1, "*13", ""));
    let auth = authorization(&mut world, "INVITE", "sip:*13@test.invalid");
    world.clear();
    world.arrive(addr(PHONE), &star(2, "*13", &auth));
    let answer = world.take(addr(PHONE), "SIP/2.0 200");
    let ack = format!(
        "ACK {} SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bKack13\r\nFrom: {}\r\nTo: {}\r\n\
         Call-ID: star*13@phone\r\nCSeq: 2 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        answer.contact(),
        answer.header("From"),
        answer.header("To"),
    );
    world.arrive(addr(PHONE), &ack);
    world.restart();
    let bye = world.take(addr(PHONE), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    assert_eq!(state(&world), SeatState::Paused);
    world.pass(40 * SECOND);
    assert_eq!((world.gauges().legs, world.gauges().ports), (0, 0));
}
