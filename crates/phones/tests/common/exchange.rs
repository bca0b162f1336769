//! A stand-in for the engine: a registrar that believes everybody and a record-routing proxy that
//! gives waiting callers to idle seats. Speech goes directly between the phones.

use super::mixer::Mixer;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::prelude::HeadersExt;
use rsip::{Header, Headers, Method, Param, Request, Response, SipMessage};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a seat rings before the next is tried.
const RING: Duration = Duration::from_millis(2_000);

struct Waiting {
    invite: Request,
    from: SocketAddr,
    not: Vec<String>,
}

struct Offered {
    waiting: Waiting,
    sent: Request,
    seat: String,
    cancelled: bool,
    answered: bool,
    /// The seat's To, once it has answered.
    to: Option<Header>,
    /// The seat was released, the caller was not.
    left: bool,
    until: Instant,
}

/// Lets a seat go in the middle of a call, as an engine does when its counsellor leaves.
#[derive(Clone, Default)]
pub struct Desk(Arc<Notices>);

#[derive(Default)]
struct Notices {
    leaves: Notify,
    over: Notify,
}

impl Desk {
    /// The seat of the call that runs is released; the caller stays.
    pub fn leave(&self) {
        self.0.leaves.notify_one();
    }

    /// The caller whom a seat has left hung up.
    pub async fn over(&self) {
        self.0.over.notified().await;
    }
}

struct Exchange {
    desk: Desk,
    socket: UdpSocket,
    local: SocketAddr,
    seats: BTreeMap<String, SocketAddr>,
    waiting: VecDeque<Waiting>,
    offered: BTreeMap<String, Offered>,
    branches: u64,
    mixer: Option<Mixer>,
}

/// Starts it; its address. It runs as long as the test's runtime.
pub async fn start() -> SocketAddr {
    start_with(None, Desk::default()).await
}

/// As [`start`]; with a mixer all speech goes through it (one call at a time).
pub async fn start_with(mixer: Option<Mixer>, desk: Desk) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let local = socket.local_addr().unwrap();
    let (seats, waiting, offered) = Default::default();
    tokio::spawn(
        Exchange {
            desk,
            socket,
            local,
            seats,
            waiting,
            offered,
            branches: 0,
            mixer,
        }
        .run(),
    );
    local
}

impl Exchange {
    async fn run(mut self) {
        let mut buffer = vec![0u8; 65_536];
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let desk = self.desk.clone();
        loop {
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    let (length, from) = received.unwrap();
                    match SipMessage::try_from(&buffer[..length]).unwrap() {
                        SipMessage::Request(request) => self.request(request, from),
                        SipMessage::Response(response) => self.response(response),
                    }
                }
                () = desk.0.leaves.notified() => self.release_seats(),
                _ = tick.tick() => {}
            }
            self.take_back();
            self.offer();
        }
    }

    fn send(&self, message: impl Into<SipMessage>, to: SocketAddr) {
        let _ = self
            .socket
            .try_send_to(message.into().to_string().as_bytes(), to);
    }

    fn reply(&self, request: &Request, to: SocketAddr, status: u16) {
        self.send(reply_to(request, status), to);
    }

    fn request(&mut self, request: Request, from: SocketAddr) {
        let id = call_id(&request.headers);
        if request
            .headers
            .iter()
            .any(|h| matches!(h, Header::Route(_)))
        {
            if request.method == Method::Bye && self.offered.get(&id).is_some_and(|o| o.left) {
                self.offered.remove(&id);
                self.desk.0.over.notify_one();
                return self.reply(&request, from, 200);
            }
            return self.forward(request);
        }
        match request.method {
            Method::Register => {
                let contact = request.contact_header().unwrap().uri().unwrap();
                let address = address(&contact);
                self.seats
                    .insert(contact.user().unwrap().to_owned(), address);
                self.reply(&request, from, 200);
            }
            Method::Invite => {
                self.reply(&request, from, 100);
                self.waiting.push_back(Waiting {
                    invite: request,
                    from,
                    not: vec![],
                });
            }
            Method::Cancel => {
                self.reply(&request, from, 200);
                if let Some(index) = self
                    .waiting
                    .iter()
                    .position(|w| call_id(&w.invite.headers) == id)
                {
                    let waiting = self.waiting.remove(index).unwrap();
                    self.reply(&waiting.invite, waiting.from, 487);
                } else if let Some(offered) = self.offered.get_mut(&id) {
                    offered.cancelled = true;
                    offered.until = Instant::now();
                }
            }
            Method::Ack => {}
            other => panic!("{other} without a route"),
        }
    }

    /// In a dialog: our route and a Via of ours, on to the request URI.
    fn forward(&mut self, mut request: Request) {
        request.headers.retain(|h| !matches!(h, Header::Route(_)));
        let to = address(&request.uri);
        self.push_via(&mut request);
        self.send(request, to);
    }

    fn push_via(&mut self, request: &mut Request) {
        self.branches += 1;
        let via = rsip::typed::Via {
            version: rsip::Version::V2,
            transport: rsip::Transport::Udp,
            uri: rsip::Uri::from(self.local),
            params: vec![Param::Branch(rsip::param::Branch::new(format!(
                "z9hG4bKx{}",
                self.branches
            )))],
        };
        let mut headers = vec![Header::from(via)];
        headers.extend(std::mem::take(&mut request.headers));
        request.headers = headers.into();
    }

    fn response(&mut self, mut response: Response) {
        let id = call_id(&response.headers);
        let method = response.cseq_header().unwrap().typed().unwrap().method;
        let status = response.status_code.code();
        if method == Method::Cancel {
            return;
        }
        let mut headers: Vec<Header> = response.headers.into();
        headers.remove(
            headers
                .iter()
                .position(|h| matches!(h, Header::Via(_)))
                .unwrap(),
        );
        response.headers = headers.into();
        if method == Method::Invite && status >= 300 {
            return self.refused(&id);
        }
        if method == Method::Bye {
            // Of a seat that was released: nobody waits for it.
            if self.offered.get(&id).is_some_and(|o| o.left) {
                return;
            }
            self.offered.remove(&id);
        }
        if let (Method::Invite, 200..300, Some(offered)) =
            (method, status, self.offered.get_mut(&id))
        {
            offered.answered = true;
            offered.to = Some(response.to_header().unwrap().clone().into());
            if let Some(mixer) = &self.mixer {
                response.body = mixer.instead_of(&response.body);
            }
        }
        let via = response.via_header().unwrap().typed().unwrap();
        let to = address(&via.uri);
        self.send(response, to);
    }

    fn refused(&mut self, id: &str) {
        let Some(mut offered) = self.offered.remove(id) else {
            return;
        };
        self.to_seat(&offered, Method::Ack);
        if offered.cancelled {
            return self.reply(&offered.waiting.invite, offered.waiting.from, 487);
        }
        offered.waiting.not.push(offered.seat);
        self.waiting.push_front(offered.waiting);
    }

    /// ACK or CANCEL for the INVITE that a seat got.
    fn to_seat(&self, offered: &Offered, method: Method) {
        let mut request = offered.sent.clone();
        request.method = method;
        request.body.clear();
        let mut headers: Vec<Header> = Vec::new();
        for header in request.headers {
            match header {
                Header::Via(_) if headers.is_empty() => headers.push(header),
                Header::From(_) | Header::To(_) | Header::CallId(_) => headers.push(header),
                _ => {}
            }
        }
        headers.push(rsip::typed::CSeq { seq: 1, method }.into());
        request.headers = headers.into();
        self.send(request, self.seats[&offered.seat]);
    }

    /// BYE to every seat that talks.
    fn release_seats(&mut self) {
        let ids: Vec<String> = self.offered.keys().cloned().collect();
        for id in ids {
            let Some(offered) = self.offered.get_mut(&id).filter(|o| o.answered) else {
                continue;
            };
            offered.left = true;
            let mut bye = offered.sent.clone();
            bye.method = Method::Bye;
            bye.body.clear();
            let kept = |h: &Header| matches!(h, Header::From(_) | Header::CallId(_));
            let mut headers: Vec<Header> =
                bye.headers.iter().filter(|h| kept(h)).cloned().collect();
            headers.extend(offered.to.clone());
            let method = Method::Bye;
            headers.push(rsip::typed::CSeq { seq: 900, method }.into());
            headers.push(rsip::headers::MaxForwards::new("70").into());
            bye.headers = headers.into();
            let to = self.seats[&offered.seat];
            self.push_via(&mut bye);
            self.send(bye, to);
        }
    }

    fn take_back(&mut self) {
        let late: Vec<String> = self
            .offered
            .iter()
            .filter(|(_, o)| !o.answered && o.until <= Instant::now())
            .map(|(id, _)| id.clone())
            .collect();
        for id in late {
            self.offered.get_mut(&id).unwrap().until += Duration::from_secs(1);
            self.to_seat(&self.offered[&id], Method::Cancel);
        }
    }

    fn offer(&mut self) {
        let mut index = 0;
        while index < self.waiting.len() {
            let waiting = &self.waiting[index];
            let idle = |seat: &&String| {
                !self.offered.values().any(|o| &o.seat == *seat) && !waiting.not.contains(seat)
            };
            match self.seats.keys().find(idle).cloned() {
                Some(seat) => self.offer_to(index, seat),
                None => index += 1,
            }
        }
    }

    fn offer_to(&mut self, index: usize, seat: String) {
        let waiting = self.waiting.remove(index).unwrap();
        let to = self.seats[&seat];
        let mut sent = waiting.invite.clone();
        sent.uri = rsip::Uri::try_from(format!("sip:{seat}@{to}")).unwrap();
        sent.headers
            .push(rsip::headers::RecordRoute::new(format!("<sip:{};lr>", self.local)).into());
        if let Some(mixer) = &self.mixer {
            mixer.clear();
            sent.body = mixer.instead_of(&sent.body);
        }
        self.push_via(&mut sent);
        self.send(sent.clone(), to);
        let id = call_id(&waiting.invite.headers);
        let until = Instant::now() + RING;
        self.offered.insert(
            id,
            Offered {
                waiting,
                sent,
                seat,
                cancelled: false,
                answered: false,
                to: None,
                left: false,
                until,
            },
        );
    }
}

fn call_id(headers: &Headers) -> String {
    let value = headers.iter().find_map(|h| {
        if let Header::CallId(id) = h {
            Some(id.value())
        } else {
            None
        }
    });
    value.unwrap().to_owned()
}

fn address(uri: &rsip::Uri) -> SocketAddr {
    uri.host_with_port.to_string().parse().unwrap()
}

/// A response with nothing in it.
pub fn reply_to(request: &Request, status: u16) -> Response {
    let mut headers = Headers::default();
    for header in request.headers.iter() {
        match header {
            Header::Via(_)
            | Header::From(_)
            | Header::CallId(_)
            | Header::CSeq(_)
            | Header::Contact(_) => {
                headers.push(header.clone());
            }
            Header::To(to) if status > 100 && to.tag().unwrap().is_none() => {
                headers.push(
                    to.typed()
                        .unwrap()
                        .with_tag(rsip::param::Tag::new("exchange"))
                        .into(),
                );
            }
            Header::To(_) => headers.push(header.clone()),
            _ => {}
        }
    }
    Response {
        status_code: status.into(),
        version: rsip::Version::V2,
        headers,
        body: vec![],
    }
}
