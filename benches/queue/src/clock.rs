//! The time that a thread was on a processor.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Since the thread's start. Programs beside this one cost it caches then, but no time.
#[must_use]
pub fn on_processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::on_processor;

    #[test]
    fn work_takes_time() {
        let before = on_processor();
        while on_processor() == before {
            std::hint::spin_loop();
        }
        assert!(on_processor() > before);
    }
}
