//! Far ends against the real engine: a carrier full of callers, telephones at seats with and
//! without registration, over wires that lose, double, delay and reorder.

#[path = "../../engine/tests/world/mod.rs"]
mod engine_world;
mod peer_net;

use engine_world::{CONFIG, TEN_O_CLOCK, World};
use meishier_engine::Shard;
use meishier_model::Mono;
use meishier_sim::dice::Dice;
use meishier_sim::peer::{Agent, AgentEvent, CallKey, Codec, NewCall, Quirks};
use peer_net::{Air, CALM, SECOND, STORM, Weather, addr, agent, call, incoming, is_end, timeouts};
use std::collections::BTreeMap;
use std::time::Duration;

const CARRIER: usize = 0;
/// The registered telephone.
const R0: usize = 4;

struct Town {
    world: World,
    /// The carrier, the static seats s0 to s2, and r0.
    ends: Vec<Agent>,
    air: Air,
    log: Vec<Vec<AgentEvent>>,
}

impl Town {
    fn new(seed: u64, weather: Weather) -> Self {
        let config = CONFIG.replace(
            "outgoing_number = \"12356\"\n\n[[trunks]]",
            "outgoing_number = \"12356\"\noptions_every = \"30s\"\n\n[[trunks]]",
        );
        let addresses = [
            engine_world::CARRIER,
            engine_world::scene::S0,
            engine_world::scene::S1,
            engine_world::scene::S2,
            "10.0.2.9:5066",
        ];
        let ends = addresses.map(|at| agent(at, engine_world::ENGINE, seed));
        Self {
            world: World::with(&config, TEN_O_CLOCK),
            log: vec![Vec::new(); ends.len()],
            ends: ends.into(),
            air: Air::new(Dice::new(seed).branch("air"), weather),
        }
    }

    fn now(&self) -> Mono {
        self.world.now.mono
    }

    fn told(&self) -> usize {
        self.log.iter().map(Vec::len).sum()
    }

    fn collect(&mut self) {
        let now = self.now();
        for (index, end) in self.ends.iter_mut().enumerate() {
            let from = end.settings().address;
            while let Some(bytes) = end.poll_packet() {
                self.air.send(now, from, addr(engine_world::ENGINE), &bytes);
            }
            while let Some(event) = end.poll_event() {
                self.log[index].push(event);
            }
        }
        while let Some(sent) = self.world.sent.pop_front() {
            let from = addr(engine_world::ENGINE);
            self.air.send(now, from, sent.to, sent.text.as_bytes());
        }
    }

    /// Until that time, or until something was told.
    fn run(&mut self, until: Mono) {
        let told = self.told();
        loop {
            self.collect();
            if self.told() > told {
                return;
            }
            let shards = self.world.shards.iter().filter_map(Shard::poll_timeout);
            let next = shards.chain(self.air.soonest(&self.ends)).min();
            let next = next.unwrap_or(until).min(until);
            let before = self.now();
            self.world.pass(next.since(before));
            let now = self.now();
            while let Some(parcel) = self.air.arrive(now) {
                if parcel.to == addr(engine_world::ENGINE) {
                    let text = String::from_utf8(parcel.bytes).unwrap();
                    self.world.arrive(parcel.from, &text);
                } else {
                    let end = self
                        .ends
                        .iter_mut()
                        .find(|e| e.settings().address == parcel.to);
                    end.unwrap().handle_packet(now, parcel.from, &parcel.bytes);
                }
            }
            timeouts(&mut self.ends, now);
            if now >= until {
                return self.collect();
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now() + time;
        while self.now() < until {
            self.run(until);
        }
    }

    /// A star code dialled at a seat.
    fn star(&mut self, end: usize, name: &str, code: &str) -> CallKey {
        let now = self.now();
        self.ends[end].invite(now, call(code, name))
    }

    fn last_incoming(&self, end: usize) -> (CallKey, Option<String>) {
        let found = self.log[end].iter().rev().find_map(|e| match e {
            AgentEvent::Incoming {
                key, engine_call, ..
            } => Some((*key, engine_call.clone())),
            _ => None,
        });
        found.expect("a call came in")
    }

    fn at_rest(&mut self) {
        self.pass(SECOND * 150);
        for end in &self.ends {
            assert_eq!(end.live(), 0, "{end:#?}");
        }
        let gauges = self.world.gauges();
        assert_eq!((gauges.calls, gauges.legs, gauges.ports), (0, 0, 0));
        assert!(
            self.world
                .notices
                .iter()
                .all(|notice| { !matches!(notice, meishier_engine::Notice::Unexpected(_)) })
        );
    }
}

#[test]
fn a_caller_and_a_counsellor_talk() {
    let mut town = Town::new(1, CALM);
    town.star(1, "s0", "*11*100*1230");
    town.pass(SECOND);
    assert!(
        matches!(town.log[1][0], AgentEvent::Answered { .. }),
        "{:?}",
        town.log[1]
    );
    town.pass(SECOND * 20);
    assert!(matches!(town.log[1].last(), Some(AgentEvent::Ended { .. })));
    let caller = town.ends[CARRIER].invite(
        town.world.now.mono,
        NewCall {
            to_user: "12356".to_owned(),
            caller: "anonymous".to_owned(),
            asserted: Some("13300000001".to_owned()),
            ..NewCall::default()
        },
    );
    town.pass(SECOND);
    let (seat, engine_call) = town.last_incoming(1);
    assert!(engine_call.is_some());
    assert!(matches!(
        town.log[CARRIER][0],
        AgentEvent::Progress { status: 180, .. }
    ));
    let now = town.now();
    assert!(town.ends[1].ring(now, seat, 180));
    town.pass(SECOND);
    let now = town.now();
    assert!(town.ends[1].answer(now, seat));
    town.pass(SECOND);
    assert_eq!(
        town.log[CARRIER].last(),
        Some(&AgentEvent::Answered { key: caller })
    );
    assert_eq!(
        town.log[1].last(),
        Some(&AgentEvent::Confirmed { key: seat })
    );
    for (end, key) in [(CARRIER, caller), (1, seat)] {
        let stream = town.ends[end].stream(key).unwrap();
        assert_eq!(stream.codec, Some(Codec::Pcma));
        assert_eq!(stream.remote.unwrap().ip(), addr(engine_world::ENGINE).ip());
        assert!(stream.sends && stream.hears);
    }
    for on in [true, false] {
        let now = town.now();
        assert!(town.ends[CARRIER].hold(now, caller, on));
        town.pass(SECOND * 5);
        let done = AgentEvent::HoldDone {
            key: caller,
            status: 200,
        };
        assert_eq!(town.log[CARRIER].last(), Some(&done));
        assert_eq!(town.ends[CARRIER].stream(caller).unwrap().hears, !on);
    }
    let now = town.now();
    assert!(town.ends[CARRIER].bye(now, caller));
    town.pass(SECOND);
    assert_eq!(town.log[1].last(), Some(&AgentEvent::Ended { key: seat }));
    town.at_rest();
    assert_eq!(town.world.records.len(), 1);
}

#[test]
fn ringing_that_is_to_be_acknowledged_is_on_every_wire() {
    for (seed, weather) in [(3, CALM), (4, STORM)] {
        let mut town = Town::new(seed, weather);
        town.ends[1].quirks.ring_reliably = 1.0;
        engine_world::scene::sign_on(&mut town.world, 0, 0);
        for turn in 0..8 {
            let now = town.now();
            let caller = town.ends[CARRIER].invite(now, call("12356", "13300000001"));
            town.pass(SECOND * 2);
            let (seat, _) = town.last_incoming(1);
            let now = town.now();
            town.ends[1].ring(now, seat, 180);
            town.pass(SECOND * 8);
            let now = town.now();
            town.ends[1].answer(now, seat);
            town.pass(SECOND * 8);
            assert!(
                town.log[CARRIER].contains(&AgentEvent::Answered { key: caller }),
                "{turn}"
            );
            let now = town.now();
            town.ends[CARRIER].bye(now, caller);
            town.pass(SECOND * 60);
        }
        let fired = town.ends[1].fired();
        let of = (fired.reliable_rings, fired.pracks, fired.unheard_rings);
        assert_eq!(of, (8, 8, 0), "each was acknowledged");
        town.at_rest();
    }
}

#[test]
fn the_engine_refreshes_sessions_on_every_wire() {
    for (seed, weather) in [(5, CALM), (6, STORM)] {
        let mut town = Town::new(seed, weather);
        engine_world::scene::sign_on(&mut town.world, 0, 0);
        let mut new = call("12356", "13300000001");
        new.session = Some(180);
        let caller = town.ends[CARRIER].invite(town.world.now.mono, new);
        town.pass(SECOND * 2);
        let (seat, _) = town.last_incoming(1);
        let now = town.now();
        town.ends[1].answer(now, seat);
        town.pass(SECOND * 3600);
        let fired = town.ends[CARRIER].fired();
        assert_eq!(fired.expired, 0);
        assert!((38..=41).contains(&fired.refreshed), "{fired:?}");
        let now = town.now();
        assert!(town.ends[CARRIER].bye(now, caller), "it stands still");
        town.at_rest();
    }
}

#[test]
fn a_registered_telephone_stays_registered_and_signs_on() {
    let mut town = Town::new(2, CALM);
    let now = town.now();
    town.ends[R0].register(now, "r0", "test.invalid", "secret-r0", 600);
    town.pass(SECOND);
    assert_eq!(town.log[R0], [AgentEvent::Registered { expires: 600 }]);
    assert_eq!(town.ends[R0].live(), 0);
    // Refreshes, and a nonce that turns stale meanwhile.
    town.pass(SECOND * 7200);
    assert!(town.log[R0].len() >= 15, "{:?}", town.log[R0]);
    assert!(
        town.log[R0]
            .iter()
            .all(|e| *e == AgentEvent::Registered { expires: 600 })
    );
    assert_eq!(town.world.bindings["r0"].len(), 1);
    // The INVITE of a star code is challenged, too.
    town.star(R0, "r0", "*11*100*1230");
    town.pass(SECOND);
    assert!(matches!(
        town.log[R0].last(),
        Some(AgentEvent::Answered { .. })
    ));
    town.pass(SECOND * 20);
    let now = town.now();
    let caller = town.ends[CARRIER].invite(now, call("12356", "13300000001"));
    town.pass(SECOND);
    let (seat, _) = town.last_incoming(R0);
    let now = town.now();
    town.ends[R0].answer(now, seat);
    town.pass(SECOND);
    assert_eq!(
        town.log[CARRIER].last(),
        Some(&AgentEvent::Answered { key: caller })
    );
    let now = town.now();
    town.ends[R0].bye(now, seat);
    town.pass(SECOND);
    assert_eq!(
        town.log[CARRIER].last(),
        Some(&AgentEvent::Ended { key: caller })
    );
    let now = town.now();
    town.ends[R0].register(now, "r0", "test.invalid", "secret-r0", 0);
    town.pass(SECOND);
    assert_eq!(
        town.log[R0].last(),
        Some(&AgentEvent::Registered { expires: 0 })
    );
    assert!(town.world.bindings["r0"].is_empty());
    town.at_rest();
    let now = town.now();
    town.ends[R0].register(now, "r0", "test.invalid", "wrong", 600);
    town.pass(SECOND);
    let refused = AgentEvent::RegisterRefused { status: 403 };
    assert_eq!(town.log[R0].last(), Some(&refused));
}

/// Callers call, seats answer, refuse or ring out, and everybody hangs up when it pleases them.
fn a_quarter_of_an_hour(seed: u64, weather: Weather) -> (Town, u64) {
    let mut town = Town::new(seed, weather);
    let mut dice = Dice::new(seed).branch("people");
    let quirks = Quirks {
        lose_ack: 0.2,
        duplicate_bye: 0.2,
        late_answer: 0.5,
        duplicate_any: 0.1,
        hold_by_update: 0.3,
        ring_reliably: 0.5,
        time_sessions: 0.5,
        refresh_by_invite: 0.5,
    };
    for end in &mut town.ends {
        if dice.chance(0.5) {
            end.quirks = quirks;
        }
    }
    let now = town.now();
    town.ends[R0].register(now, "r0", "test.invalid", "secret-r0", 600);
    for (seat, counsellor) in [(0, 0), (1, 1), (2, 2)] {
        engine_world::scene::sign_on(&mut town.world, seat, counsellor);
    }
    let mut keys: Vec<Vec<CallKey>> = vec![Vec::new(); town.ends.len()];
    let mut read = vec![0; town.ends.len()];
    let end = town.now() + SECOND * 900;
    let mut answered = 0;
    while town.now() < end {
        let next = town.now() + dice.exponential(SECOND * 2);
        while town.now() < next {
            town.run(next);
            for index in 0..town.ends.len() {
                for event in &town.log[index][read[index]..] {
                    match event {
                        AgentEvent::Incoming { key, .. } => keys[index].push(*key),
                        AgentEvent::Confirmed { .. } => answered += 1,
                        _ => {}
                    }
                }
                read[index] = town.log[index].len();
            }
        }
        let now = town.now();
        let who = dice.index(town.ends.len());
        let agent = &mut town.ends[who];
        let place = match dice.roll(6) {
            0 => dice.index(keys[who].len()),
            _ => keys[who].len().saturating_sub(1),
        };
        let Some(key) = keys[who].get(place).copied() else {
            if who == CARRIER {
                keys[who].push(agent.invite(now, call("12356", "13300000001")));
            }
            continue;
        };
        match dice.roll(16) {
            0..6 if who == CARRIER => {
                keys[who].push(agent.invite(now, call("12356", "13300000001")));
            }
            0..4 => drop(agent.ring(now, key, 180)),
            4..10 => drop(agent.answer(now, key)),
            10 => drop(agent.reject(now, key, 486)),
            11 => drop(agent.hold(now, key, true)),
            12 => drop(agent.hold(now, key, false)),
            13 => agent.options(now),
            _ => drop(agent.bye(now, key)),
        }
    }
    for round in 0..4 {
        for (index, agent) in town.ends.iter_mut().enumerate() {
            keys[index].extend(incoming(&town.log[index]));
            for key in &keys[index] {
                agent.bye(town.world.now.mono, *key);
            }
        }
        town.pass(SECOND * 40);
        if round == 0 {
            town.air.weather = CALM;
        }
    }
    (town, answered)
}

#[test]
fn every_call_ends_in_any_weather() {
    let mut answered = 0;
    for seed in 0..40 {
        let weather = if seed % 4 == 0 { CALM } else { STORM };
        let (mut town, some) = a_quarter_of_an_hour(seed, weather);
        answered += some;
        town.at_rest();
        for log in &town.log {
            let mut ends: BTreeMap<CallKey, &AgentEvent> = BTreeMap::new();
            for event in log.iter().filter(|e| is_end(e)) {
                let (AgentEvent::Refused { key, .. }
                | AgentEvent::Cancelled { key }
                | AgentEvent::Ended { key }
                | AgentEvent::Failed { key }) = event
                else {
                    continue;
                };
                let before = ends.insert(*key, event);
                assert_eq!(before, None, "seed {seed}: {event:?} too");
            }
        }
    }
    assert!(answered > 200, "only {answered} calls were answered");
}
