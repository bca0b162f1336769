//! The configuration, one file or many: read, resolved into [`Config`], with every mistake found at
//! once.
//!
//! What lives here: the names and types of the file's keys, the checks, the wording of mistakes
//! in Chinese and English. What may not: opening files, clocks, sockets; the caller hands the texts
//! in, a way to included ones ([`Files`]), and the moment if qualifications and holidays are to be checked against it.
//!
//! ```text
//!   texts ──toml──► spanned tables ──merged──► one tree ──sections──► typed values ──names──► Config
//!     │                    │             │         │           │             │
//!     └────────── mistakes and doubts, each with its span ──► Sources::render()
//! ```
//!
//! The file is not deserialised by serde, which stops at the first unknown key or wrong type: the
//! spanned tables of `toml` are walked, and each look-up notes its own mistake and goes on.

mod areas;
mod care;
mod counsellors;
mod destinations;
mod directory;
mod dns;
mod dossier;
mod doubts;
mod error;
mod exceptional;
mod hep;
mod identity;
mod implied;
mod include;
mod key_places;
mod keys;
mod ladders;
pub mod limits;
mod listen;
mod merge;
mod moments;
mod names;
mod network;
mod networks;
mod numbers;
mod outgoing;
mod picture;
mod places;
mod policies;
mod pools;
mod read;
mod recording;
mod registration;
mod rings;
mod routes;
mod rule_places;
mod seats;
mod section;
mod secure;
mod service;
mod sink;
mod slips;
mod sources;
mod table;
mod trunks;
mod types;
mod value;
mod when;

pub use dossier::{Dossiers, Receiver, WebAddress};
pub use error::{ConfigError, Warning, place, render};
pub use identity::Difference;
pub use implied::{FEMALE, FRESH, MALE};
pub use meishier_transfer::{Dial, Key, KeyKind, Manner, PlaceRule, Plan, Reach, RuleOf};
pub use registration::{Contact, Login, Register, Secret};
pub use rule_places::RulePlaces;
pub use sources::{
    Entry, Files, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, Place, Source, Sources,
    Unreadable,
};
pub use types::*;

use meishier_model::Wall;

/// Reads a configuration of one text, which includes nothing; for several see [`Sources`]. `today` lets expired qualifications and years without holidays be found.
///
/// # Errors
/// Every mistake of the file, in order of place; the list is never empty. A file that is not TOML
/// gets its mistakes of syntax alone.
pub fn parse(text: &str, today: Option<Wall>) -> Result<(Config, Vec<Warning>), Vec<ConfigError>> {
    Sources::one("", text).parse(today)
}
