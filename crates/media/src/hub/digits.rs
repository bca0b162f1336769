//! Key presses in telephone-event packets (RFC 4733 §2.3).

/// The length of a long event's segment after which it goes on under a new timestamp (§2.5.1.3).
const SEGMENT: u32 = 0xffff;
/// Some telephones move the timestamp with every packet of one press: 60 ms count as the same.
const SAME_PRESS: u32 = 480;

/// Finds the one beginning in the many packets of a key press.
#[derive(Default)]
pub(super) struct Digits {
    last: Option<Press>,
}

#[derive(Clone, Copy)]
struct Press {
    event: u8,
    timestamp: u32,
    ended: bool,
}

impl Digits {
    /// The key, if this packet is the first that tells of a press. `None` for its other packets and
    /// for events that are no keys (16 and up).
    pub fn handle(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let &[event, flags, ..] = payload else {
            return None;
        };
        let digit = char::from(*b"0123456789*#ABCD".get(usize::from(event))?);
        let ended = flags & 0x80 != 0;
        if let Some(last) = &mut self.last {
            let ahead = timestamp.wrapping_sub(last.timestamp);
            if ahead > u32::MAX / 2 {
                return None; // A late packet of an earlier press.
            }
            let continues =
                last.event == event && !last.ended && (ahead <= SAME_PRESS || ahead == SEGMENT);
            if ahead == 0 || continues {
                last.timestamp = timestamp;
                last.ended |= ended;
                return None;
            }
        }
        self.last = Some(Press {
            event,
            timestamp,
            ended,
        });
        Some(digit)
    }

    /// Forgets the last press: the party's timestamps begin anew.
    pub fn reset(&mut self) {
        self.last = None;
    }
}
