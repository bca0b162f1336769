//! What the command line asks for.

use std::path::PathBuf;

/// Most calls of one run.
const MOST_CALLS: u32 = 100_000;
/// Highest rate, calls a second; the players have one thread.
const HIGHEST_RATE: f64 = 2_000.0;

/// How to measure.
pub struct Options {
    /// One JSON line instead of a table.
    pub json: bool,
    /// Calls of the load measurement and of its floor.
    pub calls: u32,
    /// Calls a second there.
    pub rate: f64,
    /// The program to be measured.
    pub program: PathBuf,
}

impl Options {
    /// Reads the words after `calls`.
    ///
    /// # Errors
    /// Says which word is wrong.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            json: false,
            calls: 3_000,
            rate: 100.0,
            program: program()?,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--json" => options.json = true,
                "--calls" => {
                    let value = words.next().and_then(|v| v.parse().ok());
                    options.calls = value
                        .filter(|n| (1..=MOST_CALLS).contains(n))
                        .ok_or(format!("--calls needs a number from 1 to {MOST_CALLS}"))?;
                }
                "--rate" => {
                    let value = words.next().and_then(|v| v.parse().ok());
                    options.rate = value
                        .filter(|r| (1.0..=HIGHEST_RATE).contains(r))
                        .ok_or(format!("--rate needs a number from 1 to {HIGHEST_RATE}"))?;
                }
                other => return Err(format!("unknown word `{other}`")),
            }
        }
        Ok(options)
    }
}

/// The program to be measured.
///
/// # Errors
/// If it is not known where this one lies.
pub fn program() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("MEISHIER_BIN") {
        return Ok(named.into());
    }
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(own.with_file_name("meishier"))
}
