//! RFC 4475 §3.1: every message, and what has to come of it.

use meishier_signaling::message::{HeaderName, Message, Method, ParseError};
use meishier_signaling::uri::Uri;
use std::net::SocketAddr;

/// What has to come of one file.
enum Expect {
    /// Read, with this method (or that of CSeq).
    Read(&'static str),
    /// A request refused with this error and answered with this status.
    Answered(ParseError, u16),
    /// A response (or noise) refused, and nobody answered.
    Dropped(ParseError),
}

use Expect::{Answered, Dropped, Read};
use HeaderName::{CSeq, ContentLength, To, Via};

/// File, expectation; the clause of RFC 4475 and its reason where it leaves a choice.
const TABLE: &[(&str, Expect)] = &[
    // 3.1.1.1 to 3.1.1.13: all valid.
    ("valid/wsinv.dat", Read("INVITE")),
    (
        "valid/intmeth.dat",
        Read("!interesting-Method0123456789_*+`.%indeed'~"),
    ),
    ("valid/esc01.dat", Read("INVITE")),
    ("valid/escnull.dat", Read("REGISTER")),
    ("valid/esc02.dat", Read("RE%47IST%45R")),
    ("valid/lwsdisp.dat", Read("OPTIONS")),
    ("valid/longreq.dat", Read("INVITE")),
    ("valid/dblreq.dat", Read("REGISTER")),
    ("valid/semiuri.dat", Read("OPTIONS")),
    ("valid/transports.dat", Read("OPTIONS")),
    ("valid/mpart01.dat", Read("MESSAGE")),
    ("valid/unreason.dat", Read("INVITE")),
    ("valid/noreason.dat", Read("INVITE")),
    // 3.1.2.1: extraneous separators in Via and Contact.
    (
        "invalid/badinv01.dat",
        Answered(ParseError::Malformed(Via), 400),
    ),
    // 3.1.2.2: Content-Length larger than the message.
    ("invalid/clerr.dat", Answered(ParseError::BodyTooShort, 400)),
    // 3.1.2.3: negative Content-Length.
    (
        "invalid/ncl.dat",
        Answered(ParseError::Malformed(ContentLength), 400),
    ),
    // 3.1.2.4: request scalars beyond their range.
    (
        "invalid/scalar02.dat",
        Answered(ParseError::Malformed(CSeq), 400),
    ),
    // 3.1.2.5: response scalars; "should simply discard".
    ("invalid/scalarlg.dat", Dropped(ParseError::Malformed(CSeq))),
    // 3.1.2.6: unterminated quote in To.
    (
        "invalid/quotbal.dat",
        Answered(ParseError::Malformed(To), 400),
    ),
    // 3.1.2.7: angle brackets around the Request-URI.
    (
        "invalid/ltgtruri.dat",
        Answered(ParseError::RequestUri, 400),
    ),
    // 3.1.2.8: white space within the Request-URI.
    ("invalid/lwsruri.dat", Answered(ParseError::StartLine, 400)),
    // 3.1.2.9: several spaces between the parts of the Request-Line.
    ("invalid/lwsstart.dat", Answered(ParseError::StartLine, 400)),
    // 3.1.2.10: spaces behind the Request-Line.
    ("invalid/trws.dat", Answered(ParseError::StartLine, 400)),
    // 3.1.2.11: headers in the Request-URI; 400 is "acceptable", and safer than to ignore them.
    ("invalid/escruri.dat", Answered(ParseError::RequestUri, 400)),
    // 3.1.2.12: a Date not in GMT; may be ignored where Date is not used, and we do not use it.
    ("invalid/baddate.dat", Read("INVITE")),
    // 3.1.2.13: Contact with a question mark outside brackets; the registrar answers 400.
    ("invalid/regbadct.dat", Read("REGISTER")),
    // 3.1.2.14: spaces within the brackets of To; may be accepted by who is "liberal".
    ("invalid/badaspec.dat", Read("OPTIONS")),
    // 3.1.2.15: comma in an unquoted display name; the URI is not in doubt.
    ("invalid/baddn.dat", Read("OPTIONS")),
    // 3.1.2.16: unknown version.
    ("invalid/badvers.dat", Answered(ParseError::Version, 505)),
    // 3.1.2.17 and 18: start line and CSeq disagree.
    (
        "invalid/mismatch01.dat",
        Answered(ParseError::MethodMismatch, 400),
    ),
    (
        "invalid/mismatch02.dat",
        Answered(ParseError::MethodMismatch, 400),
    ),
    // 3.1.2.19: status beyond its range; "should simply discard".
    ("invalid/bigcode.dat", Dropped(ParseError::Status)),
];

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/tests/rfc4475/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn remote() -> SocketAddr {
    "198.51.100.7:5099".parse().unwrap()
}

#[test]
fn every_message_ends_as_the_rfc_says() {
    for (name, expect) in TABLE {
        let bytes = read(name);
        match (expect, Message::parse(&bytes)) {
            (Read(method), Ok(message)) => assert_eq!(message.method_str(), *method, "{name}"),
            (Answered(error, status), Err(got)) => {
                assert_eq!(got, *error, "{name}");
                let reply = Message::parse(&got.reply_400(&bytes, remote()).expect(name));
                // What we copy may be as malformed as it came; the status line is ours.
                if let Ok(reply) = reply {
                    assert_eq!(reply.status(), Some(*status), "{name}");
                    assert!(reply.to_tag().is_some(), "{name}");
                }
                let reply = got.reply_400(&bytes, remote()).unwrap();
                assert!(
                    reply.starts_with(format!("SIP/2.0 {status} ").as_bytes()),
                    "{name}"
                );
            }
            (Dropped(error), Err(got)) => {
                assert_eq!(got, *error, "{name}");
                assert_eq!(got.reply_400(&bytes, remote()), None, "{name}");
            }
            (_, got) => panic!("{name}: {got:?}"),
        }
    }
}

#[test]
fn the_table_has_every_file() {
    let mut files = 0;
    for folder in ["valid", "invalid"] {
        let path = format!("{}/tests/rfc4475/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(path).unwrap() {
            let name = format!(
                "{folder}/{}",
                entry.unwrap().file_name().into_string().unwrap()
            );
            assert!(TABLE.iter().any(|(n, _)| *n == name), "{name}");
            files += 1;
        }
    }
    assert_eq!(files, TABLE.len());
}

#[test]
fn wsinv_reads_as_the_rfc_explains() {
    let m = Message::parse(&read("valid/wsinv.dat")).unwrap();
    assert_eq!(
        m.request_uri(),
        "sip:vivekg@chair-dnrc.example.com;unknownparam"
    );
    assert_eq!((m.cseq(), m.max_forwards()), ((9, "INVITE"), Some(68)));
    assert_eq!(
        (m.to_tag(), m.from_tag()),
        (Some("1918181833n"), Some("98asjd8"))
    );
    let from = m.from_addr().unwrap();
    assert_eq!(
        (from.display_text().as_ref(), from.uri),
        ("J Rosenberg \\\"", "sip:jdrosen@example.com")
    );
    let vias: Vec<&str> = m.values(HeaderName::Via).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(
        (m.top_via().host, m.top_via().branch),
        ("192.0.2.2", Some("390skdjuw"))
    );
    let second = meishier_signaling::via::Via::parse(vias[1]).unwrap();
    assert_eq!(
        (second.host, second.branch),
        ("spindle.example.com", Some("z9hG4bK9ikj8"))
    );
    assert_eq!(m.contact().unwrap().params.value("q"), Some("0.33"));
    assert_eq!(m.header(HeaderName::Subject), Some(""));
    assert_eq!(m.body().len(), 150);
}

#[test]
fn escapes_and_odd_users_are_kept_apart() {
    let m = Message::parse(&read("valid/esc01.dat")).unwrap();
    let uri = Uri::parse(m.request_uri()).unwrap();
    assert_eq!(
        (uri.user_unescaped().as_ref(), uri.host),
        ("sips:user@example.com", "example.net")
    );
    assert_eq!(m.to_addr().unwrap().uri().unwrap().user_unescaped(), "user");
    assert_eq!(
        m.contact().unwrap().uri,
        "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31"
    );

    // An escaped method is another method, and an escaped header name another header.
    let m = Message::parse(&read("valid/esc02.dat")).unwrap();
    assert_eq!(m.method(), Some(Method::Other));
    assert_eq!(m.contacts().count(), 2);

    let m = Message::parse(&read("valid/escnull.dat")).unwrap();
    let users: Vec<String> = m
        .contacts()
        .map(|c| c.unwrap().uri().unwrap().user_unescaped().into_owned())
        .collect();
    assert_eq!(users, ["\0", "\0\0"]);

    let m = Message::parse(&read("valid/semiuri.dat")).unwrap();
    let uri = Uri::parse(m.request_uri()).unwrap();
    assert_eq!(
        (uri.user_unescaped().as_ref(), uri.host),
        ("user;par=u@example.net", "example.com")
    );

    let m = Message::parse(&read("valid/intmeth.dat")).unwrap();
    assert_eq!(
        m.from_addr().unwrap().display,
        Some("token1~` token2'+_ token3*%!.-")
    );
    assert_eq!(
        m.raw_header("extensionHeader-!.%*+_`'~").map(str::len),
        Some(12)
    );
}

#[test]
fn lengths_and_lists() {
    let two = read("valid/dblreq.dat");
    let m = Message::parse(&two).unwrap();
    assert!(m.body().is_empty() && m.bytes().len() < two.len());
    assert_eq!(
        Message::parse(&two[m.bytes().len()..]).unwrap().method(),
        Some(Method::Invite)
    );
    assert_eq!(
        Message::parse(&read("valid/longreq.dat"))
            .unwrap()
            .values(HeaderName::Via)
            .count(),
        34
    );
    assert_eq!(
        Message::parse(&read("valid/mpart01.dat"))
            .unwrap()
            .body()
            .len(),
        553
    );
    let m = Message::parse(&read("valid/transports.dat")).unwrap();
    let transports: Vec<String> = m
        .values(HeaderName::Via)
        .map(|v| {
            meishier_signaling::via::Via::parse(v)
                .unwrap()
                .transport
                .to_owned()
        })
        .collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    assert!(
        Message::parse(&read("invalid/regbadct.dat"))
            .unwrap()
            .contact()
            .is_err()
    );
}
