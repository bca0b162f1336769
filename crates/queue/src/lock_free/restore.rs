//! A queue that goes on: see [`crate::Queue::restore`].
//!
//! ```text
//!   restore ─► closed ── reenter_caller, reenter_seat, hold_line, set_lines … ──► open ─► as ever
//!                        (any order, any shard; nobody is matched)
//! ```

use meishier_model::{CallId, Mono, PoolId, SeatId, ShardId};
use std::collections::{BTreeMap, BTreeSet};

use super::layout::{CallerWord, EntryWord, Global, PoolWord, SeatWord};
use super::lines::DRAINING;
use super::mail::{Letter, line_code};
use super::matching::short_count;
use super::operation::Operation;
use super::records::{CallerAt, EntryAt, Terms};
use super::{ALL_WORK, LockFree, MATCHED};
use crate::caller::{Caller, Stamp};
use crate::config::{MAX_LINES, QueueConfig};
use crate::matches::{Match, OfferId, Side, Wakes};
use crate::memory::Stop;
use crate::seat::{Lowest, ReadySeat};
use crate::snapshot::QueueSnapshot;
use crate::sync::Ordering;

impl LockFree {
    /// See [`crate::Queue::snapshot`].
    pub(crate) fn snapshot(&self) -> QueueSnapshot {
        loop {
            // Whole or not at all: shards stand still while they are written out.
            if let Some(snapshot) = self.read_whole(|operation| operation.snapshot()) {
                return snapshot;
            }
        }
    }

    /// See [`crate::Queue::restore`].
    pub(crate) fn restore(config: &QueueConfig, snapshot: &QueueSnapshot) -> Self {
        let queue = Self::closed(config);
        let left = snapshot.left.iter().map(|copy| copy.offer.0).max();
        let last = snapshot.offers.max(snapshot.matches).max(left.unwrap_or(0));
        queue.count_from(OfferId(last));
        for (seat, turn) in &snapshot.turns {
            if seat.0 < queue.layout.seats && *turn > 0 {
                let at = queue.layout.seat(seat.0, SeatWord::Turn);
                queue.memory.write_first(at, short_count(*turn));
            }
        }
        for pool in &snapshot.draining {
            if u32::from(pool.0) < queue.layout.pools {
                let at = queue.layout.pool(u32::from(pool.0), PoolWord::Limit);
                let lines = queue.memory.peek(at);
                queue.memory.write_first(at, lines | DRAINING);
            }
        }
        queue.put_left(&snapshot.left);
        // Nobody is to be woken before the queue opens. Relaxed: nobody else has it yet.
        queue.unheard.store(0, Ordering::Relaxed);
        queue
    }

    /// Puts the copies that were not taken back where they lay.
    fn put_left(&self, left: &[Match]) {
        let fits = |copy: &&Match| {
            let shards = self.layout.shards;
            u32::from(copy.caller_shard.0) < shards
                && u32::from(copy.seat_shard.0) < shards
                && copy.seat.0 < self.layout.seats
                && u32::from(copy.line.pool.0) < self.layout.pools
                && copy.line.number < MAX_LINES
        };
        let mut pairs: BTreeMap<OfferId, (u32, u32)> = BTreeMap::new();
        // A snapshot may come from a damaged file: of what contradicts itself the first counts.
        let (mut calls, mut seats) = (BTreeSet::new(), BTreeSet::new());
        let mut first: BTreeMap<OfferId, (CallId, SeatId)> = BTreeMap::new();
        for copy in left.iter().filter(fits) {
            let both = (copy.call, copy.seat);
            let fresh = match copy.side {
                Side::Caller => calls.insert(copy.call),
                Side::Seat => seats.insert(copy.seat),
            };
            if !fresh || *first.entry(copy.offer).or_insert(both) != both {
                continue;
            }
            let known = pairs.get(&copy.offer).copied();
            let Some(pair) = known.or_else(|| self.pair_for(copy)) else {
                return;
            };
            pairs.insert(copy.offer, pair);
            self.put_again(copy, pair);
            // The seat's copy holds no line: the call has it, or has given it back.
            if copy.side == Side::Caller {
                self.hold_line(copy.line);
            }
        }
    }

    /// Both records of a match of which some copy is left.
    fn pair_for(&self, copy: &Match) -> Option<(u32, u32)> {
        let (index, entry) = (
            self.free_callers.claim(&self.memory)?,
            self.free_entries.claim(&self.memory)?,
        );
        let caller = Caller {
            call: copy.call,
            shard: copy.caller_shard,
            stamp: Stamp::default(),
            class: meishier_model::Class::ORDINARY,
            risk: false,
            required: meishier_model::SkillSet::EMPTY,
            preferred: Default::default(),
            rings: [copy.line.pool].into_iter().collect(),
            open: 0,
            own_seat: None,
        };
        let seat = ReadySeat {
            seat: copy.seat,
            shard: copy.seat_shard,
            counsellor: copy.counsellor,
            pools: [copy.line.pool].into_iter().collect(),
            skills: Default::default(),
            lowest: Lowest::Everyone,
            idle_since: Mono(0),
            talked_ms: 0,
        };
        CallerAt::new(&self.memory, &self.layout, index).write(copy.enqueued, &caller);
        let cells = EntryAt::new(&self.memory, &self.layout, entry);
        cells.write(&seat);
        cells.write_since(copy.ready_since, 0);
        self.operate_silently(0, Mono(0), |operation| {
            let layout = operation.layout();
            operation.set(layout.caller(index, CallerWord::State), MATCHED + entry)?;
            let terms = Terms::of(&caller).packed();
            operation.set(layout.caller(index, CallerWord::Terms), terms)?;
            let line = line_code(0, copy.line.number);
            operation.set(layout.caller(index, CallerWord::Line), line)?;
            operation.set(layout.caller(index, CallerWord::Mail), 0)?;
            let offer = short_count(copy.offer.0);
            operation.set(layout.caller(index, CallerWord::Offer), offer)?;
            operation.set(layout.entry(entry, EntryWord::State), MATCHED + index)?;
            operation.set(layout.entry(entry, EntryWord::Mail), 0)?;
            // Both taken, until a copy is put back.
            operation.set(layout.entry(entry, EntryWord::Taken), 3)
        });
        Some((index, entry))
    }

    fn put_again(&self, copy: &Match, (index, entry): (u32, u32)) {
        self.operate_silently(0, Mono(0), |operation| {
            let layout = operation.layout();
            let taken = layout.entry(entry, EntryWord::Taken);
            let before = operation.get(taken)?;
            match copy.side {
                Side::Caller => {
                    operation.set(taken, before & !1)?;
                    operation.index_call(index)?;
                    operation.add(Global::Held, 1)?;
                    operation.post(copy.caller_shard, Letter::Caller(index))
                }
                Side::Seat => {
                    operation.set(taken, before & !2)?;
                    operation.set(layout.seat(copy.seat.0, SeatWord::Entry), entry + 1)?;
                    operation.post(copy.seat_shard, Letter::Entry(entry))
                }
            }
        });
    }

    /// See [`crate::Queue::count_from`].
    pub(crate) fn count_from(&self, last: OfferId) {
        self.operate_silently(0, Mono(0), |operation| {
            if operation.matches()? < last.0 {
                operation.set_matches(last.0)?;
            }
            Ok(())
        });
    }

    /// See [`crate::Queue::open`].
    pub(crate) fn open(&self, now: Mono) -> Wakes {
        // Release: whoever does the work that this leaves reads when it was left.
        self.work_since.store(now.0, Ordering::Release);
        let (opened, mut wakes) = self.operate(0, now, |operation| {
            let closed = !operation.is_open()?;
            if closed {
                operation.set_global(Global::Open, 1)?;
                operation.set_global(Global::Work, ALL_WORK)?;
            }
            Ok(closed)
        });
        if opened {
            for shard in (0..self.layout.shards as u16).map(ShardId) {
                if self.has_match(shard) && !wakes.contains(&shard) {
                    wakes.push(shard);
                }
            }
        }
        self.settle(0, &mut wakes);
        self.with_unheard(wakes)
    }
}

impl Operation<'_, '_> {
    fn snapshot(&mut self) -> Result<QueueSnapshot, Stop> {
        let mut turns = BTreeMap::new();
        for seat in 0..self.layout().seats {
            match self.turn_of(seat)? {
                0 => {}
                turn => drop(turns.insert(SeatId(seat), turn)),
            }
        }
        let mut draining = Vec::new();
        for pool in 0..self.layout().pools {
            if self.is_draining(pool)? {
                draining.push(PoolId(pool as u16));
            }
        }
        let mut left = Vec::new();
        for shard in 0..self.layout().shards {
            let mut letter = self.first_letter(shard)?;
            while let Some(it) = letter {
                let copy = self.read_letter(it)?;
                if copy.side == Side::Seat {
                    // Its seat's turn is written when it is taken.
                    turns.insert(copy.seat, copy.offer.0);
                }
                left.push(copy);
                letter = self.letter_after(it)?;
            }
        }
        let matches = self.matches()?;
        Ok(QueueSnapshot {
            matches,
            offers: matches,
            turns: turns.into_iter().collect(),
            draining,
            left,
        })
    }
}
