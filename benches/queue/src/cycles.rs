//! One thread: what a match costs, beside the floor.

use meishier_model::{Mono, ShardId};
use meishier_queue::{Caller, ReadySeat, Side};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

use crate::contender::{Bare, Contender, Kind, UnderParkingLot, UnderStd};
use crate::floor::Floor;
use crate::latency::median;
use crate::sizes::{CALLERS, Scale, Size, Stand};
use crate::traffic::{Traffic, idle_seat, seats_of, shuffled};

/// Cycles between two looks at the clock. Their matches are delivered together.
const BLOCK: usize = 32;
const SHARD: ShardId = ShardId(0);

/// One contender at one size. Medians over the rounds, nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What was in the queue.
    pub size: Size,
    /// Who did it.
    pub contender: Kind,
    /// A caller comes in, a seat becomes ready, and the match that comes of it.
    pub cycle_ns: f64,
    /// Both copies of that match are taken and the line is released.
    pub delivery_ns: f64,
    /// A push and a pop of the floor, measured by turns with this.
    pub floor_ns: f64,
    /// `cycle_ns` in units of `floor_ns`.
    pub over_floor: f64,
}

/// Time that a number of cycles took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    cycles: Duration,
    deliveries: Duration,
}

/// A contender with everything in it that a size says.
pub trait Play {
    /// Plays so many cycles, rounded up to whole blocks.
    ///
    /// # Errors
    /// If a cycle made no match: then the figure would mean nothing.
    fn play(&mut self, cycles: usize) -> Result<Spent, String>;
}

/// One contender, alone with one thread.
pub struct Bench<C> {
    contender: C,
    stand: Stand,
    traffic: Traffic,
    now: Mono,
    callers: Vec<Caller>,
    seats: Vec<ReadySeat>,
}

impl<C: Contender> Bench<C> {
    /// Fills it, and warms it up.
    ///
    /// # Errors
    /// If the queue refuses somebody.
    pub fn new(contender: C, size: Size, scale: &Scale) -> Result<Self, String> {
        let (idle, own) = seats_of(size);
        let mut bench = Self {
            contender,
            stand: size.stand,
            traffic: Traffic::new(0, 1, size.lanes, &own),
            now: Mono(1),
            callers: Vec::with_capacity(BLOCK),
            seats: Vec::with_capacity(BLOCK),
        };
        if scale.shuffle {
            bench.shuffle()?;
        }
        for id in idle {
            let seat = idle_seat(id, SHARD.0);
            let done = bench
                .contender
                .with(|queue| queue.seat_ready(bench.now, seat));
            done.map_err(|error| error.to_string())?;
        }
        for _ in 0..size.waiting {
            bench.caller_in()?;
        }
        for _ in 0..if size.stand == Stand::Seats {
            size.seats
        } else {
            0
        } {
            let seat = bench.seat_next()?;
            let done = bench
                .contender
                .with(|queue| queue.seat_ready(bench.now, seat));
            done.map_err(|error| error.to_string())?;
        }
        bench.play(scale.warm_up)?;
        Ok(bench)
    }

    /// Every slot is filled once and emptied out of order, so that no list of free ones is sorted.
    fn shuffle(&mut self) -> Result<(), String> {
        for _ in 0..CALLERS {
            self.caller_in()?;
        }
        for n in shuffled(CALLERS) {
            let call = self.traffic.call(n as u64 + 1);
            if !self.contender.with(|queue| queue.abandon(self.now, call)) {
                return Err(format!("{call} did not wait"));
            }
        }
        Ok(())
    }

    fn caller_in(&mut self) -> Result<(), String> {
        self.now.0 += 1;
        let caller = self.traffic.caller(self.now);
        let done = self.contender.with(|queue| queue.enqueue(self.now, caller));
        done.map(drop).map_err(|error| error.to_string())
    }

    fn seat_next(&mut self) -> Result<ReadySeat, String> {
        self.now.0 += 1;
        let seat = self.traffic.seat(self.now);
        seat.ok_or_else(|| "no seat is free".to_owned())
    }

    /// Callers and seats of the next block are made before the clock is read.
    fn prepare(&mut self) -> Result<(), String> {
        for _ in 0..BLOCK {
            let seat = self.seat_next()?;
            self.seats.push(seat);
            let caller = self.traffic.caller(self.now);
            self.callers.push(caller);
        }
        Ok(())
    }

    fn block(&mut self) -> Result<(), String> {
        let now = self.now;
        let queue = &self.contender;
        for (caller, seat) in self.callers.drain(..).zip(self.seats.drain(..)) {
            let (entered, ready) = match self.stand {
                Stand::Callers => {
                    let entered = queue.with(|queue| queue.enqueue(now, caller));
                    (entered, queue.with(|queue| queue.seat_ready(now, seat)))
                }
                Stand::Seats => {
                    let ready = queue.with(|queue| queue.seat_ready(now, seat));
                    (queue.with(|queue| queue.enqueue(now, caller)), ready)
                }
            };
            entered.map_err(|error| error.to_string())?;
            ready.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Copies taken.
    fn deliver(&mut self) -> usize {
        let mut copies = 0;
        while let Some(made) = self.contender.with(|queue| queue.take_match(SHARD)) {
            match made.side {
                Side::Caller => {
                    self.contender
                        .with(|queue| queue.release_line(self.now, made.line));
                }
                Side::Seat => self.traffic.free(made.seat),
            }
            copies += 1;
        }
        copies
    }
}

impl<C: Contender> Play for Bench<C> {
    fn play(&mut self, cycles: usize) -> Result<Spent, String> {
        let mut spent = Spent::default();
        for _ in 0..cycles.div_ceil(BLOCK) {
            self.prepare()?;
            let start = Instant::now();
            self.block()?;
            let made = Instant::now();
            let copies = self.deliver();
            spent.deliveries += made.elapsed();
            spent.cycles += made - start;
            if copies != 2 * BLOCK {
                return Err(format!("{BLOCK} cycles left {copies} copies of matches"));
            }
        }
        Ok(spent)
    }
}

type Named = (Kind, Box<dyn Play>);

fn contenders(size: Size, scale: &Scale) -> Result<[Named; 4], String> {
    Ok([
        (
            Kind::Queue,
            Box::new(Bench::new(Bare::queue(1), size, scale)?),
        ),
        (
            Kind::StdMutex,
            Box::new(Bench::new(UnderStd::new(1), size, scale)?),
        ),
        (
            Kind::ParkingLot,
            Box::new(Bench::new(UnderParkingLot::new(1), size, scale)?),
        ),
        (
            Kind::OneLock,
            Box::new(Bench::new(Bare::one_lock(1), size, scale)?),
        ),
    ])
}

/// All contenders at one size: in each round the floor, then each of them.
///
/// # Errors
/// If a queue refuses somebody or makes no match.
pub fn measure(size: Size, scale: &Scale) -> Result<Vec<Row>, String> {
    let floor = Floor::new(size);
    let mut contenders = contenders(size, scale)?;
    let mut floors = Vec::new();
    let mut spent = vec![Vec::new(); contenders.len()];
    let cycles = scale.cycles.next_multiple_of(BLOCK);
    for _ in 0..scale.rounds {
        floors.push(floor.play(scale.floor_cycles));
        for ((_, contender), spent) in contenders.iter_mut().zip(&mut spent) {
            // The others have thrown it out of the caches.
            contender.play(cycles / 4)?;
            spent.push(contender.play(cycles)?);
        }
    }
    let floor_ns = median(floors);
    let each = |time: Duration| time.as_secs_f64() * 1e9 / cycles as f64;
    let rows = contenders.iter().zip(spent).map(|((kind, _), spent)| {
        let cycle_ns = median(spent.iter().map(|it| each(it.cycles)).collect());
        Row {
            size,
            contender: *kind,
            cycle_ns,
            delivery_ns: median(spent.iter().map(|it| each(it.deliveries)).collect()),
            floor_ns,
            over_floor: cycle_ns / floor_ns,
        }
    });
    Ok(rows.collect())
}
