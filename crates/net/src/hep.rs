//! Copies of SIP messages for a collector: HEP version 3, one datagram a message.
//!
//! ```text
//!   message in ──► shard ──► which call? ──► masked? ──► chunks ──► socket ─► collector
//!   message out ─────────────────┘                                    └ takes none: dropped, counted
//! ```
//!
//! Nothing waits: the socket is never written to twice for one message, there is no queue, and a
//! collector that is gone costs one refused system call a message.
//!
//! Every chunk is vendor (2 bytes, 0 for generic), type (2), length with these six (2), value
//! (HEP3 draft, "The Homer Encapsulation Protocol"); numbers in network order.

mod masked;

use crate::clock::Clock;
use masked::masked;
use meishier_engine::Shard;
use meishier_engine::config::{Hep, HepNumbers};
use meishier_engine::signaling::{Flow, Transport, scan};
use meishier_model::CallId;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Calls are known for at least as many Call-IDs of the past, and at most for twice as many.
const KNOWN: usize = 8192;
/// Longest Call-ID that is remembered.
const LONGEST: usize = 255;
/// Most bytes of a datagram's payload over IPv4.
const DATAGRAM: usize = 65_507;

/// Address families, as AF_INET and AF_INET6 are on Linux.
const FAMILIES: [u8; 2] = [2, 10];
/// Numbers of IANA's protocol registry.
const UDP: u8 = 17;
const TCP: u8 = 6;
/// HEP's number for SIP.
const SIP: u8 = 1;

/// Types of the generic chunks.
mod kind {
    pub const FAMILY: u16 = 0x01;
    pub const PROTOCOL: u16 = 0x02;
    pub const SOURCE_V4: u16 = 0x03;
    pub const TARGET_V4: u16 = 0x04;
    pub const SOURCE_V6: u16 = 0x05;
    pub const TARGET_V6: u16 = 0x06;
    pub const SOURCE_PORT: u16 = 0x07;
    pub const TARGET_PORT: u16 = 0x08;
    pub const SECONDS: u16 = 0x09;
    pub const MICROSECONDS: u16 = 0x0a;
    pub const CONTENT: u16 = 0x0b;
    pub const AGENT: u16 = 0x0c;
    pub const PASSWORD: u16 = 0x0e;
    pub const PAYLOAD: u16 = 0x0f;
    pub const CORRELATION: u16 = 0x11;
}

/// One message and what is to be said of it.
struct Packet<'a> {
    source: SocketAddr,
    target: SocketAddr,
    protocol: u8,
    /// Microseconds since 1970.
    at: u64,
    agent: u32,
    password: Option<&'a str>,
    /// The engine's call.
    call: Option<CallId>,
    message: &'a [u8],
}

/// Writes the packet; false if it is too long for a datagram.
fn encode(out: &mut Vec<u8>, packet: &Packet<'_>) -> bool {
    out.clear();
    out.extend_from_slice(b"HEP3\0\0");
    let mut chunk = |kind: u16, value: &[u8]| {
        // What does not fit into 16 bits does not fit into a datagram either.
        let length = u16::try_from(value.len() + 6).unwrap_or(u16::MAX);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    };
    let ips = (packet.source.ip(), packet.target.ip());
    let v6 = usize::from(ips.0.is_ipv6() || ips.1.is_ipv6());
    chunk(kind::FAMILY, &[FAMILIES[v6]]);
    chunk(kind::PROTOCOL, &[packet.protocol]);
    match ips {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            chunk(kind::SOURCE_V4, &source.octets());
            chunk(kind::TARGET_V4, &target.octets());
        }
        (source, target) => {
            chunk(kind::SOURCE_V6, &wide(source).octets());
            chunk(kind::TARGET_V6, &wide(target).octets());
        }
    }
    chunk(kind::SOURCE_PORT, &packet.source.port().to_be_bytes());
    chunk(kind::TARGET_PORT, &packet.target.port().to_be_bytes());
    // 32 bits of seconds last until 2106.
    let seconds = (packet.at / 1_000_000) as u32;
    chunk(kind::SECONDS, &seconds.to_be_bytes());
    let rest = (packet.at % 1_000_000) as u32;
    chunk(kind::MICROSECONDS, &rest.to_be_bytes());
    chunk(kind::CONTENT, &[SIP]);
    chunk(kind::AGENT, &packet.agent.to_be_bytes());
    if let Some(password) = packet.password {
        chunk(kind::PASSWORD, password.as_bytes());
    }
    if let Some(call) = packet.call {
        chunk(kind::CORRELATION, call.to_string().as_bytes());
    }
    chunk(kind::PAYLOAD, packet.message);
    let Some(length) = u16::try_from(out.len())
        .ok()
        .filter(|length| usize::from(*length) <= DATAGRAM)
    else {
        return false;
    };
    out[4..6].copy_from_slice(&length.to_be_bytes());
    true
}

fn wide(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// Which call a Call-ID belongs to: two generations, the older of which is forgotten whole.
#[derive(Default)]
struct Known {
    young: HashMap<Box<[u8]>, CallId>,
    old: HashMap<Box<[u8]>, CallId>,
}

impl Known {
    fn find(&mut self, call_id: &[u8]) -> Option<CallId> {
        if let Some(call) = self.young.get(call_id) {
            return Some(*call);
        }
        let (key, call) = self.old.remove_entry(call_id)?;
        self.keep(key, call);
        Some(call)
    }

    fn keep(&mut self, call_id: Box<[u8]>, call: CallId) {
        if self.young.len() >= KNOWN {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(call_id, call);
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From a peer to us.
    In,
    /// From us to a peer.
    Out,
}

/// One worker's way to the collector.
pub(crate) struct Tap {
    socket: UdpSocket,
    config: Hep,
    clock: Clock,
    known: Known,
    buffer: Vec<u8>,
    sent: u64,
    dropped: u64,
}

impl Tap {
    /// A socket towards the collector.
    ///
    /// # Errors
    /// What the system says; not that nobody is there.
    pub(crate) fn open(config: &Hep, clock: Clock) -> io::Result<Self> {
        let any: IpAddr = match config.collector {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        // Without a way there now the copies are dropped until there is one again: see `copy`.
        if let Err(error) = socket.connect(config.collector) {
            tracing::warn!(%error, "the collector of SIP messages cannot be reached");
        }
        Ok(Self {
            socket,
            config: config.clone(),
            clock,
            known: Known::default(),
            buffer: Vec::new(),
            sent: 0,
            dropped: 0,
        })
    }

    /// Copies sent, and copies that could not be.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.sent, self.dropped)
    }

    /// Sends a copy. `shard` is asked which call the message is of; it has read it or made it.
    pub(crate) fn copy(&mut self, shard: &Shard, way: Way, flow: Flow, message: &[u8]) {
        let call = scan::call_id(message).and_then(|call_id| self.call(shard, call_id));
        let numbers = self.config.numbers == HepNumbers::Masked;
        let shown = masked(message, numbers, self.config.bodies);
        let (source, target) = match way {
            Way::In => (flow.remote, flow.local),
            Way::Out => (flow.local, flow.remote),
        };
        let packet = Packet {
            source,
            target,
            protocol: match flow.transport {
                Transport::Udp => UDP,
                Transport::Tcp | Transport::Tls => TCP,
            },
            at: self.clock.wall_us(),
            agent: self.config.capture_id,
            password: self.config.password.as_deref(),
            call,
            message: &shown,
        };
        let fits = encode(&mut self.buffer, &packet);
        // An ICMP answer to an earlier copy comes as an error of the next: that copy is lost as well.
        if fits && self.socket.send(&self.buffer).is_ok() {
            self.sent += 1;
        } else {
            self.dropped += 1;
        }
    }

    fn call(&mut self, shard: &Shard, call_id: &[u8]) -> Option<CallId> {
        if let Some(call) = self.known.find(call_id) {
            return Some(call);
        }
        let text = std::str::from_utf8(call_id).ok()?;
        let call = shard.call_of(text).filter(|_| text.len() <= LONGEST)?;
        self.known.keep(call_id.into(), call);
        Some(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet<'a>(source: &str, target: &str, message: &'a [u8]) -> Packet<'a> {
        Packet {
            source: source.parse().unwrap(),
            target: target.parse().unwrap(),
            protocol: UDP,
            at: 1_700_000_000_000_123,
            agent: 2001,
            password: Some("pw"),
            call: Some(CallId(0x0001_0000_0000_00ab)),
            message,
        }
    }

    #[test]
    fn a_packet_is_these_bytes() {
        let mut out = vec![1, 2, 3];
        assert!(encode(
            &mut out,
            &packet("192.0.2.1:5060", "192.0.2.2:5070", b"OPTIONS")
        ));
        let expected: &[&[u8]] = &[
            b"HEP3",
            &[0, 0x88],
            &[0, 0, 0, 1, 0, 7, 2],
            &[0, 0, 0, 2, 0, 7, 17],
            &[0, 0, 0, 3, 0, 10, 192, 0, 2, 1],
            &[0, 0, 0, 4, 0, 10, 192, 0, 2, 2],
            &[0, 0, 0, 7, 0, 8, 0x13, 0xc4],
            &[0, 0, 0, 8, 0, 8, 0x13, 0xce],
            &[0, 0, 0, 9, 0, 10, 0x65, 0x53, 0xf1, 0],
            &[0, 0, 0, 10, 0, 10, 0, 0, 0, 123],
            &[0, 0, 0, 11, 0, 7, 1],
            &[0, 0, 0, 12, 0, 10, 0, 0, 7, 0xd1],
            &[0, 0, 0, 14, 0, 8],
            b"pw",
            &[0, 0, 0, 17, 0, 22],
            b"00010000000000ab",
            &[0, 0, 0, 15, 0, 13],
            b"OPTIONS",
        ];
        assert_eq!(out, expected.concat());
    }

    #[test]
    fn ipv6_has_chunks_of_its_own() {
        let mut out = Vec::new();
        assert!(encode(
            &mut out,
            &packet("[2001:db8::1]:5060", "[2001:db8::2]:5060", b"x")
        ));
        assert_eq!(out[6..13], [0, 0, 0, 1, 0, 7, 10]);
        let source = [0, 0, 0, 5, 0, 22, 0x20, 0x01, 0x0d, 0xb8];
        assert_eq!(out[20..30], source);
        assert!(out.windows(6).any(|at| at == [0, 0, 0, 6, 0, 22]));
    }

    #[test]
    fn what_no_datagram_holds_is_not_sent() {
        let mut out = Vec::new();
        let long = vec![b'x'; DATAGRAM];
        let any = "192.0.2.1:5060";
        assert!(!encode(&mut out, &packet(any, any, &long)));
        // 0x88 bytes with a message of seven.
        let room = DATAGRAM - (0x88 - 7);
        assert!(encode(&mut out, &packet(any, any, &long[..room])));
        assert_eq!(out.len(), DATAGRAM);
        assert!(!encode(&mut out, &packet(any, any, &long[..room + 1])));
    }

    #[test]
    fn what_is_known_of_calls_is_bounded_and_keeps_what_is_asked_for() {
        let mut known = Known::default();
        for number in 0..3 * KNOWN {
            let key = number.to_be_bytes();
            known.keep(key.as_slice().into(), CallId(number as u64));
            assert_eq!(known.find(&0_usize.to_be_bytes()), Some(CallId(0)));
        }
        assert!(known.young.len() + known.old.len() <= 2 * KNOWN);
        assert_eq!(known.find(&1_usize.to_be_bytes()), None);
    }
}
