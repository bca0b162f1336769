//! Metrics and logs, derived from what the engine gives out.
//!
//! What lives here: the Prometheus page with all its names and buckets, the log lines, the
//! figures of our own process. What may not: a number, a person's name, a place, a call as a
//! label; sockets (the page is served by console); anything that blocks a shard.
//!
//! ```text
//!   shard threads ── Notice ──► Telemetry::notice ── kept handles (atomics) ──┐
//!                          └──► Telemetry::log_notice ─► bounded ─► stderr    ├─► render ─► /metrics
//!   every scrape ─── Sample ──► Telemetry::scrape (sizes, SIP and RTP counts)─┘
//! ```

mod handles;
mod log_notice;
pub mod logs;
mod names;
mod process;
mod sample;
mod scrape;
mod telemetry;

pub use logs::{Level, LogFormat};
pub use sample::{
    DnsSample, DossierSample, MediaSample, PoolSample, RecordingsSample, RecordsSample, Sample,
    ShardSample, SipSample, SocketSample,
};
pub use telemetry::{Telemetry, TelemetryError, TelemetryNames};
