//! What the system says about a process (Linux's `/proc`), and signals to it.

use rustix::process::{Pid, Signal};
use std::fs;

/// Sizes of one process at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Resident memory, KiB.
    pub resident: u64,
    /// Proportional share of memory, KiB.
    pub proportional: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

/// Reads the sizes of a process; `None` if it is gone.
#[must_use]
pub fn sizes(pid: u32) -> Option<Sizes> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Sizes {
        resident: field(&status, "VmRSS:")?,
        proportional: field(&rollup, "Pss:")?,
        descriptors: descriptors as u64,
        threads: field(&status, "Threads:")?,
    })
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// True if some socket of this machine is bound to the port. `kind` is `udp` or `tcp`.
#[must_use]
pub fn is_bound(kind: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    let in_table = |table: &str| {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        text.lines().skip(1).any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let local = words.next().is_some_and(|local| local.ends_with(&end));
            // TCP: 0A is LISTEN.
            local && (kind == "udp" || words.nth(1) == Some("0A"))
        })
    };
    in_table(kind) || in_table(&format!("{kind}6"))
}

/// Sends SIGTERM; nothing happens if the process is gone.
pub fn terminate(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
}

/// Lets a process stand still, as one that gets no processor, or go on.
pub fn hold(pid: u32, still: bool) {
    let signal = if still { Signal::STOP } else { Signal::CONT };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Kills a process that leads a group, and the group; nothing happens if they are gone.
pub fn kill_group(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
}

/// Raises our own soft limit of open descriptors to the hard one, so that a crowd fits.
pub fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, most);
}
