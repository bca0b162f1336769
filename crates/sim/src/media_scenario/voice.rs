//! Voices that can be told apart, also in a sum and after a change of codec.
//!
//! A voice is a row of the Walsh-Hadamard matrix of order 64: 64 samples of plus or minus
//! [`LEVEL`], then 16 of silence, again and again. Rows are orthogonal, so whoever is part of a sum
//! shows by its own coefficient, and nobody else does. G.711 is written here a second time, after the
//! tables of ITU-T G.711, because the judge must not lean on what it judges.

use meishier_media::{Codec, PromptId, PromptSet};
use std::sync::{Arc, OnceLock};

/// Samples of one turn of a voice: 10 ms.
pub(super) const UNIT: usize = 80;
/// Samples of a unit that carry the voice.
const CHIPS: usize = 64;
/// Height of a voice; four of them fit into 16 bits.
const LEVEL: i32 = 8000;

/// Who speaks: a row of the matrix. Row 0 is never used: it is what any offset would sound like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Voice(u8);

impl Voice {
    /// Every prompt but music.
    pub const PROMPT: Self = Self(63);
    /// Music on hold.
    pub const MUSIC: Self = Self(62);
    /// Voices of parties; attackers have those above.
    pub const PARTIES: std::ops::RangeInclusive<u8> = 1..=47;
    /// Voices of attackers.
    pub const ATTACKERS: std::ops::RangeInclusive<u8> = 48..=61;

    /// The voice of this number, which is one of the ranges above.
    pub fn new(number: u8) -> Self {
        Self(number & 63)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The sample at a place of the unit.
    fn sample(self, place: usize) -> i32 {
        if place >= CHIPS {
            return 0;
        }
        // Where rows of the matrix change sign.
        match (place as u8 & self.0).count_ones() & 1 {
            0 => LEVEL,
            _ => -LEVEL,
        }
    }

    /// Encoded speech; `samples` is a multiple of [`UNIT`].
    pub fn speak(self, codec: Codec, samples: usize) -> Vec<u8> {
        let law = law(codec);
        let byte = |at: usize| match self.sample(at) {
            LEVEL => law.loud[0],
            0 => law.quiet,
            _ => law.loud[1],
        };
        let unit: [u8; UNIT] = std::array::from_fn(byte);
        unit.repeat(samples / UNIT)
    }
}

/// The voices of one unit of encoded audio.
pub(super) fn voices(codec: Codec, unit: &[u8]) -> Vec<Voice> {
    let law = law(codec);
    let mut sums = [0i32; CHIPS];
    for (sum, byte) in sums.iter_mut().zip(unit) {
        *sum = law.samples[usize::from(*byte)];
    }
    // The fast Walsh-Hadamard transform: six rounds of sums and differences.
    let mut span = 1;
    while span < CHIPS {
        for block in sums.chunks_exact_mut(2 * span) {
            let (low, high) = block.split_at_mut(span);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (*low + *high, *low - *high);
            }
        }
        span *= 2;
    }
    let loud = |sum: i32| sum.abs() > LEVEL / 2 * CHIPS as i32;
    let rows = (0u8..).zip(sums);
    rows.filter(|(_, sum)| loud(*sum))
        .map(|(row, _)| Voice(row))
        .collect()
}

/// One of the two laws, spread out.
struct Law {
    samples: [i32; 256],
    /// Nearest to plus and minus [`LEVEL`].
    loud: [u8; 2],
    quiet: u8,
}

fn law(codec: Codec) -> &'static Law {
    static LAWS: OnceLock<[Law; 2]> = OnceLock::new();
    let new = |codec| {
        let samples = std::array::from_fn(|byte| decode(codec, byte as u8));
        let nearest = |level: i32| {
            let bytes = 0..=u8::MAX;
            let off = |byte: &u8| (samples[usize::from(*byte)] - level).abs();
            bytes.min_by_key(off).unwrap_or(0)
        };
        Law {
            samples,
            loud: [nearest(LEVEL), nearest(-LEVEL)],
            quiet: nearest(0),
        }
    };
    let laws = LAWS.get_or_init(|| [Codec::Pcma, Codec::Pcmu].map(new));
    match codec {
        Codec::Pcma => &laws[0],
        Codec::Pcmu => &laws[1],
    }
}

/// One sample (ITU-T G.711, tables 1 and 2), scaled to 16 bits.
fn decode(codec: Codec, byte: u8) -> i32 {
    let (bits, positive) = match codec {
        Codec::Pcma => (byte ^ 0x55, byte & 0x80 != 0),
        Codec::Pcmu => (!byte, byte & 0x80 != 0),
    };
    let (segment, step) = (u32::from(bits >> 4 & 7), i32::from(bits & 15));
    let level = match (codec, segment) {
        (Codec::Pcma, 0) => (step << 4) + 8,
        (Codec::Pcma, _) => ((step << 4) + 0x108) << (segment - 1),
        (Codec::Pcmu, _) => (((step << 3) + 0x84) << segment) - 0x84,
    };
    if positive { level } else { -level }
}

/// Recordings in which prompts and music have voices of their own; made once, the same for all runs.
pub(super) fn prompts() -> Arc<PromptSet> {
    static SET: OnceLock<Arc<PromptSet>> = OnceLock::new();
    Arc::clone(SET.get_or_init(|| {
        let mut set = PromptSet::embedded();
        for id in PromptId::all() {
            let (voice, units) = if id == PromptId::Music {
                (Voice::MUSIC, 200)
            } else {
                (Voice::PROMPT, 60)
            };
            // Nothing to be done if it is refused: the recording keeps its real sound, and the
            // first listener of it fails the run.
            let _ = set.replace(id.name(), &wav(voice, units * UNIT));
        }
        Arc::new(set)
    }))
}

/// A WAV file of 8000 Hz, one channel, 16 bits.
fn wav(voice: Voice, samples: usize) -> Vec<u8> {
    let audio = 2 * samples as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + audio).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend([1, 0, 1, 0]);
    file.extend(8000u32.to_le_bytes());
    file.extend(16_000u32.to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(audio.to_le_bytes());
    for at in 0..samples {
        file.extend((voice.sample(at % UNIT) as i16).to_le_bytes());
    }
    file
}
