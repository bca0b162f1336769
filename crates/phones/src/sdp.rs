//! The little SDP that a G.711 phone needs (RFC 4566, RFC 3264).

use crate::media::port::{Codec, Remote};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Which way speech flows, seen from the writer of the SDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// The writer only sends: the other is on hold.
    SendOnly,
    /// The writer only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    fn attribute(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// What the answer to an offer of this direction says (RFC 3264 §6.1).
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }

    /// True if the writer of this direction sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// True if the writer of this direction receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// Our side of one SDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSdp {
    /// Where we listen.
    pub address: SocketAddr,
    /// Identifies the session (o= line).
    pub session: u64,
    /// Goes up with every change (o= line).
    pub version: u64,
    /// Codecs in order of preference; the payload type of telephone-event is added if some.
    pub codecs: Vec<Codec>,
    /// Payload type of telephone-event.
    pub event_type: Option<u8>,
    /// Which way we want it.
    pub direction: Direction,
}

impl LocalSdp {
    /// The text to send.
    #[must_use]
    pub fn write(&self) -> String {
        let ip = self.address.ip();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let mut formats = String::new();
        let mut maps = String::new();
        for codec in &self.codecs {
            let pt = codec.payload_type();
            let name = if *codec == Codec::Pcma {
                "PCMA"
            } else {
                "PCMU"
            };
            let _ = write!(formats, " {pt}");
            let _ = write!(maps, "a=rtpmap:{pt} {name}/8000\r\n");
        }
        if let Some(pt) = self.event_type {
            let _ = write!(formats, " {pt}");
            let _ = write!(
                maps,
                "a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-15\r\n"
            );
        }
        format!(
            "v=0\r\no=- {} {} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
             m=audio {} RTP/AVP{formats}\r\n{maps}a=ptime:20\r\na={}\r\n",
            self.session,
            self.version,
            self.address.port(),
            self.direction.attribute()
        )
    }
}

/// What the far side's SDP says of its first audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSdp {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its G.711 codecs in its order.
    pub codecs: Vec<Codec>,
    /// Its payload type for telephone-event.
    pub event_type: Option<u8>,
    /// Its direction.
    pub direction: Direction,
}

impl RemoteSdp {
    /// Reads the first audio stream; `None` if there is none, it is refused (port 0) or has no G.711.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let mut session_ip = None;
        let mut media_ip = None;
        let mut port = None;
        let mut codecs = Vec::new();
        let mut event_type = None;
        let mut direction = Direction::SendRecv;
        let mut in_audio = false;
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                if port.is_some() {
                    break;
                }
                let mut words = media.split_ascii_whitespace();
                in_audio = words.next() == Some("audio");
                if in_audio {
                    port = words.next().and_then(|p| p.parse::<u16>().ok());
                    codecs = words.skip(1).filter_map(static_codec).collect();
                }
            } else if let Some(ip) = line
                .strip_prefix("c=IN IP4 ")
                .or_else(|| line.strip_prefix("c=IN IP6 "))
            {
                let ip = ip
                    .split('/')
                    .next()
                    .and_then(|ip| ip.trim().parse::<IpAddr>().ok());
                *(if in_audio {
                    &mut media_ip
                } else {
                    &mut session_ip
                }) = ip;
            } else if let Some(attribute) = line.strip_prefix("a=") {
                if let Some(pt) = event_map(attribute) {
                    event_type = Some(pt);
                }
                direction = direction_of(attribute.trim()).unwrap_or(direction);
            }
        }
        let port = port.filter(|p| *p != 0)?;
        let ip = media_ip.or(session_ip)?;
        (!codecs.is_empty()).then(|| Self {
            address: SocketAddr::new(ip, port),
            codecs,
            event_type,
            direction,
        })
    }

    /// Where and how to send, for a phone that has `codecs`; `None` if none is in common.
    #[must_use]
    pub fn remote(&self, codecs: &[Codec], ours: Direction) -> Option<Remote> {
        let codec = self.codecs.iter().copied().find(|c| codecs.contains(c))?;
        let send = self.direction.receives() && ours.sends() && !self.address.ip().is_unspecified();
        Some(Remote {
            address: self.address,
            codec,
            event_type: self.event_type,
            send,
        })
    }
}

fn static_codec(format: &str) -> Option<Codec> {
    match format {
        "8" => Some(Codec::Pcma),
        "0" => Some(Codec::Pcmu),
        _ => None,
    }
}

fn event_map(attribute: &str) -> Option<u8> {
    let (pt, name) = attribute.strip_prefix("rtpmap:")?.split_once(' ')?;
    let event = name
        .trim()
        .to_ascii_lowercase()
        .starts_with("telephone-event/8000");
    if event { pt.parse().ok() } else { None }
}

fn direction_of(attribute: &str) -> Option<Direction> {
    [
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ]
    .into_iter()
    .find(|d| d.attribute() == attribute)
}
