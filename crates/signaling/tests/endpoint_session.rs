//! What happens within a call: re-INVITE both ways, UPDATE, INFO, OPTIONS, order of requests.

mod wire;

use meishier_signaling::message::HeaderName;
use meishier_signaling::{Event, LegError, LegState, Transport};
use std::time::Duration;
use wire::*;

const LONG: Duration = Duration::from_secs(120);

#[test]
fn the_peer_changes_the_session() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    let reinvite = caller.next("INVITE", "", OFFER).replace(
        "Contact: <sip:13300001111@192.0.2.9:5070>",
        "Contact: <sip:new@192.0.2.7>",
    );
    b.receive(&reinvite);
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    b.take_sent();
    b.pass(Duration::from_millis(500));
    assert_eq!(b.take_sent(), ["200 INVITE"], "repeated until the ACK");
    b.receive(&caller.request("ACK", "z9hG4bKack2", "", ""));
    b.pass(LONG);
    assert!(b.take_sent().is_empty());
    assert!(b.take_events().is_empty(), "Confirmed is told once");
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    assert_eq!(
        b.last().request_uri(),
        "sip:new@192.0.2.7",
        "target refresh"
    );
    b.assert_empty_after(LONG);
}

#[test]
fn a_refused_change_leaves_everything_as_it_was() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", OFFER));
    let warning = ("Warning", "305 meishier \"Incompatible media format\"");
    b.end.reject_reinvite(b.now, leg, 488, &[warning]).unwrap();
    b.drain();
    assert_eq!(b.last().header(HeaderName::Warning), Some(warning.1));
    assert_eq!(b.take_sent(), ["100 INVITE", "488 INVITE"]);
    assert_eq!(
        b.end.reject_reinvite(b.now, leg, 488, &[]),
        Err(LegError::State)
    );
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
}

#[test]
fn a_second_change_before_the_first_is_answered_gets_500() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", OFFER));
    b.receive(&caller.next("INVITE", "", OFFER));
    b.drain();
    assert_eq!(b.last().header(HeaderName::RetryAfter), Some("1"));
    assert_eq!(b.take_sent(), ["100 INVITE", "500 INVITE"]);
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    assert_eq!(b.take_sent(), ["200 INVITE"]);
}

#[test]
fn a_change_that_the_peer_takes_back_gets_487() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    let reinvite = caller.next("INVITE", "", OFFER);
    b.receive(&reinvite);
    b.take_sent();
    b.receive(&reinvite.replace("INVITE", "CANCEL"));
    assert_eq!(b.take_sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(b.end.answer_reinvite(b.now, leg, b""), Err(LegError::State));
    assert_eq!(
        b.end.leg_state(leg),
        Some(LegState::Confirmed),
        "the call goes on"
    );
}

#[test]
fn a_change_never_acknowledged_ends_the_call() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", OFFER));
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    b.take_events();
    b.pass(Duration::from_secs(32));
    assert_eq!(b.take_events(), ["Ended NoAck"]);
    assert_eq!(b.take_sent().last().unwrap(), "BYE");
    b.pass(LONG);
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn we_change_the_session() {
    let mut b = Bench::udp();
    let (request, leg) = called(&mut b);
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    assert_eq!(
        b.end.reinvite(b.now, leg, OFFER.as_bytes()),
        Err(LegError::Busy)
    );
    b.drain();
    let reinvite = b.last().clone();
    assert_eq!(reinvite.cseq().0, request.cseq().0 + 1);
    assert_eq!(reinvite.to_tag(), Some("callee"));
    assert_eq!(reinvite.body(), OFFER.as_bytes());
    let ok = reply(
        &reinvite,
        200,
        "",
        "Contact: <sip:moved@192.0.2.9>\r\n",
        ANSWER,
    );
    b.sent.clear();
    b.receive(&ok);
    assert!(
        matches!(&b.events[0], Event::ReinviteDone { status: 200, sdp: Some(s), .. } if s == ANSWER.as_bytes())
    );
    b.events.clear();
    b.receive(&ok);
    assert_eq!(b.last().request_uri(), "sip:moved@192.0.2.9");
    assert_eq!(b.take_sent(), ["ACK", "ACK"]);
    assert!(b.take_events().is_empty());
}

#[test]
fn our_change_refused_leaves_the_call_and_a_lost_dialog_ends_it() {
    let mut b = Bench::udp();
    let (_, leg) = called(&mut b);
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let reinvite = b.last().clone();
    b.receive(&reply(&reinvite, 488, "", "", ""));
    assert_eq!(b.take_events(), ["ReinviteDone 488"]);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let reinvite = b.last().clone();
    b.sent.clear();
    b.receive(&reply(&reinvite, 481, "", "", ""));
    assert_eq!(b.take_events(), ["ReinviteDone 481", "Ended Lost"]);
    assert_eq!(b.take_sent(), ["ACK", "BYE"]);
    b.pass(LONG);
    assert_eq!(b.take_events(), ["Gone"]);
}

#[test]
fn both_change_at_once() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let ours = b.last().clone();
    b.sent.clear();
    b.receive(&caller.next("INVITE", "", OFFER));
    assert_eq!(b.take_sent(), ["491 INVITE"]);
    b.receive(&reply(&ours, 491, "", "", ""));
    assert_eq!(b.take_sent(), ["ACK"]);
    assert!(b.take_events().is_empty(), "it is tried again first");
    b.pass(Duration::from_millis(2001));
    b.drain();
    let again = b
        .sent
        .iter()
        .rev()
        .find(|m| title(m) == "INVITE")
        .unwrap()
        .clone();
    assert!(again.cseq().0 > ours.cseq().0);
    b.receive(&reply(&again, 200, "", "", ANSWER));
    assert_eq!(b.take_events(), ["ReinviteDone 200"]);
}

#[test]
fn a_change_may_overtake_the_ack_of_what_is_settled() {
    let mut b = Bench::udp();
    let (mut caller, leg) = answered(&mut b);
    let ack = caller.ack(true);
    b.receive(&caller.next("INVITE", "", OFFER));
    assert_eq!(b.take_events(), ["Confirmed", "Reinvite sdp"]);
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    assert_eq!(b.take_sent(), ["100 INVITE", "200 INVITE"]);
    // And once more: the ACK of a change comes after the next change.
    b.receive(&ack);
    let late = caller.request("ACK", "z9hG4bKack2", "", "");
    b.receive(&caller.next("INVITE", "", OFFER));
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
    b.receive(&late);
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    assert_eq!(b.take_sent(), ["100 INVITE", "200 INVITE"]);
    b.receive(&caller.request("ACK", "z9hG4bKack3", "", ""));
    b.pass(LONG);
    assert!(b.take_sent().is_empty(), "the last ACK counts");
    assert!(b.take_events().is_empty());
}

#[test]
fn a_change_that_overtakes_the_answer_in_the_ack_gets_491() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", ""));
    assert_eq!(b.take_events(), ["Reinvite"]);
    b.end.answer_reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    let ack = caller.request("ACK", "z9hG4bKack2", "", ANSWER);
    b.take_sent();
    b.receive(&caller.next("INVITE", "", OFFER));
    assert_eq!(b.take_sent(), ["491 INVITE"]);
    b.receive(&ack);
    assert_eq!(b.take_events(), ["OfferAnswered"]);
    b.receive(&caller.next("INVITE", "", OFFER));
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
}

#[test]
fn glare_without_end_is_told() {
    let mut b = Bench::udp();
    let (_, leg) = called(&mut b);
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    for n in 1..=4 {
        b.drain();
        let ours = b
            .sent
            .iter()
            .rev()
            .find(|m| title(m) == "INVITE")
            .unwrap()
            .clone();
        b.receive(&reply(&ours, 491, "", "", ""));
        if n < 4 {
            let start = b.now;
            b.sent.clear();
            b.pass(Duration::from_millis(2099));
            assert!(
                b.take_sent().is_empty(),
                "who made the Call-ID waits 2.1 s at least"
            );
            b.pass(Duration::from_millis(1901));
            assert_eq!(b.now.since(start).as_secs(), 4);
        }
    }
    assert_eq!(b.take_events(), ["ReinviteDone 491"]);
}

#[test]
fn hangup_with_changes_under_way_both_ways() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", OFFER));
    b.take_sent();
    b.end.hangup(b.now, leg, None).unwrap();
    assert_eq!(b.take_sent(), ["487 INVITE", "BYE"]);

    let mut b = Bench::udp();
    let (_, leg) = called(&mut b);
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let ours = b.last().clone();
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = b.last().clone();
    b.sent.clear();
    b.receive(&reply(&bye, 200, "", "", ""));
    b.receive(&reply(&ours, 200, "", "", ANSWER));
    assert_eq!(b.take_sent(), ["ACK"], "even so the 200 is acknowledged");
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn the_peer_hangs_up_with_changes_under_way() {
    let mut b = Bench::udp();
    let (mut caller, _) = confirmed(&mut b);
    b.receive(&caller.next("INVITE", "", OFFER));
    b.take_sent();
    b.take_events();
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE", "487 INVITE"]);
    assert_eq!(b.take_events(), ["Ended Bye", "Gone"]);
    b.assert_empty_after(LONG);
}

#[test]
fn update_with_an_offer_is_a_change_and_without_one_a_refresh() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    b.receive(&caller.next("UPDATE", "", OFFER));
    assert_eq!(b.take_events(), ["Reinvite sdp"]);
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    b.drain();
    assert_eq!(b.last().body(), ANSWER.as_bytes());
    assert_eq!(b.take_sent(), ["200 UPDATE"]);
    b.receive(&caller.next("UPDATE", "", ""));
    assert_eq!(b.take_sent(), ["200 UPDATE"]);
    assert!(b.take_events().is_empty());
    b.pass(LONG);
    assert!(b.take_sent().is_empty(), "no ACK is waited for");
}

#[test]
fn info_and_options_are_answered_and_the_rest_refused() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    let info = caller
        .next("INFO", "", "Signal=5\r\n")
        .replace("application/sdp", "application/dtmf-relay");
    b.receive(&info);
    assert!(matches!(&b.events[0], Event::Info { body, .. } if body == b"Signal=5\r\n"));
    assert_eq!(b.take_events(), ["Info application/dtmf-relay"]);
    b.receive(&info);
    assert!(b.take_events().is_empty(), "a digit is reported once");
    b.receive(&caller.next("OPTIONS", "", ""));
    b.receive(&caller.next("SUBSCRIBE", "", ""));
    b.receive(&caller.next("PRACK", "", ""));
    assert_eq!(
        b.take_sent(),
        [
            "200 INFO",
            "200 INFO",
            "200 OPTIONS",
            "405 SUBSCRIBE",
            "481 PRACK"
        ]
    );
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
}

#[test]
fn requests_out_of_order_get_500() {
    let mut b = Bench::udp();
    let (mut caller, leg) = confirmed(&mut b);
    caller.cseq = 10;
    b.receive(&caller.next("OPTIONS", "", ""));
    caller.cseq = 4;
    b.receive(&caller.next("BYE", "", ""));
    assert_eq!(b.take_sent(), ["200 OPTIONS", "500 BYE"]);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
}

#[test]
fn requests_in_the_early_dialog_do_not_confuse_the_ack() {
    let mut b = Bench::udp();
    let (mut caller, leg) = arrived(&mut b);
    b.end.ring(b.now, leg, 180, None).unwrap();
    b.drain();
    caller.learn(b.last());
    b.sent.clear();
    let ack = caller.ack(true);
    b.receive(
        &caller
            .next("INFO", "", "Signal=1")
            .replace("application/sdp", "application/dtmf-relay"),
    );
    b.receive(&caller.next("UPDATE", "", OFFER));
    b.receive(&caller.next("INVITE", "", OFFER));
    assert_eq!(b.take_sent(), ["200 INFO", "491 UPDATE", "500 INVITE"]);
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.events.clear();
    b.receive(&ack);
    assert_eq!(b.take_events(), ["Confirmed"]);
}

#[test]
fn session_descriptions_are_found_in_multipart_bodies() {
    let mut b = Bench::udp();
    let (mut caller, _) = confirmed(&mut b);
    let parts = format!(
        "--b1\r\nContent-Type: application/isup\r\n\r\n\u{1}\u{2}\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b1--\r\n"
    );
    let reinvite = caller.next("INVITE", "", &parts).replace(
        "application/sdp\r\nContent-Length",
        "multipart/mixed; boundary=\"b1\"\r\nContent-Length",
    );
    b.receive(&reinvite);
    assert!(matches!(&b.events[0], Event::Reinvite { sdp: Some(s), .. } if s == OFFER.as_bytes()));
}

#[test]
fn a_flood_within_one_call_is_limited_but_the_call_can_end() {
    let mut b = Bench::udp();
    let (mut caller, _) = confirmed(&mut b);
    for _ in 0..300 {
        b.receive(&caller.next("OPTIONS", "", ""));
    }
    let sent = b.take_sent();
    assert_eq!(
        sent.iter().filter(|s| *s == "200 OPTIONS").count(),
        255,
        "and the INVITE"
    );
    assert_eq!(sent.last().unwrap(), "503 OPTIONS");
    assert_eq!(b.end.counters().limited, 45);
    b.receive(&caller.bye());
    assert_eq!(b.take_sent(), ["200 BYE"]);
    b.assert_empty_after(LONG);
}

#[test]
fn a_call_outlives_its_tcp_connection() {
    let mut b = Bench::new(Transport::Tcp);
    let (mut caller, leg) = confirmed(&mut b);
    let mut another = b.flow;
    another.connection = 99;
    b.end.handle_flow_failed(b.now, another);
    b.end.handle_flow_failed(b.now, b.flow);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    assert_eq!(
        b.end.poll_transmit().unwrap().flow.connection,
        0,
        "a new one is asked for"
    );
    b.flow.connection = 5;
    b.receive(&caller.next("OPTIONS", "", ""));
    b.end.hangup(b.now, leg, None).unwrap();
    assert_eq!(
        b.end.poll_transmit().unwrap().flow.connection,
        5,
        "the one that the peer opened"
    );
}
