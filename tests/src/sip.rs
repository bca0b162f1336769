//! SIP as text: headers are copied from line to line, nothing is understood that need not be.

use std::net::SocketAddr;

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip(pub String);

impl Sip {
    /// The value of the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .0
            .split("\r\n")
            .skip(1)
            .take_while(|line| !line.is_empty());
        lines
            .filter_map(|line| line.split_once(':'))
            .find_map(|(key, value)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
    }

    /// Method of a request, `None` for a response.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        let first = self.0.split(' ').next();
        first.filter(|word| *word != "SIP/2.0")
    }

    /// Status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// Method named by CSeq, and its number.
    #[must_use]
    pub fn cseq(&self) -> (u32, &str) {
        let value = self.header("CSeq").unwrap_or_default();
        let (number, method) = value.split_once(' ').unwrap_or_default();
        (number.parse().unwrap_or_default(), method.trim())
    }

    /// Call-ID, empty if there is none.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.header("Call-ID").unwrap_or_default()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Port of the audio that the body describes; 0 if none.
    #[must_use]
    pub fn audio_port(&self) -> u16 {
        let line = self
            .body()
            .lines()
            .find_map(|line| line.strip_prefix("m=audio "));
        let port = line.and_then(|rest| rest.split(' ').next()?.parse().ok());
        port.unwrap_or_default()
    }

    /// User part of the request's URI.
    #[must_use]
    pub fn called_user(&self) -> &str {
        let uri = self.0.split(' ').nth(1).unwrap_or_default();
        uri.trim_start_matches("sip:")
            .split(['@', ';'])
            .next()
            .unwrap_or_default()
    }

    /// A response with the headers that RFC 3261 §8.2.6.2 has copied; To gets the tag unless it
    /// has one. `body` is SDP, or empty.
    #[must_use]
    pub fn response(&self, status: &str, tag: &str, contact: SocketAddr, body: &str) -> String {
        let mut out = format!("SIP/2.0 {status}\r\n");
        let lines = self
            .0
            .split("\r\n")
            .skip(1)
            .take_while(|line| !line.is_empty());
        for line in lines {
            let name = line
                .split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if ["via", "from", "to", "call-id", "cseq", "record-route"].contains(&name.trim()) {
                out.push_str(line);
                if name.trim() == "to" && !line.contains(";tag=") {
                    out.push_str(";tag=");
                    out.push_str(tag);
                }
                out.push_str("\r\n");
            }
        }
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let length = body.len();
        out + &format!("Contact: <sip:{contact}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}")
    }
}

/// The URI between the angle brackets of a header's value.
#[must_use]
pub fn uri(value: &str) -> &str {
    match (value.find('<'), value.find('>')) {
        (Some(a), Some(b)) if a < b => &value[a + 1..b],
        _ => value,
    }
}

/// A session description with A-law at `port` of this machine.
#[must_use]
pub fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// An RTP packet of 20 ms of A-law (RFC 3550 §5.1), all samples alike.
#[must_use]
pub fn rtp(source: u32, number: u16, sample: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(number.to_be_bytes());
    packet.extend((u32::from(number) * 160).to_be_bytes());
    packet.extend(source.to_be_bytes());
    packet.extend([sample; 160]);
    packet
}

/// One party's side of a dialog that it opened.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// From with its tag.
    pub from: String,
    /// To; with the tag once there was an answer.
    pub to: String,
    /// Where requests go: the engine, then its Contact.
    pub target: String,
    /// Our address.
    pub local: SocketAddr,
}

impl Dialog {
    /// A call of `user` to the hotline that has not been sent yet.
    #[must_use]
    pub fn new(user: &str, name: &str, local: SocketAddr, engine: SocketAddr) -> Self {
        Self {
            call_id: format!("{name}@test.invalid"),
            from: format!("<sip:{user}@{local}>;tag=f{name}"),
            to: format!("<sip:12356@{engine}>"),
            target: format!("sip:12356@{engine}"),
            local,
        }
    }

    /// Takes tag and target over from the answer.
    pub fn learn(&mut self, answer: &Sip) {
        self.to = answer.header("To").unwrap_or(&self.to).to_owned();
        if let Some(contact) = answer.header("Contact") {
            self.target = uri(contact).to_owned();
        }
    }

    /// A request. The branch follows from Call-ID, CSeq and method, so that the same request again
    /// is a retransmission; CANCEL and an ACK of a refusal are asked for as `INVITE`'s (`of`).
    #[must_use]
    pub fn request(&self, method: &str, cseq: u32, of: &str, body: &str) -> String {
        let Self {
            call_id,
            from,
            to,
            target,
            local,
        } = self;
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let branch = call_id.split('@').next().unwrap_or_default();
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{branch}{of}{cseq};rport\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:{local}>\r\nMax-Forwards: 70\r\nAllow: INVITE, ACK, CANCEL, BYE\r\n\
             {kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
