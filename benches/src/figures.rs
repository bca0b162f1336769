//! Quantiles of latencies.

use serde::Serialize;
use std::time::Duration;

/// A set of latencies, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub samples: usize,
    /// The least.
    pub min_ms: f64,
    /// Half are not above it (nearest rank).
    pub p50_ms: f64,
    /// 90 of 100 are not above it.
    pub p90_ms: f64,
    /// 99 of 100 are not above it.
    pub p99_ms: f64,
    /// The most.
    pub max_ms: f64,
}

impl Latency {
    /// Summary of `values`; `None` of none.
    pub fn of(mut values: Vec<Duration>) -> Option<Self> {
        values.sort_unstable();
        let rank = |q: f64| {
            let index = (q * values.len() as f64).ceil() as usize;
            milliseconds(values[index.clamp(1, values.len()) - 1])
        };
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Self {
            samples: values.len(),
            min_ms: milliseconds(least),
            p50_ms: rank(0.5),
            p90_ms: rank(0.9),
            p99_ms: rank(0.99),
            max_ms: milliseconds(most),
        })
    }
}

fn milliseconds(value: Duration) -> f64 {
    // Rounded to microseconds; more would pretend to a precision that nobody has here.
    value.as_micros() as f64 / 1000.0
}

/// Numbers without a pattern, the same in every run (xorshift, Marsaglia 2003).
pub struct Random(u64);

impl Random {
    /// Starts the series.
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// From half of `mean` to one and a half of it, all alike.
    pub fn around(&mut self, mean: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        mean.mul_f64(0.5 + (self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }
}
