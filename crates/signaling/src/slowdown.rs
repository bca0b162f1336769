//! Who guesses passwords waits, longer each time. By source and user, so that one telephone with a wrong
//! password shuts out neither the others behind its NAT nor its own user elsewhere; and by source alone
//! for who tries many users.
//!
//! ```text
//!   failures of one user from one source ── 5 free, then 1 s, 2 s, 4 s … 5 min before the next try
//!   users who failed from one source ────── 50 free, then the same up to 1 min; one less each minute
//!   a password proved ───────────────────── that user's are forgotten
//!   nothing for 15 min ──────────────────── forgotten
//! ```
//!
//! A user who fails again counts no more for its source: one telephone with an old password tries for
//! days, and those behind the same NAT have no part in it.
//!
//! A telephone that is registered from the very address and port that it asks from is never told to wait:
//! nobody can shut it out by failing in its name. Nothing is read of the passwords before it is decided who
//! waits, so that waiting says nothing of who exists.

use meishier_model::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Before the first wait: failures of one user from one source, and users who failed from one source.
const FREE: (u16, u16) = (5, 50);
/// Longest waits of the same.
const LONGEST: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(60));
/// After so long without a failure nothing is remembered.
const FORGET: Duration = Duration::from_secs(900);

/// After each of this a source has one user less: a large office with a few telephones that fail now and
/// then never comes to wait.
const DECAY: Duration = Duration::from_secs(60);

/// Whose failures: a source, and a user of it by a keyed hash or all (`None`).
type Who = (IpAddr, Option<u64>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u16,
    last: Mono,
    /// No try before this.
    until: Mono,
}

impl Failures {
    /// How many count now; those of a source fall.
    fn count_at(&self, now: Mono, falls: bool) -> u16 {
        let over = now.since(self.last).as_secs() / DECAY.as_secs();
        match falls {
            true => (self.count).saturating_sub(u16::try_from(over).unwrap_or(u16::MAX)),
            false => self.count,
        }
    }
}

/// What is remembered of failures.
#[derive(Debug, Default)]
pub struct Slowdown {
    failures: BTreeMap<Who, Failures>,
    /// By the time of the last one, the oldest first.
    by_age: BTreeSet<(Mono, Who)>,
}

impl Slowdown {
    /// Most entries; beyond them those whose last failure is the longest ago are forgotten.
    pub const MOST: usize = 8192;

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.failures.len()
    }

    /// True if nobody has failed lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty()
    }

    /// How long this user must wait before its next try from there; `None` if it need not. `user` is any
    /// number that stands for it.
    #[must_use]
    pub fn wait(&self, now: Mono, from: IpAddr, user: u64) -> Option<Duration> {
        let from = source(from);
        let until = |who: Who| self.failures.get(&who).map(|it| it.until);
        let until = until((from, Some(user))).max(until((from, None)))?;
        Some(until.since(now)).filter(|left| !left.is_zero())
    }

    /// A try failed.
    pub fn failed(&mut self, now: Mono, from: IpAddr, user: u64) {
        let from = source(from);
        self.forget_old(now);
        let again = self.failures.contains_key(&(from, Some(user)));
        self.note(now, (from, Some(user)), FREE.0, LONGEST.0);
        if !again {
            self.note(now, (from, None), FREE.1, LONGEST.1);
        }
    }

    /// A password was proved.
    pub fn passed(&mut self, from: IpAddr, user: u64) {
        let who = (source(from), Some(user));
        if let Some(it) = self.failures.remove(&who) {
            self.by_age.remove(&(it.last, who));
        }
    }

    fn note(&mut self, now: Mono, who: Who, free: u16, longest: Duration) {
        let before = self.failures.get(&who).copied();
        let counted = before.map_or(0, |it| it.count_at(now, who.1.is_none()));
        if let Some(it) = before {
            self.by_age.remove(&(it.last, who));
        } else if self.failures.len() >= Self::MOST
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.failures.remove(&oldest);
        }
        let count = counted.saturating_add(1);
        let wait = match count.checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(n) => Duration::from_secs(1 << u32::from(n - 1).min(16)).min(longest),
        };
        let it = Failures {
            count,
            last: now,
            until: now + wait,
        };
        self.failures.insert(who, it);
        self.by_age.insert((now, who));
    }

    fn forget_old(&mut self, now: Mono) {
        while let Some((last, who)) = self.by_age.first().copied() {
            if now.since(last) < FORGET {
                return;
            }
            self.by_age.pop_first();
            self.failures.remove(&who);
        }
    }
}

/// One source: an IPv4 address, or the network of an IPv6 one, of which anybody has a whole one.
pub(crate) fn source(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}
