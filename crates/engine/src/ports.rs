//! The RTP ports of a shard, handed out oldest first, so that a port rests before it is used again.

use meishier_model::PortId;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

#[derive(Debug)]
pub(crate) struct Ports {
    free: VecDeque<PortId>,
    address: BTreeMap<PortId, SocketAddr>,
}

impl Ports {
    pub(crate) fn new(ports: Vec<(PortId, SocketAddr)>) -> Self {
        Self {
            free: ports.iter().map(|p| p.0).collect(),
            address: ports.into_iter().collect(),
        }
    }

    pub(crate) fn take(&mut self) -> Option<(PortId, SocketAddr)> {
        let port = self.free.pop_front()?;
        Some((port, *self.address.get(&port)?))
    }

    pub(crate) fn give_back(&mut self, port: PortId) {
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
}
