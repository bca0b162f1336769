//! Reports (RFC 3550 §6): their bytes, when they come, what they count, and whose are believed.

mod support;

use meishier_media::rtcp::{self, Block, Report, Sender};
use meishier_media::{Codec, MediaCommand, Negotiated, Rtcp, RtcpPath, Source, rtp};
use meishier_model::{Mono, PortId};
use std::net::SocketAddr;
use std::time::Duration;
use support::{Phone, Random, Wire, address, closed, media, ms};

const NAME: [u8; rtcp::CNAME] = *b"abcdefghijklmnopqrstuvwx";

fn sender() -> Sender {
    Sender {
        ntp: 0x0102_0304_0506_0708,
        timestamp: 0x1122_3344,
        packets: 1000,
        octets: 160_000,
    }
}

fn block() -> Block {
    Block {
        ssrc: 0xaabb_ccdd,
        fraction: 64,
        lost: -3,
        highest: 0x0001_0002,
        jitter: 17,
        last_report: 0x0304_0506,
        delay: 65_536,
    }
}

#[test]
fn a_report_reads_byte_for_byte() {
    let written = rtcp::write(0x1020_3040, NAME, Some(sender()), Some(block()), true);
    let expected: Vec<u8> = [
        // SR with one block: 13 words.
        &[0x81, 200, 0, 12, 0x10, 0x20, 0x30, 0x40][..],
        &[1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x22, 0x33, 0x44],
        &[0, 0, 3, 0xe8, 0, 2, 0x71, 0],
        &[0xaa, 0xbb, 0xcc, 0xdd, 64, 0xff, 0xff, 0xfd, 0, 1, 0, 2],
        &[0, 0, 0, 17, 3, 4, 5, 6, 0, 1, 0, 0],
        // SDES with one chunk: 9 words.
        &[0x81, 202, 0, 8, 0x10, 0x20, 0x30, 0x40, 1, 24],
        &NAME,
        &[0, 0],
        // BYE of one source.
        &[0x81, 203, 0, 1, 0x10, 0x20, 0x30, 0x40],
    ]
    .concat();
    assert_eq!(written.as_bytes(), expected);
    let read = rtcp::read(written.as_bytes(), 0xaabb_ccdd).unwrap();
    let whole = Report {
        ssrc: 0x1020_3040,
        sender: Some(sender()),
        block: Some(block()),
        bye: true,
    };
    assert_eq!(read, whole);
    let of_another = rtcp::read(written.as_bytes(), 1).unwrap();
    assert_eq!(
        of_another,
        Report {
            block: None,
            ..whole
        }
    );
    let quiet = rtcp::write(7, NAME, None, None, false);
    assert_eq!(quiet.as_bytes()[..8], [0x80, 201, 0, 1, 0, 0, 0, 7]);
    assert_eq!(rtcp::read(quiet.as_bytes(), 1).unwrap().sender, None);
}

#[test]
fn what_breaks_the_rules_is_not_read() {
    let good = rtcp::write(1, NAME, Some(sender()), Some(block()), true);
    let good = good.as_bytes();
    for length in 0..good.len() {
        // Cut between packets it is a shorter compound, cut elsewhere none.
        let whole = [52, 88].contains(&length);
        assert_eq!(rtcp::read(&good[..length], 1).is_some(), whole, "{length}");
    }
    let changed = |at: usize, to: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = to;
        rtcp::read(&bytes, 1)
    };
    assert_eq!(changed(0, 0x41), None, "version 1");
    assert_eq!(changed(1, 202), None, "begins with SDES");
    assert_eq!(changed(0, 0xa1), None, "padding that is not at the end");
    assert_eq!(changed(0, 0x82), None, "two blocks, room for one");
    assert_eq!(changed(3, 200), None, "longer than there is");
    // Reports may be followed by what is not known here (RFC 3611, RFC 4585).
    let more = [good, &[0x80, 207, 0, 1, 0, 0, 0, 1]].concat();
    assert!(rtcp::read(&more, 1).is_some());
    let mut random = Random(3);
    for _ in 0..100_000 {
        let mut bytes = good.to_vec();
        random.mutate(&mut bytes);
        let _ = rtcp::read(&bytes, 0xaabb_ccdd);
    }
}

fn reporting(port: u32, rtcp: Rtcp) -> Negotiated {
    Negotiated {
        rtcp,
        ..media(port, Codec::Pcma)
    }
}

/// The port for reports of the party at `port`.
fn reports_at(port: u32) -> SocketAddr {
    SocketAddr::new(address(port).ip(), address(port).port() + 1)
}

fn read(wire: &Wire, number: usize, ours: u32) -> Report {
    rtcp::read(wire.reports[number].1.packet.as_bytes(), ours).unwrap()
}

#[test]
fn reports_come_at_their_time_and_go_where_it_was_agreed() {
    let mut wire = Wire::new();
    wire.open_with(0, reporting(0, Rtcp::Apart(reports_at(0))));
    wire.open_with(1, reporting(1, Rtcp::Muxed));
    wire.open_with(2, reporting(2, Rtcp::Off));
    wire.hear(0, Source::Music);
    wire.run_to(ms(601_000));
    for (port, path, to) in [
        (0, RtcpPath::Apart, reports_at(0)),
        (1, RtcpPath::Muxed, address(1)),
    ] {
        let moments: Vec<Mono> = wire
            .reports
            .iter()
            .filter(|(_, r)| r.port == PortId(port))
            .map(|(at, r)| {
                assert_eq!((r.path, r.to), (path, to));
                *at
            })
            .collect();
        // RFC 3550 §6.2, §6.3.1: 5 s by half more or less, over 1.21828; the first in half of that.
        let first = moments[0].since(ms(1000));
        assert!((1000..=3120).contains(&first.as_millis()), "{first:?}");
        for pair in moments.windows(2) {
            let gap = pair[1].since(pair[0]);
            assert!((2040..=6180).contains(&gap.as_millis()), "{gap:?}");
        }
        assert!((120..=180).contains(&moments.len()), "{}", moments.len());
    }
    assert!(wire.reports.iter().all(|(_, r)| r.port != PortId(2)));
    // Who hears music is told of it by SR, who hears nothing by RR.
    for (at, report) in wire.reports.clone() {
        let said = rtcp::read(report.packet.as_bytes(), 0).unwrap();
        assert_eq!(said.sender.is_some(), report.port == PortId(0));
        let Some(sender) = said.sender else { continue };
        let before = wire.sent_to(0);
        let packets = sender.packets as usize;
        let last = &before[packets - 1];
        assert_eq!(sender.octets as usize, packets * 160);
        assert_eq!(said.ssrc, last.ssrc);
        // The clock of the report goes with that of the stream: a packet has 160 samples, and the
        // report is written at most two beats after the last.
        let ahead = sender.timestamp.wrapping_sub(last.timestamp);
        assert!(ahead <= 320, "{ahead}");
        let seconds = (sender.ntp >> 32) * 1_000_000;
        let rest = ((sender.ntp & 0xffff_ffff) * 1_000_000) >> 32;
        assert!(at.0.abs_diff(seconds + rest) <= 1);
    }
}

#[test]
fn loss_and_jitter_are_those_of_the_rfc() {
    let mut wire = Wire::new();
    wire.open_with(0, reporting(0, Rtcp::Apart(reports_at(0))));
    let mut phone = Phone::new(Codec::Pcma, 9, 400.0);
    let mut random = Random(1);
    let (mut jitter, mut peak, mut before, mut lost, mut last) = (0.0f64, 0.0f64, None, 0, 0);
    let mut arrivals = Vec::new();
    for number in 0..1500u64 {
        let timestamp = phone.timestamp;
        let packet = phone.next(160);
        let at = 1_000_000 + number * 20_000 + random.below(9000) as u64;
        let dropped = number % 10 == 7 && number < 1400;
        arrivals.push((at, timestamp, packet, dropped));
    }
    for (at, timestamp, packet, dropped) in &arrivals {
        wire.run_to(Mono(*at));
        if *dropped {
            lost += 1;
            continue;
        }
        wire.packet(0, packet);
        // RFC 3550 §6.4.1, by its formula.
        let transit = (*at as f64 * 0.008).floor() - f64::from(*timestamp);
        if let Some(before) = before.replace(transit) {
            let wrapped: f64 = transit - before;
            let turn = 4_294_967_296.0;
            let difference = (wrapped - (wrapped / turn).round() * turn).abs();
            jitter += (difference - jitter) / 16.0;
            last += 1;
            if last >= 50 {
                peak = peak.max(jitter);
            }
        }
    }
    wire.run_to(ms(40_000));
    let blocks: Vec<Block> = wire
        .reports
        .iter()
        .filter_map(|(_, r)| rtcp::read(r.packet.as_bytes(), 9).unwrap().block)
        .collect();
    // While one packet in ten is lost, a report says so: 26 in 256, by one packet more or less.
    assert!((15..=37).contains(&blocks[2].fraction), "{:?}", blocks[2]);
    let end = blocks.last().unwrap();
    assert_eq!(end.lost, lost);
    // 65,500 was the first number: the counter has turned once.
    assert_eq!(end.highest, 65_500 + 1499);
    assert!(
        (f64::from(end.jitter) - jitter).abs() < 2.0,
        "{end:?} {jitter}"
    );
    // Nothing came since the last report: there is nothing to say (§6.4).
    let silent = read(&wire, wire.reports.len() - 1, 9);
    assert_eq!(silent.block, None);
    let stats = closed(&mut wire, 0);
    assert_eq!(
        (stats.lost, stats.received),
        (lost as u64, 1500 - lost as u64)
    );
    let peak_us = peak * 125.0;
    assert!(
        (f64::from(stats.jitter_us) - peak_us).abs() < 250.0,
        "{stats:?} {peak_us}"
    );
}

#[test]
fn streams_that_follow_each_other_add_up() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    for ssrc in [1, 2, 3] {
        let mut phone = Phone::new(Codec::Pcma, ssrc, 400.0);
        for number in 0..100 {
            let packet = phone.next(160);
            if number % 50 != 20 {
                wire.packet(0, &packet);
            }
        }
    }
    // A packet that comes twice takes nothing from what was lost before.
    let mut phone = Phone::new(Codec::Pcma, 4, 400.0);
    let packet = phone.next(160);
    wire.packet(0, &packet);
    wire.packet(0, &packet);
    assert_eq!(closed(&mut wire, 0).lost, 6);
}

/// What the party at `port` reports of our stream, as bytes.
fn of_ours(port: &Wire, from: u32, lost: i32, last_report: u32, delay: u32) -> Vec<u8> {
    let ours = port.sent_to(0).last().unwrap().ssrc;
    let block = Block {
        ssrc: ours,
        fraction: 0,
        lost,
        highest: 1,
        jitter: 40,
        last_report,
        delay,
    };
    let written = rtcp::write(from, NAME, Some(sender()), Some(block), false);
    written.as_bytes().to_vec()
}

#[test]
fn the_party_s_reports_are_kept_and_strangers_are_not_believed() {
    for muxed in [false, true] {
        let mut wire = Wire::new();
        let rtcp = if muxed {
            Rtcp::Muxed
        } else {
            Rtcp::Apart(reports_at(0))
        };
        wire.open_with(0, reporting(0, rtcp));
        wire.hear(0, Source::Music);
        let mut phone = Phone::new(Codec::Pcma, 9, 400.0);
        let packet = phone.next(160);
        wire.packet(0, &packet);
        wire.run_to(ms(8000));
        let (at, first) = wire.reports[0];
        let written = rtcp::read(first.packet.as_bytes(), 9).unwrap();
        let middle = (written.sender.unwrap().ntp >> 16) as u32;
        let give = |wire: &mut Wire, from: SocketAddr, bytes: &[u8]| {
            if muxed {
                wire.packet_from(0, from, bytes);
            } else {
                wire.hub.handle_rtcp(wire.now, PortId(0), from, bytes);
            }
        };
        let source = if muxed { address(0) } else { reports_at(0) };
        // From elsewhere, it is dropped whatever it says.
        let report = of_ours(&wire, 9, 999, 0, 0);
        let stranger = "203.0.113.9:4003".parse().unwrap();
        give(&mut wire, stranger, &report);
        assert_eq!(wire.hub.totals().wrong_source, 1);
        // The party took 1.5 s to answer; what is left is the way there and back.
        let delay = 3 << 15;
        let report = of_ours(&wire, 9, 12, middle, delay);
        let gone = wire.now.since(at) - Duration::from_millis(1500);
        give(&mut wire, source, &report);
        // Of another's stream.
        let other = rtcp::write(
            9,
            NAME,
            None,
            Some(Block {
                lost: 500,
                ..block()
            }),
            false,
        );
        give(&mut wire, source, other.as_bytes());
        // Nonsense.
        give(&mut wire, source, &[0x80, 201, 0, 9, 0, 0, 0, 0]);
        let totals = wire.hub.totals();
        assert_eq!(
            (totals.rtcp, totals.rtcp_malformed),
            (3, 1),
            "muxed: {muxed}"
        );
        wire.run_to(ms(16_000));
        // Our next report names theirs, and how long ago it came.
        let (_, next) = wire.reports[wire.reports.len() - 1];
        assert_eq!(next.to, source);
        let stats = closed(&mut wire, 0);
        assert_eq!(
            (stats.reports, stats.peer_lost, stats.peer_jitter_us),
            (1, 12, 5000)
        );
        let off = Duration::from_micros(u64::from(stats.round_trip_us)).abs_diff(gone);
        assert!(off < Duration::from_micros(50), "{off:?}");
    }
}

#[test]
fn our_report_answers_theirs() {
    let mut wire = Wire::new();
    wire.open_with(0, reporting(0, Rtcp::Apart(reports_at(0))));
    let mut phone = Phone::new(Codec::Pcma, 9, 400.0);
    wire.packet(0, &phone.next(160));
    let report = rtcp::write(9, NAME, Some(sender()), None, false);
    wire.hub
        .handle_rtcp(wire.now, PortId(0), reports_at(0), report.as_bytes());
    let came = wire.now;
    wire.run_to(ms(4200));
    let (at, _) = wire.reports[0];
    let block = read(&wire, 0, 9).block.unwrap();
    assert_eq!(block.last_report, 0x0304_0506);
    let delay = at.since(came).as_micros() * 65_536 / 1_000_000;
    assert!(
        u128::from(block.delay).abs_diff(delay) <= 1,
        "{block:?} {delay}"
    );
}

#[test]
fn reports_behind_a_nat_are_answered_where_they_came_from() {
    let mut wire = Wire::new();
    wire.open_with(0, reporting(0, Rtcp::Apart(reports_at(0))));
    let mut phone = Phone::new(Codec::Pcma, 9, 400.0);
    wire.packet(0, &phone.next(160));
    let moved = SocketAddr::new(address(0).ip(), 61_000);
    let of_a_ghost = rtcp::write(8, NAME, Some(sender()), None, false);
    let elsewhere = SocketAddr::new(address(0).ip(), 61_002);
    let report = rtcp::write(9, NAME, Some(sender()), None, false);
    for (from, packet) in [(moved, report), (elsewhere, of_a_ghost)] {
        wire.hub
            .handle_rtcp(wire.now, PortId(0), from, packet.as_bytes());
    }
    wire.run_to(ms(4200));
    assert_eq!(wire.reports[0].1.to, moved);
}

#[test]
fn the_last_report_says_bye_and_none_follows() {
    let mut wire = Wire::new();
    wire.open_with(0, reporting(0, Rtcp::Apart(reports_at(0))));
    wire.open_with(1, reporting(1, Rtcp::Apart(reports_at(1))));
    // Nobody was told of the second stream: there is nothing to end.
    closed(&mut wire, 1);
    wire.run_to(ms(5000));
    let before = wire.reports.len();
    assert!(before > 0);
    closed(&mut wire, 0);
    assert_eq!(wire.reports.len(), before + 1);
    assert!(read(&wire, before, 0).bye);
    // The port's next party has reports of its own, at its own times.
    wire.open_with(0, reporting(2, Rtcp::Apart(reports_at(2))));
    let opened = wire.now;
    wire.run_to(ms(60_000));
    let next = &wire.reports[before + 1..];
    assert!(next.iter().all(|(_, r)| r.to == reports_at(2)));
    assert!(next[0].0.since(opened) >= Duration::from_millis(1000));
    assert!(next.len() <= 30, "{}", next.len());
    let rtp = rtp::header(8, false, 1, 1, 1);
    assert!(!rtp::is_rtcp(&rtp));
    assert!(rtp::is_rtcp(next[0].1.packet.as_bytes()));
}

#[test]
fn reports_begin_and_end_with_the_agreement() {
    let mut wire = Wire::new();
    wire.open_with(0, reporting(0, Rtcp::Off));
    let agree = |wire: &mut Wire, rtcp: Rtcp| {
        wire.command(MediaCommand::Update {
            port: PortId(0),
            media: reporting(0, rtcp),
            accept: support::accept(0),
        });
    };
    wire.run_to(ms(20_000));
    assert_eq!(wire.reports.len(), 0);
    // Turned on and off again within one interval, there is still one report at a time.
    for _ in 0..5 {
        agree(&mut wire, Rtcp::Muxed);
        agree(&mut wire, Rtcp::Off);
    }
    agree(&mut wire, Rtcp::Muxed);
    wire.run_to(ms(80_000));
    let moments: Vec<Mono> = wire.reports.iter().map(|(at, _)| *at).collect();
    assert!((10..=30).contains(&moments.len()), "{moments:?}");
    for pair in moments.windows(2) {
        assert!(pair[1].since(pair[0]) >= Duration::from_millis(2040));
    }
    agree(&mut wire, Rtcp::Off);
    wire.run_to(ms(120_000));
    assert_eq!(wire.reports.len(), moments.len());
}
