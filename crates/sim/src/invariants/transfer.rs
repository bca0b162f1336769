//! Invariant 6: A transfer ends in a known way within its limit, and the caller is never released first.
//!
//! The alarm on two seats does not exist in the engine yet. Judged is what exists: each press of a
//! key comes to an answer or to a told failure at most 5 s after the key's ring limit, what was
//! said to be dialled is dialled, and the engine lets a caller in a transfer go only when the
//! target that stayed to the end has gone.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::calls::Call;
use crate::reference::legs::Party;
use crate::reference::sip::{Sip, uri_of, user};
use meishier_engine::Phase;
use meishier_model::{CallId, CallRecord, Now, ReleasedBy};
use std::time::Duration;

const IT: Invariant = Invariant::Transfer;
const GRACE: Duration = Duration::from_secs(5);

/// The INVITE of a target leaves.
pub(super) fn dialled(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    if !message.is("INVITE") || message.engine_call.is_empty() || !message.to_tag().is_empty() {
        return Ok(());
    }
    let id = CallId::parse(message.engine_call);
    let Some(call) = id.and_then(|id| books.calls.get(&id)) else {
        return Ok(());
    };
    let host = uri_of(message.to).ends_with(&books.plan.domain);
    if host && books.plan.seat_names.contains_key(user(uri_of(message.to))) {
        return Ok(());
    }
    if books.legs.get(message.call_id).is_some() {
        return Ok(());
    }
    let number = message.called();
    let press = call.presses.last().filter(|press| press.leg.is_none());
    match press {
        Some(press) if press.dialled != number => {
            let what = format!("call {}: another number is dialled than was said", call.id);
            IT.broken(Some(&call.sip), what)
        }
        _ => Ok(()),
    }
}

/// Presses that should have come to something.
pub(super) fn check(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    for call in books.calls_of(look.touched) {
        let open = call
            .presses
            .iter()
            .find(|p| p.outcome.is_none() && p.joined.is_none());
        if let Some(press) = open.filter(|press| now.mono > press.due + GRACE) {
            let what = format!("call {}: key {} led to nothing in time", call.id, press.key);
            return IT.broken(Some(&call.sip), what);
        }
    }
    Ok(())
}

/// A record comes.
pub(super) fn recorded(books: &Books, now: Now, record: &CallRecord) -> Result<(), Violation> {
    let Some(call) = books.calls.get(&record.call).filter(|_| !books.stopping) else {
        return Ok(());
    };
    if let Some(press) = call.presses.iter().find(|press| press.outcome.is_none()) {
        let what = format!(
            "call {}: nobody was told how key {} ended",
            call.id, press.key
        );
        return IT.broken(Some(&call.sip), what);
    }
    let transferring = call
        .ended
        .is_some_and(|(_, from)| from == Phase::Transferring);
    if transferring && record.released_by == ReleasedBy::Seat && !target_left(books, now, call) {
        let what = format!(
            "call {}: the caller was released before the target",
            call.id
        );
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}

/// True if the target that had joined has hung up or fallen silent.
fn target_left(books: &Books, now: Now, call: &Call) -> bool {
    let ended = call.ended.map_or(now, |ended| ended.0);
    let press = call.presses.last().filter(|press| press.joined.is_some());
    let leg = press.and_then(|press| press.leg.as_ref());
    let leg = leg.and_then(|leg| books.legs.get(leg));
    leg.is_some_and(|leg| {
        debug_assert!(matches!(leg.party, Party::Target(_)));
        leg.bye_in.is_some() || leg.silent(ended.mono, books.plan.patience())
    })
}
