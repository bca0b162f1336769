//! A thread that is stopped inside an operation which holds no lock.

use std::time::Duration;

/// False if the queue was built without its hook at each atomic access.
pub const POSSIBLE: bool = cfg!(feature = "hold");

/// Runs `operation` and stops this thread for `time` before its atomic access number `access`, from
/// 0. False if it had fewer or there is no hook.
#[cfg(feature = "hold")]
pub fn within(access: u64, time: Duration, operation: impl FnOnce()) -> bool {
    use std::cell::Cell;
    use std::rc::Rc;

    let stopped = Rc::new(Cell::new(false));
    let inside = Rc::clone(&stopped);
    meishier_queue::hold::set(Some(Box::new(move |count| {
        if count == access {
            inside.set(true);
            std::thread::sleep(time);
        }
    })));
    operation();
    meishier_queue::hold::set(None);
    stopped.get()
}

/// Runs `operation`; it cannot be stopped in this build.
#[cfg(not(feature = "hold"))]
pub fn within(_: u64, _: Duration, operation: impl FnOnce()) -> bool {
    operation();
    false
}

#[cfg(all(test, feature = "hold"))]
mod tests {
    use super::within;
    use crate::contender::{Bare, Contender};
    use std::time::Duration;

    #[test]
    fn only_an_access_that_comes_is_a_stop() {
        let queue = Bare::queue(1);
        let look = || {
            let empty = !queue.with(|queue| queue.has_match(meishier_model::ShardId(0)));
            assert!(empty);
        };
        assert!(within(0, Duration::ZERO, look));
        assert!(!within(1_000_000, Duration::ZERO, look));
        assert!(!within(0, Duration::ZERO, || {}));
    }
}
