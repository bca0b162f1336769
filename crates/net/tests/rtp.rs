//! A media thread between two telephones.
#![allow(missing_docs)]

mod support;

use meishier_engine::media::{
    Accept, Codec, Direction, Hub, MediaCommand, MediaEvent, Negotiated, PromptSet, Source,
};
use meishier_model::PortId;
use meishier_net::Clock;
use meishier_net::rtp::RtpThread;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use support::PATIENCE;

const LEFT: PortId = PortId(0);
const RIGHT: PortId = PortId(1);

fn packet(number: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend_from_slice(&number.to_be_bytes());
    packet.extend_from_slice(&(u32::from(number) * 160).to_be_bytes());
    packet.extend_from_slice(&[1, 2, 3, 4]);
    packet.extend_from_slice(&[0x5a; 160]);
    packet
}

fn open(port: PortId, remote: SocketAddr) -> MediaCommand {
    MediaCommand::Open {
        port,
        media: Negotiated {
            remote,
            codec: Codec::Pcma,
            payload_type: 8,
            telephone_event: None,
            ptime_ms: 20,
            direction: Direction::SendRecv,
            rtcp: Default::default(),
        },
        accept: Accept {
            sdp: remote.ip(),
            signalling: None,
        },
    }
}

fn engine_port() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn two_telephones_hear_each_other_and_the_end_is_told() {
    let phones = [support::socket(), support::socket()];
    let [left, right] = [&phones[0], &phones[1]];
    let ((left_port, left_address), (right_port, right_address)) = (engine_port(), engine_port());
    // Packets that came before the call must not be heard in it.
    let early = support::socket();
    early.send_to(&packet(9), left_address).unwrap();

    let (events, told) = channel();
    let sockets = vec![(LEFT, left_port), (RIGHT, right_port)];
    let hub = Hub::new(Arc::new(PromptSet::embedded()), 7);
    let sink = Box::new(move |event| events.send(event).map_err(|_| event));
    let thread = RtpThread::start("rtp-test", sockets, hub, Clock::system(), sink).unwrap();
    thread
        .order(open(LEFT, left.local_addr().unwrap()))
        .unwrap();
    thread
        .order(open(RIGHT, right.local_addr().unwrap()))
        .unwrap();
    for (port, peer) in [(LEFT, RIGHT), (RIGHT, LEFT)] {
        let source = Source::Peer(peer);
        thread.order(MediaCommand::Hear { port, source }).unwrap();
    }
    for (from, to, engine) in [(left, right, left_address), (right, left, right_address)] {
        assert_eq!(relayed(from, to, engine)[12..], packet(0)[12..]);
    }
    for port in [LEFT, RIGHT] {
        thread.order(MediaCommand::Close { port }).unwrap();
        let mut event = told.recv_timeout(PATIENCE).unwrap();
        while matches!(event, MediaEvent::Heard { .. }) {
            event = told.recv_timeout(PATIENCE).unwrap();
        }
        match event {
            MediaEvent::Closed {
                port: closed,
                stats,
            } => {
                assert_eq!(closed, port);
                assert!(stats.received > 0 && stats.sent > 0, "{stats:?}");
                assert_eq!(
                    stats.wrong_source, 0,
                    "a packet from before the call was heard"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Sends until the first packet comes out: those that are there before the port is open are lost.
fn relayed(from: &UdpSocket, to: &UdpSocket, engine: SocketAddr) -> Vec<u8> {
    to.set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let mut buffer = [0; 2048];
    for number in 0..u16::MAX {
        from.send_to(&packet(number), engine).unwrap();
        if let Ok((length, _)) = to.recv_from(&mut buffer) {
            return buffer[..length].to_vec();
        }
    }
    panic!("nothing was relayed");
}
