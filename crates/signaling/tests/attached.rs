//! What goes along with an INVITE: one multipart body, taken apart again by the other side; and a call
//! that does not fail because of it.

mod wire;

use meishier_signaling::message::HeaderName;
use meishier_signaling::{Attached, LegState, Message, body};
use wire::{ANSWER, Bench, OFFER, invite, reply};

const PLACE: &str = "<presence/>";

fn attached() -> Attached {
    let body = format!(
        "--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n\
         --b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <p@x>\r\n\r\n{PLACE}\r\n--b--\r\n"
    );
    Attached {
        headers: vec![("Geolocation".into(), "<cid:p@x>".into())],
        content_type: "multipart/mixed;boundary=b".into(),
        body: body.into_bytes(),
    }
}

fn call(b: &mut Bench, session: bool) -> (meishier_model::LegId, Message) {
    let mut new = invite(b.flow);
    new.attached = Some(attached());
    if session {
        new.terms.session = Some(std::time::Duration::from_secs(100));
    }
    let leg = b.end.invite(b.now, new).unwrap();
    b.drain();
    let sent = b.last().clone();
    b.sent.clear();
    b.events.clear();
    (leg, sent)
}

#[test]
fn the_other_side_finds_description_and_place() {
    let mut b = Bench::udp();
    let (leg, sent) = call(&mut b, false);
    assert_eq!(body::sdp(&sent), Some(OFFER.as_bytes()));
    assert_eq!(body::location(&sent), Some(PLACE.as_bytes()));
    assert_eq!(sent.raw_header("Geolocation"), Some("<cid:p@x>"));
    assert_eq!(sent.raw_header("X-Call"), Some("7"));
    let headers = "Contact: <sip:a@192.0.2.9:5070>\r\n";
    b.receive(&reply(&sent, 200, "a", headers, ANSWER));
    assert_eq!(b.take_events(), ["Answered sdp"]);
    // A change of the session carries the session alone.
    b.take_sent();
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let again = b.last().clone();
    assert_eq!(b.take_sent(), ["INVITE"]);
    assert_eq!(again.content_type(), "application/sdp");
    assert_eq!(again.raw_header("Geolocation"), None);
}

#[test]
fn a_peer_that_will_not_have_it_gets_the_call_without() {
    for status in [400, 413, 415, 424, 513] {
        let mut b = Bench::udp();
        let (leg, sent) = call(&mut b, false);
        b.receive(&reply(&sent, status, "a", "", ""));
        let again = b.last().clone();
        assert_eq!(b.take_sent(), ["ACK", "INVITE"], "{status}");
        assert!(b.take_events().is_empty(), "nothing has failed yet");
        assert_eq!(again.call_id(), sent.call_id());
        assert_eq!(again.cseq().0, 2);
        assert_eq!(again.content_type(), "application/sdp");
        assert_eq!(again.body(), OFFER.as_bytes());
        assert_eq!(again.raw_header("Geolocation"), None);
        assert_eq!(
            again.header(HeaderName::From),
            sent.header(HeaderName::From)
        );
        // Once only: what is refused now is the call.
        b.receive(&reply(&again, status, "b", "", ""));
        assert_eq!(b.take_events(), [format!("Failed {status}"), "Gone".into()]);
        assert_eq!(b.end.leg_state(leg), None);
    }
}

#[test]
fn other_refusals_are_of_the_call_and_a_longer_session_keeps_it() {
    let mut b = Bench::udp();
    let (_, sent) = call(&mut b, false);
    b.receive(&reply(&sent, 486, "a", "", ""));
    assert_eq!(b.take_events(), ["Failed 486", "Gone"]);

    let mut b = Bench::udp();
    let (leg, sent) = call(&mut b, true);
    b.receive(&reply(&sent, 422, "a", "Min-SE: 600\r\n", ""));
    let again = b.last().clone();
    assert_eq!(b.take_sent(), ["ACK", "INVITE"]);
    assert_eq!(body::location(&again), Some(PLACE.as_bytes()));
    assert_eq!(b.end.leg_state(leg), Some(LegState::Calling));

    // Nobody who has hung up is called again.
    let mut b = Bench::udp();
    let (leg, sent) = call(&mut b, false);
    b.receive(&reply(&sent, 180, "a", "", ""));
    b.end.hangup(b.now, leg, None).unwrap();
    b.take_sent();
    b.receive(&reply(&sent, 415, "a", "", ""));
    assert_eq!(b.take_sent(), ["ACK"]);
}
