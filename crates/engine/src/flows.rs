//! By which way a peer is spoken to, and by which password a telephone may register.

use crate::shard::Shard;
use meishier_config::{Config, SeatContact};
use meishier_model::SeatId;
use meishier_signaling::{Flow, Transport};
use std::collections::BTreeMap;
use std::net::SocketAddr;

impl Shard {
    /// The seat's password, if it registers.
    pub(crate) fn password(
        config: &Config,
        names: &BTreeMap<String, SeatId>,
        user: &str,
    ) -> Option<String> {
        let seat = names.get(user)?;
        match &config.seats.get(seat.0 as usize)?.contact {
            SeatContact::Register { password } => Some(password.clone()),
            SeatContact::Static { .. } => None,
        }
    }

    /// Our address for a transport towards a peer: the one in its network; for a peer of none, rather
    /// one that is in none either.
    pub(crate) fn local_for(
        &self,
        transport: Transport,
        remote: SocketAddr,
        network: Option<u8>,
    ) -> Option<SocketAddr> {
        let fit = || {
            let fits = |a: &&(Transport, SocketAddr)| {
                a.0 == transport && a.1.is_ipv4() == remote.is_ipv4()
            };
            self.local.iter().filter(fits).map(|a| a.1)
        };
        let networks = &self.config.networks;
        match self.config.network(network) {
            Some(network) => fit().find(|a| a.ip() == network.shown()),
            None => {
                let outside = |a: &SocketAddr| networks.iter().all(|it| it.shown() != a.ip());
                fit().find(outside).or_else(|| fit().next())
            }
        }
    }

    pub(crate) fn flow_to(
        &self,
        transport: Transport,
        remote: SocketAddr,
        network: Option<u8>,
    ) -> Option<Flow> {
        let local = self.local_for(transport, remote, network)?;
        Some(Flow {
            transport,
            local,
            remote,
            connection: 0,
        })
    }
}
