//! Running a program and counting the tests that it reports.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

/// Tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many passed.
    pub passed: u64,
    /// How many failed, a program that could not be run included.
    pub failed: u64,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The top folder of the checkout that cargo was called in; of the one we were built in, without
/// cargo.
pub fn root() -> PathBuf {
    let called = std::env::var_os("CARGO_MANIFEST_DIR");
    let own = called.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map(PathBuf::from).unwrap_or(own)
}

/// A command of the same cargo that runs us, in the top folder.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    if in_ci() {
        // Nothing is built a second time there.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// True on a machine that was made for this run.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// A program's end, and all that it printed, its errors among it, in the order of arrival.
struct Ended {
    lines: Vec<String>,
    success: bool,
}

/// Runs a program to its end. An error that kept it from running stands among the lines.
fn run(mut command: Command) -> Ended {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            return Ended {
                lines: vec![error.to_string()],
                success: false,
            };
        }
    };
    let (sender, receiver) = channel();
    let output = child.stdout.take().map(|it| follow(it, sender.clone()));
    let errors = child.stderr.take().map(|it| follow(it, sender));
    let mut lines: Vec<String> = receiver.iter().collect();
    for reader in [output, errors].into_iter().flatten() {
        let _ = reader.join();
    }
    let success = match child.wait() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            lines.push(status.to_string());
            false
        }
        Err(error) => {
            lines.push(error.to_string());
            false
        }
    };
    Ended { lines, success }
}

fn follow(pipe: impl Read + Send + 'static, to: Sender<String>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let _ = to.send(text);
            line.clear();
        }
    })
}

/// Prints a group in one piece, since another one may run beside it.
fn print(name: &str, begun: Instant, lines: &[String]) {
    println!(
        "── {name} ({} s)\n{}",
        begun.elapsed().as_secs(),
        lines.join("\n")
    );
}

/// Runs a check that either holds or not.
pub fn check(name: &str, command: Command) -> Tally {
    let begun = Instant::now();
    let ended = run(command);
    print(name, begun, &ended.lines);
    let passed = u64::from(ended.success);
    Tally {
        passed,
        failed: 1 - passed,
    }
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
pub fn result_line(line: &str) -> Option<(u64, u64, u64)> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let (_, counts) = rest.split_once(". ")?;
    let number = |word: &str| -> Option<u64> {
        let part = counts.split(';').find(|part| part.trim().ends_with(word))?;
        part.trim().split(' ').next()?.parse().ok()
    };
    Some((number("passed")?, number("failed")?, number("ignored")?))
}

/// Runs `cargo test …`, prints what it printed and adds up its result lines. An ignored test counts
/// as failed: nothing is skipped in silence.
pub fn tests(name: &str, command: Command) -> Tally {
    let begun = Instant::now();
    let mut ended = run(command);
    let mut tally = Tally::default();
    for (passed, failed, ignored) in ended.lines.iter().filter_map(|line| result_line(line)) {
        tally.add(Tally {
            passed,
            failed: failed + ignored,
        });
    }
    // A test binary that was killed, or that did not compile, prints no result line.
    if !ended.success && tally.failed == 0 {
        tally.failed = 1;
    }
    if tally == Tally::default() {
        ended.lines.push(format!("{name}: the group is empty"));
        tally.failed = 1;
    }
    print(name, begun, &ended.lines);
    tally
}

#[cfg(test)]
mod tests {
    use super::{Tally, result_line, tests};
    use std::process::Command;

    #[test]
    fn result_lines_are_read() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 4 filtered out";
        assert_eq!(result_line(line), Some((3, 1, 2)));
        assert_eq!(result_line("running 3 tests"), None);
    }

    fn tally(script: &str) -> (u64, u64) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let Tally { passed, failed } = tests("a group", command);
        (passed, failed)
    }

    #[test]
    fn nothing_passes_in_silence() {
        let line = |passed: u8, failed: u8, ignored: u8| {
            format!(
                "echo 'test result: ok. {passed} passed; {failed} failed; {ignored} ignored; 0 measured'"
            )
        };
        assert_eq!(tally(&line(3, 0, 0)), (3, 0));
        assert_eq!(
            tally(&format!("{}; {}", line(3, 0, 0), line(2, 0, 0))),
            (5, 0)
        );
        assert_eq!(
            tally(&line(3, 0, 2)),
            (3, 2),
            "ignored tests count as failed"
        );
        assert_eq!(
            tally(&format!("{}; exit 1", line(3, 0, 0))),
            (3, 1),
            "a crash"
        );
        assert_eq!(tally("exit 0"), (0, 1), "an empty group");
        assert_eq!(tally(&line(0, 0, 0)), (0, 1), "an empty group");
    }
}
