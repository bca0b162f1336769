//! The second line (二线): a seat is called into a conversation through the queue, while the caller
//! stays in it.
//!
//! The request stands in the queue as a caller of its own, under a number of its own, and whatever
//! holds of callers there holds of it: nobody is passed over, a line is held from the match to the end
//! and released once, the seat rings, refuses, rests and wraps up as for any caller. What the seat's
//! home shard is told is what it is told of callers.
//!
//! ```text
//!            put_back           match                200
//!   New ─────────────► Waits ──────────► Rings ─────────────► Talks
//!                      │  ▲                │                    │
//!                      │  └── refused, rang out, ──┤            │
//!                      │      unreachable, withdrawn            │
//!                      │ taken back, the key's limit, all left  │ hung up, lost, all left
//!                      ▼                   ▼                    ▼
//!                     Over ◄───────────────┴────────────────────┘
//! ```
//!
//! The limit for all of it is the key's, and the use of the key's machine watches it (meishier-transfer).

use crate::api::{Notice, ShardMessage, TalkWeight, home_of_seat};
use crate::call::{Call, ThirdSide};
use crate::defect::Defect;
use crate::key::write_event;
use crate::shard::Shard;
use crate::timers::Timer;
use crate::typed::Typed;
use meishier_model::{
    CallId, CounsellorId, LineId, Mono, Now, OfferOutcome, PoolId, SeatId, SkillSet, TransferEvent,
};
use meishier_queue::{Caller, Match, OfferId, Stamp};
use meishier_signaling::Binding;
use meishier_transfer::ThirdId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// A third party that is a seat's telephone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SeatCall {
    pub(crate) way: Way,
    /// Where else the telephone may be, if it is not reached where it is tried now; the next one first.
    pub(crate) contacts: VecDeque<Binding>,
    /// The look-up that is under way.
    #[serde(skip)]
    pub(crate) lookup: Option<u64>,
    /// What has been pressed of a sequence of keys, by who stands in for the counsellor.
    #[serde(default)]
    pub(crate) typed: Typed,
    /// Whom this telephone asked for by REFER, the last time.
    #[serde(default)]
    pub(crate) referred: Option<ThirdId>,
}

/// How the seat is found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Way {
    /// It was named: a supervisor's, which the queue knows nothing of.
    Named(SeatId),
    /// Through the queue.
    Queue(Box<Request>),
}

/// A request for somebody of the second line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// What the queue is told. The number in it is the request's, and no call's.
    pub(crate) entry: Caller,
    /// When it entered the queue, the last time.
    pub(crate) enqueued: Mono,
    pub(crate) stand: Stand,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Stand {
    New,
    Waits,
    Rings(Found),
    Talks(Found),
    Over,
}

/// The seat that the queue gave, with what is held for it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) seat: SeatId,
    pub(crate) counsellor: CounsellorId,
    pub(crate) line: LineId,
    pub(crate) offer: OfferId,
    pub(crate) answered: Mono,
}

impl Request {
    /// The seat that rings or talks.
    pub(crate) fn found(&self) -> Option<&Found> {
        match &self.stand {
            Stand::Rings(found) | Stand::Talks(found) => Some(found),
            Stand::New | Stand::Waits | Stand::Over => None,
        }
    }

    fn rings_for(&self, offer: OfferId) -> bool {
        matches!(&self.stand, Stand::Rings(found) if found.offer == offer)
    }
}

impl SeatCall {
    pub(crate) fn named(seat: SeatId) -> Self {
        Self::new(Way::Named(seat))
    }

    pub(crate) fn queued(entry: Caller) -> Self {
        let (enqueued, stand) = (entry.stamp.at, Stand::New);
        Self::new(Way::Queue(Box::new(Request {
            entry,
            enqueued,
            stand,
        })))
    }

    fn new(way: Way) -> Self {
        Self {
            way,
            contacts: VecDeque::new(),
            lookup: None,
            typed: Typed::default(),
            referred: None,
        }
    }

    /// The seat that is called now, or talks.
    pub(crate) fn seat(&self) -> Option<SeatId> {
        match &self.way {
            Way::Named(seat) => Some(*seat),
            Way::Queue(request) => request.found().map(|it| it.seat),
        }
    }
}

impl ThirdSide {
    pub(crate) fn request(&self) -> Option<&Request> {
        match &self.seat.as_ref()?.way {
            Way::Queue(request) => Some(request),
            Way::Named(_) => None,
        }
    }

    pub(crate) fn request_mut(&mut self) -> Option<&mut Request> {
        match &mut self.seat.as_mut()?.way {
            Way::Queue(request) => Some(request),
            Way::Named(_) => None,
        }
    }

    /// A seat that was named: nobody's help is asked for by it, and nobody hears that it is called.
    pub(crate) fn is_named(&self) -> bool {
        let way = self.seat.as_ref().map(|it| &it.way);
        matches!(way, Some(Way::Named(_)))
    }
}

/// Requests of a call, by third party.
pub(crate) fn requests(call: &Call) -> impl Iterator<Item = (ThirdId, &Request)> {
    let thirds = call.thirds.iter();
    thirds.filter_map(|it| Some((it.id, it.request()?)))
}

/// Requests that wait are not asked again: a defect on purpose.
pub(crate) fn forget_waiting(call: &mut Call) {
    let requests = call.thirds.iter_mut().filter_map(ThirdSide::request_mut);
    for request in requests.filter(|it| matches!(it.stand, Stand::Waits)) {
        request.stand = Stand::New;
    }
}

fn ringing_for(call: &Call, offer: OfferId) -> Option<ThirdId> {
    let mut all = requests(call);
    all.find(|(_, it)| it.rings_for(offer)).map(|(id, _)| id)
}

impl Shard {
    /// What a seat of this pool with these skills is asked for by. It stands at the head if the caller
    /// does, or if police, ambulance or fire were called.
    pub(crate) fn ask_for_second(
        &mut self,
        now: Now,
        call: &Call,
        third: ThirdId,
        (pool, skills): (PoolId, SkillSet),
    ) -> SeatCall {
        let id = CallId::new(self.id, self.next_call);
        self.next_call += 1;
        self.requests.insert(id, (call.id, third));
        SeatCall::queued(Caller {
            call: id,
            shard: self.id,
            stamp: Stamp {
                at: now.mono,
                tie: (id.0 & 0xffff_ffff) as u32,
            },
            class: call.entry.class,
            risk: call.entry.risk || call.emergency,
            required: match self.broken.is(Defect::SecondUnskilled) {
                true => SkillSet::default(),
                false => skills,
            },
            preferred: SmallVec::new(),
            rings: SmallVec::from_slice(&[pool]),
            open: 1,
            own_seat: None,
        })
    }

    /// The request waits, or waits again with its old place. It keeps to nobody's limit of waiting
    /// callers: its own caller has left the queue, and left a place there.
    pub(crate) fn enter_second(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let Some(request) = call.third_mut(third).and_then(ThirdSide::request_mut) else {
            return;
        };
        request.stand = Stand::Waits;
        request.enqueued = now.mono;
        let entry = request.entry.clone();
        match self.queue.put_back(now.mono, entry) {
            Ok(wakes) => self.wake(now, &wakes),
            Err(_) => self.second_kept_out(now, call, third),
        }
    }

    /// The queue did not take the request: the key has failed.
    pub(crate) fn second_kept_out(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if let Some(request) = call.third_mut(third).and_then(ThirdSide::request_mut) {
            request.stand = Stand::Over;
            let id = request.entry.call;
            self.requests.remove(&id);
        }
        self.notice(Notice::Unexpected(
            "the queue did not take a request for the second line",
        ));
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_failed(now.mono, 503);
        }
    }

    /// The caller is at risk by now, or an emergency was called: whoever is asked for stands at the head
    /// too.
    pub(crate) fn raise_seconds(&mut self, now: Now, call: &mut Call) {
        for side in &mut call.thirds {
            let Some(request) = side.request_mut() else {
                continue;
            };
            request.entry.risk = true;
            if let Stand::Waits = request.stand {
                let wakes = self.queue.raise(now.mono, request.entry.call, None, true);
                self.wake(now, &wakes);
            }
        }
    }

    /// The queue gave a seat to a request. False if nobody waits any more.
    pub(crate) fn on_match_for_second(&mut self, now: Now, found: &Match) -> bool {
        let Some((id, third)) = self.requests.get(&found.call).copied() else {
            return false;
        };
        let mut taken = false;
        self.with_call(id, |shard, call| {
            let request = call.third_mut(third).and_then(ThirdSide::request_mut);
            let Some(request) = request.filter(|it| matches!(it.stand, Stand::Waits)) else {
                return;
            };
            taken = true;
            request.stand = Stand::Rings(Found {
                seat: found.seat,
                counsellor: found.counsellor,
                line: found.line,
                offer: found.offer,
                answered: Mono(0),
            });
            shard.send(
                found.seat_shard,
                ShardMessage::OfferOf {
                    seat: found.seat,
                    offer: found.offer,
                    call: id,
                },
            );
            shard.notice(Notice::SecondOffered {
                call: id,
                third,
                seat: found.seat,
            });
            shard.note_seat(now, call, third, "seat_offered", "");
            shard.name_seat(call, third);
            shard.look_for_telephone(now, call, third);
            shard.run_third(now, call, third);
        });
        taken
    }

    /// The telephone answered: the seat talks.
    pub(crate) fn second_answered(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_, it) if *it == third));
        let Some(request) = call.third_mut(third).and_then(ThirdSide::request_mut) else {
            return;
        };
        let Stand::Rings(found) = request.stand else {
            return;
        };
        request.stand = Stand::Talks(Found {
            answered: now.mono,
            ..found
        });
        self.cancel_call_timers(
            call,
            |t| matches!(t, Timer::OfferRing(_, it) if *it == found.offer),
        );
        let (seat, offer) = (found.seat, found.offer);
        self.notice(Notice::SecondEnded {
            call: call.id,
            third,
            seat,
            outcome: OfferOutcome::Answered,
        });
        let home = home_of_seat(seat, self.shards);
        self.send(home, ShardMessage::OfferAnswered { seat, offer });
    }

    /// This seat does not come: the request waits for another; who was named is not replaced.
    pub(crate) fn end_bid(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        (outcome, status): (OfferOutcome, u16),
    ) {
        self.hang_up_telephone(now, call, third);
        let Some(side) = call.third_mut(third) else {
            return;
        };
        if side.is_named() {
            let status = if status == 0 { 480 } else { status };
            return side.machine.handle_failed(now.mono, status);
        }
        if side.seat.as_ref().is_some_and(|it| it.seat().is_some()) {
            self.note_seat(now, call, third, "seat_missed", outcome.as_str());
        }
        if self.free_second(now, call, third, outcome) {
            self.enter_second(now, call, third);
        }
    }

    /// What was held for a ringing seat is free, once; true if something was.
    fn free_second(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        outcome: OfferOutcome,
    ) -> bool {
        let Some(request) = call.third_mut(third).and_then(ThirdSide::request_mut) else {
            return false;
        };
        let Stand::Rings(found) = request.stand else {
            return false;
        };
        request.stand = Stand::New;
        self.cancel_call_timers(
            call,
            |t| matches!(t, Timer::OfferRing(_, it) if *it == found.offer),
        );
        self.notice(Notice::SecondEnded {
            call: call.id,
            third,
            seat: found.seat,
            outcome,
        });
        // The home shard first: a seat that goes into a back-off is not there when the line frees.
        let message = ShardMessage::OfferEnded {
            seat: found.seat,
            offer: found.offer,
            outcome,
        };
        self.send(home_of_seat(found.seat, self.shards), message);
        let wakes = self.queue.release_line(now.mono, found.line);
        self.wake(now, &wakes);
        true
    }

    /// Nobody of the second line is wanted any more, or who was there goes.
    pub(crate) fn drop_second(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let risk = call.entry.risk;
        let emergency = call.emergency;
        let outcome = if call.side.gone {
            OfferOutcome::CallerGone
        } else {
            OfferOutcome::Withdrawn
        };
        let Some(side) = call.third_mut(third) else {
            return;
        };
        if let Some(token) = side.seat.as_mut().and_then(|it| it.lookup.take()) {
            self.lookups.remove(&token);
        }
        let Some(request) = side.request_mut() else {
            return;
        };
        let (id, stand) = (request.entry.call, request.stand);
        match stand {
            Stand::New | Stand::Over => {}
            // False: its match lies in the inbox, finds nobody and is returned.
            Stand::Waits => drop(self.queue.abandon(now.mono, id)),
            Stand::Rings(_) => drop(self.free_second(now, call, third, outcome)),
            Stand::Talks(found) => {
                if !self.broken.is(Defect::SecondLineLost) {
                    let wakes = self.queue.release_line(now.mono, found.line);
                    self.wake(now, &wakes);
                }
                let message = ShardMessage::SeatReleased {
                    seat: found.seat,
                    offer: found.offer,
                    talked_ms: (now.mono - found.answered).as_millis() as u64,
                    weight: TalkWeight { risk, emergency },
                };
                self.send(home_of_seat(found.seat, self.shards), message);
            }
        }
        if let Some(request) = call.third_mut(third).and_then(ThirdSide::request_mut) {
            request.stand = Stand::Over;
        }
        self.requests.remove(&id);
    }

    /// It has rung long enough.
    pub(crate) fn on_second_ring_limit(&mut self, now: Now, call: &mut Call, offer: OfferId) {
        if self.broken.is(Defect::SecondRingsForEver) {
            return;
        }
        self.second_misses(now, call, offer, OfferOutcome::NoAnswer);
    }

    /// The seat's home asks for the offer back; `id` is the call's or the request's.
    pub(crate) fn on_withdraw_second(&mut self, now: Now, id: CallId, offer: OfferId) {
        let id = self.requests.get(&id).map_or(id, |(call, _)| *call);
        self.with_call(id, |shard, call| {
            shard.second_misses(now, call, offer, OfferOutcome::Withdrawn);
        });
    }

    fn second_misses(&mut self, now: Now, call: &mut Call, offer: OfferId, outcome: OfferOutcome) {
        if let Some(third) = ringing_for(call, offer) {
            self.end_bid(now, call, third, (outcome, 0));
            self.run_third(now, call, third);
        }
    }

    /// A line in the time line of this use of the key, with the seat's name.
    fn note_seat(&mut self, now: Now, call: &mut Call, third: ThirdId, what: &str, more: &str) {
        let Some(side) = call.third(third) else {
            return;
        };
        let seat = side.seat.as_ref().and_then(|it| it.seat());
        let seat = seat.and_then(|it| self.config.seats.get(it.0 as usize));
        let name = seat.map_or("", |it| it.name.as_str());
        let detail = [name, more].join(" ").trim().to_owned();
        let record = side.record;
        write_event(call, record, TransferEvent::new(now.wall, what, detail));
    }

    /// The record and the desk show which seat was called last.
    fn name_seat(&self, call: &mut Call, third: ThirdId) {
        let side = call.third(third);
        let found = side.and_then(|it| Some((it.record, it.request()?.found()?.seat)));
        let Some((record, seat)) = found else {
            return;
        };
        let name = self
            .config
            .seats
            .get(seat.0 as usize)
            .map(|it| it.name.clone());
        if let Some(record) = call.transfers.get_mut(record) {
            record.dialled = name.unwrap_or_default();
        }
    }
}
