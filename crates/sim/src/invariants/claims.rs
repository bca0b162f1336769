//! What routing promises: nobody is refused by it, places are kept, flags count at once, pools that
//! take no calls delay nobody, and a record says what decided.
//!
//! Judged by the reference's own reading of the file. Of a number of which shards may know different
//! things yet nothing is said.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::bids::Bid;
use crate::reference::calls::Call;
use crate::reference::decide::Verdict;
use crate::reference::legs::Party;
use crate::reference::sip::Sip;
use meishier_engine::{Command, Notice, Reply};
use meishier_model::{CallRecord, Mono, Now, PoolId};
use meishier_queue::WaitingView;
use std::time::Duration;

/// How often everybody who waits is looked at.
const BEAT: Duration = Duration::from_secs(1);
/// How long a ring may be late.
const LATE: Duration = Duration::from_millis(100);

/// When everybody was looked at last.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Mono,
}

/// What a shard tells of a call that arrived, or that was flagged.
pub(super) fn told(books: &Books, notice: &Notice) -> Result<(), Violation> {
    match notice {
        Notice::Routed {
            call,
            default,
            risk,
            nuisance,
            redial,
            ..
        } => {
            let Some(call) = books.calls.get(call) else {
                return Ok(());
            };
            let (claim, verdict) = (&call.claim, &call.claim.verdict);
            if verdict.unlisted {
                let what = "the judges do not know the place of the caller".to_owned();
                return Invariant::Route.broken(Some(&call.sip), what);
            }
            if claim.vague {
                return Ok(());
            }
            let is = (risk.is_some(), nuisance.is_some());
            if is != (verdict.risk, verdict.nuisance) {
                let (told, says) = (is, (verdict.risk, verdict.nuisance));
                let what = format!(
                    "risk and nuisance of call {} are {told:?}, not {says:?}",
                    call.id
                );
                return Invariant::Flag.broken(Some(&call.sip), what);
            }
            if *redial != (claim.stamp < call.arrived.mono) {
                let what = format!("call {} keeps a place: {redial}", call.id);
                return Invariant::Kept.broken(Some(&call.sip), what);
            }
            if claim.verdicts().all(|it| *default != it.by_default) {
                let what = format!("call {} goes by the default route: {default}", call.id);
                return Invariant::Route.broken(Some(&call.sip), what);
            }
            Ok(())
        }
        Notice::Flagged { call: id, .. } => {
            let asked = books.asked.values();
            let flags = |command: &Command| matches!(command, Command::Flag { call } if call == id);
            let asked = asked.map(|asked| &asked.command).any(flags);
            match books.calls.get(id) {
                Some(call) if !call.said && !asked => {
                    let what = format!("call {id} is flagged, though nobody said so");
                    Invariant::Flag.broken(Some(&call.sip), what)
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The engine answers a command.
pub(super) fn replied(books: &Books, token: u64, reply: &Reply) -> Result<(), Violation> {
    let asked = books.asked.get(&token).map(|asked| &asked.command);
    if let (Some(Command::Nuisance { call, .. }), Reply::Done(Ok(()))) = (asked, reply)
        && let Some(call) = books.calls.get(call)
        && call.claim.risk
        && !call.claim.vague
    {
        let what = format!("call {} is at risk and was marked for nuisance", call.id);
        return Invariant::Flag.broken(Some(&call.sip), what);
    }
    Ok(())
}

/// A final response leaves for a caller who never became a call.
pub(super) fn refused(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    let status = message
        .status()
        .filter(|status| *status >= 300)
        .unwrap_or(0);
    if status == 0 || message.method != "INVITE" || matches!(status, 400 | 482 | 487 | 488 | 503) {
        return Ok(());
    }
    let new = |id: &str| {
        let invites = books.facts.invites.iter();
        invites
            .clone()
            .any(|it| *it.sip == *id && it.new && it.trunk.is_some())
    };
    let leg = books.legs.get(message.call_id);
    if leg.is_some_and(|leg| matches!(leg.party, Party::Caller(None))) && new(message.call_id) {
        let what = format!("a caller was refused with {status}");
        return Invariant::Route.broken(Some(message.call_id), what);
    }
    Ok(())
}

/// A record comes.
pub(super) fn recorded(books: &Books, record: &CallRecord) -> Result<(), Violation> {
    let Some(call) = books.calls.get(&record.call) else {
        return Ok(());
    };
    if !books.plans().any(|plan| plan.hash == record.table) && books.former.len() < 8 {
        let what = format!("record of call {} names table {:?}", call.id, record.table);
        return Invariant::Route.broken(Some(&call.sip), what);
    }
    if call.claim.vague {
        return Ok(());
    }
    if record.risk != call.claim.risk {
        let what = format!("record of call {} says of risk {}", call.id, record.risk);
        return Invariant::Flag.broken(Some(&call.sip), what);
    }
    let rule = |verdict: &Verdict| {
        let word = match verdict.by_default {
            true => "default",
            false => "route",
        };
        let route = books.plan.routes.get(verdict.route);
        format!("{word}:{}", route.map_or("", |route| &route.name))
    };
    let rules: Vec<String> = call.claim.verdicts().map(rule).collect();
    let named = rules.iter().any(|rule| record.rules.contains(rule));
    let sure = books.former.is_empty() && call.claim.shifting_until <= call.arrived.mono;
    if sure && !named {
        let what = format!(
            "record of call {} does not name {}",
            call.id,
            rules.join(" or ")
        );
        return Invariant::Route.broken(Some(&call.sip), what);
    }
    Ok(())
}

impl Watch {
    /// Looks at whoever waits, in the queue's own account.
    pub(super) fn check(
        &mut self,
        books: &Books,
        now: Now,
        look: &Inspection<'_>,
    ) -> Result<(), Violation> {
        flagged(books, look)?;
        let news = !books.facts.arrived.is_empty() || !books.facts.flagged.is_empty();
        let due = now.mono.since(self.last) >= BEAT;
        if books.waiting == 0 || !(news || due) {
            return Ok(());
        }
        self.last = now.mono;
        for view in look.queue.waiting_list() {
            if let Some(call) = books.calls.get(&view.call).filter(|call| call.waits()) {
                waits(books, now, call, &view)?;
            }
            let mut bids = books.bids().filter(|it| it.2.number == Some(view.call));
            if let Some((call, _, bid)) = bids.next() {
                requested(call, bid, &view)?;
            }
        }
        Ok(())
    }
}

/// Whoever was flagged in this step is flagged, wherever the call stands.
fn flagged(books: &Books, look: &Inspection<'_>) -> Result<(), Violation> {
    if books.facts.flagged.is_empty() {
        return Ok(());
    }
    let Some(shard) = look.shards.get(usize::from(look.touched)) else {
        return Ok(());
    };
    for standing in shard.call_standings() {
        if books.facts.flagged.contains(&standing.call) && !standing.risk {
            let what = format!("call {} was flagged and is not", standing.call);
            return Invariant::Flag.broken(Some(standing.sip_call_id), what);
        }
    }
    Ok(())
}

/// A request for the second line stands where its key was pressed, and at the head if its caller is at
/// risk or an emergency was called.
fn requested(call: &Call, bid: &Bid, view: &WaitingView) -> Result<(), Violation> {
    let sip = Some(&*call.sip);
    let id = call.id;
    if view.stamp.at != bid.stamp {
        let (is, should) = (view.stamp.at.0, bid.stamp.0);
        let what = format!("the request of call {id} stands at {is}, not at {should}");
        return Invariant::Kept.broken(sip, what);
    }
    if view.needs.0 != bid.skills || view.rings.as_slice() != [PoolId(bid.pool)] {
        let what = format!("the request of call {id} asks for others than its key does");
        return Invariant::Fit.broken(sip, what);
    }
    if !call.claim.vague && view.risk != call.bids_at_head() {
        let what = format!("the request of call {id} waits with risk {}", view.risk);
        return Invariant::Flag.broken(sip, what);
    }
    Ok(())
}

fn waits(books: &Books, now: Now, call: &Call, view: &WaitingView) -> Result<(), Violation> {
    let (claim, sip) = (&call.claim, Some(&*call.sip));
    if claim.verdict.unlisted {
        let what = "the judges do not know what the file makes of the caller".to_owned();
        return Invariant::Route.broken(sip, what);
    }
    if claim.vague {
        return Ok(());
    }
    if view.risk != claim.risk {
        let what = format!("call {} waits with risk {}", call.id, view.risk);
        return Invariant::Flag.broken(sip, what);
    }
    if view.stamp.at != claim.stamp {
        let (is, should) = (view.stamp.at.0, claim.stamp.0);
        let what = format!("call {} stands at {is}, not at {should}", call.id);
        return Invariant::Kept.broken(sip, what);
    }
    if now.mono
        <= claim
            .shifting_until
            .max(claim.since + books.window(now.mono))
    {
        return Ok(());
    }
    if view.class.number() != claim.class {
        let (is, should) = (view.class.number(), claim.class);
        let what = format!("call {} waits in class {is}, not {should}", call.id);
        let effect = claim.risk || claim.nuisance || claim.ask.nuisance;
        let it = if effect {
            Invariant::Flag
        } else {
            Invariant::Route
        };
        return it.broken(sip, what);
    }
    let open = view.rings.iter().take(usize::from(view.open));
    let open: Vec<u16> = open.map(|pool| pool.0).collect();
    let by = books.fired_for(call);
    let patience = LATE + books.window(now.mono);
    for (pool, late) in claim.open(by) {
        if !open.contains(&pool) && now.mono.since(late) > patience {
            let ms = now.mono.since(late).as_millis();
            let claim = claim.told(now.mono);
            let what = format!(
                "pool {pool} is due for call {} since {ms} ms: {claim}",
                call.id
            );
            return Invariant::Ladder.broken(sip, what);
        }
    }
    let maybe: Vec<u16> = claim.maybe_open(now.mono).collect();
    if let Some(pool) = open.iter().find(|pool| !maybe.contains(pool)) {
        let claim = claim.told(now.mono);
        let what = format!(
            "pool {pool} is open for call {} too early: {claim}",
            call.id
        );
        return Invariant::Fit.broken(sip, what);
    }
    Ok(())
}
