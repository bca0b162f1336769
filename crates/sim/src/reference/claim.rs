//! What one caller is entitled to, decided when the call arrives and anew when something changes.
//!
//! Shards hear of changes one after another, so the judges keep two moments for each pool: the
//! earliest at which it may be open for the caller, and the latest at which it must be. Whatever was
//! open stays open as long as the table leads there.

use super::decide::{Ask, Verdict, climb};
use super::plan::{PREFERENCE_HOLDS, PREFERENCE_HOLDS_AT_RISK, Plan};
use super::service::Service;
use meishier_model::{Mono, Now};
use std::time::Duration;

/// One pool of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The pool.
    pub pool: u16,
    /// From when on it may be open.
    pub early: Mono,
    /// From when on it must be.
    pub late: Mono,
    /// The table leads there no more; who has not heard may still go there until then.
    pub until: Option<Mono>,
}

/// What a caller is entitled to.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Pools in order.
    pub rings: Vec<Ring>,
    /// Every pool that the table ever led to, in this call.
    pub ever: Vec<u16>,
    /// Place in line.
    pub stamp: Mono,
    /// When it began to wait, this time.
    pub since: Mono,
    /// Priority class.
    pub class: u8,
    /// Risk flag.
    pub risk: bool,
    /// Held for nuisance.
    pub nuisance: bool,
    /// Skills that are needed.
    pub required: u64,
    /// Skills that are held out for.
    pub preferred: u64,
    /// Those of them that may have fallen already: one's own counsellor need not have them.
    pub spared: u64,
    /// Those of them that nobody has who could be asked in time: they bind no more.
    pub fallen: u64,
    /// When the last of these fell.
    pub fell: Mono,
    /// Until when they are held out for.
    pub held_until: Mono,
    /// Whose caller it is.
    pub own: Option<u32>,
    /// It may be somebody's whom the judges do not know.
    pub own_unsure: bool,
    /// What was asked.
    pub ask: Ask,
    /// What the file answers.
    pub verdict: Verdict,
    /// What else it may answer, since the state of a pool at which it looks cannot be told.
    pub others: Vec<Verdict>,
    /// What is known of the number may not have reached every shard.
    pub vague: bool,
    /// Class and pools may not be what they were a moment ago.
    pub shifting_until: Mono,
}

/// The pools at a moment, as far as the judges know.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Pools that take calls for sure.
    pub surely: Vec<bool>,
    /// Pools that may.
    pub maybe: Vec<bool>,
    /// The same two of who waits already: lines in use count only once they have been so for long.
    pub surely_waiting: Vec<bool>,
    /// Pools that may, for whoever waits.
    pub maybe_waiting: Vec<bool>,
    /// Pools that may but for their lines.
    pub but_for_lines: Vec<bool>,
    /// Of each pool: skills that somebody there has for sure, and that somebody may have.
    pub skills: Vec<(u64, u64)>,
    /// Counsellors who take calls for sure.
    pub seated: Vec<u32>,
    /// How long a change may be unknown to some shard.
    pub window: Duration,
    /// In which states pools may be at which routes look.
    pub states: Service,
}

impl Claim {
    /// Its pools in words: when each may open and when it must, seconds from now.
    #[must_use]
    pub fn told(&self, now: Mono) -> String {
        let s = |at: Mono| match at {
            Mono(u64::MAX) => f64::INFINITY,
            at => (at.0 as f64 - now.0 as f64) / 1e6,
        };
        let ring = |ring: &Ring| {
            let (early, late) = (s(ring.early), s(ring.late));
            format!("pool {} {early:.3} to {late:.3}", ring.pool)
        };
        let rings: Vec<String> = self.rings.iter().map(ring).collect();
        let (risk, nuisance) = (self.risk, self.nuisance);
        let route = self.verdict.route;
        let rings = rings.join(", ");
        format!("{rings}; route {route}, risk {risk}, nuisance {nuisance}")
    }

    /// Everything that the file may answer.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        std::iter::once(&self.verdict).chain(&self.others)
    }

    /// Skills that must bind, if preferences up to `by` have fallen.
    #[must_use]
    pub fn least(&self, by: Mono) -> u64 {
        let soon = self.risk && self.stamp + PREFERENCE_HOLDS_AT_RISK <= by;
        if soon || self.held_until <= by {
            self.required
        } else {
            self.required | (self.preferred & !self.spared)
        }
    }

    /// Skills that may bind.
    #[must_use]
    pub fn needs(&self, by: Mono) -> u64 {
        if self.held_until <= by {
            self.required
        } else {
            self.required | (self.preferred & !self.fallen)
        }
    }

    /// Pools that must be open at `by`, with the moment.
    pub fn open(&self, by: Mono) -> impl Iterator<Item = (u16, Mono)> + '_ {
        let open = self.rings.iter().filter(move |ring| ring.late <= by);
        open.map(|ring| (ring.pool, ring.late))
    }

    /// Pools that may be open at `by`.
    pub fn maybe_open(&self, by: Mono) -> impl Iterator<Item = u16> + '_ {
        let open = self.rings.iter().filter(move |ring| ring.early <= by);
        open.map(|ring| ring.pool)
    }

    /// The claim of a call that arrives now.
    pub(super) fn new(plan: &Plan, now: Now, ask: Ask, stamp: Mono, view: &View) -> Self {
        let mut out = Self {
            stamp,
            since: now.mono,
            held_until: (stamp + PREFERENCE_HOLDS).max(now.mono),
            ask,
            ..Self::default()
        };
        let pools = (view, view.surely.as_slice(), view.maybe.as_slice());
        out.decide(plan, now, Mono(0), pools, Vec::new());
        // Nothing was decided before that somebody may still go by.
        out.shifting_until = Mono(0);
        out
    }

    /// Decides anew. `fired`: up to when the call's timers have fired for sure; `looked`: whether its
    /// shard has seen for sure by now which pools stay full; `stale`: what was decided before may hold
    /// yet, for want of a look.
    pub(super) fn renew(
        &mut self,
        plan: &Plan,
        now: Now,
        (fired, looked, stale): (Mono, bool, bool),
        view: &View,
    ) {
        let maybe = if looked {
            &view.maybe_waiting
        } else {
            &view.but_for_lines
        };
        let before = match stale {
            true => self.verdicts().cloned().collect(),
            false => Vec::new(),
        };
        let pools = (view, view.surely_waiting.as_slice(), maybe.as_slice());
        self.decide(plan, now, fired, pools, before);
    }

    fn decide(
        &mut self,
        plan: &Plan,
        now: Now,
        fired: Mono,
        (view, surely, maybe): (&View, &[bool], &[bool]),
        before: Vec<Verdict>,
    ) {
        let mut others = plan.verdicts(&self.ask, now.wall, &view.states);
        let mut verdict = others.remove(0);
        // What a state changes beside the pools, the judges cannot follow, and say so.
        let alike = |other: &Verdict| verdict.asks() == other.asks();
        verdict.unlisted |= !others.iter().all(alike);
        for old in before {
            if old != verdict && !others.contains(&old) && old.asks() == verdict.asks() {
                others.push(old);
            }
        }
        let policies = &plan.policies;
        (self.required, self.preferred) = (verdict.required, verdict.preferred);
        let same = self.verdict.tiers == verdict.tiers && self.others == others;
        let shifts = verdict.class != self.class || !same;
        if shifts {
            self.shifting_until = now.mono + view.window;
        }
        self.class = verdict.class;
        self.nuisance = verdict.nuisance;
        self.risk |= verdict.risk;
        self.own = verdict.own.or(self.own);
        if let Some(own) = self.own {
            self.spared |= self.preferred & !(plan.skills(own) & !policies.fresh);
        } else if self.own_unsure {
            self.spared |= self.preferred;
        }
        let hold = self.since + policies.own_hold;
        let may_hold = self.own.is_some() || self.own_unsure;
        let all = || std::iter::once(&verdict).chain(&others);
        let early = widest(all(), |pool| has(surely, pool), Duration::min);
        let late = widest(all(), |pool| has(maybe, pool), Duration::max);
        let certain = |pool| all().all(|it| it.tiers.iter().any(|tier| tier.0.contains(&pool)));
        let mut rings = Vec::with_capacity(early.len() + 1);
        for ((pool, soon), (_, by)) in early.into_iter().zip(late) {
            if !self.ever.contains(&pool) {
                self.ever.push(pool);
            }
            let before = self.rings.iter().find(|ring| ring.pool == pool);
            // A counsellor in a conversation is not waited for.
            let soon = self.stamp + soon;
            let by = match certain(pool) {
                true => (self.stamp + by).max(if may_hold { hold } else { Mono(0) }),
                false => Mono(u64::MAX),
            };
            // Nobody loses by it if a pool that takes calls again is not heeded at once.
            let was_maybe = before.filter(|ring| ring.early <= now.mono.max(soon) && same);
            let was_maybe = was_maybe.or(before.filter(|ring| ring.early <= now.mono));
            let was_surely = before.filter(|ring| ring.late <= fired && ring.until.is_none());
            // Who may be led elsewhere by now need not have it open any more.
            let was_surely = was_surely.filter(|_| certain(pool));
            rings.push(Ring {
                pool,
                early: was_maybe.map_or(soon, |ring| ring.early),
                late: was_surely.map_or(by.max(now.mono), |ring| ring.late),
                until: None,
            });
        }
        let led = all().flat_map(|it| it.tiers.iter().flat_map(|tier| &tier.0));
        let sure = led.clone().any(|pool| has(surely, *pool));
        for pool in all().flat_map(|it| &it.behind) {
            // Who was led there stays there until decided anew, which a line that is free again is
            // no reason for.
            let had = self.rings.iter().any(|it| it.pool == *pool);
            if (had || !sure) && !rings.iter().any(|it| it.pool == *pool) {
                self.ever.push(*pool);
                rings.push(Ring {
                    pool: *pool,
                    early: self.stamp,
                    late: Mono(u64::MAX),
                    until: None,
                });
            }
        }
        for ring in &self.rings {
            let until = ring.until.unwrap_or(now.mono + view.window);
            let named = rings.iter().any(|it| it.pool == ring.pool);
            if !named && ring.early <= now.mono && now.mono < until {
                rings.push(Ring {
                    late: Mono(u64::MAX),
                    until: Some(until),
                    ..*ring
                });
            }
        }
        self.rings = rings;
        self.verdict = verdict;
        self.others = others;
        self.let_fall(now.mono, policies.fresh, view);
    }

    /// What nobody has who would be asked before it falls, falls at once.
    fn let_fall(&mut self, now: Mono, fresh: u64, view: &View) {
        let holds = if self.risk {
            PREFERENCE_HOLDS_AT_RISK
        } else {
            PREFERENCE_HOLDS
        };
        let end = self.stamp + holds;
        let (mut sure, mut maybe) = (fresh, fresh);
        for ring in &self.rings {
            let of_pool = view.skills.get(usize::from(ring.pool));
            let (has, may_have) = of_pool.copied().unwrap_or_default();
            if ring.late < end && ring.until.is_none() {
                sure |= has;
            }
            if ring.early < end {
                maybe |= may_have;
            }
        }
        self.spared |= self.preferred & !sure;
        let fallen = (self.fallen & self.preferred) | (self.preferred & !maybe);
        if fallen & !self.fallen != 0 {
            self.fell = now;
        }
        self.fallen = fallen;
    }
}

/// The pools of all ladders, in the order in which they are first named, and of the moments at which
/// each opens the one that `pick` takes.
fn widest<'a>(
    verdicts: impl Iterator<Item = &'a Verdict>,
    takes: impl Fn(u16) -> bool,
    pick: fn(Duration, Duration) -> Duration,
) -> Vec<(u16, Duration)> {
    let mut out: Vec<(u16, Duration)> = Vec::new();
    for (pool, at) in verdicts.flat_map(|verdict| climb(&verdict.tiers, &takes)) {
        match out.iter_mut().find(|ring| ring.0 == pool) {
            Some(ring) => ring.1 = pick(ring.1, at),
            None => out.push((pool, at)),
        }
    }
    out
}

fn has(list: &[bool], pool: u16) -> bool {
    list.get(usize::from(pool)).copied().unwrap_or(false)
}
