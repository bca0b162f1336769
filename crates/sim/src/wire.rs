//! The network between the engine and everybody else: it loses, repeats, delays and reorders, and
//! parts of it are cut off for a while.
//!
//! Over UDP each message takes its chances alone. Over TCP none is lost or overtaken: a cut
//! only makes them late.

use crate::dice::Dice;
use meishier_model::Mono;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Most copies of one datagram that arrive.
const MAX_COPIES: usize = 3;

/// How the wires behave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WireSettings {
    /// Share of datagrams that are lost, 0 to 0.3.
    pub loss: f64,
    /// Share of datagrams that arrive more than once, 0 to 0.5.
    pub duplication: f64,
    /// Shortest time under way.
    pub shortest: Duration,
    /// Longest time under way; datagrams overtake each other within it.
    pub longest: Duration,
}

impl WireSettings {
    /// A good network: nothing is lost, 1 to 5 ms each way.
    pub const GOOD: Self = Self {
        loss: 0.0,
        duplication: 0.0,
        shortest: Duration::from_millis(1),
        longest: Duration::from_millis(5),
    };
}

/// Which way of a cut path lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing reaches the engine from there.
    ToEngine,
    /// Nothing reaches the far end.
    FromEngine,
    /// Neither.
    Both,
}

/// Whether bytes travel as datagrams or as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// UDP.
    Datagram,
    /// TCP.
    Stream,
}

/// What the wires did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// Messages from the engine to far ends.
    pub from_engine: u64,
    /// Messages from far ends to the engine.
    pub to_engine: u64,
    /// Messages that were held up or swallowed by a cut.
    pub cut: u64,
    /// Datagrams that no cut swallowed.
    pub datagrams: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Of these, arrived more than once.
    pub doubled: u64,
}

/// Everything between the engine and the far ends.
#[derive(Debug)]
pub struct Wire {
    settings: WireSettings,
    dice: Dice,
    /// Hosts that are cut off, which way and until when.
    cuts: BTreeMap<IpAddr, (Cut, Mono)>,
    /// When the last message of each stream arrives: the next one not before.
    streams: BTreeMap<(SocketAddr, bool), Mono>,
    counts: WireCounts,
}

impl Wire {
    /// Wires that behave so.
    #[must_use]
    pub fn new(settings: WireSettings, dice: Dice) -> Self {
        Self {
            settings,
            dice,
            cuts: BTreeMap::new(),
            streams: BTreeMap::new(),
            counts: WireCounts::default(),
        }
    }

    /// What was sent so far, and what became of it.
    #[must_use]
    pub fn counts(&self) -> WireCounts {
        self.counts
    }

    /// From now on they behave so.
    pub fn set(&mut self, settings: WireSettings) {
        self.settings = settings;
    }

    /// Cuts a host off until then; a later cut of the same host takes the place of the earlier one.
    pub fn cut(&mut self, host: IpAddr, which: Cut, until: Mono) {
        self.cuts.insert(host, (which, until));
    }

    /// Heals every cut.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// When a host is reached again in that direction, if it is cut off now.
    #[must_use]
    pub fn cut_until(&self, now: Mono, host: IpAddr, to_engine: bool) -> Option<Mono> {
        let (which, until) = self.cuts.get(&host)?;
        let hit = match which {
            Cut::ToEngine => to_engine,
            Cut::FromEngine => !to_engine,
            Cut::Both => true,
        };
        (hit && *until > now).then_some(*until)
    }

    /// When a message between the engine and this far end arrives: never, once, or several times.
    pub fn send(
        &mut self,
        now: Mono,
        far: SocketAddr,
        to_engine: bool,
        means: Means,
    ) -> ([Option<Mono>; MAX_COPIES], usize) {
        let mut arrivals = [None; MAX_COPIES];
        let cut = self.cut_until(now, far.ip(), to_engine);
        match to_engine {
            true => self.counts.to_engine += 1,
            false => self.counts.from_engine += 1,
        }
        self.counts.cut += u64::from(cut.is_some());
        if means == Means::Stream {
            let last = self.streams.entry((far, to_engine)).or_default();
            let start = cut.unwrap_or(now);
            let at = (start
                + self
                    .dice
                    .between(self.settings.shortest, self.settings.longest))
            .max(*last + Duration::from_micros(1));
            *last = at;
            arrivals[0] = Some(at);
            return (arrivals, 1);
        }
        if cut.is_some() {
            return (arrivals, 0);
        }
        self.counts.datagrams += 1;
        if self.dice.chance(self.settings.loss) {
            self.counts.lost += 1;
            return (arrivals, 0);
        }
        let mut copies = 1;
        while copies < MAX_COPIES && self.dice.chance(self.settings.duplication) {
            copies += 1;
        }
        self.counts.doubled += u64::from(copies > 1);
        for arrival in &mut arrivals[..copies] {
            let delay = self
                .dice
                .between(self.settings.shortest, self.settings.longest);
            *arrival = Some(now + delay);
        }
        (arrivals, copies)
    }
}
