//! The time line of each use of a transfer key, as the record keeps it: it begins with the question or
//! the first number dialled, goes on as uses of keys go, holds what was told when it was told, and ends
//! with how it ended.

use crate::reference::Books;
use crate::reference::calls::Call;
use crate::reference::presses::Press;
use meishier_model::{CallRecord, OfferOutcome, TransferOutcome, TransferRecord};

/// Most lines that a record keeps.
const MOST: usize = 256;

/// What is wrong with the time lines of a record.
pub(super) fn fault(books: &Books, call: &Call, record: &CallRecord) -> Option<String> {
    let uses = record.transfers.iter().zip(&call.presses);
    for (at, (line, press)) in uses.enumerate() {
        if let Some(what) = of_one(books, call, line, press) {
            return Some(format!("time line of use {at} of a key: {what}"));
        }
    }
    None
}

fn of_one(books: &Books, call: &Call, it: &TransferRecord, press: &Press) -> Option<String> {
    if !press.key.is_empty() && it.key != press.key {
        return Some(format!("key {} was pressed, not {}", press.key, it.key));
    }
    if it.events.len() >= MOST {
        return None;
    }
    let words: Vec<&str> = it.events.iter().map(|event| event.what.as_str()).collect();
    if !matches!(words.first(), Some(&("asking" | "dialling"))) {
        return Some(format!("begins with {:?}", words.first()));
    }
    if let Some(pair) = out_of_order(&words) {
        return Some(format!("{} after {}", pair.1, pair.0));
    }
    if !ends(it.outcome, &words) {
        return Some(format!(
            "is {}, and ends with {:?}",
            it.outcome.as_str(),
            words.last()
        ));
    }
    if books.jumps == call.jumps {
        let times = it.events.windows(2).all(|pair| pair[0].at <= pair[1].at);
        let begins = it.events.first().is_none_or(|event| event.at == it.at);
        if !times || !begins || it.at < record_begin(call) {
            return Some("its times go back".to_owned());
        }
    }
    let told = press.lines.iter().map(|line| (line.what, line.at.wall));
    let kept = it.events.iter().filter(|event| !somebody_left(&event.what));
    let kept = kept.map(|event| (event.what.as_str(), event.at));
    if !told.eq(kept) {
        return Some("is not what was told".to_owned());
    }
    if let Some(what) = seats(books, it, press) {
        return Some(what);
    }
    let answered = words
        .iter()
        .any(|word| matches!(*word, "briefing" | "apart" | "joined"));
    if answered && it.answered.is_none() {
        return Some("somebody came who never answered".to_owned());
    }
    None
}

/// Each seat that was called, and each that did not come, stands there with its name.
fn seats(books: &Books, it: &TransferRecord, press: &Press) -> Option<String> {
    let bid = press.bid.as_ref()?;
    let name = |seat: &u32| books.plan.seats.get(*seat as usize).map(|it| &it.name);
    let kept = |what: &'static str| {
        let events = it.events.iter().filter(move |event| event.what == what);
        events.map(|event| event.detail.as_str())
    };
    let called = bid.seats.iter().filter_map(|(seat, _)| name(seat));
    if !called.eq(kept("seat_offered")) {
        return Some("names other seats than those that were called".to_owned());
    }
    let came = |it: &&(u32, Option<OfferOutcome>)| it.1 == Some(OfferOutcome::Answered);
    let answered = bid.seats.iter().find(came).and_then(|(seat, _)| name(seat));
    if answered.is_some_and(|name| *name != it.dialled) {
        return Some(format!("names {}, who did not come", it.dialled));
    }
    None
}

fn record_begin(call: &Call) -> meishier_model::Wall {
    call.answered.map_or(call.arrived.wall, |at| at.wall)
}

/// True for what happens to everybody about, or beside the steps of this use of the key.
fn somebody_left(word: &str) -> bool {
    let beside = ["mode", "no_desk", "seat_offered", "seat_missed"];
    matches!(word, "counsellor_left" | "caller_left") || beside.contains(&word)
}

/// Two lines of which the second cannot follow the first; those of who left stand between any.
fn out_of_order<'w>(words: &[&'w str]) -> Option<(&'w str, &'w str)> {
    let own: Vec<&'w str> = words
        .iter()
        .copied()
        .filter(|it| !somebody_left(it))
        .collect();
    let pairs = own.windows(2).map(|pair| (pair[0], pair[1]));
    let mut wrong = pairs.filter(|(before, after)| !may_follow(before, after));
    for who in ["counsellor_left", "caller_left"] {
        if words.iter().filter(|word| **word == who).count() > 1 {
            return Some(("itself", who_left(words, who)));
        }
    }
    wrong.next()
}

fn who_left<'w>(words: &[&'w str], who: &str) -> &'w str {
    words
        .iter()
        .copied()
        .find(|word| *word == who)
        .unwrap_or("")
}

fn may_follow(before: &str, after: &str) -> bool {
    let next: &[&str] = match before {
        "asking" => &["dialling", "cancelled"],
        "dialling" => &[
            "ringing",
            "briefing",
            "apart",
            "joined",
            "failed",
            "no_answer",
            "cancelled",
        ],
        "ringing" => &[
            "briefing",
            "apart",
            "joined",
            "failed",
            "no_answer",
            "cancelled",
        ],
        "failed" | "no_answer" => &["dialling"],
        "briefing" => &["apart", "joined", "failed", "cancelled"],
        "apart" => &["joined", "target_left", "cancelled"],
        "joined" => &["confirmed", "target_left"],
        "confirmed" => &["target_left"],
        _ => &[],
    };
    next.contains(&after)
}

/// True if a time line that ends so tells of this outcome. Who was given up since nobody was left
/// has no line of its own: somebody left before.
fn ends(outcome: TransferOutcome, words: &[&str]) -> bool {
    let last = words.iter().rev().find(|word| !somebody_left(word));
    let last = last.copied().unwrap_or("");
    let came = words.iter().any(|word| matches!(*word, "joined"));
    match outcome {
        TransferOutcome::Failed => matches!(last, "failed" | "target_left") && !came,
        TransferOutcome::NoAnswer => last == "no_answer",
        TransferOutcome::Joined => came && matches!(last, "joined" | "confirmed" | "target_left"),
        TransferOutcome::Cancelled => {
            !came && !matches!(last, "failed" | "no_answer" | "target_left")
        }
    }
}
