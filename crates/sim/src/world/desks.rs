//! Where people sit: each mind with its telephone calls.

use super::far::FarId;
use crate::dice::Dice;
use crate::peer::CallKey;
use crate::people::{CallerMind, SeatMind, TargetMind, Token};
use crate::traffic::CallPlan;
use meishier_model::{CallId, Mono};
use std::collections::BTreeMap;

/// A call of a far end.
pub(super) type Leg = (FarId, CallKey);

/// Whose mind is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A caller, by number.
    Caller(u64),
    /// A seat.
    Seat(usize),
    /// The target of a transfer.
    Target(Leg),
}

/// A caller.
#[derive(Debug)]
pub(super) struct CallerDesk {
    pub mind: CallerMind,
    pub plan: CallPlan,
    /// The attempt under way.
    pub leg: Option<(Leg, Token)>,
    /// When the attempt under way began.
    pub dialled: Mono,
    /// 200 came.
    pub answered: bool,
    /// A counsellor's voice was heard in this attempt.
    pub heard: bool,
    pub timer: Option<Mono>,
}

/// A seat: its telephone and who sits there.
#[derive(Debug)]
pub(super) struct SeatDesk {
    pub mind: SeatMind,
    pub far: FarId,
    pub name: String,
    /// Empty for a seat that does not register.
    pub password: String,
    pub domain: String,
    /// The calls that ring or talk.
    pub calls: BTreeMap<CallKey, SeatCall>,
    pub timer: Option<Mono>,
}

/// A call at a seat.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeatCall {
    /// Which call of the engine, as the INVITE said.
    pub engine: Option<CallId>,
    /// The ACK to the 200 came.
    pub talks: bool,
    /// A supervisor's.
    pub supervises: bool,
}

/// The police, an ambulance, another hotline.
#[derive(Debug)]
pub(super) struct TargetDesk {
    pub mind: TargetMind,
    /// Which call of the engine, as the INVITE said.
    pub engine: Option<CallId>,
    pub timer: Option<Mono>,
}

impl CallerDesk {
    pub(super) fn new(plan: CallPlan, dice: Dice) -> Self {
        Self {
            mind: CallerMind::new(plan.clone(), dice),
            plan,
            leg: None,
            dialled: Mono(0),
            answered: false,
            heard: false,
            timer: None,
        }
    }
}
