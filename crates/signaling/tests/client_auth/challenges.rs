//! What is read of challenges, and what is answered to them: vectors, realms and nonces that change.

use crate::verifier::*;
use crate::wire::*;
use crate::{CONTACT, again, bench, call, proxy, refuse, shown_verbatim, stale, www};
use meishier_signaling::Account;
use meishier_signaling::client_auth::Challenge;
use std::time::Duration;

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
