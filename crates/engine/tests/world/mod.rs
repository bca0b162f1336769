//! A world of text: shards, wires and clocks without a socket. Callers and seats (`parties`) are
//! written by hand as SIP text, so that the engine is not tested against its own message code.

#![allow(dead_code, reason = "each test file uses its own part")]

mod again;
mod config_text;
pub mod digest;
mod parties;
mod post;
pub mod scene;

use meishier_engine::media::{MediaCommand, MediaEvent};
use meishier_engine::queue::{Queue, QueueConfig};
use meishier_engine::signaling::{Binding, Flow, Transport};
use meishier_engine::{
    BoundPort, Command, Gauges, Input, Notice, Output, Reply, Shard, ShardConfig, ShardMessage,
    config, dispatch, queue_config,
};
use meishier_model::{CallRecord, Mono, Now, NumberMark, PortId, RtpStats, ShardId, Wall};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use config_text::CONFIG;
#[allow(unused_imports, reason = "each test file uses its own part")]
pub use parties::{Caller, Sent, answer, reply, sdp, seat_bye, seat_request};
pub use post::Post;
use post::{Letter, Sender};

pub const ENGINE: &str = "10.0.0.1:5060";
pub const CARRIER: &str = "10.0.1.1:5060";
/// 2026-03-04 (a Wednesday) 10:00 in Asia/Shanghai.
pub const TEN_O_CLOCK: Wall = Wall(1_772_589_600_000);

/// RTP ports of a shard at most; their numbers follow each other.
const PORTS_OF_A_SHARD: u32 = 200;

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn read(text: &str) -> Arc<config::Config> {
    let parsed = config::parse(text, None);
    let (config, _) =
        parsed.unwrap_or_else(|e| panic!("{}", config::render(&e, "test", text, config::Lang::En)));
    Arc::new(config)
}

pub struct World {
    pub shards: Vec<Shard>,
    pub queue: Arc<Queue>,
    pub config: Arc<config::Config>,
    pub now: Now,
    pub sent: VecDeque<Sent>,
    pub media: Vec<MediaCommand>,
    pub records: Vec<CallRecord>,
    pub marks: Vec<NumberMark>,
    pub dossiers: Vec<meishier_engine::transfer::Dossier>,
    pub notices: Vec<Notice>,
    pub replies: BTreeMap<u64, Vec<Reply>>,
    pub bindings: BTreeMap<String, Vec<Binding>>,
    /// False: closing of ports is not confirmed.
    pub media_answers: bool,
    /// Where deliveries between shards and from media wait for [`World::deliver`]; `None`: they
    /// arrive at once.
    pub post: Option<Post>,
    /// Our address as those at another see it, where that is not [`ENGINE`].
    pub seen_as: BTreeMap<SocketAddr, SocketAddr>,
    token: u64,
    generation: u8,
    ports: u16,
}

impl World {
    pub fn new() -> Self {
        Self::with(CONFIG, TEN_O_CLOCK)
    }

    pub fn with(text: &str, wall: Wall) -> Self {
        Self::with_ports(text, wall, 200)
    }

    /// So many RTP ports a shard.
    pub fn with_ports(text: &str, wall: Wall, ports: u16) -> Self {
        Self::with_rules(text, wall, ports, |_| ())
    }

    /// A queue that is not as large as the configuration would make it.
    pub fn with_rules(
        text: &str,
        wall: Wall,
        ports: u16,
        change: impl FnOnce(&mut QueueConfig),
    ) -> Self {
        let config = read(text);
        let mut rules = queue_config(&config, wall);
        change(&mut rules);
        let queue = Arc::new(Queue::new(rules));
        let now = Now {
            mono: Mono(1_000_000),
            wall,
        };
        let mut world = Self {
            shards: Vec::new(),
            queue,
            config,
            now,
            sent: VecDeque::new(),
            media: Vec::new(),
            records: Vec::new(),
            marks: Vec::new(),
            dossiers: Vec::new(),
            notices: Vec::new(),
            replies: BTreeMap::new(),
            bindings: BTreeMap::new(),
            media_answers: true,
            post: None,
            seen_as: BTreeMap::new(),
            token: 0,
            generation: 0,
            ports,
        };
        for id in 0..world.config.shards {
            let shard = world.new_shard(ShardId(id));
            world.shards.push(shard);
        }
        for id in 0..world.shards.len() {
            world.drain(id);
        }
        world.settle();
        world
    }

    pub fn new_shard(&self, id: ShardId) -> Shard {
        Shard::new(self.setup(id), self.now)
    }

    fn setup(&self, id: ShardId) -> ShardConfig {
        let ports = (0..self.ports).map(|i| {
            let number = u32::from(id.0) * PORTS_OF_A_SHARD + u32::from(i);
            BoundPort {
                id: PortId(number),
                address: SocketAddr::new(addr(ENGINE).ip(), 20000 + (number as u16) * 2),
                network: None,
            }
        });
        // In each network as many as it has in its range, of which the shard has its share.
        let shards = self.config.shards;
        let networks = (1u32..).zip(&self.config.networks);
        let theirs = networks.flat_map(|(place, network)| {
            let all = (network.first_port..=network.last_port).step_by(2);
            let mine = (0u16..).zip(all).filter(|it| it.0 % shards == id.0);
            mine.map(move |(number, port)| {
                let number = place * 100_000 + u32::from(number);
                BoundPort {
                    id: PortId(number),
                    address: SocketAddr::new(network.shown(), port),
                    network: u8::try_from(place - 1).ok(),
                }
            })
        });
        let listeners = self.config.networks.iter();
        let listeners = listeners.map(|it| (Transport::Udp, SocketAddr::new(it.shown(), 5060)));
        ShardConfig {
            id,
            config: Arc::clone(&self.config),
            queue: Arc::clone(&self.queue),
            ports: ports.chain(theirs).collect(),
            local: std::iter::once((Transport::Udp, addr(ENGINE)))
                .chain(listeners)
                .collect(),
            // Another one at every start, as the endpoint asks for.
            seed: [(id.0 as u8 + 1) ^ (self.generation << 3); 32],
            secret: [9; 32],
            boot: self.now.wall,
        }
    }

    pub fn handle(&mut self, shard: usize, input: Input<'_>) {
        let now = self.now;
        self.shards[shard].handle(now, input);
        self.drain(shard);
    }

    fn drain(&mut self, index: usize) {
        while let Some(output) = self.shards[index].poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    let text = String::from_utf8(transmit.bytes).unwrap();
                    self.sent.push_back(Sent {
                        to: transmit.flow.remote,
                        text,
                    });
                }
                Output::Media(command) => {
                    self.media.push(command.clone());
                    if let (MediaCommand::Close { port }, true) = (command, self.media_answers) {
                        let stats = RtpStats {
                            received: 7,
                            ..RtpStats::default()
                        };
                        let event = MediaEvent::Closed { port, stats };
                        match &mut self.post {
                            Some(post) => post.put(Sender::Media, index, Letter::Media(event)),
                            None => self.handle(index, Input::Media(event)),
                        }
                    }
                }
                Output::Record(record) => self.records.push(*record),
                Output::Keep(mark) => self.marks.push(*mark),
                Output::Dossier(dossier) => self.dossiers.push(*dossier),
                Output::Shard { to, message } => {
                    let to = usize::from(to.0);
                    match &mut self.post {
                        Some(post) => post.put(Sender::Shard(index), to, Letter::Shard(message)),
                        None => self.handle(to, Input::Shard(message)),
                    }
                }
                Output::Wake(shard) => {
                    let shard = usize::from(shard.0);
                    match &mut self.post {
                        Some(post) => drop(post.wakes.insert(shard)),
                        None => self.handle(shard, Input::Inbox),
                    }
                }
                Output::Lookup { token, user } => {
                    let contacts = self.bindings.get(&user).cloned().unwrap_or_default();
                    self.handle(index, Input::Contacts { token, contacts });
                }
                Output::Registered(change) => {
                    self.bindings.insert(change.user, change.contacts);
                }
                Output::Reply { token, reply } => {
                    self.replies.entry(token).or_default().push(reply)
                }
                Output::Notice(notice) => self.notices.push(notice),
            }
        }
    }

    /// Delivers the next letter of one way, or one wake.
    pub fn deliver(&mut self, way: usize) {
        match self.post.as_mut().and_then(|post| post.take(way)) {
            Some((shard, None)) => self.handle(shard, Input::Inbox),
            Some((shard, Some(Letter::Shard(message)))) => {
                self.handle(shard, Input::Shard(message))
            }
            Some((shard, Some(Letter::Media(event)))) => self.handle(shard, Input::Media(event)),
            None => {}
        }
    }

    /// Delivers what shards wrote to each other, and no wake.
    pub fn deliver_letters(&mut self) {
        while self.post.as_ref().is_some_and(|post| !post.ways.is_empty()) {
            self.deliver(self.post.as_ref().map_or(0, |post| post.wakes.len()));
        }
    }

    /// Nobody is told any more of matches that were made.
    pub fn lose_wakes(&mut self) {
        if let Some(post) = &mut self.post {
            post.wakes.clear();
        }
    }

    /// Delivers until nothing is under way.
    pub fn deliver_all(&mut self) {
        while self.post.as_ref().is_some_and(|post| post.ways() > 0) {
            self.deliver(0);
        }
    }

    fn settle(&mut self) {
        for index in 0..self.shards.len() {
            while self.shards[index]
                .poll_timeout()
                .is_some_and(|at| at <= self.now.mono)
            {
                self.handle(index, Input::Timeout);
            }
        }
    }

    /// Time passes; timers fire in their order.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        loop {
            let next = self.shards.iter().filter_map(Shard::poll_timeout).min();
            let at = next
                .filter(|at| *at <= end)
                .unwrap_or(end)
                .max(self.now.mono);
            self.now.wall.0 += ((at - self.now.mono).as_micros() / 1000) as i64;
            self.now.mono = at;
            self.settle();
            if at >= end {
                // What is only to be freed may wait longer than it must; here it does not.
                for index in 0..self.shards.len() {
                    self.handle(index, Input::Timeout);
                }
                return;
            }
        }
    }

    pub fn arrive(&mut self, from: SocketAddr, text: &str) {
        let flow = Flow {
            transport: Transport::Udp,
            local: self.seen_as.get(&from).copied().unwrap_or(addr(ENGINE)),
            remote: from,
            connection: 0,
        };
        let shard = dispatch(text.as_bytes(), &self.config, self.config.shards);
        self.handle(
            usize::from(shard.0),
            Input::Message {
                flow,
                bytes: text.as_bytes(),
            },
        );
    }

    pub fn command(&mut self, command: Command) -> Reply {
        self.token += 1;
        let token = self.token;
        let shard = command.shard(self.config.shards).unwrap_or(ShardId(0));
        self.handle(usize::from(shard.0), Input::Command { token, command });
        let mut replies = self.replies.remove(&token).expect("an answer at once");
        assert_eq!(replies.len(), 1, "one answer a command");
        replies.remove(0)
    }

    /// Gives a command whose answer may come later.
    pub fn ask(&mut self, command: Command) -> u64 {
        self.token += 1;
        let token = self.token;
        let shard = command.shard(self.config.shards).unwrap_or(ShardId(0));
        self.handle(usize::from(shard.0), Input::Command { token, command });
        token
    }

    /// Takes the next message for an address that begins so, and drops nothing else.
    pub fn take(&mut self, to: SocketAddr, start: &str) -> Sent {
        let found = self.sent.iter().position(|m| m.to == to && m.is(start));
        let Some(index) = found else {
            let all: Vec<String> = self
                .sent
                .iter()
                .map(|m| format!("{} ← {}", m.to, m.start()))
                .collect();
            panic!("no {start} for {to}; sent: {all:#?}");
        };
        self.sent.remove(index).unwrap()
    }

    pub fn none(&self, to: SocketAddr, start: &str) {
        let found = self.sent.iter().find(|m| m.to == to && m.is(start));
        assert!(
            found.is_none(),
            "unexpected for {to}: {:?}",
            found.map(|m| m.text.clone())
        );
    }

    pub fn clear(&mut self) {
        self.sent.clear();
    }

    pub fn gauges(&self) -> Gauges {
        self.shards
            .iter()
            .map(Shard::gauges)
            .fold(Gauges::default(), |a, b| Gauges {
                calls: a.calls + b.calls,
                legs: a.legs + b.legs,
                transactions: a.transactions + b.transactions,
                timers: a.timers + b.timers,
                ports: a.ports + b.ports,
                thirds: a.thirds + b.thirds,
                alarms: a.alarms + b.alarms,
                registrations: a.registrations + b.registrations,
            })
    }

    /// The RTP port that was opened last for a party whose media is at this address.
    pub fn port_of(&self, remote: &str) -> PortId {
        let opened = self.media.iter().rev().find_map(|command| match command {
            MediaCommand::Open { port, media, .. } if media.remote == addr(remote) => Some(*port),
            _ => None,
        });
        opened.unwrap_or_else(|| panic!("no port was opened for {remote}"))
    }

    /// Media has something to say about a port.
    pub fn media_event(&mut self, port: PortId, event: MediaEvent) {
        let shard = (port.0 / PORTS_OF_A_SHARD) as usize;
        match &mut self.post {
            Some(post) => post.put(Sender::Media, shard, Letter::Media(event)),
            None => self.handle(shard, Input::Media(event)),
        }
    }

    /// Media hears nothing of a party.
    pub fn silent(&mut self, port: PortId) {
        self.media_event(port, MediaEvent::Silent { port });
    }

    /// Media hears a party.
    pub fn heard(&mut self, port: PortId) {
        self.media_event(port, MediaEvent::Heard { port });
    }

    /// Another configuration for every shard.
    pub fn configure(&mut self, text: &str) {
        self.configure_with(read(text));
    }

    pub fn configure_with(&mut self, config: Arc<config::Config>) {
        self.config = config;
        for shard in 0..self.shards.len() {
            self.handle(shard, Input::Configure(Arc::clone(&self.config)));
        }
    }

    /// Messages between shards for a certain shard, by hand.
    pub fn shard_message(&mut self, to: ShardId, message: ShardMessage) {
        self.handle(usize::from(to.0), Input::Shard(message));
    }
}
