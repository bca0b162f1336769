//! Reliable responses of ours to a caller.

use crate::wire::*;
use crate::{CAN, LONG, MUST, arrive, prack, rseq, terms};
use meishier_model::LegId;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::{LegState, Reliability, Transport};
use std::time::Duration;

/// A call with this offer, if any, that hears this status reliably, with this description, if any; the
/// response, whose dialog the caller has learned.
fn rung(
    b: &mut Bench,
    headers: &str,
    offer: &str,
    (status, body): (u16, &str),
) -> (Caller, LegId, Message) {
    let (mut caller, leg) = arrive(b, headers, offer);
    let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
    b.end.ring(b.now, leg, status, body).unwrap();
    b.drain();
    let response = b.last().clone();
    caller.learn(&response);
    (caller, leg, response)
}

#[test]
fn ringing_is_sent_until_its_prack_comes() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut b = Bench::new(transport);
        let (mut caller, leg, ringing) = rung(&mut b, CAN, OFFER, (180, ""));
        let number = rseq(&ringing);
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
    let (mut caller, leg, early) = rung(&mut b, MUST, OFFER, (183, ANSWER));
    assert_eq!(early.body(), ANSWER.as_bytes());
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
    let (mut caller, leg, first) = rung(&mut b, CAN, OFFER, (180, ""));
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
    let (mut caller, leg, ringing) = rung(&mut b, CAN, OFFER, (180, ""));
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
    let (mut caller, leg, early) = rung(&mut b, MUST, "", (183, OFFER));
    assert_eq!(early.body(), OFFER.as_bytes());
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
    let (mut caller, leg, early) = rung(&mut b, CAN, OFFER, (183, ANSWER));
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
    let (mut caller, leg, early) = rung(&mut b, CAN, OFFER, (183, ANSWER));
    b.receive(&prack(&mut caller, rseq(&early), ""));
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

#[test]
fn a_snapshot_goes_on_waiting_for_the_prack() {
    let mut b = Bench::udp();
    let (mut caller, leg, early) = rung(&mut b, CAN, OFFER, (183, ANSWER));
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
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
