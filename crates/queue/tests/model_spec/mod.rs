//! The specification again, as naively as it can be said: after every change all pairs of a waiting
//! caller and a ready seat are looked at, and the best that fits is made, until none fits.

use meishier_model::{CallId, LineId, Mono, PoolId, SeatId, ShardId, SkillId};
use meishier_queue::{
    Caller, EnqueueError, Lowest, Match, OfferId, QueueConfig, ReadySeat, Side, Strategy,
};
use std::cmp::Reverse;

pub struct Seat {
    pub ready: ReadySeat,
    pub since: Mono,
    pub turn: u64,
}

pub struct Spec {
    pub config: QueueConfig,
    pub callers: Vec<(Caller, Mono)>,
    pub seats: Vec<Seat>,
    pub lines_in_use: Vec<LineId>,
    draining: Vec<bool>,
    turns: Vec<u64>,
    pub inboxes: Vec<Vec<Match>>,
    pub made: u64,
}

/// Risk, own seat, effective class scaled by the step, stamp, id: smaller goes first.
type Standing = (bool, bool, i128, (Mono, u32), CallId);

impl Spec {
    pub fn new(config: QueueConfig) -> Self {
        Self {
            callers: Vec::new(),
            seats: Vec::new(),
            lines_in_use: Vec::new(),
            draining: vec![false; config.pools.len()],
            turns: vec![0; config.seats],
            inboxes: vec![Vec::new(); usize::from(config.shards)],
            made: 0,
            config,
        }
    }

    fn undelivered(&self, side: Side) -> impl Iterator<Item = &Match> {
        self.inboxes
            .iter()
            .flatten()
            .filter(move |m| m.side == side)
    }

    fn pool_usable(&self, pool: PoolId) -> bool {
        let used = self
            .lines_in_use
            .iter()
            .filter(|line| line.pool == pool)
            .count();
        !self.draining[pool.0 as usize]
            && used < usize::from(self.config.pools[pool.0 as usize].lines)
    }

    /// The pool by which the two fit, if they do.
    fn fits(&self, caller: &Caller, seat: &ReadySeat) -> Option<PoolId> {
        let has = |skill: SkillId| seat.skills.iter().any(|(known, _)| *known == skill);
        let required = (0..64)
            .filter_map(SkillId::new)
            .filter(|s| caller.required.contains(*s));
        let bound = caller
            .preferred
            .iter()
            .filter(|p| !p.dropped)
            .map(|p| p.skill);
        let admitted = match seat.lowest {
            Lowest::Everyone => true,
            Lowest::Class(class) => caller.risk || caller.class <= class,
            Lowest::RiskOnly => caller.risk,
        };
        if !admitted || !required.chain(bound).all(has) {
            return None;
        }
        let mut pools: Vec<PoolId> = caller
            .rings
            .iter()
            .take(caller.open.into())
            .copied()
            .collect();
        pools.retain(|pool| seat.pools.contains(pool));
        if caller.own_seat == Some(seat.seat) {
            pools.extend(&seat.pools);
        }
        pools.into_iter().find(|pool| self.pool_usable(*pool))
    }

    pub fn standing(&self, now: Mono, caller: &Caller, seat: Option<SeatId>) -> Standing {
        let step = i128::try_from(self.config.ageing.step.as_micros()).unwrap();
        let waited = i128::from(now.0) - i128::from(caller.stamp.at.0);
        let effective = i128::from(caller.class.number()) * step - waited;
        let own = seat.is_some() && caller.own_seat == seat;
        (
            !caller.risk,
            !own,
            effective,
            (caller.stamp.at, caller.stamp.tie),
            caller.call,
        )
    }

    /// How much a caller wants one of the seats that fit it: smaller is better.
    fn wish(&self, caller: &Caller, seat: &Seat, pool: PoolId) -> impl Ord {
        let ready = &seat.ready;
        let level = |skill: SkillId| {
            ready
                .skills
                .iter()
                .filter(|(known, _)| *known == skill)
                .map(|(_, level)| u32::from(*level))
                .max()
        };
        let dropped = caller
            .preferred
            .iter()
            .filter(|p| p.dropped && level(p.skill).is_some());
        let weight: u32 = dropped.map(|p| u32::from(p.weight)).sum();
        let mut wanted: Vec<SkillId> = caller.preferred.iter().map(|p| p.skill).collect();
        wanted.extend(
            (0..64)
                .filter_map(SkillId::new)
                .filter(|s| caller.required.contains(*s)),
        );
        wanted.sort();
        wanted.dedup();
        let levels: u32 = wanted.into_iter().filter_map(level).sum();
        let idle = (Reverse(0), 0, ready.idle_since);
        let key = match self.config.pools[pool.0 as usize].strategy {
            Strategy::LongestIdle => idle,
            Strategy::BestSkill => (Reverse(levels), 0, ready.idle_since),
            Strategy::LeastTalk => (Reverse(0), ready.talked_ms / 60_000, ready.idle_since),
            Strategy::RoundRobin => (Reverse(0), seat.turn, Mono(0)),
        };
        let ring = caller.rings.iter().position(|ring| *ring == pool);
        let own = caller.own_seat == Some(ready.seat);
        (!own, ring, Reverse(weight), key, ready.seat)
    }

    /// Makes pairs until none fits, and names the shards that got something.
    fn settle(&mut self, now: Mono) -> Vec<ShardId> {
        let mut wakes = Vec::new();
        loop {
            let mut first: Option<(Standing, usize)> = None;
            for (index, (caller, _)) in self.callers.iter().enumerate() {
                for seat in self
                    .seats
                    .iter()
                    .filter(|s| self.fits(caller, &s.ready).is_some())
                {
                    let standing = (self.standing(now, caller, Some(seat.ready.seat)), index);
                    first = Some(first.map_or(standing, |other| other.min(standing)));
                }
            }
            let Some((_, index)) = first else {
                return wakes;
            };
            let caller = &self.callers[index].0;
            let fitting = self.seats.iter().enumerate();
            let fitting =
                fitting.filter_map(|(n, s)| self.fits(caller, &s.ready).map(|pool| (n, s, pool)));
            let chosen = fitting.min_by_key(|(_, s, pool)| self.wish(caller, s, *pool));
            let (number, _, pool) = chosen.unwrap();
            self.make(index, number, pool, &mut wakes);
        }
    }

    fn make(&mut self, caller: usize, seat: usize, pool: PoolId, wakes: &mut Vec<ShardId>) {
        let (caller, enqueued) = self.callers.remove(caller);
        let seat = self.seats.remove(seat);
        let free = |n: &u16| !self.lines_in_use.contains(&LineId { pool, number: *n });
        let line = LineId {
            pool,
            number: (0..).find(free).unwrap(),
        };
        self.lines_in_use.push(line);
        self.made += 1;
        self.turns[seat.ready.seat.0 as usize] = self.made;
        for (side, shard) in [(Side::Caller, caller.shard), (Side::Seat, seat.ready.shard)] {
            self.inboxes[usize::from(shard.0)].push(Match {
                side,
                call: caller.call,
                caller_shard: caller.shard,
                seat: seat.ready.seat,
                seat_shard: seat.ready.shard,
                counsellor: seat.ready.counsellor,
                line,
                offer: OfferId(self.made),
                ready_since: seat.since,
                enqueued,
            });
            wakes.push(shard);
        }
    }

    pub fn enqueue(
        &mut self,
        now: Mono,
        caller: Caller,
        again: bool,
    ) -> Result<Vec<ShardId>, EnqueueError> {
        let waits = self.callers.iter().any(|(c, _)| c.call == caller.call);
        if waits
            || self
                .undelivered(Side::Caller)
                .any(|m| m.call == caller.call)
        {
            return Err(EnqueueError::Duplicate);
        }
        let held = self.callers.len() + self.undelivered(Side::Caller).count();
        if !again && !caller.risk && held >= self.config.max_callers {
            return Err(EnqueueError::Full);
        }
        self.callers.push((caller, now));
        Ok(self.settle(now))
    }

    pub fn abandon(&mut self, call: CallId) -> bool {
        let before = self.callers.len();
        self.callers.retain(|(caller, _)| caller.call != call);
        before != self.callers.len()
    }

    pub fn change(
        &mut self,
        now: Mono,
        call: CallId,
        change: impl FnOnce(&mut Caller),
    ) -> Vec<ShardId> {
        if let Some((caller, _)) = self.callers.iter_mut().find(|(c, _)| c.call == call) {
            change(caller);
        }
        self.settle(now)
    }

    pub fn seat_ready(&mut self, now: Mono, ready: ReadySeat) -> Vec<ShardId> {
        if self.undelivered(Side::Seat).any(|m| m.seat == ready.seat) {
            return Vec::new();
        }
        let since = self
            .seats
            .iter()
            .find(|s| s.ready.seat == ready.seat)
            .map_or(now, |s| s.since);
        self.seat_withdrawn(ready.seat);
        let turn = self.turns[ready.seat.0 as usize];
        self.seats.push(Seat { ready, since, turn });
        self.settle(now)
    }

    pub fn seat_withdrawn(&mut self, seat: SeatId) -> bool {
        let before = self.seats.len();
        self.seats.retain(|s| s.ready.seat != seat);
        before != self.seats.len()
    }

    pub fn set_lines(&mut self, now: Mono, pool: PoolId, lines: u16) -> Vec<ShardId> {
        self.config.pools[pool.0 as usize].lines = lines;
        self.settle(now)
    }

    pub fn release_line(&mut self, now: Mono, line: LineId) -> Vec<ShardId> {
        self.lines_in_use.retain(|used| *used != line);
        self.settle(now)
    }

    pub fn drain(&mut self, now: Mono, pool: PoolId, draining: bool) -> Vec<ShardId> {
        self.draining[pool.0 as usize] = draining;
        self.settle(now)
    }

    pub fn take_match(&mut self, shard: ShardId) -> Option<Match> {
        let inbox = &mut self.inboxes[usize::from(shard.0)];
        (!inbox.is_empty()).then(|| inbox.remove(0))
    }

    /// Callers in the order of service, by a seat that is nobody's own.
    pub fn in_order(&self, now: Mono) -> Vec<&Caller> {
        let mut all: Vec<&Caller> = self.callers.iter().map(|(caller, _)| caller).collect();
        all.sort_by_key(|caller| self.standing(now, caller, None));
        all
    }
}
