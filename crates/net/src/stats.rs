//! Figures of a running engine, for metrics and health.

use crate::DnsCounts;
use meishier_engine::Gauges;
use meishier_engine::media::RtpTotals;
use meishier_engine::signaling::Counters;
use meishier_model::ShardId;

/// Everything a scrape asks for.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// One entry a shard, in order.
    pub shards: Vec<ShardStats>,
    /// RTP packets, all media threads together.
    pub media: RtpTotals,
    /// SIP sockets, all workers together.
    pub sip: SocketCounts,
    /// RTP sockets, all media threads together.
    pub rtp: RtpSocketCounts,
    /// Names of trunks that were looked up.
    pub dns: DnsCounts,
    /// Users with at least one registered contact.
    pub registered_users: u64,
}

/// Figures of one shard.
#[derive(Clone, Debug)]
pub struct ShardStats {
    /// The shard.
    pub shard: ShardId,
    /// Sizes that return to their baseline when no call is there.
    pub gauges: Gauges,
    /// SIP messages.
    pub counters: Counters,
}

/// What the SIP sockets did with traffic beyond handing it to shards. All only grow, except
/// [`SocketCounts::tcp_connections`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounts {
    /// Datagrams received.
    pub udp_received: u64,
    /// Datagrams sent.
    pub udp_sent: u64,
    /// Datagrams that were keep-alives only (RFC 5626 §3.5.1, or bytes of zero).
    pub udp_keepalives: u64,
    /// Datagrams dropped because the socket would not take them and its backlog was full.
    pub udp_backlog_dropped: u64,
    /// Sends that the system refused; the shard was told.
    pub udp_send_failed: u64,
    /// Requests too large for a datagram that went by TCP (RFC 3261 §18.1.1).
    pub udp_too_large: u64,
    /// Messages dropped because another worker's inbox was full.
    pub inbox_dropped: u64,
    /// Connections over TCP, with TLS or without, open now.
    pub tcp_connections: u64,
    /// TCP connections accepted.
    pub tcp_accepted: u64,
    /// TCP connections refused because there were too many.
    pub tcp_refused: u64,
    /// TCP connections of nobody known closed because they had been silent for too long.
    pub tcp_idle: u64,
    /// TCP connections of nobody known closed to make room, the one that had been silent longest.
    pub tcp_crowded: u64,
    /// TCP connections closed because the peer did not read what was sent.
    pub tcp_blocked: u64,
    /// TCP connections closed because what came was no SIP, or nothing came in time.
    pub tcp_unfit: u64,
    /// TLS handshakes that both sides finished.
    pub tls_handshakes: u64,
    /// TLS that came to nothing, by [`TlsFailure::ALL`].
    pub tls_failed: [u64; TlsFailure::COUNT],
    /// Copies of messages that left for the collector.
    pub hep_sent: u64,
    /// Copies dropped: the collector refuses them, the socket takes none, or they are too long.
    pub hep_dropped: u64,
}

/// Why TLS with a peer came to nothing, or counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFailure {
    /// The peer was to show a certificate and showed none.
    NoCertificate,
    /// The peer's certificate is not trusted, not valid now, or somebody else's.
    BadCertificate,
    /// The peer does not accept our certificate.
    OursRefused,
    /// What came is no TLS, or of no version that both know.
    Protocol,
    /// The handshake took too long.
    Late,
    /// Too many handshakes were under way, and this one was the oldest.
    Crowded,
    /// It stands, but the peer has a trunk's address and a certificate that does not name the trunk:
    /// it counts as a stranger's.
    Unnamed,
}

impl TlsFailure {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All of them, in the order of [`SocketCounts::tls_failed`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::NoCertificate,
        Self::BadCertificate,
        Self::OursRefused,
        Self::Protocol,
        Self::Late,
        Self::Crowded,
        Self::Unnamed,
    ];

    /// The word for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::OursRefused => "ours_refused",
            Self::Protocol => "protocol",
            Self::Late => "late",
            Self::Crowded => "crowded",
            Self::Unnamed => "unnamed",
        }
    }
}

impl SocketCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.udp_received += other.udp_received;
        self.udp_sent += other.udp_sent;
        self.udp_keepalives += other.udp_keepalives;
        self.udp_backlog_dropped += other.udp_backlog_dropped;
        self.udp_send_failed += other.udp_send_failed;
        self.udp_too_large += other.udp_too_large;
        self.inbox_dropped += other.inbox_dropped;
        self.tcp_connections += other.tcp_connections;
        self.tcp_accepted += other.tcp_accepted;
        self.tcp_refused += other.tcp_refused;
        self.tcp_idle += other.tcp_idle;
        self.tcp_crowded += other.tcp_crowded;
        self.tcp_blocked += other.tcp_blocked;
        self.tcp_unfit += other.tcp_unfit;
        self.tls_handshakes += other.tls_handshakes;
        self.hep_sent += other.hep_sent;
        self.hep_dropped += other.hep_dropped;
        for (sum, more) in self.tls_failed.iter_mut().zip(other.tls_failed) {
            *sum += more;
        }
    }
}

/// What the RTP sockets did beyond the media hubs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpSocketCounts {
    /// RTP ports bound at start.
    pub ports: u64,
    /// Ports of the range that could not be bound.
    pub ports_failed: u64,
    /// Packets dropped because no call uses the port.
    pub unused_port: u64,
    /// Packets that the system would not send at once; late speech is worth nothing.
    pub send_dropped: u64,
}

impl RtpSocketCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.ports += other.ports;
        self.ports_failed += other.ports_failed;
        self.unused_port += other.unused_port;
        self.send_dropped += other.send_dropped;
    }
}
