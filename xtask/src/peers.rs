//! The foreign programs of the peers group, and their installation from Debian.

use crate::run::{cargo, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program and the Debian package that holds it; with a slash in it, a file below the folders of
/// libraries.
const TOOLS: &[(&str, &str)] = &[
    ("sipp", "sip-tester"),
    ("baresip", "baresip"),
    ("sox", "sox"),
    ("promtool", "prometheus"),
    ("kamailio", "kamailio"),
    ("kamailio/modules/tls.so", "kamailio-tls-modules"),
    ("rtpengine", "rtpengine-daemon"),
    ("sipsak", "sipsak"),
    ("tshark", "tshark"),
    ("dumpcap", "wireshark-common"),
    ("linphonec", "linphone-cli"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

/// Debian's hook that decides whether a package may start its service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

fn is_there(program: &str) -> bool {
    if program.contains('/') {
        // Below /usr/lib itself or, in most releases, below that of the machine's kind.
        let kinds = std::fs::read_dir("/usr/lib").into_iter().flatten();
        let kinds = kinds.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let mut folders = kinds.chain([PathBuf::from("/usr/lib")]);
        return folders.any(|folder| folder.join(program).is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Programs that are missing, with their packages.
pub fn missing() -> Vec<(&'static str, &'static str)> {
    TOOLS
        .iter()
        .filter(|(program, _)| !is_there(program))
        .copied()
        .collect()
}

/// The line that installs what is missing.
pub fn install_line() -> String {
    let packages: Vec<&str> = missing().iter().map(|(_, package)| *package).collect();
    format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Installs what is missing; no service is started.
pub fn install() -> Result<(), String> {
    if missing().is_empty() {
        return Ok(());
    }
    let guard = !Path::new(POLICY).exists();
    if guard {
        // 101: "action forbidden by policy".
        std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").map_err(|e| format!("{POLICY}: {e}"))?;
        let _ = Command::new("chmod").args(["755", POLICY]).status();
    }
    let done = apt(&["update"]).and_then(|()| {
        let mut words = vec!["install", "-y", "--no-install-recommends"];
        words.extend(missing().iter().map(|(_, package)| *package));
        apt(&words)
    });
    if guard {
        let _ = std::fs::remove_file(POLICY);
    }
    done?;
    match missing().as_slice() {
        [] => Ok(()),
        rest => Err(format!("still missing after the installation: {rest:?}")),
    }
}

fn apt(words: &[&str]) -> Result<(), String> {
    let status = Command::new("apt-get")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .map_err(|e| format!("apt-get: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("apt-get {}: {status}", words.join(" ")))
    }
}

/// The names of the tests of the group, to be named when they cannot run.
pub fn names() -> Vec<String> {
    let mut command = cargo(&[
        "test",
        "--quiet",
        "-p",
        "meishier-tests",
        "--features",
        "peers",
    ]);
    command
        .args(["--test", "peers", "--", "--list", "--format", "terse"])
        .current_dir(root());
    let output = match command.output() {
        Ok(output) => output,
        Err(_) => return Vec::new(),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect()
}
