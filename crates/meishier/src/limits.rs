//! Limits of the process. The soft limit of open files: every RTP port is two sockets, every connection one.
//! And no image of its memory on a disk: keys, secrets and speech stand in it.

use meishier_engine::config::Config;
use meishier_net::descriptors_wanted;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// Which mappings a core dump of this process holds (core(5)).
const FILTER: &str = "/proc/self/coredump_filter";

/// Makes the kernel write no core dump of this process. The limit does not stop a dump that is piped to a
/// program, as systemd-coredump has it (core(5)): so such a dump holds no memory either. `PR_SET_DUMPABLE`
/// would keep everybody but root from the process's memory figures in /proc as well.
///
/// # Errors
/// The system allows one of the two not; the other is done all the same.
pub fn forbid_core_dumps() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let limited = setrlimit(Resource::Core, none);
    std::fs::write(FILTER, "0")?;
    Ok(limited?)
}

/// Raises the soft limit so that all that the configuration may ask for fits, as far as the system allows.
///
/// # Errors
/// The limit that stays, if it is too low for all of them; the engine then does with fewer ports.
pub fn raise_open_files(config: &Config) -> Result<(), u64> {
    let wanted = descriptors_wanted(config) as u64;
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if enough(limit.current) {
        return Ok(());
    }
    let hard = if enough(limit.maximum) {
        limit.maximum
    } else {
        Some(wanted)
    };
    let both = Rlimit {
        current: Some(wanted),
        maximum: hard,
    };
    // Only a privileged process may raise the hard limit.
    if setrlimit(Resource::Nofile, both).is_ok() {
        return Ok(());
    }
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let reached = match setrlimit(Resource::Nofile, most) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    Err(reached.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_memory_gets_onto_a_disk() {
        forbid_core_dumps().unwrap();
        let filter = std::fs::read_to_string(FILTER).unwrap();
        assert_eq!(u32::from_str_radix(filter.trim(), 16), Ok(0));
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        let unit = include_str!("../../../deploy/meishier.service");
        assert!(unit.lines().any(|line| line == "LimitCORE=0"));
    }
}
