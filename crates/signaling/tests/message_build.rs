//! What the builder writes, the parser reads; answers copy what they must; scans agree with the parser.

use meishier_signaling::builder::{Builder, reason_phrase};
use meishier_signaling::message::{HeaderName, Message, Method, ParseError};
use meishier_signaling::{scan, via};
use proptest::prelude::*;
use std::net::SocketAddr;

fn remote() -> SocketAddr {
    "198.51.100.7:5099".parse().unwrap()
}

fn invite() -> Vec<u8> {
    Builder::request("INVITE", "sip:12356@192.0.2.1")
        .header(
            "Via",
            "SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bK1, SIP/2.0/TCP p.example",
        )
        .header("v", "SIP/2.0/UDP q.example;branch=z9hG4bK0")
        .header("From", "\"甲\" <sip:a@h>;tag=f")
        .header("To", "<sip:12356@192.0.2.1>")
        .header("Call-ID", "c@h")
        .header("CSeq", "1 INVITE")
        .header("Record-Route", "<sip:p.example;lr>")
        .body("application/sdp", b"v=0\r\n")
        .finish()
}

#[test]
fn a_response_copies_what_it_must() {
    let request = Message::parse(&invite()).unwrap();
    let bytes = Builder::response_from(&request, 180, "", Some("t1"), remote()).finish();
    let reply = Message::parse(&bytes).unwrap();
    assert_eq!(
        (reply.status(), reply.reason()),
        (Some(180), b"Ringing".as_slice())
    );
    assert_eq!((reply.from_tag(), reply.to_tag()), (Some("f"), Some("t1")));
    assert_eq!((reply.call_id(), reply.cseq()), ("c@h", (1, "INVITE")));
    assert_eq!(reply.values(HeaderName::Via).count(), 3);
    let top = reply.top_via();
    assert_eq!(
        (top.branch, top.received, top.rport),
        (Some("z9hG4bK1"), Some("198.51.100.7"), Some(Some(5099)))
    );
    assert_eq!(
        reply.header(HeaderName::RecordRoute),
        Some("<sip:p.example;lr>")
    );
    let error = Builder::response_to(&request, 486, "忙", None).finish();
    let error = Message::parse(&error).unwrap();
    assert_eq!((error.reason(), error.to_tag()), ("忙".as_bytes(), None));
    assert_eq!(error.header(HeaderName::RecordRoute), None);
    assert_eq!(error.top_via().rport, Some(None));
}

#[test]
fn a_tag_is_added_once() {
    let with_tag = String::from_utf8(invite())
        .unwrap()
        .replace("192.0.2.1>\r\nCall", "192.0.2.1>;tag=old\r\nCall");
    let request = Message::parse(with_tag.as_bytes()).unwrap();
    let reply =
        Message::parse(&Builder::response_to(&request, 200, "", Some("new")).finish()).unwrap();
    assert_eq!(reply.to_tag(), Some("old"));
}

#[test]
fn values_stay_on_their_line() {
    let bytes = Builder::request("INFO\r\n", "sip:a@h\r\nX: y")
        .header("Via", "SIP/2.0/UDP h")
        .header("From", "<sip:a@h>")
        .header("To", "<sip:a@h>")
        .header("Call-ID", "c")
        .header("CSeq", "1 INFO")
        .header("Reason\r\nEvil", "x\r\nEvil: 1\r\n\r\nbody\0")
        .header_verbatim(b"X-A: b\r\nEvil: 2")
        .finish();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(
        !text
            .lines()
            .any(|l| l.starts_with("Evil") || l.starts_with("X: y")),
        "{text}"
    );
    assert!(text.ends_with("Content-Length: 0\r\n\r\n"));
    assert_eq!(Message::parse(&bytes).unwrap_err(), ParseError::RequestUri);
}

#[test]
fn the_source_replaces_what_the_sender_claimed() {
    let stamp = |line: &str, from: &str| via::with_source(line, from.parse().unwrap());
    for (line, from, expected) in [
        (
            "SIP/2.0/UDP 1.2.3.4;branch=b",
            "1.2.3.4:5060",
            "SIP/2.0/UDP 1.2.3.4;branch=b",
        ),
        (
            "SIP/2.0/UDP h;branch=b",
            "1.2.3.4:99",
            "SIP/2.0/UDP h;branch=b;received=1.2.3.4",
        ),
        (
            "SIP/2.0/UDP 1.2.3.4;rport;branch=b",
            "1.2.3.4:99",
            "SIP/2.0/UDP 1.2.3.4;branch=b;received=1.2.3.4;rport=99",
        ),
        (
            "SIP/2.0/UDP h;received=6.6.6.6;rport=1",
            "1.2.3.4:99",
            "SIP/2.0/UDP h;received=1.2.3.4;rport=99",
        ),
        (
            "SIP/2.0/UDP 1.2.3.4;received=6.6.6.6",
            "1.2.3.4:99",
            "SIP/2.0/UDP 1.2.3.4",
        ),
        (
            "SIP/2.0/UDP [2001:DB8::1]",
            "[2001:db8:0::1]:9",
            "SIP/2.0/UDP [2001:DB8::1]",
        ),
        (
            "SIP/2.0/UDP h;rport , SIP/2.0/UDP p;rport",
            "[2001:db8::1]:9",
            "SIP/2.0/UDP h;received=2001:db8::1;rport=9 , SIP/2.0/UDP p;rport",
        ),
        ("nonsense", "1.2.3.4:9", "nonsense"),
    ] {
        assert_eq!(stamp(line, from), expected);
    }
}

#[test]
fn malformed_requests_are_answered_and_nothing_else_is() {
    let good = String::from_utf8(invite()).unwrap();
    let answer = |text: &str| {
        let error = Message::parse(text.as_bytes()).unwrap_err();
        error
            .reply_400(text.as_bytes(), remote())
            .map(|bytes| Message::parse(&bytes).unwrap())
    };
    let bad = good.replace("1 INVITE", "1 BYE");
    let reply = answer(&bad).unwrap();
    assert_eq!(
        (reply.status(), reply.reason()),
        (Some(400), b"CSeq Method Does Not Match".as_slice())
    );
    assert_eq!(reply.values(HeaderName::Via).count(), 3);
    assert_eq!(reply.top_via().rport, Some(Some(5099)));
    assert_eq!(answer(&bad).unwrap().to_tag(), reply.to_tag());
    assert_eq!(
        answer(&good.replace("SIP/2.0\r\nVia", "SIP/4.0\r\nVia"))
            .unwrap()
            .status(),
        Some(505)
    );
    assert!(answer(&bad.replace("INVITE sip", "ACK sip")).is_none());
    assert!(answer(&bad.replace("Via: SIP/2.0/UDP", "Via: UDP")).is_none());
    assert!(answer(&bad.replace("CSeq:", "X:")).is_none());
    assert!(answer(&bad.replace("CSeq: 1", "CSeq: one")).is_none());
    assert!(answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_none());
    assert!(answer("SIP/2.0 99 x\r\n\r\n").is_none());
}

#[test]
fn a_request_without_from_to_and_call_id_is_answered_with_what_it_has() {
    let bytes = invite();
    let good = String::from_utf8(bytes).unwrap();
    for missing in [
        &["From"][..],
        &["To"],
        &["Call-ID"],
        &["From", "To", "Call-ID"],
    ] {
        let mut text = good.clone();
        for name in missing {
            text = text.replace(&format!("\r\n{name}:"), &format!("\r\nX-{name}:"));
        }
        let error = Message::parse(text.as_bytes()).unwrap_err();
        let reply = error.reply_400(text.as_bytes(), remote()).unwrap();
        let reply = String::from_utf8(reply).unwrap();
        let reason = format!("SIP/2.0 400 Missing {} Header Field\r\n", missing[0]);
        assert!(reply.starts_with(&reason), "{reply}");
        assert!(
            reply.contains(";received=198.51.100.7;rport=5099"),
            "{reply}"
        );
        assert!(reply.contains("\r\nCSeq: 1 INVITE\r\n"), "{reply}");
        for name in ["From", "To", "Call-ID"] {
            let there = reply.contains(&format!("\r\n{name}: "));
            assert_eq!(there, !missing.contains(&name), "{name} in {reply}");
        }
    }
}

#[test]
fn a_response_repeats_even_what_few_would_write() {
    let to: &[u8] = b"\"NUL:\\\0 \xd5\xc5 BEL:\\\x07\" <sip:b@h>;tag=t";
    let mut bytes = invite();
    let at = bytes.windows(4).position(|w| w == b"To: ").unwrap() + 4;
    let end = at + bytes[at..].iter().position(|b| *b == b'\r').unwrap();
    bytes.splice(at..end, to.iter().copied());
    let request = Message::parse(&bytes).unwrap();
    let reply = Builder::response_to(&request, 200, "", None).finish();
    let reply = Message::parse(&reply).unwrap();
    assert_eq!(reply.header_bytes(HeaderName::To).next(), Some(to));
}

#[test]
fn fields_go_on_byte_for_byte() {
    let odd: &[&[u8]] = &[
        b"p-asserted-identity :  \"\xd5\xc5\xc8\xfd\" <tel:+86>",
        b"X-Folded: one\r\n  two\r\n\tthree  ",
        b"s:",
        b"X-Trail: a \t",
        b"X-Folded:\r\n four",
    ];
    let mut bytes = invite();
    let at = bytes.windows(4).position(|w| w == b"From").unwrap();
    let lines: Vec<u8> = odd
        .iter()
        .flat_map(|f| [f, b"\r\n".as_slice()].concat())
        .collect();
    bytes.splice(at..at, lines);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.bytes(), bytes, "the whole of it too");
    let copy = message
        .fields()
        .fold(Builder::response(200, ""), Builder::field)
        .finish();
    let whole: Vec<u8> = message
        .fields()
        .flat_map(|f| [f.as_bytes(), b"\r\n"].concat())
        .collect();
    let start = bytes.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 2;
    assert_eq!(whole, bytes[start..end]);
    assert!(copy.windows(whole.len()).any(|w| w == whole));
    let reply = Builder::response(200, "")
        .forward(&message, "P-Asserted-Identity")
        .forward(&message, "x-folded")
        .forward(&message, "Subject")
        .forward(&message, "X-Absent")
        .finish();
    let wanted = [
        b"SIP/2.0 200 OK",
        odd[0],
        odd[1],
        odd[4],
        odd[2],
        b"Content-Length: 0\r\n\r\n",
    ];
    assert_eq!(reply, wanted.join(b"\r\n".as_slice()));
    let names: Vec<&str> = message.fields().map(|f| f.name_text()).collect();
    assert_eq!(
        names[2..7],
        [
            "p-asserted-identity",
            "X-Folded",
            "s",
            "X-Trail",
            "X-Folded"
        ]
    );
}

#[test]
fn scans_see_what_the_parser_sees() {
    let bytes = invite();
    assert_eq!(scan::call_id(&bytes), Some(b"c@h".as_slice()));
    assert_eq!(scan::method(&bytes), Some(Method::Invite));
    assert!(scan::start_line_is_request(&bytes));
    assert_eq!(scan::to_user(&bytes), Some(b"12356".as_slice()));
    let odd = b"\r\nSIP/2.0 200 OK\r\nImportance: x\r\nI :\r\n  folded\r\nCall-ID: second\r\nt: \"<sip:x@y>\" <tel:+8610>\r\n\r\nCall-ID: body";
    assert_eq!(scan::call_id(odd), Some(b"folded".as_slice()));
    assert_eq!(
        (scan::method(odd), scan::start_line_is_request(odd)),
        (None, false)
    );
    assert_eq!(scan::to_user(odd), Some(b"+8610".as_slice()));
    // A form feed is no white space of SIP: what the parser keeps, the scan keeps.
    let feed = String::from_utf8_lossy(&bytes)
        .replace("c@h\r", "c@h\x0c\r")
        .into_bytes();
    let kept = Message::parse(&feed).unwrap();
    assert_eq!(
        scan::call_id(&feed),
        kept.header_bytes(HeaderName::CallId).next()
    );
    assert_eq!(
        scan::call_id(b"INVITE x SIP/2.0\r\n\r\nCall-ID: body\r\n"),
        None
    );
    assert_eq!(
        (
            scan::call_id(b""),
            scan::method(b"\r\n"),
            scan::to_user(b"x")
        ),
        (None, None, None)
    );
}

#[test]
fn phrases_exist_for_every_status() {
    assert_eq!(reason_phrase(487), "Request Terminated");
    assert!((100..700).all(|status| !reason_phrase(status).is_empty()));
}

proptest! {
    #[test]
    fn what_is_built_is_read_back(
        method in "[A-Z]{3,10}", user in "[a-z0-9+*#.]{1,20}", host in "[a-z][a-z0-9.-]{0,20}", tag in "[A-Za-z0-9.~-]{1,20}",
        display in "[^\r\n\0\"\\\\]{0,20}", call_id in "[!-~]{1,40}", cseq in any::<u32>(), branch in "z9hG4bK[A-Za-z0-9]{1,20}",
        subject in "[^\r\n\0]{0,60}", body in proptest::collection::vec(any::<u8>(), 0..200), name in "X-[A-Za-z0-9-]{1,20}",
    ) {
        let uri = format!("sip:{user}@{host}");
        let bytes = Builder::request(&method, &uri)
            .header("Via", &format!("SIP/2.0/UDP {host}:5060;branch={branch};rport"))
            .header("From", &format!("\"{display}\" <{uri}>;tag={tag}"))
            .header("To", &format!("<{uri}>"))
            .header("Call-ID", &call_id)
            .header("CSeq", &format!("{cseq} {method}"))
            .header(&name, &subject)
            .body("application/octet-stream", &body)
            .finish();
        let m = Message::parse(&bytes).unwrap();
        prop_assert_eq!(m.bytes(), bytes.as_slice());
        prop_assert_eq!(m.method_str(), method.as_str());
        prop_assert_eq!(m.request_uri(), uri.as_str());
        prop_assert_eq!((m.call_id(), m.cseq()), (call_id.as_str(), (cseq, method.as_str())));
        prop_assert_eq!(m.from_tag(), Some(tag.as_str()));
        let from = m.from_addr().unwrap();
        prop_assert_eq!((from.display_text(), from.uri), (display.as_str().into(), uri.as_str()));
        prop_assert_eq!(m.top_via().branch, Some(branch.as_str()));
        prop_assert_eq!(m.raw_header(&name), Some(subject.trim_matches([' ', '\t'])));
        prop_assert_eq!(m.body(), body.as_slice());
        prop_assert_eq!(scan::call_id(&bytes), Some(call_id.as_bytes()));
        prop_assert_eq!(scan::to_user(&bytes), Some(user.as_bytes()));
    }

    #[test]
    fn any_text_in_a_value_stays_one_line(value in any::<Vec<u8>>()) {
        let bytes = Builder::response(200, "").header_raw("Subject", &value).finish();
        prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 4);
    }
}
