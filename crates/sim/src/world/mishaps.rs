//! What goes wrong out of the blue, and how the world carries it out.

use super::desks::{Leg, Who};
use super::far::FarId;
use super::{Due, World};
use crate::faults::Mishap;
use crate::invariants::{Invariant, Violation};
use crate::people::{Happening, Token};
use crate::rig::ToEngine;
use crate::wire::{Cut, Means};
use meishier_model::Mono;
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// What telephones ask for when they register, seconds.
const EXPIRES: u32 = 300;

/// Seconds.
const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl World {
    /// Puts down when each mishap happens for the first time.
    pub(super) fn plan_mishaps(&mut self) {
        for (mishap, often) in self.plan.mishaps.clone() {
            self.plan_mishap(mishap, often);
        }
    }

    fn plan_mishap(&mut self, mishap: Mishap, often: f64) {
        let after = self.dice.exponential(DAY.div_f64(often.max(1e-6)));
        let at = self.now.mono + after;
        if at <= self.arrivals_until {
            self.agenda.put(at, Due::Mishap(mishap));
        }
    }

    pub(super) fn mishap(&mut self, mishap: Mishap) -> Result<(), Violation> {
        if !self.faulty {
            return Ok(());
        }
        let often = self.plan.mishaps.iter().find(|(m, _)| *m == mishap);
        if let Some((_, often)) = often.copied() {
            self.plan_mishap(mishap, often);
        }
        *self.mishaps.entry(mishap.as_str()).or_default() += 1;
        self.judges
            .note(self.now.mono, format_args!("mishap {}", mishap.as_str()));
        match mishap {
            Mishap::Cut => self.cut_somebody(),
            Mishap::TrunkDown => self.trunk_down(),
            Mishap::SeatVanishes => self.seat_vanishes(),
            Mishap::PeerStops => self.peer_stops(),
            Mishap::FlowFails => self.flow_fails(),
            Mishap::RtpStops => self.rtp_stops(),
            Mishap::WallJumps => self.wall_jumps(),
            Mishap::EngineStalls => self.engine_stalls(),
            Mishap::Reconfigured => self.reconfigure()?,
            Mishap::ShardReplaced => {
                let shard = self.dice.index(self.rig.shards().len());
                self.replace_shard(shard)?;
            }
            Mishap::EngineReplaced => self.replace_engine()?,
            Mishap::Burst => {
                let lasts = self.dice.between(s(300), s(3600));
                self.burst_until = self.now.mono + lasts;
            }
        }
        Ok(())
    }

    /// What the faults did, by name: mishaps, the wires, the far ends' quirks.
    pub(crate) fn faults(&self) -> BTreeMap<&'static str, u64> {
        if let Some(done) = &self.faults_done {
            return done.clone();
        }
        let mut faults = self.mishaps.clone();
        let wire = self.wire.counts();
        let sum = |of: fn(crate::peer::Fired) -> u64| -> u64 {
            self.fars.iter().map(|far| of(far.agent.fired())).sum()
        };
        faults.extend([
            ("messages_cut", wire.cut),
            ("datagrams", wire.datagrams),
            ("datagrams_lost", wire.lost),
            ("datagrams_doubled", wire.doubled),
            ("messages_unsent", self.unsent),
            ("lost_acks", sum(|fired| fired.lost_acks)),
            ("doubled_byes", sum(|fired| fired.doubled_byes)),
            ("late_answers", sum(|fired| fired.late_answers)),
        ]);
        faults
    }

    fn until(&mut self, shortest: Duration, longest: Duration) -> Mono {
        self.now.mono + self.dice.between(shortest, longest)
    }

    fn cut_somebody(&mut self) {
        let far = self.dice.index(self.fars.len());
        let which = [Cut::ToEngine, Cut::FromEngine, Cut::Both][self.dice.index(3)];
        let until = self.until(s(1), s(300));
        self.wire.cut(self.fars[far].address.ip(), which, until);
    }

    fn trunk_down(&mut self) {
        let far = self.dice.index(self.carriers);
        let until = self.until(s(10), s(1200));
        self.wire.cut(self.fars[far].address.ip(), Cut::Both, until);
    }

    /// A seat's telephone, rather one that has a call.
    fn some_seat(&mut self) -> usize {
        let busy: Vec<usize> = (0..self.seats.len())
            .filter(|seat| !self.seats[*seat].calls.is_empty())
            .collect();
        match busy.as_slice() {
            [] => self.dice.index(self.seats.len()),
            some if self.dice.chance(0.8) => some[self.dice.index(some.len())],
            _ => self.dice.index(self.seats.len()),
        }
    }

    fn seat_vanishes(&mut self) {
        let seat = self.some_seat();
        let far = self.seats[seat].far;
        self.fars[far.0].agent.power(false);
        let calls = std::mem::take(&mut self.seats[seat].calls);
        for (key, known) in calls {
            let caller = known.engine.and_then(|call| self.calls.get(&call)).copied();
            let call = Token(key.0);
            self.tell(Who::Seat(seat), &Happening::CallFailed { call });
            if let Some(id) = caller {
                self.person(id, false);
            }
        }
        let at = self.until(s(5), s(1800));
        self.agenda.put(at, Due::PowerBack(seat));
    }

    pub(super) fn power_back(&mut self, seat: usize) {
        let far = &mut self.fars[self.seats[seat].far.0];
        if !far.agent.powered() {
            far.agent.power(true);
            self.register(seat);
        }
    }

    pub(super) fn register(&mut self, seat: usize) {
        let desk = &self.seats[seat];
        let agent = &mut self.fars[desk.far.0].agent;
        if !desk.password.is_empty() && agent.powered() {
            agent.register(
                self.now.mono,
                &desk.name,
                &desk.domain,
                &desk.password,
                EXPIRES,
            );
            self.dirty.insert(desk.far);
        }
    }

    fn peer_stops(&mut self) {
        let legs: Vec<(Leg, (u64, Token))> = self
            .legs
            .iter()
            .map(|(leg, whose)| (*leg, *whose))
            .collect();
        let targets: Vec<Leg> = self.targets.keys().copied().collect();
        match self.dice.roll(4) {
            0 if !targets.is_empty() => {
                let leg = targets[self.dice.index(targets.len())];
                self.fars[leg.0.0].agent.stop(leg.1);
                self.targets.remove(&leg);
            }
            1 => {
                let seat = self.some_seat();
                let far = self.seats[seat].far;
                for (key, _) in std::mem::take(&mut self.seats[seat].calls) {
                    self.fars[far.0].agent.stop(key);
                    let call = Token(key.0);
                    self.tell(Who::Seat(seat), &Happening::CallFailed { call });
                }
            }
            _ if !legs.is_empty() => {
                let ((far, key), (id, call)) = legs[self.dice.index(legs.len())];
                self.fars[far.0].agent.stop(key);
                self.legs.remove(&(far, key));
                if let Some(desk) = self.callers.get_mut(&id) {
                    desk.leg = None;
                }
                self.tell(Who::Caller(id), &Happening::CallFailed { call });
            }
            _ => {}
        }
    }

    fn flow_fails(&mut self) {
        let far = FarId(self.dice.index(self.fars.len()));
        let (remote, means) = (self.fars[far.0].address, self.fars[far.0].means);
        self.rig.fail_flow(self.now.mono, remote, means);
        self.carry_out_effects();
        if means == Means::Stream {
            self.connection_gone(far);
        }
    }

    /// A telephone notices that its connection is gone, and registers over another one.
    fn connection_gone(&mut self, far: FarId) {
        if let Some(seat) = far.0.checked_sub(self.carriers) {
            let at = self.until(s(1), s(10));
            self.agenda.put(at, Due::Registers(seat));
        }
    }

    /// The packets of somebody in a call do not come for a while; the telephone itself lives.
    fn rtp_stops(&mut self) {
        let seats = self.seats.iter();
        let seats = seats.flat_map(|desk| desk.calls.keys().map(|key| (desk.far, *key)));
        let legs: Vec<Leg> = self.legs.keys().copied().chain(seats).collect();
        if legs.is_empty() {
            return;
        }
        let (far, key) = legs[self.dice.index(legs.len())];
        if let Some(stream) = self.fars[far.0].agent.stream(key) {
            let until = self.until(s(5), s(600));
            self.mute.insert(stream.local, until);
        }
    }

    /// The civil clock the engine sees is off by so many milliseconds from now on.
    pub(super) fn set_wall(&mut self, off: i64) {
        if off == self.off {
            return;
        }
        self.off = off;
        self.go_to(self.now.mono);
        for shard in 0..self.rig.shards().len() {
            self.next_token += 1;
            let token = self.next_token;
            let what = ToEngine::Reschedule { shard, token };
            self.agenda.put(self.now.mono, Due::Engine(what));
        }
    }

    fn wall_jumps(&mut self) {
        let longest = [s(2), s(3600), s(26 * 3600)][self.dice.index(3)];
        let ms = self.dice.between(s(0), longest).as_millis() as i64;
        let ms = if self.dice.chance(0.5) { -ms } else { ms };
        self.set_wall(ms);
        let at = self.until(s(60), s(7200));
        self.agenda.put(at, Due::WallRight);
    }

    fn engine_stalls(&mut self) {
        self.stalled_until = self.until(Duration::from_millis(50), s(40));
        let lasts = self.stalled_until - self.now.mono;
        self.slow(lasts);
        self.agenda.put(self.stalled_until, Due::StallOver);
    }

    pub(super) fn engine_at_fault(what: String) -> Violation {
        Violation {
            invariant: Invariant::OnePlace,
            call: None,
            what,
        }
    }

    fn replace_shard(&mut self, shard: usize) -> Result<(), Violation> {
        self.rig
            .replace_shard(self.now, shard, &mut self.judges)
            .map_err(Self::engine_at_fault)?;
        self.judge(shard)
    }

    /// The engine is killed and another one goes on from its snapshot.
    pub(crate) fn replace_engine(&mut self) -> Result<(), Violation> {
        let shards = self.rig.shards().iter();
        let calls = shards.flat_map(|shard| shard.call_standings());
        let calls = calls.map(|call| format!(" {} {}", call.phase.as_str(), call.sip_call_id));
        let calls: Vec<String> = calls.collect();
        let (step, calls) = (self.steps, calls.join(","));
        self.judges.note(
            self.now.mono,
            format_args!("engine restored at step {step}:{calls}"),
        );
        self.rig
            .replace_all(self.now, &mut self.judges)
            .map_err(Self::engine_at_fault)?;
        for far in 0..self.fars.len() {
            if self.fars[far].means == Means::Stream {
                self.connection_gone(FarId(far));
            }
        }
        self.judge(0)
    }

    fn reconfigure(&mut self) -> Result<(), Violation> {
        let text = self.another_configuration();
        let taken = self.rig.configure(self.now, &text, &mut self.judges);
        self.judges
            .note(self.now.mono, format_args!("configuration taken: {taken}"));
        self.judge(0)
    }

    /// The configuration with some of what may change while it runs changed by the dice.
    fn another_configuration(&mut self) -> String {
        let Ok(mut table) = self.text.parse::<toml::Table>() else {
            return String::new();
        };
        let dice = &mut self.dice;
        let mut set = |path: [&str; 2], value: toml::Value| {
            let section = table.get_mut(path[0]).and_then(|it| it.as_table_mut());
            if let Some(section) = section {
                section.insert(path[1].into(), value);
            }
        };
        let mut seconds =
            |from: u64, to: u64| toml::Value::from(format!("{}s", from + dice.roll(to - from)));
        set(["offer", "ring"], seconds(8, 40));
        set(["offer", "wrapup"], seconds(0, 300));
        set(["offer", "backoff"], seconds(0, 120));
        set(["waiting", "announce_every"], seconds(10, 90));
        let flip = dice.chance(0.5);
        set(["waiting", "greeting"], flip.into());
        set(
            ["waiting", "max_waiting"],
            (3 + dice.roll(300) as i64).into(),
        );
        if let Some(pools) = table.get_mut("pools").and_then(|it| it.as_array_mut()) {
            for pool in pools {
                let shifts = pool.get_mut("shifts").and_then(|it| it.as_array_mut());
                for shift in shifts.into_iter().flatten() {
                    if let Some(shift) = shift.as_table_mut() {
                        shift.insert("lines".into(), (1 + dice.roll(9) as i64).into());
                    }
                }
            }
        }
        if let Some(routes) = table.get_mut("routes").and_then(|it| it.as_array_mut()) {
            for route in routes.iter_mut().filter_map(|it| it.as_table_mut()) {
                if dice.chance(0.3) {
                    turn_rings(route);
                }
            }
        }
        if let Some(trunks) = table.get_mut("trunks").and_then(|it| it.as_array_mut()) {
            for trunk in trunks.iter_mut().filter_map(|it| it.as_table_mut()) {
                let early = ["progress", "ringing"][dice.index(2)];
                trunk.insert("early".into(), early.into());
            }
        }
        toml::to_string(&table).unwrap_or_default()
    }
}

/// The first pool of a route becomes its last; the times stay where they are.
fn turn_rings(route: &mut toml::Table) {
    let Some(rings) = route.get_mut("rings").and_then(|it| it.as_array_mut()) else {
        return;
    };
    let name = |ring: &toml::Value| match ring {
        toml::Value::Table(ring) => ring.get("pool").cloned().unwrap_or_else(|| "".into()),
        name => name.clone(),
    };
    let mut names: Vec<toml::Value> = rings.iter().map(name).collect();
    names.rotate_left(1.min(rings.len()));
    for (ring, new) in rings.iter_mut().zip(names) {
        match ring {
            toml::Value::Table(ring) => drop(ring.insert("pool".into(), new)),
            name => *name = new,
        }
    }
}
