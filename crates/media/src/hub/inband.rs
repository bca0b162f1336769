//! Key presses in the sound of a party that agreed on no telephone-event: its packets in the order of
//! their time, holes told to the detector.

use crate::codec::Codec;
use crate::dtmf::Detector;
use crate::g711::Tables;
use crate::rtp::Packet;
use smallvec::SmallVec;

/// Samples that may be missing while a key is held to be down still: 100 ms.
const HOLE: i32 = 800;
/// A timestamp further back than this is no late packet but a new beginning: one second.
const LATE: i32 = -8000;

pub(super) struct InBand {
    detector: Detector,
    ssrc: u32,
    /// Timestamp of the sample after the last one heard.
    next: u32,
}

impl InBand {
    /// For the stream of this packet, which is then heard as its first.
    pub fn new(packet: &Packet<'_>) -> Self {
        Self {
            detector: Detector::new(),
            ssrc: packet.ssrc,
            next: packet.timestamp,
        }
    }

    /// The keys whose presses are found in a packet. One that comes too late is left out.
    pub fn handle(
        &mut self,
        packet: &Packet<'_>,
        codec: Codec,
        tables: &Tables,
    ) -> SmallVec<[char; 4]> {
        let mut keys = SmallVec::new();
        let ahead = packet.timestamp.wrapping_sub(self.next) as i32;
        if packet.ssrc != self.ssrc {
            self.detector.interrupt(false);
        } else if !(LATE..=0).contains(&ahead) {
            self.detector.interrupt(!(0..=HOLE).contains(&ahead));
        } else if ahead < 0 {
            return keys;
        }
        self.ssrc = packet.ssrc;
        self.next = packet.timestamp.wrapping_add(packet.payload.len() as u32);
        let samples = packet.payload.iter().map(|b| tables.linear(codec, *b));
        self.detector.hear(samples, |key| keys.push(key));
        keys
    }
}
