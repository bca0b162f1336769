//! RFC 4475 against the program, over UDP and over TCP: every message of the RFC is answered as its
//! table says, and afterwards a call goes as ever.

#[path = "../../crates/signaling/tests/rfc4475/table.rs"]
mod table;

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::plan::Plan;
use meishier_tests::sip::{Dialog, Sip};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;
use table::{Answer, Case, TABLE, follow_up};

/// Longest wait for anything; only a broken program reaches it.
const LIMIT: Duration = Duration::from_secs(30);

/// A way to the engine of its own for every case, so that what comes belongs to the case.
enum Wire {
    Udp(UdpSocket, SocketAddr),
    Tcp(TcpStream, Vec<u8>),
}

impl Wire {
    fn udp(engine: &Engine) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self::Udp(socket, engine.udp())
    }

    fn tcp(engine: &Engine) -> Self {
        let stream = TcpStream::connect(engine.tcp()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self::Tcp(stream, Vec::new())
    }

    fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(socket, _) => socket.local_addr().unwrap(),
            Self::Tcp(stream, _) => stream.local_addr().unwrap(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Udp(socket, engine) => drop(socket.send_to(bytes, *engine).unwrap()),
            Self::Tcp(stream, _) => stream.write_all(bytes).unwrap(),
        }
    }

    /// The next message; `None` if the connection ended before one came.
    fn next(&mut self, name: &str) -> Option<Sip> {
        let mut part = vec![0; 65_536];
        let whole = match self {
            Self::Udp(socket, _) => {
                let received = socket.recv_from(&mut part);
                let (length, _) = received.unwrap_or_else(|e| panic!("{name}: no answer: {e}"));
                part.truncate(length);
                part
            }
            Self::Tcp(stream, buffer) => loop {
                if let Some(length) = length(buffer) {
                    break buffer.drain(..length).collect();
                }
                let read = stream.read(&mut part);
                let read = read.unwrap_or_else(|e| panic!("{name}: no answer: {e}"));
                if read == 0 {
                    assert!(buffer.is_empty(), "{name}: half a message");
                    return None;
                }
                buffer.extend_from_slice(&part[..read]);
            },
        };
        Some(Sip(String::from_utf8_lossy(&whole).into_owned()))
    }

    /// So many messages, by their status.
    fn statuses(&mut self, name: &str, count: usize) -> Vec<u16> {
        let next = |_| self.next(name).and_then(|m| m.status()).unwrap_or(0);
        (0..count).map(next).collect()
    }

    /// Asks for a sign of life, which must be the next that comes: nothing else was on its way.
    fn nothing_more(&mut self, name: &str, engine: &Engine) {
        let id = format!("after{name}{}", self.local().port());
        let dialog = Dialog::new("ask", &id, self.local(), engine.udp());
        self.send(dialog.request("OPTIONS", 1, "OPTIONS", "").as_bytes());
        let next = self.next(name).unwrap();
        let expected = (Some(200), dialog.call_id.as_str());
        assert_eq!(
            (next.status(), next.call_id()),
            expected,
            "{name}: {}",
            next.0
        );
    }

    /// Gives a waiting call up.
    fn give_up(&mut self, name: &str, invite: &[u8]) {
        self.send(follow_up(invite, "CANCEL", None).as_bytes());
        let answers = [self.next(name).unwrap(), self.next(name).unwrap()];
        let mut statuses: Vec<_> = answers.iter().map(Sip::status).collect();
        statuses.sort();
        assert_eq!(statuses, [Some(200), Some(487)], "{name}");
        let ended = answers.iter().find(|m| m.status() == Some(487)).unwrap();
        let to = ended.header("To").unwrap();
        self.send(follow_up(invite, "ACK", Some(to)).as_bytes());
    }
}

/// Length of the message at the front, if it is whole.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let body: usize = Sip(text.into_owned())
        .header("Content-Length")?
        .parse()
        .ok()?;
    (bytes.len() >= head + body).then_some(head + body)
}

/// True if nobody can tell where the message ends on a stream, so that nothing after it is read.
/// The second message of `dblreq` is longer than it says.
fn loses_the_stream(case: &Case) -> bool {
    ["ncl", "mcl01", "inv2543", "dblreq"].contains(&case.name)
}

fn check(engine: &Engine, wire: &mut Wire, case: &Case) {
    let (name, bytes) = (case.name, case.bytes());
    let tcp = matches!(wire, Wire::Tcp(..));
    let expected = if tcp { case.over_tcp() } else { case.engine };
    wire.send(&bytes);
    match expected {
        Answer::Status(status) => assert_eq!(wire.statuses(name, 1), [status], "{name}"),
        Answer::Call => {
            assert_eq!(wire.statuses(name, 2), [100, 180], "{name}");
            wire.give_up(name, &bytes);
        }
        Answer::Two(first, second) => {
            assert_eq!(wire.statuses(name, 2), [first, second], "{name}");
        }
        Answer::Malformed | Answer::Unmatched => {}
        Answer::Unfinished => {
            let Wire::Tcp(stream, _) = &wire else {
                panic!("{name}: a datagram is always whole");
            };
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(
                wire.next(name),
                None,
                "{name}: half a message has no answer"
            );
            return;
        }
    }
    if !(tcp && loses_the_stream(case)) {
        wire.nothing_more(name, engine);
    }
}

/// The whole table, each case on a new wire, then a call.
fn run(open: impl Fn(&Engine) -> Wire) {
    let seat = Line::new();
    let mut plan = Plan::with_seats(1, seat.address(), "udp");
    // One shard does one thing after another, so that an answer to a later question comes later.
    plan.shards = 1;
    let mut engine = Engine::start(&plan);
    let paused = engine.post("/api/v1/seats/s0000/state", "{\"state\": \"paused\"}");
    assert_eq!(paused.status, 200, "{}", paused.body);
    for case in TABLE {
        check(&engine, &mut open(&engine), case);
    }
    assert!(engine.runs(), "it is still the same process");
    let count = |answer: Answer| TABLE.iter().filter(|case| case.engine == answer).count() as f64;
    let dropped = |page: &meishier_tests::metrics::Page, reason| {
        page.sum("meishier_sip_dropped_total", &[("reason", reason)])
    };
    let page = engine.metrics();
    assert_eq!(
        dropped(&page, "malformed_response"),
        count(Answer::Malformed)
    );
    assert!(dropped(&page, "unmatched") >= count(Answer::Unmatched));
    for gauge in [
        "meishier_engine_calls",
        "meishier_dialogs",
        "meishier_rtp_ports_used",
    ] {
        engine.await_gauge(gauge, &[], 0.0);
    }

    let mut seat = seat.towards(engine.udp());
    let mut line = Line::new().towards(engine.udp());
    let ready = engine.post("/api/v1/seats/s0000/state", "{\"state\": \"ready\"}");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let mut dialog = line.invite("13800000001");
    seat.answer();
    line.confirm(&mut dialog);
    line.hang_up(&dialog);
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");
    engine.await_gauge("meishier_engine_calls", &[], 0.0);
    assert_eq!(engine.metrics().sum("meishier_unexpected_total", &[]), 0.0);
    engine.check_log();
}

#[test]
fn every_message_over_udp_is_answered_as_the_rfc_says() {
    run(Wire::udp);
}

#[test]
fn every_message_over_tcp_is_answered_as_the_rfc_says() {
    run(Wire::tcp);
}
