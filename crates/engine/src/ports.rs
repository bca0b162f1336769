//! The RTP ports of a shard and whose they are. They are handed out oldest first, so that a port
//! rests before it is used again.
//!
//! Every call that waits will need a port for the seat that answers it. A call is let in only
//! while there is one left for each that can be answered at the same time, so that no ready seat
//! is ever offered a call that has no port for it.
//!
//! A sixth of all ports is kept for callers at risk and for their seats: others are let in only
//! while so many callers at risk can follow them. Once these are used up too, nobody is let in;
//! nobody who was let in is thrown out for it.
//!
//! A few ports of each network are kept for those who are called for an emergency: no caller is let in
//! by them, and nobody else is called by them.
//!
//! Each network has ports of its own, as whoever bound them says: two networks may be seen
//! under one address. A call between two
//! networks takes one in each; a caller is let in only if its seat will find one, wherever it is.

use meishier_config::Config;
use meishier_model::{CallId, PortId};
use meishier_transfer::ThirdId;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// One of so many places, of ports and of calls, is kept for callers at risk: of all callers of a
/// hotline 14 to 20% are.
pub(crate) const KEPT_FOR_RISK: usize = 6;

/// Ports of a network that are kept for emergencies: one of so many, and no more than this.
const KEPT_FOR_EMERGENCY: (usize, usize) = (20, 4);

/// Whose RTP port it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortOwner {
    Caller(CallId),
    Seat(CallId),
    Target(CallId, ThirdId),
    Service(u64),
}

/// One RTP port, as it was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundPort {
    /// Its number, the same for the life of the process.
    pub id: PortId,
    /// What descriptions say of it.
    pub address: SocketAddr,
    /// Index of its network in the configuration; `None` for one of `[rtp]` itself.
    pub network: Option<u8>,
}

/// The ports of one network.
#[derive(Debug, Default)]
struct Pool {
    free: VecDeque<PortId>,
    /// How many there are, used or not.
    all: usize,
    /// Seats of this network, and how many of them have a port.
    seats: usize,
    seated: usize,
}

impl Pool {
    fn kept(&self) -> usize {
        let (one_of, most) = KEPT_FOR_EMERGENCY;
        (self.all / one_of).min(most)
    }
}

#[derive(Debug)]
pub(crate) struct Ports {
    /// That of `[rtp]`, then one each of the configuration's networks.
    pools: Vec<Pool>,
    /// Where each port is, and in which of [`Ports::pools`].
    address: BTreeMap<PortId, (SocketAddr, usize)>,
    owners: BTreeMap<PortId, PortOwner>,
    callers: usize,
    seats: usize,
}

/// The place of a network in [`Ports::pools`].
fn place(network: Option<u8>) -> usize {
    network.map_or(0, |index| usize::from(index) + 1)
}

impl Ports {
    pub(crate) fn new(ports: Vec<BoundPort>, config: &Config) -> Self {
        let mut pools = Vec::new();
        pools.resize_with(config.networks.len() + 1, Pool::default);
        let mut address = BTreeMap::new();
        for port in ports {
            let index = place(port.network);
            if let Some(pool) = pools.get_mut(index) {
                pool.free.push_back(port.id);
                pool.all += 1;
                address.insert(port.id, (port.address, index));
            }
        }
        for seat in &config.seats {
            if let Some(pool) = pools.get_mut(place(seat.network)) {
                pool.seats += 1;
            }
        }
        Self {
            pools,
            address,
            owners: BTreeMap::new(),
            callers: 0,
            seats: 0,
        }
    }

    /// A port for a caller from a network, if one is left for its seat too, wherever that is. Whoever
    /// is not at `risk` leaves the reserve alone.
    pub(crate) fn take_for_caller(
        &mut self,
        network: Option<u8>,
        risk: bool,
    ) -> Option<(PortId, SocketAddr)> {
        let home = place(network);
        let kept = if risk { 0 } else { self.kept_for_risk(home) };
        let more = 1 + kept;
        let unanswered = (self.callers + more).saturating_sub(self.seats);
        let enough = self.pools.iter().enumerate().all(|(index, pool)| {
            let promised = unanswered.min(pool.seats.saturating_sub(pool.seated));
            let own = if index == home { more } else { 0 };
            pool.free.len() >= own + promised + pool.kept()
        });
        if !enough {
            return None;
        }
        self.take(network)
    }

    /// How many callers at risk from a network must still find room when another caller is let in: they
    /// and their seats a sixth of what is there, wherever there is least.
    fn kept_for_risk(&self, home: usize) -> usize {
        let pools = self.pools.iter().enumerate();
        let shares = pools.filter_map(|(index, pool)| {
            let each = usize::from(index == home) + usize::from(pool.seats > 0);
            (pool.all / KEPT_FOR_RISK).checked_div(each)
        });
        shares.min().unwrap_or(0)
    }

    /// Ports that nobody uses, and all.
    pub(crate) fn room(&self) -> (usize, usize) {
        let free = self.pools.iter().map(|pool| pool.free.len());
        (free.sum(), self.address.len())
    }

    /// A port of a network for somebody who was promised none; what is kept for emergencies stays.
    pub(crate) fn take_spare(&mut self, network: Option<u8>) -> Option<(PortId, SocketAddr)> {
        let pool = self.pools.get(place(network))?;
        let spare = pool.free.len() > pool.kept();
        spare.then(|| self.take(network)).flatten()
    }

    /// A port of a network, for the seat of a caller who was let in, or for an emergency.
    pub(crate) fn take(&mut self, network: Option<u8>) -> Option<(PortId, SocketAddr)> {
        let pool = self.pools.get_mut(place(network))?;
        let port = pool.free.pop_front()?;
        Some((port, self.address.get(&port)?.0))
    }

    /// Says whose a port is that was taken.
    pub(crate) fn own(&mut self, port: PortId, owner: PortOwner) {
        self.count(port, owner, 1);
        if let Some(before) = self.owners.insert(port, owner) {
            self.count(port, before, -1);
        }
    }

    pub(crate) fn owner(&self, port: PortId) -> Option<PortOwner> {
        self.owners.get(&port).copied()
    }

    pub(crate) fn give_back(&mut self, port: PortId) {
        if let Some(owner) = self.owners.remove(&port) {
            self.count(port, owner, -1);
        }
        let pool = self.address.get(&port).map(|(_, pool)| *pool);
        if let Some(pool) = pool.and_then(|index| self.pools.get_mut(index)) {
            pool.free.push_back(port);
        }
    }

    pub(crate) fn address(&self, port: PortId) -> Option<SocketAddr> {
        self.address.get(&port).map(|(address, _)| *address)
    }

    /// Takes a certain port (a restored call's).
    pub(crate) fn take_this(&mut self, port: PortId) {
        for pool in &mut self.pools {
            pool.free.retain(|p| *p != port);
        }
    }

    pub(crate) fn in_use(&self) -> usize {
        let (free, all) = self.room();
        all - free
    }

    fn count(&mut self, port: PortId, owner: PortOwner, change: isize) {
        let counter = match owner {
            PortOwner::Caller(_) => &mut self.callers,
            PortOwner::Seat(_) => &mut self.seats,
            PortOwner::Target(..) | PortOwner::Service(_) => return,
        };
        *counter = counter.saturating_add_signed(change);
        let pool = self.address.get(&port).map(|(_, pool)| *pool);
        if let (PortOwner::Seat(_), Some(pool)) =
            (owner, pool.and_then(|it| self.pools.get_mut(it)))
        {
            pool.seated = pool.seated.saturating_add_signed(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const SEAT: PortOwner = PortOwner::Seat(CallId(1));
    const CALLER: PortOwner = PortOwner::Caller(CallId(1));

    /// The common network, then others: so many ports and so many seats in each.
    fn ports(networks: &[(u32, usize)]) -> Ports {
        let mut ports = Ports {
            pools: Vec::new(),
            address: BTreeMap::new(),
            owners: BTreeMap::new(),
            callers: 0,
            seats: 0,
        };
        for (index, (count, seats)) in networks.iter().enumerate() {
            let numbers = (0..*count).map(|n| PortId(n + 1000 * index as u32));
            let free: VecDeque<PortId> = numbers.collect();
            for port in &free {
                let at = SocketAddr::from(([10, 0, 0, index as u8], 20000));
                ports.address.insert(*port, (at, index));
            }
            ports.pools.push(Pool {
                all: free.len(),
                free,
                seats: *seats,
                seated: 0,
            });
        }
        ports
    }

    /// Lets callers in from a network until there is no room; how many.
    fn callers(ports: &mut Ports, network: Option<u8>, risk: bool) -> usize {
        let mut count = 0;
        while let Some((port, _)) = ports.take_for_caller(network, risk) {
            ports.own(port, CALLER);
            count += 1;
        }
        count
    }

    #[test]
    fn every_caller_that_is_let_in_finds_a_port_for_each_seat_that_can_answer() {
        // Callers come by the first network, seats are in the second.
        let mut all = ports(&[(0, 0), (100, 0), (4, 10)]);
        assert_eq!(
            callers(&mut all, Some(0), true),
            4,
            "four could be answered"
        );
        for _ in 0..4 {
            let taken = all.take(Some(1));
            let address = taken.map(|(_, address)| address.ip());
            assert_eq!(address, Some(IpAddr::from([10, 0, 0, 2])));
            taken.inspect(|(port, _)| all.own(*port, SEAT));
        }
        assert_eq!(all.take(Some(1)), None);
        assert_eq!(callers(&mut all, Some(0), true), 0);
        assert_eq!(all.in_use(), 8);
    }

    #[test]
    fn seats_that_all_have_a_port_hold_nobody_up() {
        let mut all = ports(&[(0, 0), (100, 0), (12, 12)]);
        assert_eq!(callers(&mut all, Some(0), true), 100 - 4);
    }

    #[test]
    fn the_reserve_is_a_sixth_of_what_is_scarce() {
        let mut one = ports(&[(120, 500)]);
        // 120 / 6 / 2 callers at risk and their seats; four are for emergencies.
        assert_eq!(callers(&mut one, None, false), 48);
        assert_eq!(callers(&mut one, None, true), 10);
        let mut two = ports(&[(0, 0), (120, 0), (60, 500)]);
        assert_eq!(callers(&mut two, Some(0), false), 47);
        assert_eq!(callers(&mut two, Some(0), true), 10);
    }

    #[test]
    fn the_last_ports_are_for_emergencies() {
        let mut all = ports(&[(40, 500)]);
        callers(&mut all, None, true);
        while all.take_spare(None).is_some() {}
        assert_eq!(all.room(), (2, 40), "a twentieth");
        assert!(all.take(None).is_some() && all.take(None).is_some());
        assert_eq!(all.take(None), None);
    }

    #[test]
    fn what_comes_back_goes_to_its_own_network() {
        let mut all = ports(&[(1, 1), (1, 1)]);
        let port = all.take(Some(0)).map_or(PortId(u32::MAX), |(port, _)| port);
        all.own(port, SEAT);
        assert_eq!((all.take(Some(0)), all.pools[1].seated), (None, 1));
        all.give_back(port);
        assert_eq!((all.pools[1].free.len(), all.pools[1].seated), (1, 0));
        all.take_this(port);
        assert_eq!(all.room(), (1, 2));
    }
}
