//! The soft limit of open files: every RTP port is two sockets, every connection one.

use meishier_engine::config::Config;
use meishier_net::descriptors_wanted;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
