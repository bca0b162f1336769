//! Key presses in the sound itself (ITU-T Q.23), for parties that know no telephone-event: Goertzel
//! filters over pieces of 5 ms, judged over windows of 30 ms.
//!
//! ```text
//!   samples ─► 5 ms: 8 Goertzel filters ─► last 6 pieces ─► judge: level, evenness, frequency, twist,
//!                                                           share of the two tones in all sound
//!                                                              │ key or none, every 5 ms
//!              two clear windows agree, or four                ▼
//!   Idle ─────────────────────────────► Down(key) ──┐ another key agreed on: a press of its own
//!     ▲                                   │   ▲─────┘
//!     └── 11 windows in a row without it ─┘
//! ```
//! With that, tones of 40 ms and pauses of 40 ms are told apart, an interruption of 10 ms does not make
//! two presses of one (Q.24, table A-1), and 30 ms of anything else are no key. The frequency is
//! measured by the turn of phase from piece to piece and not by the filter's width: filters that are
//! narrow enough to refuse 3.5 % would need a longer tone than there is.

use std::f32::consts::TAU;

/// Samples of a piece: 5 ms.
const PIECE: usize = 40;
/// Pieces of a window: 30 ms. A tone of 40 ms contains two whole windows wherever it begins.
const WINDOW: usize = 6;
/// Pieces that are summed in phase: 15 ms, whose filters have their zeros where the other group's
/// tones are.
const SPAN: usize = 3;
/// Spans of a window.
const SPANS: usize = WINDOW - SPAN + 1;
/// What windows in a row must weigh together that show the same key: a clear one two, another one.
const AGREE: u8 = 4;
/// Windows in a row without the key after which it is up: an interruption of 10 ms spoils eight at
/// most, a pause of 40 ms thirteen at least.
const UP: u8 = 11;
/// Least peak of one tone: about -30 dBm0 in G.711. Q.24 asks for -25 dBm at least.
const LEAST_PEAK: f32 = 700.0;
/// Frequencies may be this far off, as a part of themselves. Q.24: 1.5 % is taken, 3.5 % refused.
const OFF: f32 = 0.018;
/// High tone over low tone in power: from -10 dB to +6 dB. Q.24 asks for -8 dB to +4 dB at least.
const TWIST: std::ops::RangeInclusive<f32> = 0.1..=4.0;
/// Least share of the two tones in all power of the window. Speech has its power in many tones.
const SHARE: f32 = 0.95;
/// With this share the window is clear: noise is 15 dB below the two tones.
const CLEAR: f32 = 0.975;
/// Least power of a piece, as a part of the window's mean: tones are even, and shorter ones than the
/// window leave a piece empty. The beat of 268 Hz between the nearest two leaves 0.79.
const EVEN: f32 = 0.7;
/// Samples a second.
const RATE: f32 = 8000.0;
/// Samples of a window.
const SAMPLES: f32 = (WINDOW * PIECE) as f32;

/// Low group, then high group (Q.23).
const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// Finds key presses in one party's sound.
#[derive(Clone, Debug)]
pub struct Detector {
    constants: Constants,
    /// The two last states of each filter.
    last: [f32; 8],
    before: [f32; 8],
    /// Power of the running piece so far.
    power: f32,
    /// Samples of the running piece so far.
    filled: usize,
    pieces: [Piece; WINDOW],
    /// Pieces in the window; below [`WINDOW`] after a beginning.
    known: usize,
    state: State,
}

/// What five milliseconds gave.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    /// Sum of the squares of its samples.
    power: f32,
    /// Each filter's outcome, real and imaginary, by its own phase.
    tones: [[f32; 2]; 8],
}

/// What a window shows.
#[derive(Clone, Copy, Debug)]
struct Seen {
    key: char,
    clear: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// The key that is down, and windows in a row without it.
    down: Option<(char, u8)>,
    /// The key that the last window showed, and what the windows in a row that did weigh.
    candidate: Option<(char, u8)>,
}

/// What follows from the frequencies alone.
#[derive(Clone, Copy, Debug)]
struct Constants {
    /// 2·cos of a sample's turn.
    turn: [f32; 8],
    /// e^(-jω) of a sample.
    sample: [[f32; 2]; 8],
    /// e^(-jω) of a piece.
    piece: [[f32; 2]; 8],
    /// e^(-jω) from a piece's first sample to its last.
    end: [[f32; 2]; 8],
}

impl Constants {
    fn new() -> Self {
        let by = |samples: usize| {
            TONES.map(|tone| {
                let turn = f64::from(tone) * samples as f64 / 8000.0 * std::f64::consts::TAU;
                [turn.cos() as f32, -turn.sin() as f32]
            })
        };
        let sample = by(1);
        Self {
            turn: sample.map(|[cos, _]| 2.0 * cos),
            sample,
            piece: by(PIECE),
            end: by(PIECE - 1),
        }
    }
}

fn times([a, b]: [f32; 2], [c, d]: [f32; 2]) -> [f32; 2] {
    [a * c - b * d, a * d + b * c]
}

fn plus([a, b]: [f32; 2], [c, d]: [f32; 2]) -> [f32; 2] {
    [a + c, b + d]
}

fn minus([a, b]: [f32; 2], [c, d]: [f32; 2]) -> [f32; 2] {
    [a - c, b - d]
}

fn conjugate([a, b]: [f32; 2]) -> [f32; 2] {
    [a, -b]
}

fn norm([a, b]: [f32; 2]) -> f32 {
    a * a + b * b
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            constants: Constants::new(),
            last: [0.0; 8],
            before: [0.0; 8],
            power: 0.0,
            filled: 0,
            pieces: [Piece::default(); WINDOW],
            known: 0,
            state: State::default(),
        }
    }

    /// The sound has a hole here: what was heard before does not go on. A key that is down stays
    /// down, unless `released`: the hole was so long that it may have been let go.
    pub fn interrupt(&mut self, released: bool) {
        self.last = [0.0; 8];
        self.before = [0.0; 8];
        self.power = 0.0;
        self.filled = 0;
        self.known = 0;
        self.state.candidate = None;
        if released {
            self.state.down = None;
        }
    }

    /// Hears samples (16 bit, 8000 a second) and gives every key whose press was found in them to
    /// `press`, once a press.
    pub fn hear(&mut self, mut samples: impl Iterator<Item = i16>, mut press: impl FnMut(char)) {
        let turn = self.constants.turn;
        loop {
            // Kept out of memory for as long as a piece lasts: this loop is all the cost there is.
            let (mut last, mut before, mut power) = (self.last, self.before, self.power);
            let mut heard = 0;
            for sample in samples.by_ref().take(PIECE - self.filled) {
                let sample = f32::from(sample);
                power += sample * sample;
                for i in 0..8 {
                    let now = sample + turn[i] * last[i] - before[i];
                    before[i] = last[i];
                    last[i] = now;
                }
                heard += 1;
            }
            (self.last, self.before, self.power) = (last, before, power);
            self.filled += heard;
            if self.filled < PIECE {
                return;
            }
            self.end_piece();
            if self.known == WINDOW
                && let Some(key) = self.state.step(self.judge())
            {
                press(key);
            }
        }
    }

    fn end_piece(&mut self) {
        let mut tones = [[0.0; 2]; 8];
        for (i, tone) in tones.iter_mut().enumerate() {
            let [cos, sin] = self.constants.sample[i];
            *tone = [self.last[i] - cos * self.before[i], -sin * self.before[i]];
        }
        self.pieces.rotate_left(1);
        self.pieces[WINDOW - 1] = Piece {
            power: self.power,
            tones,
        };
        self.last = [0.0; 8];
        self.before = [0.0; 8];
        self.power = 0.0;
        self.filled = 0;
        self.known = (self.known + 1).min(WINDOW);
    }

    /// The key that the window shows.
    fn judge(&self) -> Option<Seen> {
        let power = self.pieces.iter().map(|p| p.power).sum::<f32>() / SAMPLES;
        // Two tones at the least level, with what their measure may lack.
        if power < LEAST_PEAK * LEAST_PEAK * 0.9 {
            return None;
        }
        let least = power * PIECE as f32 * EVEN;
        if self.pieces.iter().any(|p| p.power < least) {
            return None;
        }
        let (low, low_off) = self.strongest(0..4)?;
        let (high, high_off) = self.strongest(4..8)?;
        let [low_power, high_power, both] = self.fit((low, low_off), (high, high_off));
        let least = LEAST_PEAK * LEAST_PEAK / 2.0;
        let share = both / power;
        let enough = low_power.min(high_power) >= least
            && TWIST.contains(&(high_power / low_power))
            && share >= SHARE;
        enough.then(|| Seen {
            key: KEYS[low][high - 4],
            clear: share >= CLEAR,
        })
    }

    /// The strongest tone of a group and how many Hz it is off; `None` if that is too far. Two
    /// pieces between two measures of phase: what is 50 Hz off or more turns by a half and more, and
    /// is then fitted at a wrong place, where it explains nothing.
    fn strongest(&self, group: std::ops::Range<usize>) -> Option<(usize, f32)> {
        let spans = |tone: usize| -> [[f32; 2]; SPANS] {
            let step = self.constants.piece[tone];
            std::array::from_fn(|at| {
                let [a, b, c] = [0, 1, 2].map(|i| self.pieces[at + i].tones[tone]);
                plus(a, times(step, plus(b, times(step, c))))
            })
        };
        let power = |tone: usize| spans(tone).iter().map(|z| norm(*z)).sum::<f32>();
        let (tone, _) = group
            .map(|tone| (tone, power(tone)))
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        let step = self.constants.piece[tone];
        let step = times(step, step);
        let sum = spans(tone)
            .windows(3)
            .map(|three| times(times(three[2], step), conjugate(three[0])))
            .fold([0.0; 2], plus);
        let off = sum[1].atan2(sum[0]) / TAU * RATE / (2 * PIECE) as f32;
        (off.abs() <= TONES[tone] * OFF).then_some((tone, off))
    }

    /// The powers of two tones that together come nearest to the window, each with its number and how
    /// many Hz it is off, and the power that they explain.
    fn fit(&self, low: (usize, f32), high: (usize, f32)) -> [f32; 3] {
        let (low, high) = (Place::new(low), Place::new(high));
        let (a, b) = (self.project(low), self.project(high));
        // How much of one tone the other's measure contains, for neither ends after whole turns.
        let (of_high, of_low) = (low.contains(high), high.contains(low));
        let rest = minus([1.0, 0.0], times(of_high, of_low));
        let rest = times(conjugate(rest), [1.0 / norm(rest), 0.0]);
        let x = times(minus(a, times(of_high, b)), rest);
        let y = times(minus(b, times(of_low, a)), rest);
        let beat = times(
            sum_of_turns(high.turn() - low.turn(), SAMPLES),
            [1.0 / SAMPLES, 0.0],
        );
        let together = times(times(conjugate(x), y), beat)[0];
        let (low, high) = (2.0 * norm(x), 2.0 * norm(y));
        [low, high, low + high + 4.0 * together]
    }

    /// The window's mean product with a turning pointer of that tone.
    fn project(&self, place: Place) -> [f32; 2] {
        let (sin, cos) = (place.off * PIECE as f32).sin_cos();
        let step = times(self.constants.piece[place.tone], [cos, -sin]);
        let sum = self.pieces.iter().rev().fold([0.0; 2], |sum, piece| {
            plus(piece.tones[place.tone], times(step, sum))
        });
        times(
            times(sum, self.constants.end[place.tone]),
            place.correction(),
        )
    }
}

/// A tone beside its frequency, as the filters of the pieces and their sum see it.
#[derive(Clone, Copy)]
struct Place {
    tone: usize,
    /// Radians a sample beside the filter's frequency.
    off: f32,
}

impl Place {
    fn new((tone, hertz): (usize, f32)) -> Self {
        let off = hertz / RATE * TAU;
        Self { tone, off }
    }

    fn turn(self) -> f32 {
        TONES[self.tone] / RATE * TAU + self.off
    }

    /// Within a piece the filter turns without `off`: what that changes, taken back, by sample.
    fn correction(self) -> [f32; 2] {
        let seen = sum_of_turns(self.off, PIECE as f32);
        let scale = PIECE as f32 / (norm(seen) * SAMPLES);
        times(conjugate(seen), [scale, 0.0])
    }

    /// What this tone's measure shows of another tone of strength one.
    fn contains(self, other: Self) -> [f32; 2] {
        let apart = other.turn() - self.turn();
        let pieces = sum_of_turns(apart * PIECE as f32, WINDOW as f32);
        let within = sum_of_turns(apart + self.off, PIECE as f32);
        times(times(pieces, within), self.correction())
    }
}

/// The sum of `count` pointers, each turned by `angle` against the one before; the first is 1.
fn sum_of_turns(angle: f32, count: f32) -> [f32; 2] {
    let half = angle / 2.0;
    let length = if half.sin().abs() < 1e-6 {
        count
    } else {
        (half * count).sin() / half.sin()
    };
    let (sin, cos) = (half * (count - 1.0)).sin_cos();
    [length * cos, length * sin]
}

impl State {
    /// Takes what a window shows; gives the key of a press that begins.
    fn step(&mut self, seen: Option<Seen>) -> Option<char> {
        self.candidate = seen.map(|seen| {
            let before = self.candidate.filter(|(key, _)| *key == seen.key);
            let weight = before.map_or(0, |(_, weight)| weight);
            (seen.key, weight.saturating_add(1 + u8::from(seen.clear)))
        });
        let agreed = self
            .candidate
            .filter(|(_, weight)| *weight >= AGREE)
            .map(|(key, _)| key);
        match (&mut self.down, agreed) {
            (Some((down, missed)), Some(key)) if *down == key => {
                *missed = 0;
                None
            }
            (_, Some(key)) => {
                self.down = Some((key, 0));
                Some(key)
            }
            (Some((down, missed)), None) => {
                // One window is not enough for a new press, and enough for the same to go on.
                *missed = if seen.is_some_and(|s| s.key == *down) {
                    0
                } else {
                    *missed + 1
                };
                if *missed >= UP {
                    self.down = None;
                }
                None
            }
            (None, None) => None,
        }
    }
}
