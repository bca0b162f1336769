//! Trunks that go by a name, from DNS to the packets.
#![allow(missing_docs)]

#[path = "support/dns.rs"]
mod dns;
mod support;

use dns::{Server, a, naptr, srv};
use meishier_engine::signaling::Transport;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use support::{PATIENCE, Wanted, address, options, receive, socket, start};

/// A socket at an address of loopback that is not the usual one.
fn at(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn wanted(server: &Server, trunk: &str) -> Wanted {
    Wanted {
        trunk: trunk.into(),
        tls: format!("[dns]\nservers = [\"{}\"]\n", server.address),
        ..Wanted::default()
    }
}

#[tokio::test]
async fn a_trunk_is_where_its_name_says_moves_with_it_and_stays_when_dns_is_dead() {
    let server = Server::start();
    let (first, second) = (at("127.0.0.2"), at("127.0.0.3"));
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let name = "carrier.example";
    server.set(
        name,
        1,
        &[naptr(1, 1, "SIP+D2U", "_sip._udp.carrier.example")],
    );
    let service = "_sip._udp.carrier.example";
    server.set(service, 1, &[srv(1, 1, port(&first), "one.example")]);
    server.set("one.example", 1, &[a("127.0.0.2")]);
    let (running, _notices) = start(&wanted(
        &server,
        "peers = [\"127.0.0.1\"]\nto = [\"carrier.example\"]\noptions_every = \"1s\"",
    ));
    let asked = receive(&first);
    assert!(asked.starts_with("OPTIONS "), "{asked}");
    // The carrier moves.
    server.set(service, 1, &[srv(1, 1, port(&second), "two.example")]);
    server.set("two.example", 1, &[a("127.0.0.3")]);
    assert!(receive(&second).starts_with("OPTIONS "));
    server.fall_silent();
    // Until a search has come to nothing.
    while running.control().stats().await.dns.stale == 0 {
        assert!(receive(&second).starts_with("OPTIONS "));
    }
    let from = second.local_addr().unwrap();
    for number in 0..3 {
        let question = options("UDP", from, &format!("alive-{number}"));
        let engine = address(&running, Transport::Udp);
        second.send_to(question.as_bytes(), engine).unwrap();
        assert!(receive(&second).len() > 100);
    }
    let counts = running.control().stats().await.dns;
    assert!(counts.found >= 2 && counts.failed >= 1, "{counts:?}");
}

#[tokio::test]
async fn whoever_a_name_among_the_peers_stands_for_may_call() {
    let server = Server::start();
    server.set("calls.example", 3600, &[a("127.0.0.2")]);
    let (running, _notices) = start(&wanted(
        &server,
        "peers = [\"127.0.0.9\", \"calls.example\"]",
    ));
    let engine = address(&running, Transport::Udp);
    let (known, unknown) = (at("127.0.0.2"), socket());
    let status = |socket: &UdpSocket, call: &str| {
        let from = socket.local_addr().unwrap();
        let question = options("UDP", from, call);
        socket.send_to(question.as_bytes(), engine).unwrap();
        receive(socket).lines().next().unwrap().to_owned()
    };
    // DNS answers when it likes; the call that comes before is a stranger's.
    let mut tries = 0;
    while status(&known, &format!("known-{tries}")) != "SIP/2.0 200 OK" {
        tries += 1;
        assert!(tries < 10_000, "the name stands for nobody");
    }
    assert_eq!(status(&unknown, "unknown"), "SIP/2.0 403 Forbidden");
    let stats = running.control().stats().await;
    assert_eq!((stats.dns.found, stats.dns.stale), (1, 0));
}

#[test]
fn the_transport_is_the_one_that_naptr_prefers() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let name = "carrier.example";
    server.set(
        name,
        3600,
        &[
            naptr(2, 1, "SIP+D2U", "_sip._udp.carrier.example"),
            naptr(1, 1, "SIP+D2T", "_sip._tcp.carrier.example"),
        ],
    );
    server.set(
        "_sip._tcp.carrier.example",
        3600,
        &[srv(1, 1, port, "one.example")],
    );
    server.set("one.example", 3600, &[a("127.0.0.2")]);
    let (_running, _notices) = start(&wanted(
        &server,
        "peers = [\"127.0.0.1\"]\nto = [\"carrier.example\"]\noptions_every = \"1s\"",
    ));
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = [0; 8];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"OPTIONS ");
}
