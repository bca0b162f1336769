//! The RTP stream towards one party: one SSRC, sequence numbers without a hole of our making and
//! timestamps that only grow, whatever the party hears (RFC 3550 §5.1, §7.1).
//!
//! ```text
//!               own / relayed(first)             relayed(same sender)
//!   Fresh ───────────────────────────► Running ─────────────────────┐
//!     ▲      marker, next number           │  ▲                     │
//!     └──────────── interrupt ─────────────┘  └─────────────────────┘
//! ```
//!
//! Passed-on packets keep the sender's distances, so that the listener sees loss and order as they
//! are; their numbers are shifted by an offset that is settled at each beginning.

use crate::codec::Codec;
use crate::rtp::Packet;
use meishier_model::Mono;

/// A greater step forward in sequence numbers is a new beginning (RFC 3550 appendix A.1).
const MAX_DROPOUT: i16 = 3000;
/// A greater step back is a new beginning (RFC 3550 appendix A.1).
const MAX_MISORDER: i16 = -100;
/// Timestamps that go back further, or ahead further, than these samples are a new beginning.
const TIMESTAMP_STEPS: std::ops::RangeInclusive<i32> = -80_000..=4_800_000;

/// The numbers of one packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
}

pub(super) struct Stream {
    pub ssrc: u32,
    next_sequence: u16,
    /// The end of what was sent.
    next_timestamp: u32,
    /// When the last packet was sent, and its samples.
    last: Option<(Mono, u32)>,
    fresh: bool,
    sender: Option<Sender>,
}

/// The stream that is passed on.
struct Sender {
    ssrc: u32,
    /// Highest numbers that came.
    sequence: u16,
    timestamp: u32,
    /// How far below `sequence` numbers were given out since the beginning; below that they belong
    /// to what was sent before.
    span: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
}

impl Stream {
    /// A stream that begins at these numbers; they are random in a real call (RFC 3550 §5.1).
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            next_sequence: sequence,
            next_timestamp: timestamp,
            last: None,
            fresh: true,
            sender: None,
        }
    }

    /// What the stream's clock shows at `now`, for reports (RFC 3550 §6.4.1).
    pub fn clock(&self, now: Mono) -> u32 {
        let Some((at, samples)) = self.last else {
            return self.next_timestamp;
        };
        let rate = u128::from(Codec::RATE);
        let elapsed = (now.since(at).as_micros() * rate / 1_000_000) as u32;
        self.next_timestamp
            .wrapping_sub(samples)
            .wrapping_add(elapsed)
    }

    /// What follows is not the continuation of what was sent.
    pub fn interrupt(&mut self) {
        self.fresh = true;
    }

    /// The numbers of a packet of our own.
    pub fn own(&mut self, now: Mono, samples: u32) -> Numbers {
        let marker = self.fresh;
        if self.fresh {
            self.begin(now);
        }
        let numbers = Numbers {
            marker,
            sequence: self.next_sequence,
            timestamp: self.next_timestamp,
        };
        self.next_sequence = self.next_sequence.wrapping_add(1);
        self.next_timestamp = self.next_timestamp.wrapping_add(samples);
        self.last = Some((now, samples));
        numbers
    }

    /// The numbers under which a packet of `samples` is passed on; `None` if it is older than
    /// the beginning and its number is taken.
    pub fn relayed(&mut self, now: Mono, packet: &Packet<'_>, samples: u32) -> Option<Numbers> {
        let mut marker = packet.marker;
        if self.fresh || !self.sender.as_ref().is_some_and(|s| s.continues(packet)) {
            self.begin(now);
            marker = true;
            self.sender = Some(Sender {
                ssrc: packet.ssrc,
                sequence: packet.sequence.wrapping_sub(1),
                timestamp: packet.timestamp,
                span: 0,
                sequence_offset: self.next_sequence.wrapping_sub(packet.sequence),
                timestamp_offset: self.next_timestamp.wrapping_sub(packet.timestamp),
            });
        }
        let sender = self.sender.as_mut()?;
        let numbers = Numbers {
            marker,
            sequence: packet.sequence.wrapping_add(sender.sequence_offset),
            timestamp: packet.timestamp.wrapping_add(sender.timestamp_offset),
        };
        if sender.step(packet) > 0 {
            sender.advance(packet);
            self.next_sequence = numbers.sequence.wrapping_add(1);
        } else if sender.sequence.wrapping_sub(packet.sequence) >= sender.span {
            return None;
        }
        let end = numbers.timestamp.wrapping_add(samples);
        if end.wrapping_sub(self.next_timestamp) as i32 > 0 {
            self.next_timestamp = end;
        }
        self.last = Some((now, samples));
        Some(numbers)
    }

    /// The packet is not passed on; the next closes up, so that no loss is seen where none was.
    pub fn skip(&mut self, packet: &Packet<'_>) {
        if self.fresh {
            return;
        }
        let Some(sender) = self.sender.as_mut().filter(|s| s.continues(packet)) else {
            return;
        };
        if sender.step(packet) > 0 {
            sender.advance(packet);
            sender.sequence_offset = sender.sequence_offset.wrapping_sub(1);
            sender.span = 0;
            self.next_sequence = packet
                .sequence
                .wrapping_add(sender.sequence_offset)
                .wrapping_add(1);
        }
    }

    /// Time has passed since the last packet: the timestamp passes with it.
    fn begin(&mut self, now: Mono) {
        if let Some((at, samples)) = self.last {
            let rate = u128::from(Codec::RATE);
            let elapsed = (now.since(at).as_micros() * rate / 1_000_000) as u32;
            self.next_timestamp = self
                .next_timestamp
                .wrapping_add(elapsed.saturating_sub(samples));
        }
        self.fresh = false;
        self.sender = None;
    }
}

impl Sender {
    fn step(&self, packet: &Packet<'_>) -> i16 {
        packet.sequence.wrapping_sub(self.sequence) as i16
    }

    fn continues(&self, packet: &Packet<'_>) -> bool {
        self.ssrc == packet.ssrc
            && (MAX_MISORDER..=MAX_DROPOUT).contains(&self.step(packet))
            && TIMESTAMP_STEPS.contains(&(packet.timestamp.wrapping_sub(self.timestamp) as i32))
    }

    fn advance(&mut self, packet: &Packet<'_>) {
        let step = packet.sequence.wrapping_sub(self.sequence);
        self.span = self.span.saturating_add(step);
        self.sequence = packet.sequence;
        self.timestamp = packet.timestamp;
    }
}
