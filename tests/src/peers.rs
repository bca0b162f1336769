//! Foreign programs as processes of their own, ended with the test.

pub mod browser;
pub mod kamailio;
pub mod rtpengine;
pub mod sipp;

use crate::engine::Engine;
use crate::{process, tree};
use sipp::Sipp;
use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Longest life of any of them.
const LIMIT: Duration = Duration::from_secs(90);
const TICK: Duration = Duration::from_millis(20);

/// A port that is free for UDP and TCP at this moment.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    for _ in 0..64 {
        let Ok(udp) = UdpSocket::bind("127.0.0.1:0") else {
            continue;
        };
        let Ok(address) = udp.local_addr() else {
            continue;
        };
        if TcpListener::bind(address).is_ok() {
            return address.port();
        }
    }
    panic!("no free port");
}

/// Waits for nothing but time, a moment; for what gives no event.
pub fn moment() {
    let (_sender, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(TICK);
}

/// A foreign program at work. Dropping it kills it.
#[derive(Debug)]
pub struct Peer {
    name: String,
    child: Child,
    log: PathBuf,
    port: u16,
}

/// UDP or TCP, one socket for all calls, in SIPp's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Peer {
    /// SIPp as `calls` seats in turn, listening at `port`. Comes back when the port is bound.
    #[must_use]
    pub fn sipp_seats(
        engine: &Engine,
        scenario: &str,
        port: u16,
        calls: u32,
        by: Transport,
    ) -> Self {
        let sipp = Sipp::new(engine, scenario, by).at(port).calls(calls);
        sipp.listen(engine)
    }

    /// SIPp as one caller after another.
    #[must_use]
    pub fn sipp_callers(engine: &Engine, scenario: &str, calls: u32, by: Transport) -> Self {
        Sipp::new(engine, scenario, by).calls(calls).start(engine)
    }

    /// The folder in which the program of this name and port works, made below another.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn folder(name: &str, folder: &Path, port: u16) -> PathBuf {
        let folder = folder.join(format!("{name}-{port}"));
        match std::fs::create_dir_all(&folder) {
            Ok(()) => folder,
            Err(error) => panic!("{}: {error}", folder.display()),
        }
    }

    /// Any program, its output kept in a file of the folder.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn spawn(name: &str, mut command: Command, folder: &Path, port: u16) -> Self {
        command.stdin(Stdio::null());
        Self::begin(name, command, folder, port)
    }

    /// As [`Peer::spawn`], with an open standard input.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn spawn_told(name: &str, mut command: Command, folder: &Path, port: u16) -> Self {
        command.stdin(Stdio::piped());
        Self::begin(name, command, folder, port)
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    /// If it does not read any more.
    pub fn tell(&mut self, words: &str) {
        let input = self.child.stdin.as_mut();
        let told = input.map(|input| writeln!(input, "{words}"));
        assert!(
            matches!(told, Some(Ok(()))),
            "{}: {words:?} was not read\n{}",
            self.name,
            self.output()
        );
    }

    /// Has a SIPp hang up whose scenario waits to be told so: by a MESSAGE of its newest call.
    ///
    /// # Panics
    /// If it is not in a call in time, or the call does not end as its scenario says.
    pub fn hangs_up(self, engine: &Engine) {
        let start = Instant::now();
        let call = loop {
            // What SIPp does not expect yet ends its scenario.
            let output = self.output();
            let call = output.rsplit_once("\nCall-ID: ");
            if let Some((_, call)) = call.filter(|_| output.contains("\nACK ")) {
                break call.lines().next().unwrap_or_default().to_owned();
            }
            assert!(start.elapsed() < LIMIT, "no ACK\n{output}");
            moment();
        };
        let at = self.address();
        let words = format!(
            "MESSAGE sip:peer@{at} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKtell\r\n\
             From: <sip:test@{at}>;tag=1\r\nTo: <sip:peer@{at}>\r\n\
             Call-ID: {call}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
        );
        let socket = UdpSocket::bind("127.0.0.1:0");
        let told = socket.and_then(|socket| socket.send_to(words.as_bytes(), at));
        told.unwrap_or_else(|error| panic!("{at}: {error}"));
        self.succeeds(engine);
    }

    fn begin(name: &str, mut command: Command, folder: &Path, port: u16) -> Self {
        let folder = Self::folder(name, folder, port);
        let log = folder.join("output.txt");
        let output = File::create(&log);
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let errors = output.try_clone().unwrap_or_else(|error| panic!("{error}"));
        command
            .current_dir(&folder)
            .process_group(0)
            .stdout(output)
            .stderr(errors);
        match command.spawn() {
            Ok(child) => Self {
                name: name.to_owned(),
                child,
                log,
                port,
            },
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Waits until its port is bound; `kind` is `udp` or `tcp`.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub fn await_port(&self, kind: &str) {
        let start = Instant::now();
        while !process::is_bound(kind, self.port) {
            assert!(
                start.elapsed() < LIMIT,
                "{}: port not bound\n{}",
                self.name,
                self.output()
            );
            moment();
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// All that it wrote: output, errors and logs.
    #[must_use]
    pub fn output(&self) -> String {
        let folder = self.log.parent().unwrap_or(Path::new("."));
        let mut text = String::new();
        for file in tree::files(folder, "") {
            let bytes = std::fs::read(&file).unwrap_or_default();
            if !file.to_string_lossy().ends_with(".wav") {
                text.push_str(&format!("── {}\n", file.display()));
                let lines = String::from_utf8_lossy(&bytes).replace("\u{1b}", "");
                let from = lines.len().saturating_sub(6000);
                let from = (from..lines.len()).find(|at| lines.is_char_boundary(*at));
                text.push_str(&lines[from.unwrap_or(0)..]);
            }
        }
        text
    }

    /// What it wrote to its output and errors, all of it.
    #[must_use]
    pub fn whole_output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn await_end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status,
                Ok(None) if start.elapsed() < LIMIT => moment(),
                other => panic!("{} did not end: {other:?}\n{}", self.name, self.output()),
            }
        }
    }

    /// Waits for its end and holds it to success: every call went as its scenario says.
    ///
    /// # Panics
    /// If a call went otherwise.
    pub fn succeeds(mut self, engine: &Engine) {
        let status = self.await_end();
        assert!(
            status.success(),
            "{}: {status}\n{}\nthe engine:\n{}",
            self.name,
            self.output(),
            engine.printed()
        );
    }

    /// Ends it in order (SIGTERM) and waits.
    pub fn end(mut self) {
        process::terminate(self.child.id());
        let _ = self.await_end();
    }

    /// Waits until it has written these words.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub fn await_words(&self, words: &str) {
        self.await_count(words, 1);
    }

    /// Waits until it has written these words so often.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub fn await_count(&self, words: &str, count: usize) {
        let start = Instant::now();
        while self.whole_output().matches(words).count() < count {
            let in_time = start.elapsed() < LIMIT;
            assert!(in_time, "{}: no {words:?}\n{}", self.name, self.output());
            moment();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // With whatever it has forked.
        process::kill_group(self.child.id());
        let _ = self.child.wait();
    }
}
