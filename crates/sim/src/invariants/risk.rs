//! Invariant 5: A caller with a risk flag is never rejected, never dropped by overload, timeout, reload.
//!
//! Without media in common (488), with a message that cannot be read (400) and while the engine is
//! told to stop, nobody can be served. A sixth of a shard's ports and calls is kept for callers at
//! risk; once that is used up as well, one more is refused, and that is told (an alarm). A caller's telephone that has fallen silent is not dropped
//! by the engine.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::legs::Party;
use crate::reference::sip::Sip;
use meishier_engine::Notice;
use meishier_model::{CallId, CallRecord, Now, Outcome, ReleasedBy};
use std::time::Duration;

const IT: Invariant = Invariant::Risk;
/// One of so many ports at most is kept for police, ambulance and fire.
const EMERGENCY: usize = 20;
/// One of so many ports and calls is kept.
const KEPT: usize = 6;
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
    if status == 503 && books.facts.risk_refused > 0 {
        // Whether there really was no room is judged after the step.
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

/// The queue had no place for somebody. It has one for every call that the shards may carry, so that
/// who is at risk, or was let in before, always finds one.
pub(super) fn kept_outside(books: &Books, notice: &Notice) -> Result<(), Violation> {
    let Notice::KeptOutside { call, .. } = notice else {
        return Ok(());
    };
    let sip = books.calls.get(call).map(|call| &*call.sip);
    IT.broken(sip, format!("the queue had no place for call {call}"))
}

/// Room after the step: what is kept for callers at risk is theirs, and they get it.
pub(super) fn room(books: &Books, look: &Inspection<'_>) -> Result<(), Violation> {
    if books.facts.risk_refused == 0 && books.facts.arrived.is_empty() {
        return Ok(());
    }
    let Some(shard) = look.shards.get(usize::from(look.touched)) else {
        return Ok(());
    };
    let ((free, ports), most) = (shard.ports(), books.plan.most_calls);
    let calls = books.calls_of(look.touched).count();
    let to_be_answered = books.calls_of(look.touched).filter(|c| c.talk.is_none());
    if books.facts.risk_refused > 0
        && calls < most
        && free >= 2 + ports / EMERGENCY + to_be_answered.count()
    {
        let what =
            format!("a caller at risk was refused beside {calls} calls and {free} free ports");
        return IT.broken(None, what);
    }
    let ordinary = |id: &&CallId| {
        books
            .calls
            .get(id)
            .is_some_and(|call| !call.claim.risk && call.offer.is_none())
    };
    let Some(id) = books.facts.arrived.iter().find(ordinary) else {
        return Ok(());
    };
    // Each caller at risk needs a port for itself and one for its seat.
    if calls > most - most / KEPT || free < ports / KEPT / 2 {
        let what = format!(
            "call {id} took what is kept for callers at risk: {calls} calls, {free} free ports"
        );
        return IT.broken(None, what);
    }
    Ok(())
}

/// A record comes.
pub(super) fn recorded(books: &Books, now: Now, record: &CallRecord) -> Result<(), Violation> {
    // A person had ended the conversation of one who parted, before anybody flagged the caller.
    let at_risk = |call: &&crate::reference::calls::Call| call.claim.risk && !call.parted;
    let Some(call) = books.calls.get(&record.call).filter(at_risk) else {
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
