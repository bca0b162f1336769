//! A far end's place in the world: its agent, its address, and when it wants to be woken.

use crate::dice::Dice;
use crate::peer::{Agent, AgentSettings, Codec, Transport};
use crate::wire::Means;
use meishier_model::Mono;
use std::net::SocketAddr;

/// Which far end; an index into the world's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FarId(pub usize);

/// One far end.
#[derive(Debug)]
pub(super) struct Far {
    pub agent: Agent,
    pub address: SocketAddr,
    pub means: Means,
    /// For when its timer is put down.
    pub timer: Option<Mono>,
}

impl Far {
    pub(super) fn new(
        address: SocketAddr,
        means: Means,
        engine: SocketAddr,
        codecs: Vec<Codec>,
        dice: Dice,
    ) -> Self {
        let settings = AgentSettings {
            address,
            transport: match means {
                Means::Datagram => Transport::Udp,
                Means::Stream => Transport::Tcp,
            },
            engine,
            codecs,
            media_port: 30_000,
        };
        Self {
            agent: Agent::new(settings, dice),
            address,
            means,
            timer: None,
        }
    }
}
