//! An engine that goes on from what another wrote out.

use super::World;
use super::post::{Letter, Post, Sender};
use meishier_engine::{EngineSnapshot, Input, Notice, Shard, ShardLetter, ShardSnapshot};
use meishier_model::ShardId;
use std::sync::Arc;

impl World {
    /// Writes every shard out as JSON and replaces it by a new one made from what was written.
    pub fn replace_by_snapshots(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if let Some(post) = &mut self.post {
            // Media starts anew as well.
            post.ways.retain(|(from, _), _| *from != Sender::Media);
        }
        for index in 0..self.shards.len() {
            let text = serde_json::to_string(&self.shards[index].snapshot_all(self.now)).unwrap();
            let snapshot: ShardSnapshot = serde_json::from_str(&text).unwrap();
            let setup = self.setup(ShardId(index as u16));
            self.shards[index] = Shard::resume(setup, self.now, snapshot);
            self.drain(index);
        }
        assert!(
            !self
                .notices
                .iter()
                .any(|n| matches!(n, Notice::Unexpected(what) if what.contains("restored")))
        );
    }

    /// Writes the whole engine out as JSON, forgets it, and lets another one go on: shards from the
    /// last to the first, beside a new queue, with an index of registrations that was empty.
    pub fn restart(&mut self) {
        self.restart_from(|_| ());
    }

    /// The same from what was written and then damaged.
    pub fn restart_from(&mut self, damage: impl FnOnce(&mut serde_json::Value)) {
        self.generation = self.generation.wrapping_add(1);
        let letters = self.post.as_mut().map_or(Vec::new(), Post::letters);
        let before = self.queue.counts().matches;
        let whole = EngineSnapshot::take(self.now, &self.shards, &self.queue, letters);
        let mut written = serde_json::to_value(&whole).unwrap();
        damage(&mut written);
        let whole: EngineSnapshot = serde_json::from_str(&written.to_string()).unwrap();
        self.shards.clear();
        self.bindings.clear();
        self.queue = Arc::new(whole.queue(&self.config, self.now));
        let mut back = Vec::new();
        for (id, snapshot) in whole.shards.into_iter().enumerate().rev() {
            let setup = self.setup(ShardId(id as u16));
            back.insert(0, Shard::restart(setup, self.now, snapshot));
        }
        self.shards = back;
        for index in (0..self.shards.len()).rev() {
            self.drain(index);
        }
        assert_eq!(
            self.queue.counts().matches,
            before,
            "nobody is matched so long"
        );
        let wakes = self.queue.open(self.now.mono);
        for shard in (0..self.shards.len()).rev() {
            match &mut self.post {
                Some(post) if wakes.contains(&ShardId(shard as u16)) => {
                    post.wakes.insert(shard);
                }
                _ => self.handle(shard, Input::Inbox),
            }
        }
        for ShardLetter { from, to, message } in whole.letters {
            let (from, to) = (usize::from(from.0), usize::from(to.0));
            match &mut self.post {
                Some(post) => post.put(Sender::Shard(from), to, Letter::Shard(message)),
                None => self.handle(to, Input::Shard(message)),
            }
        }
    }
}
