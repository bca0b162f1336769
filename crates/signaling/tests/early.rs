//! Sessions that change before the call is answered (RFC 3311 §5), and callers whose reliable response
//! nobody acknowledges.

mod wire;

use meishier_model::LegId;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::reliable::{Reliable, ReliableAction, ReliableState};
use meishier_signaling::{Event, LegState, Terms, Timers, Transport};
use std::time::Duration;
use wire::*;

const SECOND: Duration = Duration::from_secs(1);
const CAN: &str = "Supported: 100rel\r\n";

fn arrive(b: &mut Bench, headers: &str) -> (Caller, LegId) {
    let caller = Caller::new(1);
    b.receive(&caller.request("INVITE", &caller.branch, headers, OFFER));
    let leg = b.incoming();
    b.sent.clear();
    b.events.clear();
    (caller, leg)
}

fn prack(caller: &mut Caller, early: &Message) -> String {
    let rseq = early.header(HeaderName::RSeq).unwrap();
    caller.next("PRACK", &format!("RAck: {rseq} 1 INVITE\r\n"), "")
}

/// A description of another port, in another version.
fn moved(body: &str, port: u16) -> String {
    let port = format!("m=audio {port}");
    let body = body.replacen("m=audio 4000", &port, 1);
    body.replacen("m=audio 5000", &port, 1)
        .replacen(" 1 IN IP4", " 2 IN IP4", 1)
}

/// A callee's 183 with the answer in it.
fn progress(invite: &Message, tag: &str, body: &str) -> String {
    let headers = format!("Contact: <sip:{tag}@192.0.2.9:5070>\r\nRequire: 100rel\r\nRSeq: 5\r\n");
    reply(invite, 183, tag, &headers, body)
}

/// A request of the callee in its early dialog.
fn early_request(invite: &Message, tag: &str, method: &str, cseq: u32, body: &str) -> String {
    format!(
        "{method} sip:12356@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK{tag}{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:seat1@hotline.example>;tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:{tag}{cseq}@192.0.2.9:5070>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        invite.header(HeaderName::From).unwrap(),
        invite.call_id(),
        body.len()
    )
}

fn call(b: &mut Bench, session: Option<Duration>) -> (LegId, Message) {
    let mut new = invite(b.flow);
    new.terms = Terms {
        session,
        ..Terms::default()
    };
    let leg = b.end.invite(b.now, new).unwrap();
    b.drain();
    let invite = b.last().clone();
    b.sent.clear();
    (leg, invite)
}

fn offered(b: &mut Bench) -> Vec<u8> {
    b.drain();
    let found = b.events.drain(..).find_map(|event| match event {
        Event::Reinvite { sdp, .. } => sdp,
        _ => None,
    });
    found.expect("a change is asked for")
}

#[test]
fn a_callee_may_offer_anew_before_its_answer_once_the_first_is_answered() {
    let mut b = Bench::udp();
    let (leg, invite) = call(&mut b, None);
    b.receive(&progress(&invite, "a", ANSWER));
    assert_eq!(b.take_sent(), ["PRACK"]);
    let wanted = moved(ANSWER, 5400);
    b.receive(&early_request(&invite, "a", "UPDATE", 9, &wanted));
    assert_eq!(offered(&mut b), wanted.as_bytes());
    assert!(b.take_sent().is_empty(), "the answer is our user's");
    // RFC 3311 §5.2: another one before that is answered.
    b.receive(&early_request(&invite, "a", "UPDATE", 10, &wanted));
    assert_eq!(b.last().header(HeaderName::RetryAfter), Some("1"));
    assert_eq!(b.take_sent(), ["500 UPDATE"]);
    let ours = moved(OFFER, 4400);
    b.end.answer_reinvite(b.now, leg, ours.as_bytes()).unwrap();
    b.drain();
    assert_eq!(b.last().body(), ours.as_bytes());
    assert!(b.last().header(HeaderName::Contact).is_some());
    assert_eq!(b.take_sent(), ["200 UPDATE"]);
    // What the 200 says is not looked at (RFC 3261 §13.2.1): the callee's last word is its offer.
    let contact = "Contact: <sip:a@192.0.2.9:5070>\r\n";
    b.receive(&reply(&invite, 200, "a", contact, ANSWER));
    let answered = b.events.drain(..).find_map(|event| match event {
        Event::Answered { sdp, .. } => sdp,
        _ => None,
    });
    assert_eq!(answered.as_deref(), Some(wanted.as_bytes()));
}

#[test]
fn what_one_fork_offers_is_nothing_to_the_other() {
    let mut b = Bench::udp();
    let (leg, invite) = call(&mut b, None);
    b.receive(&progress(&invite, "a", ANSWER));
    b.receive(&progress(&invite, "b", &moved(ANSWER, 5002)));
    b.events.clear();
    b.sent.clear();
    b.receive(&early_request(&invite, "a", "UPDATE", 9, OFFER));
    offered(&mut b);
    b.end.reject_reinvite(b.now, leg, 488, &[]).unwrap();
    assert_eq!(b.take_sent(), ["488 UPDATE"]);
    b.receive(&early_request(&invite, "a", "UPDATE", 10, OFFER));
    offered(&mut b);
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    let contact = "Contact: <sip:b@192.0.2.9:5070>\r\n";
    b.receive(&reply(&invite, 200, "b", contact, ""));
    let answered = b.events.drain(..).find_map(|event| match event {
        Event::Answered { sdp, .. } => sdp,
        _ => None,
    });
    assert_eq!(answered, Some(moved(ANSWER, 5002).into_bytes()));
}

#[test]
fn a_callee_that_we_give_up_is_not_asked_about() {
    let mut b = Bench::udp();
    let (leg, invite) = call(&mut b, None);
    b.receive(&progress(&invite, "a", ANSWER));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    b.sent.clear();
    b.events.clear();
    b.receive(&early_request(&invite, "a", "UPDATE", 9, OFFER));
    assert_eq!(b.take_sent(), ["488 UPDATE"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn a_refresh_after_an_early_change_describes_what_holds() {
    // The caller changes the session before the answer; the refresh is ours and goes by re-INVITE.
    let mut b = Bench::udp();
    let headers = format!("{CAN}Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n");
    let (mut caller, leg) = arrive(&mut b, &headers);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    let early = b.last().clone();
    caller.learn(&early);
    b.receive(&prack(&mut caller, &early));
    b.receive(&caller.next("UPDATE", "", &moved(OFFER, 4400)));
    let ours = moved(ANSWER, 5400);
    b.end.answer_reinvite(b.now, leg, ours.as_bytes()).unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
    assert!(b.last().body().is_empty(), "described before");
    caller.cseq = 1;
    b.receive(&caller.ack(true));
    // `takes_update` was learned from its UPDATE; it refuses ours all the same.
    b.sent.clear();
    b.pass(300 * SECOND);
    let update = b.last().clone();
    b.receive(&reply(&update, 405, "", "", ""));
    b.pass(SECOND);
    let again = b.last().clone();
    assert_eq!(title(&again), "INVITE");
    assert_eq!(again.body(), ours.as_bytes());
}

#[test]
fn a_refresh_of_a_callee_that_offered_early_describes_what_we_answered() {
    let mut b = Bench::udp();
    let (leg, invite) = call(&mut b, Some(600 * SECOND));
    b.receive(&progress(&invite, "a", ANSWER));
    b.receive(&early_request(&invite, "a", "UPDATE", 9, OFFER));
    let ours = moved(OFFER, 4400);
    b.end.answer_reinvite(b.now, leg, ours.as_bytes()).unwrap();
    let contact = "Contact: <sip:a@192.0.2.9:5070>\r\n";
    b.receive(&reply(&invite, 200, "a", contact, ""));
    b.sent.clear();
    b.pass(300 * SECOND);
    assert_eq!(title(b.last()), "INVITE");
    assert_eq!(b.last().body(), ours.as_bytes());
}

// ---- callers whose PRACK does not come

#[test]
fn the_patient_machine_sends_on_and_never_gives_up() {
    let timers = Timers::default();
    let mut m = Reliable::new(5, 7);
    m.be_patient();
    m.on_send(ms(0), &timers, true).unwrap();
    let mut again = Vec::new();
    while again.len() < 10 {
        let now = m.deadline().unwrap();
        assert_eq!(m.on_timeout(now), ReliableAction::Resend);
        again.push(now.0 / 1000);
    }
    assert_eq!(
        again,
        [
            500, 1500, 3500, 7500, 15_500, 31_500, 32_000, 36_000, 40_000, 44_000
        ],
        "as ever for 64·T1, then every T2"
    );
    assert_eq!(m.state(), ReliableState::Waiting);
    assert!(m.holds_answer(), "§3: no 2xx overtakes a description");
}

#[test]
fn a_call_that_is_to_be_kept_is_answered_whenever_its_prack_comes() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrive(&mut b, CAN);
    b.end
        .ring(b.now, leg, 183, Some(ANSWER.as_bytes()))
        .unwrap();
    b.drain();
    let early = b.last().clone();
    caller.learn(&early);
    b.pass(10 * SECOND);
    b.end.be_patient(b.now, leg).unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.sent.clear();
    b.pass(200 * SECOND);
    let sent = b.take_sent();
    assert!(sent.iter().all(|m| m == "183 INVITE"), "{sent:?}");
    assert!(sent.len() > 40);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Ringing));
    // So it stays for another process.
    let kept = b.end.snapshot(b.now, leg).unwrap();
    let mut next = Bench::udp();
    next.end.restore(next.now, kept).unwrap();
    next.pass(100 * SECOND);
    next.sent.clear();
    next.receive(&prack(&mut caller, &early));
    assert_eq!(next.take_sent(), ["200 PRACK", "200 INVITE"]);
    // And who is gone is gone.
    b.receive(&caller.cancel());
    assert_eq!(b.take_sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(b.take_events(), ["Ended Cancelled"]);
}

#[test]
fn ringing_without_description_is_answered_without_its_prack() {
    let mut b = Bench::new(Transport::Udp);
    let (_, leg) = arrive(&mut b, CAN);
    b.end.be_patient(b.now, leg).unwrap();
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.pass(100 * SECOND);
    b.sent.clear();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    assert_eq!(b.take_sent(), ["200 INVITE"], "§3 allows it");
}
