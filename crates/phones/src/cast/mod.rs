//! The demo's cast: callers, counsellors and the police play a script against an engine.
//!
//! What lives here: who calls when, what every call must come to, and the check that it did.
//! What may not: the engine's API (the key is pressed by the caller of [`Stage::play`]), printing.
//!
//! ```text
//!  plan (seed) ──► play ──► caller ──INVITE 12356──► engine ──► seats (director decides)
//!                    │         └── danger: press_key ─► engine ──INVITE 0851110──► police
//!                    │             confirmed, the counsellor leaves; caller and police talk on
//!                    └──► Progress events, Report
//! ```
//!
//! Everybody has a tone of their own: 23 seats, the police and all callers at a time have distinct
//! multiples of 50 Hz between 300 and 3400 Hz. Who speaks with whom is proved by the tones. That a
//! seat knows the caller by From's user lets a script say "the first seat refuses this caller";
//! an engine that hides the user is played against too, with scripts timed instead.

mod danger;
mod director;
mod plan;
mod play;
mod report;
mod seats;
mod why;

pub use plan::{Script, Side};
pub use report::{CallResult, Progress, Report, Step};
pub use why::{Who, Why};

use crate::audio::tone;
use crate::bank::PhoneBank;
use crate::phone::{Behaviour, Phone, PhoneOptions, RegisterError};
use crate::sip::SipTimers;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;

/// The most seats a cast plays, so that tones are left for the callers.
pub const MAX_SEATS: usize = 28;
/// The tone of the police phone.
pub const POLICE_HZ: u16 = tone::HIGHEST_HZ;

/// A seat's account at the engine's registrar.
#[derive(Clone, PartialEq, Eq)]
pub struct SeatAccount {
    /// User.
    pub name: String,
    /// Password.
    pub password: String,
    /// The number whose callers this seat is there for; [`CastOptions::number`] if none.
    pub number: Option<String>,
}

/// The key that the counsellor of the caller in danger uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Name of the key, such as `110`.
    pub key: String,
    /// City that the counsellor names.
    pub city: String,
    /// Number at which the police phone must be called, such as `0851110`; any if `None`.
    pub dialled: Option<String>,
}

/// What the counsellor of the caller in danger does at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskStep {
    /// Writes down what those who come must know.
    Note,
    /// Presses the key.
    Press,
    /// Says that the police have taken over.
    Confirm,
    /// Leaves caller and police alone.
    Leave,
}

/// What is done at the desk, and in which call: enough to find it in the engine's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPress {
    /// What.
    pub step: DeskStep,
    /// Number of the call in the cast, from 1.
    pub call: usize,
    /// User part of From in the caller's INVITE.
    pub caller: String,
    /// Call-ID of the caller's INVITE.
    pub sip_call_id: String,
    /// Name of the seat that talks.
    pub seat: String,
    /// Key and city.
    pub key: Key,
}

/// A direction cut on purpose, to prove that the demo sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mute {
    /// Number of the call, from 1.
    pub call: usize,
    /// Who sends nothing.
    pub side: Side,
}

/// What to play.
#[derive(Clone)]
pub struct CastOptions {
    /// The engine's SIP address.
    pub engine: SocketAddr,
    /// The number dialled, where a seat names none of its own. Callers take the seats' in turn.
    pub number: String,
    /// Host of the seats' addresses of record; the engine's address if `None`.
    pub domain: Option<String>,
    /// The seats that may be played.
    pub seats: Vec<SeatAccount>,
    /// How many of them register; `None` fits the number to the calls, so that some callers must wait.
    pub seats_used: Option<usize>,
    /// How many calls.
    pub calls: usize,
    /// Number of the first of them: a play that goes on after another counts on.
    pub first_call: usize,
    /// Time over which they arrive.
    pub length: Duration,
    /// Shortest and longest talk.
    pub talk: (Duration, Duration),
    /// The same seed gives the same script.
    pub seed: u64,
    /// The key of the caller in danger; `None` leaves that caller out.
    pub key: Option<Key>,
    /// First digits of the callers' numbers, in turn; four digits are added.
    pub caller_prefixes: Vec<String>,
    /// A direction to cut.
    pub mute: Option<Mute>,
    /// How long anything may take that the script waits for (an answer, an offer after a refusal).
    pub patience: Duration,
}

impl CastOptions {
    /// The default run: calls every two seconds (60 calls in two minutes).
    #[must_use]
    pub fn new(engine: SocketAddr, seats: Vec<SeatAccount>, calls: usize) -> Self {
        Self {
            engine,
            number: "12356".into(),
            domain: None,
            seats,
            seats_used: None,
            calls,
            first_call: 1,
            length: Duration::from_secs(2) * u32::try_from(calls).unwrap_or(u32::MAX / 2),
            talk: (Duration::from_secs(2), Duration::from_secs(6)),
            seed: 12_356,
            key: Some(Key {
                key: "110".into(),
                city: "贵阳".into(),
                dialled: Some("0851110".into()),
            }),
            caller_prefixes: vec!["1398500".into()],
            mute: None,
            patience: Duration::from_secs(90),
        }
    }
}

impl CastOptions {
    /// How many seats will be played.
    #[must_use]
    pub fn seats_playing(&self) -> usize {
        plan::seats_used(self)
    }

    /// The most calls that there will be at one time.
    #[must_use]
    pub fn calls_at_once(&self) -> usize {
        self.seats_playing() + play::MORE_CALLERS
    }

    /// What will be played: when each call comes and what it must come to, in order of arrival.
    #[must_use]
    pub fn scripts(&self) -> Vec<(Duration, Script)> {
        plan::plan(self)
            .into_iter()
            .map(|call| (call.at, call.script))
            .collect()
    }
}

/// Why a cast could not play.
#[derive(Debug)]
pub enum CastError {
    /// The operating system gave no socket.
    Socket(io::Error),
    /// No seats were given.
    NoSeats,
    /// The engine refused a seat's registration.
    Register {
        /// Name of the seat.
        seat: String,
        /// Why.
        error: RegisterError,
    },
}

impl std::fmt::Display for CastError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(error) => write!(f, "the phones have no socket: {error}"),
            Self::NoSeats => f.write_str("there is no seat to play"),
            Self::Register { seat, error } => write!(f, "seat {seat} could not register: {error}"),
        }
    }
}

impl std::error::Error for CastError {}

impl From<io::Error> for CastError {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

/// The sockets of the cast. Open it before the engine: the trunk's peer must be in its configuration.
#[derive(Debug)]
pub struct Stage {
    trunk: PhoneBank,
    seats: PhoneBank,
    police: Phone,
}

impl Stage {
    /// Opens two free ports on 127.0.0.1: the carrier's side and the seats'.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn open() -> io::Result<Self> {
        Self::open_with(SipTimers::default()).await
    }

    /// As [`Self::open`], with other timers.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn open_with(times: SipTimers) -> io::Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let trunk = PhoneBank::open_at(any, times).await?;
        let seats = PhoneBank::open_at(any, times).await?;
        let listen: Vec<u16> = tone::grid().filter(|hz| *hz != POLICE_HZ).collect();
        let police = PhoneOptions {
            behaviour: Behaviour::answer_after(Duration::from_millis(800)),
            max_calls: 4,
            ..PhoneOptions::new("*", POLICE_HZ, &listen)
        };
        let police = trunk.phone(police).await?;
        Ok(Self {
            trunk,
            seats,
            police,
        })
    }

    /// Where callers dial from and where the police answer: the trunk's peer for the engine.
    #[must_use]
    pub fn trunk_address(&self) -> SocketAddr {
        self.trunk.address()
    }

    /// The police phone, which takes every number that is dialled on the trunk.
    #[must_use]
    pub fn police(&self) -> &Phone {
        &self.police
    }

    /// Registers the seats, plays every call of the plan and unregisters.
    ///
    /// `press_key` is asked to do what the counsellor of the caller in danger does at the desk; an error
    /// it gives back is the reason why that call failed. `progress` gets every step; a receiver that is gone does not matter,
    /// a full one is waited for.
    ///
    /// # Errors
    /// [`CastError`] if the play could not begin. What went wrong in a call is in the [`Report`].
    pub async fn play<K, F>(
        &self,
        options: CastOptions,
        press_key: K,
        progress: mpsc::Sender<Progress>,
    ) -> Result<Report, CastError>
    where
        K: Fn(KeyPress) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let press_key: play::PressKey = Box::new(move |press| Box::pin(press_key(press)));
        play::play(self, options, press_key, progress).await
    }
}
