//! The server transactions of an endpoint: requests to us and our responses (RFC 3261 §17.2).

use crate::flow::Flow;
use crate::invite_server::{InviteServer, InviteServerAction, InviteServerState};
use crate::keys::{Owner, ServerKey, TimerKey};
use crate::non_invite_server::{NonInviteServer, NonInviteServerAction, NonInviteServerState};
use crate::timers::Due;
use crate::transactions::{Report, Transactions};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};

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
    deadline: Option<Due>,
}

/// A new request for which a server transaction is opened.
pub(crate) struct Opening {
    pub key: ServerKey,
    pub flow: Flow,
    pub invite: bool,
    pub owner: Owner,
    /// See [`write::head`].
    pub head: Vec<u8>,
    /// See [`crate::keys::merge_key`]; only outside dialogs.
    pub merge: Option<u64>,
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

impl Transactions {
    /// A request other than ACK came. If it is new, [`Transactions::accept`] may follow.
    pub(crate) fn on_request(&mut self, key: ServerKey, merge: Option<u64>) -> Seen {
        let Some(server) = self.servers.get(&key) else {
            let merged = merge.is_some_and(|merge| self.merges.contains_key(&merge));
            return if merged { Seen::Merged } else { Seen::New };
        };
        self.counters.retransmissions_received += 1;
        let resend = match &server.machine {
            ServerMachine::Invite(machine) => {
                machine.on_retransmission() == InviteServerAction::Resend
            }
            ServerMachine::Other(machine) => {
                machine.on_retransmission() == NonInviteServerAction::Resend
            }
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
        let ServerMachine::Invite(machine) = &mut server.machine else {
            return None;
        };
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
    pub(crate) fn accept(&mut self, now: Mono, opening: Opening) {
        let Opening {
            key,
            flow,
            invite,
            owner,
            head,
            merge,
        } = opening;
        let reliable = flow.transport.is_reliable();
        let machine = if invite {
            ServerMachine::Invite(InviteServer::new(reliable))
        } else {
            ServerMachine::Other(NonInviteServer::new(now, &self.timers_config, reliable))
        };
        let server = Server {
            machine,
            owner,
            flow,
            head,
            response: Vec::new(),
            merge,
            deadline: None,
        };
        self.insert_server(key, server);
    }

    /// Puts a server transaction in, new or restored.
    pub(crate) fn insert_server(&mut self, key: ServerKey, server: Server) {
        if let Some(merge) = server.merge {
            self.merges.insert(merge, key);
        }
        self.servers.insert(key, Box::new(server));
        self.settle_server(key);
    }

    /// The head with which a response to the request is written.
    pub(crate) fn head(&self, key: ServerKey) -> Option<&[u8]> {
        self.servers.get(&key).map(|s| s.head.as_slice())
    }

    /// Sends a response through its transaction. The bytes of a 2xx to INVITE are left to the leg.
    /// False if the transaction is gone or has had its final response.
    pub(crate) fn respond(
        &mut self,
        now: Mono,
        key: ServerKey,
        status: u16,
        bytes: Vec<u8>,
    ) -> bool {
        let timers = self.timers_config;
        let Some(server) = self.servers.get_mut(&key) else {
            return false;
        };
        let (passed, keep) = match &mut server.machine {
            ServerMachine::Invite(machine) => (
                machine.on_send(now, &timers, status),
                !(200..300).contains(&status),
            ),
            ServerMachine::Other(machine) => (machine.on_send(now, &timers, status), true),
        };
        if !passed {
            return false;
        }
        if status >= 200 {
            server.head = Vec::new();
        }
        server.response = // A copy without spare room: it may lie there for an hour.
            if keep { bytes.as_slice().to_vec() } else { Vec::new() };
        let flow = server.flow;
        self.send_response(status, flow, bytes);
        self.settle_server(key);
        true
    }

    /// Sends the last response again.
    pub(crate) fn resend(&mut self, key: ServerKey) {
        let Some(server) = self.servers.get(&key) else {
            return;
        };
        if server.response.is_empty() {
            return;
        }
        let status = status_of(&server.response);
        let (flow, bytes) = (server.flow, server.response.clone());
        self.counters.retransmissions_sent += 1;
        self.send_response(status, flow, bytes);
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
                (
                    InviteServerAction::Nothing,
                    machine.on_timeout(now) && waiting,
                )
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

    /// Frees a server transaction that is over, or sets its timer.
    fn settle_server(&mut self, key: ServerKey) {
        let Some(server) = self.servers.get_mut(&key) else {
            return;
        };
        let (over, lingering, deadline) = match &server.machine {
            ServerMachine::Invite(m) => (
                m.state() == InviteServerState::Terminated,
                matches!(
                    m.state(),
                    InviteServerState::Accepted | InviteServerState::Confirmed
                ),
                m.deadline(),
            ),
            ServerMachine::Other(m) => (
                m.state() == NonInviteServerState::Terminated,
                m.state() == NonInviteServerState::Completed,
                m.deadline(),
            ),
        };
        let deadline = deadline.map(|at| Due { at, lingering });
        self.timers.set(
            TimerKey::Server(key),
            &mut server.deadline,
            deadline.filter(|_| !over),
        );
        if over && let Some(server) = self.servers.remove(&key) {
            self.forget_merge(key, &server);
        }
    }

    /// The request of a server transaction that was freed may come by another way again.
    pub(crate) fn forget_merge(&mut self, key: ServerKey, server: &Server) {
        if let Some(merge) = server.merge.filter(|m| self.merges.get(m) == Some(&key)) {
            self.merges.remove(&merge);
        }
    }
}

impl Server {
    /// The response that would be sent again; empty if there is none.
    pub(crate) fn last_response(&self) -> &[u8] {
        &self.response
    }

    pub(crate) fn deadline_mut(&mut self) -> &mut Option<Due> {
        &mut self.deadline
    }

    /// Moves its timers to another clock, in whose queue none of them stands yet.
    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        self.deadline = None;
        match &mut self.machine {
            ServerMachine::Invite(m) => m.rebase(taken, now),
            ServerMachine::Other(m) => m.rebase(taken, now),
        }
    }
}

/// The status in a response that we wrote.
pub(crate) fn status_of(response: &[u8]) -> u16 {
    let digits = response.get(8..11).unwrap_or(b"");
    digits
        .iter()
        .fold(0, |n, d| n * 10 + u16::from(d.wrapping_sub(b'0').min(9)))
}
