//! Matches on their way: taken from the shard's inbox, told to other shards, and missed by nobody.
//!
//! The queue leaves no caller waiting beside a ready seat that fits (its guarantee 2). Should it ever
//! be wrong, or a thread stand still for good with a match half told, a caller must not pay for it:
//!
//! - A shard looks for itself into its inbox whenever it has dealt with an input, whether or not
//!   anybody told it to.
//! - A watchdog asks the queue for a pair that was missed: [`LOOK`] after the last operation of this
//!   shard, and each [`BEAT`] while a caller of this shard waits. If two looks at least [`LOOK`] apart
//!   see a missed pair, whoever is missed is matched, counted and told. A shard for which nobody waits and that does
//!   nothing has no timer of it.

use crate::api::{Notice, Output};
use crate::call::State;
use crate::defect::Defect;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{Mono, Now};
use meishier_queue::{Side, Wakes};
use std::time::Duration;

/// A pair that fits may stand for so long before it counts as missed.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// How often a shard looks while its callers wait and it does nothing.
const BEAT: Duration = Duration::from_secs(1);

/// What the watchdog of one shard knows.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When it looks next.
    next: Option<Mono>,
    /// Since when it has seen a missed pair at each look, whichever it was.
    seen: Option<Mono>,
}

impl Watch {
    /// True if a timer is set for it.
    pub(crate) fn stands(&self) -> bool {
        self.next.is_some()
    }
}

impl Shard {
    pub(crate) fn take_matches(&mut self, now: Now) {
        while let Some(found) = self.queue.take_match(self.id) {
            match found.side {
                Side::Caller => self.on_match_for_call(now, found),
                Side::Seat => self.on_match_for_seat(now, found),
            }
        }
    }

    /// Acts on matches that the present input brought about, before anything else.
    pub(crate) fn match_now(&mut self, now: Now) {
        if std::mem::take(&mut self.inbox_dirty) {
            self.take_matches(now);
        }
    }

    /// True if the inbox holds something of which nobody has told, perhaps never will: the inbox is
    /// to be read then.
    pub(crate) fn unheard(&self) -> bool {
        self.queue.has_match(self.id) && !self.broken.is(Defect::WakeForgotten)
    }

    /// After every operation on the queue: tells other shards that it holds something for them, and
    /// sees to it that the watchdog looks whether somebody was missed.
    pub(crate) fn wake(&mut self, now: Now, wakes: &Wakes) {
        for shard in wakes {
            if *shard == self.id {
                self.inbox_dirty = true;
            } else if !self.broken.is(Defect::WakeForgotten) {
                self.outputs.push_back(Output::Wake(*shard));
            }
        }
        self.look_by(now.mono + LOOK);
    }

    /// The watchdog looks at this moment at the latest.
    pub(crate) fn look_by(&mut self, at: Mono) {
        if self.watch.next.is_some_and(|next| next <= at) {
            return;
        }
        if let Some(next) = self.watch.next.replace(at) {
            self.timers.cancel(next, Timer::Watch);
        }
        self.timers.set(at, Timer::Watch);
    }

    pub(crate) fn on_watch(&mut self, now: Now) {
        self.watch.next = None;
        let before = self.watch.seen.take();
        match self.queue.missed() {
            Some((call, seat)) => {
                let since = before.unwrap_or(now.mono);
                if now.mono.since(since) >= LOOK {
                    self.notice(Notice::Missed { call, seat });
                    let wakes = self.queue.heal(now.mono);
                    self.wake(now, &wakes);
                } else {
                    self.watch.seen = Some(since);
                    self.look_by(since + LOOK);
                }
            }
            None if self.somebody_waits() => {
                self.look_at_all_crowds();
                self.look_by(now.mono + BEAT);
            }
            None => {}
        }
    }

    pub(crate) fn somebody_waits(&self) -> bool {
        let mut calls = self.calls.values();
        let queued = calls.any(|call| matches!(call.state, State::Queued));
        queued || !self.requests.is_empty()
    }
}
