//! How the pools stand: who staffs them, what was set by hand, and what follows for whoever waits.
//!
//! Each seat's home shard tells every shard who sits there and whether calls may come; so each shard
//! counts for itself. A decision asks for the state of a pool when it needs it, from these counts, the
//! queue's lines and the schedule. Where a state changes while callers wait, they are decided anew.
//!
//! ```text
//!   seat changes ── Staffing ──► every shard ─┐
//!   schedule changes ── Lines ─► every shard ─┼─► evaluate the pool ─ changed ─► decide anew whoever
//!   set by hand ── PoolState ──► every shard ─┘        │                          waits for it here
//!                                                      └─ first shard ─► Notice::Pool
//! ```

use crate::api::{Notice, ShardMessage, Staffed};
use crate::call::{Call, State};
use crate::defect::Defect;
use crate::seat::SeatMachine;
use crate::shard::Shard;
use meishier_config::Config;
use meishier_model::{CallId, CounsellorId, Mono, Now, PoolId, SeatId, ShardId, SkillId};
use meishier_routing::{AllNormal, Hand, PoolFacts, PoolNow, Pools, Service, ServiceRules};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a shard knows of all pools and seats.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PoolStates {
    seats: BTreeMap<SeatId, Staffed>,
    by_counsellor: BTreeMap<CounsellorId, SeatId>,
    pub(crate) hands: BTreeMap<PoolId, Hand>,
    /// Telephones of each pool at which somebody takes calls, and those that can be reached.
    counts: BTreeMap<PoolId, (u32, u32)>,
    /// Of those at which somebody takes calls: how many have each skill.
    #[serde(skip)]
    skilled: BTreeMap<(PoolId, SkillId), u32>,
    /// Seats at which somebody else sits since the last look.
    #[serde(skip)]
    handed: BTreeSet<SeatId>,
    /// Skills of which the last one may have left.
    #[serde(skip)]
    left: BTreeSet<(PoolId, SkillId)>,
    /// The state that was seen last.
    seen: BTreeMap<PoolId, Service>,
    /// Pools to be evaluated.
    pub(crate) dirty: BTreeSet<PoolId>,
    /// Everybody who waits is to be decided anew.
    all_dirty: bool,
}

impl PoolStates {
    /// The seat at which this counsellor would take a call, now or after the present one.
    pub(crate) fn seat_of(&self, counsellor: CounsellorId) -> Option<SeatId> {
        let seat = self.by_counsellor.get(&counsellor)?;
        let staffed = self.seats.get(seat)?;
        (staffed.willing && staffed.reachable).then_some(*seat)
    }

    /// True if calls come to this seat now or after the present one, or somebody talks there.
    pub(crate) fn takes_calls(&self, seat: SeatId) -> bool {
        let staffed = self.seats.get(&seat);
        staffed.is_some_and(|it| it.talks || it.counsellor.is_some() && it.willing)
    }

    /// Who is signed on at this seat.
    pub(crate) fn sits_at(&self, seat: SeatId) -> Option<CounsellorId> {
        self.seats.get(&seat)?.counsellor
    }

    /// Telephones of a pool at which somebody takes calls, and those that can be reached.
    pub(crate) fn counts(&self, pool: PoolId) -> (u32, u32) {
        self.counts.get(&pool).copied().unwrap_or_default()
    }

    /// True if nobody talks at this seat and a rest there ends by this moment, so that it may take a
    /// call before long.
    pub(crate) fn is_soon_free(&self, seat: SeatId, by: Mono) -> bool {
        let free = |staffed: &Staffed| !staffed.talks && staffed.back <= by;
        self.seats.get(&seat).is_some_and(free)
    }

    fn hand(&self, pool: PoolId, now: Now) -> Option<Service> {
        self.hands.get(&pool)?.in_force(now.wall)
    }

    /// What people set of a pool, while it counts.
    pub(crate) fn hand_in_force(&self, pool: PoolId, now: Now) -> Option<&Hand> {
        let hand = self.hands.get(&pool)?;
        hand.in_force(now.wall).map(|_| hand)
    }

    /// True if somebody of this pool who takes calls has this skill.
    pub(crate) fn has_skill(&self, pool: PoolId, skill: SkillId) -> bool {
        self.skilled.contains_key(&(pool, skill))
    }

    fn count_skill(&mut self, pool: PoolId, skill: SkillId, add: bool) {
        let count = self.skilled.entry((pool, skill)).or_default();
        *count = if add {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
        if *count == 0 {
            self.skilled.remove(&(pool, skill));
            self.left.insert((pool, skill));
        }
    }

    fn count(&mut self, config: &Config, pools: &[PoolId], staffed: Staffed, add: bool) {
        let takes = staffed.counsellor.is_some() && staffed.willing && staffed.reachable;
        let who = staffed.counsellor.filter(|_| takes);
        let who = who.and_then(|who| config.counsellors.get(who.0 as usize));
        for pool in pools {
            for (skill, _) in who.map_or(&[][..], |who| &who.skills) {
                self.count_skill(*pool, *skill, add);
            }
            let (takers, reachable) = self.counts.entry(*pool).or_default();
            for (count, counts) in [(takers, takes), (reachable, staffed.reachable)] {
                let step = u32::from(counts);
                *count = if add {
                    *count + step
                } else {
                    count.saturating_sub(step)
                };
            }
            self.dirty.insert(*pool);
        }
    }

    fn put(&mut self, config: &Config, seat: SeatId, now: Staffed) {
        let pools = pools_of(config, seat);
        if let Some(before) = self.seats.insert(seat, now) {
            let busy = Staffed {
                talks: now.talks,
                back: now.back,
                ..before
            };
            if busy == now {
                // Who begins or ends to talk or rest changes no count.
                return;
            }
            if before.counsellor != now.counsellor {
                self.handed.insert(seat);
            }
            self.count(config, pools, before, false);
            if let Some(who) = before.counsellor
                && self.by_counsellor.get(&who) == Some(&seat)
            {
                self.by_counsellor.remove(&who);
            }
        }
        self.count(config, pools, now, true);
        if let Some(who) = now.counsellor {
            self.by_counsellor.insert(who, seat);
        }
    }

    /// Counts anew by another configuration's pools of seats.
    fn recount(&mut self, config: &Config) {
        self.counts.clear();
        self.skilled.clear();
        for (seat, staffed) in std::mem::take(&mut self.seats) {
            let pools = pools_of(config, seat);
            self.seats.insert(seat, staffed);
            self.count(config, pools, staffed, true);
        }
        self.all_dirty = true;
    }
}

fn pools_of(config: &Config, seat: SeatId) -> &[PoolId] {
    let seat = config.seats.get(seat.0 as usize);
    seat.map_or(&[], |seat| &seat.pools)
}

/// True if the caller is held back for want of this skill.
fn holds_out(call: &Call, skill: SkillId) -> bool {
    let mut preferred = call.entry.preferred.iter();
    preferred.any(|it| it.skill == skill && !it.dropped)
}

fn crowds(rules: &ServiceRules) -> bool {
    rules.overloaded_waiting.is_some() || rules.overloaded_wait.is_some()
}

/// When a pool counts as full.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fullness {
    /// If every line is in use at this moment: for whoever arrives.
    AtOnce,
    /// If that has lasted, for whoever waits already; the caller's own line is none that is lost to
    /// it.
    Lasting {
        /// The pool whose line the caller holds.
        own: Option<PoolId>,
    },
}

/// The pools at a moment, as one shard sees them.
pub(crate) struct PoolsNow<'s> {
    pub(crate) shard: &'s Shard,
    pub(crate) now: Now,
    pub(crate) fullness: Fullness,
}

impl Pools for PoolsNow<'_> {
    fn state(&self, pool: PoolId) -> PoolNow {
        if self.shard.broken.is(Defect::StatesUnheeded) {
            return AllNormal.state(pool);
        }
        let facts = self.shard.pool_facts(self.now, pool);
        PoolNow {
            service: Service::of(&facts, &self.shard.service_rules(pool)),
            full: facts.full()
                && match self.fullness {
                    Fullness::AtOnce => true,
                    Fullness::Lasting { own } => own != Some(pool) && self.shard.full.lasts(pool),
                },
        }
    }
}

impl Shard {
    fn service_rules(&self, pool: PoolId) -> ServiceRules {
        self.config
            .routing
            .service_rules(pool)
            .copied()
            .unwrap_or_default()
    }

    /// What a pool's state follows from. Who waits is asked only where a rule wants to know.
    pub(crate) fn pool_facts(&self, now: Now, pool: PoolId) -> PoolFacts {
        let rules = self.service_rules(pool);
        let routing = &self.config.routing;
        let (staffed, reachable) = self.pools.counts(pool);
        let waiting = if crowds(&rules) {
            self.queue.waiting(pool)
        } else {
            Default::default()
        };
        PoolFacts {
            lines: routing.lines(pool, now.wall),
            used: self.queue.lines_used(pool),
            staffed,
            reachable,
            waiting: waiting.total(),
            oldest: waiting.oldest.map(|at| now.mono.since(at)),
            closes_in: rules
                .going_down
                .and_then(|within| routing.closes_in(pool, now.wall, within)),
            by_hand: self.pools.hand(pool, now),
        }
    }

    pub(crate) fn pool_service(&self, now: Now, pool: PoolId) -> Service {
        let fullness = Fullness::AtOnce;
        let pools = PoolsNow {
            shard: self,
            now,
            fullness,
        };
        pools.state(pool).service
    }

    /// Tells every shard how a seat at home here stands, if that is new. That a rest ended when it was
    /// to end is no news.
    pub(crate) fn tell_staffing(&mut self, now: Mono, machine: &SeatMachine) {
        let known = self.pools.seats.get(&machine.seat).copied();
        let known = known.unwrap_or_default();
        let mut staffed = machine.staffed();
        if staffed.back == Mono(0) && known.back <= now {
            staffed.back = known.back;
        }
        if known == staffed {
            return;
        }
        let now = staffed;
        self.send_others(&ShardMessage::Staffing {
            seat: machine.seat,
            now,
        });
        self.on_staffing(machine.seat, now);
    }

    pub(crate) fn on_staffing(&mut self, seat: SeatId, now: Staffed) {
        let config = std::sync::Arc::clone(&self.config);
        self.pools.put(&config, seat, now);
    }

    /// The number of lines changed, or the hour at which rules look: everything is evaluated anew.
    pub(crate) fn on_lines_changed(&mut self) {
        self.pools.all_dirty = true;
    }

    /// Another configuration: seats may serve other pools, routes may lead elsewhere.
    pub(crate) fn pools_follow(&mut self) {
        let config = std::sync::Arc::clone(&self.config);
        self.pools.recount(&config);
    }

    /// Pools that may be crowded by now, or less so.
    pub(crate) fn look_at_all_crowds(&mut self) {
        let count = u16::try_from(self.config.pools.len()).unwrap_or(u16::MAX);
        for pool in (0..count).map(PoolId) {
            if crowds(&self.service_rules(pool)) {
                self.pools.dirty.insert(pool);
            }
        }
    }

    /// Evaluates pools of which something changed, and decides anew whoever waits for them. False
    /// if there was nothing to do.
    pub(crate) fn evaluate_pools(&mut self, now: Now) -> bool {
        let all = std::mem::take(&mut self.pools.all_dirty);
        let mut dirty = std::mem::take(&mut self.pools.dirty);
        if all {
            let count = u16::try_from(self.config.pools.len()).unwrap_or(u16::MAX);
            dirty.extend((0..count).map(PoolId));
        }
        if dirty.is_empty() {
            return false;
        }
        dirty.retain(|pool| {
            let service = self.pool_service(now, *pool);
            let changed = self.pools.seen.insert(*pool, service) != Some(service);
            if changed && self.id == ShardId(0) {
                self.notice(Notice::Pool {
                    pool: *pool,
                    service,
                });
            }
            changed
        });
        let handed = std::mem::take(&mut self.pools.handed);
        let left = std::mem::take(&mut self.pools.left);
        let gone = |it: &(PoolId, SkillId)| !self.pools.has_skill(it.0, it.1);
        let left: Vec<(PoolId, SkillId)> = left.into_iter().filter(gone).collect();
        // Rules may look at a pool that is no ring of a call.
        let all = all
            || dirty
                .iter()
                .any(|pool| self.config.routing.is_watched(*pool));
        let waits = |id: &CallId| {
            let call = self.calls.get(id)?;
            let queued = matches!(call.state, State::Queued | State::Offered(_));
            let rings = &call.entry.rings;
            // Whoever sits there now is not the caller's own counsellor.
            let others = (call.entry.own_seat).is_some_and(|seat| handed.contains(&seat));
            let meant = all
                || others
                || rings.iter().any(|pool| dirty.contains(pool))
                || (left.iter())
                    .any(|(pool, skill)| rings.contains(pool) && holds_out(call, *skill));
            (queued && meant).then_some(*id)
        };
        let waiting: Vec<CallId> = self.calls.keys().filter_map(waits).collect();
        for id in waiting {
            self.with_call(id, |shard, call| shard.reconsider(now, call));
        }
        true
    }
}
