//! What dialogs agree on is kept: reliable ringing is acknowledged once (RFC 3262 §4), a session that
//! the engine refreshes is refreshed in time (RFC 4028 §7.4, §10), and no caller in conversation is hung
//! up by a timer that was kept.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::legs::{Leg, Party};
use crate::reference::sip::Sip;
use meishier_engine::Phase;
use meishier_model::{CallId, Mono, Now};
use std::time::Duration;

/// So long after half the time has passed a refresh is under way: another change may have to end first,
/// and 64·T1 of waiting for an ACK before it.
const SLACK: Duration = Duration::from_secs(45);
/// The judges' clock and the engine's differ by no more.
const MARGIN: Duration = Duration::from_secs(1);

/// A PRACK that leaves names ringing that came, and none named it before.
pub(super) fn acknowledged(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    let Some(leg) = books
        .legs
        .get(message.call_id)
        .filter(|_| message.is("PRACK"))
    else {
        return Ok(());
    };
    let found = leg.keeping.named(message);
    let found = found.and_then(|at| leg.keeping.ringing.get(at));
    let branch = crate::reference::legs::hash(&[message.branch]);
    let what = match found {
        Some(it) if it.prack.is_none_or(|before| before == branch) => return Ok(()),
        Some(it) => format!("ringing {} was acknowledged twice", it.number),
        None => format!("a PRACK for ringing that never came: {:?}", message.rack),
    };
    Invariant::Pracks.broken(Some(message.call_id), what)
}

/// Ringing that came in this step has its PRACK.
pub(super) fn all_acknowledged(books: &mut Books, now: Now) -> Result<(), Violation> {
    for (id, tag, number) in std::mem::take(&mut books.legs.unpracked) {
        let Some(leg) = books.legs.get(&id) else {
            continue;
        };
        let given_up =
            leg.over() || leg.last.is_some() || leg.released.is_some() || leg.cancel.is_some();
        let tired = now.mono.since(leg.began) + MARGIN >= books.plan.patience();
        let acknowledged = leg
            .keeping
            .ringing
            .iter()
            .any(|it| it.tag == tag && it.number == number && it.prack.is_some());
        if !(acknowledged || given_up || tired) {
            let what = format!("reliable ringing {number} had no PRACK");
            return Invariant::Pracks.broken(Some(&id), what);
        }
    }
    Ok(())
}

/// Sessions that are the engine's to refresh.
pub(super) fn refreshed(books: &mut Books, now: Now) -> Result<(), Violation> {
    let lag = books.lag(now.mono);
    while let Some((at, id)) = books.legs.refreshes.first().cloned() {
        if at + SLACK + lag > now.mono {
            return Ok(());
        }
        books.legs.refreshes.pop_first();
        let leg = books.legs.get(&id);
        let leg = leg.filter(|leg| !leg.over() && leg.released.is_none() && leg.stands());
        let Some(session) = leg.and_then(|leg| leg.keeping.session) else {
            continue;
        };
        let due = session.since + session.lasts / 2;
        let asked = leg.and_then(|leg| leg.keeping.asked_anew);
        let judged = session.by_engine && due == at && due + SLACK < session.end();
        if judged && asked.is_none_or(|asked| asked <= session.since) {
            let lasts = session.lasts.as_secs();
            let what = format!("a session of {lasts} s was not refreshed");
            return Invariant::Refreshed.broken(Some(&id), what);
        }
    }
    Ok(())
}

/// A BYE to a caller in conversation, whose session stands and whose counsellor is there still.
pub(super) fn hung_up(books: &Books, now: Now, message: &Sip<'_>) -> Result<(), Violation> {
    let leg = books
        .legs
        .get(message.call_id)
        .filter(|_| message.is("BYE"));
    let Some((leg, session)) = leg.and_then(|leg| Some((leg, leg.keeping.session?))) else {
        return Ok(());
    };
    let Party::Caller(Some(call)) = leg.party else {
        return Ok(());
    };
    let in_time = session.by_engine || now.mono + MARGIN < session.end();
    // Whoever leaves a request unanswered is gone.
    let answers = leg.keeping.waits.is_none();
    let sound = leg.stands() && answers && !leg.over() && leg.released.is_none();
    if in_time && sound && !books.stopping && talks(books, call, now.mono) {
        let since = now.mono.since(session.since).as_secs();
        let what = format!("a caller in conversation was hung up {since} s after a refresh");
        return Invariant::KeptUp.broken(Some(message.call_id), what);
    }
    Ok(())
}

/// True if caller and counsellor are alone with each other, as far as anybody has said.
fn talks(books: &Books, id: CallId, now: Mono) -> bool {
    let Some(call) = books.calls.get(&id) else {
        return false;
    };
    let there = |leg: &Leg| leg.answered() && !leg.over() && leg.released.is_none();
    let seat = call.talk.as_ref().and_then(|talk| talk.2.as_ref());
    let seat = seat.and_then(|id| books.legs.get(id));
    let known = call.phase == Phase::Talking && !call.parted && call.presses.is_empty();
    known && seat.is_some_and(|leg| there(leg) && !leg.silent(now, books.plan.patience() * 20))
}
