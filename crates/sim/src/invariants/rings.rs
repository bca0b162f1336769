//! Nothing is left ringing: whoever was called is told when it is over, by CANCEL or BYE.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::legs::{Leg, Party};
use meishier_model::{Mono, Now};
use std::time::Duration;

/// CANCEL and BYE leave at once; a telephone may say 180 or acknowledge in the same moment.
const LIMIT: Duration = Duration::from_secs(1);

/// Follows the legs that calls have let go of.
pub(super) fn check(books: &mut Books, now: Now) -> Result<(), Violation> {
    if books.legs.leaving.is_empty() {
        return Ok(());
    }
    let patience = books.plan.patience();
    let mut leaving = std::mem::take(&mut books.legs.leaving);
    let mut fault = None;
    leaving.retain(|id| {
        let Some(leg) = books.legs.get(id) else {
            return false;
        };
        match left(leg, now.mono, patience) {
            Left::Done => false,
            Left::Open => true,
            Left::Forgotten(what) => {
                fault = Some((caller(books, leg), what));
                false
            }
        }
    });
    books.legs.leaving = leaving;
    match fault {
        Some((call, what)) => Invariant::Rings.broken(call.as_deref(), what.to_owned()),
        None => Ok(()),
    }
}

fn caller(books: &Books, leg: &Leg) -> Option<String> {
    let (Party::Seat(id, _) | Party::Target(id) | Party::Caller(Some(id))) = leg.party else {
        return None;
    };
    books.calls.get(&id).map(|call| call.sip.to_string())
}

enum Left {
    Done,
    Open,
    Forgotten(&'static str),
}

fn left(leg: &Leg, now: Mono, patience: Duration) -> Left {
    if leg.over() {
        return Left::Done;
    }
    let released = leg.released.unwrap_or(now);
    let late = |since: Mono| now.since(released.max(since)) > LIMIT;
    if let Some((_, at)) = leg.last {
        // Answered. A caller's BYE waits for the ACK (RFC 3261 §15), for 64·T1 at most.
        let since = if leg.inbound && !leg.acked {
            at + patience + LIMIT
        } else {
            leg.heard.max(at)
        };
        return if late(since) {
            Left::Forgotten("a leg was left without BYE")
        } else {
            Left::Open
        };
    }
    if leg.inbound {
        return if leg.cancel.is_some() || !late(released) {
            Left::Open
        } else {
            Left::Forgotten("a caller was left without an answer")
        };
    }
    match (leg.provisional, leg.cancel) {
        // The far end has 64·T1 to say what came of the CANCEL.
        (_, Some(at)) if now.since(at) + LIMIT > patience => Left::Done,
        (_, Some(_)) => Left::Open,
        (Some(at), None) if late(at) => Left::Forgotten("a telephone was left ringing"),
        (Some(_), None) => Left::Open,
        // Nothing may be sent before a provisional response (§9.1).
        (None, None) if now.since(leg.began) + LIMIT > patience => Left::Done,
        (None, None) => Left::Open,
    }
}
