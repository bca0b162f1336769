//! The world of one run: the engine in its rig, the far ends, the people, the wires, the mishaps,
//! and a calendar that says what comes next.
//!
//! ```text
//!            ┌──────────────── agenda: what happens when ────────────────┐
//!            ▼                                                            │
//!   minds ◄─► agents ◄──► wire ◄──► rig (engine) ──► judges after every step
//!   callers, counsellors,   loss,      shards, queue,
//!   police                  delay      inboxes, media
//! ```
//!
//! One event at a time; the clock stands still while it is dealt with.

mod cast;
mod desks;
mod far;
mod helps;
mod judges;
mod mishaps;
mod says;
mod setting;
mod voices;

pub use setting::{WorldError, WorldSettings};

use crate::agenda::Agenda;
use crate::dice::Dice;
use crate::faults::{FaultPlan, Mishap};
use crate::figures::{Served, Tally};
use crate::invariants::{Inspection, Violation};
use crate::people::{Asked, Duties};
use crate::rig::{Effect, Rig, ToEngine};
use crate::scenario::Scenario;
use crate::traffic::{Arrival, CallPlan, Traffic};
use crate::wire::{Means, Wire};
use desks::{CallerDesk, SeatDesk, TargetDesk, Who};
use far::{Far, FarId};
use judges::Judges;
use meishier_model::{CallId, Mono, Now, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Callers that come beside each other one while there are ten times as many.
const BURST: usize = 9;

/// How often it is looked whose packets come.
const MEDIA_LOOK: Duration = Duration::from_secs(5);

/// How long what went wrong may have consequences once nothing goes wrong any more: until the last
/// request is given up (64·T1) and the telephones have registered again.
const PEACE_SETTLES: Duration = Duration::from_secs(600);

/// Something that is going to happen.
#[derive(Debug)]
enum Due {
    /// The engine gets something.
    Engine(ToEngine),
    /// A message reaches a far end.
    Packet(FarId, Vec<u8>),
    /// A far end's timer; stale if it has another one by now.
    FarTimer(FarId, Mono),
    /// A person's; stale if it has another one by now.
    Mind(Who, Mono),
    /// Somebody calls, and the next one is to be looked for.
    Arrival(Box<Arrival>),
    /// Somebody calls beside them.
    Another(Box<CallPlan>),
    /// Somebody says something that routing has rules for.
    Says(says::Saying),
    /// Somebody in a conversation with third parties does something.
    Helps(helps::Deed),
    /// Something goes wrong.
    Mishap(Mishap),
    /// A seat's telephone gets its power back, or is started for the first time.
    PowerBack(usize),
    /// The civil clock is right again.
    WallRight,
    /// Media looks whose packets come.
    MediaLook,
    /// The engine has caught up after it stood still.
    StallOver,
    /// A seat's telephone registers anew.
    Registers(usize),
}

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    now: Now,
    start: Now,
    /// How far the civil clock is off, milliseconds.
    off: i64,
    agenda: Agenda<Due>,
    rig: Rig,
    wire: Wire,
    judges: Judges,
    scenario: Scenario,
    plan: FaultPlan,
    dice: Dice,
    fars: Vec<Far>,
    addresses: BTreeMap<SocketAddr, FarId>,
    /// How many of `fars`, from the front, are carriers.
    carriers: usize,
    callers: BTreeMap<u64, CallerDesk>,
    next_caller: u64,
    /// Calls that carriers' agents made: whose, and which attempt.
    legs: BTreeMap<desks::Leg, (u64, crate::people::Token)>,
    targets: BTreeMap<desks::Leg, TargetDesk>,
    seats: Vec<SeatDesk>,
    /// The engine's calls and whose they are.
    calls: BTreeMap<CallId, u64>,
    commands: BTreeMap<u64, (usize, Asked)>,
    next_token: u64,
    /// The configuration's text as the engine began with it.
    text: String,
    duties: Arc<Duties>,
    served: Served,
    traffic: Traffic,
    arrivals_until: Mono,
    burst_until: Mono,
    stalled_until: Mono,
    /// Far ends with something to say.
    dirty: BTreeSet<FarId>,
    steps: u64,
    faulty: bool,
    tally: Tally,
    /// Parties whose RTP has stopped, by where they want theirs, and until when.
    mute: BTreeMap<SocketAddr, Mono>,
    looking: bool,
    /// From then on every attempt must have an answer of the engine.
    peace: Option<Mono>,
    /// Somebody's attempt had none: the Call-ID.
    ignored: Option<String>,
    voices: voices::Voices,
    /// How often each mishap happened.
    mishaps: BTreeMap<&'static str, u64>,
    /// Messages of the engine whose connection was gone.
    unsent: u64,
    /// What the faults did until they were over.
    faults_done: Option<BTreeMap<&'static str, u64>>,
}

impl World {
    /// How many steps the engine was given.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Now {
        self.now
    }

    /// What was counted.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How long it has lasted.
    pub(crate) fn lasted(&self) -> Duration {
        self.now.mono - self.start.mono
    }

    /// Call-ID of some call that is still there.
    pub(crate) fn somebody_left(&self) -> Option<String> {
        let far = |leg: &desks::Leg| self.fars[leg.0.0].agent.call_id(leg.1);
        self.legs.keys().find_map(far).map(str::to_owned)
    }

    /// Inboxes may lag so long from now on.
    fn slow(&mut self, lag: Duration) {
        use crate::rig::Witness;
        let lag = lag.max(self.plan.lag);
        self.judges
            .see(self.now, &crate::invariants::Seen::Slow(lag));
    }

    /// What became of the attempts.
    pub(crate) fn served(&self) -> Served {
        self.served
    }

    /// Offers to seats: all, and those that crossed shards.
    pub(crate) fn offers(&self) -> (u64, u64) {
        self.judges.offers
    }

    /// Why the copy of the log is not whole, if it is not.
    pub(crate) fn close_log(&mut self) -> Option<String> {
        self.judges.log.close()
    }

    /// SHA-256 of the log.
    pub(crate) fn log_sha256(&self) -> String {
        self.judges.log.sha256()
    }

    /// The ladder of a call, if the run is traced.
    pub(crate) fn ladder(&self, call_id: Option<&str>) -> Option<String> {
        self.judges
            .trace
            .as_ref()
            .map(|trace| trace.ladder(call_id))
    }

    /// Messages that were put on the wire or should have been, by the wire's own account: from the
    /// engine, and to it.
    pub(crate) fn messages(&self) -> (u64, u64) {
        let counts = self.wire.counts();
        (counts.from_engine + self.unsent, counts.to_engine)
    }

    /// The civil time that everybody but the engine sees.
    fn true_now(&self) -> Now {
        let ms = (self.now.mono - self.start.mono).as_millis() as i64;
        Now {
            mono: self.now.mono,
            wall: Wall(self.start.wall.0 + ms),
        }
    }

    fn go_to(&mut self, at: Mono) {
        self.now.mono = self.now.mono.max(at);
        self.now.wall = Wall(self.true_now().wall.0 + self.off);
    }

    /// Lets everything happen up to a moment, as long as `more` agrees.
    pub(crate) fn run(
        &mut self,
        until: Mono,
        more: &mut dyn FnMut(&mut Self) -> Result<bool, Violation>,
    ) -> Result<(), Violation> {
        while self.agenda.next().is_some_and(|at| at <= until) {
            let Some((at, due)) = self.agenda.take() else {
                return Ok(());
            };
            self.go_to(at);
            self.happen(due)?;
            if !more(self)? {
                return Ok(());
            }
        }
        self.go_to(until);
        Ok(())
    }

    fn happen(&mut self, due: Due) -> Result<(), Violation> {
        match due {
            Due::Engine(what) if self.now.mono < self.stalled_until => {
                self.agenda.put(self.stalled_until, Due::Engine(what));
                return Ok(());
            }
            Due::Engine(what) => return self.engine(what),
            Due::Packet(far, bytes) => {
                let engine = self.rig.address();
                let now = self.now.mono;
                self.fars[far.0].agent.handle_packet(now, engine, &bytes);
                self.dirty.insert(far);
            }
            Due::FarTimer(far, at) => {
                if self.fars[far.0].timer != Some(at) {
                    return Ok(());
                }
                self.fars[far.0].timer = None;
                self.fars[far.0].agent.handle_timeout(self.now.mono);
                self.dirty.insert(far);
            }
            Due::Mind(who, at) => self.mind_timeout(who, at),
            Due::Arrival(arrival) => self.arrive(&arrival),
            Due::Another(plan) => self.new_caller(*plan),
            Due::Says(saying) => self.say(saying),
            Due::Helps(deed) => self.help(deed),
            Due::Mishap(mishap) => self.mishap(mishap)?,
            Due::PowerBack(seat) => self.power_back(seat),
            Due::WallRight => self.set_wall(0),
            Due::MediaLook => {
                self.look_at_media();
                self.judge_streams(None)?;
            }
            Due::StallOver if self.now.mono < self.stalled_until => {}
            Due::StallOver => self.slow(self.plan.lag),
            Due::Registers(seat) => self.register(seat),
        }
        self.settle();
        Ok(())
    }

    /// One step of the engine, and the judgement on it.
    fn engine(&mut self, what: ToEngine) -> Result<(), Violation> {
        let Some(touched) = self.rig.handle(self.now, what, &mut self.judges) else {
            return Ok(());
        };
        self.judge(touched)
    }

    /// Carries out what the engine wants after a step, and lets everybody judge it.
    fn judge(&mut self, touched: usize) -> Result<(), Violation> {
        self.steps += 1;
        self.carry_out_effects();
        let look = Inspection {
            shards: self.rig.shards(),
            touched: touched as u16,
            queue: self.rig.queue(),
        };
        self.judges.after_step(self.now, &look)?;
        let changed = std::mem::take(&mut self.judges.changed);
        if !changed.is_empty() {
            self.judge_streams(Some(&changed))?;
        }
        if !self.looking && self.rig.media().open() > 0 {
            self.looking = true;
            self.agenda.put(self.now.mono + MEDIA_LOOK, Due::MediaLook);
        }
        self.after_engine();
        self.settle();
        Ok(())
    }

    fn carry_out_effects(&mut self) {
        while let Some(effect) = self.rig.poll_effect() {
            match effect {
                Effect::Send { to, means, bytes } => self.sent_by_engine(to, means, bytes),
                Effect::Unsent { to, bytes } => {
                    self.unsent += 1;
                    let way = (self.rig.address(), to);
                    self.judges.sent(self.now.mono, way, &bytes, 0);
                }
                Effect::Later(at, what) => {
                    if let ToEngine::Letter { to, message } = &what {
                        let letter = format_args!("to shard{to} {message:?}");
                        self.judges.log.write(self.now.mono, letter, &[]);
                    }
                    self.agenda.put(at, Due::Engine(what));
                }
                Effect::Reply { token, reply } => self.on_reply(token, reply),
                Effect::Record(record) => {
                    self.calls.remove(&record.call);
                }
            }
        }
    }

    /// Whose packets come is looked at every so often while anybody could send some.
    fn look_at_media(&mut self) {
        let now = self.now.mono;
        self.mute.retain(|_, until| *until > now);
        let mut sending = BTreeSet::new();
        let seats = self.seats.iter();
        let seats = seats.flat_map(|desk| desk.calls.keys().map(|key| (desk.far, *key)));
        let others = self.legs.keys().chain(self.targets.keys()).copied();
        for (far, key) in others.chain(seats) {
            let far = &self.fars[far.0];
            let cut = self.wire.cut_until(now, far.address.ip(), true).is_some();
            if let (Some(stream), false) = (far.agent.stream(key), cut)
                && stream.sends
                && !self.mute.contains_key(&stream.local)
            {
                sending.insert(stream.local);
            }
        }
        self.rig
            .look_at_media(self.now, &|party| sending.contains(&party));
        self.looking = self.rig.media().open() > 0;
        if self.looking {
            self.agenda.put(now + MEDIA_LOOK, Due::MediaLook);
        }
        self.carry_out_effects();
    }

    fn sent_by_engine(&mut self, to: SocketAddr, means: Means, bytes: Vec<u8>) {
        let (arrivals, copies) = self.wire.send(self.now.mono, to, false, means);
        let from = self.rig.address();
        self.judges.sent(self.now.mono, (from, to), &bytes, copies);
        let Some(far) = self.addresses.get(&to).copied() else {
            return;
        };
        for at in arrivals.into_iter().take(copies).flatten() {
            self.agenda.put(at, Due::Packet(far, bytes.clone()));
        }
    }

    fn sent_by_far(&mut self, far: FarId, bytes: Vec<u8>) {
        let (from, means) = (self.fars[far.0].address, self.fars[far.0].means);
        self.voices.hear(&bytes);
        let (arrivals, copies) = self.wire.send(self.now.mono, from, true, means);
        let to = self.rig.address();
        self.judges.sent(self.now.mono, (from, to), &bytes, copies);
        for at in arrivals.into_iter().take(copies).flatten() {
            let packet = ToEngine::Packet {
                from,
                means,
                bytes: bytes.clone(),
            };
            self.agenda.put(at, Due::Engine(packet));
        }
    }

    /// Lets far ends and people speak until nobody has anything more to say.
    fn settle(&mut self) {
        while let Some(far) = self.dirty.pop_first() {
            while let Some(bytes) = self.fars[far.0].agent.poll_packet() {
                self.sent_by_far(far, bytes);
            }
            while let Some(event) = self.fars[far.0].agent.poll_event() {
                self.on_agent(far, event);
            }
            if self.dirty.contains(&far) {
                continue;
            }
            let far_end = &mut self.fars[far.0];
            let next = far_end.agent.poll_timeout();
            if next != far_end.timer {
                far_end.timer = next;
                if let Some(at) = next {
                    let at = at.max(self.now.mono);
                    far_end.timer = Some(at);
                    self.agenda.put(at, Due::FarTimer(far, at));
                }
            }
        }
    }

    fn arrive(&mut self, arrival: &Arrival) {
        self.tally.arrived(&self.scenario, arrival);
        let plan = &arrival.plan;
        if self.now.mono < self.burst_until {
            for _ in 0..BURST {
                let delay = self.dice.between(Duration::ZERO, Duration::from_secs(60));
                let mut other = plan.clone();
                // Somebody else of the same place.
                let kept = plan.number.chars().count().saturating_sub(4);
                let place: String = plan.number.chars().take(kept).collect();
                other.number = format!("{place}{:04}", self.dice.roll(10_000));
                let at = self.now.mono + delay;
                self.agenda.put(at, Due::Another(Box::new(other)));
            }
        }
        self.new_caller(plan.clone());
        self.next_arrival();
    }

    fn next_arrival(&mut self) {
        let Some(arrival) = self.traffic.next() else {
            return;
        };
        let at = self.start.mono + arrival.at;
        if at <= self.arrivals_until {
            self.agenda.put(at, Due::Arrival(Box::new(arrival)));
        }
    }

    /// Nothing goes wrong from now on, and what was wrong is right again.
    pub(crate) fn end_faults(&mut self) {
        self.faults_done = Some(self.faults());
        self.faulty = false;
        self.plan = FaultPlan::none();
        self.wire.set(self.plan.wire);
        self.wire.heal();
        self.rig.set_lag(self.plan.lag);
        self.stalled_until = self.now.mono;
        for far in &mut self.fars {
            far.agent.quirks = crate::peer::Quirks::default();
        }
        self.set_wall(0);
        for seat in 0..self.seats.len() {
            self.power_back(seat);
        }
        self.slow(self.plan.lag);
        let text = self.text.clone();
        self.rig.configure(self.now, &text, &mut self.judges);
        self.carry_out_effects();
        self.peace = Some(self.now.mono + PEACE_SETTLES);
        self.judges.checker.faults_over(self.now);
        self.judges
            .note(self.now.mono, format_args!("faults are over"));
        self.settle();
    }

    /// True once nobody calls and the engine carries no call.
    pub(crate) fn quiet(&self) -> bool {
        self.callers.is_empty() && self.rig.shards().iter().all(|shard| shard.idle())
    }

    /// Call-ID of an attempt in peace that the engine never answered.
    pub(crate) fn ignored(&self) -> Option<&str> {
        self.ignored.as_deref()
    }

    /// Everything is to be as it was at the start.
    pub(crate) fn judge_rest(&mut self) -> Result<(), Violation> {
        let look = Inspection {
            shards: self.rig.shards(),
            touched: 0,
            queue: self.rig.queue(),
        };
        self.judges.checker.at_rest(self.now, &look)
    }
}
