//! `meishier serve` as a process: ready line, probes, SIP, graceful end, second signal.
#![allow(missing_docs)]

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

struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    sip: SocketAddr,
    http: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
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

fn configuration(folder: &Path, sip: &str, shards: u16) -> String {
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

fn command(folder: &Path, sip: &str, shards: u16) -> Command {
    let file = folder.join("test.toml");
    std::fs::write(&file, configuration(folder, sip, shards)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .args(["serve", "--lang", "en", "--config"])
        .arg(file);
    command
}

fn serve(shards: u16) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let command = command(folder.path(), "127.0.0.1:0", shards);
    started(command, folder)
}

/// Waits for the line that tells where to reach it.
fn started(mut command: Command, folder: tempfile::TempDir) -> Served {
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
        _folder: folder,
    }
}

fn message(method: &str, from: SocketAddr, cseq: u8, extra: &str, body: &str) -> String {
    format!(
        "{method} sip:12356@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-{cseq}-{method};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:13800000000@127.0.0.1>;tag=one\r\nTo: <sip:12356@127.0.0.1>\r\n\
         Call-ID: serve-test-{method}\r\nCSeq: {cseq} {method}\r\nContact: <sip:me@{from}>\r\n\
         {extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn phone() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The next message whose start line holds `start`.
fn expect(phone: &UdpSocket, start: &str) {
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

#[test]
fn it_serves_until_a_signal_and_ends_in_order() {
    let mut served = serve(4);
    assert!(served.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(served.get("/readyz").starts_with("HTTP/1.1 200"));
    let phone = phone();
    let from = phone.local_addr().unwrap();
    phone
        .send_to(message("OPTIONS", from, 1, "", "").as_bytes(), served.sip)
        .unwrap();
    expect(&phone, "SIP/2.0 200");
    let page = served.get("/metrics");
    assert!(page.contains("meishier_records_written_total 0"), "{page}");
    // Who closes a terminal ends no calls.
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("configured anew"));
    assert!(served.get("/readyz").starts_with("HTTP/1.1 200"));
    served.signal(rustix::process::Signal::TERM);
    assert!(served.line().starts_with("stopping"));
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
}

/// What the engine answers to the n-th INVITE.
fn answer_to_invite(phone: &UdpSocket, sip: SocketAddr, n: u8) -> String {
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

#[test]
fn the_file_is_read_again_at_sighup_and_taken_whole_or_not_at_all() {
    let mut served = serve(4);
    let file = served._folder.path().join("test.toml");
    let first = std::fs::read_to_string(&file).unwrap();
    let phone = phone();
    let hup = |served: &mut Served, text: &str| {
        std::fs::write(&file, text).unwrap();
        served.signal(rustix::process::Signal::HUP);
        served.line()
    };
    assert_eq!(answer_to_invite(&phone, served.sip, 1), "180");
    // Another mode of answering: whoever calls from now on hears it.
    let early = first.replace("early = \"ringing\"", "early = \"progress\"");
    assert_ne!(early, first);
    assert!(hup(&mut served, &early).starts_with("configured anew"));
    assert_eq!(answer_to_invite(&phone, served.sip, 2), "183");
    // Mistakes, and what takes a restart, change nothing of it.
    let said = hup(&mut served, "shards = many\n[wrong");
    assert!(said.starts_with("not configured anew"), "{said}");
    let two = first
        .replace("shards = 4", "shards = 2")
        .replace("max_calls = 16", "max_calls = 17");
    let said = hup(&mut served, &two);
    assert!(said.contains("2 problems"), "{said}");
    assert_eq!(answer_to_invite(&phone, served.sip, 3), "183");
    assert!(hup(&mut served, &first).starts_with("configured anew"));
    assert_eq!(answer_to_invite(&phone, served.sip, 4), "180");
    // And the calls that were there are there: a signal waits for them, the second ends them.
    served.signal(rustix::process::Signal::TERM);
    assert!(served.line().starts_with("stopping"));
    served.signal(rustix::process::Signal::TERM);
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
}

#[test]
fn a_folder_is_read_again_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = configuration(folder.path(), "127.0.0.1:0", 1);
    let begins = text.find("[[trunks]]").unwrap();
    let ends = text[begins..].find("\n[").unwrap() + begins + 1;
    let trunks = &text[begins..ends];
    let main = format!("{}{}", &text[..begins], &text[ends..]);
    assert!(trunks.contains("early = \"ringing\"") && !main.contains("early = "));
    std::fs::write(at("main.toml"), &main).unwrap();
    std::fs::write(at("trunks.toml"), trunks).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .args(["serve", "--lang", "en", "--config"])
        .arg(folder.path());
    let mut served = started(command, folder);
    let folder = served._folder.path().to_owned();
    let phone = phone();
    assert_eq!(answer_to_invite(&phone, served.sip, 1), "180");
    // One file is better, another is wrong: neither counts.
    let early = trunks.replace("early = \"ringing\"", "early = \"progress\"");
    std::fs::write(folder.join("trunks.toml"), early).unwrap();
    std::fs::write(folder.join("wrong.toml"), "seats = 7").unwrap();
    served.signal(rustix::process::Signal::HUP);
    let said = served.line();
    assert!(
        said.starts_with("not configured anew") && said.contains("1 problems"),
        "{said}"
    );
    assert_eq!(answer_to_invite(&phone, served.sip, 2), "180");
    std::fs::remove_file(folder.join("wrong.toml")).unwrap();
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("configured anew"));
    assert_eq!(answer_to_invite(&phone, served.sip, 3), "183");
    served.signal(rustix::process::Signal::TERM);
    assert!(served.line().starts_with("stopping"));
    served.signal(rustix::process::Signal::TERM);
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
}

#[test]
fn a_running_call_holds_the_end_up_until_a_second_signal_and_leaves_its_record() {
    let mut served = serve(1);
    let phone = phone();
    let from = phone.local_addr().unwrap();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let invite = message("INVITE", from, 1, "Content-Type: application/sdp\r\n", sdp);
    phone.send_to(invite.as_bytes(), served.sip).unwrap();
    expect(&phone, "SIP/2.0 180");
    served.signal(rustix::process::Signal::INT);
    assert!(served.line().starts_with("stopping"));
    assert!(served.get("/readyz").starts_with("HTTP/1.1 503"));
    served.signal(rustix::process::Signal::TERM);
    expect(&phone, "SIP/2.0 480");
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
    let records = served._folder.path().join("records.db");
    assert!(records.metadata().unwrap().len() > 0);
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &taken, 1).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&format!("UDP port {taken} is taken")),
        "{said}"
    );
}
