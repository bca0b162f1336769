//! ITU-T G.711: 16-bit linear samples to and from one byte, and A-law to mu-law directly.

use crate::Codec;
use audio_codec_algorithms::{
    convert_alaw_to_ulaw, convert_ulaw_to_alaw, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw,
};

/// One sample to one byte.
#[must_use]
pub fn encode(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcma => encode_alaw(sample),
        Codec::Pcmu => encode_ulaw(sample),
    }
}

/// One byte to one sample.
#[must_use]
pub fn decode(codec: Codec, byte: u8) -> i16 {
    match codec {
        Codec::Pcma => decode_alaw(byte),
        Codec::Pcmu => decode_ulaw(byte),
    }
}

/// The byte of digital silence: 0xD5 or 0xFF.
#[must_use]
pub fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 0xd5,
        Codec::Pcmu => 0xff,
    }
}

/// Many samples to bytes.
#[must_use]
pub fn encode_all(codec: Codec, samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&s| encode(codec, s)).collect()
}

/// The conversions of single bytes as tables, for packets that pass through.
#[derive(Clone)]
pub struct Tables {
    a_to_mu: [u8; 256],
    mu_to_a: [u8; 256],
    linear: [[i16; 256]; 2],
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

impl Tables {
    /// Computes the tables.
    #[must_use]
    pub fn new() -> Self {
        let byte = |i: usize| i as u8;
        Self {
            a_to_mu: std::array::from_fn(|i| convert_alaw_to_ulaw(byte(i))),
            mu_to_a: std::array::from_fn(|i| convert_ulaw_to_alaw(byte(i))),
            linear: [
                std::array::from_fn(|i| decode_alaw(byte(i))),
                std::array::from_fn(|i| decode_ulaw(byte(i))),
            ],
        }
    }

    /// Converts `payload` in place (G.711 tables 3 and 4); nothing to do if both are the same.
    pub fn transcode(&self, from: Codec, to: Codec, payload: &mut [u8]) {
        let table = match (from, to) {
            (Codec::Pcma, Codec::Pcmu) => &self.a_to_mu,
            (Codec::Pcmu, Codec::Pcma) => &self.mu_to_a,
            _ => return,
        };
        for byte in payload {
            *byte = table[usize::from(*byte)];
        }
    }

    /// One byte to one sample.
    #[must_use]
    pub fn linear(&self, codec: Codec, byte: u8) -> i16 {
        self.linear[codec.index()][usize::from(byte)]
    }
}
