//! The queue without a lock: every operation is one change of a memory that is decided by one
//! compare-and-swap and finished by whoever comes by (see [`crate::memory`]).
//!
//! ```text
//!   call ─► bucket ─► caller ── nodes ─► lanes of its open rings, and of its own seat ┐
//!                                                                                     ├─► match
//!   seat ─► entry ── nodes ─► groups of its pools ────────────────────────────────────┘     │
//!   pool ─► lines                              inbox of a shard ◄── caller's copy, seat's copy
//! ```
//!
//! # Rules, true between any two changes
//! 1. A waiting caller stands in a lane of each open ring and of its own seat, a ready seat in a
//!    group of each of its pools; a matched one stands in none. A match takes caller, seat and line and
//!    puts both copies into the inboxes in one change.
//! 2. Unless the queue is closed, opening, or has pools with work left, no waiting caller and ready seat
//!    fit. An operation makes new pairs fit in one way only: one caller, one seat, or one pool that
//!    becomes usable. The first two make their one match in the same change. A pool that opens makes
//!    one, and is put on a list if there may be more.
//! 3. While that list has an entry, no other operation is decided: each first makes the pairs that are
//!    left, one a change. So a thread stopped after it opened a pool strands nobody, and what others
//!    see is as if all those pairs had been made at once.
//! 4. A change makes one match at most, and the count of matches is part of it: it names the match
//!    ([`crate::OfferId`]).
//! 5. A record goes back to its free list after the change that made it unreachable, and is written
//!    again only after it was claimed there.

mod callers;
mod index;
mod layout;
mod lines;
mod mail;
mod matching;
mod operation;
mod pace;
mod pools;
mod reading;
mod records;
mod restore;
mod rows;
mod seats;
mod strand;

use layout::{Global, Layout, PoolWord};
use meishier_model::{Mono, ShardId};
use operation::{Afterwards, Operation, SpareRows};
use pace::Pace;

use crate::config::{Ageing, QueueConfig};
use crate::defect::Switch;
use crate::matches::Wakes;
use crate::memory::{FreeList, Memory, Stop, VALUES};
use crate::sync::{AtomicU64, Ordering};
use crate::view::Figures;

/// State of a caller: it waits. Above this it is matched with the entry so many further up.
const WAITING: u32 = 1;
/// State of a seat entry: it is ready.
const READY: u32 = 1;
/// State of a caller or an entry: matched with record 0.
const MATCHED: u32 = 2;

/// Tries before a view is taken as things stand.
const WHOLE_TRIES: u32 = 64;
/// Tries of the watchdog, which has nothing to say of what was not seen as of one moment.
const WATCHDOG_TRIES: u32 = 4096;

/// Work left to everybody: all who fit are to be matched, whatever the pool. Otherwise the word says
/// the first pool that has work left, plus 1.
const ALL_WORK: u32 = VALUES - 1;

/// See [`crate::Queue`].
pub(crate) struct LockFree {
    memory: Memory,
    layout: Layout,
    free_callers: FreeList,
    free_entries: FreeList,
    free_rows: FreeList,
    paces: Box<[Pace]>,
    /// Shards (modulo 64) that an operation woke which cannot say so.
    unheard: AtomicU64,
    /// Time of the operation that last left work to everybody.
    work_since: AtomicU64,
    scanned: AtomicU64,
    broken: Switch,
}

impl std::fmt::Debug for LockFree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockFree")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

impl LockFree {
    /// An empty queue.
    pub(crate) fn new(config: &QueueConfig) -> Self {
        let queue = Self::closed(config);
        queue.write_first(Global::Open, 1);
        queue
    }

    /// An empty queue that matches nobody yet.
    fn closed(config: &QueueConfig) -> Self {
        let layout = Layout::new(config);
        let memory = Memory::new(layout.size as usize, layout.threads());
        let [callers, entries, rows] = layout
            .free_links()
            .map(|(first, count)| FreeList::new(&memory, first, count));
        let queue = Self {
            free_callers: callers,
            free_entries: entries,
            free_rows: rows,
            paces: (0..layout.pools).map(|_| Pace::new()).collect(),
            unheard: AtomicU64::new(0),
            work_since: AtomicU64::new(0),
            scanned: AtomicU64::new(0),
            broken: Switch::default(),
            memory,
            layout,
        };
        queue.write_rules(config);
        for (pool, rules) in (0..).zip(&config.pools) {
            let at = |which| queue.layout.pool(pool, which);
            queue
                .memory
                .write_first(at(PoolWord::Strategy), rules.strategy as u32);
            let lines = rules.lines.min(crate::MAX_LINES);
            queue
                .memory
                .write_first(at(PoolWord::Limit), u32::from(lines));
        }
        queue
    }

    fn write_first(&self, which: Global, value: u32) {
        self.memory.write_first(Layout::global(which), value);
    }

    fn write_rules(&self, config: &QueueConfig) {
        let [low, high] = step_words(config.ageing);
        self.write_first(Global::StepLow, low);
        self.write_first(Global::StepHigh, high);
        self.write_first(Global::MaxCallers, most_callers(config));
    }

    /// Works an operation out until it is decided. What others left to do is done first.
    fn operate<T>(
        &self,
        hint: usize,
        now: Mono,
        mut body: impl FnMut(&mut Operation<'_, '_>) -> Result<T, Stop>,
    ) -> (T, Wakes) {
        let mut wakes = Wakes::new();
        let mut after = Afterwards::default();
        let mut spare = SpareRows::default();
        loop {
            let decided = self.memory.change(hint, |change| {
                after.clear();
                spare.begin();
                let mut operation = Operation {
                    queue: self,
                    change,
                    after: &mut after,
                    spare: &mut spare,
                };
                operation.nothing_left()?;
                body(&mut operation)
            });
            match decided {
                Ok(decided) => {
                    self.finish(now, &mut after, &mut spare);
                    if wakes.is_empty() {
                        wakes = after.wakes;
                    } else {
                        join(&mut wakes, &after.wakes);
                    }
                    return (decided, wakes);
                }
                Err(_) => self.settle(hint, &mut wakes),
            }
        }
    }

    /// The same for an operation whose answer has no room for the shards it woke: the next that has
    /// names them.
    fn operate_silently<T>(
        &self,
        hint: usize,
        now: Mono,
        body: impl FnMut(&mut Operation<'_, '_>) -> Result<T, Stop>,
    ) -> T {
        let (value, wakes) = self.operate(hint, now, body);
        self.leave_unheard(&wakes);
        value
    }

    /// Leaves it to the next operation whose answer has room to name these shards.
    fn leave_unheard(&self, wakes: &[ShardId]) {
        let bits = wakes
            .iter()
            .fold(0, |bits, shard| bits | 1 << (shard.0 % 64));
        if bits != 0 {
            // Release, and acquire where they are taken: who takes the bits finds the letters.
            self.unheard.fetch_or(bits, Ordering::AcqRel);
        }
    }

    /// An answer with the shards to wake, those that others left among them; one without room
    /// leaves them.
    fn answer<E>(&self, answer: Result<bool, E>, wakes: Wakes) -> Result<Option<Wakes>, E> {
        match answer {
            Ok(true) => Ok(Some(self.with_unheard(wakes))),
            Ok(false) => {
                self.leave_unheard(&wakes);
                Ok(None)
            }
            Err(error) => {
                self.leave_unheard(&wakes);
                Err(error)
            }
        }
    }

    /// Adds the shards that others woke and could not name.
    #[inline]
    fn with_unheard(&self, mut wakes: Wakes) -> Wakes {
        // Relaxed: a look too early finds them next time.
        if self.unheard.load(Ordering::Relaxed) != 0 {
            let bits = self.unheard.swap(0, Ordering::AcqRel);
            let all = (0..self.layout.shards as u16).map(ShardId);
            let woken = all.filter(|s| bits >> (s.0 % 64) & 1 == 1 && self.has_match(*s));
            join(&mut wakes, &woken.collect::<Wakes>());
        }
        wakes
    }

    /// Does what others left to do, a pair a change.
    fn settle(&self, hint: usize, wakes: &mut Wakes) {
        let mut after = Afterwards::default();
        let mut spare = SpareRows::default();
        while self.work_left() {
            // Acquire: the time that was left with the work, or a later one.
            let since = Mono(self.work_since.load(Ordering::Acquire));
            let decided = self.memory.change(hint, |change| {
                after.clear();
                spare.begin();
                let mut operation = Operation {
                    queue: self,
                    change,
                    after: &mut after,
                    spare: &mut spare,
                };
                operation.settle_one()
            });
            if decided.is_ok() {
                self.finish(since, &mut after, &mut spare);
                join(wakes, &after.wakes);
            }
        }
    }

    fn work_left(&self) -> bool {
        self.memory.look(Layout::global(Global::Work)) != 0
    }

    /// Gives back what a decided change left unreachable, and tells the pools' paces.
    fn finish(&self, now: Mono, after: &mut Afterwards, spare: &mut SpareRows) {
        for caller in &after.callers {
            self.free_callers.give(&self.memory, *caller);
        }
        for entry in &after.entries {
            self.free_entries.give(&self.memory, *entry);
        }
        for row in &after.rows {
            self.free_rows.give(&self.memory, *row);
        }
        spare.end(&self.memory, &self.free_rows);
        if let Some(pace) = after.departed.and_then(|p| self.paces.get(p as usize)) {
            pace.departed(now);
        }
        for pool in &after.noted {
            let lanes = self.layout.pool(u32::from(*pool), PoolWord::Lanes);
            if let Some(pace) = self.paces.get(usize::from(*pool)) {
                pace.set_waiting(now, self.memory.peek(lanes) != 0);
            }
        }
    }

    /// Reads as of one moment; if too much goes on for that, as things stand.
    fn read<T: Default>(
        &self,
        mut body: impl FnMut(&mut Operation<'_, '_>) -> Result<T, Stop>,
    ) -> T {
        if let Some(whole) = self.read_tries(WHOLE_TRIES, &mut body) {
            return whole;
        }
        let mut after = Afterwards::default();
        let mut spare = SpareRows::default();
        let glance = self.memory.glance(|change| {
            body(&mut Operation {
                queue: self,
                change,
                after: &mut after,
                spare: &mut spare,
            })
        });
        glance.unwrap_or_default()
    }

    /// Reads as of one moment; `None` if too much goes on for that.
    fn read_whole<T>(
        &self,
        body: impl FnMut(&mut Operation<'_, '_>) -> Result<T, Stop>,
    ) -> Option<T> {
        self.read_tries(WATCHDOG_TRIES, body)
    }

    fn read_tries<T>(
        &self,
        most: u32,
        mut body: impl FnMut(&mut Operation<'_, '_>) -> Result<T, Stop>,
    ) -> Option<T> {
        let mut after = Afterwards::default();
        let mut spare = SpareRows::default();
        let mut tries = 0;
        loop {
            let read = self.memory.change(0, |change| {
                tries += 1;
                if tries > most {
                    return Err(Stop::WorkLeft);
                }
                let mut operation = Operation {
                    queue: self,
                    change,
                    after: &mut after,
                    spare: &mut spare,
                };
                operation.nothing_left()?;
                body(&mut operation)
            });
            match read {
                Ok(read) => return Some(read),
                Err(_) if tries > most => return None,
                Err(_) => {
                    let mut wakes = Wakes::new();
                    self.settle(0, &mut wakes);
                    self.leave_unheard(&wakes);
                }
            }
        }
    }

    fn count_scanned(&self) {
        // Relaxed, as where it is read: a figure.
        self.scanned.fetch_add(1, Ordering::Relaxed);
    }

    /// See [`crate::Queue::figures`].
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            matches: self.counts().matches,
            helped: self.memory.helped(),
            repeated: self.memory.repeated(),
            scanned: self.scanned.load(Ordering::Relaxed),
        }
    }

    /// See [`crate::Queue::has_match`].
    pub(crate) fn has_match(&self, shard: ShardId) -> bool {
        let shard = u32::from(shard.0);
        shard < self.layout.shards && self.memory.look(self.layout.inbox(shard).0) != 0
    }

    /// Breaks it.
    #[cfg(feature = "defects")]
    pub(crate) fn break_deliberately(&self, which: crate::Defect) {
        self.broken.set(which);
    }
}

impl Operation<'_, '_> {
    /// Stops an operation before which pairs are left to make.
    fn nothing_left(&mut self) -> Result<(), Stop> {
        if self.global(Global::Work)? != 0 {
            Err(Stop::WorkLeft)
        } else {
            Ok(())
        }
    }
}

fn join(wakes: &mut Wakes, more: &[ShardId]) {
    for shard in more {
        if !wakes.contains(shard) {
            wakes.push(*shard);
        }
    }
}

fn step_words(ageing: Ageing) -> [u32; 2] {
    let step = ageing.step.min(Ageing::MAX_STEP).as_micros() as u64;
    let values = u64::from(VALUES);
    [(step % values) as u32, (step / values) as u32]
}

fn most_callers(config: &QueueConfig) -> u32 {
    u32::try_from(config.max_callers)
        .unwrap_or(VALUES - 1)
        .min(VALUES - 1)
}
