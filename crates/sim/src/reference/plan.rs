//! What the configuration promises, read from the file's text.

use super::hours::{Clock, Shift};
use super::number::plain;
use meishier_model::{Mono, Now, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a preference holds a caller back, by the architecture.
pub const PREFERENCE_HOLDS: Duration = Duration::from_secs(20);
/// Class of a caller whom no route puts elsewhere.
pub const ORDINARY: u8 = 4;

/// The file as the judges read it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Shards of the engine.
    pub shards: u16,
    /// RFC 3261's T1.
    pub t1: Duration,
    /// Host of the engine's own addresses.
    pub domain: String,
    /// Zone and holidays.
    pub clock: Clock,
    /// Trunks in order.
    pub trunks: Vec<TrunkPlan>,
    /// Pools in order.
    pub pools: Vec<PoolPlan>,
    /// Seats in order.
    pub seats: Vec<SeatPlan>,
    /// Seats by name.
    pub seat_names: BTreeMap<String, u32>,
    /// Counsellors in order.
    pub counsellors: Vec<CounsellorPlan>,
    /// Counsellors by account.
    pub accounts: BTreeMap<String, u32>,
    /// Routes in order.
    pub routes: Vec<RoutePlan>,
    /// Index of the default route.
    pub default: usize,
    /// Ring limit of an offer.
    pub ring: Duration,
    /// Rest after a refusal or an offer that rang out.
    pub backoff: Duration,
    /// Rest after a conversation.
    pub wrapup: Duration,
    /// Offers in a row that ring out before the seat is paused; 0 never.
    pub pause_after: u8,
    /// Waiting that equals one class.
    pub ageing: Duration,
    /// Calls that one shard carries at most: twice its even share of `max_calls`, 16 at least.
    pub most_calls: usize,
    /// Callers who may wait.
    pub max_waiting: usize,
    /// Ring limits of the transfer keys.
    pub keys: BTreeMap<String, Duration>,
    /// What could not be read.
    pub broken: Option<String>,
}

/// One trunk.
#[derive(Clone, Debug)]
pub struct TrunkPlan {
    /// Its name.
    pub name: String,
    /// Who may call over it; port 0 for any.
    pub peers: Vec<(IpAddr, u16)>,
}

/// One pool.
#[derive(Clone, Debug)]
pub struct PoolPlan {
    /// Its name.
    pub name: String,
    /// Its shifts.
    pub shifts: Vec<Shift>,
}

/// One seat.
#[derive(Clone, Debug)]
pub struct SeatPlan {
    /// Its name.
    pub name: String,
    /// Its pools.
    pub pools: Vec<u16>,
    /// True if it does not register.
    pub fixed: bool,
}

/// One counsellor.
#[derive(Clone, Debug)]
pub struct CounsellorPlan {
    /// The account.
    pub account: String,
    /// The PIN.
    pub pin: String,
    /// One bit for each skill.
    pub skills: u64,
    /// Permitted seats; `None` for any.
    pub seats: Option<BTreeSet<u32>>,
    /// From when on the qualification is void.
    pub expires: Option<Wall>,
    /// Seat at start, and whether ready there.
    pub start: Option<(u32, bool)>,
}

/// One route.
#[derive(Clone, Debug)]
pub struct RoutePlan {
    /// Numbers dialled; empty for all.
    pub called: Vec<String>,
    /// First digits of callers; empty for all.
    pub callers: Vec<String>,
    /// Trunks; empty for all.
    pub trunks: Vec<u16>,
    /// Pools with the time from the arrival.
    pub rings: Vec<(u16, Duration)>,
    /// Priority class.
    pub class: u8,
    /// Risk flag.
    pub risk: bool,
    /// Skills that are needed.
    pub required: u64,
    /// Skills that are held out for [`PREFERENCE_HOLDS`].
    pub preferred: u64,
}

/// What a caller is entitled to, fixed on arrival.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Pools with the moment at which each opens for this caller.
    pub rings: Vec<(u16, Mono)>,
    /// Priority class.
    pub class: u8,
    /// Risk flag.
    pub risk: bool,
    /// Skills that are needed.
    pub required: u64,
    /// Skills that are held out for.
    pub preferred: u64,
    /// Until when they are.
    pub held_until: Mono,
}

impl Claim {
    /// Skills that bind, if preferences up to `by` have fallen.
    #[must_use]
    pub fn needs(&self, by: Mono) -> u64 {
        if self.held_until <= by {
            self.required
        } else {
            self.required | self.preferred
        }
    }

    /// Pools whose time has come at `by`.
    pub fn open(&self, by: Mono) -> impl Iterator<Item = (u16, Mono)> + '_ {
        self.rings.iter().copied().filter(move |ring| ring.1 <= by)
    }
}

impl Plan {
    /// The trunk from which a source calls, if it is one.
    #[must_use]
    pub fn trunk_of(&self, from: SocketAddr) -> Option<u16> {
        let ip = from.ip().to_canonical();
        let is = |peer: &(IpAddr, u16)| {
            peer.0.to_canonical() == ip && (peer.1 == 0 || peer.1 == from.port())
        };
        let found = self
            .trunks
            .iter()
            .position(|trunk| trunk.peers.iter().any(is));
        found.and_then(|index| u16::try_from(index).ok())
    }

    /// Lines of every pool by the schedule.
    #[must_use]
    pub fn lines(&self, wall: Wall) -> Vec<u16> {
        let (date, minute) = self.clock.civil(wall);
        let lines = |pool: &PoolPlan| self.clock.lines(&pool.shifts, date, minute);
        self.pools.iter().map(lines).collect()
    }

    /// The route of a call: the first that fits, else the default.
    #[must_use]
    pub fn route(&self, trunk: u16, caller: &str, called: &str) -> Option<&RoutePlan> {
        let (caller, called) = (plain(caller), plain(called));
        let fits = |route: &&RoutePlan| {
            (route.called.is_empty() || route.called.contains(&called))
                && (route.trunks.is_empty() || route.trunks.contains(&trunk))
                && (route.callers.is_empty()
                    || route
                        .callers
                        .iter()
                        .any(|head| caller.starts_with(head.as_str())))
        };
        let found = self.routes.iter().find(fits);
        found.or_else(|| self.routes.get(self.default))
    }

    /// What a caller is entitled to who arrives now. A pool that is closed on arrival keeps nobody
    /// waiting: its share of the time before the next pool falls away.
    #[must_use]
    pub fn claim(&self, route: &RoutePlan, now: Now) -> Claim {
        let lines = self.lines(now.wall);
        let mut rings = Vec::with_capacity(route.rings.len());
        let mut wait = Duration::ZERO;
        for (index, (pool, after)) in route.rings.iter().enumerate() {
            rings.push((*pool, now.mono + wait));
            let open = lines
                .get(usize::from(*pool))
                .is_some_and(|lines| *lines > 0);
            if let (true, Some((_, next))) = (open, route.rings.get(index + 1)) {
                wait += next.saturating_sub(*after);
            }
        }
        Claim {
            rings,
            class: route.class,
            risk: route.risk,
            required: route.required,
            preferred: route.preferred,
            held_until: now.mono + PREFERENCE_HOLDS,
        }
    }

    /// True if this person may sit there at this moment.
    #[must_use]
    pub fn permits(&self, counsellor: u32, seat: u32, wall: Wall) -> bool {
        self.counsellors.get(counsellor as usize).is_some_and(|c| {
            c.seats.as_ref().is_none_or(|seats| seats.contains(&seat))
                && c.expires.is_none_or(|expires| wall < expires)
        })
    }

    /// One bit for each skill of a counsellor.
    #[must_use]
    pub fn skills(&self, counsellor: u32) -> u64 {
        self.counsellors
            .get(counsellor as usize)
            .map_or(0, |c| c.skills)
    }

    /// Pools of a seat.
    #[must_use]
    pub fn pools_of(&self, seat: u32) -> &[u16] {
        self.seats
            .get(seat as usize)
            .map_or(&[], |seat| &seat.pools)
    }

    /// 64·T1, after which a party that says nothing counts as gone (RFC 3261 §17.1.1.2).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }
}
