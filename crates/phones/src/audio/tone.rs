//! The tone by which a phone is known to the others.

use std::f64::consts::TAU;

/// Samples a second, as G.711 has it.
pub const RATE: u32 = 8_000;
/// Samples in one packet of 20 ms.
pub const FRAME: usize = 160;
/// Tones lie on multiples of this many hertz.
///
/// A multiple of 50 Hz has whole cycles in 20 ms, so a lost or repeated packet leaves the phase
/// as it was and every packet of a phone carries the same 160 samples.
pub const GRID_HZ: u16 = 50;
/// Lowest tone in use.
pub const LOWEST_HZ: u16 = 300;
/// Highest tone in use, below the upper end of the telephone band.
pub const HIGHEST_HZ: u16 = 3_400;
/// Peak of a tone: a quarter of full scale, so that three mixed tones do not clip.
pub const PEAK: f64 = 8_000.0;

/// All tones of the grid, lowest first.
pub fn grid() -> impl Iterator<Item = u16> {
    (LOWEST_HZ..=HIGHEST_HZ).step_by(usize::from(GRID_HZ))
}

/// One frame of the sine of `hz`; silence for 0. Whole cycles fit if `hz` lies on the grid.
#[must_use]
pub fn frame(hz: u16) -> [i16; FRAME] {
    let step = TAU * f64::from(hz) / f64::from(RATE);
    std::array::from_fn(|i| (PEAK * (step * i as f64).sin()) as i16)
}
