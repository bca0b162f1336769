//! Where the program is, and running it to its end.

use crate::tree;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The program: what `MEISHIER_BIN` names, else a debug build, made once a test process.
///
/// # Panics
/// If it cannot be built.
pub fn path() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("MEISHIER_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "-p", "meishier"])
        .current_dir(tree::root())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cargo build -p meishier failed"
    );
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| tree::root().join("target"), PathBuf::from);
    target.join("debug").join("meishier")
}

/// The program with these words, nothing on its standard input.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(path());
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
///
/// # Panics
/// If it cannot be started.
pub fn run(words: &[&str]) -> Output {
    match command(words).output() {
        Ok(output) => output,
        Err(error) => panic!("{}: {error}", path().display()),
    }
}

/// Standard output and standard error of a run, as text.
#[must_use]
pub fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}
