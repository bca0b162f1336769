//! The engine and what its driver does for it: addresses, inboxes, timers, registrations, ports.
//!
//! ```text
//!   world ── handle(now, ToEngine) ──► Rig ──► Shard::handle ──► outputs ─┬─► Effect::Send      to the wire
//!     ▲                                 │                                 ├─► Effect::Later     letters, wakes, timers, media
//!     │                                 └──► Witness::see, in order       ├─► Effect::Reply
//!     └──────────── effects ────────────────────────────────────────────  └─► Effect::Record
//! ```
//!
//! It stands where the real program has sockets and threads. Inboxes are read late by a seeded
//! time, each sender's letters in their order.

mod afresh;
mod flows;
mod media;
mod terms;

pub use media::MediaThread;
pub use terms::{Effect, QueueKind, RigSettings, ToEngine, Witness};

use crate::defect::Flaw;
use crate::dice::Dice;
use crate::invariants::Seen;
use crate::wire::Means;
use meishier_config::{Config, Lang};
use meishier_engine::signaling::{Binding, Transport};
use meishier_engine::{
    BoundPort, Command, Input, Output, Shard, ShardConfig, ShardMessage, dispatch, queue_config,
};
use meishier_media::MediaEvent;
use meishier_model::{Mono, Now, PortId, ShardId, Wall};
use meishier_queue::Queue;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The engine under test and its driver.
pub struct Rig {
    shards: Vec<Shard>,
    queue: Arc<Queue>,
    kind: QueueKind,
    config: Arc<Config>,
    bindings: BTreeMap<String, Vec<Binding>>,
    engine: SocketAddr,
    ports: u16,
    lag: Duration,
    dice: Dice,
    /// When the last letter of each pair of shards arrives.
    ways: BTreeMap<(usize, usize), Mono>,
    /// Shards with a wake under way.
    waking: Vec<bool>,
    /// For when each shard's timer is put down.
    timers: Vec<Option<Mono>>,
    media: MediaThread,
    /// How often each shard was replaced.
    generations: Vec<u32>,
    connections: BTreeMap<SocketAddr, u64>,
    next_connection: u64,
    boot: Wall,
    seed: [u8; 32],
    effects: VecDeque<Effect>,
    flaw: Flaw,
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig")
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

/// Reads a configuration; the error is its report for people.
fn read(text: &str, lang: Lang) -> Result<Config, String> {
    match meishier_config::parse(text, None) {
        Ok((config, _)) => Ok(config),
        Err(errors) => Err(meishier_config::render(&errors, "config", text, lang)),
    }
}

impl Rig {
    /// Starts the engine.
    ///
    /// # Errors
    /// The report of what is wrong with the configuration; whoever wrote the scenario is at fault.
    pub fn new(settings: &RigSettings, now: Now, mut dice: Dice) -> Result<Self, String> {
        let config = Arc::new(read(&settings.text, Lang::En)?);
        let listen = config.sip.listen.first().map(|l| l.address);
        let engine = listen.ok_or("the configuration listens nowhere")?;
        let queue = settings.queue.start(queue_config(&config, now.wall));
        let count = usize::from(config.shards);
        let mut seed = [0; 32];
        seed.fill_with(|| dice.roll(256) as u8);
        let mut rig = Self {
            shards: Vec::with_capacity(count),
            queue: Arc::new(queue),
            kind: settings.queue,
            bindings: BTreeMap::new(),
            engine,
            ports: settings.ports,
            lag: settings.lag,
            dice,
            ways: BTreeMap::new(),
            waking: vec![false; count],
            timers: vec![None; count],
            media: MediaThread::default(),
            generations: vec![0; count],
            connections: BTreeMap::new(),
            next_connection: 0,
            boot: now.wall,
            seed,
            effects: VecDeque::new(),
            flaw: Flaw::default(),
            config,
        };
        for id in 0..rig.config.shards {
            let shard = Shard::new(rig.setup(ShardId(id)), now);
            rig.shards.push(shard);
        }
        Ok(rig)
    }

    /// Breaks the engine on purpose, and whatever replaces it.
    pub(crate) fn break_deliberately(&mut self, flaw: Flaw) {
        self.flaw = flaw;
        flaw.apply(&self.queue, &mut self.shards);
    }

    /// Where the engine listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.engine
    }

    /// The shards, to be looked at.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The queue, to be looked at.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The media thread, to be looked at.
    #[must_use]
    pub fn media(&self) -> &MediaThread {
        &self.media
    }

    /// Looks whose RTP comes and tells the shards; see [`MediaThread::look`].
    pub fn look_at_media(&mut self, now: Now, sends: &dyn Fn(SocketAddr) -> bool) {
        for (shard, event) in self.media.look(now.mono, sends) {
            let generation = self.generations[shard];
            let what = ToEngine::Media {
                shard,
                event,
                generation,
            };
            self.effects.push_back(Effect::Later(now.mono, what));
        }
    }

    /// From now on a letter lies in an inbox for so long at most.
    pub fn set_lag(&mut self, lag: Duration) {
        self.lag = lag;
    }

    /// SDP addresses of the engine's RTP ports with their shards and numbers.
    pub fn rtp_addresses(&self) -> impl Iterator<Item = (SocketAddr, usize, PortId)> + '_ {
        (0..self.shards.len()).flat_map(move |shard| {
            self.port_list(shard)
                .map(move |port| (port.address, shard, port.id))
        })
    }

    fn port_list(&self, shard: usize) -> impl Iterator<Item = BoundPort> + use<> {
        let (ip, first, count) = (
            self.engine.ip(),
            shard * usize::from(self.ports),
            self.ports,
        );
        (0..usize::from(count)).map(move |index| {
            let number = first + index;
            // Even ports from 10000 on; 27,000 of them are more than any scenario asks for.
            let address = SocketAddr::new(ip, 10_000u16.saturating_add((number * 2) as u16));
            BoundPort {
                id: PortId(number as u32),
                address,
                network: None,
            }
        })
    }

    fn setup(&self, id: ShardId) -> ShardConfig {
        let mut seed = self.seed;
        seed[0] ^= (id.0 as u8).wrapping_add(1);
        for (slot, byte) in seed[1..5]
            .iter_mut()
            .zip(self.generations[usize::from(id.0)].to_be_bytes())
        {
            *slot ^= byte;
        }
        ShardConfig {
            id,
            config: Arc::clone(&self.config),
            queue: Arc::clone(&self.queue),
            ports: self.port_list(usize::from(id.0)).collect(),
            local: vec![(Transport::Udp, self.engine), (Transport::Tcp, self.engine)],
            seed,
            secret: self.seed,
            boot: self.boot,
        }
    }

    /// What the engine wants of the world now.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Does what the shards asked for at their start.
    pub fn begin(&mut self, now: Now, witness: &mut dyn Witness) {
        for shard in 0..self.shards.len() {
            self.drain(now, shard, witness);
        }
    }

    /// Gives the engine one thing. Returns the shard that dealt with it; `None` if it was stale.
    pub fn handle(&mut self, now: Now, what: ToEngine, witness: &mut dyn Witness) -> Option<usize> {
        match what {
            ToEngine::Packet { from, means, bytes } => {
                let shard = dispatch(&bytes, &self.config, self.config.shards);
                let shard = usize::from(shard.0);
                let flow = self.flow(from, means);
                witness.see(
                    now,
                    &Seen::In {
                        shard: shard as u16,
                        from,
                        bytes: &bytes,
                    },
                );
                let bytes = &bytes;
                self.give(now, shard, Input::Message { flow, bytes }, witness);
                Some(shard)
            }
            ToEngine::Letter { to, message } => {
                self.give(now, to, Input::Shard(message), witness);
                Some(to)
            }
            ToEngine::Wake(shard) => {
                self.waking[shard] = false;
                let number = shard as u16;
                witness.see(now, &Seen::InboxRead { shard: number });
                self.give(now, shard, Input::Inbox, witness);
                Some(shard)
            }
            ToEngine::Media {
                shard,
                event,
                generation,
            } => self.on_media(now, shard, event, generation, witness),
            ToEngine::Timer { shard, due } => {
                if self.timers[shard] != Some(due) {
                    return None;
                }
                self.timers[shard] = None;
                let number = shard as u16;
                witness.see(now, &Seen::Timeout { shard: number });
                self.give(now, shard, Input::Timeout, witness);
                Some(shard)
            }
            ToEngine::FlowFailed { shard, flow } => {
                let remote = flow.remote;
                witness.see(now, &Seen::FlowFailed { remote });
                self.give(now, shard, Input::FlowFailed { flow }, witness);
                Some(shard)
            }
            ToEngine::Reschedule { shard, token } => {
                witness.see(now, &Seen::WallJump);
                self.command(now, shard, token, Command::Reschedule, witness);
                Some(shard)
            }
            ToEngine::Key { sip, to, digit } => {
                let found = self.rtp_addresses().find(|(address, ..)| *address == to);
                let (_, shard, port) = found?;
                if !self.media.is_open(shard, port) {
                    return None;
                }
                witness.see(now, &Seen::Key { sip: &sip, digit });
                let event = MediaEvent::Digit { port, digit };
                let number = shard as u16;
                let seen = Seen::MediaEvent {
                    shard: number,
                    event: &event,
                };
                witness.see(now, &seen);
                self.give(now, shard, Input::Media(event), witness);
                Some(shard)
            }
            ToEngine::OneOfAll {
                shard,
                token,
                command,
            } => {
                self.command(now, shard, token, command, witness);
                Some(shard)
            }
            ToEngine::Command { token, command } => {
                let shard = command.shard(self.config.shards).unwrap_or(ShardId(0));
                let shard = usize::from(shard.0);
                self.command(now, shard, token, command, witness);
                Some(shard)
            }
        }
    }

    fn command(
        &mut self,
        now: Now,
        shard: usize,
        token: u64,
        command: Command,
        witness: &mut dyn Witness,
    ) {
        let seen = Seen::Command {
            token,
            command: &command,
        };
        witness.see(now, &seen);
        self.give(now, shard, Input::Command { token, command }, witness);
    }

    fn on_media(
        &mut self,
        now: Now,
        shard: usize,
        event: MediaEvent,
        generation: u32,
        witness: &mut dyn Witness,
    ) -> Option<usize> {
        if generation != self.generations[shard] || !self.media.confirms(shard, &event) {
            return None;
        }
        let number = shard as u16;
        let seen = Seen::MediaEvent {
            shard: number,
            event: &event,
        };
        witness.see(now, &seen);
        self.give(now, shard, Input::Media(event), witness);
        Some(shard)
    }

    fn give(&mut self, now: Now, shard: usize, input: Input<'_>, witness: &mut dyn Witness) {
        self.shards[shard].handle(now, input);
        self.drain(now, shard, witness);
    }

    fn drain(&mut self, now: Now, shard: usize, witness: &mut dyn Witness) {
        while let Some(output) = self.shards[shard].poll_output() {
            self.on_output(now, shard, output, witness);
        }
        let next = self.shards[shard].poll_timeout();
        if next != self.timers[shard] {
            self.timers[shard] = next;
            if let Some(due) = next {
                let what = ToEngine::Timer { shard, due };
                self.effects
                    .push_back(Effect::Later(due.max(now.mono), what));
            }
        }
    }

    fn on_output(&mut self, now: Now, shard: usize, output: Output, witness: &mut dyn Witness) {
        let number = shard as u16;
        match output {
            Output::Transmit(transmit) => {
                if !self.carries(&transmit.flow) {
                    let flow = transmit.flow;
                    let what = ToEngine::FlowFailed { shard, flow };
                    self.effects.push_back(Effect::Later(now.mono, what));
                    let (to, bytes) = (flow.remote, transmit.bytes);
                    self.effects.push_back(Effect::Unsent { to, bytes });
                    return;
                }
                let (to, bytes) = (transmit.flow.remote, transmit.bytes);
                let seen = Seen::Out {
                    shard: number,
                    to,
                    bytes: &bytes,
                };
                witness.see(now, &seen);
                let means = match transmit.flow.transport {
                    Transport::Udp => Means::Datagram,
                    Transport::Tcp | Transport::Tls => Means::Stream,
                };
                self.effects.push_back(Effect::Send { to, means, bytes });
            }
            Output::Media(command) => {
                let seen = Seen::MediaCommand {
                    shard: number,
                    command: &command,
                };
                witness.see(now, &seen);
                let generation = self.generations[shard];
                if let Some((delay, event)) = self.media.obey(now.mono, shard, &command) {
                    let what = ToEngine::Media {
                        shard,
                        event,
                        generation,
                    };
                    self.effects
                        .push_back(Effect::Later(now.mono + delay, what));
                }
            }
            Output::Record(record) => {
                witness.see(now, &Seen::Record(&record));
                self.effects.push_back(Effect::Record(record));
            }
            // A start of the rig remembers what its snapshot holds, not what was kept elsewhere.
            Output::Keep(_) => {}
            // Where a dossier goes is outside of what is simulated.
            Output::Dossier(_) => {}
            Output::Shard { to, message } => self.post(now, shard, usize::from(to.0), message),
            Output::Wake(to) => self.wake(now, usize::from(to.0)),
            Output::Lookup { token, user } => {
                let contacts = self.bindings.get(&user).cloned().unwrap_or_default();
                self.shards[shard].handle(now, Input::Contacts { token, contacts });
            }
            Output::Registered(change) => {
                witness.see(now, &Seen::Registered(&change));
                self.bindings.insert(change.user, change.contacts);
            }
            Output::Reply { token, reply } => {
                let seen = Seen::Reply {
                    token,
                    reply: &reply,
                };
                witness.see(now, &seen);
                self.effects.push_back(Effect::Reply { token, reply });
            }
            Output::Notice(notice) => {
                let seen = Seen::Notice {
                    shard: number,
                    notice: &notice,
                };
                witness.see(now, &seen);
            }
        }
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(1 + self.dice.roll(self.lag.as_micros() as u64))
    }

    fn post(&mut self, now: Now, from: usize, to: usize, message: ShardMessage) {
        let at = now.mono + self.delay();
        let last = self.ways.entry((from, to)).or_default();
        // Each sender's letters keep their order.
        let at = at.max(*last + Duration::from_micros(1));
        *last = at;
        let what = ToEngine::Letter { to, message };
        self.effects.push_back(Effect::Later(at, what));
    }

    fn wake(&mut self, now: Now, shard: usize) {
        if !std::mem::replace(&mut self.waking[shard], true) {
            let at = now.mono + self.delay();
            self.effects
                .push_back(Effect::Later(at, ToEngine::Wake(shard)));
        }
    }
}
