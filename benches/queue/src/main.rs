//! Measures the queue.

#[path = "../../program.rs"]
mod program;

use meishier_queue_bench::options::Options;
use meishier_queue_bench::report;
use meishier_queue_bench::results::Results;
use std::process::ExitCode;

const USAGE: &str = "usage: meishier-queue-bench [--json] [--quick]\n";

fn main() -> ExitCode {
    program::run(USAGE, Options::read, |options| {
        let results = Results::measure(options)?;
        Ok(match options.json {
            true => report::json(&results).to_string(),
            false => report::table(&results),
        })
    })
}
