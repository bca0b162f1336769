//! SIP over TCP: framing, peers that do not read, connections of our own.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use support::{PATIENCE, Wanted, address, options, start, stranger};

fn connect(engine: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(engine).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A connection whose receive buffer is full soon.
fn narrow(engine: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&engine.into()).unwrap();
    socket.into()
}

/// Reads until `count` heads have come.
fn read_heads(stream: &mut TcpStream, count: usize) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let so_far = String::from_utf8_lossy(&text);
        if so_far.matches("\r\n\r\n").count() >= count {
            return so_far.into_owned();
        }
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "the engine closed the connection");
        text.extend_from_slice(&buffer[..length]);
    }
}

#[test]
fn messages_are_cut_out_of_the_stream_wherever_the_segments_end() {
    let (running, _notices) = start(&Wanted::default());
    let mut stream = connect(address(&running, Transport::Tcp));
    let from = stream.local_addr().unwrap();
    let mut bytes = b"\r\n\r\n".to_vec();
    for call in ["tcp-1", "tcp-2", "tcp-3"] {
        bytes.extend_from_slice(options("TCP", from, call).as_bytes());
    }
    // Segments that end within a head, at a message's end and within the next start line.
    let first = options("TCP", from, "tcp-1").len() + 4;
    let cuts = [
        0,
        2,
        57,
        first - 1,
        first,
        first + 3,
        bytes.len() - 2,
        bytes.len(),
    ];
    for part in cuts.windows(2) {
        stream.write_all(&bytes[part[0]..part[1]]).unwrap();
    }
    let answers = read_heads(&mut stream, 3);
    assert_eq!(answers.matches("SIP/2.0 200 ").count(), 3, "{answers}");
    assert!(
        answers.starts_with("\r\n"),
        "the ping was not answered first"
    );
}

#[test]
fn what_is_no_sip_ends_the_connection() {
    let (running, _notices) = start(&Wanted::default());
    let mut stream = connect(address(&running, Transport::Tcp));
    stream
        .write_all(b"\x16\x03\x01\x02\x00 this is TLS")
        .unwrap();
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_peer_that_does_not_read_loses_its_connection_and_stalls_nobody() {
    one_does_not_read(1).await;
}

#[tokio::test]
async fn nor_does_it_where_its_shard_is_on_another_thread_than_its_connection() {
    one_does_not_read(4).await;
}

async fn one_does_not_read(shards: u16) {
    let (running, _notices) = start(&Wanted {
        shards,
        ..Wanted::default()
    });
    let engine = address(&running, Transport::Tcp);
    let mut blocked = narrow(engine);
    let from = blocked.local_addr().unwrap();
    let writer = std::thread::spawn(move || {
        let mut written = 0_u64;
        while blocked
            .write_all(options("TCP", from, &format!("b{written}")).as_bytes())
            .is_ok()
        {
            written += 1;
        }
        written
    });
    let mut other = connect(engine);
    let from = other.local_addr().unwrap();
    for number in 0..200 {
        other
            .write_all(options("TCP", from, &format!("o{number}")).as_bytes())
            .unwrap();
        assert!(read_heads(&mut other, 1).starts_with("SIP/2.0 200 "));
    }
    assert!(writer.join().unwrap() > 0);
    let stats = running.control().stats().await;
    assert_eq!(stats.sip.tcp_blocked, 1);
    assert_eq!(stats.sip.tcp_connections, 1);
}

/// Asks, and gives the first line of what comes back; `None` if the engine has closed it.
fn asked(stream: &mut TcpStream, call: &str) -> Option<String> {
    let from = stream.local_addr().unwrap();
    stream
        .write_all(options("TCP", from, call).as_bytes())
        .ok()?;
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    Some(text.lines().next().unwrap().to_owned())
}

#[tokio::test]
async fn strangers_of_one_address_crowd_each_other_out_and_nobody_else() {
    let (running, _notices) = start(&Wanted::default());
    let engine = address(&running, Transport::Tcp);
    let refused = Some("SIP/2.0 403 Forbidden".to_owned());
    let mut other = stranger(engine, 3);
    assert_eq!(asked(&mut other, "other"), refused);
    let mut peer = connect(engine);
    assert_eq!(asked(&mut peer, "peer"), Some("SIP/2.0 200 OK".into()));
    let mut crowd: Vec<TcpStream> = (0..300).map(|_| stranger(engine, 2)).collect();
    // The last has its answer, so all before it have been accepted.
    assert_eq!(asked(&mut crowd[299], "last"), refused);
    assert_eq!(asked(&mut crowd[0], "first"), None);
    assert_eq!(asked(&mut crowd[43], "gone"), None);
    assert_eq!(asked(&mut crowd[44], "there"), refused);
    assert_eq!(asked(&mut other, "other-again"), refused);
    assert_eq!(
        asked(&mut peer, "peer-again"),
        Some("SIP/2.0 200 OK".into())
    );
    let stats = running.control().stats().await.sip;
    assert_eq!((stats.tcp_crowded, stats.tcp_connections), (44, 258));
}

#[tokio::test]
async fn when_strangers_have_filled_it_up_trunks_and_we_ourselves_still_get_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let trunk = listener.local_addr().unwrap();
    let wanted = Wanted {
        trunk: format!(
            "peers = [\"127.0.0.1\"]\nout = \"{trunk}\"\ntransport = \"tcp\"\noptions_every = \"1s\""
        ),
        ..Wanted::default()
    };
    let (running, _notices) = start(&wanted);
    let engine = address(&running, Transport::Tcp);
    let (mut ours, _) = listener.accept().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let first = read_heads(&mut ours, 1);
    assert!(first.starts_with("OPTIONS "));
    // From as many addresses as it takes to hold all that is there for strangers, and more.
    let mut crowd: Vec<TcpStream> = (0..15u8)
        .flat_map(|network| (0..256).map(move |_| network))
        .map(|network| stranger(engine, 10 + network))
        .collect();
    let refused = Some("SIP/2.0 403 Forbidden".to_owned());
    assert_eq!(asked(crowd.last_mut().unwrap(), "last"), refused);
    assert_eq!(asked(&mut crowd[0], "first"), None);
    let mut peer = connect(engine);
    assert_eq!(asked(&mut peer, "peer"), Some("SIP/2.0 200 OK".into()));
    // The engine has to connect anew to ask again.
    drop(ours);
    let (mut ours, _) = listener.accept().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(read_heads(&mut ours, 1).starts_with("OPTIONS "));
    let stats = running.control().stats().await.sip;
    assert_eq!(stats.tcp_refused, 0);
    assert_eq!(stats.tcp_crowded, 256);
}

#[test]
fn a_trunk_on_tcp_is_connected_to_when_there_is_something_to_say() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap();
    let wanted = Wanted {
        trunk: format!("peers = [\"{peer}\"]\ntransport = \"tcp\"\noptions_every = \"1s\""),
        ..Wanted::default()
    };
    let (_running, _notices) = start(&wanted);
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(read_heads(&mut stream, 1).starts_with("OPTIONS "));
}
