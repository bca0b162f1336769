//! Signals: the first that ends lets calls finish, the second one ends at once; SIGHUP lets the
//! configuration be read again.

use rustix::process::Signal;
use std::io;
use tokio::signal::unix::{Signal as Incoming, SignalKind, signal};

/// What SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// The terminal is gone, and with it whoever was watching.
    Ends,
    /// "Read your configuration again", as to many programs. Nobody who means that, or closes a
    /// terminal, is to end a hotline's calls.
    Rereads,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The end.
    End,
    /// That the configuration be read again.
    Reread,
}

/// SIGTERM, SIGINT and SIGHUP. Made before the engine starts, so that no signal is missed.
pub struct Signals {
    terminate: Incoming,
    interrupt: Incoming,
    hangup: Incoming,
    meaning: Hangup,
}

impl Signals {
    /// Takes the signals over; must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(meaning: Hangup) -> io::Result<Self> {
        // Whoever takes it over is not ended by it: a file that grows to the limit of the process is a
        // write that fails, as on a full disk, and no reason for calls to end.
        drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            meaning,
        })
    }

    /// Waits for the next of them.
    pub async fn asked(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.hangup.recv() => match self.meaning {
                Hangup::Ends => Asked::End,
                Hangup::Rereads => Asked::Reread,
            },
        }
    }

    /// Waits for the next of them that means an end.
    pub async fn next(&mut self) {
        while self.asked().await == Asked::Reread {
            tracing::warn!("SIGHUP is ignored while the engine ends");
        }
    }
}
