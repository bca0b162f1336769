//! Inboxes: chains through the matched records themselves, so they cannot fill.
//!
//! ```text
//!   inbox of a shard: first ─► caller's copy (its record) ─► seat's copy (its entry) ─► … last
//! ```
//! A match's caller and seat entry are kept until both copies were taken, since each copy tells of both.

use meishier_model::{CallId, LineId, Mono, PoolId, SeatId, ShardId};

use super::layout::{CallerWord, EntryWord, SeatWord};
use super::matching::short_count;
use super::operation::Operation;
use super::{Global, LockFree, MATCHED};
use crate::matches::{Match, OfferId, Side};
use crate::memory::{Stop, WordAt};

/// Which copies of a match were taken.
const CALLER_TOOK: u32 = 1;
const SEAT_TOOK: u32 = 2;
const BOTH_TOOK: u32 = CALLER_TOOK | SEAT_TOOK;

/// A line as a caller's word says it: its number, and above it by which ring of the caller, or (from
/// 16) by which pool of the seat.
pub(super) fn line_code(by: u32, number: u16) -> u32 {
    by << 12 | u32::from(number)
}

/// A caller's line by its seat's pools, not by its rings.
pub(super) const BY_SEAT: u32 = 16;

/// One copy in an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    /// For the shard of this caller.
    Caller(u32),
    /// For the shard of this seat entry.
    Entry(u32),
}

impl Letter {
    fn number(self, callers: u32) -> u32 {
        match self {
            Self::Caller(caller) => caller + 1,
            Self::Entry(entry) => callers + entry + 1,
        }
    }

    fn from_number(number: u32, callers: u32) -> Option<Self> {
        let index = number.checked_sub(1)?;
        Some(match index.checked_sub(callers) {
            None => Self::Caller(index),
            Some(entry) => Self::Entry(entry),
        })
    }
}

impl LockFree {
    /// See [`crate::Queue::take_match`].
    pub(crate) fn take_match(&self, shard: ShardId) -> Option<Match> {
        let known = u32::from(shard.0) < self.layout.shards;
        if !known || (!self.work_left() && !self.has_match(shard)) {
            return None;
        }
        let hint = usize::from(shard.0);
        self.operate_silently(hint, Mono(0), |operation| {
            operation.take_letter(u32::from(shard.0))
        })
    }
}

impl Operation<'_, '_> {
    fn next_letter(&self, letter: Letter) -> WordAt {
        match letter {
            Letter::Caller(caller) => self.layout().caller(caller, CallerWord::Mail),
            Letter::Entry(entry) => self.layout().entry(entry, EntryWord::Mail),
        }
    }

    /// Puts a copy at the end of its shard's inbox.
    pub(super) fn post(&mut self, shard: ShardId, letter: Letter) -> Result<(), Stop> {
        let callers = self.layout().callers;
        let number = letter.number(callers);
        let (first, last) = self.layout().inbox(u32::from(shard.0));
        let before = self.get(last)?;
        let link = Letter::from_number(before, callers).map_or(first, |it| self.next_letter(it));
        self.set(link, number)?;
        self.set(last, number)?;
        if !self.after.wakes.contains(&shard) {
            self.after.wakes.push(shard);
        }
        Ok(())
    }

    /// The copy at the front of an inbox.
    pub(super) fn first_letter(&mut self, shard: u32) -> Result<Option<Letter>, Stop> {
        let (first, _) = self.layout().inbox(shard);
        Ok(Letter::from_number(self.get(first)?, self.layout().callers))
    }

    /// The copy after this one.
    pub(super) fn letter_after(&mut self, letter: Letter) -> Result<Option<Letter>, Stop> {
        let next = self.get(self.next_letter(letter))?;
        Ok(Letter::from_number(next, self.layout().callers))
    }

    /// Takes the copy at the front of an inbox.
    pub(super) fn take_letter(&mut self, shard: u32) -> Result<Option<Match>, Stop> {
        let Some(letter) = self.first_letter(shard)? else {
            return Ok(None);
        };
        let found = self.read_letter(letter)?;
        let next = self.get(self.next_letter(letter))?;
        let (first, last) = self.layout().inbox(shard);
        self.set(first, next)?;
        if next == 0 {
            self.set(last, 0)?;
        }
        let (caller, entry) = self.pair_of(letter)?;
        let took = match letter {
            Letter::Caller(_) => {
                self.forget_call(caller)?;
                self.subtract(Global::Held, 1)?;
                CALLER_TOOK
            }
            Letter::Entry(_) => {
                let seat = self.entry(entry).seat();
                self.set(self.layout().seat(seat, SeatWord::Entry), 0)?;
                // The seat's turn: nobody asks for it before the seat is ready again.
                let turn = self.layout().seat(seat, SeatWord::Turn);
                self.set(turn, short_count(found.offer.0))?;
                SEAT_TOOK
            }
        };
        self.mark_taken(caller, entry, took)?;
        Ok(Some(found))
    }

    /// One copy is out; with the second, both records are free.
    pub(super) fn mark_taken(&mut self, caller: u32, entry: u32, took: u32) -> Result<(), Stop> {
        let at = self.layout().entry(entry, EntryWord::Taken);
        let taken = self.get(at)? | took;
        if taken == BOTH_TOOK {
            // Room for both: an operation takes one letter.
            let _ = self.after.callers.try_push(caller);
            let _ = self.after.entries.try_push(entry);
            return Ok(());
        }
        self.set(at, taken)
    }

    /// The caller's and the seat's record of a match.
    fn pair_of(&mut self, letter: Letter) -> Result<(u32, u32), Stop> {
        let layout = self.layout();
        match letter {
            Letter::Caller(caller) => {
                let state = self.get(layout.caller(caller, CallerWord::State))?;
                Ok((caller, state.checked_sub(MATCHED).ok_or(Stop::Overtaken)?))
            }
            Letter::Entry(entry) => {
                let state = self.get(layout.entry(entry, EntryWord::State))?;
                Ok((state.checked_sub(MATCHED).ok_or(Stop::Overtaken)?, entry))
            }
        }
    }

    /// What a copy says.
    pub(super) fn read_letter(&mut self, letter: Letter) -> Result<Match, Stop> {
        let (index, entry) = self.pair_of(letter)?;
        let layout = self.layout();
        let short = self.get(layout.caller(index, CallerWord::Offer))?;
        let offer = self.long_count(short)?;
        let line = self.get(layout.caller(index, CallerWord::Line))?;
        let (caller, seat) = (self.caller(index), self.entry(entry));
        let by = line >> 12;
        let pool = match by.checked_sub(BY_SEAT) {
            None => caller.ring(by),
            Some(by) => seat.pool(by),
        };
        Ok(Match {
            side: match letter {
                Letter::Caller(_) => Side::Caller,
                Letter::Entry(_) => Side::Seat,
            },
            call: CallId(caller.call().0),
            caller_shard: caller.shard(),
            seat: SeatId(seat.seat()),
            seat_shard: seat.shard(),
            counsellor: seat.counsellor(),
            line: LineId {
                pool: PoolId(pool as u16),
                number: (line & 0xfff) as u16,
            },
            offer: OfferId(offer),
            ready_since: seat.since(),
            enqueued: caller.enqueued(),
        })
    }
}
