//! `transfer`: how soon a key calls out, how soon three hear each other, and what mixing costs beside a
//! plain relay of the same calls.
//!
//! ```text
//!   POST …/transfer ──► meishier serve ──INVITE──► police      key to INVITE
//!                                      ◄──200, speech          answer to speech: all three hear
//!   generator ──RTP of two, then of three──► meishier serve    CPU a party
//! ```

mod mixing;
mod moments;
mod police;
mod report;

use crate::options::program;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How to measure.
pub struct Options {
    /// One JSON line instead of a table.
    json: bool,
    /// The program to be measured.
    program: PathBuf,
    /// Keys pressed, one after the other.
    presses: usize,
    /// Calls while CPU is compared.
    calls: usize,
    /// Rounds of each kind.
    rounds: usize,
    /// Length of a window.
    window: Duration,
}

impl Options {
    fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            json: false,
            program: program()?,
            presses: 500,
            calls: 300,
            rounds: 5,
            window: Duration::from_secs(3),
        };
        for word in words {
            match *word {
                "--json" => options.json = true,
                "--quick" => {
                    options.presses = 120;
                    options.calls = 100;
                    options.rounds = 3;
                    options.window = Duration::from_millis(1_500);
                }
                other => return Err(format!("unknown word `{other}`")),
            }
        }
        Ok(options)
    }
}

/// Exit status: 0 if everything was measured. A missed goal is a figure.
pub fn run(words: &[&str], usage: &str) -> ExitCode {
    let options = match Options::read(words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n{usage}");
            return ExitCode::from(2);
        }
    };
    let measured =
        moments::measure(&options).and_then(|moments| Ok((moments, mixing::measure(&options)?)));
    match measured {
        Ok((moments, mixing)) => {
            if options.json {
                println!("{}", report::json(&moments, &mixing));
            } else {
                print!("{}", report::table(&moments, &mixing));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not measured: {error}");
            ExitCode::FAILURE
        }
    }
}
