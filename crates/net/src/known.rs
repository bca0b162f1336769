//! Whose connections are no strangers' to us, by their address and by the certificate that they show.

use crate::identity::is_of;
use meishier_engine::config::{Config, SeatContact, Transport};
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
            for peer in trunk.peers.iter().copied().chain(trunk.out) {
                known.hosts.insert(peer.ip().to_canonical());
                if trunk.transport == Transport::Tls {
                    let name = trunk.tls_name.clone();
                    let name = name.and_then(|name| ServerName::try_from(name).ok());
                    let name = name.unwrap_or_else(|| ServerName::from(peer.ip()));
                    known.named.push((peer, name));
                }
            }
        }
        for seat in &config.seats {
            if let SeatContact::Static { address, .. } = &seat.contact {
                known.hosts.insert(address.ip().to_canonical());
            }
        }
        known
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
