//! A small real engine whose every step is shown to the judges, with far ends written by hand.
//!
//! Between the engine and the judges stands a forger: it may hide what happened, show it twice or
//! show something that never was, so that each invariant can be seen to fail.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod forge;
pub mod scene;

use meishier_engine::media::{MediaCommand, MediaEvent};
use meishier_engine::queue::Queue;
use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::{
    BoundPort, Command, Input, Output, Reply, Shard, ShardConfig, ShardMessage, config, dispatch,
    queue_config,
};
use meishier_model::{CallRecord, Mono, Now, PortId, RtpStats, ShardId, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::invariants::{Checker, Inspection, Invariant, Seen, Violation};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub const ENGINE: &str = "10.0.0.1:5060";
pub const CARRIER: &str = "10.0.1.1:5060";
/// 2026-03-04, a Wednesday, 10:00 in Shanghai.
pub const TEN_O_CLOCK: Wall = Wall(1_772_589_600_000);

pub const CONFIG: &str = include_str!("small.toml");

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A message that the engine sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: SocketAddr,
    pub text: String,
}

impl Sent {
    pub fn find(&self, name: &str) -> Option<&str> {
        let lines = self
            .text
            .lines()
            .skip(1)
            .take_while(|line| !line.is_empty());
        lines
            .filter_map(|line| line.split_once(':'))
            .find_map(|(key, value)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in\n{}", self.text))
    }

    pub fn is(&self, start: &str) -> bool {
        self.text.starts_with(start)
    }

    pub fn contact(&self) -> String {
        let value = self.header("Contact");
        value[value.find('<').unwrap() + 1..value.find('>').unwrap()].to_owned()
    }
}

pub fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.9.9\r\ns=-\r\nc=IN IP4 10.0.9.9\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
    )
}

/// What the judges are shown in the place of something.
pub type Show = Box<dyn Fn(&mut Checker, Now)>;

/// What the forger makes of something.
pub enum Forge {
    Pass,
    Hide,
    Twice,
    Instead(Show),
}

pub type Forger = Box<dyn FnMut(Now, &Seen<'_>) -> Forge>;

enum Letter {
    Shard(ShardMessage),
    Media(MediaEvent),
    Wake,
}

pub struct Rig {
    pub shards: Vec<Shard>,
    pub queue: Arc<Queue>,
    pub config: Arc<config::Config>,
    pub now: Now,
    pub checker: Checker,
    pub sent: VecDeque<Sent>,
    pub records: Vec<CallRecord>,
    pub replies: BTreeMap<u64, Reply>,
    pub forger: Option<Forger>,
    pub found: Option<Violation>,
    /// Seeds the order in which inboxes are read.
    pub order: Dice,
    /// How long a letter may lie at most.
    pub lag: Duration,
    post: BTreeMap<(usize, usize), VecDeque<(Mono, Letter)>>,
    token: u64,
    generation: u8,
    pub steps: u64,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(CONFIG, 1)
    }

    pub fn with(text: &str, seed: u64) -> Self {
        Self::judged_by(text, text, seed)
    }

    /// An engine with one configuration before judges with another one.
    pub fn judged_by(text: &str, judges: &str, seed: u64) -> Self {
        let (parsed, _) = config::parse(text, None)
            .unwrap_or_else(|e| panic!("{}", config::render(&e, "t", text, config::Lang::En)));
        let parsed = Arc::new(parsed);
        let now = Now {
            mono: Mono(1_000_000),
            wall: TEN_O_CLOCK,
        };
        let mut rig = Self {
            shards: Vec::new(),
            queue: Arc::new(Queue::new(queue_config(&parsed, now.wall))),
            config: parsed,
            now,
            checker: Checker::new(judges, addr(ENGINE), now),
            sent: VecDeque::new(),
            records: Vec::new(),
            replies: BTreeMap::new(),
            forger: None,
            found: None,
            order: Dice::new(seed),
            lag: Duration::ZERO,
            post: BTreeMap::new(),
            token: 0,
            generation: 0,
            steps: 0,
        };
        rig.checker.name_table(&rig.config.table_hash);
        for id in 0..rig.config.shards {
            let shard = Shard::new(rig.setup(ShardId(id)), now);
            rig.shards.push(shard);
        }
        for id in 0..rig.shards.len() {
            rig.drain(id);
        }
        rig.read_all();
        rig
    }

    fn setup(&self, id: ShardId) -> ShardConfig {
        let ports = (0..100u32).map(|i| {
            let number = u32::from(id.0) * 100 + i;
            BoundPort {
                id: PortId(number),
                address: SocketAddr::new(addr(ENGINE).ip(), 20000 + number as u16 * 2),
                network: None,
            }
        });
        ShardConfig {
            id,
            config: Arc::clone(&self.config),
            queue: Arc::clone(&self.queue),
            ports: ports.collect(),
            local: vec![(Transport::Udp, addr(ENGINE))],
            seed: [(id.0 as u8 + 1) ^ (self.generation << 3); 32],
            secret: [9; 32],
            boot: self.now.wall,
        }
    }

    pub fn show(&mut self, seen: &Seen<'_>) {
        let now = self.now;
        let forge = self
            .forger
            .as_mut()
            .map_or(Forge::Pass, |forger| forger(now, seen));
        match forge {
            Forge::Pass => self.checker.see(now, seen),
            Forge::Hide => {}
            Forge::Twice => {
                self.checker.see(now, seen);
                self.checker.see(now, seen);
            }
            Forge::Instead(act) => act(&mut self.checker, now),
        }
    }

    /// One input, and the judgement of what came of it.
    pub fn step(&mut self, shard: usize, input: Input<'_>) {
        self.shards[shard].handle(self.now, input);
        self.drain(shard);
        self.judge(shard);
    }

    pub fn judge(&mut self, shard: usize) {
        self.steps += 1;
        let look = Inspection {
            shards: &self.shards,
            touched: shard as u16,
            queue: &self.queue,
        };
        if let Err(violation) = self.checker.after_step(self.now, &look) {
            self.found.get_or_insert(violation);
        }
    }

    fn drain(&mut self, index: usize) {
        while let Some(output) = self.shards[index].poll_output() {
            let shard = index as u16;
            match output {
                Output::Transmit(transmit) => {
                    let to = transmit.flow.remote;
                    self.show(&Seen::Out {
                        shard,
                        to,
                        bytes: &transmit.bytes,
                    });
                    let text = String::from_utf8(transmit.bytes).unwrap();
                    self.sent.push_back(Sent { to, text });
                }
                Output::Media(command) => {
                    self.show(&Seen::MediaCommand {
                        shard,
                        command: &command,
                    });
                    if let MediaCommand::Close { port } = command {
                        let stats = RtpStats::default();
                        let letter = Letter::Media(MediaEvent::Closed { port, stats });
                        self.send(100 + index, index, letter);
                    }
                }
                Output::Record(record) => {
                    self.show(&Seen::Record(&record));
                    self.records.push(*record);
                }
                Output::Shard { to, message } => {
                    self.send(index, usize::from(to.0), Letter::Shard(message));
                }
                Output::Wake(to) => self.send(200 + index, usize::from(to.0), Letter::Wake),
                Output::Keep(_) | Output::Dossier(_) => {}
                Output::Lookup { token, .. } => {
                    let contacts = Vec::new();
                    self.shards[index].handle(self.now, Input::Contacts { token, contacts });
                }
                Output::Registered(change) => self.show(&Seen::Registered(&change)),
                Output::Reply { token, reply } => {
                    self.show(&Seen::Reply {
                        token,
                        reply: &reply,
                    });
                    self.replies.insert(token, reply);
                }
                Output::Notice(notice) => self.show(&Seen::Notice {
                    shard,
                    notice: &notice,
                }),
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, letter: Letter) {
        let delay = self.order.between(Duration::ZERO, self.lag);
        let way = self.post.entry((from, to)).or_default();
        let after = way.back().map_or(Mono(0), |last| last.0);
        way.push_back(((self.now.mono + delay).max(after), letter));
    }

    fn due(&self) -> Vec<(usize, usize)> {
        let now = self.now.mono;
        let due = |way: &&(usize, usize)| self.post[*way].front().is_some_and(|(at, _)| *at <= now);
        self.post.keys().filter(due).copied().collect()
    }

    /// Reads whatever is due, in a seeded order, and fires the timers that are.
    pub fn read_all(&mut self) {
        loop {
            let due = self.due();
            if due.is_empty() {
                let timer = (0..self.shards.len()).find(|index| {
                    self.shards[*index]
                        .poll_timeout()
                        .is_some_and(|at| at <= self.now.mono)
                });
                let Some(index) = timer else { return };
                self.fire(index);
                continue;
            }
            let way = due[self.order.index(due.len())];
            let Some((_, letter)) = self.post.get_mut(&way).and_then(VecDeque::pop_front) else {
                return;
            };
            match letter {
                Letter::Shard(message) => self.step(way.1, Input::Shard(message)),
                Letter::Media(event) => {
                    self.show(&Seen::MediaEvent {
                        shard: way.1 as u16,
                        event: &event,
                    });
                    self.step(way.1, Input::Media(event));
                }
                Letter::Wake => {
                    self.show(&Seen::InboxRead {
                        shard: way.1 as u16,
                    });
                    self.step(way.1, Input::Inbox);
                }
            }
        }
    }

    fn fire(&mut self, index: usize) {
        self.show(&Seen::Timeout {
            shard: index as u16,
        });
        self.step(index, Input::Timeout);
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        self.read_all();
        loop {
            let timers = self.shards.iter().filter_map(Shard::poll_timeout);
            let letters = self
                .post
                .values()
                .filter_map(|way| way.front().map(|l| l.0));
            let next = timers
                .chain(letters)
                .min()
                .filter(|at| *at <= end)
                .unwrap_or(end);
            let next = next.max(self.now.mono);
            let before = self.now.mono.0 / 1000;
            self.now.mono = next;
            self.now.wall.0 += (next.0 / 1000 - before) as i64;
            self.read_all();
            if next >= end {
                for index in 0..self.shards.len() {
                    self.fire(index);
                }
                return;
            }
        }
    }

    pub fn slow(&mut self, lag: Duration) {
        self.lag = lag;
        self.show(&Seen::Slow(lag));
    }

    pub fn set_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
        self.show(&Seen::WallJump);
    }

    pub fn arrive(&mut self, from: SocketAddr, text: &str) {
        let local = addr(ENGINE);
        let flow = Flow {
            transport: Transport::Udp,
            local,
            remote: from,
            connection: 0,
        };
        let shard = dispatch(text.as_bytes(), &self.config, self.config.shards).0;
        self.show(&Seen::In {
            shard,
            from,
            bytes: text.as_bytes(),
        });
        self.step(
            usize::from(shard),
            Input::Message {
                flow,
                bytes: text.as_bytes(),
            },
        );
    }

    pub fn command(&mut self, command: Command) -> u64 {
        self.token += 1;
        let token = self.token;
        let shard = command.shard(self.config.shards).unwrap_or(ShardId(0));
        self.show(&Seen::Command {
            token,
            command: &command,
        });
        self.step(usize::from(shard.0), Input::Command { token, command });
        token
    }

    /// A command for every shard.
    pub fn command_all(&mut self, command: &Command) {
        for shard in 0..self.shards.len() {
            self.token += 1;
            let (token, command) = (self.token, command.clone());
            self.show(&Seen::Command {
                token,
                command: &command,
            });
            self.step(shard, Input::Command { token, command });
        }
    }

    /// Every shard is made anew from its snapshot.
    pub fn replace(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        // Media starts anew as well.
        self.post.retain(|(from, _), _| !(100..200).contains(from));
        for index in 0..self.shards.len() {
            let text = serde_json::to_string(&self.shards[index].snapshot_all(self.now)).unwrap();
            let snapshot = serde_json::from_str(&text).unwrap();
            let setup = self.setup(ShardId(index as u16));
            self.show(&Seen::Replaced);
            self.shards[index] = Shard::resume(setup, self.now, snapshot);
            self.drain(index);
            self.judge(index);
        }
        // A shard that was made anew may have found matches that it has not read.
        for index in 0..self.shards.len() {
            self.show(&Seen::InboxRead {
                shard: index as u16,
            });
            self.step(index, Input::Inbox);
        }
    }

    /// The engine goes on with another configuration.
    pub fn reload(&mut self, text: &str) {
        let (parsed, _) = config::parse(text, None).unwrap_or_else(|_| panic!("a bad file"));
        self.config = Arc::new(parsed);
        self.show(&Seen::Configured(text));
        self.replace();
    }

    pub fn rest(&mut self) -> Result<(), Violation> {
        let shards = &self.shards;
        let look = Inspection {
            shards,
            touched: 0,
            queue: &self.queue,
        };
        self.checker.at_rest(self.now, &look)
    }

    /// Which promise was found broken.
    pub fn broken(&self) -> Option<Invariant> {
        self.found.as_ref().map(|found| found.invariant)
    }
}
