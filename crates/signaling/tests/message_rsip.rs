//! rsip as a second opinion on the messages of RFC 4475 and on ordinary ones: wherever it can read one,
//! both must see the same. `message_differential` asks it about many more.

use meishier_signaling::message::{HeaderName, Message};
use rsip::SipMessage;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;

/// Messages of ordinary shape, and those of RFC 4475 that rsip reads.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (i, display) in ["", "\"Bell, Alexander\" ", "\"<sip:x@y>\" ", "Watson "]
        .iter()
        .enumerate()
    {
        for method in ["INVITE", "REGISTER", "BYE", "OPTIONS", "CANCEL", "ACK"] {
            for host in ["192.0.2.7", "a.example.com", "b-1.example.com:5062"] {
                let text = format!(
                    "{method} sip:12356@{host} SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch=z9hG4bK{i}\r\n\
                     Via: SIP/2.0/TCP p.example.com;branch=z9hG4bKp\r\nMax-Forwards: 70\r\n\
                     From: {display}<sip:1380000000{i}@{host}>;tag=f{i}\r\nTo: <sip:12356@{host}>;tag=t\r\n\
                     Call-ID: {i}-{method}@h\r\nCSeq: {i} {method}\r\nContact: <sip:c@{host}>\r\n\
                     Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
                );
                all.push((format!("{method} {i} {host}"), text.into_bytes()));
            }
        }
    }
    for folder in ["valid", "invalid"] {
        let path = format!("{}/tests/rfc4475/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    all
}

#[test]
fn both_parsers_see_the_same() {
    let (mut compared, mut users) = (0, 0);
    for (name, bytes) in corpus() {
        let (Ok(ours), Ok(theirs)) = (
            Message::parse(&bytes),
            SipMessage::try_from(bytes.as_slice()),
        ) else {
            continue;
        };
        compared += 1;
        assert_eq!(ours.is_request(), theirs.is_request(), "{name}");
        if let Ok(id) = theirs.call_id_header() {
            assert_eq!(ours.call_id(), id.value().trim(), "{name}");
        }
        if let Ok(cseq) = theirs.cseq_header().map(|h| h.typed())
            && let Ok(cseq) = cseq
        {
            assert_eq!(
                ours.cseq(),
                (cseq.seq, cseq.method.to_string().as_str()),
                "{name}"
            );
        }
        if let Ok(Ok(from)) = theirs.from_header().map(|h| h.typed()) {
            assert_eq!(
                ours.from_tag(),
                from.params.iter().find_map(|p| match p {
                    rsip::Param::Tag(tag) => Some(tag.value()),
                    _ => None,
                }),
                "{name}"
            );
            let uri = ours.from_addr().unwrap().uri().unwrap();
            // rsip takes what stands in a quoted display name for the URI, and loses the user of
            // some URIs; that is why it is not ours. Where it has one, both must have the same.
            let value = ours.header(HeaderName::From).unwrap();
            if let Some(auth) = from.uri.auth
                && !value.contains("\"<")
            {
                users += 1;
                assert_eq!(uri.user, Some(auth.user.as_str()), "{name}");
                assert_eq!(
                    uri.port,
                    from.uri.host_with_port.port.map(|p| *p.value()),
                    "{name}"
                );
            }
        }
        if let Ok(Ok(via)) = theirs.via_header().map(|h| h.typed()) {
            assert_eq!(
                ours.top_via().branch,
                via.branch().map(|b| b.value()),
                "{name}"
            );
            assert_eq!(
                ours.top_via().transport,
                via.transport.to_string(),
                "{name}"
            );
        }
        if let SipMessage::Response(response) = &theirs {
            assert_eq!(
                ours.status(),
                Some(u16::from(response.status_code.clone())),
                "{name}"
            );
        }
    }
    // 72 of our own and at least a few of the RFC's; a quarter of ours has the quoted URI.
    assert!(compared >= 75 && users >= 54, "{compared} {users}");
}
