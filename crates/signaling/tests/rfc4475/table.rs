//! The test messages of RFC 4475 and what has to come of each: at the parser, at the engine as a
//! carrier's trunk reaches it by datagrams, and where a stream makes a difference.
//!
//! §3.1.1 and §3.1.2 are the bytes that were published with the RFC. The messages of §3.2 to §3.4
//! are written anew after what those sections say is wrong, or odd, in each.
//!
//! A table; its length is that of the RFC's.

#![allow(dead_code, reason = "each test uses its own part")]

/// What has to come of one message.
pub struct Case {
    /// The RFC's name for it.
    pub name: &'static str,
    /// Its section in RFC 4475.
    pub clause: &'static str,
    source: Source,
    /// What the parser says.
    pub parser: Parser,
    /// What the engine answers.
    pub engine: Answer,
    /// The same over TCP, if it is another.
    pub stream: Option<Answer>,
    /// Where the RFC leaves a choice: why this one. Else what is asked for.
    pub why: &'static str,
}

#[derive(Clone, Copy)]
enum Source {
    File(&'static [u8]),
    /// Lines of the head and the body; `{}` in a line is the length of the body.
    Own(&'static [&'static str], &'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parser {
    /// Read, with this method (or that of CSeq).
    Read(&'static str),
    /// A request refused with this error, as `Debug` writes it.
    Refused(&'static str),
    /// A response refused with this error.
    Dropped(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One final response.
    Status(u16),
    /// 100 and 180: the caller waits in the queue.
    Call,
    /// A final response to each of the two messages that a stream has.
    Two(u16, u16),
    /// Nothing, and counted as a malformed response.
    Malformed,
    /// Nothing, and counted as belonging to nothing.
    Unmatched,
    /// Nothing yet: the rest of the message is waited for.
    Unfinished,
}

use Answer::{Call, Malformed, Status, Two, Unfinished, Unmatched};
use Parser::{Dropped, Read, Refused};

impl Case {
    /// The message.
    pub fn bytes(&self) -> Vec<u8> {
        match self.source {
            Source::File(bytes) => bytes.to_vec(),
            Source::Own(lines, body) => {
                let length = body.len().to_string();
                let lines = lines
                    .iter()
                    .map(|line| line.replace("{}", &length) + "\r\n");
                lines
                    .chain(["\r\n".to_owned(), body.to_owned()])
                    .collect::<String>()
                    .into_bytes()
            }
        }
    }

    /// What comes of it over TCP.
    pub fn over_tcp(&self) -> Answer {
        self.stream.unwrap_or(self.engine)
    }
}

/// CANCEL or ACK for an INVITE of the table, by the rules of RFC 3261 §9.1 and §17.1.1.3. `to` is
/// the To of the response for an ACK.
pub fn follow_up(invite: &[u8], method: &str, to: Option<&str>) -> String {
    const KEPT: [&str; 10] = [
        "via",
        "v",
        "from",
        "f",
        "to",
        "t",
        "call-id",
        "i",
        "max-forwards",
        "route",
    ];
    let text = String::from_utf8_lossy(invite);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.replace("\r\n ", "  ").replace("\r\n\t", "  ");
    lines = lines.replacen("INVITE", method, 1);
    let mut out = String::new();
    for (number, line) in lines.split("\r\n").enumerate() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = name.trim().to_lowercase();
        match (name.as_str(), to) {
            _ if number == 0 => out += line,
            ("to" | "t", Some(to)) => out += &format!("To: {to}"),
            ("cseq", _) => {
                let number = value.split_whitespace().next().unwrap_or_default();
                out += &format!("CSeq: {number} {method}");
            }
            (name, _) if KEPT.contains(&name) => out += line,
            _ => continue,
        }
        out += "\r\n";
    }
    out + "Content-Length: 0\r\n\r\n"
}

const fn file(
    name: &'static str,
    clause: &'static str,
    bytes: &'static [u8],
    (parser, engine): (Parser, Answer),
    why: &'static str,
) -> Case {
    Case {
        name,
        clause,
        source: Source::File(bytes),
        parser,
        engine,
        stream: None,
        why,
    }
}

const fn own(
    name: &'static str,
    clause: &'static str,
    (lines, body): (&'static [&'static str], &'static str),
    (parser, engine): (Parser, Answer),
    why: &'static str,
) -> Case {
    Case {
        name,
        clause,
        source: Source::Own(lines, body),
        parser,
        engine,
        stream: None,
        why,
    }
}

impl Case {
    const fn over_a_stream(mut self, answer: Answer) -> Self {
        self.stream = Some(answer);
        self
    }
}

macro_rules! valid {
    ($name:literal) => {
        include_bytes!(concat!("valid/", $name, ".dat"))
    };
}

macro_rules! invalid {
    ($name:literal) => {
        include_bytes!(concat!("invalid/", $name, ".dat"))
    };
}

/// A request that is refused as it is read.
const fn bad(error: &'static str) -> (Parser, Answer) {
    (Refused(error), Status(400))
}

/// Every message of the RFC, in its order.
pub const TABLE: &[Case] = &[
    // ---- 3.1.1: valid
    file("wsinv", "3.1.1.1", valid!("wsinv"), (Read("INVITE"), Status(481)),
        "it has a To tag, and there is no such dialog (RFC 3261 §12.2.2)"),
    file("intmeth", "3.1.1.2", valid!("intmeth"),
        (Read("!interesting-Method0123456789_*+`.%indeed'~"), Status(501)), "a method of its own"),
    file("esc01", "3.1.1.3", valid!("esc01"), (Read("INVITE"), Call), "escapes are no characters"),
    file("escnull", "3.1.1.4", valid!("escnull"), (Read("REGISTER"), Status(401)),
        "well-formed; who it is must be shown"),
    file("esc02", "3.1.1.5", valid!("esc02"), (Read("RE%47IST%45R"), Status(501)),
        "methods know no escapes: this is not REGISTER"),
    file("lwsdisp", "3.1.1.6", valid!("lwsdisp"), (Read("OPTIONS"), Status(200)), "no space before <"),
    file("longreq", "3.1.1.7", valid!("longreq"), (Read("INVITE"), Call), "long values are values"),
    file("dblreq", "3.1.1.8", valid!("dblreq"), (Read("REGISTER"), Status(401)),
        "in a datagram what follows the message is dropped; a stream has two messages, the second an INVITE without Contact")
        .over_a_stream(Two(401, 400)),
    file("semiuri", "3.1.1.9", valid!("semiuri"), (Read("OPTIONS"), Status(200)),
        "the semicolons belong to the user"),
    file("transports", "3.1.1.10", valid!("transports"), (Read("OPTIONS"), Status(200)),
        "Via of any transport"),
    file("mpart01", "3.1.1.11", valid!("mpart01"), (Read("MESSAGE"), Status(405)),
        "binary parts are read; messages are not for us (RFC 3261 §8.2.1)"),
    file("unreason", "3.1.1.12", valid!("unreason"), (Read("INVITE"), Unmatched),
        "a response to nothing"),
    file("noreason", "3.1.1.13", valid!("noreason"), (Read("INVITE"), Unmatched),
        "a response to nothing"),
    // ---- 3.1.2: invalid
    file("badinv01", "3.1.2.1", invalid!("badinv01"), bad("Malformed(Via)"),
        "separators without values in Via and Contact"),
    file("clerr", "3.1.2.2", invalid!("clerr"), bad("BodyTooShort"),
        "Content-Length beyond the datagram (RFC 3261 §18.3)")
        .over_a_stream(Unfinished),
    file("ncl", "3.1.2.3", invalid!("ncl"), bad("Malformed(ContentLength)"), "a negative length"),
    file("scalar02", "3.1.2.4", invalid!("scalar02"), bad("Malformed(CSeq)"),
        "numbers beyond their range"),
    file("scalarlg", "3.1.2.5", invalid!("scalarlg"), (Dropped("Malformed(CSeq)"), Malformed),
        "the same in a response, to be discarded"),
    file("quotbal", "3.1.2.6", invalid!("quotbal"), bad("Malformed(To)"), "a quote never closes"),
    file("ltgtruri", "3.1.2.7", invalid!("ltgtruri"), bad("RequestUri"),
        "angle brackets around the Request-URI"),
    file("lwsruri", "3.1.2.8", invalid!("lwsruri"), bad("StartLine"),
        "white space within the Request-URI; 400 is one of the answers named"),
    file("lwsstart", "3.1.2.9", invalid!("lwsstart"), bad("StartLine"),
        "several spaces in the Request-Line; 400 is one of the answers named"),
    file("trws", "3.1.2.10", invalid!("trws"), bad("StartLine"),
        "spaces behind the Request-Line; 400 is one of the answers named"),
    file("escruri", "3.1.2.11", invalid!("escruri"), bad("RequestUri"),
        "headers in the Request-URI; 400 is acceptable, and safer than to ignore them"),
    file("baddate", "3.1.2.12", invalid!("baddate"), (Read("INVITE"), Call),
        "a Date not in GMT may be ignored where Date is not used, and we do not use it"),
    file("regbadct", "3.1.2.13", invalid!("regbadct"), (Read("REGISTER"), Status(400)),
        "a question mark outside brackets in Contact; told before anybody is asked who it is"),
    file("badaspec", "3.1.2.14", invalid!("badaspec"), (Read("OPTIONS"), Status(200)),
        "spaces within the brackets leave no doubt about the URI; who is liberal may accept"),
    file("baddn", "3.1.2.15", invalid!("baddn"), (Read("OPTIONS"), Status(200)),
        "a comma in an unquoted display name leaves no doubt about the URI"),
    file("badvers", "3.1.2.16", invalid!("badvers"), (Refused("Version"), Status(505)),
        "SIP/7.0"),
    file("mismatch01", "3.1.2.17", invalid!("mismatch01"), bad("MethodMismatch"),
        "start line and CSeq disagree"),
    file("mismatch02", "3.1.2.18", invalid!("mismatch02"), bad("MethodMismatch"),
        "the same with a method that nobody knows"),
    file("bigcode", "3.1.2.19", invalid!("bigcode"), (Dropped("Status"), Malformed),
        "a status beyond its range, to be discarded"),
    // ---- 3.2: the transaction layer
    own("badbranch", "3.2.1", (&[
        "OPTIONS sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.21;branch=z9hG4bK",
        "Max-Forwards: 5",
        "From: <sip:sbc@carrier.example>;tag=b1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: badbranch-1@carrier.example",
        "CSeq: 11 OPTIONS",
        "Accept: application/sdp",
        "l: {}",
    ], ""), (Read("OPTIONS"), Status(200)),
        "a branch that is nothing but the cookie: matched as RFC 2543 does, one of the two ways named"),
    // ---- 3.3: the application layer
    own("insuf", "3.3.1", (&[
        "INVITE sip:12356@hotline.example SIP/2.0",
        "CSeq: 77 INVITE",
        "Via: SIP/2.0/UDP 198.51.100.21;branch=z9hG4bKinsuf",
        "Content-Type: application/sdp",
        "l: {}",
    ], SDP), bad("Missing(From)"), "neither Call-ID, From nor To: 400 is \"ideal\""),
    own("unkscm", "3.3.2", (&[
        "OPTIONS unheardOf:whatever-this-is SIP/2.0",
        "Via: SIP/2.0/TCP sbc.carrier.example;branch=z9hG4bKunkscm",
        "Max-Forwards: 3",
        "From: <sip:sbc@carrier.example>;tag=u1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: unkscm-1@carrier.example",
        "CSeq: 301 OPTIONS",
        "Content-Length: {}",
    ], ""), (Read("OPTIONS"), Status(416)), "a scheme that nobody knows (RFC 3261 §8.2.2.1)"),
    own("novelsc", "3.3.3", (&[
        "OPTIONS xmlrpc.beep://198.51.100.21:3002 SIP/2.0",
        "Via: SIP/2.0/TCP sbc.carrier.example;branch=z9hG4bKnovelsc",
        "Max-Forwards: 3",
        "From: <sip:sbc@carrier.example>;tag=n1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: novelsc-1@carrier.example",
        "CSeq: 302 OPTIONS",
        "Content-Length: {}",
    ], ""), (Read("OPTIONS"), Status(416)), "a registered scheme that never means a hotline"),
    own("unksm2", "3.3.4", (&[
        "REGISTER sip:test.invalid SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.22:5060;branch=z9hG4bKunksm2",
        "Max-Forwards: 70",
        "From: <http://www.phone.example>;tag=k2",
        "To: urn:isbn:9787115370624",
        "Call-ID: unksm2-1@phone.example",
        "CSeq: 9001 REGISTER",
        "Contact: <mailto:r0@phone.example>",
        "l: {}",
    ], ""), (Read("REGISTER"), Status(400)), "an address-of-record is a SIP URI (RFC 3261 §10.2)"),
    own("bext01", "3.3.5", (&[
        "OPTIONS sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/TCP sbc.carrier.example;branch=z9hG4bKbext01",
        "Max-Forwards: 6",
        "From: <sip:sbc@carrier.example>;tag=e1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: bext01-1@carrier.example",
        "CSeq: 8 OPTIONS",
        "Require: noSuchThing, norThatOne",
        "Proxy-Require: noProxyHasThis, norThat",
        "Content-Length: {}",
    ], ""), (Read("OPTIONS"), Status(420)),
        "extensions that nobody has; those of Proxy-Require are not for us (RFC 3261 §20.29)"),
    own("invut", "3.3.6", (&[
        "INVITE sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.21;branch=z9hG4bKinvut",
        "Max-Forwards: 70",
        "From: <sip:13300000001@carrier.example>;tag=i1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: invut-1@carrier.example",
        "CSeq: 3 INVITE",
        "Contact: <sip:13300000001@198.51.100.21>",
        "Content-Type: application/unheard-of",
        "Content-Length: {}",
    ], "<tone><hz>440</hz></tone>"), (Read("INVITE"), Status(415)), "a body that nobody can read (RFC 3261 §8.2.3)"),
    own("regaut01", "3.3.7", (&[
        "REGISTER sip:test.invalid SIP/2.0",
        "Via: SIP/2.0/TCP 198.51.100.22:5060;branch=z9hG4bKregaut01",
        "Max-Forwards: 70",
        "From: <sip:r0@test.invalid>;tag=a1",
        "To: <sip:r0@test.invalid>",
        "Call-ID: regaut01-1@phone.example",
        "CSeq: 9338 REGISTER",
        "Contact: <sip:r0@198.51.100.22>",
        "Authorization: UnheardOfScheme opaque=whatever, of=\"any, shape\"",
        "Content-Length: {}",
    ], ""), (Read("REGISTER"), Status(401)), "credentials of a scheme that nobody knows are none"),
    own("multi01", "3.3.8", (&[
        "INVITE sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.21;branch=z9hG4bKmulti01",
        "Max-Forwards: 70",
        "From: <sip:13300000001@carrier.example>;tag=m1",
        "CSeq: 5 INVITE",
        "Call-ID: multi01-1@carrier.example",
        "To: <sip:12356@hotline.example>",
        "To: <sip:110@hotline.example>",
        "CSeq: 59 INVITE",
        "Call-ID: multi01-2@carrier.example",
        "From: <sip:13300000002@carrier.example>;tag=m2",
        "Max-Forwards: 5",
        "Contact: <sip:13300000001@198.51.100.21>",
        "Content-Type: application/sdp",
        "l: {}",
    ], SDP), bad("Repeated(To)"), "twice what may come once"),
    own("mcl01", "3.3.9", (&[
        "OPTIONS sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.21;branch=z9hG4bKmcl01",
        "Max-Forwards: 70",
        "From: <sip:sbc@carrier.example>;tag=c1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: mcl01-1@carrier.example",
        "CSeq: 99 OPTIONS",
        "Content-Length: 13",
        "Content-Length: 5",
        "Content-Type: text/plain",
    ], "So where is the end?"), bad("Repeated(ContentLength)"), "two lengths"),
    own("bcast", "3.3.10", (&[
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 198.51.100.198;branch=z9hG4bKbcast",
        "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbcast2;received=255.255.255.255",
        "From: <sip:13300000001@carrier.example>;tag=b3",
        "To: <sip:12356@hotline.example>;tag=b4",
        "Call-ID: bcast-1@carrier.example",
        "CSeq: 35 INVITE",
        "Contact: <sip:12356@198.51.100.198>",
        "Content-Type: application/sdp",
        "Content-Length: {}",
    ], SDP), (Read("INVITE"), Unmatched), "a response that would have to go on to everybody"),
    own("zeromf", "3.3.11", (&[
        "OPTIONS sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP sbc.carrier.example:5060;branch=z9hG4bKzeromf",
        "Max-Forwards: 0",
        "From: <sip:sbc@carrier.example>;tag=z1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: zeromf-1@carrier.example",
        "CSeq: 39 OPTIONS",
        "Content-Length: {}",
    ], ""), (Read("OPTIONS"), Status(483)),
        "we stand between two sides as a proxy does (RFC 3261 §16.3 step 3)"),
    own("cparam01", "3.3.12", (&[
        "REGISTER sip:test.invalid SIP/2.0",
        "Via: SIP/2.0/UDP phone.example:5060;branch=z9hG4bKcparam01",
        "Max-Forwards: 70",
        "From: <sip:r0@test.invalid>;tag=p1",
        "To: <sip:r0@test.invalid>",
        "Call-ID: cparam01-1@phone.example",
        "CSeq: 2 REGISTER",
        "Contact: sip:+8685100000000@gw1.phone.example;unheardof",
        "l: {}",
    ], ""), (Read("REGISTER"), Status(401)), "a parameter of the header; with a password it is 200"),
    own("cparam02", "3.3.13", (&[
        "REGISTER sip:test.invalid SIP/2.0",
        "Via: SIP/2.0/UDP phone.example:5060;branch=z9hG4bKcparam02",
        "Max-Forwards: 70",
        "From: <sip:r0@test.invalid>;tag=p2",
        "To: <sip:r0@test.invalid>",
        "Call-ID: cparam02-1@phone.example",
        "CSeq: 3 REGISTER",
        "Contact: <sip:+8685100000000@gw1.phone.example;unheardof>",
        "l: {}",
    ], ""), (Read("REGISTER"), Status(401)), "a parameter of the URI; with a password it is 200"),
    own("regescrt", "3.3.14", (&[
        "REGISTER sip:test.invalid SIP/2.0",
        "Via: SIP/2.0/TCP phone.example;branch=z9hG4bKregescrt",
        "Max-Forwards: 70",
        "From: <sip:r0@test.invalid>;tag=p3",
        "To: <sip:r0@test.invalid>",
        "Call-ID: regescrt-1@phone.example",
        "CSeq: 14000000 REGISTER",
        "M: <sip:r0@198.51.100.22?Route=%3Csip:edge.phone.example%3E>",
        "L:{}",
    ], ""), (Read("REGISTER"), Status(401)), "a header in the URI; with a password it is 200"),
    own("sdp01", "3.3.15", (&[
        "INVITE sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.21;branch=z9hG4bKsdp01",
        "Max-Forwards: 5",
        "From: <sip:13300000001@carrier.example>;tag=s1",
        "To: <sip:12356@hotline.example>",
        "Call-ID: sdp01-1@carrier.example",
        "CSeq: 8 INVITE",
        "Contact: <sip:13300000001@198.51.100.21>",
        "Accept: text/unheard-of",
        "Content-Type: application/sdp",
        "Content-Length: {}",
    ], SDP), (Read("INVITE"), Status(406)), "no answer of ours would be taken (RFC 3261 §21.4.7)"),
    // ---- 3.4: backward compatibility
    own("inv2543", "3.4.1", (&[
        "INVITE sip:12356@hotline.example SIP/2.0",
        "Via: SIP/2.0/UDP gw.carrier.example",
        "From: <sip:+8613300000001@carrier.example;user=phone>",
        "Record-Route: <sip:12356@hotline.example;maddr=edge.carrier.example>",
        "To: sip:12356@hotline.example;user=phone",
        "Call-ID: 1717@carrier.example",
        "CSeq: 56 INVITE",
        "Contact: <sip:+8613300000001@gw.carrier.example;user=phone>",
        "Content-Type: application/sdp",
    ], SDP), (Read("INVITE"), Call),
        "no branch, no From tag, no Max-Forwards, no Content-Length; only a stream cannot do without the last")
        .over_a_stream(Status(400)),
];

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 198.51.100.21\r\ns=-\r\nc=IN IP4 198.51.100.21\r\nt=0 0\r\n\
                   m=audio 49216 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n";
