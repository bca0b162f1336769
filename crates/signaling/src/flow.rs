//! The path that a message takes: transport, both addresses and, on a stream, the connection.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A transport of SIP (RFC 3261 §18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transport {
    /// Datagrams: requests and final responses are retransmitted by the transactions.
    Udp,
    /// A stream: it repeats lost bytes by itself, so the transactions do not.
    Tcp,
    /// TLS over a stream (§26.2.1).
    Tls,
}

impl Transport {
    /// The name as it stands in a Via header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// True if the transport itself delivers or reports failure, so that no timer repeats a
    /// message (RFC 3261 §17.1.1.2).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls => true,
        }
    }
}

/// One path of messages between us and a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flow {
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// Our address: where the message arrived, or from where it leaves. Via and Contact name it.
    pub local: SocketAddr,
    /// The peer's address: where the message came from, or where it goes.
    pub remote: SocketAddr,
    /// The driver's number of the connection, and [`Flow::FOREIGN`]. 0 on UDP; 0 on TCP and TLS asks
    /// the driver to open one to `remote` if it has none.
    pub connection: u64,
}

impl Flow {
    /// The bit of [`Flow::connection`] by which the driver says that the peer has shown a certificate
    /// (mutual TLS), and one that does not name whoever is at home at its address (RFC 5922 §7.4): what
    /// comes is a stranger's.
    pub const FOREIGN: u64 = 1 << 47;

    /// True if the peer's own certificate says that it is not the one whose address it has.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        self.connection & Self::FOREIGN != 0
    }
}

/// One message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The path to send it on.
    pub flow: Flow,
    /// The message, complete: one datagram or one stretch of the stream.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Transmit {
    /// Without the message, in which numbers and keys stand.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transmit({:?}, {} bytes)", self.flow, self.bytes.len())
    }
}
