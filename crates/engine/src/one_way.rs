//! Speech that goes one way only, noticed while the call lasts: caller and counsellor are together,
//! both may speak, one is heard and of the other no packet comes.
//!
//! ```text
//!             Silent of the one, Heard of the other,
//!             and they are together for 15 s
//!   (none) ────────────────────────────────────────► OneWay(party): notice, log, gauge
//!     ▲                                                  │
//!     └── heard, holds, silent both, parted, over ───────┘ notice
//! ```
//! Media tells of a silence after [`meishier_media::Hub::SILENCE`]; a caller who was silent while it
//! waited gets as long again from the answer, for gateways suppress the silence of who only listens.

use crate::api::{LegParty, Notice};
use crate::call::{Call, Voice};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_media::{Direction, Hub};
use meishier_model::{Now, PortId};

/// The one of two who talk of whom nothing is heard.
fn unheard(call: &Call) -> Option<LegParty> {
    let side = call.pair()?;
    let port = |voice: &Voice| {
        let (media, _) = voice.agreed.as_ref()?;
        (voice.open && media.direction == Direction::SendRecv).then_some(voice.port)
    };
    let (caller, seat) = (port(&call.side.voice)?, port(side.voice.as_ref()?)?);
    let silent = |port: PortId| call.silences.iter().any(|s| s.port == port);
    let heard = |port: PortId| call.heard.contains(&port);
    match () {
        () if silent(caller) && heard(seat) => Some(LegParty::Caller),
        () if silent(seat) && heard(caller) => Some(LegParty::Seat),
        () => None,
    }
}

impl Shard {
    /// Media told something of a party, or the time came: is speech one-way now?
    pub(crate) fn look_at_speech(&mut self, now: Now, call: &mut Call) {
        self.end_one_way(call);
        let Some(party) = unheard(call) else {
            return self.cancel_call_timers(call, |t| matches!(t, Timer::OneWay(_)));
        };
        let together = call.seat_side().and_then(|side| side.answered);
        let Some(due) = together.map(|at| at + Hub::SILENCE) else {
            return;
        };
        let planned = call
            .timers
            .iter()
            .any(|(_, timer)| matches!(timer, Timer::OneWay(_)));
        match call.one_way {
            Some(_) => {}
            None if due <= now.mono => {
                call.one_way = Some(party);
                self.tell_one_way(call, party, true);
            }
            None if planned => {}
            None => self.set_call_timer(call, due, Timer::OneWay(call.id)),
        }
    }

    /// What was told is over, for whatever reason.
    pub(crate) fn end_one_way(&mut self, call: &mut Call) {
        if let Some(party) = call.one_way.filter(|party| unheard(call) != Some(*party)) {
            call.one_way = None;
            self.tell_one_way(call, party, false);
        }
    }

    fn tell_one_way(&mut self, call: &Call, party: LegParty, begins: bool) {
        self.notice(Notice::OneWay {
            call: call.id,
            party,
            begins,
        });
    }
}
