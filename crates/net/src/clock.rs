//! The only clock of the process: monotonic time for timers, civil time for schedules and records.

use meishier_model::{Mono, Now, Wall};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the machine's civil time may run away from ours before ours follows, milliseconds.
///
/// Smaller differences are the machine's clock being slewed; they never change a schedule.
const STEP_MS: i64 = 500;

/// Gives out the time. Clones show the same time.
///
/// Civil time is a base plus the monotonic time since the start, so it never jumps by itself:
/// it changes when [`Clock::set_wall`] says so or, on a clock made by [`Clock::system`], when the
/// machine's clock was stepped.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// Civil time at `start`, milliseconds since 1970.
    base: AtomicI64,
    follows_machine: bool,
}

impl Clock {
    /// Starts with the machine's civil time and follows its steps.
    #[must_use]
    pub fn system() -> Self {
        Self::begin(machine_ms(), true)
    }

    /// Starts at `wall` and runs on from there, whatever the machine's date is.
    #[must_use]
    pub fn fixed(wall: Wall) -> Self {
        Self::begin(wall.0, false)
    }

    fn begin(base: i64, follows_machine: bool) -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            base: AtomicI64::new(base),
            follows_machine,
        }))
    }

    /// Microseconds since the start.
    #[must_use]
    pub fn mono(&self) -> Mono {
        Mono(u64::try_from(self.0.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Both times, of one instant.
    #[must_use]
    pub fn now(&self) -> Now {
        let mono = self.mono();
        Now {
            mono,
            wall: self.wall_at(mono),
        }
    }

    /// Civil time.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.now().wall
    }

    /// Civil time in microseconds since 1970.
    pub(crate) fn wall_us(&self) -> u64 {
        let base = self.0.base.load(Ordering::Relaxed);
        u64::try_from(base).unwrap_or(0) * 1000 + self.mono().0
    }

    /// Makes it `wall` now. The shards must be told, or their schedules keep the old time until
    /// their next change; [`crate::Control::set_wall`] does both.
    pub fn set_wall(&self, wall: Wall) {
        self.set_base(wall.0);
    }

    /// Looks at the machine's clock; true if it had been stepped and this clock followed.
    pub(crate) fn follow(&self) -> bool {
        if !self.0.follows_machine {
            return false;
        }
        let machine = machine_ms();
        let stepped = (machine - self.wall().0).abs() > STEP_MS;
        if stepped {
            self.set_base(machine);
        }
        stepped
    }

    fn set_base(&self, wall_ms: i64) {
        // Relaxed: the number stands for itself, nothing is published with it.
        self.0
            .base
            .store(wall_ms - millis(self.mono()), Ordering::Relaxed);
    }

    fn wall_at(&self, mono: Mono) -> Wall {
        Wall(self.0.base.load(Ordering::Relaxed) + millis(mono))
    }
}

/// The time from `now` until `deadline`, zero if it has passed.
pub(crate) fn until(now: Mono, deadline: Mono) -> Duration {
    deadline.since(now)
}

fn millis(mono: Mono) -> i64 {
    i64::try_from(mono.0 / 1000).unwrap_or(i64::MAX)
}

fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
