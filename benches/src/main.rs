//! Measures the started release binary from outside, with callers and seats of its own.
//!
//! ```text
//!   this process                                   child processes
//!   ┌───────────────────────────┐   UDP loopback   ┌─────────────────────────────┐
//!   │ stage: callers and seats  │◄────────────────►│ meishier serve  (measured)  │
//!   │ http: seats made ready    │◄──────TCP───────►│   or                        │
//!   │ process: CPU, PSS (/proc) │                  │ benches floor   (the floor) │
//!   └───────────────────────────┘                  └─────────────────────────────┘
//! ```
//!
//! Nothing of the engine's code is linked in here: what is measured is what a stranger sees.

mod engine;
mod figures;
mod floor;
mod http;
mod measure;
mod media;
mod options;
mod process;
mod report;
mod sip;
mod stage;
mod tally;
mod transfer;

use options::Options;
use std::process::ExitCode;

const USAGE: &str = "usage: benches calls [--json] [--calls N] [--rate R]\n\
    \u{20}      benches media [--json] [--quick]\n\
    \u{20}      benches transfer [--json] [--quick]\n\
    Measures the program that MEISHIER_BIN names, or meishier beside this one.\n";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["calls", rest @ ..] => match Options::read(rest) {
            Ok(options) => calls(&options),
            Err(why) => {
                eprintln!("{why}\n{USAGE}");
                ExitCode::from(2)
            }
        },
        ["media", rest @ ..] => media::run(rest, USAGE),
        ["transfer", rest @ ..] => transfer::run(rest, USAGE),
        // The child processes of the floors; not for people.
        ["relay-floor", rest @ ..] => media::floor(rest),
        ["floor", rest @ ..] => floor::run(rest),
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Exit status: 0 if everything was measured and no call failed. A missed bar is a figure.
fn calls(options: &Options) -> ExitCode {
    match measure::all(options) {
        Ok(results) => {
            if options.json {
                println!("{}", report::json(&results));
            } else {
                print!("{}", report::table(&results));
            }
            if results.failed() == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("not measured: {error}");
            ExitCode::FAILURE
        }
    }
}
