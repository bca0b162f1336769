//! Bodies with parts: SDP beside a location, binary parts, parts within parts, and their limits.

use meishier_signaling::body::{self, Body, MAX_NESTING, MAX_PARTS, MultipartError};
use meishier_signaling::message::Message;
use proptest::prelude::*;

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n";
/// Binary, with what looks like a boundary but does not stand at the beginning of a line, or goes on.
const BINARY: &[u8] =
    b"\x00\xff\xfe--b1\r\n\r\n --b1\r\n--b10\r\n--b1x\r\n\r\r\n-\x80--b1--\r\n--B1\r\n";

fn invite(content_type: &str, extra: &str, body: &[u8]) -> Message {
    let head = format!(
        "INVITE sip:12356@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=f\r\n\
         To: <sip:12356@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Type: {content_type}\r\n{extra}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    Message::parse(&[head.as_bytes(), body].concat()).unwrap()
}

/// A multipart body with the boundary `b1` of heads and contents.
fn body_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"For those who know no MIME.\r\n".to_vec();
    for (head, content) in parts {
        out.extend(b"--b1\r\n");
        out.extend(head.bytes());
        out.extend(b"\r\n\r\n");
        out.extend(*content);
        out.extend(b"\r\n");
    }
    out.extend(b"--b1--\r\nAnd behind.");
    out
}

const MIXED: &str = "multipart/mixed; boundary=\"b1\"";

#[test]
fn a_location_stands_beside_the_session() {
    let place = "<presence>\u{8d35}\u{9633}</presence>".as_bytes();
    let binary = [b"<p>\xc3\x28", BINARY].concat();
    for location in [place, &binary] {
        let body = body_of(&[
            ("Content-Type: application/sdp;charset=utf-8", SDP),
            (
                "c: Application/PIDF+XML\r\nContent-ID: <1@h>\r\nContent-Disposition: by-reference",
                location,
            ),
        ]);
        let message = invite(MIXED, "Geolocation: <cid:1@h>\r\n", &body);
        assert_eq!(body::kind(&message), Body::Session);
        assert_eq!(body::sdp(&message), Some(SDP));
        assert_eq!(body::location(&message), Some(location));
        let parts = body::parts(&message).unwrap();
        assert_eq!(parts[1].header("content-id").as_deref(), Some("<1@h>"));
        assert_eq!(message.body(), body, "forwarded, it is what came");
    }
}

#[test]
fn binary_parts_are_cut_at_boundaries_only() {
    let body = body_of(&[
        (
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding:\r\n BINARY",
            BINARY,
        ),
        ("Content-Type: application/sdp", SDP),
        ("Content-Type: image/x", b""),
    ]);
    let message = invite(MIXED, "", &body);
    let parts = body::parts(&message).unwrap();
    let contents: Vec<&[u8]> = parts.iter().map(|p| p.content()).collect();
    assert_eq!(contents, [BINARY, SDP, b""]);
    assert_eq!(
        parts[0].header("Content-Transfer-Encoding").as_deref(),
        Some(" BINARY")
    );
    assert_eq!(body::sdp(&message), Some(SDP));
}

#[test]
fn parts_may_lack_head_content_or_the_last_boundary() {
    let text = b"--b1\r\n\r\nplain\r\n--b1 \t\r\nContent-Type: a/b\r\n\r\n--b1\r\nc: application/sdp\r\n\r\nv=0";
    let message = invite(MIXED, "", text);
    let parts = body::parts(&message).unwrap();
    let seen: Vec<(String, &[u8])> = parts
        .iter()
        .map(|p| (p.content_type(), p.content()))
        .collect();
    assert_eq!(
        seen,
        [
            ("text/plain".to_owned(), b"plain".as_slice()),
            ("a/b".to_owned(), b""),
            ("application/sdp".to_owned(), b"v=0"),
        ]
    );
}

#[test]
fn what_the_sender_wants_understood_decides() {
    let with = |disposition: &str, sdp: bool| {
        let head = format!("Content-Type: application/isup\r\nContent-Disposition: {disposition}");
        let isup = (head.as_str(), b"\x01\x02".as_slice());
        let session = ("Content-Type: application/sdp", SDP);
        let parts = if sdp { vec![isup, session] } else { vec![isup] };
        body::kind(&invite(MIXED, "", &body_of(&parts)))
    };
    assert_eq!(with("signal;handling=optional", true), Body::Session);
    assert_eq!(with("signal", true), Body::Session);
    assert_eq!(with("signal; handling=\"required\"", true), Body::Foreign);
    assert_eq!(with("signal;handling=optional", false), Body::Empty);
    assert_eq!(with("signal", false), Body::Foreign);
    let single = |disposition: &str| body::kind(&invite("text/plain", disposition, b"hello"));
    assert_eq!(single(""), Body::Foreign);
    assert_eq!(
        single("Content-Disposition: render;handling=optional\r\n"),
        Body::Empty
    );
    let encoded = "Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64";
    let message = invite(MIXED, "", &body_of(&[(encoded, b"dj0w")]));
    assert_eq!(
        (body::kind(&message), body::sdp(&message)),
        (Body::Foreign, None)
    );
    assert_eq!(body::kind(&invite("application/sdp", "", b"")), Body::Empty);
}

/// A session within so many multiparts.
fn nested(levels: usize) -> Message {
    let mut content_type = "application/sdp".to_owned();
    let mut body = SDP.to_vec();
    for level in 0..levels {
        let head = format!("--n{level}\r\nContent-Type: {content_type}\r\n\r\n");
        let end = format!("\r\n--n{level}--\r\n");
        body = [head.as_bytes(), &body, end.as_bytes()].concat();
        content_type = format!("multipart/mixed;boundary=n{level}");
    }
    invite(&content_type, "", &body)
}

#[test]
fn nesting_and_parts_have_limits() {
    for levels in 0..=MAX_NESTING {
        assert_eq!(body::sdp(&nested(levels)), Some(SDP), "{levels}");
    }
    let deep = Body::Malformed(MultipartError::TooDeep);
    assert_eq!(body::kind(&nested(MAX_NESTING + 1)), deep);
    assert_eq!(body::kind(&nested(200)), deep);
    let many = |n: usize| {
        let parts = vec![("Content-Type: a/b", b"x".as_slice()); n];
        body::parts(&invite(MIXED, "", &body_of(&parts))).map(|p| p.len())
    };
    assert_eq!(many(MAX_PARTS), Ok(MAX_PARTS));
    assert_eq!(many(MAX_PARTS + 1), Err(MultipartError::TooMany));
    for (content_type, body) in [
        ("multipart/mixed", "--b1\r\n\r\nx\r\n--b1--"),
        ("multipart/mixed;boundary=\"\"", "----"),
        ("multipart/mixed;boundary=b1", "no boundary"),
        ("multipart/mixed;boundary=b1", "--b1"),
    ] {
        let message = invite(content_type, "", body.as_bytes());
        let expected = Body::Malformed(MultipartError::Boundary);
        assert_eq!(body::kind(&message), expected, "{content_type}");
    }
    let headless = invite(
        "multipart/mixed;boundary=b1",
        "",
        b"--b1\r\nno head\r\n--b1--",
    );
    assert_eq!(body::kind(&headless), Body::Malformed(MultipartError::Head));
}

proptest! {
    #[test]
    fn any_bytes_between_boundaries_come_back(contents in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..200), 1..8,
    )) {
        // A boundary that no content holds; senders have to find one, too (RFC 2046 §5.1.1).
        let mark = "boundary-of-this-test";
        let mut body = Vec::new();
        for content in &contents {
            body.extend(format!("--{mark}\r\nContent-Type: a/b\r\n\r\n").bytes());
            body.extend(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{mark}--").bytes());
        let message = invite(&format!("multipart/mixed;boundary={mark}"), "", &body);
        let parts = body::parts(&message).unwrap();
        let found: Vec<&[u8]> = parts.iter().map(|p| p.content()).collect();
        prop_assert_eq!(found, contents);
    }

    #[test]
    fn no_body_makes_the_reader_panic(body in "((--b1)?(--)?(\r\n)?(Content-Type: multipart/x;boundary=b1)?[ -~]{0,5}){0,20}") {
        let message = invite(MIXED, "", body.as_bytes());
        let _ = (body::kind(&message), body::sdp(&message), body::location(&message));
    }
}
