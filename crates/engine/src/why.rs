//! Why a caller still waits: what the queue says, in the configuration's names.

use crate::api::{CommandError, Reply, WhyPool, WhyReason, WhyView};
use crate::call::{Call, State};
use crate::shard::Shard;
use meishier_model::{CallId, Now, PoolId, SeatId, SkillSet};
use meishier_queue::WhyNot;

impl Shard {
    pub(crate) fn on_why(&mut self, now: Now, token: u64, id: CallId) {
        let found = self
            .calls
            .get(&id)
            .map(|call| Box::new(self.why(now, call)));
        let reply = found.ok_or(CommandError::UnknownCall);
        self.reply(token, Reply::Why(reply));
    }

    fn why(&self, now: Now, call: &Call) -> WhyView {
        let queued = matches!(call.state, State::Queued);
        let expected = queued.then(|| self.queue.expected_wait(call.id)).flatten();
        let reasons = queued.then(|| self.queue.why(call.id)).flatten();
        WhyView {
            call: call.id,
            phase: call.state.phase(),
            waited_ms: now.mono.since(call.arrived.mono).as_millis() as u64,
            risk: call.entry.risk,
            ahead: if queued {
                self.queue.position(call.id)
            } else {
                None
            },
            expected_ms: expected.map(|it| it.p50.as_millis() as u64),
            pools: (call.entry.rings.iter().enumerate())
                .map(|(at, pool)| self.why_pool(now, call, at, *pool))
                .collect(),
            needs: self.skill_names(call.entry.needs()),
            reasons: reasons
                .unwrap_or_default()
                .iter()
                .map(|reason| self.why_not(reason))
                .collect(),
            route_reason: call.route_reason.to_string(),
            rules: call.rules.clone(),
            table: call.table.to_string(),
        }
    }

    fn why_pool(&self, now: Now, call: &Call, at: usize, pool: PoolId) -> WhyPool {
        let facts = self.pool_facts(now, pool);
        let closed = call.closed_rings.iter().find(|(it, _)| *it == pool);
        WhyPool {
            pool: self.pool_name(pool),
            service: self.pool_service(now, pool).as_str().to_owned(),
            open: at < usize::from(call.entry.open),
            opens_in_ms: closed.map(|(_, at)| at.since(now.mono).as_millis() as u64),
            lines: facts.lines,
            used: facts.used,
            staffed: facts.staffed,
        }
    }

    fn pool_name(&self, pool: PoolId) -> String {
        let pool = self.config.pools.get(usize::from(pool.0));
        pool.map_or_else(String::new, |pool| pool.name.clone())
    }

    fn skill_names(&self, skills: SkillSet) -> Vec<String> {
        let held = |at: &usize| skills.0 & (1 << at) != 0;
        let bits = (0..64usize).filter(held);
        bits.filter_map(|at| self.config.skills.get(at).cloned())
            .collect()
    }

    fn why_not(&self, reason: &WhyNot) -> WhyReason {
        let none = SkillSet::EMPTY;
        let (kind, pool, seat, missing) = match *reason {
            WhyNot::OwnSeatNotReady(seat) => ("own_seat_not_ready", None, Some(seat), none),
            WhyNot::RingNotOpen(pool) => ("ring_not_open", Some(pool), None, none),
            WhyNot::Draining(pool) => ("draining", Some(pool), None, none),
            WhyNot::LinesFull(pool) => ("lines_full", Some(pool), None, none),
            WhyNot::NoSeatReady(pool) => ("no_seat_ready", Some(pool), None, none),
            WhyNot::SkillMissing {
                pool,
                seat,
                missing,
            } => ("skill_missing", Some(pool), Some(seat), missing),
            WhyNot::PreferenceHeld {
                pool,
                seat,
                missing,
            } => ("preference_held", Some(pool), Some(seat), missing),
            WhyNot::Reserved { pool, seat } => ("reserved", Some(pool), Some(seat), none),
        };
        let seat_name = |seat: SeatId| {
            let seat = self.config.seats.get(seat.0 as usize);
            seat.map_or_else(String::new, |seat| seat.name.clone())
        };
        WhyReason {
            pool: pool.map(|pool| self.pool_name(pool)),
            seat: seat.map(seat_name),
            kind: kind.to_owned(),
            missing: self.skill_names(missing),
        }
    }
}
