//! Which record a call has: chains of callers in buckets.

use meishier_model::CallId;

use super::layout::{CallerWord, Layout};
use super::operation::Operation;
use crate::memory::{Stop, WordAt};

/// Spreads a number over 64 bits; buckets take the upper ones.
pub(super) fn spread(number: u64) -> u64 {
    let mixed = (number ^ number >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

fn bucket(layout: &Layout, call: CallId) -> WordAt {
    layout.call_bucket(spread(call.0))
}

impl Operation<'_, '_> {
    /// The record of a call that waits or whose match its shard has not taken.
    pub(super) fn find_call(&mut self, call: CallId) -> Result<Option<u32>, Stop> {
        let mut at = self.get(bucket(self.layout(), call))?;
        while let Some(caller) = at.checked_sub(1) {
            if self.caller(caller).call() == call {
                return Ok(Some(caller));
            }
            at = self.get(self.layout().caller(caller, CallerWord::Chain))?;
        }
        Ok(None)
    }

    /// Enters a record that nobody can reach yet.
    pub(super) fn index_call(&mut self, caller: u32) -> Result<(), Stop> {
        let layout = self.layout();
        let bucket = bucket(layout, self.caller(caller).call());
        let first = self.get(bucket)?;
        self.change
            .set_private(layout.caller(caller, CallerWord::Chain), first);
        self.set(bucket, caller + 1)
    }

    pub(super) fn forget_call(&mut self, caller: u32) -> Result<(), Stop> {
        let layout = self.layout();
        let next = self.get(layout.caller(caller, CallerWord::Chain))?;
        let mut link = bucket(layout, self.caller(caller).call());
        loop {
            let at = self.get(link)?;
            if at == caller + 1 {
                return self.set(link, next);
            }
            let Some(other) = at.checked_sub(1) else {
                return Ok(());
            };
            link = layout.caller(other, CallerWord::Chain);
        }
    }
}
