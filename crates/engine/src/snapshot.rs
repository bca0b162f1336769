//! A call as data: written out at any state, taken in by another shard object.
//!
//! The queue is not part of it: a queued caller stands in the queue, a ringing or talking one holds
//! its line there. Media is not part of it either: the ports are opened anew when the call is
//! taken in.

use crate::api::Notice;
use crate::call::{Call, State, Voice};
use crate::ports::PortOwner;
use crate::seat::SeatMachine;
use crate::shard::{LegOwner, Shard, ShardConfig};
use crate::timers::Timer;
use meishier_media::{MediaCommand, Source};
use meishier_model::{CallId, CounsellorId, LegId, Now, SeatId};
use meishier_signaling::LegSnapshot;
use serde::{Deserialize, Serialize};

/// One call with its SIP legs.
#[derive(Clone, Serialize, Deserialize)]
pub struct CallSnapshot {
    call: Box<Call>,
    legs: Vec<LegSnapshot>,
}

/// A shard's calls and seats.
#[derive(Clone, Serialize, Deserialize)]
pub struct ShardSnapshot {
    calls: Vec<CallSnapshot>,
    seats: Vec<SeatMachine>,
    claims: Vec<(CounsellorId, SeatId)>,
    /// Legs that no call follows any more, such as offers that are being cancelled.
    loose: Vec<LegSnapshot>,
    /// Where the numbering of calls goes on.
    next_call: u64,
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
    /// The call as it is now; `None` if it is not here.
    #[must_use]
    pub fn snapshot(&self, id: CallId) -> Option<CallSnapshot> {
        let call = self.calls.get(&id)?;
        let legs = legs_of(call)
            .into_iter()
            .filter_map(|(leg, _)| self.endpoint.snapshot(leg))
            .collect();
        Some(CallSnapshot {
            call: call.clone(),
            legs,
        })
    }

    /// The identifiers of all calls of this shard.
    pub fn calls(&self) -> impl Iterator<Item = CallId> + '_ {
        self.calls.keys().copied()
    }

    /// Everything of this shard that is not in the queue, in SIP transactions of strangers, or in
    /// the registrations (telephones register again by themselves).
    #[must_use]
    pub fn snapshot_all(&self) -> ShardSnapshot {
        ShardSnapshot {
            calls: self
                .calls
                .keys()
                .filter_map(|id| self.snapshot(*id))
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
            loose: self.loose_legs(),
            next_call: self.next_call,
        }
    }

    fn loose_legs(&self) -> Vec<LegSnapshot> {
        let nobodys = self
            .legs
            .iter()
            .filter(|(_, owner)| **owner == LegOwner::Nobody);
        nobodys
            .filter_map(|(leg, _)| self.endpoint.snapshot(*leg))
            .collect()
    }

    /// A shard that goes on where another one stopped, beside the queue that it used. Calls that
    /// cannot be taken in are left out and told by a notice.
    #[must_use]
    pub fn resume(setup: ShardConfig, now: Now, snapshot: ShardSnapshot) -> Self {
        let mut shard = Self::bare(setup);
        shard.start_lines(now);
        shard.start_trunks(now);
        shard.claims = snapshot.claims.into_iter().collect();
        shard.next_call = shard.next_call.max(snapshot.next_call);
        for machine in snapshot.seats {
            if let Some(at) = machine.deadline() {
                shard.timers.set(at, Timer::Seat(machine.seat));
            }
            shard.seats.insert(machine.seat, Box::new(machine));
        }
        for leg in snapshot.loose {
            if let Ok(leg) = shard.endpoint.restore(now.mono, leg) {
                shard.legs.insert(leg, LegOwner::Nobody);
            }
        }
        for call in snapshot.calls {
            if shard.restore(now, call).is_err() {
                shard.notice(Notice::Unexpected("a call could not be restored"));
            }
        }
        shard
    }

    /// Takes a call in. Its timers go on from where they stood; overdue ones fire at once.
    ///
    /// # Errors
    /// See [`RestoreError`]; the shard is unchanged then.
    pub fn restore(&mut self, now: Now, snapshot: CallSnapshot) -> Result<CallId, RestoreError> {
        let mut call = snapshot.call;
        let id = call.id;
        if id.shard() != self.id {
            return Err(RestoreError::WrongShard);
        }
        if self.calls.contains_key(&id) {
            return Err(RestoreError::Duplicate);
        }
        for leg in snapshot.legs {
            self.endpoint
                .restore(now.mono, leg)
                .map_err(|_| RestoreError::Leg)?;
        }
        for (leg, owner) in legs_of(&call) {
            self.legs.insert(leg, owner);
        }
        self.next_call = self.next_call.max((id.0 & ((1 << 48) - 1)) + 1);
        for (at, timer) in &call.timers {
            self.timers.set(*at, *timer);
        }
        // Media knows nothing of ports that were being closed, a finished caller's among them.
        call.closing.clear();
        if call.ending.is_none() {
            self.take_ports(&mut call);
        }
        self.calls.insert(id, call);
        self.with_call(id, |shard, call| shard.reopen(call));
        Ok(id)
    }

    fn take_ports(&mut self, call: &mut Call) {
        let owners = [
            (Some(&mut call.side.voice), PortOwner::Caller(call.id)),
            (
                match &mut call.state {
                    State::Offered(side)
                    | State::Talking(side)
                    | State::Transferring(Some(side), _) => side.voice.as_mut(),
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
        if let State::Transferring(_, target) = &mut call.state
            && let Some(voice) = &mut target.voice
        {
            self.ports.take_this(voice.port);
            self.ports.own(voice.port, PortOwner::Target(call.id));
        }
    }

    /// Opens the media anew for whoever had it.
    fn reopen(&mut self, call: &mut Call) {
        if call.ending.is_some() {
            return self.cancel_call_timers(call, |t| matches!(t, Timer::CloseGuard(_)));
        }
        let reopen = |shard: &mut Self, voice: &Voice| {
            if let (true, Some((media, accept))) = (voice.open, voice.agreed.clone()) {
                shard.media(MediaCommand::Open {
                    port: voice.port,
                    media,
                    accept,
                });
            }
        };
        reopen(self, &call.side.voice);
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
            State::Transferring(side, target) => {
                let voices = [
                    side.as_ref().and_then(|s| s.voice.clone()),
                    target.voice.clone(),
                ];
                for voice in voices.into_iter().flatten() {
                    reopen(self, &voice);
                }
                self.arrange(call);
            }
            State::WrappingUp => {}
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
    if let State::Transferring(_, target) = &call.state
        && let Some(leg) = target.leg
    {
        legs.push((leg, LegOwner::Target(call.id)));
    }
    legs
}
