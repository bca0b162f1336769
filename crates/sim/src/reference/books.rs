//! All books of a run, kept from what is seen.

use super::calls::Call;
use super::claim::Claim;
use super::known::Numbers;
use super::legs::Legs;
use super::parts::Part;
use super::plan::Plan;
use super::plan_read::FRESH;
use super::seats::{SHORTEST_REST, Seat};
use super::service;
use super::sip::Sip;
use super::standing::Standing;
use crate::invariants::Seen;
use meishier_engine::{Command, Notice};
use meishier_model::{CallId, Mono, Now, Outcome, ReleasedBy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Configurations that are remembered; the engine's calls rarely outlive so many changes.
const FORMER: usize = 8;

/// A command that was given.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What.
    pub command: Command,
    /// When.
    pub at: Mono,
    /// Answers so far.
    pub replies: u32,
}

/// An INVITE outside of any call.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Its Call-ID.
    pub sip: Arc<str>,
    /// Trunk over which it came.
    pub trunk: Option<u16>,
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub called: String,
    /// What it is entitled to, if it came over a trunk.
    pub claim: Claim,
    /// Something was sent back, or nothing need be.
    pub heeded: bool,
    /// False for what may be a repetition.
    pub new: bool,
}

/// A call whose record came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What was known of it.
    pub call: Call,
    /// What the record says became of it.
    pub outcome: Outcome,
    /// Who, says the record, released it.
    pub by: ReleasedBy,
}

/// What happened in the step that is being judged.
#[derive(Debug, Default)]
pub struct Facts {
    /// INVITEs outside of any call.
    pub invites: Vec<Invited>,
    /// Calls that were taken.
    pub arrived: Vec<CallId>,
    /// Offers to a seat that was still with this call when the offer was told.
    pub crossed: Vec<(CallId, u32, CallId)>,
    /// Offers that began.
    pub offered: Vec<(CallId, u32)>,
    /// Seats that are to ring for a request of this call and third party.
    pub second_offered: Vec<(CallId, u8, u32)>,
    /// How third parties are to take part from now on, as told.
    pub parts: Vec<(CallId, u8, Part)>,
    /// INVITEs to targets: the call, their Call-ID, what is dialled.
    pub dialled: Vec<(CallId, Arc<str>, String)>,
    /// INVITEs to targets of whom no use of a key knows: what is dialled.
    pub strange: Vec<(CallId, String)>,
    /// What the engine said of a third party that was never begun.
    pub unasked: Vec<(CallId, u8)>,
    /// What keys were said to dial, as the engine answered.
    pub said: Vec<(CallId, u8, String)>,
    /// Third parties that somebody took back; without a number the last.
    pub taken_back: Vec<(CallId, Option<u8>)>,
    /// Calls whose counsellor was let go as planned.
    pub let_go: Vec<CallId>,
    /// Calls of whose third parties something was told.
    pub moved: BTreeSet<CallId>,
    /// Counsellors who dropped out of a conversation with third parties, without their being let go.
    pub dropped_out: Vec<CallId>,
    /// Who signed on where.
    pub signed_on: Vec<(u32, u32)>,
    /// Seats that the engine paused.
    pub paused_by_engine: Vec<u32>,
    /// Callers of whom somebody said that they are at risk.
    pub flagged: Vec<CallId>,
    /// Callers at risk who were told that there is no room for them either.
    pub risk_refused: u32,
    /// Calls whose record came.
    pub recorded: Vec<Recorded>,
    /// Shards whose timers fired.
    pub timeouts: Vec<u16>,
    /// Matches made.
    pub matches: u64,
    /// A shard was made anew or got another configuration.
    pub replaced: bool,
    /// Lines that the queue's books show in use, by pool, before the step.
    pub used_before: Vec<u16>,
    /// Lines that were open before the step.
    pub limits_before: Vec<u16>,
}

/// The books.
#[derive(Debug)]
pub struct Books {
    /// The configuration.
    pub plan: Plan,
    /// Those before it, the latest first: what began under them may still go by them.
    pub former: Vec<Plan>,
    /// Waiting that equals one class: the queue's, which lasts as long as the engine.
    pub ageing: Duration,
    /// Number of the step that is being judged.
    pub step: u64,
    /// Calls without record.
    pub calls: BTreeMap<CallId, Call>,
    /// Calls with a record.
    pub ended: BTreeSet<CallId>,
    /// Seats by number.
    pub seats: Vec<Seat>,
    /// SIP legs.
    pub legs: Legs,
    /// Commands without answer, and those answered in this step.
    pub asked: BTreeMap<u64, Asked>,
    /// Lines that are open, as the engine told.
    pub limits: Vec<u16>,
    /// Lines by the schedule, for the minute of civil time given.
    pub due: (i64, Vec<u16>),
    /// Lines in use, as the queue says.
    pub used: Vec<u16>,
    /// Since when each pool has a free line.
    pub free_since: Vec<Option<Mono>>,
    /// Matches so far, as the queue says.
    pub matches: u64,
    /// Callers waiting, as the queue says.
    pub waiting: u32,
    /// Shards whose inbox in the queue may hold something: one bit each.
    pub unread: u64,
    /// Up to when the timers of each shard have fired in steps before.
    pub fired: Vec<Mono>,
    /// How often the civil clock was set.
    pub jumps: u32,
    /// The engine was told to stop.
    pub stopping: bool,
    /// No new faults come.
    pub calm: Option<Mono>,
    /// What is known of numbers.
    pub numbers: Numbers,
    /// Which pools take calls.
    pub standing: Standing,
    /// What happened in this step.
    pub facts: Facts,
    lag: Duration,
    former_lag: (Duration, Mono),
}

impl Books {
    /// Books of an engine that starts now.
    #[must_use]
    pub fn new(config_toml: &str, now: Now) -> Self {
        let plan = Plan::read(config_toml);
        let limits = plan.lines(now.wall);
        let pools = plan.pools.len();
        let mut seats: Vec<Seat> = plan
            .seats
            .iter()
            .map(|seat| Seat::new(seat.fixed))
            .collect();
        for (who, counsellor) in (0u32..).zip(&plan.counsellors) {
            if let Some((seat, ready)) = counsellor.start
                && counsellor.expires.is_none_or(|expires| now.wall < expires)
                && let Some(seat) = seats.get_mut(seat as usize)
            {
                seat.signed_on(now.mono, who, ready, 0);
            }
        }
        Self {
            fired: vec![Mono(0); usize::from(plan.shards)],
            free_since: limits
                .iter()
                .map(|n| (*n > 0).then_some(now.mono))
                .collect(),
            used: vec![0; pools],
            due: (i64::MIN, Vec::new()),
            limits,
            former: Vec::new(),
            ageing: plan.ageing,
            plan,
            step: 1,
            calls: BTreeMap::new(),
            ended: BTreeSet::new(),
            seats,
            legs: Legs::default(),
            asked: BTreeMap::new(),
            matches: 0,
            waiting: 0,
            unread: 0,
            jumps: 0,
            stopping: false,
            calm: None,
            numbers: Numbers::default(),
            standing: Standing::default(),
            facts: Facts::default(),
            lag: Duration::ZERO,
            former_lag: (Duration::ZERO, Mono(0)),
        }
    }

    /// How long what is told to a shard may lie unread at most.
    #[must_use]
    pub fn lag(&self, now: Mono) -> Duration {
        if now <= self.former_lag.1 {
            self.lag.max(self.former_lag.0)
        } else {
            self.lag
        }
    }

    /// The shard that owns a seat's machine.
    #[must_use]
    pub fn home(&self, seat: u32) -> u16 {
        u16::try_from(seat % u32::from(self.plan.shards)).unwrap_or(0)
    }

    /// Calls of one shard in order.
    pub fn calls_of(&self, shard: u16) -> impl Iterator<Item = &Call> {
        let from = CallId(u64::from(shard) << 48);
        let to = CallId((u64::from(shard) << 48) | ((1 << 48) - 1));
        self.calls.range(from..=to).map(|(_, call)| call)
    }

    /// The configuration and those before it.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.plan).chain(&self.former)
    }

    /// The least and the greatest of a time that configurations set.
    #[must_use]
    pub fn bounds(&self, of: impl Fn(&Plan) -> Duration) -> (Duration, Duration) {
        let now = of(&self.plan);
        self.plans()
            .map(of)
            .fold((now, now), |(a, b), t| (a.min(t), b.max(t)))
    }

    /// True if a seat serves a pool whichever configuration it goes by.
    #[must_use]
    pub fn surely_serves(&self, seat: u32, pool: u16) -> bool {
        self.plans().all(|plan| plan.pools_of(seat).contains(&pool))
    }

    /// True if a seat serves a pool by some configuration that it may go by.
    #[must_use]
    pub fn maybe_serves(&self, seat: u32, pool: u16) -> bool {
        self.plans().any(|plan| plan.pools_of(seat).contains(&pool))
    }

    /// Skills of whoever sits there, whichever configuration counts.
    #[must_use]
    pub fn sure_skills(&self, seat: u32) -> u64 {
        let who = self.seats.get(seat as usize).and_then(|seat| seat.person);
        let Some(who) = who else { return 0 };
        let all = self
            .plans()
            .fold(u64::MAX, |set, plan| set & plan.skills(who));
        let cap = self.cap();
        let tired = self
            .seats
            .get(seat as usize)
            .is_some_and(|seat| seat.risk_calls.1 >= cap);
        if tired { all & !FRESH } else { all }
    }

    /// Skills that whoever sits there may have.
    #[must_use]
    pub fn maybe_skills(&self, seat: u32, who: u32) -> u64 {
        let all = self.plans().fold(0, |set, plan| set | plan.skills(who));
        let cap = self.cap();
        let tired = self
            .seats
            .get(seat as usize)
            .is_some_and(|seat| seat.risk_calls.0 >= cap);
        if tired { all & !FRESH } else { all }
    }

    /// Calls at risk after which somebody gets them last.
    fn cap(&self) -> u16 {
        match self.plan.policies.risk_calls {
            0 => u16::MAX,
            cap => cap,
        }
    }

    /// True if a seat fits a call through one of these pools.
    #[must_use]
    pub fn fits(&self, seat: u32, needs: u64, pools: &[u16]) -> bool {
        needs & !self.sure_skills(seat) == 0
            && pools.iter().any(|pool| self.surely_serves(seat, *pool))
    }

    /// Up to when the timers of a call have fired for sure before this step.
    #[must_use]
    pub fn fired_for(&self, call: &Call) -> Mono {
        let fired = self.fired.get(usize::from(call.id.shard().0)).copied();
        fired.unwrap_or_default().max(call.arrived.mono)
    }

    /// Takes note of something. A record's call leaves the books for [`Facts::recorded`].
    pub fn see(&mut self, now: Now, seen: &Seen<'_>) {
        let changes = matches!(
            seen,
            Seen::Reply { .. }
                | Seen::Registered(_)
                | Seen::Replaced
                | Seen::Configured(_)
                | Seen::WallJump
                | Seen::Slow(_)
                | Seen::Notice {
                    notice: Notice::Seat { .. } | Notice::Lines { .. },
                    ..
                }
        );
        self.standing.dirty |= changes;
        match seen {
            Seen::In { from, bytes, .. } => self.came(now, *from, bytes),
            Seen::Out { to, bytes, .. } => {
                if let Some(sip) = Sip::read(bytes) {
                    self.left(now, *to, &sip);
                }
            }
            Seen::Record(record) => self.recorded(now, record),
            Seen::Notice { notice, .. } => self.told(now, notice),
            Seen::MediaGone { .. }
            | Seen::MediaCommand { .. }
            | Seen::MediaEvent { .. }
            | Seen::InboxRead { .. } => {}
            Seen::Command { token, command } if for_one_shard(command) => {
                self.set_by_hand(command);
                let asked = Asked {
                    command: (*command).clone(),
                    at: now.mono,
                    replies: 0,
                };
                self.asked.insert(*token, asked);
            }
            Seen::Command { .. } => {}
            Seen::Key { sip, digit } => self.key_pressed(now, sip, *digit),
            Seen::Reply { token, reply } => self.replied(now, *token, reply),
            Seen::Registered(change) => {
                if let Some(seat) = self.plan.seat_names.get(&change.user)
                    && let Some(seat) = self.seats.get_mut(*seat as usize)
                {
                    seat.registered(now.mono, !change.contacts.is_empty());
                }
            }
            Seen::Timeout { shard } => self.facts.timeouts.push(*shard),
            Seen::Replaced => {
                self.facts.replaced = true;
                self.legs.replaced();
                self.unread = u64::MAX;
            }
            Seen::Configured(text) => {
                self.facts.replaced = true;
                let plan = Plan::read(text);
                self.due.0 = i64::MIN;
                self.limits.resize(plan.pools.len(), 0);
                self.used.resize(plan.pools.len(), 0);
                self.free_since.resize(plan.pools.len(), None);
                let seats = self.seats.len()..plan.seats.len();
                let new = seats
                    .filter_map(|at| plan.seats.get(at))
                    .map(|s| Seat::new(s.fixed));
                self.seats.extend(new);
                let most = plan.wrapup.max(plan.backoff).max(SHORTEST_REST);
                self.former
                    .insert(0, std::mem::replace(&mut self.plan, plan));
                self.former.truncate(FORMER);
                let lag = self.lag(now.mono) * 2;
                for seat in &mut self.seats {
                    seat.rules_changed(now.mono, most, lag);
                }
            }
            Seen::WallJump => {
                self.jumps += 1;
                self.numbers.clock_set();
            }
            Seen::FlowFailed { remote } => self.legs.flow_failed(*remote),
            Seen::Shutdown => self.stopping = true,
            Seen::Slow(lag) => {
                let until = now.mono + self.lag * 4 + Duration::from_secs(1);
                self.former_lag = (self.lag(now.mono), until);
                self.lag = *lag;
            }
        }
    }
}

impl Books {
    fn set_by_hand(&mut self, command: &Command) {
        let Command::PoolState { pool, hand } = command else {
            return;
        };
        self.standing.dirty = true;
        match hand {
            Some(hand) => {
                // A state of which the file has no word counts as any that takes calls.
                let state = service::state(hand.state.as_str()).unwrap_or(service::NORMAL);
                self.standing.hands.insert(pool.0, (state, hand.until));
            }
            None => {
                self.standing.hands.remove(&pool.0);
            }
        }
    }
}

/// True for what one shard answers; the others are answered by every shard.
fn for_one_shard(command: &Command) -> bool {
    !matches!(command, Command::View | Command::Reschedule)
}
