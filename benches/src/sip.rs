//! Just enough SIP text to play callers and seats: headers copied from line to line.

use std::net::{Ipv4Addr, SocketAddr};

/// The value of the first header of this name.
pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
}

/// Method of a request, `None` for a response.
pub fn method(message: &str) -> Option<&str> {
    if message.starts_with("SIP/2.0 ") {
        None
    } else {
        message.split(' ').next()
    }
}

/// Status of a response.
pub fn status(message: &str) -> Option<u16> {
    message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// The URI between the angle brackets of a header.
pub fn uri(value: &str) -> &str {
    match (value.find('<'), value.find('>')) {
        (Some(a), Some(b)) if a < b => &value[a + 1..b],
        _ => value,
    }
}

/// User part of a SIP URI.
pub fn user(uri: &str) -> &str {
    uri.trim_start_matches("sip:")
        .split(['@', ';', '>'])
        .next()
        .unwrap_or("")
}

/// A session description with PCMA at `port`.
pub fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// A session description of a party that takes PCMA and key presses (RFC 4733) at `place`.
pub fn speech(place: SocketAddr) -> String {
    let (ip, port) = (place.ip(), place.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Where a message's session description, or one alone, wants speech (IPv4).
pub fn speech_at(message: &str) -> Option<SocketAddr> {
    let value = |name| message.lines().find_map(|line| line.strip_prefix(name));
    let ip: Ipv4Addr = value("c=IN IP4 ")?.trim().parse().ok()?;
    let port = value("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some((ip, port).into())
}

/// A response to `request`, with the headers that RFC 3261 §8.2.6.2 has copied.
pub fn response(request: &str, status: &str, tag: &str, contact: &str, body: &str) -> String {
    let mut out = format!("SIP/2.0 {status}\r\n");
    for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
        let Some((name, _)) = line.split_once(':') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "via" | "from" | "call-id" | "cseq" | "record-route" => {
                out.push_str(line);
                out.push_str("\r\n");
            }
            "to" => {
                out.push_str(line);
                if !line.contains(";tag=") && !tag.is_empty() {
                    out.push_str(";tag=");
                    out.push_str(tag);
                }
                out.push_str("\r\n");
            }
            _ => {}
        }
    }
    if !contact.is_empty() {
        out.push_str(&format!("Contact: <{contact}>\r\n"));
    }
    if !body.is_empty() {
        out.push_str("Content-Type: application/sdp\r\n");
    }
    out.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    out
}

/// A caller's request. `to` carries the tag once there is one.
pub struct Caller {
    /// Number of the call.
    pub number: u64,
    /// Address that it calls from.
    pub local: SocketAddr,
    /// Address of the engine.
    pub engine: SocketAddr,
    /// To with its tag, after the answer.
    pub to: Option<String>,
    /// The engine's Contact, after the answer.
    pub target: Option<String>,
}

impl Caller {
    /// The request `method` with this CSeq and branch.
    pub fn request(&self, method: &str, cseq: u32, body: &str) -> String {
        let Caller {
            number,
            local,
            engine,
            ..
        } = self;
        let to = self
            .to
            .clone()
            .unwrap_or_else(|| format!("<sip:12356@{engine}>"));
        let uri = self
            .target
            .clone()
            .unwrap_or_else(|| format!("sip:12356@{engine}"));
        // An ACK of a 2xx is a transaction of its own (RFC 3261 §13.2.2.4).
        let branch = format!("z9hG4bKb{number}{}{cseq}", method.to_ascii_lowercase());
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch={branch}\r\n\
             From: \"c{number:08}\" <sip:c{number:08}@{local}>;tag=t{number}\r\nTo: {to}\r\n\
             Call-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:c{number:08}@{local}>\r\nMax-Forwards: 70\r\n\
             Allow: INVITE, ACK, CANCEL, BYE\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            call_id(*number),
            body.len()
        )
    }
}

/// The Call-ID of a call's caller.
pub fn call_id(number: u64) -> String {
    format!("bench-{number:08}@127.0.0.1")
}

/// The number in a Call-ID that [`call_id`] made.
pub fn number_of(call_id: &str) -> Option<u64> {
    call_id.strip_prefix("bench-")?.get(..8)?.parse().ok()
}
