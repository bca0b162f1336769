//! Facts that the engine tells for metrics and logs.

use crate::api::{Phase, Refusal, SeatState, Who};
use meishier_media::Foreign;
use meishier_model::{
    CallId, CounsellorId, OfferOutcome, Outcome, PoolId, RtpStats, SeatId, TransferOutcome, TrunkId,
};
use meishier_routing::{Dialled, NuisanceWhy, RiskWhy, Service};
use meishier_transfer::call_back::Refused;
use meishier_transfer::{KeyKind, Mode, Role, ThirdId};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// One side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LegParty {
    /// Who called the hotline.
    Caller,
    /// The counsellor's telephone.
    Seat,
    /// Whom the transfer key reached.
    Target,
}

impl LegParty {
    /// All of them, in a fixed order (for counters).
    pub const ALL: [LegParty; 3] = [Self::Caller, Self::Seat, Self::Target];

    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Seat => "seat",
            Self::Target => "target",
        }
    }
}

/// Why a REFER was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReferWhy {
    /// Only a seat's telephone may ask.
    Party,
    /// It is no URI of ours, or has parts that no key needs: headers, parameters, escapes.
    Uri,
    /// No key has this name, this star code or this number.
    List,
    /// It would replace a call (attended transfer).
    Replaces,
}

impl ReferWhy {
    /// The name used in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Party => "party",
            Self::Uri => "uri",
            Self::List => "list",
            Self::Replaces => "replaces",
        }
    }
}

/// What a counsellor did by the telephone in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ByTelephone {
    /// A key of the desk, by its star code.
    Star,
    /// The same by REFER.
    Refer,
    /// A third party is taken back.
    Cancel,
    /// A third party joins.
    Join,
    /// A third party has taken over.
    Confirm,
}

impl ByTelephone {
    /// The name used in the audit and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Star => "star",
            Self::Refer => "refer",
            Self::Cancel => "cancel",
            Self::Join => "join",
            Self::Confirm => "confirm",
        }
    }
}

/// A fact for metrics and logs. No numbers, names or places in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A call was accepted and queued.
    Arrived {
        /// The call.
        call: CallId,
        /// Where it came in.
        trunk: TrunkId,
    },
    /// It was decided where a call goes.
    Routed {
        /// The call.
        call: CallId,
        /// Which number was dialled.
        dialled: Dialled,
        /// Several cities share the caller's area code, and nothing settled which it is.
        ambiguous: bool,
        /// No route fitted but the default.
        default: bool,
        /// At risk, and why.
        risk: Option<RiskWhy>,
        /// Held for nuisance, and why.
        nuisance: Option<NuisanceWhy>,
        /// It keeps the place of an earlier call.
        redial: bool,
    },
    /// A waiting caller, or a person, said that life is in danger.
    Flagged {
        /// The call.
        call: CallId,
        /// Who said so.
        why: RiskWhy,
    },
    /// The service state of a pool changed. Told by the first shard alone.
    Pool {
        /// The pool.
        pool: PoolId,
        /// What it is now.
        service: Service,
    },
    /// Schedules ask for a year of which no holidays are known: its days go by weekday alone. `false`
    /// once they are known. Told by the first shard alone.
    CalendarMissing(bool),
    /// A request was refused.
    Refused(Refusal),
    /// A party of a call asked by REFER for somebody to be called whom no key reaches, or may not ask
    /// at all (403): a mistake at the telephone, or toll fraud.
    ReferRefused {
        /// The call; `None` if the leg is no call's any more.
        call: Option<CallId>,
        /// Who asked.
        party: LegParty,
        /// Why it was refused.
        why: ReferWhy,
    },
    /// A trunk offered a call without any codec of ours; it was refused (488, Warning 305).
    ForeignCodec {
        /// Where it came in.
        trunk: TrunkId,
        /// The first codec that it offered.
        offered: Foreign,
    },
    /// A call went from one phase to another; `None` is "not yet" and "no longer".
    Phase {
        /// The call.
        call: CallId,
        /// Before.
        from: Option<Phase>,
        /// After.
        to: Option<Phase>,
    },
    /// A seat's INVITE left.
    Offered {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// If the caller had waited for the seat: from the seat's becoming ready.
        ready_to_invite: Option<Duration>,
        /// If the seat was free when the caller came: from the caller's INVITE.
        setup: Option<Duration>,
    },
    /// An offer ended.
    OfferEnded {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// How.
        outcome: OfferOutcome,
    },
    /// A counsellor answered.
    Answered {
        /// The call.
        call: CallId,
        /// The pool.
        pool: PoolId,
        /// From the caller's INVITE.
        waited: Duration,
    },
    /// A call is over and its record was given out.
    Ended {
        /// The call.
        call: CallId,
        /// How.
        outcome: Outcome,
        /// Time from INVITE to the end.
        lasted: Duration,
    },
    /// A use of a key came so far.
    TransferStep {
        /// The call.
        call: CallId,
        /// The third party.
        third: ThirdId,
        /// What it is.
        role: Role,
        /// How far.
        step: meishier_transfer::Notice,
    },
    /// Whom a key called answered.
    TransferAnswered {
        /// The call.
        call: CallId,
        /// What the key reaches.
        kind: KeyKind,
        /// From the press.
        after: Duration,
    },
    /// A seat of the second line is to ring for a conversation: the queue gave it.
    SecondOffered {
        /// The call.
        call: CallId,
        /// The third party that the seat is to be.
        third: ThirdId,
        /// The seat.
        seat: SeatId,
    },
    /// Such a seat answered, or does not come.
    SecondEnded {
        /// The call.
        call: CallId,
        /// The third party.
        third: ThirdId,
        /// The seat.
        seat: SeatId,
        /// How.
        outcome: OfferOutcome,
    },
    /// A use of a key is over.
    Transfer {
        /// The call.
        call: CallId,
        /// The third party.
        third: ThirdId,
        /// What the key reaches.
        kind: KeyKind,
        /// How.
        outcome: TransferOutcome,
    },
    /// A party takes part so from now on: for the audit, and for whoever watches.
    TakesPart {
        /// The call.
        call: CallId,
        /// Which party.
        who: Who,
        /// What it is.
        role: Role,
        /// Who hears it and whom it hears.
        mode: Mode,
    },
    /// A counsellor pressed a key by the telephone, or wished something of a third party: for the audit.
    KeyByTelephone {
        /// The call.
        call: CallId,
        /// Who; `None` if nobody has answered.
        counsellor: Option<CounsellorId>,
        /// What.
        how: ByTelephone,
        /// The third party; `None` if it was refused.
        third: Option<ThirdId>,
    },
    /// An emergency key reached nobody, or nobody of this house is with those who are left and nobody of
    /// the second line comes: people must see to it.
    TransferAlarm {
        /// The call.
        call: CallId,
        /// The third party that did not come; 0 if nobody was called at all.
        third: ThirdId,
    },
    /// A caller hung up while help was on the way or there; somebody is to call back.
    CallBackDue {
        /// The call.
        call: CallId,
    },
    /// Something was written down that does not go to those who have a dossier: they got too many.
    DossierLeftOut {
        /// The call.
        call: CallId,
    },
    /// Somebody asked to call back a caller who had hung up, or that is over.
    CallBack {
        /// The call.
        call: CallId,
        /// What came of it.
        result: CallBackResult,
    },
    /// A seat changed its state.
    Seat {
        /// The seat.
        seat: SeatId,
        /// Before; equal to `to` at start.
        from: SeatState,
        /// After.
        to: SeatState,
        /// True if the engine paused it after offers that rang out.
        by_engine: bool,
    },
    /// A trunk answers, or no longer answers, our OPTIONS.
    Trunk {
        /// The trunk.
        trunk: TrunkId,
        /// True if it answers.
        up: bool,
    },
    /// A trunk that is to be registered at its carrier is so, or is not; also told when the reason
    /// changes, and as registered by status 0 when it need not be any more.
    Registration {
        /// The trunk.
        trunk: TrunkId,
        /// True if it is.
        registered: bool,
        /// Status of the last final response to REGISTER; 408 if none came, 503 if none could.
        status: u16,
    },
    /// One peer of a trunk answers, or no longer answers, our OPTIONS.
    Peer {
        /// The trunk.
        trunk: TrunkId,
        /// Where the peer is.
        address: SocketAddr,
        /// True if it answers.
        up: bool,
    },
    /// A channel of a trunk was taken, or given back.
    Channel {
        /// The trunk.
        trunk: TrunkId,
        /// True if taken.
        taken: bool,
    },
    /// A trunk had no channel left for a call.
    ChannelsFull {
        /// The trunk.
        trunk: TrunkId,
        /// The call was one for which the reserve is kept.
        emergency: bool,
        /// A call out.
        out: bool,
    },
    /// Nothing is known of where a trunk's requests go; what was known before holds.
    NoPeers {
        /// The trunk.
        trunk: TrunkId,
    },
    /// Callers wait in a pool's queue; a change of the number of lines that are open.
    Lines {
        /// The pool.
        pool: PoolId,
        /// Lines open now.
        lines: u16,
    },
    /// A party of whom media hears nothing was asked for a sign of life.
    Probe {
        /// The call.
        call: CallId,
        /// Whose leg.
        party: LegParty,
    },
    /// Nothing is heard of a caller at risk, and its dialog is gone; its call goes on, for people to
    /// see to.
    MediaLost {
        /// The call.
        call: CallId,
    },
    /// Two are together, and of one of them nothing is heard; or that is over.
    OneWay {
        /// The call.
        call: CallId,
        /// Who is not heard.
        party: LegParty,
        /// False once it is over.
        begins: bool,
    },
    /// A party's sound is over; what was counted of it.
    LegOver {
        /// The call.
        call: CallId,
        /// Whose sound.
        party: LegParty,
        /// The counts.
        stats: RtpStats,
    },
    /// A silent party's dialog is gone; its leg was ended.
    DeadLeg {
        /// The call.
        call: CallId,
        /// Whose leg.
        party: LegParty,
    },
    /// The watchdog found a caller waiting beside a ready seat that fits, and matched them.
    Missed {
        /// The caller's call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The queue had no place for a caller who may not be lost; it stays on the line and is let in
    /// as soon as there is one.
    KeptOutside {
        /// The call.
        call: CallId,
        /// At risk.
        risk: bool,
    },
    /// An input that the engine could not place (a bug or a stale message); counted and alarmed.
    Unexpected(&'static str),
}

/// What came of calling a caller back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallBackResult {
    /// It is dialled.
    Dialled,
    /// Nothing was dialled: there is no number to be called.
    NoNumber,
    /// Nothing was dialled: no consent stands in the record.
    NoConsent,
    /// Nothing was dialled: it is not safe at this time.
    UnsafeHours,
    /// Somebody answered, and it is over.
    Joined,
    /// Busy, refused or failed.
    Failed,
    /// Nobody answered in time.
    NoAnswer,
    /// It was taken back, or the call ended first.
    Cancelled,
}

impl CallBackResult {
    /// All of them, in a fixed order (for counters).
    pub const ALL: [CallBackResult; 8] = [
        Self::Dialled,
        Self::NoNumber,
        Self::NoConsent,
        Self::UnsafeHours,
        Self::Joined,
        Self::Failed,
        Self::NoAnswer,
        Self::Cancelled,
    ];

    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dialled => "dialled",
            Self::NoNumber => "no_number",
            Self::NoConsent => "no_consent",
            Self::UnsafeHours => "unsafe_hours",
            Self::Joined => "joined",
            Self::Failed => "failed",
            Self::NoAnswer => "no_answer",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<Refused> for CallBackResult {
    fn from(why: Refused) -> Self {
        match why {
            Refused::NoNumber => Self::NoNumber,
            Refused::NoConsent => Self::NoConsent,
            Refused::UnsafeHours { .. } => Self::UnsafeHours,
        }
    }
}

impl From<TransferOutcome> for CallBackResult {
    fn from(outcome: TransferOutcome) -> Self {
        match outcome {
            TransferOutcome::Joined => Self::Joined,
            TransferOutcome::Failed => Self::Failed,
            TransferOutcome::NoAnswer => Self::NoAnswer,
            TransferOutcome::Cancelled => Self::Cancelled,
        }
    }
}
