//! Ending: the first signal lets calls finish, the second one ends at once.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// The terminal is gone, and with it whoever was watching.
    Ends,
    /// Nothing, but for a line in the log. To many programs it says "read your configuration
    /// again"; nobody who means that, or closes a terminal, is to end a hotline's calls.
    Ignored,
}

/// SIGTERM, SIGINT and SIGHUP. Made before the engine starts, so that no signal is missed.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    meaning: Hangup,
}

impl Signals {
    /// Takes the signals over; must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(meaning: Hangup) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            meaning,
        })
    }

    /// Waits for the next of them that means an end.
    pub async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => match self.meaning {
                    Hangup::Ends => return,
                    Hangup::Ignored => tracing::warn!(
                        "SIGHUP is ignored: a change of the configuration takes a restart"
                    ),
                },
            }
        }
    }
}
