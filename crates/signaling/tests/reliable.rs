//! Reliable provisional responses (RFC 3262), on the wire: ours to a caller, and those of a callee.

mod wire;

use meishier_model::LegId;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::reliable::{Rack, Reliable, ReliableAction, ReliableState};
use meishier_signaling::{LegState, Reliability, Terms, Timers, Transport};
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

#[test]
fn ringing_is_sent_until_its_prack_comes() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut b = Bench::new(transport);
        let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
        b.end.ring(b.now, leg, 180, None).unwrap();
        b.drain();
        let ringing = b.last().clone();
        let number = rseq(&ringing);
        caller.learn(&ringing);
        b.sent.clear();
        b.pass(Duration::from_secs(4));
        assert_eq!(
            b.take_sent(),
            ["180 INVITE"; 3],
            "end to end, so on TCP too"
        );
        b.receive(&prack(&mut caller, number + 1, ""));
        assert_eq!(b.take_sent(), ["481 PRACK"], "§3: one that fits none");
        b.receive(&prack(&mut caller, number, ""));
        assert_eq!(b.take_sent(), ["200 PRACK"]);
        b.pass(Duration::from_secs(140));
        assert!(
            b.take_sent().is_empty(),
            "§3: a reliable one holds proxies off for 2.5 minutes"
        );
        b.pass(Duration::from_secs(10));
        let next = rseq(b.last());
        assert_eq!(next, number + 1, "the refresh is a new one");
        b.sent.clear();
        b.receive(&prack(&mut caller, next, ""));
        b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
        b.drain();
        assert_eq!(b.last().body(), ANSWER.as_bytes());
        b.receive(
            &caller
                .clone()
                .request("ACK", "z9hG4bKack", "", "")
                .replace(&format!("CSeq: {}", caller.cseq), "CSeq: 1"),
        );
        assert_eq!(b.take_events(), ["Confirmed"]);
        b.sent.clear();
        b.receive(&caller.bye());
        assert_eq!(b.take_sent(), ["200 BYE"]);
        b.assert_empty_after(LONG);
    }
}

#[test]
fn without_a_prack_the_call_is_refused_with_504() {
    let mut b = Bench::udp();
    let (caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    assert_eq!(
        b.take_sent(),
        ["183 INVITE"],
        "§3: the 200 waits for the PRACK of the answer"
    );
    b.pass(Duration::from_millis(31_999));
    assert_eq!(b.take_sent(), ["183 INVITE"; 6]);
    assert!(b.take_events().is_empty());
    b.pass(Duration::from_millis(1));
    let refused = b.last().clone();
    assert_eq!(b.take_sent(), ["504 INVITE"]);
    assert_eq!(b.take_events(), ["Ended NoPrack"]);
    let mut caller = caller;
    caller.learn(&refused);
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn an_answer_in_183_is_the_answer_and_the_200_waits_for_its_prack() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, MUST, OFFER);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    let early = b.last().clone();
    assert_eq!(early.body(), ANSWER.as_bytes());
    caller.learn(&early);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    assert_eq!(b.take_sent(), ["183 INVITE"], "one at a time");
    assert_eq!(b.end.leg_state(leg), Some(LegState::Ringing));
    b.receive(&prack(&mut caller, rseq(&early), ""));
    assert_eq!(title(&b.sent[0]), "200 PRACK");
    assert_eq!(title(&b.sent[1]), "200 INVITE");
    assert!(
        b.sent[1].body().is_empty(),
        "RFC 3261 §13.2.1: described once"
    );
    assert_eq!(b.sent.len(), 2, "no ringing after the answer");
    assert_eq!(b.end.leg_state(leg), Some(LegState::Answered));
}

#[test]
fn ringing_that_waits_follows_the_prack() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.drain();
    let first = b.last().clone();
    caller.learn(&first);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    assert_eq!(b.sent.len(), 1);
    b.sent.clear();
    b.receive(&prack(&mut caller, rseq(&first), ""));
    assert_eq!(rseq(b.last()), rseq(&first) + 1);
    assert_eq!(b.last().body(), ANSWER.as_bytes());
    assert_eq!(b.take_sent(), ["200 PRACK", "183 INVITE"]);
}

#[test]
fn ringing_without_description_does_not_hold_the_200_and_its_prack_is_answered_after() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.drain();
    let ringing = b.last().clone();
    caller.learn(&ringing);
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    assert_eq!(b.take_sent(), ["180 INVITE", "200 INVITE"]);
    b.receive(&prack(&mut caller, rseq(&ringing), ""));
    assert_eq!(b.take_sent(), ["200 PRACK"]);
    b.receive(&prack(&mut caller, rseq(&ringing), ""));
    assert_eq!(b.take_sent(), ["481 PRACK"]);
}

#[test]
fn a_cancel_ends_the_repetition_and_its_prack_is_answered_still() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
    let early = b.last().clone();
    b.sent.clear();
    b.receive(&caller.cancel());
    assert_eq!(b.take_sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(b.take_events(), ["Ended Cancelled"]);
    caller.learn(&early);
    b.receive(&prack(&mut caller, rseq(&early), ""));
    assert_eq!(b.take_sent(), ["200 PRACK"]);
    let mut first = caller.clone();
    first.cseq = 1;
    b.receive(&first.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn who_rings_reliably_is_a_matter_of_both_sides() {
    use Reliability::{Off, Required, Supported};
    for (headers, ours, reliable) in [
        ("", Off, false),
        ("", Supported, false),
        ("", Required, false),
        (CAN, Off, false),
        (CAN, Supported, true),
        (CAN, Required, true),
        (MUST, Off, true), // §3: whatever is sent goes reliably; whether to refuse is the user's.
        (MUST, Supported, true),
    ] {
        let mut b = Bench::udp();
        let (_, leg) = arrive(&mut b, headers, OFFER);
        b.end.set_terms(b.now, leg, terms(ours)).unwrap();
        b.end.ring(b.now, leg, 180, None).unwrap();
        b.drain();
        let found = b.last().header(HeaderName::RSeq).is_some();
        assert_eq!(found, reliable, "{headers:?} {ours:?}");
        assert!(b.end.set_terms(b.now, leg, terms(Off)).is_err(), "too late");
    }
}

#[test]
fn an_offer_of_ours_goes_in_a_reliable_response_and_its_answer_comes_in_the_prack() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, MUST, "");
    b.end.ring(b.now, leg, 183, Some(OFFER.as_bytes())).unwrap();
    b.drain();
    let early = b.last().clone();
    assert_eq!(early.body(), OFFER.as_bytes());
    caller.learn(&early);
    b.sent.clear();
    b.receive(&prack(&mut caller, rseq(&early), ANSWER));
    assert_eq!(b.take_sent(), ["200 PRACK"]);
    assert_eq!(b.take_events(), ["OfferAnswered"]);
    assert_eq!(b.end.take_ack_sdp(leg).as_deref(), Some(ANSWER.as_bytes()));
    b.end.answer(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    assert!(b.last().body().is_empty());

    // Unreliable responses hold no offer: it goes in the 200.
    let mut b = Bench::udp();
    let (_, leg) = arrive(&mut b, "", "");
    b.end.ring(b.now, leg, 183, Some(OFFER.as_bytes())).unwrap();
    b.drain();
    assert!(b.last().body().is_empty() && b.last().header(HeaderName::RSeq).is_none());
    b.end.answer(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    assert_eq!(b.last().body(), OFFER.as_bytes());
}

#[test]
fn a_settled_early_session_may_be_changed_by_prack_and_update() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    let early = b.last().clone();
    caller.learn(&early);
    b.sent.clear();
    b.receive(&caller.next("UPDATE", "", OFFER));
    assert_eq!(
        b.take_sent(),
        ["491 UPDATE"],
        "RFC 3311 §5.2: no answer is acknowledged yet"
    );
    b.receive(&prack(&mut caller, rseq(&early), OFFER));
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
    assert!(
        b.take_sent().is_empty(),
        "the 200 to the PRACK waits for the answer"
    );
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    assert!(
        b.take_sent().is_empty(),
        "and the 200 to the INVITE waits for that"
    );
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    b.drain();
    assert_eq!(b.sent[0].body(), ANSWER.as_bytes());
    assert_eq!(b.take_sent(), ["200 PRACK", "200 INVITE"]);

    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    caller.learn(b.last());
    let number = rseq(b.last());
    b.receive(&prack(&mut caller, number, ""));
    b.sent.clear();
    b.receive(&caller.next("UPDATE", "", OFFER));
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
    b.end.reject_reinvite(b.now, leg, 488, &[]).unwrap();
    assert_eq!(b.take_sent(), ["488 UPDATE"]);
    b.receive(&caller.next("UPDATE", "", OFFER));
    b.receive(&caller.next("BYE", "", ""));
    assert_eq!(
        b.take_sent(),
        ["200 BYE", "487 UPDATE", "487 INVITE"],
        "nothing is left open"
    );
}

// ---- the callee's

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

#[test]
fn a_snapshot_goes_on_waiting_for_the_prack() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN, OFFER);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
    let early = b.last().clone();
    caller.learn(&early);
    b.pass(Duration::from_secs(10));
    let kept = b.end.snapshot(b.now, leg).unwrap();
    let mut next = Bench::udp();
    next.now = ms(5_000_000);
    next.end.restore(next.now, kept).unwrap();
    next.pass(Duration::from_secs(6));
    assert_eq!(next.take_sent(), ["183 INVITE"], "at 15.5 s");
    let mut late = Bench::udp();
    late.now = next.now;
    late.end
        .restore(late.now, next.end.snapshot(next.now, leg).unwrap())
        .unwrap();
    late.pass(Duration::from_secs(16));
    let sent = late.take_sent();
    assert_eq!(sent, ["183 INVITE", "504 INVITE"], "the old limit");
    next.receive(&prack(&mut caller, rseq(&early), ""));
    assert_eq!(
        next.take_sent(),
        ["200 PRACK", "200 INVITE"],
        "what waited goes"
    );
}
