//! What goes wrong in a run: how often, and for how long.
//!
//! `swarm` turns a random subset on for each seed: a run in which everything fails at once hides
//! the failures that need something else to work.

use crate::dice::Dice;
use crate::wire::WireSettings;
use std::time::Duration;

/// Which faults a run is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultLevel {
    /// None: a good network and people as they are.
    #[default]
    None,
    /// Every kind now and then, none for long.
    Light,
    /// A random subset of all kinds, each as strong as the dice say.
    Swarm,
}

impl FaultLevel {
    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Swarm => "swarm",
        }
    }
}

/// Something that happens out of the blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// A host is cut off, one way or both, for seconds to minutes.
    Cut,
    /// The trunk is down for minutes, then back.
    TrunkDown,
    /// A seat's telephone loses its power and comes back later.
    SeatVanishes,
    /// A peer stops answering in one dialog.
    PeerStops,
    /// A TCP connection breaks, or an ICMP error comes back.
    FlowFails,
    /// A party's RTP stops while its signalling goes on.
    RtpStops,
    /// The civil clock is set.
    WallJumps,
    /// The machine stands still for a while; then everything is late.
    EngineStalls,
    /// The configuration is changed.
    Reconfigured,
    /// A shard is turned into a snapshot and restored.
    ShardReplaced,
    /// The whole engine is turned into snapshots and restored beside an empty queue.
    EngineReplaced,
    /// Ten times as many calls for a while.
    Burst,
}

impl Mishap {
    /// All of them, in a fixed order.
    pub const ALL: [Self; 12] = [
        Self::Cut,
        Self::TrunkDown,
        Self::SeatVanishes,
        Self::PeerStops,
        Self::FlowFails,
        Self::RtpStops,
        Self::WallJumps,
        Self::EngineStalls,
        Self::Reconfigured,
        Self::ShardReplaced,
        Self::EngineReplaced,
        Self::Burst,
    ];

    /// Its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::TrunkDown => "trunk_down",
            Self::SeatVanishes => "seat_vanishes",
            Self::PeerStops => "peer_stops",
            Self::FlowFails => "flow_fails",
            Self::RtpStops => "rtp_stops",
            Self::WallJumps => "wall_jumps",
            Self::EngineStalls => "engine_stalls",
            Self::Reconfigured => "reconfigured",
            Self::ShardReplaced => "shard_replaced",
            Self::EngineReplaced => "engine_replaced",
            Self::Burst => "burst",
        }
    }

    /// How often it happens at its most, times a day.
    fn most_a_day(self) -> f64 {
        match self {
            Self::Cut | Self::SeatVanishes | Self::FlowFails => 60.0,
            Self::PeerStops | Self::RtpStops => 40.0,
            Self::TrunkDown | Self::WallJumps | Self::EngineStalls | Self::Reconfigured => 12.0,
            Self::ShardReplaced | Self::EngineReplaced => 40.0,
            Self::Burst => 1.0,
        }
    }
}

/// The faults of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// The network.
    pub wire: WireSettings,
    /// Longest time for which a letter lies in an inbox.
    pub lag: Duration,
    /// Share of ACKs that a peer forgets.
    pub lose_ack: f64,
    /// Share of BYEs that a peer sends twice.
    pub duplicate_bye: f64,
    /// Share of CANCELs that cross an answer.
    pub late_answer: f64,
    /// Share of calls whose INVITE has no offer.
    pub late_offer: f64,
    /// Share of sessions that are to be refreshed, by either side; and whether the engine asks for it.
    pub sessions: f64,
    /// Share of holds by UPDATE, and of refreshes by re-INVITE.
    pub by_the_other: f64,
    /// Mean times a day of each mishap.
    pub mishaps: Vec<(Mishap, f64)>,
    /// RTP ports of a shard are few.
    pub few_ports: bool,
    /// The queue takes few callers.
    pub small_queue: bool,
    /// Number of shards, if another one than the configuration's.
    pub shards: Option<u16>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self {
            wire: WireSettings::GOOD,
            lag: Duration::from_micros(200),
            lose_ack: 0.0,
            duplicate_bye: 0.0,
            late_answer: 0.0,
            late_offer: 0.0,
            sessions: 0.0,
            by_the_other: 0.0,
            mishaps: Vec::new(),
            few_ports: false,
            small_queue: false,
            shards: None,
        }
    }

    /// The plan of a level; `swarm` rolls.
    #[must_use]
    pub fn of(level: FaultLevel, dice: &mut Dice) -> Self {
        match level {
            FaultLevel::None => Self::none(),
            FaultLevel::Light => Self::light(),
            FaultLevel::Swarm => Self::swarm(dice),
        }
    }

    fn light() -> Self {
        let rare = |mishap: Mishap| (mishap, mishap.most_a_day() * 0.1);
        Self {
            wire: WireSettings {
                loss: 0.01,
                duplication: 0.01,
                shortest: Duration::from_millis(1),
                longest: Duration::from_millis(30),
            },
            lag: Duration::from_millis(1),
            lose_ack: 0.01,
            duplicate_bye: 0.02,
            late_answer: 0.1,
            late_offer: 0.1,
            sessions: 0.3,
            by_the_other: 0.4,
            mishaps: Mishap::ALL.into_iter().map(rare).collect(),
            ..Self::none()
        }
    }

    fn swarm(dice: &mut Dice) -> Self {
        let good = Self::none();
        let mut maybe = |most: f64| {
            if dice.chance(0.5) {
                most * dice.share()
            } else {
                0.0
            }
        };
        let wire = WireSettings {
            loss: maybe(0.3),
            duplication: maybe(0.5),
            shortest: Duration::from_millis(1),
            longest: Duration::from_millis(5) + Duration::from_millis(400).mul_f64(maybe(1.0)),
        };
        let lag = good.lag + Duration::from_millis(50).mul_f64(maybe(1.0));
        let (lose_ack, duplicate_bye, late_answer) = (maybe(0.3), maybe(0.5), maybe(1.0));
        let (late_offer, sessions, by_the_other) = (maybe(0.5), maybe(1.0), maybe(1.0));
        let mishaps: Vec<(Mishap, f64)> = Mishap::ALL
            .into_iter()
            .map(|mishap| (mishap, maybe(mishap.most_a_day())))
            .filter(|(_, often)| *often > 0.0)
            .collect();
        Self {
            wire,
            lag,
            lose_ack,
            duplicate_bye,
            late_answer,
            late_offer,
            sessions,
            by_the_other,
            mishaps,
            few_ports: dice.chance(0.15),
            small_queue: dice.chance(0.15),
            shards: dice.chance(0.7).then(|| 1 + dice.roll(4) as u16),
        }
    }
}
