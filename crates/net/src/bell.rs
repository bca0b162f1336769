//! Waking a thread that may sleep in `epoll_wait`, at the price of nothing while it does not.

use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Wakes one thread. The others put something where that thread looks, then call [`Bell::ring`].
///
/// Rules:
/// 1. Whoever writes: store the item, then `fence(SeqCst)`, then read `asleep`.
/// 2. The sleeper: store `asleep`, then `fence(SeqCst)`, then look for items once more.
/// 3. By the two fences at least one of them sees the other's store, so no item waits for a
///    thread that sleeps. `asleep` itself needs no ordering beyond them.
pub(crate) struct Bell {
    asleep: AtomicBool,
    waker: mio::Waker,
}

impl Bell {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self {
            asleep: AtomicBool::new(false),
            waker,
        }
    }

    /// Wakes the thread if it sleeps. To be called after the item was stored.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst); // rule 1
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            // An eventfd can only refuse when its counter is full, and then it is readable anyway.
            let _ = self.waker.wake();
        }
    }

    /// True if the thread may go to sleep: nothing was there when it looked after lying down.
    pub(crate) fn lie_down(&self, nothing_there: impl FnOnce() -> bool) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst); // rule 2
        let sleep = nothing_there();
        if !sleep {
            self.rise();
        }
        sleep
    }

    /// The thread is awake again and will look at everything before it lies down.
    pub(crate) fn rise(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }
}
