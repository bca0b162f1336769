//! A leg written out, with its transactions and timers, so that the call survives its process.

use crate::client_transactions::Client;
use crate::endpoint::Endpoint;
use crate::event::EndpointError;
use crate::keys::{ClientKey, Owner, ServerKey};
use crate::leg::Leg;
use crate::server_transactions::Server;
use meishier_model::{LegId, Mono};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that an endpoint knows of one leg. Holds personal data: numbers stand in it.
///
/// Times in it belong to the clock of the endpoint that took it; [`Endpoint::restore`] moves them
/// to its own, so that what was left to wait is left to wait.
#[derive(Clone, Serialize, Deserialize)]
pub struct LegSnapshot {
    taken: Mono,
    leg: Box<Leg>,
    clients: Vec<(ClientKey, Client)>,
    servers: Vec<(ServerKey, Server)>,
}

impl LegSnapshot {
    /// The leg.
    #[must_use]
    pub fn leg(&self) -> LegId {
        self.leg.id
    }
}

/// Requests of ours that belong to no leg any more and must be seen to their end all the same: the BYE
/// of a fork that nobody wanted (RFC 3261 §13.2.2.4), an INVITE that was cancelled and may be answered
/// still. Holds personal data.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct RestSnapshot {
    taken: Mono,
    clients: Vec<(ClientKey, Client)>,
}

impl Endpoint {
    /// Writes out what ends without a leg; beside it belong the snapshots of all legs.
    #[must_use]
    pub fn snapshot_rest(&self, now: Mono) -> RestSnapshot {
        let kept: BTreeSet<ClientKey> = self
            .legs
            .values()
            .flat_map(|leg| leg.clients.iter().copied())
            .collect();
        let ends = |client: &Client| match client.owner {
            Owner::Leg(leg) => !self.legs.contains_key(&leg),
            Owner::Nobody => true,
            Owner::Request(_) => false,
        };
        let clients = self.tx.clients.iter();
        RestSnapshot {
            taken: now.max(self.last),
            clients: clients
                .filter(|(key, client)| ends(client) && !kept.contains(key))
                .map(|(key, client)| (*key, Client::clone(client)))
                .collect(),
        }
    }

    /// Takes over what ends without a leg. Connections of the old process are gone.
    pub fn restore_rest(&mut self, now: Mono, rest: RestSnapshot) {
        self.last = now;
        for (key, mut client) in rest.clients {
            if self.tx.clients.contains_key(&key) {
                continue;
            }
            client.rebase(rest.taken, now);
            client.flow.connection = 0;
            // The number of its leg may be another's by now.
            client.owner = Owner::Nobody;
            self.tx.insert_client(key, client);
        }
    }

    /// Writes out a leg as it is at `now`; `None` if there is no such leg. Drain the events first: what
    /// was not polled is not in it.
    #[must_use]
    pub fn snapshot(&self, now: Mono, leg: LegId) -> Option<LegSnapshot> {
        let leg = self.legs.get(&leg)?;
        let clients = leg
            .clients
            .iter()
            .filter_map(|k| Some((*k, Client::clone(self.tx.clients.get(k)?))))
            .collect();
        let servers = leg
            .servers
            .iter()
            .filter_map(|k| Some((*k, Server::clone(self.tx.servers.get(k)?))))
            .collect();
        Some(LegSnapshot {
            taken: now.max(self.last),
            leg: leg.clone(),
            clients,
            servers,
        })
    }

    /// Takes a leg over, under the same number. Restore all legs before anything else is handled,
    /// so that no new leg takes a number of theirs.
    ///
    /// TCP connections of the old process are gone: flows on TCP are restored with connection 0,
    /// which asks the driver to open one.
    ///
    /// # Errors
    /// [`EndpointError::Taken`] if the number is in use, [`EndpointError::Full`] at the limit.
    pub fn restore(&mut self, now: Mono, snapshot: LegSnapshot) -> Result<LegId, EndpointError> {
        let LegSnapshot {
            taken,
            mut leg,
            clients,
            servers,
        } = snapshot;
        let id = leg.id;
        if self.legs.contains_key(&id) {
            return Err(EndpointError::Taken);
        }
        if self.legs.len() >= self.config.max_legs {
            self.tx.counters.limited += 1;
            return Err(EndpointError::Full);
        }
        self.next_leg = self.next_leg.max(id.0.saturating_add(1));
        leg.rebase(taken, now);
        leg.flow.connection = 0;
        self.legs.insert(id, leg);
        for (key, mut client) in clients {
            client.rebase(taken, now);
            client.flow.connection = 0;
            self.tx.insert_client(key, client);
        }
        for (key, mut server) in servers {
            server.rebase(taken, now);
            server.flow.connection = 0;
            if matches!(server.owner, Owner::Leg(owner) if owner != id) {
                continue;
            }
            self.tx.insert_server(key, server);
        }
        // Sets the leg's timer.
        let _ = self.with_leg(now, id, |_, _| ());
        Ok(id)
    }
}
