//! Packets that wait for the driver: one growing buffer that is used again, no allocation a packet.

use crate::rtp::HEADER;
use crate::srtp::{MAX_TAG, Tag};
use meishier_model::PortId;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Most packets that wait; the driver empties the outbox after every input.
pub(super) const MAX_PACKETS: usize = 1 << 17;
/// Most bytes that wait.
pub(super) const MAX_BYTES: usize = 32 << 20;

struct Entry {
    port: PortId,
    to: SocketAddr,
    start: u32,
    len: u16,
}

#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    queue: VecDeque<Entry>,
}

impl Outbox {
    /// Adds a packet; gives back its payload, to be changed in place. `None` if the limit is reached.
    pub fn push(
        &mut self,
        port: PortId,
        to: SocketAddr,
        header: [u8; HEADER],
        payload: &[u8],
    ) -> Option<&mut [u8]> {
        if self.queue.is_empty() {
            self.bytes.clear();
        }
        let start = self.bytes.len();
        // A tag may follow, see `seal`.
        let len = u16::try_from(HEADER + payload.len()).ok()?;
        if usize::from(len) + MAX_TAG > usize::from(u16::MAX) {
            return None;
        }
        if self.queue.len() >= MAX_PACKETS || start + usize::from(len) > MAX_BYTES {
            return None;
        }
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(payload);
        self.queue.push_back(Entry {
            port,
            to,
            start: u32::try_from(start).ok()?,
            len,
        });
        self.bytes.get_mut(start + HEADER..)
    }

    /// Lets the newest packet be changed as a whole, and puts what comes of it behind.
    pub fn seal(&mut self, seal: impl FnOnce(&mut [u8]) -> Option<Tag>) {
        let Some(entry) = self.queue.back_mut() else {
            return;
        };
        let packet = self.bytes.get_mut(entry.start as usize..);
        if let Some(tag) = packet.and_then(seal) {
            self.bytes.extend_from_slice(tag.as_bytes());
            entry.len += tag.as_bytes().len() as u16;
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// The oldest packet.
    pub fn pop(&mut self) -> Option<(PortId, SocketAddr, &[u8])> {
        let Entry {
            port,
            to,
            start,
            len,
        } = self.queue.pop_front()?;
        let start = start as usize;
        Some((port, to, self.bytes.get(start..start + usize::from(len))?))
    }
}
