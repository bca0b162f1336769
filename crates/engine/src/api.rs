//! What goes into a shard and what comes out of it.
//!
//! The driver's contract: call [`crate::Shard::handle`] with one [`Input`], then take
//! [`Output`]s until there are none, then ask for the next timeout. Nothing else happens inside.

pub use crate::notice::{LegParty, Notice};
pub use crate::peers::Target;
pub use crate::shown::{
    CallView, Phase, PoolView, SeatState, SeatStatus, ShardView, TrunkView, WhyPool, WhyReason,
    WhyView,
};
use meishier_config::Config;
use meishier_media::{MediaCommand, MediaEvent};
use meishier_model::{
    CallId, CallRecord, CounsellorId, Mono, NumberMark, OfferOutcome, PoolId, SeatId, ShardId,
    TrunkId,
};
use meishier_queue::OfferId;
use meishier_routing::{Hand, Note};
use meishier_signaling::{Binding, BindingChange, Flow, Transmit, Transport};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Something that happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// One whole SIP message arrived.
    Message {
        /// The path it came on.
        flow: Flow,
        /// The message.
        bytes: &'a [u8],
    },
    /// A TCP connection closed, or an ICMP error came back.
    FlowFailed {
        /// The path.
        flow: Flow,
    },
    /// Media has something to say about a port of this shard.
    Media(MediaEvent),
    /// The queue may hold matches for this shard (another shard's `Output::Wake`).
    Inbox,
    /// Another shard wrote.
    Shard(ShardMessage),
    /// A person or program asks for something; answered by one `Output::Reply` with the same token.
    Command {
        /// Chosen by the driver, unique among the open ones of this shard.
        token: u64,
        /// What is asked for.
        command: Command,
    },
    /// The answer to `Output::Lookup`, given before any other input.
    Contacts {
        /// The look-up's.
        token: u64,
        /// Where the user can be reached now; empty if nowhere.
        contacts: Vec<Binding>,
    },
    /// The time that `poll_timeout` named has come.
    Timeout,
    /// Another configuration of the same identity ([`Config::same_identity`]) is in force from now on;
    /// one of another identity is ignored, with a notice. Give it to every shard.
    Configure(Arc<Config>),
    /// What was kept of numbers before this start ([`Output::Keep`]), to be given to every shard
    /// before the first call; and what people say of numbers outside of a call. Calls that run stay
    /// as they are.
    Remember(Vec<Note>),
    /// Where the requests of a trunk go from now on: what the configuration names by address and what
    /// DNS says of the names in it, at most [`crate::MAX_PEERS`]. Give it to every shard. Who was there
    /// before keeps its state; an empty list changes nothing, with a notice.
    Peers {
        /// The trunk.
        trunk: TrunkId,
        /// All of its targets.
        targets: Vec<Target>,
    },
    /// Which addresses the names among a trunk's peers have (`Trunk::peer_names`), from now on: from any
    /// port of them calls may come. Give it to every shard, and an empty list only if DNS says so.
    Callers {
        /// The trunk.
        trunk: TrunkId,
        /// All of them.
        addresses: Vec<IpAddr>,
    },
    /// Shut down gracefully: new calls are refused with 503, running ones go on.
    Drain,
    /// End every call now (second signal, or the shutdown limit passed).
    HangUpAll,
}

/// Something to be done outside.
#[derive(Debug)]
pub enum Output {
    /// Send a SIP message.
    Transmit(Transmit),
    /// Tell the media thread of this shard.
    Media(MediaCommand),
    /// Keep the record of a finished call.
    Record(Box<CallRecord>),
    /// Keep what a person said of a number, until it ends; to be given back by [`Input::Remember`] at
    /// the next start.
    Keep(Box<NumberMark>),
    /// Put a message into another shard's inbox.
    Shard {
        /// Whose inbox.
        to: ShardId,
        /// What.
        message: ShardMessage,
    },
    /// Give that shard an `Input::Inbox`.
    Wake(ShardId),
    /// Where is this user registered? Answered by `Input::Contacts` before any other input.
    Lookup {
        /// To be returned.
        token: u64,
        /// The seat's name (user part of its address).
        user: String,
    },
    /// A registration changed; the driver's index is to follow.
    Registered(BindingChange),
    /// The answer to a command.
    Reply {
        /// The command's token.
        token: u64,
        /// The answer.
        reply: Reply,
    },
    /// A fact for metrics and logs; holds no personal data.
    Notice(Notice),
}

/// From one shard to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ShardMessage {
    /// The call's shard to the seat's home: the offer ended without an answer.
    OfferEnded {
        /// The seat.
        seat: SeatId,
        /// Which offer.
        offer: OfferId,
        /// How it ended.
        outcome: OfferOutcome,
    },
    /// The call's shard to the seat's home: the seat answered.
    OfferAnswered {
        /// The seat.
        seat: SeatId,
        /// Which offer.
        offer: OfferId,
    },
    /// The call's shard to the seat's home: the conversation is over.
    SeatReleased {
        /// The seat.
        seat: SeatId,
        /// Which offer had led to it.
        offer: OfferId,
        /// Milliseconds of talk.
        talked_ms: u64,
        /// How hard it was.
        weight: TalkWeight,
    },
    /// The seat's home to the call's shard: take the offer back, the seat is no longer there.
    WithdrawOffer {
        /// The call.
        call: CallId,
        /// Which offer.
        offer: OfferId,
    },
    /// A star code dialled on another shard: change the seat's state.
    SeatCommand {
        /// Shard that waits for the answer.
        from: ShardId,
        /// Its token.
        token: u64,
        /// The seat.
        seat: SeatId,
        /// What is wanted.
        change: SeatChange,
    },
    /// Answer to `SeatCommand`.
    SeatCommandDone {
        /// The asker's token.
        token: u64,
        /// What came of it.
        result: Result<SeatStatus, CommandError>,
    },
    /// The seat's home to the counsellor's home: may this person sign on here?
    Claim {
        /// The person.
        counsellor: CounsellorId,
        /// The seat.
        seat: SeatId,
        /// Shard that waits for the answer.
        from: ShardId,
    },
    /// Answer to `Claim`.
    Claimed {
        /// The person.
        counsellor: CounsellorId,
        /// The seat.
        seat: SeatId,
        /// `None` if granted, else the seat where the person is signed on already.
        elsewhere: Option<SeatId>,
    },
    /// The seat's home to the counsellor's home: the person signed off.
    Unclaim {
        /// The person.
        counsellor: CounsellorId,
        /// The seat.
        seat: SeatId,
    },
    /// To every shard: what happened to a number.
    Noted(Note),
    /// The first shard to every other: a peer of a trunk answers, or no longer answers, OPTIONS.
    PeerHealth {
        /// The trunk.
        trunk: TrunkId,
        /// Where the peer is.
        address: SocketAddr,
        /// How it is spoken to.
        transport: Transport,
        /// True if it answers.
        up: bool,
    },
    /// To every other shard: a peer takes no calls for a while, as it said.
    PeerRests {
        /// The trunk.
        trunk: TrunkId,
        /// Where the peer is.
        address: SocketAddr,
        /// How it is spoken to.
        transport: Transport,
        /// For how long from now on.
        lasts: Duration,
        /// False: it said nothing at all, and is asked last.
        said: bool,
    },
    /// The first shard to every other: the schedule moved on.
    LinesChanged,
    /// The first shard to every other: a trunk that is to be registered is so, or is not.
    TrunkRegistered {
        /// The trunk.
        trunk: TrunkId,
        /// The Route of calls out, empty for none (Service-Route, RFC 3608); `None`: not registered.
        route: Option<String>,
        /// Who holds the binding: calls out prefer it.
        peer: Option<(SocketAddr, Transport)>,
    },
    /// The seat's home to every shard: who is there and whether calls may come.
    Staffing {
        /// The seat.
        seat: SeatId,
        /// How it stands.
        now: Staffed,
    },
}

/// Whether calls may come to a seat, now or after the present one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staffed {
    /// Who is signed on.
    pub counsellor: Option<CounsellorId>,
    /// That person takes calls: not paused.
    pub willing: bool,
    /// The telephone can be reached.
    pub reachable: bool,
    /// There is a conversation, which may last.
    pub talks: bool,
    /// When the rest after a call or an offer ends, unless the counsellor ends it sooner; the
    /// beginning of time if there is none.
    pub back: Mono,
}

/// What made a conversation hard, for the rest after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkWeight {
    /// The caller was at risk.
    pub risk: bool,
    /// Police, ambulance or fire were called.
    pub emergency: bool,
}

/// What a person or a program can ask of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Change the state of a seat.
    Seat {
        /// The seat.
        seat: SeatId,
        /// What is wanted.
        change: SeatChange,
    },
    /// Press the transfer key in a running conversation.
    Transfer {
        /// The call.
        call: CallId,
        /// The key, such as `110`.
        key: String,
        /// The city of the event: name, adcode or area code.
        city: String,
    },
    /// Take the key back: stop dialling the target, or drop it from the conversation.
    CancelTransfer {
        /// The call.
        call: CallId,
    },
    /// Flag the caller as at risk, wherever the call stands.
    Flag {
        /// The call.
        call: CallId,
    },
    /// Mark the caller of a conversation for nuisance; refused while the caller is at risk.
    Nuisance {
        /// The call.
        call: CallId,
        /// How long it lasts; `None`: as the policy says.
        lasts: Option<std::time::Duration>,
        /// Why, as the counsellor said; at most 200 characters are kept.
        reason: String,
        /// End the conversation: the caller hears where to turn to, then the call ends.
        end: bool,
    },
    /// Set the service state of a pool by hand, or leave it to the rules again. For every shard.
    PoolState {
        /// The pool.
        pool: PoolId,
        /// The state, how long and why; `None`: by rule.
        hand: Option<Hand>,
    },
    /// Why does this caller still wait?
    Why {
        /// The call.
        call: CallId,
    },
    /// Move the civil clock's schedule evaluation on (the wall clock was set).
    Reschedule,
    /// The calls and seats of this shard.
    View,
}

impl Command {
    /// The shard that must get it, of `shards`; `None` if every shard is meant.
    #[must_use]
    pub fn shard(&self, shards: u16) -> Option<ShardId> {
        match self {
            Self::Seat { seat, .. } => Some(home_of_seat(*seat, shards)),
            Self::Transfer { call, .. }
            | Self::CancelTransfer { call }
            | Self::Flag { call }
            | Self::Nuisance { call, .. }
            | Self::Why { call } => (call.shard().0 < shards)
                .then(|| call.shard())
                .or(Some(ShardId(0))),
            Self::PoolState { .. } | Self::Reschedule | Self::View => None,
        }
    }
}

/// The shard that owns a seat's machine and timers.
#[must_use]
pub fn home_of_seat(seat: SeatId, shards: u16) -> ShardId {
    ShardId((seat.0 % u32::from(shards.max(1))) as u16)
}

/// The shard that knows where a counsellor is signed on.
#[must_use]
pub fn home_of_counsellor(counsellor: CounsellorId, shards: u16) -> ShardId {
    ShardId((counsellor.0 % u32::from(shards.max(1))) as u16)
}

/// A change of a seat's state asked for by API or star code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SeatChange {
    /// A counsellor signs on and is ready.
    SignOn {
        /// Who.
        counsellor: CounsellorId,
        /// Their PIN; `None` where the asker is authorised otherwise (API token).
        pin: Option<String>,
    },
    /// The counsellor who is signed on takes calls again.
    Ready,
    /// No calls for a while.
    Pause {
        /// Why, as the counsellor said.
        reason: String,
    },
    /// The counsellor leaves.
    SignOff,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A seat's state after the change.
    Seat(Result<SeatStatus, CommandError>),
    /// The transfer was begun (or taken back); says what is dialled.
    Transfer(Result<TransferStarted, CommandError>),
    /// It was done, or why not.
    Done(Result<(), CommandError>),
    /// Why a caller still waits.
    Why(Result<Box<WhyView>, CommandError>),
    /// The schedule was evaluated again.
    Rescheduled,
    /// Calls and seats.
    View(Box<ShardView>),
}

/// What a transfer key set going.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferStarted {
    /// The number that is dialled; empty when a transfer was taken back.
    pub dialled: String,
    /// Why that number.
    pub reason: String,
}

/// Why a command was not carried out. All are the asker's doing or the moment's, none loses a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandError {
    /// No such seat.
    UnknownSeat,
    /// No such counsellor, or a wrong PIN (not told apart, so that nobody can probe for accounts).
    NotAdmitted,
    /// The counsellor may not use this seat.
    SeatNotPermitted,
    /// The counsellor's qualification has expired.
    QualificationExpired,
    /// The counsellor is signed on at another seat (by name).
    SignedOnElsewhere(String),
    /// Somebody else is signed on at this seat (account).
    SeatTaken(String),
    /// Nobody is signed on at this seat.
    NobodySignedOn,
    /// No such call, or it is over.
    UnknownCall,
    /// The call is not in a conversation with a counsellor.
    NotTalking,
    /// A transfer is running already.
    TransferRunning,
    /// No transfer is running.
    NoTransfer,
    /// No such key.
    UnknownKey,
    /// No such city.
    UnknownCity,
    /// Several cities fit; the candidates.
    AmbiguousCity(Vec<String>),
    /// The caller is at risk, so there is no nuisance.
    AtRisk,
    /// The caller withholds the number: there is nothing to remember it by.
    NumberWithheld,
    /// No such pool.
    UnknownPool,
    /// A limit of the engine was reached (ports, legs); try again.
    Busy,
}

/// Why a request was refused before it became a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Its source is no configured trunk.
    UnknownSource,
    /// The engine shuts down.
    Draining,
    /// No media in common (488).
    NoCommonMedia,
    /// A limit of the engine was reached (503).
    Overload,
    /// The same of a caller at risk: what is kept for them is used up as well (503).
    RiskOverload,
    /// A seat's star code without valid credentials.
    NotAdmitted,
    /// A registration with a wrong password, or of somebody unknown (403).
    WrongPassword,
    /// A registration or star code that was not looked at, since too many wrong passwords came from
    /// there (503).
    SlowedDown,
    /// A seat dialled something that is no star code.
    NotAllowed,
    /// It does not fit the terms of its trunk (420, 421, 422).
    NotAgreed,
    /// Its trunk has no channel left for it (503).
    Channels,
    /// A call out of ours came back (482).
    Loop,
}

impl Refusal {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::Draining => "draining",
            Self::NoCommonMedia => "no_common_media",
            Self::Overload => "overload",
            Self::RiskOverload => "risk_overload",
            Self::NotAdmitted => "not_admitted",
            Self::WrongPassword => "wrong_password",
            Self::SlowedDown => "slowed_down",
            Self::NotAllowed => "not_allowed",
            Self::NotAgreed => "not_agreed",
            Self::Channels => "channels",
            Self::Loop => "loop",
        }
    }
}

/// Sizes that must return to their baseline when no call is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    /// Calls of this shard.
    pub calls: u64,
    /// SIP dialogs and early legs.
    pub legs: u64,
    /// SIP transactions.
    pub transactions: u64,
    /// Timers armed, of calls, seats and SIP.
    pub timers: u64,
    /// RTP ports in use.
    pub ports: u64,
    /// Registered contacts.
    pub registrations: u64,
}
