//! What `[sip]` says of sockets: transports, listeners, certificates.

#[cfg(doc)]
use crate::types::Sip;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Transport of SIP messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP, the default.
    #[default]
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP (RFC 3261 §26.3.1).
    Tls,
}

/// One listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Listen {
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// Address and port; port 0 takes any free one.
    pub address: SocketAddr,
    /// What Via and Contact say if it differs from the address and from [`Sip::advertised`]; port
    /// 0 stands for the one bound.
    pub advertised: Option<SocketAddr>,
    /// Code point of its packets (RFC 2474), 0 to 63.
    pub dscp: u8,
}

impl Listen {
    /// A listener that others see where it is, and whose packets are ordinary ones.
    #[must_use]
    pub fn new(transport: Transport, address: SocketAddr) -> Self {
        Self {
            transport,
            address,
            advertised: None,
            dscp: 0,
        }
    }
}

/// `[sip.tls]`: files in PEM. They are read at the start and again at every reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Our certificate and those between it and its root, ours first.
    pub certificate: PathBuf,
    /// The private key of it: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// Who may connect to us: only holders of certificates that these sign. Anybody if absent.
    pub client_ca: Option<PathBuf>,
    /// Whom we believe when we connect to a peer.
    pub trusted_ca: Option<PathBuf>,
}
