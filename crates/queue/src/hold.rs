//! A test's hook at each atomic access: it can hold a thread there for ever.

use std::cell::{Cell, RefCell};

/// Called before every atomic access of its thread, with the number of that access since
/// [`set`], from 0.
pub type Hook = Box<dyn FnMut(u64)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static ARMED: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Sets this thread's hook, or takes it away, and counts from 0 again.
pub fn set(hook: Option<Hook>) {
    ARMED.set(hook.is_some());
    COUNT.set(0);
    HOOK.set(hook);
}

/// One access is about to happen.
#[inline]
pub(crate) fn step() {
    if ARMED.get() {
        let count = COUNT.replace(COUNT.get() + 1);
        HOOK.with(|hook| {
            if let Ok(mut hook) = hook.try_borrow_mut()
                && let Some(hook) = hook.as_mut()
            {
                hook(count);
            }
        });
    }
}
