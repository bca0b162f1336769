//! The far end of a stream: a telephone or gateway that sends RTP with a voice of its own.

use super::voice::{UNIT, Voice};
use crate::dice::Dice;
use meishier_media::{Accept, Codec, Direction, Negotiated};
use meishier_model::{Mono, PortId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Payload type of telephone-event for those who know it (RFC 4733).
const EVENT: u8 = 101;
/// Packets of one key press; the last three say that it has ended (RFC 4733 §2.5.1.4).
const PRESS: u8 = 8;

/// A key that was pressed.
#[derive(Clone, Debug)]
pub(super) struct Press {
    pub digit: char,
    pub at: Mono,
    /// The hub told of it.
    pub told: bool,
}

/// One party, from its answer to its end, and beyond if it goes on talking.
#[derive(Clone, Debug)]
pub(super) struct FarEnd {
    pub port: PortId,
    pub voice: Voice,
    pub media: Negotiated,
    pub accept: Accept,
    /// Where its packets come from: its NAT's address, if it sits behind one.
    pub source: SocketAddr,
    /// Where the engine may send: what SDP says, where its packets come from, and where those come
    /// from that were under way when it moved.
    pub addresses: [SocketAddr; 3],
    pub sending: bool,
    /// Its NAT gave it another source: it is heard no more until it says so in SDP.
    pub rebound: bool,
    /// The hub has let in a packet since the last agreement about addresses.
    pub known: bool,
    /// A packet of its present stream, from where it is now, has reached its port while that was open.
    pub met: bool,
    /// The last change in what it sends, or in what was agreed with it.
    pub changed: Mono,
    pub presses: Vec<Press>,
    samples: usize,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    /// Packets left of the key press under way, and its timestamp.
    pressing: Option<(u8, u32)>,
}

/// The first telephone of those in an office behind one NAT.
const OFFICE: u32 = 5;

/// The `n`-th telephone: a third at the carrier's gateway, of which every second one sends from
/// another port than its SDP names; a third at addresses of their own; a third behind NAT, every
/// second one in the same office. Gives what SDP says and where its packets come from.
fn address(n: u32) -> (SocketAddr, SocketAddr) {
    let low = n.to_be_bytes()[3];
    let middle = n.to_be_bytes()[2];
    let port = 10_000 + 2 * (n % 20_000) as u16;
    let named = match n % 2 {
        1 => 56_000 + 2 * (n % 4000) as u16,
        _ => port,
    };
    let at = |ip: [u8; 4], port: u16| SocketAddr::new(IpAddr::V4(Ipv4Addr::from(ip)), port);
    match n % 3 {
        0 => (at([192, 0, 2, 1], named), at([192, 0, 2, 1], port)),
        1 => {
            let own = at([198, 18, middle, low], port);
            (own, own)
        }
        _ => (
            at([10, 0, middle, low], 7078),
            match n % 2 {
                1 => at([198, 51, 100, 9], port),
                _ => at([198, 19, middle, low], port),
            },
        ),
    }
}

impl FarEnd {
    pub fn new(now: Mono, port: PortId, n: u32, voice: Voice, dice: &mut Dice) -> Self {
        let codec = codec(dice);
        let (sdp, source) = address(n);
        let listens_in = [10, 20, 20, 20, 30, 60][dice.index(6)];
        Self {
            port,
            voice,
            media: Negotiated {
                remote: sdp,
                codec,
                payload_type: codec.static_payload_type(),
                telephone_event: dice.chance(0.8).then_some(EVENT),
                ptime_ms: listens_in,
                direction: Direction::SendRecv,
                rtcp: Default::default(),
                protection: None,
            },
            accept: accept(sdp, source),
            source,
            addresses: [sdp, source, source],
            sending: true,
            rebound: false,
            known: false,
            met: false,
            changed: now,
            presses: Vec::new(),
            samples: UNIT * [1, 2, 2, 2, 3][dice.index(5)],
            sequence: dice.bits() as u16,
            timestamp: dice.bits() as u32,
            ssrc: dice.bits() as u32,
            pressing: None,
        }
    }

    /// How long one packet lasts.
    pub fn interval(&self) -> Duration {
        Duration::from_micros(self.samples as u64 * 125)
    }

    /// True if others share its address, so that one of them might be taken for it.
    pub fn shares_address(&self) -> bool {
        let shared = [address(0).1.ip(), address(OFFICE).1.ip()];
        shared.contains(&self.source.ip())
    }

    /// True if this packet is of its present stream.
    pub fn sends(&self, packet: &[u8]) -> bool {
        packet.get(8..12) == Some(&self.ssrc.to_be_bytes()[..])
    }

    /// The next packet: speech, or a piece of a key press.
    pub fn packet(&mut self) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.samples as u32);
        if let (Some((left, began)), Some(event)) = (self.pressing, self.media.telephone_event) {
            self.pressing = (left > 1).then_some((left - 1, began));
            let digit = self.presses.last().map_or('0', |press| press.digit);
            let lasted = self.timestamp.wrapping_sub(began) as u16;
            let end = if left <= 3 { 0x80 } else { 0 };
            let payload = [event_of(digit), end | 10, (lasted >> 8) as u8, lasted as u8];
            let mut packet = header(event, left == PRESS, self.sequence, began, self.ssrc);
            packet.extend(payload);
            return packet;
        }
        let (kind, codec) = (self.media.payload_type, self.media.codec);
        let mut packet = header(kind, false, self.sequence, self.timestamp, self.ssrc);
        packet.extend(self.voice.speak(codec, self.samples));
        packet
    }

    /// Presses a key, if it can and the last one is up.
    pub fn press(&mut self, now: Mono, digit: char) {
        let free = self.presses.last().is_none_or(|last| {
            now.since(last.at) > Duration::from_millis(1000) && self.pressing.is_none()
        });
        if free && self.sending && !self.rebound && self.media.telephone_event.is_some() {
            let began = self.timestamp.wrapping_add(self.samples as u32);
            self.pressing = Some((PRESS, began));
            self.changed = now;
            self.presses.push(Press {
                digit,
                at: now,
                told: false,
            });
        }
    }

    /// True if a key was pressed within this time.
    pub fn pressed_within(&self, now: Mono, time: Duration) -> bool {
        self.presses.iter().any(|press| now.since(press.at) < time)
    }

    /// It goes to another address and says so in a new offer.
    pub fn move_to(&mut self, now: Mono, n: u32) {
        let (sdp, source) = address(n);
        self.media.remote = sdp;
        self.accept = accept(sdp, source);
        self.addresses = [sdp, source, self.source];
        self.source = source;
        (self.known, self.met, self.rebound) = (false, false, false);
        self.changed = now;
    }

    /// Its NAT gives it another port, and nobody says a word.
    pub fn rebind(&mut self, now: Mono) {
        let port = self.source.port() | 1;
        self.source.set_port(port);
        (self.met, self.rebound) = (false, true);
        self.changed = now;
    }

    /// It begins a stream anew: another SSRC, other numbers (RFC 3550 §8).
    pub fn restart(&mut self, now: Mono, dice: &mut Dice) {
        (self.ssrc, self.sequence) = (dice.bits() as u32, dice.bits() as u16);
        self.timestamp = dice.bits() as u32;
        self.met = false;
        self.changed = now;
    }

    /// Another codec, agreed on in a new offer.
    pub fn use_codec(&mut self, now: Mono, dice: &mut Dice) {
        self.media.codec = codec(dice);
        self.media.payload_type = self.media.codec.static_payload_type();
        self.changed = now;
    }
}

fn codec(dice: &mut Dice) -> Codec {
    if dice.chance(0.7) {
        Codec::Pcma
    } else {
        Codec::Pcmu
    }
}

fn accept(sdp: SocketAddr, source: SocketAddr) -> Accept {
    Accept {
        sdp: sdp.ip(),
        signalling: (sdp != source).then(|| source.ip()),
    }
}

/// The event's number (RFC 4733 §3.2).
fn event_of(digit: char) -> u8 {
    match digit {
        '*' => 10,
        '#' => 11,
        'A'..='D' => digit as u8 - b'A' + 12,
        _ => (digit as u8).wrapping_sub(b'0'),
    }
}

/// A header without CSRC and extension (RFC 3550 §5.1).
pub(super) fn header(
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
) -> Vec<u8> {
    let mut packet = vec![0x80, u8::from(marker) << 7 | payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet
}
