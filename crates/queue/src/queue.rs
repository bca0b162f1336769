//! The queue as its callers see it: one interface, two ways inside.

use std::collections::BTreeMap;

use meishier_model::{CallId, Class, LineId, Mono, PoolId, SeatId, ShardId};

use crate::caller::{Caller, Widening};
use crate::channels::Channels;
use crate::config::{EnqueueError, QueueConfig, SeatError};
use crate::lock_free::LockFree;
use crate::matches::{Match, OfferId, Wakes};
use crate::one_lock::OneLock;
use crate::seat::ReadySeat;
use crate::snapshot::QueueSnapshot;
use crate::view::{Counts, Figures, PoolWaiting, Quantiles, WaitingView, WhyNot};

/// The queue of callers and ready seats.
///
/// Every operation takes `&self` and is one step; any number of shards may call at once, and none
/// waits for another. Whatever an operation returns as [`Wakes`] are the shards that should call
/// [`Queue::take_match`] until it is empty.
#[derive(Debug)]
pub struct Queue {
    inside: Inside,
    channels: Channels,
}

#[derive(Debug)]
enum Inside {
    LockFree(Box<LockFree>),
    OneLock(Box<OneLock>),
}

/// Passes an operation on to whatever is inside.
macro_rules! inside {
    ($queue:expr, $inner:ident => $call:expr) => {
        match &$queue.inside {
            Inside::LockFree($inner) => $call,
            Inside::OneLock($inner) => $call,
        }
    };
}

impl Queue {
    /// An empty queue without a lock. All its memory is taken here.
    #[must_use]
    pub fn new(config: QueueConfig) -> Self {
        Self {
            inside: Inside::LockFree(Box::new(LockFree::new(&config))),
            channels: Channels::new(),
        }
    }

    /// An empty queue that does everything under one lock: the reference model of the tests and the
    /// baseline of the benchmarks.
    #[must_use]
    pub fn one_lock(config: QueueConfig) -> Self {
        Self {
            inside: Inside::OneLock(Box::new(OneLock::new(config))),
            channels: Channels::new(),
        }
    }

    /// A closed queue that goes on from `snapshot`: no [`OfferId`] of before is given again, and what
    /// lay in an inbox lies there. Nobody is matched before [`Self::open`].
    #[must_use]
    pub fn restore(config: QueueConfig, snapshot: &QueueSnapshot) -> Self {
        Self {
            inside: Inside::LockFree(Box::new(LockFree::restore(&config, snapshot))),
            channels: Channels::new(),
        }
    }

    /// The same as [`Self::restore`] under one lock.
    #[must_use]
    pub fn restore_one_lock(config: QueueConfig, snapshot: &QueueSnapshot) -> Self {
        Self {
            inside: Inside::OneLock(Box::new(OneLock::restore(config, snapshot))),
            channels: Channels::new(),
        }
    }

    /// How many calls each trunk carries; 0 of each at the start, after a restart too.
    #[must_use]
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Lets a caller in.
    ///
    /// # Errors
    /// See [`EnqueueError`]. [`EnqueueError::Full`] comes for an ordinary caller at
    /// [`QueueConfig::max_callers`], for a risk caller at [`QueueConfig::capacity`] only.
    pub fn enqueue(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        inside!(self, it => it.enqueue(now, caller))
    }

    /// Lets a caller in again whose offer came to nothing. The stamp in `caller` is its old one, so
    /// it stands where it stood. [`EnqueueError::Full`] at [`QueueConfig::capacity`] only, which a
    /// shard does not reach that carries no more calls than it says.
    ///
    /// # Errors
    /// See [`EnqueueError`].
    pub fn put_back(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        inside!(self, it => it.put_back(now, caller))
    }

    /// The caller hung up. True: it was waiting and is out, no match will come. False: its match is
    /// or was in its shard's inbox, or it is unknown.
    pub fn abandon(&self, now: Mono, call: CallId) -> bool {
        inside!(self, it => it.abandon(now, call))
    }

    /// A waiting caller asks for less. Nothing happens if it does not wait.
    pub fn widen(&self, now: Mono, call: CallId, step: Widening) -> Wakes {
        inside!(self, it => it.widen(now, call, step))
    }

    /// A waiting caller rises: to `class` if that is better than its own, to risk if `risk`. Nobody
    /// is ever lowered. Nothing happens if it does not wait.
    pub fn raise(&self, now: Mono, call: CallId, class: Option<Class>, risk: bool) -> Wakes {
        inside!(self, it => it.raise(now, call, class, risk))
    }

    /// What a waiting caller needs and where it may be served is replaced as one step; it keeps its
    /// stamp, its shard and the moment of its entry, and a risk flag once set stays. `None` if it
    /// does not wait.
    ///
    /// # Errors
    /// See [`EnqueueError`]; the caller then waits as it did. Never `Duplicate`, never `Full`.
    pub fn rewrite(&self, now: Mono, caller: Caller) -> Result<Option<Wakes>, EnqueueError> {
        inside!(self, it => it.rewrite(now, caller))
    }

    /// A seat may be offered a call. If it is ready already, what was said of it is replaced in one
    /// step. If it is matched and its home shard has not taken the match yet, the match stands and
    /// nothing happens: the shard will find it.
    ///
    /// # Errors
    /// See [`SeatError`].
    pub fn seat_ready(&self, now: Mono, seat: ReadySeat) -> Result<Wakes, SeatError> {
        inside!(self, it => it.seat_ready(now, seat))
    }

    /// A seat may no longer be offered a call. True: it was ready and is out. False: it is matched,
    /// or was never ready.
    pub fn seat_withdrawn(&self, seat: SeatId) -> bool {
        inside!(self, it => it.seat_withdrawn(seat))
    }

    /// The pool has so many lines from now on, at most [`crate::MAX_LINES`]. Calls on lines beyond a
    /// lowered number keep them, and no new one comes until fewer than `lines` are in use. An unknown
    /// pool is ignored.
    pub fn set_lines(&self, now: Mono, pool: PoolId, lines: u16) -> Wakes {
        inside!(self, it => it.set_lines(now, pool, lines))
    }

    /// A line is free again. One that is not in use is ignored.
    pub fn release_line(&self, now: Mono, line: LineId) -> Wakes {
        inside!(self, it => it.release_line(now, line))
    }

    /// The pool takes no more calls (`true`), or takes them again. Calls on its lines go on, callers
    /// and seats stay where they are. An unknown pool is ignored.
    pub fn drain(&self, now: Mono, pool: PoolId, draining: bool) -> Wakes {
        inside!(self, it => it.drain(now, pool, draining))
    }

    /// The next entry of a shard's inbox. Each match comes once for the caller's shard and once for
    /// the seat's home shard; if one shard is both, it comes twice.
    pub fn take_match(&self, shard: ShardId) -> Option<Match> {
        inside!(self, it => it.take_match(shard))
    }

    /// True if the inbox of a shard holds something. Cheap enough to ask at every turn: who was
    /// stopped between a match and its wake leaves nobody unheard.
    #[must_use]
    pub fn has_match(&self, shard: ShardId) -> bool {
        inside!(self, it => it.has_match(shard))
    }

    /// A waiting caller and a ready seat that fit each other, which no operation leaves behind. The
    /// engine's watchdog asks; by guarantee 2 it is `None` whenever no operation runs.
    #[must_use]
    pub fn missed(&self) -> Option<(CallId, SeatId)> {
        inside!(self, it => it.missed())
    }

    /// Matches whoever fits, whatever was missed before. An open queue that missed nothing stays as
    /// it is.
    pub fn heal(&self, now: Mono) -> Wakes {
        inside!(self, it => it.heal(now))
    }

    /// What this queue alone knows, taken whole.
    #[must_use]
    pub fn snapshot(&self) -> QueueSnapshot {
        inside!(self, it => it.snapshot())
    }

    /// No offer gets a number up to this one any more, for when the queue's own snapshot is lost.
    pub fn count_from(&self, last: OfferId) {
        inside!(self, it => it.count_from(last));
    }

    /// A caller that waited before is back, in the place that its stamp gives and with what was
    /// opened and dropped for it. `enqueued` is when it entered the queue, the last time. Whose
    /// match lies in an inbox waits no more, and nothing happens.
    ///
    /// # Errors
    /// See [`EnqueueError`]; [`EnqueueError::Full`] at [`QueueConfig::capacity`] only.
    pub fn reenter_caller(&self, enqueued: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        inside!(self, it => it.reenter_caller(enqueued, caller))
    }

    /// A seat that was ready before is ready again, since `since`. Whose match lies in an inbox is
    /// not, and nothing happens.
    ///
    /// # Errors
    /// See [`SeatError`].
    pub fn reenter_seat(&self, since: Mono, seat: ReadySeat) -> Result<Wakes, SeatError> {
        self.seat_ready(since, seat)
    }

    /// A call holds this line again. False if it is held already, or its pool does not exist.
    pub fn hold_line(&self, line: LineId) -> bool {
        inside!(self, it => it.hold_line(line))
    }

    /// Everybody is back: from now on callers and seats are matched, at first all who fit, in their
    /// order. Names every shard whose inbox holds something. Does nothing to an open queue.
    pub fn open(&self, now: Mono) -> Wakes {
        inside!(self, it => it.open(now))
    }

    /// Other rules from now on: how many may wait, ageing, and the pools' strategies; lines are
    /// [`Self::set_lines`]'s. Nobody who waits leaves, and no pair fits by it that did not before.
    /// False, and nothing is changed, if shards, pools, seats or capacity are not what they were.
    pub fn reconfigure(&self, config: &QueueConfig) -> bool {
        inside!(self, it => it.reconfigure(config))
    }

    /// How many waiting callers stand before this one and compete with it (an open ring or the own
    /// seat in common), whatever skills they need; `None` if it does not wait.
    #[must_use]
    pub fn position(&self, call: CallId) -> Option<u32> {
        inside!(self, it => it.position(call))
    }

    /// The position of everybody who waits, from one look: costs by the number of those who wait, where
    /// [`Self::position`] for each of them would cost by its square.
    #[must_use]
    pub fn positions(&self) -> BTreeMap<CallId, u32> {
        crate::positions::positions_of(&self.waiting_list())
    }

    /// Who waits for a pool; nobody for one that does not exist.
    #[must_use]
    pub fn waiting(&self, pool: PoolId) -> PoolWaiting {
        inside!(self, it => it.waiting(pool))
    }

    /// How many lines of a pool are in use; 0 of one that does not exist. Cheap: one look.
    #[must_use]
    pub fn lines_used(&self, pool: PoolId) -> u16 {
        inside!(self, it => it.lines_used(pool))
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        inside!(self, it => it.counts())
    }

    /// What the queue counts of its own work.
    #[must_use]
    pub fn figures(&self) -> Figures {
        inside!(self, it => it.figures())
    }

    /// Everybody who waits, in the order in which a seat would take them that is nobody's own.
    #[must_use]
    pub fn waiting_list(&self) -> Vec<WaitingView> {
        inside!(self, it => it.waiting_list())
    }

    /// Why this caller has no offer, pool by pool and seat by seat, at most 64 seats; `None` if it
    /// does not wait.
    #[must_use]
    pub fn why(&self, call: CallId) -> Option<Vec<WhyNot>> {
        inside!(self, it => it.why(call))
    }

    /// How long this caller has to expect to wait from now: of its open rings the soonest, from the
    /// last 512 departures of that pool while somebody waited. `None` if it does not wait, no ring
    /// is open, or there is too little evidence for its place (fewer than 8 departures, or fewer
    /// than four times its place). It never rises merely because the caller waits.
    #[must_use]
    pub fn expected_wait(&self, call: CallId) -> Option<Quantiles> {
        inside!(self, it => it.expected_wait(call))
    }

    /// Breaks it.
    #[cfg(feature = "defects")]
    pub fn break_deliberately(&self, which: crate::Defect) {
        inside!(self, it => it.break_deliberately(which));
    }
}
