//! Whatever a stranger sends, the endpoint neither falls nor grows beyond its limits, and what it
//! answers can be read.

mod wire;

use meishier_signaling::message::Message;
use meishier_signaling::{Event, Transport};
use proptest::prelude::*;
use std::time::Duration;
use wire::*;

/// What is done to the bytes of a message that was right.
#[derive(Clone, Debug)]
enum Harm {
    Replace(u16, u8),
    Remove(u16, u8),
    Repeat(u16, u8),
    Swap(u8, u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        // NUL may stand in quoted strings (RFC 4475 §3.1.1.2) and is written as a space.
        (any::<u16>(), 1_u8..).prop_map(|(at, byte)| Harm::Replace(at, byte)),
        (any::<u16>(), any::<u8>()).prop_map(|(at, n)| Harm::Remove(at, n)),
        (any::<u16>(), any::<u8>()).prop_map(|(at, n)| Harm::Repeat(at, n)),
        (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Harm::Swap(a, b)),
    ]
}

fn apply(bytes: &mut Vec<u8>, harm: &Harm) {
    let place = |at: u16| usize::from(at) % bytes.len().max(1);
    match *harm {
        Harm::Replace(at, byte) => {
            let at = place(at);
            if let Some(b) = bytes.get_mut(at) {
                *b = byte;
            }
        }
        Harm::Remove(at, n) => {
            let at = place(at);
            let end = (at + usize::from(n)).min(bytes.len());
            bytes.drain(at..end);
        }
        Harm::Repeat(at, n) => {
            let at = place(at);
            let end = (at + usize::from(n)).min(bytes.len());
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        Harm::Swap(a, b) => {
            let mut lines: Vec<Vec<u8>> =
                bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            let n = lines.len();
            lines.swap(usize::from(a) % n, usize::from(b) % n);
            *bytes = lines.join(&b'\n');
        }
    }
}

/// Every kind of message at every moment of two calls, one each way.
fn messages(b: &mut Bench) -> Vec<String> {
    let (mut caller, leg) = answered(b);
    let mut out = vec![caller.invite(), caller.ack(true), caller.cancel()];
    b.receive(&caller.ack(true));
    for method in [
        "INVITE", "UPDATE", "INFO", "OPTIONS", "BYE", "PRACK", "REFER",
    ] {
        out.push(caller.next(method, "", OFFER));
    }
    let refer = "Refer-To: <sip:110@192.0.2.1?Replaces=a>\r\nReferred-By: <sip:b@192.0.2.9>\r\n";
    out.push(caller.next("REFER", refer, ""));
    b.receive(out.last().map_or("", String::as_str));
    b.end.accept_refer(b.now, leg).unwrap();
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.call();
    b.drain();
    let ours: Vec<Message> = b.sent.iter().filter(|m| m.is_request()).cloned().collect();
    for request in ours {
        for status in [100, 180, 200, 302, 481, 491, 503] {
            let headers = "Contact: <sip:x@192.0.2.9>\r\nRecord-Route: <sip:p1;lr>, <sip:p2>\r\n";
            out.push(reply(&request, status, "t", headers, ANSWER));
        }
    }
    out.push(Caller::new(2).request("REGISTER", "z9hG4bKr", "Expires: 60\r\n", ""));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strangers_do_no_harm(
        picks in prop::collection::vec((any::<u16>(), prop::collection::vec(harm(), 0..4), 0_u16..3000), 1..24),
        tcp in any::<bool>(),
    ) {
        let mut config = config();
        config.max_legs = 4;
        config.max_transactions = 8;
        let mut b = Bench::with(config, if tcp { Transport::Tcp } else { Transport::Udp });
        let messages = messages(&mut b);
        for (pick, harms, wait) in picks {
            let mut bytes = messages[usize::from(pick) % messages.len()].clone().into_bytes();
            for harm in &harms {
                apply(&mut bytes, harm);
            }
            b.end.handle_message(b.now, b.flow, &bytes);
            // Reads back everything that was sent.
            b.drain();
            b.pass(Duration::from_millis(wait.into()));
            let stats = b.end.stats();
            prop_assert!(stats.legs <= 4);
            prop_assert!(stats.server_transactions <= 8 + 4 * 4 + 4);
        }
        // Whoever is still there is hung up; then nothing may stay.
        let legs: Vec<_> = b.events.iter().filter_map(|e| match e {
            Event::Invite { leg, .. } | Event::Answered { leg, .. } => Some(*leg),
            _ => None,
        }).collect();
        for n in 1..10 {
            let _ = b.end.hangup(b.now, meishier_model::LegId(n), None);
        }
        b.pass(Duration::from_secs(200));
        prop_assert_eq!(b.end.stats(), Default::default());
        for leg in legs {
            let gone = b.events.iter().filter(|e| matches!(e, Event::Gone { leg: l } if *l == leg)).count();
            prop_assert_eq!(gone, 1);
        }
    }
}
