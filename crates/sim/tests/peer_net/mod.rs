//! Wires between far ends, on a virtual clock: they lose, double and delay by dice.

#![allow(dead_code, reason = "each test file uses its own part")]

use meishier_model::Mono;
use meishier_sim::dice::Dice;
use meishier_sim::peer::{Agent, AgentEvent, AgentSettings, CallKey, Codec, NewCall, Transport};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const A: &str = "10.1.0.1:5060";
pub const B: &str = "10.1.0.2:5060";

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn settings(address: &str, engine: &str) -> AgentSettings {
    AgentSettings {
        address: addr(address),
        transport: Transport::Udp,
        engine: addr(engine),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        media_port: 30_000,
    }
}

pub fn agent(address: &str, engine: &str, seed: u64) -> Agent {
    Agent::new(settings(address, engine), Dice::new(seed).branch(address))
}

pub fn call(to: &str, caller: &str) -> NewCall {
    NewCall {
        to_user: to.to_owned(),
        caller: caller.to_owned(),
        ..NewCall::default()
    }
}

/// Takes every packet as text.
pub fn packets(agent: &mut Agent) -> Vec<String> {
    std::iter::from_fn(|| agent.poll_packet())
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect()
}

pub fn events(agent: &mut Agent) -> Vec<AgentEvent> {
    std::iter::from_fn(|| agent.poll_event()).collect()
}

/// Lets those go on whose time has come.
pub fn timeouts(ends: &mut [Agent], now: Mono) {
    for end in ends {
        if end.poll_timeout().is_some_and(|at| at <= now) {
            end.handle_timeout(now);
        }
    }
}

/// The calls that came in, of what a far end told.
pub fn incoming(log: &[AgentEvent]) -> impl Iterator<Item = CallKey> {
    log.iter().filter_map(|event| match event {
        AgentEvent::Incoming { key, .. } => Some(*key),
        _ => None,
    })
}

/// What the wires do to packets.
#[derive(Clone, Copy)]
pub struct Weather {
    pub loss: f64,
    pub twice: f64,
    pub slowest: Duration,
}

pub const CALM: Weather = Weather {
    loss: 0.0,
    twice: 0.0,
    slowest: Duration::from_millis(2),
};
pub const STORM: Weather = Weather {
    loss: 0.3,
    twice: 0.3,
    slowest: Duration::from_millis(300),
};

/// Packets under way.
pub struct Air {
    pub weather: Weather,
    pub dice: Dice,
    under_way: BTreeMap<(Mono, u64), Parcel>,
    sent: u64,
}

pub struct Parcel {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Air {
    pub fn new(dice: Dice, weather: Weather) -> Self {
        Self {
            weather,
            dice,
            under_way: BTreeMap::new(),
            sent: 0,
        }
    }

    pub fn send(&mut self, now: Mono, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let copies = 1 + u32::from(self.dice.chance(self.weather.twice));
        for _ in 0..copies {
            if self.dice.chance(self.weather.loss) {
                continue;
            }
            let least = Duration::from_millis(1);
            let delay = self.dice.between(least, self.weather.slowest);
            self.sent += 1;
            let bytes = bytes.to_vec();
            self.under_way
                .insert((now + delay, self.sent), Parcel { from, to, bytes });
        }
    }

    /// When something arrives or one of these far ends wants to go on.
    pub fn soonest(&self, ends: &[Agent]) -> Option<Mono> {
        let timers = ends.iter().filter_map(Agent::poll_timeout);
        timers.chain(self.next()).min()
    }

    pub fn next(&self) -> Option<Mono> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn arrive(&mut self, now: Mono) -> Option<Parcel> {
        let ((at, _), _) = self.under_way.first_key_value()?;
        (*at <= now)
            .then(|| self.under_way.pop_first())?
            .map(|p| p.1)
    }
}

/// True if a call's life ends with this.
pub fn is_end(event: &AgentEvent) -> bool {
    matches!(
        event,
        AgentEvent::Refused { .. }
            | AgentEvent::Cancelled { .. }
            | AgentEvent::Ended { .. }
            | AgentEvent::Failed { .. }
    )
}
