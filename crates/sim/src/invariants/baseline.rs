//! Invariant 11: Ports, dialogs, timers and memory return to the baseline, and every seat is in a state that
//! its counsellor's last command and its registration explain.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::legs::Leg;
use meishier_engine::{Notice, SeatStanding, SeatState};
use meishier_model::Now;
use std::time::Duration;

const IT: Invariant = Invariant::Baseline;
/// How long REGISTER and OPTIONS of strangers leave something behind (RFC 3261 §17.2.2).
const STRANGERS: Duration = Duration::from_secs(40);

/// The engine pauses a seat only after so many offers in a row that rang out.
pub(super) fn paused_by_engine(books: &Books, notice: &Notice) -> Result<(), Violation> {
    let Notice::Seat {
        seat,
        to: SeatState::Paused,
        by_engine: true,
        ..
    } = notice
    else {
        return Ok(());
    };
    let Some(book) = books.seats.get(seat.0 as usize) else {
        return Ok(());
    };
    let after = books
        .plans()
        .map(|plan| plan.pause_after)
        .min()
        .unwrap_or(0);
    // A shift brings so much talk and no more; the release that is being told may be the last of it.
    let talks = books.plans().any(|plan| plan.policies.talk.is_some());
    if book.unsure.is_none() && !book.paused && book.rang_out.1 < after && !talks {
        let times = book.rang_out.1;
        return IT.broken(
            None,
            format!("{seat} was paused after {times} offers that rang out"),
        );
    }
    Ok(())
}

pub(super) fn at_rest(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    if let Some(call) = books.calls.values().next() {
        let phase = call.phase.as_str();
        return IT.broken(
            Some(&call.sip),
            format!("call {} is still {phase}", call.id),
        );
    }
    let counts = look.queue.counts();
    if counts.waiting > 0 || counts.lines_used.iter().any(|used| *used > 0) {
        let (waiting, lines) = (counts.waiting, &counts.lines_used);
        return IT.broken(
            None,
            format!("{waiting} callers wait, lines {lines:?} are in use"),
        );
    }
    if let Some(token) = books.asked.keys().next() {
        return Invariant::Replies.broken(None, format!("command {token} was never answered"));
    }
    // An INVITE that nobody ever answered needs no end (RFC 3261 §9.1).
    let began = |leg: &Leg| leg.provisional.is_some() || leg.last.is_some();
    let open = |leg: &Leg| began(leg) && !leg.over() && leg.cancel.is_none();
    if let Some((id, _)) = books.legs.iter().find(|(_, leg)| open(leg)) {
        return Invariant::Rings.broken(Some(id), "a leg was never ended".to_owned());
    }
    gauges(books, now, look)?;
    seats(books, now, look)
}

fn gauges(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    let strangers = now.mono.since(books.legs.strangers) < STRANGERS && books.legs.strangers.0 > 0;
    for shard in look.shards {
        let (id, is) = (shard.id(), shard.gauges());
        let most = [("calls", is.calls), ("legs", is.legs), ("ports", is.ports)];
        if let Some((name, count)) = most.iter().find(|(_, count)| *count > 0) {
            return IT.broken(None, format!("{id} still has {count} {name}"));
        }
        if !shard.idle() {
            return IT.broken(None, format!("{id} is not idle"));
        }
        if is.transactions > 0 && !strangers {
            return IT.broken(
                None,
                format!("{id} still has {} transactions", is.transactions),
            );
        }
        let (known, most) = (shard.numbers_known(), books.numbers.remembered());
        if known > most {
            return IT.broken(
                None,
                format!("{id} remembers {known} numbers, {most} are explained"),
            );
        }
        let resting = shard
            .seat_standings()
            .filter(|seat| seat.rests_until.is_some())
            .count();
        let standing = shard.standing_timers() + resting as u64;
        if is.timers != standing && !strangers {
            let timers = is.timers;
            return IT.broken(
                None,
                format!("{id} has {timers} timers, {standing} are explained"),
            );
        }
    }
    Ok(())
}

fn seats(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    for shard in look.shards {
        for standing in shard.seat_standings() {
            if let Some(fault) = seat_fault(books, now, &standing) {
                return IT.broken(None, format!("{} {fault}", standing.seat));
            }
        }
    }
    let ready = look.shards.iter().flat_map(|shard| shard.seat_standings());
    let ready = ready.filter(|seat| seat.state == SeatState::Ready).count();
    let known = look.queue.counts().ready as usize;
    if ready != known {
        return IT.broken(
            None,
            format!("{ready} seats are ready, the queue knows of {known}"),
        );
    }
    Ok(())
}

fn seat_fault(books: &Books, now: Now, is: &SeatStanding) -> Option<String> {
    let book = books
        .seats
        .get(is.seat.0 as usize)
        .filter(|book| book.unsure.is_none())?;
    if is.call.is_some() || book.busy.is_some() {
        return Some("is still with a call".to_owned());
    }
    let person = is.counsellor.map(|who| who.0);
    if person != book.person {
        return Some(format!(
            "has counsellor {person:?}, commands say {:?}",
            book.person
        ));
    }
    if is.paused != book.paused {
        return Some(format!(
            "has paused {}, commands say {}",
            is.paused, book.paused
        ));
    }
    if is.reachable != book.reachable {
        return Some(format!(
            "counts as reachable {}, registrations say {}",
            is.reachable, book.reachable
        ));
    }
    let rests = is.rests_until.is_some_and(|until| until > now.mono);
    let may_rest = book.may_rest.is_some_and(|until| until > now.mono);
    (rests && !may_rest).then(|| "rests without reason".to_owned())
}
