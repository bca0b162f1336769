//! A record is written only when the caller's leg is over: CANCEL or BYE came, BYE or a refusal
//! left, the 200 still waits for its ACK (RFC 3261 §15 lets BYE wait for it), or the caller's
//! telephone has fallen silent.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use meishier_model::{Now, ReleasedBy};

pub(super) fn check(books: &Books, now: Now) -> Result<(), Violation> {
    for recorded in &books.facts.recorded {
        let call = &recorded.call;
        let Some(leg) = books.legs.get(&call.sip) else {
            continue;
        };
        let waits = leg.answered() && !leg.acked;
        let silent =
            recorded.by == ReleasedBy::Engine && leg.silent(now.mono, books.plan.patience());
        if !(leg.over() || leg.cancel.is_some() || waits || silent) {
            let what = format!(
                "call {} has its record, but its caller is still there",
                call.id
            );
            return Invariant::LegOver.broken(Some(&call.sip), what);
        }
    }
    Ok(())
}
