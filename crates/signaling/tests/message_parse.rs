//! What a message gives back: headers in every spelling, addresses, Via, limits.

use meishier_signaling::message::{
    AddressError, HeaderName, Message, Method, NameAddr, ParseError, Via,
};

/// A request whose header lines are `extra` in addition to the necessary ones.
fn request(extra: &str) -> String {
    format!(
        "INVITE sip:12356@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1;rport\r\n\
         From: <sip:a@192.0.2.9>;tag=f1\r\nTo: <sip:12356@192.0.2.1>\r\nCall-ID: c1@h\r\nCSeq: 7 INVITE\r\n{extra}\r\n"
    )
}

fn parse(extra: &str) -> Message {
    Message::parse(request(extra).as_bytes()).unwrap()
}

fn error(text: &str) -> ParseError {
    Message::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn an_ordinary_request_reads_back() {
    let m = parse(
        "Max-Forwards: 70\r\nContact: <sip:a@192.0.2.9:5062>\r\nContent-Type: application/sdp ; x=1\r\nContent-Length: 0\r\n",
    );
    assert!(m.is_request());
    assert_eq!(
        (m.method(), m.method_str(), m.status()),
        (Some(Method::Invite), "INVITE", None)
    );
    assert_eq!(m.request_uri(), "sip:12356@192.0.2.1");
    assert_eq!(
        (m.call_id(), m.cseq(), m.cseq_method()),
        ("c1@h", (7, "INVITE"), Method::Invite)
    );
    assert_eq!((m.from_tag(), m.to_tag()), (Some("f1"), None));
    assert_eq!(m.max_forwards(), Some(70));
    assert_eq!(m.content_type(), "application/sdp");
    let via = m.top_via();
    assert_eq!(
        (via.transport, via.host, via.port),
        ("UDP", "192.0.2.9", Some(5062))
    );
    assert_eq!(
        (via.branch, via.rport, via.received),
        (Some("z9hG4bK1"), Some(None), None)
    );
    assert!(via.has_magic_cookie());
    assert_eq!(m.contact().unwrap().uri, "sip:a@192.0.2.9:5062");
}

#[test]
fn names_are_found_compact_and_in_any_case() {
    let text = "BYE sip:x@h SIP/2.0\r\nv: SIP/2.0/TCP h\r\nF: <sip:a@h>;tag=1\r\nt : <sip:b@h>;tag=2\r\ni:abc\r\n\
                cSEQ: 1 BYE\r\nm: <sip:q@h>\r\nL: 0\r\nk: timer, 100rel\r\nX-Own: yes\r\n\r\n";
    let m = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(m.to_tag(), Some("2"));
    assert_eq!(
        m.values(HeaderName::Supported).collect::<Vec<_>>(),
        ["timer", "100rel"]
    );
    assert_eq!(m.raw_header("x-oWN"), Some("yes"));
    assert_eq!(m.raw_header("SUPPORTED"), Some("timer, 100rel"));
    assert_eq!(m.lines().next(), Some(("v", "SIP/2.0/TCP h")));
}

#[test]
fn every_name_is_found_by_itself() {
    for name in [
        "Via",
        "P-Access-Network-Info",
        "WWW-Authenticate",
        "Proxy-Authorization",
        "Min-SE",
        "Reason",
    ] {
        assert_eq!(HeaderName::of(name).as_str(), name);
        assert_eq!(HeaderName::of(&name.to_uppercase()).as_str(), name);
    }
    assert_eq!(HeaderName::of("Vib"), HeaderName::Other);
    assert_eq!(HeaderName::of(""), HeaderName::Other);
    assert_eq!(HeaderName::of(&"x".repeat(300)), HeaderName::Other);
}

#[test]
fn folds_read_as_spaces() {
    let m = parse("Subject: one\r\n two\r\n\tthree \r\nReason:\r\n SIP;cause=200\r\n");
    assert_eq!(m.header(HeaderName::Subject), Some("one   two  \tthree"));
    assert_eq!(m.header(HeaderName::Reason), Some("SIP;cause=200"));
    assert!(
        !m.headers(HeaderName::Subject)
            .any(|v| v.contains(['\r', '\n']))
    );
}

#[test]
fn lists_split_outside_quotes_and_brackets() {
    let m = parse(
        "Contact: \"a, <b\" <sip:x,y@h>;q=1 , <sip:z@h>\r\nContact: sip:w@h;expires=3\r\nRoute: <sip:p;lr>,<sip:q;lr>\r\n",
    );
    let uris: Vec<&str> = m.contacts().map(|c| c.unwrap().uri).collect();
    assert_eq!(uris, ["sip:x,y@h", "sip:z@h", "sip:w@h"]);
    assert_eq!(m.values(HeaderName::Route).count(), 2);
    let third = m.contacts().nth(2).unwrap().unwrap();
    assert_eq!(third.params.value("EXPIRES"), Some("3"));
}

#[test]
fn a_display_name_never_passes_for_the_uri() {
    let spoof =
        NameAddr::parse(r#""<sip:110@police>;tag=evil \" <x" <sip:real@h>;tag=ok"#).unwrap();
    assert_eq!((spoof.uri, spoof.tag()), ("sip:real@h", Some("ok")));
    assert_eq!(spoof.display_text(), "<sip:110@police>;tag=evil \" <x");
    let plain = NameAddr::parse("Bell, A. <sip:b@h>").unwrap();
    assert_eq!((plain.display, plain.uri), (Some("Bell, A."), "sip:b@h"));
    let chinese = NameAddr::parse("\"张三\" <tel:+8613800000000>").unwrap();
    assert_eq!(chinese.display_text(), "张三");
    assert_eq!(chinese.uri().unwrap().dial_string(), "+8613800000000");
    for (text, error) in [
        ("\"open <sip:a@h>", AddressError::Unbalanced),
        ("<sip:a@h", AddressError::Unbalanced),
        ("\"a\" b <sip:a@h>", AddressError::Display),
        ("sip:a@h?x=y", AddressError::NeedsBrackets),
        ("sip:a@h sip:b@h", AddressError::NeedsBrackets),
        ("<sip:a@h>;tag=1;tag=2", AddressError::Params),
        ("<sip:a@h>;tag=1, <sip:b@h>", AddressError::Params),
        ("<sip:a@h> junk", AddressError::Unbalanced),
    ] {
        assert_eq!(NameAddr::parse(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_neither_panic_nor_get_lost() {
    let mut bytes = request("").into_bytes();
    let at = bytes.windows(5).position(|w| w == b"From:").unwrap() + 6;
    bytes.splice(at..at, *b"\"\xd5\xc5\xc8\xfd\" ");
    bytes.extend_from_slice(b"\xff\xfe");
    let m = Message::parse(&bytes).unwrap();
    assert_eq!(m.bytes(), bytes);
    assert_eq!(m.body(), b"\xff\xfe");
    let from = m.from_addr().unwrap();
    assert_eq!((from.uri, from.tag()), ("sip:a@192.0.2.9", Some("f1")));
    assert_eq!(from.display_text(), "\u{1a}\u{1a}\u{1a}\u{1a}");
    assert!(
        m.header_bytes(HeaderName::From)
            .next()
            .unwrap()
            .starts_with(b"\"\xd5\xc5")
    );
}

#[test]
fn content_length_cuts_or_refuses() {
    let with = |length: &str, body: &str| request(&format!("Content-Length: {length}\r\n")) + body;
    assert_eq!(
        Message::parse(with("2", "abcd").as_bytes()).unwrap().body(),
        b"ab"
    );
    assert_eq!(
        Message::parse((request("") + "abcd").as_bytes())
            .unwrap()
            .body(),
        b"abcd"
    );
    assert_eq!(error(&with("5", "abcd")), ParseError::BodyTooShort);
    for bad in ["-1", "+1", "", "1 1", "0x1", "99999999999"] {
        assert_eq!(
            error(&with(bad, "abcd")),
            ParseError::Malformed(HeaderName::ContentLength),
            "{bad}"
        );
    }
    let twice = request("l: 1\r\nContent-Length: 4\r\n") + "abcd";
    assert_eq!(
        error(&twice),
        ParseError::Repeated(HeaderName::ContentLength)
    );
}

#[test]
fn what_every_message_needs_is_checked() {
    let base = request("");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let without: String = base
            .split_inclusive("\r\n")
            .filter(|l| !l.starts_with(&format!("{name}:")))
            .collect();
        assert_eq!(error(&without), ParseError::Missing(HeaderName::of(name)));
    }
    assert_eq!(
        error(&base.replace("7 INVITE", "7 BYE")),
        ParseError::MethodMismatch
    );
    assert_eq!(
        error(&base.replace("7 INVITE", "4294967296 INVITE")),
        ParseError::Malformed(HeaderName::CSeq)
    );
    assert_eq!(
        error(&base.replace("Call-ID: c1@h", "Call-ID:")),
        ParseError::Malformed(HeaderName::CallId)
    );
    assert_eq!(
        error(&base.replace("To: <", "To: \"<")),
        ParseError::Malformed(HeaderName::To)
    );
    assert_eq!(
        error(&base.replace("To: <", "To: <sip:x@y>\r\nTo: <")),
        ParseError::Repeated(HeaderName::To)
    );
    assert_eq!(
        error(&base.replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia")),
        ParseError::Version
    );
    assert_eq!(
        error(&base.replace("From: ", "From ")),
        ParseError::HeaderLine
    );
    assert_eq!(
        error(&base.replace("From: ", "From: x\n")),
        ParseError::LineEnd
    );
    assert_eq!(error(base.trim_end()), ParseError::Unterminated);
    assert_eq!(error("\r\n\r\n"), ParseError::Empty);
    assert_eq!(error(""), ParseError::Empty);
}

#[test]
fn limits_hold() {
    assert_eq!(
        error(&request(&"X: y\r\n".repeat(Message::MAX_HEADERS))),
        ParseError::TooManyHeaders
    );
    let fits = request(&"X: y\r\n".repeat(Message::MAX_HEADERS - 5));
    assert_eq!(
        Message::parse(fits.as_bytes()).unwrap().lines().count(),
        Message::MAX_HEADERS
    );
    assert_eq!(
        error(&(request("") + &"b".repeat(Message::MAX_BYTES))),
        ParseError::TooLarge
    );
    let largest = request("");
    let largest = largest.clone() + &"b".repeat(Message::MAX_BYTES - largest.len());
    assert_eq!(
        Message::parse(largest.as_bytes()).unwrap().bytes().len(),
        Message::MAX_BYTES
    );
}

#[test]
fn responses_read_back() {
    let text = "SIP/2.0 486 忙\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKx;received=192.0.2.7;rport=1024\r\n\
                From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: i\r\nCSeq: 3 CANCEL\r\n\r\n";
    let m = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(
        (m.status(), m.method(), m.cseq_method(), m.method_str()),
        (Some(486), None, Method::Cancel, "CANCEL")
    );
    assert_eq!(m.reason(), "忙".as_bytes());
    let via = m.top_via();
    assert_eq!((via.host, via.port), ("[2001:db8::1]", Some(5060)));
    assert_eq!(
        (via.received, via.rport),
        (Some("192.0.2.7"), Some(Some(1024)))
    );
    assert_eq!(format!("{m:?}"), "Message(486 …)");
    let without_reason = text.replace("486 忙", "486");
    assert_eq!(
        Message::parse(without_reason.as_bytes()).unwrap().reason(),
        b""
    );
    for bad in ["99", "700", "4294967301", "0486", "48"] {
        assert_eq!(
            error(&text.replace("486", bad)),
            ParseError::Status,
            "{bad}"
        );
    }
}

#[test]
fn via_refuses_what_is_not_one() {
    for bad in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 UDP h",
        "SIP/3.0/UDP h",
        "SIP/2.0/UDP ;branch=1",
        "SIP/2.0/UDP h:0",
        "SIP/2.0/UDP h:65536",
        "SIP/2.0/UDP h;;branch=1",
        "SIP/2.0/UDP h;branch=1;branch=2",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP [h]",
    ] {
        assert!(Via::parse(bad).is_err(), "{bad}");
    }
    let spaced = Via::parse("SIP / 2.0 / TCP  h : 5061 ; branch = z9hG4bK1 ;rport").unwrap();
    assert_eq!(
        (spaced.host, spaced.port, spaced.branch, spaced.rport),
        ("h", Some(5061), Some("z9hG4bK1"), Some(None))
    );
}
