//! What shards do with seats.

use meishier_model::{Mono, SeatId};

use super::layout::{ENTRY_NODES, EntryWord, Owner, SeatWord};
use super::operation::Operation;
use super::records::EntryAt;
use super::{LockFree, READY};
use crate::config::{MAX_POOLS, SeatError};
use crate::defect::Defect;
use crate::matches::Wakes;
use crate::memory::{Stop, Tally};
use crate::seat::ReadySeat;

impl LockFree {
    fn check_seat(&self, seat: &ReadySeat) -> Result<(), SeatError> {
        if seat.seat.0 >= self.layout.seats {
            return Err(SeatError::UnknownSeat);
        }
        let pools = self.layout.pools;
        if seat.pools.is_empty() || seat.pools.iter().any(|pool| u32::from(pool.0) >= pools) {
            return Err(SeatError::BadPool);
        }
        if u32::from(seat.shard.0) >= self.layout.shards {
            return Err(SeatError::BadShard);
        }
        if seat.pools.len() > MAX_POOLS {
            return Err(SeatError::TooMany);
        }
        Ok(())
    }

    /// See [`crate::Queue::seat_ready`].
    pub(crate) fn seat_ready(&self, now: Mono, seat: ReadySeat) -> Result<Wakes, SeatError> {
        self.check_seat(&seat)?;
        let record = self.free_entries.claim(&self.memory);
        if let Some(index) = record {
            EntryAt::new(&self.memory, &self.layout, index).write(&seat);
        }
        let hint = usize::from(seat.shard.0);
        let (answer, wakes) = self.operate(hint, now, |operation| {
            let known = operation.get(operation.layout().seat(seat.seat.0, SeatWord::Entry))?;
            let before = operation.ready_entry(seat.seat.0)?;
            if known != 0 && before.is_none() {
                return Ok(Ok(false));
            }
            let Some(index) = record else {
                return Ok(Err(SeatError::Full));
            };
            let since = before.map_or(now, |before| operation.entry(before).since());
            if let Some(before) = before {
                operation.leave_groups(before, false)?;
                let _ = operation.after.entries.try_push(before);
            } else {
                operation.change.tally(Tally::Ready, 1);
            }
            operation.new_entry(index, since)?;
            operation.settle_seat(index)?;
            Ok(Ok(true))
        });
        if let Some(index) = record.filter(|_| answer != Ok(true)) {
            self.free_entries.give(&self.memory, index);
        }
        // An answer has room for names also if the seat is matched.
        self.answer(answer.map(|_| true), wakes)
            .map(Option::unwrap_or_default)
    }

    /// See [`crate::Queue::seat_withdrawn`].
    pub(crate) fn seat_withdrawn(&self, seat: SeatId) -> bool {
        if seat.0 >= self.layout.seats || self.broken.now().is(Defect::WithdrawnSeatStays) {
            return false;
        }
        self.operate_silently(seat.0 as usize, Mono(0), |operation| {
            let Some(entry) = operation.ready_entry(seat.0)? else {
                return Ok(false);
            };
            operation.leave_groups(entry, false)?;
            let at = operation.layout().seat(seat.0, SeatWord::Entry);
            operation.set(at, 0)?;
            operation.change.tally(Tally::Ready, -1);
            let _ = operation.after.entries.try_push(entry);
            Ok(true)
        })
    }
}

impl Operation<'_, '_> {
    /// When a seat was last matched, as the number of that offer; 0 if never.
    pub(super) fn turn_of(&mut self, seat: u32) -> Result<u64, Stop> {
        let at = self.layout().seat(seat, SeatWord::Turn);
        match self.get(at)? {
            0 => Ok(0),
            short => self.long_count(short),
        }
    }

    /// The words of an entry that nobody can reach yet, and the seat's word that leads to it.
    pub(super) fn new_entry(&mut self, index: u32, since: Mono) -> Result<(), Stop> {
        let layout = self.layout();
        let seat = self.seat_of(index).0;
        let turn = self.turn_of(seat)?;
        self.change.own(layout.entry_range(index));
        self.entry(index).write_since(since, turn);
        let words = [
            (EntryWord::State, READY),
            (EntryWord::Taken, 0),
            (EntryWord::Mail, 0),
        ];
        for (which, value) in words {
            self.change.set_private(layout.entry(index, which), value);
        }
        let pools = self.entry(index).pools().min(ENTRY_NODES);
        self.clear_nodes((0..pools).map(|node| Owner::Entry(index, node)));
        self.set(layout.seat(seat, SeatWord::Entry), index + 1)
    }
}
