//! From a media thread to whoever keeps recordings: nothing of it holds a packet up.

use meishier_engine::media::{Hub, Taped};
use std::collections::VecDeque;
use std::sync::Arc;

/// Takes the parts of recordings, on a media thread: must not block. What cannot be taken now is given
/// back and tried again; blocks of sound that cannot be are for the taker to drop and count.
pub type TapeSink = Arc<dyn Fn(Taped) -> Result<(), Box<Taped>> + Send + Sync>;

/// The way of one media thread.
pub(crate) struct Tapes {
    sink: Option<TapeSink>,
    /// What was given back; no blocks, so orders bound it.
    waiting: VecDeque<Taped>,
}

impl Tapes {
    pub(crate) fn new(sink: Option<TapeSink>) -> Self {
        Self {
            sink,
            waiting: VecDeque::new(),
        }
    }

    /// True if something is to be tried again.
    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Hands over what the hub has. Behind something that waits, blocks wait in the hub, which drops and
    /// counts them when they are too many.
    pub(crate) fn flush(&mut self, hub: &mut Hub) {
        let Some(sink) = &self.sink else {
            while hub.poll_tape().is_some() {}
            return;
        };
        while let Some(part) = self.waiting.pop_front().or_else(|| hub.poll_tape()) {
            if let Err(part) = sink(part) {
                self.waiting.push_front(*part);
                return;
            }
        }
    }
}
