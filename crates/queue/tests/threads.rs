//! Eight threads at once: nobody twice, nobody lost, no match missed, every wake heard.

mod fixtures;

use fixtures::dice::Dice;
use fixtures::operation::Operation;
use fixtures::world::{
    Listening, POOLS, Shard, World, both_sides_heard_the_same, each_let_in_ended_once,
    nothing_that_fits_is_left,
};
use meishier_model::{PoolId, ShardId};
use std::sync::Barrier;

const SHARDS: u16 = 8;
const OPERATIONS: u64 = 4000;

fn act(shard: &mut Shard, world: &World, dice: &mut Dice) {
    if let Some(operation) = shard.choose(world, dice) {
        shard.perform(world, operation);
    }
}

fn run(world: &World, seed: u64, listening: Listening) -> Vec<Shard> {
    let start = Barrier::new(usize::from(SHARDS));
    std::thread::scope(|scope| {
        let one = |n: u16| {
            let start = &start;
            scope.spawn(move || {
                let mut shard = Shard::new(ShardId(n));
                let mut dice = Dice::new(seed * 1000 + u64::from(n));
                start.wait();
                for _ in 0..OPERATIONS {
                    act(&mut shard, world, &mut dice);
                    shard.listen(world, listening);
                }
                shard
            })
        };
        let threads: Vec<_> = (0..SHARDS).map(one).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    })
}

/// All pools open, everybody hears what is left, then the books must be right.
fn balance(world: &World, shards: &mut [Shard], listening: Listening) {
    for pool in 0..POOLS {
        world.perform(Operation::Drain(PoolId(pool), false));
    }
    for shard in &mut *shards {
        shard.listen(world, listening);
        assert!(!world.queue.has_match(shard.id), "an entry came unheard");
        assert_eq!(world.queue.take_match(shard.id), None);
    }
    let let_in: usize = shards.iter().map(|shard| shard.let_in.len()).sum();
    let abandoned: usize = shards.iter().map(|shard| shard.abandoned.len()).sum();
    assert!(let_in > 1000 && abandoned > 100, "too little happened");
    each_let_in_ended_once(world, shards);
    both_sides_heard_the_same(world, shards);
    nothing_that_fits_is_left(world, shards);
}

#[test]
fn nobody_is_matched_twice_or_lost_and_no_match_is_missed() {
    for seed in 1..=4 {
        let world = World::new(SHARDS, 1_000_000, 1 << 16);
        let mut shards = run(&world, seed, Listening::Woken);
        balance(&world, &mut shards, Listening::Woken);
    }
}

#[test]
fn whoever_asks_at_every_turn_hears_of_everything() {
    for seed in 5..=8 {
        let world = World::new(SHARDS, 1_000_000, 1 << 16);
        let mut shards = run(&world, seed, Listening::Asking);
        balance(&world, &mut shards, Listening::Asking);
    }
}

#[test]
fn a_full_queue_says_so_and_loses_nobody() {
    for seed in 9..=12 {
        let world = World::new(SHARDS, 40, 1 << 16);
        let mut shards = run(&world, seed, Listening::Asking);
        let refused: u64 = shards.iter().map(|shard| shard.refused).sum();
        assert!(refused > 100, "it was full too seldom: {refused}");
        balance(&world, &mut shards, Listening::Asking);
    }
}
