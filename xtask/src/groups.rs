//! The groups of tests and the benchmarks.

use crate::peers;
use crate::run::{Tally, cargo, check, root, tests};
use std::process::{Command, ExitCode};

/// Runs every group and closes with the line that adds them up.
///
/// Two rows of groups run beside each other: one waits for telephones and clocks most of the time,
/// the other computes. They build in folders of their own and never wait for each other.
pub fn test(install: bool) -> ExitCode {
    let (outside, inside) = std::thread::scope(|scope| {
        let computing = scope.spawn(|| {
            let mut tally = queue();
            tally.add(simulator());
            tally
        });
        let outside = from_outside(install);
        let stopped = Tally {
            passed: 0,
            failed: 1,
        };
        (outside, computing.join().unwrap_or(stopped))
    });
    let (mut total, complete) = outside;
    total.add(inside);
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 && complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The program and its parts as they are shipped; true if no group is missing.
fn from_outside(install: bool) -> (Tally, bool) {
    let mut tally = check("rustfmt", cargo(&["fmt", "--all", "--check"]));
    let mut clippy = cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--all-features",
    ]);
    clippy.args(["--", "-D", "warnings"]);
    tally.add(check("clippy", clippy));
    let mut docs = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    tally.add(check("docs", docs));
    tally.add(tests("tests", shipped(&["--no-fail-fast"])));
    match with_peers(install) {
        Ok(peers) => {
            tally.add(peers);
            (tally, true)
        }
        Err(message) => {
            println!("{message}");
            (tally, false)
        }
    }
}

/// `cargo test` of all but the queue and the simulator, which have groups of their own in which they
/// are fast. One choice of packages and features for all, so that nothing is built twice; the
/// program is built with them.
fn shipped(words: &[&str]) -> Command {
    let mut command = cargo(&[
        "test",
        "--workspace",
        "--exclude",
        "meishier-queue",
        "--exclude",
        "meishier-sim",
    ]);
    command.args(words).env("MEISHIER_BIN", binary());
    command
}

/// The queue's tests: as it is shipped, then with the hook at each atomic access and with
/// deliberate defects.
fn queue() -> Tally {
    let soak = ["test", "--profile", "soak", "-p", "meishier-queue"];
    let mut shipped = cargo(&soak);
    shipped.arg("--no-fail-fast");
    let mut tally = tests("queue", shipped);
    let mut hooked = cargo(&soak);
    hooked.args(["--features", "defects,hold", "--no-fail-fast"]);
    for test in ["defects", "found", "history", "hold", "names", "threads"] {
        hooked.args(["--test", test]);
    }
    tally.add(tests("queue, with hooks and defects", hooked));
    let mut random = cargo(&soak);
    random.args(["--features", "hold,shuttle", "--no-fail-fast"]);
    random.args(["--test", "shuttle"]);
    tally.add(tests("queue, random schedules (shuttle)", random));
    let mut every = cargo(&soak);
    every.args(["--no-fail-fast", "--lib", "--test", "loom"]);
    // The flag builds everything anew: in a folder of its own it leaves the rest as it is.
    every.env("RUSTFLAGS", "--cfg loom");
    every.env("CARGO_TARGET_DIR", target().join("loom"));
    tally.add(tests("queue, every interleaving (loom)", every));
    tally
}

fn target() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into)
}

/// How long the tests let fresh seeds run.
const FRESH_MINUTES: &str = "3";

/// The simulator's tests, deliberate defects among them, then seeds that nobody has seen.
fn simulator() -> Tally {
    let mut tally = tests(
        "simulator",
        cargo(&[
            "test",
            "--profile",
            "soak",
            "-p",
            "meishier-sim",
            "--features",
            "defects",
            "--no-fail-fast",
        ]),
    );
    // With the features of the tests, so that nothing is built again; no defect is switched on.
    let mut fresh = soak_command(&["defects"]);
    fresh.args(["--minutes", FRESH_MINUTES]);
    tally.add(check("simulator, fresh seeds", fresh));
    tally
}

fn soak_command(features: &[&str]) -> Command {
    let mut command = cargo(&[
        "run",
        "--quiet",
        "--profile",
        "soak",
        "-p",
        "meishier-sim",
        "--bin",
        "soak",
    ]);
    for feature in features {
        command.args(["--features", feature]);
    }
    command.arg("--");
    command
}

/// Plays the nation and writes what came out into the document.
pub fn study() -> ExitCode {
    let words = [
        "run",
        "--quiet",
        "--release",
        "-p",
        "meishier-sim",
        "--bin",
        "study",
    ];
    let played = cargo(&words)
        .stderr(std::process::Stdio::inherit())
        .output();
    let written = played.and_then(|played| match played.status.success() {
        true => std::fs::write(root().join("docs/callers-answered.md"), played.stdout),
        false => Err(std::io::Error::other("the study ended with an error")),
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs fresh seeds of the simulator.
pub fn soak(words: &[&str]) -> ExitCode {
    match soak_command(&[]).args(words).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn binary() -> std::path::PathBuf {
    target().join("debug").join("meishier")
}

/// What needs foreign SIP programs. An error says what is missing and which tests did not run.
fn with_peers(install: bool) -> Result<Tally, String> {
    if install && let Err(error) = peers::install() {
        println!("{error}");
        return Ok(Tally {
            passed: 0,
            failed: 1,
        });
    }
    let missing = peers::missing();
    if !missing.is_empty() {
        let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
        return Err(format!(
            "── peers: not run, missing {}\nInstall them with `cargo xtask test --install` or:\n  {}\nTests not run:\n  {}",
            programs.join(", "),
            peers::install_line(),
            peers::names().join("\n  "),
        ));
    }
    // The peers share two cores with the engine, and wait most of the time: a few at once.
    let mut command = shipped(&["--no-fail-fast", "--features", "meishier-tests/peers"]);
    command.args(["--test", "peers", "--", "--test-threads", "3"]);
    Ok(tests("peers", command))
}

/// Builds what is measured and what measures it, and lets the latter do so.
pub fn bench(words: &[&str]) -> ExitCode {
    // Queue and routing are measured from inside, by programs of their own: what is linked with
    // them is not the product.
    let (packages, program, words): (&[&str], _, _) = match words {
        ["queue", rest @ ..] => (&["meishier-queue-bench"], "meishier-queue-bench", rest),
        ["routing", rest @ ..] => (&["meishier-routing-bench"], "meishier-routing-bench", rest),
        _ => (&["meishier", "meishier-benches"], "meishier-benches", words),
    };
    let mut build = cargo(&["build", "--quiet", "--release"]);
    for package in packages {
        build.args(["-p", package]);
    }
    let mut steps = vec![build];
    if program == "meishier-queue-bench" {
        // Again, with the hook that would cost the first program's figures.
        let words = [
            "build",
            "--quiet",
            "--release",
            "-p",
            "meishier-queue-bench",
        ];
        let mut hooked = cargo(&words);
        hooked.args(["--bin", "meishier-queue-stalled", "--features", "hold"]);
        steps.push(hooked);
    }
    steps.push(bench_program(program, words));
    for mut step in steps {
        match step.status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                return ExitCode::from(
                    status
                        .code()
                        .and_then(|c| u8::try_from(c).ok())
                        .unwrap_or(1),
                );
            }
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn bench_program(name: &str, words: &[&str]) -> Command {
    let release = target().join("release");
    let mut command = Command::new(release.join(name));
    command
        .args(words)
        .env("MEISHIER_BIN", release.join("meishier"))
        .current_dir(root());
    command
}
