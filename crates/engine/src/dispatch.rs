//! Which shard gets a message, and the queue that the shards share.

use crate::api::home_of_seat;
use crate::shard::most_calls;
use meishier_config::{Config, Strategy as ConfigStrategy, limits};
use meishier_model::{PoolId, SeatId, ShardId, Wall};
use meishier_queue::{
    Ageing, MAX_LINES, MAX_POOLS, MAX_PREFERENCES, MAX_RINGS, PoolConfig, QueueConfig, Strategy,
};
use meishier_signaling::{scan, shard_of, shard_of_name};

/// How many callers a queue can be made for.
const CAPACITY: usize = 98_304;

// What a file may ask for, a queue can hold.
const _: () = {
    assert!(limits::MOST_CALLS <= CAPACITY && limits::MOST_SEATS <= 8192);
    assert!(limits::MOST_RINGS <= MAX_RINGS && limits::MOST_PREFERENCES <= MAX_PREFERENCES);
    assert!(limits::MOST_POOLS_OF_A_SEAT <= MAX_POOLS && limits::MOST_LINES <= MAX_LINES);
};

/// The shard that must get this message, of `shards`: REGISTER goes to the home of the seat named
/// in To, so that registrar and seat are together; one for nobody's seat goes by that name as well, so
/// that its failures are counted in one place like a seat's, and nobody learns by their answers who
/// exists. Everything else goes by Call-ID.
#[must_use]
pub fn dispatch(bytes: &[u8], config: &Config, shards: u16) -> ShardId {
    let user = bytes
        .starts_with(b"REGISTER ")
        .then(|| scan::to_user(bytes))
        .flatten();
    let Some(user) = user else {
        return shard_of(bytes, shards);
    };
    let mut seats = (0..).zip(&config.seats);
    match seats.find(|(_, seat)| seat.name.as_bytes() == user) {
        Some((index, _)) => home_of_seat(SeatId(index), shards),
        None => shard_of_name(user, shards),
    }
}

/// The queue's size and rules. Lines are those of the moment at which the engine starts.
#[must_use]
pub fn queue_config(config: &Config, wall: Wall) -> QueueConfig {
    let pools = (0u16..).zip(&config.pools).map(|(i, pool)| PoolConfig {
        strategy: match pool.strategy {
            ConfigStrategy::LongestIdle => Strategy::LongestIdle,
            ConfigStrategy::BestSkill => Strategy::BestSkill,
            ConfigStrategy::LeastTalk => Strategy::LeastTalk,
            ConfigStrategy::RoundRobin => Strategy::RoundRobin,
        },
        lines: config.routing.lines(PoolId(i), wall),
    });
    QueueConfig {
        shards: config.shards.max(1),
        pools: pools.collect(),
        seats: config.seats.len(),
        max_callers: config.waiting.max_waiting,
        // Every call that any shard may carry, so that one put back always finds its place; a request for
        // the second line has that of its caller, who talks. Only of
        // very large engines a chance beyond all measure could bring more: all shards full at once.
        capacity: (most_calls(config) * usize::from(config.shards.max(1))).min(CAPACITY),
        ageing: Ageing {
            step: config.waiting.ageing_step,
        },
    }
}
