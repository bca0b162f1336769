//! Recording: who is on which track and when, told by tones and Goertzel's filter.

mod support;

use meishier_media::{Codec, FRAME, MediaCommand, Source, Taped, tone};
use meishier_model::{CallId, PortId, TapeForm, TapeId, Wall};
use std::collections::BTreeMap;
use std::time::Duration;
use support::*;

const TONES: [f64; 3] = [400.0, 1000.0, 1700.0];
const CODECS: [Codec; 3] = [Codec::Pcma, Codec::Pcmu, Codec::Pcma];
const TAPE: TapeId = TapeId {
    call: CallId(7),
    segment: 0,
};

fn two() -> (Wire, Vec<Phone>) {
    let mut wire = Wire::new();
    let phones = (0..3)
        .map(|i| {
            wire.open(i, CODECS[i as usize]);
            Phone::new(CODECS[i as usize], i, TONES[i as usize])
        })
        .collect();
    wire.peers(0, 1);
    (wire, phones)
}

fn start(wire: &mut Wire) {
    wire.command(MediaCommand::StartTape {
        tape: TAPE,
        form: TapeForm::Both,
        begun: Wall(5),
        about: "{}".into(),
    });
}

fn tape(wire: &mut Wire, port: u32, track: u8) {
    wire.command(MediaCommand::Tape {
        tape: TAPE,
        port: PortId(port),
        track,
        label: format!("party {port}"),
    });
}

/// Each of these phones sends `packets` packets of 20 ms, at their pace; what is taped meanwhile.
fn talk(wire: &mut Wire, phones: &mut [Phone], packets: usize) -> Vec<Taped> {
    let mut taped = Vec::new();
    for _ in 0..packets {
        for phone in phones.iter_mut() {
            let port = phone.ssrc;
            wire.packet(port, &phone.next(160));
        }
        wire.run_to(wire.now + Duration::from_millis(20));
        taped.extend(std::iter::from_fn(|| wire.hub.poll_tape()));
    }
    taped
}

/// The tracks as sound, what is missing as zeros.
fn tracks(taped: &[Taped]) -> BTreeMap<u8, Vec<i16>> {
    let mut out: BTreeMap<u8, Vec<i16>> = BTreeMap::new();
    for part in taped {
        if let Taped::Block {
            frame,
            track,
            samples,
            ..
        } = part
        {
            let sound = out.entry(*track).or_default();
            let from = *frame as usize * FRAME;
            assert!(sound.len() <= from, "a frame comes once and in order");
            sound.resize(from, 0);
            sound.extend(samples);
        }
    }
    out
}

#[test]
fn each_party_is_on_its_own_track_and_the_conversation_goes_on_as_it_was() {
    let (mut wire, mut phones) = two();
    start(&mut wire);
    tape(&mut wire, 0, 0);
    tape(&mut wire, 1, 1);
    let taped = talk(&mut wire, &mut phones, 100);
    let tracks = tracks(&taped);
    assert_eq!(tracks.keys().copied().collect::<Vec<_>>(), [0, 1]);
    for (track, sound) in &tracks {
        assert!((98 * FRAME..=101 * FRAME).contains(&sound.len()));
        for (party, tone) in TONES.iter().enumerate() {
            let level = tone::amplitude_at(&sound[4000..12_000], *tone);
            let there = party == usize::from(*track);
            assert_eq!(
                level > 5500.0,
                there,
                "track {track}, {tone} Hz: {level:.0}"
            );
            assert_eq!(
                level < 100.0,
                !there,
                "track {track}, {tone} Hz: {level:.0}"
            );
        }
    }
    // The relay is untouched: each hears the other, packet by packet.
    assert_eq!(wire.sent_to(0).len(), 100);
    assert_eq!(wire.sent_to(1).len(), 100);
}

#[test]
fn what_a_party_hears_is_on_no_tape() {
    let (mut wire, mut phones) = two();
    start(&mut wire);
    tape(&mut wire, 0, 0);
    wire.hear(0, Source::Music);
    let taped = talk(&mut wire, &mut phones[1..2], 50);
    assert!(!wire.sent_to(0).is_empty(), "it hears music");
    assert!(tracks(&taped).is_empty(), "it says nothing");
}

#[test]
fn lost_packets_are_silence_in_the_right_place_and_late_ones_come_to_theirs() {
    let (mut wire, mut phones) = two();
    start(&mut wire);
    tape(&mut wire, 0, 0);
    let mut taped = talk(&mut wire, &mut phones[..1], 50);
    let mut lost = 0;
    for _ in 0..5 {
        phones[0].next(160);
        wire.run_to(wire.now + Duration::from_millis(20));
        taped.extend(std::iter::from_fn(|| wire.hub.poll_tape()));
        lost += 1;
    }
    // Two at a time, exchanged.
    for _ in 0..25 {
        let (first, second) = (phones[0].next(160), phones[0].next(160));
        wire.packet(0, &second);
        wire.packet(0, &first);
        wire.run_to(wire.now + Duration::from_millis(40));
        taped.extend(std::iter::from_fn(|| wire.hub.poll_tape()));
    }
    let sound = &tracks(&taped)[&0];
    let silent: Vec<usize> = (10..sound.len() / FRAME)
        .filter(|frame| sound[frame * FRAME..][..FRAME].iter().all(|s| *s == 0))
        .collect();
    assert_eq!(silent.len(), lost, "{silent:?}");
    // 40 ms of delay: what is said in frame 50 stands in frame 52.
    assert!(silent[0] >= 50 && silent[0] <= 53, "{silent:?}");
    assert!(silent.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let level = tone::amplitude_at(&sound[60 * FRAME..90 * FRAME], TONES[0]);
    assert!(level > 5500.0, "whole after the gap: {level:.0}");
}

#[test]
fn a_third_party_has_its_own_track_from_when_it_comes_and_who_is_closed_has_left() {
    let (mut wire, mut phones) = two();
    start(&mut wire);
    tape(&mut wire, 0, 0);
    tape(&mut wire, 1, 1);
    let mut taped = talk(&mut wire, &mut phones, 50);
    tape(&mut wire, 2, 2);
    wire.command(MediaCommand::NoteTape {
        tape: TAPE,
        note: "110".into(),
    });
    taped.extend(talk(&mut wire, &mut phones, 50));
    wire.command(MediaCommand::Close { port: PortId(1) });
    taped.extend(talk(&mut wire, &mut phones, 50));
    wire.command(MediaCommand::Untape {
        tape: TAPE,
        port: PortId(0),
    });
    wire.command(MediaCommand::EndTape {
        tape: TAPE,
        keep: true,
    });
    taped.extend(talk(&mut wire, &mut phones, 10));
    let tracks = tracks(&taped);
    assert!(tracks[&2][..50 * FRAME].iter().all(|s| *s == 0));
    assert!(tracks[&1].len() <= 101 * FRAME);
    let line: Vec<String> = taped
        .iter()
        .filter_map(|part| match part {
            Taped::Started { .. } => Some("started".into()),
            Taped::Joined {
                frame,
                track,
                label,
                ..
            } => Some(format!("{frame} +{track} {label}")),
            Taped::Left { frame, track, .. } => Some(format!("{frame} -{track}")),
            Taped::Note { frame, note, .. } => Some(format!("{frame} {note}")),
            Taped::Ended {
                frame, keep, lost, ..
            } => Some(format!("{frame} end {keep} {lost}")),
            Taped::Block { .. } => None,
        })
        .collect();
    let wanted = [
        "started",
        "0 +0 party 0",
        "0 +1 party 1",
        "51 +2 party 2",
        "51 110",
        "101 -1",
        "151 -0",
        "151 end true 0",
    ];
    assert_eq!(line, wanted);
    assert!(!wire.has_beat(), "nobody needs a beat any more");
}

#[test]
fn who_does_not_fetch_loses_blocks_and_nothing_else() {
    let (mut wire, mut phones) = two();
    start(&mut wire);
    tape(&mut wire, 0, 0);
    for _ in 0..3000 {
        wire.packet(0, &phones[0].next(160));
        wire.run_to(wire.now + Duration::from_millis(20));
    }
    assert_eq!(wire.sent_to(1).len(), 3000, "the relay goes on");
    wire.command(MediaCommand::EndTape {
        tape: TAPE,
        keep: true,
    });
    let taped: Vec<Taped> = std::iter::from_fn(|| wire.hub.poll_tape()).collect();
    let blocks = taped
        .iter()
        .filter(|part| matches!(part, Taped::Block { .. }))
        .count();
    assert_eq!(blocks, 2048);
    let Some(Taped::Ended { lost, .. }) = taped.last() else {
        panic!("the end is told")
    };
    assert!((940..=960).contains(lost), "{lost}");
    assert_eq!(wire.hub.tape_lost(), *lost);
}

#[test]
fn orders_about_tapes_and_ports_that_are_not_there_do_nothing() {
    let (mut wire, mut phones) = two();
    tape(&mut wire, 0, 0);
    wire.command(MediaCommand::EndTape {
        tape: TAPE,
        keep: true,
    });
    start(&mut wire);
    start(&mut wire);
    tape(&mut wire, 99, 0);
    let taped = talk(&mut wire, &mut phones, 5);
    assert_eq!(taped.len(), 1, "{taped:?}");
}

#[test]
fn a_tape_that_ended_before_can_be_refused_and_is_not_kept_twice() {
    let (mut wire, _) = two();
    start(&mut wire);
    wire.run_to(wire.now + Duration::from_millis(100));
    let end = |wire: &mut Wire, keep: bool| {
        wire.command(MediaCommand::EndTape { tape: TAPE, keep });
        std::iter::from_fn(|| wire.hub.poll_tape())
            .filter_map(|part| match part {
                Taped::Ended { tape, keep, .. } if tape == TAPE => Some(keep),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(end(&mut wire, true), [true]);
    assert!(end(&mut wire, true).is_empty());
    assert_eq!(end(&mut wire, false), [false]);
}
