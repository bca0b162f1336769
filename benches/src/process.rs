//! CPU time and memory of a process and everything below it, from /proc.

use std::collections::BTreeMap;
use std::fs;
use std::io;

/// CPU seconds used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// In user mode.
    pub user: f64,
    /// In the kernel.
    pub system: f64,
}

impl Cpu {
    /// Both together.
    pub fn total(self) -> f64 {
        self.user + self.system
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
        }
    }
}

/// The fields of /proc/PID/stat after the name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    // The first is the state's letter.
    Some(
        rest.split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect(),
    )
}

fn tree(root: u32) -> io::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some(fields) = stat(pid) {
            parents.push((pid, fields[1] as u32));
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    Ok(found)
}

/// CPU time of the tree, all threads included; the system counts in hundredths of a second.
///
/// # Errors
/// What the system says of /proc.
pub fn cpu(root: u32) -> io::Result<Cpu> {
    let tick = rustix::param::clock_ticks_per_second() as f64;
    let mut sum = Cpu::default();
    for pid in tree(root)? {
        if let Some(fields) = stat(pid) {
            sum.user += fields[11] as f64 / tick;
            sum.system += fields[12] as f64 / tick;
        }
    }
    Ok(sum)
}

/// CPU seconds of each thread of the process so far, by name; threads of one name are added up.
///
/// Taken from schedstat, which counts nanoseconds; a thread that has ended is not in it.
///
/// # Errors
/// What the system says of /proc.
pub fn threads(pid: u32) -> io::Result<BTreeMap<String, f64>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let folder = entry?.path();
        let read = |name: &str| fs::read_to_string(folder.join(name));
        // A thread may end while it is looked at.
        let (Ok(name), Ok(times)) = (read("comm"), read("schedstat")) else {
            continue;
        };
        let ran = times
            .split(' ')
            .next()
            .and_then(|it| it.parse::<u64>().ok());
        *found.entry(name.trim_end().to_owned()).or_default() += ran.unwrap_or(0) as f64 / 1e9;
    }
    Ok(found)
}

/// CPU seconds that the host of a virtual machine has given to others although this machine wanted
/// them, all processors together, since it started. They count as CPU time of whoever was to run.
///
/// # Errors
/// What the system says of /proc.
pub fn stolen() -> io::Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    // cpu user nice system idle iowait irq softirq steal
    let field = text.split_whitespace().nth(8);
    let ticks = field.and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Proportional set size of the tree in KiB; shared pages count once.
///
/// # Errors
/// What the system says of /proc.
pub fn pss_kib(root: u32) -> io::Result<f64> {
    let mut sum = 0.0;
    for pid in tree(root)? {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let value = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        sum += value.ok_or_else(|| io::Error::other("no Pss in smaps_rollup"))?;
    }
    Ok(sum)
}
