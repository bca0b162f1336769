//! What others tell a worker: its inbox, and what follows from each letter.

use super::{SHARE, Worker};
use crate::inbox::{Letter, WorkerReport};
use crate::names::Outcome;
use meishier_engine::Input;
use meishier_model::TrunkId;
use mio::net::TcpStream;
use std::sync::Arc;

impl Worker {
    /// Takes a share of the inbox; false if the worker is to end.
    pub(super) fn take_inbox(&mut self) -> bool {
        let mut wakes = self.inbox.take_wakes();
        while wakes != 0 {
            let index = wakes.trailing_zeros() as usize;
            wakes &= wakes - 1;
            self.handle(index, Input::Inbox);
        }
        for _ in 0..SHARE {
            let Some(datagram) = self.inbox.take_datagram() else {
                break;
            };
            let index = self.outside.topology.index_of(datagram.shard);
            let (flow, bytes) = (datagram.flow, &datagram.bytes[..]);
            self.handle(index, Input::Message { flow, bytes });
        }
        for _ in 0..SHARE {
            match self.inbox.take_letter() {
                Some(Letter::Stop) => return false,
                Some(letter) => self.open_letter(letter),
                None => break,
            }
        }
        true
    }

    fn open_letter(&mut self, letter: Letter) {
        let topology = self.outside.topology;
        match letter {
            Letter::Shard { to, message } => {
                self.handle(topology.index_of(to), Input::Shard(message));
            }
            Letter::Media { shard, event } => {
                self.handle(topology.index_of(shard), Input::Media(event));
            }
            Letter::Command {
                shard,
                command,
                reply,
            } => {
                if let Some(token) = self.outside.open_command(reply) {
                    let index = topology.index_of(shard);
                    self.handle(index, Input::Command { token, command });
                }
            }
            Letter::Send { from, flow, bytes } => {
                self.outside.send_tcp(from, flow, bytes);
                self.settle();
            }
            Letter::FlowFailed { shard, flow } => {
                self.handle(topology.index_of(shard), Input::FlowFailed { flow });
            }
            Letter::Adopt {
                stream,
                local,
                remote,
                secure,
            } => self.adopt(TcpStream::from_std(stream), local, remote, secure),
            Letter::Configure(config, done) => {
                self.latest = Arc::clone(&config);
                self.outside.follow(&config);
                self.all(|| Input::Configure(Arc::clone(&config)));
                // The asker may have gone.
                let _ = done.send(());
            }
            Letter::Remember(notes, done) => {
                self.all(|| Input::Remember(notes.clone()));
                // The asker may have gone.
                let _ = done.send(());
            }
            Letter::Named(trunk, outcome) => self.on_named(trunk, &outcome),
            Letter::Drain => {
                self.draining = true;
                self.all(|| Input::Drain);
            }
            Letter::HangUpAll => self.all(|| Input::HangUpAll),
            Letter::Stats(reply) => {
                // The asker may have gone.
                let _ = reply.send(self.report());
            }
            Letter::Stop => {}
        }
    }

    /// Where the names of a trunk are from now on.
    fn on_named(&mut self, trunk: TrunkId, outcome: &Arc<Outcome>) {
        self.outside.named.insert(trunk, Arc::clone(outcome));
        let config = Arc::clone(&self.latest);
        self.outside.follow(&config);
        self.all(|| Input::Peers {
            trunk,
            targets: outcome.targets.clone(),
        });
        self.all(|| Input::Callers {
            trunk,
            addresses: outcome.callers.clone(),
        });
    }

    fn all(&mut self, input: impl Fn() -> Input<'static>) {
        for index in 0..self.slots.len() {
            self.handle(index, input());
        }
    }

    fn report(&self) -> WorkerReport {
        let mut sockets = self.outside.counts;
        sockets.inbox_dropped += self.inbox.dropped();
        if let Some(tap) = &self.outside.tap {
            (sockets.hep_sent, sockets.hep_dropped) = tap.counts();
        }
        sockets.tcp_connections = self.outside.tcp.len() as u64;
        let shards = self.slots.iter();
        WorkerReport {
            shards: shards
                .map(|slot| (slot.id, slot.shard.gauges(), slot.shard.counters().clone()))
                .collect(),
            sockets,
        }
    }
}
