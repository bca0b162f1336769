//! Who stands before whom.

use meishier_model::{CallId, Class, Mono, SeatId};

use crate::caller::{Caller, Stamp};
use crate::config::Ageing;

/// Where a caller stands. The fields compare in the order in which they are written, smaller first:
/// risk, own seat, effective class, arrival stamp, id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    ordinary: bool,
    other_seat: bool,
    effective: Mono,
    stamp: Stamp,
    call: CallId,
}

impl Standing {
    /// Where `caller` stands before `seat`, or among callers if no seat is meant.
    pub(crate) fn of(caller: &Caller, seat: Option<SeatId>, ageing: Ageing) -> Self {
        let own = seat.is_some() && seat == caller.own_seat;
        Self::new(
            caller.risk,
            own,
            caller.class,
            caller.stamp,
            caller.call,
            ageing,
        )
    }

    /// The same from its parts.
    pub(crate) fn new(
        risk: bool,
        own: bool,
        class: Class,
        stamp: Stamp,
        call: CallId,
        ageing: Ageing,
    ) -> Self {
        let step = ageing.step.min(Ageing::MAX_STEP).as_micros();
        let step = u64::try_from(step).unwrap_or(u64::MAX);
        Self::by_step(risk, own, class, stamp, call, step)
    }

    /// The same with the step in microseconds, at most [`Ageing::MAX_STEP`].
    pub(crate) fn by_step(
        risk: bool,
        own: bool,
        class: Class,
        stamp: Stamp,
        call: CallId,
        step: u64,
    ) -> Self {
        // Two callers' effective classes (class - waited / step) compare like the moments at which
        // both would have arrived to be of class 0 now, so no clock is needed to compare them.
        let later = step.saturating_mul(u64::from(class.number()));
        let effective = Mono(stamp.at.0.saturating_add(later));
        Self {
            ordinary: !risk,
            other_seat: !own,
            effective,
            stamp,
            call,
        }
    }

    /// The caller who stands here.
    pub(crate) fn call(&self) -> CallId {
        self.call
    }
}
