//! SIPp with a scenario of `tests/scenarios`.

use super::{Peer, Transport, free_port};
use crate::engine::Engine;
use crate::tree;
use std::net::SocketAddr;
use std::process::Command;

/// A SIPp that has not been started yet.
#[derive(Clone, Debug)]
pub struct Sipp {
    scenario: String,
    by: Transport,
    port: u16,
    host: String,
    remote: SocketAddr,
    calls: u32,
    keys: Vec<(&'static str, String)>,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Sipp {
    /// One call of this scenario between a free port and the engine.
    #[must_use]
    pub fn new(engine: &Engine, scenario: &str, by: Transport) -> Self {
        let remote = match by {
            Transport::Udp => engine.udp(),
            Transport::Tcp => engine.tcp(),
        };
        Self {
            scenario: scenario.to_owned(),
            by,
            port: free_port(),
            host: remote.ip().to_string(),
            remote,
            calls: 1,
            keys: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Its scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.scenario
    }

    /// At this port.
    #[must_use]
    pub fn at(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// So many calls, one after another.
    #[must_use]
    pub fn calls(mut self, calls: u32) -> Self {
        self.calls = calls;
        self
    }

    /// Speaking to somebody else than the engine.
    #[must_use]
    pub fn towards(mut self, remote: SocketAddr) -> Self {
        self.remote = remote;
        self
    }

    /// With a word that the scenario names in brackets.
    #[must_use]
    pub fn with(mut self, key: &'static str, word: &str) -> Self {
        self.keys.push((key, word.to_owned()));
        self
    }

    /// With a file in the folder in which it works.
    #[must_use]
    pub fn file(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.files.push((name, bytes));
        self
    }

    /// Starts it as one that calls.
    ///
    /// # Panics
    /// If its files cannot be written.
    #[must_use]
    pub fn start(self, engine: &Engine) -> Peer {
        let file = tree::root()
            .join("tests/scenarios")
            .join(format!("{}.xml", self.scenario));
        let mode = match self.by {
            Transport::Udp => "u1",
            Transport::Tcp => "t1",
        };
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(file);
        command.args(["-t", mode, "-i", &self.host, "-s", "12356", "-nostdin"]);
        command.args(["-r", "1", "-m", &self.calls.to_string()]);
        command.args(["-p", &self.port.to_string()]);
        // Counted in seconds, so that a scenario that hangs ends with a status of its own.
        command.args(["-timeout", "75", "-timeout_error"]);
        command.args(["-trace_err", "-trace_logs", "-trace_msg"]);
        for (key, word) in &self.keys {
            command.args(["-key", key, word]);
        }
        command.arg(self.remote.to_string());
        let folder = Peer::folder(&self.scenario, engine.folder(), self.port);
        for (name, bytes) in &self.files {
            let written = std::fs::write(folder.join(name), bytes);
            written.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        Peer::spawn(&self.scenario, command, engine.folder(), self.port)
    }

    /// Starts it as one that is called, and waits until its port is bound.
    #[must_use]
    pub fn listen(self, engine: &Engine) -> Peer {
        let kind = if self.by == Transport::Udp {
            "udp"
        } else {
            "tcp"
        };
        let peer = self.start(engine);
        peer.await_port(kind);
        peer
    }
}
