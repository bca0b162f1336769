//! `meishier demo` as a process: played short on four shards, and alone with telephones of one's own.

use meishier_phones::cast::POLICE_HZ;
use meishier_phones::{Algorithm, Dial, PhoneBank, PhoneOptions, Register};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Far longer than anything takes; only a failure waits for it.
const LIMIT: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn demo(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command.arg("demo").args(words).stdin(Stdio::null());
    command
}

/// Standard output of a run with `--json`: one line.
fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.lines().count(), 1, "{text}\n{told}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn four_calls_on_four_shards() {
    let mut command = demo(&["--calls", "4", "--length", "6", "--json", "--shards", "4"]);
    let output = command.arg("--seed=31").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let summary = json(&output);
    assert_eq!(summary["calls"], 4);
    assert_eq!(summary["failed"], 0);
    assert_eq!(
        (&summary["transfers"], &summary["handed_over"]),
        (&1.into(), &1.into())
    );
    assert_eq!(summary["dossiers"], 1);
    assert_eq!(summary["time_lines_ok"], true);
    assert_eq!(summary["records"], 4);
    assert_eq!(summary["rtp_packets_each_way_ok"], true);
}

/// The engine alone.
struct Alone {
    child: Child,
    printed: String,
    http: SocketAddr,
    sip: SocketAddr,
}

impl Alone {
    fn start() -> Self {
        let mut command = demo(&[
            "--no-calls",
            "--sip",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
        ]);
        let mut child = command
            .args(["--lang", "en"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("meishier is ready") {
            assert!(out.read_line(&mut printed).unwrap() > 0, "{printed}");
        }
        // Keeps the pipe open to the end.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let after = |mark: &str| {
            let rest = printed.rsplit_once(mark).unwrap().1;
            rest.split([',', '/', ' ']).next().unwrap().parse().unwrap()
        };
        Self {
            http: after("HTTP http://"),
            sip: after("udp:"),
            child,
            printed,
        }
    }

    /// The password that is printed beside a seat.
    fn password(&self, seat: &str) -> String {
        let mut lines = self.printed.lines().map(str::split_whitespace);
        let words = lines.find_map(|mut words| (words.next() == Some(seat)).then_some(words));
        words.unwrap().next().unwrap().to_owned()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.http).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: demo\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alone_it_serves_telephones_of_ones_own() {
    let mut engine = Alone::start();
    let (carrier, desk) = (
        PhoneBank::open().await.unwrap(),
        PhoneBank::open().await.unwrap(),
    );
    let seat = PhoneOptions::new("gz01", 1_000, &[2_000, POLICE_HZ]);
    let seat = desk.phone(seat).await.unwrap();
    let register = Register {
        registrar: engine.sip,
        domain: None,
        password: engine.password("gz01"),
        algorithm: Algorithm::Sha256,
        expires: Duration::from_secs(120),
    };
    seat.register(register).await.unwrap();
    let caller = PhoneOptions::new("13985000001", 2_000, &[1_000, POLICE_HZ]);
    let caller = carrier.phone(caller).await.unwrap();
    let call = caller.dial(Dial::new(engine.sip, "12356")).await.unwrap();
    assert!(call.wait_answered(LIMIT).await);
    let talk = seat.next_call().await.unwrap();
    assert!(call.wait_heard(1_000, SECOND, LIMIT).await);
    assert!(talk.wait_heard(2_000, SECOND, LIMIT).await);

    let calls = engine.ask("GET", "/api/v1/calls", "");
    assert_eq!(calls["calls"][0]["seat"], "gz01");
    let id = calls["calls"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/calls/{id}/transfer");
    let started = engine.ask("POST", &path, "{\"key\":\"110\",\"city\":\"贵阳\"}");
    assert_eq!(started["dialled"], "0851110");
    assert!(
        call.wait_heard(POLICE_HZ, SECOND, LIMIT).await,
        "the demo's police"
    );
    assert!(talk.wait_heard(POLICE_HZ, SECOND, LIMIT).await);

    // Whoever called for help and hung up: counsellor and police go on.
    call.hang_up().await;
    let before = talk.heard(POLICE_HZ);
    assert!(
        talk.wait_heard(POLICE_HZ, before + SECOND, LIMIT).await,
        "counsellor and police stay together"
    );
    assert!(talk.status().ended.is_none());
    let calls = engine.ask("GET", "/api/v1/calls", "");
    assert_eq!(calls["calls"][0]["caller_gone"], true);
    talk.hang_up().await;
    assert!(talk.wait_ended(LIMIT).await.is_some());
    engine.terminate();
}
