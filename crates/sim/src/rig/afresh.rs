//! The engine goes on from what was written, or with another configuration.

use super::{Rig, Witness, read};
use crate::invariants::Seen;
use meishier_config::Lang;
use meishier_engine::{EngineSnapshot, Input, Shard, ShardSnapshot, queue_config};
use meishier_model::{Now, ShardId};
use std::sync::Arc;

impl Rig {
    /// Replaces one shard by what its snapshot says, written out as JSON and read again, beside the
    /// queue that goes on.
    ///
    /// # Errors
    /// The snapshot could not be written or read; the engine is at fault.
    pub fn replace_shard(
        &mut self,
        now: Now,
        shard: usize,
        witness: &mut dyn Witness,
    ) -> Result<(), String> {
        let snapshot: ShardSnapshot = rewritten(&self.shards[shard].snapshot_all(now))?;
        self.forget_media(now, shard, witness);
        self.shards[shard] = Shard::resume(self.setup(ShardId(shard as u16)), now, snapshot);
        self.timers[shard] = None;
        self.break_deliberately(self.flaw);
        witness.see(now, &Seen::Replaced);
        self.drain(now, shard, witness);
        Ok(())
    }

    fn forget_media(&mut self, now: Now, shard: usize, witness: &mut dyn Witness) {
        self.generations[shard] += 1;
        self.media.forget(shard);
        let shard = shard as u16;
        witness.see(now, &Seen::MediaGone { shard });
    }

    /// The process ends and another one goes on from what was written: all shards beside a new
    /// queue. Letters that lay in inboxes are kept and come later; connections are gone.
    ///
    /// # Errors
    /// The snapshot could not be written or read; the engine is at fault.
    pub fn replace_all(&mut self, now: Now, witness: &mut dyn Witness) -> Result<(), String> {
        let whole = EngineSnapshot::take(now, &self.shards, &self.queue, Vec::new());
        let whole: EngineSnapshot = rewritten(&whole)?;
        let config = queue_config(&self.config, now.wall);
        self.queue = Arc::new(self.kind.go_on(config, &whole.queue));
        self.connections.clear();
        self.bindings.clear();
        self.shards.clear();
        for (shard, snapshot) in whole.shards.into_iter().enumerate() {
            self.forget_media(now, shard, witness);
            let setup = self.setup(ShardId(shard as u16));
            self.shards.push(Shard::restart(setup, now, snapshot));
            self.timers[shard] = None;
        }
        self.break_deliberately(self.flaw);
        witness.see(now, &Seen::Replaced);
        for shard in 0..self.shards.len() {
            self.drain(now, shard, witness);
        }
        // Nobody knows which wakes the old process had not heard of: everybody looks.
        let _ = self.queue.open(now.mono);
        for shard in 0..self.shards.len() {
            self.waking[shard] = false;
            self.wake(now, shard);
        }
        Ok(())
    }

    /// Gives every shard another configuration of the same identity. False if the text is none;
    /// everything stays as it was then, as in the real program.
    pub fn configure(&mut self, now: Now, text: &str, witness: &mut dyn Witness) -> bool {
        let Ok(config) = read(text, Lang::En) else {
            return false;
        };
        if self.config.same_identity(&config).is_err() {
            return false;
        }
        let config = Arc::new(config);
        self.config = Arc::clone(&config);
        witness.see(now, &Seen::Configured(text));
        for shard in 0..self.shards.len() {
            self.give(now, shard, Input::Configure(Arc::clone(&config)), witness);
        }
        true
    }
}

/// Written as JSON and read again.
fn rewritten<T: serde::Serialize + serde::de::DeserializeOwned>(what: &T) -> Result<T, String> {
    let text = serde_json::to_vec(what);
    let text = text.map_err(|error| format!("a snapshot cannot be written: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("a snapshot cannot be read: {error}"))
}
