//! Letters between shards and from media that lie unread for a while.

use meishier_engine::media::MediaEvent;
use meishier_engine::{ShardLetter, ShardMessage};
use meishier_model::ShardId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is under way to a shard while deliveries are late. Each way keeps its order, as inboxes do;
/// between two ways there is none.
#[derive(Default)]
pub struct Post {
    pub(super) ways: BTreeMap<(Sender, usize), VecDeque<Letter>>,
    /// Shards that are to look into their inbox in the queue: one bit each.
    pub(super) wakes: BTreeSet<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    Shard(usize),
    Media,
}

pub(super) enum Letter {
    Shard(ShardMessage),
    Media(MediaEvent),
}

impl Post {
    pub(super) fn put(&mut self, from: Sender, to: usize, letter: Letter) {
        self.ways.entry((from, to)).or_default().push_back(letter);
    }

    /// What shards have sent each other, way by way in order; what media says is lost with it.
    pub(super) fn letters(&mut self) -> Vec<ShardLetter> {
        let ways = std::mem::take(&mut self.ways);
        self.wakes.clear();
        let all = ways.into_iter().flat_map(|((from, to), letters)| {
            letters.into_iter().map(move |letter| (from, to, letter))
        });
        all.filter_map(|(from, to, letter)| match (from, letter) {
            (Sender::Shard(from), Letter::Shard(message)) => Some(ShardLetter {
                from: ShardId(from as u16),
                to: ShardId(to as u16),
                message,
            }),
            _ => None,
        })
        .collect()
    }

    /// How many ways have something to deliver.
    pub fn ways(&self) -> usize {
        self.ways.len() + self.wakes.len()
    }

    pub(super) fn take(&mut self, way: usize) -> Option<(usize, Option<Letter>)> {
        if let Some(shard) = self.wakes.iter().copied().nth(way) {
            self.wakes.remove(&shard);
            return Some((shard, None));
        }
        let key = *self.ways.keys().nth(way.checked_sub(self.wakes.len())?)?;
        let letters = self.ways.get_mut(&key)?;
        let letter = letters.pop_front();
        if letters.is_empty() {
            self.ways.remove(&key);
        }
        Some((key.1, Some(letter?)))
    }
}
