//! RFC 4475: every message, and what the parser has to make of it. What the engine answers is held
//! by the engine's tests and those of the whole program, with the same table.

#[path = "rfc4475/table.rs"]
mod table;

use meishier_signaling::message::{HeaderName, Message, Method};
use meishier_signaling::uri::Uri;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use table::{Answer, Case, Parser, TABLE};

fn read(name: &str) -> Vec<u8> {
    let case = TABLE.iter().find(|case| case.name == name);
    case.expect(name).bytes()
}

fn remote() -> SocketAddr {
    "198.51.100.7:5099".parse().unwrap()
}

/// Everything that the parser can be asked of one case.
fn check(case: &Case) {
    let (name, bytes) = (case.name, case.bytes());
    match (case.parser, Message::parse(&bytes)) {
        (Parser::Read(method), Ok(message)) => {
            assert_eq!(message.method_str(), method, "{name}");
            assert!(bytes.starts_with(message.bytes()), "{name}: as it came");
        }
        (Parser::Refused(error), Err(got)) => {
            assert_eq!(format!("{got:?}"), error, "{name}");
            let Answer::Status(status) = case.engine else {
                panic!("{name}: a refusal has a status");
            };
            let reply = got.reply_400(&bytes, remote()).expect(name);
            // What we copy may be as malformed as it came; the status line is ours.
            let start = format!("SIP/2.0 {status} {got}\r\n");
            assert!(reply.starts_with(start.as_bytes()), "{name}");
            if let Ok(reply) = Message::parse(&reply) {
                assert!(reply.to_tag().is_some(), "{name}");
            }
        }
        (Parser::Dropped(error), Err(got)) => {
            assert_eq!(format!("{got:?}"), error, "{name}");
            assert_eq!(got.reply_400(&bytes, remote()), None, "{name}");
        }
        (wanted, got) => panic!("{name}: {wanted:?}, but {got:?}"),
    }
}

#[test]
fn every_message_ends_as_the_rfc_says() {
    for case in TABLE {
        check(case);
    }
}

#[test]
fn the_table_has_every_message_of_the_rfc_once() {
    // Sections of RFC 4475 and how many messages each has.
    let sections = [
        ("3.1.1", 13),
        ("3.1.2", 19),
        ("3.2", 1),
        ("3.3", 15),
        ("3.4", 1),
    ];
    for (section, count) in sections {
        let clauses: Vec<String> = (1..=count).map(|n| format!("{section}.{n}")).collect();
        let of_section = format!("{section}.");
        let found: Vec<&str> = TABLE
            .iter()
            .map(|case| case.clause)
            .filter(|clause| clause.starts_with(&of_section))
            .collect();
        assert_eq!(found, clauses);
    }
    let names: BTreeSet<&str> = TABLE.iter().map(|case| case.name).collect();
    assert_eq!((names.len(), TABLE.len()), (49, 49));
    assert!(TABLE.iter().all(|case| !case.why.is_empty()));
    for folder in ["valid", "invalid"] {
        let path = format!("{}/tests/rfc4475/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(path).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(names.contains(name.trim_end_matches(".dat")), "{name}");
        }
    }
}

#[test]
fn wsinv_reads_as_the_rfc_explains() {
    let m = Message::parse(&read("wsinv")).unwrap();
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
    let m = Message::parse(&read("esc01")).unwrap();
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
    let m = Message::parse(&read("esc02")).unwrap();
    assert_eq!(m.method(), Some(Method::Other));
    assert_eq!(m.contacts().count(), 2);

    let m = Message::parse(&read("escnull")).unwrap();
    let users: Vec<String> = m
        .contacts()
        .map(|c| c.unwrap().uri().unwrap().user_unescaped().into_owned())
        .collect();
    assert_eq!(users, ["\0", "\0\0"]);

    let m = Message::parse(&read("semiuri")).unwrap();
    let uri = Uri::parse(m.request_uri()).unwrap();
    assert_eq!(
        (uri.user_unescaped().as_ref(), uri.host),
        ("user;par=u@example.net", "example.com")
    );

    let m = Message::parse(&read("intmeth")).unwrap();
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
    let two = read("dblreq");
    let m = Message::parse(&two).unwrap();
    assert!(m.body().is_empty() && m.bytes().len() < two.len());
    assert_eq!(
        Message::parse(&two[m.bytes().len()..]).unwrap().method(),
        Some(Method::Invite)
    );
    assert_eq!(
        Message::parse(&read("longreq"))
            .unwrap()
            .values(HeaderName::Via)
            .count(),
        34
    );
    assert_eq!(Message::parse(&read("mpart01")).unwrap().body().len(), 553);
    let m = Message::parse(&read("transports")).unwrap();
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
        Message::parse(&read("regbadct"))
            .unwrap()
            .contact()
            .is_err()
    );
}

#[test]
fn messages_of_the_other_sections_read_as_they_explain() {
    let m = Message::parse(&read("badbranch")).unwrap();
    assert!(
        !m.top_via().has_magic_cookie(),
        "no transaction has that name"
    );
    let m = Message::parse(&read("novelsc")).unwrap();
    let uri = Uri::parse(m.request_uri()).unwrap();
    assert_eq!((uri.scheme, uri.is_sip()), ("xmlrpc.beep", false));
    let m = Message::parse(&read("bcast")).unwrap();
    assert_eq!(
        (m.status(), m.values(HeaderName::Via).count()),
        (Some(200), 2)
    );
    // A parameter behind a URI without brackets is the header's, within them the URI's (§20.10).
    let m = Message::parse(&read("cparam01")).unwrap();
    let contact = m.contact().unwrap();
    assert_eq!(contact.params.get("unheardof"), Some(None));
    assert_eq!(contact.uri().unwrap().params.get("unheardof"), None);
    let m = Message::parse(&read("cparam02")).unwrap();
    let contact = m.contact().unwrap();
    assert_eq!(contact.params.get("unheardof"), None);
    assert_eq!(contact.uri().unwrap().params.get("unheardof"), Some(None));
    let m = Message::parse(&read("regescrt")).unwrap();
    let uri = m.contact().unwrap().uri().unwrap();
    let route = ("Route".into(), "<sip:edge.phone.example>".into());
    assert_eq!(uri.header_fields().collect::<Vec<_>>(), [route]);
    let m = Message::parse(&read("inv2543")).unwrap();
    assert_eq!(
        (m.from_tag(), m.to_tag(), m.max_forwards()),
        (None, None, None)
    );
    assert_eq!(m.top_via().branch, None);
    assert_eq!(m.to_addr().unwrap().params.value("user"), Some("phone"));
    assert!(m.body().starts_with(b"v=0") && m.header(HeaderName::ContentLength).is_none());
}

#[test]
fn multipart_with_binary_comes_apart() {
    let m = Message::parse(&read("mpart01")).unwrap();
    let parts = meishier_signaling::body::parts(&m).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(
        (parts[0].content(), parts[0].is("text/plain")),
        (b"Hello".as_slice(), true)
    );
    assert!(parts[1].is("application/octet-stream"));
    assert!(
        std::str::from_utf8(parts[1].content()).is_err(),
        "bytes, not text"
    );
}
