//! Parties of SRTP at a hub: heard and hearing, spoofed, replayed, held, with other keys.

mod support;

use meishier_media::srtp::{Inbound, KeySeed, Master, Outbound, Protection, Suite, Unsafe};
use meishier_media::{Codec, Direction, MediaCommand, Negotiated, Rtcp, Source};
use meishier_media::{RtcpPath, g711, rtcp, rtp};
use meishier_model::PortId;
use std::net::SocketAddr;
use support::*;

fn master(suite: Suite, which: u64) -> Master {
    KeySeed::derive(&[9; 32], &[which]).master(suite)
}

fn protection(suite: Suite, ours: u64, theirs: u64) -> Protection {
    Protection {
        ours: master(suite, ours),
        theirs: master(suite, theirs),
        turns: 0,
    }
}

fn secured(port: u32, codec: Codec, protection: &Protection) -> Negotiated {
    Negotiated {
        protection: Some(Box::new(protection.clone())),
        ..media(port, codec)
    }
}

/// A telephone with SRTP at one port.
struct Far {
    port: u32,
    phone: Phone,
    outbound: Outbound,
    inbound: Inbound,
    /// How many of the hub's packets it has looked at.
    seen: usize,
}

impl Far {
    fn new(port: u32, codec: Codec, protection: &Protection) -> Self {
        Self {
            port,
            phone: Phone::new(codec, 100 + port, 440.0),
            outbound: Outbound::new(&protection.theirs),
            inbound: Inbound::new(&protection.ours, 0),
            seen: 0,
        }
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let sequence = u16::from_be_bytes([plain[2], plain[3]]);
        let index = self.outbound.number(sequence).expect("a free number");
        let mut out = plain.to_vec();
        let tag = self.outbound.seal_rtp(index, &mut out);
        out.extend(tag.as_bytes());
        out
    }

    fn next(&mut self) -> Vec<u8> {
        let plain = self.phone.next(160);
        self.seal(&plain)
    }

    /// What came since the last time, each as it opens.
    fn opened(&mut self, wire: &Wire) -> Vec<Result<Vec<u8>, Unsafe>> {
        let mine = wire.raw.iter().skip(self.seen);
        let mine = mine.filter(|(port, _)| *port == PortId(self.port));
        let all = mine
            .map(|(_, bytes)| {
                let mut bytes = bytes.clone();
                let length = self.inbound.open_rtp(&mut bytes)?;
                bytes.truncate(length);
                Ok(bytes)
            })
            .collect();
        self.seen = wire.raw.len();
        all
    }
}

/// Port 0 with SRTP and its telephone, port 1 without; both hear each other.
fn beside_plain(suite: Suite) -> (Wire, Far) {
    let mut wire = Wire::new();
    let keys = protection(suite, 1, 2);
    wire.open_with(0, secured(0, Codec::Pcma, &keys));
    wire.open(1, Codec::Pcma);
    wire.peers(0, 1);
    let far = Far::new(0, Codec::Pcma, &keys);
    (wire, far)
}

#[test]
fn speech_goes_between_two_suites_and_plain_rtp_and_both_laws() {
    for suite in Suite::ALL {
        let mut wire = Wire::new();
        let first = protection(suite, 1, 2);
        let second = protection(Suite::AesCm128Sha1_80, 3, 4);
        wire.open_with(0, secured(0, Codec::Pcma, &first));
        wire.open_with(1, secured(1, Codec::Pcmu, &second));
        wire.open(2, Codec::Pcma);
        let (mut a, mut b) = (
            Far::new(0, Codec::Pcma, &first),
            Far::new(1, Codec::Pcmu, &second),
        );
        wire.peers(0, 1);
        wire.hear(2, Source::Peer(PortId(0)));
        // Past the turn of the numbers, which begin at 65,500.
        for n in 0..200 {
            wire.run_to(ms(1000 + 20 * n));
            let plain = a.phone.next(160);
            let secret = a.seal(&plain);
            wire.packet(0, &secret);
            let heard = b.opened(&wire);
            let heard = heard[0].as_ref().expect("an honest packet");
            let spoken = rtp::parse(&plain).unwrap().payload;
            let heard = rtp::parse(heard).unwrap();
            assert_eq!((heard.payload_type, heard.payload.len()), (0, 160));
            let drift = |(x, y): (&u8, &u8)| {
                let spoken = g711::decode(Codec::Pcma, *x);
                (i32::from(spoken) - i32::from(g711::decode(Codec::Pcmu, *y))).abs()
            };
            let worst = spoken.iter().zip(heard.payload).map(drift).max();
            assert!(worst < Some(600), "{worst:?}");
            let plainly = wire.sent_to(2);
            assert_eq!(plainly.last().unwrap().payload, spoken);

            let back = b.next();
            wire.packet(1, &back);
            assert!(a.opened(&wire).iter().all(Result::is_ok));
        }
        let totals = wire.hub.totals();
        assert_eq!(
            (totals.received, totals.forged, totals.replayed),
            (400, 0, 0)
        );
        let (a, plain) = (closed(&mut wire, 0), closed(&mut wire, 2));
        assert_eq!((a.secured, a.received, a.sent), (true, 200, 200));
        assert!(!plain.secured);
    }
}

#[test]
fn music_prompts_and_mixes_are_sealed_in_every_size_of_packet() {
    for ptime_ms in [10, 20, 30, 40, 50, 60] {
        let mut wire = Wire::new();
        let keys = protection(Suite::AesCm128Sha1_32, 1, 2);
        let media = secured(0, Codec::Pcma, &keys);
        wire.open_with(0, Negotiated { ptime_ms, ..media });
        wire.hear(0, Source::Music);
        wire.run_to(ms(3000));
        let mut far = Far::new(0, Codec::Pcma, &keys);
        let heard = far.opened(&wire);
        assert!(heard.len() >= 30, "{}", heard.len());
        for packet in heard {
            let packet = packet.expect("an honest packet");
            assert_eq!(packet.len(), 12 + usize::from(ptime_ms) * 8);
        }
        let sequence = wire.sent_to(0)[0].sequence;
        assert!(sequence < 1 << 15, "RFC 3711 §3.3.1: {sequence}");
    }
}

#[test]
fn nothing_is_learned_of_a_packet_that_was_not_made_with_the_key() {
    let (mut wire, mut far) = beside_plain(Suite::AesCm128Sha1_80);
    // The very address and port of SDP, and another port of the address: plain, of another key, changed.
    let other_port = SocketAddr::new(address(0).ip(), 999);
    let mut stranger = Far::new(0, Codec::Pcma, &protection(Suite::AesCm128Sha1_80, 5, 6));
    for from in [address(0), other_port] {
        let plain = Phone::new(Codec::Pcma, 7, 440.0).next(160);
        let mut changed = far.next();
        changed[40] ^= 1;
        for bytes in [plain, stranger.next(), changed] {
            wire.packet_from(0, from, &bytes);
        }
    }
    assert_eq!(wire.hub.totals().forged, 6);
    assert_eq!(wire.hub.totals().received, 0);
    assert!(wire.sent_to(1).is_empty());
    // The party behind its NAT comes last, and is the one that is learned.
    let nat = SocketAddr::new(address(0).ip(), 31_000);
    let honest = far.next();
    wire.packet_from(0, nat, &honest);
    assert_eq!(wire.sent_to(1).len(), 1);
    let back = Phone::new(Codec::Pcma, 8, 440.0).next(160);
    wire.packet(1, &back);
    assert_eq!(wire.sent_to(0).last().unwrap().to, nat);
    // From elsewhere not even the right key counts.
    let elsewhere = SocketAddr::from(([203, 0, 113, 9], 4000));
    let honest = far.next();
    wire.packet_from(0, elsewhere, &honest);
    assert_eq!(wire.hub.totals().wrong_source, 1);
    let stats = closed(&mut wire, 0);
    assert_eq!((stats.unauthentic, stats.received), (6, 1));
}

#[test]
fn a_packet_that_comes_again_is_dropped_and_counted() {
    let (mut wire, mut far) = beside_plain(Suite::AesGcm128);
    let packets: Vec<Vec<u8>> = (0..5).map(|_| far.next()).collect();
    for n in [0, 2, 2, 1, 0, 4, 3, 1] {
        wire.packet(0, &packets[n]);
    }
    assert_eq!(wire.sent_to(1).len(), 5);
    assert_eq!(wire.hub.totals().replayed, 3);
    assert_eq!(closed(&mut wire, 0).unauthentic, 3);
}

#[test]
fn one_number_is_never_sealed_twice_whatever_a_plain_party_sends() {
    let (mut wire, mut far) = beside_plain(Suite::AesCm128Sha1_80);
    let mut phone = Phone::new(Codec::Pcma, 8, 440.0);
    let first = phone.next(160);
    let mut other = first.clone();
    other[100] ^= 0x55;
    for bytes in [&first, &other, &phone.next(160), &other] {
        wire.packet(1, bytes);
    }
    let heard = far.opened(&wire);
    assert_eq!(heard.len(), 2);
    assert!(heard.iter().all(Result::is_ok));
    assert_eq!(wire.hub.totals().late, 2);
}

#[test]
fn keys_that_stay_keep_their_counters_through_hold_and_move() {
    let suite = Suite::AesCm128Sha1_80;
    let (mut wire, mut far) = beside_plain(suite);
    let agreed = secured(0, Codec::Pcma, &protection(suite, 1, 2));
    let old = far.next();
    wire.packet(0, &old);
    let back = Phone::new(Codec::Pcma, 8, 440.0).next(160);
    wire.packet(1, &back);
    let ssrc = wire.sent_to(0)[0].ssrc;
    // Beyond the turn of its numbers on hold: nothing passes, and yet the count goes on.
    let update = |wire: &mut Wire, media: Negotiated| {
        wire.command(MediaCommand::Update {
            port: PortId(0),
            media,
            accept: accept(0),
        });
    };
    let direction = Direction::SendOnly;
    update(
        &mut wire,
        Negotiated {
            direction,
            ..agreed.clone()
        },
    );
    for _ in 0..100 {
        let held = far.next();
        wire.packet(0, &held);
    }
    assert_eq!(wire.hub.totals().wrong_direction, 100);
    update(&mut wire, agreed);
    let after = far.next();
    wire.packet(0, &after);
    wire.packet(0, &old);
    let totals = wire.hub.totals();
    assert_eq!((totals.received, totals.forged), (3, 0));
    assert_eq!(totals.replayed, 1);
    let mut phone = Phone::new(Codec::Pcma, 8, 440.0);
    phone.sequence = 20;
    wire.packet(1, &phone.next(160));
    assert_eq!(wire.sent_to(0).last().unwrap().ssrc, ssrc);
    assert!(far.opened(&wire).iter().all(Result::is_ok));
}

#[test]
fn other_keys_begin_a_stream_and_let_what_is_under_way_arrive() {
    let (mut wire, mut far) = beside_plain(Suite::AesCm128Sha1_80);
    let mut phone = Phone::new(Codec::Pcma, 8, 440.0);
    for _ in 0..3 {
        let (bytes, back) = (far.next(), phone.next(160));
        wire.packet(0, &bytes);
        wire.packet(1, &back);
    }
    let before = wire.sent_to(0).last().unwrap().clone();
    assert_eq!(far.opened(&wire).len(), 3);
    let late = [far.next(), far.next()];

    let keys = protection(Suite::AesCm256Sha1_80, 3, 4);
    wire.command(MediaCommand::Update {
        port: PortId(0),
        media: secured(0, Codec::Pcma, &keys),
        accept: accept(0),
    });
    wire.packet(0, &late[0]);
    assert_eq!(
        wire.sent_to(1).len(),
        4,
        "made with the old key, before the new one was known"
    );
    let (sequence, timestamp) = (far.phone.sequence, far.phone.timestamp);
    let seen = far.seen;
    far = Far::new(0, Codec::Pcma, &keys);
    far.seen = seen;
    (far.phone.sequence, far.phone.timestamp) = (sequence, timestamp);
    for _ in 0..3 {
        let (bytes, back) = (far.next(), phone.next(160));
        wire.packet(0, &bytes);
        wire.packet(1, &back);
    }
    assert_eq!(wire.sent_to(1).len(), 7);
    let heard = far.opened(&wire);
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(Result::is_ok));
    let after = wire.sent_to(0).last().unwrap().clone();
    assert_ne!(after.ssrc, before.ssrc, "another key, another stream");
    // The old key is over once the new one was used.
    wire.packet(0, &late[1]);
    assert_eq!(wire.hub.totals().forged, 1);
    assert!(closed(&mut wire, 0).secured);
}

#[test]
fn a_call_that_was_plain_for_a_while_is_not_called_secured() {
    let keys = protection(Suite::AesCm128Sha1_80, 1, 2);
    for plain_first in [true, false] {
        let mut wire = Wire::new();
        let (plain, secret) = (media(0, Codec::Pcma), secured(0, Codec::Pcma, &keys));
        let (first, then) = if plain_first {
            (plain, secret)
        } else {
            (secret, plain)
        };
        wire.open_with(0, first);
        wire.command(MediaCommand::Update {
            port: PortId(0),
            media: then.clone(),
            accept: accept(0),
        });
        wire.hear(0, Source::Music);
        wire.run_to(ms(2000));
        let mut far = Far::new(0, Codec::Pcma, &keys);
        let opens = far.opened(&wire).iter().all(Result::is_ok);
        assert_eq!(opens, then.protection.is_some());
        assert!(!closed(&mut wire, 0).secured);
    }
}

#[test]
fn reports_are_sealed_opened_and_taken_once_on_either_way() {
    for (muxed, suite) in [
        (true, Suite::AesCm128Sha1_80),
        (false, Suite::AesCm128Sha1_32),
        (true, Suite::AesGcm128),
        (false, Suite::AesGcm128),
    ] {
        let mut wire = Wire::new();
        let keys = protection(suite, 1, 2);
        let apart = SocketAddr::new(address(0).ip(), address(0).port() + 1);
        let rtcp = if muxed {
            Rtcp::Muxed
        } else {
            Rtcp::Apart(apart)
        };
        let media = secured(0, Codec::Pcma, &keys);
        wire.open_with(0, Negotiated { rtcp, ..media });
        wire.hear(0, Source::Music);
        let mut far = Far::new(0, Codec::Pcma, &keys);
        let spoken = far.next();
        wire.packet(0, &spoken);
        wire.run_to(ms(20_000));
        let ssrc = wire.sent_to(0)[0].ssrc;
        assert!(wire.reports.len() >= 3);
        for (_, report) in &wire.reports {
            let way = if muxed {
                RtcpPath::Muxed
            } else {
                RtcpPath::Apart
            };
            assert_eq!(report.path, way);
            let mut bytes = report.packet.as_bytes().to_vec();
            let length = far.inbound.open_rtcp(&mut bytes).expect("an honest report");
            assert_ne!(bytes[8..length], report.packet.as_bytes()[8..length]);
            let read = rtcp::read(&bytes[..length], 100).expect("by the rules");
            assert_eq!(read.ssrc, ssrc);
        }
        let block = rtcp::Block {
            ssrc,
            fraction: 0,
            lost: 42,
            highest: 0,
            jitter: 8,
            last_report: 0,
            delay: 0,
        };
        let said = rtcp::write(100, [b'a'; rtcp::CNAME], None, Some(block), false);
        let mut sealed = said.as_bytes().to_vec();
        let (trailer, length) = far.outbound.seal_rtcp(&mut sealed);
        sealed.extend(&trailer[..length]);
        for bytes in [said.as_bytes(), &sealed, &sealed] {
            if muxed {
                wire.packet(0, bytes);
            } else {
                wire.hub.handle_rtcp(wire.now, PortId(0), apart, bytes);
            }
        }
        let totals = wire.hub.totals();
        assert_eq!((totals.forged, totals.replayed, totals.rtcp), (1, 1, 1));
        let stats = closed(&mut wire, 0);
        assert_eq!((stats.reports, stats.peer_lost), (1, 42));
        assert_eq!(stats.unauthentic, 2);
    }
}

#[test]
fn key_presses_are_read_and_passed_on() {
    let (mut wire, mut far) = beside_plain(Suite::AesCm128Sha1_80);
    for (n, end) in [(1, false), (2, false), (3, true), (3, true), (3, true)] {
        let plain = far.phone.event(101, 5, end, n * 160, n == 1);
        let bytes = far.seal(&plain);
        wire.packet(0, &bytes);
    }
    assert_eq!(wire.digits(), "5");
    assert_eq!(wire.sent_to(1).len(), 5);
}
