//! A thousand calls between two endpoints over a network that loses, doubles and reorders: both
//! ends always agree in the end, every leg is told gone once and last, and nothing stays behind.

use meishier_model::{LegId, Mono, ShardId};
use meishier_signaling::{
    Endpoint, EndpointConfig, Event, Flow, Invite, LegState, Party, Timers, Transmit, Transport,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// xorshift64*: the only chance in this test, so that a seed says all.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }
}

#[derive(Clone, Copy)]
struct Weather {
    loss: u64,
    doubled: u64,
    /// Longest time on the way, milliseconds; the shortest is 1.
    slowest: u64,
    transport: Transport,
}

/// What one end knows of a leg.
#[derive(Default, Debug)]
struct Story {
    told: Vec<&'static str>,
    up: bool,
    gone: bool,
    hung_up: bool,
}

struct World {
    ends: [Endpoint; 2],
    stories: [BTreeMap<LegId, Story>; 2],
    wire: BTreeMap<(Mono, u64), (usize, Transmit)>,
    plans: BTreeMap<(Mono, u64), (usize, LegId, Plan)>,
    order: u64,
    now: Mono,
    chance: Chance,
    weather: Weather,
}

#[derive(Clone, Copy)]
enum Plan {
    Ring,
    Answer,
    Reject,
    Hangup,
    Reinvite,
    AnswerReinvite,
}

fn flow(end: usize, transport: Transport) -> Flow {
    let addresses = [
        "192.0.2.1:5060".parse().unwrap(),
        "192.0.2.2:5060".parse().unwrap(),
    ];
    Flow {
        transport,
        local: addresses[end],
        remote: addresses[1 - end],
        connection: u64::from(transport == Transport::Tcp),
    }
}

impl World {
    fn new(seed: u64, weather: Weather) -> Self {
        let end = |n: u8| {
            Endpoint::new(EndpointConfig {
                shard: ShardId(n.into()),
                user_agent: "x".into(),
                timers: Timers::default(),
                max_legs: 2000,
                max_transactions: 4000,
                seed: [n; 32],
                supported: vec!["100rel".into()],
            })
        };
        Self {
            ends: [end(1), end(2)],
            stories: Default::default(),
            wire: BTreeMap::new(),
            plans: BTreeMap::new(),
            order: 0,
            now: Mono(1),
            chance: Chance(seed),
            weather,
        }
    }

    fn plan(&mut self, end: usize, leg: LegId, within: u64, plan: Plan) {
        self.order += 1;
        let at = self.now + Duration::from_millis(self.chance.below(within));
        self.plans.insert((at, self.order), (end, leg, plan));
    }

    fn call(&mut self) {
        let flow = flow(0, self.weather.transport);
        let party = |uri: &str| Party {
            display: None,
            uri: uri.into(),
        };
        let invite = Invite {
            flow,
            uri: "sip:b@192.0.2.2".into(),
            from: party("sip:a@x"),
            to: party("sip:b@x"),
            contact_user: "a".into(),
            sdp: Some(b"v=0\r\n".to_vec()),
            attached: None,
            headers: vec![],
            terms: Default::default(),
        };
        let leg = self.ends[0].invite(self.now, invite).unwrap();
        self.stories[0].insert(leg, Story::default());
        if self.chance.percent(30) {
            self.plan(0, leg, 4000, Plan::Hangup);
        }
    }

    fn drain(&mut self) {
        for end in 0..2 {
            while let Some(out) = self.ends[end].poll_transmit() {
                self.carry(1 - end, out);
            }
            while let Some(event) = self.ends[end].poll_event() {
                self.hear(end, event);
            }
        }
        if (0..2).any(|end| self.ends[end].stats().legs > 0) {
            assert!(
                self.ends[0].poll_timeout().is_some()
                    || self.ends[1].poll_timeout().is_some()
                    || !self.wire.is_empty()
                    || !self.plans.is_empty()
            );
        }
    }

    fn carry(&mut self, to: usize, out: Transmit) {
        let reliable = self.weather.transport == Transport::Tcp;
        let copies = match () {
            () if reliable => 1,
            () if self.chance.percent(self.weather.loss) => 0,
            () if self.chance.percent(self.weather.doubled) => 2,
            () => 1,
        };
        for _ in 0..copies {
            self.order += 1;
            let delay = if reliable {
                5
            } else {
                1 + self.chance.below(self.weather.slowest)
            };
            let at = self.now + Duration::from_millis(delay);
            self.wire.insert((at, self.order), (to, out.clone()));
        }
    }

    fn hear(&mut self, end: usize, event: Event) {
        let (leg, word) = match &event {
            Event::Invite { leg, .. } => (*leg, "invite"),
            Event::Progress { leg, .. } => (*leg, "progress"),
            Event::Answered { leg, .. } => (*leg, "answered"),
            Event::Confirmed { leg } => (*leg, "confirmed"),
            Event::Failed { leg, .. } => (*leg, "failed"),
            Event::Ended { leg, .. } => (*leg, "ended"),
            Event::Gone { leg } => (*leg, "gone"),
            Event::Reinvite { leg, .. } => (*leg, "reinvite"),
            Event::ReinviteDone { leg, .. } => (*leg, "done"),
            Event::Info { leg, .. } => (*leg, "info"),
            Event::Probed { .. }
            | Event::Refer { .. }
            | Event::OfferAnswered { .. }
            | Event::Request { .. }
            | Event::Response { .. }
            | Event::RegisterDone { .. } => panic!("not in this play"),
        };
        let story = self.stories[end].entry(leg).or_default();
        assert!(!story.gone, "gone is the last word: {story:?} {word}");
        if story.hung_up {
            assert!(
                matches!(word, "gone"),
                "after hangup only gone: {story:?} {word}"
            );
        }
        for once in ["invite", "answered", "confirmed", "failed", "ended", "gone"] {
            assert!(
                word != once || !story.told.contains(&once),
                "{once} twice: {story:?}"
            );
        }
        story.told.push(word);
        story.gone = word == "gone";
        story.up |= matches!(word, "answered" | "confirmed");
        self.react(end, leg, word);
    }

    fn react(&mut self, end: usize, leg: LegId, word: &str) {
        match word {
            "invite" => {
                self.plan(end, leg, 200, Plan::Ring);
                let what = if self.chance.percent(75) {
                    Plan::Answer
                } else {
                    Plan::Reject
                };
                self.plan(end, leg, 5000, what);
            }
            "answered" | "confirmed" => {
                // Both sides may change the session or hang up, now and then at the same time.
                if self.chance.percent(40) {
                    self.plan(end, leg, 3000, Plan::Reinvite);
                }
                self.plan(end, leg, 20_000, Plan::Hangup);
            }
            "reinvite" => self.plan(end, leg, 300, Plan::AnswerReinvite),
            _ => {}
        }
    }

    fn act(&mut self, end: usize, leg: LegId, plan: Plan) {
        let now = self.now;
        let sip = &mut self.ends[end];
        let story = self.stories[end].entry(leg).or_default();
        // What is too late is refused by the leg; that is part of the play.
        let _ = match plan {
            // With a description where the number of the leg says so.
            Plan::Ring => match leg.0 % 2 {
                0 => sip.ring(now, leg, 180, None),
                _ => sip.ring(now, leg, 183, Some(b"v=0\r\n")),
            },
            Plan::Answer => sip.answer(now, leg, b"v=0\r\n"),
            Plan::Reject => {
                let done = sip.reject(now, leg, 486, &[]);
                story.hung_up |= done.is_ok();
                done
            }
            Plan::Hangup => {
                assert!(sip.poll_event().is_none(), "events are drained");
                let done = sip.hangup(now, leg, None);
                story.hung_up |= done.is_ok();
                done
            }
            Plan::Reinvite => sip.reinvite(now, leg, b"v=0\r\n"),
            Plan::AnswerReinvite => sip.answer_reinvite(now, leg, b"v=0\r\n"),
        };
    }

    /// The next thing that happens; false when nothing will ever happen again.
    fn step(&mut self) -> bool {
        let wire = self.wire.keys().next().map(|k| k.0);
        let plan = self.plans.keys().next().map(|k| k.0);
        let timers = [self.ends[0].poll_timeout(), self.ends[1].poll_timeout()];
        let Some(at) = [wire, plan, timers[0], timers[1]]
            .into_iter()
            .flatten()
            .min()
        else {
            return false;
        };
        self.now = self.now.max(at);
        if wire == Some(at) {
            let (_, (to, out)) = self.wire.pop_first().unwrap();
            let flow = flow(to, self.weather.transport);
            self.ends[to].handle_message(self.now, flow, &out.bytes);
        } else if plan == Some(at) {
            let (_, (end, leg, plan)) = self.plans.pop_first().unwrap();
            self.act(end, leg, plan);
        } else {
            let end = usize::from(timers[0] != Some(at));
            self.ends[end].handle_timeout(self.now);
            assert!(
                self.ends[end]
                    .poll_timeout()
                    .is_none_or(|next| next > self.now)
            );
        }
        self.drain();
        true
    }

    fn check(&self) {
        for (end, stories) in self.stories.iter().enumerate() {
            assert_eq!(
                self.ends[end].stats(),
                Default::default(),
                "everything is freed"
            );
            for (leg, story) in stories {
                assert!(story.gone, "{leg:?} of {end}: {story:?}");
                let fates = ["failed", "ended"]
                    .iter()
                    .filter(|f| story.told.contains(f))
                    .count();
                let ended = fates == 1 || story.hung_up;
                assert!(ended && fates <= 1, "{leg:?} of {end}: {story:?}");
            }
        }
    }
}

fn run(seed: u64, calls: u64, weather: Weather) -> World {
    let mut world = World::new(seed, weather);
    for _ in 0..calls {
        world.call();
        world.drain();
        let until = world.now + Duration::from_millis(40);
        while [
            world.wire.keys().next().map(|k| k.0),
            world.plans.keys().next().map(|k| k.0),
            world.ends[0].poll_timeout(),
            world.ends[1].poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
        .is_some_and(|at| at <= until)
        {
            world.step();
        }
        world.now = until;
    }
    let mut steps = 0_u64;
    while world.step() {
        steps += 1;
        assert!(steps < 2_000_000, "it never ends");
    }
    world.check();
    world
}

#[test]
fn a_thousand_calls_through_a_storm_leave_nothing_behind() {
    let weather = Weather {
        loss: 15,
        doubled: 15,
        slowest: 300,
        transport: Transport::Udp,
    };
    let world = run(1, 1000, weather);
    let answered = world.stories[1].values().filter(|s| s.up).count();
    assert!(answered > 300, "most calls come through: {answered}");
    assert!(world.ends[0].counters().retransmissions_sent > 0);
    assert!(world.ends[1].counters().retransmissions_received > 0);
}

#[test]
fn a_clear_day_over_udp_and_tcp() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let world = run(
            2,
            300,
            Weather {
                loss: 0,
                doubled: 0,
                slowest: 5,
                transport,
            },
        );
        for end in &world.ends {
            assert_eq!(end.counters().malformed, 0);
            assert_eq!(end.counters().limited, 0);
        }
        // Without loss both sides have the same calls.
        assert_eq!(world.stories[0].len(), world.stories[1].len());
    }
}

#[test]
fn many_small_storms() {
    for seed in 10..40 {
        let weather = Weather {
            loss: seed % 50,
            doubled: seed % 30,
            slowest: 20 + seed * 20,
            transport: Transport::Udp,
        };
        run(seed, 30, weather);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let trace = |seed: u64| {
        let weather = Weather {
            loss: 20,
            doubled: 20,
            slowest: 200,
            transport: Transport::Udp,
        };
        let mut world = World::new(seed, weather);
        let mut trace = Vec::new();
        for _ in 0..20 {
            world.call();
        }
        world.drain();
        while world.step() {
            trace.extend(
                world
                    .wire
                    .values()
                    .next_back()
                    .map(|(_, out)| out.bytes.clone()),
            );
        }
        trace
    };
    assert_eq!(trace(5), trace(5));
}

#[test]
fn a_dead_network_ends_every_call() {
    let mut world = run(
        3,
        0,
        Weather {
            loss: 0,
            doubled: 0,
            slowest: 5,
            transport: Transport::Udp,
        },
    );
    for _ in 0..50 {
        world.call();
    }
    let up = |world: &World| {
        let legs = world.stories[0].keys();
        legs.filter(|leg| world.ends[0].leg_state(**leg) == Some(LegState::Confirmed))
            .count()
    };
    while up(&world) < 10 {
        assert!(world.step());
    }
    world.weather.loss = 100;
    // Ringing has no end in SIP: the engine's own limits end what still rings or talks.
    for end in 0..2 {
        let legs: Vec<LegId> = world.stories[end].keys().copied().collect();
        for leg in legs {
            world.plan(end, leg, 60_000, Plan::Hangup);
        }
    }
    while world.step() {}
    world.check();
}
