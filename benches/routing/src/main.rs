//! Measures routing.

#[path = "../../program.rs"]
mod program;

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

fn main() -> ExitCode {
    program::run(USAGE, Options::read, |options| {
        let results = Results::measure(options, true)?;
        Ok(match options.json {
            true => report::json(&results).to_string(),
            false => report::table(&results),
        })
    })
}
