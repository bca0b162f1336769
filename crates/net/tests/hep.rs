//! Copies of SIP messages as a collector gets them, read by a decoder of the test's own.
#![allow(missing_docs)]

mod support;

use meishier_engine::config::{Hep, HepNumbers};
use meishier_engine::signaling::Transport;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use support::{Wanted, address, config, invite, options, receive, socket, try_start};

/// The chunks of a packet by their type; all must be generic ones, each there once.
fn chunks(packet: &[u8]) -> BTreeMap<u16, Vec<u8>> {
    assert_eq!(&packet[..4], b"HEP3");
    let number = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    assert_eq!(usize::from(number(4)), packet.len());
    let mut found = BTreeMap::new();
    let mut at = 6;
    while at < packet.len() {
        assert_eq!(number(at), 0, "vendor");
        let end = at + usize::from(number(at + 4));
        let value = packet[at + 6..end].to_vec();
        assert!(found.insert(number(at + 2), value).is_none());
        at = end;
    }
    found
}

fn copy(collector: &UdpSocket) -> BTreeMap<u16, Vec<u8>> {
    let mut buffer = [0; 65_536];
    let (length, _) = collector.recv_from(&mut buffer).expect("no copy came");
    chunks(&buffer[..length])
}

fn text(chunks: &BTreeMap<u16, Vec<u8>>) -> String {
    String::from_utf8(chunks[&15].clone()).unwrap()
}

fn port(chunks: &BTreeMap<u16, Vec<u8>>, kind: u16) -> u16 {
    u16::from_be_bytes(chunks[&kind][..].try_into().unwrap())
}

fn hep(collector: SocketAddr, numbers: HepNumbers, bodies: bool) -> Hep {
    Hep {
        collector,
        capture_id: 77,
        password: Some("secret".into()),
        numbers,
        bodies,
    }
}

#[test]
fn both_legs_of_a_call_carry_its_number_and_nobodys_number() {
    let (caller, seat, collector) = (socket(), socket(), socket());
    let wanted = Wanted {
        seats: vec![seat.local_addr().unwrap()],
        ..Wanted::default()
    };
    let mut config = config(&wanted);
    let there = collector.local_addr().unwrap();
    config.hep = Some(hep(there, HepNumbers::Masked, false));
    let running = try_start(config, true).unwrap();
    let engine = address(&running, Transport::Udp);
    let from = caller.local_addr().unwrap();
    let sent = invite("UDP", from, "copied");
    caller.send_to(sent.as_bytes(), engine).unwrap();
    let offered = receive(&seat);
    assert!(offered.starts_with("INVITE "));
    let (mut legs, mut calls) = (BTreeSet::new(), BTreeSet::new());
    // In whatever order threads sent them: the caller's INVITE, what it got, the seat's INVITE.
    while legs.len() < 2 {
        let copy = copy(&collector);
        let message = text(&copy);
        assert_eq!((&copy[&1][..], &copy[&2][..]), (&[2][..], &[17][..]));
        assert_eq!(
            (&copy[&11][..], &copy[&12][..]),
            (&[1][..], &[0, 0, 0, 77][..])
        );
        assert_eq!(copy[&14], b"secret");
        assert!(!message.contains("13800000000"), "{message}");
        assert!(message.ends_with("Content-Length: 0\r\n\r\n"), "{message}");
        let towards_us = port(&copy, 8) == engine.port();
        assert_ne!(towards_us, port(&copy, 7) == engine.port());
        if message.starts_with("INVITE ") {
            let peer = if towards_us { 7 } else { 8 };
            let place = if towards_us { from } else { wanted.seats[0] };
            assert_eq!(port(&copy, peer), place.port());
            assert!(message.contains("138****0000@"), "{message}");
            legs.insert(towards_us);
        }
        calls.insert(copy[&17].clone());
    }
    assert_eq!(calls.len(), 1, "one call, one number");
    let call = String::from_utf8(calls.pop_first().unwrap()).unwrap();
    assert!(offered.contains(&format!("X-Meishier-Call: {call}\r\n")));
}

#[test]
fn whole_copies_are_the_messages_themselves() {
    let (phone, collector) = (socket(), socket());
    let mut config = config(&Wanted::default());
    let there = collector.local_addr().unwrap();
    config.hep = Some(hep(there, HepNumbers::Whole, true));
    let running = try_start(config, true).unwrap();
    let engine = address(&running, Transport::Udp);
    let request = options("UDP", phone.local_addr().unwrap(), "alive");
    phone.send_to(request.as_bytes(), engine).unwrap();
    let answer = receive(&phone);
    let (first, second) = (copy(&collector), copy(&collector));
    assert_eq!(text(&first), request);
    assert_eq!(text(&second), answer);
    assert!(!first.contains_key(&17), "of no call");
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_no_message_and_is_counted() {
    let phone = socket();
    let gone = socket().local_addr().unwrap();
    let mut config = config(&Wanted::default());
    config.hep = Some(hep(gone, HepNumbers::Masked, true));
    let running = try_start(config, true).unwrap();
    let engine = address(&running, Transport::Udp);
    for call in ["one", "two", "three"] {
        let request = options("UDP", phone.local_addr().unwrap(), call);
        phone.send_to(request.as_bytes(), engine).unwrap();
        assert!(receive(&phone).starts_with("SIP/2.0 200 "));
    }
    let counts = running.control().stats().await.sip;
    assert_eq!(counts.hep_sent + counts.hep_dropped, 6);
    assert!(counts.hep_dropped > 0, "{counts:?}");
}
