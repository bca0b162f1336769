//! A call survives its process: in every state of a leg it is written out, read back into a fresh
//! endpoint with another seed and another clock, and goes on as if nothing had happened.

mod wire;

use meishier_signaling::message::Message;
use meishier_signaling::{Endpoint, EndpointError, LegSnapshot, LegState, RestSnapshot, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(120);
const CONTACT: &str = "Contact: <sip:seat1@192.0.2.9:5070>\r\n";

/// The process dies and comes back a second later with a clock that starts anew.
fn reborn(b: &mut Bench, leg: meishier_model::LegId) {
    // The endpoint knows the time only from its inputs.
    b.end.handle_timeout(b.now);
    b.drain();
    let json = serde_json::to_string(&b.end.snapshot(b.now, leg).expect("a leg")).unwrap();
    assert!(json.len() < 32 * 1024);
    let snapshot: LegSnapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(snapshot.leg(), leg);
    let before = b.end.leg_state(leg);
    let mut config = config();
    config.seed = [9; 32];
    let mut fresh = Bench::with(config, b.flow.transport);
    fresh.now = ms(5);
    assert_eq!(fresh.end.restore(fresh.now, snapshot.clone()), Ok(leg));
    assert_eq!(
        fresh.end.restore(fresh.now, snapshot),
        Err(EndpointError::Taken)
    );
    assert_eq!(fresh.end.leg_state(leg), before);
    assert_eq!(fresh.end.call_id(leg), b.end.call_id(leg));
    fresh.sent = std::mem::take(&mut b.sent);
    *b = fresh;
    assert!(b.take_events().is_empty(), "restoring tells nothing");
}

#[test]
fn arrived_then_rung_answered_and_ended() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    reborn(&mut b, leg);
    b.receive(&caller.invite());
    assert_eq!(
        b.take_sent(),
        ["100 INVITE"],
        "the same answer to the INVITE again"
    );
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.drain();
    let ringing = b.last().clone();
    reborn(&mut b, leg);
    b.receive(&caller.invite());
    assert_eq!(b.last().bytes(), ringing.bytes());
    b.sent.clear();
    b.pass(Duration::from_secs(60));
    assert_eq!(b.take_sent(), ["180 INVITE"], "the minute goes on");
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
    assert_eq!(b.last().to_tag(), ringing.to_tag());
    caller.learn(b.last());
    b.sent.clear();
    b.pass(Duration::from_millis(600));
    assert_eq!(b.take_sent(), ["200 INVITE"]);
    reborn(&mut b, leg);
    b.pass(Duration::from_millis(900));
    assert_eq!(
        b.take_sent(),
        ["200 INVITE"],
        "what was left to wait is left to wait"
    );
    b.receive(&caller.invite());
    assert!(b.take_sent().is_empty(), "still absorbed");
    b.receive(&caller.ack(true));
    assert_eq!(b.take_events(), ["Confirmed"]);
    reborn(&mut b, leg);
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE"]);
    assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn arrived_then_cancelled() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end.ring(b.now, leg, 180, None).unwrap();
    reborn(&mut b, leg);
    b.sent.clear();
    b.receive(&caller.cancel());
    caller.learn(b.last());
    assert_eq!(b.take_sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(b.take_events(), ["Ended Cancelled"]);
    reborn(&mut b, leg);
    b.pass(Duration::from_millis(500));
    assert_eq!(b.take_sent(), ["487 INVITE"], "timer G goes on");
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"], "and Ended is not told again");
    b.assert_empty_after(LONG);
}

#[test]
fn answered_and_never_acknowledged() {
    let mut b = Bench::udp();
    let (_, leg) = answered(&mut b);
    b.pass(Duration::from_secs(20));
    b.take_sent();
    reborn(&mut b, leg);
    b.pass(Duration::from_millis(11_999));
    assert!(b.take_events().is_empty());
    b.pass(Duration::from_millis(1));
    assert_eq!(b.take_events(), ["Ended NoAck"]);
    assert_eq!(b.take_sent().last().unwrap(), "BYE");
}

#[test]
fn hung_up_before_the_ack() {
    let mut b = Bench::udp();
    let (caller, leg) = answered(&mut b);
    b.end.hangup(b.now, leg, Some("Q.850;cause=16")).unwrap();
    reborn(&mut b, leg);
    b.receive(&caller.ack(true));
    assert_eq!(b.last().raw_header("Reason"), Some("Q.850;cause=16"));
    assert_eq!(b.take_sent(), ["BYE"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn rejected_before_the_ack() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end.reject(b.now, leg, 486, &[]).unwrap();
    b.drain();
    caller.learn(b.last());
    reborn(&mut b, leg);
    b.sent.clear();
    b.receive(&caller.invite());
    assert_eq!(b.take_sent(), ["486 INVITE"]);
    b.receive(&caller.ack(false));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn hung_up_before_the_bye_is_answered() {
    let mut b = Bench::udp();
    let (_, leg) = confirmed(&mut b);
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = b.last().clone();
    reborn(&mut b, leg);
    b.sent.clear();
    b.pass(Duration::from_millis(500));
    assert_eq!(b.last().bytes(), bye.bytes(), "timer E goes on");
    b.receive(&reply(&bye, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

fn outgoing() -> (Bench, Message, meishier_model::LegId) {
    let mut b = Bench::udp();
    let leg = b.call();
    let request = b.last().clone();
    (b, request, leg)
}

#[test]
fn calling_then_answered() {
    let (mut b, request, leg) = outgoing();
    reborn(&mut b, leg);
    b.sent.clear();
    b.pass(Duration::from_millis(500));
    assert_eq!(b.last().bytes(), request.bytes(), "timer A goes on");
    b.receive(&reply(&request, 180, "callee", CONTACT, ""));
    assert_eq!(b.take_events(), ["Progress 180"]);
    reborn(&mut b, leg);
    b.sent.clear();
    let ok = reply(&request, 200, "callee", CONTACT, ANSWER);
    b.receive(&ok);
    assert_eq!(b.take_events(), ["Answered sdp"]);
    let ack = b.last().clone();
    reborn(&mut b, leg);
    b.sent.clear();
    b.receive(&ok);
    assert_eq!(b.last().bytes(), ack.bytes(), "the ACK again");
    b.sent.clear();
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    assert_eq!(b.last().cseq(), (2, "BYE"));
    b.assert_empty_after(LONG);
}

#[test]
fn calling_then_refused_or_silent() {
    let (mut b, request, leg) = outgoing();
    reborn(&mut b, leg);
    b.receive(&reply(&request, 486, "callee", "", ""));
    assert_eq!(b.take_events(), ["Failed 486", "Gone"]);
    assert_eq!(b.take_sent().last().unwrap(), "ACK");
    let (mut b, _, leg) = outgoing();
    b.pass(Duration::from_secs(31));
    reborn(&mut b, leg);
    b.pass(Duration::from_secs(1));
    assert_eq!(b.take_events(), ["Failed 408", "Gone"]);
}

#[test]
fn cancelling_before_and_after_the_cancel_was_sent() {
    let (mut b, request, leg) = outgoing();
    b.end.hangup(b.now, leg, None).unwrap();
    reborn(&mut b, leg);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Cancelling));
    b.sent.clear();
    b.receive(&reply(&request, 180, "callee", CONTACT, ""));
    assert_eq!(b.take_sent(), ["CANCEL"]);
    reborn(&mut b, leg);
    b.receive(&reply(&request, 180, "callee", CONTACT, ""));
    b.pass(Duration::from_millis(500));
    assert_eq!(
        b.take_sent(),
        ["CANCEL"],
        "repeated by timer E, not sent anew"
    );
    b.receive(&reply(&request, 200, "callee", CONTACT, ANSWER));
    assert_eq!(b.take_sent(), ["ACK", "BYE"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn changes_of_the_session_under_way() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", OFFER));
    reborn(&mut b, leg);
    b.sent.clear();
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    assert_eq!(b.take_sent(), ["200 INVITE"]);
    reborn(&mut b, leg);
    b.pass(Duration::from_millis(500));
    assert_eq!(b.take_sent(), ["200 INVITE"]);
    b.receive(&caller.request("ACK", "z9hG4bKa2", "", ""));
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let ours = b.last().clone();
    reborn(&mut b, leg);
    b.receive(&reply(&ours, 491, "", "", ""));
    reborn(&mut b, leg);
    b.sent.clear();
    b.pass(Duration::from_secs(2));
    b.drain();
    let again = b
        .sent
        .iter()
        .find(|m| title(m) == "INVITE")
        .expect("tried again")
        .clone();
    b.receive(&reply(&again, 200, "", "", ANSWER));
    assert_eq!(b.take_events(), ["ReinviteDone 200"]);
}

#[test]
fn over_tcp_the_connection_is_left_to_the_driver() {
    let mut b = Bench::new(Transport::Tcp);
    let (_, leg) = confirmed(&mut b);
    reborn(&mut b, leg);
    b.end.hangup(b.now, leg, None).unwrap();
    assert_eq!(b.end.poll_transmit().unwrap().flow.connection, 0);
}

#[test]
fn new_legs_take_numbers_above_the_restored() {
    let mut b = Bench::udp();
    let (_, leg) = confirmed(&mut b);
    reborn(&mut b, leg);
    assert!(b.call() > leg);
}

#[test]
fn limits_hold_for_restored_legs() {
    let mut b = Bench::udp();
    let (_, leg) = confirmed(&mut b);
    let snapshot = b.end.snapshot(b.now, leg).unwrap();
    let mut config = config();
    config.max_legs = 0;
    let mut full = Endpoint::new(config);
    assert_eq!(full.restore(b.now, snapshot), Err(EndpointError::Full));
    assert!(b.end.snapshot(b.now, meishier_model::LegId(999)).is_none());
}

#[test]
fn a_probe_under_way_goes_on_with_its_repetitions_and_its_end() {
    for answered in [true, false] {
        let mut b = Bench::udp();
        let (_, leg) = called(&mut b);
        b.end.probe(b.now, leg).unwrap();
        b.drain();
        let options = b.last().clone();
        b.sent.clear();
        b.pass(Duration::from_secs(20));
        b.sent.clear();
        reborn(&mut b, leg);
        if answered {
            b.receive(&reply(&options, 200, "", "", ""));
            assert_eq!(b.take_events(), ["Probed Answered(200)"]);
        } else {
            b.pass(Duration::from_secs(11));
            assert!(!b.take_sent().is_empty());
            assert!(b.take_events().is_empty());
            b.pass(Duration::from_secs(2));
            assert_eq!(b.take_events(), ["Probed NoAnswer"]);
        }
        assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    }
}

#[test]
fn the_bye_of_a_fork_goes_on_in_another_process() {
    let mut b = Bench::udp();
    let leg = b.call();
    let invite = b.last().clone();
    for tag in ["a", "b"] {
        let contact = format!("Contact: <sip:{tag}@192.0.2.9:5070>\r\n");
        b.receive(&reply(&invite, 200, tag, &contact, ANSWER));
    }
    let bye = b.last().clone();
    assert_eq!((title(&bye).as_str(), bye.to_tag()), ("BYE", Some("b")));
    // It is lost; the process dies.
    b.end.handle_timeout(b.now);
    let kept =
        serde_json::to_string(&(b.end.snapshot(b.now, leg), b.end.snapshot_rest(b.now))).unwrap();
    let (kept, rest): (Option<LegSnapshot>, RestSnapshot) = serde_json::from_str(&kept).unwrap();
    let mut fresh = Bench::udp();
    fresh.now = ms(5);
    fresh.end.restore(fresh.now, kept.unwrap()).unwrap();
    fresh.end.restore_rest(fresh.now, rest);
    fresh.pass(Duration::from_secs(1));
    let again: Vec<&Message> = fresh.sent.iter().filter(|m| title(m) == "BYE").collect();
    assert_eq!(again.len(), 1, "after 500 ms");
    assert_eq!(again[0].bytes(), bye.bytes());
    fresh.receive(&reply(&bye, 200, "", "", ""));
    fresh.end.hangup(fresh.now, leg, None).unwrap();
    fresh.pass(Duration::from_secs(64));
    fresh.assert_empty_after(Duration::from_secs(1));
}

#[test]
fn a_cancelled_call_that_is_answered_after_all_is_released_in_another_process() {
    let mut b = Bench::udp();
    let leg = b.call();
    let invite = b.last().clone();
    b.receive(&reply(&invite, 180, "a", "", ""));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let cancel = b.last().clone();
    b.receive(&reply(&cancel, 200, "", "", ""));
    // Nobody said how it ended, and the wait for it is over: the leg is gone.
    b.pass(Duration::from_secs(32));
    assert_eq!(b.end.leg_state(leg), None);
    let contact = "Contact: <sip:b@192.0.2.9:5070>\r\n";
    let late = reply(&invite, 200, "b", contact, ANSWER);
    let rest = b.end.snapshot_rest(b.now);
    let mut fresh = Bench::udp();
    fresh.now = ms(5);
    fresh.end.restore_rest(fresh.now, rest);
    fresh.receive(&late);
    b.sent.clear();
    b.receive(&late);
    assert_eq!(fresh.take_sent(), b.take_sent(), "as if nothing had been");
}
