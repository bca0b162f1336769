//! OPTIONS of ours within a call: what counts as a sign of life, and that the leg stays as it is.

mod wire;

use meishier_signaling::message::HeaderName;
use meishier_signaling::{LegError, LegState, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(120);
const CONTACT: &str = "Contact: <sip:seat1@192.0.2.9:5070>\r\n";

#[test]
fn it_is_a_request_of_the_dialog() {
    let mut b = Bench::udp();
    let (invite, leg) = called(&mut b);
    b.end.probe(b.now, leg).unwrap();
    b.drain();
    let options = b.last().clone();
    assert_eq!(options.method_str(), "OPTIONS");
    assert_eq!(
        options.request_uri(),
        "sip:seat1@192.0.2.9:5070",
        "the remote target"
    );
    assert_eq!(options.call_id(), invite.call_id());
    assert_eq!(options.from_tag(), invite.from_tag());
    assert_eq!(options.to_tag(), Some("callee"));
    assert_eq!(options.cseq().0, invite.cseq().0 + 1);
    assert_eq!(
        options.header(HeaderName::Accept),
        Some("application/sdp, multipart/mixed")
    );
    assert_eq!(options.header(HeaderName::MaxForwards), Some("70"));
    assert!(options.body().is_empty());
    assert_eq!(
        b.end.probe(b.now, leg),
        Err(LegError::Busy),
        "one at a time"
    );
    b.receive(&reply(&options, 100, "", "", ""));
    assert!(b.take_events().is_empty(), "not yet");
    b.receive(&reply(&options, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Probed Answered(200)"]);
    b.receive(&reply(&options, 200, "", "", ""));
    assert!(b.take_events().is_empty(), "once");
    b.end.probe(b.now, leg).unwrap();
}

#[test]
fn a_caller_is_asked_by_its_contact_and_every_status_is_told_and_ends_nothing() {
    for status in [200, 404, 405, 481, 408, 486, 500, 501, 503, 603] {
        let mut b = Bench::udp();
        let (_, leg) = confirmed(&mut b);
        b.end.probe(b.now, leg).unwrap();
        b.drain();
        let options = b.last().clone();
        assert_eq!(
            options.request_uri(),
            "sip:13300001111@192.0.2.9:5070",
            "the caller's Contact"
        );
        b.receive(&reply(&options, status, "", "", ""));
        assert_eq!(b.take_events(), [format!("Probed Answered({status})")]);
        assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
        b.sent.clear();
        b.pass(LONG);
        assert!(b.take_sent().is_empty(), "no BYE by itself");
    }
}

#[test]
fn without_a_response_it_is_repeated_until_timer_f() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut b = Bench::new(transport);
        let (_, leg) = called(&mut b);
        b.end.probe(b.now, leg).unwrap();
        b.pass(Duration::from_millis(31_900));
        assert!(b.take_events().is_empty());
        let sent = b.take_sent().len();
        assert_eq!(sent > 5, transport == Transport::Udp, "timer E");
        b.pass(Duration::from_millis(200));
        assert_eq!(b.take_events(), ["Probed NoAnswer"]);
        assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
        b.end.probe(b.now, leg).unwrap();
    }
}

#[test]
fn a_failed_flow_is_told_apart_from_a_503_of_the_peer() {
    let mut b = Bench::udp();
    let (_, leg) = called(&mut b);
    b.end.probe(b.now, leg).unwrap();
    b.end.handle_flow_failed(b.now, b.flow);
    assert_eq!(b.take_events(), ["Probed FlowFailed"]);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
}

#[test]
fn only_a_call_that_is_up_is_asked() {
    let mut b = Bench::udp();
    let leg = b.call();
    assert_eq!(b.end.probe(b.now, leg), Err(LegError::State), "calling");
    let mut b = Bench::udp();
    let (_, leg) = arrived(&mut b);
    assert_eq!(b.end.probe(b.now, leg), Err(LegError::State), "arrived");
    b.end.ring(b.now, leg, 180, None).unwrap();
    assert_eq!(b.end.probe(b.now, leg), Err(LegError::State), "ringing");
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    assert_eq!(b.end.probe(b.now, leg), Err(LegError::State), "no ACK yet");
    let mut b = Bench::udp();
    let (_, leg) = called(&mut b);
    b.end.hangup(b.now, leg, None).unwrap();
    assert_eq!(b.end.probe(b.now, leg), Err(LegError::State), "hung up");
    b.pass(LONG);
    assert_eq!(b.end.probe(b.now, leg), Err(LegError::Unknown));
}

#[test]
fn a_call_that_ends_meanwhile_hears_nothing_of_its_probe_and_leaves_nothing() {
    for by_peer in [true, false] {
        let mut b = Bench::udp();
        let (mut caller, leg) = confirmed(&mut b);
        b.end.probe(b.now, leg).unwrap();
        b.drain();
        let options = b.last().clone();
        if by_peer {
            b.receive(&caller.bye());
            assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
        } else {
            b.end.hangup(b.now, leg, None).unwrap();
            b.drain();
            let bye = b.last().clone();
            assert!(bye.cseq().0 > options.cseq().0);
            b.receive(&reply(&bye, 200, "", "", ""));
            assert_eq!(b.take_events(), ["Gone"]);
        }
        b.receive(&reply(&options, 481, "", "", ""));
        assert!(b.take_events().is_empty());
        b.sent.clear();
        b.assert_empty_after(LONG);
        assert!(b.take_sent().is_empty());
    }
}

#[test]
fn a_probe_is_not_repeated_once_its_call_has_ended() {
    for transport in [Transport::Udp, Transport::Tcp] {
        for by_peer in [true, false] {
            let mut b = Bench::new(transport);
            let (mut caller, leg) = confirmed(&mut b);
            b.end.probe(b.now, leg).unwrap();
            b.drain();
            let options = b.last().clone();
            if by_peer {
                b.receive(&caller.bye());
            } else {
                b.end.hangup(b.now, leg, None).unwrap();
            }
            b.drain();
            b.sent.clear();
            b.pass(Duration::from_millis(600));
            // Not even a provisional response starts it again.
            b.receive(&reply(&options, 100, "", "", ""));
            b.pass(LONG);
            let sent = b.take_sent();
            assert!(sent.iter().all(|m| m.starts_with("BYE")));
            b.assert_empty_after(LONG);
        }
    }
}

#[test]
fn the_ack_of_a_change_has_the_changes_number_though_a_probe_was_sent_since() {
    let mut b = Bench::udp();
    let (_, leg) = called(&mut b);
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let reinvite = b.last().clone();
    b.end.probe(b.now, leg).unwrap();
    b.drain();
    let options = b.last().clone();
    assert_eq!(options.cseq().0, reinvite.cseq().0 + 1);
    b.receive(&reply(&reinvite, 200, "", CONTACT, ANSWER));
    assert_eq!(b.last().method_str(), "ACK");
    assert_eq!(b.last().cseq().0, reinvite.cseq().0);
    b.receive(&reply(&options, 200, "", "", ""));
    assert_eq!(
        b.take_events(),
        ["ReinviteDone 200", "Probed Answered(200)"]
    );
}
