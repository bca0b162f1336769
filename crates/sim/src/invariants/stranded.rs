//! Invariant 9: No waiting caller and ready seat that fit coexist for more than 100 ms.
//!
//! True at any time, not only after faults; what lies unread between shards is given the time that
//! was announced for it. And the engine's own watchdog never finds such a pair: what it has to mend
//! was broken.

use super::seen::Inspection;
use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::calls::Call;
use crate::reference::seats::Seat;
use meishier_engine::{Notice, Phase, SeatState};
use meishier_model::{Mono, Now, SeatId};
use std::time::Duration;

const LIMIT: Duration = Duration::from_millis(100);
/// How often it is worth looking.
const BEAT: Duration = Duration::from_millis(20);
/// More than enough for a match to reach both shards and to come back if the caller is gone.
const TO_AND_FRO: u32 = 4;
/// A seat whose own shard sees it otherwise has so much longer.
const DISPUTED: Duration = Duration::from_secs(5);

/// When somebody last looked.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Mono,
}

impl Watch {
    pub(super) fn check(
        &mut self,
        books: &Books,
        now: Now,
        look: &Inspection<'_>,
    ) -> Result<(), Violation> {
        if now.mono.since(self.last) < BEAT || books.waiting == 0 && books.unread == 0 {
            return Ok(());
        }
        self.last = now.mono;
        let ready: Vec<(u32, &Seat)> = (0u32..)
            .zip(&books.seats)
            .filter(|(id, seat)| seat.ready(now.mono) && may_serve(books, *id))
            .collect();
        if ready.is_empty() {
            return Ok(());
        }
        for call in books
            .calls
            .values()
            .filter(|call| call.phase == Phase::Queued)
        {
            for (id, seat) in &ready {
                if let Some(since) = since(books, now, call, *id, seat)
                    && now.mono.since(since) > allowed(books, now, look, *id)
                {
                    let ms = now.mono.since(since).as_millis();
                    let what = format!("call {} waits {ms} ms beside seat {id}", call.id);
                    return Invariant::Stranded.broken(Some(&call.sip), what);
                }
            }
        }
        requests(books, now, look, &ready)
    }
}

/// Requests for the second line.
fn requests(
    books: &Books,
    now: Now,
    look: &Inspection<'_>,
    ready: &[(u32, &Seat)],
) -> Result<(), Violation> {
    for (call, _, bid) in books.bids().filter(|(_, _, bid)| bid.open()) {
        for (id, seat) in ready {
            let fits = books.fits(*id, bid.skills, &[bid.pool]);
            let free = books.free_since.get(usize::from(bid.pool));
            let Some(free) = free.copied().flatten().filter(|_| fits) else {
                continue;
            };
            let decided = bid.decided.as_ref().map_or(Mono(0), |decided| decided.at);
            let since = bid.queued.max(seat.ready_since()).max(decided).max(free);
            if now.mono.since(since) > allowed(books, now, look, *id) {
                let ms = now.mono.since(since).as_millis();
                let what = format!(
                    "the request of call {} waits {ms} ms beside seat {id}",
                    call.id
                );
                return Invariant::Stranded.broken(Some(&call.sip), what);
            }
        }
    }
    Ok(())
}

/// The watchdog mended something.
pub(super) fn told(books: &Books, notice: &Notice) -> Result<(), Violation> {
    let Notice::Missed { call, seat } = notice else {
        return Ok(());
    };
    let sip = books.calls.get(call).map(|call| &*call.sip);
    let what = format!("the watchdog found call {call} beside {seat}");
    Invariant::Stranded.broken(sip, what)
}

/// True if a pool of the seat has a free line.
fn may_serve(books: &Books, seat: u32) -> bool {
    let free = |pool: &u16| {
        books
            .free_since
            .get(usize::from(*pool))
            .is_some_and(Option::is_some)
    };
    books.plan.pools_of(seat).iter().any(free)
}

/// Since when call and seat fit for sure, if they do.
fn since(books: &Books, now: Now, call: &Call, id: u32, seat: &Seat) -> Option<Mono> {
    let by = books.fired_for(call).min(now.mono);
    if call.claim.needs(by) & !books.sure_skills(id) != 0 {
        return None;
    }
    let held = if call.claim.preferred == 0 {
        Mono(0)
    } else {
        call.claim.held_until
    };
    let held = if held <= by { held } else { Mono(0) };
    let held = held.max(call.claim.fell);
    let pools = call
        .claim
        .open(now.mono)
        .filter(|(pool, _)| books.surely_serves(id, *pool));
    let line = |pool: u16| books.free_since.get(usize::from(pool)).copied().flatten();
    let open = pools.filter_map(|(pool, open)| Some(open.max(line(pool)?)));
    let decided = call.decided.as_ref().map_or(Mono(0), |decided| decided.at);
    let pair = call.queued.max(seat.ready_since()).max(held).max(decided);
    open.min().map(|open| open.max(pair))
}

fn allowed(books: &Books, now: Now, look: &Inspection<'_>, seat: u32) -> Duration {
    let shard = look.shards.get(usize::from(books.home(seat)));
    let standing = shard.and_then(|shard| shard.seat_standing(SeatId(seat)));
    let lag = books.lag(now.mono) * TO_AND_FRO;
    match standing {
        Some(standing) if standing.state == SeatState::Ready => LIMIT + lag,
        _ => LIMIT + lag + DISPUTED,
    }
}
