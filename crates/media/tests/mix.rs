//! Mixing: who hears whom, told by three tones and Goertzel's filter.

mod support;

use meishier_media::{Codec, MediaCommand, Source, tone};
use meishier_model::PortId;
use std::time::Duration;
use support::*;

const TONES: [f64; 3] = [400.0, 1000.0, 1700.0];
const CODECS: [Codec; 3] = [Codec::Pcma, Codec::Pcmu, Codec::Pcma];

fn everybody() -> Source {
    Source::Mix((0..3).map(PortId).collect())
}

fn conference() -> (Wire, Vec<Phone>) {
    let mut wire = Wire::new();
    let phones = (0..3)
        .map(|i| {
            wire.open(i, CODECS[i as usize]);
            Phone::new(CODECS[i as usize], i, TONES[i as usize])
        })
        .collect();
    (wire, phones)
}

/// Every phone sends `packets` packets of `samples`, at their pace.
fn talk(wire: &mut Wire, phones: &mut [Phone], packets: usize, samples: usize) {
    for _ in 0..packets {
        for phone in phones.iter_mut() {
            let port = phone.ssrc;
            wire.packet(port, &phone.next(samples));
        }
        wire.run_to(wire.now + Duration::from_micros(samples as u64 * 125));
    }
}

/// Asserts which tones the party at `port` hears: in the middle of its last second.
fn assert_hears(wire: &Wire, port: u32, tones: [bool; 3]) {
    let heard = wire.heard(port, CODECS[port as usize]);
    let tail = &heard[heard.len() - 4000..];
    for (tone, expected) in TONES.iter().zip(tones) {
        let level = tone::amplitude_at(tail, *tone);
        let right = if expected {
            (5500.0..6500.0).contains(&level)
        } else {
            level < 100.0
        };
        assert!(
            right,
            "port {port}, {tone} Hz: {level:.0}, expected {expected}"
        );
    }
}

#[test]
fn in_a_conference_each_hears_the_others_and_not_itself() {
    let (mut wire, mut phones) = conference();
    for port in 0..3 {
        wire.hear(port, everybody());
    }
    talk(&mut wire, &mut phones, 60, 160);
    assert_hears(&wire, 0, [false, true, true]);
    assert_hears(&wire, 1, [true, false, true]);
    assert_hears(&wire, 2, [true, true, false]);
    for port in 0..3 {
        assert_continuous(&wire.sent_to(port));
    }
}

#[test]
fn a_listener_that_is_heard_by_nobody_hears_both_sides_of_a_relayed_call() {
    let (mut wire, mut phones) = conference();
    wire.peers(0, 1);
    wire.hear(2, Source::Mix(vec![PortId(0), PortId(1), PortId(0)]));
    talk(&mut wire, &mut phones, 60, 160);
    assert_hears(&wire, 0, [false, true, false]);
    assert_hears(&wire, 1, [true, false, false]);
    assert_hears(&wire, 2, [true, true, false]);
}

#[test]
fn a_party_that_leaves_is_heard_no_more_and_the_others_go_on() {
    let (mut wire, mut phones) = conference();
    for port in 0..3 {
        wire.hear(port, everybody());
    }
    talk(&mut wire, &mut phones, 40, 160);
    wire.command(MediaCommand::Close { port: PortId(1) });
    talk(&mut wire, &mut phones, 60, 160);
    assert_hears(&wire, 0, [false, false, true]);
    assert_hears(&wire, 2, [true, false, false]);
    wire.hear(0, Source::Mix(vec![]));
    talk(&mut wire, &mut phones, 60, 160);
    assert_hears(&wire, 0, [false, false, false]);
}

#[test]
fn packets_of_10_20_and_30_ms_mix_alike() {
    for samples in [80, 160, 240] {
        let (mut wire, mut phones) = conference();
        wire.hear(2, everybody());
        talk(&mut wire, &mut phones, 16_000 / samples, samples);
        assert_hears(&wire, 2, [true, true, false]);
    }
}

#[test]
fn jitter_and_order_are_smoothed_and_loss_is_silence() {
    let (mut wire, mut phones) = conference();
    wire.hear(2, Source::Mix(vec![PortId(0)]));
    // Two packets at a time, exchanged.
    for _ in 0..40 {
        let (first, second) = (phones[0].next(160), phones[0].next(160));
        wire.packet(0, &second);
        wire.packet(0, &first);
        wire.run_to(wire.now + Duration::from_millis(40));
    }
    assert_hears(&wire, 2, [true, false, false]);
    // Every second packet lost: half of the level, no repetition.
    for i in 0..80 {
        let bytes = phones[0].next(160);
        if i % 2 == 0 {
            wire.packet(0, &bytes);
        }
        wire.run_to(wire.now + Duration::from_millis(20));
    }
    let heard = wire.heard(2, CODECS[2]);
    let level = tone::amplitude_at(&heard[heard.len() - 8000..], TONES[0]);
    assert!((2700.0..3300.0).contains(&level), "{level}");
}

#[test]
fn the_sum_saturates_instead_of_wrapping() {
    let mut wire = Wire::new();
    let mut parties = Vec::new();
    for port in 0..10 {
        wire.open(port, Codec::Pcma);
        parties.push(Phone::new(Codec::Pcma, port, 400.0));
    }
    wire.hear(0, Source::Mix((0..10).map(PortId).collect()));
    talk(&mut wire, &mut parties, 60, 160);
    let heard = wire.heard(0, Codec::Pcma);
    let tail = &heard[heard.len() - 4000..];
    // Nine tones of 6000 in phase, cut at 32767: close to a square wave, whose fundamental is higher.
    assert!(tone::amplitude_at(tail, 400.0) > 34_000.0);
}

#[test]
fn a_fast_or_slow_clock_stays_within_the_buffer() {
    for pace in [19_500, 20_500] {
        let (mut wire, mut phones) = conference();
        wire.hear(2, Source::Mix(vec![PortId(0)]));
        for _ in 0..3000 {
            wire.packet(0, &phones[0].next(160));
            wire.run_to(wire.now + Duration::from_micros(pace));
        }
        let heard = wire.heard(2, CODECS[2]);
        let loud = heard[8000..]
            .chunks_exact(800)
            .filter(|c| tone::amplitude_at(c, TONES[0]) > 3000.0)
            .count();
        assert!(
            loud * 100 > heard.len() / 800 * 90,
            "{loud} of {} at a pace of {pace} µs",
            heard.len() / 800
        );
    }
}

#[test]
fn what_is_said_over_a_conversation_does_not_interrupt_it() {
    let (mut wire, mut phones) = conference();
    wire.hear(
        0,
        Source::Over {
            parties: vec![PortId(1), PortId(2)],
            prompts: vec![meishier_media::PromptId::TransferFailed],
            token: 77,
        },
    );
    talk(&mut wire, &mut phones, 50, 160);
    let during = wire.heard(0, CODECS[0]);
    let middle = &during[4000..];
    for tone in &TONES[1..] {
        assert!(
            tone::amplitude_at(middle, *tone) > 4000.0,
            "the others stay"
        );
    }
    assert!(
        !wire
            .events
            .iter()
            .any(|e| matches!(e, meishier_media::MediaEvent::PlaylistDone { .. }))
    );
    talk(&mut wire, &mut phones, 200, 160);
    let done = meishier_media::MediaEvent::PlaylistDone {
        port: PortId(0),
        token: 77,
    };
    assert_eq!(wire.events.iter().filter(|e| **e == done).count(), 1);
    assert_hears(&wire, 0, [false, true, true]);
}
