//! What the command line asks for.

use crate::options::program;
use std::path::PathBuf;
use std::time::Duration;

/// How to measure.
pub struct Options {
    /// One JSON line instead of a table.
    pub json: bool,
    /// The program to be measured.
    pub program: PathBuf,
    /// Calls while CPU is compared.
    pub calls: usize,
    /// Rounds in which the sides take turns.
    pub rounds: usize,
    /// Length of one window.
    pub window: Duration,
    /// Calls of the first step up, and by how many each next step has more.
    pub steps: (usize, usize),
    /// Callers who wait with music, in windows of both kinds.
    pub waiting: usize,
}

impl Options {
    /// Reads the words after `media`.
    ///
    /// # Errors
    /// Says which word is wrong.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            json: false,
            program: program()?,
            calls: 800,
            rounds: 7,
            window: Duration::from_secs(3),
            steps: (900, 100),
            waiting: 2_000,
        };
        for word in words {
            match *word {
                "--json" => options.json = true,
                "--quick" => {
                    options.calls = 400;
                    options.rounds = 3;
                    options.window = Duration::from_millis(1_500);
                    options.steps = (600, 300);
                    options.waiting = 1_000;
                }
                other => return Err(format!("unknown word `{other}`")),
            }
        }
        Ok(options)
    }
}
