//! What the judges are shown: everything that crosses the engine's border, and the engine's own
//! account of itself.

use meishier_engine::{Command, Notice, Reply, Shard};
use meishier_media::{MediaCommand, MediaEvent};
use meishier_model::CallRecord;
use meishier_queue::Queue;
use meishier_signaling::BindingChange;
use std::net::SocketAddr;
use std::time::Duration;

/// One thing that happened at the engine's border, in the order in which it happened.
///
/// What is shown between two calls of [`super::Checker::after_step`] is one step: one input of one
/// shard (with the look-ups it asked for) and everything that came out of it.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A SIP message was handed to a shard. What the wire lost is not shown.
    In {
        /// Which shard got it.
        shard: u16,
        /// Who sent it.
        from: SocketAddr,
        /// The message.
        bytes: &'a [u8],
    },
    /// A shard sent a SIP message, whether or not the wire lost it afterwards.
    Out {
        /// Which shard.
        shard: u16,
        /// To whom.
        to: SocketAddr,
        /// The message.
        bytes: &'a [u8],
    },
    /// The engine gave out a record.
    Record(&'a CallRecord),
    /// The engine told a fact.
    Notice {
        /// Which shard.
        shard: u16,
        /// What.
        notice: &'a Notice,
    },
    /// A shard told its media thread something.
    MediaCommand {
        /// Which shard.
        shard: u16,
        /// What.
        command: &'a MediaCommand,
    },
    /// A shard was told something by its media thread.
    MediaEvent {
        /// Which shard.
        shard: u16,
        /// What.
        event: &'a MediaEvent,
    },
    /// A command was handed to the engine.
    Command {
        /// The driver's token; never used twice in one run.
        token: u64,
        /// What was asked for.
        command: &'a Command,
    },
    /// A caller's telephone sent a digit (`Input::Media` with it follows).
    Key {
        /// Call-ID of the caller's leg.
        sip: &'a str,
        /// Which.
        digit: char,
    },
    /// The engine answered a command.
    Reply {
        /// The command's token.
        token: u64,
        /// The answer.
        reply: &'a Reply,
    },
    /// The engine told of a changed registration.
    Registered(&'a BindingChange),
    /// A shard's `Input::Timeout` follows.
    Timeout {
        /// Which shard.
        shard: u16,
    },
    /// A shard's `Input::Inbox` follows.
    InboxRead {
        /// Which shard.
        shard: u16,
    },
    /// A shard (or all of them) was made anew from a snapshot.
    Replaced,
    /// The media thread of a shard is gone with its process; another one begins.
    MediaGone {
        /// Which shard.
        shard: u16,
    },
    /// The engine runs with this configuration from now on.
    Configured(&'a str),
    /// The civil clock was set; the monotonic one was not.
    WallJump,
    /// The transport under a path failed (`Input::FlowFailed`): what runs over it may end without a
    /// message.
    FlowFailed {
        /// The far end.
        remote: SocketAddr,
    },
    /// The engine was told to refuse new calls (`Input::Drain`) or to end all
    /// (`Input::HangUpAll`).
    Shutdown,
    /// What shards, queue and media tell a shard may lie unread so long from now on.
    Slow(Duration),
}

/// The engine as it is after a step.
#[derive(Clone, Copy, Debug)]
pub struct Inspection<'a> {
    /// All shards, by number.
    pub shards: &'a [Shard],
    /// The shard that took the input.
    pub touched: u16,
    /// The queue of all shards.
    pub queue: &'a Queue,
}
