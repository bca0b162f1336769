//! Reliable responses of a callee, and the early dialogs they make.

use crate::terms;
use crate::wire::*;
use meishier_signaling::Reliability;
use meishier_signaling::message::{HeaderName, Message};

fn ringing(request: &Message, tag: &str, rseq: u32, body: &str) -> String {
    let headers =
        format!("Contact: <sip:{tag}@192.0.2.9:5070>\r\nRequire: 100rel\r\nRSeq: {rseq}\r\n");
    reply(request, 183, tag, &headers, body)
}

#[test]
fn a_reliable_response_is_acknowledged_once_and_in_order() {
    let mut b = Bench::udp();
    b.call();
    let invite = b.last().clone();
    assert!(
        invite
            .header(HeaderName::Supported)
            .unwrap()
            .contains("100rel")
    );
    b.sent.clear();
    b.receive(&ringing(&invite, "a", 90, ""));
    let prack = b.last().clone();
    assert_eq!(b.take_sent(), ["PRACK"]);
    assert_eq!(prack.header(HeaderName::RAck), Some("90 1 INVITE"));
    assert_eq!((prack.cseq().0, prack.to_tag()), (2, Some("a")));
    assert_eq!(prack.request_uri(), "sip:a@192.0.2.9:5070");
    assert_eq!(b.take_events(), ["Progress 183"]);
    b.receive(&ringing(&invite, "a", 90, ""));
    assert!(
        b.take_sent().is_empty() && b.take_events().is_empty(),
        "§4: a repetition is dropped"
    );
    b.receive(&ringing(&invite, "a", 92, ANSWER));
    assert!(
        b.take_sent().is_empty() && b.take_events().is_empty(),
        "§4: 91 is missing"
    );
    b.receive(&ringing(&invite, "a", 91, ANSWER));
    assert_eq!(b.last().header(HeaderName::RAck), Some("91 1 INVITE"));
    assert_eq!(b.last().cseq().0, 3);
    assert_eq!(b.take_events(), ["Progress 183 sdp"]);
    b.receive(&reply(&prack, 200, "a", "", ""));
    b.sent.clear();
    // The 200 may come without a description; the acknowledged one holds.
    b.receive(&reply(
        &invite,
        200,
        "a",
        "Contact: <sip:a@192.0.2.9:5070>\r\n",
        "",
    ));
    assert_eq!(b.take_events(), ["Answered sdp"]);
    assert_eq!(b.take_sent(), ["ACK"]);
}

#[test]
fn without_rseq_or_tag_nothing_is_acknowledged() {
    let mut b = Bench::udp();
    b.call();
    let invite = b.last().clone();
    b.sent.clear();
    for headers in [
        "Require: 100rel\r\n",
        "Require: 100rel\r\nRSeq: x\r\n",
        "Require: 100rel\r\nRSeq: 0\r\n",
    ] {
        b.receive(&reply(&invite, 180, "a", headers, ""));
    }
    b.receive(&reply(
        &invite,
        180,
        "",
        "Require: 100rel\r\nRSeq: 4\r\n",
        "",
    ));
    assert!(b.take_sent().is_empty() && b.take_events().is_empty());
    b.receive(&reply(&invite, 180, "a", "RSeq: 4\r\n", ""));
    assert!(
        b.take_sent().is_empty(),
        "without Require it is an ordinary one"
    );
    assert_eq!(b.take_events(), ["Progress 180"]);
}

#[test]
fn every_fork_counts_for_itself_and_the_numbers_of_the_one_that_answers_go_on() {
    let mut b = Bench::udp();
    let leg = b.call();
    let invite = b.last().clone();
    b.sent.clear();
    b.receive(&ringing(&invite, "a", 5, ANSWER));
    b.receive(&ringing(&invite, "b", 700, ""));
    b.receive(&ringing(&invite, "b", 701, ""));
    let numbers: Vec<(String, u32)> = b
        .sent
        .iter()
        .map(|m| (m.to_tag().unwrap().into(), m.cseq().0))
        .collect();
    assert_eq!(numbers, [("a".into(), 2), ("b".into(), 2), ("b".into(), 3)]);
    for n in 0..20 {
        b.receive(&ringing(&invite, &format!("more{n}"), 1, ""));
    }
    let pracks = b.sent.iter().filter(|m| m.method_str() == "PRACK").count();
    assert_eq!(pracks, 3 + 6, "eight early dialogs are kept");
    b.sent.clear();
    b.events.clear();
    b.receive(&reply(
        &invite,
        200,
        "b",
        "Contact: <sip:b@192.0.2.9:5070>\r\n",
        OFFER,
    ));
    assert_eq!(b.take_events(), ["Answered sdp"]);
    b.sent.clear();
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    assert_eq!((title(b.last()).as_str(), b.last().cseq().0), ("BYE", 4));
}

#[test]
fn a_cancelled_call_acknowledges_still() {
    let mut b = Bench::udp();
    let leg = b.call();
    let invite = b.last().clone();
    b.sent.clear();
    b.end.hangup(b.now, leg, None).unwrap();
    b.receive(&ringing(&invite, "a", 5, ""));
    assert_eq!(b.take_sent(), ["PRACK", "CANCEL"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn a_request_of_an_early_dialog_is_answered_there() {
    let mut b = Bench::udp();
    b.call();
    let invite = b.last().clone();
    b.receive(&ringing(&invite, "a", 5, ""));
    b.sent.clear();
    let request = |method: &str, cseq: u32, body: &str| {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:12356@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKe{cseq}{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:seat1@hotline.example>;tag=a\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             {kind}Content-Length: {}\r\n\r\n{body}",
            invite.header(HeaderName::From).unwrap(),
            invite.call_id(),
            body.len()
        )
    };
    b.receive(&request("UPDATE", 9, OFFER));
    assert_eq!(b.take_sent(), ["491 UPDATE"], "our offer has no answer yet");
    b.receive(&request("UPDATE", 10, ""));
    b.receive(&request("OPTIONS", 11, ""));
    b.receive(&request("BYE", 12, ""));
    assert_eq!(b.take_sent(), ["200 UPDATE", "200 OPTIONS", "481 BYE"]);
    b.receive(&request("UPDATE", 3, ""));
    assert_eq!(b.take_sent(), ["500 UPDATE"], "out of order");
}

#[test]
fn our_invite_names_or_requires_it_or_neither() {
    for (ours, supported, required) in [
        (Reliability::Off, Some("timer"), None),
        (Reliability::Supported, Some("100rel, timer"), None),
        (Reliability::Required, Some("timer"), Some("100rel")),
    ] {
        let mut b = Bench::udp();
        let mut call = invite(b.flow);
        call.terms = terms(ours);
        b.end.invite(b.now, call).unwrap();
        b.drain();
        assert_eq!(b.last().header(HeaderName::Supported), supported);
        assert_eq!(b.last().header(HeaderName::Require), required);
        assert!(
            b.last()
                .header(HeaderName::Allow)
                .unwrap()
                .contains("PRACK")
        );
    }
}
