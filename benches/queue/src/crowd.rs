//! Several threads at once: throughput and how long operations take.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::contender::{Bare, Contender, Kind, UnderParkingLot, UnderStd};
use crate::floor::Floor;
use crate::latency::{Latency, Times};
use crate::shard::{Shard, settle};
use crate::sizes::{Scale, Size};

/// One contender under so many threads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Crowd {
    /// What was in the queue.
    pub size: Size,
    /// How many threads, each a shard.
    pub threads: u16,
    /// Who did it.
    pub contender: Kind,
    /// Seats that became ready, of all threads; each makes a match. Of the floor: pairs.
    pub cycles_per_s: f64,
    /// Callers and seats for whom there was no room meanwhile.
    pub refused: u64,
    /// By operation, and of `all`. Of the floor: `enqueue` is a push, `ready` a pop.
    pub latency: BTreeMap<String, Latency>,
}

/// All contenders at one size.
///
/// # Errors
/// If a queue loses somebody.
pub fn measure(size: Size, threads: u16, scale: &Scale) -> Result<Vec<Crowd>, String> {
    Ok(vec![
        Floor::new(size).crowd(size, threads, scale),
        crowd(Kind::Queue, &Bare::queue(threads), size, threads, scale)?,
        crowd(
            Kind::StdMutex,
            &UnderStd::new(threads),
            size,
            threads,
            scale,
        )?,
        crowd(
            Kind::ParkingLot,
            &UnderParkingLot::new(threads),
            size,
            threads,
            scale,
        )?,
        crowd(
            Kind::OneLock,
            &Bare::one_lock(threads),
            size,
            threads,
            scale,
        )?,
    ])
}

fn crowd<C: Contender>(
    kind: Kind,
    contender: &C,
    size: Size,
    threads: u16,
    scale: &Scale,
) -> Result<Crowd, String> {
    let mut shards = Shard::several(contender, size, threads)?;
    let from = Instant::now() + scale.settle;
    std::thread::scope(|scope| {
        for shard in &mut shards {
            scope.spawn(move || work(shard, from, scale.crowd));
        }
    });
    settle(&mut shards, size)?;
    let mut times = Times::default();
    for shard in &shards {
        times.add(&shard.times);
    }
    let latency = times.summary();
    let cycles = latency.get("ready").map_or(0, |it| it.samples);
    Ok(Crowd {
        size,
        threads,
        contender: kind,
        cycles_per_s: cycles as f64 / scale.crowd.as_secs_f64(),
        refused: shards.iter().map(|shard| shard.refused).sum(),
        latency,
    })
}

fn work<C: Contender>(shard: &mut Shard<'_, C>, from: Instant, length: Duration) {
    loop {
        let now = Instant::now();
        if now >= from + length {
            return;
        }
        shard.turn((now >= from).then_some(Duration::ZERO));
    }
}
