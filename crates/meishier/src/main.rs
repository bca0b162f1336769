//! The program: command line, configuration, start-up, shutdown.
//!
//! What lives here: putting the crates together. What may not: anything that decides about a call.
//!
//! ```text
//!   cli ─┬─ check ── files → Config, mistakes drawn
//!        ├─ serve ─┬─ limits (open files)
//!        │         ├─ service ── records, runtime (SIP, RTP, shards), console, figures
//!        │         ├─ tables ── the configuration in force, the files again while calls run
//!        │         └─ shutdown ── signals
//!        ├─ demo ──┘   the same service on loopback, with a cast of phones
//!        ├─ sim ────── the engine on a virtual clock, without the service
//!        └─ why ────── asks a running engine why a caller waits
//! ```

mod check;
mod cli;
mod demo;
mod figures;
mod files;
mod limits;
mod serve;
mod service;
mod shutdown;
mod sim;
mod tables;
mod why;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().command {
        cli::Command::Serve(args) => serve::run(&args),
        cli::Command::Check(args) => check::run(&args),
        cli::Command::Demo(args) => demo::run(&args),
        cli::Command::Sim(args) => sim::run(&args),
        cli::Command::Why(args) => why::run(&args),
    }
}
