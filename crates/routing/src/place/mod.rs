//! From evidence to places: where a caller calls from, is from, and whose hotline was dialled.
//!
//! ```text
//!   Evidence                      Gazetteer                                Places
//!   ────────                      ─────────                                ──────
//!   called 073112356 ──────────── area code ─┬─ one city ────────────────► called
//!                                            └─ several: settled by ─┐        ▲
//!   trunk, caller ─── blocks ─── number block ───────────────────────┼────────┤
//!   cell ──────────── cells ──── longest prefix ─────────────────────┤        │
//!   trunk ─────────── blocks ─── whole trunk ────────────────────────┤        │
//!                                                                    ▼        │
//!   caller 0731… ──── Atlas ──── area code ───────────► here (landline), home │
//!   caller 13x… ───── Segments ─ 7 digits ────────────► home, a hint ─────────┘
//! ```
//!
//! | place | from, the first that answers |
//! | --- | --- |
//! | called | area code + 12356; a shared code is settled by number block, cell, trunk, segment |
//! | here | number block of a fixed line; cell; area code of a landline; the trunk |
//! | home | number block; area code of a landline; segment of a mobile number |
//!
//! A mobile number's home is not where the caller is, so neither a segment nor a block of mobile
//! numbers ever says *here*. A trunk stands for all that comes over it, so it never goes against
//! the area code of a landline, and says little once an area code was dialled: whoever dials one
//! may call from anywhere.
//!
//! An area code that several cities share (0731, 0851, 028) and nothing settles gives a place with
//! a code and without a city: [`Places::ambiguous`]. Where all cities of a code lie within one of
//! them (0433 is 延边 with its 珲春), that one is meant and nothing is ambiguous.

mod atlas;
mod city;
mod gazetteer;
pub(crate) mod prefixes;
mod segments;

pub use atlas::{AreaCode, Atlas, CityId, CodeId, Province, ProvinceId};
pub use city::{City, CityError, CityTable};
pub use gazetteer::{Block, Gazetteer, GazetteerError};
pub use segments::{Segments, SegmentsError};

use meishier_model::TrunkId;

use crate::number::Number;

/// What is known of a call before anybody speaks.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Over which trunk it comes.
    pub trunk: TrunkId,
    /// The caller's number, brought into its form with the trunk's area code.
    pub caller: &'a Number,
    /// The number dialled.
    pub called: &'a Number,
    /// The cell or access point that a trusted trunk names (RFC 7315 §4.4).
    pub cell: Option<&'a str>,
}

/// The places of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Whose hotline was dialled by its area code.
    pub called: Option<Found>,
    /// Where the call is made.
    pub here: Option<Found>,
    /// Where the caller's number is from.
    pub home: Option<Found>,
    /// The area code that several cities share and nothing settles, of the first place that is
    /// known at all, in the order called, here, home.
    pub ambiguous: Option<CodeId>,
}

/// One place and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The city; none if its area code is shared and nothing settles it.
    pub city: Option<CityId>,
    /// The province; none only if the cities of the code lie in several.
    pub province: Option<ProvinceId>,
    /// The area code of the city, or the one that is shared.
    pub code: Option<CodeId>,
    /// What says so.
    pub by: Source,
    /// How much it is worth.
    pub confidence: Confidence,
}

impl Found {
    /// True if an area code is known and the city is not.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.city.is_none()
    }
}

/// What says where a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A configured block: a trunk, numbers, or both.
    Block,
    /// The cell, by the configured table.
    Cell,
    /// The area code of the caller's landline.
    AreaCode,
    /// The area code that was dialled.
    CalledCode,
    /// The segment of a mobile number.
    Segment,
}

/// How much a place is worth; a later one is worth more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A hint that is often wrong: a mobile segment (number portability, people move), a trunk
    /// over which callers from elsewhere come too.
    Low,
    /// Right for nearly all: a trunk of local callers, a shared area code settled by another sign.
    Middle,
    /// As good as the network knows it: a fixed line, a cell, a number block, a dialled area code.
    High,
}
