//! Who is silent: a look at every open port once a second, at counts that are kept anyway.
//!
//! ```text
//!                  no packet in 15 looks                     packet
//!   Unknown ────────────────────────────► Silent ─────────────────────────► Heard
//!      │  ▲                                 │ ▲                               │
//!      │  └──── need not send any more ─────┘ └──── no packet in 15 looks ────┘
//!      └──────────────────────────── packet ──────────────────────────────► Heard
//! ```
//! A party that may not send (hold, RFC 3264 §8.4) is not counted. Silence ends nothing here: muted
//! telephones and gateways that suppress silence send nothing either. Looks are counted and not
//! time, so that a thread that stood still does not take what lies unread in its sockets for silence.

use super::{Hub, MAX_EVENTS};
use crate::MediaEvent;
use meishier_model::{Mono, PortId};
use std::time::Duration;

/// From one look to the next.
const LOOK: Duration = Duration::from_secs(1);
/// Looks without a packet after which a party is silent.
const LOOKS: i8 = Hub::SILENCE.as_secs() as i8;

/// What was last told of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Unknown,
    Heard,
    Silent,
}

/// One port's part.
#[derive(Debug)]
pub(super) struct Silence {
    told: Told,
    /// Packets accepted up to the last look.
    counted: u64,
    /// Looks in a row without a packet; the first after the opening or a hold ends no whole second.
    looks: i8,
}

impl Silence {
    pub fn new() -> Self {
        Self {
            told: Told::Unknown,
            counted: 0,
            looks: -1,
        }
    }

    /// A look: `received` packets so far; `expected` if the party may send. Gives what is new.
    fn look(&mut self, port: PortId, received: u64, expected: bool) -> Option<MediaEvent> {
        let heard = received != self.counted;
        self.counted = received;
        if heard || !expected {
            self.looks = if heard { 0 } else { -1 };
            let before = self.told;
            self.told = if heard { Told::Heard } else { Told::Unknown };
            let news = before == Told::Silent || (heard && before == Told::Unknown);
            return news.then_some(MediaEvent::Heard { port });
        }
        self.looks = self.looks.saturating_add(1);
        if self.looks < LOOKS || self.told == Told::Silent {
            return None;
        }
        self.told = Told::Silent;
        Some(MediaEvent::Silent { port })
    }
}

impl Hub {
    /// How long a party that may send sends no valid packet until it counts as silent. Told at most
    /// one second late.
    pub const SILENCE: Duration = Duration::from_secs(15);

    /// A port was opened.
    pub(super) fn start_looks(&mut self, now: Mono) {
        self.next_look.get_or_insert(now + LOOK);
    }

    /// Looks at every open port if that is due.
    pub(super) fn on_look(&mut self, now: Mono) {
        if self.next_look.is_none_or(|at| at > now) {
            return;
        }
        let mut open = self.totals.open;
        for (number, slot) in (0u32..).zip(&mut self.slots) {
            if open == 0 {
                break;
            }
            let Some(port) = slot.port.as_deref_mut() else {
                continue;
            };
            open -= 1;
            // Should the driver not fetch its events, what is new is found by a later look.
            if self.events.len() >= MAX_EVENTS {
                continue;
            }
            let (received, expected) = (port.stats.received, port.media.direction.receives());
            if let Some(event) = port.silence.look(PortId(number), received, expected) {
                self.events.push_back(event);
            }
        }
        self.next_look = (self.totals.open > 0).then_some(now + LOOK);
    }
}
