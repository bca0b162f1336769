//! A media thread between two telephones.
#![allow(missing_docs)]

mod support;

use meishier_engine::media::{
    Accept, Codec, Direction, Hub, MediaCommand, MediaEvent, Negotiated, PromptSet, Rtcp, Source,
};
use meishier_model::PortId;
use meishier_net::Clock;
use meishier_net::rtp::{PortSockets, RtpThread};
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
            protection: None,
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
    let sockets = [(LEFT, left_port), (RIGHT, right_port)];
    let sockets = sockets.map(|(id, rtp)| PortSockets {
        id,
        rtp,
        reports: None,
    });
    let hub = Hub::new(Arc::new(PromptSet::embedded()), 7);
    let sink = Box::new(move |event| events.send(event).map_err(|_| event));
    let thread = RtpThread::start("rtp-test", sockets.into(), hub, Clock::system(), sink).unwrap();
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

/// Two ports of which the second is one above the first.
fn pair() -> (UdpSocket, UdpSocket) {
    for _ in 0..1000 {
        let (rtp, address) = engine_port();
        let Some(above) = address.port().checked_add(1) else {
            continue;
        };
        if let Ok(reports) = UdpSocket::bind((address.ip(), above)) {
            reports.set_nonblocking(true).unwrap();
            return (rtp, reports);
        }
    }
    panic!("no two ports beside each other are free");
}

#[test]
fn reports_leave_from_the_port_above_or_with_the_speech() {
    let (phone, its_reports) = pair();
    let muxing = support::socket();
    phone.set_nonblocking(false).unwrap();
    its_reports.set_nonblocking(false).unwrap();
    let ((left, above), (right, above_right)) = (pair(), pair());
    let (left_at, above_at) = (left.local_addr().unwrap(), above.local_addr().unwrap());
    let right_at = right.local_addr().unwrap();
    let sockets = [(LEFT, left, above), (RIGHT, right, above_right)];
    let sockets = sockets.map(|(id, rtp, reports)| PortSockets {
        id,
        rtp,
        reports: Some(reports),
    });
    let (events, told) = channel();
    let hub = Hub::new(Arc::new(PromptSet::embedded()), 7);
    let sink = Box::new(move |event| events.send(event).map_err(|_| event));
    let clock = Clock::system();
    let thread = RtpThread::start("rtcp-test", sockets.into(), hub, clock, sink).unwrap();
    let rtcp = [Rtcp::Apart(its_reports.local_addr().unwrap()), Rtcp::Muxed];
    for (port, phone, rtcp) in [(LEFT, &phone, rtcp[0]), (RIGHT, &muxing, rtcp[1])] {
        let mut command = open(port, phone.local_addr().unwrap());
        if let MediaCommand::Open { media, .. } = &mut command {
            media.rtcp = rtcp;
        }
        thread.order(command).unwrap();
    }
    for (socket, from) in [(&its_reports, above_at), (&muxing, right_at)] {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 2048];
        let (length, source) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!(source, from);
        assert_eq!((buffer[0] >> 6, buffer[1]), (2, 201), "a receiver's report");
        // Our own stream, for the party to report of.
        let ours: [u8; 4] = buffer[4..8].try_into().unwrap();
        let of_it = |lost: u8| {
            let mut report = vec![0x81, 201, 0, 7, 1, 2, 3, 4];
            report.extend(ours);
            report.extend([0, 0, 0, lost]);
            report.extend([0; 16]);
            report
        };
        let (to, lost) = if from == above_at {
            (above_at, 7)
        } else {
            (right_at, 9)
        };
        let sender = if from == above_at {
            &its_reports
        } else {
            &muxing
        };
        sender.send_to(&of_it(lost), to).unwrap();
        assert!(length >= 8);
    }
    // RTP after RTCP on the same socket: when it was counted, the report was read.
    for (port, phone, to, lost) in [(RIGHT, &muxing, right_at, 9), (LEFT, &phone, left_at, 7)] {
        phone.send_to(&packet(1), to).unwrap();
        heard(&told, port);
        thread.order(MediaCommand::Close { port }).unwrap();
        let stats = loop {
            match told.recv_timeout(PATIENCE).unwrap() {
                MediaEvent::Closed {
                    port: closed,
                    stats,
                } if closed == port => break stats,
                _ => {}
            }
        };
        assert_eq!((stats.reports, stats.peer_lost), (1, lost), "{port:?}");
    }
}

/// Waits until it is told that the party is heard.
fn heard(told: &std::sync::mpsc::Receiver<MediaEvent>, party: PortId) {
    let is_heard = |event| matches!(event, MediaEvent::Heard { port } if port == party);
    while !is_heard(told.recv_timeout(PATIENCE).unwrap()) {}
}

#[test]
fn music_for_many_reaches_each_in_order() {
    const MANY: u32 = 100;
    let phone = support::socket();
    let there = phone.local_addr().unwrap();
    let (mut sockets, mut places) = (Vec::new(), Vec::new());
    for number in 0..MANY {
        let (rtp, address) = engine_port();
        places.push(address);
        sockets.push(PortSockets {
            id: PortId(number),
            rtp,
            reports: None,
        });
    }
    let hub = Hub::new(Arc::new(PromptSet::embedded()), 7);
    let thread = RtpThread::start(
        "rtp-test",
        sockets,
        hub,
        Clock::system(),
        Box::new(|_| Ok(())),
    )
    .unwrap();
    for port in (0..MANY).map(PortId) {
        thread.order(open(port, there)).unwrap();
        let source = Source::Music;
        thread.order(MediaCommand::Hear { port, source }).unwrap();
    }
    // More than one beat: what one left over goes before the next.
    let mut heard = vec![Vec::<u16>::new(); MANY as usize];
    let mut buffer = [0; 2048];
    while heard.iter().any(|numbers| numbers.len() < 5) {
        let (length, from) = phone.recv_from(&mut buffer).expect("no music");
        assert_eq!(length, 172);
        let place = places.iter().position(|place| *place == from).unwrap();
        let number = u16::from_be_bytes([buffer[2], buffer[3]]);
        // What the phone's socket could not hold is lost, but nothing comes twice or before its time.
        if let Some(last) = heard[place].last() {
            assert!((1..1000).contains(&number.wrapping_sub(*last)));
        }
        heard[place].push(number);
    }
}
