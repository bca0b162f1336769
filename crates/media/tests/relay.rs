//! Two parties and what passes between them: numbers, laws, key presses, holds, closing.

mod support;

use meishier_media::{Codec, Direction, MediaCommand, MediaEvent, PromptId, Source, g711, tone};
use meishier_model::PortId;
use support::*;

#[test]
fn numbers_go_on_across_every_change_of_source() {
    let mut wire = Wire::new();
    for port in 0..3 {
        wire.open(port, Codec::Pcma);
    }
    let mut a = Phone::new(Codec::Pcma, 11, 400.0);
    let mut b = Phone::new(Codec::Pcma, 22, 800.0);
    let sources = [
        Source::Ringback,
        Source::Peer(PortId(0)),
        Source::Music,
        Source::Peer(PortId(1)),
        Source::Silence,
        Source::Peer(PortId(0)),
        Source::Mix(vec![PortId(0), PortId(1)]),
        Source::Playlist {
            prompts: vec![PromptId::Greeting],
            then_music: true,
            token: 1,
        },
        Source::Comfort,
        Source::Peer(PortId(1)),
    ];
    let mut switches = 0;
    for source in sources {
        let silent = source == Source::Silence;
        wire.hear(2, source);
        let before = wire.sent_to(2).len();
        for _ in 0..25 {
            wire.packet(0, &a.next(160));
            wire.packet(1, &b.next(160));
            wire.run_to(wire.now + std::time::Duration::from_millis(20));
        }
        let sent = wire.sent_to(2);
        assert_eq!(sent.len() == before, silent);
        if !silent {
            assert!(sent[before].marker, "a switch is marked");
            assert!(!sent[before + 1].marker);
            switches += 1;
        }
    }
    let sent = wire.sent_to(2);
    assert_continuous(&sent);
    assert_eq!(sent.iter().filter(|s| s.marker).count(), switches);
    // Half a second of silence passed in the timestamps too.
    let samples = sent
        .last()
        .unwrap()
        .timestamp
        .wrapping_sub(sent[0].timestamp);
    assert!(
        (39_000..42_000).contains(&samples),
        "{samples} samples in 5 s"
    );
}

#[test]
fn loss_and_order_are_passed_on_as_they_are() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.open(1, Codec::Pcma);
    wire.peers(0, 1);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    let packets: Vec<_> = (0..8).map(|_| phone.next(160)).collect();
    for i in [1, 2, 4, 3, 7, 0] {
        wire.packet(0, &packets[i]);
    }
    let sent = wire.sent_to(1);
    let steps: Vec<i16> = sent
        .iter()
        .map(|s| s.sequence.wrapping_sub(sent[0].sequence) as i16)
        .collect();
    assert_eq!(
        steps,
        [0, 1, 3, 2, 6],
        "the packet from before the beginning is left out"
    );
    assert_eq!(wire.hub.totals().late, 1);
    for (s, step) in sent.iter().zip(&steps) {
        assert_eq!(
            s.timestamp.wrapping_sub(sent[0].timestamp),
            *step as u32 * 160
        );
    }
}

#[test]
fn a_sender_that_begins_anew_does_not_break_the_listeners_stream() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.open(1, Codec::Pcma);
    wire.peers(0, 1);
    for ssrc in 0..4 {
        let mut phone = Phone::new(Codec::Pcma, 5 + ssrc % 2, 400.0);
        phone.sequence = 9999 * ssrc as u16;
        phone.timestamp = 77_777_777 * (3 - ssrc);
        for _ in 0..10 {
            wire.packet(0, &phone.next(160));
            wire.now = wire.now + std::time::Duration::from_millis(20);
        }
    }
    let sent = wire.sent_to(1);
    assert_eq!(sent.len(), 40);
    assert_continuous(&sent);
    assert_eq!(sent.iter().filter(|s| s.marker).count(), 4);
}

#[test]
fn laws_are_converted_only_where_they_differ() {
    for (here, there) in [
        (Codec::Pcma, Codec::Pcmu),
        (Codec::Pcmu, Codec::Pcma),
        (Codec::Pcma, Codec::Pcma),
    ] {
        let mut wire = Wire::new();
        wire.open(0, here);
        wire.open(1, there);
        wire.peers(0, 1);
        let mut phone = Phone::new(here, 1, 500.0);
        let mut original = Vec::new();
        for _ in 0..50 {
            let bytes = phone.next(160);
            original.extend_from_slice(&bytes[12..]);
            wire.packet(0, &bytes);
        }
        let sent = wire.sent_to(1);
        assert!(
            sent.iter()
                .all(|s| s.payload_type == there.static_payload_type())
        );
        let passed: Vec<u8> = sent.iter().flat_map(|s| s.payload.clone()).collect();
        assert_eq!(passed == original, here == there);
        let heard: Vec<i16> = passed.iter().map(|&b| g711::decode(there, b)).collect();
        let level = tone::amplitude_at(&heard, 500.0);
        assert!(
            (5700.0..6300.0).contains(&level),
            "{here:?} to {there:?}: {level}"
        );
    }
}

#[test]
fn each_party_hears_the_other_and_not_itself() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.open(1, Codec::Pcmu);
    wire.peers(0, 1);
    let mut a = Phone::new(Codec::Pcma, 1, 400.0);
    let mut b = Phone::new(Codec::Pcmu, 2, 1000.0);
    for _ in 0..50 {
        wire.packet(0, &a.next(160));
        wire.packet(1, &b.next(160));
    }
    let (at_a, at_b) = (wire.heard(0, Codec::Pcma), wire.heard(1, Codec::Pcmu));
    assert!(tone::amplitude_at(&at_a, 1000.0) > 5000.0 && tone::amplitude_at(&at_a, 400.0) < 100.0);
    assert!(tone::amplitude_at(&at_b, 400.0) > 5000.0 && tone::amplitude_at(&at_b, 1000.0) < 100.0);
}

#[test]
fn a_key_press_is_one_digit_and_reaches_the_peer_under_its_own_number() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    let mut other = media(1, Codec::Pcma);
    other.telephone_event = Some(96);
    wire.open_with(1, other);
    wire.peers(0, 1);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    for event in [1u8, 1, 10, 11, 12] {
        for i in 1..=5u16 {
            wire.packet(0, &phone.event(101, event, false, 160 * i, i == 1));
        }
        for _ in 0..3 {
            wire.packet(0, &phone.event(101, event, true, 960, false));
        }
        phone.timestamp = phone.timestamp.wrapping_add(960);
        wire.packet(0, &phone.next(160));
    }
    assert_eq!(wire.digits(), "11*#A");
    let sent = wire.sent_to(1);
    assert_eq!(sent.len(), 5 * 9);
    for (i, s) in sent.iter().enumerate() {
        assert_eq!(s.payload_type, if i % 9 == 8 { 8 } else { 96 });
        assert_eq!(s.sequence, sent[0].sequence.wrapping_add(i as u16));
    }
}

#[test]
fn key_presses_are_counted_once_in_every_habit_of_telephones() {
    // Each row: (timestamp, event, end) of the packets of a phone, and the digits meant.
    type Row = (&'static [(u32, u8, bool)], &'static str);
    let table: [Row; 8] = [
        (
            &[(0, 5, false), (0, 5, false), (0, 5, true), (0, 5, true)],
            "5",
        ),
        // Only the last packets arrived.
        (&[(0, 5, true), (0, 5, true)], "5"),
        // The end was lost; the same key again.
        (&[(0, 5, false), (4000, 5, false)], "55"),
        // Timestamps that move within a press.
        (
            &[
                (0, 5, false),
                (160, 5, false),
                (320, 5, false),
                (480, 5, true),
            ],
            "5",
        ),
        // A long press in segments (RFC 4733 §2.5.1.3).
        (
            &[(0, 5, false), (0xffff, 5, false), (2 * 0xffff, 5, true)],
            "5",
        ),
        // A late packet of the press before.
        (
            &[
                (1000, 5, true),
                (9000, 6, false),
                (1000, 5, true),
                (9000, 6, true),
            ],
            "56",
        ),
        // A flash hook is no key.
        (&[(0, 16, false), (0, 16, true)], ""),
        (&[(u32::MAX - 100, 7, true), (5000, 7, true)], "77"),
    ];
    for (packets, digits) in table {
        let mut wire = Wire::new();
        wire.open(0, Codec::Pcma);
        let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
        for &(timestamp, event, end) in packets {
            phone.timestamp = timestamp;
            wire.packet(0, &phone.event(101, event, end, 160, false));
        }
        assert_eq!(wire.digits(), digits, "{packets:?}");
    }
}

#[test]
fn a_key_held_down_while_the_party_moves_is_one_digit() {
    // Its stream goes on (`None`), or begins anew with another SSRC and other timestamps; the key is
    // let up before or after.
    for (anew, early) in [
        (None, 0),
        (None, 3),
        (Some(5), 0),
        (Some(5), 3),
        (Some(5), 5),
    ] {
        let mut wire = Wire::new();
        wire.open(0, Codec::Pcma);
        let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
        let mut moved = media(0, Codec::Pcma);
        moved.remote.set_port(9000);
        let mut from = address(0);
        for i in 0..8u16 {
            if i == 8 - early {
                wire.packet_from(0, from, &phone.event(101, 1, true, 160 * i, false));
            }
            if i == 4 {
                let media = moved.clone();
                wire.command(MediaCommand::Update {
                    port: PortId(0),
                    media,
                    accept: accept(0),
                });
                from = moved.remote;
                if let Some(ssrc) = anew {
                    (phone.ssrc, phone.timestamp) = (ssrc, 77);
                }
            }
            let end = i >= 8 - early.max(1);
            wire.packet_from(0, from, &phone.event(101, 1, end, 160 * (i + 1), i == 0));
        }
        assert_eq!(wire.digits(), "1", "{anew:?} {early}");
        // The next press of the same key is another one, in the stream as it is and anew.
        phone.timestamp = phone.timestamp.wrapping_add(8000);
        wire.packet_from(0, from, &phone.event(101, 1, false, 160, true));
        wire.packet_from(0, from, &phone.event(101, 1, true, 320, false));
        (phone.ssrc, phone.timestamp) = (6, phone.timestamp.wrapping_sub(1000));
        wire.packet_from(0, from, &phone.event(101, 1, false, 160, true));
        assert_eq!(wire.digits(), "111", "{anew:?} {early}");
    }
}

#[test]
fn a_peer_without_telephone_event_sees_no_hole() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    let mut other = media(1, Codec::Pcma);
    other.telephone_event = None;
    wire.open_with(1, other);
    wire.peers(0, 1);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    for round in 0..5 {
        wire.packet(0, &phone.next(160));
        wire.packet(0, &phone.event(101, round, false, 160, true));
        wire.packet(0, &phone.event(101, round, true, 320, false));
        phone.timestamp = phone.timestamp.wrapping_add(320);
    }
    wire.packet(0, &phone.next(160));
    let sent = wire.sent_to(1);
    assert_eq!(sent.len(), 6);
    assert_continuous(&sent);
    assert_eq!(wire.digits(), "01234");
}

#[test]
fn a_held_party_is_sent_nothing_and_resumes_in_order() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.open(1, Codec::Pcma);
    wire.peers(0, 1);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    let mut other = Phone::new(Codec::Pcma, 2, 400.0);
    let update = |direction, unspecified| {
        let mut media = media(1, Codec::Pcma);
        media.direction = direction;
        let mut accept = accept(1);
        if unspecified {
            media.remote = "0.0.0.0:4004".parse().unwrap();
            accept.sdp = media.remote.ip();
        }
        MediaCommand::Update {
            port: PortId(1),
            media,
            accept,
        }
    };
    let holds = [
        (Direction::RecvOnly, false, true),
        (Direction::Inactive, false, false),
        (Direction::RecvOnly, true, true),
    ];
    for (direction, unspecified, listens) in holds {
        wire.packet(0, &phone.next(160));
        wire.packet(1, &other.next(160));
        wire.command(update(direction, unspecified));
        let (before, back) = (wire.sent_to(1).len(), wire.sent_to(0).len());
        for _ in 0..50 {
            wire.packet(0, &phone.next(160));
            wire.packet(1, &other.next(160));
            wire.now = wire.now + std::time::Duration::from_millis(20);
        }
        assert_eq!(wire.sent_to(1).len(), before, "{direction:?}");
        assert_eq!(
            wire.sent_to(0).len() - back,
            if listens { 50 } else { 0 },
            "{direction:?}"
        );
        wire.command(update(Direction::SendRecv, false));
    }
    wire.packet(0, &phone.next(160));
    let sent = wire.sent_to(1);
    assert_eq!(sent.len(), 4);
    assert_continuous(&sent);
    assert_eq!(wire.hub.totals().wrong_direction, 50);
}

#[test]
fn what_a_closed_port_leaves_is_silence_and_its_counts() {
    let mut wire = Wire::new();
    for port in 0..3 {
        wire.open(port, Codec::Pcma);
    }
    wire.peers(0, 1);
    wire.hear(2, Source::Mix(vec![PortId(0), PortId(1)]));
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    for _ in 0..10 {
        wire.packet(0, &phone.next(160));
    }
    wire.packet_from(0, "203.0.113.99:4002".parse().unwrap(), &phone.next(160));
    wire.packet(0, &[0x80, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    wire.command(MediaCommand::Close { port: PortId(0) });
    wire.command(MediaCommand::Close { port: PortId(0) });
    let [
        MediaEvent::Closed {
            port: PortId(0),
            stats,
        },
    ] = wire.events[..]
    else {
        panic!("{:?}", wire.events)
    };
    assert_eq!(
        (
            stats.received,
            stats.sent,
            stats.wrong_source,
            stats.malformed
        ),
        (10, 0, 1, 1)
    );
    // The number is used again for a stranger: the former peers must not hear that call.
    wire.sent.clear();
    wire.open(0, Codec::Pcma);
    let mut stranger = Phone::new(Codec::Pcma, 9, 1200.0);
    for _ in 0..50 {
        wire.packet(0, &stranger.next(160));
        wire.run_to(wire.now + std::time::Duration::from_millis(20));
    }
    assert!(wire.sent_to(1).is_empty());
    assert!(tone::amplitude_at(&wire.heard(2, Codec::Pcma), 1200.0) < 50.0);
    assert_eq!(wire.hub.totals().open, 3);
    // Named anew, the new party at the old number is heard.
    wire.hear(1, Source::Peer(PortId(0)));
    wire.packet(0, &stranger.next(160));
    assert_eq!(wire.sent_to(1).len(), 1);
}

#[test]
fn a_peer_may_be_named_before_it_opens() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.hear(0, Source::Peer(PortId(5)));
    wire.open(5, Codec::Pcma);
    wire.packet(5, &Phone::new(Codec::Pcma, 1, 400.0).next(160));
    assert_eq!(wire.sent_to(0).len(), 1);
    assert_eq!(wire.sent[0].to, address(0));
}
