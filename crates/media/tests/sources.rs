//! Whose packets are let in: nothing from elsewhere moves media or is heard.

mod support;

use meishier_media::{Accept, Codec, MediaCommand, Source, rtp};
use meishier_model::PortId;
use std::net::SocketAddr;
use std::time::Duration;
use support::*;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn pair() -> (Wire, Phone) {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.open(1, Codec::Pcma);
    wire.peers(0, 1);
    (wire, Phone::new(Codec::Pcma, 1, 400.0))
}

#[test]
fn a_spoofed_source_never_reaches_the_peer_nor_moves_media() {
    let (mut wire, mut phone) = pair();
    let strangers = ["203.0.113.66:4002", "192.0.2.77:4002", "[2001:db8::1]:4002"];
    for round in 0..100 {
        for stranger in strangers {
            wire.packet_from(0, at(stranger), &phone.next(160));
        }
        if round == 50 {
            wire.packet(0, &phone.next(160));
        }
        // Once fixed, another port of the right address is a stranger too.
        if round > 50 {
            wire.packet_from(0, SocketAddr::new(address(0).ip(), 9999), &phone.next(160));
        }
    }
    assert_eq!(wire.sent_to(1).len(), 1);
    assert_eq!(wire.hub.totals().wrong_source, 300 + 49);
    wire.packet(1, &Phone::new(Codec::Pcma, 2, 400.0).next(160));
    assert_eq!(wire.sent_to(0)[0].to, address(0));
    wire.hub
        .handle_packet(wire.now, PortId(77), at("192.0.2.1:1"), &phone.next(160));
    assert_eq!(wire.hub.totals().wrong_source, 350);
}

#[test]
fn the_first_valid_packet_fixes_address_and_port() {
    let mut wire = Wire::new();
    wire.open(1, Codec::Pcma);
    let nat = Accept {
        sdp: "10.0.0.5".parse().unwrap(),
        signalling: Some("198.51.100.9".parse().unwrap()),
    };
    let mut behind_nat = media(0, Codec::Pcma);
    behind_nat.remote = at("10.0.0.5:7078");
    wire.command(MediaCommand::Open {
        port: PortId(0),
        media: behind_nat,
        accept: nat,
    });
    wire.peers(0, 1);
    let (mut phone, mut other) = (
        Phone::new(Codec::Pcma, 1, 400.0),
        Phone::new(Codec::Pcma, 2, 400.0),
    );
    let outside = at("198.51.100.9:61234");

    wire.packet(1, &other.next(160));
    assert_eq!(
        wire.sent_to(0).last().unwrap().to,
        at("10.0.0.5:7078"),
        "until then as SDP says"
    );
    // Not valid: another payload type, version 1, RTCP, cut short, too long.
    let mut wrong_type = phone.next(160);
    wrong_type[1] = 3;
    let mut version = phone.next(160);
    version[0] = 0x40;
    let mut rtcp = vec![0x80, 200];
    rtcp.resize(28, 0);
    for bytes in [
        wrong_type,
        version,
        rtcp,
        phone.next(160)[..11].to_vec(),
        phone.next(961),
        Vec::new(),
    ] {
        wire.packet_from(0, at("198.51.100.9:1111"), &bytes);
    }
    wire.packet(1, &other.next(160));
    assert_eq!(
        wire.sent_to(0).last().unwrap().to,
        at("10.0.0.5:7078"),
        "still"
    );
    assert!(wire.sent_to(1).is_empty());
    let totals = wire.hub.totals();
    assert_eq!((totals.malformed, totals.rtcp), (5, 1));

    wire.packet_from(0, outside, &phone.next(160));
    wire.packet_from(0, at("198.51.100.9:61235"), &phone.next(160));
    wire.packet_from(0, at("10.0.0.5:7078"), &phone.next(160));
    wire.packet(1, &other.next(160));
    assert_eq!(wire.sent_to(0).last().unwrap().to, outside);
    assert_eq!(wire.sent_to(1).len(), 1);
    assert_eq!(wire.hub.totals().wrong_source, 2);
}

#[test]
fn the_very_port_of_sdp_wins_over_another_of_its_address() {
    let (mut wire, mut phone) = pair();
    // A gateway has not noticed that an earlier call on our port is lost.
    let old_call = SocketAddr::new(address(0).ip(), 9998);
    let mut old = Phone::new(Codec::Pcma, 7, 700.0);
    let mut other = Phone::new(Codec::Pcma, 2, 400.0);
    wire.packet_from(0, old_call, &old.next(160));
    wire.packet(1, &other.next(160));
    assert_eq!(wire.sent_to(0).last().unwrap().to, old_call);

    wire.packet(0, &phone.next(160));
    for _ in 0..10 {
        wire.packet_from(0, old_call, &old.next(160));
    }
    wire.packet(1, &other.next(160));
    assert_eq!(wire.sent_to(0).last().unwrap().to, address(0));
    assert_eq!(wire.sent_to(1).len(), 2, "one of each");
    assert_eq!(wire.hub.totals().wrong_source, 10);
}

/// An office behind one NAT: what SDP says of its `n`-th telephone.
fn opened_behind_nat(wire: &mut Wire, n: u8) {
    let mut behind = media(0, Codec::Pcma);
    behind.remote = SocketAddr::new([10, 0, 0, n].into(), 7078);
    let accept = Accept {
        sdp: behind.remote.ip(),
        signalling: Some(OFFICE.ip()),
    };
    wire.command(MediaCommand::Open {
        port: PortId(0),
        media: behind,
        accept,
    });
    wire.peers(0, 1);
}

const OFFICE: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9)),
    61_001,
);
const NEIGHBOUR: SocketAddr = SocketAddr::new(OFFICE.ip(), 61_002);

/// A call with telephone 1, which is over and of which telephone 1 knows nothing.
fn haunted() -> (Wire, Phone) {
    let mut wire = Wire::new();
    wire.open(1, Codec::Pcma);
    opened_behind_nat(&mut wire, 1);
    let mut ghost = Phone::new(Codec::Pcma, 1, 400.0);
    wire.packet_from(0, OFFICE, &ghost.next(160));
    assert_eq!(wire.sent_to(1).len(), 1);
    wire.command(MediaCommand::Close { port: PortId(0) });
    (wire, ghost)
}

/// Where the party at port 0 is sent to.
fn whither(wire: &mut Wire) -> SocketAddr {
    wire.packet(1, &Phone::new(Codec::Pcma, 99, 400.0).next(160));
    wire.sent_to(0).last().unwrap().to
}

#[test]
fn a_ghost_at_the_same_public_address_does_not_take_the_port_of_the_next_call() {
    for first in [true, false] {
        let (mut wire, mut ghost) = haunted();
        // It goes on for longer than it would be remembered, should it fall silent.
        for _ in 0..40 {
            wire.now = wire.now + Duration::from_secs(10);
            wire.packet_from(0, OFFICE, &ghost.next(160));
        }
        opened_behind_nat(&mut wire, 2);
        let mut phone = Phone::new(Codec::Pcma, 2, 700.0);
        for round in 0..50 {
            if first || round > 0 {
                wire.packet_from(0, OFFICE, &ghost.next(160));
            }
            wire.packet_from(0, NEIGHBOUR, &phone.next(160));
            assert_eq!(whither(&mut wire), NEIGHBOUR);
        }
        assert_eq!(wire.sent_to(1).len(), 1 + 50, "nothing of the ghost's");
    }
}

#[test]
fn ghosts_of_two_calls_do_not_take_the_third() {
    let (mut wire, mut first) = haunted();
    opened_behind_nat(&mut wire, 2);
    let mut second = Phone::new(Codec::Pcma, 2, 700.0);
    wire.packet_from(0, NEIGHBOUR, &second.next(160));
    // Its NAT gives it another port before its call ends.
    let rebound = SocketAddr::new(OFFICE.ip(), 61_077);
    wire.packet_from(0, rebound, &second.next(160));
    wire.command(MediaCommand::Close { port: PortId(0) });
    opened_behind_nat(&mut wire, 3);
    wire.packet_from(0, OFFICE, &first.next(160));
    wire.packet_from(0, rebound, &second.next(160));
    wire.packet_from(0, NEIGHBOUR, &second.next(160));
    let third = SocketAddr::new(OFFICE.ip(), 61_003);
    wire.packet_from(0, third, &Phone::new(Codec::Pcma, 3, 500.0).next(160));
    assert_eq!(whither(&mut wire), third);
    assert_eq!(wire.sent_to(1).len(), 3, "one of each call");
}

#[test]
fn a_telephone_with_one_socket_for_all_its_calls_is_heard_at_once() {
    // The same telephone again, whether or not its stream begins anew.
    for ssrc in [1, 5] {
        let (mut wire, mut before) = haunted();
        before.ssrc = ssrc;
        opened_behind_nat(&mut wire, 1);
        wire.packet_from(0, OFFICE, &before.next(160));
        assert_eq!((wire.sent_to(1).len(), whither(&mut wire)), (2, OFFICE));
    }
    // SDP names the very source (STUN), the second time.
    let (mut wire, mut before) = haunted();
    let mut named = media(0, Codec::Pcma);
    named.remote = OFFICE;
    wire.command(MediaCommand::Open {
        port: PortId(0),
        media: named,
        accept: Accept {
            sdp: OFFICE.ip(),
            signalling: None,
        },
    });
    wire.peers(0, 1);
    wire.packet_from(0, OFFICE, &before.next(160));
    assert_eq!((wire.sent_to(1).len(), whither(&mut wire)), (2, OFFICE));
}

#[test]
fn a_new_stream_from_an_old_source_is_the_new_party() {
    // A NAT gives a free port to another telephone; a gateway sends every call from one port.
    let (mut wire, mut ghost) = haunted();
    opened_behind_nat(&mut wire, 2);
    wire.packet_from(0, OFFICE, &Phone::new(Codec::Pcma, 2, 700.0).next(160));
    assert_eq!((wire.sent_to(1).len(), whither(&mut wire)), (2, OFFICE));
    wire.packet_from(0, OFFICE, &ghost.next(160));
    assert_eq!(wire.sent_to(1).len(), 2, "not even from the same source");
}

#[test]
fn an_old_party_that_fell_silent_is_forgotten() {
    let (mut wire, mut before) = haunted();
    wire.now = wire.now + Duration::from_secs(301);
    opened_behind_nat(&mut wire, 2);
    wire.packet_from(0, OFFICE, &before.next(160));
    assert_eq!(wire.sent_to(1).len(), 2);
}

#[test]
fn a_gateway_that_sends_from_another_port_than_it_names_is_heard_beside_its_ghost() {
    let mut wire = Wire::new();
    wire.open(1, Codec::Pcma);
    let source = |call: u16| SocketAddr::new(address(0).ip(), 20_000 + 2 * call);
    let mut ghosts: Vec<Phone> = Vec::new();
    for call in 0..5 {
        let mut named = media(0, Codec::Pcma);
        named.remote.set_port(10_000 + 2 * call);
        wire.open_with(0, named);
        wire.peers(0, 1);
        for (n, ghost) in (0..).zip(&mut ghosts) {
            wire.packet_from(0, source(n), &ghost.next(160));
        }
        let mut phone = Phone::new(Codec::Pcma, u32::from(call) + 10, 400.0);
        wire.packet_from(0, source(call), &phone.next(160));
        assert_eq!(whither(&mut wire), source(call));
        wire.command(MediaCommand::Close { port: PortId(0) });
        ghosts.push(phone);
    }
    assert_eq!(wire.sent_to(1).len(), 5);
}

#[test]
fn a_party_that_moves_is_followed_and_its_old_packets_do_not_bind() {
    let (mut wire, mut phone) = pair();
    wire.packet(0, &phone.next(160));
    let mut moved = media(0, Codec::Pcma);
    // The same agreement again keeps what was learned.
    wire.command(MediaCommand::Update {
        port: PortId(0),
        media: moved.clone(),
        accept: accept(0),
    });
    wire.packet_from(0, SocketAddr::new(address(0).ip(), 9999), &phone.next(160));
    assert_eq!(wire.hub.totals().wrong_source, 1);

    moved.remote.set_port(9000);
    wire.command(MediaCommand::Update {
        port: PortId(0),
        media: moved,
        accept: accept(0),
    });
    wire.packet(0, &phone.next(160));
    assert_eq!(
        wire.hub.totals().wrong_source,
        2,
        "still under way from the old port"
    );
    wire.packet_from(0, SocketAddr::new(address(0).ip(), 9000), &phone.next(160));
    assert_eq!(wire.sent_to(1).len(), 2);
    wire.packet(1, &Phone::new(Codec::Pcma, 2, 400.0).next(160));
    assert_eq!(wire.sent_to(0).last().unwrap().to.port(), 9000);
}

#[test]
fn what_was_under_way_from_a_lost_nat_mapping_does_not_bind_when_the_party_moves() {
    let mut wire = Wire::new();
    wire.open(1, Codec::Pcma);
    opened_behind_nat(&mut wire, 1);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    wire.packet_from(0, OFFICE, &phone.next(160));
    let lost = SocketAddr::new(OFFICE.ip(), 61_009);
    wire.packet_from(0, lost, &phone.next(160));
    let mut moved = media(0, Codec::Pcma);
    moved.remote = at("10.0.0.1:7090");
    let accept = Accept {
        sdp: moved.remote.ip(),
        signalling: Some(OFFICE.ip()),
    };
    wire.command(MediaCommand::Update {
        port: PortId(0),
        media: moved,
        accept,
    });
    wire.packet_from(0, lost, &phone.next(160));
    wire.packet_from(0, NEIGHBOUR, &phone.next(160));
    assert_eq!(whither(&mut wire), NEIGHBOUR);
    assert_eq!(wire.sent_to(1).len(), 2);
}

#[test]
fn a_port_that_was_only_said_to_move_is_learned_again() {
    let (mut wire, mut phone) = pair();
    wire.packet(0, &phone.next(160));
    let mut moved = media(0, Codec::Pcma);
    moved.remote.set_port(9000);
    wire.command(MediaCommand::Update {
        port: PortId(0),
        media: moved,
        accept: accept(0),
    });
    wire.now = wire.now + Duration::from_millis(600);
    wire.packet(0, &phone.next(160));
    assert_eq!(wire.sent_to(1).len(), 2);
}

#[test]
fn empty_packets_fix_the_address_and_csrc_and_extensions_stay_behind() {
    let (mut wire, mut phone) = pair();
    wire.packet(0, &rtp::header(8, false, 1, 1, 1));
    assert!(wire.sent_to(1).is_empty());
    assert_eq!(wire.hub.totals().received, 1);
    // Two CSRCs, an extension of one word, four bytes of padding.
    let plain = phone.next(160);
    let mut full = vec![0x80 | 0x20 | 0x10 | 2];
    full.extend_from_slice(&plain[1..12]);
    full.extend([9; 8]);
    full.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
    full.extend_from_slice(&plain[12..]);
    full.extend([0, 0, 0, 4]);
    wire.packet(0, &full);
    let sent = wire.sent_to(1);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, plain[12..]);
}

#[test]
fn both_numbers_of_telephone_event_are_let_in() {
    let (mut wire, mut phone) = pair();
    let mut media = media(0, Codec::Pcma);
    media.telephone_event = Some(97);
    wire.command(MediaCommand::Update {
        port: PortId(0),
        media,
        accept: accept(0),
    });
    wire.packet(0, &phone.event(97, 1, true, 160, true));
    phone.timestamp = phone.timestamp.wrapping_add(2000);
    wire.packet(0, &phone.event(101, 2, true, 160, true));
    wire.packet(0, &phone.event(98, 3, true, 160, true));
    assert_eq!(wire.digits(), "12");
    assert_eq!(wire.hub.totals().malformed, 1);
}

#[test]
fn orders_about_ports_that_are_not_there_are_ignored() {
    let mut wire = Wire::new();
    wire.hear(3, Source::Music);
    wire.command(MediaCommand::Close {
        port: PortId(u32::MAX),
    });
    wire.command(MediaCommand::Update {
        port: PortId(9),
        media: media(9, Codec::Pcma),
        accept: accept(9),
    });
    wire.command(MediaCommand::Open {
        port: PortId(u32::MAX),
        media: media(1, Codec::Pcma),
        accept: accept(1),
    });
    assert_eq!(wire.hub.poll_timeout(), None);
    assert!(wire.events.is_empty());
    assert_eq!(wire.hub.totals().open, 0);
}
