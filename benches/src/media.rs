//! `media`: what relaying speech costs, beside rtpengine and a bare loop, in one run.
//!
//! ```text
//!   generator ──RTP──► meishier serve / rtpengine / relay-floor ──RTP──► generator
//!   stage ──INVITE──► meishier      ng ──► rtpengine
//! ```

mod floor;
pub mod generator;
pub mod measure;
mod options;
mod report;
mod rtpengine;

pub use floor::run as floor;
use std::process::ExitCode;

/// Exit status: 0 if everything was measured. A missed goal is a figure.
pub fn run(words: &[&str], usage: &str) -> ExitCode {
    let options = match options::Options::read(words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n{usage}");
            return ExitCode::from(2);
        }
    };
    match measure::all(&options) {
        Ok(results) => {
            if options.json {
                println!("{}", report::json(&results));
            } else {
                print!("{}", report::table(&results));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not measured: {error}");
            ExitCode::FAILURE
        }
    }
}
