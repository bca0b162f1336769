//! One thread: a caller leaves the middle of its lane and is put back there.

use meishier_model::Mono;
use meishier_queue::Caller;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::clock::on_processor;
use crate::contender::{Bare, Contender, Kind, UnderParkingLot, UnderStd};
use crate::latency::median;
use crate::sizes::Scale;
use crate::traffic::Traffic;

/// Callers that wait.
const WAITING: u64 = 50_000;
/// Lanes, whose callers came by turns.
const LANES: u64 = 8;
/// Callers put back between two looks at the clock.
const BLOCK: usize = 64;

/// One contender. The median over the rounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutBack {
    /// Callers that wait.
    pub waiting: u64,
    /// In so many lanes.
    pub lanes: u64,
    /// Who did it.
    pub contender: Kind,
    /// The caller halfway in a lane leaves, and comes back to its place: nanoseconds for both.
    pub leave_and_return_ns: f64,
}

/// All contenders.
///
/// # Errors
/// If a queue refuses or loses somebody.
pub fn measure(scale: &Scale) -> Result<Vec<PutBack>, String> {
    Ok(vec![
        put_back(Kind::Queue, &Bare::queue(1), scale)?,
        put_back(Kind::StdMutex, &UnderStd::new(1), scale)?,
        put_back(Kind::ParkingLot, &UnderParkingLot::new(1), scale)?,
        put_back(Kind::OneLock, &Bare::one_lock(1), scale)?,
    ])
}

fn put_back<C: Contender>(kind: Kind, contender: &C, scale: &Scale) -> Result<PutBack, String> {
    let mut traffic = Traffic::new(0, 1, LANES as usize, &[]);
    let mut middle = Vec::new();
    for n in 0..WAITING {
        let now = Mono(n + 1);
        let caller = traffic.caller(now);
        if n / LANES == WAITING / LANES / 2 {
            middle.push(caller.clone());
        }
        let entered = contender.with(|queue| queue.enqueue(now, caller));
        entered.map_err(|error| error.to_string())?;
    }
    let now = Mono(WAITING + 1);
    let blocks = scale.cycles.div_ceil(BLOCK);
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        let mut spent = Duration::ZERO;
        for _ in 0..blocks {
            // Every lane has its turn, for one may be unlike the others where callers come by turns.
            let backs: Vec<Caller> = middle.iter().cycle().take(BLOCK).cloned().collect();
            let start = on_processor();
            for back in backs {
                if !contender.with(|queue| queue.abandon(now, back.call)) {
                    return Err(format!("{} did not wait", back.call));
                }
                let entered = contender.with(|queue| queue.put_back(now, back));
                entered.map_err(|error| error.to_string())?;
            }
            spent += on_processor() - start;
        }
        rounds.push(spent.as_secs_f64() * 1e9 / (blocks * BLOCK) as f64);
    }
    Ok(PutBack {
        waiting: WAITING,
        lanes: LANES,
        contender: kind,
        leave_and_return_ns: median(rounds),
    })
}
