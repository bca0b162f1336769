//! Sockets, threads and the clock: drives the engine's shards on a real network.
//!
//! What lives here: SIP over UDP, TCP and TLS, RTP, the threads that run shards and media hubs, the
//! inboxes between them, the index of registrations, civil time. What may not: anything that
//! decides about a call; no parsing beyond the scan that finds a message's shard.
//!
//! ```text
//!                     Runtime::start ─► Running ─► Control (commands, figures, civil time)
//!                                                     │ letters
//!   carrier, seats ═UDP,TCP,TLS══► worker 0 … W-1 ◄───┘          each: epoll, its own sockets,
//!                                    │  ▲   ▲  └── letters,          some shards, one inbox
//!                                    │  │   └───── datagrams, wakes between workers
//!                           orders   │  │ events
//!                                    ▼  │
//!   carrier, seats ══ RTP ══════► media thread 0 … M-1            each: epoll, its ports, one hub
//!
//!   recordings leave the media threads through a TapeSink
//!   records and notices leave through a Sink, called on the worker's thread
//! ```
//!
//! Nothing waits for anything: an inbox that is full leaves datagrams to SIP's repetition and
//! letters with their sender, a peer that does not read loses its connection.

mod accept;
mod alarm;
mod bell;
mod bind;
mod certificates;
mod clock;
mod connection;
mod control;
mod error;
mod hep;
mod identity;
mod inbox;
mod known;
mod large;
mod names;
mod outside;
mod post;
mod registrations;
mod room;
pub mod rtp;
mod runtime;
mod seeds;
mod stats;
mod tape;
mod tcp;
mod tls;
mod topology;
mod udp;
mod worker;

pub use bind::descriptors_wanted;
pub use certificates::{CertificateError, CertificateFault, Certificates};
pub use clock::Clock;
pub use control::{Control, Unavailable};
pub use error::StartError;
pub use names::DnsCounts;
pub use post::{Post, PostError};
pub use runtime::{Drained, Running, Runtime, RuntimeConfig};
pub use seeds::Seeds;
pub use stats::{RtpSocketCounts, ShardStats, SocketCounts, Stats, TlsFailure};
pub use tape::TapeSink;

use meishier_engine::Notice;
use meishier_engine::transfer::Dossier;
use meishier_model::{CallRecord, NumberMark, ShardId};

/// Where a shard's records and facts go. Called on the shards' own threads: must not block.
pub trait Sink: Send + Sync {
    /// A call has ended; its record is to be kept.
    fn record(&self, shard: ShardId, record: Box<CallRecord>);
    /// A person said something of a number, which is to be kept until it ends and given back at the
    /// next start ([`RuntimeConfig::remembered`]).
    fn keep(&self, shard: ShardId, mark: Box<NumberMark>);
    /// The dossier of a caller who is handed over is to go to those who get it.
    fn dossier(&self, shard: ShardId, dossier: Box<Dossier>);
    /// A fact for metrics and logs.
    fn notice(&self, shard: ShardId, notice: Notice);
}
