//! Invariant 10: A caller of higher priority waits for at most one offer cycle of a lower one; every phase
//! that the engine can end by itself has its limit.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use meishier_engine::Phase;
use meishier_model::Now;
use std::time::Duration;

const IT: Invariant = Invariant::Overtaken;
/// Seats that may go to somebody behind before it is a fault. One match may pass somebody whose
/// ring opens, or whose line comes free, in the same step; a third one may not.
const PASSES: u32 = 2;
/// How long a call may wrap up: media's answer is awaited for 2 s.
const WRAPPING: Duration = Duration::from_secs(3);
/// How long the last prompt of a conversation that was ended for nuisance may take.
const PARTING: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(1);

/// Counts offers that passed somebody by.
pub(super) fn count(books: &mut Books) -> Result<(), Violation> {
    let ageing = books.ageing;
    for (id, seat) in books.facts.offered.clone() {
        let Some(call) = books.calls.get(&id) else {
            continue;
        };
        let Some(decided) = call.decided.as_ref().filter(|d| d.step == books.step) else {
            continue;
        };
        let (rank, at) = (call.rank(ageing), decided.at);
        // Callers have seats of their own; and of some nobody knows where they stand.
        if call.claim.own.is_some() || call.claim.own_unsure || call.claim.vague {
            continue;
        }
        if books
            .seats
            .get(seat as usize)
            .is_none_or(|book| book.free > at)
        {
            continue;
        }
        let free = |pool: &u16| {
            let pool = usize::from(*pool);
            books
                .used
                .get(pool)
                .zip(books.limits.get(pool))
                .is_some_and(|(used, all)| used < all)
        };
        let passed = |other: &&crate::reference::calls::Call| {
            let by = books.fired_for(other);
            let pools: Vec<u16> = other
                .claim
                .open(by)
                .map(|ring| ring.0)
                .filter(free)
                .collect();
            other.waits()
                && !other.claim.vague
                && other.id != id
                && other.rank(ageing) < rank
                && books.fits(seat, other.claim.needs(by), &pools)
        };
        let all: Vec<_> = books
            .calls
            .values()
            .filter(passed)
            .map(|call| call.id)
            .collect();
        for other in all {
            let Some(other) = books.calls.get_mut(&other) else {
                continue;
            };
            other.overtaken += 1;
            if other.overtaken > PASSES {
                let times = other.overtaken;
                let what = format!("call {} was passed over {times} times", other.id);
                let sip = other.sip.clone();
                return IT.broken(Some(&sip), what);
            }
        }
    }
    Ok(())
}

/// No phase lasts longer than the engine lets it.
pub(super) fn limits(books: &Books, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
    let ring = books.bounds(|plan| plan.ring).1 + GRACE;
    let lag = books.lag(now.mono) * 2;
    for call in books.calls_of(look.touched) {
        let mut rings = call.bids().filter_map(|(_, bid)| bid.rings.as_ref());
        if let Some(rings) = rings.find(|it| now.mono.since(it.at) > ring + lag) {
            let (seat, id) = (rings.seat, call.id);
            let what = format!("seat {seat} rings too long to be called into call {id}");
            return IT.broken(Some(&call.sip), what);
        }
        let limit = match call.phase {
            Phase::Offered => ring + lag,
            Phase::WrappingUp if call.parted => WRAPPING + PARTING + lag,
            Phase::WrappingUp => WRAPPING + lag,
            Phase::Queued | Phase::Talking | Phase::Transferring => continue,
        };
        let lasts = now.mono.since(call.since);
        if lasts > limit {
            let (phase, s) = (call.phase.as_str(), lasts.as_secs_f32());
            let what = format!("call {} has been {phase} for {s:.1} s", call.id);
            return IT.broken(Some(&call.sip), what);
        }
    }
    Ok(())
}
