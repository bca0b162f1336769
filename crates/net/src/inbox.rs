//! What other threads put before a worker: datagrams (may be lost) and letters (may not).
//!
//! ```text
//!  worker ──┐ datagrams: full → dropped and counted, SIP repeats them
//!  RTP    ──┼─► letters: full → kept by the sender in its Outlet, in order, tried again
//!  control ─┘ wakes:    one bit a shard, cannot fill
//! ```

use crate::bell::Bell;
use crate::names::Outcome;
use crate::stats::SocketCounts;
use crossbeam::queue::ArrayQueue;
use meishier_engine::config::Config;
use meishier_engine::media::MediaEvent;
use meishier_engine::routing::Note;
use meishier_engine::signaling::Counters;
use meishier_engine::signaling::Flow;
use meishier_engine::{Command, Gauges, Reply, ShardMessage};
use meishier_model::{ShardId, TrunkId};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use tokio::sync::oneshot;

/// Datagrams that may wait for a worker.
const DATAGRAMS: usize = 4096;
/// Letters that may wait for a worker; beyond them they wait at the sender.
const LETTERS: usize = 4096;

/// Letters that may wait at a sender before it gives up what can be given up.
const WAITING: usize = 4096;

/// A message that arrived on another worker's socket.
pub(crate) struct Datagram {
    pub shard: ShardId,
    pub flow: Flow,
    pub bytes: Box<[u8]>,
}

/// Something that must not be lost.
pub(crate) enum Letter {
    Shard {
        to: ShardId,
        message: ShardMessage,
    },
    Media {
        shard: ShardId,
        event: MediaEvent,
    },
    Command {
        shard: ShardId,
        command: Command,
        reply: oneshot::Sender<Reply>,
    },
    /// To be sent on a connection of the receiving worker, for `from`.
    Send {
        from: ShardId,
        flow: Flow,
        bytes: Vec<u8>,
    },
    /// Tell the shard that this path is gone.
    FlowFailed {
        shard: ShardId,
        flow: Flow,
    },
    /// A connection accepted elsewhere, from now on the receiver's.
    Adopt {
        stream: std::net::TcpStream,
        local: SocketAddr,
        remote: SocketAddr,
        /// Whether it speaks TLS.
        secure: bool,
    },
    /// Another configuration for every shard of the worker; answered when they have it.
    Configure(Arc<Config>, oneshot::Sender<()>),
    /// What people said of numbers elsewhere, for every shard of the worker; answered as above.
    Remember(Vec<Note>, oneshot::Sender<()>),
    /// Where the names of a trunk are now, for every shard of the worker.
    Named(TrunkId, Arc<Outcome>),
    Drain,
    HangUpAll,
    Stats(oneshot::Sender<WorkerReport>),
    Stop,
}

/// What a worker tells about itself.
pub(crate) struct WorkerReport {
    pub shards: Vec<(ShardId, Gauges, Counters)>,
    pub sockets: SocketCounts,
}

/// One worker's inbox, shared with everybody who writes to it.
pub(crate) struct Inbox {
    datagrams: ArrayQueue<Datagram>,
    letters: ArrayQueue<Letter>,
    /// Bit n: the worker's n-th shard is to look into its queue inbox.
    wakes: AtomicU64,
    closed: AtomicBool,
    dropped: AtomicU64,
    bell: Bell,
}

impl Inbox {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self {
            datagrams: ArrayQueue::new(DATAGRAMS),
            letters: ArrayQueue::new(LETTERS),
            wakes: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            bell: Bell::new(waker),
        }
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Hands a datagram over, or counts it as dropped.
    pub(crate) fn datagram(&self, datagram: Datagram) {
        if self.datagrams.push(datagram).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.bell.ring();
    }

    /// Hands a letter over; gives it back if the inbox is full or its worker has ended.
    pub(crate) fn letter(&self, letter: Letter) -> Result<(), Letter> {
        self.put(letter, || self.bell.ring())
    }

    /// As [`Self::letter`], for a letter that the worker expects and looks for by itself.
    pub(crate) fn patient_letter(&self, letter: Letter) -> Result<(), Letter> {
        self.put(letter, || fence(Ordering::SeqCst))
    }

    fn put(&self, letter: Letter, after: impl FnOnce()) -> Result<(), Letter> {
        if self.closed.load(Ordering::Acquire) {
            return Err(letter);
        }
        let pushed = self.letters.push(letter);
        after();
        // The worker may have closed and emptied the inbox between the check and the push; the
        // fence in `after` and the one in `close` let one of the two see the letter.
        if self.closed.load(Ordering::Relaxed) {
            self.empty();
        }
        pushed
    }

    /// Lets the worker's `index`-th shard look into its queue inbox.
    pub(crate) fn wake(&self, index: usize) {
        // Release: the match in the queue's inbox was put there before.
        self.wakes.fetch_or(1 << index, Ordering::Release);
        self.bell.ring();
    }

    pub(crate) fn take_wakes(&self) -> u64 {
        if self.wakes.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.wakes.swap(0, Ordering::Acquire)
    }

    pub(crate) fn take_datagram(&self) -> Option<Datagram> {
        self.datagrams.pop()
    }

    pub(crate) fn take_letter(&self) -> Option<Letter> {
        self.letters.pop()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
            && self.letters.is_empty()
            && self.wakes.load(Ordering::Relaxed) == 0
    }

    /// Datagrams dropped so far because the inbox was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// True if the worker has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The worker ends: letters are refused, those who wait for an answer hear that none comes.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        self.empty();
    }

    fn empty(&self) {
        while self.letters.pop().is_some() {}
    }
}

/// One thread's way into an inbox: keeps in order what the inbox could not take.
///
/// What waits here and must not be lost is bounded by the calls and connections that are alive,
/// since each makes only a few letters. What strangers can make more of (messages to be sent,
/// connections to be taken) is not put here once it is full: see [`Outlet::is_full`].
pub(crate) struct Outlet {
    inbox: Arc<Inbox>,
    waiting: VecDeque<Letter>,
}

impl Outlet {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            inbox,
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// True if so much waits that nothing is to be added that its sender can do without.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    /// Sends, or keeps for [`Self::flush`]; true if nothing waits.
    pub(crate) fn letter(&mut self, letter: Letter) -> bool {
        self.waiting.push_back(letter);
        self.flush()
    }

    /// Tries again; true if nothing waits any more.
    pub(crate) fn flush(&mut self) -> bool {
        while let Some(letter) = self.waiting.pop_front() {
            if let Err(letter) = self.inbox.letter(letter) {
                if self.inbox.is_closed() {
                    self.waiting.clear(); // shutting down: nobody will read it
                    return true;
                }
                self.waiting.push_front(letter);
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_that_nobody_empties_fills_its_sender_up_and_no_further() {
        let poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).unwrap();
        let inbox = Arc::new(Inbox::new(waker));
        let mut outlet = Outlet::new(inbox.clone());
        let mut given = 0;
        while !outlet.is_full() {
            outlet.letter(Letter::Drain);
            given += 1;
        }
        assert_eq!(given, LETTERS + WAITING);
        // Emptied, it takes all that waited.
        let mut taken = 0;
        while inbox.take_letter().is_some() {
            taken += 1;
            outlet.flush();
        }
        assert_eq!(taken, given);
        assert!(!outlet.is_full() && outlet.flush());
    }
}
