//! Trunks whose carrier wants registration and passwords. The carrier is written by hand, and checks
//! digests by arithmetic of its own.

mod world;

use meishier_engine::signaling::RegistrationState;
use meishier_engine::{Command, CommandError, Input, Notice, Phase, Reply, TrunkView, dispatch};
use meishier_model::{CallId, TransferOutcome};
use world::digest::{md5_hex, parameter};
use world::scene::{S0, SECOND, baseline, offer_at, sign_on, talking};
use world::{CARRIER, Caller, Sent, World, addr, reply, sdp};

const REGISTRAR: &str = "10.0.1.9:5070";
const ROUTE: &str = "<sip:edge.ims.example;lr>, <sip:core.ims.example;lr>";

fn config(register: &str) -> String {
    world::CONFIG.replacen(
        "outgoing_number = \"12356\"",
        &format!("outgoing_number = \"12356\"\n{register}"),
        1,
    )
}

/// Without `out`: calls go where REGISTER goes.
fn registered(register: &str) -> String {
    config(register).replacen("out = \"10.0.1.1:5060\"\n", "", 1)
}

const REGISTER: &str = r#"
[trunks.register]
user = "+8685112356"
auth_user = "line7@ims.example"
password = "secret"
domain = "ims.example"
registrar = "10.0.1.9:5070"
expires = "10min"
"#;

const LOGIN: &str = r#"
[trunks.auth]
user = "line7@ims.example"
password = "secret"
"#;

fn registering() -> World {
    World::with(&registered(REGISTER), world::TEN_O_CLOCK)
}

/// The next request of that kind to the carrier; what else was sent stays.
fn next(world: &mut World, to: &str, method: &str) -> Sent {
    world.take(addr(to), method)
}

fn challenge(world: &mut World, request: &Sent, nonce: &str, more: &str) {
    let status = format!(
        "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"ims\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5{more}"
    );
    reply(world, request, &status, "c", "");
}

/// The nonce and count that a request shows, its password proved.
fn shown(request: &Sent) -> (String, String) {
    let value = request.header("Authorization");
    let get = |name: &str| parameter(value, name).to_owned();
    let method = request.start().split(' ').next().unwrap();
    let uri = request.start().split(' ').nth(1).unwrap();
    assert_eq!(get("uri"), uri);
    assert_eq!(get("username"), "line7@ims.example");
    let count = value.split("nc=").nth(1).unwrap()[..8].to_owned();
    let a1 = md5_hex("line7@ims.example:ims:secret");
    let a2 = md5_hex(&format!("{method}:{uri}"));
    let (nonce, cnonce) = (get("nonce"), get("cnonce"));
    let proof = md5_hex(&format!("{a1}:{nonce}:{count}:{cnonce}:auth:{a2}"));
    assert_eq!(get("response"), proof);
    (nonce, count)
}

fn accept(world: &mut World, register: &Sent, expires: u32) {
    let status = format!("200 OK\r\nExpires: {expires}\r\nService-Route: {ROUTE}");
    reply(world, register, &status, "c", "");
}

fn register(world: &mut World) {
    let first = next(world, REGISTRAR, "REGISTER");
    challenge(world, &first, "n0", "");
    let second = next(world, REGISTRAR, "REGISTER");
    assert_eq!(shown(&second), ("n0".into(), "00000001".into()));
    accept(world, &second, 600);
}

/// Lets time pass until a REGISTER leaves, for as long as its longest wait.
fn until_register(world: &mut World) {
    world.clear();
    let before = world.now;
    while !world.sent.iter().any(|m| m.is("REGISTER")) {
        world.pass(SECOND);
        assert!(world.now.mono - before.mono <= 1801 * SECOND);
    }
}

/// The configuration with a key that is no emergency's: an emergency tries any trunk in the end.
fn hotline(register: &str) -> String {
    registered(register).replace("kind = \"emergency\"", "kind = \"hotline\"")
}

fn press(world: &mut World) -> Result<(), CommandError> {
    let call: CallId = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    let command = Command::press(call, "110", "贵阳");
    match world.command(command) {
        Reply::Transfer(result) => result.map(|_| ()),
        other => panic!("{other:?}"),
    }
}

fn told(world: &World) -> Vec<(bool, u16)> {
    let of = |n: &Notice| match n {
        Notice::Registration {
            registered, status, ..
        } => Some((*registered, *status)),
        _ => None,
    };
    world.notices.iter().filter_map(of).collect()
}

fn view(world: &World) -> TrunkView {
    let mut view = world.shards[0].view(world.now);
    assert!(
        world.shards[1].view(world.now).trunks.is_empty(),
        "the first shard alone"
    );
    view.trunks.remove(0)
}

#[test]
fn one_shard_registers_and_every_shard_calls_out_by_what_it_learned() {
    let mut world = registering();
    let sent: Vec<&Sent> = world.sent.iter().filter(|m| m.is("REGISTER")).collect();
    assert_eq!(sent.len(), 1, "one shard for all");
    assert!(sent[0].start().starts_with("REGISTER sip:ims.example "));
    assert!(sent[0].header("To").contains("sip:+8685112356@ims.example"));
    assert!(
        sent[0]
            .header("Contact")
            .contains("sip:+8685112356@10.0.0.1:5060")
    );
    assert_eq!(
        view(&world).registration.unwrap().state,
        RegistrationState::Registering
    );
    register(&mut world);
    assert_eq!(told(&world), [(true, 200)]);
    let stands = view(&world).registration.unwrap();
    assert_eq!(
        (stands.state, stands.status),
        (RegistrationState::Registered, 200)
    );
    // Calls of every shard, so that each meets the carrier by itself.
    let mut homes = std::collections::BTreeSet::new();
    for n in 0..12 {
        let (caller, seat) = talking_as(&mut world, n);
        homes.insert(world.shards.iter().position(|s| s.calls().next().is_some()));
        press(&mut world).unwrap();
        let mut invite = next(&mut world, REGISTRAR, "INVITE sip:0851110@ims.example ");
        assert_eq!(invite.header("Route"), ROUTE);
        assert!(invite.header("From").contains("sip:12356@ims.example"));
        if invite.find("Authorization").is_none() {
            challenge(&mut world, &invite, &format!("n{}", n + 1), "");
            next(&mut world, REGISTRAR, "ACK");
            let again = next(&mut world, REGISTRAR, "INVITE");
            assert_eq!(again.header("Call-ID"), invite.header("Call-ID"));
            assert_eq!(again.header("Route"), ROUTE);
            invite = again;
        }
        shown(&invite);
        reply(
            &mut world,
            &invite,
            "200 OK",
            "police",
            &sdp(invite.to, 7000),
        );
        next(&mut world, REGISTRAR, "ACK");
        caller.bye(&mut world);
        world::seat_bye(&mut world, &seat);
        let bye = next(&mut world, REGISTRAR, "BYE");
        shown(&bye);
        reply(&mut world, &bye, "200 OK", "", "");
        let record = world.records.last().unwrap();
        assert_eq!(record.transfers[0].outcome, TransferOutcome::Joined);
        world.pass(30 * SECOND);
        world.clear();
    }
    assert!(homes.len() > 1, "on several shards: {homes:?}");
}

/// As `talking`, with another caller each time; the seat is signed on once.
fn talking_as(world: &mut World, n: u32) -> (Caller, Sent) {
    if n == 0 {
        return talking(world);
    }
    let mut caller = Caller::new(CARRIER, &format!("1330000{:04}", n + 1));
    caller.invite(world);
    let invite = offer_at(world, S0);
    world::answer(world, &invite);
    caller.answered(world);
    (caller, invite)
}

#[test]
fn without_its_registration_a_trunk_takes_no_calls_out_and_those_in_are_answered() {
    let mut world = World::with(&hotline(REGISTER), world::TEN_O_CLOCK);
    let first = next(&mut world, REGISTRAR, "REGISTER");
    reply(&mut world, &first, "403 Forbidden", "c", "");
    assert_eq!(told(&world), [(false, 403)]);
    assert_eq!(
        view(&world).registration.unwrap().state,
        RegistrationState::Refused
    );
    let (_, _) = talking(&mut world);
    press(&mut world).unwrap();
    world.none(addr(REGISTRAR), "INVITE");
    world.none(addr(CARRIER), "INVITE");
    // Within twenty minutes it is tried again, and then the key works.
    until_register(&mut world);
    register(&mut world);
    assert_eq!(told(&world), [(false, 403), (true, 200)]);
    press(&mut world).unwrap();
    next(&mut world, REGISTRAR, "INVITE");
}

#[test]
fn an_emergency_asks_a_trunk_that_is_not_registered_at_last_and_without_its_route() {
    let backup = "trunk = \"carrier\"\nbackup = [\"at-once\"]";
    for (text, others) in [("trunk = \"carrier\"", false), (backup, true)] {
        let text = registered(REGISTER)
            .replacen("trunk = \"carrier\"", text, 1)
            .replace(
                "peers = [\"10.0.1.2\"]",
                "peers = [\"10.0.1.2\"]\nto = [\"10.0.1.2\"]",
            );
        let mut world = World::with(&text, world::TEN_O_CLOCK);
        let first = next(&mut world, REGISTRAR, "REGISTER");
        reply(&mut world, &first, "403 Forbidden", "c", "");
        let (_, _) = talking(&mut world);
        press(&mut world).unwrap();
        if others {
            world.none(addr(REGISTRAR), "INVITE");
            let backup = next(&mut world, "10.0.1.2:5060", "INVITE");
            reply(&mut world, &backup, "503 Service Unavailable", "c", "");
        }
        let invite = next(&mut world, REGISTRAR, "INVITE sip:0851110@ims.example");
        assert_eq!(invite.find("Route"), None);
        reply(&mut world, &invite, "403 Forbidden", "c", "");
        world.take(addr(REGISTRAR), "ACK");
        world.none(addr(REGISTRAR), "INVITE");
    }
}

#[test]
fn calls_out_prefer_the_peer_that_holds_the_binding_on_every_shard() {
    const PEERS: [&str; 2] = ["10.0.1.1:5060", "10.0.1.5:5060"];
    let register = REGISTER.replace("registrar = \"10.0.1.9:5070\"\n", "");
    let two = "out = \"10.0.1.1:5060\"\n";
    let text = config(&register).replacen(two, "to = [\"10.0.1.1\", \"10.0.1.5\"]\n", 1);
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    let first = next(&mut world, PEERS[0], "REGISTER");
    reply(&mut world, &first, "503 Service Unavailable", "c", "");
    until_register(&mut world);
    let second = next(&mut world, PEERS[1], "REGISTER");
    accept(&mut world, &second, 600);
    let holder = addr(PEERS[1]);
    let mut shards = std::collections::BTreeSet::new();
    for n in 0..12 {
        let (caller, _) = talking_as(&mut world, n);
        let at = world.shards.iter().position(|s| s.calls().count() > 0);
        shards.insert(at);
        press(&mut world).unwrap();
        let invite = world.take(holder, "INVITE sip:0851110@");
        reply(&mut world, &invite, "503 Service Unavailable", "c", "");
        let other = next(&mut world, PEERS[0], "INVITE sip:0851110@");
        reply(&mut world, &other, "486 Busy Here", "c", "");
        caller.bye(&mut world);
        // The holder's 503 is forgotten, and the seat is ready again.
        world.pass(31 * SECOND);
        world.clear();
    }
    assert!(shards.len() > 1, "the calls are spread");
}

#[test]
fn a_refresh_keeps_it_and_an_outage_takes_it_away_and_it_comes_back() {
    let mut world = registering();
    register(&mut world);
    world.pass(300 * SECOND);
    let refresh = next(&mut world, REGISTRAR, "REGISTER");
    assert_eq!(shown(&refresh), ("n0".into(), "00000002".into()));
    challenge(&mut world, &refresh, "n1", ", stale=true");
    let again = next(&mut world, REGISTRAR, "REGISTER");
    assert_eq!(shown(&again), ("n1".into(), "00000001".into()));
    accept(&mut world, &again, 600);
    assert_eq!(told(&world), [(true, 200)], "no news");
    // Now the carrier is gone: until the end of what it granted the trunk counts as registered.
    world.pass(590 * SECOND);
    assert_eq!(told(&world), [(true, 200)]);
    world.pass(15 * SECOND);
    assert_eq!(told(&world), [(true, 200), (false, 408)]);
    world.pass(1200 * SECOND);
    until_register(&mut world);
    let back = next(&mut world, REGISTRAR, "REGISTER");
    accept(&mut world, &back, 600);
    assert_eq!(told(&world).last(), Some(&(true, 200)));
}

#[test]
fn a_call_to_our_contact_comes_in_by_the_trunks_peer_and_by_nobody_else() {
    let mut world = registering();
    register(&mut world);
    let mut caller = Caller::new(CARRIER, "13300000001");
    let text = caller
        .request("INVITE", 1, "i", &sdp(caller.from, 4000))
        .replacen("INVITE sip:12356@", "INVITE sip:+8685112356@", 1);
    world.arrive(caller.from, &text);
    next(&mut world, CARRIER, "SIP/2.0 180");
    assert_eq!(world.shards.iter().flat_map(|s| s.calls()).count(), 1);
    caller = Caller::new("10.9.9.9:5060", "13300000002");
    caller.invite(&mut world);
    next(&mut world, "10.9.9.9:5060", "SIP/2.0 403");
}

#[test]
fn a_trunk_with_a_password_alone_is_called_at_once_and_its_challenges_answered() {
    let mut world = World::with(&config(LOGIN), world::TEN_O_CLOCK);
    assert!(view(&world).registration.is_none());
    let before = world.gauges();
    let (caller, _) = talking(&mut world);
    press(&mut world).unwrap();
    let invite = next(&mut world, CARRIER, "INVITE sip:0851110@10.0.1.1:5060");
    assert!(invite.find("Authorization").is_none() && invite.find("Route").is_none());
    challenge(&mut world, &invite, "n", "");
    next(&mut world, CARRIER, "ACK");
    let again = next(&mut world, CARRIER, "INVITE");
    shown(&again);
    // A wrong password is final: the counsellor hears that it failed.
    challenge(&mut world, &again, "n2", "");
    next(&mut world, CARRIER, "ACK");
    world.none(addr(CARRIER), "INVITE");
    assert!(told(&world).is_empty());
    caller.bye(&mut world);
    assert_eq!(
        world.records[0].transfers[0].outcome,
        TransferOutcome::Failed
    );
    assert_eq!(world.records[0].transfers[0].status, 401);
    let bye = next(&mut world, S0, "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.pass(20 * SECOND);
    baseline(&mut world, before);
}

#[test]
fn a_caller_of_such_a_trunk_is_hung_up_with_credentials_if_the_carrier_asks() {
    let mut world = World::with(&config(LOGIN), world::TEN_O_CLOCK);
    let (_, invite) = talking(&mut world);
    world::seat_bye(&mut world, &invite);
    let bye = next(&mut world, CARRIER, "BYE");
    challenge(&mut world, &bye, "n", "");
    let again = next(&mut world, CARRIER, "BYE");
    shown(&again);
}

#[test]
fn options_show_credentials_where_the_carrier_asks_for_them() {
    let text = config(LOGIN).replacen(
        "answer = \"on_seat\"",
        "options_every = \"60s\"\nanswer = \"on_seat\"",
        1,
    );
    let mut world = World::with(&text, world::TEN_O_CLOCK);
    world.pass(SECOND / 10);
    let ping = next(&mut world, CARRIER, "OPTIONS");
    challenge(&mut world, &ping, "n", "");
    let again = next(&mut world, CARRIER, "OPTIONS");
    shown(&again);
    reply(&mut world, &again, "200 OK", "x", "");
    assert_eq!(view(&world).up, Some(true));
}

#[test]
fn the_end_takes_the_binding_back_when_the_calls_are_hung_up_and_not_before() {
    let mut world = registering();
    register(&mut world);
    let (_, _) = talking(&mut world);
    world.clear();
    for shard in 0..world.shards.len() {
        world.handle(shard, Input::Drain);
    }
    world.none(addr(REGISTRAR), "REGISTER");
    press(&mut world).unwrap();
    let invite = next(&mut world, REGISTRAR, "INVITE");
    reply(&mut world, &invite, "486 Busy Here", "x", "");
    for shard in 0..world.shards.len() {
        world.handle(shard, Input::HangUpAll);
    }
    let leave = next(&mut world, REGISTRAR, "REGISTER");
    assert!(leave.header("Contact").ends_with(";expires=0"));
    assert!(!world.shards[0].idle(), "the answer is waited for");
    reply(&mut world, &leave, "200 OK", "c", "");
    assert_eq!(told(&world).last().map(|it| it.0), Some(false));
    // The calls' own goodbyes are of no interest here; the registration is done.
    let mut quiet = registering();
    register(&mut quiet);
    quiet.handle(0, Input::Drain);
    quiet.handle(0, Input::HangUpAll);
    assert!(!quiet.shards[0].idle());
    quiet.pass(3 * SECOND);
    assert!(
        quiet.shards[0].idle(),
        "a carrier that is silent is not waited for for ever"
    );
}

#[test]
fn another_configuration_registers_anew_or_no_more() {
    let mut world = registering();
    register(&mut world);
    world.configure(&registered(REGISTER));
    world.none(addr(REGISTRAR), "REGISTER");
    world.configure(&registered(&REGISTER.replace("10min", "20min")));
    let anew = next(&mut world, REGISTRAR, "REGISTER");
    assert_eq!(anew.header("Expires"), "1200");
    shown(&anew);
    accept(&mut world, &anew, 1200);
    world.configure(world::CONFIG);
    let leave = next(&mut world, REGISTRAR, "REGISTER");
    assert!(leave.header("Contact").ends_with(";expires=0"));
    assert_eq!(
        told(&world).last(),
        Some(&(true, 0)),
        "no alarm stays behind"
    );
    reply(&mut world, &leave, "200 OK", "c", "");
    assert!(view(&world).registration.is_none());
    // The trunk takes calls out as any other.
    talking(&mut world);
    press(&mut world).unwrap();
    next(&mut world, CARRIER, "INVITE");
    assert!(matches!(
        world.shards[0].view(world.now).calls.first(),
        None | Some(_)
    ));
}

/// As `talking`, a call of this shard or, beyond the last, of the first.
fn talking_on(world: &mut World, home: usize) {
    sign_on(world, 0, 0);
    let home = home % world.shards.len();
    let of = |n: u32| Caller::new(CARRIER, &format!("1330000{n:04}"));
    let lands = |caller: &Caller| {
        let text = caller.request("INVITE", 1, "i", "");
        let shard = dispatch(text.as_bytes(), &world.config, world.config.shards);
        usize::from(shard.0) == home
    };
    let mut caller = (0..).map(of).find(lands).unwrap();
    caller.invite(world);
    let invite = offer_at(world, S0);
    world::answer(world, &invite);
    caller.answered(world);
    assert!(world.shards[home].calls().next().is_some());
}

#[test]
fn another_user_or_registrar_takes_the_old_binding_back_first() {
    for (home, (from, to, at)) in (0..).zip([
        ("+8685112356", "+8685112357", REGISTRAR),
        ("10.0.1.9:5070", "10.0.1.8:5070", "10.0.1.8:5070"),
        (
            "ims.example\"\nregistrar",
            "new.example\"\nregistrar",
            REGISTRAR,
        ),
    ]) {
        let mut world = World::with(&hotline(REGISTER), world::TEN_O_CLOCK);
        register(&mut world);
        talking_on(&mut world, home);
        world.clear();
        world.configure(&hotline(
            &REGISTER.replace(from, to).replace("\"secret\"", "\"new\""),
        ));
        let leave = next(&mut world, REGISTRAR, "REGISTER sip:ims.example ");
        assert!(leave.header("To").contains("sip:+8685112356@ims.example"));
        assert!(leave.header("Contact").contains("+8685112356@"), "{to}");
        assert!(leave.header("Contact").ends_with(";expires=0"), "{to}");
        world.none(addr(at), "REGISTER");
        // No call goes by the Route of the old one, of whichever shard.
        assert_eq!(told(&world).last().map(|it| it.0), Some(false));
        press(&mut world).unwrap();
        world.none(addr(at), "INVITE");
        world.none(addr(REGISTRAR), "INVITE");
        // With the password of the old one.
        challenge(&mut world, &leave, "n1", ", stale=true");
        let again = next(&mut world, REGISTRAR, "REGISTER");
        assert_eq!(shown(&again).0, "n1");
        reply(&mut world, &again, "200 OK", "c", "");
        let anew = next(&mut world, at, "REGISTER");
        assert!(anew.header("Expires") == "600" && anew.find("Authorization").is_none());
        assert_ne!(anew.header("Call-ID"), leave.header("Call-ID"));
        accept(&mut world, &anew, 600);
        assert_eq!(told(&world).last(), Some(&(true, 200)));
        world.pass(60 * SECOND);
        world.none(addr(REGISTRAR), "REGISTER");
    }
}

#[test]
fn an_old_registrar_that_is_silent_does_not_keep_the_new_one_waiting() {
    let mut world = registering();
    register(&mut world);
    world.configure(&registered(
        &REGISTER.replace("10.0.1.9:5070", "10.0.1.8:5070"),
    ));
    next(&mut world, REGISTRAR, "REGISTER");
    world.pass(SECOND);
    // Back and forth: what leaves is not disturbed.
    world.configure(&registered(REGISTER));
    world.configure(&registered(
        &REGISTER.replace("10.0.1.9:5070", "10.0.1.8:5070"),
    ));
    world.none(addr("10.0.1.8:5070"), "REGISTER");
    world.pass(SECOND);
    let anew = next(&mut world, "10.0.1.8:5070", "REGISTER");
    accept(&mut world, &anew, 600);
    let stands = view(&world).registration.unwrap();
    assert_eq!(stands.state, RegistrationState::Registered);
    world.pass(60 * SECOND);
    assert_eq!(told(&world).last(), Some(&(true, 200)));
    // Neither is one that leaves when the whole engine does.
    world.configure(&registered(REGISTER));
    world.handle(0, Input::Drain);
    world.handle(0, Input::HangUpAll);
    world.pass(5 * SECOND);
    assert!(world.shards[0].idle());
}

#[test]
fn after_a_restart_calls_go_out_while_the_registration_comes_back() {
    let mut world = registering();
    register(&mut world);
    talking(&mut world);
    world.clear();
    world.restart();
    next(&mut world, REGISTRAR, "REGISTER");
    press(&mut world).unwrap();
    let invite = next(&mut world, REGISTRAR, "INVITE");
    assert_eq!(invite.header("Route"), ROUTE);
    let phases = world.shards.iter().flat_map(|s| s.view(world.now).calls);
    assert_eq!(
        phases.map(|c| c.phase).collect::<Vec<_>>(),
        [Phase::Transferring]
    );
}
