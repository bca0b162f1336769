//! A peer that is written by hand: it makes the bytes of messages, so that the tests see what
//! stands on the wire.
#![allow(dead_code)]

use meishier_model::{LegId, Mono, ShardId};
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::{
    Endpoint, EndpointConfig, Event, Flow, Invite, Party, Terms, Timers, Transport,
};
use std::time::Duration;

pub const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
pub const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n";

pub fn config() -> EndpointConfig {
    EndpointConfig {
        shard: ShardId(3),
        user_agent: "meishier".into(),
        timers: Timers::default(),
        max_legs: 100,
        max_transactions: 1000,
        seed: [7; 32],
        supported: vec!["100rel".into(), "timer".into()],
    }
}

pub fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.9:5070".parse().unwrap(),
        connection: u64::from(transport == Transport::Tcp) * 4,
    }
}

pub fn ms(n: u64) -> Mono {
    Mono(n * 1000)
}

/// An endpoint, its clock and what came out of it.
pub struct Bench {
    pub end: Endpoint,
    pub now: Mono,
    pub flow: Flow,
    pub sent: Vec<Message>,
    pub events: Vec<Event>,
}

impl Bench {
    pub fn new(transport: Transport) -> Self {
        Self::with(config(), transport)
    }

    pub fn udp() -> Self {
        Self::new(Transport::Udp)
    }

    pub fn with(config: EndpointConfig, transport: Transport) -> Self {
        Self {
            end: Endpoint::new(config),
            now: ms(1000),
            flow: flow(transport),
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn drain(&mut self) {
        while let Some(out) = self.end.poll_transmit() {
            assert_eq!(out.flow.remote, self.flow.remote, "to where the peer is");
            match Message::parse(&out.bytes) {
                Ok(message) => self.sent.push(message),
                // What was wrong in a request is wrong in the copy that its refusal holds.
                Err(error) => {
                    let refusal = [b"SIP/2.0 400", b"SIP/2.0 505", b"SIP/2.0 513"];
                    let refused = refusal.iter().any(|start| out.bytes.starts_with(*start));
                    let text = String::from_utf8_lossy(&out.bytes);
                    assert!(refused, "we write what we can read: {error} in\n{text}");
                }
            }
        }
        while let Some(event) = self.end.poll_event() {
            self.events.push(event);
        }
    }

    pub fn receive(&mut self, text: &str) {
        self.end
            .handle_message(self.now, self.flow, text.as_bytes());
        self.drain();
    }

    /// Lets time pass, firing every timer at its exact moment.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.end.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.end.handle_timeout(self.now);
            self.drain();
            assert!(
                self.end.poll_timeout().is_none_or(|next| next > at),
                "a timer that is due is done"
            );
        }
        self.now = until;
        // What is only to be freed may wait longer than it must; here it does not.
        self.end.handle_timeout(until);
        self.drain();
    }

    /// Everything sent since the last look, as `INVITE` or `200 INVITE`.
    pub fn take_sent(&mut self) -> Vec<String> {
        self.drain();
        self.sent.drain(..).map(|m| title(&m)).collect()
    }

    pub fn take_events(&mut self) -> Vec<String> {
        self.drain();
        self.events.drain(..).map(|e| name(&e)).collect()
    }

    pub fn last(&self) -> &Message {
        self.sent.last().expect("something was sent")
    }

    /// The leg of the INVITE that came last.
    pub fn incoming(&mut self) -> LegId {
        self.drain();
        let leg = self.events.iter().rev().find_map(|e| match e {
            Event::Invite { leg, .. } => Some(*leg),
            _ => None,
        });
        leg.expect("an INVITE came")
    }

    pub fn call(&mut self) -> LegId {
        let leg = self.end.invite(self.now, invite(self.flow)).unwrap();
        self.drain();
        leg
    }

    pub fn assert_empty_after(&mut self, time: Duration) {
        self.pass(time);
        assert_eq!(self.end.stats(), Default::default(), "everything is freed");
        assert_eq!(self.end.poll_timeout(), None);
    }
}

pub fn invite(flow: Flow) -> Invite {
    Invite {
        flow,
        uri: "sip:seat1@192.0.2.9:5070".into(),
        from: Party {
            display: Some("12356".into()),
            uri: "sip:12356@hotline.example".into(),
        },
        to: Party {
            display: None,
            uri: "sip:seat1@hotline.example".into(),
        },
        contact_user: "12356".into(),
        sdp: Some(OFFER.into()),
        attached: None,
        headers: vec![("X-Call".into(), "7".into())],
        terms: Terms::default(),
    }
}

pub fn title(message: &Message) -> String {
    match message.status() {
        Some(status) => format!("{status} {}", message.method_str()),
        None => message.method_str().to_owned(),
    }
}

pub fn name(event: &Event) -> String {
    match event {
        Event::Invite { .. } => "Invite".into(),
        Event::Progress { status, sdp, .. } => {
            format!(
                "Progress {status}{}",
                if sdp.is_some() { " sdp" } else { "" }
            )
        }
        Event::Answered { sdp, .. } => {
            format!("Answered{}", if sdp.is_some() { " sdp" } else { "" })
        }
        Event::Confirmed { .. } => "Confirmed".into(),
        Event::OfferAnswered { .. } => "OfferAnswered".into(),
        Event::Failed { status, .. } => format!("Failed {status}"),
        Event::Ended { cause, .. } => format!("Ended {cause:?}"),
        Event::Gone { .. } => "Gone".into(),
        Event::Reinvite { sdp, .. } => {
            format!("Reinvite{}", if sdp.is_some() { " sdp" } else { "" })
        }
        Event::ReinviteDone { status, .. } => format!("ReinviteDone {status}"),
        Event::Probed { result, .. } => format!("Probed {result:?}"),
        Event::Refer { replaces, .. } => {
            format!("Refer{}", if *replaces { " replaces" } else { "" })
        }
        Event::Info { content_type, .. } => format!("Info {content_type}"),
        Event::Request { request, .. } => format!("Request {}", request.method_str()),
        Event::Response { status, .. } => format!("Response {status}"),
        Event::RegisterDone { status, .. } => format!("RegisterDone {status}"),
    }
}

/// A caller made of text: `INVITE`, and whatever follows in its dialog.
#[derive(Clone)]
pub struct Caller {
    pub call_id: String,
    pub branch: String,
    pub from_tag: String,
    pub to_tag: String,
    pub cseq: u32,
    pub transport: &'static str,
}

impl Caller {
    pub fn new(n: u32) -> Self {
        Self {
            call_id: format!("call-{n}@192.0.2.9"),
            branch: format!("z9hG4bKinv{n}"),
            from_tag: format!("from{n}"),
            to_tag: String::new(),
            cseq: 1,
            transport: "UDP",
        }
    }

    pub fn tcp(n: u32) -> Self {
        Self {
            transport: "TCP",
            ..Self::new(n)
        }
    }

    /// Learns our tag from a response.
    pub fn learn(&mut self, response: &Message) {
        self.to_tag = response.to_tag().expect("a To tag").to_owned();
    }

    pub fn request(&self, method: &str, branch: &str, headers: &str, body: &str) -> String {
        let to_tag = match self.to_tag.as_str() {
            "" => String::new(),
            tag => format!(";tag={tag}"),
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:12356@192.0.2.1 SIP/2.0\r\n\
             Via: SIP/2.0/{} 192.0.2.9:5070;branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: \"Caller\" <sip:13300001111@carrier.example>;tag={}\r\n\
             To: <sip:12356@carrier.example>{to_tag}\r\n\
             Call-ID: {}\r\n\
             CSeq: {} {method}\r\n\
             Contact: <sip:13300001111@192.0.2.9:5070>\r\n\
             {headers}{kind}Content-Length: {}\r\n\r\n{body}",
            self.transport,
            self.from_tag,
            self.call_id,
            self.cseq,
            body.len()
        )
    }

    pub fn invite(&self) -> String {
        let mut first = self.clone();
        first.to_tag.clear();
        first.request("INVITE", &self.branch, "", OFFER)
    }

    /// The ACK of a failure (same branch) or of a 2xx (a branch of its own).
    pub fn ack(&self, own_branch: bool) -> String {
        let branch = if own_branch {
            format!("{}ack", self.branch)
        } else {
            self.branch.clone()
        };
        self.request("ACK", &branch, "", "")
    }

    pub fn cancel(&self) -> String {
        let mut first = self.clone();
        first.to_tag.clear();
        first.request(
            "CANCEL",
            &self.branch,
            "Reason: SIP;cause=487;text=\"gone\"\r\n",
            "",
        )
    }

    /// The next request within the dialog.
    pub fn next(&mut self, method: &str, headers: &str, body: &str) -> String {
        self.cseq += 1;
        let branch = format!("z9hG4bK{}{}", self.from_tag, self.cseq);
        self.request(method, &branch, headers, body)
    }

    pub fn bye(&mut self) -> String {
        self.next("BYE", "", "")
    }
}

/// The response of a hand-made callee to a request of ours.
pub fn reply(request: &Message, status: u16, to_tag: &str, headers: &str, body: &str) -> String {
    let mut out = format!("SIP/2.0 {status} Whatever\r\n");
    for name in [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
        HeaderName::CSeq,
    ] {
        for value in request.headers(name) {
            out.push_str(&format!("{name}: {value}"));
            if name == HeaderName::To && request.to_tag().is_none() && !to_tag.is_empty() {
                out.push_str(&format!(";tag={to_tag}"));
            }
            out.push_str("\r\n");
        }
    }
    if !body.is_empty() {
        out.push_str("Content-Type: application/sdp\r\n");
    }
    out.push_str(&format!(
        "{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    out
}

/// Brings an incoming call up: the caller, its leg.
pub fn answered(bench: &mut Bench) -> (Caller, LegId) {
    let (mut caller, leg) = arrived(bench);
    bench.end.answer(bench.now, leg, ANSWER.as_bytes()).unwrap();
    bench.drain();
    caller.learn(bench.last());
    bench.sent.clear();
    (caller, leg)
}

pub fn arrived(bench: &mut Bench) -> (Caller, LegId) {
    let caller = match bench.flow.transport {
        Transport::Udp => Caller::new(1),
        Transport::Tcp | Transport::Tls => Caller::tcp(1),
    };
    bench.receive(&caller.invite());
    let leg = bench.incoming();
    bench.sent.clear();
    bench.events.clear();
    (caller, leg)
}

pub fn confirmed(bench: &mut Bench) -> (Caller, LegId) {
    let (caller, leg) = answered(bench);
    bench.receive(&caller.ack(true));
    assert_eq!(bench.take_events(), ["Confirmed"]);
    (caller, leg)
}

/// Brings an outgoing call up: the INVITE that we sent, the leg.
pub fn called(bench: &mut Bench) -> (Message, LegId) {
    let leg = bench.call();
    let request = bench.last().clone();
    bench.receive(&reply(
        &request,
        200,
        "callee",
        "Contact: <sip:seat1@192.0.2.9:5070>\r\n",
        ANSWER,
    ));
    assert_eq!(bench.take_events(), ["Answered sdp"]);
    bench.sent.clear();
    (request, leg)
}
