//! Numbers that follow from a seed alone, the same on every machine.

use std::time::Duration;

/// A stream of random numbers (xoshiro256**, seeded by splitmix64).
///
/// Each part of the simulation has a stream of its own, made by [`Dice::branch`], so that a part
/// that rolls more often does not change what the others roll.
#[derive(Clone, Debug)]
pub struct Dice {
    state: [u64; 4],
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut mixer = seed;
        let state = std::array::from_fn(|_| splitmix(&mut mixer));
        Self { state }
    }

    /// An independent stream that follows from this one's present state and a name. This stream
    /// goes on unchanged.
    #[must_use]
    pub fn branch(&self, name: &str) -> Self {
        // FNV-1a over the name; what matters is that different names give different streams.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self::new(hash ^ self.state[0].rotate_left(17) ^ self.state[2])
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `sides`; 0 if `sides` is 0.
    pub fn roll(&mut self, sides: u64) -> u64 {
        // The high bits of a product: even enough for any number of sides that is used here.
        ((u128::from(self.bits()) * u128::from(sides)) >> 64) as u64
    }

    /// An index into something of this length; 0 if it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        self.roll(length as u64) as usize
    }

    /// A number from 0 up to 1, exclusive.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability; never for 0, always for 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A time between two others, the longer one exclusive.
    pub fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let span = longest.saturating_sub(shortest).as_micros() as u64;
        shortest + Duration::from_micros(self.roll(span))
    }

    /// Exponentially distributed with this mean.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.share()).ln())
    }

    /// Normally distributed, mean 0 and deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// One of these, by weight; the first if all weights are 0.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut at = self.share() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            if at < *weight {
                return index;
            }
            at -= weight;
        }
        0
    }
}
