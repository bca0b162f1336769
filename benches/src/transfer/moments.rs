//! From the key to the INVITE, and from the target's answer until all three hear each other.
//!
//! Caller and counsellor speak softly, the police loudly, each a constant level, so that one sample says
//! who is heard. Packets of each leave every 20 ms, at another phase in each try.

use super::Options;
use super::police::Police;
use crate::engine::{Engine, Seats};
use crate::figures::{Latency, Random};
use crate::http::Http;
use crate::stage::{Manners, Stage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// From one packet to the next.
const PERIOD: Duration = Duration::from_millis(20);
/// How long all may take to hear each other; more is a failure.
const LIMIT: Duration = Duration::from_secs(2);
/// How long a call may take to be answered, or to be over.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// G.711 A-law codes (ITU-T G.711 table 1a) of about 1,000 and 16,000 of 32,768.
const SOFT: u8 = 0xb0 ^ 0x55;
const LOUD: u8 = 0xf0 ^ 0x55;
/// What is louder than all soft ones together, and what is no silence.
const LOUDER: i32 = 6_000;
const HEARD: i32 = 200;

/// What was measured.
pub struct Moments {
    /// From right before the POST is written to right after the INVITE was read.
    pub key_to_invite: Latency,
    /// From right before the target's 200 to the packet by which the last of three directions is heard.
    pub answer_to_speech: Latency,
    /// Tries in which somebody did not hear somebody.
    pub failed: usize,
}

/// The value of an A-law code, of 32,768 (ITU-T G.711 §3).
fn linear(code: u8) -> i32 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

/// One who speaks and hears.
struct Mouth {
    socket: UdpSocket,
    at: SocketAddr,
    level: u8,
    count: u32,
    ssrc: u32,
    next: Instant,
}

impl Mouth {
    fn new(level: u8) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            at: socket.local_addr()?,
            socket,
            level,
            count: 0,
            ssrc: 0,
            next: Instant::now(),
        })
    }

    fn begin(&mut self, ssrc: u32, at: Instant) {
        (self.ssrc, self.next) = (ssrc, at);
    }

    fn speak(&mut self, now: Instant, to: SocketAddr) -> io::Result<()> {
        while self.next <= now {
            self.next += PERIOD;
            self.count = self.count.wrapping_add(1);
            let mut packet = [self.level; 12 + 160];
            packet[..2].copy_from_slice(&[0x80, 8]);
            packet[2..4].copy_from_slice(&(self.count as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&self.count.wrapping_mul(160).to_be_bytes());
            packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
            self.socket.send_to(&packet, to)?;
        }
        Ok(())
    }

    /// The loudest that came from `from`, if anything did.
    fn hear(&self, from: SocketAddr) -> io::Result<Option<i32>> {
        let mut buffer = [0; 2048];
        let mut loudest = None;
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, at)) if at == from && length > 12 => {
                    let most = buffer[12..length].iter().map(|b| linear(*b).abs()).max();
                    loudest = loudest.max(most);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(loudest),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Presses the key so many times, each in a call of its own.
///
/// # Errors
/// What kept it from measuring.
pub fn measure(options: &Options) -> io::Result<Moments> {
    let mut police = Police::new()?;
    let mut mouths = [Mouth::new(SOFT)?, Mouth::new(SOFT)?, Mouth::new(LOUD)?];
    let manners = Manners {
        ring: Duration::from_millis(1),
        hold: None,
    };
    let mut stage = Stage::new(manners)?;
    stage.speak_at(&[mouths[0].at], &[mouths[1].at]);
    let changes = police.configuration();
    let changes: Vec<(&str, &str)> = changes.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let seats_at = stage.seat_address();
    let engine = Engine::start_with(&options.program, Seats::Ready, seats_at, &changes)?;
    stage.play_against(engine.sip);
    let mut http = Http::connect(engine.http)?;
    let mut random = Random::new();
    let (mut keys, mut speech, mut failed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..options.presses {
        let (key, heard) = one(&mut stage, &mut http, &mut police, &mut mouths, &mut random)?;
        keys.push(key);
        match heard {
            Some(heard) => speech.push(heard),
            None => failed += 1,
        }
    }
    let nothing = || io::Error::other("nobody was heard in any try");
    Ok(Moments {
        key_to_invite: Latency::of(keys).ok_or_else(nothing)?,
        answer_to_speech: Latency::of(speech).ok_or_else(nothing)?,
        failed,
    })
}

/// One call with one press.
fn one(
    stage: &mut Stage,
    http: &mut Http,
    police: &mut Police,
    mouths: &mut [Mouth; 3],
    random: &mut Random,
) -> io::Result<(Duration, Option<Duration>)> {
    let index = stage.call_at(Instant::now());
    stage.play(Instant::now() + CALL_LIMIT, |stage| {
        stage.calls()[index].answered && stage.calls()[index].seat_speech.is_some()
    })?;
    let call = &stage.calls()[index];
    let lacking = || io::Error::other("a call was not answered");
    let places = [
        call.caller_speech.ok_or_else(lacking)?,
        call.seat_speech.ok_or_else(lacking)?,
    ];
    let id = call.id.clone().ok_or_else(lacking)?;
    // Both speak for a while before, each at a phase of its own.
    let begun = Instant::now();
    for mouth in &mut mouths[..2] {
        mouth.begin(index as u32 + 1, begun + random.around(PERIOD / 2));
    }
    let until = begun + PERIOD * 4 + random.around(PERIOD / 2);
    while Instant::now() < until {
        for (mouth, to) in mouths.iter_mut().zip(places) {
            mouth.speak(Instant::now(), to)?;
        }
        stage.attend()?;
        std::thread::sleep(Duration::from_micros(500));
    }
    let path = format!("/api/v1/calls/{id}/transfer");
    let request = http.post(&path, r#"{"key":"110","city":"贵阳"}"#);
    let pressed = Instant::now();
    http.send(&request)?;
    let called = police.called()?;
    let key = called.at - pressed;
    if http.answer()? != 202 {
        return Err(io::Error::other("the key was refused"));
    }
    let answered = police.answer(&called, mouths[2].at)?;
    mouths[2].begin(index as u32 + 1, Instant::now());
    let heard = three(
        stage,
        mouths,
        [places[0], places[1], called.speech],
        answered,
    )?;
    stage.hang_up(index)?;
    police.hang_up(&called)?;
    let over = stage.play(Instant::now() + CALL_LIMIT, |stage| {
        stage.calls()[index].complete()
    })?;
    if !over {
        return Err(io::Error::other("a call did not end"));
    }
    Ok((key, heard))
}

/// Lets all three speak until each direction was heard; how long that took.
fn three(
    stage: &mut Stage,
    mouths: &mut [Mouth; 3],
    places: [SocketAddr; 3],
    answered: Instant,
) -> io::Result<Option<Duration>> {
    let mut heard = [false; 3];
    loop {
        let now = Instant::now();
        if now > answered + LIMIT {
            return Ok(None);
        }
        for (n, (mouth, place)) in mouths.iter_mut().zip(places).enumerate() {
            mouth.speak(now, place)?;
            let enough = if n == 2 { HEARD } else { LOUDER };
            heard[n] |= mouth.hear(place)?.is_some_and(|level| level > enough);
        }
        if heard == [true; 3] {
            return Ok(Some(Instant::now() - answered));
        }
        stage.attend()?;
        let next = mouths.iter().map(|mouth| mouth.next).min().unwrap_or(now);
        let limit = next.saturating_duration_since(Instant::now());
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut sockets: Vec<PollFd<'_>> = mouths
            .iter()
            .map(|mouth| PollFd::new(&mouth.socket, PollFlags::IN))
            .collect();
        match poll(&mut sockets, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
