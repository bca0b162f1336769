//! Which tones were heard, and for how long, by Goertzel's recurrence on windows of 100 ms.
//!
//! A window counts for a tone only if the tone holds a good part of the window's whole energy
//! and its phase goes on from the window before. A multiple of 10 Hz advances by whole cycles
//! in 100 ms; a note of music 1 Hz beside it turns by 36 degrees and is not taken for it.

use super::tone::RATE;
use std::f32::consts::{PI, TAU};
use tokio::time::Instant;

/// Samples in one window: 100 ms, a resolution of 10 Hz.
pub const WINDOW: usize = 800;
/// Milliseconds in one window.
pub const WINDOW_MS: u64 = 100;

/// Part of the window's energy that a tone must hold. Two equal tones have a half each.
const LEAST_SHARE: f32 = 0.2;
/// Mean square below which a window is silence: about -50 dBFS.
const SILENCE: f32 = 10_000.0;
/// Most that the phase may turn from one window to the next, radians (0.4 Hz).
const PHASE_LIMIT: f32 = 0.26;

/// How long one tone was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToneHeard {
    /// Frequency in hertz.
    pub hz: u16,
    /// Milliseconds, in steps of [`WINDOW_MS`].
    pub ms: u64,
    /// When the first window with it was complete.
    pub first: Option<Instant>,
}

struct Listener {
    heard: ToneHeard,
    coefficient: f32,
    cosine: f32,
    sine: f32,
    last_phase: Option<f32>,
    run: u32,
}

/// Listens for a set of tones in a stream of samples.
pub struct Ear {
    window: Vec<f32>,
    listeners: Vec<Listener>,
    sound_ms: u64,
    sound_before_tones_ms: u64,
    any_tone: bool,
}

impl Ear {
    /// Listens for `tones` (hertz, multiples of 10).
    #[must_use]
    pub fn new(tones: &[u16]) -> Self {
        let listeners = tones.iter().map(|&hz| Listener::new(hz)).collect();
        Self {
            window: Vec::with_capacity(WINDOW),
            listeners,
            sound_ms: 0,
            sound_before_tones_ms: 0,
            any_tone: false,
        }
    }

    /// Takes samples that came at `now`; true if at least one window was completed.
    pub fn push(&mut self, samples: &[i16], now: Instant) -> bool {
        let mut completed = false;
        for &sample in samples {
            self.window.push(f32::from(sample));
            if self.window.len() == WINDOW {
                self.finish_window(now);
                completed = true;
            }
        }
        completed
    }

    /// Milliseconds of anything but silence: tones, music, prompts.
    #[must_use]
    pub fn sound_ms(&self) -> u64 {
        self.sound_ms
    }

    /// The part of [`Self::sound_ms`] that came before the first tone: music and prompts.
    #[must_use]
    pub fn sound_before_tones_ms(&self) -> u64 {
        self.sound_before_tones_ms
    }

    /// What was heard of each tone, in the order given to [`Self::new`].
    pub fn tones(&self) -> impl Iterator<Item = ToneHeard> + '_ {
        self.listeners.iter().map(|l| l.heard)
    }

    fn finish_window(&mut self, now: Instant) {
        let energy: f32 = self.window.iter().map(|s| s * s).sum();
        let audible = energy / WINDOW as f32 >= SILENCE;
        for listener in &mut self.listeners {
            if audible {
                listener.window(&self.window, energy, now);
                self.any_tone |= listener.heard.ms > 0;
            } else {
                listener.lost();
            }
        }
        if audible {
            self.sound_ms += WINDOW_MS;
            if !self.any_tone {
                self.sound_before_tones_ms += WINDOW_MS;
            }
        }
        self.window.clear();
    }
}

impl Listener {
    fn new(hz: u16) -> Self {
        let step = TAU * f32::from(hz) / RATE as f32;
        Self {
            heard: ToneHeard {
                hz,
                ms: 0,
                first: None,
            },
            coefficient: 2.0 * step.cos(),
            cosine: step.cos(),
            sine: step.sin(),
            last_phase: None,
            run: 0,
        }
    }

    /// A single window proves nothing of the frequency: the first of a run counts with the second.
    fn window(&mut self, window: &[f32], energy: f32, now: Instant) {
        let (mut s1, mut s2) = (0.0f32, 0.0f32);
        for sample in window {
            let s0 = sample + self.coefficient * s1 - s2;
            s2 = s1;
            s1 = s0;
        }
        let (real, imaginary) = (s1 - s2 * self.cosine, s2 * self.sine);
        // |X|² of a pure sine is (N/2)·Σx², so this is 1 for nothing but the tone.
        let share = (real * real + imaginary * imaginary) * 2.0 / (window.len() as f32 * energy);
        if share < LEAST_SHARE {
            self.lost();
            return;
        }
        let phase = imaginary.atan2(real);
        let steady = self
            .last_phase
            .is_some_and(|last| turn(phase - last) < PHASE_LIMIT);
        self.last_phase = Some(phase);
        if !steady {
            self.run = 1;
            return;
        }
        self.heard.ms += if self.run == 1 {
            2 * WINDOW_MS
        } else {
            WINDOW_MS
        };
        self.run += 1;
        self.heard.first.get_or_insert(now);
    }

    fn lost(&mut self) {
        self.last_phase = None;
        self.run = 0;
    }
}

/// The angle between two phases, 0 to π.
fn turn(difference: f32) -> f32 {
    let turned = difference.rem_euclid(TAU);
    if turned > PI { TAU - turned } else { turned }
}
