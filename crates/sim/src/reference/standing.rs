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

/// How long every line of a pool must be in use until that counts for who waits.
const FULL_LASTS: Duration = Duration::from_secs(2);
/// How far apart the engine looks.
const LOOKS: Duration = Duration::from_millis(500);
/// How often claims are renewed while a pool stays full.
const RENEWS: Duration = Duration::from_millis(250);

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

/// Since when every line of a pool is in use.
#[derive(Clone, Copy, Debug, Default)]
struct Full {
    /// Without a moment at which one was free.
    since: Option<Mono>,
    /// Without one that the engine must have seen.
    loosely: Option<Mono>,
    /// When a line came free since.
    freed: Option<Mono>,
}

impl Full {
    fn see(&mut self, now: Mono, (full, maybe): (bool, bool), unseen: Duration) {
        let gap = self.freed.is_some_and(|at| now.since(at) > unseen);
        if gap {
            (self.loosely, self.freed) = (None, None);
        }
        if full {
            self.since.get_or_insert(now);
        } else {
            self.since = None;
        }
        if maybe {
            self.loosely.get_or_insert(now);
            self.freed = None;
        } else if self.loosely.is_some() {
            self.freed.get_or_insert(now);
        }
    }
}

/// Skills at a seat whose counsellor takes calls; none if nobody does.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    now: u64,
    before: u64,
    /// When it changed.
    at: Mono,
}

/// All pools.
#[derive(Clone, Debug)]
pub struct Standing {
    now: Vec<Takes>,
    changed: Vec<Mono>,
    /// Whether every line is in use, for sure and perhaps.
    full: Vec<(bool, bool)>,
    filled: Vec<Mono>,
    fullness: Vec<Full>,
    /// Pools that stay full: for sure, and perhaps.
    lasting: Vec<(bool, bool)>,
    /// By seat.
    held: Vec<Held>,
    /// Seats whose state nobody can tell.
    unsure: Vec<u32>,
    /// Since when shards look at pools without having been made anew.
    looked: Mono,
    /// When claims were last renewed.
    renewed_at: Mono,
    /// The state of a pool that people set, and until when.
    pub hands: BTreeMap<u16, (u8, Option<Wall>)>,
    /// The states of pools at which routes look.
    pub(super) watch: service::Watch,
    /// Something happened that may change it.
    pub dirty: bool,
    minute: i64,
    wall: Wall,
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
            fullness: Vec::new(),
            lasting: Vec::new(),
            held: Vec::new(),
            unsure: Vec::new(),
            looked: Mono(0),
            renewed_at: Mono(0),
            hands: BTreeMap::new(),
            watch: service::Watch::default(),
            dirty: true,
            minute: 0,
            wall: Wall(0),
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
        let before = std::mem::replace(&mut self.standing.wall, now.wall);
        let ends = |hand: &(u8, Option<Wall>)| {
            hand.1
                .is_some_and(|until| before < until && until <= now.wall)
        };
        let unsure = (0u32..).zip(&self.seats).filter(|it| it.1.unsure.is_some());
        let unsure: Vec<u32> = unsure.map(|(id, _)| id).collect();
        let beat = self.standing.minute != minute
            || self.standing.hands.values().any(ends)
            || self.standing.unsure != unsure;
        self.standing.unsure = unsure;
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
            self.look_at_skills(now.mono);
            let until = now.mono + self.window(now.mono);
            self.standing.unsettled = self.standing.unsettled.max(until);
        }
        // Shards go by the schedule; the first one tells of a change only when it looks.
        let full = |pool: usize| {
            let of = |list: &[u16]| list.get(pool).copied().unwrap_or_default();
            let (used, told, due) = (of(&self.used), of(&self.limits), of(&self.due.1));
            let (least, most) = (told.min(due), told.max(due));
            (used >= most.max(1), used >= least.max(1))
        };
        let full: Vec<(bool, bool)> = (0..self.plan.pools.len()).map(full).collect();
        self.standing.full.resize(full.len(), (false, false));
        self.standing.filled.resize(full.len(), now.mono);
        for (at, full) in full.into_iter().enumerate() {
            if std::mem::replace(&mut self.standing.full[at], full) != full {
                self.standing.filled[at] = now.mono;
            }
        }
        let turned = self.look_at_full(now.mono);
        let several = |call: &super::calls::Call| !call.claim.others.is_empty();
        if self.watch_pools(now) || self.calls.values().any(several) {
            let until = now.mono + self.window(now.mono);
            self.standing.unsettled = self.standing.unsettled.max(until);
        }
        let unsettled = now.mono <= self.standing.unsettled;
        let renew = unsettled || self.standing.renewed || turned;
        // Once more when everybody knows: what then holds, holds for sure.
        self.standing.renewed = unsettled;
        renew
    }

    /// How long the engine may take to see for sure that a pool stays full.
    fn sees_full(&self, now: Mono) -> Duration {
        FULL_LASTS + LOOKS * 2 + self.window(now)
    }

    /// Which pools stay full. True if claims are to be renewed for it.
    fn look_at_full(&mut self, now: Mono) -> bool {
        let (window, sees) = (self.window(now), self.sees_full(now));
        if self.facts.replaced {
            self.standing.looked = now;
        }
        let standing = &mut self.standing;
        let looked = standing.looked;
        standing
            .fullness
            .resize(standing.full.len(), Full::default());
        let mut lasting = Vec::with_capacity(standing.full.len());
        for (full, it) in standing.full.iter().zip(&mut standing.fullness) {
            it.see(now, *full, LOOKS + window);
            let sure = it.since.is_some_and(|at| now.since(at.max(looked)) >= sees);
            let maybe = it
                .loosely
                .is_some_and(|at| now.since(at) + MOMENT >= FULL_LASTS);
            lasting.push((sure, maybe));
        }
        let lasts = lasting.iter().any(|it| it.0);
        let due = lasts && now.since(standing.renewed_at) >= RENEWS;
        let turned = lasting != standing.lasting;
        standing.lasting = lasting;
        if turned || due {
            standing.renewed_at = now;
        }
        turned || due
    }

    /// Who has which skills, at seats where calls are taken.
    fn look_at_skills(&mut self, now: Mono) {
        self.standing.held.resize(self.seats.len(), Held::default());
        for (seat, held) in self.seats.iter().zip(&mut self.standing.held) {
            let takes = !seat.paused && seat.reachable;
            let who = seat.person.filter(|_| takes);
            let skills = who.map_or(0, |who| self.plan.skills(who));
            if held.now != skills {
                *held = Held {
                    now: skills,
                    before: held.now,
                    at: now,
                };
            }
        }
    }

    /// Of each pool: skills that somebody there has for sure, and that somebody may have.
    fn skills_of_pools(&self, now: Mono, window: Duration) -> Vec<(u64, u64)> {
        let mut out = vec![(0, 0); self.plan.pools.len()];
        // Who has not heard of another configuration goes by the one before.
        let rules_changed = now.since(self.standing.looked) <= window;
        for ((id, seat), held) in (0u32..).zip(&self.seats).zip(&self.standing.held) {
            let changed = now.since(held.at) <= window;
            let (sure, maybe) = match (seat.unsure, changed || rules_changed) {
                (Some(_), _) => (0, u64::MAX),
                (None, true) => (held.now & held.before, held.now | held.before),
                (None, false) => (held.now, held.now),
            };
            for (pool, skills) in (0u16..).zip(&mut out) {
                if self.plan.pools_of(id).contains(&pool) {
                    skills.0 |= if rules_changed { 0 } else { sure };
                    skills.1 |= maybe;
                } else if rules_changed && self.maybe_serves(id, pool) {
                    skills.1 |= maybe;
                }
            }
        }
        out
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
            let (full, maybe_full) = self.standing.full.get(at).copied().unwrap_or_default();
            // What happened since the last look has not been looked at.
            let news = self.standing.dirty;
            let changed = recent(self.standing.changed.get(at));
            let unsure = news || takes == Takes::Unsure || changed;
            let filled = news || recent(self.standing.filled.get(at));
            let (yes, no) = (takes == Takes::Yes, takes == Takes::No);
            out.surely.push(yes && !unsure && !maybe_full && !filled);
            out.maybe.push((!no || unsure) && (!full || filled));
            let (lasts, may_last) = self.standing.lasting.get(at).copied().unwrap_or_default();
            out.surely_waiting.push(yes && !unsure && !may_last);
            out.maybe_waiting.push((!no || unsure) && !lasts);
            out.but_for_lines.push(!no || unsure);
        }
        out.skills = self.skills_of_pools(now, window);
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
        let sees = self.sees_full(now.mono);
        let looks = self.window(now.mono) + service::LOOKS * 2;
        let watches = !self.plan.policies.watched.is_empty();
        if let Some(call) = self.calls.get_mut(&id) {
            call.claim.since = call.queued;
            // Whoever rings is not sent elsewhere, and no shard takes a look on its account.
            let queued = call.phase == Phase::Queued;
            let waited = now.mono.since(call.queued);
            let looked = queued && waited >= sees;
            let stale = watches && !(queued && waited > looks);
            call.claim
                .renew(&self.plan, now, (fired, looked, stale), view);
        }
    }
}
