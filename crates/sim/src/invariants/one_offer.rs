//! Invariant 2: A caller has at most one live offer, a seat at most one call; no offer goes to a seat that
//! is paused, resting or logged out.
//!
//! What counts is the moment at which the queue gave the seat away: a pause that came after it
//! takes the offer back.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::books::Asked;
use crate::reference::calls::{Call, Decision};
use crate::reference::sip::{Sip, uri_of, user};
use meishier_engine::{Command, Phase};
use meishier_model::{CallId, Now};
use std::time::Duration;

const IT: Invariant = Invariant::OneOffer;

/// An offer begins: by the books as they were before.
pub(super) fn offered(books: &Books, now: Now, id: CallId, seat_id: u32) -> Result<(), Violation> {
    let Some(call) = books.calls.get(&id) else {
        return IT.broken(None, format!("an offer of call {id}, which is not there"));
    };
    let say = |what: String| IT.broken(Some(&call.sip), what);
    if call.offer.is_some() || call.talk.is_some() || call.phase != Phase::Queued {
        let phase = call.phase.as_str();
        return say(format!(
            "call {id} is {phase} and is offered to seat {seat_id} as well"
        ));
    }
    match seat_fault(books, now, seat_id, call.decided.as_ref()) {
        Some(why) => say(format!("call {id} is offered to seat {seat_id}, which {why}")),
        None => Ok(()),
    }
}

/// A seat is to ring for a request for the second line.
pub(super) fn second_offered(
    books: &Books,
    now: Now,
    (id, third): (CallId, u8),
    seat_id: u32,
) -> Result<(), Violation> {
    let Some(call) = books.calls.get(&id) else {
        return IT.broken(None, format!("a request of call {id}, which is not there"));
    };
    let mut bids = call.bids().filter(|(number, _)| *number == third);
    let bid = bids.next().map(|(_, bid)| bid);
    let fault = match bid {
        None => Some("asked for nobody".to_owned()),
        Some(bid) if bid.seat().is_some() => Some("has a seat already".to_owned()),
        Some(bid) => seat_fault(books, now, seat_id, bid.decided.as_ref()),
    };
    match fault {
        Some(why) => {
            let what = format!("seat {seat_id} is called into call {id}: {why}");
            IT.broken(Some(&call.sip), what)
        }
        None => Ok(()),
    }
}

/// Why a seat may not ring.
fn seat_fault(
    books: &Books,
    now: Now,
    seat_id: u32,
    decided: Option<&Decision>,
) -> Option<String> {
    let Some(seat) = books.seats.get(seat_id as usize) else {
        return Some("is not there".to_owned());
    };
    if seat.unsure.is_some() {
        return None;
    }
    let step = decided.map_or(books.step, |decided| decided.step);
    if seat.off.is_some_and(|off| off < step) {
        let why = match (seat.person, seat.paused) {
            (None, _) => "is logged out",
            (Some(_), _) => "is paused",
        };
        return Some(why.to_owned());
    }
    let at = decided.map_or(now.mono, |decided| decided.at);
    if seat.rests.is_some_and(|until| until > at) {
        return Some("rests".to_owned());
    }
    let limits = books.plans().map(|plan| plan.pause_after);
    let limit = limits
        .map(|n| if n == 0 { u8::MAX } else { n })
        .max()
        .unwrap_or(u8::MAX);
    if limit < u8::MAX && seat.rang_out.0 >= limit {
        let times = seat.rang_out.0;
        return Some(format!("let {times} offers ring out"));
    }
    None
}

/// The INVITE of an offer leaves.
pub(super) fn rung(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    if !message.is("INVITE") || message.engine_call.is_empty() || !message.to_tag().is_empty() {
        return Ok(());
    }
    let to = uri_of(message.to);
    let (Some(seat), Some(id)) = (
        books.plan.seat_names.get(user(to)),
        CallId::parse(message.engine_call),
    ) else {
        return Ok(());
    };
    if !to.ends_with(&books.plan.domain) || books.legs.get(message.call_id).is_some() {
        return Ok(());
    }
    let call = books.calls.get(&id);
    let live = call.and_then(|call| call.offer.as_ref());
    let live = live.is_some_and(|offer| offer.seat == *seat && offer.leg.is_none());
    let bids = call.into_iter().flat_map(|call| call.bids());
    let mut rings = bids.filter_map(|(_, bid)| bid.rings.as_ref());
    let live = live || rings.any(|rings| rings.seat == *seat && rings.leg.is_none());
    let bid = |it: &(CallId, u8, u32)| (it.0, it.2) == (id, *seat);
    let live = live || books.facts.second_offered.iter().any(bid);
    let asked = |asked: &Asked| match asked.command {
        Command::Supervise { call, seat: it, .. } => call == id && it.0 == *seat,
        _ => false,
    };
    let named = call.is_some_and(|call| call.supervises(*seat));
    let live = live || named || books.asked.values().any(asked);
    if !live && !books.facts.offered.contains(&(id, *seat)) {
        let what = format!("seat {seat} rings for call {id} without an offer");
        return IT.broken(call.map(|call| &*call.sip), what);
    }
    Ok(())
}

/// Seats and calls after the step.
pub(super) fn check(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    for (id, seat, other) in &books.facts.crossed {
        let other = books.calls.get(other);
        let other = other.filter(|other| other.id != *id && other.has_seat(*seat));
        if let Some(other) = other {
            let what = format!("seat {seat} is with call {} and gets call {id}", other.id);
            return IT.broken(Some(&other.sip), what);
        }
    }
    for call in books.calls_of(look.touched) {
        second(books, now, call)?;
        let Some(seat) = call.seat() else { continue };
        let busy = books.seats.get(seat as usize).and_then(|seat| seat.busy);
        if busy != Some(call.id) {
            let what = format!("seat {seat} is with call {} and with another one", call.id);
            return IT.broken(Some(&call.sip), what);
        }
        let late = |since| now.mono.since(since) > Duration::from_millis(100);
        if call
            .offer
            .as_ref()
            .is_some_and(|offer| offer.leg.is_none() && late(offer.at.mono))
        {
            let what = format!(
                "call {} is offered to seat {seat}, which does not ring",
                call.id
            );
            return IT.broken(Some(&call.sip), what);
        }
    }
    Ok(())
}

/// Seats that were called into a conversation.
fn second(books: &Books, now: Now, call: &Call) -> Result<(), Violation> {
    for (_, bid) in call.bids() {
        let Some(seat) = bid.seat() else { continue };
        let busy = books.seats.get(seat as usize).and_then(|seat| seat.busy);
        let late = |since| now.mono.since(since) > Duration::from_millis(100);
        let mute = bid.rings.as_ref();
        let mute = mute.is_some_and(|rings| rings.leg.is_none() && late(rings.at));
        let what = match () {
            () if busy != Some(call.id) => "and with another call",
            () if call.seat() == Some(seat) => "and talks there already",
            () if mute => "and does not ring",
            () => continue,
        };
        let what = format!("seat {seat} is called into call {} {what}", call.id);
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}
