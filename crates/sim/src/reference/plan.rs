//! What the configuration promises, read from the file's text.

use super::hours::{Clock, Shift};
use super::policy::{Policies, Step, When};
use super::presses::KeyPlan;
use meishier_model::Wall;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a preference holds a caller back, by the architecture.
pub const PREFERENCE_HOLDS: Duration = Duration::from_secs(20);
/// The same of a caller at risk.
pub const PREFERENCE_HOLDS_AT_RISK: Duration = Duration::from_secs(5);
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
    /// Seats of each pool.
    pub pool_seats: Vec<Vec<u32>>,
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
    /// What holds across all routes.
    pub policies: Policies,
    /// Which version of the text it is.
    pub hash: String,
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
    /// The transfer keys.
    pub keys: BTreeMap<String, KeyPlan>,
    /// Which of them calls the second line in by itself: the first of its kind.
    pub second: Option<String>,
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
    /// Area code of numbers that come without one; empty if none is said.
    pub area_code: String,
    /// What it says of the caller's cell is believed.
    pub cell: bool,
    /// What it says of forwards, or in old headers, is believed, of which the judges know nothing.
    pub forwards: bool,
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
    /// Its name.
    pub name: String,
    /// Whom it is for.
    pub when: When,
    /// Where it leads, those that follow it included.
    pub steps: Vec<Step>,
    /// Priority class.
    pub class: u8,
    /// Risk flag.
    pub risk: bool,
    /// Skills that are needed.
    pub required: u64,
    /// Skills that are held out for [`PREFERENCE_HOLDS`].
    pub preferred: u64,
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

    /// Seats of a pool.
    #[must_use]
    pub fn seats_of(&self, pool: u16) -> &[u32] {
        let seats = self.pool_seats.get(usize::from(pool));
        seats.map_or(&[], Vec::as_slice)
    }

    /// 64·T1, after which a party that says nothing counts as gone (RFC 3261 §17.1.1.2).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }
}
