//! SIP on streams against the program: messages out of one stream, a peer that does not read, requests
//! too large for a datagram.

use meishier_tests::engine::Engine;
use meishier_tests::plan::Plan;
use meishier_tests::sip::{Dialog, Sip, sdp};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Longest wait for anything; only a broken program reaches it.
const LIMIT: Duration = Duration::from_secs(60);

fn options(by: &str, from: SocketAddr, call: &str) -> String {
    format!(
        "OPTIONS sip:12356@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{by} {from};branch=z9hG4bK-{call}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:c@127.0.0.1>;tag=t\r\nTo: <sip:12356@127.0.0.1>\r\n\
         Call-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn connect(engine: &Engine) -> TcpStream {
    let stream = TcpStream::connect(engine.tcp()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The next head on a stream.
fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the stream has ended");
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn messages_are_cut_out_of_one_stream_wherever_its_segments_end() {
    let engine = Engine::start(&Plan::with_seats(1, "127.0.0.1:9".parse().unwrap(), "udp"));
    let mut stream = connect(&engine);
    let from = stream.local_addr().unwrap();
    let calls = ["s0", "s1", "s2", "s3"];
    let all: String = calls
        .iter()
        .map(|call| options("TCP", from, call))
        .collect();
    let one = options("TCP", from, "s0").len();
    let cuts = [0, 3, one - 1, one, one + 9, 2 * one + 40, all.len()];
    for part in cuts.windows(2) {
        stream.write_all(&all.as_bytes()[part[0]..part[1]]).unwrap();
    }
    let mut answered: Vec<String> = calls
        .iter()
        .map(|_| {
            let answer = head(&mut stream);
            assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
            let id = answer.lines().find_map(|it| it.strip_prefix("Call-ID: "));
            id.unwrap().to_owned()
        })
        .collect();
    // Calls of several shards overtake each other.
    answered.sort();
    assert_eq!(answered, calls);
}

#[test]
fn a_peer_that_does_not_read_is_cut_off_and_stalls_nobody() {
    let engine = Engine::start(&Plan::with_seats(1, "127.0.0.1:9".parse().unwrap(), "udp"));
    let mut blocked = connect(&engine);
    let from = blocked.local_addr().unwrap();
    let writer = std::thread::spawn(move || {
        let mut written = 0_u64;
        let write = |stream: &mut TcpStream, text: String| stream.write_all(text.as_bytes());
        while write(&mut blocked, options("TCP", from, &format!("b{written}"))).is_ok() {
            written += 1;
        }
        written
    });
    // Others are answered as ever while it goes on, by TCP and by UDP.
    let mut other = connect(&engine);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(LIMIT)).unwrap();
    let mut buffer = [0; 4096];
    for number in 0..100 {
        let asked = options("TCP", other.local_addr().unwrap(), &format!("o{number}"));
        other.write_all(asked.as_bytes()).unwrap();
        assert!(head(&mut other).starts_with("SIP/2.0 200 "));
        let asked = options("UDP", udp.local_addr().unwrap(), &format!("u{number}"));
        udp.send_to(asked.as_bytes(), engine.udp()).unwrap();
        let (length, _) = udp.recv_from(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"SIP/2.0 200 "));
    }
    assert!(writer.join().unwrap() > 0);
    let closed = "meishier_sip_connections_closed_total";
    assert_eq!(engine.metrics().sum(closed, &[("reason", "blocked")]), 1.0);
    assert_eq!(engine.metrics().sum("meishier_sip_connections", &[]), 1.0);
}

/// A caller's UDP socket, and a TCP listener of the same number.
fn caller() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(LIMIT)).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

/// The next message that is no provisional response.
fn next(socket: &UdpSocket) -> Sip {
    let mut buffer = [0; 65_536];
    loop {
        let (length, _) = socket.recv_from(&mut buffer).expect("nothing came");
        let message = Sip(String::from_utf8_lossy(&buffer[..length]).into_owned());
        if message.status().is_none_or(|status| status >= 200) {
            return message;
        }
    }
}

/// A call whose caller wants a long route kept; its seat hangs up. Gives the caller's sockets.
fn hung_up(trunk: &str) -> (Engine, UdpSocket, TcpListener) {
    let (phone, (udp, tcp)) = (UdpSocket::bind("127.0.0.1:0").unwrap(), caller());
    phone.set_read_timeout(Some(LIMIT)).unwrap();
    let mut plan = Plan::with_seats(1, phone.local_addr().unwrap(), "udp");
    plan.trunk = trunk.to_owned();
    let engine = Engine::start(&plan);
    let mut dialog = Dialog::new("12356", "large", udp.local_addr().unwrap(), engine.udp());
    let long = "a-proxy-with-a-long-name.".repeat(8);
    let route: String = (0..7)
        .map(|number| format!("Record-Route: <sip:{number}.{long}example;lr>\r\n"))
        .collect();
    let invite = dialog.request("INVITE", 1, "i", &sdp(40_000));
    let invite = invite.replacen("Max-Forwards", &format!("{route}Max-Forwards"), 1);
    udp.send_to(invite.as_bytes(), engine.udp()).unwrap();
    let ringing = next(&phone);
    let here = phone.local_addr().unwrap();
    let answer = ringing.response("200 OK", "seat", here, &sdp(40_002));
    phone.send_to(answer.as_bytes(), engine.udp()).unwrap();
    dialog.learn(&next(&udp));
    let ack = dialog.request("ACK", 1, "a", "");
    udp.send_to(ack.as_bytes(), engine.udp()).unwrap();
    assert_eq!(next(&phone).method(), Some("ACK"));
    let swapped = |name: &str| ringing.header(name).unwrap().to_owned();
    let bye = format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK-bye\r\nMax-Forwards: 70\r\n\
         From: {};tag=seat\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        meishier_tests::sip::uri(&swapped("Contact")),
        swapped("To"),
        swapped("From"),
        ringing.call_id()
    );
    phone.send_to(bye.as_bytes(), engine.udp()).unwrap();
    assert_eq!(next(&phone).status(), Some(200));
    (engine, udp, tcp)
}

#[test]
fn a_request_too_large_for_a_datagram_goes_by_tcp() {
    let (engine, _udp, tcp) = hung_up("");
    let (mut stream, _) = tcp.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let bye = head(&mut stream);
    assert!(bye.starts_with("BYE ") && bye.len() > 1300, "{bye}");
    assert!(bye.contains("Via: SIP/2.0/TCP "), "{bye}");
    drop(engine);
}

#[test]
fn to_a_trunk_of_udp_alone_it_stays_a_datagram() {
    let (engine, udp, tcp) = hung_up("transport = \"udp\"");
    let bye = next(&udp);
    assert_eq!(bye.method(), Some("BYE"));
    assert!(
        bye.0.len() > 1300 && bye.0.contains("Via: SIP/2.0/UDP "),
        "{}",
        bye.0
    );
    tcp.set_nonblocking(true).unwrap();
    assert!(tcp.accept().is_err(), "a connection all the same");
    drop(engine);
}
