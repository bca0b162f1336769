//! Calls of ours: what goes out on the wire, and what the engine hears.

mod wire;

use meishier_signaling::message::{HeaderName, Message, Method};
use meishier_signaling::{EndpointError, Event, LegState, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(120);
const CONTACT: &str = "Contact: <sip:seat1@192.0.2.9:5070>\r\n";

#[test]
fn a_call_is_answered_acknowledged_and_hung_up() {
    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    assert_eq!(request.request_uri(), "sip:seat1@192.0.2.9:5070");
    assert_eq!(
        request.header(HeaderName::Contact),
        Some("<sip:12356@192.0.2.1:5060>")
    );
    assert_eq!(request.raw_header("X-Call"), Some("7"));
    assert_eq!(request.header(HeaderName::MaxForwards), Some("70"));
    assert_eq!(request.top_via().rport, Some(None));
    assert!(
        request.call_id().starts_with("~0003-"),
        "the Call-ID carries the shard"
    );
    assert_eq!(b.end.call_id(leg), Some(request.call_id()));
    b.receive(&reply(&request, 100, "", "", ""));
    b.receive(&reply(&request, 180, "callee", CONTACT, ""));
    b.receive(&reply(&request, 183, "callee", CONTACT, ANSWER));
    assert_eq!(b.take_events(), ["Progress 180", "Progress 183 sdp"]);
    b.sent.clear();
    let ok = reply(&request, 200, "callee", CONTACT, ANSWER);
    b.receive(&ok);
    let ack = b.last().clone();
    assert_eq!(ack.cseq(), (request.cseq().0, "ACK"));
    assert_ne!(
        ack.top_via().branch,
        request.top_via().branch,
        "the ACK of a 2xx has its own branch"
    );
    assert_eq!(b.take_events(), ["Answered sdp"]);
    b.receive(&ok);
    assert_eq!(
        b.last().bytes(),
        ack.bytes(),
        "the ACK again for the 200 again"
    );
    assert!(b.take_events().is_empty());
    b.sent.clear();
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = b.last().clone();
    assert_eq!(bye.cseq(), (request.cseq().0 + 1, "BYE"));
    assert_eq!(bye.to_tag(), Some("callee"));
    b.receive(&reply(&bye, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn nobody_responds() {
    let mut b = Bench::udp();
    let start = b.now;
    b.call();
    let mut at = vec![];
    b.sent.clear();
    while b.events.is_empty() {
        b.now = b.end.poll_timeout().unwrap();
        b.end.handle_timeout(b.now);
        b.drain();
        if b.take_sent() == ["INVITE"] {
            at.push(b.now.since(start).as_millis());
        }
    }
    assert_eq!(at, [500, 1500, 3500, 7500, 15500, 31500], "timer A");
    assert_eq!(b.now.since(start).as_secs(), 32, "timer B");
    assert_eq!(b.take_events(), ["Failed 408", "Gone"]);
    b.assert_empty_after(Duration::ZERO);
}

#[test]
fn over_tcp_the_invite_is_sent_once() {
    let mut b = Bench::new(Transport::Tcp);
    b.call();
    assert!(
        b.last()
            .header(HeaderName::Contact)
            .unwrap()
            .contains("transport=tcp")
    );
    b.pass(Duration::from_secs(32));
    assert_eq!(b.take_sent(), ["INVITE"]);
    assert_eq!(b.take_events(), ["Failed 408", "Gone"]);
    b.assert_empty_after(Duration::ZERO);
}

#[test]
fn a_refusal_is_acknowledged_as_often_as_it_comes() {
    let mut b = Bench::udp();
    b.call();
    let request = b.last().clone();
    b.sent.clear();
    let busy = reply(&request, 486, "callee", "Reason: Q.850;cause=17\r\n", "");
    b.receive(&busy);
    let ack = b.last().clone();
    assert_eq!(
        ack.top_via().branch,
        request.top_via().branch,
        "the ACK of a failure has the INVITE's branch"
    );
    assert_eq!(ack.request_uri(), request.request_uri());
    assert_eq!(ack.to_tag(), Some("callee"));
    assert!(
        matches!(&b.events[0], Event::Failed { status: 486, reason: Some(r), .. } if r == "Q.850;cause=17")
    );
    assert_eq!(b.take_events(), ["Failed 486", "Gone"]);
    b.receive(&busy);
    assert_eq!(b.take_sent(), ["ACK", "ACK"]);
    assert!(b.take_events().is_empty());
    b.assert_empty_after(Duration::from_secs(32));
}

#[test]
fn hangup_while_it_rings_cancels() {
    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    b.receive(&reply(&request, 180, "callee", CONTACT, ""));
    b.take_events();
    b.sent.clear();
    b.end
        .hangup(
            b.now,
            leg,
            Some("SIP;cause=200;text=\"Call completed elsewhere\""),
        )
        .unwrap();
    b.drain();
    let cancel = b.last().clone();
    assert_eq!(cancel.method(), Some(Method::Cancel));
    assert_eq!(cancel.top_via().branch, request.top_via().branch);
    assert_eq!(cancel.cseq().0, request.cseq().0);
    assert_eq!(cancel.to_tag(), None);
    assert!(
        cancel
            .header(HeaderName::Reason)
            .unwrap()
            .contains("elsewhere")
    );
    b.receive(&reply(&cancel, 200, "callee", "", ""));
    b.receive(&reply(&request, 487, "callee", "", ""));
    assert_eq!(b.take_sent(), ["CANCEL", "ACK"]);
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    b.sent.clear();
    b.end.hangup(b.now, leg, None).unwrap();
    assert!(b.take_sent().is_empty(), "RFC 3261 §9.1");
    assert_eq!(b.end.leg_state(leg), Some(LegState::Cancelling));
    b.receive(&reply(&request, 100, "", "", ""));
    b.receive(&reply(&request, 180, "callee", "", ""));
    assert_eq!(b.take_sent(), ["CANCEL"], "once");
    assert!(b.take_events().is_empty());
    b.receive(&reply(&request, 487, "callee", "", ""));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn a_cancelled_call_that_never_ends_is_given_up() {
    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    b.receive(&reply(&request, 180, "callee", "", ""));
    b.end.hangup(b.now, leg, None).unwrap();
    b.take_events();
    b.pass(Duration::from_secs(32));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(Duration::ZERO);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    for provisional in [true, false] {
        let mut b = Bench::udp();
        let leg = b.call();
        let request = b.last().clone();
        if provisional {
            b.receive(&reply(&request, 180, "callee", CONTACT, ""));
        }
        b.end.hangup(b.now, leg, None).unwrap();
        b.drain();
        b.sent.clear();
        b.events.clear();
        let ok = reply(&request, 200, "callee", CONTACT, ANSWER);
        b.receive(&ok);
        let bye = b.last().clone();
        assert_eq!(b.take_sent(), ["ACK", "BYE"]);
        b.receive(&ok);
        assert_eq!(b.take_sent(), ["ACK"]);
        b.receive(&reply(&bye, 200, "", "", ""));
        assert_eq!(b.take_events(), ["Gone"], "no Answered after hangup");
        b.receive(&ok);
        assert_eq!(b.take_sent(), ["ACK"], "still known after the leg is gone");
        b.assert_empty_after(LONG);
    }
}

#[test]
fn another_fork_that_answers_is_released() {
    let mut b = Bench::udp();
    let (request, leg) = called(&mut b);
    let other = reply(
        &request,
        200,
        "other",
        "Contact: <sip:seat2@192.0.2.8>\r\nRecord-Route: <sip:p1;lr>\r\n",
        ANSWER,
    );
    b.receive(&other);
    let bye = b.last().clone();
    assert_eq!(b.take_sent(), ["ACK", "BYE"]);
    assert_eq!(bye.to_tag(), Some("other"));
    assert_eq!(bye.request_uri(), "sip:seat2@192.0.2.8");
    assert_eq!(bye.header(HeaderName::Route), Some("<sip:p1;lr>"));
    b.receive(&other);
    assert_eq!(b.take_sent(), ["ACK"], "one BYE is enough");
    assert!(b.take_events().is_empty());
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    for n in 0..20 {
        b.receive(&reply(&request, 200, &format!("f{n}"), CONTACT, ANSWER));
    }
    assert!(b.take_sent().len() <= 16, "forks have a limit");
}

#[test]
fn a_dead_flow_fails_what_waits_on_it() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut b = Bench::new(transport);
        b.call();
        let id = b.end.options(b.now, b.flow, "sip:192.0.2.9").unwrap();
        b.end.handle_flow_failed(b.now, b.flow);
        let events = b.take_events();
        assert_eq!(events.len(), 3);
        for event in ["Failed 503", "Gone", "Response 503"] {
            assert!(events.contains(&event.to_owned()));
        }
        assert_eq!(id, id.max(id));
        b.assert_empty_after(Duration::ZERO);
        let mut other = b.flow;
        other.remote.set_port(1);
        b.call();
        b.end.handle_flow_failed(b.now, other);
        assert!(
            b.take_events().is_empty(),
            "another flow is none of our business"
        );
    }
}

#[test]
fn options_tell_whether_the_peer_lives() {
    let mut b = Bench::udp();
    b.end.options(b.now, b.flow, "sip:192.0.2.9").unwrap();
    b.drain();
    let options = b.last().clone();
    b.receive(&reply(&options, 405, "x", "", ""));
    assert_eq!(b.take_events(), ["Response 405"]);
    b.end.options(b.now, b.flow, "sip:192.0.2.9").unwrap();
    b.sent.clear();
    b.pass(Duration::from_secs(32));
    assert_eq!(b.take_events(), ["Response 408"]);
    // 500, 1500, 3500, then every 4 s (timer E).
    assert_eq!(b.take_sent().len(), 1 + 3 + 7);
    b.assert_empty_after(Duration::from_secs(5));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut b = Bench::udp();
    let mut bad = invite(b.flow);
    bad.uri = "sip:x@y\r\nEvil: 1".into();
    assert_eq!(b.end.invite(b.now, bad).err(), Some(EndpointError::Uri));
    let mut odd = invite(b.flow);
    odd.from.display = Some("a\"b\r\nEvil: 1".into());
    odd.headers = vec![("X-A".into(), "1\r\nEvil: 1".into())];
    b.end.invite(b.now, odd).unwrap();
    b.drain();
    assert_eq!(b.last().raw_header("Evil"), None);
    assert_eq!(
        b.last().from_addr().unwrap().uri,
        "sip:12356@hotline.example"
    );
}

#[test]
fn stray_responses_are_counted_only() {
    let mut b = Bench::udp();
    b.call();
    let request = b.last().clone();
    let ok = reply(&request, 200, "callee", CONTACT, ANSWER);
    b.receive(&ok.replace("z9hG4bK", "z9hG4bKx"));
    b.receive(&ok.replace("1 INVITE", "1 OPTIONS"));
    assert!(b.take_events().is_empty());
    assert_eq!(b.end.counters().unmatched, 2);
    assert_eq!(b.end.counters().received_responses[200], 2);
}

#[test]
fn route_sets_are_reversed_for_the_caller_and_strict_routers_obeyed() {
    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    let rr = "Record-Route: <sip:p3;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>\r\n";
    b.receive(&reply(
        &request,
        200,
        "callee",
        &format!("{CONTACT}{rr}"),
        ANSWER,
    ));
    let check = |m: &Message| {
        assert_eq!(m.request_uri(), "sip:seat1@192.0.2.9:5070");
        assert_eq!(
            m.header(HeaderName::Route),
            Some("<sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>")
        );
    };
    check(b.last());
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    check(b.last());

    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    let rr = "Record-Route: <sip:p2;lr>, <sip:p1>\r\n";
    b.receive(&reply(
        &request,
        200,
        "callee",
        &format!("{CONTACT}{rr}"),
        ANSWER,
    ));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    assert_eq!(b.last().request_uri(), "sip:p1");
    assert_eq!(
        b.last().header(HeaderName::Route),
        Some("<sip:p2;lr>, <sip:seat1@192.0.2.9:5070>")
    );
}
