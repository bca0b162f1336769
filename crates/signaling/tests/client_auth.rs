//! Challenges that others put to us: vectors, every request of a call, realms and nonces that change,
//! and carriers that never have enough.

mod verifier;
mod wire;

use meishier_model::LegId;
use meishier_signaling::client_auth::Challenge;
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::{Account, AccountId, EndpointConfig, LegState, Terms, Transport};
use proptest::prelude::*;
use std::time::Duration;
use verifier::*;
use wire::*;

const US: AccountId = AccountId(4);
const CONTACT: &str = "Contact: <sip:seat1@192.0.2.9:5070>\r\n";

fn account() -> Account {
    Account {
        user: USER.into(),
        password: PASSWORD.into(),
    }
}

fn bench() -> Bench {
    let mut b = Bench::udp();
    b.end.set_account(US, Some(account()));
    b
}

fn call(b: &mut Bench) -> (Message, LegId) {
    let leg = b.end.invite_as(b.now, Some(US), invite(b.flow)).unwrap();
    b.drain();
    (b.last().clone(), leg)
}

/// A challenge header of the end itself.
fn www(realm: &str, nonce: &str) -> String {
    format!(
        "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"\r\n"
    )
}

fn proxy(realm: &str, nonce: &str) -> String {
    www(realm, nonce).replace("WWW-", "Proxy-")
}

fn stale(header: &str) -> String {
    header.replace("\r\n", ", stale=true\r\n")
}

fn refuse(b: &mut Bench, request: &Message, status: u16, headers: &str) {
    b.sent.clear();
    b.receive(&reply(request, status, "t", headers, ""));
}

/// The request that answered, after the ACK if there was one.
fn again(b: &Bench, method: &str) -> Message {
    let last = b.last();
    assert_eq!(last.method_str(), method, "{:?}", b.sent);
    last.clone()
}

#[test]
fn the_vectors_of_rfc_7616_and_rfc_2617_come_out() {
    // RFC 7616 §3.9.1, both hashes; RFC 2617 §3.5.
    let of_7616 = |algorithm: &str| {
        format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    };
    let of_2617 = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"".to_owned();
    let cnonce_7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let secret_2617 = "Circle Of Life";
    let secret_7616 = "Circle of Life";
    for (challenge, password, cnonce, response) in [
        (
            of_7616("MD5"),
            secret_7616,
            cnonce_7616,
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            of_7616("SHA-256"),
            secret_7616,
            cnonce_7616,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
        (
            of_2617,
            secret_2617,
            "0a4f113b",
            "6629fae49393a05397450978507c4ef1",
        ),
    ] {
        let account = Account {
            user: "Mufasa".into(),
            password: password.into(),
        };
        let read = Challenge::parse(&challenge).unwrap();
        let answer = read.answer(&account, ("GET", "/dir/index.html"), cnonce, 1);
        let p = parameters(&answer);
        assert_eq!(p["response"], response);
        assert_eq!(p["nc"], "00000001");
        assert_eq!(p["qop"], "auth");
        assert_eq!(p["opaque"], read.opaque.unwrap());
        assert_eq!(p["uri"], "/dir/index.html");
    }
}

#[test]
fn challenges_are_read_or_left_alone() {
    let read = |text: &str| Challenge::parse(text).is_some();
    for good in [
        "Digest realm=\"a\", nonce=\"b\"",
        "digest  REALM=\"a\" , Nonce=\"b\",Algorithm=md5",
        "Digest realm=\"a, b\", nonce=\"b==\", qop=\"auth-int, AUTH\", algorithm=SHA-256-sess",
        "Digest realm=\"\", nonce=\"b\", domain=\"sip:x\", userhash=true, charset=UTF-8, x=y",
        "Digest realm=\"a \\\" b\", nonce=\"b\", qop=auth",
    ] {
        assert!(read(good), "{good}");
    }
    let long = format!("Digest realm=\"a\", nonce=\"{}\"", "n".repeat(2100));
    for bad in [
        "",
        "Digest",
        "Basic realm=\"a\"",
        "Digest realm=\"a\"",
        "Digest nonce=\"b\"",
        "Digest realm=\"a\", nonce=\"b",
        "Digest realm=\"a\", nonce=\"b\", algorithm=SHA-512-256",
        "Digest realm=\"a\", nonce=\"b\", algorithm=-sess",
        "Digest realm=\"a\", nonce=\"b\", algorithm=AKAv1-MD5",
        "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\"",
        "Digest realm=\"a\", nonce=\"b\", realm=\"c\"",
        "Digest realm=\"a\", nonce=\"b\", Basic realm=\"c\"",
        "Digest realm=a b, nonce=\"b\"",
        long.as_str(),
    ] {
        assert!(!read(bad), "{bad}");
    }
}

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

fn shown_verbatim(message: &Message, header: &str) -> Vec<String> {
    let lines = message.lines().filter(|line| line.0 == header);
    lines.map(|line| line.1.to_owned()).collect()
}

#[test]
fn the_strongest_challenge_that_we_know_is_answered() {
    let one = |rest: &str| format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"{rest}\r\n");
    let cases = [
        (
            vec![
                ", algorithm=MD5, qop=\"auth\"",
                ", algorithm=SHA-256, qop=\"auth\"",
            ],
            "SHA-256",
            true,
        ),
        (
            vec![
                ", algorithm=SHA-256, qop=\"auth\"",
                ", algorithm=MD5, qop=\"auth\"",
            ],
            "SHA-256",
            true,
        ),
        (vec![", algorithm=SHA-512-256, qop=\"auth\"", ""], "", false),
        (vec!["", ", qop=\"auth\""], "", true),
        (vec![", algorithm=MD5-sess, qop=\"auth\""], "MD5-sess", true),
        (
            vec![", algorithm=SHA-256-sess, qop=\"auth,auth-int\""],
            "SHA-256-sess",
            true,
        ),
        (vec![", algorithm=md5-SESS"], "MD5-sess", false),
        (vec![", opaque=\"o p\""], "", false),
    ];
    for (challenges, algorithm, qop) in cases {
        let mut b = bench();
        let (first, _) = call(&mut b);
        let headers: String = challenges.iter().map(|rest| one(rest)).collect();
        refuse(&mut b, &first, 401, &headers);
        let second = again(&b, "INVITE");
        assert_eq!(shown(&second, "Authorization").len(), 1, "{challenges:?}");
        let p = parameters(&shown_verbatim(&second, "Authorization")[0]);
        assert_eq!(
            p.get("algorithm").map_or("", String::as_str),
            algorithm,
            "{challenges:?}"
        );
        assert_eq!(p.contains_key("qop"), qop);
        assert_eq!(p.contains_key("nc"), qop);
        assert_eq!(
            p.contains_key("cnonce"),
            qop || algorithm.ends_with("-sess")
        );
        assert_eq!(p.contains_key("opaque"), challenges[0].contains("opaque"));
    }
}

#[test]
fn a_nonce_too_old_is_replaced_once_and_a_second_refusal_is_final() {
    let mut b = bench();
    let (first, leg) = call(&mut b);
    refuse(&mut b, &first, 401, &www("r", "n1"));
    let second = again(&b, "INVITE");
    refuse(&mut b, &second, 401, &stale(&www("r", "n2")));
    let third = again(&b, "INVITE");
    assert_eq!(
        shown(&third, "Authorization"),
        [("r".into(), "n2".into(), 1)]
    );
    refuse(&mut b, &third, 401, &stale(&www("r", "n3")));
    assert_eq!(b.take_sent(), ["ACK"], "no third time");
    assert_eq!(b.take_events(), ["Failed 401", "Gone"]);
    assert_eq!(b.end.leg_state(leg), None);
    // Without `stale` the password is wrong, and nothing goes again.
    let (first, _) = call(&mut b);
    assert!(
        shown(&first, "Authorization").is_empty(),
        "what did not help is forgotten"
    );
    refuse(&mut b, &first, 401, &www("r", "n4"));
    let second = again(&b, "INVITE");
    refuse(&mut b, &second, 401, &www("r", "n5"));
    assert_eq!(b.take_sent(), ["ACK"]);
    assert_eq!(b.take_events(), ["Failed 401", "Gone"]);
    b.assert_empty_after(Duration::from_secs(60));
}

#[test]
fn an_old_nonce_that_was_shown_unasked_is_no_refusal_of_the_password() {
    // Whether or not the carrier says that it is stale.
    for word in [true, false] {
        let mut b = bench();
        let (first, leg) = call(&mut b);
        refuse(&mut b, &first, 401, &www("r", "n1"));
        let second = again(&b, "INVITE");
        b.receive(&reply(&second, 200, "callee", CONTACT, ANSWER));
        b.end.hangup(b.now, leg, None).unwrap();
        b.drain();
        let bye = again(&b, "BYE");
        let challenge = www("r", "n2");
        refuse(
            &mut b,
            &bye,
            401,
            &if word { stale(&challenge) } else { challenge },
        );
        let bye = again(&b, "BYE");
        assert_eq!(shown(&bye, "Authorization"), [("r".into(), "n2".into(), 1)]);
        assert_eq!(bye.cseq().0, second.cseq().0 + 2);
        b.receive(&reply(&bye, 200, "", "", ""));
        b.assert_empty_after(Duration::from_secs(60));
    }
}

#[test]
fn a_proxy_and_the_end_ask_in_the_same_call_and_each_is_answered() {
    let mut b = bench();
    let (first, leg) = call(&mut b);
    refuse(&mut b, &first, 407, &proxy("edge", "p1"));
    let second = again(&b, "INVITE");
    refuse(&mut b, &second, 401, &www("core", "e1"));
    let third = again(&b, "INVITE");
    assert_eq!(
        shown(&third, "Proxy-Authorization"),
        [("edge".into(), "p1".into(), 2)]
    );
    assert_eq!(
        shown(&third, "Authorization"),
        [("core".into(), "e1".into(), 1)]
    );
    // The proxy's nonce ends meanwhile.
    refuse(&mut b, &third, 407, &stale(&proxy("edge", "p2")));
    let fourth = again(&b, "INVITE");
    assert_eq!(
        shown(&fourth, "Proxy-Authorization"),
        [("edge".into(), "p2".into(), 1)]
    );
    assert_eq!(
        shown(&fourth, "Authorization"),
        [("core".into(), "e1".into(), 2)]
    );
    assert_eq!(fourth.cseq().0, first.cseq().0 + 3);
    b.receive(&reply(&fourth, 200, "callee", CONTACT, ANSWER));
    b.end.hangup(b.now, leg, None).unwrap();
    b.drain();
    let bye = again(&b, "BYE");
    assert_eq!(shown(&bye, "Proxy-Authorization").len(), 1);
    assert_eq!(shown(&bye, "Authorization").len(), 1);
}

#[test]
fn several_realms_of_one_response_are_answered_together() {
    // §16.7 step 7: a proxy that forked gathers the challenges.
    let mut b = bench();
    let (first, _) = call(&mut b);
    let all = [
        www("a", "1"),
        www("b", "2"),
        proxy("c", "3"),
        proxy("d", "4"),
    ]
    .concat();
    refuse(&mut b, &first, 407, &all);
    let second = again(&b, "INVITE");
    assert_eq!(shown(&second, "Authorization").len(), 2);
    assert_eq!(shown(&second, "Proxy-Authorization").len(), 2);
}

#[test]
fn a_realm_that_changes_takes_the_place_of_the_old_one() {
    let mut b = bench();
    for realm in ["old", "new", "newer"] {
        let (first, leg) = call(&mut b);
        refuse(&mut b, &first, 401, &www(realm, realm));
        let second = again(&b, "INVITE");
        assert_eq!(
            shown(&second, "Authorization"),
            [(realm.into(), realm.into(), 1)]
        );
        b.receive(&reply(&second, 200, "callee", CONTACT, ANSWER));
        b.end.hangup(b.now, leg, None).unwrap();
        b.drain();
        let bye = again(&b, "BYE");
        assert_eq!(
            shown(&bye, "Authorization"),
            [(realm.into(), realm.into(), 2)]
        );
        b.receive(&reply(&bye, 200, "", "", ""));
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

#[test]
fn nothing_that_is_printed_tells_the_password() {
    let account = account();
    let text = format!("{account:?}");
    assert!(!text.contains(PASSWORD) && !text.contains(USER), "{text}");
}

#[test]
fn a_carrier_that_never_has_enough_gets_a_bounded_number_of_requests() {
    // Always another realm; always stale; both; many at once.
    type Next = fn(u32) -> String;
    let carriers: [(Next, usize); 4] = [
        (|n| www(&format!("r{n}"), &format!("n{n}")), 5),
        (|n| stale(&www("r", &format!("n{n}"))), 3),
        (|n| stale(&www(&format!("r{}", n % 3), &format!("n{n}"))), 7),
        (
            |n| {
                (0..40)
                    .map(|i| proxy(&format!("r{i}-{n}"), "n"))
                    .collect::<String>()
            },
            1,
        ),
    ];
    for (next, most) in carriers {
        let mut b = bench();
        let (mut request, _) = call(&mut b);
        let mut sent = 1;
        for n in 0..50 {
            refuse(&mut b, &request, 401, &next(n));
            match b.sent.last() {
                Some(last) if last.method_str() == "INVITE" => request = last.clone(),
                _ => break,
            }
            sent += 1;
        }
        assert!(sent <= most, "{sent} INVITEs of {most}");
        assert_eq!(b.take_events(), ["Failed 401", "Gone"]);
        b.assert_empty_after(Duration::from_secs(60));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever stands in the challenges, the call ends or goes on, within a bound, and every message
    /// of ours can be read.
    #[test]
    fn mutated_challenges_neither_panic_nor_loop(
        values in proptest::collection::vec(
            (0_usize..4, 0_usize..200, proptest::collection::vec(any::<u8>(), 0..12)),
            1..12,
        ),
        cut in 0_usize..160,
    ) {
        let mut b = bench();
        let (mut request, _) = call(&mut b);
        let mut rounds = 0;
        for (kind, at, noise) in values {
            let base = match kind {
                0 => www("r", "n"),
                1 => stale(&www("r", "n2")),
                2 => proxy("q \\\" x", "n"),
                _ => format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{}\"\r\n", "n".repeat(cut)),
            };
            let mut bytes = base.trim_end().as_bytes().to_vec();
            let at = at.min(bytes.len());
            bytes.splice(at..at, noise.into_iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0)));
            bytes.truncate(bytes.len().max(20) - cut.min(3));
            let mut text = reply(&request, if kind == 2 { 407 } else { 401 }, "t", "", "").into_bytes();
            let end = text.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
            bytes.extend_from_slice(b"\r\n");
            text.splice(end..end, bytes);
            b.sent.clear();
            b.end.handle_message(b.now, b.flow, &text);
            b.drain();
            if let Some(last) = b.sent.last().filter(|m| m.method_str() == "INVITE") {
                request = last.clone();
                rounds += 1;
            }
        }
        prop_assert!(rounds <= 8);
    }
}
