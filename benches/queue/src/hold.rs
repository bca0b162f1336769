//! A thread that is stopped inside an operation which holds no lock.

use std::cell::Cell;
use std::time::Duration;

/// Has this thread's atomic accesses inside the queue call a function, each before it is done.
pub type Install = fn(fn());

/// The queue's hook; `None` while the queue is built without one.
pub const INSTALL: Option<Install> = None;

thread_local! {
    /// Accesses until the stop, and how long it is; 0 accesses: none comes.
    static STOP: Cell<(u32, Duration)> = const { Cell::new((0, Duration::ZERO)) };
}

/// Runs `operation` and stops this thread for `time` before its atomic access number `access`, from
/// 1. False if it had fewer or there is no hook.
pub fn within(
    install: Option<Install>,
    access: u32,
    time: Duration,
    operation: impl FnOnce(),
) -> bool {
    let Some(install) = install else {
        operation();
        return false;
    };
    STOP.set((access, time));
    install(at_access);
    operation();
    let (left, _) = STOP.replace((0, Duration::ZERO));
    left == 0
}

fn at_access() {
    let (left, time) = STOP.get();
    if left > 0 {
        STOP.set((left - 1, time));
        if left == 1 {
            std::thread::sleep(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::within;
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        static HOOK: Cell<Option<fn()>> = const { Cell::new(None) };
    }

    fn access() {
        if let Some(hook) = HOOK.get() {
            hook();
        }
    }

    #[test]
    fn only_an_access_that_comes_is_a_stop() {
        let three = || (0..3).for_each(|_| access());
        let install: fn(fn()) = |hook| HOOK.set(Some(hook));
        assert!(within(Some(install), 1, Duration::ZERO, three));
        assert!(within(Some(install), 3, Duration::ZERO, three));
        assert!(!within(Some(install), 4, Duration::ZERO, three));
        assert!(!within(None, 1, Duration::ZERO, three));
    }
}
