//! Every request that may be challenged, within a call and without.

use crate::verifier::*;
use crate::wire::*;
use crate::{CONTACT, US, account, again, bench, call, proxy, refuse, shown_verbatim, stale, www};
use meishier_signaling::message::HeaderName;
use meishier_signaling::{EndpointConfig, LegState, Terms, Transport};
use std::time::Duration;

#[test]
fn an_invite_that_is_challenged_goes_again_with_credentials() {
    for (status, challenge, header) in [
        (401, www("carrier", "n1"), "Authorization"),
        (407, proxy("carrier", "n1"), "Proxy-Authorization"),
    ] {
        let mut b = bench();
        let (first, leg) = call(&mut b);
        assert!(shown(&first, header).is_empty(), "nobody has asked yet");
        refuse(&mut b, &first, status, &challenge);
        let ack = b.sent[0].clone();
        assert_eq!(title(&ack), "ACK");
        assert_eq!(ack.cseq().0, first.cseq().0, "§17.1.1.3");
        assert_eq!(ack.top_via().branch, first.top_via().branch);
        assert_eq!(ack.to_tag(), Some("t"));
        let second = again(&b, "INVITE");
        assert_eq!(shown(&second, header), [("carrier".into(), "n1".into(), 1)]);
        assert_eq!(second.call_id(), first.call_id(), "§22.2");
        assert_eq!(second.from_tag(), first.from_tag());
        assert_eq!(second.to_tag(), None);
        assert_eq!(second.cseq().0, first.cseq().0 + 1);
        assert_ne!(second.top_via().branch, first.top_via().branch);
        assert_eq!(second.body(), first.body());
        assert_eq!(second.raw_header("X-Call"), Some("7"));
        assert!(b.take_events().is_empty(), "nobody hears of it");
        b.receive(&reply(&second, 200, "callee", CONTACT, ANSWER));
        assert_eq!(b.take_events(), ["Answered sdp"]);
        let ack = again(&b, "ACK");
        assert_eq!(ack.cseq().0, second.cseq().0);
        assert_eq!(
            shown_verbatim(&ack, header),
            shown_verbatim(&second, header),
            "§22.1"
        );
        assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
        // What follows in the dialog shows the last nonce at once, counted on.
        b.end.hangup(b.now, leg, None).unwrap();
        b.drain();
        let bye = again(&b, "BYE");
        assert_eq!(shown(&bye, header), [("carrier".into(), "n1".into(), 2)]);
        assert_eq!(bye.cseq().0, second.cseq().0 + 1);
        b.receive(&reply(&bye, 200, "", "", ""));
        b.assert_empty_after(Duration::from_secs(60));
    }
}

#[test]
fn every_request_of_a_dialog_is_answered_for() {
    let mut b = bench();
    let (first, leg) = call(&mut b);
    refuse(&mut b, &first, 401, &www("r", "n0"));
    let second = again(&b, "INVITE");
    b.receive(&reply(&second, 200, "callee", CONTACT, ANSWER));
    b.take_events();
    // A re-INVITE: its ACK, its number, its end.
    b.end.reinvite(b.now, leg, OFFER.as_bytes()).unwrap();
    b.drain();
    let asked = again(&b, "INVITE");
    refuse(&mut b, &asked, 401, &stale(&www("r", "n1")));
    let asked = again(&b, "INVITE");
    assert_eq!(b.sent[0].method_str(), "ACK");
    assert_eq!(asked.to_tag(), Some("callee"));
    assert_eq!(
        shown(&asked, "Authorization"),
        [("r".into(), "n1".into(), 1)]
    );
    b.receive(&reply(&asked, 200, "", CONTACT, ANSWER));
    assert_eq!(b.take_events(), ["ReinviteDone 200"]);
    // OPTIONS within the dialog.
    b.end.probe(b.now, leg).unwrap();
    b.drain();
    let asked = again(&b, "OPTIONS");
    refuse(&mut b, &asked, 401, &stale(&www("r", "n2")));
    let asked = again(&b, "OPTIONS");
    assert_eq!(
        shown(&asked, "Authorization"),
        [("r".into(), "n2".into(), 1)]
    );
    b.receive(&reply(&asked, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Probed Answered(200)"]);
    // One that is refused for good is told as ever.
    b.end.probe(b.now, leg).unwrap();
    b.drain();
    let asked = again(&b, "OPTIONS");
    refuse(&mut b, &asked, 401, &stale(&www("r", "n3")));
    let asked = again(&b, "OPTIONS");
    refuse(&mut b, &asked, 401, &www("r", "n4"));
    assert_eq!(b.take_events(), ["Probed Answered(401)"]);
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));
    // BYE.
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = again(&b, "BYE");
    refuse(&mut b, &bye, 407, &proxy("p", "n5"));
    let bye = again(&b, "BYE");
    assert_eq!(shown(&bye, "Proxy-Authorization").len(), 1);
    b.receive(&reply(&bye, 200, "", "", ""));
    assert_eq!(b.take_events(), ["Gone"]);
    b.assert_empty_after(Duration::from_secs(60));
}

#[test]
fn a_prack_is_answered_for_in_its_early_dialog_and_the_numbers_go_on() {
    let mut b = bench();
    let (first, leg) = call(&mut b);
    let ringing = |rseq: u32| format!("{CONTACT}Require: 100rel\r\nRSeq: {rseq}\r\n");
    b.receive(&reply(&first, 180, "early", &ringing(5), ""));
    let prack = again(&b, "PRACK");
    refuse(&mut b, &prack, 401, &www("r", "n1"));
    let second = again(&b, "PRACK");
    assert_eq!(second.to_tag(), Some("early"));
    assert_eq!(
        second.header(HeaderName::RAck),
        prack.header(HeaderName::RAck)
    );
    assert_eq!(second.cseq().0, prack.cseq().0 + 1);
    assert_eq!(
        shown(&second, "Authorization"),
        [("r".into(), "n1".into(), 1)]
    );
    b.receive(&reply(&second, 200, "", "", ""));
    b.receive(&reply(&first, 180, "early", &ringing(6), ""));
    let third = again(&b, "PRACK");
    assert_eq!(third.cseq().0, second.cseq().0 + 1);
    b.receive(&reply(&first, 200, "early", CONTACT, ANSWER));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    assert_eq!(again(&b, "BYE").cseq().0, third.cseq().0 + 1);
}

#[test]
fn an_update_is_answered_for() {
    let mut b = bench();
    let mut wish = invite(b.flow);
    wish.terms = Terms {
        session: Some(Duration::from_secs(90)),
        ..Terms::default()
    };
    let leg = b.end.invite_as(b.now, Some(US), wish).unwrap();
    b.drain();
    let first = b.last().clone();
    let timed = format!(
        "{CONTACT}Allow: UPDATE\r\nRequire: timer\r\nSession-Expires: 90;refresher=uac\r\n"
    );
    b.receive(&reply(&first, 200, "callee", &timed, ANSWER));
    b.sent.clear();
    b.pass(Duration::from_secs(46));
    let update = again(&b, "UPDATE");
    refuse(&mut b, &update, 401, &www("r", "n1"));
    let second = again(&b, "UPDATE");
    assert_eq!(shown(&second, "Authorization").len(), 1);
    b.receive(&reply(
        &second,
        200,
        "",
        "Session-Expires: 90;refresher=uac\r\n",
        "",
    ));
    b.sent.clear();
    b.pass(Duration::from_secs(46));
    let next = again(&b, "UPDATE");
    assert_eq!(
        shown(&next, "Authorization"),
        [("r".into(), "n1".into(), 2)]
    );
    assert_eq!(
        b.end.leg_state(leg),
        Some(LegState::Confirmed),
        "it was refreshed"
    );
}

#[test]
fn a_call_taken_back_is_not_sent_again() {
    let mut b = bench();
    let (first, leg) = call(&mut b);
    b.receive(&reply(&first, 100, "", "", ""));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    refuse(&mut b, &first, 401, &www("r", "n1"));
    assert_eq!(b.take_sent(), ["ACK"]);
    // And one that is taken back after it went again is cancelled by its new branch.
    let (first, leg) = call(&mut b);
    refuse(&mut b, &first, 401, &www("r", "n1"));
    let second = again(&b, "INVITE");
    b.receive(&reply(&second, 100, "", "", ""));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let cancel = again(&b, "CANCEL");
    assert_eq!(cancel.top_via().branch, second.top_via().branch);
    assert_eq!(cancel.cseq().0, second.cseq().0);
}

#[test]
fn without_an_account_a_challenge_is_a_refusal() {
    let mut b = bench();
    b.call();
    let first = b.last().clone();
    refuse(&mut b, &first, 401, &www("r", "n1"));
    assert_eq!(b.take_events(), ["Failed 401", "Gone"]);
    // Nor is one answered that nobody can: another scheme, an unknown hash, none at all.
    for headers in [
        String::new(),
        "WWW-Authenticate: Basic realm=\"r\"\r\n".to_owned(),
        www("r", "n").replace("MD5", "AKAv1-MD5"),
    ] {
        let (first, _) = call(&mut b);
        refuse(&mut b, &first, 401, &headers);
        assert_eq!(b.take_events(), ["Failed 401", "Gone"], "{headers}");
    }
    // An account that was taken out shows nothing any more.
    b.end.set_account(US, None);
    let (first, _) = call(&mut b);
    refuse(&mut b, &first, 401, &www("r", "n1"));
    assert_eq!(b.take_events(), ["Failed 401", "Gone"]);
}

#[test]
fn options_outside_a_dialog_are_answered_for() {
    let mut b = bench();
    b.end
        .options_as(b.now, Some(US), b.flow, "sip:192.0.2.9:5070")
        .unwrap();
    b.drain();
    let first = b.last().clone();
    refuse(&mut b, &first, 401, &www("r", "n1"));
    let second = again(&b, "OPTIONS");
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.cseq().0, 2);
    assert_eq!(shown(&second, "Authorization").len(), 1);
    b.receive(&reply(&second, 200, "x", "", ""));
    assert_eq!(b.take_events(), ["Response 200"]);
    b.assert_empty_after(Duration::from_secs(60));
}

#[test]
fn a_call_that_came_is_answered_for_too_and_so_is_a_restored_one() {
    let mut b = bench();
    let (_, leg) = confirmed(&mut b);
    b.end.set_leg_account(b.now, leg, Some(US)).unwrap();
    let snapshot = b.end.snapshot(b.now, leg).unwrap();
    let text = serde_json::to_string(&snapshot).unwrap();
    assert!(!text.contains(PASSWORD), "no password in a snapshot");
    let mut b = Bench::with(
        EndpointConfig {
            seed: [8; 32],
            ..config()
        },
        Transport::Udp,
    );
    b.end.set_account(US, Some(account()));
    let leg = b
        .end
        .restore(b.now, serde_json::from_str(&text).unwrap())
        .unwrap();
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = again(&b, "BYE");
    refuse(&mut b, &bye, 401, &www("r", "n1"));
    let bye = again(&b, "BYE");
    assert_eq!(shown(&bye, "Authorization").len(), 1);
}
