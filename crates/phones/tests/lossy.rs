//! Lost datagrams: retransmission makes a call succeed over a path that drops some.

mod common;

use common::{LIMIT, SEAT_HZ, SECOND};
use meishier_phones::{Behaviour, Dial, EndedBy, PhoneBank, PhoneOptions, SipTimers};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;

const FAST: SipTimers = SipTimers {
    t1: Duration::from_millis(20),
    t2: Duration::from_millis(80),
    t4: Duration::from_millis(100),
};

/// A path between two sides: loses the first `lost` copies of every different datagram.
///
/// It writes itself into the SIP messages, so that both sides answer through it.
async fn lossy_path(a: SocketAddr, b: SocketAddr, lost: usize) -> (SocketAddr, SocketAddr) {
    let to_b = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to_a = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (near_a, near_b) = (to_b.local_addr().unwrap(), to_a.local_addr().unwrap());
    tokio::spawn(async move {
        let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let (mut from_a, mut from_b) = (vec![0u8; 65_536], vec![0u8; 65_536]);
        loop {
            tokio::select! {
                Ok((length, _)) = to_b.recv_from(&mut from_a) => {
                    let message = from_a[..length].to_vec();
                    if count(&mut seen, &message) > lost {
                        let message = replace(&message, a, near_b);
                        to_a.send_to(&replace(&message, near_a, b), b).await.unwrap();
                    }
                }
                Ok((length, _)) = to_a.recv_from(&mut from_b) => {
                    let message = from_b[..length].to_vec();
                    if count(&mut seen, &message) > lost {
                        let message = replace(&message, b, near_a);
                        to_b.send_to(&replace(&message, near_b, a), a).await.unwrap();
                    }
                }
            }
        }
    });
    (near_a, near_b)
}

fn count(seen: &mut BTreeMap<Vec<u8>, usize>, message: &[u8]) -> usize {
    let copies = seen.entry(message.to_vec()).or_default();
    *copies += 1;
    *copies
}

fn replace(message: &[u8], old: SocketAddr, new: SocketAddr) -> Vec<u8> {
    String::from_utf8_lossy(message)
        .replace(&old.to_string(), &new.to_string())
        .into_bytes()
}

async fn over_a_lossy_path(
    lost: usize,
    behaviour: Behaviour,
) -> (
    PhoneBank,
    PhoneBank,
    meishier_phones::Call,
    meishier_phones::Phone,
) {
    let any = "127.0.0.1:0".parse().unwrap();
    let callers = PhoneBank::open_at(any, FAST).await.unwrap();
    let seats = PhoneBank::open_at(any, FAST).await.unwrap();
    let (near, _) = lossy_path(callers.address(), seats.address(), lost).await;
    let caller = callers
        .phone(PhoneOptions::new("133", common::CALLER_HZ, &[SEAT_HZ]))
        .await
        .unwrap();
    let options = PhoneOptions::new("12356", SEAT_HZ, &[common::CALLER_HZ]);
    let callee = seats
        .phone(PhoneOptions {
            behaviour,
            ..options
        })
        .await
        .unwrap();
    let call = caller.dial(Dial::new(near, "12356")).await.unwrap();
    (callers, seats, call, callee)
}

#[tokio::test]
async fn a_call_survives_the_loss_of_the_first_copies() {
    for lost in [1, 2] {
        let behaviour = Behaviour::answer_after(Duration::from_millis(10));
        let (_callers, _seats, call, callee) = over_a_lossy_path(lost, behaviour).await;
        assert!(call.wait_answered(LIMIT).await);
        let incoming = callee.next_call().await.unwrap();
        assert!(
            incoming.wait(LIMIT, |s| s.confirmed).await.1,
            "the ACK is repeated with each 200"
        );
        assert!(call.wait_heard(SEAT_HZ, SECOND, LIMIT).await);
        call.hang_up().await;
        assert_eq!(call.ended().await.status, 200);
        assert_eq!(incoming.ended().await.by, EndedBy::Remote);
    }
}

#[tokio::test]
async fn cancel_and_refusal_survive_loss() {
    let (_callers, _seats, call, _callee) = over_a_lossy_path(1, Behaviour::Ignore).await;
    assert!(call.wait_ringing(LIMIT).await);
    call.hang_up().await;
    assert_eq!(call.ended().await.status, 487);

    let refuse = Behaviour::Reject {
        status: 486,
        after: Duration::ZERO,
    };
    let (_callers, _seats, call, _callee) = over_a_lossy_path(1, refuse).await;
    assert_eq!(call.ended().await.status, 486);
}

#[tokio::test]
async fn a_phone_without_power_times_out() {
    let (_callers, _seats, call, _callee) = over_a_lossy_path(0, Behaviour::Silent).await;
    let end = call.ended().await;
    assert_eq!((end.by, end.status), (EndedBy::Timeout, 408));
}

#[tokio::test]
async fn an_answer_that_nobody_acknowledges_is_repeated_and_given_up() {
    let seats = PhoneBank::open_at("127.0.0.1:0".parse().unwrap(), FAST)
        .await
        .unwrap();
    let _callee = seats
        .phone(PhoneOptions::new("12356", SEAT_HZ, &[]))
        .await
        .unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let us = socket.local_addr().unwrap();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
    let invite = format!(
        "INVITE sip:12356@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKmute;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:x@{us}>;tag=1\r\nTo: <sip:12356@{to}>\r\nCall-ID: mute\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:x@{us}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len(),
        to = seats.address(),
    );
    socket
        .send_to(invite.as_bytes(), seats.address())
        .await
        .unwrap();
    let mut buffer = vec![0u8; 65_536];
    let mut answers = 0;
    loop {
        let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
        let message = String::from_utf8_lossy(&buffer[..length]);
        answers += usize::from(message.starts_with("SIP/2.0 200"));
        if message.starts_with("BYE ") {
            break;
        }
    }
    assert!(answers > 5, "the 200 came {answers} times");
}
