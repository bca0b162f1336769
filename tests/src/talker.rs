//! A party that speaks RTP from one UDP socket: a tone in A-law every 20 ms, keys by RFC 4733; and
//! hears what comes.

use crate::sound::Sound;
use std::f64::consts::TAU;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Time of a packet.
const PACKET: Duration = Duration::from_millis(20);
/// Samples of a packet.
const SAMPLES: u32 = 160;
/// Payload type of key presses, as [`Talker::sdp`] says.
const KEYS: u8 = 101;

/// One party's media.
#[derive(Debug)]
pub struct Talker {
    socket: UdpSocket,
    remote: Option<SocketAddr>,
    frequency: f64,
    number: u16,
    time: u32,
    heard: Vec<f64>,
    keys: Vec<u8>,
    last_key: Option<[u8; 4]>,
}

impl Talker {
    /// Somebody who speaks this tone, hertz.
    ///
    /// # Panics
    /// If the system gives no socket.
    #[must_use]
    pub fn new(frequency: f64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0");
        let socket = socket.unwrap_or_else(|error| panic!("UDP socket: {error}"));
        Self {
            socket,
            remote: None,
            frequency,
            number: 7,
            time: 1_000,
            heard: Vec::new(),
            keys: Vec::new(),
            last_key: None,
        }
    }

    /// A description of it.
    ///
    /// # Panics
    /// If the socket has no address.
    #[must_use]
    pub fn sdp(&self) -> String {
        let local = self.socket.local_addr();
        let port = local.unwrap_or_else(|error| panic!("{error}")).port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 {KEYS}\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        )
    }

    /// Names where it speaks to.
    pub fn towards(&mut self, remote: SocketAddr) {
        self.remote = Some(remote);
    }

    /// What it has heard.
    #[must_use]
    pub fn heard(&self) -> Sound {
        Sound {
            rate: 8000,
            samples: self.heard.clone(),
        }
    }

    /// The keys that it was told, each once.
    #[must_use]
    pub fn keys(&self) -> &[u8] {
        &self.keys
    }

    fn send(&mut self, kind: u8, time: u32, payload: &[u8]) {
        let Some(remote) = self.remote else { return };
        let mut packet = vec![0x80, kind];
        packet.extend(self.number.to_be_bytes());
        packet.extend(time.to_be_bytes());
        packet.extend((self.frequency as u32).to_be_bytes());
        packet.extend(payload);
        // Nobody there shows as silence.
        let _ = self.socket.send_to(&packet, remote);
        self.number = self.number.wrapping_add(1);
    }

    fn speak(&mut self) {
        let turn = TAU * self.frequency / 8000.0;
        let sample = |n: u32| (12_000.0 * (turn * f64::from(n)).sin()) as i16;
        let samples = self.time..self.time + SAMPLES;
        let payload: Vec<u8> = samples.map(|n| a_law(sample(n))).collect();
        self.send(8, self.time, &payload);
        self.time += SAMPLES;
    }

    /// Takes what comes until this instant.
    fn hear(&mut self, until: Instant) {
        let mut packet = [0; 2048];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let _ = self
                .socket
                .set_read_timeout(Some(left.max(Duration::from_micros(1))));
            match self.socket.recv(&mut packet) {
                Ok(length) => self.take(&packet[..length]),
                Err(_) if Instant::now() < until => {}
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, packet: &[u8]) {
        let Some((head, payload)) = packet.split_at_checked(12) else {
            return;
        };
        match (head[1] & 0x7f, payload) {
            (8, samples) => self.heard.extend(samples.iter().map(|s| linear(*s))),
            (KEYS, [event, ..]) => {
                // All packets of a press have its time stamp (RFC 4733 §2.3).
                let press = [head[4], head[5], head[6], head[7]];
                if self.last_key.replace(press) != Some(press) {
                    self.keys.push(*event);
                }
            }
            _ => {}
        }
    }
}

/// Lets all of them speak and hear for so long.
pub fn talk(talkers: &mut [&mut Talker], length: Duration) {
    each_packet(talkers, length, |talker, _, _| talker.speak());
}

/// The first presses a key for 100 ms while the others speak.
pub fn press(talkers: &mut [&mut Talker], event: u8) {
    each_packet(talkers, 5 * PACKET, |talker, place, turn| {
        if place != 0 {
            return talker.speak();
        }
        let held = (turn + 1) * SAMPLES;
        let [high, low] = (held as u16).to_be_bytes();
        let last = turn == 4;
        let flags = if last { 0x8a } else { 0x0a };
        // RFC 4733 §2.5.1.4: the last packet three times.
        for _ in 0..if last { 3 } else { 1 } {
            talker.send(KEYS, talker.time, &[event, flags, high, low]);
        }
        if last {
            talker.time += held;
        }
    });
}

/// Calls `act` with each talker, its place and the turn, once a packet's time.
fn each_packet(
    talkers: &mut [&mut Talker],
    length: Duration,
    act: impl Fn(&mut Talker, usize, u32),
) {
    let start = Instant::now();
    let turns = (length.as_millis() / PACKET.as_millis()) as u32;
    for turn in 0..turns {
        for (place, talker) in talkers.iter_mut().enumerate() {
            act(talker, place, turn);
        }
        let until = start + PACKET * (turn + 1);
        for talker in talkers.iter_mut() {
            talker.hear(until);
        }
    }
}

/// One sample in A-law (ITU-T G.711, table 1a): sign, three bits of segment, four of the step in it,
/// even bits inverted.
#[must_use]
pub fn a_law(sample: i16) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    let size = i32::from(sample).abs().min(32_767) >> 4;
    let segment = (32 - size.leading_zeros()).saturating_sub(4).min(7);
    let step = if segment < 2 {
        size
    } else {
        size >> (segment - 1)
    };
    (sign | (segment as u8) << 4 | (step as u8 & 0x0f)) ^ 0x55
}

/// What a byte of A-law stands for, -1 to 1.
#[must_use]
pub fn linear(byte: u8) -> f64 {
    let byte = byte ^ 0x55;
    let (segment, step) = (i32::from(byte >> 4 & 7), i32::from(byte & 0x0f));
    let size = match segment {
        0 => step * 16 + 8,
        _ => (step * 16 + 264) << (segment - 1),
    };
    let sign = if byte & 0x80 == 0 { -1.0 } else { 1.0 };
    sign * f64::from(size) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_comes_back_within_its_steps() {
        assert_eq!((a_law(0), a_law(-1)), (0xd5, 0x55));
        for sample in (-32_767..32_767).step_by(97) {
            let back = linear(a_law(sample)) * 32_768.0;
            let error = (back - f64::from(sample)).abs();
            assert!(
                error <= (f64::from(sample).abs() / 32.0).max(8.0) + 1.0,
                "{sample}: {back}"
            );
        }
    }

    #[test]
    fn two_hear_each_other_and_their_keys() {
        let (mut a, mut b) = (Talker::new(440.0), Talker::new(1000.0));
        a.towards(b.socket.local_addr().unwrap());
        b.towards(a.socket.local_addr().unwrap());
        talk(&mut [&mut a, &mut b], Duration::from_millis(500));
        press(&mut [&mut a, &mut b], 5);
        press(&mut [&mut a, &mut b], 5);
        talk(&mut [&mut a, &mut b], Duration::from_millis(100));
        assert!(a.heard().seconds_of(1000.0) >= 0.4);
        assert!(b.heard().seconds_of(440.0) >= 0.4);
        assert_eq!((a.keys(), b.keys()), (&[][..], &[5, 5][..]));
    }
}
