//! What the engine as it stands after a step adds to the books.

use super::bids::Bid;
use super::books::{Books, Facts};
use super::calls::{Call, Decision, Rank, Rival};
use crate::invariants::Inspection;
use meishier_engine::Phase;
use meishier_model::{CallId, Mono, Now};
use std::collections::BTreeSet;

impl Books {
    /// Takes in what can be seen of the engine. To be called before the step is judged.
    pub fn settle(&mut self, now: Now, look: &Inspection<'_>) {
        let minute = now.wall.0.div_euclid(60_000);
        if self.due.0 != minute {
            self.due = (minute, self.plan.lines(now.wall));
        }
        self.settle_presses(now);
        self.settle_calls(now, look);
        self.settle_bids(look);
        self.settle_seats(now, look);
        let counts = look.queue.counts();
        self.facts.matches = counts.matches.saturating_sub(self.matches);
        self.facts.used_before = std::mem::replace(&mut self.used, counts.lines_used);
        self.matches = counts.matches;
        self.waiting = counts.waiting;
        self.settle_claims(now);
        if self.facts.matches > 0 {
            self.unread = u64::MAX;
            self.settle_matches(now, look);
        }
        // A shard reads its inbox before it takes an input and after, but not when it is made.
        if !self.facts.replaced {
            self.unread &= !1u64.checked_shl(u32::from(look.touched)).unwrap_or(0);
        }
        let shards = u32::try_from(look.shards.len()).unwrap_or(64);
        self.unread &= 1u64.checked_shl(shards).map_or(u64::MAX, |bit| bit - 1);
        for (pool, since) in self.free_since.iter_mut().enumerate() {
            let used = self.used.get(pool).copied().unwrap_or(0);
            let free = self.limits.get(pool).is_some_and(|limit| used < *limit);
            *since = free.then(|| since.unwrap_or(now.mono));
        }
    }

    /// The step is judged; the next one begins.
    pub fn next_step(&mut self, now: Now) {
        self.step += 1;
        for shard in &self.facts.timeouts {
            if let Some(fired) = self.fired.get_mut(usize::from(*shard)) {
                *fired = now.mono;
            }
        }
        if !self.facts.offered.is_empty() {
            for (call, _) in &self.facts.offered {
                if let Some(call) = self.calls.get_mut(call)
                    && call.phase != Phase::Queued
                {
                    call.decided = None;
                }
            }
        }
        self.asked.retain(|_, asked| asked.replies == 0);
        let limits_before = self.limits.clone();
        self.facts = Facts {
            limits_before,
            ..Facts::default()
        };
    }

    fn settle_calls(&mut self, now: Now, look: &Inspection<'_>) {
        let Some(shard) = look.shards.get(usize::from(look.touched)) else {
            return;
        };
        let mut gone: Vec<CallId> = Vec::new();
        let mut dialling: Vec<CallId> = Vec::new();
        for standing in shard.call_standings() {
            let Some(call) = self.calls.get_mut(&standing.call) else {
                continue;
            };
            call.line = standing.line;
            if call.talk.is_some() && standing.seat.is_none() {
                gone.push(standing.call);
            }
            if call.presses.iter().any(|press| press.pending()) {
                dialling.push(standing.call);
            }
        }
        for call in gone {
            self.facts.dropped_out.push(call);
            self.released(now, call);
        }
        for call in dialling {
            self.note_joined(call);
        }
    }

    /// Seats whose state a star code may have changed are taken as they are.
    fn settle_seats(&mut self, now: Now, look: &Inspection<'_>) {
        let Some(shard) = look.shards.get(usize::from(look.touched)) else {
            return;
        };
        let (step, home) = (self.step, look.touched);
        let lag = self.lag(now.mono) * 2;
        let shards = usize::from(self.plan.shards);
        let here = (0u32..)
            .zip(&mut self.seats)
            .skip(usize::from(home))
            .step_by(shards);
        for (id, seat) in here.filter(|(_, seat)| seat.unsure.is_some()) {
            let Some(standing) = shard.seat_standing(meishier_model::SeatId(id)) else {
                continue;
            };
            let person = standing.counsellor.map(|who| who.0);
            if person != seat.person {
                if let Some(who) = person {
                    seat.signed_on(now.mono, who, !standing.paused, step);
                    self.facts.signed_on.push((id, who));
                } else {
                    seat.signed_off(now.mono, lag, step);
                }
            } else if standing.paused != seat.paused {
                if standing.paused {
                    seat.paused(step);
                } else {
                    seat.said_ready(now.mono, std::time::Duration::ZERO);
                }
            }
            if standing.rests_until.is_none() {
                seat.rests = None;
            }
            if seat.unsure.is_some_and(|until| until <= now.mono) {
                seat.unsure = None;
                seat.free = seat.free.max(now.mono);
            }
        }
    }

    /// Finds the calls that the queue gave away in this step, and who stood before them.
    fn settle_matches(&mut self, now: Now, look: &Inspection<'_>) {
        let waiting: BTreeSet<CallId> = look
            .queue
            .waiting_list()
            .iter()
            .map(|view| view.call)
            .collect();
        let is_new = |books: &Self, id: &CallId| {
            books.calls.get(id).is_some_and(|call| {
                call.decided
                    .as_ref()
                    .is_none_or(|d| d.step == books.step && d.rivals.is_empty())
                    && (call.offer.is_some()
                        || (call.phase == Phase::Queued && !waiting.contains(id)))
            })
        };
        let offered = self.facts.offered.iter().map(|(call, _)| *call);
        let unread = self
            .calls
            .values()
            .filter(|c| c.phase == Phase::Queued && c.offer.is_none());
        let unread = unread.filter(|c| !waiting.contains(&c.id)).map(|c| c.id);
        let mut decided: Vec<CallId> = offered.chain(unread).collect();
        decided.retain(|id| is_new(self, id));
        decided.sort_unstable();
        decided.dedup();
        for id in decided {
            let rivals = self.rivals_of_call(id, &waiting);
            let step = self.step;
            if let Some(call) = self.calls.get_mut(&id) {
                call.decided = Some(Decision {
                    step,
                    at: now.mono,
                    rivals,
                    open: call.claim.maybe_open(now.mono).collect(),
                    needs: call.claim.least(now.mono),
                });
            }
        }
        self.settle_bid_matches(now, &waiting);
    }

    /// The same of requests for the second line.
    fn settle_bid_matches(&mut self, now: Now, waiting: &BTreeSet<CallId>) {
        let step = self.step;
        let new = |bid: &Bid| {
            let waits = bid.number.is_none_or(|number| waiting.contains(&number));
            let fresh = |it: &Decision| it.step == step && it.rivals.is_empty();
            let left = bid.talks.is_none() && (bid.rings.is_some() || !waits);
            left && bid.decided.as_ref().is_none_or(fresh)
        };
        let all = self.bids().filter(|(_, _, bid)| new(bid));
        let rank = |call: &Call, bid: &Bid| call.rank_of(bid, self.ageing);
        let all = all.map(|(call, third, bid)| {
            let sure = !call.claim.vague;
            let rivals = sure.then(|| self.rivals(call.id, rank(call, bid), waiting));
            let decision = Decision {
                step,
                at: now.mono,
                rivals: rivals.unwrap_or_default(),
                open: vec![bid.pool],
                needs: bid.skills,
            };
            (call.id, third, decision)
        });
        for (id, third, decision) in all.collect::<Vec<_>>() {
            let call = self.calls.get_mut(&id);
            if let Some(bid) = call.and_then(|call| call.bid_mut(third)) {
                bid.decided = Some(decision);
            }
        }
    }

    fn rivals_of_call(&self, id: CallId, waiting: &BTreeSet<CallId>) -> Vec<Rival> {
        let call = self.calls.get(&id).filter(|call| !call.claim.vague);
        call.map_or_else(Vec::new, |call| {
            self.rivals(id, call.rank(self.ageing), waiting)
        })
    }

    /// Who stood before somebody of this rank, waited before this step and waits after it.
    fn rivals(&self, id: CallId, rank: Rank, waiting: &BTreeSet<CallId>) -> Vec<Rival> {
        let ageing = self.ageing;
        let before = waiting.iter().filter_map(|id| self.calls.get(id));
        let before = before.filter(|d| {
            d.id != id
                && d.waits()
                && !d.claim.vague
                && d.queued_step < self.step
                && d.rank(ageing) < rank
        });
        let rival = |d: &super::calls::Call| {
            let by: Mono = self.fired_for(d);
            let open = d.claim.open(by).map(|(pool, _)| pool);
            Rival {
                sip: d.sip.clone(),
                needs: d.claim.needs(by),
                risk: d.claim.risk,
                pools: open.filter(|pool| self.had_line(*pool)).collect(),
            }
        };
        let stood = |(call, bid): &(&Call, &Bid)| {
            let waits = bid.number.is_some_and(|number| waiting.contains(&number));
            waits && bid.queued_step < self.step && call.rank_of(bid, ageing) < rank
        };
        let calls = self.calls.values().filter(|it| !it.claim.vague);
        let bids = calls.flat_map(|it| it.waiting_bids().map(move |(_, bid)| (it, bid)));
        let of_bid = |(call, bid): (&Call, &Bid)| Rival {
            sip: call.sip.clone(),
            needs: bid.skills,
            risk: call.bids_at_head(),
            pools: Some(bid.pool)
                .filter(|pool| self.had_line(*pool))
                .into_iter()
                .collect(),
        };
        let bids = bids.filter(stood).map(of_bid);
        let all = before.map(rival).chain(bids);
        all.filter(|rival| !rival.pools.is_empty()).collect()
    }

    /// True if a pool had enough lines before this step for all matches of this step, and has one
    /// after it.
    fn had_line(&self, pool: u16) -> bool {
        let at = usize::from(pool);
        let free = |used: &[u16], limits: &[u16]| {
            let (used, limit) = (used.get(at).copied(), limits.get(at).copied());
            u64::from(limit.unwrap_or(0)).saturating_sub(u64::from(used.unwrap_or(0)))
        };
        free(&self.facts.used_before, &self.facts.limits_before) >= self.facts.matches
            && free(&self.used, &self.limits) >= 1
    }
}
