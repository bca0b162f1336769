//! A call as data: written out at any state, taken in by another shard object.
//!
//! The queue is not part of it: a queued caller stands in the queue, a ringing or talking one holds
//! its line there; beside a new queue both are told to it again (see [`crate::EngineSnapshot`]).
//! Media is not part of it either: the ports are opened anew when the call is taken in.

use crate::api::{LateAlarm, Notice, ShardMessage, TalkWeight, home_of_seat};
use crate::call::{Call, Ending, State, Voice};
use crate::defect::Defect;
use crate::matches::LOOK;
use crate::pools::PoolStates;
use crate::ports::PortOwner;
use crate::seat::SeatMachine;
use crate::second::{forget_waiting, requests};
use crate::shard::{LegOwner, Shard, ShardConfig};
use crate::timers::Timer;
use meishier_media::{MediaCommand, Source};
use meishier_model::{
    CallId, CounsellorId, LegId, Now, OfferOutcome, Outcome, ReleasedBy, SeatId, TrunkId,
};
use meishier_routing::Book;
use meishier_signaling::{LegSnapshot, RegistrarSnapshot, RestSnapshot};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// One call with its SIP legs.
#[derive(Clone, Serialize, Deserialize)]
pub struct CallSnapshot {
    pub(crate) call: Box<Call>,
    legs: Vec<LegSnapshot>,
    /// Channels that the legs hold.
    #[serde(default)]
    channels: Vec<(LegId, TrunkId)>,
}

/// A shard's calls, seats and registrations. Holds personal data: numbers stand in it.
#[derive(Clone, Serialize, Deserialize)]
pub struct ShardSnapshot {
    pub(crate) calls: Vec<CallSnapshot>,
    pub(crate) seats: Vec<SeatMachine>,
    claims: Vec<(CounsellorId, SeatId)>,
    /// Legs that no call follows any more, such as offers that are being cancelled.
    loose: Vec<LegSnapshot>,
    /// Legs of star codes. What was dialled is done; the calls end.
    services: Vec<LegSnapshot>,
    /// What SIP has to see to its end without any leg.
    #[serde(default)]
    rest: RestSnapshot,
    registrations: RegistrarSnapshot,
    /// Where the numbering of calls goes on.
    next_call: u64,
    /// Where the numbering of tokens goes on: answers of other shards may be under way.
    next_token: u64,
    draining: bool,
    book: Book,
    pools: PoolStates,
    /// Alarms of calls that are over.
    #[serde(default)]
    alarms: VecDeque<LateAlarm>,
    /// Trunks that are registered, and their routes: so they stay until the first shard knows better.
    #[serde(default)]
    registered: BTreeMap<TrunkId, String>,
    /// Channels of legs that no call follows.
    #[serde(default)]
    channels: Vec<(LegId, TrunkId)>,
}

/// What a shard finds when it goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// The queue, the connections and the other shards that were there before.
    Everything,
    /// A new and closed queue, in a new process.
    Nothing,
}

impl std::fmt::Debug for ShardSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardSnapshot")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CallSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallSnapshot")
            .field("call", &self.call.id)
            .finish_non_exhaustive()
    }
}

impl CallSnapshot {
    /// The call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call.id
    }
}

/// Why a snapshot was not taken in. The caller of the interface is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The call belongs to another shard.
    WrongShard,
    /// The call is here already.
    Duplicate,
    /// A leg could not be taken in.
    Leg,
}

impl Shard {
    /// The call as it is at this moment; `None` if it is not here.
    #[must_use]
    pub fn snapshot(&self, now: Now, id: CallId) -> Option<CallSnapshot> {
        let call = self.calls.get(&id)?;
        let legs = legs_of(call)
            .into_iter()
            .filter_map(|(leg, _)| self.endpoint.snapshot(now.mono, leg))
            .collect();
        let held = |(leg, _): (LegId, LegOwner)| Some((leg, *self.channels.get(&leg)?));
        let mut kept = call.clone();
        if self.broken.is(Defect::RequestForgotten) {
            forget_waiting(&mut kept);
        }
        Some(CallSnapshot {
            call: kept,
            legs,
            channels: legs_of(call).into_iter().filter_map(held).collect(),
        })
    }

    /// The identifiers of all calls of this shard.
    pub fn calls(&self) -> impl Iterator<Item = CallId> + '_ {
        self.calls.keys().copied()
    }

    /// Everything of this shard that is not in the queue or in SIP transactions of strangers. Take
    /// the outputs first: what was not polled is not in it.
    #[must_use]
    pub fn snapshot_all(&self, now: Now) -> ShardSnapshot {
        ShardSnapshot {
            calls: self
                .calls
                .keys()
                .filter_map(|id| self.snapshot(now, *id))
                .collect(),
            seats: self
                .seats
                .values()
                .map(|it| SeatMachine::clone(it))
                .collect(),
            claims: self
                .claims
                .iter()
                .map(|(who, seat)| (*who, *seat))
                .collect(),
            loose: self.legs_whose(now, |owner| owner == LegOwner::Nobody),
            services: self.legs_whose(now, |owner| matches!(owner, LegOwner::Service(_))),
            rest: self.endpoint.snapshot_rest(now.mono),
            registrations: self.registrar.snapshot(),
            next_call: self.next_call,
            next_token: self.next_token,
            draining: self.draining,
            alarms: self.alarms.clone(),
            book: self.book.clone(),
            pools: self.pools.clone(),
            registered: self.registrations.known.clone(),
            channels: self.loose_channels(),
        }
    }

    fn loose_channels(&self) -> Vec<(LegId, TrunkId)> {
        let loose = |leg: &LegId| self.legs.get(leg) == Some(&LegOwner::Nobody);
        let all = self.channels.iter().filter(|(leg, _)| loose(leg));
        all.map(|(leg, trunk)| (*leg, *trunk)).collect()
    }

    fn legs_whose(&self, now: Now, which: impl Fn(LegOwner) -> bool) -> Vec<LegSnapshot> {
        let legs = self.legs.iter().filter(|(_, owner)| which(**owner));
        legs.filter_map(|(leg, _)| self.endpoint.snapshot(now.mono, *leg))
            .collect()
    }

    /// A shard that goes on where another one stopped, beside the queue that it used. Calls that
    /// cannot be taken in end, with a record, and are told by a notice. Take its outputs at once.
    #[must_use]
    pub fn resume(setup: ShardConfig, now: Now, snapshot: ShardSnapshot) -> Self {
        let draining = snapshot.draining;
        let mut shard = Self::go_on(setup, now, snapshot, Beside::Everything);
        shard.draining = draining;
        shard.settle(now);
        shard
    }

    pub(crate) fn go_on(
        setup: ShardConfig,
        now: Now,
        snapshot: ShardSnapshot,
        beside: Beside,
    ) -> Self {
        let mut shard = Self::bare(setup);
        shard.now = now.mono;
        shard.book = snapshot.book;
        shard.alarms = snapshot.alarms;
        shard.pools = snapshot.pools;
        shard.pools_follow();
        shard.start_lines(now);
        shard.set_hands_timer(now);
        shard.registrations.known = snapshot.registered;
        shard.start_trunks(now);
        shard.claims = snapshot.claims.into_iter().collect();
        shard.next_call = shard.next_call.max(snapshot.next_call);
        shard.next_token = snapshot.next_token;
        for machine in snapshot.seats {
            if let Some(at) = machine.deadline() {
                shard.timers.set(at, Timer::Seat(machine.seat));
            }
            shard.seats.insert(machine.seat, Box::new(machine));
        }
        let held = snapshot.calls.iter().flat_map(|call| &call.channels);
        let held: Vec<_> = held.chain(&snapshot.channels).copied().collect();
        for leg in snapshot.loose {
            shard.restore_loose(now, leg);
        }
        for leg in snapshot.services {
            if let Some(leg) = shard.restore_loose(now, leg) {
                shard.release_leg(now, leg, None);
            }
        }
        shard.endpoint.restore_rest(now.mono, snapshot.rest);
        for call in snapshot.calls {
            shard.restore_or_end(now, call, beside);
        }
        shard.restore_channels(held, beside == Beside::Nothing);
        if beside == Beside::Nothing {
            shard.reenter(now);
        }
        // Told before any offer: the driver's index may be a new one.
        let connections = beside == Beside::Everything;
        shard.registrar.restore(snapshot.registrations, connections);
        while let Some(change) = shard.registrar.poll_change() {
            shard.on_binding_change(now, change);
        }
        if beside == Beside::Nothing {
            // The file may have changed while nobody ran.
            shard.seats_follow(now);
        }
        shard.ask_for_seats(now);
        shard.look_by(now.mono + LOOK);
        shard
    }

    fn restore_loose(&mut self, now: Now, leg: LegSnapshot) -> Option<LegId> {
        let leg = self.endpoint.restore(now.mono, leg).ok()?;
        self.legs.insert(leg, LegOwner::Nobody);
        Some(leg)
    }

    /// A call that cannot be taken in leaves its record, and nobody waits for it.
    fn restore_or_end(&mut self, now: Now, snapshot: CallSnapshot, beside: Beside) {
        let mut call = snapshot.call.clone();
        let Err(error) = self.restore(now, snapshot) else {
            return;
        };
        self.notice(Notice::Unexpected("a call could not be restored"));
        if error != RestoreError::Leg {
            return;
        }
        if beside == Beside::Everything {
            let _ = self.queue.abandon(now.mono, call.id);
        }
        if let Some(side) = call.seat_side() {
            let (seat, offer) = (side.seat, side.offer);
            if beside == Beside::Everything {
                let wakes = self.queue.release_line(now.mono, side.line);
                self.wake(now, &wakes);
            }
            let home = home_of_seat(seat, self.shards);
            let outcome = OfferOutcome::Withdrawn;
            let talked_ms = 0;
            // The seat takes the one that is meant for its state.
            for message in [
                ShardMessage::OfferEnded {
                    seat,
                    offer,
                    outcome,
                },
                ShardMessage::SeatReleased {
                    seat,
                    offer,
                    talked_ms,
                    weight: TalkWeight::default(),
                },
            ] {
                self.send(home, message);
            }
        }
        for (third, request) in requests(&call) {
            self.requests.insert(request.entry.call, (call.id, third));
        }
        self.forget_seconds(now, &mut call, beside == Beside::Everything);
        call.ending.get_or_insert(Ending {
            at: now,
            outcome: Outcome::Failed,
            by: ReleasedBy::Engine,
            status: 0,
        });
        self.write_record(*call);
    }

    /// Takes a call in. Its timers go on from where they stood; overdue ones fire at once.
    ///
    /// # Errors
    /// See [`RestoreError`]; the shard is unchanged then, but for legs that are being hung up.
    pub fn restore(&mut self, now: Now, snapshot: CallSnapshot) -> Result<CallId, RestoreError> {
        let mut call = snapshot.call;
        let id = call.id;
        if id.shard() != self.id {
            return Err(RestoreError::WrongShard);
        }
        if self.calls.contains_key(&id) {
            return Err(RestoreError::Duplicate);
        }
        let mut taken = Vec::with_capacity(snapshot.legs.len());
        for leg in snapshot.legs {
            let Some(leg) = self.restore_loose(now, leg) else {
                for leg in taken {
                    self.release_leg(now, leg, None);
                }
                return Err(RestoreError::Leg);
            };
            taken.push(leg);
        }
        for (leg, owner) in legs_of(&call) {
            self.legs.insert(leg, owner);
        }
        self.channels.extend(snapshot.channels);
        self.next_call = self.next_call.max((id.0 & ((1 << 48) - 1)) + 1);
        for (at, timer) in &call.timers {
            self.timers.set(*at, *timer);
        }
        // Media knows nothing of ports that were being closed, a finished caller's among them.
        call.closing.clear();
        if call.ending.is_none() {
            self.take_ports(&mut call);
        }
        if matches!(call.state, State::Queued) {
            self.begins_to_wait(now, id);
        }
        for (third, request) in requests(&call) {
            let of = request.entry.call;
            self.requests.insert(of, (id, third));
            self.next_call = self.next_call.max((of.0 & ((1 << 48) - 1)) + 1);
        }
        self.calls.insert(id, call);
        self.with_call(id, |shard, call| {
            shard.tape_cut(call);
            shard.reopen(now, call);
        });
        Ok(id)
    }

    fn take_ports(&mut self, call: &mut Call) {
        let owners = [
            (
                Some(&mut call.side.voice).filter(|_| !call.side.closed),
                PortOwner::Caller(call.id),
            ),
            (
                match &mut call.state {
                    State::Offered(side)
                    | State::Talking(side)
                    | State::Transferring(Some(side)) => side.voice.as_mut(),
                    _ => None,
                },
                PortOwner::Seat(call.id),
            ),
        ];
        for (voice, owner) in owners {
            if let Some(voice) = voice {
                self.ports.take_this(voice.port);
                self.ports.own(voice.port, owner);
            }
        }
        for third in &call.thirds {
            if let Some(voice) = &third.voice {
                self.ports.take_this(voice.port);
                self.ports
                    .own(voice.port, PortOwner::Target(call.id, third.id));
            }
        }
    }

    /// Opens the media anew for whoever had it.
    fn reopen(&mut self, now: Now, call: &mut Call) {
        if call.ending.is_some() {
            return self.cancel_call_timers(call, |t| matches!(t, Timer::CloseGuard(_)));
        }
        let reopen = |shard: &mut Self, voice: &Voice| {
            if let (true, Some((media, accept))) = (voice.open, voice.resumed(now.mono)) {
                shard.media(MediaCommand::Open {
                    port: voice.port,
                    media,
                    accept,
                });
            }
        };
        if !call.side.closed {
            reopen(self, &call.side.voice);
        }
        match &call.state {
            State::Queued | State::Offered(_) => {
                let source = if self.config.waiting.music {
                    Source::Music
                } else {
                    Source::Comfort
                };
                self.hear(&call.side.voice, source);
            }
            State::Talking(side) => {
                if let Some(voice) = side.voice.clone() {
                    reopen(self, &voice);
                }
                self.arrange(call);
            }
            State::Transferring(side) => {
                let seat = side.as_ref().and_then(|side| side.voice.as_ref());
                let thirds = call.thirds.iter().filter_map(|it| it.voice.as_ref());
                for voice in seat.into_iter().chain(thirds) {
                    reopen(self, voice);
                }
                self.arrange(call);
                self.brief_again(now, call);
            }
            // Its prompt is not played again; the call ends at the limit that was set.
            State::Parting(_) | State::WrappingUp => {}
        }
    }
}

fn legs_of(call: &Call) -> Vec<(LegId, LegOwner)> {
    let mut legs = Vec::with_capacity(3);
    if !call.side.gone {
        legs.push((call.side.leg, LegOwner::Caller(call.id)));
    }
    if let Some(side) = call.seat_side()
        && let Some(leg) = side.leg
    {
        legs.push((leg, LegOwner::Seat(call.id, side.offer)));
    }
    let thirds = call.thirds.iter();
    legs.extend(thirds.filter_map(|it| Some((it.leg?, LegOwner::Target(call.id, it.id)))));
    legs
}
