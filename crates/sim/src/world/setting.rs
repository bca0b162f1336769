//! How a world begins: the engine with its configuration, the carriers, a telephone for each seat,
//! and the first caller.

use super::desks::{SeatDesk, Who};
use super::far::{Far, FarId};
use super::judges::Judges;
use super::{Due, World};
use crate::agenda::Agenda;
use crate::defect::Flaw;
use crate::dice::Dice;
use crate::faults::{FaultLevel, FaultPlan};
use crate::figures::{Served, Tally};
use crate::invariants::Checker;
use crate::log::Log;
use crate::peer::{Codec, Quirks};
use crate::people::{Duties, SeatMind};
use crate::rig::{QueueKind, Rig, RigSettings};
use crate::scenario::Scenario;
use crate::stream::{Place, Streams};
use crate::trace::Trace;
use crate::traffic::Traffic;
use crate::wire::{Means, Wire};
use meishier_config::{Config, SeatContact, Transport, Trunk};
use meishier_model::{Mono, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// RTP ports of a shard: enough, and few.
const PORTS: (u16, u16) = (400, 14);
/// When the engine starts; its monotonic clock does not begin with 0.
const ORIGIN: Mono = Mono(1_000_000_000);

/// Share of the calls in which a telephone's ringing is to be acknowledged.
const RING_RELIABLY: f64 = 0.25;

/// The session timer that the engine asks telephones for, where things go wrong.
const PHONE_SESSION: &str = "3min";

/// What a world is made from, beside its scenario.
pub struct WorldSettings {
    /// Everything follows from it.
    pub seed: u64,
    /// How long people call while things go wrong.
    pub lasts: Duration,
    /// How long they go on calling once nothing goes wrong any more.
    pub peace: Duration,
    /// What goes wrong.
    pub faults: FaultLevel,
    /// Which queue the engine runs on.
    pub queue: QueueKind,
    /// Where a copy of the log goes.
    pub log: Option<Box<dyn Write>>,
    /// Keeps the messages for ladders.
    pub trace: bool,
    /// What is broken on purpose.
    pub flaw: Flaw,
    /// The judges are shown this record, counted from 1, twice, as if the engine had written it twice.
    pub forge: Option<u64>,
}

/// Why there can be no world. Whoever wrote the scenario is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    /// The scenario's configuration cannot be read; the report.
    Config(String),
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(report) => f.write_str(report),
        }
    }
}

impl std::error::Error for WorldError {}

/// The configuration's text with what the faults change of it.
fn text_of(scenario: &Scenario, plan: &FaultPlan) -> Result<String, WorldError> {
    let text = scenario.engine_config();
    let mut table: toml::Table = text
        .parse()
        .map_err(|error| WorldError::Config(format!("{error}")))?;
    if let Some(shards) = plan.shards {
        table.insert("shards".into(), i64::from(shards).into());
    }
    if plan.sessions > 0.0
        && let Some(offer) = table.get_mut("offer").and_then(|o| o.as_table_mut())
    {
        offer.insert("session_expires".into(), PHONE_SESSION.into());
    }
    if plan.small_queue
        && let Some(waiting) = table.get_mut("waiting").and_then(|w| w.as_table_mut())
    {
        waiting.insert("max_waiting".into(), 2.into());
    }
    toml::to_string(&table).map_err(|error| WorldError::Config(format!("{error}")))
}

fn seat_address(seat: usize) -> SocketAddr {
    let (high, low) = ((seat / 200) as u8, (seat % 200 + 1) as u8);
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 77, high, low)), 5060)
}

fn codecs(seat: usize) -> Vec<Codec> {
    match seat % 3 {
        0 => vec![Codec::Pcma],
        1 => vec![Codec::Pcma, Codec::Pcmu],
        _ => vec![Codec::Pcmu, Codec::Pcma],
    }
}

/// The carriers' agents, one for each trunk in its order. From one to which nothing goes out, calls
/// come all the same.
fn carriers(config: &Config, engine: SocketAddr, dice: &Dice) -> Vec<Far> {
    let trunks = config.trunks.iter().zip(0usize..);
    let address = |trunk: &Trunk| {
        let peer = trunk.peers.first().copied().unwrap_or(engine);
        let port = if peer.port() == 0 { 5080 } else { peer.port() };
        let out = trunk.to.iter().find_map(|to| to.address());
        out.unwrap_or(SocketAddr::new(peer.ip(), port))
    };
    let all = trunks.map(|(trunk, index)| (address(trunk), trunk.transport, index));
    all.map(|(address, transport, index)| {
        let means = match transport {
            Transport::Udp => Means::Datagram,
            Transport::Tcp | Transport::Tls => Means::Stream,
        };
        let dice = dice.branch("carrier").branch(&index.to_string());
        Far::new(address, means, engine, vec![Codec::Pcma, Codec::Pcmu], dice)
    })
    .collect()
}

/// A seat's telephone: where it is and by what it is reached.
fn telephone(config: &Config, seat: usize) -> (SocketAddr, Means, String) {
    match config.seats.get(seat).map(|it| &it.contact) {
        Some(SeatContact::Static {
            address, transport, ..
        }) => {
            let means = match transport {
                Transport::Udp => Means::Datagram,
                Transport::Tcp | Transport::Tls => Means::Stream,
            };
            (*address, means, String::new())
        }
        Some(SeatContact::Register { password }) => {
            // Every fifth telephone speaks TCP.
            let means = match seat % 5 {
                4 => Means::Stream,
                _ => Means::Datagram,
            };
            (seat_address(seat), means, password.clone())
        }
        None => (seat_address(seat), Means::Datagram, String::new()),
    }
}

impl World {
    /// A world at its first moment.
    ///
    /// # Errors
    /// See [`WorldError`].
    pub(crate) fn start(scenario: &Scenario, settings: WorldSettings) -> Result<Self, WorldError> {
        let dice = Dice::new(settings.seed);
        let plan = FaultPlan::of(settings.faults, &mut dice.branch("faults"));
        let text = text_of(scenario, &plan)?;
        let start = Now {
            mono: ORIGIN,
            wall: scenario.start_wall().map_err(WorldError::Config)?,
        };
        let misread = settings.flaw.misread(&text);
        let read = misread.as_deref().unwrap_or(&text);
        let mut rig = Self::rig(read, &plan, settings.queue, start, &dice)?;
        rig.break_deliberately(settings.flaw);
        let engine = rig.address();
        let mut checker = Checker::new(&text, engine, start);
        if misread.is_some() {
            checker.name_table(&rig.config().table_hash);
        }
        let trace = settings.trace.then(Trace::default);
        let duties = Duties::new(scenario, &dice).map_err(WorldError::Config)?;
        let mut world = Self {
            now: start,
            start,
            off: 0,
            agenda: Agenda::default(),
            wire: Wire::new(plan.wire, dice.branch("wire")),
            judges: Judges::new(checker, Log::new(settings.log), trace, settings.forge),
            scenario: scenario.clone(),
            dice: dice.branch("world"),
            fars: carriers(rig.config(), engine, &dice),
            addresses: BTreeMap::new(),
            carriers: 0,
            callers: BTreeMap::new(),
            next_caller: 0,
            legs: BTreeMap::new(),
            targets: BTreeMap::new(),
            seats: Vec::new(),
            text,
            duties: Arc::new(duties),
            served: Served::default(),
            calls: BTreeMap::new(),
            commands: BTreeMap::new(),
            next_token: 0,
            traffic: Traffic::new(scenario, dice.branch("traffic")),
            arrivals_until: start.mono + settings.lasts + settings.peace,
            burst_until: start.mono,
            stalled_until: start.mono,
            dirty: BTreeSet::new(),
            steps: 0,
            faulty: true,
            tally: Tally::new(scenario),
            mute: BTreeMap::new(),
            looking: false,
            peace: None,
            ignored: None,
            voices: super::voices::Voices::new(rig.config().waiting.music),
            mishaps: BTreeMap::new(),
            unsent: 0,
            faults_done: None,
            plan,
            rig,
        };
        world.carriers = world.fars.len();
        let places = world.rig.rtp_addresses().map(|(address, shard, port)| {
            let shard = shard as u16;
            (address, Place { shard, port })
        });
        world.judges.streams = Streams::new(places);
        world.judges.at_home(world.rig.shards());
        world.furnish(&dice);
        world.begin();
        Ok(world)
    }

    fn rig(
        text: &str,
        plan: &FaultPlan,
        queue: QueueKind,
        start: Now,
        dice: &Dice,
    ) -> Result<Rig, WorldError> {
        let settings = RigSettings {
            text: text.to_owned(),
            ports: if plan.few_ports { PORTS.1 } else { PORTS.0 },
            lag: plan.lag,
            queue,
        };
        Rig::new(&settings, start, dice.branch("rig")).map_err(WorldError::Config)
    }

    /// A telephone and somebody beside it for each seat.
    fn furnish(&mut self, dice: &Dice) {
        let engine = self.rig.address();
        let domain = self.rig.config().sip.domain.clone();
        for seat in 0..self.rig.config().seats.len() {
            let (address, means, password) = telephone(self.rig.config(), seat);
            let name = self.rig.config().seats[seat].name.clone();
            let own = dice.branch("seat").branch(&name);
            let far = FarId(self.fars.len());
            let agent = Far::new(address, means, engine, codecs(seat), own.branch("phone"));
            self.fars.push(agent);
            self.seats.push(SeatDesk {
                mind: SeatMind::new(
                    seat,
                    Arc::clone(&self.duties),
                    self.scenario.seats,
                    own.branch("mind"),
                ),
                far,
                name,
                password,
                domain: domain.clone(),
                calls: BTreeMap::new(),
                timer: None,
            });
        }
        let quirks = Quirks {
            lose_ack: self.plan.lose_ack,
            duplicate_bye: self.plan.duplicate_bye,
            late_answer: self.plan.late_answer,
            ring_reliably: RING_RELIABLY,
            hold_by_update: self.plan.by_the_other,
            refresh_by_invite: self.plan.by_the_other,
            time_sessions: self.plan.sessions,
            ..Quirks::default()
        };
        for (index, far) in self.fars.iter_mut().enumerate() {
            far.agent.quirks = quirks;
            self.addresses.insert(far.address, FarId(index));
        }
        if let Some(trace) = &mut self.judges.trace {
            trace.name(engine, "engine");
            for (index, far) in self.fars.iter().enumerate() {
                let name = match index.checked_sub(self.carriers) {
                    None => format!("carrier{index}"),
                    Some(seat) => self.seats[seat].name.clone(),
                };
                trace.name(far.address, &name);
            }
        }
    }

    fn begin(&mut self) {
        self.rig.begin(self.now, &mut self.judges);
        self.carry_out_effects();
        for seat in 0..self.seats.len() {
            let at = self.now.mono + self.dice.between(Duration::ZERO, Duration::from_secs(20));
            self.agenda.put(at, Due::Registers(seat));
            self.tell(Who::Seat(seat), &crate::people::Happening::ShiftTick);
        }
        self.slow(self.plan.lag);
        self.plan_mishaps();
        self.plan_hands();
        self.next_arrival();
        self.settle();
    }
}
