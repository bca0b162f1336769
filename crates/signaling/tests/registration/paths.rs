//! The way to the registrar: NAT, connections that fail, and taking leave.

use crate::verifier::*;
use crate::wire::*;
use crate::{Line, expires_of, s, seen};
use meishier_signaling::RegistrationState::*;
use meishier_signaling::Transport;
use meishier_signaling::message::HeaderName;
use meishier_signaling::registration::ContactMode;
use std::time::Duration;

#[test]
fn leaving_takes_the_binding_back() {
    let mut line = Line::bound("");
    line.leave();
    let register = line.last();
    assert_eq!(
        expires_of(&register),
        ["sip:12356@192.0.2.1:5060 0"],
        "§10.2.2: ours alone"
    );
    assert_eq!(register.header(HeaderName::Expires), Some("0"));
    assert_eq!(line.it.state(), Leaving);
    line.answer(
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
    );
    assert_eq!(
        shown(&line.last(), "Authorization").len(),
        1,
        "with credentials if asked"
    );
    line.answer(200, "");
    assert_eq!(line.it.state(), Unregistered);
    assert_eq!(line.it.poll_timeout(), None);
    // It may begin again, with numbers that go on.
    let before = line.last();
    line.start();
    assert_eq!(line.last().call_id(), before.call_id());
    assert_eq!(line.last().cseq().0, before.cseq().0 + 1);
}

#[test]
fn leaving_waits_for_the_request_under_way_and_for_nothing_else() {
    // §10.2: no new request before the final response to the one before.
    let mut line = Line::started();
    line.b.sent.clear();
    line.leave();
    assert!(line.b.sent.is_empty());
    let pending = line.it.pending();
    assert!(pending.is_some());
    line.pass(Duration::from_millis(400));
    line.b.now = line.b.now + Duration::from_millis(200);
    line.b.end.handle_timeout(line.b.now);
    line.drain();
    line.answer(200, "");
    assert_eq!(expires_of(&line.last())[0], "sip:12356@192.0.2.1:5060 0");
    line.pass(s(33));
    assert_eq!(line.it.state(), Unregistered, "without an answer too");
    // Nothing was bound: nothing is sent.
    let mut line = Line::started();
    line.answer(503, "");
    line.b.sent.clear();
    line.leave();
    assert_eq!(line.it.state(), Unregistered);
    assert!(line.b.sent.is_empty());
    let mut line = Line::bound("");
    line.way = false;
    line.leave();
    assert_eq!(line.it.state(), Unregistered, "nor where there is no way");
}

#[test]
fn the_address_that_a_nat_shows_becomes_the_contact() {
    let mut line = Line::with(|config| config.contact = ContactMode::AsSeen);
    line.start();
    let first = line.last();
    line.b.receive(&seen(
        &first,
        200,
        "received=203.0.113.7;rport=40123",
        "Expires: 600\r\n",
    ));
    line.drain();
    let second = line.last();
    assert_eq!(second.cseq().0, first.cseq().0 + 1, "at once");
    assert_eq!(
        expires_of(&second),
        [
            "sip:12356@203.0.113.7:40123 3600",
            "sip:12356@192.0.2.1:5060 0"
        ],
        "the new one in the place of the old"
    );
    line.b.receive(&seen(
        &second,
        200,
        "received=203.0.113.7;rport=40123",
        "Contact: <sip:12356@203.0.113.7:40123>;expires=600\r\n",
    ));
    line.drain();
    assert_eq!(line.it.state(), Registered);
    assert_eq!(line.until_next(s(301)), s(300));
    assert_eq!(
        expires_of(&line.last()),
        ["sip:12356@203.0.113.7:40123 3600"]
    );
    line.answer(200, "");
    line.leave();
    assert_eq!(expires_of(&line.last()), ["sip:12356@203.0.113.7:40123 0"]);
}

#[test]
fn a_nat_that_shows_another_port_every_time_does_not_make_us_hammer() {
    let mut line = Line::with(|config| config.contact = ContactMode::AsSeen);
    line.start();
    let mut sent = 0;
    for port in 40_000..40_050 {
        let before = line.last();
        line.b.receive(&seen(
            &before,
            200,
            &format!("received=203.0.113.7;rport={port}"),
            "Expires: 600\r\n",
        ));
        line.drain();
        if line.last().cseq() == before.cseq() {
            break;
        }
        sent += 1;
    }
    assert_eq!(sent, 2);
    assert_eq!(line.it.state(), Registered);
    // Without as_seen nothing of it is looked at.
    let mut line = Line::started();
    let first = line.last();
    line.b
        .receive(&seen(&first, 200, "received=203.0.113.7;rport=40123", ""));
    line.drain();
    assert_eq!(line.last().cseq(), first.cseq());
}

#[test]
fn without_a_way_to_the_registrar_it_waits() {
    let mut line = Line::with(|_| ());
    line.way = false;
    line.start();
    assert_eq!((line.it.state(), line.it.status()), (Waiting, 503));
    assert!(line.b.sent.is_empty());
    line.way = true;
    line.until_next(s(31));
    assert_eq!(line.it.state(), Registering);
}

#[test]
fn a_connection_that_fails_is_tried_again_on_a_new_one() {
    let mut line = Line::with(|_| ());
    line.b.flow = flow(Transport::Tcp);
    line.start();
    assert_eq!(
        expires_of(&line.last()),
        ["sip:12356@192.0.2.1:5060;transport=tcp 3600"]
    );
    line.b.end.handle_flow_failed(line.b.now, line.b.flow);
    line.drain();
    assert_eq!((line.it.state(), line.it.status()), (Waiting, 503));
}
