//! Figures of our own process, from `/proc`.

use std::fs;

/// Clock ticks a second in `/proc`; Linux fixes it at 100 for user space on every architecture.
const TICKS: f64 = 100.0;

/// One reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: f64,
    pub(crate) open_fds: f64,
    pub(crate) max_fds: f64,
    pub(crate) threads: f64,
    pub(crate) start_seconds: f64,
}

/// Reads them; `None` where there is no `/proc`.
pub(crate) fn read() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    // The directory itself is open while it is counted.
    let open_fds = fs::read_dir("/proc/self/fd")
        .ok()?
        .count()
        .saturating_sub(1);
    parse(&stat, &status, &limits, &boot, open_fds)
}

fn parse(stat: &str, status: &str, limits: &str, boot: &str, open_fds: usize) -> Option<Process> {
    // The name in brackets may hold blanks; fields count from behind it (proc(5): field 3 on).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let boot: f64 = after(boot, "btime ")?.trim().parse().ok()?;
    let resident = after(status, "VmRSS:")?
        .trim()
        .trim_end_matches("kB")
        .trim();
    let max_fds = after(limits, "Max open files")?.split_whitespace().next()?;
    Some(Process {
        cpu_seconds: (field(14)? + field(15)?) / TICKS,
        resident_bytes: resident.parse::<f64>().ok()? * 1024.0,
        open_fds: open_fds as f64,
        max_fds: max_fds.parse().unwrap_or(f64::INFINITY),
        threads: field(20)?,
        start_seconds: boot + field(22)? / TICKS,
    })
}

/// The rest of the line that begins with `head`.
fn after<'a>(text: &'a str, head: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(head))
}
