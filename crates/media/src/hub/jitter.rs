//! The small buffer between a party's packets and the beat of a mix: samples laid at the place
//! that their timestamp says, taken out 20 ms at a time. Gaps are silence.

use crate::codec::Codec;
use crate::g711::Tables;
use crate::prompts::FRAME;
use crate::rtp::Packet;

/// Room: 200 ms.
const ROOM: usize = 1600;
/// Samples that wait at the beginning, against jitter: 15 ms, so that who joins is heard in the second
/// beat. Each time that they were not enough, the buffer waits one packet of 20 ms longer.
const FIRST: u32 = 120;
/// The same where nobody waits to hear it: 20 ms.
const PATIENT: u32 = 160;
/// Most samples that wait at a beginning: 80 ms.
const MOST: u32 = 640;
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
    /// Samples that wait at a stream's first beginning, and at the next.
    first: u32,
    delay: u32,
    running: bool,
    /// The frame of the beat `tick`.
    frame: [i16; FRAME],
    tick: u64,
}

impl Jitter {
    /// For those who talk with each other.
    pub fn new() -> Self {
        Self::after(FIRST)
    }

    /// For a tape.
    pub fn patient() -> Self {
        Self::after(PATIENT)
    }

    fn after(first: u32) -> Self {
        Self {
            ring: [0; ROOM],
            read: 0,
            head: 0,
            end: 0,
            ssrc: 0,
            first,
            delay: first,
            running: false,
            frame: [0; FRAME],
            tick: u64::MAX,
        }
    }

    /// Lays the samples of a packet. What comes too late is left out.
    pub fn put(&mut self, packet: &Packet<'_>, codec: Codec, tables: &Tables) {
        let length = packet.payload.len();
        if length > ROOM / 2 {
            return;
        }
        let ahead = packet.timestamp.wrapping_sub(self.read) as i32;
        let dry = self.end.wrapping_sub(self.read) as i32 <= 0;
        let fits = ahead >= 0 && ahead as usize + length <= ROOM;
        if !self.running || self.ssrc != packet.ssrc {
            self.delay = self.first;
            self.start(packet);
        } else if dry && ahead < self.delay as i32 / 2 {
            // It came later than its time: what waited was not enough.
            self.delay = (self.delay + FRAME as u32).min(MOST);
            self.start(packet);
        } else if !fits {
            // A packet behind its time by less than the room is late; any other jump is a new start.
            if ahead < 0 && ahead > -(ROOM as i32) {
                return;
            }
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
            self.drop_front(waiting - self.delay);
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

    /// Lays packet `n` of a stream of ones (as A-law has them).
    fn put(jitter: &mut Jitter, tables: &Tables, n: u32) {
        let packet = Packet {
            marker: false,
            payload_type: 8,
            sequence: n as u16,
            timestamp: n * FRAME as u32,
            ssrc: 1,
            payload: &[0xd4; FRAME],
        };
        jitter.put(&packet, Codec::Pcma, tables);
    }

    /// Whether each of the next frames is sound.
    fn frames(jitter: &mut Jitter, first: u64, count: u64) -> Vec<bool> {
        let beats = first..first + count;
        beats.map(|beat| jitter.take(beat)[0] != 0).collect()
    }

    #[test]
    fn who_begins_is_heard_in_the_second_beat() {
        let (mut jitter, tables) = (Jitter::new(), Tables::new());
        put(&mut jitter, &tables, 10);
        assert_eq!(frames(&mut jitter, 0, 1), [false]);
        put(&mut jitter, &tables, 11);
        assert_eq!(frames(&mut jitter, 1, 2), [true, true]);
    }

    #[test]
    fn what_was_not_enough_waits_longer_at_the_next_beginning() {
        let (mut jitter, tables) = (Jitter::new(), Tables::new());
        for n in 0..4 {
            put(&mut jitter, &tables, n);
            frames(&mut jitter, u64::from(n), 1);
        }
        // The next one comes two beats late, and after it none does for longer than anything waits.
        assert_eq!(frames(&mut jitter, 4, 2), [true, false]);
        put(&mut jitter, &tables, 4);
        assert_eq!(frames(&mut jitter, 6, 4), [false, false, true, false]);
        // Another stream begins as the first did.
        let mut other = Jitter::new();
        put(&mut other, &tables, 4);
        assert_eq!(frames(&mut other, 0, 2), [false, true]);
    }
}
