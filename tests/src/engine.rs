//! A started `meishier serve`.

use crate::metrics::Page;
use crate::plan::Plan;
use crate::process::{self, Sizes};
use crate::{binary, http};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for anything the program should do at once; only a broken program reaches it.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How often a page that is waited for is read.
const TICK: Duration = Duration::from_millis(50);

/// Where configuration and records lie.
#[derive(Debug)]
enum Folder {
    /// Removed with the engine.
    Own(TempDir),
    /// Somebody else's.
    Of(PathBuf),
}

/// A running engine. Dropping it kills it.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    lines: Receiver<String>,
    printed: Arc<Mutex<String>>,
    udp: SocketAddr,
    tcp: SocketAddr,
    http: SocketAddr,
    folder: Folder,
}

impl Engine {
    /// Starts the program with this plan and waits until it says that it is ready.
    ///
    /// # Panics
    /// If it does not become ready; what it printed is part of the message.
    #[must_use]
    pub fn start(plan: &Plan) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("temporary folder: {error}"));
        let mut engine = Self::start_in(plan, folder.path());
        engine.folder = Folder::Own(folder);
        engine
    }

    /// As [`Engine::start`], with the store of an engine that has ended, in that one's folder.
    ///
    /// # Panics
    /// As [`Engine::start`].
    #[must_use]
    pub fn start_in(plan: &Plan, folder: &Path) -> Self {
        // The ports found free may be taken meanwhile by somebody else; then another place is found.
        for _ in 0..5 {
            let file = folder.join("engine.toml");
            if let Err(error) = std::fs::write(&file, plan.text(folder)) {
                panic!("{}: {error}", file.display());
            }
            let words = ["serve", "--log", plan.log, "--log-level", plan.log_level];
            let mut command = binary::command(&words);
            command.arg("--config").arg(&file);
            match Self::launch(command, Folder::Of(folder.to_path_buf())) {
                Ok(engine) => return engine,
                Err(text) => assert!(
                    text.contains("taken"),
                    "serve did not become ready:\n{text}"
                ),
            }
        }
        panic!("no free port for the engine");
    }

    /// Starts `meishier demo --no-calls`: the shipped configuration on loopback, seats signed on.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn demo() -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("temporary folder: {error}"));
        let words = ["demo", "--no-calls", "--lang", "en"];
        match Self::launch(binary::command(&words), Folder::Own(folder)) {
            Ok(engine) => engine,
            Err(text) => panic!("the demonstration did not become ready:\n{text}"),
        }
    }

    /// Starts the command and waits for its line of readiness; else gives what it printed.
    fn launch(mut command: Command, folder: Folder) -> Result<Self, String> {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (printed, lines) = listen(&mut child);
        if let Some((udp, tcp, http)) = ready(&lines) {
            return Ok(Self {
                child,
                lines,
                printed,
                udp,
                tcp,
                http,
                folder,
            });
        }
        let _ = child.kill();
        let _ = child.wait();
        let text = printed.lock().unwrap_or_else(PoisonError::into_inner);
        Err(text.clone())
    }

    /// Where it takes SIP over UDP.
    #[must_use]
    pub fn udp(&self) -> SocketAddr {
        self.udp
    }

    /// Where it takes SIP over TCP.
    #[must_use]
    pub fn tcp(&self) -> SocketAddr {
        self.tcp
    }

    /// Where its console is.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where it takes SIP over TLS, if it does.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn tls(&self) -> SocketAddr {
        let printed = self.printed();
        let ready = printed.lines().find(|line| line.contains("is ready"));
        match ready.and_then(|line| address(line, "tls:")) {
            Some(address) => address,
            None => panic!("the engine does not listen for TLS"),
        }
    }

    /// First and last of its RTP ports, as its file says.
    ///
    /// # Panics
    /// If there is no file of ours.
    #[must_use]
    pub fn rtp_ports(&self) -> (u16, u16) {
        let text = std::fs::read_to_string(self.folder().join("engine.toml"));
        let text = text.unwrap_or_else(|error| panic!("engine.toml: {error}"));
        let port = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|rest| rest.trim_start_matches(" = ").parse().ok())
                .unwrap_or_else(|| panic!("engine.toml: no {key}"))
        };
        (port("first_port"), port("last_port"))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its folder, for files of the test.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Own(folder) => folder.path(),
            Folder::Of(path) => path,
        }
    }

    /// Sizes of the process.
    ///
    /// # Panics
    /// If the process is gone.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        match process::sizes(self.pid()) {
            Some(sizes) => sizes,
            None => panic!("the engine is gone:\n{}", self.printed()),
        }
    }

    /// Everything printed so far, standard output and error.
    #[must_use]
    pub fn printed(&self) -> String {
        let text = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }

    /// The last lines printed, for messages.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = self.printed();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Asks the console.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> http::Answer {
        match http::get(self.http, path) {
            Ok(answer) => answer,
            Err(error) => panic!("GET {path}: {error}\n{}", self.last_words()),
        }
    }

    /// Tells the console.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn post(&self, path: &str, json: &str) -> http::Answer {
        match http::post(self.http, path, json) {
            Ok(answer) => answer,
            Err(error) => panic!("POST {path}: {error}\n{}", self.last_words()),
        }
    }

    /// Asks the console by any method; no body if it is empty.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, json: &str) -> http::Answer {
        match http::ask(self.http, method, path, json) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}\n{}", self.last_words()),
        }
    }

    /// The metrics page.
    #[must_use]
    pub fn metrics(&self) -> Page {
        Page::parse(&self.get("/metrics").body)
    }

    /// Reads the metrics page until it is as wished.
    ///
    /// # Panics
    /// If that does not happen within [`LIMIT`].
    pub fn await_metrics(&self, what: &str, wished: impl Fn(&Page) -> bool) -> Page {
        let start = Instant::now();
        loop {
            let page = self.metrics();
            if wished(&page) {
                return page;
            }
            if start.elapsed() > LIMIT {
                panic!("{what}: not within {LIMIT:?}; {}", self.state(&page));
            }
            self.tick();
        }
    }

    /// Waits until the gauge has that value.
    ///
    /// # Panics
    /// If that does not happen within [`LIMIT`].
    pub fn await_gauge(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let what = format!("{name}{labels:?} = {value}");
        self.await_metrics(&what, |page| page.sum(name, labels) == value);
    }

    /// Waits until that many records are in the store and no call is left, then gives the records,
    /// newest first, 500 at most.
    ///
    /// # Panics
    /// If that does not happen within [`LIMIT`], or if there are more.
    #[must_use]
    pub fn await_records(&self, count: usize) -> Vec<Value> {
        self.await_metrics(&format!("{count} records"), |page| {
            page.sum("meishier_records_written_total", &[]) >= count as f64
                && page.sum("meishier_engine_calls", &[]) == 0.0
                && page.sum("meishier_records_pending", &[]) == 0.0
        });
        let answer = self.get("/api/v1/records?limit=500").json();
        assert_eq!(answer["total"], count, "records in the store");
        answer["records"].as_array().cloned().unwrap_or_default()
    }

    /// Waits for a moment, or for the next line that the program prints.
    fn tick(&self) {
        let _ = self.lines.recv_timeout(TICK);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        process::terminate(self.pid());
    }

    /// True if the process still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the program has printed these words.
    ///
    /// # Panics
    /// If that does not happen within [`LIMIT`].
    pub fn await_words(&self, words: &str) {
        let start = Instant::now();
        while !self.printed().contains(words) {
            let in_time = start.elapsed() < LIMIT;
            assert!(in_time, "{words:?} was not printed:\n{}", self.last_words());
            self.tick();
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end within [`LIMIT`].
    pub fn await_exit(&mut self) -> ExitStatus {
        let start = Instant::now();
        // The readers hang up when the process has ended.
        while self.lines.recv_timeout(TICK) != Err(RecvTimeoutError::Disconnected) {
            let in_time = start.elapsed() < LIMIT;
            assert!(in_time, "the engine did not end:\n{}", self.last_words());
        }
        match self.child.wait() {
            Ok(status) => status,
            Err(error) => panic!("waiting for the engine: {error}"),
        }
    }

    /// Panics if the log holds an error: none of our tests may cause one.
    ///
    /// # Panics
    /// See above.
    pub fn check_log(&self) {
        let text = self.printed();
        for bad in ["ERROR", "panicked"] {
            let line = text.lines().find(|line| line.contains(bad));
            assert_eq!(line, None, "the engine reports an error");
        }
    }

    fn state(&self, page: &Page) -> String {
        let live = page
            .0
            .iter()
            .filter(|s| s.value != 0.0 && !s.name.contains("_bucket"));
        let live: Vec<String> = live
            .map(|s| format!("{}{:?}={}", s.name, s.labels, s.value))
            .collect();
        format!(
            "the page:\n{}\nprinted:\n{}",
            live.join("\n"),
            self.last_words()
        )
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gathers what the child prints; each line goes into the channel as well.
fn listen(child: &mut Child) -> (Arc<Mutex<String>>, Receiver<String>) {
    let printed = Arc::new(Mutex::new(String::new()));
    let (sender, lines) = channel();
    if let Some(output) = child.stdout.take() {
        follow(output, printed.clone(), sender.clone());
    }
    if let Some(errors) = child.stderr.take() {
        follow(errors, printed.clone(), sender);
    }
    (printed, lines)
}

fn follow(pipe: impl Read + Send + 'static, printed: Arc<Mutex<String>>, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut text = printed.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&line);
            text.push('\n');
            drop(text);
            // Nobody listens any more; the pipe is read on, so that the program never blocks.
            let _ = sender.send(line);
        }
    });
}

/// Waits for the line that says where everything is; `None` if the program ended without.
fn ready(lines: &Receiver<String>) -> Option<(SocketAddr, SocketAddr, SocketAddr)> {
    loop {
        let line = lines.recv_timeout(LIMIT).ok()?;
        if line.contains("is ready") {
            return Some((
                address(&line, "udp:")?,
                address(&line, "tcp:")?,
                address(&line, "http://")?,
            ));
        }
    }
}

fn address(line: &str, before: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(before)?;
    let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}
