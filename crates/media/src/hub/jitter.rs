//! The small buffer between a party's packets and the beat of a mix: samples laid at the place
//! that their timestamp says, taken out 20 ms at a time. Gaps are silence.

use crate::codec::Codec;
use crate::g711::Tables;
use crate::prompts::FRAME;
use crate::rtp::Packet;

/// Room: 200 ms.
const ROOM: usize = 1600;
/// Samples that wait at the beginning, against jitter: 40 ms.
const DELAY: u32 = 320;
/// More than 120 ms in wait: the sender's clock is faster, or the beat stood still; cut back to `DELAY`.
const DEEP: u32 = 960;

pub(super) struct Jitter {
    ring: [i16; ROOM],
    /// Timestamp of the next sample to take; its place in the ring is `read % ROOM` by `head`.
    read: u32,
    head: usize,
    /// Timestamp after the last sample laid.
    end: u32,
    ssrc: u32,
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
        if !self.running || self.ssrc != packet.ssrc || (dry && ahead < DELAY as i32 / 2) {
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
            self.drop_front(waiting - DELAY);
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
        self.read = packet.timestamp.wrapping_sub(DELAY);
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
