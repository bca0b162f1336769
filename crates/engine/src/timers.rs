//! The timers of a shard's calls, seats and trunks. Every timer is cancelled when its owner goes,
//! so that their number returns to the baseline.

use meishier_model::{CallId, Mono, PortId, SeatId, TrunkId};
use meishier_queue::OfferId;
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
    /// The transfer target's ring limit.
    TransferRing(CallId),
    /// A silent party is asked again.
    Probe(CallId, PortId),
    /// Caller and counsellor are together long enough to say that one of them is not heard.
    OneWay(CallId),
    /// A caller whom the queue refused asks again.
    LetIn(CallId),
    /// Media has not confirmed the closing of the ports.
    CloseGuard(CallId),
    /// The prompt with which a call ends was not heard to its end.
    Parting(CallId),
    /// A seat's wrap-up or back-off ends.
    Seat(SeatId),
    /// OPTIONS to a trunk.
    KeepAlive(TrunkId),
    /// The schedule of lines changes.
    Lines,
    /// A star-code call has lasted long enough.
    Service(u64),
    /// A seat whom the queue refused asks again.
    SeatAgain(SeatId),
    /// Is a caller waiting beside a seat that fits?
    Watch,
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
