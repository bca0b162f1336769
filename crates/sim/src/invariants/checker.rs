//! The judge of one run.

use super::seen::{Inspection, Seen};
use super::table::Violation;
use meishier_model::Now;
use std::net::SocketAddr;

/// Keeps the books of a run and judges after every step.
#[derive(Debug)]
pub struct Checker {}

impl Checker {
    /// A judge for an engine that starts now with this configuration (the file's text) and sends
    /// from this address.
    #[must_use]
    pub fn new(_config_toml: &str, _engine: SocketAddr, _now: Now) -> Self {
        Self {}
    }

    /// Takes note of something.
    pub fn see(&mut self, _now: Now, _seen: &Seen<'_>) {}

    /// Judges what happened since the last time.
    ///
    /// # Errors
    /// The first promise found broken.
    pub fn after_step(&mut self, _now: Now, _look: &Inspection<'_>) -> Result<(), Violation> {
        Ok(())
    }

    /// No new faults from now on.
    pub fn faults_over(&mut self, _now: Now) {}

    /// Judges an engine that has had time to finish everything: no caller is there, 40 s have
    /// passed since the last message of a call.
    ///
    /// # Errors
    /// The first promise found broken.
    pub fn at_rest(&mut self, _now: Now, _look: &Inspection<'_>) -> Result<(), Violation> {
        Ok(())
    }
}
