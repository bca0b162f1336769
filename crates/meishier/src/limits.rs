//! The soft limit of open files: every RTP port is a socket.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for all that is not RTP: SIP, HTTP, records, threads, TCP connections of phones.
const BESIDE_RTP: u64 = 4096 + 1024;

/// Raises the soft limit so that `rtp_ports` sockets and all else fit, as far as the system allows.
///
/// # Errors
/// The limit that stays, if it is too low for all of them; the engine then does with fewer ports.
pub fn raise_open_files(rtp_ports: usize) -> Result<(), u64> {
    let wanted = rtp_ports as u64 + BESIDE_RTP;
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
