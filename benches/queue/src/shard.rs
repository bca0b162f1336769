//! One thread of several: a shard with calls and seats of its own.

use meishier_model::{Mono, ShardId};
use meishier_queue::Side;
use std::time::{Duration, Instant};

use crate::contender::Contender;
use crate::latency::{Op, Times};
use crate::sizes::Size;
use crate::traffic::{Traffic, idle_seat, seats_of};

/// A shard that plays turns: one caller comes in, one seat becomes ready, and whatever came for the
/// shard is taken. Pools are common, so its callers meet other shards' seats.
pub struct Shard<'a, C> {
    contender: &'a C,
    id: ShardId,
    traffic: Traffic,
    start: Instant,
    /// What was measured.
    pub times: Times,
    /// Callers that came in.
    pub entered: u64,
    /// Seats that became ready.
    pub readied: u64,
    /// Callers and seats for whom there was no room, since shards off the processor held matches.
    pub refused: u64,
}

impl<'a, C: Contender> Shard<'a, C> {
    /// So many shards, with the callers and seats in the queue that `size` says.
    ///
    /// # Errors
    /// If the queue refuses somebody.
    pub fn several(contender: &'a C, size: Size, shards: u16) -> Result<Vec<Self>, String> {
        let (idle, own) = seats_of(size);
        let start = Instant::now();
        let new = |id| Self {
            contender,
            id: ShardId(id),
            traffic: Traffic::new(id, shards, size.lanes, &own),
            start,
            times: Times::default(),
            entered: 0,
            readied: 0,
            refused: 0,
        };
        let mut all: Vec<Self> = (0..shards).map(new).collect();
        for id in idle {
            let seat = idle_seat(id, (id % u32::from(shards)) as u16);
            let done = contender.with(|queue| queue.seat_ready(Mono(0), seat));
            done.map_err(|error| error.to_string())?;
        }
        for n in 0..size.waiting {
            let at = n % all.len();
            let caller = all[at].traffic.caller(Mono(0));
            let done = contender.with(|queue| queue.enqueue(Mono(0), caller));
            done.map_err(|error| error.to_string())?;
        }
        Ok(all)
    }

    fn now(&self) -> Mono {
        Mono(self.start.elapsed().as_micros() as u64)
    }

    fn timed<R>(&mut self, op: Op, late: Option<Duration>, operation: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let out = operation();
        if let Some(late) = late {
            self.times.note(op, start.elapsed() + late);
        }
        out
    }

    /// A turn. It is noted if it says how `late` it began; that is added to each of its operations.
    pub fn turn(&mut self, late: Option<Duration>) {
        if self.enters(late, |contender, now, caller| {
            contender.with(|queue| queue.enqueue(now, caller).is_ok())
        }) {
            self.gets_ready(late, |contender, now, seat| {
                contender.with(|queue| queue.seat_ready(now, seat).is_ok())
            });
        } else {
            // Its own matches wait at shards that are off the processor.
            std::thread::yield_now();
        }
        self.takes(late);
    }

    /// One caller comes in by `enqueue`, which says whether there was room. False if there was none,
    /// or no seat is free that could make up for it.
    pub fn enters(
        &mut self,
        late: Option<Duration>,
        enqueue: impl FnOnce(&C, Mono, meishier_queue::Caller) -> bool,
    ) -> bool {
        let now = self.now();
        let Some(seat) = self.traffic.seat(now) else {
            return false;
        };
        self.traffic.keep(seat.seat);
        let caller = self.traffic.caller(now);
        let contender = self.contender;
        let done = self.timed(Op::Enqueue, late, || enqueue(contender, now, caller));
        self.entered += u64::from(done);
        self.refused += u64::from(!done);
        done
    }

    /// One seat becomes ready by `seat_ready`, which says whether there was room.
    pub fn gets_ready(
        &mut self,
        late: Option<Duration>,
        seat_ready: impl FnOnce(&C, Mono, meishier_queue::ReadySeat) -> bool,
    ) {
        let now = self.now();
        let Some(seat) = self.traffic.seat(now) else {
            return;
        };
        let (id, contender) = (seat.seat, self.contender);
        let done = self.timed(Op::Ready, late, || seat_ready(contender, now, seat));
        self.readied += u64::from(done);
        if !done {
            self.refused += 1;
            self.traffic.keep(id);
        }
    }

    /// Takes everything from the inbox: how many copies.
    pub fn takes(&mut self, late: Option<Duration>) -> u64 {
        let (contender, id) = (self.contender, self.id);
        let mut copies = 0;
        while let Some(made) = self.timed(Op::Take, late, || {
            contender.with(|queue| queue.take_match(id))
        }) {
            copies += 1;
            match made.side {
                Side::Caller => {
                    let now = self.now();
                    self.timed(Op::Release, late, || {
                        contender.with(|queue| queue.release_line(now, made.line))
                    });
                }
                Side::Seat => self.traffic.free(made.seat),
            }
        }
        copies
    }
}

/// After all threads have ended: takes what is left, and sees that nobody was lost or missed.
///
/// # Errors
/// If more or fewer wait than must.
pub fn settle<C: Contender>(shards: &mut [Shard<'_, C>], size: Size) -> Result<(), String> {
    while shards
        .iter_mut()
        .map(|shard| shard.takes(None))
        .sum::<u64>()
        > 0
    {}
    let Some(first) = shards.first() else {
        return Ok(());
    };
    let entered: u64 = shards.iter().map(|shard| shard.entered).sum();
    let readied: u64 = shards.iter().map(|shard| shard.readied).sum();
    let must = size.waiting as u64 + entered - readied;
    let counts = first.contender.with(meishier_queue::Queue::counts);
    if u64::from(counts.waiting) == must && counts.ready as usize == size.seats {
        Ok(())
    } else {
        Err(format!(
            "{must} must wait and {} be ready, but {} and {} are",
            size.seats, counts.waiting, counts.ready
        ))
    }
}
