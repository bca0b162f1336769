//! Invariant 5: A caller with a risk flag is never rejected, never dropped by overload, timeout, reload.
//!
//! Without media in common (488), with a message that cannot be read (400) and while the engine is
//! told to stop, nobody can be served. A caller's telephone that has fallen silent is not dropped
//! by the engine.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::legs::Party;
use crate::reference::sip::Sip;
use meishier_model::{CallRecord, Now, Outcome, ReleasedBy};
use std::time::Duration;

const IT: Invariant = Invariant::Risk;
/// A leg may have been given up this long before 64·T1 by the judges' clock.
const MARGIN: Duration = Duration::from_secs(1);

/// A final response leaves for a caller.
pub(super) fn refused(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    let refused = message.status().filter(|status| *status >= 300);
    let Some(status) = refused.filter(|_| message.method == "INVITE") else {
        return Ok(());
    };
    let Some(leg) = books.legs.get(message.call_id) else {
        return Ok(());
    };
    let Party::Caller(call) = leg.party else {
        return Ok(());
    };
    let taken_back = leg.cancel.is_some() && status == 487;
    if books.stopping || taken_back || matches!(status, 400 | 488) || leg.last.is_some() {
        return Ok(());
    }
    let (books_of, facts) = (&books.calls, &books.facts);
    let accepted = call.and_then(|id| {
        let gone = facts.recorded.iter().map(|recorded| &recorded.call);
        books_of
            .get(&id)
            .or(gone.into_iter().find(|call| call.id == id))
    });
    let invited = facts.invites.iter().find(|i| *i.sip == *message.call_id);
    let invited = invited.filter(|i| i.new && i.trunk.is_some());
    let risk = accepted
        .map(|call| call.claim.risk)
        .or(invited.map(|i| i.claim.risk));
    if risk == Some(true) && message.cseq == leg.invite {
        let what = format!("a caller at risk was refused with {status}");
        return IT.broken(Some(message.call_id), what);
    }
    Ok(())
}

/// A record comes.
pub(super) fn recorded(books: &Books, now: Now, record: &CallRecord) -> Result<(), Violation> {
    let Some(call) = books.calls.get(&record.call).filter(|call| call.claim.risk) else {
        return Ok(());
    };
    let dropped = record.released_by == ReleasedBy::Engine || record.outcome == Outcome::Failed;
    let leg = books.legs.get(&call.sip);
    let patience = books.plan.patience();
    let ended = call.ended.map_or(now, |ended| ended.0);
    let silent = leg.is_none_or(|leg| leg.silent(ended.mono, patience));
    // RFC 3261 §13.3.1.4: whose ACK has not come 64·T1 after the 200 does not hear us, though CANCEL
    // after CANCEL may still reach us; the session is ended by BYE.
    let deaf = leg.is_some_and(|leg| {
        let answered = leg.last.filter(|(status, _)| *status < 300 && !leg.acked);
        answered.is_some_and(|(_, at)| ended.mono.since(at) + MARGIN >= patience)
    });
    if dropped && !silent && !deaf && !books.stopping {
        let what = format!("call {} of a caller at risk was dropped", call.id);
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}
