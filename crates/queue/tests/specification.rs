//! The queue against the naive specification, compared after every operation.

mod fixtures;
mod model_spec;

use fixtures::operation::Offers;
use fixtures::{class, skill};
use meishier_model::{CallId, CounsellorId, LineId, Mono, PoolId, SeatId, ShardId, SkillSet};
use meishier_queue::{
    Ageing, Caller, Lowest, Match, OfferId, PoolConfig, Preference, Queue, QueueConfig, ReadySeat,
    Side, Stamp, Widening,
};
use model_spec::Spec;
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

const POOLS: u16 = 4;
const SEATS: u32 = 8;
const CALLS: u64 = 16;
const SHARDS: u16 = 3;
const SKILLS: u8 = 4;

#[derive(Clone, Debug)]
enum Op {
    Enqueue(Caller),
    PutBack(Caller),
    Abandon(CallId),
    OpenRing(CallId),
    Drop(CallId, u8),
    Raise(CallId, Option<u8>, bool),
    Ready(ReadySeat),
    Withdraw(SeatId),
    Lines(PoolId, u16),
    Release(LineId),
    Drain(PoolId, bool),
    Take(ShardId),
    TakeAll,
    /// Other rules: strategies turned by so many, so many callers at most, so long a step.
    Rules(usize, usize, u64),
    /// The process ends and another one goes on.
    Restart,
}

fn call() -> impl Strategy<Value = CallId> {
    (0..CALLS).prop_map(CallId)
}

fn pool() -> impl Strategy<Value = PoolId> {
    (0..POOLS).prop_map(PoolId)
}

fn skills(most: u32) -> impl Strategy<Value = SkillSet> {
    (0..1_u64 << SKILLS).prop_map(move |bits| {
        let set = SkillSet(bits);
        if set.0.count_ones() > most {
            SkillSet::EMPTY
        } else {
            set
        }
    })
}

fn caller() -> impl Strategy<Value = Caller> {
    let preference =
        (0..SKILLS, 0..3_u16, any::<bool>()).prop_map(|(n, weight, dropped)| Preference {
            skill: skill(n),
            weight,
            dropped,
        });
    let what = (skills(1), vec(preference, 0..3), vec(pool(), 1..4), 0..4_u8);
    let who = (call(), 0..SHARDS, 0..400_u64, 0..2_u32, 0..8_u8);
    let extra = (
        proptest::option::weighted(0.3, 0..SEATS),
        proptest::bool::weighted(0.15),
    );
    (who, what, extra).prop_map(
        |((call, shard, at, tie, n), (required, preferred, rings, open), (own, risk))| Caller {
            call,
            shard: ShardId(shard),
            stamp: Stamp { at: Mono(at), tie },
            class: class(n),
            risk,
            required,
            preferred: preferred.into_iter().collect(),
            rings: rings.into_iter().collect(),
            open,
            own_seat: own.map(SeatId),
        },
    )
}

fn seat() -> impl Strategy<Value = ReadySeat> {
    let lowest = prop_oneof![
        4 => Just(Lowest::Everyone),
        1 => Just(Lowest::RiskOnly),
        2 => (0..8_u8).prop_map(|n| Lowest::Class(class(n))),
    ];
    let can = vec((0..SKILLS, 1..6_u8), 0..5);
    let idle = (0..4_u64, 0..200_000_u64);
    (0..SEATS, vec(pool(), 1..3), can, lowest, idle).prop_map(
        |(n, pools, can, lowest, (idle, talked_ms))| ReadySeat {
            seat: SeatId(n),
            shard: ShardId(u16::try_from(n).unwrap() % SHARDS),
            counsellor: CounsellorId(n + 100),
            pools: pools.into_iter().collect(),
            skills: can
                .into_iter()
                .map(|(n, level)| (skill(n), level))
                .collect(),
            lowest,
            idle_since: Mono(idle),
            talked_ms,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let line = (pool(), 0..4_u16).prop_map(|(pool, number)| Op::Release(LineId { pool, number }));
    prop_oneof![
        8 => caller().prop_map(Op::Enqueue),
        2 => caller().prop_map(Op::PutBack),
        2 => call().prop_map(Op::Abandon),
        3 => call().prop_map(Op::OpenRing),
        3 => (call(), 0..SKILLS).prop_map(|(call, n)| Op::Drop(call, n)),
        2 => (call(), proptest::option::of(0..8_u8), any::<bool>()).prop_map(|(c, n, r)| Op::Raise(c, n, r)),
        8 => seat().prop_map(Op::Ready),
        2 => (0..SEATS).prop_map(|n| Op::Withdraw(SeatId(n))),
        2 => (pool(), 0..4_u16).prop_map(|(pool, lines)| Op::Lines(pool, lines)),
        6 => line,
        2 => (pool(), any::<bool>()).prop_map(|(pool, draining)| Op::Drain(pool, draining)),
        2 => (0..SHARDS).prop_map(|n| Op::Take(ShardId(n))),
        6 => Just(Op::TakeAll),
        1 => (0..4_usize, 4..16_usize, 0..100_u64).prop_map(|(n, most, step)| Op::Rules(n, most, step)),
        1 => Just(Op::Restart),
    ]
}

fn sorted(wakes: impl IntoIterator<Item = ShardId>, once: bool) -> Vec<ShardId> {
    let mut all: Vec<ShardId> = wakes.into_iter().collect();
    all.sort();
    if once {
        all.dedup();
    }
    all
}

/// Does the same to both and compares what they answer.
fn apply(queue: &mut Queue, spec: &mut Spec, offers: &mut Offers, now: Mono, op: Op) {
    let (real, said) = match op {
        Op::Enqueue(caller) => {
            let real = queue.enqueue(now, caller.clone());
            let said = spec.enqueue(now, caller, false);
            assert_eq!(real.as_ref().err(), said.as_ref().err());
            (real.unwrap_or_default(), said.unwrap_or_default())
        }
        Op::PutBack(caller) => {
            let real = queue.put_back(now, caller.clone());
            let said = spec.enqueue(now, caller, true);
            assert_eq!(real.as_ref().err(), said.as_ref().err());
            (real.unwrap_or_default(), said.unwrap_or_default())
        }
        Op::Abandon(call) => {
            assert_eq!(queue.abandon(now, call), spec.abandon(call));
            return;
        }
        Op::OpenRing(call) => {
            let said = spec.change(now, call, |c| {
                c.open = u8::try_from(c.rings.len()).unwrap().min(c.open + 1)
            });
            (queue.widen(now, call, Widening::OpenRing), said)
        }
        Op::Drop(call, n) => {
            let said = spec.change(now, call, |c| {
                c.preferred
                    .iter_mut()
                    .filter(|p| p.skill == skill(n))
                    .for_each(|p| p.dropped = true);
            });
            (
                queue.widen(now, call, Widening::DropPreference(skill(n))),
                said,
            )
        }
        Op::Raise(call, n, risk) => {
            let said = spec.change(now, call, |c| {
                c.class = n.map_or(c.class, |n| c.class.min(class(n)));
                c.risk |= risk;
            });
            (queue.raise(now, call, n.map(class), risk), said)
        }
        Op::Ready(seat) => (
            queue.seat_ready(now, seat.clone()).unwrap(),
            spec.seat_ready(now, seat),
        ),
        Op::Withdraw(seat) => {
            assert_eq!(queue.seat_withdrawn(seat), spec.seat_withdrawn(seat));
            return;
        }
        Op::Lines(pool, lines) => (
            queue.set_lines(now, pool, lines),
            spec.set_lines(now, pool, lines),
        ),
        Op::Release(line) => {
            let mut unread = spec.inboxes.iter().flatten();
            if unread.any(|m| m.side == Side::Caller && m.line == line) {
                // Nobody knows of this line yet.
                return;
            }
            (queue.release_line(now, line), spec.release_line(now, line))
        }
        Op::Drain(pool, on) => (queue.drain(now, pool, on), spec.drain(now, pool, on)),
        Op::Take(shard) => {
            take(queue, spec, offers, shard);
            return;
        }
        Op::TakeAll => {
            for shard in (0..SHARDS).map(ShardId) {
                while take(queue, spec, offers, shard) {}
            }
            return;
        }
        Op::Rules(n, most, step) => {
            let pools = &mut spec.config.pools;
            let turned: Vec<_> = pools.iter().map(|pool| pool.strategy).collect();
            for (i, pool) in pools.iter_mut().enumerate() {
                pool.strategy = turned[(i + n) % turned.len()];
            }
            spec.config.max_callers = most;
            spec.config.ageing.step = Duration::from_micros(step);
            assert!(queue.reconfigure(&spec.config));
            return;
        }
        Op::Restart => {
            *queue = restarted(queue, spec);
            let filled = (0..SHARDS).filter(|n| !spec.inboxes[usize::from(*n)].is_empty());
            (queue.open(now), filled.map(ShardId).collect())
        }
    };
    assert_eq!(
        sorted(real, false),
        sorted(said, true),
        "each woken shard once, and no other"
    );
}

/// Takes an entry from both. Offers have their own numbers, in the same order. False if there is
/// none.
fn take(queue: &Queue, spec: &mut Spec, offers: &mut Offers, shard: ShardId) -> bool {
    let (real, said) = (queue.take_match(shard), spec.take_match(shard));
    if let (Some(real), Some(said)) = (real, said) {
        let order = offers.pair(said.offer, real.offer);
        assert!(order.is_some(), "another order: {real:?}, {said:?}");
    }
    let unnamed = |made: Match| Match {
        offer: OfferId(0),
        ..made
    };
    assert_eq!(real.map(unnamed), said.map(unnamed));
    real.is_some()
}

/// Another queue with everybody who is in the specification, last ones first.
fn restarted(queue: &Queue, spec: &Spec) -> Queue {
    let next = Queue::restore(spec.config.clone(), &queue.snapshot());
    for line in spec.lines_in_use.iter().rev() {
        // False for the line of a match that lies in an inbox.
        next.hold_line(*line);
    }
    for seat in spec.seats.iter().rev() {
        let wakes = next.reenter_seat(seat.since, seat.ready.clone()).unwrap();
        assert!(wakes.is_empty());
    }
    for (caller, enqueued) in spec.callers.iter().rev() {
        let wakes = next.reenter_caller(*enqueued, caller.clone()).unwrap();
        assert!(wakes.is_empty());
    }
    next
}

/// Everything that people may see.
fn compare(queue: &Queue, spec: &Spec, now: Mono) {
    let counts = queue.counts();
    assert_eq!(counts.waiting as usize, spec.callers.len());
    assert_eq!(counts.ready as usize, spec.seats.len());
    assert_eq!(counts.matches, spec.made);
    for (n, used) in counts.lines_used.iter().enumerate() {
        let said = spec
            .lines_in_use
            .iter()
            .filter(|line| usize::from(line.pool.0) == n)
            .count();
        assert_eq!(usize::from(*used), said);
    }
    let order = spec.in_order(now);
    let listed = queue.waiting_list();
    assert_eq!(
        listed.iter().map(|w| w.call).collect::<Vec<_>>(),
        order.iter().map(|c| c.call).collect::<Vec<_>>()
    );
    for (n, me) in order.iter().enumerate() {
        let open =
            |c: &Caller| -> Vec<PoolId> { c.rings.iter().take(c.open.into()).copied().collect() };
        let mine = open(me);
        let competes = |other: &&&Caller| {
            let own = me.own_seat.is_some() && me.own_seat == other.own_seat;
            own || open(other).iter().any(|pool| mine.contains(pool))
        };
        let ahead = order[..n].iter().filter(competes).count();
        assert_eq!(queue.position(me.call), Some(u32::try_from(ahead).unwrap()));
        assert!(
            !queue.why(me.call).unwrap().is_empty(),
            "somebody waits without a reason: {me:?}"
        );
    }
    for pool in (0..POOLS).map(PoolId) {
        let here = order
            .iter()
            .filter(|c| c.rings.iter().take(c.open.into()).any(|ring| *ring == pool));
        let view = queue.waiting(pool);
        assert_eq!(view.oldest, here.clone().map(|c| c.stamp.at).min());
        assert_eq!(view.risk as usize, here.clone().filter(|c| c.risk).count());
        assert_eq!(view.total() as usize, here.count());
    }
}

fn config() -> QueueConfig {
    use meishier_queue::Strategy::*;
    let pools = [LongestIdle, BestSkill, LeastTalk, RoundRobin];
    QueueConfig {
        shards: SHARDS,
        pools: pools
            .map(|strategy| PoolConfig { strategy, lines: 2 })
            .to_vec(),
        seats: SEATS as usize,
        max_callers: 12,
        capacity: 4096,
        ageing: Ageing {
            step: Duration::from_micros(50),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_queue_does_what_the_specification_says(ops in vec((0..30_u64, op()), 1..250)) {
        let mut queue = Queue::new(config());
        let mut spec = Spec::new(config());
        let mut offers = Offers::default();
        let mut now = Mono(400);
        for (later, op) in ops {
            now.0 += later;
            apply(&mut queue, &mut spec, &mut offers, now, op);
            compare(&queue, &spec, now);
        }
    }
}
