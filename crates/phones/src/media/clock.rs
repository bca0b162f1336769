//! One timer for the packets of all phones of a bank.

use super::port::MediaPort;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Time between two packets of one phone.
pub const FRAME_TIME: Duration = Duration::from_millis(20);
/// Most ports one clock feeds; further ones are refused.
pub const MAX_PORTS: usize = 8_192;

type Ports = Arc<Mutex<Vec<Weak<MediaPort>>>>;

/// Drives the sending of every port that was added; stops when dropped.
#[derive(Debug)]
pub struct MediaClock {
    ports: Ports,
    task: AbortHandle,
}

impl MediaClock {
    /// Starts the timer. Must be called within a tokio runtime.
    #[must_use]
    pub fn start() -> Self {
        let ports = Ports::default();
        let task = tokio::spawn(run(ports.clone())).abort_handle();
        Self { ports, task }
    }

    /// Feeds `port` until it is dropped; false if there are [`MAX_PORTS`] already.
    #[must_use]
    pub fn add(&self, port: &Arc<MediaPort>) -> bool {
        let mut ports = lock(&self.ports);
        if ports.len() >= MAX_PORTS {
            return false;
        }
        ports.push(Arc::downgrade(port));
        true
    }
}

impl Drop for MediaClock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(ports: Ports) {
    let mut ticks = interval_at(Instant::now() + FRAME_TIME, FRAME_TIME);
    // A late tick is made good at once: the far side counts packets, not their spacing.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        lock(&ports).retain(|port| port.upgrade().is_some_and(|port| port.send_frame()));
    }
}

fn lock(ports: &Ports) -> MutexGuard<'_, Vec<Weak<MediaPort>>> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}
