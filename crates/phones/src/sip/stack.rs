//! The actor that owns a bank's socket, its phones, transactions, dialogs and timers.

use super::client::{ClientTx, Owner, Verdict};
use super::leg::{Leg, LegState, Unacknowledged};
use super::message::{self, Essentials};
use super::register::Registration;
use super::server::ServerTx;
use super::timers::{Due, SipTimers, TimerQueue};
use crate::bank::Command;
use crate::call::EndedBy;
use crate::media::clock::MediaClock;
use crate::phone::PhoneShared;
use rsip::{Header, Method, Request, SipMessage};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Most legs and most transactions of one bank; what comes beyond is refused or dropped.
const LIMIT: usize = 8_192;

/// A phone as the stack knows it.
pub(crate) struct PhoneEntry {
    pub shared: Arc<PhoneShared>,
    pub registration: Option<Registration>,
}

pub(crate) struct Stack {
    pub socket: UdpSocket,
    pub local: SocketAddr,
    pub times: SipTimers,
    pub clock: MediaClock,
    pub commands: mpsc::WeakSender<Command>,
    pub phones: BTreeMap<u64, PhoneEntry>,
    pub users: HashMap<String, u64>,
    pub legs: HashMap<u64, Leg>,
    /// Call-ID and our tag to the leg: two phones of one bank may share a Call-ID.
    pub names: HashMap<(String, String), u64>,
    pub clients: HashMap<String, ClientTx>,
    pub servers: HashMap<String, ServerTx>,
    pub timers: TimerQueue,
    pub last_id: u64,
}

impl Stack {
    pub(crate) fn new(
        socket: UdpSocket,
        local: SocketAddr,
        times: SipTimers,
        commands: mpsc::WeakSender<Command>,
    ) -> Self {
        Self {
            socket,
            local,
            times,
            clock: MediaClock::start(),
            commands,
            phones: BTreeMap::new(),
            users: HashMap::new(),
            legs: HashMap::new(),
            names: HashMap::new(),
            clients: HashMap::new(),
            servers: HashMap::new(),
            timers: TimerQueue::default(),
            last_id: 0,
        }
    }

    /// Runs until every handle of the bank is gone.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut buffer = vec![0u8; 65_536];
        loop {
            let due = self
                .timers
                .next_at()
                .unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    // An error is an ICMP answer to an earlier datagram; the timers deal with it.
                    if let Ok((length, from)) = received {
                        self.datagram(&buffer[..length], from);
                    }
                }
                command = inbox.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                () = sleep_until(due) => {}
            }
            let now = Instant::now();
            while let Some(due) = self.timers.pop(now) {
                self.due(due);
            }
        }
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A full socket buffer loses the datagram; retransmission makes it good.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr) {
        let _ = self.socket.try_send_to(bytes, to);
    }

    pub(crate) fn after(&mut self, delay: Duration, due: Due) {
        self.timers.add(Instant::now() + delay, due);
    }

    pub(crate) fn leg_of(&self, call_id: &str, our_tag: &str) -> Option<u64> {
        self.names
            .get(&(call_id.to_owned(), our_tag.to_owned()))
            .copied()
    }

    /// Takes the leg out, lets `work` change it together with the stack, and puts it back.
    pub(crate) fn with_leg<T>(
        &mut self,
        id: u64,
        work: impl FnOnce(&mut Self, &mut Leg) -> T,
    ) -> Option<T> {
        let mut leg = self.legs.remove(&id)?;
        let result = work(self, &mut leg);
        self.legs.insert(id, leg);
        Some(result)
    }

    /// Room for one more leg?
    pub(crate) fn has_room(&self) -> bool {
        self.legs.len() < LIMIT && self.clients.len() < 2 * LIMIT && self.servers.len() < 2 * LIMIT
    }

    pub(crate) fn add_leg(&mut self, leg: Leg) {
        self.names
            .insert((leg.call_id.clone(), leg.local_tag.clone()), leg.id);
        self.legs.insert(leg.id, leg);
    }

    /// Ends a leg; it is kept for a while to answer repetitions.
    pub(crate) fn end_leg(&mut self, leg: &mut Leg, by: EndedBy, status: u16) {
        if leg.state != LegState::Ended {
            leg.end(by, status);
            self.after(self.times.limit(), Due::LegGone(leg.id));
        }
    }

    // ---- requests of ours

    /// Starts a client transaction.
    pub(crate) fn start(&mut self, request: Request, branch: &str, to: SocketAddr, owner: Owner) {
        let method = request.method;
        let bytes = message::bytes(request);
        self.send(&bytes, to);
        let key = ClientTx::key(branch, method);
        self.after(self.times.t1, Due::ClientRetransmit(key.clone()));
        self.after(self.times.limit(), Due::ClientTimeout(key.clone()));
        self.clients
            .insert(key, ClientTx::new(method, bytes, to, owner, &self.times));
    }

    // ---- what arrives

    fn datagram(&mut self, bytes: &[u8], from: SocketAddr) {
        // Keep-alives of four octets and anything that rsip cannot read are dropped.
        let Ok(message) = SipMessage::try_from(bytes) else {
            return;
        };
        let Some(essentials) = Essentials::of(&message) else {
            return;
        };
        match message {
            SipMessage::Request(request) => self.request(request, essentials, from),
            SipMessage::Response(_) => self.response(&message, &essentials),
        }
    }

    fn response(&mut self, message: &SipMessage, of: &Essentials) {
        let SipMessage::Response(response) = message else {
            return;
        };
        let status = response.status_code.code();
        let key = ClientTx::key(&of.branch, of.method);
        let Some(tx) = self.clients.get_mut(&key) else {
            if of.method == Method::Invite && (200..300).contains(&status) {
                self.answer_repeated(of);
            }
            return;
        };
        match tx.response(status) {
            Verdict::Repeated => {
                if let (Some(ack), to) = (tx.ack.clone(), tx.to) {
                    self.send(&ack, to);
                }
                return;
            }
            Verdict::Deliver => {}
            Verdict::DeliverAndDrop => {
                self.clients.remove(&key).inspect(|_| {});
                if let Some(leg) = self.leg_of(&of.call_id, &of.from_tag) {
                    self.invite_response(leg, response, of);
                }
                return;
            }
        }
        let invite = tx.method == Method::Invite;
        if status >= 200 {
            let linger = if invite {
                self.times.limit()
            } else {
                self.times.t4
            };
            self.after(linger, Due::ClientGone(key.clone()));
        }
        let Some(tx) = self.clients.get_mut(&key) else {
            return;
        };
        match &mut tx.owner {
            Owner::Options(waiting) => {
                if let (Some(waiting), 200..) = (waiting.take(), status) {
                    let _ = waiting.send(status);
                }
            }
            Owner::Registration(phone) => {
                let phone = *phone;
                self.register_response(phone, response, status);
            }
            Owner::Leg(leg) => {
                let leg = *leg;
                if invite {
                    self.invite_response(leg, response, of);
                } else if of.method == Method::Bye && status >= 200 {
                    self.with_leg(leg, |stack, leg| stack.end_leg(leg, EndedBy::Local, 200));
                }
            }
        }
    }

    fn request(&mut self, request: Request, of: Essentials, from: SocketAddr) {
        let key = ServerTx::key(&of.branch, &of.sent_by, of.method);
        if of.method == Method::Ack {
            self.acknowledged(&request, &of);
            return;
        }
        if let Some(tx) = self.servers.get(&key) {
            if let Some(last) = tx.repeated() {
                self.send(last, tx.to);
            }
            return;
        }
        if self.servers.len() >= 2 * LIMIT {
            return;
        }
        match of.method {
            Method::Invite => self.invited(request, of, from, key),
            Method::Cancel => self.cancelled(&request, &of, from, key),
            Method::Bye => self.bye(&request, &of, from, key),
            Method::Update => self.updated(&request, &of, from, key),
            Method::Options => {
                // RFC 3261 §12.2.2: in a dialog that is gone it tells so.
                let gone = of.to_tag.as_ref().is_some_and(|tag| {
                    let leg = self
                        .leg_of(&of.call_id, tag)
                        .and_then(|id| self.legs.get(&id));
                    leg.is_none_or(|leg| leg.state == LegState::Ended)
                });
                let status = if gone { 481 } else { 200 };
                let allow = message::other("Allow", message::ALLOW);
                self.reply(&request, from, &key, status, vec![allow]);
            }
            Method::Info => {
                let known = of
                    .to_tag
                    .as_ref()
                    .is_some_and(|tag| self.leg_of(&of.call_id, tag).is_some());
                self.reply(&request, from, &key, if known { 200 } else { 481 }, vec![]);
            }
            _ => self.reply(
                &request,
                from,
                &key,
                405,
                vec![message::other("Allow", message::ALLOW)],
            ),
        }
    }

    /// Answers a request outside any leg's course, by a new server transaction.
    pub(crate) fn reply(
        &mut self,
        request: &Request,
        from: SocketAddr,
        key: &str,
        status: u16,
        more: Vec<Header>,
    ) {
        let tag = message::token();
        let bytes = message::bytes(message::response(
            request,
            from,
            status,
            Some(&tag),
            more,
            None,
        ));
        self.respond(request.method, key, from, None, status, bytes);
    }

    /// Sends a response and keeps it for repetitions of the request.
    pub(crate) fn respond(
        &mut self,
        method: Method,
        key: &str,
        to: SocketAddr,
        leg: Option<u64>,
        status: u16,
        bytes: Vec<u8>,
    ) {
        self.send(&bytes, to);
        let times = self.times;
        let tx = self
            .servers
            .entry(key.to_owned())
            .or_insert_with(|| ServerTx::new(method, leg, to, &times));
        let repeat = tx.responded(status, bytes);
        if repeat {
            self.after(times.t1, Due::ServerRetransmit(key.to_owned()));
        }
        if status >= 200 {
            self.after(times.limit(), Due::ServerGone(key.to_owned()));
        }
    }

    // ---- what becomes due

    fn due(&mut self, due: Due) {
        match due {
            Due::ClientRetransmit(key) => self.repeat_request(key),
            Due::ClientTimeout(key) => self.request_timed_out(&key),
            Due::ClientGone(key) => drop(self.clients.remove(&key)),
            Due::ServerRetransmit(key) => self.repeat_response(key),
            Due::ServerGone(key) => drop(self.servers.remove(&key)),
            Due::AnswerRetransmit(leg) => self.repeat_answer(leg),
            Due::Answer(leg) => self.answer(leg),
            Due::Reject(leg, status) => self.reject(leg, status),
            Due::HangUp(leg) => self.hang_up(leg),
            Due::LegLimit(leg) => {
                self.with_leg(leg, |stack, leg| {
                    if matches!(leg.state, LegState::Cancelling | LegState::Leaving) {
                        stack.end_leg(leg, EndedBy::Timeout, 408);
                    }
                });
            }
            Due::LegGone(id) => {
                if let Some(leg) = self.legs.remove(&id) {
                    self.names.remove(&(leg.call_id, leg.local_tag));
                }
            }
            Due::Refresh(phone) => self.refresh(phone),
        }
    }

    fn repeat_request(&mut self, key: String) {
        let Some(tx) = self.clients.get_mut(&key) else {
            return;
        };
        if let Some(next) = tx.repeat(&self.times) {
            let (bytes, to) = (tx.bytes.clone(), tx.to);
            self.send(&bytes, to);
            self.after(next, Due::ClientRetransmit(key));
        }
    }

    fn request_timed_out(&mut self, key: &str) {
        if !self.clients.get(key).is_some_and(ClientTx::times_out) {
            return;
        }
        let Some(tx) = self.clients.remove(key) else {
            return;
        };
        match tx.owner {
            // Dropping the sender tells the script that nothing came.
            Owner::Options(_) => {}
            Owner::Registration(phone) => self.register_timed_out(phone),
            Owner::Leg(leg) => {
                // A CANCEL that got no answer leaves the leg to its own limit.
                if tx.method != Method::Cancel {
                    self.with_leg(leg, |stack, leg| stack.end_leg(leg, EndedBy::Timeout, 408));
                }
            }
        }
    }

    fn repeat_response(&mut self, key: String) {
        let times = self.times;
        let Some(tx) = self.servers.get_mut(&key) else {
            return;
        };
        let Some(next) = tx.repeat(&times) else {
            return;
        };
        if let (Some(bytes), to) = (tx.last.clone(), tx.to) {
            self.send(&bytes, to);
        }
        self.after(next, Due::ServerRetransmit(key));
    }

    fn repeat_answer(&mut self, id: u64) {
        let t2 = self.times.t2;
        self.with_leg(id, |stack, leg| {
            let Some(Unacknowledged {
                bytes,
                to,
                interval,
                until,
                ..
            }) = &mut leg.unacknowledged
            else {
                return;
            };
            if Instant::now() >= *until {
                // RFC 3261 §13.3.1.4: without an ACK the session is ended with BYE.
                leg.unacknowledged = None;
                stack.send_bye(leg);
                return;
            }
            let bytes = bytes.clone();
            let to = *to;
            *interval = (*interval * 2).min(t2);
            let next = *interval;
            stack.send(&bytes, to);
            stack.after(next, Due::AnswerRetransmit(id));
        });
    }
}
