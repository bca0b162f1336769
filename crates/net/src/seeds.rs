//! Where the randomness of the shards comes from; the core has none of its own.

use crate::StartError;
use std::fs::File;
use std::io::Read;

/// Where secrets, tags, branches and Call-IDs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// The system's random source; for every real service.
    System,
    /// This number; the same one gives the same identifiers. For demonstrations and tests only:
    /// whoever knows the number can guess every tag.
    Fixed(u64),
}

/// Gives 32 bytes at a time.
pub(crate) enum SeedSource {
    System(File),
    Fixed(u64),
}

impl SeedSource {
    pub(crate) fn open(seeds: Seeds) -> Result<Self, StartError> {
        match seeds {
            Seeds::System => File::open("/dev/urandom")
                .map(Self::System)
                .map_err(StartError::system("opening the random source")),
            Seeds::Fixed(number) => Ok(Self::Fixed(number)),
        }
    }

    pub(crate) fn next(&mut self) -> Result<[u8; 32], StartError> {
        let mut seed = [0; 32];
        match self {
            Self::System(file) => file
                .read_exact(&mut seed)
                .map_err(StartError::system("reading the random source"))?,
            Self::Fixed(state) => {
                for part in seed.chunks_exact_mut(8) {
                    part.copy_from_slice(&split_mix(state).to_le_bytes());
                }
            }
        }
        Ok(seed)
    }

    pub(crate) fn next_u64(&mut self) -> Result<u64, StartError> {
        let [a, b, c, d, e, f, g, h, ..] = self.next()?;
        Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a small number over all bits.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
