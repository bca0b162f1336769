//! A trunk with two peers, of which one is dead now and then: silent, full (503), or out of reach.
//!
//! Judged from what is on the wire, by code that knows nothing of the engine's:
//! - an emergency key reaches the other peer within its time, whatever is wrong with the one;
//! - no more calls are on the trunk at once than it has channels, those in and those out together, and
//!   ordinary callers leave the reserve alone.

#[path = "../../engine/tests/world/mod.rs"]
mod engine_world;
mod peer_net;

use engine_world::{CONFIG, TEN_O_CLOCK, World};
use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::{Command, Input, Reply, Shard};
use meishier_model::{CallId, Mono, TransferOutcome};
use meishier_sim::dice::Dice;
use meishier_sim::peer::{Agent, AgentEvent, CallKey};
use peer_net::{Air, CALM, SECOND, addr, agent, call, timeouts};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CALLERS: usize = 0;
const FIRST: usize = 1;
const SECOND_PEER: usize = 2;
const SEAT: usize = 3;
const PLACES: [&str; 4] = [
    engine_world::CARRIER,
    "10.0.1.5:5060",
    "10.0.1.6:5060",
    engine_world::scene::S0,
];
const CHANNELS: usize = 4;
const RESERVE: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    Well,
    Silent,
    Full,
    OutOfReach,
}

/// What the wire has shown of the trunk, by SIP Call-ID.
#[derive(Default)]
struct Wire {
    /// Calls in that were not refused.
    inward: BTreeSet<String>,
    /// Calls out: whose call, and whether the peer has said anything.
    outward: BTreeMap<String, (String, bool)>,
    /// INVITEs of calls out that were seen.
    known: BTreeSet<String>,
    most: usize,
    most_ordinary: usize,
}

fn value<'t>(text: &'t str, name: &str) -> &'t str {
    let of = |line: &'t str| line.split_once(": ").filter(|(key, _)| *key == name);
    text.lines().find_map(of).map_or("", |(_, value)| value)
}

impl Wire {
    /// A message between the engine and a carrier; `sent` by the engine.
    fn see(&mut self, text: &str, sent: bool) {
        let id = value(text, "Call-ID").to_owned();
        let start = text.lines().next().unwrap_or("");
        let (first, method) = (
            start.split(' ').next().unwrap_or(""),
            value(text, "CSeq").split(' ').nth(1).unwrap_or(""),
        );
        let fresh = !value(text, "To").contains(";tag=");
        match (first, sent) {
            ("INVITE", true) if fresh => {
                let owner = value(text, "X-Meishier-Call").to_owned();
                if !self.known.insert(id.clone()) {
                    // The same once more, perhaps of a peer that was given up meanwhile.
                    return;
                }
                // Who never said anything has no call; another is asked for it now.
                let stays = |whose: &str, heard: bool| heard || whose != owner;
                self.outward
                    .retain(|_, (whose, heard)| stays(whose, *heard));
                self.outward.insert(id, (owner, false));
            }
            ("SIP/2.0", true) if method == "INVITE" => {
                let status: u16 = start[8..11].parse().unwrap();
                match status {
                    ..101 => {}
                    101..300 => drop(self.inward.insert(id)),
                    _ => drop(self.inward.remove(&id)),
                }
            }
            ("SIP/2.0", false) if method == "INVITE" => {
                let status: u16 = start[8..11].parse().unwrap();
                match self.outward.get_mut(&id) {
                    Some(_) if status >= 300 => drop(self.outward.remove(&id)),
                    Some((_, heard)) => *heard = true,
                    None => {}
                }
            }
            // Confirmed ends: only then is the carrier's channel free.
            ("SIP/2.0", _) if method == "BYE" => {
                self.inward.remove(&id);
                self.outward.remove(&id);
            }
            _ => {}
        }
        let out = self.outward.values().map(|(whose, _)| whose);
        let out = out.collect::<BTreeSet<_>>().len();
        self.most = self.most.max(self.inward.len() + out);
        self.most_ordinary = self.most_ordinary.max(self.inward.len());
    }
}

struct Town {
    world: World,
    ends: Vec<Agent>,
    air: Air,
    ill: [Ill; 4],
    wire: Wire,
    log: Vec<(usize, AgentEvent)>,
    /// Calls that the seat has answered.
    taken: Vec<CallKey>,
}

impl Town {
    fn new(seed: u64) -> Self {
        let config = CONFIG.replace(
            "out = \"10.0.1.1:5060\"\n",
            &format!(
                "to = [\"10.0.1.5\", \"10.0.1.6\"]\nchannels = {CHANNELS}\nreserve = {RESERVE}\n\
                 options_every = \"40s\"\ndown_after = 1\n"
            ),
        );
        Self {
            world: World::with(&config, TEN_O_CLOCK),
            ends: PLACES
                .map(|at| agent(at, engine_world::ENGINE, seed))
                .into(),
            air: Air::new(Dice::new(seed).branch("air"), CALM),
            ill: [Ill::Well; 4],
            wire: Wire::default(),
            log: Vec::new(),
            taken: Vec::new(),
        }
    }

    fn now(&self) -> Mono {
        self.world.now.mono
    }

    fn collect(&mut self) {
        let (now, engine) = (self.now(), addr(engine_world::ENGINE));
        for (index, end) in self.ends.iter_mut().enumerate() {
            let from = end.settings().address;
            while let Some(bytes) = end.poll_packet() {
                if self.ill[index] != Ill::Silent {
                    self.air.send(now, from, engine, &bytes);
                }
            }
            while let Some(event) = end.poll_event() {
                self.log.push((index, event));
            }
        }
        while let Some(sent) = self.world.sent.pop_front() {
            let end = PLACES.iter().position(|at| addr(at) == sent.to);
            let end = end.unwrap_or(SEAT);
            if end != SEAT {
                self.wire.see(&sent.text, true);
            }
            match self.ill[end] {
                Ill::Silent => {}
                Ill::OutOfReach => {
                    let flow = Flow {
                        transport: Transport::Udp,
                        local: engine,
                        remote: sent.to,
                        connection: 0,
                    };
                    for shard in 0..self.world.shards.len() {
                        self.world.handle(shard, Input::FlowFailed { flow });
                    }
                }
                _ => self.air.send(now, engine, sent.to, sent.text.as_bytes()),
            }
        }
    }

    /// Telephones and carriers do what people do there.
    fn people(&mut self) {
        let now = self.now();
        for (end, event) in std::mem::take(&mut self.log) {
            if let AgentEvent::Incoming { key, .. } = event {
                if end == SEAT {
                    self.taken.push(key);
                }
                match self.ill[end] {
                    Ill::Full => drop(self.ends[end].reject(now, key, 503)),
                    _ => drop(self.ends[end].answer(now, key)),
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now() + time;
        loop {
            self.collect();
            self.people();
            self.collect();
            let shards = self.world.shards.iter().filter_map(Shard::poll_timeout);
            let next = shards.chain(self.air.soonest(&self.ends)).min();
            let next = next.unwrap_or(until).min(until);
            let before = self.now();
            self.world.pass(next.since(before));
            let now = self.now();
            while let Some(parcel) = self.air.arrive(now) {
                self.deliver(now, parcel);
            }
            timeouts(&mut self.ends, now);
            if now >= until {
                return self.collect();
            }
        }
    }

    fn deliver(&mut self, now: Mono, parcel: peer_net::Parcel) {
        if parcel.to == addr(engine_world::ENGINE) {
            let text = String::from_utf8(parcel.bytes).unwrap();
            if parcel.from != addr(PLACES[SEAT]) {
                self.wire.see(&text, false);
            }
            return self.world.arrive(parcel.from, &text);
        }
        let index = PLACES.iter().position(|at| addr(at) == parcel.to).unwrap();
        if self.ill[index] != Ill::Silent {
            self.ends[index].handle_packet(now, parcel.from, &parcel.bytes);
        }
    }

    fn calls_in(&mut self, count: usize, round: usize) -> Vec<CallKey> {
        let now = self.now();
        let number = |n: usize| format!("1330{round:03}{n:04}");
        (0..count)
            .map(|n| self.ends[CALLERS].invite(now, call("12356", &number(n))))
            .collect()
    }

    /// Presses the key in the call that has a counsellor.
    fn press(&mut self) {
        let shards = self.world.shards.iter();
        let calls: Vec<CallId> = shards.flat_map(|shard| shard.calls()).collect();
        let pressed = calls.iter().any(|call| {
            let reply = self.world.command(Command::press(*call, "110", "贵阳"));
            matches!(reply, Reply::Transfer(Ok(_)))
        });
        assert!(pressed, "somebody talks");
    }
}

/// What may be wrong with one peer while the other is well.
fn fall_ill(town: &mut Town, dice: &mut Dice) -> Ill {
    let ill = [Ill::Silent, Ill::Full, Ill::OutOfReach][dice.index(3)];
    let who = [FIRST, SECOND_PEER][dice.index(2)];
    town.ill = [Ill::Well; 4];
    town.ill[who] = ill;
    ill
}

#[test]
fn an_emergency_key_reaches_the_other_peer_and_no_call_is_beyond_the_channels() {
    let mut seen = BTreeMap::new();
    for seed in 0..12 {
        let mut dice = Dice::new(seed).branch("peers");
        let mut town = Town::new(seed);
        engine_world::scene::sign_on(&mut town.world, 0, 0);
        for round in 0..4 {
            // More callers than the trunk has channels; one seat answers the first.
            let callers = town.calls_in(1 + dice.index(6), round);
            town.pass(SECOND * 5);
            let ill = fall_ill(&mut town, &mut dice);
            *seen.entry(format!("{ill:?}")).or_insert(0) += 1;
            // Sometimes OPTIONS have found it out already, sometimes not.
            town.pass(SECOND * [0, 1, 20, 80][dice.index(4)]);
            town.press();
            town.pass(SECOND * 12);
            let now = town.now();
            for key in callers {
                if !town.ends[CALLERS].bye(now, key) {
                    town.ends[CALLERS].cancel(now, key);
                }
            }
            town.pass(SECOND);
            // The counsellor is still with whoever the key reached.
            for key in std::mem::take(&mut town.taken) {
                let now = town.now();
                town.ends[SEAT].bye(now, key);
            }
            town.pass(SECOND * 20);
            let records = std::mem::take(&mut town.world.records);
            let mut transfers = records.iter().flat_map(|record| &record.transfers);
            let transfer = transfers.next().expect("the key was pressed");
            assert_eq!(
                transfer.outcome,
                TransferOutcome::Joined,
                "seed {seed} round {round} {ill:?} {:?}",
                transfer.tried
            );
            assert!(
                town.wire.most <= CHANNELS,
                "seed {seed}: {}",
                town.wire.most
            );
            assert!(town.wire.most_ordinary <= CHANNELS - RESERVE, "seed {seed}");
            town.ill = [Ill::Well; 4];
            town.pass(SECOND * 120);
        }
        let trunk = meishier_model::TrunkId(0);
        assert_eq!(town.world.queue.channels().taken(trunk), 0, "seed {seed}");
        assert_eq!(town.world.gauges().calls, 0);
        assert!(town.wire.most > 1, "the trunk was in use both ways");
    }
    assert_eq!(seen.len(), 3, "every illness was met: {seen:?}");
}
