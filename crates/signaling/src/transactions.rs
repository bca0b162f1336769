//! The transaction layer (RFC 3261 §17): finds the machine that a message belongs to, runs it,
//! and does what it says.
//!
//! ```text
//!   request  ── key: hash of branch, sent-by, method ──▶ Server ── owner: leg, request, nobody
//!   response ── key: the word in our own branch ───────▶ Client ── owner: leg, request, nobody
//!   timers: one entry a transaction or leg, the earliest of its timers
//! ```

use crate::counters::{Counters, count};
use crate::event::RequestId;
use crate::flow::{Flow, Transmit};
use crate::invite_client::{InviteClient, InviteClientAction, InviteClientState};
use crate::invite_server::{InviteServer, InviteServerAction, InviteServerState};
use crate::message::{HeaderName, Message, Method};
use crate::names::{Fnv, word_of_branch};
use crate::non_invite_client::{NonInviteClient, NonInviteClientAction, NonInviteClientState};
use crate::non_invite_server::{NonInviteServer, NonInviteServerAction, NonInviteServerState};
use crate::timers::{TimerQueue, Timers};
use crate::write;
use meishier_model::{LegId, Mono};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Most answers of different forks to one INVITE that get their own ACK.
const FORK_LIMIT: usize = 8;

/// A client transaction: the word in its branch; a CANCEL has that of its INVITE (§9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ClientKey {
    pub word: u64,
    pub cancel: bool,
}

/// A server transaction (§17.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ServerKey(pub u64);

/// Whose timer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    Client(ClientKey),
    Server(ServerKey),
    Leg(LegId),
}

/// Who hears of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owner {
    Nobody,
    Leg(LegId),
    Request(RequestId),
}

/// What a request of ours was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    Invite,
    Reinvite,
    Cancel,
    Bye,
    Options,
}

impl Purpose {
    fn method(self) -> Method {
        match self {
            Self::Invite | Self::Reinvite => Method::Invite,
            Self::Cancel => Method::Cancel,
            Self::Bye => Method::Bye,
            Self::Options => Method::Options,
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
enum ClientMachine {
    Invite(InviteClient),
    Other(NonInviteClient),
}

/// The ACK that goes with a To tag.
#[derive(Clone, Serialize, Deserialize)]
struct Ack {
    tag: Box<str>,
    bytes: Vec<u8>,
}

/// One client transaction.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    machine: ClientMachine,
    pub owner: Owner,
    pub purpose: Purpose,
    pub flow: Flow,
    /// The request as it was sent; empty once nothing has to be made from it.
    request: Vec<u8>,
    /// INVITE only: the ACKs sent, to be sent again.
    acks: Vec<Ack>,
    #[serde(skip)]
    deadline: Option<Mono>,
}

#[derive(Clone, Serialize, Deserialize)]
enum ServerMachine {
    Invite(InviteServer),
    Other(NonInviteServer),
}

/// One server transaction.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    machine: ServerMachine,
    pub owner: Owner,
    pub flow: Flow,
    /// Head of every response (see [`write::head`]); empty once the final one is written.
    head: Vec<u8>,
    /// The response to send again; empty if there is none.
    response: Vec<u8>,
    /// For merged requests (§8.2.2.2): hash of From tag, Call-ID and CSeq.
    merge: Option<u64>,
    #[serde(skip)]
    deadline: Option<Mono>,
}

/// What became of a request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Timer B or F.
    TimedOut,
    /// The flow failed.
    Flow,
}

/// Something that the owner of a transaction has to hear.
pub(crate) enum Report {
    /// A request of ours failed without a response.
    Client { key: ClientKey, owner: Owner, purpose: Purpose, failure: Failure },
    /// The ACK of our failure response came, or never came.
    Acknowledged { owner: Owner, key: ServerKey },
    /// A request that was handed up was never answered.
    Unanswered { owner: Owner },
}

/// What a request is to the transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A new one.
    New,
    /// A repetition; all is done.
    Again,
    /// The same request by another way (§8.2.2.2).
    Merged,
}

/// All transactions of an endpoint, its timers, what it wants sent, and its counters.
pub(crate) struct Transactions {
    pub timers_config: Timers,
    pub clients: BTreeMap<ClientKey, Client>,
    pub servers: BTreeMap<ServerKey, Server>,
    merges: BTreeMap<u64, ServerKey>,
    pub timers: TimerQueue<TimerKey>,
    pub outbox: VecDeque<Transmit>,
    pub counters: Counters,
}

impl Transactions {
    pub(crate) fn new(timers_config: Timers) -> Self {
        Self {
            timers_config,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            merges: BTreeMap::new(),
            timers: TimerQueue::default(),
            outbox: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    // ---- sending

    /// Sends a request outside any transaction: the ACK of a 2xx (§13.2.2.4).
    pub(crate) fn send_request(&mut self, method: Method, flow: Flow, bytes: Vec<u8>) {
        count(&mut self.counters.sent_requests, method as usize);
        self.outbox.push_back(Transmit { flow, bytes });
    }

    /// Sends a response outside any transaction: a 2xx again, or one that keeps no state.
    pub(crate) fn send_response(&mut self, status: u16, flow: Flow, bytes: Vec<u8>) {
        count(&mut self.counters.sent_responses, usize::from(status));
        self.outbox.push_back(Transmit { flow, bytes });
    }

    /// Starts a client transaction and sends its request.
    pub(crate) fn start(&mut self, now: Mono, key: ClientKey, purpose: Purpose, owner: Owner, flow: Flow, bytes: Vec<u8>) {
        let reliable = flow.transport.is_reliable();
        let timers = &self.timers_config;
        let machine = match purpose {
            Purpose::Invite | Purpose::Reinvite => ClientMachine::Invite(InviteClient::new(now, timers, reliable)),
            _ => ClientMachine::Other(NonInviteClient::new(now, timers, reliable)),
        };
        self.send_request(purpose.method(), flow, bytes.clone());
        let client = Client { machine, owner, purpose, flow, request: bytes, acks: Vec::new(), deadline: None };
        self.insert_client(key, client);
    }

    /// Puts a client transaction in, new or restored.
    pub(crate) fn insert_client(&mut self, key: ClientKey, client: Client) {
        self.clients.insert(key, client);
        self.settle_client(key);
    }

    /// Cancels the INVITE `key` (§9.1). Only when a provisional response came; true if sent.
    pub(crate) fn cancel(&mut self, now: Mono, key: ClientKey, reason: Option<&str>) -> bool {
        let timers = self.timers_config;
        let Some(client) = self.clients.get_mut(&key) else { return false };
        let ClientMachine::Invite(machine) = &mut client.machine else { return false };
        if machine.state() != InviteClientState::Proceeding {
            return false;
        }
        machine.on_cancel_sent(now, &timers);
        let (flow, bytes) = (client.flow, write::cancel(&client.request, reason));
        self.settle_client(key);
        let cancel = ClientKey { cancel: true, ..key };
        self.start(now, cancel, Purpose::Cancel, Owner::Nobody, flow, bytes);
        true
    }

    /// Keeps the ACK of a 2xx, so that it is sent again when the 2xx is.
    pub(crate) fn keep_ack(&mut self, key: ClientKey, tag: &str, bytes: &[u8]) {
        if let Some(client) = self.clients.get_mut(&key) {
            client.acks.push(Ack { tag: tag.into(), bytes: bytes.to_vec() });
        }
    }

    /// Nobody waits any more for what comes of a client transaction.
    pub(crate) fn disown(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(&key) {
            client.owner = Owner::Nobody;
        }
    }

    // ---- responses to us

    /// A response came. `Some` if the owner has to hear of it.
    pub(crate) fn on_response(&mut self, now: Mono, response: &Message) -> Option<(ClientKey, Owner, Purpose)> {
        let status = response.status().unwrap_or_default();
        let word = response.top_via().branch.and_then(word_of_branch);
        let method = response.cseq_method();
        let found = word.map(|word| ClientKey { word, cancel: method == Method::Cancel });
        let Some((key, client)) = found.and_then(|key| Some((key, self.clients.get_mut(&key)?))) else {
            self.counters.unmatched += 1;
            return None;
        };
        if client.purpose.method() != method {
            self.counters.unmatched += 1;
            return None;
        }
        let timers = &self.timers_config;
        let mut ack = None;
        let deliver = match &mut client.machine {
            ClientMachine::Invite(machine) => {
                let first = machine.is_waiting();
                let action = machine.on_response(now, timers, status);
                if matches!(action, InviteClientAction::Ack | InviteClientAction::AckAndDeliver) {
                    let to = response.header_bytes(HeaderName::To).next().unwrap_or(b"");
                    ack = Some(write::ack_of_failure(&client.request, to));
                }
                if first || action != InviteClientAction::Deliver {
                    matches!(action, InviteClientAction::Deliver | InviteClientAction::AckAndDeliver)
                } else {
                    // Another 2xx: of a known fork, its ACK again (§13.2.2.4); of a new one, up.
                    let tag = response.to_tag().unwrap_or("");
                    ack = client.acks.iter().find(|a| &*a.tag == tag).map(|a| a.bytes.clone());
                    ack.is_none() && client.acks.len() < FORK_LIMIT
                }
            }
            ClientMachine::Other(machine) => machine.on_response(now, timers, status) == NonInviteClientAction::Deliver,
        };
        let told = (key, client.owner, client.purpose);
        let flow = client.flow;
        if !deliver {
            self.counters.retransmissions_received += 1;
        }
        if let Some(ack) = ack {
            self.counters.retransmissions_sent += u64::from(!deliver);
            self.send_request(Method::Ack, flow, ack);
        }
        self.settle_client(key);
        deliver.then_some(told)
    }

    /// A flow failed: every request that waits on it for a response fails (§17.1.4).
    pub(crate) fn on_flow_failed(&mut self, flow: Flow) -> Vec<Report> {
        let same = |other: &Flow| {
            other.transport == flow.transport
                && other.remote == flow.remote
                && (flow.connection == 0 || other.connection == 0 || other.connection == flow.connection)
        };
        let keys: Vec<ClientKey> = self.clients.iter().filter(|(_, c)| same(&c.flow)).map(|(k, _)| *k).collect();
        let mut reports = Vec::new();
        for key in keys {
            let Some(client) = self.clients.get_mut(&key) else { continue };
            let failed = match &mut client.machine {
                ClientMachine::Invite(machine) => machine.on_flow_failed(),
                ClientMachine::Other(machine) => machine.on_flow_failed(),
            };
            if failed {
                let (owner, purpose) = (client.owner, client.purpose);
                reports.push(Report::Client { key, owner, purpose, failure: Failure::Flow });
            }
            self.settle_client(key);
        }
        reports
    }

    // ---- requests to us

    /// A request other than ACK came. If it is new, [`Transactions::accept`] may follow.
    pub(crate) fn on_request(&mut self, key: ServerKey, merge: Option<u64>) -> Seen {
        let Some(server) = self.servers.get(&key) else {
            let merged = merge.is_some_and(|merge| self.merges.contains_key(&merge));
            return if merged { Seen::Merged } else { Seen::New };
        };
        self.counters.retransmissions_received += 1;
        let resend = match &server.machine {
            ServerMachine::Invite(machine) => machine.on_retransmission() == InviteServerAction::Resend,
            ServerMachine::Other(machine) => machine.on_retransmission() == NonInviteServerAction::Resend,
        };
        if resend {
            self.resend(key);
        }
        Seen::Again
    }

    /// An ACK came. `Some(report)` if it belongs to a failure of ours, `None` if it is for a dialog.
    pub(crate) fn on_ack(&mut self, now: Mono, key: ServerKey) -> Option<Option<Report>> {
        let timers = self.timers_config;
        let server = self.servers.get_mut(&key)?;
        let ServerMachine::Invite(machine) = &mut server.machine else { return None };
        match machine.state() {
            // A 2xx has its own ACK; peers that reuse the branch mean the same (RFC 6026 §7.1).
            InviteServerState::Proceeding | InviteServerState::Accepted => return None,
            _ => {}
        }
        let acknowledged = machine.on_ack(now, &timers) == InviteServerAction::Acknowledged;
        let owner = server.owner;
        if acknowledged {
            server.response = Vec::new();
        } else {
            self.counters.retransmissions_received += 1;
        }
        self.settle_server(key);
        Some(acknowledged.then_some(Report::Acknowledged { owner, key }))
    }

    /// Opens a server transaction for a new request.
    pub(crate) fn accept(&mut self, now: Mono, key: ServerKey, invite: bool, owner: Owner, flow: Flow, head: Vec<u8>, merge: Option<u64>) {
        let reliable = flow.transport.is_reliable();
        let machine = if invite {
            ServerMachine::Invite(InviteServer::new(reliable))
        } else {
            ServerMachine::Other(NonInviteServer::new(now, &self.timers_config, reliable))
        };
        let server = Server { machine, owner, flow, head, response: Vec::new(), merge, deadline: None };
        self.insert_server(key, server);
    }

    /// Puts a server transaction in, new or restored.
    pub(crate) fn insert_server(&mut self, key: ServerKey, server: Server) {
        if let Some(merge) = server.merge {
            self.merges.insert(merge, key);
        }
        self.servers.insert(key, server);
        self.settle_server(key);
    }

    /// The head with which a response to the request is written.
    pub(crate) fn head(&self, key: ServerKey) -> Option<&[u8]> {
        self.servers.get(&key).map(|s| s.head.as_slice())
    }

    /// Sends a response through its transaction. The bytes of a 2xx to INVITE are left to the leg.
    /// False if the transaction is gone or has had its final response.
    pub(crate) fn respond(&mut self, now: Mono, key: ServerKey, status: u16, bytes: Vec<u8>) -> bool {
        let timers = self.timers_config;
        let Some(server) = self.servers.get_mut(&key) else { return false };
        let (passed, keep) = match &mut server.machine {
            ServerMachine::Invite(machine) => (machine.on_send(now, &timers, status), !(200..300).contains(&status)),
            ServerMachine::Other(machine) => (machine.on_send(now, &timers, status), true),
        };
        if !passed {
            return false;
        }
        if status >= 200 {
            server.head = Vec::new();
        }
        server.response = if keep { shrunk(&bytes) } else { Vec::new() };
        let flow = server.flow;
        self.send_response(status, flow, bytes);
        self.settle_server(key);
        true
    }

    /// Sends the last response again.
    pub(crate) fn resend(&mut self, key: ServerKey) {
        let Some(server) = self.servers.get(&key) else { return };
        if server.response.is_empty() {
            return;
        }
        let status = status_of(&server.response);
        let (flow, bytes) = (server.flow, server.response.clone());
        self.counters.retransmissions_sent += 1;
        self.send_response(status, flow, bytes);
    }

    // ---- time

    /// The timer of a transaction is due.
    pub(crate) fn on_client_timer(&mut self, now: Mono, key: ClientKey) -> Option<Report> {
        let timers = &self.timers_config;
        let client = self.clients.get_mut(&key)?;
        let (resend, timed_out) = match &mut client.machine {
            ClientMachine::Invite(machine) => {
                let action = machine.on_timeout(now);
                (action == InviteClientAction::Resend, action == InviteClientAction::TimedOut)
            }
            ClientMachine::Other(machine) => {
                let action = machine.on_timeout(now, timers);
                (action == NonInviteClientAction::Resend, action == NonInviteClientAction::TimedOut)
            }
        };
        let (owner, purpose) = (client.owner, client.purpose);
        if resend {
            let (flow, bytes) = (client.flow, client.request.clone());
            self.counters.retransmissions_sent += 1;
            self.send_request(purpose.method(), flow, bytes);
        }
        self.settle_client(key);
        timed_out.then_some(Report::Client { key, owner, purpose, failure: Failure::TimedOut })
    }

    /// The timer of a transaction is due.
    pub(crate) fn on_server_timer(&mut self, now: Mono, key: ServerKey) -> Option<Report> {
        let timers = self.timers_config;
        let server = self.servers.get_mut(&key)?;
        let owner = server.owner;
        let (action, unanswered) = match &mut server.machine {
            ServerMachine::Invite(machine) => (machine.on_timeout(now, &timers), false),
            ServerMachine::Other(machine) => {
                let waiting = machine.state() != NonInviteServerState::Completed;
                (InviteServerAction::Nothing, machine.on_timeout(now) && waiting)
            }
        };
        if action == InviteServerAction::Resend {
            self.resend(key);
        }
        self.settle_server(key);
        match action {
            InviteServerAction::NoAck => Some(Report::Acknowledged { owner, key }),
            _ => unanswered.then_some(Report::Unanswered { owner }),
        }
    }

    // ---- keeping house

    /// Frees a client transaction that is over, or sets its timer.
    fn settle_client(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let (over, deadline) = match &client.machine {
            ClientMachine::Invite(m) => (m.state() == InviteClientState::Terminated, m.deadline()),
            ClientMachine::Other(m) => {
                if m.state() == NonInviteClientState::Completed {
                    client.request = Vec::new();
                }
                (m.state() == NonInviteClientState::Terminated, m.deadline())
            }
        };
        self.timers.set(TimerKey::Client(key), &mut client.deadline, deadline.filter(|_| !over));
        if over {
            self.clients.remove(&key);
        }
    }

    /// Frees a server transaction that is over, or sets its timer.
    fn settle_server(&mut self, key: ServerKey) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        let (over, deadline) = match &server.machine {
            ServerMachine::Invite(m) => (m.state() == InviteServerState::Terminated, m.deadline()),
            ServerMachine::Other(m) => (m.state() == NonInviteServerState::Terminated, m.deadline()),
        };
        self.timers.set(TimerKey::Server(key), &mut server.deadline, deadline.filter(|_| !over));
        if over {
            let merge = server.merge;
            self.servers.remove(&key);
            if let Some(merge) = merge.filter(|m| self.merges.get(m) == Some(&key)) {
                self.merges.remove(&merge);
            }
        }
    }
}

impl Client {
    /// Moves its timers to another clock.
    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        match &mut self.machine {
            ClientMachine::Invite(m) => m.rebase(taken, now),
            ClientMachine::Other(m) => m.rebase(taken, now),
        }
    }
}

impl Server {
    /// Moves its timers to another clock.
    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        match &mut self.machine {
            ServerMachine::Invite(m) => m.rebase(taken, now),
            ServerMachine::Other(m) => m.rebase(taken, now),
        }
    }
}

/// The key of the server transaction of a request (§17.2.3). ACK has the key of its INVITE;
/// `method` is given so that a CANCEL can ask for its INVITE (§9.2).
///
/// Requests of RFC 2543 peers have no branch that names the transaction: Request-URI, From tag,
/// Call-ID, CSeq and the whole top Via stand for it. The To tag is left out, as the ACK of a
/// failure has one and its INVITE has none.
pub(crate) fn server_key(request: &Message, method: &str) -> ServerKey {
    let via = request.top_via();
    let method = if method == "ACK" { "INVITE" } else { method };
    let hash = Fnv::new().part(method.as_bytes()).folded(via.host.as_bytes()).part(&via.port.unwrap_or(0).to_be_bytes());
    let branch = via.branch.unwrap_or("");
    if via.has_magic_cookie() {
        return ServerKey(hash.part(branch.as_bytes()).finish());
    }
    let hash = hash
        .part(request.request_uri().as_bytes())
        .part(request.from_tag().unwrap_or("").as_bytes())
        .part(request.call_id().as_bytes())
        .part(&request.cseq().0.to_be_bytes())
        .part(branch.as_bytes());
    ServerKey(hash.finish())
}

/// What two ways of one request have in common (§8.2.2.2).
pub(crate) fn merge_key(request: &Message) -> u64 {
    let (number, method) = request.cseq();
    Fnv::new()
        .part(request.from_tag().unwrap_or("").as_bytes())
        .part(request.call_id().as_bytes())
        .part(&number.to_be_bytes())
        .part(method.as_bytes())
        .finish()
}

/// The status in a response that we wrote.
pub(crate) fn status_of(response: &[u8]) -> u16 {
    let digits = response.get(8..11).unwrap_or(b"");
    digits.iter().fold(0, |n, d| n * 10 + u16::from(d.wrapping_sub(b'0').min(9)))
}

/// A copy without spare room: it may lie there for an hour.
fn shrunk(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}
