//! Invariant 1: Every accepted INVITE is at every instant in exactly one phase, and none vanishes.
//!
//! A call that the engine told of stands in its shard, in the phase told last, until its record.
//! A request for the second line waits beside its conversation and goes with it.
//! Whoever waits is known to the queue, or the queue has just given it to a seat and the shard has
//! not read so yet.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use meishier_engine::{CallStanding, Phase};
use meishier_model::Now;
use std::time::Duration;

const IT: Invariant = Invariant::OnePlace;

pub(super) fn check(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    if let Some(lost) = books
        .facts
        .invites
        .iter()
        .find(|i| i.trunk.is_some() && !i.heeded)
    {
        return IT.broken(
            Some(&lost.sip),
            "an INVITE was neither taken nor refused".to_owned(),
        );
    }
    standings(books, look)?;
    queue(books, now)
}

/// The touched shard's calls are those of the books, in the same phases.
fn standings(books: &Books, look: &Inspection<'_>) -> Result<(), Violation> {
    let Some(shard) = look.shards.get(usize::from(look.touched)) else {
        return Ok(());
    };
    let mut known = books.calls_of(look.touched);
    for standing in shard.call_standings() {
        let Some(call) = known.next() else {
            return untold(&standing);
        };
        if call.id < standing.call {
            let phase = call.phase.as_str();
            let what = format!(
                "call {} was {phase} and has vanished without a record",
                call.id
            );
            return IT.broken(Some(&call.sip), what);
        }
        if call.id > standing.call {
            return untold(&standing);
        }
        if call.phase != standing.phase || *call.sip != *standing.sip_call_id {
            let (told, is) = (call.phase.as_str(), standing.phase.as_str());
            let what = format!("call {} is {is}, but was said to be {told}", call.id);
            return IT.broken(Some(&call.sip), what);
        }
    }
    match known.next() {
        Some(call) => {
            let phase = call.phase.as_str();
            let what = format!(
                "call {} was {phase} and has vanished without a record",
                call.id
            );
            IT.broken(Some(&call.sip), what)
        }
        None => Ok(()),
    }
}

fn untold(standing: &CallStanding<'_>) -> Result<(), Violation> {
    let what = format!(
        "call {} is there, but nobody was told of it, or it has a record",
        standing.call
    );
    IT.broken(Some(standing.sip_call_id), what)
}

/// The queue knows whoever waits and nobody else.
fn queue(books: &Books, now: Now) -> Result<(), Violation> {
    let mut waiting = 0;
    let limit = Duration::from_millis(100) + books.lag(now.mono) * 2;
    for call in books
        .calls
        .values()
        .filter(|call| call.phase == Phase::Queued)
    {
        let Some(decided) = &call.decided else {
            waiting += 1;
            continue;
        };
        if books.unread == 0 || now.mono.since(decided.at) > limit {
            let what = format!(
                "call {} has left the queue, but no seat rings for it",
                call.id
            );
            return IT.broken(Some(&call.sip), what);
        }
    }
    for (call, _, bid) in books.bids() {
        let Some(decided) = bid.decided.as_ref().filter(|_| bid.open()) else {
            waiting += u32::from(bid.open());
            continue;
        };
        if books.unread == 0 || now.mono.since(decided.at) > limit {
            let what = format!(
                "the request of call {} for the second line has left the queue, but no seat rings",
                call.id
            );
            return IT.broken(Some(&call.sip), what);
        }
    }
    if waiting != books.waiting {
        let known = books.waiting;
        let some = books.calls.values().find(|call| call.waits());
        let what = format!("{waiting} callers wait, the queue knows of {known}");
        return IT.broken(some.map(|call| &*call.sip), what);
    }
    Ok(())
}
