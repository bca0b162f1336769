//! The transaction layer (RFC 3261 §17): finds the machine that a message belongs to, runs it,
//! and does what it says.
//!
//! ```text
//!   request  ── key: hash of branch, sent-by, method ──▶ Server ── owner: leg, request, nobody
//!   response ── key: the word in our own branch ───────▶ Client ── owner: leg, request, nobody
//!   timers: one entry a transaction or leg, the earliest of its timers
//! ```

use crate::client_transactions::Client;
use crate::counters::{Counters, count};
use crate::flow::{Flow, Transmit};
use crate::keys::{ClientKey, Owner, Purpose, ServerKey, TimerKey};
use crate::message::Method;
use crate::server_transactions::Server;
use crate::timers::{TimerQueue, Timers};
use std::collections::{BTreeMap, VecDeque};

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
    Client {
        key: ClientKey,
        owner: Owner,
        purpose: Purpose,
        failure: Failure,
    },
    /// The ACK of our failure response came, or never came.
    Acknowledged { owner: Owner, key: ServerKey },
    /// A request that was handed up was never answered.
    Unanswered { owner: Owner },
}

/// All transactions of an endpoint, its timers, what it wants sent, and its counters.
pub(crate) struct Transactions {
    pub timers_config: Timers,
    /// Boxed, like the servers: the keys come in no order, and an insertion moves what stands
    /// behind it in the map's node.
    pub clients: BTreeMap<ClientKey, Box<Client>>,
    pub servers: BTreeMap<ServerKey, Box<Server>>,
    pub merges: BTreeMap<u64, ServerKey>,
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
}
