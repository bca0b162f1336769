//! WAV files and the tones in them.

use std::f64::consts::TAU;

/// Mono samples at some rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// The first channel, -1 to 1.
    pub samples: Vec<f64>,
}

impl Sound {
    /// Reads 16-bit PCM in RIFF; `None` for anything else. A length field that was never filled in
    /// (a program that was ended while it recorded) means "to the end of the file".
    #[must_use]
    pub fn from_wav(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
            return None;
        }
        let (mut at, mut format) = (12, None);
        loop {
            let (name, length) = (bytes.get(at..at + 4)?, long(at + 4)? as usize);
            let start = at + 8;
            match name {
                b"fmt " => format = Some((word(start + 2)?, long(start + 4)?, word(start + 14)?)),
                b"data" => {
                    let (channels, rate, bits) = format?;
                    let end = start.saturating_add(length).min(bytes.len());
                    let end = if length == 0 { bytes.len() } else { end };
                    let frame = usize::from(channels) * 2;
                    if bits != 16 || frame == 0 {
                        return None;
                    }
                    let samples = bytes.get(start..end)?.chunks_exact(frame);
                    let first = |frame: &[u8]| i16::from_le_bytes([frame[0], frame[1]]);
                    return Some(Self {
                        rate,
                        samples: samples.map(|f| f64::from(first(f)) / 32768.0).collect(),
                    });
                }
                _ => {}
            }
            at = start.checked_add(length)?.checked_add(length % 2)?;
        }
    }

    /// The share of the energy of `samples` that lies at `frequency`, 0 to 1 (Goertzel 1958).
    /// A pure tone gives 1, another tone or speech nearly 0; silence gives 0.
    #[must_use]
    pub fn share(samples: &[f64], rate: u32, frequency: f64) -> f64 {
        let energy: f64 = samples.iter().map(|s| s * s).sum();
        let count = samples.len() as f64;
        // Below -60 dBFS it is silence, whatever its frequency.
        if count == 0.0 || energy / count < 1e-6 {
            return 0.0;
        }
        let turn = 2.0 * (TAU * frequency / f64::from(rate)).cos();
        let (mut one, mut two) = (0.0, 0.0);
        for sample in samples {
            (one, two) = (sample + turn * one - two, one);
        }
        let power = one * one + two * two - turn * one * two;
        // A sine of amplitude A has power (A·n/2)² and energy A²·n/2.
        (power / (energy * count / 2.0)).min(1.0)
    }

    /// How many seconds of the sound are this tone and hardly anything else, by blocks of 50 ms.
    #[must_use]
    pub fn seconds_of(&self, frequency: f64) -> f64 {
        let block = (self.rate / 20) as usize;
        let blocks = self.samples.chunks_exact(block.max(1));
        let heard = blocks.filter(|block| Self::share(block, self.rate, frequency) > 0.8);
        heard.count() as f64 / 20.0
    }
}

/// Each of the two has heard at least so many seconds of the other's tone, and nothing of its own.
///
/// # Panics
/// If not.
pub fn hear_each_other(parties: [(&Sound, f64); 2], seconds: f64) {
    let [(_, first), (_, second)] = parties;
    for ((sound, own), other) in parties.into_iter().zip([second, first]) {
        let heard = sound.seconds_of(other);
        assert!(heard >= seconds, "{heard} s of {other} Hz");
        assert_eq!(sound.seconds_of(own), 0.0, "nobody hears itself: {own} Hz");
    }
}

#[cfg(test)]
mod tests {
    use super::Sound;
    use std::f64::consts::TAU;

    fn tone(frequency: f64, seconds: usize) -> Vec<f64> {
        let sample = |n: usize| 0.3 * (TAU * frequency * n as f64 / 8000.0).sin();
        (0..seconds * 8000).map(sample).collect()
    }

    fn wav(samples: &[f64], length: u32) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        out.extend(8000u32.to_le_bytes());
        out.extend(16000u32.to_le_bytes());
        out.extend(b"\x02\0\x10\0data");
        out.extend(length.to_le_bytes());
        out.extend(
            samples
                .iter()
                .flat_map(|s| ((s * 32767.0) as i16).to_le_bytes()),
        );
        out
    }

    #[test]
    fn a_tone_is_told_from_others_and_from_silence() {
        let sound = Sound {
            rate: 8000,
            samples: [tone(440.0, 2), vec![0.0; 8000], tone(700.0, 1)].concat(),
        };
        assert_eq!(sound.seconds_of(440.0), 2.0);
        assert_eq!(sound.seconds_of(700.0), 1.0);
        assert_eq!(sound.seconds_of(1000.0), 0.0);
    }

    #[test]
    fn two_tones_at_once_are_neither() {
        let both = tone(440.0, 1)
            .iter()
            .zip(tone(700.0, 1))
            .map(|(a, b)| a + b)
            .collect();
        let sound = Sound {
            rate: 8000,
            samples: both,
        };
        assert_eq!(sound.seconds_of(440.0), 0.0);
    }

    #[test]
    fn wav_files_are_read_even_if_never_closed() {
        for length in [16000, 0, u32::MAX] {
            let sound = Sound::from_wav(&wav(&tone(440.0, 1), length)).unwrap();
            assert_eq!((sound.rate, sound.samples.len()), (8000, 8000));
            assert_eq!(sound.seconds_of(440.0), 1.0);
        }
        assert_eq!(Sound::from_wav(b"RIFF"), None);
    }
}
