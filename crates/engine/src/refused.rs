//! Whom the queue refused for want of room and who must not be lost for it.
//!
//! A caller at risk, and anybody who was let in before, stays on the line, hears what all who wait
//! hear, and asks again by a timer until the queue takes it, with the stamp of its arrival: so it
//! stands where it would have stood. A seat asks again as well. Each refusal is told (an alarm): the
//! queue has room for every call that the shards may carry, so that somebody must look.
//!
//! ```text
//!   admit (at risk) ─┐          every AGAIN
//!                    ├─ refused ───────────► put_back ─┬─ taken ─► waits as everybody does
//!   requeue ─────────┘     ▲                           │
//!                          └────────── refused ────────┘
//! ```

use crate::api::Notice;
use crate::call::{Call, State};
use crate::seat::{SeatEffect, SeatMachine};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{Now, SeatId};
use meishier_queue::{EnqueueError, SeatError};
use std::time::Duration;

/// How soon whoever was refused asks again. A place comes free whenever a caller is answered or
/// hangs up, so often enough that nobody notices and seldom enough that it costs nothing.
const AGAIN: Duration = Duration::from_millis(200);

impl Shard {
    /// A caller who may not be lost was refused: told, and tried again soon.
    pub(crate) fn keep_outside(&mut self, now: Now, call: &mut Call, error: EnqueueError) {
        match error {
            // It waits already; what is unexpected is that somebody asked.
            EnqueueError::Duplicate => {
                return self.notice(Notice::Unexpected("the queue did not take a caller back"));
            }
            EnqueueError::Full => {}
            EnqueueError::BadPool | EnqueueError::BadShard | EnqueueError::TooMany => {
                self.notice(Notice::Unexpected(
                    "the queue did not know a caller's wishes",
                ));
            }
        }
        self.notice(Notice::KeptOutside {
            call: call.id,
            risk: call.entry.risk,
        });
        self.set_call_timer(call, now.mono + AGAIN, Timer::LetIn(call.id));
    }

    /// Asks for a caller who was refused; by now its preferences and rings may be wider.
    pub(crate) fn let_in_again(&mut self, now: Now, call: &mut Call) {
        if !matches!(call.state, State::Queued) {
            return;
        }
        match self.queue.put_back(now.mono, call.entry.clone()) {
            Ok(wakes) => {
                call.enqueued = now.mono;
                self.wake(now, &wakes);
            }
            Err(EnqueueError::Duplicate) => {}
            Err(_) => self.set_call_timer(call, now.mono + AGAIN, Timer::LetIn(call.id)),
        }
    }

    /// A seat was refused. What is wrong with the seat itself no time mends.
    pub(crate) fn seat_refused(&mut self, now: Now, machine: &mut SeatMachine, error: SeatError) {
        machine.in_queue = false;
        self.notice(Notice::Unexpected("the queue did not take a seat"));
        let timer = Timer::SeatAgain(machine.seat);
        if error == SeatError::Full && !self.timers.holds(timer) {
            self.timers.set(now.mono + AGAIN, timer);
        }
    }

    /// Seats that were refused before, or are now, ask again.
    pub(crate) fn ask_for_seats(&mut self, now: Now) {
        for machine in self.seats.values() {
            if machine.settle() == SeatEffect::Enter {
                let timer = Timer::SeatAgain(machine.seat);
                self.timers.set(now.mono + AGAIN, timer);
            }
        }
    }

    pub(crate) fn on_seat_again(&mut self, now: Now, seat: SeatId) {
        self.change_seat(now, seat, |machine| {
            // Whoever is in the queue meanwhile stays there as it is.
            Ok(machine.settle())
        });
    }
}
