//! Knowing at once when a thread ends that should not: half an engine is worse than none.

use std::sync::Arc;
use tokio::sync::watch;

/// Held by each thread; says so if the thread ends without having been told to.
#[derive(Clone)]
pub(crate) struct Alarm {
    broken: Arc<watch::Sender<bool>>,
    armed: bool,
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            broken: Arc::new(watch::Sender::new(false)),
            armed: false,
        }
    }
}

impl Alarm {
    /// One for a thread.
    pub(crate) fn armed(&self) -> Self {
        Self {
            broken: self.broken.clone(),
            armed: true,
        }
    }

    /// The thread ends because it was told to.
    pub(crate) fn expected(&mut self) {
        self.armed = false;
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.broken.subscribe()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.armed {
            self.broken.send_replace(true);
        }
    }
}
