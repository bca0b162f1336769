//! Whose connections are no strangers' to us, by their address and by the certificate that they show.

use crate::identity::is_of;
use meishier_engine::config::{Config, Destination, SeatContact, To, Transport, Trunk};
use rustls::pki_types::{CertificateDer, ServerName};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Everybody whom the configuration knows by address.
#[derive(Default)]
pub(crate) struct Known {
    hosts: BTreeSet<IpAddr>,
    /// Peers of trunks on TLS, port 0 for any, and what the certificate of each has to name.
    named: Vec<(SocketAddr, ServerName<'static>)>,
}

impl Known {
    pub(crate) fn new(config: &Config) -> Self {
        let mut known = Self::default();
        for trunk in &config.trunks {
            let out = trunk.to.iter().filter_map(To::address);
            for peer in trunk.peers.iter().copied().chain(out) {
                known.add(trunk, peer);
            }
        }
        for seat in &config.seats {
            if let SeatContact::Static { address, .. } = &seat.contact {
                known.hosts.insert(address.ip().to_canonical());
            }
        }
        known
    }

    /// Takes note of an address of a trunk.
    pub(crate) fn add(&mut self, trunk: &Trunk, peer: SocketAddr) {
        self.hosts.insert(peer.ip().to_canonical());
        if trunk.transport != Transport::Tls {
            return;
        }
        let own = trunk.tls_name.iter();
        let of_targets = trunk.to.iter().filter_map(|to| to.tls_name.as_ref());
        let of_names = trunk.to.iter().filter_map(|to| match &to.destination {
            Destination::Name { host, .. } => Some(host),
            Destination::Address(_) => None,
        });
        let mut names: Vec<&String> = own.chain(of_targets).collect();
        if names.is_empty() {
            names.extend(of_names.chain(&trunk.peer_names));
        }
        let names = names.into_iter().cloned();
        let names = names.filter_map(|name| ServerName::try_from(name).ok());
        let before = self.named.len();
        self.named.extend(names.map(|name| (peer, name)));
        if self.named.len() == before {
            self.named.push((peer, ServerName::from(peer.ip())));
        }
    }

    /// Whoever is at home at these.
    #[cfg(test)]
    pub(crate) fn of_hosts(hosts: impl IntoIterator<Item = IpAddr>) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            named: Vec::new(),
        }
    }

    /// True if somebody known is at home there.
    pub(crate) fn is_host(&self, address: IpAddr) -> bool {
        self.hosts.contains(&address.to_canonical())
    }

    /// True unless whoever shows this certificate has a trunk's address and is not the trunk (RFC
    /// 5922 §7.4). Who was not asked for one is believed by its address.
    pub(crate) fn is_genuine(
        &self,
        remote: SocketAddr,
        certificate: Option<&CertificateDer<'_>>,
    ) -> bool {
        let Some(certificate) = certificate else {
            return true;
        };
        let ip = remote.ip().to_canonical();
        let is_here = |it: &&(SocketAddr, ServerName<'_>)| {
            it.0.ip().to_canonical() == ip && [0, remote.port()].contains(&it.0.port())
        };
        let mut here = self.named.iter().filter(is_here).peekable();
        here.peek().is_none() || here.any(|(_, name)| is_of(certificate, name))
    }
}
