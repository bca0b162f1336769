//! The beat of 20 ms: prompts, music, tones; ptime; stalls.

mod support;

use meishier_media::{Codec, Direction, MediaCommand, MediaEvent, PromptId, Source, prompts, tone};
use meishier_model::PortId;
use std::time::Duration;
use support::*;

fn playlist(prompts: &[PromptId], then_music: bool, token: u64) -> Source {
    Source::Playlist {
        prompts: prompts.to_vec(),
        then_music,
        token,
    }
}

fn all(wire: &Wire, port: u32) -> Vec<u8> {
    wire.sent_to(port)
        .iter()
        .flat_map(|s| s.payload.clone())
        .collect()
}

#[test]
fn a_playlist_is_heard_byte_for_byte_and_ends_once() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut wire = Wire::new();
        wire.open(0, codec);
        let list = prompts::position(23);
        wire.hear(0, playlist(&list, false, 9));
        assert_eq!(wire.hub.poll_timeout(), Some(wire.now));
        let expected: Vec<u8> = list
            .iter()
            .flat_map(|&p| support::prompts().encoded(p, codec).to_vec())
            .collect();
        let frames = expected.len() as u64 / 160;
        wire.run_to(wire.now + Duration::from_millis(20 * frames - 1));
        assert!(wire.events.is_empty(), "the last frame still plays");
        wire.run_to(wire.now + Duration::from_secs(1));
        assert_eq!(
            wire.events,
            [MediaEvent::PlaylistDone {
                port: PortId(0),
                token: 9
            }]
        );
        assert_eq!(all(&wire, 0), expected);
        assert_continuous(&wire.sent_to(0));
        assert!(!wire.has_beat(), "no beat for silence");
    }
}

#[test]
fn an_empty_playlist_ends_at_once_and_music_may_follow() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.hear(0, playlist(&[], true, 1));
    wire.run_to(wire.now);
    assert_eq!(
        wire.events,
        [MediaEvent::PlaylistDone {
            port: PortId(0),
            token: 1
        }]
    );
    wire.run_to(wire.now + Duration::from_millis(100));
    let music = support::prompts();
    let music = music.encoded(PromptId::Music, Codec::Pcma);
    assert_eq!(all(&wire, 0), music[..6 * 160]);
}

#[test]
fn a_replaced_playlist_does_not_end() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.hear(0, playlist(&[PromptId::Greeting], false, 1));
    wire.run_to(wire.now + Duration::from_millis(500));
    wire.hear(0, playlist(&[PromptId::One], false, 2));
    wire.run_to(wire.now + Duration::from_secs(20));
    assert_eq!(
        wire.events,
        [MediaEvent::PlaylistDone {
            port: PortId(0),
            token: 2
        }]
    );
    assert_continuous(&wire.sent_to(0));
}

#[test]
fn all_who_wait_hear_the_same_frame_of_music() {
    let mut wire = Wire::new();
    for port in 0..4 {
        wire.open(port, if port == 3 { Codec::Pcmu } else { Codec::Pcma });
    }
    for port in 0..3 {
        wire.hear(port, Source::Music);
        wire.run_to(wire.now + Duration::from_millis(130));
    }
    wire.hear(3, Source::Music);
    wire.run_to(wire.now + Duration::from_secs(60));
    let (first, second, third) = (all(&wire, 0), all(&wire, 1), all(&wire, 2));
    assert!(first.ends_with(&second) && second.ends_with(&third) && third.len() > 400_000);
    let set = support::prompts();
    let music = set.encoded(PromptId::Music, Codec::Pcmu);
    let heard = all(&wire, 3);
    let start = first.len() - heard.len();
    assert!(
        heard
            .iter()
            .enumerate()
            .all(|(i, b)| *b == music[(start + i) % music.len()])
    );
}

#[test]
fn packets_are_as_long_as_the_party_wishes() {
    for ptime in [10u16, 20, 30, 40, 60] {
        let mut wire = Wire::new();
        let mut media = media(0, Codec::Pcma);
        media.ptime_ms = ptime;
        wire.open_with(0, media);
        wire.hear(0, Source::Music);
        wire.run_to(wire.now + Duration::from_millis(1199));
        let sent = wire.sent_to(0);
        assert_eq!(sent.len(), 1200 / usize::from(ptime));
        assert!(
            sent.iter()
                .all(|s| s.payload.len() == usize::from(ptime) * 8)
        );
        assert_continuous(&sent);
        for pair in sent.windows(2) {
            assert_eq!(
                pair[1].timestamp.wrapping_sub(pair[0].timestamp),
                u32::from(ptime) * 8
            );
        }
        assert_eq!(
            all(&wire, 0),
            support::prompts().encoded(PromptId::Music, Codec::Pcma)[..9600]
        );
    }
}

#[test]
fn ringback_is_chinas() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.hear(0, Source::Ringback);
    wire.run_to(wire.now + Duration::from_millis(9_999));
    let heard = wire.heard(0, Codec::Pcma);
    assert_eq!(heard.len(), 80_000);
    for (second, piece) in heard.chunks(8000).enumerate() {
        let level = tone::amplitude_at(piece, 450.0);
        assert_eq!(level > 3500.0, second % 5 == 0, "second {second}: {level}");
        assert_eq!(piece.iter().all(|s| s.abs() < 16), second % 5 != 0);
    }
}

#[test]
fn comfort_noise_is_there_and_quiet() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcmu);
    wire.hear(0, Source::Comfort);
    wire.run_to(wire.now + Duration::from_secs(1));
    let heard = wire.heard(0, Codec::Pcmu);
    let peak = heard.iter().map(|s| s.abs()).max().unwrap();
    assert!((8..=64).contains(&peak), "peak {peak}");
}

#[test]
fn after_a_stall_there_is_no_burst_and_time_has_passed() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.open(1, Codec::Pcma);
    wire.hear(0, playlist(&[PromptId::Greeting], false, 3));
    wire.hear(1, Source::Music);
    wire.run_to(ms(1100));
    let before = wire.sent_to(0).len();
    // Nothing is called for two seconds.
    wire.now = ms(3100);
    wire.hub.handle_timeout(wire.now);
    wire.drain();
    assert_eq!(wire.sent_to(0).len() - before, 3);
    assert_eq!(wire.hub.totals().skipped_beats, 97);
    assert_eq!(wire.hub.poll_timeout(), Some(ms(3120)));
    let sent = wire.sent_to(1);
    let gap = sent[before]
        .timestamp
        .wrapping_sub(sent[before - 1].timestamp);
    assert_eq!(gap, 98 * 160);
    assert_continuous(&sent);
    // Music went on without its listeners; the words are all said.
    wire.run_to(wire.now + Duration::from_secs(20));
    let set = support::prompts();
    assert_eq!(
        all(&wire, 0),
        set.encoded(PromptId::Greeting, Codec::Pcma)[..]
    );
    let music = set.encoded(PromptId::Music, Codec::Pcma);
    let heard = all(&wire, 1);
    assert_eq!(
        heard[before * 160..before * 160 + 160],
        music[(before + 97) * 160..(before + 98) * 160]
    );
    assert_eq!(
        wire.events,
        [MediaEvent::PlaylistDone {
            port: PortId(0),
            token: 3
        }]
    );
}

#[test]
fn the_beat_is_exact_and_stops_with_its_last_listener() {
    let mut wire = Wire::new();
    for port in 0..3 {
        wire.open(port, Codec::Pcma);
    }
    assert!(!wire.has_beat());
    wire.hear(0, Source::Music);
    wire.hub.handle_timeout(ms(1000));
    assert_eq!(wire.hub.poll_timeout(), Some(ms(1020)));
    // Too early: nothing happens.
    wire.hub.handle_timeout(ms(1019));
    wire.drain();
    assert_eq!(wire.sent.len(), 1);
    wire.now = ms(1007);
    wire.hear(1, Source::Ringback);
    wire.hear(2, Source::Comfort);
    assert_eq!(wire.hub.poll_timeout(), Some(ms(1020)));
    wire.run_to(ms(1020));
    assert_eq!(wire.sent.len(), 4);
    wire.command(MediaCommand::Close { port: PortId(0) });
    wire.hear(1, Source::Silence);
    assert_eq!(wire.hub.poll_timeout(), Some(ms(1040)));
    wire.hear(2, Source::Peer(PortId(1)));
    assert!(!wire.has_beat());
}

#[test]
fn a_held_listener_is_sent_nothing_but_its_playlist_ends() {
    let mut wire = Wire::new();
    let mut media = media(0, Codec::Pcma);
    media.direction = Direction::RecvOnly;
    wire.open_with(0, media);
    wire.hear(0, playlist(&[PromptId::Goodbye], false, 5));
    wire.run_to(wire.now + Duration::from_secs(10));
    assert!(wire.sent.is_empty());
    assert_eq!(
        wire.events,
        [MediaEvent::PlaylistDone {
            port: PortId(0),
            token: 5
        }]
    );
}

#[test]
fn many_listeners_that_come_and_go_keep_the_beat() {
    let mut wire = Wire::new();
    let mut random = Random(5);
    for port in 0..200 {
        wire.command(MediaCommand::Open {
            port: PortId(port),
            media: media(port % 200, Codec::Pcma),
            accept: accept(port % 200),
        });
    }
    for step in 0..2000 {
        let port = random.below(200) as u32;
        let source = match random.below(7) {
            0 => Source::Silence,
            1 => Source::Music,
            2 => playlist(&[PromptId::One, PromptId::Two], random.below(2) == 0, step),
            3 => Source::Ringback,
            4 => Source::Mix(vec![
                PortId(random.below(200) as u32),
                PortId(random.below(200) as u32),
            ]),
            5 => Source::Comfort,
            _ => Source::Peer(PortId(random.below(200) as u32)),
        };
        wire.hear(port, source);
        if random.below(10) == 0 {
            let port = random.below(200) as u32;
            wire.command(MediaCommand::Close { port: PortId(port) });
            wire.command(MediaCommand::Open {
                port: PortId(port),
                media: media(port, Codec::Pcma),
                accept: accept(port),
            });
        }
        wire.run_to(wire.now + Duration::from_millis(random.below(50) as u64));
        wire.sent.clear();
    }
    for port in 0..200 {
        wire.hear(port, Source::Silence);
    }
    assert!(!wire.has_beat());
    let mut tokens: Vec<u64> = wire
        .events
        .iter()
        .filter_map(|e| {
            if let MediaEvent::PlaylistDone { token, .. } = e {
                Some(*token)
            } else {
                None
            }
        })
        .collect();
    let count = tokens.len();
    tokens.sort_unstable();
    tokens.dedup();
    assert!(
        count > 50 && tokens.len() == count,
        "each playlist ends at most once"
    );
}

#[test]
fn what_parties_say_goes_before_what_is_made() {
    let mut wire = Wire::new();
    for port in 0..3 {
        wire.open(port, Codec::Pcma);
    }
    wire.peers(0, 1);
    wire.hear(2, Source::Music);
    wire.hub.handle_timeout(wire.now);
    assert_eq!(wire.hub.made(), 1);
    let spoken = Phone::new(Codec::Pcma, 1, 440.0).next(160);
    wire.hub
        .handle_packet(wire.now, PortId(1), address(1), &spoken);
    let first = wire.hub.poll_relayed().map(|(port, ..)| port);
    assert_eq!(first, Some(PortId(0)));
    assert!(wire.hub.poll_relayed().is_none());
    let second = wire.hub.poll_send().map(|(port, ..)| port);
    assert_eq!((second, wire.hub.made()), (Some(PortId(2)), 0));
}
