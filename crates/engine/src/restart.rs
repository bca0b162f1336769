//! The whole engine as data, and its return in another process: all shards from what was written,
//! beside a new queue.
//!
//! What the driver does, in this order:
//!
//! ```text
//!   take     every output of every shard carried out, no input since ─► EngineSnapshot::take
//!            (letters: what shards have sent each other and has not been read, way by way in order)
//!   restart  EngineSnapshot::queue ─► a closed queue, for the ShardConfig of every shard
//!            Shard::restart for every shard, in any order; the outputs of each taken at once
//!            Queue::open ─► Input::Inbox to every shard, at least to those that it names
//!            the letters as Input::Shard, way by way in order; then everything as ever
//! ```
//!
//! Nothing is matched before the queue opens, so that no seat and no line is given away whose call
//! comes back only later. A match that a shard had not read yet lies in the new queue's inbox.
//!
//! The clock of [`Mono`](meishier_model::Mono) goes on: it must stand at [`EngineSnapshot::taken`]
//! or later, by the time that the engine was away. Whoever was to be called, rung or freed
//! meanwhile is so at once; only what SIP itself waits for waits as long as it had left to.
//!
//! What does not come back: transactions of strangers, OPTIONS under way, which counts of a
//! digest's nonce were used, star codes (their calls end, what they asked for is done), the
//! expected wait's evidence, whether trunks answered, registrations by TCP (their
//! connections are gone), and what media was playing (music instead).

use crate::api::{Notice, ShardMessage, TalkWeight, home_of_seat};
use crate::call::{Call, State, ThirdSide};
use crate::dispatch::queue_config;
use crate::seat::Activity;
use crate::second::{Stand, requests};
use crate::shard::{Shard, ShardConfig};
use crate::snapshot::{Beside, ShardSnapshot};
use meishier_config::Config;
use meishier_model::{CallId, Now, OfferOutcome, SeatId, ShardId};
use meishier_queue::{OfferId, Queue, QueueSnapshot};
use meishier_transfer::ThirdId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What one shard has sent to another that did not read it yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardLetter {
    /// Who sent it.
    pub from: ShardId,
    /// Whose inbox it lay in.
    pub to: ShardId,
    /// What it says.
    pub message: ShardMessage,
}

/// A whole engine at one moment. Holds personal data: numbers stand in it.
#[derive(Clone, Serialize, Deserialize)]
pub struct EngineSnapshot {
    /// The moment.
    pub taken: Now,
    /// Every shard, in order.
    pub shards: Vec<ShardSnapshot>,
    /// What the queue alone knows.
    pub queue: QueueSnapshot,
    /// What was under way between shards; of one way in its order.
    pub letters: Vec<ShardLetter>,
}

impl std::fmt::Debug for EngineSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineSnapshot")
            .field("taken", &self.taken)
            .field("shards", &self.shards)
            .field("letters", &self.letters.len())
            .finish_non_exhaustive()
    }
}

impl EngineSnapshot {
    /// Writes a whole engine out. All shards must stand still: outputs taken, no input meanwhile.
    #[must_use]
    pub fn take(now: Now, shards: &[Shard], queue: &Queue, letters: Vec<ShardLetter>) -> Self {
        Self {
            taken: now,
            shards: shards.iter().map(|it| it.snapshot_all(now)).collect(),
            queue: queue.snapshot(),
            letters,
        }
    }

    /// The closed queue for the shards that go on; `config` must have the identity of the one that
    /// the engine ran with ([`Config::same_identity`]).
    #[must_use]
    pub fn queue(&self, config: &Config, now: Now) -> Queue {
        Queue::restore(queue_config(config, now.wall), &self.queue)
    }
}

impl Shard {
    /// A shard that goes on in another process, beside a closed queue that knows none of its callers
    /// and seats; see the module for the order of things. Calls that cannot be taken in end,
    /// with a record, and are told by a notice. Take its outputs at once.
    #[must_use]
    pub fn restart(setup: ShardConfig, now: Now, snapshot: ShardSnapshot) -> Self {
        Self::go_on(setup, now, snapshot, Beside::Nothing)
    }

    /// Tells a queue who waits here, which lines are held, and which seats are ready.
    pub(crate) fn reenter(&mut self, now: Now) {
        self.queue.count_from(self.last_offer());
        let mut refused = false;
        let mut outside = Vec::new();
        for call in self.calls.values() {
            if let Some(side) = call.seat_side() {
                refused |= !self.queue.hold_line(side.line);
            }
            if matches!(call.state, State::Queued) {
                let back = self.queue.reenter_caller(call.enqueued, call.entry.clone());
                outside.extend(back.err().map(|error| (call.id, error)));
            }
        }
        let (seconds, unheld) = self.reenter_seconds();
        refused |= unheld;
        for (id, third) in seconds {
            self.with_call(id, |shard, call| {
                shard.second_kept_out(now, call, third);
                shard.run_third(now, call, third);
            });
        }
        for (id, error) in outside {
            self.with_call(id, |shard, call| shard.keep_outside(now, call, error));
        }
        let ready: Vec<SeatId> = self
            .seats
            .values()
            .filter(|machine| machine.in_queue)
            .map(|machine| machine.seat)
            .collect();
        for seat in ready {
            let Some(mut machine) = self.seats.remove(&seat) else {
                continue;
            };
            // A seat that is in the queue has been shown as ready since it entered it.
            let entry = self.ready_seat(&machine);
            let back = entry.map(|entry| self.queue.reenter_seat(machine.since, entry));
            machine.in_queue = matches!(back, Some(Ok(_)));
            refused |= !machine.in_queue;
            self.seats.insert(seat, machine);
        }
        if refused {
            self.notice(Notice::Unexpected("the queue did not take somebody back"));
        }
    }

    /// After a start beside a new queue: who waits is let in again, held lines are held.
    /// Gives requests that the queue did not take, and whether it refused a line.
    pub(crate) fn reenter_seconds(&self) -> (Vec<(CallId, ThirdId)>, bool) {
        let (mut outside, mut refused) = (Vec::new(), false);
        for call in self.calls.values() {
            for (third, request) in requests(call) {
                match &request.stand {
                    Stand::Waits => {
                        let entry = request.entry.clone();
                        let back = self.queue.reenter_caller(request.enqueued, entry);
                        outside.extend(back.err().map(|_| (call.id, third)));
                    }
                    Stand::Rings(found) | Stand::Talks(found) => {
                        refused |= !self.queue.hold_line(found.line);
                    }
                    Stand::New | Stand::Over => {}
                }
            }
        }
        (outside, refused)
    }

    /// A call that cannot be taken in leaves nobody in the queue and no seat waiting.
    pub(crate) fn forget_seconds(&mut self, now: Now, call: &mut Call, beside_queue: bool) {
        let all: SmallVec<[ThirdId; 8]> = call.thirds.iter().map(|it| it.id).collect();
        for third in all {
            let request = call.third_mut(third).and_then(ThirdSide::request_mut);
            let Some(request) = request else {
                continue;
            };
            if beside_queue {
                self.drop_second(now, call, third);
                continue;
            }
            // A new queue knows nothing of it; the seat's home does.
            let stand = std::mem::replace(&mut request.stand, Stand::Over);
            let (Stand::Rings(found) | Stand::Talks(found)) = stand else {
                continue;
            };
            let (seat, offer) = (found.seat, found.offer);
            let outcome = OfferOutcome::Withdrawn;
            let home = home_of_seat(seat, self.shards);
            // The seat takes the one that is meant for its state.
            self.send(
                home,
                ShardMessage::OfferEnded {
                    seat,
                    offer,
                    outcome,
                },
            );
            self.send(
                home,
                ShardMessage::SeatReleased {
                    seat,
                    offer,
                    talked_ms: 0,
                    weight: TalkWeight::default(),
                },
            );
        }
    }

    /// The highest number of an offer that anybody here still speaks of.
    fn last_offer(&self) -> OfferId {
        let of_calls = self
            .calls
            .values()
            .filter_map(|call| call.seat_side().map(|side| side.offer));
        let of_seats = self
            .seats
            .values()
            .filter_map(|machine| match machine.activity {
                Activity::Offered { offer, .. } | Activity::Talking { offer, .. } => Some(offer),
                _ => None,
            });
        let calls = self.calls.values().flat_map(|call| requests(call));
        let of_seconds = calls.filter_map(|(_, request)| Some(request.found()?.offer));
        let all = of_calls.chain(of_seats).chain(of_seconds);
        all.max().unwrap_or(OfferId(0))
    }
}
