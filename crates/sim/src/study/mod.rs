//! How many callers the nation answers in time: each city alone against pooled routing.
//!
//! What lives here: the shipped routing table and the shipped queue on a virtual clock, between
//! callers and counsellors that follow from a seed, and what is counted of them. What may not:
//! SIP, media, records and judges; those are the simulator's other runs. A study is about how many
//! wait how long, and must play a year of the nation in minutes.
//!
//! ```text
//!   deploy/nation ─► Nation: table, seats, trunks, cities with their share of the calls
//!                      │
//!   seed ─► people ──► floor ◄─► Table::decide_among, Queue ──► Figures ──► the document
//! ```

mod document;
mod figures;
mod floor;
mod nation;
mod people;
mod seats;

pub use document::{SEEDS, block, document, measure};
pub use figures::{Figures, Place};
pub use nation::Nation;

use std::time::Duration;

/// How callers find a counsellor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Every city alone, without a place to wait: who finds no free counsellor hears busy. Where the
    /// city is closed, its province's line rings, and where that is closed too, the city in the same
    /// province that is paired with it.
    Alone,
    /// The same, but callers may wait for their city.
    AloneWaiting,
    /// As the table says.
    Pooled,
}

/// One way of playing the nation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// How callers find a counsellor.
    pub way: Way,
    /// People who call in a day; further attempts come on top.
    pub calls_per_day: f64,
    /// How many times the lines and seats of the file, 1 or more; parts are rounded up.
    pub seats: f64,
    /// Share of the offers that nobody takes up, 0 to 1; `None`: as the simulator's counsellors.
    pub ring_out: Option<f64>,
    /// How long one telephone rings before the next one does; `None`: as the file says.
    pub ring: Option<Duration>,
    /// How long a skill that is liked binds, for callers at risk [`HOLDS_AT_RISK`] at most; the
    /// engine's is [`HOLDS`].
    pub holds: Duration,
    /// How many times the file's waits until the next pools are asked, 0 or more.
    pub waits: f64,
}

/// How long the engine looks for a counsellor with a skill that is liked before any will do.
pub const HOLDS: Duration = Duration::from_secs(20);

/// The same for a caller at risk.
pub const HOLDS_AT_RISK: Duration = Duration::from_secs(5);

/// Calls a day: 700,000 in a year.
pub const CALLS_PER_DAY: f64 = 1918.0;

impl Setting {
    /// The nation with its calls and its seats.
    #[must_use]
    pub fn of(way: Way) -> Self {
        Self {
            way,
            calls_per_day: CALLS_PER_DAY,
            seats: 1.0,
            ring_out: None,
            ring: None,
            holds: HOLDS,
            waits: 1.0,
        }
    }
}

/// Plays so many days after one that is not counted.
///
/// # Errors
/// The nation cannot be played: what does not fit.
pub fn play(nation: &Nation, setting: &Setting, seed: u64, days: u32) -> Result<Figures, String> {
    floor::Floor::new(nation, setting, seed, days)?.play()
}
