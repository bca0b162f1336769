//! One answer for each command, in time.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use meishier_engine::Reply;
use meishier_model::Now;
use std::time::Duration;

const IT: Invariant = Invariant::Replies;
const LIMIT: Duration = Duration::from_secs(1);

/// An answer comes.
pub(super) fn check(books: &Books, token: u64, reply: &Reply) -> Result<(), Violation> {
    if matches!(reply, Reply::View(_) | Reply::Rescheduled) {
        return Ok(());
    }
    match books.asked.get(&token) {
        Some(asked) if asked.replies == 0 => Ok(()),
        Some(_) => IT.broken(None, format!("command {token} was answered twice")),
        None => IT.broken(
            None,
            format!("an answer to command {token}, which nobody gave"),
        ),
    }
}

/// Commands that wait too long.
pub(super) fn overdue(books: &Books, now: Now) -> Result<(), Violation> {
    let limit = LIMIT + books.lag(now.mono) * 4;
    let late = |asked: &crate::reference::books::Asked| {
        asked.replies == 0 && now.mono.since(asked.at) > limit
    };
    match books.asked.iter().find(|(_, asked)| late(asked)) {
        Some((token, _)) => IT.broken(None, format!("command {token} was not answered")),
        None => Ok(()),
    }
}
