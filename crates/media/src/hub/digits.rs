//! Key presses in telephone-event packets (RFC 4733 §2.3).

use crate::rtp::Packet;
use meishier_model::Mono;
use std::time::Duration;

/// The length of a long event's segment after which it goes on under a new timestamp (§2.5.1.3).
const SEGMENT: u32 = 0xffff;
/// Some telephones move the timestamp with every packet of one press: 60 ms count as the same.
const SAME_PRESS: u32 = 480;
/// How long the rest of a press may take to arrive when its stream begins anew meanwhile.
const REST: Duration = Duration::from_secs(2);

/// Finds the one beginning in the many packets of a key press.
#[derive(Default)]
pub(super) struct Digits {
    last: Option<Press>,
    /// The party moved since the last event: its timestamps may begin anew.
    moved: bool,
}

#[derive(Clone, Copy)]
struct Press {
    ssrc: u32,
    event: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
    /// When its last packet came.
    at: Mono,
}

impl Press {
    /// True if `next` tells of this press too, in the same stream.
    fn goes_on(&self, next: &Self) -> bool {
        let ahead = next.timestamp.wrapping_sub(self.timestamp);
        let continues =
            self.event == next.event && !self.ended && (ahead <= SAME_PRESS || ahead == SEGMENT);
        self.ssrc == next.ssrc && (ahead == 0 || continues)
    }

    /// True if `next` tells of this press too, in a stream that began anew while the key was down: a
    /// sender that moves takes another SSRC (RFC 3550 §8.2), and other timestamps with it. A press of
    /// its own is shorter than this one was, at its first packet.
    fn is_carried_on_by(&self, next: &Self) -> bool {
        self.event == next.event
            && next.duration >= self.duration
            && (!self.ended || next.ended)
            && next.at.since(self.at) < REST
    }
}

impl Digits {
    /// The key, if this packet is the first that tells of a press. `None` for its other packets and
    /// for events that are no keys (16 and up).
    pub fn handle(&mut self, now: Mono, packet: &Packet<'_>) -> Option<char> {
        let &[event, flags, high, low, ..] = packet.payload else {
            return None;
        };
        let digit = char::from(*b"0123456789*#ABCD".get(usize::from(event))?);
        let mut next = Press {
            ssrc: packet.ssrc,
            event,
            timestamp: packet.timestamp,
            duration: u16::from_be_bytes([high, low]),
            ended: flags & 0x80 != 0,
            at: now,
        };
        let moved = std::mem::take(&mut self.moved);
        if let Some(last) = &mut self.last {
            let anew = moved || last.ssrc != next.ssrc;
            if !anew && next.timestamp.wrapping_sub(last.timestamp) > u32::MAX / 2 {
                return None; // A late packet of an earlier press.
            }
            if last.goes_on(&next) || (anew && last.is_carried_on_by(&next)) {
                next.ended |= last.ended;
                *last = next;
                return None;
            }
        }
        self.last = Some(next);
        Some(digit)
    }

    /// The party is somewhere else from now on. A key that it holds down stays the same press.
    pub fn on_move(&mut self) {
        self.moved = true;
    }
}
