//! REFER within a call: what is handed up, what is answered, and what its sender hears afterwards.

mod wire;

use meishier_model::LegId;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::{Endpoint, Event, LegError, LegSnapshot, LegState, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(120);
const TO_110: &str = "Refer-To: <sip:110@192.0.2.1>\r\n";

/// A call that came is up and its caller has sent a REFER with these headers.
fn referred(b: &mut Bench, headers: &str) -> (Caller, LegId) {
    let (mut caller, leg) = confirmed(b);
    b.receive(&caller.next("REFER", headers, ""));
    (caller, leg)
}

/// The NOTIFYs sent since the last look, as status line and Subscription-State up to its parameter.
fn told(b: &mut Bench) -> Vec<String> {
    b.drain();
    let notifies = b.sent.iter().filter(|m| m.method_str() == "NOTIFY");
    let out = notifies.map(|m| {
        let state = m.raw_header("Subscription-State").expect("RFC 6665 §8.2.1");
        let state = state.split([';', '=']).next().unwrap_or("").to_owned();
        let body = std::str::from_utf8(m.body()).unwrap().trim_end().to_owned();
        format!("{body}, {state}")
    });
    let out = out.collect();
    b.sent.clear();
    out
}

/// The last NOTIFY, answered with this status; what was sent before it is forgotten.
fn answer_notify(b: &mut Bench, status: u16) -> Message {
    let sent = b.sent.iter().rev();
    let mut notifies = sent.filter(|m| m.method_str() == "NOTIFY" && m.is_request());
    let notify = notifies.next().expect("a NOTIFY").clone();
    b.sent.clear();
    b.receive(&reply(&notify, status, "", "", ""));
    notify
}

fn refer_to(b: &Bench) -> Option<(String, bool)> {
    b.events.iter().rev().find_map(|event| match event {
        Event::Refer {
            refer_to, replaces, ..
        } => Some((refer_to.clone(), *replaces)),
        _ => None,
    })
}

#[test]
fn it_is_handed_up_accepted_and_told_of_in_order() {
    let mut b = Bench::udp();
    let by = "Referred-By: <sip:seat1@hotline.example>\r\n";
    let (caller, leg) = referred(&mut b, &format!("{TO_110}{by}"));
    assert_eq!(refer_to(&b), Some(("sip:110@192.0.2.1".to_owned(), false)));
    assert_eq!(b.take_events(), ["Refer"]);
    assert!(b.take_sent().is_empty(), "the user has not said anything");
    b.end.accept_refer(b.now, leg).unwrap();
    b.drain();
    let titles: Vec<String> = b.sent.iter().map(title).collect();
    assert_eq!(titles, ["200 REFER", "NOTIFY"], "RFC 7647 §7: never 202");
    assert!(b.sent[0].header(HeaderName::Contact).is_some());
    assert_eq!(b.sent[0].raw_header("Refer-Sub"), None);
    let first = answer_notify(&mut b, 200);
    assert_eq!(first.body(), b"SIP/2.0 100 Trying\r\n");
    assert_eq!(first.content_type(), "message/sipfrag");
    assert_eq!(first.header(HeaderName::Event), Some("refer"));
    assert_eq!(
        first.raw_header("Subscription-State"),
        Some("active;expires=900")
    );
    assert_eq!(first.request_uri(), "sip:13300001111@192.0.2.9:5070");
    assert_eq!(first.to_tag(), Some(&*caller.from_tag));
    assert!(
        first.header(HeaderName::Contact).is_some(),
        "RFC 6665 §8.1.1"
    );
    b.end.notify_refer(b.now, leg, 180).unwrap();
    let second = {
        b.drain();
        answer_notify(&mut b, 200)
    };
    assert_eq!(second.body(), b"SIP/2.0 180 Ringing\r\n");
    assert_eq!(second.cseq().0, first.cseq().0 + 1);
    b.end.notify_refer(b.now, leg, 180).unwrap();
    assert!(b.take_sent().is_empty(), "nothing new");
    b.end.notify_refer(b.now, leg, 200).unwrap();
    b.drain();
    let last = answer_notify(&mut b, 200);
    assert_eq!(last.body(), b"SIP/2.0 200 OK\r\n");
    let state = last.raw_header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=noresource"));
    assert_eq!(b.end.notify_refer(b.now, leg, 200), Err(LegError::State));
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    b.pass(LONG);
    assert!(b.take_sent().is_empty());
    assert!(b.take_events().is_empty());
}

#[test]
fn a_callee_may_send_it_too() {
    let mut b = Bench::udp();
    let (invite, leg) = called(&mut b);
    let (us, id) = (invite.from_tag().unwrap(), invite.call_id());
    let text = format!(
        "REFER sip:12356@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKrefer;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:seat1@hotline.example>;tag=callee\r\n\
         To: <sip:12356@hotline.example>;tag={us}\r\nCall-ID: {id}\r\nCSeq: 7 REFER\r\n\
         Contact: <sip:seat1@192.0.2.9:5070>\r\n{TO_110}Content-Length: 0\r\n\r\n"
    );
    b.receive(&text);
    b.end.accept_refer(b.now, leg).unwrap();
    b.receive(&text);
    assert_eq!(b.take_events(), ["Refer"], "once, however often it is sent");
    assert_eq!(b.take_sent(), ["200 REFER", "NOTIFY", "200 REFER"]);
}

#[test]
fn it_is_refused_with_what_the_user_says() {
    let mut b = Bench::udp();
    let (mut caller, leg) = referred(&mut b, TO_110);
    assert_eq!(
        b.end.reject_refer(b.now, leg, 200, &[]),
        Err(LegError::Status)
    );
    let why = [("Warning", "399 192.0.2.1 \"no\"")];
    b.end.reject_refer(b.now, leg, 403, &why).unwrap();
    b.drain();
    assert!(b.last().header(HeaderName::Warning).is_some());
    assert_eq!(b.take_sent(), ["403 REFER"]);
    assert_eq!(
        b.end.reject_refer(b.now, leg, 403, &[]),
        Err(LegError::State)
    );
    assert_eq!(b.end.accept_refer(b.now, leg), Err(LegError::State));
    assert_eq!(b.end.notify_refer(b.now, leg, 180), Err(LegError::State));
    let again = caller.request("REFER", "z9hG4bKfrom12", TO_110, "");
    b.receive(&again);
    assert_eq!(b.take_sent(), ["403 REFER"], "the same answer again");
    b.take_events();
    b.receive(&caller.next("REFER", TO_110, ""));
    assert_eq!(b.take_events(), ["Refer"], "another one is asked for anew");
}

#[test]
fn what_is_malformed_is_refused_before_anybody_hears_of_it() {
    let long = format!("Refer-To: <sip:{}@x>\r\n", "1".repeat(600));
    let cases = [
        "",
        "Refer-To: \r\n",
        "Refer-To: <sip:110@x>\r\nRefer-To: <sip:120@x>\r\n",
        "Refer-To: <sip:110@x>, <sip:120@x>\r\n",
        "Refer-To: <sip:110@x>\r\nr: <sip:120@x>\r\n",
        "Refer-To: <sip:110@x>\r\nReferred-By: <\r\n",
        "Refer-To: <sip:110@x>\r\nb: <sip:a@x>\r\nReferred-By: <sip:b@x>\r\n",
        &long,
    ];
    for headers in cases {
        let mut b = Bench::udp();
        let (_, leg) = referred(&mut b, headers);
        assert_eq!(b.take_sent(), ["400 REFER"], "{headers}");
        assert!(b.take_events().is_empty(), "{headers}");
        assert_eq!(b.end.accept_refer(b.now, leg), Err(LegError::State));
    }
}

#[test]
fn the_uri_is_handed_up_as_it_stands() {
    for (value, uri, replaces) in [
        ("<tel:+861085101>", "tel:+861085101", false),
        (
            "\"110\" <sip:%31%310@x;user=phone>",
            "sip:%31%310@x;user=phone",
            false,
        ),
        ("sip:110@x", "sip:110@x", false),
        ("<sip:110@x?Subject=a>", "sip:110@x?Subject=a", false),
        (
            "<sip:110@x?Replaces=a%40b>",
            "sip:110@x?Replaces=a%40b",
            true,
        ),
        (
            "<sip:110@x?a=b&%52eplaces=a>",
            "sip:110@x?a=b&%52eplaces=a",
            true,
        ),
    ] {
        let mut b = Bench::udp();
        referred(&mut b, &format!("Refer-To: {value}\r\n"));
        assert_eq!(refer_to(&b), Some((uri.to_owned(), replaces)), "{value}");
    }
}

#[test]
fn who_wants_to_hear_nothing_hears_nothing() {
    let mut b = Bench::udp();
    let (mut caller, leg) = referred(&mut b, &format!("{TO_110}Refer-Sub: false\r\n"));
    b.end.accept_refer(b.now, leg).unwrap();
    b.drain();
    assert_eq!(b.last().raw_header("Refer-Sub"), Some("false"));
    assert_eq!(b.take_sent(), ["200 REFER"]);
    assert_eq!(b.end.notify_refer(b.now, leg, 200), Err(LegError::State));
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE"]);
    b.assert_empty_after(LONG);
    let mut b = Bench::udp();
    let (_, leg) = referred(&mut b, &format!("{TO_110}Refer-Sub: true\r\n"));
    b.end.accept_refer(b.now, leg).unwrap();
    assert_eq!(b.take_sent(), ["200 REFER", "NOTIFY"]);
}

#[test]
fn what_is_newer_waits_until_the_notify_before_it_is_answered() {
    let mut b = Bench::udp();
    let (_, leg) = referred(&mut b, TO_110);
    b.end.accept_refer(b.now, leg).unwrap();
    b.drain();
    for status in [180, 183, 486, 180] {
        b.end.notify_refer(b.now, leg, status).unwrap();
    }
    let first = b.last().clone();
    assert_eq!(told(&mut b), ["SIP/2.0 100 Trying, active"]);
    b.receive(&reply(&first, 200, "", "", ""));
    let last = b.last().clone();
    assert_eq!(told(&mut b), ["SIP/2.0 486 Busy Here, terminated"]);
    assert!(last.cseq().0 > first.cseq().0);
    b.pass(Duration::from_secs(1));
    assert_eq!(b.take_sent(), ["NOTIFY"], "it repeats until it is answered");
    b.receive(&reply(&last, 200, "", "", ""));
    b.pass(LONG);
    assert!(b.take_sent().is_empty());
}

#[test]
fn a_peer_that_does_not_listen_is_told_no_more_and_the_call_stays() {
    for status in [Some(481), Some(500), Some(405), None] {
        let mut b = Bench::udp();
        let (mut caller, leg) = referred(&mut b, TO_110);
        b.end.accept_refer(b.now, leg).unwrap();
        b.drain();
        b.take_events();
        match status {
            Some(status) => drop(answer_notify(&mut b, status)),
            None => b.pass(Duration::from_secs(33)),
        }
        b.sent.clear();
        assert_eq!(b.end.notify_refer(b.now, leg, 200), Err(LegError::State));
        assert!(b.take_sent().is_empty());
        assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
        b.receive(&caller.next("REFER", TO_110, ""));
        assert_eq!(b.take_events(), ["Refer"]);
        b.end.accept_refer(b.now, leg).unwrap();
        b.drain();
        let id = format!("refer;id={}", caller.cseq);
        assert_eq!(
            b.last().header(HeaderName::Event),
            Some(&*id),
            "RFC 3515 §2.4.6"
        );
    }
}

#[test]
fn a_second_one_ends_what_is_told_of_the_first() {
    let mut b = Bench::udp();
    let (mut caller, leg) = referred(&mut b, TO_110);
    b.end.accept_refer(b.now, leg).unwrap();
    b.end.notify_refer(b.now, leg, 180).unwrap();
    b.drain();
    b.sent.clear();
    b.receive(&caller.next("REFER", "Refer-To: <sip:120@192.0.2.1>\r\n", ""));
    b.end.reject_refer(b.now, leg, 403, &[]).unwrap();
    assert_eq!(b.take_sent(), ["403 REFER"], "refused, it changes nothing");
    b.receive(&caller.next("REFER", "Refer-To: <sip:120@192.0.2.1>\r\n", ""));
    b.receive(&caller.next("REFER", "Refer-To: <sip:119@192.0.2.1>\r\n", ""));
    assert_eq!(b.take_sent(), ["500 REFER"], "one waits already");
    b.end.accept_refer(b.now, leg).unwrap();
    b.drain();
    let events: Vec<&str> = b
        .sent
        .iter()
        .filter_map(|m| m.header(HeaderName::Event))
        .collect();
    let second = format!("refer;id={}", caller.cseq - 1);
    assert_eq!(events, ["refer", &second]);
    assert_eq!(
        told(&mut b),
        [
            "SIP/2.0 180 Ringing, terminated",
            "SIP/2.0 100 Trying, active"
        ]
    );
}

#[test]
fn it_crosses_the_end_of_the_call() {
    // The sender hangs up before it is answered.
    let mut b = Bench::udp();
    let (mut caller, leg) = referred(&mut b, TO_110);
    b.take_events();
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE", "487 REFER"]);
    assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
    assert_eq!(b.end.accept_refer(b.now, leg), Err(LegError::Unknown));
    b.assert_empty_after(LONG);
    // We hang up, then it comes.
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = b.last().clone();
    b.receive(&caller.next("REFER", TO_110, ""));
    assert_eq!(b.take_sent(), ["BYE", "481 REFER"]);
    b.receive(&reply(&bye, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn a_call_that_ends_meanwhile_tells_so() {
    for by_peer in [true, false] {
        let mut b = Bench::udp();
        let (mut caller, leg) = referred(&mut b, TO_110);
        b.end.accept_refer(b.now, leg).unwrap();
        b.drain();
        b.take_events();
        answer_notify(&mut b, 200);
        match by_peer {
            true => b.receive(&caller.bye()),
            false => b.end.hangup(b.now, leg, None).unwrap(),
        }
        b.drain();
        let titles: Vec<String> = b.sent.iter().map(title).collect();
        match by_peer {
            true => assert_eq!(titles, ["200 BYE", "NOTIFY"]),
            false => assert_eq!(titles, ["NOTIFY", "BYE"]),
        }
        assert_eq!(told(&mut b), ["SIP/2.0 100 Trying, terminated"]);
        b.assert_empty_after(LONG);
    }
}

#[test]
fn nobody_is_told_for_ever() {
    let mut b = Bench::udp();
    let (_, leg) = referred(&mut b, TO_110);
    b.end.accept_refer(b.now, leg).unwrap();
    b.drain();
    answer_notify(&mut b, 200);
    b.pass(Duration::from_secs(899));
    b.end.notify_refer(b.now, leg, 180).unwrap();
    b.drain();
    let notify = answer_notify(&mut b, 200);
    let state = notify.raw_header("Subscription-State");
    assert_eq!(state, Some("active;expires=1"));
    b.pass(Duration::from_secs(2));
    let last = b.sent.iter().find(|m| m.is_request()).expect("a NOTIFY");
    let state = last.raw_header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=timeout"));
    assert_eq!(b.end.notify_refer(b.now, leg, 200), Err(LegError::State));
}

#[test]
fn before_the_call_is_up_it_has_to_come_again() {
    let mut b = Bench::udp();
    let (mut caller, _) = answered(&mut b);
    b.receive(&caller.next("REFER", TO_110, ""));
    assert_eq!(b.take_sent(), ["500 REFER"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn it_is_told_of_after_a_restart() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut b = Bench::new(transport);
        let (_, leg) = referred(&mut b, TO_110);
        b.end.accept_refer(b.now, leg).unwrap();
        b.end.notify_refer(b.now, leg, 180).unwrap();
        b.drain();
        let first = b.last().clone();
        let json = serde_json::to_string(&b.end.snapshot(b.now, leg).expect("a leg")).unwrap();
        let snapshot: LegSnapshot = serde_json::from_str(&json).unwrap();
        let mut settings = config();
        settings.seed = [9; 32];
        let mut fresh = Bench {
            end: Endpoint::new(settings),
            now: ms(5),
            flow: b.flow,
            sent: Vec::new(),
            events: Vec::new(),
        };
        fresh.end.restore(fresh.now, snapshot).unwrap();
        fresh.receive(&reply(&first, 200, "", "", ""));
        answer_notify(&mut fresh, 200);
        fresh.pass(Duration::from_secs(900));
        let last = fresh.sent.iter().find(|m| m.is_request());
        let last = last.expect("what was left of its time is left of it");
        assert_eq!(last.body(), b"SIP/2.0 180 Ringing\r\n");
        let state = last.raw_header("Subscription-State");
        assert_eq!(state, Some("terminated;reason=timeout"));
    }
}
