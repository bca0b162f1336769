//! Which pools take calls, by what is known of their seats, their hours and what people set.

use super::books::Books;
use super::claim::View;
use super::service;
use meishier_engine::Phase;
use meishier_model::{CallId, Mono, Now, Wall};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a change takes at least until everybody knows it.
const MOMENT: Duration = Duration::from_millis(5);

/// Whether a pool takes calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    /// It does.
    Yes,
    /// It does not.
    #[default]
    No,
    /// Nobody can tell.
    Unsure,
}

/// All pools.
#[derive(Clone, Debug)]
pub struct Standing {
    now: Vec<Takes>,
    changed: Vec<Mono>,
    full: Vec<bool>,
    filled: Vec<Mono>,
    /// The state of a pool that people set, and until when.
    pub hands: BTreeMap<u16, (u8, Option<Wall>)>,
    /// The states of pools at which routes look.
    pub(super) watch: service::Watch,
    /// Something happened that may change it.
    pub dirty: bool,
    minute: i64,
    /// Shards may decide anew until then.
    unsettled: Mono,
    /// Until then they did when claims were last renewed.
    renewed: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            now: Vec::new(),
            changed: Vec::new(),
            full: Vec::new(),
            filled: Vec::new(),
            hands: BTreeMap::new(),
            watch: service::Watch::default(),
            dirty: true,
            minute: 0,
            unsettled: Mono(0),
            renewed: false,
        }
    }
}

impl Books {
    /// How long a change may be unknown to some shard.
    #[must_use]
    pub fn window(&self, now: Mono) -> Duration {
        self.lag(now) * 2 + MOMENT
    }

    /// Whether a pool takes calls by what is known now.
    fn takes(&self, pool: u16, lines: &[u16], wall: Wall) -> Takes {
        if lines.get(usize::from(pool)).is_none_or(|lines| *lines == 0) {
            return Takes::No;
        }
        if let Some((state, until)) = self.standing.hands.get(&pool)
            && until.is_none_or(|until| wall < until)
        {
            let closed = state & (service::UNSTAFFED | service::DOWN) != 0;
            return if closed { Takes::No } else { Takes::Yes };
        }
        let mut out = Takes::No;
        for seat in self.plan.seats_of(pool) {
            let Some(book) = self.seats.get(*seat as usize) else {
                continue;
            };
            if book.unsure.is_some() {
                out = Takes::Unsure;
            } else if book.person.is_some() && !book.paused && book.reachable {
                return Takes::Yes;
            }
        }
        out
    }

    /// Looks at the pools again if something happened. True while claims are to be renewed.
    fn look_at_pools(&mut self, now: Now) -> bool {
        let minute = now.wall.0.div_euclid(60_000);
        let beat = self.standing.minute != minute;
        if std::mem::take(&mut self.standing.dirty) || beat {
            self.standing.minute = minute;
            let lines = self.plan.lines(now.wall);
            let count = self.plan.pools.len();
            self.standing.now.resize(count, Takes::No);
            self.standing.changed.resize(count, now.mono);
            for pool in 0..u16::try_from(count).unwrap_or(u16::MAX) {
                let (at, takes) = (usize::from(pool), self.takes(pool, &lines, now.wall));
                if self.standing.now[at] != takes {
                    self.standing.now[at] = takes;
                    self.standing.changed[at] = now.mono;
                }
            }
            let until = now.mono + self.window(now.mono);
            self.standing.unsettled = self.standing.unsettled.max(until);
        }
        let full = |pool: usize| {
            let (used, limit) = (self.used.get(pool), self.limits.get(pool));
            used.zip(limit).is_some_and(|(used, limit)| used >= limit)
        };
        let full: Vec<bool> = (0..self.plan.pools.len()).map(full).collect();
        self.standing.full.resize(full.len(), false);
        self.standing.filled.resize(full.len(), now.mono);
        for (at, full) in full.into_iter().enumerate() {
            if std::mem::replace(&mut self.standing.full[at], full) != full {
                self.standing.filled[at] = now.mono;
            }
        }
        let several = |call: &super::calls::Call| !call.claim.others.is_empty();
        if self.watch_pools(now) || self.calls.values().any(several) {
            let until = now.mono + self.window(now.mono);
            self.standing.unsettled = self.standing.unsettled.max(until);
        }
        let unsettled = now.mono <= self.standing.unsettled;
        let renew = unsettled || self.standing.renewed;
        // Once more when everybody knows: what then holds, holds for sure.
        self.standing.renewed = unsettled;
        renew
    }

    /// The pools as they are known at this moment, who may not know it yet allowed for.
    #[must_use]
    pub fn view(&self, now: Mono) -> View {
        let window = self.window(now);
        let recent = |at: Option<&Mono>| at.is_some_and(|at| now.since(*at) <= window);
        let mut out = View {
            window,
            states: self.service(),
            ..View::default()
        };
        for at in 0..self.plan.pools.len() {
            let takes = self.standing.now.get(at).copied().unwrap_or_default();
            let full = self.standing.full.get(at).copied().unwrap_or(false);
            let unsure = takes == Takes::Unsure || recent(self.standing.changed.get(at));
            let filled = recent(self.standing.filled.get(at));
            let (yes, no) = (takes == Takes::Yes, takes == Takes::No);
            out.surely.push(yes && !unsure && !full && !filled);
            out.maybe.push((!no || unsure) && (!full || filled));
            out.but_for_lines.push(!no || unsure);
        }
        let there = |seat: &&super::seats::Seat| {
            seat.unsure.is_none() && !seat.paused && seat.reachable && !recent(Some(&seat.changed))
        };
        let seats = self.seats.iter().filter(there);
        out.seated = seats.filter_map(|seat| seat.person).collect();
        out
    }

    /// Renews what waiting callers are entitled to.
    pub(super) fn settle_claims(&mut self, now: Now) {
        if !self.look_at_pools(now) {
            return;
        }
        let waits = |call: &super::calls::Call| {
            matches!(call.phase, Phase::Queued | Phase::Offered).then_some(call.id)
        };
        let waiting: Vec<CallId> = self.calls.values().filter_map(waits).collect();
        if waiting.is_empty() {
            return;
        }
        let view = self.view(now.mono);
        for id in waiting {
            self.renew(now, id, &view);
        }
    }

    /// Decides anew for one caller.
    pub(super) fn renew(&mut self, now: Now, id: CallId, view: &View) {
        let fired = self
            .calls
            .get(&id)
            .map_or(Mono(0), |call| self.fired_for(call));
        let looks = self.window(now.mono) + service::LOOKS * 2;
        let watches = !self.plan.policies.watched.is_empty();
        if let Some(call) = self.calls.get_mut(&id) {
            call.claim.since = call.queued;
            // Of who rings for somebody no shard takes a look on its account.
            let looked = call.phase == Phase::Queued && now.mono.since(call.queued) > looks;
            let stale = watches && !looked;
            call.claim.renew(&self.plan, now, (fired, stale), view);
        }
    }
}
