//! Four shards on as many workers as there are processors: whatever socket a message comes in on,
//! it reaches its shard, and a seat rings whichever shard its caller lives on.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use std::collections::BTreeSet;
use support::{Wanted, address, invite, options, receive, socket, start};

#[tokio::test]
async fn every_shard_gets_its_messages_from_one_socket() {
    let wanted = Wanted {
        shards: 4,
        ..Wanted::default()
    };
    let (running, _notices) = start(&wanted);
    let phone = socket();
    let from = phone.local_addr().unwrap();
    let engine = address(&running, Transport::Udp);
    for number in 0..64 {
        let request = options("UDP", from, &format!("spread-{number}"));
        phone.send_to(request.as_bytes(), engine).unwrap();
        assert!(receive(&phone).starts_with("SIP/2.0 200 "));
    }
    let stats = running.control().stats().await;
    let received: Vec<u64> = stats
        .shards
        .iter()
        .map(|shard| shard.counters.received_requests.iter().sum())
        .collect();
    assert_eq!(received.iter().sum::<u64>(), 64);
    assert!(received.iter().all(|count| *count > 0), "{received:?}");
    assert_eq!(stats.sip.inbox_dropped, 0);
}

#[test]
fn a_call_finds_its_seat_across_shards() {
    let phones: Vec<_> = (0..4).map(|_| socket()).collect();
    let wanted = Wanted {
        shards: 4,
        seats: phones.iter().map(|it| it.local_addr().unwrap()).collect(),
        ..Wanted::default()
    };
    let (running, _notices) = start(&wanted);
    let caller = socket();
    let from = caller.local_addr().unwrap();
    let engine = address(&running, Transport::Udp);
    for number in 0..4 {
        let request = invite("UDP", from, &format!("cross-{number}"));
        caller.send_to(request.as_bytes(), engine).unwrap();
    }
    let rung: BTreeSet<String> = phones
        .iter()
        .map(|phone| {
            let request = receive(phone);
            assert!(request.starts_with("INVITE sip:a"), "{request}");
            let call = request.lines().find(|line| line.starts_with("Call-ID:"));
            call.unwrap().to_owned()
        })
        .collect();
    assert_eq!(rung.len(), 4, "each seat rings for a call of its own");
}
