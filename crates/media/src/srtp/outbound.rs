//! Packets of ours: each number is used once under a key, for a key stream that is used twice gives away
//! both packets (RFC 3711 §9.1).

use super::inbound::{header, word};
use super::key::Master;
use super::transform::{MAX_TRAILER, Protocol, Tag, Transform};
use super::window::Window;

/// The sending end of one master key, for one stream.
pub struct Outbound {
    rtp: Transform,
    rtcp: Transform,
    given: Window,
    /// Of the last report.
    reports: u32,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl Outbound {
    /// For one stream of ours. Another stream under the same key needs another SSRC.
    #[must_use]
    pub fn new(master: &Master) -> Self {
        Self {
            rtp: Transform::new(master, Protocol::Rtp),
            rtcp: Transform::new(master, Protocol::Rtcp),
            given: Window::default(),
            reports: 0,
        }
    }

    /// The index of the packet with this sequence number; `None` if it was given out before, or is so old
    /// that nobody knows: then there is no such packet.
    pub fn number(&mut self, sequence: u16) -> Option<u64> {
        let index = self.given.guess(sequence);
        self.given.is_new(index).then(|| {
            self.given.note(index);
            index
        })
    }

    /// Enciphers a packet of RTP in place; its tag is to stand behind it. `index` is what
    /// [`Self::number`] gave for this packet.
    #[must_use]
    pub fn seal_rtp(&self, index: u64, packet: &mut [u8]) -> Tag {
        let ssrc = word(packet, 8).unwrap_or_default();
        let header = header(packet).unwrap_or(packet.len());
        self.rtp.seal_rtp(ssrc, index, header, packet)
    }

    /// Enciphers a compound packet of RTCP in place and gives what is to stand behind it, with its length.
    pub fn seal_rtcp(&mut self, packet: &mut [u8]) -> ([u8; MAX_TRAILER], usize) {
        // 2^31 reports are sent in centuries.
        self.reports = (self.reports + 1) & 0x7fff_ffff;
        let ssrc = word(packet, 4).unwrap_or_default();
        let (index, tag) = self.rtcp.seal_rtcp(ssrc, self.reports, packet);
        let parts = if self.rtcp.index_is_last() {
            [tag.as_bytes(), &index]
        } else {
            [&index, tag.as_bytes()]
        };
        let mut out = [0; MAX_TRAILER];
        let bytes = parts.into_iter().flatten();
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        (out, tag.as_bytes().len() + 4)
    }
}
