//! Key presses as telephone events (RFC 4733).

use std::collections::VecDeque;

/// Most digits that wait to be sent, and most that are remembered of the far side.
pub const MAX_DIGITS: usize = 64;

const SYMBOLS: &[u8; 16] = b"0123456789*#ABCD";
/// Packets that carry a growing duration, 20 ms each.
const PACKETS: u16 = 8;
/// The last packet is sent three times (RFC 4733 §2.5.1.4).
const END_PACKETS: u16 = 3;
/// Packets of speech between two digits.
const PAUSE: u16 = 5;
const FRAME_UNITS: u16 = 160;

/// One packet of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// The four octets after the RTP header.
    pub payload: [u8; 4],
    /// True for the first packet of the event.
    pub marker: bool,
    /// RTP timestamp: that of the event's begin.
    pub timestamp: u32,
}

/// Digits to send, one event after the other.
#[derive(Debug, Default)]
pub struct DigitSender {
    waiting: VecDeque<u8>,
    current: Option<(u8, u16, u32)>,
    pause: u16,
}

impl DigitSender {
    /// Queues the digits of `text` (0-9 * # A-D); others and those beyond [`MAX_DIGITS`] are left out.
    pub fn push(&mut self, text: &str) {
        for symbol in text.bytes() {
            let code = SYMBOLS
                .iter()
                .position(|s| *s == symbol.to_ascii_uppercase());
            if let (Some(code), true) = (code, self.waiting.len() < MAX_DIGITS) {
                self.waiting.push_back(code as u8);
            }
        }
    }

    /// The packet to send instead of speech at `timestamp`, if a digit is on.
    pub fn next(&mut self, timestamp: u32) -> Option<EventPacket> {
        if self.current.is_none() {
            if self.pause > 0 {
                self.pause -= 1;
                return None;
            }
            self.current = Some((self.waiting.pop_front()?, 0, timestamp));
        }
        let (code, sent, begin) = self.current?;
        let end = sent >= PACKETS;
        let duration = FRAME_UNITS * (sent + 1).min(PACKETS);
        let [high, low] = duration.to_be_bytes();
        self.current = Some((code, sent + 1, begin));
        if sent + 1 == PACKETS + END_PACKETS {
            self.current = None;
            self.pause = PAUSE;
        }
        let volume = if end { 0x80 | 10 } else { 10 };
        Some(EventPacket {
            payload: [code, volume, high, low],
            marker: sent == 0,
            timestamp: begin,
        })
    }
}

/// Digits received: one a key press, however often its packets are repeated.
#[derive(Debug, Default)]
pub struct DigitReceiver {
    last_begin: Option<u32>,
    digits: String,
}

impl DigitReceiver {
    /// Takes the payload of a telephone-event packet; true if it began a new digit.
    pub fn push(&mut self, timestamp: u32, payload: &[u8]) -> bool {
        let symbol = payload
            .first()
            .and_then(|code| SYMBOLS.get(usize::from(*code)));
        let (Some(symbol), 4..) = (symbol, payload.len()) else {
            return false;
        };
        if self.last_begin == Some(timestamp) || self.digits.len() >= MAX_DIGITS {
            return false;
        }
        self.last_begin = Some(timestamp);
        self.digits.push(char::from(*symbol));
        true
    }

    /// Everything received, in order.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }
}
