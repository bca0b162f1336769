//! What an endpoint counted and what it holds.

use crate::message::Method;

/// How many status codes are counted: 0 to 699; the code is the index.
pub const STATUSES: usize = 700;

/// Totals since the endpoint was made. None ever goes down.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Requests received, by `Method as usize`, retransmissions included.
    pub received_requests: [u64; Method::COUNT],
    /// Requests sent, by `Method as usize`, retransmissions included.
    pub sent_requests: [u64; Method::COUNT],
    /// Responses received, by status, retransmissions included.
    pub received_responses: Box<[u64]>,
    /// Responses sent, by status, retransmissions included.
    pub sent_responses: Box<[u64]>,
    /// Messages sent again by a timer or because the peer repeated its own.
    pub retransmissions_sent: u64,
    /// Messages that a transaction recognised as repeated.
    pub retransmissions_received: u64,
    /// Requests, and what is neither request nor response, that could not be read; those that could
    /// be answered with 400, 505 or 513 are among them.
    pub malformed: u64,
    /// Responses that could not be read; dropped (RFC 4475 §3.1.2.5, §3.1.2.19).
    pub malformed_responses: u64,
    /// Responses, ACKs and CANCELs that belong to nothing here, and requests for unknown dialogs.
    pub unmatched: u64,
    /// Requests refused because a limit was reached.
    pub limited: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            received_requests: [0; Method::COUNT],
            sent_requests: [0; Method::COUNT],
            received_responses: vec![0; STATUSES].into_boxed_slice(),
            sent_responses: vec![0; STATUSES].into_boxed_slice(),
            retransmissions_sent: 0,
            retransmissions_received: 0,
            malformed: 0,
            malformed_responses: 0,
            unmatched: 0,
            limited: 0,
        }
    }
}

/// Adds one to the count at `index`; what is out of range is not counted.
pub(crate) fn count(table: &mut [u64], index: usize) {
    if let Some(cell) = table.get_mut(index) {
        *cell += 1;
    }
}

/// Takes one off again: for what was counted and then not sent, before anybody could look.
pub(crate) fn uncount(table: &mut [u64], index: usize) {
    if let Some(cell) = table.get_mut(index) {
        *cell = cell.saturating_sub(1);
    }
}

/// What an endpoint holds now. All zero when no call is up and every transaction has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Legs.
    pub legs: usize,
    /// Client transactions.
    pub client_transactions: usize,
    /// Server transactions.
    pub server_transactions: usize,
    /// Timers set.
    pub timers: usize,
}
