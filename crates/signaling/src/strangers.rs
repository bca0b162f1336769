//! Refusing those who have shown no right to be served, without keeping anything of theirs
//! (RFC 3261 §8.2.7, §26.3.2.4): a stranger can neither fill the tables nor have an answer
//! repeated to somebody whose address it borrowed.

use crate::counters::uncount;
use crate::endpoint::Endpoint;
use crate::event::{EndpointError, LegError, RequestId};
use crate::keys::{ServerKey, TimerKey};
use crate::leg::{Context, Leg, LegState};
use crate::server_transactions::status_of;
use crate::transactions::Transactions;
use meishier_model::{LegId, Mono};

impl Endpoint {
    /// Refuses a new call with a status of 300 to 699, once: the answer is not repeated, and the
    /// same INVITE again is a new one. Only [`crate::event::Event::Gone`] follows. To be called
    /// before the outbox is drained, since a stateless answer has no 100 before it (§8.2.7); later
    /// it does what [`Endpoint::reject`] does.
    ///
    /// # Errors
    /// [`LegError`]: not an incoming leg without answer, or another status.
    pub fn turn_away(
        &mut self,
        now: Mono,
        leg: LegId,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        if !(300..=699).contains(&status) {
            return Err(LegError::Status);
        }
        let held = self.legs.get(&leg).ok_or(LegError::Unknown)?;
        let tag = held.arrived.map(|key| self.names.stateless_tag(key.0));
        let (Some(key), Some(tag), LegState::Arrived) = (held.arrived, tag, held.state) else {
            return self.reject(now, leg, status, headers);
        };
        if !self.tx.unsend(key) {
            return self.reject(now, leg, status, headers);
        }
        self.with_leg(now, leg, |leg, cx| {
            leg.turn_away(cx, key, status, headers, &tag)
        })
    }

    /// Answers the request of [`crate::event::Event::Request`] with a status of 300 to 699, once:
    /// the same request again is a new one.
    ///
    /// # Errors
    /// As [`Endpoint::respond`].
    pub fn respond_once(
        &mut self,
        now: Mono,
        id: RequestId,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), EndpointError> {
        if !(300..=699).contains(&status) {
            return Err(EndpointError::Status);
        }
        let key = self.requests.get(&id).copied();
        self.respond(now, id, status, headers, None)?;
        if let Some(key) = key {
            self.tx.forget(key);
        }
        Ok(())
    }
}

impl Leg {
    fn turn_away(
        &mut self,
        cx: &mut Context<'_>,
        key: ServerKey,
        status: u16,
        headers: &[(&str, &str)],
        tag: &str,
    ) {
        if let Some(bytes) = self.response(cx, key, status, headers, None) {
            // §8.2.7: the same To tag for the same request.
            let bytes = with_tag(bytes, &self.dialog.local_tag, tag);
            cx.tx.send_response(status, self.flow, bytes);
        }
        cx.tx.forget(key);
        self.quiet = true;
        self.finish();
    }
}

impl Transactions {
    /// Takes the last response back, if it still waits to be sent. True if it did.
    fn unsend(&mut self, key: ServerKey) -> bool {
        let Some(server) = self.servers.get(&key) else {
            return false;
        };
        let last = server.last_response();
        let waiting = |t: &crate::flow::Transmit| t.flow == server.flow && t.bytes == last;
        let Some(at) = self.outbox.iter().rposition(waiting) else {
            return false;
        };
        uncount(
            &mut self.counters.sent_responses,
            usize::from(status_of(last)),
        );
        self.outbox.remove(at);
        true
    }

    /// Frees a server transaction, whatever its state.
    fn forget(&mut self, key: ServerKey) {
        if let Some(mut server) = self.servers.remove(&key) {
            let timer = TimerKey::Server(key);
            self.timers.set(timer, server.deadline_mut(), None);
            self.forget_merge(key, &server);
        }
    }
}

/// The response with another tag in place of `old`, which stands in it once.
fn with_tag(mut bytes: Vec<u8>, old: &str, new: &str) -> Vec<u8> {
    let found = bytes
        .windows(old.len().max(1))
        .position(|window| window == old.as_bytes());
    if let Some(at) = found {
        bytes.splice(at..at + old.len(), new.bytes());
    }
    bytes
}
