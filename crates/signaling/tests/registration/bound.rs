//! Bound and refreshed: what a REGISTER says, intervals, the way that calls out take.

use crate::verifier::*;
use crate::{Line, expires_of, s};
use meishier_signaling::RegistrationState::*;
use meishier_signaling::message::HeaderName;

#[test]
fn the_first_register_says_what_the_rfc_asks_for() {
    let line = Line::started();
    let register = line.last();
    assert_eq!(register.method_str(), "REGISTER");
    assert_eq!(register.request_uri(), "sip:ims.example", "§10.2: no user");
    assert_eq!(
        register.to_addr().unwrap().uri,
        "sip:+8685112356@ims.example"
    );
    assert_eq!(
        register.from_addr().unwrap().uri,
        "sip:+8685112356@ims.example"
    );
    assert!(register.from_tag().is_some() && register.to_tag().is_none());
    assert_eq!(expires_of(&register), ["sip:12356@192.0.2.1:5060 3600"]);
    assert_eq!(register.header(HeaderName::Expires), Some("3600"));
    assert_eq!(
        register.header(HeaderName::Supported),
        Some("path"),
        "RFC 3327 §5.1"
    );
    assert_eq!(line.it.state(), Registering);
    assert!(!line.it.state().is_bound());
}

#[test]
fn it_is_bound_after_a_challenge_and_refreshed_with_the_nonce_at_hand() {
    let mut line = Line::started();
    let first = line.last();
    line.answer(401, "WWW-Authenticate: Digest realm=\"ims.example\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n");
    let second = line.last();
    assert_eq!(
        shown(&second, "Authorization"),
        [("ims.example".into(), "n1".into(), 1)]
    );
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.cseq().0, first.cseq().0 + 1);
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=600\r\n");
    assert_eq!(line.it.state(), Registered);
    assert_eq!(line.until_next(s(301)), s(300), "half of a short interval");
    assert_eq!(line.it.state(), Refreshing);
    assert!(line.it.state().is_bound(), "until the old one runs out");
    let third = line.last();
    assert_eq!(third.call_id(), first.call_id(), "§10.2: the same Call-ID");
    assert_eq!(third.cseq().0, second.cseq().0 + 1, "§10.2: rising by one");
    assert_eq!(third.from_tag(), first.from_tag());
    assert_eq!(
        shown(&third, "Authorization"),
        [("ims.example".into(), "n1".into(), 2)]
    );
    // The nonce has grown old: one more round, and bound all the time.
    line.answer(401, "WWW-Authenticate: Digest realm=\"ims.example\", nonce=\"n2\", stale=true, qop=\"auth\", algorithm=SHA-256\r\n");
    assert_eq!(
        shown(&line.last(), "Authorization"),
        [("ims.example".into(), "n2".into(), 1)]
    );
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=600\r\n");
    // Another realm from one day to the next.
    line.until_next(s(301));
    line.answer(
        401,
        "WWW-Authenticate: Digest realm=\"other\", nonce=\"n3\", qop=\"auth\"\r\n",
    );
    assert_eq!(
        shown(&line.last(), "Authorization"),
        [("other".into(), "n3".into(), 1)]
    );
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=600\r\n");
    assert_eq!(line.it.state(), Registered);
}

#[test]
fn the_interval_is_the_contacts_own_then_that_of_the_header_then_ours() {
    for (headers, first) in [
        (
            "Contact: <sip:12356@192.0.2.1:5060>;expires=100\r\nExpires: 900\r\n",
            50,
        ),
        (
            "Contact: <sip:12356@192.0.2.1:5060>\r\nExpires: 900\r\n",
            450,
        ),
        ("Expires: 900\r\n", 450),
        ("", 3000),
        ("Contact: <sip:12356@192.0.2.1:5060>;expires=1201\r\n", 601),
        ("Contact: <sip:12356@192.0.2.1:5060>;expires=1200\r\n", 600),
        // Others are bound there too.
        (
            "Contact: <sip:x@192.0.2.77:5060>;expires=4, <sip:12356@192.0.2.1:5060>;expires=100\r\n",
            50,
        ),
        // Somebody on the way wrote another address.
        ("Contact: <sip:12356@10.0.0.9:6060>;expires=100\r\n", 50),
        ("Contact: <sip:12356@192.0.2.1>;expires=100\r\n", 50),
        (
            "Contact: <sip:12356@192.0.2.1:5060>;expires=99999999999\r\n",
            85_800,
        ),
        ("Contact: <sip:12356@192.0.2.1:5060>;expires=1\r\n", 1),
    ] {
        let mut line = Line::bound(headers);
        assert_eq!(line.until_next(s(90_000)), s(first), "{headers}");
    }
    // Granted nothing: then nothing is bound.
    let mut line = Line::started();
    line.answer(200, "Contact: <sip:12356@192.0.2.1:5060>;expires=0\r\n");
    assert_eq!(line.it.state(), Waiting);
}

#[test]
fn an_interval_too_brief_is_made_longer_as_the_423_says_and_not_for_ever() {
    let mut line = Line::with(|config| config.expires = s(60));
    line.start();
    line.answer(423, "Min-Expires: 1800\r\n");
    assert_eq!(expires_of(&line.last()), ["sip:12356@192.0.2.1:5060 1800"]);
    line.answer(423, "Min-Expires: 3600\r\n");
    assert_eq!(expires_of(&line.last()), ["sip:12356@192.0.2.1:5060 3600"]);
    line.answer(423, "Min-Expires: 7200\r\n");
    assert_eq!(line.it.state(), Refused);
    // One that asks for less than was asked, or for more than a day, or for nothing.
    for header in [
        "Min-Expires: 30\r\n",
        "Min-Expires: 86401\r\n",
        "Min-Expires: x\r\n",
        "",
    ] {
        let mut line = Line::with(|config| config.expires = s(60));
        line.start();
        line.answer(423, header);
        assert_eq!(line.it.state(), Refused, "{header}");
        assert_eq!(line.it.status(), 423);
    }
}

#[test]
fn a_service_route_is_kept_as_long_as_the_binding() {
    let route = "<sip:s1.ims.example;lr>, <sip:s2.ims.example:5070;lr;x=1>";
    let mut line = Line::bound(&format!("Service-Route: {route}\r\nExpires: 120\r\n"));
    assert_eq!(line.it.route(), route);
    line.until_next(s(61));
    line.answer(
        200,
        "Service-Route: <sip:s3.ims.example;lr>\r\nExpires: 120\r\n",
    );
    assert_eq!(
        line.it.route(),
        "<sip:s3.ims.example;lr>",
        "RFC 3608 §6.1: the newest"
    );
    line.until_next(s(61));
    line.answer(403, "");
    assert_eq!(line.it.route(), "<sip:s3.ims.example;lr>", "still bound");
    line.pass(s(61));
    assert_eq!(line.it.route(), "");
    for bad in ["<sip:strict.example>", "nonsense", "<sip:a;lr>, <mailto:x>"] {
        let line = Line::bound(&format!("Service-Route: {bad}\r\n"));
        assert_eq!(line.it.route(), "", "{bad}");
    }
}
