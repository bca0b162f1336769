//! How large the queue is, how much of it is in use, and how long each part of a run measures.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Callers that fit, at every size.
pub const CALLERS: usize = 65_536;
/// Seats that there are, at every size.
pub const SEATS: usize = 8_192;
/// Threads, more than cores on purpose.
pub const THREADS: [u16; 4] = [1, 2, 4, 8];

const WAITING: [usize; 3] = [10, 1_000, 50_000];
const READY: [usize; 3] = [10, 1_000, 8_000];
const LANES: [usize; 3] = [1, 30, 300];

/// Who stands in the queue while a cycle is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Callers wait, the seat that becomes ready makes the match. `seats` others stand ready, in
    /// ten groups, whom nobody who waits fits.
    Callers,
    /// `seats` fitting seats stand ready, the caller who comes makes the match. Nobody waits.
    Seats,
}

/// What is in the queue during a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Who stands in it.
    pub stand: Stand,
    /// Callers that wait.
    pub waiting: usize,
    /// Seats that stand ready.
    pub seats: usize,
    /// Different requirements (skills, class) of the callers, 1 to 512.
    pub lanes: usize,
}

impl Size {
    /// The size that the goals are about.
    pub const MIDDLE: Self = Self::waiting(1_000, 1_000, 1);

    /// Callers wait.
    #[must_use]
    pub const fn waiting(waiting: usize, seats: usize, lanes: usize) -> Self {
        Self {
            stand: Stand::Callers,
            waiting,
            seats,
            lanes,
        }
    }

    /// Seats wait.
    #[must_use]
    pub const fn ready(seats: usize, lanes: usize) -> Self {
        Self {
            stand: Stand::Seats,
            waiting: 0,
            seats,
            lanes,
        }
    }
}

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Sizes of the table of one thread.
    pub sizes: Vec<Size>,
    /// Cycles before the measured ones, in each queue.
    pub warm_up: usize,
    /// True: before that, every caller's slot is filled once and emptied out of order.
    pub shuffle: bool,
    /// Rounds, floor and contenders by turns.
    pub rounds: usize,
    /// Cycles of a contender in a round.
    pub cycles: usize,
    /// Pushes and pops of the floor in a round.
    pub floor_cycles: usize,
    /// Sizes of the table of threads.
    pub crowded: Vec<Size>,
    /// How many threads.
    pub threads: Vec<u16>,
    /// How long a contender runs before it is measured there.
    pub settle: Duration,
    /// How long it is measured there.
    pub crowd: Duration,
    /// How long a contender is measured while a thread is stopped again and again.
    pub stalled: Duration,
    /// How long that thread is stopped each time, and then runs.
    pub stop: Duration,
}

impl Scale {
    /// Everything, in about four minutes.
    #[must_use]
    pub fn full() -> Self {
        let mut sizes = Vec::new();
        for lanes in LANES {
            for seats in READY {
                sizes.extend(WAITING.map(|waiting| Size::waiting(waiting, seats, lanes)));
            }
        }
        sizes.extend(READY.map(|seats| Size::ready(seats, 1)));
        // One thing differs from the middle at a time.
        let crowded = vec![
            Size::waiting(1_000, 1_000, 30),
            Size::waiting(10, 1_000, 30),
            Size::waiting(50_000, 1_000, 30),
            Size::waiting(1_000, 10, 30),
            Size::waiting(1_000, 8_000, 30),
            Size::waiting(1_000, 1_000, 1),
            Size::waiting(1_000, 1_000, 300),
        ];
        Self {
            sizes,
            warm_up: CALLERS,
            shuffle: true,
            rounds: 7,
            cycles: 16_384,
            floor_cycles: 4 * CALLERS,
            crowded,
            threads: THREADS.to_vec(),
            settle: Duration::from_millis(100),
            crowd: Duration::from_millis(300),
            stalled: Duration::from_secs(5),
            stop: Duration::from_millis(50),
        }
    }

    /// What the goals need and a little more, in less than 20 seconds.
    #[must_use]
    pub fn quick() -> Self {
        let middle = Size::MIDDLE;
        let sizes = WAITING.map(|waiting| Size { waiting, ..middle });
        Self {
            sizes: sizes.to_vec(),
            rounds: 5,
            cycles: 8_192,
            crowded: vec![middle],
            threads: vec![1, 8],
            settle: Duration::from_millis(50),
            crowd: Duration::from_millis(150),
            stalled: Duration::from_secs(1),
            ..Self::full()
        }
    }

    /// Shows that everything runs; the figures mean nothing.
    #[must_use]
    pub fn least() -> Self {
        Self {
            warm_up: 64,
            shuffle: false,
            rounds: 1,
            cycles: 64,
            floor_cycles: 64,
            settle: Duration::ZERO,
            crowd: Duration::from_millis(20),
            stalled: Duration::from_millis(100),
            stop: Duration::from_millis(20),
            ..Self::quick()
        }
    }
}
