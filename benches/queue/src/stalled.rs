//! Eight threads, one of which is stopped inside an operation again and again: what the others feel.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::contender::{Bare, Contender, Kind, UnderParkingLot, UnderStd};
use crate::cycles::{Bench, Play};
use crate::latency::{Latency, Times};
use crate::shard::{Shard, settle};
use crate::sizes::{Scale, Size};

const SHARDS: u16 = 8;
/// How often a turn is due in each thread: light work, so that who waits does so for the stopped one.
const PERIOD: Duration = Duration::from_micros(500);
/// From one stop to the next the stopped access moves on by this, so that few stops meet all of an
/// operation.
const STRIDE: u32 = 7;
/// Cycles in which allocations are counted.
const COUNTED: usize = 20_000;

/// What the stopped thread did to the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stalled {
    /// Who did it.
    pub contender: Kind,
    /// How often a thread was stopped; 0 if this build cannot stop it.
    pub stops: u32,
    /// Operations of the other seven, from when their turn was due (or the thread woke for it).
    pub latency: BTreeMap<String, Latency>,
}

/// How many times memory was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Allocations {
    /// Who did it.
    pub contender: Kind,
    /// In so many cycles, deliveries included, after the warm-up.
    pub cycles: u64,
    /// How often.
    pub allocations: u64,
}

/// What the second program prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stops {
    /// By contender; those that cannot be stopped are left out.
    pub stalled: Vec<Stalled>,
    /// By contender.
    pub allocations: Vec<Allocations>,
}

/// Measures all contenders. `allocated` says how often memory was asked for since the start.
///
/// # Errors
/// If a queue loses somebody.
pub fn measure(scale: &Scale, allocated: &dyn Fn() -> u64) -> Result<Stops, String> {
    let found = [
        stalled(Kind::Queue, &Bare::queue(SHARDS), scale)?,
        stalled(Kind::StdMutex, &UnderStd::new(SHARDS), scale)?,
        stalled(Kind::ParkingLot, &UnderParkingLot::new(SHARDS), scale)?,
    ];
    Ok(Stops {
        stalled: found.into_iter().flatten().collect(),
        allocations: vec![
            allocations(Kind::Queue, Bare::queue(1), scale, allocated)?,
            allocations(Kind::OneLock, Bare::one_lock(1), scale, allocated)?,
        ],
    })
}

fn allocations<C: Contender>(
    kind: Kind,
    contender: C,
    scale: &Scale,
    allocated: &dyn Fn() -> u64,
) -> Result<Allocations, String> {
    let mut bench = Bench::new(contender, Size::MIDDLE, scale)?;
    let before = allocated();
    bench.play(COUNTED)?;
    Ok(Allocations {
        contender: kind,
        cycles: COUNTED as u64,
        allocations: allocated() - before,
    })
}

fn stalled<C: Contender>(
    kind: Kind,
    contender: &C,
    scale: &Scale,
) -> Result<Option<Stalled>, String> {
    if !contender.can_stop() {
        return Ok(None);
    }
    let size = Size::MIDDLE;
    let mut shards = Shard::several(contender, size, SHARDS)?;
    let end = Instant::now() + scale.stalled;
    let mut stops = 0;
    std::thread::scope(|scope| {
        let mut each = shards.iter_mut();
        let stopped = each.next();
        for shard in each {
            scope.spawn(move || paced(shard, end, true));
        }
        if let Some(shard) = stopped {
            stops = stop_again_and_again(shard, scale.stop, end);
        }
    });
    settle(&mut shards, size)?;
    let mut times = Times::default();
    for shard in &shards {
        times.add(&shard.times);
    }
    Ok(Some(Stalled {
        contender: kind,
        stops,
        latency: times.summary(),
    }))
}

/// A turn every [`PERIOD`]. One that begins late because one before it took long counts from when
/// it was due; that the system wakes threads late is not the queue's doing and does not count.
fn paced<C: Contender>(shard: &mut Shard<'_, C>, end: Instant, noted: bool) {
    let mut due = Instant::now();
    loop {
        let now = Instant::now();
        if now >= end {
            return;
        }
        let mut late = now.saturating_duration_since(due);
        if now < due {
            std::thread::sleep(due - now);
            due = Instant::now();
            late = Duration::ZERO;
        }
        shard.turn(noted.then_some(late));
        due += PERIOD;
    }
}

/// By turns: stopped inside an operation for `stop`, and as long at work like the others. How often
/// it was stopped.
fn stop_again_and_again<C: Contender>(
    shard: &mut Shard<'_, C>,
    stop: Duration,
    end: Instant,
) -> u32 {
    let (mut stops, mut access) = (0, 1);
    while Instant::now() + stop < end {
        let mut stopped = false;
        if stops % 2 == 0 {
            stopped = enqueue_stopped(shard, access, stop);
        } else if shard.enters(None, |contender, now, caller| {
            contender.with(|queue| queue.enqueue(now, caller).is_ok())
        }) {
            shard.gets_ready(None, |contender, now, seat| {
                let mut done = false;
                stopped = contender.with_stop(access, stop, |queue| {
                    done = queue.seat_ready(now, seat).is_ok();
                });
                done
            });
        }
        shard.takes(None);
        if stopped {
            stops += 1;
            access += STRIDE;
            paced(shard, end.min(Instant::now() + stop), false);
        } else {
            // The operation has fewer accesses.
            access = access % STRIDE + 1;
        }
    }
    stops
}

fn enqueue_stopped<C: Contender>(shard: &mut Shard<'_, C>, access: u32, stop: Duration) -> bool {
    let mut stopped = false;
    let entered = shard.enters(None, |contender, now, caller| {
        let mut done = false;
        stopped = contender.with_stop(access, stop, |queue| {
            done = queue.enqueue(now, caller).is_ok();
        });
        done
    });
    if entered {
        shard.gets_ready(None, |contender, now, seat| {
            contender.with(|queue| queue.seat_ready(now, seat).is_ok())
        });
    }
    stopped
}
