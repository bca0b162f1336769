//! The log of a run: every message and every other thing that happened, byte for byte, hashed.
//!
//! Two runs of one seed write the same bytes. Messages stand in it whole, with their fate on the
//! wire; it is a log of invented callers, never of real ones.

use meishier_model::Mono;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Write;

/// Where a run writes what happened.
pub struct Log {
    hash: Sha256,
    /// The line being put together; reused.
    line: Vec<u8>,
    copy: Option<Box<dyn Write>>,
    /// Why the copy could not be written, if so.
    failure: Option<String>,
    lines: u64,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("lines", &self.lines).finish()
    }
}

impl Log {
    /// A log that is hashed, and written out if there is somewhere to write to.
    #[must_use]
    pub fn new(copy: Option<Box<dyn Write>>) -> Self {
        Self {
            hash: Sha256::new(),
            line: Vec::with_capacity(2048),
            copy,
            failure: None,
            lines: 0,
        }
    }

    /// One line: the moment in microseconds, what happened, and a message if there is one.
    pub fn write(&mut self, at: Mono, what: fmt::Arguments<'_>, message: &[u8]) {
        self.line.clear();
        // Writing into a vector does not fail.
        let _ = write!(self.line, "{} ", at.0);
        let _ = self.line.write_fmt(what);
        if !message.is_empty() {
            let _ = writeln!(self.line, " {} bytes", message.len());
            self.line.extend_from_slice(message);
        }
        self.line.push(b'\n');
        self.hash.update(&self.line);
        if let Some(copy) = &mut self.copy {
            // A log that cannot be written is no reason to end the run: its hash is still told.
            if let Err(error) = copy.write_all(&self.line) {
                self.failure.get_or_insert_with(|| error.to_string());
            }
        }
        self.lines += 1;
    }

    /// Writes out what is still held back; why the copy is not whole, if it is not.
    pub fn close(&mut self) -> Option<String> {
        if let Some(mut copy) = self.copy.take()
            && let Err(error) = copy.flush()
        {
            self.failure.get_or_insert_with(|| error.to_string());
        }
        self.failure.clone()
    }

    /// How many lines were written.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// SHA-256 of everything written so far, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        let digest = self.hash.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
