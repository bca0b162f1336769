//! How much of a long list is asked for.

use crate::error::Fault;

/// Entries of a list if the asker says nothing.
const USUAL: u32 = 50;
/// Entries of a list at most.
const LARGEST: u32 = 500;

/// How many entries, and from which on.
pub(crate) fn portion(limit: Option<u32>, offset: Option<u64>) -> Result<(u32, u64), Fault> {
    let limit = limit.unwrap_or(USUAL);
    match (1..=LARGEST).contains(&limit) {
        true => Ok((limit, offset.unwrap_or(0))),
        false => Err(Fault::Invalid(format!("`limit` is 1 to {LARGEST}"))),
    }
}
