//! What shards do with callers.

use meishier_model::{CallId, Class, Mono};

use super::layout::{CallerWord, Global, Layout, Owner};
use super::operation::Operation;
use super::records::{CallerAt, Terms};
use super::rows::{Kind, Place};
use super::{LockFree, WAITING};
use crate::caller::{Caller, Widening};
use crate::config::{EnqueueError, MAX_PREFERENCES, MAX_RINGS};
use crate::defect::Defect;
use crate::matches::Wakes;
use crate::memory::{Stop, Tally};

/// How a caller comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// For the first time: an ordinary one may find the queue full.
    New,
    /// It was let in before.
    Back,
    /// After a restart: its match may lie in an inbox.
    Again,
}

fn hint_of(call: CallId) -> usize {
    usize::from(call.shard().0)
}

impl LockFree {
    /// See [`crate::Queue::enqueue`].
    pub(crate) fn enqueue(&self, now: Mono, caller: Caller) -> Result<Wakes, EnqueueError> {
        self.let_in(now, caller, Entry::New)
    }

    /// See [`crate::Queue::put_back`].
    pub(crate) fn put_back(&self, now: Mono, mut caller: Caller) -> Result<Wakes, EnqueueError> {
        caller.stamp = self.broken.now().stamp(now, caller.stamp);
        self.let_in(now, caller, Entry::Back)
    }

    /// See [`crate::Queue::reenter_caller`].
    pub(crate) fn reenter_caller(
        &self,
        enqueued: Mono,
        caller: Caller,
    ) -> Result<Wakes, EnqueueError> {
        self.let_in(enqueued, caller, Entry::Again)
    }

    fn check_caller(&self, caller: &Caller) -> Result<(), EnqueueError> {
        if caller.rings.len() > MAX_RINGS || caller.preferred.len() > MAX_PREFERENCES {
            return Err(EnqueueError::TooMany);
        }
        let pools = self.layout.pools;
        let known = caller.rings.iter().all(|pool| u32::from(pool.0) < pools);
        if !known || (caller.rings.is_empty() && caller.own_seat.is_none()) {
            return Err(EnqueueError::BadPool);
        }
        let seat_known = caller
            .own_seat
            .is_none_or(|seat| seat.0 < self.layout.seats);
        if !seat_known || u32::from(caller.shard.0) >= self.layout.shards {
            return Err(EnqueueError::BadShard);
        }
        Ok(())
    }

    fn let_in(&self, now: Mono, caller: Caller, entry: Entry) -> Result<Wakes, EnqueueError> {
        let hint = hint_of(caller.call);
        if let Err(error) = self.check_caller(&caller) {
            let call = caller.call;
            let again =
                entry == Entry::Again && self.operate_silently(hint, now, |it| it.is_matched(call));
            return if again { Ok(Wakes::new()) } else { Err(error) };
        }
        let caller = self.broken.now().entry(caller);
        // Without a record the answer is the same as without room.
        let record = self.free_callers.claim(&self.memory);
        if let Some(index) = record {
            CallerAt::new(&self.memory, &self.layout, index).write(now, &caller);
        }
        let terms = Terms::of(&caller).packed();
        let (answer, wakes) = self.operate(hint, now, |operation| {
            match operation.may_enter(&caller, entry)? {
                Ok(true) => {}
                other => return Ok(other),
            }
            let Some(index) = record else {
                return Ok(Err(EnqueueError::Full));
            };
            operation.new_caller(index, terms);
            operation.index_call(index)?;
            operation.add(Global::Held, 1)?;
            operation.change.tally(Tally::Waiting, 1);
            operation.settle_new(index, false)?;
            Ok(Ok(true))
        });
        if let Some(index) = record.filter(|_| answer != Ok(true)) {
            self.free_callers.give(&self.memory, index);
        }
        // An answer has room for names also if there was nothing to do.
        self.answer(answer.map(|_| true), wakes)
            .map(Option::unwrap_or_default)
    }

    /// See [`crate::Queue::abandon`].
    pub(crate) fn abandon(&self, now: Mono, call: CallId) -> bool {
        #[cfg(feature = "defects")]
        if self.broken.now().is(Defect::AbandonTakesAnother)
            && let Some(other) = self
                .waiting_list()
                .iter()
                .map(|it| it.call)
                .filter(|it| *it != call)
                .min()
        {
            self.operate_silently(hint_of(call), now, |it| it.take_out(other));
        }
        self.operate_silently(hint_of(call), now, |operation| operation.take_out(call))
    }

    /// See [`crate::Queue::widen`].
    pub(crate) fn widen(&self, now: Mono, call: CallId, step: Widening) -> Wakes {
        let ((), wakes) = self.operate(hint_of(call), now, |operation| {
            let Some(index) = operation.find_waiting(call)? else {
                return Ok(());
            };
            let mut terms = operation.terms(index)?;
            match step {
                Widening::OpenRing => return operation.open_ring(index, terms),
                Widening::DropPreference(skill) => {
                    terms.dropped |= operation.caller(index).preferring(skill);
                }
                Widening::ReleaseOwnSeat => terms.released = true,
            }
            operation.change_terms(index, terms)
        });
        self.with_unheard(wakes)
    }

    /// See [`crate::Queue::raise`].
    pub(crate) fn raise(&self, now: Mono, call: CallId, class: Option<Class>, risk: bool) -> Wakes {
        let ((), wakes) = self.operate(hint_of(call), now, |operation| {
            let Some(index) = operation.find_waiting(call)? else {
                return Ok(());
            };
            let mut terms = operation.terms(index)?;
            terms.class = class.map_or(terms.class, |better| better.min(terms.class));
            terms.risk |= risk;
            operation.change_terms(index, terms)
        });
        self.with_unheard(wakes)
    }

    /// See [`crate::Queue::rewrite`].
    pub(crate) fn rewrite(&self, now: Mono, caller: Caller) -> Result<Option<Wakes>, EnqueueError> {
        self.check_caller(&caller)?;
        let call = caller.call;
        let record = self.free_callers.claim(&self.memory);
        let (answer, wakes) = self.operate(hint_of(call), now, |operation| {
            let Some(before) = operation.find_waiting(call)? else {
                return Ok(Ok(false));
            };
            let Some(index) = record else {
                return Ok(Err(EnqueueError::Full));
            };
            let known = operation.caller(before);
            let mut terms = Terms::of(&caller);
            terms.risk |= operation.terms(before)?.risk;
            let written = operation.caller(index);
            written.write(known.enqueued(), &caller);
            written.write_place(known.stamp(), known.shard());
            operation.leave_lanes(before, false)?;
            operation.forget_call(before)?;
            operation.note(before);
            let _ = operation.after.callers.try_push(before);
            operation.new_caller(index, terms.packed());
            operation.index_call(index)?;
            operation.settle_new(index, true)?;
            Ok(Ok(true))
        });
        if let Some(index) = record.filter(|_| answer != Ok(true)) {
            self.free_callers.give(&self.memory, index);
        }
        self.answer(answer, wakes)
    }
}

impl Operation<'_, '_> {
    fn is_matched(&mut self, call: CallId) -> Result<bool, Stop> {
        let Some(index) = self.find_call(call)? else {
            return Ok(false);
        };
        let state = self.get(self.layout().caller(index, CallerWord::State))?;
        Ok(state != WAITING)
    }

    /// The record of a call that waits.
    pub(super) fn find_waiting(&mut self, call: CallId) -> Result<Option<u32>, Stop> {
        let Some(index) = self.find_call(call)? else {
            return Ok(None);
        };
        let state = self.get(self.layout().caller(index, CallerWord::State))?;
        Ok((state == WAITING).then_some(index))
    }

    /// Whether a caller may come in; `false`: there is nothing to do.
    fn may_enter(
        &mut self,
        caller: &Caller,
        entry: Entry,
    ) -> Result<Result<bool, EnqueueError>, Stop> {
        if let Some(index) = self.find_call(caller.call)? {
            let state = self.get(self.layout().caller(index, CallerWord::State))?;
            let nothing = entry == Entry::Again && state != WAITING;
            return Ok(if nothing {
                Ok(false)
            } else {
                Err(EnqueueError::Duplicate)
            });
        }
        let held = self.global(Global::Held)?;
        let broken = self.queue.broken.now();
        let ordinary = !caller.risk || broken.is(Defect::FullRefusesRisk);
        let full = held >= self.layout().capacity
            || (entry == Entry::New && ordinary && held >= self.global(Global::MaxCallers)?);
        Ok(if full {
            Err(EnqueueError::Full)
        } else {
            Ok(true)
        })
    }

    /// The words of a caller that nobody can reach yet.
    fn new_caller(&mut self, index: u32, terms: u32) {
        let layout = self.layout();
        self.change.own(layout.caller_range(index));
        let words = [
            (CallerWord::State, WAITING),
            (CallerWord::Terms, terms),
            (CallerWord::Mail, 0),
        ];
        for (which, value) in words {
            self.change.set_private(layout.caller(index, which), value);
        }
        let caller = self.caller(index);
        let own = caller.own_seat().map(|_| super::layout::OWN_NODE);
        self.clear_nodes(
            (0..caller.rings())
                .chain(own)
                .map(|node| Owner::Caller(index, node)),
        );
    }

    /// Takes a waiting caller out. False if it does not wait.
    pub(super) fn take_out(&mut self, call: CallId) -> Result<bool, Stop> {
        let Some(index) = self.find_waiting(call)? else {
            return Ok(false);
        };
        self.leave_lanes(index, false)?;
        self.forget_call(index)?;
        self.subtract(Global::Held, 1)?;
        self.change.tally(Tally::Waiting, -1);
        self.note(index);
        let _ = self.after.callers.try_push(index);
        Ok(true)
    }

    fn open_ring(&mut self, index: u32, mut terms: Terms) -> Result<(), Stop> {
        let caller = self.caller(index);
        if terms.open < caller.rings() {
            let ring = terms.open;
            terms.open += 1;
            self.set_terms(index, terms)?;
            let pool = caller.ring(ring);
            if !(0..ring).any(|before| caller.ring(before) == pool) {
                let kind = Kind::lane(caller.needs(terms), terms);
                self.join(Place::Lanes(pool), &kind, Layout::caller_node(index, ring))?;
            }
        }
        self.note(index);
        self.settle_caller(index, true)?;
        Ok(())
    }

    fn set_terms(&mut self, index: u32, terms: Terms) -> Result<(), Stop> {
        let at = self.layout().caller(index, CallerWord::Terms);
        self.set(at, terms.packed())
    }

    /// Moves a waiting caller to the lanes of its new terms, and matches it if a seat fits now.
    fn change_terms(&mut self, index: u32, terms: Terms) -> Result<(), Stop> {
        if self.terms(index)? != terms {
            self.leave_lanes(index, true)?;
            self.set_terms(index, terms)?;
            self.join_lanes(index, terms)?;
        }
        self.note(index);
        self.settle_caller(index, true)?;
        Ok(())
    }
}
