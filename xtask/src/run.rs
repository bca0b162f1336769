//! Running a program and counting the tests that it reports.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

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

/// The top folder of the checkout.
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(PathBuf::from).unwrap_or(own)
}

/// A command of the same cargo that runs us, in the top folder.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a check that either holds or not.
pub fn check(name: &str, mut command: Command) -> Tally {
    println!("── {name}");
    match command.status() {
        Ok(status) if status.success() => Tally {
            passed: 1,
            failed: 0,
        },
        Ok(status) => {
            println!("{name}: {status}");
            Tally {
                passed: 0,
                failed: 1,
            }
        }
        Err(error) => {
            println!("{name}: {error}");
            Tally {
                passed: 0,
                failed: 1,
            }
        }
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

/// Runs `cargo test …`, passes its output through and adds up its result lines. An ignored test
/// counts as failed: nothing is skipped in silence.
pub fn tests(name: &str, mut command: Command) -> Tally {
    println!("── {name}");
    let mut tally = Tally::default();
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("{name}: {error}");
            return Tally {
                passed: 0,
                failed: 1,
            };
        }
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((passed, failed, ignored)) = result_line(&line) {
                tally.add(Tally {
                    passed,
                    failed: failed + ignored,
                });
            }
            println!("{line}");
            let _ = std::io::stdout().flush();
        }
    }
    match child.wait() {
        Ok(status) if status.success() => {}
        // A test binary that was killed, or that did not compile, prints no result line.
        _ if tally.failed == 0 => tally.failed = 1,
        _ => {}
    }
    if tally == Tally::default() {
        println!("{name}: the group is empty");
        tally.failed = 1;
    }
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
