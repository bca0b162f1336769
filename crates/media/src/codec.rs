//! What a negotiation settles: codec, direction, addresses.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// An audio codec of ITU-T G.711: 8000 samples a second, one byte a sample, one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// A-law, the codec of China's telephone network.
    Pcma,
    /// mu-law.
    Pcmu,
}

impl Codec {
    /// Samples, ticks of the RTP clock and bytes in a second (RFC 3551 §4.5.14).
    pub const RATE: u32 = 8000;

    /// The static payload type (RFC 3551 table 4): 8 or 0.
    #[must_use]
    pub fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    /// The encoding name of `a=rtpmap` (RFC 3551 §6).
    #[must_use]
    pub fn encoding_name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
        }
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Pcma => 0,
            Self::Pcmu => 1,
        }
    }
}

/// Which way media flows, seen from this engine: `SendOnly` means that we send and the party only listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// The engine sends, the party does not.
    SendOnly,
    /// The party sends, the engine does not: the party holds the call.
    RecvOnly,
    /// Nobody sends.
    Inactive,
}

impl Direction {
    /// The direction in which the engine may send (`send`) and receive (`receive`).
    #[must_use]
    pub fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// True if the engine may send to the party.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// True if the party may send to the engine.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same direction as the other side writes it (RFC 3264 §6.1).
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// The attribute's name (RFC 8866 §6.7).
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// What offer and answer agreed on for one party's audio (RFC 3264).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Negotiated {
    /// Where the party wants its RTP, as its SDP says. An unspecified address means: nowhere.
    pub remote: SocketAddr,
    /// The one codec in use.
    pub codec: Codec,
    /// RTP payload type of the codec, 0 to 127, both ways.
    pub payload_type: u8,
    /// RTP payload type of telephone-event/8000 (RFC 4733), if the party knows it.
    pub telephone_event: Option<u8>,
    /// Milliseconds of audio a packet that the party wishes to receive: 10, 20, 30, 40, 50 or 60.
    pub ptime_ms: u16,
    /// Which way media flows, seen from the engine.
    pub direction: Direction,
    /// Where reports about the stream go.
    #[serde(default)]
    pub rtcp: Rtcp,
    /// How packets are protected; `None` for plain RTP.
    #[serde(default)]
    pub protection: Option<Box<crate::srtp::Protection>>,
}

/// Where the party wants RTCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rtcp {
    /// Nowhere: it gave RTCP no bandwidth (RFC 3556 §2), or nothing was said of it.
    #[default]
    Off,
    /// At a port of its own: the one above RTP's (RFC 3550 §11), or as `a=rtcp` says (RFC 3605).
    Apart(SocketAddr),
    /// At the port of its RTP, as both sides agreed by `a=rtcp-mux` (RFC 5761 §5.1.1).
    Muxed,
}

/// Which sources of RTP are the party: any port of these addresses until the first valid packet
/// fixes address and port; from then on only that one. If another port of SDP's address came first,
/// the very port that SDP names still takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accept {
    /// The address in the party's SDP.
    pub sdp: IpAddr,
    /// The address from which its signalling came, for telephones behind NAT.
    pub signalling: Option<IpAddr>,
}

impl Accept {
    /// True if `address` may be the party's.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address == self.sdp.to_canonical()
            || self.signalling.is_some_and(|s| s.to_canonical() == address)
    }
}

/// Identity of one SDP session (RFC 8866 §5.2): `id` stays for the life of the dialog, `version`
/// grows by one with every new description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// `sess-id`; kept below 2^63, some parsers read it as a signed number.
    pub id: u64,
    /// `sess-version`.
    pub version: u64,
}
