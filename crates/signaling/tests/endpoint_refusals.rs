//! What a request is refused for before anybody hears of it (RFC 3261 §8.2), and what is only
//! counted.

mod wire;

use meishier_signaling::message::HeaderName;
use meishier_signaling::{Event, Transport};
use wire::*;

/// The caller's INVITE with other words in it.
fn invite(from: &str, to: &str) -> String {
    let ok = Caller::new(1).invite();
    assert!(ok.contains(from), "{from}");
    ok.replacen(from, to, 1)
}

/// What is answered, and that nobody heard of it and nothing is kept.
fn refusal(request: &str) -> meishier_signaling::Message {
    let mut b = Bench::udp();
    b.receive(request);
    assert!(b.take_events().is_empty(), "{request}");
    assert_eq!(b.end.stats(), Default::default());
    assert_eq!(b.sent.len(), 1, "one answer to {request}");
    b.sent.remove(0)
}

fn is_taken(request: &str) {
    let mut b = Bench::udp();
    b.receive(request);
    assert_eq!(b.take_events(), ["Invite"], "{request}");
}

const URI: &str = "INVITE sip:12356@192.0.2.1 ";

#[test]
fn schemes_that_cannot_mean_us_are_416() {
    for scheme in [
        "nobody:knows",
        "soap.beep://192.0.2.103:3002",
        "urn:isbn:1",
        "im:a@h",
    ] {
        let reply = refusal(&invite(URI, &format!("INVITE {scheme} ")));
        assert_eq!(title(&reply), "416 INVITE", "{scheme}");
    }
    for scheme in [
        "tel:12356;phone-context=+86",
        "urn:service:sos",
        "urn:service:sos.police",
        "sips:12356@h",
        "sip:12356@[fe80::1%25eth0]:5060;user=phone",
    ] {
        is_taken(&invite(URI, &format!("INVITE {scheme} ")));
    }
}

#[test]
fn a_request_of_ours_that_comes_back_is_482() {
    let mut b = Bench::udp();
    b.call();
    let ours = String::from_utf8(b.last().bytes().to_vec()).unwrap();
    let through = "SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKproxy\r\n";
    for looped in [ours.clone(), ours.replacen("SIP/2.0\r\n", through, 1)] {
        b.sent.clear();
        b.receive(&looped);
        assert_eq!(b.take_sent(), ["482 INVITE"], "{looped}");
        assert!(b.take_events().is_empty());
    }
    // The same sent-by with a branch that is none of ours is a neighbour with our address.
    let via = "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKinv1;rport\r\n";
    for (host, branch) in [
        ("192.0.2.1:5060", "z9hG4bKanother"),
        ("192.0.2.1:5061", "z9hG4bK0123456789abcdef"),
        ("192.0.2.7", "z9hG4bK0123456789abcdef"),
    ] {
        let second = format!("{via}Via: SIP/2.0/UDP {host};branch={branch}\r\n");
        is_taken(&invite(via, &second));
    }
}

#[test]
fn an_answer_that_the_caller_would_not_take_is_406() {
    let with = |accept: &str| invite("Contact:", &format!("{accept}Contact:"));
    for accept in [
        "Accept: text/nobodyKnowsThis\r\n",
        "Accept:\r\n",
        "Accept: application/sdp;q=0.0\r\n",
        "Accept: */*, application/*;q=0\r\n",
    ] {
        assert_eq!(title(&refusal(&with(accept))), "406 INVITE", "{accept}");
    }
    for accept in [
        "",
        "Accept: Application/SDP\r\n",
        "Accept: text/plain\r\nAccept: application/sdp;q=0.1\r\n",
        "Accept: application/*;q=0, application/sdp\r\n",
        "Accept: */*\r\n",
    ] {
        is_taken(&with(accept));
    }
}

#[test]
fn bodies_that_must_be_understood_are_415() {
    let text = |extra: &str| {
        let request = invite("application/sdp", "text/plain");
        request.replacen("Contact:", &format!("{extra}Contact:"), 1)
    };
    let reply = refusal(&text(""));
    assert_eq!(title(&reply), "415 INVITE");
    let accept = Some("application/sdp, multipart/mixed");
    assert_eq!(reply.header(HeaderName::Accept), accept);
    is_taken(&text("Content-Disposition: render;handling=optional\r\n"));
    let reply = refusal(&invite("Contact:", "Content-Encoding: gzip\r\nContact:"));
    assert_eq!(title(&reply), "415 INVITE");
    assert_eq!(reply.header(HeaderName::AcceptEncoding), Some("identity"));
    let parts = invite("application/sdp", "multipart/mixed;boundary=none");
    assert_eq!(title(&refusal(&parts)), "400 INVITE");
}

#[test]
fn the_first_reason_of_the_section_is_told() {
    // Each has the fault of every line below its own.
    let table = [
        ("FLY nobody:knows", "x", "501 FLY"),
        ("INVITE nobody:knows", "x", "416 INVITE"),
        ("INVITE sip:12356@h", "x", "420 INVITE"),
        ("INVITE sip:12356@h", "timer", "415 INVITE"),
    ];
    for (start, require, expected) in table {
        let method = start.split(' ').next().unwrap();
        let request = invite("INVITE sip:12356@192.0.2.1", start)
            .replace("CSeq: 1 INVITE", &format!("CSeq: 1 {method}"))
            .replacen(
                "Contact:",
                &format!("Require: {require}\r\nAccept: a/b\r\nContact:"),
                1,
            )
            .replace("application/sdp", "text/plain");
        assert_eq!(title(&refusal(&request)), expected);
    }
}

#[test]
fn a_request_on_a_stream_without_a_length_is_400() {
    let mut b = Bench::new(Transport::Tcp);
    let request = Caller::tcp(1)
        .invite()
        .replace("Content-Length:", "X-Length:");
    b.receive(&request);
    let reply = b.last();
    let reason = b"Missing Content-Length Header Field".as_slice();
    assert_eq!((reply.status(), reply.reason()), (Some(400), reason));
    assert!(b.take_events().is_empty());
    let mut b = Bench::udp();
    b.receive(
        &Caller::new(1)
            .invite()
            .replace("Content-Length:", "X-Length:"),
    );
    assert_eq!(
        b.take_events(),
        ["Invite"],
        "a datagram says by itself where it ends"
    );
}

#[test]
fn malformed_responses_are_dropped_and_counted_apart() {
    let mut b = Bench::udp();
    b.call();
    let request = b.last().clone();
    b.sent.clear();
    let ok = reply(&request, 200, "callee", "", ANSWER);
    let table = [
        ok.replace("SIP/2.0 200", "SIP/2.0 4294967301"),
        ok.replace("SIP/2.0 200", "SIP/7.0 200"),
        ok.replace("CSeq: ", "CSeq: 92923948347723"),
        ok.replace("From:", "X:"),
        ok.replace("Content-Length: ", "Content-Length: 9"),
    ];
    for (n, response) in (1..).zip(&table) {
        b.receive(response);
        assert!(b.take_sent().is_empty() && b.take_events().is_empty());
        assert_eq!(b.end.counters().malformed_responses, n, "{response}");
    }
    assert_eq!(b.end.counters().malformed, 0);
    b.receive(&ok);
    assert_eq!(
        b.take_events(),
        ["Answered sdp"],
        "the call waits for one that can be read"
    );
}

#[test]
fn headers_of_a_contact_do_not_get_into_our_request() {
    let mut b = Bench::udp();
    let mut call = wire::invite(b.flow);
    call.uri = "sip:seat1@192.0.2.9:5070;ob?Route=%3Csip:evil%3E&Subject=x".into();
    call.to.uri = "sip:seat1@h?X=y".into();
    b.end.invite(b.now, call).unwrap();
    b.drain();
    let request = b.last();
    assert_eq!(request.request_uri(), "sip:seat1@192.0.2.9:5070;ob");
    assert_eq!(request.header(HeaderName::To), Some("<sip:seat1@h>"));
    assert_eq!(request.header(HeaderName::Route), None);
    assert!(!b.events.iter().any(|e| matches!(e, Event::Failed { .. })));
}
