//! Sounds that repeat and are made once: ringback and comfort noise, in both codecs.

use crate::codec::Codec;
use crate::prompts::FRAME;
use crate::{g711, tone};

/// Peak of the ringback tone, about -15 dBm0.
const RINGBACK_PEAK: i16 = 4000;
/// Peak of the noise, about -65 dBm0: heard as a live line, hardly more.
const NOISE_PEAK: i32 = 24;

pub(super) struct Loops {
    ringback: [Vec<u8>; 2],
    comfort: [Vec<u8>; 2],
}

impl Loops {
    pub fn new(seed: u64) -> Self {
        let second = Codec::RATE as usize;
        // 450 Hz, 1 s on, 4 s off (GB/T 3380; YD/T 1149).
        let mut ringback: Vec<i16> = tone::Sine::new(450.0, RINGBACK_PEAK).take(second).collect();
        ringback.resize(5 * second, 0);
        let mut random = super::Random::new(seed ^ 0x636f_6d66_6f72_7421);
        let noise: Vec<i16> = (0..2 * second)
            .map(|_| (random.draw() % (2 * NOISE_PEAK as u64 + 1)) as i32 - NOISE_PEAK)
            .map(|sample| sample as i16)
            .collect();
        let both =
            |samples: &[i16]| [Codec::Pcma, Codec::Pcmu].map(|c| g711::encode_all(c, samples));
        Self {
            ringback: both(&ringback),
            comfort: both(&noise),
        }
    }

    /// The frame of ringback after `frames` frames.
    pub fn ringback(&self, codec: Codec, frames: u64) -> &[u8] {
        frame(&self.ringback[codec.index()], frames)
    }

    /// The frame of noise after `frames` frames.
    pub fn comfort(&self, codec: Codec, frames: u64) -> &[u8] {
        frame(&self.comfort[codec.index()], frames)
    }
}

/// Frame number `frames` of a recording that repeats; its length is a multiple of a frame.
pub(super) fn frame(recording: &[u8], frames: u64) -> &[u8] {
    let count = (recording.len() / FRAME).max(1) as u64;
    let start = (frames % count) as usize * FRAME;
    recording.get(start..start + FRAME).unwrap_or_default()
}
