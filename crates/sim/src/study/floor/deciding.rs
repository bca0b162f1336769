//! What the table decides for a caller, and what the queue is told of it.

use super::{ATTEMPTS, Floor};
use crate::study::Way;
use meishier_model::{CallId, Mono, PoolId, ShardId, TrunkId};
use meishier_queue::{Caller, Preference, Stamp};
use meishier_routing::{Decision, Known, Query, RiskWhy};
use std::time::Duration;

impl Floor<'_> {
    pub(super) fn id(&self, who: usize) -> CallId {
        CallId(who as u64 * ATTEMPTS + u64::from(self.callers[who].attempts))
    }

    pub(super) fn decide(&self, who: usize) -> Decision {
        let person = &self.callers[who];
        let known = Known {
            risk: person.plan.flagged.then_some(RiskWhy::Flagged),
            redial: person.attempts > 1,
            ..Known::default()
        };
        let trunk = TrunkId(self.nation.towns[person.town].trunk);
        let query = Query {
            known,
            ..Query::new(self.wall(), trunk, &person.number, &person.called)
        };
        let mut decision = self.nation.config.routing.decide_among(&query, self);
        if self.setting.way != Way::Pooled {
            self.alone(who, &mut decision);
        }
        decision
    }

    /// The one pool that today's line would ring: of the caller's province, the first that is open.
    pub(super) fn alone(&self, who: usize, decision: &mut Decision) {
        let province = self.nation.towns[self.callers[who].town].adcode / 10_000;
        let code = |pool: PoolId| self.nation.pool_codes[usize::from(pool.0)];
        decision
            .rings
            .retain(|ring| code(ring.pool) / 10_000 == province);
        let open = |pool: PoolId| self.lines[usize::from(pool.0)] > 0;
        let found = decision.rings.iter().find(|ring| open(ring.pool)).copied();
        decision.rings.clear();
        decision.rings.extend(found.map(|mut ring| {
            ring.after = Duration::ZERO;
            ring
        }));
        // Nobody who answers an ordinary line knows who calls.
        decision.risk = false;
        decision.preferred.clear();
    }

    pub(super) fn entry(&self, who: usize, decision: &Decision) -> (Caller, Vec<(PoolId, Mono)>) {
        let stamp = match self.setting.way {
            Way::Pooled => self.callers[who].first,
            _ => self.callers[who].began,
        };
        let opens = |after: Duration| stamp + after.mul_f64(self.setting.waits);
        let rings = decision
            .rings
            .iter()
            .map(|ring| (ring.pool, opens(ring.after)));
        let closed: Vec<_> = rings.filter(|(_, at)| *at > self.now).collect();
        let late = self.now.since(stamp) >= self.setting.holds;
        let caller = Caller {
            call: self.id(who),
            shard: ShardId(0),
            stamp: Stamp {
                at: stamp,
                tie: who as u32,
            },
            class: decision.class,
            risk: decision.risk,
            required: decision.required,
            preferred: decision
                .preferred
                .iter()
                .map(|it| Preference {
                    skill: it.skill,
                    weight: it.weight,
                    dropped: late,
                })
                .collect(),
            rings: decision.rings.iter().map(|ring| ring.pool).collect(),
            open: (decision.rings.len() - closed.len()) as u8,
            own_seat: None,
        };
        (caller, closed)
    }
}
