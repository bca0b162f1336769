//! Who may come and who may stay: what a worker's connections ask its room.

use super::{Closed, Connections};
use crate::known::Known;
use crate::room::{Entry, IDLE_LIMIT, Standing};
use meishier_engine::signaling::Flow;
use meishier_model::Mono;
use std::net::SocketAddr;

impl Connections {
    /// Takes note of who is known from now on. What is open stays what it is.
    pub(crate) fn follow(&mut self, known: Known) {
        self.known = known;
    }

    /// Whether another connection may come in from `remote`; `is_phone` says of one whether somebody
    /// is registered on it.
    pub(crate) fn entry(
        &mut self,
        now: Mono,
        remote: SocketAddr,
        is_phone: impl Fn(u64) -> bool,
    ) -> Entry {
        let standing = self.standing(remote);
        self.room.entry(now, standing, remote.ip(), is_phone)
    }

    /// Whether there is room for a connection of ours.
    pub(crate) fn entry_of_ours(
        &mut self,
        now: Mono,
        remote: SocketAddr,
        is_phone: impl Fn(u64) -> bool,
    ) -> Entry {
        self.room.entry(now, Standing::Ours, remote.ip(), is_phone)
    }

    pub(super) fn standing(&self, remote: SocketAddr) -> Standing {
        match self.known.is_host(remote.ip()) {
            true => Standing::Peer,
            false => Standing::Stranger,
        }
    }

    pub(super) fn check_by(&mut self, at: Mono) {
        self.check_at = Some(self.check_at.map_or(at, |before| before.min(at)));
    }

    /// Looks at a connection again by `at`, give or take a second, so that many are looked at in one go.
    pub(super) fn watch_idle(&mut self, connection: u64, at: Mono) {
        let at = Mono(at.0.next_multiple_of(1_000_000));
        if let Some(open) = self.open.get_mut(&connection) {
            open.idle_at = Some(at);
            self.check_by(at);
        }
    }

    /// Looks at the certificate of who connected to us; true if it is a stranger with a peer's address.
    pub(super) fn unmask(&mut self, now: Mono, connection: u64) -> bool {
        let Some(open) = self.open.get_mut(&connection).filter(|it| !it.ours) else {
            return false;
        };
        let shown = open.session.as_ref().and_then(|it| it.peer());
        if self.known.is_genuine(open.flow.remote, shown) {
            return false;
        }
        open.known = false;
        open.flow.connection |= Flow::FOREIGN;
        self.room.count_as(connection, Standing::Stranger);
        self.watch_idle(connection, now + IDLE_LIMIT);
        true
    }

    /// When [`Self::overdue`] has to look.
    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        self.check_at
    }

    /// Connections whose deadline has passed, and strangers that have been silent for too long.
    pub(crate) fn overdue(
        &mut self,
        now: Mono,
        is_phone: impl Fn(u64) -> bool,
    ) -> Vec<(u64, Closed)> {
        if self.check_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let (mut late, mut idle) = (Vec::new(), Vec::new());
        self.check_at = None;
        for (connection, open) in &self.open {
            if open.deadline.is_some_and(|deadline| deadline <= now) {
                late.push((*connection, open.late()));
                continue;
            }
            if open.idle_at.is_some_and(|at| at <= now) {
                idle.push(*connection);
            }
            for at in [open.deadline, open.idle_at].into_iter().flatten() {
                if at > now {
                    self.check_at = Some(self.check_at.map_or(at, |before| before.min(at)));
                }
            }
        }
        for connection in idle {
            match self.room.reprieve(now, connection, is_phone(connection)) {
                Some(until) => self.watch_idle(connection, until),
                None => late.push((connection, Closed::Idle)),
            }
        }
        late
    }
}
