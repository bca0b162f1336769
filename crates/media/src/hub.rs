//! Hub.
use crate::{MediaCommand, MediaEvent, PromptSet};
use meishier_model::{Mono, PortId};
use std::net::SocketAddr;
use std::sync::Arc;
/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpTotals {
    /// Accepted.
    pub received: u64,
    /// Sent.
    pub sent: u64,
    /// Wrong source.
    pub wrong_source: u64,
    /// Malformed.
    pub malformed: u64,
}
/// Hub.
pub struct Hub {
    _prompts: Arc<PromptSet>,
}
impl Hub {
    /// Limit.
    pub const MAX_PORTS: u32 = 1 << 17;
    /// New.
    #[must_use]
    pub fn new(prompts: Arc<PromptSet>, _seed: u64) -> Self {
        Self { _prompts: prompts }
    }
    /// Command.
    pub fn handle_command(&mut self, _now: Mono, _command: MediaCommand) {}
    /// Packet.
    pub fn handle_packet(&mut self, _now: Mono, _port: PortId, _from: SocketAddr, _packet: &[u8]) {}
    /// Timeout.
    pub fn handle_timeout(&mut self, _now: Mono) {}
    /// Next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        None
    }
    /// Send.
    pub fn poll_send(&mut self) -> Option<(PortId, SocketAddr, &[u8])> {
        None
    }
    /// Event.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        None
    }
    /// Totals.
    #[must_use]
    pub fn totals(&self) -> RtpTotals {
        RtpTotals::default()
    }
}
