//! Which worker runs which shard, and which media thread serves it.

use meishier_model::{PortId, ShardId};

/// How shards, workers and media threads are laid out; fixed for the life of the runtime.
///
/// ```text
///   shard s ── worker s mod W ── media thread s mod M      port p ── shard p mod S
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topology {
    pub shards: u16,
    pub workers: u16,
    pub media_threads: u16,
}

impl Topology {
    /// At most one worker a shard and a processor; at most one media thread a shard.
    pub(crate) fn new(shards: u16, media_threads: u16) -> Self {
        let shards = shards.clamp(1, 64);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let processors = u16::try_from(processors).unwrap_or(u16::MAX);
        Self {
            shards,
            workers: shards.min(processors),
            media_threads: media_threads.clamp(1, shards),
        }
    }

    pub(crate) fn worker_of(self, shard: ShardId) -> usize {
        usize::from(shard.0 % self.workers)
    }

    /// Place of the shard among those of its worker.
    pub(crate) fn index_of(self, shard: ShardId) -> usize {
        usize::from(shard.0 / self.workers)
    }

    /// Shards of a worker, in the order of [`Self::index_of`].
    pub(crate) fn shards_of(self, worker: usize) -> impl Iterator<Item = ShardId> {
        let worker = u16::try_from(worker).unwrap_or(u16::MAX);
        (worker..self.shards)
            .step_by(usize::from(self.workers))
            .map(ShardId)
    }

    pub(crate) fn media_of(self, shard: ShardId) -> usize {
        usize::from(shard.0 % self.media_threads)
    }

    pub(crate) fn shard_of_port(self, port: PortId) -> ShardId {
        ShardId((port.0 % u32::from(self.shards)) as u16)
    }
}
