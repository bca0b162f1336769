//! A hub with parties at both ends of its wires.
#![allow(dead_code)]

use meishier_media::{
    Accept, Codec, Direction, Hub, MediaCommand, MediaEvent, Negotiated, Outgoing, PromptSet, Rtcp,
    Source, g711, rtp, tone,
};
use meishier_model::{Mono, PortId, RtpStats};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

pub fn prompts() -> Arc<PromptSet> {
    static SET: OnceLock<Arc<PromptSet>> = OnceLock::new();
    Arc::clone(SET.get_or_init(|| Arc::new(PromptSet::embedded())))
}

pub fn ms(n: u64) -> Mono {
    Mono(n * 1000)
}

/// The address of the party at a port.
pub fn address(port: u32) -> SocketAddr {
    let host = u8::try_from(port + 1).unwrap();
    SocketAddr::new(
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)),
        4000 + 2 * u16::from(host),
    )
}

pub fn media(port: u32, codec: Codec) -> Negotiated {
    Negotiated {
        remote: address(port),
        codec,
        payload_type: codec.static_payload_type(),
        telephone_event: Some(101),
        ptime_ms: 20,
        direction: Direction::SendRecv,
        rtcp: Rtcp::Off,
        protection: None,
    }
}

pub fn accept(port: u32) -> Accept {
    Accept {
        sdp: address(port).ip(),
        signalling: None,
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub port: PortId,
    pub to: SocketAddr,
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

pub struct Wire {
    pub hub: Hub,
    pub now: Mono,
    pub sent: Vec<Sent>,
    /// The same, byte for byte.
    pub raw: Vec<(PortId, Vec<u8>)>,
    pub events: Vec<MediaEvent>,
    /// `Silent` and `Heard`, kept apart from the other events, with the moment.
    pub silences: Vec<(Mono, MediaEvent)>,
    /// Reports, with the moment.
    pub reports: Vec<(Mono, Outgoing)>,
}

impl Wire {
    pub fn new() -> Self {
        Self {
            hub: Hub::new(prompts(), 7),
            now: ms(1000),
            sent: Vec::new(),
            raw: Vec::new(),
            events: Vec::new(),
            silences: Vec::new(),
            reports: Vec::new(),
        }
    }

    pub fn open(&mut self, port: u32, codec: Codec) {
        self.open_with(port, media(port, codec));
    }

    pub fn open_with(&mut self, port: u32, media: Negotiated) {
        self.command(MediaCommand::Open {
            port: PortId(port),
            media,
            accept: accept(port),
        });
    }

    pub fn hear(&mut self, port: u32, source: Source) {
        self.command(MediaCommand::Hear {
            port: PortId(port),
            source,
        });
    }

    pub fn peers(&mut self, a: u32, b: u32) {
        self.hear(a, Source::Peer(PortId(b)));
        self.hear(b, Source::Peer(PortId(a)));
    }

    pub fn command(&mut self, command: MediaCommand) {
        self.hub.handle_command(self.now, command);
        self.drain();
    }

    pub fn packet(&mut self, port: u32, bytes: &[u8]) {
        self.packet_from(port, address(port), bytes);
    }

    pub fn packet_from(&mut self, port: u32, from: SocketAddr, bytes: &[u8]) {
        self.hub.handle_packet(self.now, PortId(port), from, bytes);
        self.drain();
    }

    /// True if the hub asks to be called for the next frame. Its looks for silence are whole seconds
    /// apart.
    pub fn has_beat(&self) -> bool {
        let frame = self.now + std::time::Duration::from_millis(20);
        self.hub.poll_timeout().is_some_and(|at| at <= frame)
    }

    /// Goes on to `now`, stopping wherever the hub asks.
    pub fn run_to(&mut self, now: Mono) {
        while let Some(at) = self.hub.poll_timeout().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            self.hub.handle_timeout(self.now);
            self.drain();
        }
        self.now = now;
    }

    pub fn drain(&mut self) {
        while let Some((port, to, bytes)) = self.hub.poll_send() {
            self.raw.push((port, bytes.to_vec()));
            let p = rtp::parse(bytes).unwrap();
            self.sent.push(Sent {
                port,
                to,
                payload_type: p.payload_type,
                marker: p.marker,
                sequence: p.sequence,
                timestamp: p.timestamp,
                ssrc: p.ssrc,
                payload: p.payload.to_vec(),
            });
        }
        while let Some(report) = self.hub.poll_report() {
            self.reports.push((self.now, report));
        }
        while let Some(event) = self.hub.poll_event() {
            match event {
                MediaEvent::Silent { .. } | MediaEvent::Heard { .. } => {
                    self.silences.push((self.now, event));
                }
                other => self.events.push(other),
            }
        }
    }

    pub fn sent_to(&self, port: u32) -> Vec<Sent> {
        self.sent
            .iter()
            .filter(|s| s.port == PortId(port))
            .cloned()
            .collect()
    }

    /// What the party at `port` heard, decoded, one packet after the other.
    pub fn heard(&self, port: u32, codec: Codec) -> Vec<i16> {
        let packets = self.sent_to(port);
        packets
            .iter()
            .flat_map(|s| s.payload.iter().map(|&b| g711::decode(codec, b)))
            .collect()
    }

    pub fn digits(&self) -> String {
        self.events
            .iter()
            .filter_map(|e| match e {
                MediaEvent::Digit { digit, .. } => Some(*digit),
                _ => None,
            })
            .collect()
    }
}

/// Closes the port and gives what was counted.
pub fn closed(wire: &mut Wire, port: u32) -> RtpStats {
    wire.command(MediaCommand::Close { port: PortId(port) });
    match wire.events.last() {
        Some(MediaEvent::Closed { stats, .. }) => *stats,
        other => panic!("{other:?}"),
    }
}

/// A telephone that sends a tone.
pub struct Phone {
    pub codec: Codec,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    sine: tone::Sine,
}

impl Phone {
    pub fn new(codec: Codec, ssrc: u32, frequency: f64) -> Self {
        Self {
            codec,
            ssrc,
            sequence: 65_500,
            timestamp: u32::MAX - 3000,
            sine: tone::Sine::new(frequency, 6000),
        }
    }

    pub fn next(&mut self, samples: usize) -> Vec<u8> {
        let mut out = rtp::header(
            self.codec.static_payload_type(),
            false,
            self.sequence,
            self.timestamp,
            self.ssrc,
        )
        .to_vec();
        out.extend(
            self.sine
                .by_ref()
                .take(samples)
                .map(|s| g711::encode(self.codec, s)),
        );
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(samples as u32);
        out
    }

    pub fn event(
        &mut self,
        payload_type: u8,
        event: u8,
        end: bool,
        duration: u16,
        first: bool,
    ) -> Vec<u8> {
        let mut out = rtp::header(
            payload_type,
            first,
            self.sequence,
            self.timestamp,
            self.ssrc,
        )
        .to_vec();
        out.extend([event, u8::from(end) << 7 | 10]);
        out.extend(duration.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        out
    }
}

/// Asserts numbers without a hole and times that grow by the audio sent.
pub fn assert_continuous(packets: &[Sent]) {
    for pair in packets.windows(2) {
        assert_eq!(
            pair[1].sequence,
            pair[0].sequence.wrapping_add(1),
            "hole in sequence numbers"
        );
        assert_eq!(pair[1].ssrc, pair[0].ssrc, "one stream");
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(
            step >= pair[0].payload.len() as u32 && step < 80_000,
            "timestamp step of {step}"
        );
    }
}

/// Splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.draw() % n as u64) as usize
    }

    /// Changes, cuts, doubles or inserts bytes.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                bytes.push(self.draw() as u8);
                continue;
            }
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.draw() as u8,
                2 => bytes.truncate(at),
                3 => bytes.insert(at, self.draw() as u8),
                4 => {
                    bytes.remove(at);
                }
                _ => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
    }
}
