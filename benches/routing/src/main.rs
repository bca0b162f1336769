//! Measures routing.

use meishier_routing_bench::measure::Results;
use meishier_routing_bench::options::Options;
use meishier_routing_bench::report;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

/// Counting costs an allocation a few ns; decisions make none.
#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const USAGE: &str = "usage: meishier-routing-bench [--json] [--quick]\n";

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
    match Results::measure(&options, true) {
        Ok(results) if options.json => println!("{}", report::json(&results)),
        Ok(results) => print!("{}", report::table(&results)),
        Err(error) => {
            eprintln!("not measured: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
