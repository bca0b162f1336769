//! Incoming calls: what a caller sees on the wire, and what the engine hears.

mod wire;

use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::{Event, LegError, LegState, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(120);

#[test]
fn a_call_rings_is_answered_and_hung_up_by_the_caller() {
    let mut b = Bench::udp();
    let mut caller = Caller::new(1);
    b.end
        .handle_message(b.now, b.flow, caller.invite().as_bytes());
    let trying = b
        .end
        .poll_transmit()
        .expect("100 before the event is polled");
    assert!(trying.bytes.starts_with(b"SIP/2.0 100 "));
    let leg = b.incoming();
    assert_eq!(b.take_events(), ["Invite"]);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.drain();
    let ringing = b.last().clone();
    assert_eq!(title(&ringing), "180 INVITE");
    assert!(
        ringing
            .header(HeaderName::Contact)
            .unwrap()
            .contains("12356@192.0.2.1:5060")
    );
    assert_eq!(b.end.leg_state(leg), Some(LegState::Ringing));
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
    let ok = b.last().clone();
    assert_eq!(ok.body(), ANSWER.as_bytes());
    assert_eq!(ok.to_tag(), ringing.to_tag(), "one dialog, one tag");
    assert!(ok.header(HeaderName::Allow).unwrap().contains("INVITE"));
    caller.learn(&ok);
    b.receive(&caller.ack(true));
    assert_eq!(b.take_events(), ["Confirmed"]);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    b.sent.clear();
    b.receive(&caller.next("BYE", "Reason: Q.850;cause=16\r\n", ""));
    assert_eq!(b.take_sent(), ["200 BYE"]);
    b.drain();
    assert!(matches!(&b.events[0], Event::Ended { reason: Some(r), .. } if r == "Q.850;cause=16"));
    assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
    assert_eq!(b.end.leg_state(leg), None);
    b.assert_empty_after(LONG);
}

#[test]
fn responses_go_back_where_the_request_came_from_with_rport_filled_in() {
    let mut b = Bench::udp();
    let mut request = Caller::new(1).invite();
    request = request.replace("192.0.2.9:5070;branch", "10.0.0.1:9;branch");
    b.receive(&request);
    let via = b.last().top_via();
    assert_eq!(
        (via.received, via.rport),
        (Some("192.0.2.9"), Some(Some(5070)))
    );
}

#[test]
fn a_repeated_invite_is_answered_from_the_transaction() {
    let mut b = Bench::udp();
    let (caller, leg) = arrived(&mut b);
    b.receive(&caller.invite());
    assert_eq!(b.take_sent(), ["100 INVITE"]);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    let early = b.last().bytes().to_vec();
    b.sent.clear();
    b.receive(&caller.invite());
    assert_eq!(b.last().bytes(), early);
    assert!(b.take_events().is_empty(), "the engine hears of one call");
    assert_eq!(b.end.counters().retransmissions_received, 2);
}

#[test]
fn the_200_is_repeated_until_the_ack_with_doubling_intervals() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut b = Bench::new(transport);
        let (caller, _) = answered(&mut b);
        let start = b.now;
        let mut at = Vec::new();
        while at.len() < 6 {
            b.now = b.end.poll_timeout().unwrap();
            b.end.handle_timeout(b.now);
            if b.take_sent() == ["200 INVITE"] {
                at.push(b.now.since(start).as_millis());
            }
        }
        assert_eq!(at, [500, 1500, 3500, 7500, 11500, 15500]);
        b.receive(&caller.invite());
        assert!(
            b.take_sent().is_empty(),
            "RFC 6026: the INVITE is absorbed after a 2xx"
        );
        b.receive(&caller.ack(true));
        assert_eq!(b.take_events(), ["Confirmed"]);
        b.pass(LONG);
        assert!(b.take_sent().is_empty(), "the ACK ends it");
    }
}

#[test]
fn without_an_ack_the_call_ends_with_bye_after_64_t1() {
    let mut b = Bench::udp();
    let (_, _) = answered(&mut b);
    b.pass(Duration::from_millis(31_999));
    assert!(b.take_events().is_empty());
    b.sent.clear();
    b.pass(Duration::from_millis(1));
    assert_eq!(b.take_sent(), ["BYE"]);
    assert_eq!(b.take_events(), ["Ended NoAck"]);
    b.pass(Duration::from_secs(40));
    assert_eq!(b.take_events(), ["Gone"], "the BYE timed out too");
    b.assert_empty_after(LONG);
}

#[test]
fn cancel_ends_a_call_that_was_not_answered() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.take_sent();
    b.receive(&caller.cancel());
    caller.learn(b.last());
    assert_eq!(b.take_sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(b.take_events(), ["Ended Cancelled"]);
    b.receive(&caller.cancel());
    assert_eq!(
        b.take_sent(),
        ["200 CANCEL"],
        "a repeated CANCEL is answered again"
    );
    b.pass(Duration::from_millis(500));
    assert_eq!(b.take_sent(), ["487 INVITE"], "timer G");
    assert_eq!(b.end.answer(b.now, leg, b""), Err(LegError::State));
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn cancel_after_the_answer_has_no_effect() {
    let mut b = Bench::udp();
    let (caller, leg) = answered(&mut b);
    b.receive(&caller.cancel());
    assert_eq!(b.take_sent(), ["200 CANCEL"]);
    assert!(b.take_events().is_empty());
    assert_eq!(b.end.leg_state(leg), Some(LegState::Answered));
}

#[test]
fn cancel_of_nothing_is_481() {
    let mut b = Bench::udp();
    b.receive(&Caller::new(1).cancel());
    assert_eq!(b.take_sent(), ["481 CANCEL"]);
    assert_eq!(b.end.counters().unmatched, 1);
    assert_eq!(b.end.stats(), Default::default());
}

#[test]
fn bye_before_the_ack_ends_the_call() {
    let mut b = Bench::udp();
    let (mut caller, _) = answered(&mut b);
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE"]);
    assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
    b.pass(LONG);
    assert!(b.take_sent().is_empty(), "no 200 is repeated any more");
    b.assert_empty_after(LONG);
}

#[test]
fn bye_in_the_early_dialog_gets_200_and_the_invite_487() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.drain();
    caller.learn(b.last());
    b.sent.clear();
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE", "487 INVITE"]);
    caller.cseq = 1;
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn a_repeated_bye_gets_the_same_answer() {
    let mut b = Bench::udp();
    let (mut caller, _) = confirmed(&mut b);
    let bye = caller.bye();
    b.receive(&bye);
    b.receive(&bye);
    assert_eq!(b.take_sent(), ["200 BYE", "200 BYE"]);
    b.assert_empty_after(LONG);
    b.receive(&bye);
    assert_eq!(
        b.take_sent(),
        ["481 BYE"],
        "when the transaction is over the dialog is unknown"
    );
}

#[test]
fn reject_is_repeated_until_its_ack_and_tells_gone_only() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end
        .reject(b.now, leg, 503, &[("Retry-After", "30")])
        .unwrap();
    b.drain();
    assert_eq!(b.last().header(HeaderName::RetryAfter), Some("30"));
    caller.learn(b.last());
    b.sent.clear();
    b.pass(Duration::from_millis(1500));
    assert_eq!(
        b.take_sent(),
        ["503 INVITE", "503 INVITE"],
        "timer G at 500 and 1500 ms"
    );
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
    b.receive(&caller.ack(false));
    b.pass(Duration::from_millis(4999));
    assert_eq!(b.end.stats().server_transactions, 1, "timer I");
    b.assert_empty_after(Duration::from_millis(1));
}

#[test]
fn a_failure_without_ack_is_given_up_after_64_t1() {
    let mut b = Bench::udp();
    let (_, leg) = arrived(&mut b);
    b.end.reject(b.now, leg, 486, &[]).unwrap();
    b.pass(Duration::from_secs(32));
    // 500, 1500, 3500, 7500, then every 4 s.
    assert_eq!(b.take_sent().len(), 1 + 4 + 6);
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(Duration::ZERO);
}

#[test]
fn over_tcp_a_failure_is_sent_once() {
    let mut b = Bench::new(Transport::Tcp);
    let (mut caller, leg) = arrived(&mut b);
    b.end.reject(b.now, leg, 486, &[]).unwrap();
    b.drain();
    caller.learn(b.last());
    b.pass(Duration::from_secs(5));
    assert_eq!(b.take_sent(), ["486 INVITE"]);
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(Duration::ZERO);
}

#[test]
fn hangup_before_the_answer_refuses_and_after_it_says_bye() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end.hangup(b.now, leg, Some("SIP;cause=480")).unwrap();
    b.drain();
    assert_eq!(b.last().header(HeaderName::Reason), Some("SIP;cause=480"));
    caller.learn(b.last());
    assert_eq!(b.take_sent(), ["480 INVITE"]);
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);

    let mut b = Bench::udp();
    let (_, leg) = confirmed(&mut b);
    b.end.hangup(b.now, leg, Some("Q.850;cause=16")).unwrap();
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = b.last().clone();
    assert_eq!(b.take_sent(), ["BYE"], "once");
    assert_eq!(bye.header(HeaderName::Reason), Some("Q.850;cause=16"));
    assert_eq!(
        bye.request_uri(),
        "sip:13300001111@192.0.2.9:5070",
        "the remote target"
    );
    assert_eq!(bye.to_tag(), Some("from1"));
    b.receive(&reply(&bye, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Gone"], "no Ended after our own hangup");
    b.assert_empty_after(LONG);
}

#[test]
fn hangup_before_the_ack_waits_for_it() {
    let mut b = Bench::udp();
    let (caller, leg) = answered(&mut b);
    b.end.hangup(b.now, leg, None).unwrap();
    assert!(
        b.take_sent().is_empty(),
        "RFC 3261 §15: no BYE before the ACK"
    );
    b.receive(&caller.ack(true));
    assert_eq!(b.take_sent(), ["BYE"]);
    assert!(b.take_events().is_empty());
    b.pass(Duration::from_secs(32));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn both_hang_up_at_once() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = b.last().clone();
    b.sent.clear();
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE"]);
    assert!(b.take_events().is_empty());
    b.receive(&reply(&bye, 481, "", "", ""));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn a_ringing_response_is_repeated_every_minute() {
    let mut b = Bench::udp();
    let (_, leg) = arrived(&mut b);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.take_sent();
    b.pass(Duration::from_secs(180));
    assert_eq!(b.take_sent(), ["180 INVITE"; 3]);
    assert_eq!(b.end.ring(b.now, leg, 199, None), Err(LegError::Status));
}

#[test]
fn bad_requests_are_refused_without_any_state() {
    let ok = Caller::new(1).invite();
    let require = "Require: timer, 100rel, foo\r\nContact";
    let table = [
        (
            ok.replace("Max-Forwards: 70", "Max-Forwards: 0"),
            "483 INVITE",
        ),
        (ok.replacen("Contact", require, 1), "420 INVITE"),
        (ok.replace("application/sdp", "text/plain"), "415 INVITE"),
        (
            ok.replace("Contact: <sip:13300001111@192.0.2.9:5070>\r\n", ""),
            "400 INVITE",
        ),
        (ok.replace("INVITE", "FLY"), "501 FLY"),
        (ok.replace("INVITE", "SUBSCRIBE"), "405 SUBSCRIBE"),
        (ok.replace("INVITE", "REFER"), "403 REFER"),
        (
            ok.replace("INVITE", "BYE")
                .replace("application/sdp", "a/b"),
            "481 BYE",
        ),
        (
            ok.replace("carrier.example>\r\n", "carrier.example>;tag=1-00\r\n"),
            "481 INVITE",
        ),
    ];
    for (request, answer) in table {
        let mut b = Bench::udp();
        b.receive(&request);
        let first = b.last().clone();
        assert_eq!(title(&first), answer);
        match first.status() {
            Some(420) => assert_eq!(first.header(HeaderName::Unsupported), Some("foo")),
            Some(405 | 501) => assert!(first.header(HeaderName::Allow).is_some()),
            _ => {}
        }
        b.receive(&request);
        assert_eq!(
            b.last().bytes(),
            first.bytes(),
            "the same answer to the same request"
        );
        assert!(b.take_events().is_empty());
        assert_eq!(b.end.stats(), Default::default());
    }
}

#[test]
fn malformed_bytes_are_counted_and_answered_400_where_that_is_possible() {
    let mut b = Bench::udp();
    b.receive("\r\n\r\n");
    assert_eq!(b.end.counters().malformed, 0, "a keep-alive is no message");
    b.receive("nonsense\r\n\r\n");
    assert!(b.take_sent().is_empty());
    b.receive(
        &Caller::new(1)
            .invite()
            .replace("Content-Length: ", "Content-Length: 9"),
    );
    assert_eq!(b.take_sent(), ["400 INVITE"]);
    assert_eq!(b.end.counters().malformed, 2);
}

#[test]
fn the_same_request_by_another_way_is_482() {
    let mut b = Bench::udp();
    let (caller, _) = arrived(&mut b);
    let other = caller.invite().replace(&caller.branch, "z9hG4bKother");
    b.receive(&other);
    assert_eq!(b.take_sent(), ["482 INVITE"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn a_peer_of_rfc_2543_without_branches_is_understood() {
    let mut b = Bench::udp();
    let mut caller = Caller::new(1);
    caller.branch = "1".into();
    b.receive(&caller.invite());
    let leg = b.incoming();
    b.events.clear();
    b.receive(&caller.invite());
    assert_eq!(b.take_sent(), ["100 INVITE"; 2]);
    b.end.reject(b.now, leg, 486, &[]).unwrap();
    b.drain();
    caller.learn(b.last());
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
}

#[test]
fn limits_answer_503_and_are_counted() {
    let mut config = config();
    config.max_legs = 2;
    let mut b = Bench::with(config, Transport::Udp);
    for n in 1..=3 {
        b.receive(&Caller::new(n).invite());
    }
    assert_eq!(b.last().header(HeaderName::RetryAfter), Some("5"));
    assert_eq!(b.take_sent(), ["100 INVITE", "100 INVITE", "503 INVITE"]);
    assert_eq!(b.end.counters().limited, 1);
    assert!(b.end.invite(b.now, invite(b.flow)).is_err());
    assert_eq!(b.end.stats().legs, 2);

    let mut config = wire::config();
    config.max_transactions = 4;
    let mut b = Bench::with(config, Transport::Udp);
    for n in 1..=3 {
        b.receive(&Caller::new(n).request("OPTIONS", &format!("z9hG4bKo{n}"), "", ""));
    }
    assert_eq!(b.take_sent(), ["503 OPTIONS"]);
    for n in 4..=6 {
        b.receive(&Caller::new(n).invite());
    }
    assert_eq!(
        b.take_sent(),
        ["100 INVITE", "100 INVITE", "503 INVITE"],
        "who only asks leaves half of them to callers"
    );
}

#[test]
fn requests_outside_dialogs_are_handed_up_and_answered_once() {
    let mut b = Bench::udp();
    let options = Caller::new(1).request("OPTIONS", "z9hG4bKo", "", "");
    b.receive(&options);
    let Some(Event::Request { id, .. }) = b.events.pop() else {
        panic!()
    };
    b.receive(&options);
    assert!(
        b.take_sent().is_empty(),
        "absorbed while nobody has answered"
    );
    b.end
        .respond(
            b.now,
            id,
            200,
            &[("Allow", "INVITE")],
            Some(("text/plain", b"hi")),
        )
        .unwrap();
    b.drain();
    assert_eq!(b.last().body(), b"hi");
    assert!(b.last().to_tag().is_some());
    b.receive(&options);
    assert_eq!(b.take_sent(), ["200 OPTIONS", "200 OPTIONS"]);
    assert!(b.end.respond(b.now, id, 200, &[], None).is_err());
    b.assert_empty_after(Duration::from_secs(32));

    b.receive(&Caller::new(2).request("REGISTER", "z9hG4bKr", "", ""));
    let Some(Event::Request { id, .. }) = b.events.pop() else {
        panic!()
    };
    b.pass(Duration::from_secs(32));
    assert!(
        b.end.respond(b.now, id, 200, &[], None).is_err(),
        "RFC 4320: too late"
    );
    b.assert_empty_after(Duration::ZERO);
}

#[test]
fn a_message_for_another_dialog_of_the_same_tag_is_481() {
    let mut b = Bench::udp();
    let (caller, leg) = confirmed(&mut b);
    for change in [("call-1@", "call-2@"), ("tag=from1", "tag=other")] {
        let mut other = caller.clone();
        let bye = other.bye().replace(change.0, change.1);
        b.receive(&bye);
        assert_eq!(b.take_sent(), ["481 BYE"]);
    }
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
}

#[test]
fn an_answer_with_our_offer_gets_its_answer_from_the_ack() {
    let mut b = Bench::udp();
    let mut caller = Caller::new(1);
    b.receive(&caller.request("INVITE", &caller.branch, "", ""));
    let leg = b.incoming();
    b.end.answer(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    caller.learn(b.last());
    b.receive(&caller.request("ACK", "z9hG4bKa", "", ANSWER));
    assert_eq!(b.take_events(), ["Invite", "Confirmed"]);
    assert_eq!(b.end.take_ack_sdp(leg).as_deref(), Some(ANSWER.as_bytes()));
    assert_eq!(b.end.take_ack_sdp(leg), None);
}

#[test]
fn nothing_personal_is_shown_by_events() {
    let mut b = Bench::udp();
    b.receive(&Caller::new(1).invite());
    b.drain();
    let shown = format!("{:?}", b.events);
    assert!(!shown.contains("1330000"), "{shown}");
    let _: &Message = b.last();
}
