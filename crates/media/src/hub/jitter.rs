//! The small buffer between a party's packets and the beat of a mix: samples laid at the place
//! that their timestamp says, taken out 20 ms at a time. Gaps are silence.

use crate::codec::Codec;
use crate::g711::Tables;
use crate::prompts::FRAME;
use crate::rtp::Packet;
use std::time::Duration;

/// Room: 200 ms.
const ROOM: usize = 1600;
/// Samples that wait at the beginning beside those of a packet that may come late: a beat of 20 ms, and
/// one more each time that it was not enough. Whole beats, for a stream then never lies across them.
const STEP: u32 = FRAME as u32;
/// Most samples that wait at a beginning: 80 ms.
const MOST: u32 = 640;
/// So long before the beat, a stream that begins needs no beat more: the next of its packets may come
/// as late as that, and who joins is heard 10 to 30 ms after the first packet came.
const EARLY: Duration = Duration::from_millis(10);
/// More than 120 ms in wait: the sender's clock is faster, or the beat stood still; cut back.
const DEEP: u32 = 960;

pub(super) struct Jitter {
    ring: [i16; ROOM],
    /// Timestamp of the next sample to take; its place in the ring is `read % ROOM` by `head`.
    read: u32,
    head: usize,
    /// Timestamp after the last sample laid.
    end: u32,
    ssrc: u32,
    /// Samples that wait since the stream began, or began again.
    delay: u32,
    running: bool,
    /// The frame of the beat `tick`.
    frame: [i16; FRAME],
    tick: u64,
}

impl Jitter {
    pub fn new() -> Self {
        Self {
            ring: [0; ROOM],
            read: 0,
            head: 0,
            end: 0,
            ssrc: 0,
            delay: 0,
            running: false,
            frame: [0; FRAME],
            tick: u64::MAX,
        }
    }

    /// Lays the samples of a packet that came `wait` before the next beat. What comes too late is left
    /// out.
    pub fn put(&mut self, packet: &Packet<'_>, codec: Codec, tables: &Tables, wait: Duration) {
        let length = packet.payload.len();
        if length > ROOM / 2 {
            return;
        }
        let ahead = packet.timestamp.wrapping_sub(self.read) as i32;
        let dry = self.end.wrapping_sub(self.read) as i32 <= 0;
        // A packet behind its time by less than the room is late; any other jump is a new start.
        let late = ahead < 0 && ahead > -(ROOM as i32);
        let fits = ahead >= 0 && ahead as usize + length <= ROOM;
        if !self.running || self.ssrc != packet.ssrc {
            self.delay = if wait >= EARLY { 0 } else { STEP };
            self.start(packet);
        } else if late && dry {
            // It came after its beat: what waited was not enough.
            self.delay = (self.delay + STEP).min(MOST);
            self.start(packet);
        } else if late && self.delay < MOST && ahead + STEP as i32 >= 0 {
            // The one after it came first and waits already: both wait a beat longer.
            self.delay += STEP;
            self.read = self.read.wrapping_sub(STEP);
            self.head = (self.head + ROOM - FRAME) % ROOM;
        } else if late {
            return;
        } else if !fits {
            self.start(packet);
        }
        let ahead = packet.timestamp.wrapping_sub(self.read);
        for (i, &byte) in packet.payload.iter().enumerate() {
            self.ring[(self.head + ahead as usize + i) % ROOM] = tables.linear(codec, byte);
        }
        let end = packet.timestamp.wrapping_add(length as u32);
        if end.wrapping_sub(self.end) as i32 > 0 {
            self.end = end;
        }
        let waiting = self.end.wrapping_sub(self.read);
        if waiting > DEEP {
            self.drop_front(waiting.saturating_sub(self.delay + length as u32));
        }
    }

    /// The frame of beat `tick`: the same for all who listen in that beat.
    pub fn take(&mut self, tick: u64) -> &[i16; FRAME] {
        if self.tick != tick {
            self.tick = tick;
            for (i, sample) in self.frame.iter_mut().enumerate() {
                *sample = std::mem::take(&mut self.ring[(self.head + i) % ROOM]);
            }
            self.head = (self.head + FRAME) % ROOM;
            self.read = self.read.wrapping_add(FRAME as u32);
        }
        &self.frame
    }

    fn start(&mut self, packet: &Packet<'_>) {
        self.ring.fill(0);
        self.running = true;
        self.ssrc = packet.ssrc;
        self.read = packet.timestamp.wrapping_sub(self.delay);
        self.end = packet.timestamp;
    }

    fn drop_front(&mut self, samples: u32) {
        for i in 0..samples as usize {
            self.ring[(self.head + i) % ROOM] = 0;
        }
        self.head = (self.head + samples as usize) % ROOM;
        self.read = self.read.wrapping_add(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lays packet `n` of a stream of ones (as A-law has them), `wait` ms before a beat.
    fn put(jitter: &mut Jitter, n: u32, wait: u64) {
        let packet = Packet {
            marker: false,
            payload_type: 8,
            sequence: n as u16,
            timestamp: n * FRAME as u32,
            ssrc: 1,
            payload: &[0xd4; FRAME],
        };
        let wait = Duration::from_millis(wait);
        jitter.put(&packet, Codec::Pcma, &Tables::new(), wait);
    }

    /// Whether each of the next frames is sound, from the first sample to the last.
    fn frames(jitter: &mut Jitter, first: u64, count: u64) -> Vec<bool> {
        let beats = first..first + count;
        let sound = |beat| {
            let samples = jitter.take(beat);
            let loud = samples.iter().filter(|sample| **sample != 0).count();
            assert!(loud == 0 || loud == FRAME, "{loud} samples");
            loud != 0
        };
        beats.map(sound).collect()
    }

    #[test]
    fn who_begins_early_is_heard_in_the_next_beat() {
        let mut jitter = Jitter::new();
        put(&mut jitter, 10, 10);
        assert_eq!(frames(&mut jitter, 0, 1), [true]);
        // The next comes as late as it may.
        put(&mut jitter, 11, 0);
        assert_eq!(frames(&mut jitter, 1, 2), [true, false]);
    }

    #[test]
    fn who_begins_just_before_a_beat_is_heard_in_the_one_after() {
        let mut jitter = Jitter::new();
        put(&mut jitter, 10, 9);
        assert_eq!(frames(&mut jitter, 0, 1), [false]);
        put(&mut jitter, 11, 9);
        // The next comes nearly a whole beat late, and is in time.
        assert_eq!(frames(&mut jitter, 1, 2), [true, true]);
        put(&mut jitter, 12, 15);
        assert_eq!(frames(&mut jitter, 3, 2), [true, false]);
    }

    #[test]
    fn what_was_not_enough_waits_longer_at_the_next_beginning() {
        let mut jitter = Jitter::new();
        for n in 0..4 {
            put(&mut jitter, n, 5);
            frames(&mut jitter, u64::from(n), 1);
        }
        // The next one comes two beats late, and after it none does for longer than anything waits.
        assert_eq!(frames(&mut jitter, 4, 2), [true, false]);
        put(&mut jitter, 4, 15);
        assert_eq!(frames(&mut jitter, 6, 4), [false, false, true, false]);
        // Another stream begins as the first did.
        let mut other = Jitter::new();
        put(&mut other, 4, 5);
        assert_eq!(frames(&mut other, 0, 2), [false, true]);
    }

    #[test]
    fn what_piled_up_is_cut_back_to_what_came_last() {
        let mut jitter = Jitter::new();
        for n in 0..7 {
            put(&mut jitter, n, 10);
        }
        assert_eq!(frames(&mut jitter, 0, 2), [true, false]);
    }
}
