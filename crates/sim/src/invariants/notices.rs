//! No notice of something unexpected, and nothing personal in any.
//!
//! Notices hold identifiers and times by their types; only a text could hold more.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use meishier_engine::Notice;
use meishier_model::Now;
use std::time::Duration;

/// The engine waits so long for media to confirm that a port is closed.
const CLOSING: Duration = Duration::from_secs(2);

pub(super) fn check(books: &Books, now: Now, notice: &Notice) -> Result<(), Violation> {
    let Notice::Unexpected(what) = notice else {
        return Ok(());
    };
    let slow = what.starts_with("media did not") && books.lag(now.mono) >= CLOSING;
    if slow {
        return Ok(());
    }
    Invariant::Notices.broken(None, format!("the engine did not expect something: {what}"))
}
