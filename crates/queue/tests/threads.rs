//! Eight threads at once: nobody twice, nobody lost, no match missed, every wake heard.

mod fixtures;

use fixtures::{class, skill};
use meishier_model::{CallId, CounsellorId, LineId, Mono, PoolId, SeatId, ShardId, SkillSet};
use meishier_queue::{
    Ageing, Caller, Lowest, Match, PoolConfig, Preference, Queue, QueueConfig, ReadySeat, Side,
    Stamp, Strategy, Widening,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SHARDS: u16 = 8;
const POOLS: u16 = 3;
const SEATS_A_SHARD: u32 = 6;
const OPERATIONS: u64 = 4000;

/// xorshift64*: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }
}

struct World {
    queue: Queue,
    clock: AtomicU64,
    woken: Vec<AtomicBool>,
    named: Vec<AtomicU64>,
    /// Lines that some shard holds now; two holders of one line would show here.
    lines: Vec<AtomicBool>,
}

impl World {
    fn now(&self) -> Mono {
        Mono(self.clock.fetch_add(1, Ordering::SeqCst))
    }

    fn wake(&self, shards: &[ShardId]) {
        for shard in shards {
            self.named[usize::from(shard.0)].fetch_add(1, Ordering::SeqCst);
            self.woken[usize::from(shard.0)].store(true, Ordering::SeqCst);
        }
    }

    fn line(&self, line: LineId) -> &AtomicBool {
        &self.lines[usize::from(line.pool.0) * 64 + usize::from(line.number)]
    }
}

/// One shard: what it let in, what it heard.
struct Shard {
    id: ShardId,
    calls: u64,
    waiting: BTreeMap<CallId, Caller>,
    ready: BTreeMap<SeatId, ReadySeat>,
    talking: Vec<(Caller, LineId)>,
    let_in: BTreeMap<CallId, u32>,
    matched: BTreeMap<CallId, u32>,
    abandoned: BTreeSet<CallId>,
    heard: Vec<Match>,
}

impl Shard {
    fn new(id: ShardId) -> Self {
        Self {
            id,
            calls: 0,
            waiting: BTreeMap::new(),
            ready: BTreeMap::new(),
            talking: Vec::new(),
            let_in: BTreeMap::new(),
            matched: BTreeMap::new(),
            abandoned: BTreeSet::new(),
            heard: Vec::new(),
        }
    }

    fn caller(&mut self, world: &World, dice: &mut Dice) -> Caller {
        self.calls += 1;
        let preference = Preference {
            skill: skill(2),
            weight: 3,
            dropped: dice.roll(2) == 0,
        };
        let first = dice.roll(u64::from(POOLS)) as u16;
        Caller {
            call: CallId::new(self.id, self.calls),
            shard: self.id,
            stamp: Stamp {
                at: world.now(),
                tie: 0,
            },
            class: class(dice.roll(8) as u8),
            risk: dice.roll(10) == 0,
            required: SkillSet(dice.roll(4)),
            preferred: (0..dice.roll(2)).map(|_| preference).collect(),
            rings: [PoolId(first), PoolId((first + 1) % POOLS)]
                .into_iter()
                .collect(),
            open: 1,
            own_seat: (dice.roll(8) == 0).then(|| SeatId(dice.roll(48) as u32)),
        }
    }

    fn seat(&self, dice: &mut Dice) -> ReadySeat {
        let n = u32::from(self.id.0) * SEATS_A_SHARD + dice.roll(u64::from(SEATS_A_SHARD)) as u32;
        ReadySeat {
            seat: SeatId(n),
            shard: self.id,
            counsellor: CounsellorId(n),
            pools: [PoolId(dice.roll(u64::from(POOLS)) as u16)]
                .into_iter()
                .collect(),
            skills: (0..3)
                .filter(|_| dice.roll(3) > 0)
                .map(|s| (skill(s), 3))
                .collect(),
            lowest: if dice.roll(5) == 0 {
                Lowest::Class(class(3))
            } else {
                Lowest::Everyone
            },
            idle_since: Mono(dice.roll(100)),
            talked_ms: dice.roll(1_000_000),
        }
    }

    fn act(&mut self, world: &World, dice: &mut Dice) {
        let queue = &world.queue;
        let pick = self
            .waiting
            .keys()
            .nth(dice.roll(self.waiting.len().max(1) as u64) as usize)
            .copied();
        match dice.roll(16) {
            0..4 => {
                let caller = self.caller(world, dice);
                *self.let_in.entry(caller.call).or_default() += 1;
                self.waiting.insert(caller.call, caller.clone());
                world.wake(&queue.enqueue(world.now(), caller).unwrap());
            }
            4..8 => {
                let seat = self.seat(dice);
                // A match of the seat that was not heard yet stands, and what it said then stands.
                let known = self.ready.entry(seat.seat).or_insert(seat).clone();
                world.wake(&queue.seat_ready(world.now(), known).unwrap());
            }
            8 => {
                let seat = self.seat(dice).seat;
                if queue.seat_withdrawn(seat) {
                    assert!(self.ready.remove(&seat).is_some());
                }
            }
            9 => self.abandon(world, pick),
            10 => {
                let Some(call) = pick else { return };
                world.wake(&queue.widen(world.now(), call, Widening::OpenRing));
            }
            11 => {
                let Some(call) = pick else { return };
                world.wake(&queue.widen(world.now(), call, Widening::DropPreference(skill(2))));
            }
            12 => {
                let Some(call) = pick else { return };
                let better = Some(class(dice.roll(8) as u8));
                world.wake(&queue.raise(world.now(), call, better, dice.roll(4) == 0));
            }
            13 => {
                let (pool, on) = (
                    PoolId(dice.roll(u64::from(POOLS)) as u16),
                    dice.roll(3) == 0,
                );
                world.wake(&queue.drain(world.now(), pool, on));
            }
            _ => self.hang_up(world, dice),
        }
    }

    fn abandon(&mut self, world: &World, call: Option<CallId>) {
        let Some(call) = call else { return };
        if world.queue.abandon(world.now(), call) {
            self.waiting.remove(&call);
            assert!(self.abandoned.insert(call));
        }
    }

    /// A call on a line ends, or its seat did not answer and it goes back.
    fn hang_up(&mut self, world: &World, dice: &mut Dice) {
        if self.talking.is_empty() {
            return;
        }
        let (caller, line) = self
            .talking
            .swap_remove(dice.roll(self.talking.len() as u64) as usize);
        assert!(
            world.line(line).swap(false, Ordering::SeqCst),
            "{line:?} was held by nobody"
        );
        world.wake(&world.queue.release_line(world.now(), line));
        if dice.roll(3) == 0 {
            *self.let_in.entry(caller.call).or_default() += 1;
            self.waiting.insert(caller.call, caller.clone());
            world.wake(&world.queue.put_back(world.now(), caller).unwrap());
        }
    }

    /// Reads the inbox only when woken: an unheard wake would leave matches in it.
    fn listen(&mut self, world: &World) {
        if !world.woken[usize::from(self.id.0)].swap(false, Ordering::SeqCst) {
            return;
        }
        while let Some(made) = world.queue.take_match(self.id) {
            self.heard.push(made);
            match made.side {
                Side::Caller => {
                    assert_eq!(made.caller_shard, self.id);
                    let caller = self
                        .waiting
                        .remove(&made.call)
                        .expect("matched without waiting");
                    assert!(
                        !self.abandoned.contains(&made.call),
                        "matched and abandoned"
                    );
                    *self.matched.entry(made.call).or_default() += 1;
                    let held = world.line(made.line).swap(true, Ordering::SeqCst);
                    assert!(!held, "{:?} was given out twice", made.line);
                    self.talking.push((caller, made.line));
                }
                Side::Seat => {
                    assert_eq!(made.seat_shard, self.id);
                    assert!(
                        self.ready.remove(&made.seat).is_some(),
                        "matched without being ready"
                    );
                }
            }
        }
    }
}

fn world() -> World {
    let pool = PoolConfig {
        strategy: Strategy::LeastTalk,
        lines: 9,
    };
    let config = QueueConfig {
        shards: SHARDS,
        pools: vec![pool; usize::from(POOLS)],
        seats: (u32::from(SHARDS) * SEATS_A_SHARD) as usize,
        max_callers: 1_000_000,
        capacity: 1 << 16,
        ageing: Ageing::default(),
    };
    World {
        queue: Queue::new(config),
        clock: AtomicU64::new(1),
        woken: (0..SHARDS).map(|_| AtomicBool::new(false)).collect(),
        named: (0..SHARDS).map(|_| AtomicU64::new(0)).collect(),
        lines: (0..POOLS * 64).map(|_| AtomicBool::new(false)).collect(),
    }
}

fn run(seed: u64) -> (World, Vec<Shard>) {
    let world = world();
    let start = Barrier::new(usize::from(SHARDS));
    let shards = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SHARDS)
            .map(|n| {
                let (world, start) = (&world, &start);
                scope.spawn(move || {
                    let mut shard = Shard::new(ShardId(n));
                    let mut dice = Dice(seed * 1000 + u64::from(n) + 1);
                    start.wait();
                    for _ in 0..OPERATIONS {
                        shard.act(world, &mut dice);
                        shard.listen(world);
                    }
                    shard
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    (world, shards)
}

#[test]
fn nobody_is_matched_twice_or_lost_and_no_match_is_missed() {
    for seed in 1..=4 {
        let (world, mut shards) = run(seed);
        for pool in 0..POOLS {
            world.wake(&world.queue.drain(world.now(), PoolId(pool), false));
        }
        for shard in &mut shards {
            shard.listen(&world);
            assert_eq!(
                world.queue.take_match(shard.id),
                None,
                "an entry came without a wake"
            );
        }
        each_let_in_ended_once(&world, &shards);
        both_sides_heard_the_same(&world, &shards);
        nothing_that_fits_is_left(&world, &shards);
    }
}

fn each_let_in_ended_once(world: &World, shards: &[Shard]) {
    let listed: BTreeSet<CallId> = world.queue.waiting_list().iter().map(|w| w.call).collect();
    for shard in shards {
        assert!(
            shard.let_in.len() > 100 && shard.abandoned.len() > 10,
            "too little happened"
        );
        for (call, times) in &shard.let_in {
            let matched = shard.matched.get(call).copied().unwrap_or(0);
            let waits = u32::from(listed.contains(call));
            let gone = u32::from(shard.abandoned.contains(call));
            assert_eq!(matched + waits + gone, *times, "{call}");
            assert_eq!(
                listed.contains(call),
                shard.waiting.contains_key(call),
                "{call}"
            );
        }
    }
}

fn both_sides_heard_the_same(world: &World, shards: &[Shard]) {
    let mut sides: BTreeMap<u64, Vec<Match>> = BTreeMap::new();
    for made in shards.iter().flat_map(|shard| &shard.heard) {
        sides.entry(made.offer.0).or_default().push(*made);
    }
    assert_eq!(sides.len() as u64, world.queue.counts().matches);
    for both in sides.values_mut() {
        both.sort_by_key(|made| made.side);
        let [caller, seat] = both.as_slice() else {
            panic!("not two copies: {both:?}")
        };
        assert_eq!(
            Match {
                side: Side::Seat,
                ..*caller
            },
            *seat
        );
    }
    for (shard, named) in shards.iter().zip(&world.named) {
        assert!(
            named.load(Ordering::SeqCst) <= shard.heard.len() as u64,
            "woken for nothing"
        );
    }
}

/// Each waiting caller against each ready seat, by what the queue itself says of the callers.
fn nothing_that_fits_is_left(world: &World, shards: &[Shard]) {
    let used = world.queue.counts().lines_used;
    let free = |pool: &&PoolId| used[usize::from(pool.0)] < 9;
    let ready: Vec<&ReadySeat> = shards
        .iter()
        .flat_map(|shard| shard.ready.values())
        .collect();
    assert_eq!(world.queue.counts().ready as usize, ready.len());
    for caller in world.queue.waiting_list() {
        for seat in &ready {
            let able = seat.skill_set().covers(caller.needs)
                && seat.lowest.admits(caller.class, caller.risk);
            let open = &caller.rings[..usize::from(caller.open)];
            let by_pool = seat
                .pools
                .iter()
                .filter(free)
                .any(|pool| open.contains(pool));
            let own =
                caller.own_seat == Some(seat.seat) && seat.pools.iter().any(|pool| free(&pool));
            assert!(
                !(able && (by_pool || own)),
                "{} and {} fit",
                caller.call,
                seat.seat
            );
        }
    }
}
