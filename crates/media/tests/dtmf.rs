//! Keys in the sound: what ITU-T Q.23 and Q.24 ask for, and nothing found in speech and music.

mod support;

use meishier_media::dtmf::Detector;
use meishier_media::{Codec, PromptId, PromptSet, g711, rtp};
use support::{Random, Wire, media, ms as at};

const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const ALL: &str = "123A456B789C*0#D";
/// Peak of a tone at 0 dBm0: full scale of A-law is +3.14 dBm0 (G.711, table 5).
const ZERO_DBM0: f64 = 32_256.0 * 0.696_6;

fn db(decibels: f64) -> f64 {
    10f64.powf(decibels / 20.0)
}

/// A key's two tones.
#[derive(Clone, Copy)]
struct Key {
    row: f64,
    column: f64,
    /// dBm0.
    low: f64,
    high: f64,
    phase: f64,
}

impl Key {
    fn new(key: char) -> Self {
        let at = ALL.find(key).unwrap();
        Self {
            row: ROWS[at / 4],
            column: COLUMNS[at % 4],
            low: -12.0,
            high: -12.0,
            phase: 0.3,
        }
    }

    fn samples(self, count: usize) -> Vec<f64> {
        let wave = |frequency: f64, level: f64, phase: f64, n: usize| {
            let turn = std::f64::consts::TAU * frequency * n as f64 / 8000.0;
            (turn + phase).sin() * ZERO_DBM0 * db(level)
        };
        (0..count)
            .map(|n| wave(self.row, self.low, self.phase, n) + wave(self.column, self.high, 1.1, n))
            .collect()
    }
}

/// Milliseconds as samples.
fn ms(n: usize) -> usize {
    n * 8
}

/// What is found in a sound that went through A-law, in packets of 20 ms.
fn found(sound: &[f64]) -> String {
    let samples: Vec<i16> = sound
        .iter()
        .map(|s| s.clamp(-32_768.0, 32_767.0) as i16)
        .map(|s| g711::decode(Codec::Pcma, g711::encode(Codec::Pcma, s)))
        .collect();
    found_linear(&samples)
}

fn found_linear(samples: &[i16]) -> String {
    let (mut detector, mut keys) = (Detector::new(), String::new());
    for packet in samples.chunks(160) {
        detector.hear(packet.iter().copied(), |key| keys.push(key));
    }
    keys
}

/// `silence` samples, the key for `length`, 100 ms of silence.
fn press(key: Key, silence: usize, length: usize) -> Vec<f64> {
    let mut sound = vec![0.0; silence];
    sound.extend(key.samples(length));
    sound.extend(vec![0.0; ms(100)]);
    sound
}

#[test]
fn every_key_of_40_ms_is_found_wherever_it_begins() {
    for key in ALL.chars() {
        for offset in 0..40 {
            let sound = press(Key::new(key), 500 + offset, ms(40));
            assert_eq!(found(&sound), key.to_string(), "{key} at {offset}");
        }
        // A long press is one press.
        assert_eq!(found(&press(Key::new(key), 77, ms(3000))), key.to_string());
    }
}

#[test]
fn tones_of_23_ms_are_no_key() {
    for key in ALL.chars() {
        for offset in 0..40 {
            let sound = press(Key::new(key), 500 + offset, ms(23));
            assert_eq!(found(&sound), "", "{key} at {offset}");
        }
    }
}

#[test]
fn pauses_of_40_ms_part_presses_and_interruptions_of_10_ms_do_not() {
    for key in ALL.chars() {
        for offset in 0..40 {
            let twice = |pause: usize| {
                let mut sound = vec![0.0; 400 + offset];
                sound.extend(Key::new(key).samples(ms(50)));
                sound.extend(vec![0.0; pause]);
                sound.extend(
                    Key {
                        phase: 2.0,
                        ..Key::new(key)
                    }
                    .samples(ms(50)),
                );
                sound.extend(vec![0.0; ms(100)]);
                found(&sound)
            };
            assert_eq!(twice(ms(40)), format!("{key}{key}"), "{key} at {offset}");
            assert_eq!(twice(ms(10)), key.to_string(), "{key} at {offset}");
        }
    }
    // All keys at the highest rate: 40 ms each, 40 ms between.
    let mut sound = Vec::new();
    for key in ALL.chars() {
        sound.extend(Key::new(key).samples(ms(40)));
        sound.extend(vec![0.0; ms(40)]);
    }
    sound.extend(vec![0.0; ms(60)]);
    assert_eq!(found(&sound), ALL);
}

#[test]
fn frequencies_1_5_percent_off_are_taken_and_3_5_percent_refused() {
    for key in ALL.chars() {
        let plain = Key::new(key);
        for (low, high) in [
            (1.0, 1.0),
            (1.0, -1.0),
            (-1.0, 1.0),
            (-1.0, -1.0),
            (1.0, 0.0),
            (0.0, -1.0),
        ] {
            for twist in [(-12.0, -12.0), (-12.0, -20.0), (-16.0, -12.0)] {
                let off = |part: f64| Key {
                    row: plain.row * (1.0 + low * part),
                    column: plain.column * (1.0 + high * part),
                    low: twist.0,
                    high: twist.1,
                    ..plain
                };
                for offset in [0, 7, 19, 33] {
                    let sound = press(off(0.015), 400 + offset, ms(40));
                    assert_eq!(
                        found(&sound),
                        key.to_string(),
                        "{key} {low} {high} {twist:?}"
                    );
                    for far in [0.035, 0.05] {
                        let sound = press(off(far), 400 + offset, ms(200));
                        assert_eq!(found(&sound), "", "{key} {low} {high} {far} {twist:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn levels_and_twist() {
    // Low tone, high tone in dBm0; found or not.
    let table = [
        (0.0, 0.0, true),
        (-25.0, -25.0, true),
        (-20.0, -28.0, true),
        (-24.0, -20.0, true),
        (0.0, -8.0, true),
        (-4.0, 0.0, true),
        // Beyond what a telephone sends.
        (-10.0, -23.0, false),
        (-19.0, -10.0, false),
        (-40.0, -40.0, false),
        (-55.0, -55.0, false),
        (-12.0, -90.0, false),
        (-90.0, -12.0, false),
    ];
    for key in ALL.chars() {
        for (low, high, expected) in table {
            let sound = press(
                Key {
                    low,
                    high,
                    ..Key::new(key)
                },
                433,
                ms(60),
            );
            let expected = if expected {
                key.to_string()
            } else {
                String::new()
            };
            assert_eq!(found(&sound), expected, "{key} at {low} and {high} dBm0");
        }
    }
}

#[test]
fn keys_are_heard_through_noise() {
    let mut random = Random(11);
    let mut noise = |level: f64| {
        // The sum of twelve evenly spread numbers is near enough to a bell.
        let sum: f64 = (0..12)
            .map(|_| random.below(65_536) as f64 / 65_536.0)
            .sum();
        (sum - 6.0) * ZERO_DBM0 / 2f64.sqrt() * db(level)
    };
    for key in ALL.chars().cycle().take(160) {
        // Tones of -12 dBm0 each, noise 15 dB below them.
        let sound = press(Key::new(key), 400, ms(50));
        let sound: Vec<f64> = sound.iter().map(|s| s + noise(-24.0)).collect();
        assert_eq!(found(&sound), key.to_string());
    }
    let alone: Vec<f64> = (0..8000 * 60).map(|_| noise(-12.0)).collect();
    assert_eq!(found(&alone), "");
}

/// What we send ourselves, as it comes back from a party's line: at several levels and speeds, for
/// voices differ.
#[test]
fn no_prompt_and_no_music_contains_a_key() {
    let set = PromptSet::embedded();
    let mut seconds = 0.0;
    for prompt in PromptId::all() {
        let samples: Vec<f64> = set
            .encoded(prompt, Codec::Pcma)
            .iter()
            .map(|b| f64::from(g711::decode(Codec::Pcma, *b)))
            .collect();
        for speed in (70..=140).step_by(14) {
            let speed = f64::from(speed) / 100.0;
            let turned: Vec<f64> = (0..(samples.len() as f64 / speed) as usize)
                .map(|n| {
                    let at = n as f64 * speed;
                    let (whole, part) = (at as usize, at.fract());
                    let next = samples.get(whole + 1).copied().unwrap_or_default();
                    samples[whole] * (1.0 - part) + next * part
                })
                .collect();
            for gain in [0.6, 2.0] {
                let sound: Vec<f64> = turned.iter().map(|s| s * gain).collect();
                assert_eq!(found(&sound), "", "{} at {speed} by {gain}", prompt.name());
                seconds += sound.len() as f64 / 8000.0;
            }
        }
    }
    assert!(seconds > 450.0, "only {seconds} s of sound");
}

/// Voices: pulses of the cords through the two resonances of a mouth, each syllable with others, at
/// pitches from a low man's to a child's. The cords are unsteady by half a percent from pulse to pulse
/// and the resonances 50 Hz wide or more, as in people; everything else is more like a tone than
/// people are: no breath, no third resonance.
#[test]
fn no_voice_speaks_a_key() {
    let mut random = Random(5);
    let mut draw = |from: f64, to: f64| {
        from + (to - from) * (random.below(1 << 20) as f64 / f64::from(1 << 20))
    };
    let mut sound = Vec::new();
    for _ in 0..12_000 {
        // A syllable of 60 to 300 ms.
        let length = draw(480.0, 2400.0) as usize;
        let (mut pitch, glide) = (draw(75.0, 400.0), draw(-0.03, 0.03));
        let formants = [draw(250.0, 950.0), draw(900.0, 2300.0)];
        let widths = [draw(50.0, 120.0), draw(60.0, 160.0)];
        let loud = draw(300.0, 6000.0);
        let (mut states, mut phase) = ([[0.0f64; 2]; 2], 0.0);
        let first = sound.len();
        for _ in 0..length {
            phase += pitch / 8000.0;
            pitch *= 1.0 + glide / 800.0;
            let pulse = phase >= 1.0;
            if pulse {
                phase = phase.fract() + draw(-0.005, 0.005);
            }
            let mut sample = f64::from(u8::from(pulse));
            for ((state, formant), width) in states.iter_mut().zip(formants).zip(widths) {
                let radius = (-std::f64::consts::PI * width / 8000.0).exp();
                let turn = std::f64::consts::TAU * formant / 8000.0;
                sample += 2.0 * radius * turn.cos() * state[0] - radius * radius * state[1];
                *state = [sample, state[0]];
            }
            sound.push(sample);
        }
        let peak = sound[first..].iter().fold(1e-9f64, |m, s| m.max(s.abs()));
        sound[first..].iter_mut().for_each(|s| *s *= loud / peak);
        sound.resize(sound.len() + draw(0.0, 1600.0) as usize, 0.0);
    }
    assert!(sound.len() > 8000 * 2000);
    assert_eq!(found(&sound), "");
}

#[test]
fn tones_of_the_network_are_no_keys() {
    // Single tones and pairs of China and elsewhere: dial and busy tone, fax, information tones.
    let tones = [
        (450.0, 0.0),
        (350.0, 440.0),
        (440.0, 480.0),
        (480.0, 620.0),
        (1100.0, 0.0),
        (2100.0, 0.0),
        (950.0, 1400.0),
        (697.0, 770.0),
        (1209.0, 1336.0),
        (697.0, 0.0),
        (0.0, 1633.0),
    ];
    for (row, column) in tones {
        let key = Key {
            row,
            column,
            ..Key::new('1')
        };
        assert_eq!(found(&press(key, 400, ms(2000))), "", "{row} {column}");
    }
}

#[test]
fn a_hole_in_the_sound_does_not_make_two_presses_of_one() {
    let sound: Vec<i16> = Key::new('5')
        .samples(ms(400))
        .iter()
        .map(|s| *s as i16)
        .collect();
    let (mut detector, mut keys) = (Detector::new(), String::new());
    for (number, packet) in sound.chunks(160).enumerate() {
        if number == 7 {
            continue; // lost
        }
        if number == 8 {
            detector.interrupt(false);
        }
        detector.hear(packet.iter().copied(), |key| keys.push(key));
    }
    assert_eq!(keys, "5");
    detector.interrupt(true);
    detector.hear(sound.iter().copied(), |key| keys.push(key));
    assert_eq!(keys, "55");
}

/// Packets of a sound, each with its number and the moment it is due.
fn packets(sound: &[f64], codec: Codec, samples: usize) -> Vec<(u64, Vec<u8>)> {
    let mut time = 900u32;
    sound
        .chunks_exact(samples)
        .enumerate()
        .map(|(number, chunk)| {
            let payload_type = codec.static_payload_type();
            let mut bytes = rtp::header(payload_type, false, number as u16, time, 77).to_vec();
            bytes.extend(chunk.iter().map(|s| g711::encode(codec, *s as i16)));
            time += samples as u32;
            (1000 + (number * samples / 8) as u64, bytes)
        })
        .collect()
}

fn dialled(keys: &str) -> Vec<f64> {
    let mut sound = vec![0.0; 333];
    for key in keys.chars() {
        sound.extend(Key::new(key).samples(ms(60)));
        sound.extend(vec![0.0; ms(60)]);
    }
    sound.extend(vec![0.0; ms(120)]);
    sound
}

#[test]
fn a_party_without_telephone_event_is_heard_by_its_tones_alone() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        for samples in [80, 160, 240, 480] {
            let mut wire = Wire::new();
            let mut without = media(0, codec);
            without.telephone_event = None;
            wire.open_with(0, without);
            wire.open(1, codec);
            for (moment, packet) in packets(&dialled("90#*9"), codec, samples) {
                wire.run_to(at(moment));
                wire.packet(0, &packet);
                // This one agreed on events: its tones may be an echo of them.
                wire.packet(1, &packet);
            }
            assert_eq!(wire.digits(), "90#*9", "{codec:?} {samples}");
        }
    }
}

#[test]
fn lost_late_and_repeated_packets_make_no_key_twice() {
    let mut wire = Wire::new();
    let mut without = media(0, Codec::Pcma);
    without.telephone_event = None;
    wire.open_with(0, without.clone());
    let mut sound = vec![0.0; ms(100)];
    sound.extend(Key::new('9').samples(ms(400)));
    sound.extend(vec![0.0; ms(200)]);
    let all = packets(&sound, Codec::Pcma, 160);
    for (number, (moment, packet)) in all.iter().enumerate() {
        wire.run_to(at(*moment));
        match number {
            12 => {}
            16 => {
                wire.packet(0, &all[17].1);
                wire.packet(0, packet);
            }
            17 => {}
            _ => {
                wire.packet(0, packet);
                wire.packet(0, packet);
            }
        }
    }
    assert_eq!(wire.digits(), "9");
    // Once events are agreed on, the tones are not listened to any more.
    without.telephone_event = Some(101);
    wire.command(meishier_media::MediaCommand::Update {
        port: meishier_model::PortId(0),
        media: without,
        accept: support::accept(0),
    });
    for (_, packet) in packets(&dialled("123"), Codec::Pcma, 160) {
        wire.packet(0, &packet);
    }
    assert_eq!(wire.digits(), "9");
}
