//! The one composition: a call from its INVITE to its final record, without a socket or a clock.
//!
//! What lives here: the shard, which drives SIP legs, the queue, seats, media commands and the
//! transfer key, and gives out records and facts. What may not: sockets, clocks, random sources,
//! threads, locks, logging; formatting for people; anything that blocks.
//!
//! ```text
//!            handle(now, Input)                                   poll_output()
//!   bytes ───────────┐                                     ┌──────────► Transmit
//!   media events ────┤   ┌───────────────────────────┐     ├──────────► Media commands
//!   commands ────────┼──►│ Shard                     │─────┼──────────► Record (one a call)
//!   other shards ────┤   │  Endpoint  Registrar      │     ├──────────► Shard messages, Wake
//!   time ────────────┘   │  calls: Call ── State     │     ├──────────► Lookup, Registered
//!                        │  seats: SeatMachine       │     └──────────► Reply, Notice
//!   poll_timeout() ◄─────│  timers, ports            │
//!                        └────────────┬──────────────┘
//!                                     ▼
//!                                   Queue (shared by all shards)
//! ```
//!
//! A call lives on one shard; a seat's machine lives on its home shard. The two speak by
//! [`ShardMessage`], even where they are the same.

mod again;
pub mod api;
mod arrival;
mod call;
mod call_back;
mod called;
mod change;
mod channels;
mod conference;
mod configure;
mod consent;
mod defect;
mod dial;
mod dispatch;
mod dossier;
mod flows;
mod full;
mod handed;
mod hands;
mod hearing;
mod identity;
mod inspect;
mod key;
mod known;
mod late;
mod letter;
mod matches;
mod notice;
mod nuisance;
mod offer;
mod one_way;
mod outgoing;
mod peers;
mod place;
mod pools;
mod ports;
mod press;
mod pressed;
mod probe;
mod quiet;
mod reason;
mod recording;
mod refer;
mod refused;
mod registration;
mod restart;
mod reveal;
mod schedule;
mod seat;
mod seats;
mod second;
mod secure;
mod service;
mod shard;
mod shown;
mod snapshot;
mod supervise;
mod talk;
mod telephone;
mod terms;
mod timers;
mod trunk;
mod typed;
mod view;
mod waiting;
mod why;

pub use api::{
    AlarmView, Asks, ByTelephone, CallBackResult, CallView, Command, CommandError, Gauges, Input,
    KeyLetter, LateAlarm, LegParty, Notice, Output, Phase, PoolView, Press, RecordingState,
    ReferWhy, Refusal, Reply, SeatChange, SeatState, SeatStatus, ShardMessage, ShardView, Staffed,
    TalkWeight, ThirdView, ThirdWish, TransferStarted, TrunkView, Who, WhyPool, WhyReason, WhyView,
    home_of_counsellor, home_of_seat,
};
#[cfg(feature = "defects")]
pub use defect::Defect;
pub use dispatch::{dispatch, queue_config};
pub use inspect::{CallStanding, SeatStanding};
pub use offer::CALL_HEADER;
pub use peers::{MAX_PEERS, Target};
pub use ports::BoundPort;
pub use registration::RegistrationView;
pub use restart::{EngineSnapshot, ShardLetter};
pub use shard::{Shard, ShardConfig};
pub use snapshot::{CallSnapshot, RestoreError, ShardSnapshot};

pub use meishier_config as config;
pub use meishier_media as media;
pub use meishier_queue as queue;
pub use meishier_routing as routing;
pub use meishier_signaling as signaling;
pub use meishier_transfer as transfer;
pub use meishier_transfer::{Manner, Mode, Notice as TransferStep};
