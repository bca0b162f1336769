//! Paths between the engine and far ends: connections are numbered, and may be gone.

use super::{Effect, Rig, ToEngine};
use crate::wire::Means;
use meishier_engine::signaling::{Flow, Transport};
use meishier_model::Mono;
use std::net::SocketAddr;

impl Rig {
    /// The path to a far end fails: every shard hears of it, in both forms in which a flow may name
    /// a connection, as the real driver tells it.
    pub fn fail_flow(&mut self, now: Mono, remote: SocketAddr, means: Means) {
        let flow = match means {
            Means::Datagram => Some(self.flow(remote, means)),
            Means::Stream => self.connections.remove(&remote).map(|connection| Flow {
                transport: Transport::Tcp,
                local: self.engine,
                remote,
                connection,
            }),
        };
        let Some(flow) = flow else { return };
        for shard in 0..self.shards.len() {
            let what = ToEngine::FlowFailed { shard, flow };
            self.effects.push_back(Effect::Later(now, what));
            if flow.connection != 0 {
                let flow = Flow {
                    connection: 0,
                    ..flow
                };
                let what = ToEngine::FlowFailed { shard, flow };
                self.effects.push_back(Effect::Later(now, what));
            }
        }
    }

    pub(super) fn flow(&mut self, remote: SocketAddr, means: Means) -> Flow {
        let (transport, connection) = match means {
            Means::Datagram => (Transport::Udp, 0),
            Means::Stream => (Transport::Tcp, self.connection(remote)),
        };
        Flow {
            transport,
            local: self.engine,
            remote,
            connection,
        }
    }

    /// The connection with a far end, made if there is none.
    fn connection(&mut self, remote: SocketAddr) -> u64 {
        let next = self.next_connection + 1;
        let connection = *self.connections.entry(remote).or_insert(next);
        self.next_connection = self.next_connection.max(connection);
        connection
    }

    /// True if the message can leave on this flow: a connection that is gone carries nothing.
    pub(super) fn carries(&mut self, flow: &Flow) -> bool {
        flow.transport == Transport::Udp || {
            let present = self.connection(flow.remote);
            flow.connection == 0 || flow.connection == present
        }
    }
}
