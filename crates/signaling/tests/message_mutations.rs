//! 200,000 seeded mutations of a corpus against every reader that a stranger can reach: none may
//! panic, and all of them together take seconds.

#[path = "rfc4475/table.rs"]
mod table;

use meishier_model::Mono;
use meishier_signaling::auth::{AuthConfig, Authenticator};
use meishier_signaling::framing::TcpFramer;
use meishier_signaling::message::{HeaderName, Message, NameAddr, Via};
use meishier_signaling::uri::Uri;
use meishier_signaling::{body, lex, scan, via};
use std::net::SocketAddr;
use std::time::Duration;
use table::TABLE;

/// xorshift64*: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Pieces that mean something to one of the readers.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\n",
    b"\r",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b"=",
    b":",
    b"@",
    b"[",
    b"]",
    b"%",
    b"%00",
    b"?",
    b"\0",
    b"\xff",
    b"\xc3",
    "张".as_bytes(),
    b"Via: SIP/2.0/UDP ",
    b"Content-Length: 99999",
    b"l:0\r\n",
    b"tag=",
    b"z9hG4bK",
    b"4294967296",
    b"-1",
    b"*",
    b"Contact: *\r\n",
    b"Authorization: Digest ",
    b"nonce=\"",
    b"SIP/2.0",
    b"  ",
    b"::",
];

fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(40)).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] = random.next() as u8,
            1 => drop(bytes.drain(at..to)),
            2 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            3 => bytes.truncate(at),
            4 => bytes.extend_from_within(at..to),
            _ => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                let part = other[from..(from + random.below(80)).min(other.len())].to_vec();
                drop(bytes.splice(at..to, part));
            }
        }
    }
    bytes
}

fn corpus() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = TABLE.iter().map(table::Case::bytes).collect();
    let register = "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/TCP [::1]:5060;branch=z9hG4bK1;rport\r\nFrom: <sip:a@h>;tag=1\r\n\
        To: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\nContact: <sip:a@[::1]:5060;transport=tcp>;expires=60, *\r\n\
        Authorization: Digest username=\"a\\\"\", realm=\"h\", nonce=\"00000000000000010000000100112233445566778899aabbccddeeff\", \
        uri=\"sip:h\", response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\"\r\n\
        Expires: 60\r\nContent-Length: 0\r\n\r\n";
    files.push(register.into());
    let parts = "INVITE sip:a@[fe80::1%25e0]?x SIP/2.0\r\nv: SIP/2.0/UDP [fe80::1%e0];branch=z9hG4bK1\r\nf: <tel:1>;tag=1\r\n\
        t: <urn:service:sos>\r\ni: c\r\nCSeq: 2 INVITE\r\nc: multipart/mixed;boundary=b1\r\n\r\n--b1\r\n\
        Content-Type: multipart/mixed;boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b2--\r\n--b1\r\nc: application/sdp\r\n\
        Content-Disposition: session;handling=required\r\n\r\nv=0\r\n--b1--\r\n";
    files.push(parts.replace("?x", "").into());
    files
}

/// Reads all that can be read of what was accepted.
fn read_all(message: &Message) -> usize {
    let mut sum = message.body().len()
        + message.call_id().len()
        + message.method_str().len()
        + message.reason().len();
    sum += message.from_tag().map_or(0, str::len) + message.to_tag().map_or(0, str::len);
    sum += message.top_via().host.len() + message.contacts().filter(Result::is_ok).count();
    sum += body::parts(message).map_or(0, |parts| {
        parts.iter().map(|part| part.content_type().len()).sum()
    });
    let found = (
        body::kind(message),
        body::sdp(message),
        body::location(message),
    );
    assert!(found.0 != body::Body::Session || found.1.is_some());
    let fields: usize = message.fields().map(|f| f.as_bytes().len() + 2).sum();
    let head = message.bytes().len() - message.body().len();
    assert!(
        fields + 2 < head,
        "a start line, all fields, the empty line"
    );
    for (name, value) in message.lines() {
        assert!(!value.contains(['\r', '\n']), "a value left its line");
        sum += name.len() + lex::list(value).count() + lex::unquote(value).len();
        sum += NameAddr::parse(value).map_or(0, |a| {
            a.uri()
                .map_or(0, |u| u.dial_string().len() + u.header_fields().count())
        });
        sum += Via::parse(value).map_or(0, |v| v.transport.len());
    }
    assert!(
        !message.top_via().host.is_empty(),
        "a parsed message has a Via"
    );
    assert!(message.from_addr().is_ok() && message.to_addr().is_ok());
    sum
}

fn frame(bytes: &[u8], random: &mut Random) {
    let mut framer = TcpFramer::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + random.below(rest.len())).min(rest.len()));
        framer.push(now);
        while let Ok(Some(message)) = framer.next() {
            assert!(!message.is_empty() && message.len() <= Message::MAX_BYTES);
        }
        rest = later;
    }
    assert!(framer.buffered() <= TcpFramer::MAX_BUFFERED);
}

#[test]
fn no_mutation_makes_a_reader_panic() {
    let corpus = corpus();
    let mut random = Random(0x1235_6123_5612_3561);
    let config = AuthConfig {
        realm: "h".into(),
        secret: [7; 32],
        nonce_ttl: Duration::from_secs(60),
        sha256: true,
    };
    let mut auth = Authenticator::new(config);
    let remote: SocketAddr = "192.0.2.1:5060".parse().unwrap();
    let (mut accepted, mut answered) = (0, 0);
    for round in 0..200_000_u64 {
        let bytes = mutate(&mut random, &corpus);
        match Message::parse(&bytes) {
            Ok(message) => {
                accepted += 1;
                read_all(&message);
                assert_eq!(
                    scan::call_id(&bytes),
                    Some(message.header_bytes(HeaderName::CallId).next().unwrap())
                );
                assert_eq!(scan::method(&bytes), message.method());
                auth.check(Mono(round), remote.ip(), &message, &|_| {
                    Some("secret".into())
                });
            }
            Err(error) => answered += usize::from(error.reply_400(&bytes, remote).is_some()),
        }
        let _ = scan::to_user(&bytes);
        if round % 4 == 0 {
            frame(&bytes, &mut random);
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().nth(random.below(12)).unwrap_or("");
        if let Ok(uri) = Uri::parse(
            line.trim_start_matches(|c| c != ':')
                .trim_start_matches([':', ' ']),
        ) {
            assert!(uri.equivalent(&uri));
        }
        let _ = via::with_source(line, remote);
    }
    // The test would prove little if nothing were accepted, or nothing refused.
    assert!(
        accepted > 20_000 && answered > 5_000,
        "{accepted} {answered}"
    );
    assert_eq!(auth.tracked_nonces(), 0);
}
