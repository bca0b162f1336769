//! Lines by day and by night: shard 0 tells the queue how many lines each pool has now.

use crate::api::{Notice, ShardMessage};
use crate::hands::moment_of;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{Now, PoolId, ShardId};

impl Shard {
    /// Evaluates the schedule for this moment. A change cuts no call in progress: lines in use
    /// above the new number stay with their calls.
    pub(crate) fn start_lines(&mut self, now: Now) {
        if self.id != ShardId(0) {
            return;
        }
        for index in 0..self.config.pools.len() {
            let Ok(index) = u16::try_from(index) else {
                return;
            };
            let pool = PoolId(index);
            let lines = self.config.routing.lines(pool, now.wall);
            let wakes = self.queue.set_lines(now.mono, pool, lines);
            self.wake(now, &wakes);
            self.notice(Notice::Lines { pool, lines });
        }
        let covered = self.config.routing.calendar_covers(now.wall);
        self.notice(Notice::CalendarMissing(!covered));
        self.send_others(&ShardMessage::LinesChanged);
        self.on_lines_changed();
        let until = self.config.routing.next_change(now.wall);
        self.lines_valid = Some((now.wall, until));
        if let Some(at) = self.lines_timer.take() {
            self.timers.cancel(at, Timer::Lines);
        }
        if let Some(until) = until {
            let at = moment_of(now, until);
            self.timers.set(at, Timer::Lines);
            self.lines_timer = Some(at);
        }
    }

    /// The civil clock may have reached the next change, or may have been set back.
    pub(crate) fn check_lines(&mut self, now: Now) {
        let Some((from, until)) = self.lines_valid else {
            return;
        };
        if now.wall < from || until.is_some_and(|until| now.wall >= until) {
            self.start_lines(now);
        }
    }
}
