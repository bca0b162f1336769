//! The far ends: callers behind the carrier and the phones of seats, written as SIP text by hand.

use meishier_model::PortId;
use std::net::SocketAddr;

use super::{ENGINE, World, addr};

/// A message that the engine sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: SocketAddr,
    pub text: String,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in\n{}", self.text))
    }

    /// The RTP port of the engine that its session description names.
    pub fn rtp_port(&self) -> Option<PortId> {
        let rest = self.body().split_once("m=audio ")?.1;
        let number: u32 = rest.split(' ').next()?.parse().ok()?;
        Some(PortId(number.checked_sub(20000)? / 2))
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        self.text
            .lines()
            .skip(1)
            .take_while(|l| !l.is_empty())
            .find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            })
    }

    pub fn start(&self) -> &str {
        self.text.lines().next().unwrap()
    }

    pub fn is(&self, start: &str) -> bool {
        self.start().starts_with(start)
    }

    pub fn body(&self) -> &str {
        self.text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
    }

    /// The URI of Contact.
    pub fn contact(&self) -> String {
        let value = self.header("Contact");
        let start = value.find('<').unwrap();
        value[start + 1..value.find('>').unwrap()].to_owned()
    }
}

pub fn sdp(address: SocketAddr, port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n",
        ip = address.ip()
    )
}

/// A caller behind the carrier.
pub struct Caller {
    pub from: SocketAddr,
    pub name: String,
    pub answer: Option<Sent>,
}

impl Caller {
    pub fn new(from: &str, name: &str) -> Self {
        Self {
            from: addr(from),
            name: name.to_owned(),
            answer: None,
        }
    }

    pub fn request(&self, method: &str, cseq: u32, branch: &str, body: &str) -> String {
        let (from, name) = (self.from, &self.name);
        let to = self.answer.as_ref().map_or_else(
            || format!("<sip:12356@{ENGINE}>"),
            |a| a.header("To").to_owned(),
        );
        let uri = self
            .answer
            .as_ref()
            .map_or_else(|| format!("sip:12356@{ENGINE}"), Sent::contact);
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{name}{branch}\r\n\
             From: <sip:{name}@{from}>;tag=f{name}\r\nTo: {to}\r\nCall-ID: {name}@caller\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{name}@{from}>\r\nMax-Forwards: 70\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub fn invite(&self, world: &mut World) {
        let text = self.request("INVITE", 1, "i", &sdp(self.from, 4000));
        world.arrive(self.from, &text);
    }

    /// With these header lines more.
    pub fn invite_with(&self, world: &mut World, headers: &str) {
        let text = self.request("INVITE", 1, "i", &sdp(self.from, 4000));
        let text = text.replacen("Max-Forwards", &format!("{headers}Max-Forwards"), 1);
        world.arrive(self.from, &text);
    }

    /// Acknowledges a reliable provisional response; what the engine says to it.
    pub fn prack(&mut self, world: &mut World, early: &Sent, cseq: u32) -> Sent {
        self.answer = Some(early.clone());
        let rack = format!("RAck: {} 1 INVITE\r\nMax-Forwards", early.header("RSeq"));
        let text = self.request("PRACK", cseq, &format!("p{cseq}"), "");
        world.arrive(self.from, &text.replacen("Max-Forwards", &rack, 1));
        let ok = world.take(self.from, "SIP/2.0 200");
        assert!(ok.header("CSeq").ends_with("PRACK"));
        ok
    }

    pub fn ack(&self, world: &mut World) {
        let text = self.request("ACK", 1, "a", "");
        world.arrive(self.from, &text);
    }

    pub fn cancel(&self, world: &mut World) {
        let text = self.request("CANCEL", 1, "i", "");
        world.arrive(self.from, &text);
    }

    pub fn bye(&self, world: &mut World) {
        let text = self.request("BYE", 2, "b", "");
        world.arrive(self.from, &text);
    }

    /// Takes the 200 and acknowledges it.
    pub fn answered(&mut self, world: &mut World) {
        let answer = world.take(self.from, "SIP/2.0 200");
        self.answer = Some(answer);
        self.ack(world);
    }
}

/// A response to a request of the engine.
pub fn reply(world: &mut World, request: &Sent, status: &str, tag: &str, body: &str) {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        text.push_str(&format!("{name}: {}\r\n", request.header(name)));
    }
    let to = request.header("To");
    let tag = if to.contains(";tag=") || tag.is_empty() {
        String::new()
    } else {
        format!(";tag={tag}")
    };
    text.push_str(&format!(
        "To: {to}{tag}\r\nContact: <sip:phone@{}>\r\n",
        request.to
    ));
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    world.arrive(request.to, &text);
}

/// The far end of an INVITE of the engine answers; gives the ACK.
pub fn answer(world: &mut World, invite: &Sent) -> Sent {
    reply(world, invite, "200 OK", "seat", &sdp(invite.to, 6000));
    world.take(invite.to, "ACK")
}

/// A request of the far end of an answered INVITE of the engine, within the call.
pub fn seat_request(invite: &Sent, method: &str, cseq: u32, body: &str) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let call_id = invite.header("Call-ID");
    format!(
        "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{method}{cseq}{call_id}\r\n\
         From: {};tag=seat\r\nTo: {}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:phone@{at}>\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        invite.contact(),
        invite.header("To"),
        invite.header("From"),
        body.len(),
        at = invite.to,
    )
}

/// The far end of an answered INVITE of the engine hangs up.
pub fn seat_bye(world: &mut World, invite: &Sent) {
    let text = seat_request(invite, "BYE", 0x7000_0000, "");
    world.arrive(invite.to, &text);
}
