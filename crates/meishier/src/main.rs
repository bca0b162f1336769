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
//!        ├─ why ────── asks a running engine why a caller waits
//!        ├─ recordings ─ what is recorded: list, export, hold, verify
//!        └─ route, key, week, diff ── what a table decides, without an engine
//! ```

mod check;
mod cli;
mod demo;
mod diff;
mod dossier;
mod figures;
mod files;
mod key;
mod land;
mod limits;
mod loaded;
mod moment;
mod recorder;
mod recordings;
mod route;
mod secrets;
mod serve;
mod service;
mod shutdown;
mod sim;
mod standing;
mod tables;
mod taken;
mod week;
mod why;
mod wording;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().command {
        cli::Command::Serve(args) => serve::run(&args),
        cli::Command::Check(args) => check::run(&args),
        cli::Command::Demo(args) => demo::run(&args),
        cli::Command::Sim(args) => sim::run(&args),
        cli::Command::Why(args) => why::run(&args),
        cli::Command::Route(args) => route::run(&args),
        cli::Command::Key(args) => key::run(&args),
        cli::Command::Week(args) => week::run(&args),
        cli::Command::Diff(args) => diff::run(&args),
        cli::Command::Recordings(args) => recordings::run(&args),
    }
}
