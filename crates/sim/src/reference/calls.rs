//! One call as the judges know it.

use super::claim::Claim;
use super::parts::Parts;
use super::presses::Press;
use meishier_engine::Phase;
use meishier_model::{CallId, LineId, Mono, Now, OfferOutcome};
use std::sync::Arc;
use std::time::Duration;

/// Where a caller stands among others; smaller is served first.
pub type Rank = (bool, u64, u64);

/// Another caller who stood before the one that was matched, and stayed.
#[derive(Clone, Debug)]
pub struct Rival {
    /// Its Call-ID.
    pub sip: Arc<str>,
    /// Skills that bind for it.
    pub needs: u64,
    /// Pools that were open for it and had a line for it before and after.
    pub pools: Vec<u16>,
    /// At risk.
    pub risk: bool,
}

/// That the queue gave a call to some seat.
#[derive(Clone, Debug)]
pub struct Decision {
    /// In which step.
    pub step: u64,
    /// When.
    pub at: Mono,
    /// Who stood before it.
    pub rivals: Vec<Rival>,
    /// Pools that may have been open for it.
    pub open: Vec<u16>,
    /// Skills that bound for sure.
    pub needs: u64,
}

/// An offer that runs.
#[derive(Clone, Debug)]
pub struct Offer {
    /// To which seat.
    pub seat: u32,
    /// Since when.
    pub at: Now,
    /// Call-ID of the seat's leg, once its INVITE left.
    pub leg: Option<Arc<str>>,
    /// Who sat there when the queue decided, if that is known for sure.
    pub who: Option<u32>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The engine's name for it.
    pub id: CallId,
    /// SIP Call-ID of the caller's leg.
    pub sip: Arc<str>,
    /// When its INVITE was accepted.
    pub arrived: Now,
    /// How often the civil clock had been set by then.
    pub jumps: u32,
    /// Trunk by number.
    pub trunk: u16,
    /// Who calls, as the INVITE said.
    pub caller: String,
    /// Who was dialled, as the INVITE said.
    pub called: String,
    /// What it is entitled to.
    pub claim: Claim,
    /// A person, or the caller by key, said that it is at risk.
    pub said: bool,
    /// A counsellor marked it for nuisance.
    pub marked: bool,
    /// It was to hear a last prompt when its conversation ended.
    pub parted: bool,
    /// An emergency key was pressed.
    pub emergency: bool,
    /// Where it stands, as told.
    pub phase: Phase,
    /// Since when.
    pub since: Mono,
    /// Since when it waits.
    pub queued: Mono,
    /// In which step it last began to wait.
    pub queued_step: u64,
    /// The queue has given it to a seat, and the offer is not there yet.
    pub decided: Option<Decision>,
    /// The offer that runs.
    pub offer: Option<Offer>,
    /// The seat that talks, since when, and the Call-ID of its leg.
    pub talk: Option<(u32, Mono, Option<Arc<str>>)>,
    /// The line that it holds.
    pub line: Option<LineId>,
    /// Every offer that ended: seat, outcome.
    pub offers: Vec<(u32, OfferOutcome)>,
    /// First answer by a counsellor.
    pub answered: Option<Now>,
    /// Who gave it: seat, counsellor.
    pub answered_by: Option<(u32, Option<u32>)>,
    /// Talk so far.
    pub talked: Duration,
    /// Conversations so far.
    pub talks: u32,
    /// Uses of transfer keys, in the order of their numbers.
    pub presses: Vec<Press>,
    /// How caller and counsellor take part in the conversation.
    pub parts: Parts,
    /// Since when the engine says that the caller is gone while the call goes on.
    pub caller_gone: Option<Mono>,
    /// The caller's consent to be called back stands in what was written down last.
    pub agreed: bool,
    /// In which step its conversation was over.
    pub ended_step: u64,
    /// In which step the last seat was let go.
    pub seat_left: u64,
    /// Call-ID of the leg of the seat that answered last.
    pub seat_leg: Option<Arc<str>>,
    /// When and from which phase it went to wrapping up.
    pub ended: Option<(Now, Phase)>,
    /// Offers that went to callers behind it although the seat fitted it, since it began to wait.
    pub overtaken: u32,
}

impl Call {
    /// Where it stands in the queue; `ageing` is the waiting that equals one class.
    #[must_use]
    pub fn rank(&self, ageing: Duration) -> Rank {
        let step = ageing.min(Duration::from_secs(86_400)).as_micros();
        let step = u64::try_from(step).unwrap_or(u64::MAX);
        let arrived = self.claim.stamp.0;
        let lifted = arrived.saturating_add(step.saturating_mul(u64::from(self.claim.class)));
        (!self.claim.risk, lifted, arrived)
    }

    /// True if it waits and the queue has not given it to a seat.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.phase == Phase::Queued && self.decided.is_none()
    }

    /// The seat that rings for it or talks with it.
    #[must_use]
    pub fn seat(&self) -> Option<u32> {
        let talks = self.talk.as_ref().map(|talk| talk.0);
        talks.or(self.offer.as_ref().map(|offer| offer.seat))
    }

    pub(super) fn wait(&mut self, now: Mono, step: u64) {
        self.queued = now;
        self.queued_step = step;
        self.overtaken = 0;
    }
}
