//! Invariant 7: Exactly one final record a call; it tells what happened, and its times add up.

use super::table::{Invariant, Violation};
use super::timeline;
use crate::reference::Books;
use crate::reference::calls::Call;
use crate::reference::decide::Verdict;
use crate::reference::number::plain;
use meishier_model::{CallRecord, Now, OfferOutcome, Outcome, TransferOutcome};

const IT: Invariant = Invariant::Record;
/// What rounding to milliseconds may take away or add, for each stretch of time.
const ROUNDING: u64 = 2;
/// How long a last prompt may take, milliseconds.
const PARTING_MS: i64 = 31_000;

pub(super) fn check(books: &Books, now: Now, record: &CallRecord) -> Result<(), Violation> {
    if books.ended.contains(&record.call) {
        let what = format!("call {} has a second record", record.call);
        return IT.broken(Some(&record.sip_call_id), what);
    }
    let Some(call) = books.calls.get(&record.call) else {
        let what = format!("a record of call {}, which was never there", record.call);
        return IT.broken(Some(&record.sip_call_id), what);
    };
    let fault = who(books, call, record)
        .or_else(|| outcome(call, record))
        .or_else(|| history(books, call, record))
        .or_else(|| timeline::fault(books, call, record))
        .or_else(|| mono_times(call, record, now))
        .or_else(|| wall_times(books, call, record));
    match fault {
        Some(fault) => IT.broken(
            Some(&call.sip),
            format!("record of call {}: {fault}", call.id),
        ),
        None => Ok(()),
    }
}

fn who(books: &Books, call: &Call, record: &CallRecord) -> Option<String> {
    let trunk = books.plan.trunks.get(usize::from(call.trunk));
    let known = trunk.is_some_and(|trunk| trunk.name == record.trunk) || !books.former.is_empty();
    if record.sip_call_id != *call.sip || !known {
        return Some("another Call-ID or trunk".to_owned());
    }
    let same = |told: &str, is: &str| plain(told) == plain(is);
    let caller = same(record.caller.reveal(), &call.caller);
    if !caller || !same(record.called.reveal(), &call.called) {
        return Some("other parties than the INVITE named".to_owned());
    }
    None
}

fn outcome(call: &Call, record: &CallRecord) -> Option<String> {
    let spoke = call.answered.is_some();
    if spoke != (record.outcome == Outcome::Answered) || spoke != record.answered.is_some() {
        return Some(format!(
            "{}, though answered is {spoke}",
            record.outcome.as_str()
        ));
    }
    if spoke != record.seat.is_some() || spoke != record.pool.is_some() {
        return Some("seat and pool do not go with the outcome".to_owned());
    }
    None
}

fn history(books: &Books, call: &Call, record: &CallRecord) -> Option<String> {
    let name = |seat: u32| {
        books
            .plan
            .seats
            .get(seat as usize)
            .map(|seat| seat.name.as_str())
    };
    let told: Vec<(&str, OfferOutcome)> = record
        .offers
        .iter()
        .map(|offer| (offer.seat.as_str(), offer.outcome))
        .collect();
    let were: Vec<(&str, OfferOutcome)> = call
        .offers
        .iter()
        .map(|(seat, outcome)| (name(*seat).unwrap_or(""), *outcome))
        .collect();
    if told != were {
        return Some(format!("{} offers, there were {}", told.len(), were.len()));
    }
    if let Some((seat, who)) = call.answered_by {
        let account = who.and_then(|who| books.plan.counsellors.get(who as usize));
        let known = account.is_none_or(|c| record.counsellor.as_ref() == Some(&c.account));
        if record.seat.as_deref() != name(seat) || !known {
            return Some("another seat or counsellor answered".to_owned());
        }
    }
    let told: Vec<Option<TransferOutcome>> = record
        .transfers
        .iter()
        .map(|transfer| Some(transfer.outcome))
        .collect();
    let were: Vec<Option<TransferOutcome>> = call.presses.iter().map(|p| p.outcome).collect();
    if told != were && !books.stopping {
        return Some(format!("transfers {told:?}, there were {were:?}"));
    }
    let led = |name: &&str| {
        let pools = &books.plan.pools;
        let of = |pool: &u16| {
            pools
                .get(usize::from(*pool))
                .is_some_and(|it| it.name == **name)
        };
        // One's own counsellor may sit where the route does not lead.
        let own = call.claim.own.is_some() || call.claim.own_unsure;
        own || call.claim.ever.iter().any(of)
    };
    // Who is decided anew while a seat rings may be led elsewhere.
    let pool = |pool: &str| record.route.iter().any(|(name, _)| name == pool) || led(&pool);
    if let Some(offer) = record.offers.iter().find(|offer| !pool(&offer.pool)) {
        return Some(format!(
            "an offer by pool {}, which the route does not name",
            offer.pool
        ));
    }
    let name = |pool: &u16| {
        books
            .plan
            .pools
            .get(usize::from(*pool))
            .map(|it| it.name.as_str())
    };
    let told = record.route.iter().map(|(name, _)| Some(name.as_str()));
    let told: Vec<_> = sorted(told.collect());
    let leads_there = |verdict: &Verdict| {
        let tiers = verdict.tiers.iter().flat_map(|tier| &tier.0);
        // The route's pools follow those of a policy if none of these takes calls.
        let more = tiers.clone().chain(&verdict.behind);
        sorted(tiers.map(name).collect()) == told || sorted(more.map(name).collect()) == told
    };
    let sure = books.former.is_empty() && !call.claim.vague && !call.claim.verdict.unlisted;
    if sure && !call.claim.verdicts().any(leads_there) {
        return Some("another route than the file's".to_owned());
    }
    None
}

fn sorted(mut names: Vec<Option<&str>>) -> Vec<Option<&str>> {
    names.sort_unstable();
    names.dedup();
    names
}

fn mono_times(call: &Call, record: &CallRecord, now: Now) -> Option<String> {
    let ended = call.ended.map_or(now, |ended| ended.0);
    let until = call.answered.map_or(ended, |answered| answered);
    let waited = until.mono.since(call.arrived.mono).as_millis() as u64;
    if record.waited_ms.abs_diff(waited) > ROUNDING {
        return Some(format!("waited {} ms, not {waited} ms", record.waited_ms));
    }
    let talked = call.talked.as_millis() as u64;
    let rounding = ROUNDING * u64::from(call.talks + 1);
    if record.talked_ms.abs_diff(talked) > rounding {
        return Some(format!("talked {} ms, not {talked} ms", record.talked_ms));
    }
    let lasted = ended.mono.since(call.arrived.mono).as_millis() as u64;
    if record.waited_ms + record.talked_ms > lasted + rounding {
        return Some("waiting and talking are longer than the call".to_owned());
    }
    let rang: u64 = record.offers.iter().map(|offer| offer.rang_ms).sum();
    let slack = ROUNDING * record.offers.len() as u64;
    if rang > lasted + slack {
        return Some("the offers rang longer than the call lasted".to_owned());
    }
    None
}

/// Civil times, if nobody set the clock meanwhile.
fn wall_times(books: &Books, call: &Call, record: &CallRecord) -> Option<String> {
    if record.arrived != call.arrived.wall {
        return Some("arrived at another moment than the INVITE".to_owned());
    }
    // Who hears a last prompt is there until it is over.
    let ended = |(at, _): (Now, _)| match call.parted {
        true => record.ended >= at.wall && record.ended.0 - at.wall.0 <= PARTING_MS,
        false => record.ended == at.wall,
    };
    let jumped = call.parted && books.jumps != call.jumps;
    if !jumped && !call.ended.is_none_or(ended) {
        return Some("ended at another moment than the call".to_owned());
    }
    if record.answered != call.answered.map(|at| at.wall) {
        return Some("answered at another moment than the call".to_owned());
    }
    if books.jumps != call.jumps {
        return None;
    }
    let times = [Some(record.arrived), record.answered, Some(record.ended)];
    let times: Vec<_> = times.into_iter().flatten().collect();
    let rises = times.windows(2).all(|pair| pair[0] <= pair[1]);
    let offers = record
        .offers
        .windows(2)
        .all(|pair| pair[0].at <= pair[1].at);
    let within = record
        .offers
        .iter()
        .all(|o| record.arrived <= o.at && o.at <= record.ended);
    (!rises || !offers || !within).then(|| "its times go back".to_owned())
}
