//! Whole calls captured on the loopback and decoded by tshark: no message of ours deserves a warning
//! of its experts, and no packet of speech is missing.

use crate::stage;
use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port, moment};
use meishier_tests::plan::Plan;
use meishier_tests::sip::Dialog;
use meishier_tests::talker::a_law;
use std::f64::consts::TAU;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Severity "warning" of tshark's experts, and what is worse.
const WARNED: &str = "_ws.expert.severity >= 0x600000 || _ws.malformed";

/// Longest wait for the capture.
const LIMIT: Duration = Duration::from_secs(30);

/// A capture that runs.
struct Capture {
    peer: Peer,
    file: PathBuf,
    sip: u16,
}

impl Capture {
    /// Whatever comes to or from the engine by UDP.
    fn start(engine: &Engine) -> Self {
        let sip = engine.udp().port();
        let (first, last) = engine.rtp_ports();
        let file = engine.folder().join("call.pcapng");
        let mut command = Command::new("dumpcap");
        command.args(["-i", "lo", "-q", "-w"]).arg(&file);
        command.args([
            "-f",
            &format!("udp port {sip} or udp portrange {first}-{last}"),
        ]);
        let peer = Peer::spawn("dumpcap", command, engine.folder(), sip);
        peer.await_words("File: ");
        Self { peer, file, sip }
    }

    /// Ends the capture once all that was sent before is in its file: a question of ours is the last.
    fn end(self, engine: &Engine) -> Captured {
        let mut asks = Line::new().towards(engine.udp());
        let name = format!("last{}", asks.address().port());
        let dialog = Dialog::new("ask", &name, asks.address(), engine.udp());
        asks.send(dialog.request("OPTIONS", 1, "OPTIONS", ""));
        asks.response(&dialog, "OPTIONS", 200);
        let start = Instant::now();
        let mark = dialog.call_id.as_bytes();
        loop {
            let bytes = fs::read(&self.file).unwrap_or_default();
            let seen = bytes.windows(mark.len()).filter(|part| *part == mark);
            // The question and its answer.
            if seen.count() >= 2 {
                break;
            }
            assert!(start.elapsed() < LIMIT, "{}", self.peer.output());
            moment();
        }
        self.peer.end();
        Captured {
            file: self.file,
            sip: self.sip,
        }
    }
}

struct Captured {
    file: PathBuf,
    sip: u16,
}

impl Captured {
    /// What tshark says with these options.
    fn tshark(&self, options: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).arg("-n");
        command.args(["-d", &format!("udp.port=={},sip", self.sip)]);
        let output = command.args(options).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{options:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Of what the engine sent nothing was warned of, and all was understood.
    fn ours_are_right(&self, scenario: &str) {
        let fields = ["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info"];
        let sent = format!("udp.srcport == {}", self.sip);
        for wrong in [WARNED, "!sip"] {
            let filter = format!("{sent} && ({wrong})");
            let mut words = vec!["-Y", filter.as_str()];
            words.extend(fields);
            words.extend(["-e", "_ws.expert.message"]);
            assert_eq!(self.tshark(&words), "", "{scenario}: {wrong}");
        }
        let statuses = self.tshark(&["-Y", &sent, "-T", "fields", "-e", "sip.Status-Code"]);
        assert!(statuses.lines().any(|line| !line.is_empty()), "{scenario}");
    }

    /// Nothing was warned of, every packet was understood, these methods were seen, and so many
    /// streams went without a loss.
    fn is_right(&self, methods: &[&str], streams: usize) {
        let fields = ["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info"];
        let mut words = vec!["-Y", WARNED];
        words.extend(fields);
        words.extend(["-e", "_ws.expert.message"]);
        assert_eq!(self.tshark(&words), "", "tshark warns");
        let mut words = vec!["-Y", "!sip && !rtp && !rtcp"];
        words.extend(fields);
        assert_eq!(self.tshark(&words), "", "tshark does not know");
        let seen = self.tshark(&["-Y", "sip", "-T", "fields", "-e", "sip.Method"]);
        for method in methods {
            assert!(seen.lines().any(|line| line == *method), "no {method}");
        }
        let table = self.tshark(&["-q", "-z", "rtp,streams"]);
        let rows: Vec<&str> = table.lines().filter(|l| l.contains("g711A")).collect();
        assert_eq!(rows.len(), streams, "{table}");
        for row in rows {
            assert!(row.contains("0 (0.0%)"), "{table}");
        }
    }
}

/// Half a second of a tone in A-law (ITU-T G.711), for SIPp to repeat.
fn tone() -> Vec<u8> {
    let sample = |n: usize| (8000.0 * (TAU * 440.0 * n as f64 / 8000.0).sin()) as i16;
    (0..4000).map(|n| a_law(sample(n))).collect()
}

/// The engine with one seat that speaks, and the capture of what it does.
fn scene(plan: Plan) -> (Engine, Vec<Peer>, Capture) {
    let seat = free_port();
    let mut plan = plan;
    plan.add_seats(1, SocketAddr::from(([127, 0, 0, 1], seat)), "udp", "paused");
    let engine = Engine::start(&plan);
    let capture = Capture::start(&engine);
    let peer = Sipp::new(&engine, "seat_speaks", Udp)
        .at(seat)
        .file("tone.raw", tone());
    let peer = peer.listen(&engine);
    let answer = engine.post("/api/v1/seats/s0000/state", "{\"state\": \"ready\"}");
    assert_eq!(answer.status, 200, "{}", answer.body);
    (engine, vec![peer], capture)
}

fn caller(engine: &Engine, scenario: &str) -> Peer {
    let caller = Sipp::new(engine, scenario, Udp).file("tone.raw", tone());
    caller.start(engine)
}

#[test]
fn a_plain_call_decodes_without_a_warning() {
    let (engine, seats, capture) = scene(Plan::default());
    let caller = caller(&engine, "caller_speaks");
    engine.await_metrics("a second of speech", |page| {
        page.sum("meishier_rtp_packets_total", &[("direction", "received")]) >= 100.0
    });
    caller.hangs_up(&engine);
    stage::finish(&engine, seats, 1);
    capture.end(&engine).is_right(&["INVITE", "ACK", "BYE"], 4);
}

#[test]
fn a_call_with_reliable_ringing_and_a_session_timer_decodes_without_a_warning() {
    let (engine, seats, capture) = scene(Plan::default());
    caller(&engine, "caller_speaks_on_terms").succeeds(&engine);
    stage::finish(&engine, seats, 1);
    capture
        .end(&engine)
        .is_right(&["INVITE", "PRACK", "UPDATE", "BYE"], 4);
}

#[test]
fn a_call_with_a_third_party_decodes_without_a_warning() {
    let far = free_port();
    let mut plan = Plan::default();
    plan.trunk = format!("out = \"127.0.0.1:{far}\"\n");
    plan.add_tables(stage::KEYS);
    let (engine, seats, capture) = scene(plan);
    let target = Sipp::new(&engine, "seat_speaks", Udp)
        .at(far)
        .file("tone.raw", tone());
    let target = target.listen(&engine);
    let caller = caller(&engine, "caller_speaks");
    stage::press(&engine, "110", "贵阳");
    stage::hand_over(&engine);
    caller.hangs_up(&engine);
    target.succeeds(&engine);
    stage::finish(&engine, seats, 1);
    capture.end(&engine).is_right(&["INVITE", "ACK", "BYE"], 6);
}

#[test]
fn whatever_we_send_decodes_without_a_warning() {
    for (seat, caller) in [
        ("seat", "caller_odd"),
        ("seat", "caller_located"),
        ("seat", "caller_sos"),
        ("seat", "caller_holds"),
        ("seat", "caller_late"),
        ("seat", "caller_timed"),
        ("seat", "caller_many_streams"),
        ("seat", "caller_asserted"),
        ("seat_forks", "caller"),
        ("seat_reliable", "caller_pracks"),
        ("seat_redirects", "caller_cancels"),
        ("seat_rings", "caller_cancels"),
    ] {
        let (engine, seats) = stage::engine(Plan::default(), &[seat], Udp);
        let capture = Capture::start(&engine);
        let caller = Sipp::new(&engine, caller, Udp).with("fold", " ");
        let name = format!("{seat} and {}", caller.name());
        caller.start(&engine).succeeds(&engine);
        stage::finish(&engine, seats, 1);
        capture.end(&engine).ours_are_right(&name);
    }
    let (engine, _seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let capture = Capture::start(&engine);
    let caller = Sipp::new(&engine, "caller_refused", Udp);
    caller.start(&engine).succeeds(&engine);
    capture.end(&engine).ours_are_right("refusals");
}
