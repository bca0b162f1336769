//! The client transactions of an endpoint: requests of ours and the responses to them (RFC 3261 §17.1).

use crate::client_auth::{AccountId, Attempts};
use crate::flow::Flow;
use crate::invite_client::{InviteClient, InviteClientAction, InviteClientState};
use crate::keys::{ClientKey, Owner, Purpose, TimerKey};
use crate::message::{HeaderName, Message, Method};
use crate::names::word_of_branch;
use crate::non_invite_client::{NonInviteClient, NonInviteClientAction, NonInviteClientState};
use crate::timers::Due;
use crate::transactions::{Failure, Report, Transactions};
use crate::write;
use meishier_model::Mono;
use serde::{Deserialize, Serialize};

/// Most answers of different forks to one INVITE that get their own ACK.
const FORK_LIMIT: usize = 8;

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

/// A response that its owner has to hear.
pub(crate) struct Heard {
    pub key: ClientKey,
    pub owner: Owner,
    pub purpose: Purpose,
    /// It is 401 or 407: what is needed to send the request again.
    pub challenged: Option<Challenged>,
}

/// A request that was refused with 401 or 407.
pub(crate) struct Challenged {
    /// As it was sent.
    pub request: Vec<u8>,
    pub flow: Flow,
    pub attempts: Attempts,
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
    /// Whose credentials it may show.
    #[serde(default)]
    attempts: Attempts,
    #[serde(skip)]
    deadline: Option<Due>,
}

impl Transactions {
    /// Starts a client transaction and sends its request.
    pub(crate) fn start(
        &mut self,
        now: Mono,
        key: ClientKey,
        purpose: Purpose,
        owner: Owner,
        flow: Flow,
        bytes: Vec<u8>,
    ) {
        let reliable = flow.transport.is_reliable();
        let timers = &self.timers_config;
        let machine = match purpose {
            Purpose::Invite | Purpose::Reinvite => {
                ClientMachine::Invite(InviteClient::new(now, timers, reliable))
            }
            _ => ClientMachine::Other(NonInviteClient::new(now, timers, reliable)),
        };
        self.send_request(purpose.method(), flow, bytes.clone());
        let client = Client {
            machine,
            owner,
            purpose,
            flow,
            request: bytes,
            acks: Vec::new(),
            attempts: Attempts::default(),
            deadline: None,
        };
        self.insert_client(key, client);
    }

    /// Says whose credentials a request shows that has just been sent.
    pub(crate) fn attribute(&mut self, key: ClientKey, attempts: Attempts) {
        if let Some(client) = self.clients.get_mut(&key) {
            client.attempts = attempts;
        }
    }

    /// The account of a request, and the credentials that it showed; those of an INVITE alone are
    /// known after its final response.
    pub(crate) fn shown(&self, key: ClientKey) -> (Option<AccountId>, Vec<(&str, &str)>) {
        self.clients.get(&key).map_or((None, Vec::new()), |client| {
            let account = client.attempts.account;
            (account, write::credentials(&client.request))
        })
    }

    /// Puts a client transaction in, new or restored.
    pub(crate) fn insert_client(&mut self, key: ClientKey, client: Client) {
        self.clients.insert(key, Box::new(client));
        self.settle_client(key);
    }

    /// Cancels the INVITE `key` (§9.1). Only when a provisional response came; true if sent.
    pub(crate) fn cancel(&mut self, now: Mono, key: ClientKey, reason: Option<&str>) -> bool {
        let timers = self.timers_config;
        let Some(client) = self.clients.get_mut(&key) else {
            return false;
        };
        let ClientMachine::Invite(machine) = &mut client.machine else {
            return false;
        };
        if machine.state() != InviteClientState::Proceeding {
            return false;
        }
        machine.on_given_up(now, &timers);
        let (flow, bytes) = (client.flow, write::cancel(&client.request, reason));
        self.settle_client(key);
        let cancel = ClientKey {
            cancel: true,
            ..key
        };
        self.start(now, cancel, Purpose::Cancel, Owner::Nobody, flow, bytes);
        true
    }

    /// Keeps the ACK of a 2xx, so that it is sent again when the 2xx is.
    pub(crate) fn keep_ack(&mut self, key: ClientKey, tag: &str, bytes: &[u8]) {
        if let Some(client) = self.clients.get_mut(&key) {
            client.acks.push(Ack {
                tag: tag.into(),
                bytes: bytes.to_vec(),
            });
        }
    }

    /// Nobody waits any more for what comes of a request.
    pub(crate) fn disown(&mut self, now: Mono, key: ClientKey) {
        let timers = self.timers_config;
        if let Some(client) = self.clients.get_mut(&key) {
            client.owner = Owner::Nobody;
            match &mut client.machine {
                ClientMachine::Invite(machine) => machine.on_given_up(now, &timers),
                ClientMachine::Other(machine) => machine.on_given_up(now, &timers),
            }
            self.settle_client(key);
        }
    }

    /// A response came. `Some` if the owner has to hear of it.
    pub(crate) fn on_response(&mut self, now: Mono, response: &Message) -> Option<Heard> {
        let status = response.status().unwrap_or_default();
        let word = response.top_via().branch.and_then(word_of_branch);
        let method = response.cseq_method();
        let found = word.map(|word| ClientKey {
            word,
            cancel: method == Method::Cancel,
        });
        let Some((key, client)) = found.and_then(|key| Some((key, self.clients.get_mut(&key)?)))
        else {
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
                if matches!(
                    action,
                    InviteClientAction::Ack | InviteClientAction::AckAndDeliver
                ) {
                    let to = response.header_bytes(HeaderName::To).next().unwrap_or(b"");
                    ack = Some(write::ack_of_failure(&client.request, to));
                }
                if first || action != InviteClientAction::Deliver {
                    matches!(
                        action,
                        InviteClientAction::Deliver | InviteClientAction::AckAndDeliver
                    )
                } else {
                    // Another 2xx: of a known fork, its ACK again (§13.2.2.4); of a new one, up.
                    let tag = response.to_tag().unwrap_or("");
                    ack = client
                        .acks
                        .iter()
                        .find(|a| &*a.tag == tag)
                        .map(|a| a.bytes.clone());
                    ack.is_none() && client.acks.len() < FORK_LIMIT
                }
            }
            ClientMachine::Other(machine) => {
                machine.on_response(now, timers, status) == NonInviteClientAction::Deliver
            }
        };
        let (owner, purpose, flow) = (client.owner, client.purpose, client.flow);
        let asks = matches!(status, 401 | 407) && client.attempts.account.is_some();
        let challenged = (deliver && asks).then(|| Challenged {
            request: client.request.clone(),
            flow,
            attempts: client.attempts.clone(),
        });
        if !deliver {
            self.counters.retransmissions_received += 1;
        }
        if let Some(ack) = ack {
            self.counters.retransmissions_sent += u64::from(!deliver);
            self.send_request(Method::Ack, flow, ack);
        }
        self.settle_client(key);
        deliver.then_some(Heard {
            key,
            owner,
            purpose,
            challenged,
        })
    }

    /// A flow failed: every request that waits on it for a response fails (§17.1.4).
    pub(crate) fn on_flow_failed(&mut self, flow: Flow) -> Vec<Report> {
        let same = |other: &Flow| {
            other.transport == flow.transport
                && other.remote == flow.remote
                && (flow.connection == 0
                    || other.connection == 0
                    || other.connection == flow.connection)
        };
        let keys: Vec<ClientKey> = self
            .clients
            .iter()
            .filter(|(_, c)| same(&c.flow))
            .map(|(k, _)| *k)
            .collect();
        let mut reports = Vec::new();
        for key in keys {
            let Some(client) = self.clients.get_mut(&key) else {
                continue;
            };
            let failed = match &mut client.machine {
                ClientMachine::Invite(machine) => machine.on_flow_failed(),
                ClientMachine::Other(machine) => machine.on_flow_failed(),
            };
            if failed {
                let (owner, purpose) = (client.owner, client.purpose);
                reports.push(Report::Client {
                    key,
                    owner,
                    purpose,
                    failure: Failure::Flow,
                });
            }
            self.settle_client(key);
        }
        reports
    }

    /// The timer of a transaction is due.
    pub(crate) fn on_client_timer(&mut self, now: Mono, key: ClientKey) -> Option<Report> {
        let timers = &self.timers_config;
        let client = self.clients.get_mut(&key)?;
        let (resend, timed_out) = match &mut client.machine {
            ClientMachine::Invite(machine) => {
                let action = machine.on_timeout(now);
                (
                    action == InviteClientAction::Resend,
                    action == InviteClientAction::TimedOut,
                )
            }
            ClientMachine::Other(machine) => {
                let action = machine.on_timeout(now, timers);
                (
                    action == NonInviteClientAction::Resend,
                    action == NonInviteClientAction::TimedOut,
                )
            }
        };
        let (owner, purpose) = (client.owner, client.purpose);
        if resend {
            let (flow, bytes) = (client.flow, client.request.clone());
            self.counters.retransmissions_sent += 1;
            self.send_request(purpose.method(), flow, bytes);
        }
        self.settle_client(key);
        timed_out.then_some(Report::Client {
            key,
            owner,
            purpose,
            failure: Failure::TimedOut,
        })
    }

    /// Frees a client transaction that is over, or sets its timer.
    fn settle_client(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        let (over, lingering, deadline) = match &client.machine {
            ClientMachine::Invite(m) => (
                m.state() == InviteClientState::Terminated,
                matches!(
                    m.state(),
                    InviteClientState::Accepted | InviteClientState::Completed
                ),
                m.deadline(),
            ),
            ClientMachine::Other(m) => {
                let completed = m.state() == NonInviteClientState::Completed;
                if completed {
                    client.request = Vec::new();
                }
                let over = m.state() == NonInviteClientState::Terminated;
                (over, completed, m.deadline())
            }
        };
        let deadline = deadline.map(|at| Due { at, lingering });
        self.timers.set(
            TimerKey::Client(key),
            &mut client.deadline,
            deadline.filter(|_| !over),
        );
        if over {
            self.clients.remove(&key);
        }
    }
}

impl Client {
    /// Moves its timers to another clock, in whose queue none of them stands yet.
    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        self.deadline = None;
        match &mut self.machine {
            ClientMachine::Invite(m) => m.rebase(taken, now),
            ClientMachine::Other(m) => m.rebase(taken, now),
        }
    }
}
