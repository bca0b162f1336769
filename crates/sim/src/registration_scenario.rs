//! A trunk whose carrier wants to be registered at, and the days that such a carrier has: it falls
//! silent, is busy, forbids, forgets, changes its nonces and its realm. Meanwhile callers come and the
//! transfer key is pressed.
//!
//! Judged: never more new requests in a second than a chain of challenges takes, and few in a minute
//! while nobody answers; no call out while the engine itself says that it is not registered; calls
//! that the carrier takes show good credentials; once the carrier is well the registration is back
//! within the longest wait.

use crate::agenda::Agenda;
use crate::dice::Dice;
use crate::invariants::Seen;
use crate::peer::{
    Agent, AgentEvent, AgentSettings, CallKey, Carrier, CarrierFigures, Codec, NewCall, Transport,
    Weather,
};
use crate::rig::{Effect, QueueKind, Rig, RigSettings, ToEngine, Witness};
use crate::wire::Means;
use meishier_engine::{Command, Notice};
use meishier_model::{Mono, Now, Wall};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

const USER: &str = "line7@ims.example";
const PASSWORD: &str = "hush hush";
const ENGINE: &str = "10.0.0.1:5060";
const PEER: &str = "10.0.1.1:5060";
const CARRIER: &str = "10.0.1.9:5070";
const SEAT: &str = "10.0.2.1:5060";
/// Where the clocks begin.
const START: (Mono, Wall) = (Mono(10_000_000), Wall(1_772_589_600_000));

/// New requests of one kind in a second: one with its two rounds of challenges, beside as many of
/// another call and of a refresh.
const MOST_A_SECOND: usize = 9;
/// New REGISTERs in a minute while nobody answers.
const MOST_IN_SILENCE: usize = 8;
/// Longest wait of a client (RFC 5626 §4.5) and of a transaction, the longest binding of this carrier
/// that a client does not know to be lost, and some air.
const BACK_WITHIN: Duration = Duration::from_secs(1800 + 32 + 600 + 68);

const CONFIG: &str = r#"
name = "registration"
lang = "en"
zone = "Asia/Shanghai"
shards = 3

[sip]
listen = ["udp:10.0.0.1:5060"]
domain = "test.invalid"
max_calls = 20

[rtp]
address = "10.0.0.1"
first_port = 20000
last_port = 20999

[http]
listen = "127.0.0.1:0"

[records]
path = "none.db"

[[trunks]]
name = "carrier"
peers = ["10.0.1.1"]
outgoing_number = "12356"

[trunks.register]
user = "+8685112356"
auth_user = "line7@ims.example"
password = "hush hush"
domain = "ims.example"
registrar = "10.0.1.9:5070"
expires = "10min"

[[pools]]
name = "all"
title = "all"
shifts = [{ hours = "00:00-24:00", lines = 4 }]

[[seats]]
name = "s0"
contact = "sip:s0@10.0.2.1:5060"
pools = ["all"]

[[counsellors]]
account = "c0"
pin = "1234"
seats = ["s0"]
start = { seat = "s0", state = "ready" }

[offer]
backoff = "1s"
pause_after = 0
wrapup = "0s"

[transfer]
keys = [{ name = "110", title = "police", kind = "hotline", ring = "30s", trunk = "carrier" }]

[routing]
default = "all"

[[routes]]
name = "all"
rings = ["all"]
"#;

/// What a run saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistrationFigures {
    /// What the carrier counted.
    pub carrier: CarrierFigures,
    /// How often the key was pressed.
    pub pressed: u64,
    /// Calls out that left.
    pub dialled: u64,
    /// Times at which the carrier was not well.
    pub outages: u64,
    /// Registrations that were seen to be back after the carrier was well again.
    pub back: u64,
}

/// Looks at what leaves the engine, by its text alone.
#[derive(Debug, Default)]
struct Judge {
    registered: bool,
    silent: bool,
    known: BTreeSet<String>,
    fresh: VecDeque<Mono>,
    registers: VecDeque<Mono>,
    calls: BTreeSet<String>,
    fault: Option<String>,
}

impl Judge {
    fn sent(&mut self, now: Mono, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let method = text.split(' ').next().unwrap_or_default();
        let word = |name: &str, end: &[char]| {
            let rest = text.split_once(name).map_or("", |(_, rest)| rest);
            rest.split(end).next().unwrap_or_default().to_owned()
        };
        let branch = word("branch=", &[';', '\r']);
        if !matches!(method, "REGISTER" | "INVITE") || !self.known.insert(branch) {
            return;
        }
        if method == "INVITE" {
            self.calls.insert(word("Call-ID: ", &['\r']));
            if !self.registered {
                self.blame(now, "a call out while it is not registered");
            }
        } else {
            let within = |at: &Mono| *at + Duration::from_secs(60) > now;
            self.registers.push_back(now);
            self.registers.retain(within);
            if self.silent && self.registers.len() > MOST_IN_SILENCE {
                self.blame(now, "a carrier that does not answer is hammered");
            }
        }
        self.fresh.push_back(now);
        self.fresh.retain(|at| *at + Duration::from_secs(1) > now);
        if self.fresh.len() > MOST_A_SECOND {
            self.blame(now, "too many requests in a second");
        }
    }

    fn blame(&mut self, now: Mono, what: &str) {
        let at = now.0 / 1_000_000;
        self.fault
            .get_or_insert_with(|| format!("{what}, at {at} s"));
    }
}

impl Witness for Judge {
    fn see(&mut self, now: Now, seen: &Seen<'_>) {
        match seen {
            Seen::Out { to, bytes, .. } if *to == at(CARRIER) => self.sent(now.mono, bytes),
            Seen::Notice {
                notice: Notice::Registration { registered, .. },
                ..
            } => self.registered = *registered,
            _ => {}
        }
    }
}

enum Due {
    Engine(ToEngine),
    Far(SocketAddr, Vec<u8>),
    Timer(usize),
    Weather,
    Calls,
    Answer(CallKey),
    Press,
    HangUp(CallKey),
}

struct Scene {
    now: Mono,
    rig: Rig,
    judge: Judge,
    carrier: Carrier,
    /// Who calls, and the seat's telephone.
    agents: [Agent; 2],
    agenda: Agenda<Due>,
    timers: BTreeMap<usize, Mono>,
    dice: Dice,
    fine_since: Option<Mono>,
    told_back: bool,
    tokens: u64,
    figures: RegistrationFigures,
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
}

/// Plays so many hours.
///
/// # Errors
/// What the engine did wrong, in words; the seed finds it again.
pub fn run(seed: u64, hours: u64) -> Result<RegistrationFigures, String> {
    run_against(seed, hours, PASSWORD)
}

/// As [`run`], with a carrier that knows this password; by another one than the engine's it is seen
/// that the judges can find fault.
///
/// # Errors
/// As [`run`].
pub fn run_against(
    seed: u64,
    hours: u64,
    password: &'static str,
) -> Result<RegistrationFigures, String> {
    let dice = Dice::new(seed);
    let settings = RigSettings {
        text: CONFIG.to_owned(),
        ports: 40,
        lag: Duration::from_millis(2),
        queue: QueueKind::default(),
    };
    let now = START.0;
    let start = Now {
        mono: now,
        wall: START.1,
    };
    let agent = |address: &str| {
        let settings = AgentSettings {
            address: at(address),
            transport: Transport::Udp,
            engine: at(ENGINE),
            codecs: vec![Codec::Pcma],
            media_port: 30_000,
        };
        Agent::new(settings, dice.branch(address))
    };
    let mut scene = Scene {
        now,
        rig: Rig::new(&settings, start, dice.branch("rig"))?,
        judge: Judge::default(),
        carrier: Carrier::new(at(ENGINE), (USER, password), dice.branch("carrier")),
        agents: [agent(PEER), agent(SEAT)],
        agenda: Agenda::default(),
        timers: BTreeMap::new(),
        dice: dice.branch("scene"),
        fine_since: Some(now),
        told_back: false,
        tokens: 0,
        figures: RegistrationFigures::default(),
    };
    scene.rig.begin(start, &mut scene.judge);
    scene.carry_out();
    scene
        .agenda
        .put(now + Duration::from_secs(600), Due::Weather);
    scene.agenda.put(now + Duration::from_secs(5), Due::Calls);
    scene.play(now + Duration::from_secs(hours * 3600))?;
    scene.figures.carrier = scene.carrier.figures();
    scene.figures.dialled = scene.judge.calls.len() as u64;
    Ok(scene.figures)
}

impl Scene {
    fn play(&mut self, until: Mono) -> Result<(), String> {
        while let Some((at, due)) = self.agenda.take() {
            if at > until {
                break;
            }
            self.now = self.now.max(at);
            self.on_due(due);
            self.carry_out();
            self.look()?;
        }
        Ok(())
    }

    /// What is due, the registration above all.
    fn look(&mut self) -> Result<(), String> {
        if let Some(fault) = self.judge.fault.take() {
            return Err(fault);
        }
        if let Some(fault) = self.carrier.fault() {
            return Err(fault.to_owned());
        }
        let Some(since) = self.fine_since else {
            return Ok(());
        };
        let back = self.judge.registered && self.carrier.is_bound(self.now);
        if back && !self.told_back {
            self.told_back = true;
            self.figures.back += 1;
        }
        let late = self.now - since > BACK_WITHIN;
        if late && !self.told_back {
            return Err("the carrier is well, and the registration is not back".to_owned());
        }
        Ok(())
    }

    fn on_due(&mut self, due: Due) {
        let now = Now {
            mono: self.now,
            wall: Wall(START.1.0 + ((self.now.0 - START.0.0) / 1000) as i64),
        };
        match due {
            Due::Engine(what) => {
                self.rig.handle(now, what, &mut self.judge);
            }
            Due::Far(to, bytes) if to == at(CARRIER) => {
                self.carrier.handle_packet(self.now, &bytes);
            }
            Due::Far(to, bytes) => {
                let index = usize::from(to == at(SEAT));
                self.agents[index].handle_packet(self.now, at(ENGINE), &bytes);
            }
            Due::Timer(index) => {
                if self.timers.get(&index).is_some_and(|at| *at <= self.now) {
                    self.timers.remove(&index);
                    self.agents[index].handle_timeout(self.now);
                }
            }
            Due::Weather => self.change_weather(),
            Due::Calls => self.call(),
            Due::Answer(key) => drop(self.agents[1].answer(self.now, key)),
            Due::HangUp(key) => drop(self.agents[0].bye(self.now, key)),
            Due::Press => self.press(now),
        }
    }

    fn call(&mut self) {
        let call = NewCall {
            to_user: "12356".to_owned(),
            caller: format!("133{:08}", self.dice.roll(100_000_000)),
            ..NewCall::default()
        };
        self.agents[0].invite(self.now, call);
        let next = self
            .dice
            .between(Duration::from_secs(45), Duration::from_secs(240));
        self.agenda.put(self.now + next, Due::Calls);
    }

    fn press(&mut self, now: Now) {
        let mut calls = self.rig.shards().iter().flat_map(|shard| shard.calls());
        let Some(call) = calls.next() else { return };
        drop(calls);
        self.tokens += 1;
        self.figures.pressed += 1;
        let command = Command::press(call, "110", "贵阳");
        let token = self.tokens;
        self.rig
            .handle(now, ToEngine::Command { token, command }, &mut self.judge);
    }

    fn change_weather(&mut self) {
        let minutes = |dice: &mut Dice, from: u64, to: u64| {
            dice.between(Duration::from_secs(from * 60), Duration::from_secs(to * 60))
        };
        let (weather, lasts) = if self.fine_since.is_none() {
            // Now and then long enough to be held to the longest wait.
            let lasts = match self.dice.chance(0.5) {
                true => minutes(&mut self.dice, 2, 20),
                false => minutes(&mut self.dice, 45, 60),
            };
            (Weather::Fine, lasts)
        } else {
            match self.dice.roll(5) {
                0 => (Weather::Silent, minutes(&mut self.dice, 1, 60)),
                1 => (Weather::Busy, minutes(&mut self.dice, 1, 30)),
                2 => (Weather::Forbids, minutes(&mut self.dice, 1, 30)),
                3 => {
                    self.carrier.forget();
                    (Weather::Fine, minutes(&mut self.dice, 45, 60))
                }
                _ => {
                    self.carrier.change_realm();
                    (Weather::Fine, minutes(&mut self.dice, 5, 45))
                }
            }
        };
        let fine = weather == Weather::Fine;
        self.carrier.set_weather(weather);
        self.judge.silent = weather == Weather::Silent;
        self.judge.registers.clear();
        self.figures.outages += u64::from(!fine);
        self.fine_since = fine.then_some(self.now);
        self.told_back = false;
        self.agenda.put(self.now + lasts, Due::Weather);
    }

    /// Carries out what everybody wants, and puts down when they are to be woken.
    fn carry_out(&mut self) {
        while let Some(effect) = self.rig.poll_effect() {
            match effect {
                Effect::Send { to, bytes, .. } => self.post(Due::Far(to, bytes)),
                Effect::Later(at, what) => self.agenda.put(at.max(self.now), Due::Engine(what)),
                Effect::Unsent { .. } | Effect::Reply { .. } | Effect::Record(_) => {}
            }
        }
        while let Some(bytes) = self.carrier.poll_packet() {
            self.post(packet(at(CARRIER), bytes));
        }
        for index in 0..self.agents.len() {
            while let Some(bytes) = self.agents[index].poll_packet() {
                let from = self.agents[index].settings().address;
                self.post(packet(from, bytes));
            }
            while let Some(event) = self.agents[index].poll_event() {
                self.on_event(event);
            }
            let next = self.agents[index].poll_timeout();
            if let Some(next) = next.filter(|next| self.timers.get(&index) != Some(next)) {
                self.timers.insert(index, next);
                self.agenda.put(next.max(self.now), Due::Timer(index));
            }
        }
    }

    fn on_event(&mut self, event: AgentEvent) {
        let s = Duration::from_secs;
        match event {
            AgentEvent::Incoming { key, .. } => self.agenda.put(self.now + s(1), Due::Answer(key)),
            AgentEvent::Answered { key } => {
                self.agenda.put(self.now + s(2), Due::Press);
                self.agenda.put(self.now + s(20), Due::HangUp(key));
            }
            _ => {}
        }
    }

    /// Over a network that loses one packet of a hundred.
    fn post(&mut self, due: Due) {
        if !self.dice.chance(0.01) {
            let delay = self
                .dice
                .between(Duration::from_millis(5), Duration::from_millis(40));
            self.agenda.put(self.now + delay, due);
        }
    }
}

fn packet(from: SocketAddr, bytes: Vec<u8>) -> Due {
    Due::Engine(ToEngine::Packet {
        from,
        means: Means::Datagram,
        bytes,
    })
}
