//! Two far ends against each other, over wires that lose, double, delay and reorder.

mod peer_net;

use meishier_model::Mono;
use meishier_sim::dice::Dice;
use meishier_sim::peer::{Agent, AgentEvent, CallKey, Quirks, Transport};
use peer_net::{
    A, Air, B, CALM, SECOND, STORM, Weather, agent, call, incoming, is_end, settings, timeouts,
};
use std::collections::BTreeMap;
use std::time::Duration;

struct Pair {
    now: Mono,
    ends: [Agent; 2],
    air: Air,
    log: [Vec<AgentEvent>; 2],
}

impl Pair {
    fn new(seed: u64, weather: Weather) -> Self {
        Self {
            now: Mono(5_000_000),
            ends: [agent(A, B, seed), agent(B, A, seed)],
            air: Air::new(Dice::new(seed).branch("air"), weather),
            log: [Vec::new(), Vec::new()],
        }
    }

    fn collect(&mut self) {
        for (index, end) in self.ends.iter_mut().enumerate() {
            let (from, to) = (end.settings().address, end.settings().engine);
            while let Some(bytes) = end.poll_packet() {
                self.air.send(self.now, from, to, &bytes);
            }
            while let Some(event) = end.poll_event() {
                self.log[index].push(event);
            }
        }
    }

    /// Until that time, or until something was told.
    fn run(&mut self, until: Mono) {
        let told = self.log.iter().map(Vec::len).sum::<usize>();
        loop {
            self.collect();
            if self.log.iter().map(Vec::len).sum::<usize>() > told {
                return;
            }
            let next = self.air.soonest(&self.ends);
            let Some(next) = next.filter(|at| *at <= until) else {
                self.now = self.now.max(until);
                return;
            };
            self.now = self.now.max(next);
            while let Some(parcel) = self.air.arrive(self.now) {
                let end = self
                    .ends
                    .iter_mut()
                    .find(|e| e.settings().address == parcel.to);
                end.unwrap()
                    .handle_packet(self.now, parcel.from, &parcel.bytes);
            }
            timeouts(&mut self.ends, self.now);
        }
    }

    /// However much is told meanwhile.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.run(until);
        }
    }

    fn incoming(&self) -> CallKey {
        incoming(&self.log[1]).next().expect("a call came in")
    }

    fn established(seed: u64) -> (Self, CallKey, CallKey) {
        let mut pair = Self::new(seed, CALM);
        let out = pair.ends[0].invite(pair.now, call("12356", "13300000001"));
        pair.pass(SECOND / 10);
        let into = pair.incoming();
        assert!(pair.ends[1].ring(pair.now, into, 180));
        pair.pass(SECOND / 10);
        assert!(pair.ends[1].answer(pair.now, into));
        pair.pass(SECOND / 10);
        assert!(pair.log[0].contains(&AgentEvent::Answered { key: out }));
        assert!(pair.log[1].contains(&AgentEvent::Confirmed { key: into }));
        (pair, out, into)
    }

    fn at_rest(&mut self) {
        self.pass(SECOND * 120);
        assert_eq!((self.ends[0].live(), self.ends[1].live()), (0, 0));
        assert_eq!(self.ends[0].poll_timeout(), None);
        assert_eq!(self.ends[1].poll_timeout(), None);
    }

    fn streams_agree(&self, out: CallKey, into: CallKey) {
        let (a, b) = (
            self.ends[0].stream(out).unwrap(),
            self.ends[1].stream(into).unwrap(),
        );
        assert_eq!((a.remote, b.remote), (Some(b.local), Some(a.local)));
        assert_eq!(a.codec, b.codec);
        assert!(a.codec.is_some());
        assert_eq!((a.sends, a.hears), (b.hears, b.sends));
    }
}

#[test]
fn a_call_is_held_resumed_and_hung_up() {
    let (mut pair, out, into) = Pair::established(1);
    pair.streams_agree(out, into);
    for by_update in [0.0, 1.0] {
        pair.ends[0].quirks.hold_by_update = by_update;
        assert!(pair.ends[0].hold(pair.now, out, true));
        assert!(!pair.ends[0].hold(pair.now, out, true), "one at a time");
        pair.pass(SECOND);
        pair.streams_agree(out, into);
        let stream = pair.ends[0].stream(out).unwrap();
        assert!(stream.sends && !stream.hears);
        assert!(pair.ends[0].hold(pair.now, out, false));
        pair.pass(SECOND);
        pair.streams_agree(out, into);
        assert!(pair.ends[0].stream(out).unwrap().hears);
    }
    let done = AgentEvent::HoldDone {
        key: out,
        status: 200,
    };
    assert_eq!(pair.log[0].iter().filter(|e| **e == done).count(), 4);
    assert!(pair.ends[1].bye(pair.now, into));
    assert!(!pair.ends[1].bye(pair.now, into));
    pair.pass(SECOND);
    assert_eq!(pair.log[0].last(), Some(&AgentEvent::Ended { key: out }));
    assert!(!pair.log[1].iter().any(is_end));
    pair.at_rest();
}

#[test]
fn two_holds_that_meet_are_both_done_in_the_end() {
    for seed in 0..20 {
        let (mut pair, out, into) = Pair::established(seed);
        assert!(pair.ends[0].hold(pair.now, out, true));
        assert!(pair.ends[1].hold(pair.now, into, true));
        pair.pass(SECOND * 10);
        for (log, key) in pair.log.iter().zip([out, into]) {
            let done = AgentEvent::HoldDone { key, status: 200 };
            assert_eq!(log.last(), Some(&done), "seed {seed}");
        }
        let stream = pair.ends[0].stream(out).unwrap();
        assert!(!stream.hears && !stream.sends);
        pair.streams_agree(out, into);
        pair.ends[0].bye(pair.now, out);
        pair.at_rest();
    }
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut pair = Pair::new(3, CALM);
    let mut late = call("12356", "1");
    late.late_offer = true;
    let out = pair.ends[0].invite(pair.now, late);
    pair.pass(SECOND / 10);
    let into = pair.incoming();
    assert!(matches!(
        &pair.log[1][0],
        AgentEvent::Incoming { body: false, .. }
    ));
    pair.ends[1].ring(pair.now, into, 183);
    pair.ends[1].answer(pair.now, into);
    pair.pass(SECOND);
    pair.streams_agree(out, into);
    assert!(pair.ends[0].stream(out).unwrap().hears);
    pair.ends[0].bye(pair.now, out);
    pair.at_rest();
}

#[test]
fn early_media_is_heard_before_the_answer() {
    let mut pair = Pair::new(4, CALM);
    let out = pair.ends[0].invite(pair.now, call("12356", "1"));
    pair.pass(SECOND / 10);
    assert!(!pair.ends[0].stream(out).unwrap().hears);
    let into = pair.incoming();
    pair.ends[1].ring(pair.now, into, 183);
    pair.pass(SECOND / 10);
    pair.streams_agree(out, into);
    let progress = AgentEvent::Progress {
        key: out,
        status: 183,
        early_media: true,
    };
    assert!(pair.log[0].contains(&progress));
    // The caller is tired of it.
    assert!(pair.ends[0].cancel(pair.now, out));
    pair.pass(SECOND);
    let refused = AgentEvent::Refused {
        key: out,
        status: 487,
    };
    assert_eq!(pair.log[0].last(), Some(&refused));
    let cancelled = AgentEvent::Cancelled { key: into };
    assert_eq!(pair.log[1].last(), Some(&cancelled));
    pair.at_rest();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut pair = Pair::new(5, CALM);
    pair.ends[1].quirks.late_answer = 1.0;
    let out = pair.ends[0].invite(pair.now, call("12356", "1"));
    pair.pass(SECOND / 10);
    let into = pair.incoming();
    pair.ends[1].ring(pair.now, into, 180);
    pair.pass(SECOND / 10);
    pair.ends[0].cancel(pair.now, out);
    pair.pass(SECOND);
    assert_eq!(pair.log[0].last(), Some(&AgentEvent::Ended { key: out }));
    let cancelled = AgentEvent::Cancelled { key: into };
    assert_eq!(pair.log[1].last(), Some(&cancelled));
    assert_eq!(pair.log.iter().flatten().filter(|e| is_end(e)).count(), 2);
    pair.at_rest();
}

#[test]
fn without_an_ack_the_called_side_hangs_up() {
    let mut pair = Pair::new(6, CALM);
    pair.ends[0].quirks.lose_ack = 1.0;
    let out = pair.ends[0].invite(pair.now, call("12356", "1"));
    pair.pass(SECOND / 10);
    let into = pair.incoming();
    pair.ends[1].answer(pair.now, into);
    pair.pass(SECOND * 31);
    assert!(!pair.log[1].iter().any(is_end));
    pair.pass(SECOND * 3);
    assert_eq!(pair.log[1].last(), Some(&AgentEvent::Failed { key: into }));
    assert_eq!(pair.log[0].last(), Some(&AgentEvent::Ended { key: out }));
    pair.at_rest();
}

#[test]
fn over_tcp_nothing_lingers_that_need_not() {
    let mut pair = Pair::new(7, CALM);
    for (end, (own, other)) in pair.ends.iter_mut().zip([(A, B), (B, A)]) {
        let mut tcp = settings(own, other);
        tcp.transport = Transport::Tcp;
        *end = Agent::new(tcp, Dice::new(7).branch(own));
    }
    pair.ends[0].invite(pair.now, call("12356", "1"));
    pair.pass(SECOND / 10);
    let into = pair.incoming();
    assert!(pair.ends[1].reject(pair.now, into, 486));
    pair.pass(SECOND / 10);
    assert!(matches!(
        pair.log[0].last(),
        Some(AgentEvent::Refused { status: 486, .. })
    ));
    assert_eq!((pair.ends[0].live(), pair.ends[1].live()), (0, 0));
}

#[test]
fn who_stops_says_nothing_any_more() {
    let (mut pair, out, into) = Pair::established(8);
    pair.ends[1].stop(into);
    assert_eq!(pair.ends[1].live(), 0);
    assert_eq!(pair.ends[1].stream(into), None);
    pair.ends[0].bye(pair.now, out);
    pair.pass(SECOND * 31);
    assert!(!pair.log[0].iter().any(is_end));
    pair.pass(SECOND * 2);
    assert_eq!(pair.log[0].last(), Some(&AgentEvent::Failed { key: out }));
    pair.at_rest();
}

#[test]
fn without_power_everything_is_forgotten() {
    let (mut pair, out, into) = Pair::established(9);
    pair.ends[1].power(false);
    assert_eq!(pair.ends[1].live(), 0);
    assert!(!pair.ends[1].bye(pair.now, into));
    pair.ends[1].options(pair.now);
    pair.ends[1].power(true);
    pair.ends[0].bye(pair.now, out);
    pair.pass(SECOND);
    // 481 ends it as well as 200.
    assert_eq!(pair.ends[0].stream(out), None);
    assert!(!pair.log[0].iter().any(is_end));
    pair.at_rest();
}

/// One call with everything that two people can do to it, as dice fall.
fn anything(seed: u64, weather: Weather) -> (Pair, u64) {
    let mut pair = Pair::new(seed, weather);
    let mut dice = Dice::new(seed).branch("people");
    for end in &mut pair.ends {
        if dice.chance(0.5) {
            end.quirks = Quirks {
                lose_ack: 0.3,
                duplicate_bye: 0.3,
                late_answer: 0.5,
                duplicate_any: 0.1,
                hold_by_update: 0.5,
                ring_reliably: 0.5,
                time_sessions: 0.5,
                refresh_by_invite: 0.5,
            };
        }
    }
    let mut keys: [Vec<CallKey>; 2] = [Vec::new(), Vec::new()];
    let mut read = [0, 0];
    let end = pair.now + SECOND * 120;
    let mut answered = 0;
    while pair.now < end {
        let next = pair.now + dice.exponential(SECOND * 3);
        while pair.now < next {
            pair.run(next);
            for index in 0..2 {
                for event in &pair.log[index][read[index]..] {
                    if let AgentEvent::Incoming { key, .. } = event {
                        keys[index].push(*key);
                    }
                    answered += u64::from(matches!(event, AgentEvent::Answered { .. }));
                }
                read[index] = pair.log[index].len();
            }
        }
        let who = dice.index(2);
        let (agent, now) = (&mut pair.ends[who], pair.now);
        if keys[who].is_empty() || dice.chance(0.2) {
            let mut new = call("12356", "13300000001");
            new.late_offer = dice.chance(0.2);
            keys[who].push(agent.invite(now, new));
            continue;
        }
        let key = keys[who][dice.index(keys[who].len())];
        match dice.roll(10) {
            0 => agent.cancel(now, key),
            1 => agent.bye(now, key),
            2 => agent.reject(now, key, 486),
            3 => agent.ring(now, key, 180),
            4 => agent.ring(now, key, 183),
            5..=7 => agent.answer(now, key),
            8 => agent.hold(now, key, true),
            _ => agent.hold(now, key, false),
        };
    }
    // Everybody goes home.
    for round in 0..3 {
        // Those too who were called only a moment ago.
        for (log, keys) in pair.log.iter().zip(&mut keys) {
            keys.extend(incoming(log));
        }
        for (agent, keys) in pair.ends.iter_mut().zip(&keys) {
            for key in keys {
                agent.bye(pair.now, *key);
            }
        }
        pair.pass(SECOND * 40);
        if round == 0 {
            pair.air.weather = CALM;
        }
    }
    (pair, answered)
}

#[test]
fn every_call_ends_on_both_sides_in_any_weather() {
    let mut answered = 0;
    for seed in 0..400 {
        let weather = if seed % 4 == 0 { CALM } else { STORM };
        let (mut pair, some) = anything(seed, weather);
        answered += some;
        pair.pass(SECOND * 120);
        let live = (pair.ends[0].live(), pair.ends[1].live());
        assert_eq!(live, (0, 0), "seed {seed}: {:#?}", pair.ends);
        for log in &pair.log {
            let mut ends = BTreeMap::new();
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
    assert!(answered > 400, "only {answered} calls were answered");
}

#[test]
fn the_same_seed_tells_the_same() {
    let log = |seed| format!("{:?}", anything(seed, STORM).0.log);
    assert_eq!(log(11), log(11));
    assert_ne!(log(11), log(12));
}
