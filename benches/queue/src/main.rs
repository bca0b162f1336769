//! Measures the queue.

use meishier_queue_bench::options::Options;
use meishier_queue_bench::report;
use meishier_queue_bench::results::Results;
use std::process::ExitCode;

const USAGE: &str = "usage: meishier-queue-bench [--json] [--quick]\n";

/// Exit status: 0 if everything was measured. A missed goal is a figure.
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let options = match Options::read(&words) {
        Ok(options) => options,
        Err(why) => {
            eprint!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match Results::measure(&options) {
        Ok(results) if options.json => println!("{}", report::json(&results)),
        Ok(results) => print!("{}", report::table(&results)),
        Err(error) => {
            eprintln!("not measured: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
