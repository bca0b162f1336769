//! What the ear takes for a tone and what not, G.711, SDP.

use meishier_phones::audio::ear::Ear;
use meishier_phones::audio::{g711, tone};
use meishier_phones::sdp::{Direction, LocalSdp, RemoteSdp};
use std::f64::consts::TAU;
use tokio::time::Instant;

fn sine(hz: f64, peak: f64, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|i| (peak * (TAU * hz * i as f64 / 8_000.0).sin()) as i16)
        .collect()
}

fn heard(samples: &[i16]) -> Vec<(u16, u64)> {
    let tones: Vec<u16> = tone::grid().collect();
    let mut ear = Ear::new(&tones);
    for frame in samples.chunks(160) {
        ear.push(frame, Instant::now());
    }
    ear.tones()
        .filter(|t| t.ms > 0)
        .map(|t| (t.hz, t.ms))
        .collect()
}

fn mix(parts: &[Vec<i16>]) -> Vec<i16> {
    let length = parts.iter().map(Vec::len).max().unwrap_or(0);
    (0..length)
        .map(|i| {
            parts
                .iter()
                .filter_map(|p| p.get(i))
                .fold(0i16, |a, b| a.saturating_add(*b))
        })
        .collect()
}

#[test]
fn every_tone_of_the_grid_is_heard_alone() {
    for hz in tone::grid() {
        let frames: Vec<i16> = (0..50).flat_map(|_| tone::frame(hz)).collect();
        let coded: Vec<i16> = frames
            .iter()
            .map(|s| g711::alaw_decode(g711::alaw_encode(*s)))
            .collect();
        assert_eq!(heard(&coded), [(hz, 1_000)]);
    }
}

#[test]
fn two_mixed_tones_are_both_heard() {
    let mixed = mix(&[sine(700.0, 8_000.0, 8_000), sine(2_100.0, 8_000.0, 8_000)]);
    assert_eq!(heard(&mixed), [(700, 1_000), (2_100, 1_000)]);
}

#[test]
fn lost_packets_cost_only_their_time() {
    let mut samples = sine(1_250.0, 8_000.0, 16_000);
    for packet in [3, 17, 18, 40] {
        samples.drain(packet * 160..(packet + 1) * 160);
    }
    let (hz, ms) = heard(&samples)[0];
    assert_eq!(hz, 1_250);
    assert!(ms >= 1_800);
}

#[test]
fn notes_of_music_are_not_taken_for_tones() {
    // Equal temperament from C4 to E7, each as a steady note with two overtones.
    for note in 60..=100 {
        let hz = 440.0 * 2f64.powf((f64::from(note) - 69.0) / 12.0);
        let chord = mix(&[
            sine(hz, 6_000.0, 8_000),
            sine(2.0 * hz, 2_000.0, 8_000),
            sine(3.0 * hz, 1_000.0, 8_000),
        ]);
        let found: Vec<_> = heard(&chord)
            .into_iter()
            .filter(|(_, ms)| *ms > 200)
            .collect();
        assert_eq!(found, [], "note {note} at {hz} Hz");
    }
}

#[test]
fn noise_and_silence_are_no_tone() {
    let mut state = 1u32;
    let noise: Vec<i16> = (0..16_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i16) / 4
        })
        .collect();
    assert_eq!(heard(&noise), []);
    let mut ear = Ear::new(&[700]);
    ear.push(&[0; 8_000], Instant::now());
    assert_eq!(ear.sound_ms(), 0);
    ear.push(&noise, Instant::now());
    assert_eq!(ear.sound_before_tones_ms(), 2_000);
}

#[test]
fn g711_keeps_the_signal() {
    for sample in (-32_768i32..=32_767).step_by(7) {
        let sample = sample as i16;
        let limit = i32::from(sample).abs() / 16 + 16;
        for coded in [
            g711::alaw_decode(g711::alaw_encode(sample)),
            g711::ulaw_decode(g711::ulaw_encode(sample)),
        ] {
            assert!(
                (i32::from(coded) - i32::from(sample)).abs() <= limit,
                "{sample} became {coded}"
            );
        }
    }
    for code in 0..=255u8 {
        assert_eq!(g711::alaw_encode(g711::alaw_decode(code)), code);
    }
    // Values of ITU-T G.711's tables.
    assert_eq!(
        (g711::alaw_encode(0), g711::alaw_encode(i16::MAX)),
        (0xd5, 0xaa)
    );
    assert_eq!(
        (g711::ulaw_encode(0), g711::ulaw_encode(i16::MAX)),
        (0xff, 0x80)
    );
}

#[test]
fn sdp_is_read_as_written() {
    let local = LocalSdp {
        address: "127.0.0.1:4000".parse().unwrap(),
        session: 7,
        version: 1,
        codecs: vec![meishier_phones::media::port::Codec::Pcma],
        event_type: Some(101),
        direction: Direction::SendOnly,
    };
    let read = RemoteSdp::read(local.write().as_bytes()).unwrap();
    assert_eq!(
        (read.address, read.event_type, read.direction),
        (local.address, Some(101), Direction::SendOnly)
    );
    assert_eq!(read.codecs, local.codecs);
    let refused = local.write().replace("m=audio 4000", "m=audio 0");
    assert_eq!(RemoteSdp::read(refused.as_bytes()), None);
    let video = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\nm=audio 4002 RTP/AVP 0 8\r\n";
    assert_eq!(
        RemoteSdp::read(video.as_bytes()).unwrap().address.port(),
        4_002
    );
}
