//! What goes into a shard and what comes out of it.
//!
//! The driver's contract: call [`crate::Shard::handle`] with one [`Input`], then take
//! [`Output`]s until there are none, then ask for the next timeout. Nothing else happens inside.

pub use crate::letter::{ShardMessage, Staffed, TalkWeight, home_of_counsellor, home_of_seat};
pub use crate::notice::{ByTelephone, CallBackResult, LegParty, Notice, ReferWhy};
pub use crate::peers::Target;
pub use crate::pressed::KeyLetter;
pub use crate::shown::{
    AlarmView, CallBackView, CallView, LateAlarm, Phase, PoolView, RecordingState, SeatState,
    SeatStatus, ShardView, ThirdView, TrunkView, WhyPool, WhyReason, WhyView,
};
use meishier_config::Config;
use meishier_media::{MediaCommand, MediaEvent};
use meishier_model::{
    CallId, CallRecord, CounsellorId, DialString, NumberMark, PoolId, SeatId, ShardId, TrunkId,
};
use meishier_routing::{Hand, Note};
use meishier_signaling::{Binding, BindingChange, Flow, Transmit};
use meishier_transfer::call_back::Refused;
use meishier_transfer::dossier::{Dossier, Facts, FactsError};
use meishier_transfer::{Manner, Mode, ThirdId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

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
    /// Send the dossier of a caller who is handed over to those who get it
    /// ([`meishier_config::Receiver::takes`]) if it goes by HTTPS; whichever way it goes, write down that
    /// it was sent and why that is lawful, and remember that the caller is to be told (PIPL art. 18).
    Dossier(Box<Dossier>),
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
    /// Press a transfer key in a running conversation.
    Transfer {
        /// The call.
        call: CallId,
        /// Which, for where, and how.
        press: Press,
    },
    /// Wish something of a third party.
    Third {
        /// The call.
        call: CallId,
        /// Which; `None`: the one that came last.
        third: Option<ThirdId>,
        /// What.
        wish: ThirdWish,
    },
    /// Change how a party takes part in the conversation: who hears it, whom it hears.
    Hear {
        /// The call.
        call: CallId,
        /// Whose part.
        who: Who,
        /// How from now on.
        mode: Mode,
    },
    /// Call the telephone of a seat at which nobody takes calls into a conversation, as a supervisor's.
    /// Neither caller nor counsellor hears it ring. It ends by hanging up or [`ThirdWish::Cancel`].
    Supervise {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// How: [`Mode::Listen`], [`Mode::Whisper`] or, to speak with everybody, [`Mode::Full`]. It may
        /// be changed by [`Command::Hear`].
        mode: Mode,
    },
    /// Call back a caller who has hung up while help was on the way or there; allowed by
    /// [`meishier_transfer::call_back`]. Whoever answers comes into the conversation, as a third party
    /// of the role [`meishier_transfer::Role::Caller`].
    CallBack {
        /// The call.
        call: CallId,
    },
    /// The counsellor leaves caller and target alone; refused before the target has taken over.
    Leave {
        /// The call.
        call: CallId,
    },
    /// Somebody has seen to alarms of this call.
    AlarmSeen {
        /// The call.
        call: CallId,
        /// Those of these third parties; all of the call's if none is named.
        thirds: Vec<ThirdId>,
    },
    /// Stop recording a conversation, or let it go on.
    Record {
        /// The call.
        call: CallId,
        /// True: it goes on.
        on: bool,
        /// Why; at most 200 characters are kept, in the call's record and on the recording.
        reason: String,
    },
    /// Flag the caller as at risk, wherever the call stands.
    Flag {
        /// The call.
        call: CallId,
    },
    /// Write down what only the counsellor knows of a caller, for the dossier that goes along with a
    /// transfer; it takes the place of what was written before.
    Facts {
        /// The call.
        call: CallId,
        /// All of it.
        facts: Box<Facts>,
    },
    /// What was written down of a caller so far, for whoever goes on writing.
    Written {
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
    /// The caller's number in full, for who must call back.
    Reveal {
        /// The call.
        call: CallId,
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

/// A press of a transfer key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// The key, such as `110`.
    pub key: String,
    /// The place of the event, as the counsellor says it; empty: what is known of the caller decides.
    pub place: String,
    /// How; `None`: as is usual for the key.
    pub manner: Option<Manner>,
}

/// One party of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Who called the hotline.
    Caller,
    /// Who answered.
    Counsellor,
    /// Somebody else.
    Third(ThirdId),
}

/// What may be wished of a third party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThirdWish {
    /// Take the key back; refused once it has joined, unless it only listens or whispers.
    Cancel,
    /// Counsellor and target have talked enough apart.
    Join,
    /// It has taken the caller over.
    Confirm,
    /// The place that was asked for.
    Settle(String),
}

impl Command {
    /// A press of a key with its usual manner.
    #[must_use]
    pub fn press(call: CallId, key: &str, place: &str) -> Self {
        Self::Transfer {
            call,
            press: Press {
                key: key.to_owned(),
                place: place.to_owned(),
                manner: None,
            },
        }
    }

    /// The last third party is not wanted any more.
    #[must_use]
    pub fn take_back(call: CallId) -> Self {
        Self::Third {
            call,
            third: None,
            wish: ThirdWish::Cancel,
        }
    }

    /// The shard that must get it, of `shards`; `None` if every shard is meant.
    #[must_use]
    pub fn shard(&self, shards: u16) -> Option<ShardId> {
        match self {
            Self::Seat { seat, .. } => Some(home_of_seat(*seat, shards)),
            Self::Transfer { call, .. }
            | Self::Third { call, .. }
            | Self::Hear { call, .. }
            | Self::Supervise { call, .. }
            | Self::CallBack { call }
            | Self::Leave { call }
            | Self::AlarmSeen { call, .. }
            | Self::Record { call, .. }
            | Self::Flag { call }
            | Self::Facts { call, .. }
            | Self::Written { call }
            | Self::Nuisance { call, .. }
            | Self::Reveal { call }
            | Self::Why { call } => (call.shard().0 < shards)
                .then(|| call.shard())
                .or(Some(ShardId(0))),
            Self::PoolState { .. } | Self::Reschedule | Self::View => None,
        }
    }
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
    /// The transfer was begun; says what is dialled.
    Transfer(Result<TransferStarted, CommandError>),
    /// It was done, or why not.
    Done(Result<(), CommandError>),
    /// The caller's number in full; [`CommandError::NumberWithheld`] if it is withheld and no emergency
    /// key was pressed in the call, or if none came.
    Revealed(Result<DialString, CommandError>),
    /// What was written down of a caller.
    Written(Result<Box<Facts>, CommandError>),
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
    /// The number of the third party within the call.
    pub third: ThirdId,
    /// The number that is dialled, or would be if nobody settles the place.
    pub dialled: String,
    /// Why that number.
    pub reason: String,
    /// The place is not certain, and the counsellor is asked.
    pub asks: Option<Asks>,
}

/// A question to the counsellor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    /// Cities that it may be, province first, the likeliest first.
    pub cities: Vec<String>,
    /// Milliseconds until the likeliest is dialled.
    pub within_ms: u64,
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
    /// This key is at work for this place already.
    TransferRunning,
    /// The transfer is at another point: nothing is asked, or it has joined already, or has not yet.
    TransferElsewhere,
    /// The key does not allow this manner.
    MannerNotAllowed,
    /// A party of this kind cannot take part so.
    ModeNotAllowed,
    /// Somebody takes calls at this seat, or talks there: it is no supervisor's now.
    SeatTakesCalls,
    /// Eight are in the conversation.
    ConferenceFull,
    /// Nobody has taken the caller over yet.
    NotConfirmed,
    /// No transfer is running.
    NoTransfer,
    /// The caller may not be called back, or not at this time.
    CallBack(Refused),
    /// The caller is still there: nobody is called back.
    CallerThere,
    /// The caller is being called back, or was and is there.
    CallBackRunning,
    /// The caller was called back as often as may be in one call.
    CallBackSpent,
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
    /// What the counsellor wrote down does not keep to the limits.
    UnfitFacts(FactsError),
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
    /// A seat dialled something that is no star code, or a party of a call asked by REFER for what no
    /// key reaches.
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
    /// Third parties that are called or are in a conversation.
    pub thirds: u64,
    /// Emergencies that reached nobody and that nobody has seen to.
    pub alarms: u64,
    /// Registered contacts.
    pub registrations: u64,
}
