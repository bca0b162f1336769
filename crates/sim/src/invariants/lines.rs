//! A new offer never takes a line beyond the shift's number, and no line is lost.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;

const IT: Invariant = Invariant::Lines;

pub(super) fn check(books: &Books, look: &Inspection<'_>) -> Result<(), Violation> {
    if look.touched == 0 && !books.facts.replaced {
        let due = &books.due.1;
        if *due != books.limits {
            let open = &books.limits;
            return IT.broken(
                None,
                format!("lines {open:?} are open, the shifts say {due:?}"),
            );
        }
    }
    if books.facts.matches > 0 && !books.facts.replaced {
        taken(books)?;
    }
    if books.unread == 0 {
        lost(books)
    } else {
        Ok(())
    }
}

/// Lines that were taken in this step lie within the number.
fn taken(books: &Books) -> Result<(), Violation> {
    for (pool, used) in books.used.iter().enumerate() {
        let before = books.facts.used_before.get(pool).copied().unwrap_or(0);
        let limits = [&books.limits, &books.facts.limits_before];
        let limits = limits.iter().filter_map(|limits| limits.get(pool).copied());
        let limit = limits.max().unwrap_or(0);
        if *used > before && *used > limit {
            return IT.broken(
                None,
                format!("pool {pool} has {limit} lines, {used} are in use"),
            );
        }
    }
    Ok(())
}

/// With nothing under way, the lines in use are those of the calls that ring or talk.
fn lost(books: &Books) -> Result<(), Violation> {
    let mut held = vec![0u16; books.used.len()];
    let seconds = books.bids().filter_map(|(_, _, bid)| bid.line);
    let callers = books.calls.values().filter_map(|call| call.line);
    for line in callers.chain(seconds) {
        if let Some(held) = held.get_mut(usize::from(line.pool.0)) {
            *held += 1;
        }
    }
    if held != books.used {
        let used = &books.used;
        return IT.broken(
            None,
            format!("lines {used:?} count as used, calls hold {held:?}"),
        );
    }
    Ok(())
}
