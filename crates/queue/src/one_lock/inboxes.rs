//! The inboxes of the reference model.

use meishier_model::{CallId, SeatId, ShardId};
use std::collections::{BTreeSet, VecDeque};

use crate::matches::{Match, Side, Wakes};

/// The inboxes of all shards.
///
/// They cannot fill. A call has at most one entry as caller, since it is not let in again before
/// that entry was taken; a seat has at most one entry as seat, since it is not ready again before
/// that entry was taken. So all of them together hold at most one entry for each call that the engine carries
/// and one for each seat.
#[derive(Debug)]
pub(crate) struct Inboxes {
    boxes: Vec<VecDeque<Match>>,
    calls: BTreeSet<CallId>,
    seats: BTreeSet<SeatId>,
}

impl Inboxes {
    pub(crate) fn new(shards: u16) -> Self {
        let boxes = (0..shards).map(|_| VecDeque::new()).collect();
        Self {
            boxes,
            calls: BTreeSet::new(),
            seats: BTreeSet::new(),
        }
    }

    pub(crate) fn has(&self, shard: ShardId) -> bool {
        usize::from(shard.0) < self.boxes.len()
    }

    pub(crate) fn shards(&self) -> usize {
        self.boxes.len()
    }

    /// True while the call's match was not taken by its shard.
    pub(crate) fn holds_call(&self, call: CallId) -> bool {
        self.calls.contains(&call)
    }

    /// True while the seat's match was not taken by its shard.
    pub(crate) fn holds_seat(&self, seat: SeatId) -> bool {
        self.seats.contains(&seat)
    }

    /// Calls whose match was not taken by their shard.
    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Everything that was not taken yet, inbox by inbox, in order.
    pub(crate) fn left(&self) -> impl Iterator<Item = &Match> {
        self.boxes.iter().flatten()
    }

    /// Shards whose inbox holds something.
    pub(crate) fn waiting(&self) -> Wakes {
        let filled = (0..)
            .zip(&self.boxes)
            .filter(|(_, inbox)| !inbox.is_empty());
        filled.map(|(shard, _)| ShardId(shard)).collect()
    }

    /// Puts one copy of a match back where it lay. False if there is no such shard, or one for its call
    /// or its seat lies there.
    pub(crate) fn put_again(&mut self, copy: Match) -> bool {
        let shard = match copy.side {
            Side::Caller => copy.caller_shard,
            Side::Seat => copy.seat_shard,
        };
        let Some(inbox) = self.boxes.get_mut(usize::from(shard.0)) else {
            return false;
        };
        let fresh = match copy.side {
            Side::Caller => self.calls.insert(copy.call),
            Side::Seat => self.seats.insert(copy.seat),
        };
        if fresh {
            inbox.push_back(copy);
        }
        fresh
    }

    /// Puts both copies of a match, the caller's first.
    pub(crate) fn put(&mut self, made: Match, wakes: &mut Wakes) {
        self.calls.insert(made.call);
        self.seats.insert(made.seat);
        for (side, shard) in [
            (Side::Caller, made.caller_shard),
            (Side::Seat, made.seat_shard),
        ] {
            if let Some(inbox) = self.boxes.get_mut(usize::from(shard.0)) {
                inbox.push_back(Match { side, ..made });
            }
            if !wakes.contains(&shard) {
                wakes.push(shard);
            }
        }
    }

    pub(crate) fn take(&mut self, shard: ShardId) -> Option<Match> {
        let taken = self.boxes.get_mut(usize::from(shard.0))?.pop_front()?;
        match taken.side {
            Side::Caller => self.calls.remove(&taken.call),
            Side::Seat => self.seats.remove(&taken.seat),
        };
        Some(taken)
    }
}
