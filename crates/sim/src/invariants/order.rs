//! Invariant 3: Risk, effective class and arrival decide among the callers whom a seat fits.
//!
//! Judged for the moment at which the queue gave the seat away: nobody who stood before the caller
//! that got it, whom the seat fitted all the while, and who went on waiting, may have been passed
//! over. A caller put back keeps its arrival, and who calls again the place that was given up.

use super::table::{Invariant, Violation};
use crate::reference::Books;

pub(super) fn check(books: &Books) -> Result<(), Violation> {
    for (id, seat) in &books.facts.offered {
        let Some(call) = books.calls.get(id) else {
            continue;
        };
        let Some(decided) = &call.decided else {
            continue;
        };
        let book = books.seats.get(*seat as usize);
        // Whoever sat there when the queue decided may have been somebody else.
        if book.is_none_or(|book| book.free > decided.at || book.off.is_some()) {
            continue;
        }
        // One's own seat counts more than anything but risk.
        let who = book.and_then(|book| book.person);
        let own = call.claim.own_unsure || call.claim.own.is_some() && call.claim.own == who;
        let passed = decided
            .rivals
            .iter()
            .filter(|rival| !own || (rival.risk && !call.claim.risk))
            .find(|r| books.fits(*seat, r.needs, &r.pools));
        if let Some(rival) = passed {
            let what = format!(
                "seat {seat} was given to call {id}, though a caller who stood before it fits too"
            );
            return Invariant::Order.broken(Some(&rival.sip), what);
        }
    }
    seconds(books)
}

/// The same of seats that were given to requests for the second line.
fn seconds(books: &Books) -> Result<(), Violation> {
    for (id, third, seat) in &books.facts.second_offered {
        let bids = books.calls.get(id).into_iter().flat_map(|call| call.bids());
        let mut bids = bids.filter(|(number, _)| number == third);
        let decided = bids.next().and_then(|(_, bid)| bid.decided.as_ref());
        let book = books.seats.get(*seat as usize);
        let Some(decided) = decided else { continue };
        if book.is_none_or(|book| book.free > decided.at || book.off.is_some()) {
            continue;
        }
        let mut rivals = decided.rivals.iter();
        if let Some(rival) = rivals.find(|r| books.fits(*seat, r.needs, &r.pools)) {
            let what = format!(
                "seat {seat} was called into call {id}, though a caller who stood before it fits too"
            );
            return Invariant::Order.broken(Some(&rival.sip), what);
        }
    }
    Ok(())
}
