//! Invariant 6: A transfer ends in a known way within its limit, and the caller is never released first.
//!
//! Of each use of a key, by its number within the call:
//!
//! - Nothing is dialled but what the key stands for in the place that was named, in the order of the
//!   file, and the engine says what it dials.
//! - It comes to an answer, to the next target or to a told failure at most 5 s after a target's ring
//!   limit or the key's limit for all, and 5 s after its last target's refusal.
//! - Failure is told only when no target is left, or no time; an end that nobody wished only when the
//!   call is over or its caller gone. An emergency that reached nobody is told to people (an alarm)
//!   within 5 s of the failure, and no other use of a key is, but for the second line that did not come.
//!
//! - A place that several cities have is asked for. Whoever is dialled without an answer hears, before
//!   joining, that the place is in doubt.
//! - A supervisor's coming is told before the seat rings.
//!
//! Of each call with third parties:
//!
//! - The engine lets a caller go only when nobody is left with it and whoever was the last has hung up.
//! - Counsellor and target stay together when the caller hangs up, and that is told; who was called
//!   and is no emergency is given up then.
//! - Who is in a conversation stays there, and is not put into the queue for the second line.
//! - A counsellor is let go only once a target has taken over; when one drops out, the second line is
//!   called, if there is a key for it.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::calls::Call;
use crate::reference::legs::Leg;
use crate::reference::parts::Part;
use crate::reference::place::{VAGUE, bare};
use crate::reference::presses::Press;
use meishier_engine::{Asks, CallBackResult, Command, Notice, Phase, Reply};
use meishier_model::{CallId, CallRecord, Mono, Now, TransferOutcome};
use std::collections::BTreeSet;
use std::time::Duration;

const IT: Invariant = Invariant::Transfer;
const GRACE: Duration = Duration::from_secs(5);
/// The judges' clock and the engine's differ by no more.
const MARGIN: Duration = Duration::from_secs(1);
/// Most parties of one conversation.
const MOST_PARTIES: usize = 8;

/// The engine says that a caller is gone while its call goes on.
pub(super) fn told(books: &Books, now: Now, notice: &Notice) -> Result<(), Violation> {
    let call = match notice {
        Notice::CallBackDue { call } => call,
        Notice::CallBack {
            call,
            result: CallBackResult::Dialled,
        } => return called_back(books, *call),
        _ => return Ok(()),
    };
    let Some(call) = books.calls.get(call) else {
        return IT.broken(
            None,
            format!("call {call} is to be called back, and is not there"),
        );
    };
    if there(books, books.legs.get(&call.sip), now) {
        let what = format!(
            "call {} counts as without its caller, who is there",
            call.id
        );
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}

/// Nobody is called back who is there, or did not agree to it.
fn called_back(books: &Books, id: CallId) -> Result<(), Violation> {
    let call = books.calls.get(&id);
    if call.is_some_and(|call| call.agreed && call.caller_gone.is_some()) {
        return Ok(());
    }
    let what = format!("the caller of call {id} is called back, is there or has not agreed");
    IT.broken(None, what)
}

/// A counsellor is let go.
pub(super) fn replied(books: &Books, token: u64, reply: &Reply) -> Result<(), Violation> {
    let asked = books.asked.get(&token).map(|asked| &asked.command);
    if let (Some(Command::Transfer { call, press }), Reply::Transfer(Ok(started))) = (asked, reply)
    {
        let by = (press.key.as_str(), press.place.as_str());
        asked_where(books, *call, by.1, started.asks.as_ref())?;
        return pressed(books, *call, by, started.third.0);
    }
    if let (Some(Command::Supervise { call, mode, .. }), Reply::Transfer(Ok(started))) =
        (asked, reply)
    {
        return supervised(books, *call, (started.third.0, Part::of(*mode)));
    }
    let (Some(Command::Leave { call }), Reply::Done(Ok(()))) = (asked, reply) else {
        return Ok(());
    };
    let Some(call) = books.calls.get(call) else {
        return Ok(());
    };
    let took_over = |press: &Press| match press.emergency {
        _ if press.bystander() => false,
        true => press.confirmed(),
        false => press.joined.is_some(),
    };
    // Nobody knows whether a key that the judges did not hear of is an emergency's.
    let unknown = |press: &Press| press.key.is_empty() && press.joined.is_some();
    // With whoever was left it may have ended at once.
    let now = |it: &&Press| it.closed.is_none_or(|(_, step)| step == books.step);
    let mut presses = call.presses.iter().filter(now);
    if !presses.any(|press| took_over(press) || unknown(press)) {
        let what = format!(
            "call {}: the counsellor left before anybody had taken over",
            call.id
        );
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}

/// A place that several cities have is asked for, and all of them are named before any other.
fn asked_where(
    books: &Books,
    id: CallId,
    place: &str,
    asks: Option<&Asks>,
) -> Result<(), Violation> {
    let Some(asks) = asks else { return Ok(()) };
    let known = VAGUE.iter().find(|(name, _)| *name == place);
    let known = known.map_or(&[][..], |(_, cities)| cities);
    let all: BTreeSet<&str> = known.iter().copied().collect();
    let said: Vec<&str> = asks.cities.iter().map(|it| bare(it)).collect();
    // Behind them may stand what was settled before, and where the caller's number or the cell is.
    let (named, clue) = said.split_at(said.len().min(known.len()));
    let named: BTreeSet<&str> = named.iter().copied().collect();
    if !known.is_empty() && named == all && clue.len() <= 2 {
        return Ok(());
    }
    let call = books.calls.get(&id);
    let what = format!("call {id}: {place} is asked for among {said:?}");
    IT.broken(call.map(|call| &*call.sip), what)
}

/// Nobody listens before it is told, for the audit, who does and how.
fn supervised(books: &Books, id: CallId, (third, part): (u8, Part)) -> Result<(), Violation> {
    if books.facts.parts.contains(&(id, third, part)) {
        return Ok(());
    }
    let call = books.calls.get(&id);
    let what = format!("call {id}: third party {third} supervises, and that was not told");
    IT.broken(call.map(|call| &*call.sip), what)
}

/// Two people press the same key for the same place: one call goes out.
fn pressed(
    books: &Books,
    id: CallId,
    (key, place): (&str, &str),
    third: u8,
) -> Result<(), Violation> {
    let call = books.calls.get(&id);
    let numbers = books.plan.numbers(key, place);
    let seats = books
        .plan
        .keys
        .get(key)
        .is_some_and(|it| it.seats.is_some());
    let same = |press: &&Press| {
        let open = press.outcome.is_none() && press.third != third;
        match seats {
            true => open && press.bid.is_some() && press.pending(),
            false => {
                let numbers = press.whole && numbers.as_ref() == Some(&press.numbers);
                open && press.key == key && numbers
            }
        }
    };
    let mut presses = call.into_iter().flat_map(|call| &call.presses);
    match presses.find(same) {
        Some(press) => {
            let what = format!("call {id}: {} is at work there already", name(press));
            IT.broken(call.map(|call| &*call.sip), what)
        }
        None => Ok(()),
    }
}

/// All uses of keys after the step.
pub(super) fn check(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    dialled(books)?;
    for call in books.calls_of(look.touched) {
        for press in &call.presses {
            if let Some(fault) = press_fault(books, now, call, press) {
                let what = format!("call {}: {} {fault}", call.id, name(press));
                return IT.broken(Some(&call.sip), what);
            }
        }
        if let Some(fault) = call_fault(books, now, call) {
            return IT.broken(Some(&call.sip), format!("call {}: {fault}", call.id));
        }
    }
    Ok(())
}

fn name(press: &Press) -> String {
    match press.key.as_str() {
        "" => format!("third party {}", press.third),
        key => format!("key {key}"),
    }
}

/// What was dialled in this step.
fn dialled(books: &Books) -> Result<(), Violation> {
    let facts = &books.facts;
    if let Some((id, _)) = facts.strange.first() {
        let sip = books.calls.get(id).map(|call| &*call.sip);
        let what = format!("call {id}: something is dialled that no key stands for there");
        return IT.broken(sip, what);
    }
    if let Some((id, third)) = facts.unasked.first() {
        let sip = books.calls.get(id).map(|call| &*call.sip);
        let what = format!("call {id}: third party {third} was never begun");
        return IT.broken(sip, what);
    }
    for (id, third, said) in &facts.said {
        let call = books.calls.get(id);
        let mut presses = call.into_iter().flat_map(|call| &call.presses);
        let Some(press) = presses.find(|press| press.third == *third) else {
            continue;
        };
        if press.whole && press.numbers.first() != Some(said) {
            let what = format!("call {id}: {} is said to dial another number", name(press));
            return IT.broken(call.map(|call| &*call.sip), what);
        }
    }
    Ok(())
}

fn press_fault(books: &Books, now: Now, call: &Call, press: &Press) -> Option<String> {
    // What a shard has not read yet it cannot know.
    let lag = books.lag(now.mono) * 2;
    let late = |at: Mono| now.mono > at + GRACE + lag;
    if press.doubt && press.there && !press.briefed() {
        return Some("is there, and was not told that the place is in doubt".to_owned());
    }
    if press.outcome.is_none() && press.joined.is_none() {
        if press.due().is_some_and(late) {
            return Some("led to nothing in time".to_owned());
        }
        let leg = press.legs.last().and_then(|leg| books.legs.get(leg));
        let refused = leg.and_then(|leg| leg.last);
        let refused = refused.filter(|(status, _)| *status >= 300 && !asks_again(*status));
        if press.asked > 0 && refused.is_some_and(|(_, at)| late(at)) {
            return Some("failed, and nobody was told".to_owned());
        }
        // The counsellor may call somebody all the same.
        let before = |gone: &Mono| press.began.is_some_and(|began| began < *gone);
        let left = call.caller_gone.filter(before).is_some_and(late);
        // Whoever is to talk with police, if no counsellor is there for that.
        let stands_in = press.role == "second_line" && call.talk.is_none();
        if left && !press.emergency && !press.key.is_empty() && !stands_in {
            return Some("still calls somebody for a caller who is gone".to_owned());
        }
    }
    let (at, step) = press.closed?;
    let failed = matches!(
        press.outcome,
        Some(TransferOutcome::Failed | TransferOutcome::NoAnswer)
    );
    if failed && press.emergency && press.alarm.is_none() && late(at) {
        return Some("reached nobody, and no alarm was raised".to_owned());
    }
    if step != books.step {
        return None;
    }
    // So is one that vanished before it took over, and one that is given up with the call.
    let unserved = match press.outcome {
        Some(TransferOutcome::Joined) => !press.confirmed(),
        Some(TransferOutcome::Cancelled) => {
            !books.facts.taken_back.iter().any(|it| it.0 == call.id)
        }
        _ => failed,
    };
    // So is that nobody of the second line is there, and that the limit of an emergency passed.
    let whose = press.emergency || press.key.is_empty();
    let excused = press.late || press.role == "second_line";
    if press.alarm.is_some() && !(unserved && whose || excused) {
        return Some("raised an alarm without reason".to_owned());
    }
    closed(books, now, call, press, failed)
}

/// True for a refusal after which the same leg tries again.
fn asks_again(status: u16) -> bool {
    matches!(status, 401 | 407 | 422 | 491)
}

/// True if somebody took this use of a key back in this step.
fn taken_back(books: &Books, call: &Call, press: &Press) -> bool {
    let wished = |(id, third): &(_, Option<u8>)| {
        *id == call.id && third.is_none_or(|third| third == press.third)
    };
    books.facts.taken_back.iter().any(wished)
}

/// A use of a key ended in this step: was it to?
fn closed(books: &Books, now: Now, call: &Call, press: &Press, failed: bool) -> Option<String> {
    let next = press.target.map_or(0, |(target, _)| target + 1);
    let in_time = press.last_due().is_some_and(|due| now.mono < due);
    // Who was apart with the counsellor and hung up was reached.
    let reached = press.lines.iter().any(|line| line.what == "apart");
    if failed && press.whole && next < press.numbers.len() && in_time && !reached {
        let (done, all) = (next, press.numbers.len());
        return Some(format!("gave up after {done} of {all} targets"));
    }
    // The queue takes every request, and seats are asked for until the key's limit.
    if failed && press.bid.is_some() && in_time && !reached && books.former.is_empty() {
        return Some("gave the second line up before its time".to_owned());
    }
    let wished = taken_back(books, call, press);
    let over = matches!(call.phase, Phase::Queued | Phase::WrappingUp);
    let nobody = call.caller_gone.is_some() && !press.emergency;
    let cancelled = press.outcome == Some(TransferOutcome::Cancelled);
    // A supervisor is nobody's help, and makes room for whom an emergency calls.
    let nobody = nobody || press.named.is_some();
    let known = !press.key.is_empty() && !books.stopping;
    if cancelled && known && !(wished || over || nobody) {
        return Some("was given up, and nobody wished it".to_owned());
    }
    let joined = press.outcome == Some(TransferOutcome::Joined);
    if joined && press.joined.is_none() {
        return Some("counts as joined, and nobody answered".to_owned());
    }
    None
}

/// True if the far end of a leg is there, as far as anybody outside the engine can tell.
fn there(books: &Books, leg: Option<&Leg>, now: Now) -> bool {
    leg.is_some_and(|leg| {
        let gone = leg.bye_in.is_some() || leg.broken;
        // The caller's CANCEL is its own; a target's is the engine's.
        let cancelled = leg.inbound && leg.cancel.is_some();
        // RFC 3261 §13.3.1.4: who does not acknowledge the 200 for 64·T1 does not hear us.
        let answered = leg.last.filter(|(status, _)| *status < 300);
        let patience = books.plan.patience();
        let deaf = |at: Mono| !leg.acked && now.mono.since(at) + MARGIN >= patience;
        let up = answered.is_some_and(|(_, at)| (leg.inbound || leg.acked) && !deaf(at));
        up && !gone && !cancelled && !leg.silent(now.mono, patience)
    })
}

fn call_fault(books: &Books, now: Now, call: &Call) -> Option<String> {
    if let Some(fault) = second_line(books, now, call).or_else(|| kept(books, now, call)) {
        return Some(fault);
    }
    let (at, from) = call.ended?;
    if at.mono != now.mono || from != Phase::Transferring || call.parted || books.stopping {
        return None;
    }
    if call.ended_step != books.step {
        return None;
    }
    let caller = there(books, books.legs.get(&call.sip), now);
    let seat = call
        .seat_leg
        .as_ref()
        .filter(|_| call.seat_left == books.step);
    let let_go = books.facts.let_go.contains(&call.id);
    let seat = !let_go && there(books, seat.and_then(|leg| books.legs.get(leg)), now);
    // Whom somebody took back goes by that wish.
    let here = |press: &&Press| {
        let now = press.closed.is_some_and(|(_, step)| step == books.step);
        now && !taken_back(books, call, press)
    };
    let leg = |press: &Press| press.legs.last().and_then(|leg| books.legs.get(leg));
    let presses = || call.presses.iter().filter(here);
    let company = || presses().filter(|press| !press.bystander());
    let target = company().any(|press| press.joined.is_some() && there(books, leg(press), now));
    if caller && seat {
        return Some("the caller was released while its counsellor was there".to_owned());
    }
    if caller && target {
        return Some("the caller was released before the target".to_owned());
    }
    if caller {
        return released(books, now, call);
    }
    let on_the_way =
        |press: &Press| press.emergency && press.outcome == Some(TransferOutcome::Cancelled);
    if seat && (target || presses().any(on_the_way)) {
        return Some("counsellor and target were parted when the caller hung up".to_owned());
    }
    None
}

/// Whoever talks with somebody is not put into the queue, whomever else the key asks for there.
fn kept(books: &Books, now: Now, call: &Call) -> Option<String> {
    let asked = |press: &Press| {
        let closed = press.closed.is_some_and(|(_, step)| step == books.step);
        press.bid.is_some() && closed
    };
    let back = call.phase == Phase::Queued && call.queued_step == books.step;
    let seat = call
        .seat_leg
        .as_ref()
        .filter(|_| call.seat_left == books.step);
    let talks = there(books, seat.and_then(|leg| books.legs.get(leg)), now);
    let known = books.former.is_empty() && !books.stopping && !call.parted;
    let asked = call.presses.iter().any(asked);
    (back && asked && talks && known)
        .then(|| "its caller was put into the queue while the counsellor was there".to_owned())
}

/// The caller was alone and was released: by whose end?
fn released(books: &Books, now: Now, call: &Call) -> Option<String> {
    let hung_up = |leg: Option<&Leg>| {
        leg.is_some_and(|leg| leg.bye_in.is_some() || leg.silent(now.mono, books.plan.patience()))
    };
    let seat = call
        .seat_leg
        .as_ref()
        .filter(|_| call.seat_left == books.step);
    let seat = hung_up(seat.and_then(|leg| books.legs.get(leg)));
    let of = |press: &&Press| press.closed.is_some_and(|(_, step)| step == books.step);
    let mut ended = call.presses.iter().filter(of);
    let target = ended.any(|press| {
        let leg = press.legs.last().and_then(|leg| books.legs.get(leg));
        press.joined.is_some() && hung_up(leg)
    });
    let waiting = call
        .presses
        .iter()
        .filter(of)
        .any(|press| press.joined.is_none() && press.role != "supervisor");
    if seat && !waiting || target {
        return None;
    }
    Some("a caller whom nobody had hung up on was released".to_owned())
}

/// A counsellor who drops out is replaced, if the file has a key for that.
fn second_line(books: &Books, now: Now, call: &Call) -> Option<String> {
    let dropped = books.facts.dropped_out.contains(&call.id);
    let planned = books.facts.let_go.contains(&call.id)
        || call
            .presses
            .iter()
            .any(|press| press.outcome.is_none() && press.confirmed());
    let mut keys = books.plan.keys.values();
    let has = keys.any(|key| key.kind == "second_line");
    let open = || call.presses.iter().filter(|press| press.outcome.is_none());
    let room = open().count() + 2 < MOST_PARTIES;
    let caller = call.caller_gone.is_none() && there(books, books.legs.get(&call.sip), now);
    let called = call.presses.iter().any(|press| press.role == "second_line");
    let judged = dropped && !planned && has && room && caller && books.former.is_empty();
    (judged && call.phase == Phase::Transferring && !called)
        .then(|| "the counsellor dropped out, and no second line was called".to_owned())
}

/// A record comes.
pub(super) fn recorded(books: &Books, record: &CallRecord) -> Result<(), Violation> {
    let Some(call) = books.calls.get(&record.call).filter(|_| !books.stopping) else {
        return Ok(());
    };
    if let Some(press) = call.presses.iter().find(|press| press.outcome.is_none()) {
        let what = format!(
            "call {}: nobody was told how {} ended",
            call.id,
            name(press)
        );
        return IT.broken(Some(&call.sip), what);
    }
    Ok(())
}
