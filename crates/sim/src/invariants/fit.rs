//! Invariant 4: No required skill, ring or permission is violated; preferences widen only by rule.
//!
//! Gender, language and legal rules are skills of the configuration and judged as such; the place
//! of a record where the widening of a preference would stand does not exist yet, so of widening
//! only the opening of rings is compared with the record.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::calls::Call;
use meishier_model::Now;

const IT: Invariant = Invariant::Fit;

/// Whoever sits at the seat has the skills that bind for sure. Judged after the step: what bound may
/// have fallen in it.
fn skilled(books: &Books, now: Now, call: &Call, seat: u32) -> Result<(), Violation> {
    let at = call.decided.as_ref().map_or(now.mono, |decided| decided.at);
    // Whoever sat there when the queue decided may have left since.
    let Some(who) = call.offer.as_ref().and_then(|offer| offer.who) else {
        return Ok(());
    };
    let least = call
        .decided
        .as_ref()
        .map_or(u64::MAX, |decided| decided.needs);
    let missing = call.claim.least(at) & least & !books.maybe_skills(seat, who);
    if missing != 0 && !call.claim.vague {
        let id = call.id;
        let what = format!("seat {seat} lacks skills {missing:#b} that call {id} needs");
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}

/// Lines and sign-ons after the step.
pub(super) fn check(books: &Books, now: Now) -> Result<(), Violation> {
    for (id, seat) in &books.facts.offered {
        let Some(call) = books.calls.get(id) else {
            continue;
        };
        skilled(books, now, call, *seat)?;
        led_there(books, now, call, *seat)?;
        let Some(line) = call.line.filter(|_| call.offer.is_some()) else {
            continue;
        };
        let at = call.decided.as_ref().map_or(now.mono, |decided| decided.at);
        let pool = line.pool.0;
        let decided = call.decided.iter().flat_map(|it| it.open.iter().copied());
        let open = call
            .claim
            .maybe_open(at)
            .chain(decided)
            .any(|open| open == pool);
        let unsure = call.claim.own_unsure || call.claim.own.is_some() || call.claim.vague;
        if !(open || unsure) || !books.maybe_serves(*seat, pool) {
            let what =
                format!("call {id} goes to seat {seat} by pool {pool}, which is not open for it");
            return IT.broken(Some(&call.sip), what);
        }
    }
    seconds(books)?;
    for (seat, who) in &books.facts.signed_on {
        if !books
            .plans()
            .any(|plan| plan.permits(*who, *seat, now.wall))
        {
            return IT.broken(
                None,
                format!("counsellor {who} may not sign on at seat {seat}"),
            );
        }
        let other = (0u32..)
            .zip(&books.seats)
            .find(|(id, other)| id != seat && other.person == Some(*who) && other.unsure.is_none());
        if let Some((other, _)) = other {
            let what = format!("counsellor {who} is signed on at seats {other} and {seat}");
            return IT.broken(None, what);
        }
    }
    Ok(())
}

/// Seats that were called into a conversation are those that its key asks for.
fn seconds(books: &Books) -> Result<(), Violation> {
    for (id, third, seat) in &books.facts.second_offered {
        let Some(call) = books.calls.get(id) else {
            continue;
        };
        let mut bids = call.bids().filter(|(number, _)| number == third);
        let Some((_, bid)) = bids.next() else { continue };
        let who = bid.rings.as_ref().and_then(|rings| rings.who);
        let lacks = who.is_some_and(|who| bid.skills & !books.maybe_skills(*seat, who) != 0);
        let line = bid.line.is_none_or(|line| line.pool.0 == bid.pool);
        let what = match (books.maybe_serves(*seat, bid.pool), line, lacks) {
            (true, true, false) => continue,
            (true, _, true) => "lacks skills that its key asks for",
            _ => "is not of the pool that its key asks for",
        };
        let what = format!("seat {seat}, called into call {id}, {what}");
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}

/// The seat serves a pool that may be open for the call. Judged after the step: what led there may
/// have changed in it.
fn led_there(books: &Books, now: Now, call: &Call, seat: u32) -> Result<(), Violation> {
    let Some(book) = books.seats.get(seat as usize) else {
        return Ok(());
    };
    let at = call.decided.as_ref().map_or(now.mono, |decided| decided.at);
    let own = call.claim.own_unsure || call.claim.own.is_some_and(|own| book.person == Some(own));
    let claimed = call.claim.maybe_open(at);
    let decided = call.decided.iter().flat_map(|it| it.open.iter().copied());
    let open = claimed
        .chain(decided)
        .any(|pool| books.maybe_serves(seat, pool));
    if !open && !own && !call.claim.vague {
        let claim = call.claim.told(now.mono);
        let id = call.id;
        let what = format!("seat {seat} serves no pool that is open for call {id}: {claim}");
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}
