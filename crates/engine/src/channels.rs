//! Channels of trunks: every leg on a trunk has one, from its INVITE until nothing of it is left.
//!
//! The count is shared by all shards and stands beside the queue ([`meishier_queue::Channels`]): calls
//! come to shards by a hash, so that a share for each shard would refuse calls while others lie idle.
//! Which leg holds which channel is known here, and a leg gives its channel back at its last event, so
//! that none is lost however it ends. That is after the far end has confirmed the end or was given
//! up: the carrier never sees one call more than it has channels.
//!
//! A call out hands its channel on from a peer that has failed to the next; one that is left before
//! it has failed keeps its own. An emergency key that finds no channel on any of its trunks goes out
//! over the limit, and is told as one for which none was left: the carrier decides.

use crate::api::Notice;
use crate::shard::Shard;
use meishier_model::{LegId, TrunkId};

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

impl Shard {
    /// Takes a channel of the trunk; false, with a notice, if none is left for such a call.
    pub(crate) fn take_channel(&mut self, trunk: TrunkId, emergency: bool, way: Way) -> bool {
        let most = self.most_channels(trunk, emergency);
        let taken = self.queue.channels().take(trunk, most);
        self.notice(match taken {
            true => Notice::Channel { trunk, taken },
            false => Notice::ChannelsFull {
                trunk,
                emergency,
                out: way == Way::Out,
            },
        });
        taken
    }

    /// Takes a channel whatever the limit says.
    pub(crate) fn hold_channel(&mut self, trunk: TrunkId) {
        self.queue.channels().hold(trunk);
        let taken = true;
        self.notice(Notice::Channel { trunk, taken });
    }

    pub(crate) fn give_channel_back(&mut self, trunk: TrunkId) {
        self.queue.channels().give_back(trunk);
        self.notice(Notice::Channel {
            trunk,
            taken: false,
        });
    }

    /// Nothing of this leg is left.
    pub(crate) fn end_channel(&mut self, leg: LegId) {
        if let Some(trunk) = self.channels.remove(&leg) {
            self.give_channel_back(trunk);
        }
    }

    /// True if the trunk would give such a call a channel now.
    pub(crate) fn has_channel(&self, trunk: TrunkId, emergency: bool) -> bool {
        let taken = self.queue.channels().taken(trunk);
        taken < u64::from(self.most_channels(trunk, emergency))
    }

    /// Most channels of the trunk that may be taken once such a call has one.
    fn most_channels(&self, trunk: TrunkId, emergency: bool) -> u32 {
        let trunk = self.config.trunk(trunk);
        let channels = trunk.and_then(|trunk| trunk.channels);
        channels.map_or(u32::MAX, |channels| channels.limit(emergency))
    }

    /// What a snapshot says of legs that came back. `new`: beside a queue that counts from 0.
    pub(crate) fn restore_channels(&mut self, before: Vec<(LegId, TrunkId)>, new: bool) {
        for (leg, trunk) in before {
            match (self.legs.contains_key(&leg), new) {
                (true, true) => {
                    self.hold_channel(trunk);
                    self.channels.insert(leg, trunk);
                }
                (true, false) => {
                    self.channels.insert(leg, trunk);
                }
                (false, true) => {}
                (false, false) => self.give_channel_back(trunk),
            }
        }
    }
}
