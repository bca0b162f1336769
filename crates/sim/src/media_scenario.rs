//! Single packets: the real hub among telephones, gateways and attackers, on a virtual clock.
//!
//! ```text
//!   far ends ─ a voice each ─► loss, delay, duplicates ─►┌─────┐
//!   attackers, ghosts ─────────────────────────────────► │ hub │ ─► judge: whose voices are in it?
//!   calls ─ answer, hold, join, move, vanish ─ orders ─► └─────┘      where does it go?
//!                                                └─► Streams: who may be heard
//! ```
//!
//! What a party may hear is what [`crate::stream::Streams`] says; every packet that leaves the hub is
//! taken apart into voices and compared with that. So hub and books check each other.

mod attack;
mod far_end;
mod judge;
#[cfg(test)]
mod sabotage;
mod script;
mod voice;

use crate::dice::Dice;
use crate::stream::{Place, Streams};
use far_end::FarEnd;
use judge::Ear;
use meishier_media::{Hub, MediaCommand, MediaEvent};
use meishier_model::{Mono, PortId};
use script::Call;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// Ports of the hub.
const PORTS: u32 = 48;
/// The one shard of the scenario.
const SHARD: u16 = 0;
/// Calls at one time.
const CALLS: u32 = 8;
/// When a run begins: far enough from 0 for what happened "before".
const START: Mono = Mono(10_000_000);

/// What goes wrong between the far ends and the hub.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaFaults {
    /// Share of packets that are lost on the way in.
    pub loss: f64,
    /// Share of packets that arrive twice.
    pub duplication: f64,
    /// Longest delay beyond the common 10 ms; packets overtake each other within it. At most 200 ms.
    pub delay: Duration,
    /// Packets of strangers in a second.
    pub attacks: u32,
    /// Share of changes that are a party's stream stopping, going on or beginning anew.
    pub breaks: f64,
    /// Share of changes that are a NAT giving a party another source.
    pub rebinds: f64,
    /// Share of parties that go on talking to the engine's port after their call.
    pub ghosts: f64,
    /// Chance in a second that the hub's thread stands still for up to 400 ms.
    pub stalls: f64,
}

impl MediaFaults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self {
            loss: 0.0,
            duplication: 0.0,
            delay: Duration::ZERO,
            attacks: 0,
            breaks: 0.0,
            rebinds: 0.0,
            ghosts: 0.0,
            stalls: 0.0,
        }
    }

    /// A bad day on an ordinary network, and somebody who tries ports.
    #[must_use]
    pub fn light() -> Self {
        Self {
            loss: 0.02,
            duplication: 0.01,
            delay: Duration::from_millis(30),
            attacks: 20,
            breaks: 0.05,
            rebinds: 0.02,
            ghosts: 0.1,
            stalls: 0.02,
        }
    }

    /// A random part of everything: up to 30% loss, 50% duplicates, 150 ms of delay.
    #[must_use]
    pub fn swarm(dice: &mut Dice) -> Self {
        let mut some = |most: f64| {
            let on = dice.chance(0.5);
            let share = dice.share();
            if on { share * most } else { 0.0 }
        };
        Self {
            loss: some(0.3),
            duplication: some(0.5),
            delay: Duration::from_secs_f64(some(0.15)),
            attacks: some(300.0) as u32,
            breaks: some(0.3),
            rebinds: some(0.2),
            ghosts: some(0.8),
            stalls: some(0.3),
        }
    }

    fn network_is_clean(&self) -> bool {
        self.loss == 0.0 && self.duplication == 0.0 && self.delay.is_zero() && self.stalls == 0.0
    }
}

/// What a run brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaFigures {
    /// Calls that began.
    pub calls: u64,
    /// Packets that reached the hub from parties.
    pub arrived: u64,
    /// Packets that the hub sent.
    pub sent: u64,
    /// Packets of strangers that reached the hub.
    pub attacks: u64,
    /// Packets of parties whose call was over.
    pub ghosts: u64,
    /// Pieces of 10 ms in which a party heard another one.
    pub heard: u64,
    /// Keys that the hub told of.
    pub digits: u64,
    /// Seconds of one party in which it was found to hear all that it had to.
    pub seconds: u64,
    /// SHA-256 of every order and every packet sent, in hexadecimal digits.
    pub log_sha256: String,
}

/// What is due at a moment.
#[derive(Debug)]
enum Due {
    /// A far end sends its next packet.
    Speak(u32),
    /// A packet reaches the hub: from which far end, for which port.
    Arrive(u32, PortId, SocketAddr, Vec<u8>),
    /// Something happens in a call.
    Step(u32),
    /// A far end whose call is over falls silent.
    Forget(u32),
    /// A stranger sends a packet.
    Attack,
    /// A second is over.
    Judge,
}

struct Scene {
    now: Mono,
    faults: MediaFaults,
    agenda: BTreeMap<(Mono, u64), Due>,
    ordinal: u64,
    hub: Hub,
    streams: Streams,
    /// By number; those that stand at a port, and ghosts.
    ends: BTreeMap<u32, FarEnd>,
    next_end: u32,
    at: BTreeMap<PortId, u32>,
    ears: BTreeMap<PortId, Ear>,
    calls: BTreeMap<u32, Call>,
    next_token: u64,
    /// Oldest first, and since when each rests.
    free: VecDeque<(PortId, Mono)>,
    voices: VecDeque<u8>,
    /// From when until when the hub's thread stood still the last time, or stands.
    stalled: [Mono; 2],
    script: Dice,
    network: Dice,
    strangers: Dice,
    log: Sha256,
    figures: MediaFigures,
}

/// Lets calls and packets happen for this many seconds of virtual time.
///
/// # Errors
/// The first thing that must never be, with the moment: a voice that a party may not hear, a packet
/// to an address that is not its party's or from a port that is closed, a stranger let in, a key that
/// nobody pressed or that was told twice, a hole of the hub's making in a stream, or a party that
/// does not hear what it has to although nothing has changed for a while.
pub fn run(seed: u64, seconds: u64, faults: MediaFaults) -> Result<MediaFigures, String> {
    let mut scene = Scene::new(seed, faults);
    let end = START + Duration::from_secs(seconds);
    let done = scene.run_until(end);
    let now = scene.now.since(START);
    done.map_err(|what| format!("seed {seed}, {:.3} s: {what}", now.as_secs_f64()))?;
    let hash = std::mem::take(&mut scene.log).finalize();
    scene.figures.log_sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(scene.figures)
}

impl Scene {
    fn new(seed: u64, faults: MediaFaults) -> Self {
        let dice = Dice::new(seed).branch("media");
        let mut scene = Self {
            now: START,
            faults,
            agenda: BTreeMap::new(),
            ordinal: 0,
            hub: Hub::new(voice::prompts(), seed),
            streams: Streams::new([]),
            ends: BTreeMap::new(),
            next_end: 0,
            at: BTreeMap::new(),
            ears: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_token: 0,
            free: (0..PORTS).map(|port| (PortId(port), Mono(0))).collect(),
            voices: voice::Voice::PARTIES.collect(),
            stalled: [Mono(0); 2],
            script: dice.branch("script"),
            network: dice.branch("network"),
            strangers: dice.branch("strangers"),
            log: Sha256::new(),
            figures: MediaFigures::default(),
        };
        for call in 0..CALLS {
            scene.due(
                Duration::from_millis(u64::from(call) * 130),
                Due::Step(call),
            );
        }
        scene.due(Duration::from_secs(1), Due::Judge);
        if scene.faults.attacks > 0 {
            scene.due(Duration::ZERO, Due::Attack);
        }
        scene
    }

    fn due(&mut self, after: Duration, what: Due) {
        self.ordinal += 1;
        self.agenda.insert((self.now + after, self.ordinal), what);
    }

    fn run_until(&mut self, end: Mono) -> Result<(), String> {
        loop {
            let next = self.agenda.first_key_value().map(|(key, _)| *key);
            let beat = self.hub.poll_timeout().map(|at| at.max(self.stalled[1]));
            match (next, beat) {
                (_, Some(beat)) if beat <= end && next.is_none_or(|(at, _)| beat <= at) => {
                    self.now = self.now.max(beat);
                    self.hub.handle_timeout(self.now);
                    self.drain()?;
                }
                (Some((at, _)), _) if at <= end => {
                    if let Some((_, due)) = self.agenda.pop_first() {
                        self.now = self.now.max(at);
                        self.handle(due)?;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn handle(&mut self, due: Due) -> Result<(), String> {
        match due {
            Due::Speak(end) => self.speak(end),
            Due::Arrive(end, port, from, packet) => return self.arrive(end, port, from, &packet),
            Due::Step(call) => return self.step(call),
            Due::Forget(end) => self.forget(end),
            Due::Attack => return self.attack(),
            Due::Judge => return self.judge_second(),
        }
        Ok(())
    }

    /// Gives the hub an order, and the books.
    fn order(&mut self, command: MediaCommand) -> Result<(), String> {
        self.remember();
        self.log.update(format!("{} {command:?}\n", self.now.0));
        self.streams.on_command(self.now, SHARD, &command);
        self.streams.check()?;
        self.hub.handle_command(self.now, command);
        self.drain()
    }

    /// Takes what the hub has to say and to send.
    fn drain(&mut self) -> Result<(), String> {
        while let Some(event) = self.hub.poll_event() {
            if matches!(event, MediaEvent::PlaylistDone { .. }) {
                self.remember();
            }
            self.streams.on_event(self.now, SHARD, &event);
            self.streams.check()?;
            match event {
                MediaEvent::Closed { port, .. } => self.free.push_back((port, self.now)),
                MediaEvent::Digit { port, digit } => self.judge_digit(port, digit)?,
                MediaEvent::PlaylistDone { .. }
                | MediaEvent::Silent { .. }
                | MediaEvent::Heard { .. } => {}
            }
        }
        let mut packets = Vec::new();
        while let Some((port, to, packet)) = self.hub.poll_send() {
            packets.push((port, to, packet.to_vec()));
        }
        for (port, to, packet) in packets {
            self.figures.sent += 1;
            self.log.update(self.now.0.to_be_bytes());
            self.log.update(format!("{} {to} ", port.0));
            self.log.update(&packet);
            self.judge_packet(port, to, &packet)?;
        }
        Ok(())
    }

    fn speak(&mut self, number: u32) {
        let Some(end) = self.ends.get_mut(&number) else {
            return;
        };
        let (port, from, interval) = (end.port, end.source, end.interval());
        let packet = end.sending.then(|| end.packet());
        self.due(interval, Due::Speak(number));
        let Some(packet) = packet else { return };
        if self.network.chance(self.faults.loss) {
            return;
        }
        let copies = 1 + u32::from(self.network.chance(self.faults.duplication));
        for _ in 0..copies {
            let late = self.network.between(Duration::ZERO, self.faults.delay);
            let after = Duration::from_millis(10) + late;
            self.due(after, Due::Arrive(number, port, from, packet.clone()));
        }
    }

    fn arrive(
        &mut self,
        number: u32,
        port: PortId,
        from: SocketAddr,
        packet: &[u8],
    ) -> Result<(), String> {
        let before = self.hub.totals().received;
        self.hub.handle_packet(self.now, port, from, packet);
        let let_in = self.hub.totals().received > before;
        if self.at.get(&port) == Some(&number) {
            self.figures.arrived += 1;
            if let Some(end) = self.ends.get_mut(&number)
                && end.source == from
            {
                end.known |= let_in;
                end.met |= end.sends(packet);
            }
        } else {
            self.figures.ghosts += 1;
            if let_in {
                return Err(format!("port {} let in {from}, whose call is over", port.0));
            }
        }
        self.drain()
    }

    fn place(port: PortId) -> Place {
        Place { shard: SHARD, port }
    }
}
