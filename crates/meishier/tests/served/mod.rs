//! `meishier serve` as a process, and a telephone in front of it.
#![allow(dead_code)] // each test takes what it needs

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Width of the RTP range.
const RANGE: u16 = 198;

pub struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    pub sip: SocketAddr,
    pub http: SocketAddr,
    pub folder: tempfile::TempDir,
    /// The line that told where to reach it.
    pub ready: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.id(), signal).unwrap();
    }

    pub fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        self.ask("GET", path, "")
    }

    /// What the engine answers: head, empty line, body.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// The JSON of an answer, and its status.
    pub fn json(&self, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let text = self.ask(method, path, body);
        let (head, body) = text.split_once("\r\n\r\n").expect(&text);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Ends it in order, whatever calls there are; the folder with its records stays.
    pub fn stop(mut self) -> tempfile::TempDir {
        self.signal(rustix::process::Signal::TERM);
        self.line();
        self.signal(rustix::process::Signal::TERM);
        assert!(self.end().success());
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

/// First port of a stretch above those that systems give out by themselves, another one for each
/// engine of this process; whatever of it is taken, the engine leaves out.
fn free_range() -> u16 {
    static ENGINES: AtomicU16 = AtomicU16::new(0);
    let engine = ENGINES.fetch_add(1, Ordering::Relaxed) % 4;
    let own = std::process::id() as u16 % 3600;
    ((61_000 + own) & !1) + engine * (RANGE + 2)
}

pub fn configuration(folder: &Path, sip: &str, shards: u16) -> String {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/bench.toml");
    let first = free_range();
    let mut text = String::new();
    for line in std::fs::read_to_string(deploy).unwrap().lines() {
        let key = line.split(['=', ' ']).next().unwrap_or_default();
        text += &match key {
            "shards" => format!("shards = {shards}"),
            "shutdown_limit" => "shutdown_limit = \"60s\"".into(),
            "listen" if line.contains("udp") => format!("listen = [\"udp:{sip}\"]"),
            "listen" => "listen = \"127.0.0.1:0\"".into(),
            "max_calls" => "max_calls = 16".into(),
            "first_port" => format!("first_port = {first}"),
            "last_port" => format!("last_port = {}", first + RANGE),
            "path" => format!("path = {:?}", folder.join("records.db")),
            _ => line.into(),
        };
        text.push('\n');
    }
    text
}

pub fn command(folder: &Path, sip: &str, shards: u16) -> Command {
    let file = folder.join("test.toml");
    std::fs::write(&file, configuration(folder, sip, shards)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .args(["serve", "--lang", "en", "--config"])
        .arg(file);
    command
}

pub fn serve(shards: u16) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let command = command(folder.path(), "127.0.0.1:0", shards);
    started(command, folder)
}

/// Waits for the line that tells where to reach it.
pub fn started(mut command: Command, folder: tempfile::TempDir) -> Served {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut ready = String::new();
    out.read_line(&mut ready).unwrap();
    let after = |mark: &str| {
        let rest = ready.split(mark).nth(1).expect(&ready);
        let end = rest.find([',', '/', ' ']).unwrap_or(rest.len());
        rest[..end].parse().unwrap()
    };
    Served {
        sip: after("udp:"),
        http: after("http://"),
        child,
        out,
        folder,
        ready,
    }
}

pub fn message(method: &str, from: SocketAddr, cseq: u8, extra: &str, body: &str) -> String {
    format!(
        "{method} sip:12356@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-{cseq}-{method};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:13800000000@127.0.0.1>;tag=one\r\nTo: <sip:12356@127.0.0.1>\r\n\
         Call-ID: serve-test-{method}\r\nCSeq: {cseq} {method}\r\nContact: <sip:me@{from}>\r\n\
         {extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn phone() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The next message whose start line holds `start`.
pub fn expect(phone: &UdpSocket, start: &str) {
    let mut buffer = [0; 65536];
    loop {
        let length = phone
            .recv(&mut buffer)
            .unwrap_or_else(|_| panic!("no {start} came"));
        if String::from_utf8_lossy(&buffer[..length]).starts_with(start) {
            return;
        }
    }
}

/// What the engine answers to the n-th INVITE.
pub fn answer_to_invite(phone: &UdpSocket, sip: SocketAddr, n: u8) -> String {
    let from = phone.local_addr().unwrap();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let invite = message("INVITE", from, n, "Content-Type: application/sdp\r\n", sdp)
        .replace("tag=one", &format!("tag={n}"))
        .replace("serve-test-", &format!("serve-test-{n}-"));
    phone.send_to(invite.as_bytes(), sip).unwrap();
    let mut buffer = [0; 65536];
    loop {
        let length = phone.recv(&mut buffer).expect("an answer");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let other = !text.contains(&format!("serve-test-{n}-"));
        if !other && !text.starts_with("SIP/2.0 100") {
            return text[8..11].to_owned();
        }
    }
}
