//! Requests for the second line as the judges know them: a seat is asked for through the queue, while
//! the caller stays in the conversation.
//!
//! ```text
//!   waits ── matched ──► decided ── told ──► rings ── 200 ──► talks ──► over
//!     ▲                                        │
//!     └── refused, rang out, unreachable, ─────┘
//!         taken back by the seat
//! ```

use super::books::Books;
use super::calls::{Call, Decision, Rank};
use super::entries::rest_after;
use super::presses::Press;
use crate::invariants::Inspection;
use meishier_model::{CallId, LineId, Mono, Now, OfferOutcome, SeatId};
use std::sync::Arc;
use std::time::Duration;

/// A seat that rings for a request.
#[derive(Clone, Debug)]
pub struct Ringing {
    /// Which.
    pub seat: u32,
    /// Since when.
    pub at: Mono,
    /// Call-ID of its leg, once its INVITE left.
    pub leg: Option<Arc<str>>,
    /// Who sat there when the queue decided, if that is known for sure.
    pub who: Option<u32>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Bid {
    /// The pool of the key.
    pub pool: u16,
    /// Skills that it asks for.
    pub skills: u64,
    /// When the key was pressed: its place in the line.
    pub stamp: Mono,
    /// Its number in the queue, once known.
    pub number: Option<CallId>,
    /// Since when it waits.
    pub queued: Mono,
    /// In which step it last began to wait.
    pub queued_step: u64,
    /// The queue has given it a seat, and that was not told yet.
    pub decided: Option<Decision>,
    /// The seat that rings.
    pub rings: Option<Ringing>,
    /// The seat that talks, and since when.
    pub talks: Option<(u32, Mono)>,
    /// The line that it holds.
    pub line: Option<LineId>,
    /// Every seat that was called, and what came of it.
    pub seats: Vec<(u32, Option<OfferOutcome>)>,
}

impl Bid {
    /// A request that begins to wait.
    #[must_use]
    pub fn new(now: Mono, step: u64, (pool, skills): (u16, u64)) -> Self {
        Self {
            pool,
            skills,
            stamp: now,
            number: None,
            queued: now,
            queued_step: step,
            decided: None,
            rings: None,
            talks: None,
            line: None,
            seats: Vec::new(),
        }
    }

    /// True if no seat rings or talks, whether or not the queue has found one.
    #[must_use]
    pub fn open(&self) -> bool {
        self.rings.is_none() && self.talks.is_none()
    }

    /// The seat that rings or talks.
    #[must_use]
    pub fn seat(&self) -> Option<u32> {
        let talks = self.talks.map(|talk| talk.0);
        talks.or(self.rings.as_ref().map(|rings| rings.seat))
    }
}

impl Call {
    /// Its requests that are not over, by third party.
    pub fn bids(&self) -> impl Iterator<Item = (u8, &Bid)> {
        let open = self.presses.iter().filter(|press| press.outcome.is_none());
        open.filter_map(|press| Some((press.third, &**press.bid.as_ref()?)))
    }

    /// Its requests for whom the queue has found nobody.
    pub fn waiting_bids(&self) -> impl Iterator<Item = (u8, &Bid)> {
        let waits = |it: &(u8, &Bid)| it.1.open() && it.1.decided.is_none();
        self.bids().filter(waits)
    }

    /// A request of this call stands at the head: it is at risk, or an emergency was called.
    #[must_use]
    pub fn bids_at_head(&self) -> bool {
        self.claim.risk || self.emergency
    }

    /// Where a request stands among those who wait.
    #[must_use]
    pub fn rank_of(&self, bid: &Bid, ageing: Duration) -> Rank {
        let rank = self.rank(ageing);
        let stamp = self.claim.stamp.0;
        let lifted = bid.stamp.0.saturating_add(rank.1.saturating_sub(stamp));
        (!self.bids_at_head(), lifted, bid.stamp.0)
    }

    /// True if a supervisor is called from this seat, or talks there.
    pub fn supervises(&self, seat: u32) -> bool {
        let open = self.presses.iter().filter(|press| press.outcome.is_none());
        let mut named = open.filter_map(|press| press.named);
        named.any(|(it, _)| it == seat)
    }

    /// True if this seat rings for the call, or talks in it.
    #[must_use]
    pub fn has_seat(&self, seat: u32) -> bool {
        self.seat() == Some(seat) || self.bids().any(|(_, bid)| bid.seat() == Some(seat))
    }

    pub(super) fn bid_mut(&mut self, third: u8) -> Option<&mut Bid> {
        let mut presses = self.presses.iter_mut();
        let press = presses.find(|press| press.third == third)?;
        press.bid.as_deref_mut()
    }
}

impl Books {
    /// Requests of all calls that are not over.
    pub fn bids(&self) -> impl Iterator<Item = (&Call, u8, &Bid)> {
        let calls = self.calls.values();
        calls.flat_map(|call| call.bids().map(move |(third, bid)| (call, third, bid)))
    }

    /// A seat is to ring for a request.
    pub(super) fn second_offered(&mut self, now: Now, id: CallId, third: u8, seat: u32) {
        let step = self.step;
        let book = self.seats.get(seat as usize);
        let Some(bid) = self.calls.get_mut(&id).and_then(|it| it.bid_mut(third)) else {
            self.facts.unasked.push((id, third));
            return;
        };
        let decided = bid.decided.get_or_insert(Decision {
            step,
            at: now.mono,
            rivals: Vec::new(),
            open: vec![bid.pool],
            needs: bid.skills,
        });
        let at = decided.at;
        let sure = |book: &&super::seats::Seat| {
            book.off.is_none() && book.unsure.is_none() && book.free <= at
        };
        let who = book.filter(sure).and_then(|book| book.person);
        bid.rings = Some(Ringing {
            seat,
            at: now.mono,
            leg: None,
            who,
        });
        bid.seats.push((seat, None));
        self.facts.second_offered.push((id, third, seat));
        let book = self.seats.get_mut(seat as usize);
        let before = book.and_then(|book| book.busy.replace(id));
        if let Some(other) = before {
            self.facts.crossed.push((id, seat, other));
        }
    }

    /// A seat's INVITE left that belongs to no offer of a caller.
    pub(super) fn second_rings(&mut self, now: Now, id: CallId, seat: u32, leg: Arc<str>) {
        let rings = |bid: &Bid| {
            let rings = bid.rings.as_ref();
            rings.is_some_and(|it| it.seat == seat && it.leg.is_none())
        };
        let presses = self.calls.get_mut(&id).map(|call| &mut call.presses);
        let mut presses = presses.into_iter().flatten();
        let named = |press: &Press| {
            let open = press.outcome.is_none() && press.legs.is_empty();
            press.role == "supervisor" && open && press.named.is_none_or(|it| it.0 == seat)
        };
        let bid = |press: &Press| press.bid.as_deref().is_some_and(rings);
        let found = presses.find(|press| bid(press) || named(press));
        let Some(press) = found else {
            // An offer that ended in the step in which its INVITE left.
            return self.legs.release(now.mono, &leg);
        };
        press.asked = 1;
        press.legs.push(Arc::clone(&leg));
        if let Some(rings) = press.bid.as_mut().and_then(|bid| bid.rings.as_mut()) {
            rings.leg = Some(leg);
        }
    }

    /// A seat of the second line answered, or does not come.
    pub(super) fn second_ended(
        &mut self,
        now: Now,
        id: CallId,
        (third, seat): (u8, u32),
        outcome: OfferOutcome,
    ) {
        let (step, lag, backoff) = (self.step, self.lag(now.mono), self.plan.backoff);
        let presses = self.calls.get_mut(&id).map(|call| &mut call.presses);
        let mut presses = presses.into_iter().flatten();
        let press = presses.find(|press| press.third == third);
        let Some(press) = press else {
            self.facts.unasked.push((id, third));
            return;
        };
        let Some(bid) = press.bid.as_deref_mut() else {
            self.facts.unasked.push((id, third));
            return;
        };
        let rings = bid.rings.take().filter(|rings| rings.seat == seat);
        bid.decided = None;
        if let Some(last) = bid.seats.last_mut() {
            last.1 = Some(outcome);
        }
        if outcome == OfferOutcome::Answered {
            bid.talks = Some((seat, now.mono));
        } else {
            (press.asked, press.joined) = (0, None);
            (bid.queued, bid.queued_step) = (now.mono, step);
            if let Some(leg) = rings.and_then(|rings| rings.leg) {
                if outcome == OfferOutcome::Unreachable
                    && let Some(leg) = self.legs.get_mut(&leg)
                    && leg.last.is_none()
                {
                    // Nobody answered in time, or the path broke: nothing need follow.
                    leg.broken = true;
                }
                self.legs.release(now.mono, &leg);
            }
        }
        let book = self.seats.get_mut(seat as usize);
        if let Some(book) = book.filter(|book| book.busy == Some(id)) {
            book.offer_ended(now.mono, outcome, backoff, lag);
        }
    }

    /// What was called by this use of a key is over: the seat that talked rests.
    pub(super) fn second_over(&mut self, now: Now, id: CallId, third: u8) {
        let (lag, wrapup) = (self.lag(now.mono), self.plan.wrapup);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (risk, vague, emergency) = (call.claim.risk, call.claim.vague, call.emergency);
        let Some(bid) = call.bid_mut(third) else {
            return;
        };
        bid.decided = None;
        bid.line = None;
        let Some((seat, since)) = bid.talks.take() else {
            return;
        };
        let talked = now.mono.since(since);
        let weight = ((risk, vague), emergency, (talked, true));
        let rests = rest_after(&self.plan.policies, wrapup, weight);
        let book = self.seats.get_mut(seat as usize);
        if let Some(book) = book.filter(|book| book.busy == Some(id)) {
            book.talked += talked;
            book.risk_calls.0 += u16::from(risk && !vague);
            book.risk_calls.1 += 1;
            book.released(now.mono, rests, lag);
        }
    }

    /// What the engine itself says of its requests: their numbers, and the lines that they hold.
    pub(super) fn settle_bids(&mut self, look: &Inspection<'_>) {
        let Some(shard) = look.shards.get(usize::from(look.touched)) else {
            return;
        };
        for (number, id, third) in shard.requests() {
            let bid = self
                .calls
                .get_mut(&id)
                .and_then(|call| call.bid_mut(third.0));
            if let Some(bid) = bid {
                bid.number = Some(number);
                bid.line = None;
            }
        }
        for (id, seat, line) in shard.called_in() {
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            let bids = call.presses.iter_mut().filter_map(|it| it.bid.as_mut());
            let mut bids = bids.filter(|bid| bid.seat().map(SeatId) == Some(seat));
            if let Some(bid) = bids.next() {
                bid.line = Some(line);
            }
        }
    }
}
