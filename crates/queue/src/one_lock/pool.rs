//! One pool: its lines, its ready seats, its pace.

use super::groups::Groups;
use super::lines::Lines;
use super::pace::Pace;
use crate::config::PoolConfig;

/// What belongs to a pool.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) lines: Lines,
    pub(crate) draining: bool,
    pub(crate) groups: Groups,
    pub(crate) pace: Pace,
}

impl Pool {
    pub(crate) fn new(config: &PoolConfig) -> Self {
        Self {
            lines: Lines::new(config.lines),
            draining: false,
            groups: Groups::new(config.strategy),
            pace: Pace::default(),
        }
    }

    /// True if a match may take a line here.
    pub(crate) fn usable(&self) -> bool {
        !self.draining && self.lines.any_free()
    }
}
