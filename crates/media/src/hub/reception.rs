//! What arrives of one party's stream: loss and jitter (RFC 3550 §6.4.1, appendices A.1, A.3, A.8).

use crate::Codec;
use crate::rtcp::Block;
use crate::rtp::Packet;
use meishier_model::Mono;

/// A greater step forward in sequence numbers is a new beginning (appendix A.1).
const MAX_DROPOUT: u16 = 3000;
/// A greater step back is a new beginning (appendix A.1).
const MAX_MISORDER: u16 = 100;
/// Differences of arrival above one second are a clock that was set, and no jitter.
const CLOCK_SET: u32 = Codec::RATE;
/// Packets after which the estimate of jitter has settled: its weight is 1/16 a packet.
const SETTLED: u32 = 50;

/// Counts of one party, over all the streams that it sends one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reception {
    stream: Option<Stream>,
    /// Lost of streams that have ended.
    lost_before: u64,
    /// The greatest jitter of a settled estimate, in 1/16 sample.
    peak: u32,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    base: u16,
    highest: u16,
    /// Turns of the sequence number's counter, shifted into the upper half.
    cycles: u32,
    received: u32,
    /// Arrival minus timestamp of the last packet of sound, in samples.
    transit: Option<u32>,
    /// In 1/16 sample.
    jitter: u32,
    heard: u32,
    /// Expected and received at the last report.
    reported: (u32, u32),
}

impl Stream {
    fn new(packet: &Packet<'_>) -> Self {
        Self {
            ssrc: packet.ssrc,
            base: packet.sequence,
            highest: packet.sequence,
            cycles: 0,
            received: 0,
            transit: None,
            jitter: 0,
            heard: 0,
            reported: (0, 0),
        }
    }

    fn extended(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.highest))
    }

    fn expected(&self) -> u32 {
        self.extended()
            .wrapping_sub(u32::from(self.base))
            .wrapping_add(1)
    }

    /// Below zero where packets came twice.
    fn lost(&self) -> i32 {
        self.expected().wrapping_sub(self.received) as i32
    }

    /// Appendix A.1; false if the stream begins anew with this packet.
    fn follow(&mut self, sequence: u16) -> bool {
        let step = sequence.wrapping_sub(self.highest);
        if step < MAX_DROPOUT {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
        } else if step <= u16::MAX - MAX_MISORDER {
            return false;
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    /// Appendix A.8, in 1/16 sample.
    fn measure(&mut self, now: Mono, timestamp: u32) {
        let arrival = (u128::from(now.0) * u128::from(Codec::RATE) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        let difference = self
            .transit
            .replace(transit)
            .map(|before| (transit.wrapping_sub(before) as i32).unsigned_abs())
            .filter(|difference| *difference < CLOCK_SET);
        if let Some(difference) = difference {
            self.jitter = self.jitter + difference - ((self.jitter + 8) >> 4);
            self.heard = self.heard.saturating_add(1);
        }
    }
}

impl Reception {
    /// A packet of the party. `sound`: key presses repeat their timestamps and say nothing of jitter.
    pub fn note(&mut self, now: Mono, packet: &Packet<'_>, sound: bool) {
        let known = self
            .stream
            .as_mut()
            .is_some_and(|s| s.ssrc == packet.ssrc && s.follow(packet.sequence));
        if !known {
            self.lost_before = self.lost();
            let mut stream = Stream::new(packet);
            stream.follow(packet.sequence);
            self.stream = Some(stream);
        }
        if let Some(stream) = self.stream.as_mut().filter(|_| sound) {
            stream.measure(now, packet.timestamp);
            if stream.heard >= SETTLED {
                self.peak = self.peak.max(stream.jitter);
            }
        }
    }

    /// The party sends nothing for a while: the next packet's time says nothing of jitter.
    pub fn pause(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.transit = None;
        }
    }

    /// Packets that did not arrive.
    pub fn lost(&self) -> u64 {
        let now = self.stream.map_or(0, |s| s.lost().max(0) as u64);
        self.lost_before + now
    }

    /// The greatest jitter so far, in microseconds.
    pub fn jitter_us(&self) -> u32 {
        let samples = u64::from(self.peak) >> 4;
        (samples * 1_000_000 / u64::from(Codec::RATE)) as u32
    }

    /// What is to be said of the stream, `None` if nothing came since the last time (§6.4).
    pub fn block(&mut self, last_report: u32, delay: u32) -> Option<Block> {
        let stream = self.stream.as_mut()?;
        let (expected, received) = (stream.expected(), stream.received);
        let before = std::mem::replace(&mut stream.reported, (expected, received));
        let came = received.wrapping_sub(before.1);
        if came == 0 {
            return None;
        }
        let due = expected.wrapping_sub(before.0);
        let lost = due.wrapping_sub(came) as i32;
        // Appendix A.3.
        let fraction = if due == 0 || lost <= 0 {
            0
        } else {
            (u64::from(lost as u32) * 256 / u64::from(due)).min(255) as u8
        };
        Some(Block {
            ssrc: stream.ssrc,
            fraction,
            lost: stream.lost(),
            highest: stream.extended(),
            jitter: stream.jitter >> 4,
            last_report,
            delay,
        })
    }
}
