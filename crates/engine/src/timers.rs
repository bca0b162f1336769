//! The timers of a shard's calls, seats and trunks. Every timer is cancelled when its owner goes,
//! so that their number returns to the baseline.

use crate::call::Call;
use crate::shard::Shard;
use meishier_model::{CallId, Mono, Now, PortId, SeatId, TrunkId};
use meishier_queue::OfferId;
use meishier_transfer::ThirdId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// 200 to a caller who has only heard ringing so far.
    AnswerAfter(CallId),
    /// Say the position.
    Announce(CallId),
    /// The next ring of pools opens.
    OpenRing(CallId),
    /// Preferences no longer hold a caller back.
    DropPreferences(CallId),
    /// The ring limit of an offer.
    OfferRing(CallId, OfferId),
    /// Nothing was heard of a telephone that may be elsewhere.
    NoSign(CallId, OfferId),
    /// The transfer target's ring limit.
    TransferRing(CallId, ThirdId),
    /// A peer of a trunk has said nothing to the target's INVITE.
    PeerTry(CallId, ThirdId),
    /// A silent party is asked again.
    Probe(CallId, PortId),
    /// Caller and counsellor are together long enough to say that one of them is not heard.
    OneWay(CallId),
    /// A caller whom the queue refused asks again.
    LetIn(CallId),
    /// A counsellor has pressed a sequence of keys, and none that goes on from it.
    Typed(CallId),
    /// Media has not confirmed the closing of the ports.
    CloseGuard(CallId),
    /// A caller who was asked to be recorded has had time to refuse.
    ToAnswer(CallId),
    /// The prompt with which a call ends was not heard to its end.
    Parting(CallId),
    /// A seat's wrap-up or back-off ends.
    Seat(SeatId),
    /// OPTIONS to a trunk.
    KeepAlive(TrunkId),
    /// A registration at a trunk's carrier.
    Register(TrunkId),
    /// Carriers have had time enough to answer our leave.
    Leave,
    /// The schedule of lines changes.
    Lines,
    /// A state that people set of a pool ends.
    Hands,
    /// Which pools are full?
    FullPools,
    /// A star-code call has lasted long enough.
    Service(u64),
    /// A seat whom the queue refused asks again.
    SeatAgain(SeatId),
    /// Is a caller waiting beside a seat that fits?
    Watch,
    /// Telephones behind NAT are to hear something.
    KeepOpen,
}

#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Mono, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Mono, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn cancel(&mut self, at: Mono, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(crate) fn next(&self) -> Option<Mono> {
        self.0.first().map(|entry| entry.0)
    }

    /// True if it is set, for whatever moment. Looks at every timer.
    pub(crate) fn holds(&self, timer: Timer) -> bool {
        self.0.iter().any(|entry| entry.1 == timer)
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn take_due(&mut self, now: Mono) -> Option<(Mono, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Shard {
    pub(crate) fn on_timeout(&mut self, now: Now) {
        self.endpoint.handle_timeout(now.mono);
        self.registrar.handle_timeout(now.mono);
        while let Some((at, timer)) = self.timers.take_due(now.mono) {
            self.on_timer(now, at, timer);
        }
    }

    fn on_timer(&mut self, now: Now, at: Mono, timer: Timer) {
        match timer {
            Timer::Seat(seat) => self.on_seat_timer(now, seat),
            Timer::KeepAlive(trunk) => self.on_keep_alive(now, trunk),
            Timer::Register(trunk) => self.on_register_timer(now, trunk),
            Timer::Leave => self.on_leave_limit(),
            Timer::Lines => {
                self.lines_timer = None;
                self.start_lines(now);
            }
            Timer::Service(id) => self.end_service(now, id),
            Timer::Watch => self.on_watch(now),
            Timer::KeepOpen => self.on_keep_open(now),
            Timer::Hands => self.on_hands(now),
            Timer::FullPools => self.on_full_pools(now),
            Timer::SeatAgain(seat) => self.on_seat_again(now, seat),
            Timer::AnswerAfter(call)
            | Timer::Announce(call)
            | Timer::OpenRing(call)
            | Timer::DropPreferences(call)
            | Timer::OfferRing(call, _)
            | Timer::NoSign(call, _)
            | Timer::TransferRing(call, _)
            | Timer::PeerTry(call, _)
            | Timer::Probe(call, _)
            | Timer::OneWay(call)
            | Timer::LetIn(call)
            | Timer::Typed(call)
            | Timer::Parting(call)
            | Timer::ToAnswer(call)
            | Timer::CloseGuard(call) => self.with_call(call, |shard, call| {
                call.timers.retain(|t| *t != (at, timer));
                shard.on_call_timer(now, call, timer);
            }),
        }
    }

    pub(crate) fn set_call_timer(&mut self, call: &mut Call, at: Mono, timer: Timer) {
        call.timers.push((at, timer));
        self.timers.set(at, timer);
    }

    pub(crate) fn cancel_call_timers(&mut self, call: &mut Call, which: impl Fn(&Timer) -> bool) {
        let timers = &mut self.timers;
        call.timers.retain(|(at, timer)| {
            let hit = which(timer);
            if hit {
                timers.cancel(*at, *timer);
            }
            !hit
        });
    }
}
