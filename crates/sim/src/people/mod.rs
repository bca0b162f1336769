//! The people at the telephones: callers, counsellors at their seats, and those who are called in.
//!
//! Minds are pure: the world tells them what happened, they say what they wish, and the world
//! carries it out with its SIP agents and its commands to the engine. No mind knows of SIP.
//!
//! ```text
//!   world ── handle_event(now, Happening) ──►┌──────────┐── poll_wish() ──► world
//!         ── handle_timeout(now) ───────────►│   mind   │
//!         ◄── poll_timeout() ────────────────└──────────┘
//! ```
//!
//! After every `handle_event` and `handle_timeout` the world takes wishes until there are none.

mod caller;
mod duties;
mod phone;
mod seat;
mod target;

pub use caller::CallerMind;
pub use duties::{Duties, Duty};
pub use seat::SeatMind;
pub use target::TargetMind;

use crate::traffic::TalkPlan;

/// One call of one mind, chosen by whoever begins it: the caller's own dialling carries the number
/// of the attempt, from 0; a call that rings at a seat or a target carries what the world chose.
/// The world keeps which of its agents' calls is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What happened to a mind. Events for calls that the mind no longer has are ignored.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Caller: a provisional response came.
    CallProgress {
        /// The call.
        call: Token,
        /// True if it carried SDP, so that something is heard.
        early_media: bool,
    },
    /// Caller: 200 came. A person need not be there yet.
    CallAnswered {
        /// The call.
        call: Token,
    },
    /// Caller: a final response of 300 or above came.
    CallRefused {
        /// The call.
        call: Token,
        /// The status; 487 after the caller's own [`Wish::Cancel`].
        status: u16,
    },
    /// Anyone: no answer at all, or no ACK to a 200.
    CallFailed {
        /// The call.
        call: Token,
    },
    /// Anyone: the other side hung up.
    CallEnded {
        /// The call.
        call: Token,
    },
    /// Caller, seat: a person's voice is heard (true), or nothing at all, not even music (false).
    /// For a caller the first `true` after [`Happening::CallAnswered`] is the moment at which a
    /// person answered: the talk begins.
    Hears {
        /// The call.
        call: Token,
        /// Whether a person is heard.
        person: bool,
    },
    /// Seat, target: the telephone rings.
    Rings {
        /// The call.
        call: Token,
    },
    /// Seat, target: the ringing stopped before an answer.
    RingingStopped {
        /// The call.
        call: Token,
    },
    /// Seat, target: the ACK to the 200 came; the conversation begins.
    Talks {
        /// The call.
        call: Token,
        /// What the caller at the other end came for; `None` where the world does not know.
        plan: Option<TalkPlan>,
    },
    /// Seat: the engine answered the command that this wish led to.
    CommandDone {
        /// Which wish it was.
        asked: Asked,
        /// How it came out.
        result: Result<(), Fault>,
    },
    /// Seat: the console shows the seat as paused by the engine after offers that rang out.
    PausedByEngine,
    /// Seat: the console shows the seat as signed off though somebody sits there (the engine was
    /// restored from an older state).
    Forgotten,
    /// Seat: the telephone lost its power, and with it its calls.
    PhoneDied,
    /// Seat: look at the clock on the wall again (it was set, or the day began).
    ShiftTick,
}

/// What a mind wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Caller: dial. Also again after a refusal; `call` counts the attempts.
    Dial(Dial),
    /// Caller: hang up before a final response.
    Cancel {
        /// The call.
        call: Token,
    },
    /// Anyone: hang up an answered call.
    Bye {
        /// The call.
        call: Token,
    },
    /// Seat, target: send this provisional response.
    Ring {
        /// The call.
        call: Token,
        /// 180 or 183.
        status: u16,
    },
    /// Seat, target: answer with 200.
    Answer {
        /// The call.
        call: Token,
    },
    /// Seat, target: refuse with this final response.
    Reject {
        /// The call.
        call: Token,
        /// 4xx or 6xx.
        status: u16,
    },
    /// Caller, seat: hold (true) or take back (false).
    Hold {
        /// The call.
        call: Token,
        /// Whether to hold.
        on: bool,
    },
    /// Seat: press the transfer key in this call.
    PressKey {
        /// The call.
        call: Token,
        /// The key, such as `110`.
        key: String,
        /// The city of the event.
        city: String,
    },
    /// Seat: sign on.
    SignOn {
        /// Who.
        counsellor: Counsellor,
    },
    /// Seat: sign off.
    SignOff,
    /// Seat: no calls for a while.
    Pause {
        /// Why.
        reason: String,
    },
    /// Seat: take calls again.
    Ready,
    /// Caller: has no further wish; the world may forget this mind.
    Done {
        /// How it went, from where the caller stood.
        end: CallerEnd,
    },
}

impl Wish {
    /// Which command of the engine this wish leads to; `None` if none.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        match self {
            Self::PressKey { .. } => Some(Asked::Key),
            Self::SignOn { .. } => Some(Asked::SignOn),
            Self::SignOff => Some(Asked::SignOff),
            Self::Pause { .. } => Some(Asked::Pause),
            Self::Ready => Some(Asked::Ready),
            _ => None,
        }
    }
}

/// A call that a caller dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The attempt, from 0.
    pub call: Token,
    /// What is dialled, such as `12356` or `085412356`.
    pub called: String,
    /// User part of From: the number, or `anonymous`.
    pub caller: String,
    /// The number that the carrier vouches for; none of an anonymous caller.
    pub asserted: Option<String>,
}

/// A counsellor as the configuration lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counsellor {
    /// Index in the file, ranges written out; the engine's `CounsellorId`.
    pub index: u32,
    /// Account.
    pub account: String,
    /// PIN for signing on by star code.
    pub pin: String,
}

/// The commands that a seat's wishes lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// [`Wish::SignOn`].
    SignOn,
    /// [`Wish::SignOff`].
    SignOff,
    /// [`Wish::Pause`].
    Pause,
    /// [`Wish::Ready`].
    Ready,
    /// [`Wish::PressKey`].
    Key,
}

/// Why the engine did not carry out a command, as far as it makes a difference to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Somebody is signed on at this seat already.
    SeatTaken,
    /// The counsellor is signed on at another seat.
    Elsewhere,
    /// Nobody is signed on at this seat.
    NobodySignedOn,
    /// The engine is short of something; worth another try.
    Busy,
    /// The engine was not there, or will never do it.
    Other,
}

/// How one attempt of a caller went, as the caller lived it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The attempt.
    pub call: Token,
    /// From dialling to the person's voice, or to the end of waiting.
    pub waited: std::time::Duration,
    /// How it ended.
    pub end: AttemptEnd,
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptEnd {
    /// A person answered.
    Answered,
    /// The caller hung up.
    Abandoned,
    /// The engine or the network refused, failed, or cut the caller off while waiting.
    Lost,
}

/// How it went for a caller, all attempts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallerEnd {
    /// Spoke with a person.
    Talked,
    /// Hung up while waiting, and did not try again.
    GaveUp,
    /// Was refused or cut off at every attempt.
    TurnedAway,
}
