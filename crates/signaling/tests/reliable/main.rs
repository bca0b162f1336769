//! Reliable provisional responses (RFC 3262), on the wire: ours to a caller, and those of a callee.

mod ours;
mod theirs;
#[path = "../wire/mod.rs"]
mod wire;

use meishier_model::LegId;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::reliable::{Rack, Reliable, ReliableAction, ReliableState};
use meishier_signaling::{Reliability, Terms, Timers, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(200);
const CAN: &str = "Supported: 100rel\r\n";
const MUST: &str = "Require: 100rel\r\n";

fn arrive(b: &mut Bench, headers: &str, body: &str) -> (Caller, LegId) {
    let mut caller = Caller::new(1);
    if b.flow.transport == Transport::Tcp {
        caller = Caller::tcp(1);
    }
    b.receive(&caller.request("INVITE", &caller.branch, headers, body));
    let leg = b.incoming();
    b.sent.clear();
    b.events.clear();
    caller.cseq = 1;
    (caller, leg)
}

fn terms(reliable: Reliability) -> Terms {
    Terms {
        reliable,
        ..Terms::default()
    }
}

/// RSeq of a response, which must say that it is reliable.
fn rseq(response: &Message) -> u32 {
    assert_eq!(response.header(HeaderName::Require), Some("100rel"));
    response.header(HeaderName::RSeq).unwrap().parse().unwrap()
}

fn prack(caller: &mut Caller, rseq: u32, body: &str) -> String {
    caller.next("PRACK", &format!("RAck: {rseq} 1 INVITE\r\n"), body)
}

#[test]
fn the_machine_follows_its_table() {
    let timers = Timers::default();
    let rack = |rseq| Rack {
        rseq,
        cseq: 7,
        method: "INVITE",
    };
    let mut m = Reliable::new(u64::MAX, 7);
    assert_eq!((m.state(), m.deadline()), (ReliableState::Idle, None));
    let first = m.on_send(ms(0), &timers, false).unwrap();
    assert!((1..0x7fff_ffff).contains(&first), "§3: 1 to 2^31 - 1");
    assert!(
        !m.holds_answer(),
        "without a description a 200 may go at once"
    );
    assert_eq!(m.on_send(ms(1), &timers, true), None, "one at a time");
    for wrong in [
        rack(first + 1),
        Rack {
            cseq: 8,
            ..rack(first)
        },
        Rack {
            method: "UPDATE",
            ..rack(first)
        },
    ] {
        assert!(!m.on_prack(wrong), "{wrong:?}");
    }
    let mut again = Vec::new();
    let mut now = ms(0);
    loop {
        now = m.deadline().unwrap_or(now);
        match m.on_timeout(now) {
            ReliableAction::Resend => again.push(now.0 / 1000),
            ReliableAction::GiveUp => break,
            ReliableAction::Nothing => panic!("asked at the moment that it named"),
        }
    }
    assert_eq!(
        again,
        [500, 1500, 3500, 7500, 15500, 31500],
        "§3: T1, doubled each time, without T2"
    );
    assert_eq!(now, ms(32_000), "64·T1");
    assert_eq!((m.state(), m.deadline()), (ReliableState::Closed, None));
    assert!(!m.on_prack(rack(first)), "too late");

    let mut m = Reliable::new(5, 7);
    let first = m.on_send(ms(0), &timers, true).unwrap();
    assert!(m.holds_answer());
    assert!(m.on_prack(rack(first)));
    assert!(!m.on_prack(rack(first)), "once");
    assert_eq!(
        m.on_send(ms(9), &timers, false),
        Some(first + 1),
        "one higher"
    );
    m.on_final();
    assert_eq!(
        (m.state(), m.deadline()),
        (ReliableState::Overtaken, None),
        "not sent again"
    );
    assert!(m.on_prack(rack(first + 1)), "its PRACK is answered still");
    assert_eq!(m.state(), ReliableState::Closed);
    assert_eq!(m.on_send(ms(10), &timers, false), None);
}

#[test]
fn rack_reads_three_words_and_nothing_else() {
    let good = Rack::parse("776656 1 INVITE").unwrap();
    assert_eq!((good.rseq, good.cseq, good.method), (776_656, 1, "INVITE"));
    for bad in [
        "",
        "1",
        "1 2",
        "x 1 INVITE",
        "1 +2 INVITE",
        "1 2 INVITE x",
        "4294967296 1 INVITE",
        "-1 1 INVITE",
    ] {
        assert_eq!(Rack::parse(bad), None, "{bad}");
    }
}
