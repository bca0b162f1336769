//! What people see of a shard: calls, seats, pools, and why a caller still waits. Numbers are masked.

use crate::registration::RegistrationView;
use meishier_model::{CallId, PoolId, SeatId, TrunkId, Wall};
use meishier_routing::{Hand, Service};
use meishier_transfer::call_back::Refused;
use meishier_transfer::{Mode, Role, ThirdId};
use serde::{Deserialize, Serialize};

/// Why a caller still waits. Names are the configuration's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhyView {
    /// The call.
    pub call: CallId,
    /// Where it stands; what follows is empty unless it is queued.
    pub phase: Phase,
    /// Milliseconds since it arrived.
    pub waited_ms: u64,
    /// At risk.
    pub risk: bool,
    /// How many stand before it.
    pub ahead: Option<u32>,
    /// Half of the callers in this place waited less, milliseconds.
    pub expected_ms: Option<u64>,
    /// Its pools in order.
    pub pools: Vec<WhyPool>,
    /// Skills that a seat must have now.
    pub needs: Vec<String>,
    /// Why each seat or pool does not take it, at most 64.
    pub reasons: Vec<WhyReason>,
    /// The sentence of the route.
    pub route_reason: String,
    /// Rules that the route rests on.
    pub rules: Vec<String>,
    /// Version of the table that decided.
    pub table: String,
}

/// One pool of a waiting caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyPool {
    /// Its name.
    pub pool: String,
    /// Its service state.
    pub service: String,
    /// Open for this caller.
    pub open: bool,
    /// Otherwise milliseconds until it opens.
    pub opens_in_ms: Option<u64>,
    /// Lines that are open.
    pub lines: u16,
    /// Lines in use.
    pub used: u16,
    /// Telephones at which somebody takes calls.
    pub staffed: u32,
}

/// One reason why a waiting caller has no offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyReason {
    /// The pool, if it is about one.
    pub pool: Option<String>,
    /// The seat, if it is about one.
    pub seat: Option<String>,
    /// `own_seat_not_ready`, `ring_not_open`, `draining`, `lines_full`, `no_seat_ready`,
    /// `skill_missing`, `preference_held`, `reserved`.
    pub kind: String,
    /// Skills that are lacking.
    pub missing: Vec<String>,
}

/// A seat's state as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// Nobody is signed on.
    SignedOff,
    /// Signed on, takes no calls.
    Paused,
    /// Ready for a call.
    Ready,
    /// Signed on and willing, but its phone cannot be reached (not registered).
    Unreachable,
    /// Rings.
    Offered,
    /// Talks.
    Talking,
    /// After-call work.
    Wrapup,
    /// Kept out for a while after an offer that it refused or let ring out.
    Backoff,
}

impl SeatState {
    /// All of them, in a fixed order (for gauges).
    pub const ALL: [SeatState; 8] = [
        Self::SignedOff,
        Self::Paused,
        Self::Ready,
        Self::Unreachable,
        Self::Offered,
        Self::Talking,
        Self::Wrapup,
        Self::Backoff,
    ];

    /// The name used in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOff => "signed_off",
            Self::Paused => "paused",
            Self::Ready => "ready",
            Self::Unreachable => "unreachable",
            Self::Offered => "offered",
            Self::Talking => "talking",
            Self::Wrapup => "wrapup",
            Self::Backoff => "backoff",
        }
    }
}

/// A seat as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeatStatus {
    /// The seat.
    pub seat: SeatId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: SeatState,
    /// Why it is paused; `no_answer` when the engine paused it after offers that rang out.
    pub reason: Option<String>,
    /// Account of the counsellor signed on.
    pub counsellor: Option<String>,
    /// The call it rings for or talks with.
    pub call: Option<CallId>,
    /// Milliseconds in this state.
    pub since_ms: u64,
}

/// Where a call stands; every accepted call is in exactly one of these at every instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waits for a seat.
    Queued,
    /// A seat rings.
    Offered,
    /// Caller and counsellor speak.
    Talking,
    /// A third party is being called or is in the conversation.
    Transferring,
    /// The parties are gone; media and dialogs are being closed, then the record is written.
    WrappingUp,
}

impl Phase {
    /// All of them, in a fixed order (for gauges).
    pub const ALL: [Phase; 5] = [
        Self::Queued,
        Self::Offered,
        Self::Talking,
        Self::Transferring,
        Self::WrappingUp,
    ];

    /// The name used in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Offered => "offered",
            Self::Talking => "talking",
            Self::Transferring => "transferring",
            Self::WrappingUp => "wrapping_up",
        }
    }
}

/// A call as the API shows it. The number is masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallView {
    /// The call.
    pub call: CallId,
    /// Where it stands.
    pub phase: Phase,
    /// Caller's number, masked.
    pub caller: String,
    /// When it arrived.
    pub arrived: Wall,
    /// Milliseconds since then.
    pub age_ms: u64,
    /// How many are ahead, while it is queued.
    pub ahead: Option<u32>,
    /// The seat that rings or talks, by name.
    pub seat: Option<String>,
    /// The counsellor there, by account.
    pub counsellor: Option<String>,
    /// The pool whose line it holds, by name.
    pub pool: Option<String>,
    /// What the transfer key dialled, if one is running.
    pub transfer: Option<String>,
    /// Third parties, in the order of the keys.
    pub thirds: Vec<ThirdView>,
    /// Emergencies that reached nobody, and that nobody of this house is with those who are left.
    pub alarms: Vec<AlarmView>,
    /// The caller has hung up; who was called is still there.
    pub caller_gone: bool,
    /// Then: whether the caller may be called back.
    pub call_back: Option<CallBackView>,
    /// How its recording stands; `None` if the pool records nothing, or nobody talks.
    pub recording: Option<RecordingState>,
}

/// Whether a caller who has hung up may be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallBackView {
    /// It may, at this moment.
    Allowed,
    /// It is being called back, or was and is there.
    Running,
    /// It was called back as often as may be.
    Spent,
    /// It may not.
    Refused(Refused),
}

impl CallBackView {
    /// The name used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Running => "running",
            Self::Spent => "spent",
            Self::Refused(why) => why.as_str(),
        }
    }
}

/// How the recording of a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Nothing is recorded yet: the caller has not been told, or no emergency key was pressed.
    Waiting,
    /// What is said is recorded.
    On,
    /// A person has stopped it.
    Paused,
    /// The caller refuses; nothing of this call is kept.
    Refused,
}

impl RecordingState {
    /// All of them.
    pub const ALL: [RecordingState; 4] = [Self::Waiting, Self::On, Self::Paused, Self::Refused];

    /// The name used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::On => "on",
            Self::Paused => "paused",
            Self::Refused => "refused",
        }
    }
}

/// A third party as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThirdView {
    /// Its number within the call.
    pub third: ThirdId,
    /// What it is.
    pub role: Role,
    /// The key that called it.
    pub key: String,
    /// The number that is dialled, or was.
    pub dialled: String,
    /// Where it stands.
    pub state: meishier_transfer::State,
    /// How it takes part.
    pub mode: Mode,
}

/// An emergency key that reached nobody; or the second line, of whom nobody came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmView {
    /// The third party that did not come, by which the alarm is named; 0 if nobody was called at all.
    pub third: ThirdId,
    /// The key; empty if there is none for the second line.
    pub key: String,
    /// What a person may dial by hand; empty if nobody of this house is with those who are left, and
    /// somebody is to go there.
    pub number: String,
}

/// An emergency key that reached nobody, of a call that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateAlarm {
    /// The call.
    pub call: CallId,
    /// The third party that did not come.
    #[serde(default = "nobody")]
    pub third: ThirdId,
    /// The key.
    pub key: String,
    /// What a person may dial by hand.
    pub number: String,
}

fn nobody() -> ThirdId {
    ThirdId(0)
}

/// A pool as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// The pool.
    pub pool: PoolId,
    /// Its name.
    pub name: String,
    /// Its state of service.
    pub service: Service,
    /// The state that people set, if it is in force.
    pub hand: Option<Hand>,
    /// Lines that are open.
    pub lines: u16,
    /// Lines in use; above `lines` after a change of shift.
    pub used: u16,
    /// Telephones at which somebody takes calls, those in conversation included.
    pub staffed: u32,
}

/// How a trunk stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkView {
    /// The trunk.
    pub trunk: TrunkId,
    /// Its name.
    pub name: String,
    /// Whether it answers our OPTIONS; `None` if it is not asked, or was not yet.
    pub up: Option<bool>,
    /// Its registration, if its carrier wants one.
    pub registration: Option<RegistrationView>,
}

/// The calls and seats of one shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardView {
    /// Its calls.
    pub calls: Vec<CallView>,
    /// The seats at home here.
    pub seats: Vec<SeatStatus>,
    /// Every pool; told by the first shard alone.
    pub pools: Vec<PoolView>,
    /// Emergencies that reached nobody and that nobody has seen to, of calls that are over.
    pub alarms: Vec<LateAlarm>,
    /// Every trunk; told by the first shard alone.
    pub trunks: Vec<TrunkView>,
}
