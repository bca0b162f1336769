//! The time that a thread was on a processor.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Since the thread's start. Programs beside this one cost it caches then, but no time.
#[must_use]
pub fn on_processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// What `work` takes on the processor, and what it gives.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = on_processor();
    let out = work();
    (on_processor().saturating_sub(before), out)
}

/// The middle one; zero of none.
#[must_use]
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{median, on_processor, timed};
    use std::time::Duration;

    #[test]
    fn work_takes_time() {
        let before = on_processor();
        let (took, after) = timed(|| {
            while on_processor() == before {
                std::hint::spin_loop();
            }
            on_processor()
        });
        assert!(after > before && took > Duration::ZERO);
    }

    #[test]
    fn the_middle_of_an_odd_number() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![]), 0.0);
    }
}
