//! In which states pools may be, where routes look at them (NENA-STA-010.3, the serviceState
//! registry): each state is a bit, and a pool of which it cannot be told has several.

use super::books::Books;
use super::policy::Watched;
use meishier_engine::Phase;
use meishier_model::{Mono, Now};
use std::collections::VecDeque;
use std::time::Duration;

/// None of the others.
pub const NORMAL: u8 = 1;
/// Closed, or nobody there who takes calls.
pub const UNSTAFFED: u8 = 2;
/// Too many wait, or somebody too long.
pub const OVERLOADED: u8 = 4;
/// Closes soon.
pub const GOING_DOWN: u8 = 8;
/// Open, and no telephone can be reached; or so said by hand.
pub const DOWN: u8 = 16;

/// How often a shard looks at the clock for whoever waits: so late may it see that somebody has
/// waited too long, or that others do.
pub(super) const LOOKS: Duration = Duration::from_secs(1);

/// The state of this name in a file or in what people set, capitals and `_` aside.
#[must_use]
pub fn state(name: &str) -> Option<u8> {
    let name = name.replace('_', "").to_ascii_lowercase();
    Some(match name.as_str() {
        "normal" => NORMAL,
        "unstaffed" => UNSTAFFED,
        "overloaded" => OVERLOADED,
        "goingdown" => GOING_DOWN,
        "down" => DOWN,
        _ => return None,
    })
}

/// Watched pools with the states in which they may be; every other pool is normal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service(Vec<(u16, u8)>);

impl Service {
    /// The states in which a pool may be.
    #[must_use]
    pub fn of(&self, pool: u16) -> u8 {
        let found = self.0.iter().find(|row| row.0 == pool);
        found.map_or(NORMAL, |row| row.1)
    }

    /// Every one of the possible, each pool with one state.
    #[must_use]
    pub fn each(&self) -> Vec<Self> {
        let mut out = vec![Self::default()];
        for (pool, states) in &self.0 {
            let ones = (0..8).map(|bit| 1u8 << bit).filter(|one| states & one != 0);
            let ones: Vec<u8> = ones.collect();
            let with = |before: &Self| {
                let more = ones.iter().map(|one| {
                    let mut after = before.clone();
                    after.0.push((*pool, *one));
                    after
                });
                more.collect::<Vec<_>>()
            };
            out = out.iter().flat_map(with).collect();
        }
        out
    }
}

/// The states of watched pools over the last moments.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Of each watched pool: since when it may have been in which states, oldest first.
    past: Vec<VecDeque<(Mono, u8)>>,
}

impl Watch {
    /// Notes the states of this moment. True if they are not what they were.
    fn note(&mut self, now: Mono, span: Duration, states: &[u8]) -> bool {
        self.past.resize(states.len(), VecDeque::new());
        let mut changed = false;
        for (past, states) in self.past.iter_mut().zip(states) {
            if past.back().is_none_or(|last| last.1 != *states) {
                past.push_back((now, *states));
                changed = true;
            }
            // What ended longer ago than anybody may not know of it.
            while past.get(1).is_some_and(|next| now.since(next.0) > span) {
                past.pop_front();
            }
        }
        changed
    }

    /// True if some pool may be in several states.
    fn unsure(&self) -> bool {
        let several = |past: &VecDeque<(Mono, u8)>| {
            past.iter().fold(0, |set, it| set | it.1).count_ones() > 1
        };
        self.past.iter().any(several)
    }
}

impl Books {
    /// The states in which a watched pool may be at this moment, by the first clause that holds.
    fn states_of(&self, watched: &Watched, lines: &[u16], now: Now) -> u8 {
        let pool = watched.pool;
        if let Some((state, until)) = self.standing.hands.get(&pool) {
            match until {
                None => return *state,
                Some(until) if now.wall < *until => return *state,
                Some(_) => {}
            }
        }
        let open = lines.get(usize::from(pool)).is_some_and(|lines| *lines > 0);
        if !open {
            return UNSTAFFED;
        }
        let (mut reachable, mut staffed) = ((false, false), (false, false));
        for seat in self.plan.seats_of(pool) {
            let Some(book) = self.seats.get(*seat as usize) else {
                continue;
            };
            let unsure = book.unsure.is_some();
            let there = book.person.is_some() && !book.paused;
            reachable.0 |= book.reachable && !unsure;
            reachable.1 |= book.reachable || unsure;
            staffed.0 |= there && book.reachable && !unsure;
            staffed.1 |= there && book.reachable || unsure;
        }
        let mut out = 0;
        if !reachable.0 {
            out |= DOWN;
        }
        if reachable.1 && !staffed.0 {
            out |= UNSTAFFED;
        }
        if staffed.1 {
            out |= self.crowd(watched, now.mono);
        }
        out
    }

    /// Whether too many wait for a pool, or somebody too long.
    fn crowd(&self, watched: &Watched, now: Mono) -> u8 {
        let (mut least, mut most) = (0, 0);
        let (mut surely, mut maybe) = (false, false);
        for call in self.calls.values() {
            if !matches!(call.phase, Phase::Queued | Phase::Offered) {
                continue;
            }
            let claim = &call.claim;
            let may = claim.maybe_open(now).any(|pool| pool == watched.pool) || claim.vague;
            let must = claim.open(now).any(|(pool, _)| pool == watched.pool);
            let long = watched.wait.is_some_and(|wait| claim.stamp + wait <= now);
            // Who is matched or rings waits for nobody.
            let sure = must && call.waits() && !claim.vague;
            least += u64::from(sure);
            most += u64::from(may);
            surely |= sure && long;
            maybe |= may && long;
        }
        for (_, _, bid) in self.bids().filter(|it| it.2.pool == watched.pool) {
            let long = watched.wait.is_some_and(|wait| bid.stamp + wait <= now);
            let (sure, may) = (bid.open() && bid.decided.is_none(), bid.talks.is_none());
            least += u64::from(sure);
            most += u64::from(may);
            surely |= sure && long;
            maybe |= may && long;
        }
        let reaches = |count| watched.waiting.is_some_and(|limit| count >= limit);
        match (reaches(least) || surely, reaches(most) || maybe) {
            (true, _) => OVERLOADED,
            (false, true) => NORMAL | OVERLOADED,
            (false, false) => NORMAL,
        }
    }

    /// Looks at the watched pools. True while somebody may take them for something else.
    pub(super) fn watch_pools(&mut self, now: Now) -> bool {
        if self.plan.policies.watched.is_empty() {
            return false;
        }
        let lines = &self.due.1;
        let watched = self.plan.policies.watched.iter();
        let states: Vec<u8> = watched.map(|it| self.states_of(it, lines, now)).collect();
        let span = self.window(now.mono) + LOOKS * 2;
        let changed = self.standing.watch.note(now.mono, span, &states);
        changed || self.standing.watch.unsure()
    }

    /// In which states the watched pools may be for whoever decides.
    pub(super) fn service(&self) -> Service {
        let watched = self.plan.policies.watched.iter();
        let past = self.standing.watch.past.iter();
        let states = past.map(|past| past.iter().fold(0, |set, it| set | it.1));
        // Before the first look everything is possible.
        let states = states.chain(std::iter::repeat(NORMAL | UNSTAFFED | OVERLOADED | DOWN));
        Service(watched.map(|it| it.pool).zip(states).collect())
    }
}
