//! Exceptional days: what counts instead of the schedule for a while, such as all lines open
//! after a disaster.
//!
//! ```text
//!   entries   0 ├──────────── all pools: all lines ────────────┤
//!             1            ├── pool 3: closed ──┤
//!   parts       ├─── 0 ────┼──────── 1, 0 ──────┼───── 0 ──────┤   nothing outside
//! ```
//!
//! Of entries that overlap the later one in the list counts, pool by pool.

use meishier_model::{PoolId, Wall};
use std::fmt;

/// For which pools an entry counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExceptionalPools {
    /// Every pool.
    All,
    /// These.
    These(Vec<PoolId>),
}

/// How many lines there are instead of the schedule's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionalLines {
    /// The largest number of any shift of the pool, at every minute; a pool without shifts stays
    /// closed.
    AllLines,
    /// None.
    Closed,
    /// So many, whatever the shifts say; 0 is the same as closed.
    Number(u16),
}

/// From one moment to another other lines than the schedule's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceptional {
    /// First moment.
    pub from: Wall,
    /// Moment after the last.
    pub to: Wall,
    /// For whom.
    pub pools: ExceptionalPools,
    /// How many lines.
    pub lines: ExceptionalLines,
    /// Why, for people.
    pub reason: String,
}

/// Why a list of entries cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionalError {
    /// The entry of this index ends when it begins, or earlier.
    Empty(usize),
    /// More than [`ExceptionalDays::MOST`] entries.
    TooMany,
}

impl fmt::Display for ExceptionalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(index) => write!(f, "exceptional entry {index} has no duration"),
            Self::TooMany => f.write_str("too many exceptional entries"),
        }
    }
}

impl std::error::Error for ExceptionalError {}

/// Entries compiled: on a day of which nothing is known a look-up is two comparisons, among entries
/// a search by halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionalDays {
    entries: Vec<Exceptional>,
    /// Begin of the first entry and end of the last; an empty span without entries.
    first: Wall,
    end: Wall,
    /// Ascending, each until the next; one with no entry in force ends a stretch.
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    from: Wall,
    /// Indices of the entries in force, the one that counts first in front.
    entries: Box<[u16]>,
}

impl Default for ExceptionalDays {
    /// No entry.
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            first: Wall(i64::MAX),
            end: Wall(i64::MIN),
            parts: Vec::new(),
        }
    }
}

impl ExceptionalDays {
    /// Most entries: a year of them, a day each.
    pub const MOST: usize = 400;

    /// Compiles entries, later ones winning over earlier ones. A handful takes microseconds.
    ///
    /// # Errors
    /// [`ExceptionalError`] if an entry has no duration or there are too many.
    pub fn compile(entries: Vec<Exceptional>) -> Result<Self, ExceptionalError> {
        if entries.len() > Self::MOST {
            return Err(ExceptionalError::TooMany);
        }
        if let Some(index) = entries.iter().position(|entry| entry.to <= entry.from) {
            return Err(ExceptionalError::Empty(index));
        }
        let mut entries = entries;
        for entry in &mut entries {
            if let ExceptionalPools::These(pools) = &mut entry.pools {
                pools.sort_unstable();
                pools.dedup();
            }
        }
        let mut bounds: Vec<_> = entries.iter().flat_map(|e| [e.from, e.to]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut parts: Vec<Part> = Vec::with_capacity(bounds.len());
        for from in bounds {
            let in_force = in_force(&entries, from);
            if parts.last().is_none_or(|last| last.entries != in_force) {
                parts.push(Part {
                    from,
                    entries: in_force,
                });
            }
        }
        let none = Self::default();
        Ok(Self {
            first: parts.first().map_or(none.first, |part| part.from),
            end: parts.last().map_or(none.end, |part| part.from),
            entries,
            parts,
        })
    }

    /// The same entries and one more, which wins over all of them: an entry made by hand.
    ///
    /// # Errors
    /// As [`Self::compile`]; the index of an entry without duration is that of the new one.
    pub fn with(&self, entry: Exceptional) -> Result<Self, ExceptionalError> {
        let mut entries = self.entries.clone();
        entries.push(entry);
        Self::compile(entries)
    }

    /// The entries that are not over at this moment, so that those made by hand do not pile up.
    #[must_use]
    pub fn without_past(&self, now: Wall) -> Self {
        let entries = self.entries.iter().filter(|entry| entry.to > now);
        Self::compile(entries.cloned().collect()).unwrap_or_default()
    }

    /// The entries in the order in which they were given; lists of pools are ascending.
    #[must_use]
    pub fn entries(&self) -> &[Exceptional] {
        &self.entries
    }

    /// Lines of a pool at a moment: the schedule's unless an entry counts. `most_lines` is the
    /// largest number of any of its shifts.
    #[must_use]
    pub fn lines(&self, pool: PoolId, schedule_lines: u16, most_lines: u16, wall: Wall) -> u16 {
        if wall < self.first || wall >= self.end {
            return schedule_lines;
        }
        match self.search(pool, wall).map(|entry| entry.lines) {
            None => schedule_lines,
            Some(ExceptionalLines::AllLines) => most_lines,
            Some(ExceptionalLines::Closed) => 0,
            Some(ExceptionalLines::Number(lines)) => lines,
        }
    }

    /// The entry that counts for a pool at a moment.
    #[must_use]
    pub fn in_force(&self, pool: PoolId, wall: Wall) -> Option<&Exceptional> {
        if wall < self.first || wall >= self.end {
            return None;
        }
        self.search(pool, wall)
    }

    /// The next moment after this one at which an entry begins, ends, or gives way to another.
    #[must_use]
    pub fn next_change(&self, after: Wall) -> Option<Wall> {
        let at = self.parts.partition_point(|part| part.from <= after);
        self.parts.get(at).map(|part| part.from)
    }

    fn search(&self, pool: PoolId, wall: Wall) -> Option<&Exceptional> {
        let at = self.parts.partition_point(|part| part.from <= wall);
        let part = self.parts.get(at.checked_sub(1)?)?;
        let entries = part.entries.iter();
        entries
            .filter_map(|&index| self.entries.get(usize::from(index)))
            .find(|entry| entry.concerns(pool))
    }
}

impl Exceptional {
    fn concerns(&self, pool: PoolId) -> bool {
        match &self.pools {
            ExceptionalPools::All => true,
            ExceptionalPools::These(pools) => pools.binary_search(&pool).is_ok(),
        }
    }
}

/// Indices of the entries in force at a moment, the last first; none behind one for every pool.
fn in_force(entries: &[Exceptional], wall: Wall) -> Box<[u16]> {
    let mut found = Vec::new();
    for (index, entry) in entries.iter().enumerate().rev() {
        if entry.from <= wall && wall < entry.to {
            // No more entries than MOST.
            found.push(u16::try_from(index).unwrap_or(u16::MAX));
            if entry.pools == ExceptionalPools::All {
                break;
            }
        }
    }
    found.into()
}
