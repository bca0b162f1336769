//! Stops threads inside operations and counts allocations; started by the program that measures.

use meishier_queue_bench::options::Options;
use meishier_queue_bench::stalled;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not measured: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let options = Options::read(&words)?;
    let allocated = || {
        let stats = ALLOCATOR.stats();
        (stats.allocations + stats.reallocations) as u64
    };
    let stops = stalled::measure(&options.scale, &allocated)?;
    serde_json::to_string(&stops).map_err(|error| error.to_string())
}
