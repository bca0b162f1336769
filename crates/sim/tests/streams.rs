//! The books of streams follow the orders, and each rule about them is able to fail.

use meishier_engine::Phase;
use meishier_media::{
    Accept, Codec, Direction, MediaCommand, MediaEvent, Negotiated, PromptId, Source,
};
use meishier_model::{Mono, PortId, RtpStats};
use meishier_sim::reference::parts::Part;
use meishier_sim::stream::{AgentStream, CallStreams, Hears, PartyStream, Place, Role, Streams};
use std::collections::BTreeSet;
use std::net::SocketAddr;

const NOW: Mono = Mono(5_000_000);

fn party_address(port: u32) -> SocketAddr {
    format!("192.0.2.{}:4000", port + 1).parse().unwrap()
}

fn engine_address(port: u32) -> SocketAddr {
    format!("198.51.100.1:{}", 20_000 + 2 * port)
        .parse()
        .unwrap()
}

fn media(port: u32) -> Negotiated {
    Negotiated {
        remote: party_address(port),
        codec: Codec::Pcma,
        payload_type: 8,
        telephone_event: Some(101),
        ptime_ms: 20,
        direction: Direction::SendRecv,
        rtcp: Default::default(),
        protection: None,
    }
}

fn accept(media: &Negotiated) -> Accept {
    Accept {
        sdp: media.remote.ip(),
        signalling: None,
    }
}

fn open_with(port: u32, media: Negotiated) -> MediaCommand {
    MediaCommand::Open {
        port: PortId(port),
        accept: accept(&media),
        media,
    }
}

fn open(port: u32) -> MediaCommand {
    open_with(port, media(port))
}

fn update(port: u32, change: impl Fn(&mut Negotiated)) -> MediaCommand {
    let mut media = media(port);
    change(&mut media);
    MediaCommand::Update {
        port: PortId(port),
        accept: accept(&media),
        media,
    }
}

fn hear(port: u32, source: Source) -> MediaCommand {
    MediaCommand::Hear {
        port: PortId(port),
        source,
    }
}

fn music(port: u32) -> MediaCommand {
    hear(port, Source::Music)
}

fn peer(port: u32, other: u32) -> MediaCommand {
    hear(port, Source::Peer(PortId(other)))
}

fn mix(port: u32, others: &[u32]) -> MediaCommand {
    hear(
        port,
        Source::Mix(others.iter().copied().map(PortId).collect()),
    )
}

fn close(port: u32) -> MediaCommand {
    MediaCommand::Close { port: PortId(port) }
}

fn closed(port: u32) -> MediaEvent {
    MediaEvent::Closed {
        port: PortId(port),
        stats: RtpStats::default(),
    }
}

fn said(port: u32, token: u64) -> MediaEvent {
    MediaEvent::PlaylistDone {
        port: PortId(port),
        token,
    }
}

fn place(port: u32) -> Place {
    Place {
        shard: 0,
        port: PortId(port),
    }
}

fn streams(orders: impl IntoIterator<Item = MediaCommand>) -> Streams {
    let mut streams = Streams::new((0..8).map(|p| (engine_address(p), place(p))));
    order(&mut streams, orders);
    streams
}

fn order(streams: &mut Streams, orders: impl IntoIterator<Item = MediaCommand>) {
    for order in orders {
        streams.on_command(NOW, 0, &order);
    }
}

fn party(role: Role, port: u32) -> PartyStream {
    PartyStream {
        described: true,
        role,
        part: None,
        attends: role == Role::Seat,
        port: PortId(port),
        present: true,
        agent: Some(AgentStream {
            local: party_address(port),
            codec: Some(Codec::Pcma),
            sends: true,
            hears: true,
            settled: true,
        }),
    }
}

/// Caller at port 0, seat at 1, target at 2, as many as the phase has.
fn of(phase: Phase) -> CallStreams {
    let mut parties = vec![
        party(Role::Caller, 0),
        party(Role::Seat, 1),
        party(Role::Target, 2),
    ];
    parties.truncate(match phase {
        Phase::Queued => 1,
        Phase::Transferring => 3,
        _ => 2,
    });
    if phase == Phase::Offered {
        parties[1].present = false;
    }
    if matches!(phase, Phase::Talking | Phase::Transferring) {
        for party in &mut parties {
            party.part = Some(Part::Full);
        }
    }
    CallStreams {
        name: "c1".to_owned(),
        shard: 0,
        phase,
        music: true,
        parties,
    }
}

fn talking() -> Vec<MediaCommand> {
    vec![open(0), open(1), peer(0, 1), peer(1, 0)]
}

fn joined() -> Vec<MediaCommand> {
    with(
        talking(),
        [open(2), mix(0, &[1, 2]), mix(1, &[0, 2]), mix(2, &[1, 0])],
    )
}

fn with(
    mut orders: Vec<MediaCommand>,
    more: impl IntoIterator<Item = MediaCommand>,
) -> Vec<MediaCommand> {
    orders.extend(more);
    orders
}

#[test]
fn a_call_from_greeting_to_answer() {
    let greeting = Source::Playlist {
        prompts: vec![PromptId::Greeting],
        then_music: true,
        token: 4,
    };
    let mut s = streams([open(0), hear(0, greeting)]);
    s.check_call(&of(Phase::Queued)).unwrap();
    s.on_event(NOW, 0, &said(0, 3));
    let hears = |s: &Streams, port| s.stream(place(port)).unwrap().hears.clone();
    assert!(matches!(hears(&s, 0), Hears::Playlist { .. }));
    s.on_event(NOW, 0, &said(0, 4));
    assert_eq!(hears(&s, 0), Hears::Music);
    s.check_call(&of(Phase::Offered)).unwrap();
    order(&mut s, [open(1), peer(0, 1), peer(1, 0)]);
    s.check_call(&of(Phase::Talking)).unwrap();
    assert_eq!(s.who_hears(place(0)), [PortId(1)]);
    s.check().unwrap();
}

#[test]
fn a_transfer_from_the_key_to_the_end() {
    let mut s = streams(talking());
    // Said over the conversation: the parties go on hearing each other, also when it was said.
    let over = Source::Over {
        parties: vec![PortId(0)],
        prompts: vec![PromptId::TransferDialling],
        token: 5,
    };
    order(&mut s, [hear(1, over)]);
    let mut dialling = of(Phase::Transferring);
    (dialling.parties[2].present, dialling.parties[2].part) = (false, None);
    s.check_call(&dialling).unwrap();
    s.on_event(NOW, 0, &said(1, 5));
    let mixed = s.stream(place(1)).unwrap().hears.clone();
    assert_eq!(mixed, Hears::Mix(vec![PortId(0)]));
    s.check_call(&dialling).unwrap();
    order(&mut s, joined().split_off(4));
    s.check_call(&of(Phase::Transferring)).unwrap();
    assert_eq!(s.streams().count(), 3);

    order(&mut s, [close(1)]);
    let mut alone = of(Phase::Transferring);
    alone.parties[1].present = false;
    s.check_call(&alone).unwrap();
    order(&mut s, [close(2), close(0)]);
    s.check_call(&of(Phase::WrappingUp)).unwrap();
    assert_eq!(s.live(), 3);
    for port in 0..3 {
        s.on_event(NOW, 0, &closed(port));
    }
    assert_eq!(s.live(), 0);
    s.check().unwrap();
    s.check_destinations(|a| (0..3).any(|p| party_address(p) == a))
        .unwrap();
}

#[test]
fn holding_and_unfinished_exchanges_are_no_faults() {
    let mut s = streams(talking());
    order(
        &mut s,
        [update(1, |media| media.direction = Direction::RecvOnly)],
    );
    let mut held = of(Phase::Talking);
    held.parties[1].agent.as_mut().unwrap().hears = false;
    s.check_call(&held).unwrap();
    // The seat does not know yet that its hold was taken; or its machine has forgotten the call.
    let mut under_way = of(Phase::Talking);
    under_way.parties[1].agent.as_mut().unwrap().settled = false;
    s.check_call(&under_way).unwrap();
    under_way.parties[1].agent = None;
    s.check_call(&under_way).unwrap();
    // Held by an unspecified address.
    let nowhere = "0.0.0.0:4000".parse().unwrap();
    order(
        &mut s,
        [update(1, |media| {
            media.remote = nowhere;
            media.direction = Direction::RecvOnly;
        })],
    );
    s.check_call(&held).unwrap();
    s.check_destinations(|a| a == party_address(0)).unwrap();
}

#[test]
fn after_the_seat_vanished_the_caller_waits_again() {
    let mut s = streams(with(talking(), [close(1)]));
    assert_eq!(s.stream(place(0)).unwrap().hears, Hears::Silence);
    s.check_call(&of(Phase::Queued)).unwrap_err();
    order(&mut s, [music(0)]);
    s.check_call(&of(Phase::Queued)).unwrap();
    // Its port goes to another call, which is not this call's affair.
    s.on_event(NOW, 0, &closed(1));
    order(
        &mut s,
        [open_with(1, media(5)), open(3), peer(1, 3), peer(3, 1)],
    );
    let mut late = of(Phase::Offered);
    s.check_call(&late).unwrap();
    late.parties[1].agent = None;
    s.check_call(&late).unwrap();
    s.check().unwrap();
}

#[test]
fn a_replaced_shard_begins_anew() {
    let mut s = streams(joined());
    s.on_command(NOW, 1, &open(0));
    s.forget_shard(0);
    assert_eq!(s.live(), 1);
    let first = s.check_call(&of(Phase::Talking)).unwrap_err();
    assert!(first.contains("is not sent to"), "{first}");
    order(&mut s, talking());
    s.check_call(&of(Phase::Talking)).unwrap();
    s.check().unwrap();
    assert_eq!(s.place_at(engine_address(3)), Some(place(3)));
    assert_eq!(s.place_at(party_address(3)), None);
}

/// What goes wrong, in which phase, by which orders, and words of the finding.
type Defect = (&'static str, Phase, Vec<MediaCommand>, &'static str);

#[rustfmt::skip]
fn defects() -> Vec<Defect> {
    use Phase::{Offered, Queued, Talking, Transferring, WrappingUp};
    let bring = |change: fn(&mut Negotiated)| with(talking(), [update(0, change)]);
    vec![
        ("the seat's port stays closed", Talking, vec![open(0), music(0)], "the seat, at port 1 of shard 0, is not sent to"),
        ("one way, to the caller", Talking, vec![open(0), open(1), peer(0, 1)], "the seat does not hear the caller"),
        ("one way, to the seat", Talking, vec![open(0), open(1), peer(1, 0)], "the caller does not hear the seat"),
        ("music goes on after the answer", Talking, vec![open(0), open(1), music(0), peer(1, 0)], "the caller does not hear the seat, but Music"),
        ("a third party stays in", Talking, joined(), "is not of this call"),
        ("sent to a stranger", Talking, vec![open_with(0, media(7)), open(1), peer(0, 1), peer(1, 0)], "the caller, at port 0 of shard 0, is not sent to"),
        ("another codec", Talking, bring(|m| m.codec = Codec::Pcmu), "the engine uses Pcmu"),
        ("a hold that nobody wanted", Talking, bring(|m| m.direction = Direction::RecvOnly), "the engine to recvonly"),
        ("a waiting caller is heard", Queued, vec![open(0), open(3), music(0), peer(3, 0)], "port 3, which is not of this call, hears the caller"),
        ("a waiting caller hears another call", Queued, vec![open(0), open(3), peer(0, 3)], "the caller hears port 3, which is not of this call"),
        ("a waiting caller is in silence", Queued, vec![open(0)], "waits in silence"),
        ("a waiting caller is sent nothing", Queued, vec![], "the caller, at port 0 of shard 0, is not sent to"),
        ("a ringing seat is open", Offered, vec![open(0), music(0), open(1)], "the seat has an open port"),
        ("the caller hears the ringing seat", Offered, vec![open(0), open(1), peer(0, 1)], "the caller waits and hears a party"),
        ("the target is not joined", Transferring, talking(), "the transfer's target, at port 2 of shard 0, is not sent to"),
        ("the target hears one of two", Transferring, with(joined(), [peer(2, 1)]), "the transfer's target does not hear the caller"),
        ("another call listens in", Transferring, with(joined(), [open(4), mix(4, &[0, 1, 2])]), "port 4, which is not of this call, hears the caller"),
        ("left open at the end", WrappingUp, with(talking(), [close(1)]), "the caller still has its port"),
    ]
}

#[test]
fn each_rule_about_a_call_can_fail() {
    for (defect, phase, orders, words) in defects() {
        let mut wrong = of(phase);
        if phase == Phase::Offered {
            wrong.parties[1].present = true;
        }
        let found = streams(orders).check_call(&wrong).expect_err(defect);
        assert!(found.contains(words), "{defect}: {found}");
        assert!(found.starts_with("call c1 ("), "{found}");
    }
}

#[test]
fn a_target_that_stays_after_the_transfer_is_found() {
    let mut s = streams(with(talking(), [open(2)]));
    let mut after = of(Phase::Transferring);
    after.phase = Phase::Talking;
    let found = s.check_call(&after).unwrap_err();
    assert!(
        found.contains("does not hear the transfer's target"),
        "{found}"
    );
    order(&mut s, joined().split_off(5));
    let found = s.check_call(&after).unwrap_err();
    assert!(found.contains("the transfer is over"), "{found}");
}

/// Caller, seat and two targets, with these parts; who hears whom, by their ports.
fn four(parts: [Part; 4], hears: [&[u32]; 4]) -> (CallStreams, Vec<MediaCommand>) {
    let mut call = of(Phase::Transferring);
    call.parties.push(party(Role::Target, 3));
    for (party, part) in call.parties.iter_mut().zip(parts) {
        party.part = Some(part);
    }
    let opened = (0..4).map(open);
    let heard = (0..4).zip(hears).map(|(port, others)| match others {
        [] => music(port),
        others => mix(port, others),
    });
    (call, opened.chain(heard).collect())
}

#[test]
fn each_part_hears_whom_it_is_to_hear_and_nobody_else() {
    use Part::{Aside, Back, Desk, Full, Held, Listen, Whisper};
    type Row = ([Part; 4], [&'static [u32]; 4]);
    let right: [Row; 7] = [
        ([Full; 4], [&[1, 2, 3], &[0, 2, 3], &[0, 1, 3], &[0, 1, 2]]),
        ([Full, Aside, Aside, Full], [&[3], &[2], &[1], &[0]]),
        ([Full, Full, Back, Desk], [&[1], &[0], &[3], &[0, 1, 2]]),
        (
            [Full, Full, Full, Listen],
            [&[1, 2], &[0, 2], &[0, 1], &[0, 1, 2]],
        ),
        (
            [Full, Full, Full, Whisper],
            [&[1, 2], &[0, 2, 3], &[0, 1], &[0, 1, 2]],
        ),
        ([Held, Full, Full, Full], [&[], &[2, 3], &[1, 3], &[1, 2]]),
        (
            [Full, Aside, Aside, Whisper],
            [&[], &[2, 3], &[1], &[0, 1, 2]],
        ),
    ];
    for (parts, hears) in right {
        let (call, orders) = four(parts, hears);
        streams(orders).check_call(&call).unwrap();
        // Whoever hears one more, or one less, is found.
        for port in 0..4u32 {
            for other in (0..4).filter(|other| *other != port) {
                let own = hears[port as usize];
                let mut others: Vec<u32> = own.iter().copied().filter(|p| *p != other).collect();
                if others.len() == own.len() {
                    others.push(other);
                }
                let (call, orders) = four(parts, hears);
                let found = streams(with(orders, [mix(port, &others)])).check_call(&call);
                assert!(found.is_err(), "{parts:?}: {port} and {other}");
            }
        }
    }
}

#[test]
fn a_caller_alone_in_a_transfer_hears_something() {
    let mut alone = of(Phase::Transferring);
    alone.parties.truncate(1);
    let mut s = streams([open(0)]);
    let found = s.check_call(&alone).unwrap_err();
    assert!(found.contains("hears nothing at all"), "{found}");
    order(&mut s, [hear(0, Source::Ringback)]);
    s.check_call(&alone).unwrap();
}

#[test]
fn each_rule_about_orders_can_fail() {
    let never = [
        (vec![open(0), open(0)], "port 0 of shard 0 was opened twice"),
        (
            vec![open(0), close(0), open(0)],
            "opened before it was closed to the end",
        ),
        (
            vec![music(0)],
            "Hear for port 0 of shard 0, which is not open",
        ),
        (
            vec![open(0), close(0), update(0, |_| {})],
            "Update for port 0",
        ),
        (vec![close(0)], "Close for port 0"),
        (
            vec![open(0), peer(0, 1)],
            "is to hear port 1 of shard 0, which is not open",
        ),
    ];
    for (orders, words) in never {
        let mut s = streams(orders);
        let found = s.check().unwrap_err();
        assert!(found.contains(words), "{found}");
        s.check().unwrap();
    }
    let mut s = streams([open(0)]);
    s.on_event(NOW, 0, &closed(0));
    assert!(s.check().unwrap_err().contains("without an order"));
}

#[test]
fn each_rule_about_the_rest_can_fail() {
    let mut s = streams([open(0)]);
    let found = s.check_destinations(|a| a != party_address(0)).unwrap_err();
    assert!(found.contains("which no agent negotiated"), "{found}");
    s.check_destinations(|_| false).unwrap();

    let s = streams(with(talking(), [open(2), peer(2, 0)]));
    let own = BTreeSet::from([place(0), place(1)]);
    assert!(s.check_others(&own).unwrap_err().contains("hears port 0"));
    let s = streams([open(0), open(2), peer(0, 2)]);
    let only = BTreeSet::from([place(0)]);
    assert!(
        s.check_others(&only)
            .unwrap_err()
            .contains("port 0 hears it")
    );
    let service = Source::Playlist {
        prompts: vec![PromptId::SignedOn],
        then_music: false,
        token: 1,
    };
    let s = streams(with(talking(), [open(2), hear(2, service)]));
    s.check_others(&own).unwrap();
}
