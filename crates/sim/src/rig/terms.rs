//! What goes into the rig and what comes out of it.

use crate::invariants::Seen;
use crate::wire::Means;
use meishier_engine::signaling::Flow;
use meishier_engine::{Command, Reply, ShardMessage};
use meishier_media::MediaEvent;
use meishier_model::{CallRecord, Mono, Now};
use meishier_queue::{Queue, QueueConfig, QueueSnapshot};
use std::net::SocketAddr;
use std::time::Duration;

/// Sees everything at the engine's border in the order in which it happens.
pub trait Witness {
    /// Something came in or went out.
    fn see(&mut self, now: Now, seen: &Seen<'_>);
}

/// Something for the engine.
#[derive(Debug)]
pub enum ToEngine {
    /// A message arrives.
    Packet {
        /// From there.
        from: SocketAddr,
        /// As a datagram or over a stream.
        means: Means,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A letter of another shard.
    Letter {
        /// For which shard.
        to: usize,
        /// The letter.
        message: ShardMessage,
    },
    /// Look into the queue's inbox.
    Wake(usize),
    /// Media has news.
    Media {
        /// For which shard.
        shard: usize,
        /// The news.
        event: MediaEvent,
        /// Media of an earlier process is not heard any more.
        generation: u32,
    },
    /// A shard's timer.
    Timer {
        /// Whose.
        shard: usize,
        /// When it was due; stale if the shard has another one by now.
        due: Mono,
    },
    /// A path failed, as one shard is told.
    FlowFailed {
        /// Which shard.
        shard: usize,
        /// The path.
        flow: Flow,
    },
    /// Somebody asks for something.
    Command {
        /// Name of the answer.
        token: u64,
        /// What.
        command: Command,
    },
    /// A caller's telephone sends a digit where the engine wants its RTP.
    Key {
        /// Call-ID of the caller's leg.
        sip: String,
        /// The engine's address.
        to: SocketAddr,
        /// Which.
        digit: char,
    },
    /// Somebody sets the state of a pool: one shard is told.
    OneOfAll {
        /// Which shard.
        shard: usize,
        /// Name of the answer.
        token: u64,
        /// What.
        command: Command,
    },
    /// The civil clock was set: a shard evaluates its schedule again.
    Reschedule {
        /// Which shard.
        shard: usize,
        /// Name of the answer.
        token: u64,
    },
}

/// What the engine wants of the world.
#[derive(Debug)]
pub enum Effect {
    /// Send a message.
    Send {
        /// To there.
        to: SocketAddr,
        /// As a datagram or over a stream.
        means: Means,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The connection on which a message was to leave is gone; nothing is sent.
    Unsent {
        /// To there.
        to: SocketAddr,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Give the engine this at that moment.
    Later(Mono, ToEngine),
    /// The answer to a command.
    Reply {
        /// The command's token.
        token: u64,
        /// The answer.
        reply: Reply,
    },
    /// A call is over.
    Record(Box<CallRecord>),
}

/// Which of the two queues the engine runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueKind {
    /// The one that the product runs on.
    #[default]
    LockFree,
    /// The reference model under one lock.
    OneLock,
}

impl QueueKind {
    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LockFree => "lock-free",
            Self::OneLock => "one-lock",
        }
    }

    /// An empty queue of this kind.
    pub(super) fn start(self, config: QueueConfig) -> Queue {
        match self {
            Self::LockFree => Queue::new(config),
            Self::OneLock => Queue::one_lock(config),
        }
    }

    /// A closed queue of this kind that goes on from what was written.
    pub(super) fn go_on(self, config: QueueConfig, snapshot: &QueueSnapshot) -> Queue {
        match self {
            Self::LockFree => Queue::restore(config, snapshot),
            Self::OneLock => Queue::restore_one_lock(config, snapshot),
        }
    }
}

/// What the rig is made from.
#[derive(Clone, Debug)]
pub struct RigSettings {
    /// The configuration's text.
    pub text: String,
    /// RTP ports of each shard; few of them make the engine refuse calls.
    pub ports: u16,
    /// The longest time for which a letter lies in an inbox.
    pub lag: Duration,
    /// The queue.
    pub queue: QueueKind,
}
