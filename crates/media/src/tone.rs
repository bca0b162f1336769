//! Sine tones: made, and found again (Goertzel).

use crate::Codec;
use std::f64::consts::TAU;

/// An endless sine at 8000 samples a second.
#[derive(Clone, Debug)]
pub struct Sine {
    step: f64,
    amplitude: f64,
    sample: u64,
}

impl Sine {
    /// A tone of `frequency` Hz (below 4000) and a peak of `amplitude` (up to 32767), from phase 0.
    #[must_use]
    pub fn new(frequency: f64, amplitude: i16) -> Self {
        Self {
            step: TAU * frequency / f64::from(Codec::RATE),
            amplitude: f64::from(amplitude),
            sample: 0,
        }
    }
}

impl Iterator for Sine {
    type Item = i16;

    fn next(&mut self) -> Option<i16> {
        let value = (self.step * self.sample as f64).sin() * self.amplitude;
        self.sample += 1;
        Some(value.round() as i16)
    }
}

/// The peak amplitude (0 to about 32767) of the part of `samples` at `frequency` Hz. The longer the
/// piece, the sharper: N samples tell apart tones that differ by 8000 / N Hz.
#[must_use]
pub fn amplitude_at(samples: &[i16], frequency: f64) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let step = TAU * frequency / f64::from(Codec::RATE);
    let turn = 2.0 * step.cos();
    let (mut last, mut before) = (0.0_f64, 0.0_f64);
    for &sample in samples {
        let now = f64::from(sample) + turn * last - before;
        before = last;
        last = now;
    }
    let power = last * last + before * before - turn * last * before;
    power.max(0.0).sqrt() * 2.0 / samples.len() as f64
}
