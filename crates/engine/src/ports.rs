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

use meishier_model::{CallId, PortId};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// One of so many places, of ports and of calls, is kept for callers at risk: of all callers of a
/// hotline 14 to 20% are.
pub(crate) const KEPT_FOR_RISK: usize = 6;

/// Whose RTP port it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortOwner {
    Caller(CallId),
    Seat(CallId),
    Target(CallId),
    Service(u64),
}

#[derive(Debug)]
pub(crate) struct Ports {
    free: VecDeque<PortId>,
    address: BTreeMap<PortId, SocketAddr>,
    owners: BTreeMap<PortId, PortOwner>,
    callers: usize,
    seats: usize,
}

impl Ports {
    pub(crate) fn new(ports: Vec<(PortId, SocketAddr)>) -> Self {
        Self {
            free: ports.iter().map(|p| p.0).collect(),
            address: ports.into_iter().collect(),
            owners: BTreeMap::new(),
            callers: 0,
            seats: 0,
        }
    }

    /// A port for a caller, if one is left for its seat too; `seats` is how many seats there are.
    /// Whoever is not at `risk` leaves the reserve alone.
    pub(crate) fn take_for_caller(
        &mut self,
        seats: usize,
        risk: bool,
    ) -> Option<(PortId, SocketAddr)> {
        let kept = if risk { 0 } else { self.kept_for_risk() };
        let more = 1 + kept;
        let unanswered = (self.callers + more).saturating_sub(self.seats);
        let promised = unanswered.min(seats.saturating_sub(self.seats));
        if self.free.len() < more + promised {
            return None;
        }
        self.take()
    }

    /// How many callers at risk must still find room when another caller is let in.
    fn kept_for_risk(&self) -> usize {
        self.address.len() / KEPT_FOR_RISK / 2
    }

    /// Ports that nobody uses, and all.
    pub(crate) fn room(&self) -> (usize, usize) {
        (self.free.len(), self.address.len())
    }

    pub(crate) fn take(&mut self) -> Option<(PortId, SocketAddr)> {
        let port = self.free.pop_front()?;
        Some((port, *self.address.get(&port)?))
    }

    /// Says whose a port is that was taken.
    pub(crate) fn own(&mut self, port: PortId, owner: PortOwner) {
        self.count(owner, 1);
        if let Some(before) = self.owners.insert(port, owner) {
            self.count(before, -1);
        }
    }

    pub(crate) fn owner(&self, port: PortId) -> Option<PortOwner> {
        self.owners.get(&port).copied()
    }

    pub(crate) fn give_back(&mut self, port: PortId) {
        if let Some(owner) = self.owners.remove(&port) {
            self.count(owner, -1);
        }
        if self.address.contains_key(&port) {
            self.free.push_back(port);
        }
    }

    pub(crate) fn address(&self, port: PortId) -> Option<SocketAddr> {
        self.address.get(&port).copied()
    }

    /// Takes a certain port (a restored call's).
    pub(crate) fn take_this(&mut self, port: PortId) {
        self.free.retain(|p| *p != port);
    }

    pub(crate) fn in_use(&self) -> usize {
        self.address.len() - self.free.len()
    }

    fn count(&mut self, owner: PortOwner, change: isize) {
        let counter = match owner {
            PortOwner::Caller(_) => &mut self.callers,
            PortOwner::Seat(_) => &mut self.seats,
            PortOwner::Target(_) | PortOwner::Service(_) => return,
        };
        *counter = counter.saturating_add_signed(change);
    }
}
