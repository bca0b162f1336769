//! Requests of more than 1300 bytes: by TCP, or as datagrams to whom TCP does not reach.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use meishier_net::{Drained, Running};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use support::{PATIENCE, Wanted, address, invite, receive, request, socket, start};

/// A caller's UDP socket, and a TCP listener of the same number if it takes TCP.
fn caller(takes_tcp: bool) -> (UdpSocket, Option<TcpListener>) {
    loop {
        let udp = socket();
        // Holding the port or knowing that nobody listens there, whichever is wanted.
        let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) else {
            continue;
        };
        return (udp, takes_tcp.then_some(tcp));
    }
}

/// The lines of a message that a response to it repeats.
fn copied(message: &str) -> String {
    let wanted = |line: &&str| {
        ["Via:", "From:", "Call-ID:", "CSeq:"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    message
        .lines()
        .filter(wanted)
        .map(|line| format!("{line}\r\n"))
        .collect()
}

fn to(message: &str) -> &str {
    message
        .lines()
        .find(|line| line.starts_with("To:"))
        .unwrap()
}

/// The next message that is no provisional response.
fn next(socket: &UdpSocket) -> String {
    loop {
        let text = receive(socket);
        if !text.starts_with("SIP/2.0 1") {
            return text;
        }
    }
}

/// Sets a call up whose caller wants a long route kept, as far as the caller's ACK.
fn talking(engine: SocketAddr, caller: &UdpSocket, seat: &UdpSocket) {
    let from = caller.local_addr().unwrap();
    let long = "a-proxy-with-a-long-name.".repeat(8);
    let route: String = (0..7)
        .map(|number| format!("Record-Route: <sip:{number}.{long}example;lr>\r\n"))
        .collect();
    let invite = invite("UDP", from, "large");
    let invite = invite.replacen("Max-Forwards", &format!("{route}Max-Forwards"), 1);
    caller.send_to(invite.as_bytes(), engine).unwrap();
    let ringing = receive(seat);
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
               m=audio 40002 RTP/AVP 8\r\n";
    let answer = format!(
        "SIP/2.0 200 OK\r\n{}{};tag=seat\r\nContact: <sip:a0@{}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        copied(&ringing),
        to(&ringing),
        seat.local_addr().unwrap(),
        sdp.len()
    );
    seat.send_to(answer.as_bytes(), engine).unwrap();
    let answered = next(caller);
    assert!(answered.starts_with("SIP/2.0 200 "), "{answered}");
    let ack = request("ACK", "UDP", from, "large", "", "");
    let ack = ack.replace("To: <sip:12356@127.0.0.1>", to(&answered));
    let ack = ack.replace("z9hG4bK-large", "z9hG4bK-ack");
    caller.send_to(ack.as_bytes(), engine).unwrap();
    assert!(next(seat).starts_with("ACK "));
    // The caller's ACK is behind this in the engine's socket.
    caller
        .send_to(support::options("UDP", from, "behind").as_bytes(), engine)
        .unwrap();
    assert!(next(caller).contains("Call-ID: behind"));
}

fn begin(trunk: &str, takes_tcp: bool) -> (Running, UdpSocket, UdpSocket, Option<TcpListener>) {
    let (caller, tcp) = caller(takes_tcp);
    let seat = socket();
    let (running, _notices) = start(&Wanted {
        trunk: format!("peers = [\"127.0.0.1\"]{trunk}"),
        seats: vec![seat.local_addr().unwrap()],
        ..Wanted::default()
    });
    talking(address(&running, Transport::Udp), &caller, &seat);
    (running, caller, seat, tcp)
}

/// The response to a BYE.
fn done(bye: &str) -> String {
    let (copied, to) = (copied(bye), to(bye));
    format!("SIP/2.0 200 OK\r\n{copied}{to}\r\nContent-Length: 0\r\n\r\n")
}

async fn hang_up(running: &Running) {
    // The other side of the call answers nothing, so this does not end by itself.
    let limit = std::time::Duration::from_millis(1);
    let _ = tokio::time::timeout(limit, running.hang_up_all()).await;
}

#[tokio::test]
async fn a_large_request_goes_by_tcp_once_and_its_response_ends_it() {
    let (running, caller, seat, tcp) = begin("", true);
    hang_up(&running).await;
    let (mut stream, _) = tcp.unwrap().accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let bye = String::from_utf8(text).unwrap();
    assert!(bye.starts_with("BYE ") && bye.len() > 1300, "{bye}");
    let via = format!(
        "Via: SIP/2.0/TCP {};branch=",
        address(&running, Transport::Tcp)
    );
    assert!(bye.contains(&via), "{bye}");
    // The seat hears its own BYE again and again, so the caller's would be sent again too.
    let byes = [next(&seat), next(&seat), next(&seat)];
    assert!(byes.iter().all(|it| it.starts_with("BYE ")), "{byes:?}");
    stream.set_nonblocking(true).unwrap();
    assert!(stream.read(&mut [0]).is_err(), "sent twice");
    caller.set_nonblocking(true).unwrap();
    assert!(caller.recv(&mut [0; 64]).is_err(), "a datagram as well");
    stream.set_nonblocking(false).unwrap();
    stream.write_all(done(&bye).as_bytes()).unwrap();
    let engine = address(&running, Transport::Udp);
    seat.send_to(done(&byes[0]).as_bytes(), engine).unwrap();
    assert_eq!(running.drain(PATIENCE).await, Drained::Quiet);
    assert_eq!(running.control().stats().await.sip.udp_too_large, 1);
}

#[tokio::test]
async fn who_does_not_take_tcp_gets_the_datagram_at_once() {
    let (running, caller, _seat, _) = begin("", false);
    hang_up(&running).await;
    let bye = next(&caller);
    assert!(bye.starts_with("BYE ") && bye.len() > 1300, "{bye}");
    assert!(bye.contains("Via: SIP/2.0/UDP "), "{bye}");
    assert_eq!(running.control().stats().await.sip.udp_too_large, 1);
}

#[tokio::test]
async fn a_trunk_that_is_udp_only_gets_datagrams() {
    let (running, caller, _seat, tcp) = begin("\ntransport = \"udp\"", true);
    hang_up(&running).await;
    let bye = next(&caller);
    assert!(bye.starts_with("BYE ") && bye.len() > 1300, "{bye}");
    assert!(bye.contains("Via: SIP/2.0/UDP "), "{bye}");
    assert_eq!(running.control().stats().await.sip.udp_too_large, 0);
    let tcp = tcp.unwrap();
    tcp.set_nonblocking(true).unwrap();
    assert!(tcp.accept().is_err(), "a connection all the same");
}
