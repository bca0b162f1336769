//! The floor: a bare push and pop on a queue that does nothing else.

use crossbeam::queue::ArrayQueue;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::contender::Kind;
use crate::crowd::Crowd;
use crate::latency::{Op, Times};
use crate::sizes::{CALLERS, Scale, Size};

/// A ring of as many slots as the queue has for callers.
pub struct Floor {
    ring: ArrayQueue<u64>,
}

impl Floor {
    /// With as many in it as callers wait.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let ring = ArrayQueue::new(CALLERS);
        for n in 0..size.waiting as u64 {
            // It has room for all that may wait.
            let _ = ring.push(n);
        }
        Self { ring }
    }

    /// Pushes and pops so many times: nanoseconds for each pair.
    pub fn play(&self, cycles: usize) -> f64 {
        self.pairs(cycles / 4);
        let start = Instant::now();
        self.pairs(cycles);
        start.elapsed().as_secs_f64() * 1e9 / cycles as f64
    }

    fn pairs(&self, cycles: usize) {
        for n in 0..cycles as u64 {
            let _ = self.ring.push(black_box(n));
            black_box(self.ring.pop());
        }
    }

    /// Pushes and pops from several threads at once.
    #[must_use]
    pub fn crowd(&self, size: Size, threads: u16, scale: &Scale) -> Crowd {
        let start = Instant::now();
        let mut times = Times::default();
        std::thread::scope(|scope| {
            let work = || self.work(start + scale.settle, scale.crowd);
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                times.add(&worker.join().expect("the floor does not panic"));
            }
        });
        let latency = times.summary();
        let pairs = latency.get("ready").map_or(0, |it| it.samples);
        Crowd {
            contender: Kind::Floor,
            size,
            threads,
            cycles_per_s: pairs as f64 / scale.crowd.as_secs_f64(),
            refused: 0,
            latency,
        }
    }

    fn work(&self, from: Instant, length: Duration) -> Times {
        let mut times = Times::default();
        loop {
            let pushed = Instant::now();
            let _ = self.ring.push(black_box(1));
            let popped = Instant::now();
            black_box(self.ring.pop());
            let end = Instant::now();
            if pushed >= from + length {
                return times;
            }
            if pushed >= from {
                times.note(Op::Enqueue, popped - pushed);
                times.note(Op::Ready, end - popped);
            }
        }
    }
}
