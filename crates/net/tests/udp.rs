//! SIP over UDP on ephemeral ports, and the start of the runtime.
#![allow(missing_docs)]

mod support;

use meishier_engine::signaling::Transport;
use meishier_engine::{Command, CommandError, Notice, Refusal, Reply, SeatChange};
use meishier_model::{SeatId, Wall};
use meishier_net::{Drained, StartError, Unavailable};
use std::net::UdpSocket;
use std::time::Duration;
use support::{
    PATIENCE, Wanted, address, config, invite, options, receive, socket, start, try_start,
};

#[test]
fn each_listener_tells_its_own_address() {
    let wanted = Wanted {
        listen: vec![
            "udp:127.0.0.1:0".into(),
            "{ on = \"udp:127.0.0.2:0\", advertised = \"192.0.2.9\" }".into(),
            "{ on = \"udp:127.0.0.3:0\", advertised = \"192.0.2.10:7060\", dscp = 0 }".into(),
        ],
        ..Wanted::default()
    };
    let (running, _notices) = start(&wanted);
    let caller = socket();
    let from = caller.local_addr().unwrap();
    let contacts = ["127.0.0.1:", "192.0.2.9:", "192.0.2.10:7060>"];
    for ((_, engine), contact) in running.sip_addresses().iter().zip(contacts) {
        let call = format!("of-{}", engine.ip());
        caller
            .send_to(invite("UDP", from, &call).as_bytes(), engine)
            .unwrap();
        let ringing = loop {
            let text = receive(&caller);
            if text.contains(&format!("Call-ID: {call}\r\n")) && text.contains("\r\nContact: ") {
                break text;
            }
        };
        let own = "Contact: <sip:";
        let line = ringing.lines().find(|it| it.starts_with(own)).unwrap();
        assert!(line.contains(contact), "{line}");
        if contact.ends_with(':') {
            let port = format!("{contact}{}", engine.port());
            assert!(line.contains(&port), "{line}");
        }
    }
}

#[test]
fn options_is_answered_with_200_on_an_ephemeral_port() {
    let (running, _notices) = start(&Wanted::default());
    let phone = socket();
    let engine = address(&running, Transport::Udp);
    phone.send_to(b"\r\n\r\n", engine).unwrap();
    let request = options("UDP", phone.local_addr().unwrap(), "udp-1");
    phone.send_to(request.as_bytes(), engine).unwrap();
    let answer = receive(&phone);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
}

#[test]
fn a_phone_behind_nat_learns_where_it_is_seen() {
    let (running, _notices) = start(&Wanted::default());
    let phone = socket();
    phone.set_read_timeout(Some(PATIENCE)).unwrap();
    let engine = address(&running, Transport::Udp);
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend(b"transaction!");
    phone.send_to(&request, engine).unwrap();
    let mut answer = [0; 64];
    let length = phone.recv(&mut answer).unwrap();
    assert_eq!(answer[..2], [1, 1], "a Binding success response");
    assert_eq!(answer[8..20], *b"transaction!");
    let port = phone.local_addr().unwrap().port() ^ 0x2112;
    assert_eq!(answer[26..28], port.to_be_bytes(), "our own port, masked");
    assert_eq!(length, 32);
}

#[test]
fn a_stranger_is_refused_and_the_refusal_is_told() {
    let wanted = Wanted {
        trunk: "peers = [\"203.0.113.7\"]".into(),
        ..Wanted::default()
    };
    let (running, notices) = start(&wanted);
    let phone = socket();
    let request = invite("UDP", phone.local_addr().unwrap(), "stranger");
    let engine = address(&running, Transport::Udp);
    phone.send_to(request.as_bytes(), engine).unwrap();
    loop {
        let notice = notices.recv_timeout(PATIENCE).expect("no refusal was told");
        if let Notice::Refused(refusal) = notice {
            assert_eq!(refusal, Refusal::UnknownSource);
            return;
        }
    }
}

#[test]
fn a_port_in_use_is_an_error_and_any_free_one_is_taken_only_if_allowed() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let wanted = Wanted {
        listen: vec![format!("udp:{taken}")],
        ..Wanted::default()
    };
    match try_start(config(&wanted), false) {
        Err(StartError::PortTaken { address, .. }) => assert_eq!(address, taken),
        other => panic!("{:?}", other.map(|_| ())),
    }
    let running = try_start(config(&wanted), true).unwrap();
    assert_ne!(address(&running, Transport::Udp), taken);
}

#[test]
fn two_engines_never_share_an_address() {
    let wanted = Wanted {
        shards: 4,
        ..Wanted::default()
    };
    let (first, _notices) = start(&wanted);
    for (transport, name) in [(Transport::Udp, "udp"), (Transport::Tcp, "tcp")] {
        let taken = address(&first, transport);
        let wanted = Wanted {
            shards: 4,
            listen: vec![format!("{name}:{taken}")],
            ..Wanted::default()
        };
        match try_start(config(&wanted), false) {
            Err(StartError::PortTaken { address, .. }) => assert_eq!(address, taken),
            other => panic!("{name}: {:?}", other.map(|_| ())),
        }
    }
}

#[tokio::test]
async fn commands_are_answered_until_the_engine_ends() {
    let (running, _notices) = start(&Wanted::default());
    let control = running.control();
    let ready = |seat| Command::Seat {
        seat: SeatId(seat),
        change: SeatChange::Ready,
    };
    let reply = control.command(ready(77)).await.unwrap();
    assert_eq!(reply, Reply::Seat(Err(CommandError::UnknownSeat)));
    let night = Wall(1_893_456_000_000);
    control.set_wall(night).await;
    assert!(control.clock().wall() >= night);
    assert_eq!(control.command_all(Command::View).await.len(), 1);
    assert_eq!(running.drain(Duration::from_secs(30)).await, Drained::Quiet);
    running.shutdown();
    assert_eq!(control.command(ready(0)).await, Err(Unavailable));
    assert!(control.stats().await.shards.is_empty());
}
