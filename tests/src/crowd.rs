//! Many callers and their seats, played by one thread over four UDP sockets.
//!
//! ```text
//!   callers ── SIP ──►  engine ── SIP ──► seats        INVITE, 180, 200, ACK, talk, BYE
//!           ◄─ RTP ──►         ◄─ RTP ──►               a packet each way every 400 ms
//! ```
//!
//! Requests and 200s are sent again until they are answered (RFC 3261 §17.1.1.2, §13.3.1.4), since
//! a full socket buffer loses datagrams on loopback as well.

use crate::sip::{Dialog, Sip, rtp, sdp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// First interval after which a message is sent again.
const AGAIN: Duration = Duration::from_millis(500);
/// Interval of a party's RTP packets.
const PACKETS: Duration = Duration::from_millis(400);
/// Samples that callers and seats send, by which the listener knows whom it hears.
const CALLER_SAMPLE: u8 = 0x11;
const SEAT_SAMPLE: u8 = 0x22;

/// What a crowd is to do.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// Calls.
    pub calls: u32,
    /// Calls begun a second.
    pub rate: u32,
    /// How long each caller talks before it hangs up.
    pub talk: Duration,
    /// When to give up.
    pub limit: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that were answered, spoke and were hung up in order, on both sides.
    pub complete: u32,
    /// Callers that heard their seat.
    pub callers_heard: u32,
    /// Seats that heard their caller.
    pub seats_heard: u32,
    /// Most calls in talk at once.
    pub peak: u32,
    /// Everything that should not have been, in words.
    pub faults: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Calling,
    Talking,
    Leaving,
    Done,
}

/// One side of a call.
struct Side {
    dialog: Option<Dialog>,
    step: Step,
    /// What is sent again, and when, until it is answered.
    pending: Option<(String, Instant, Duration)>,
    ends: Instant,
    /// The engine's RTP port towards this side.
    port: u16,
    next_packet: Instant,
    packets: u16,
    heard: bool,
}

impl Side {
    fn new(dialog: Option<Dialog>, now: Instant) -> Self {
        Self {
            dialog,
            step: Step::Calling,
            pending: None,
            ends: now,
            port: 0,
            next_packet: now,
            packets: 0,
            heard: false,
        }
    }
}

/// One half of the crowd: the callers, or the seats.
struct Half {
    sip: UdpSocket,
    rtp: UdpSocket,
    sample: u8,
    sides: Vec<Side>,
    by_call: HashMap<String, usize>,
    by_port: HashMap<u16, usize>,
}

/// Callers and seats, their sockets bound.
pub struct Crowd {
    callers: Half,
    seats: Half,
    tally: Tally,
}

impl Crowd {
    /// Binds the sockets.
    ///
    /// # Panics
    /// If the system gives none.
    #[must_use]
    pub fn new() -> Self {
        Self {
            callers: Half::new(CALLER_SAMPLE),
            seats: Half::new(SEAT_SAMPLE),
            tally: Tally::default(),
        }
    }

    /// The fixed address of all seats.
    #[must_use]
    pub fn seats_address(&self) -> SocketAddr {
        self.seats.address()
    }

    /// Plays the script against the engine.
    #[must_use]
    pub fn play(mut self, engine: SocketAddr, script: Script) -> Tally {
        let start = Instant::now();
        let every = Duration::from_secs(1) / script.rate;
        loop {
            let now = Instant::now();
            let begun = self.callers.sides.len() as u32;
            if begun < script.calls && start + every * begun <= now {
                self.begin(begun, engine, now);
                continue;
            }
            self.on_time(now, engine);
            let talking = self
                .callers
                .sides
                .iter()
                .filter(|s| s.step == Step::Talking);
            self.tally.peak = self.tally.peak.max(talking.count() as u32);
            if begun == script.calls && self.is_over() {
                break;
            }
            if now > start + script.limit {
                self.tally.faults.push(self.unfinished());
                break;
            }
            self.await_packets();
            self.read(engine, script.talk);
        }
        self.count();
        self.tally
    }

    fn is_over(&self) -> bool {
        let done = |half: &Half| half.sides.iter().all(|side| side.step == Step::Done);
        done(&self.callers) && done(&self.seats)
    }

    fn unfinished(&self) -> String {
        let open = |half: &Half| half.sides.iter().filter(|s| s.step != Step::Done).count();
        let (callers, seats) = (open(&self.callers), open(&self.seats));
        format!("time is up: {callers} callers and {seats} seats have not finished")
    }

    fn count(&mut self) {
        let heard = |half: &Half| half.sides.iter().filter(|s| s.heard).count() as u32;
        self.tally.callers_heard = heard(&self.callers);
        self.tally.seats_heard = heard(&self.seats);
        let sides = self.callers.sides.iter();
        self.tally.complete = sides
            .filter(|s| s.step == Step::Done && s.port != 0)
            .count() as u32;
    }

    fn begin(&mut self, number: u32, engine: SocketAddr, now: Instant) {
        let local = self.callers.address();
        let name = format!("crowd{}x{number}", local.port());
        let dialog = Dialog::new(&format!("1380{number:07}"), &name, local, engine);
        let invite = dialog.request("INVITE", 1, "INVITE", &sdp(self.callers.audio()));
        let index = self.callers.sides.len();
        self.callers.by_call.insert(dialog.call_id.clone(), index);
        self.callers.sides.push(Side::new(Some(dialog), now));
        self.callers.insist(index, invite, engine, now);
    }

    /// Sends again what is due, hangs up what has talked enough, sends RTP.
    fn on_time(&mut self, now: Instant, engine: SocketAddr) {
        for index in 0..self.callers.sides.len() {
            let side = &mut self.callers.sides[index];
            if side.step == Step::Talking && side.ends <= now {
                side.step = Step::Leaving;
                if let Some(dialog) = &side.dialog {
                    let bye = dialog.request("BYE", 2, "BYE", "");
                    self.callers.insist(index, bye, engine, now);
                }
            }
        }
        self.callers.on_time(now, engine);
        self.seats.on_time(now, engine);
    }

    /// Waits for a datagram, for some milliseconds at most.
    fn await_packets(&self) {
        let sockets = [
            &self.callers.sip,
            &self.callers.rtp,
            &self.seats.sip,
            &self.seats.rtp,
        ];
        let mut wanted = sockets.map(|socket| PollFd::new(socket, PollFlags::IN));
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: 4_000_000,
        };
        // An interrupted wait is followed by a read that finds nothing.
        let _ = poll(&mut wanted, Some(&limit));
    }

    fn read(&mut self, engine: SocketAddr, talk: Duration) {
        let mut buffer = [0; 4096];
        while let Ok((length, _)) = self.callers.sip.recv_from(&mut buffer) {
            let message = Sip(String::from_utf8_lossy(&buffer[..length]).into_owned());
            self.on_caller_message(&message, engine, talk);
        }
        while let Ok((length, _)) = self.seats.sip.recv_from(&mut buffer) {
            let message = Sip(String::from_utf8_lossy(&buffer[..length]).into_owned());
            self.on_seat_message(&message, engine);
        }
        self.callers.listen(SEAT_SAMPLE);
        self.seats.listen(CALLER_SAMPLE);
    }

    fn on_caller_message(&mut self, message: &Sip, engine: SocketAddr, talk: Duration) {
        let Some(index) = self.callers.by_call.get(message.call_id()).copied() else {
            self.tally
                .faults
                .push("a message of no call reached the callers".to_owned());
            return;
        };
        let now = Instant::now();
        let local = self.callers.address();
        let side = &mut self.callers.sides[index];
        let Some(dialog) = &mut side.dialog else {
            return;
        };
        match (message.method(), message.status(), message.cseq().1) {
            (None, Some(100..=199), "INVITE") => side.pending = None,
            (None, Some(200), "INVITE") => {
                dialog.learn(message);
                let _ = self
                    .callers
                    .sip
                    .send_to(dialog.request("ACK", 1, "ACK", "").as_bytes(), engine);
                if side.step == Step::Calling {
                    side.step = Step::Talking;
                    side.pending = None;
                    (side.ends, side.next_packet) = (now + talk, now);
                    side.port = message.audio_port();
                    self.callers.by_port.insert(side.port, index);
                }
            }
            (None, Some(200), "BYE") => {
                side.step = Step::Done;
                side.pending = None;
            }
            (None, Some(status), method) => {
                self.tally
                    .faults
                    .push(format!("call {index}: {status} to {method}"));
                side.step = Step::Done;
                side.pending = None;
                let _ = self
                    .callers
                    .sip
                    .send_to(dialog.request("ACK", 1, "INVITE", "").as_bytes(), engine);
            }
            (Some("OPTIONS"), ..) => {
                let ok = message.response("200 OK", "", local, "");
                let _ = self.callers.sip.send_to(ok.as_bytes(), engine);
            }
            (Some(method), ..) => {
                self.tally
                    .faults
                    .push(format!("call {index}: the engine sent {method}"));
                let _ = self
                    .callers
                    .sip
                    .send_to(message.response("200 OK", "", local, "").as_bytes(), engine);
                side.step = Step::Done;
                side.pending = None;
            }
            (None, None, _) => self.tally.faults.push(format!("call {index}: no SIP")),
        }
    }

    fn on_seat_message(&mut self, message: &Sip, engine: SocketAddr) {
        let now = Instant::now();
        let local = self.seats.address();
        let tag = format!("seat{}", message.call_id().len());
        let reply = |status: &str, body: &str| message.response(status, &tag, local, body);
        let known = self.seats.by_call.get(message.call_id()).copied();
        match (message.method(), known) {
            (Some("INVITE"), None) => {
                let index = self.seats.sides.len();
                self.seats
                    .by_call
                    .insert(message.call_id().to_owned(), index);
                let mut side = Side::new(None, now);
                side.port = message.audio_port();
                self.seats.by_port.insert(side.port, index);
                self.seats.sides.push(side);
                let _ = self
                    .seats
                    .sip
                    .send_to(reply("180 Ringing", "").as_bytes(), engine);
                let answer = reply("200 OK", &sdp(self.seats.audio()));
                self.seats.insist(index, answer, engine, now);
            }
            (Some("INVITE"), Some(index)) => {
                if let Some((answer, ..)) = &self.seats.sides[index].pending {
                    let _ = self.seats.sip.send_to(answer.as_bytes(), engine);
                }
            }
            (Some("ACK"), Some(index)) => {
                let side = &mut self.seats.sides[index];
                side.pending = None;
                if side.step == Step::Calling {
                    (side.step, side.next_packet) = (Step::Talking, now);
                }
            }
            // The engine asks who is silent (RFC 3261 §11).
            (Some("OPTIONS"), Some(index)) => {
                let over = self.seats.sides[index].step == Step::Done;
                let status = if over {
                    "481 Call/Transaction Does Not Exist"
                } else {
                    "200 OK"
                };
                let _ = self.seats.sip.send_to(reply(status, "").as_bytes(), engine);
            }
            (Some("BYE"), Some(index)) => {
                let _ = self
                    .seats
                    .sip
                    .send_to(reply("200 OK", "").as_bytes(), engine);
                self.seats.sides[index].step = Step::Done;
                self.seats.sides[index].pending = None;
            }
            (method, _) => {
                self.tally
                    .faults
                    .push(format!("a seat got {method:?} {:?}", message.status()));
            }
        }
    }
}

impl Default for Crowd {
    fn default() -> Self {
        Self::new()
    }
}

impl Half {
    fn new(sample: u8) -> Self {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0");
            let socket = socket.unwrap_or_else(|error| panic!("UDP socket: {error}"));
            match socket.set_nonblocking(true) {
                Ok(()) => socket,
                Err(error) => panic!("UDP socket: {error}"),
            }
        };
        Self {
            sip: socket(),
            rtp: socket(),
            sample,
            sides: Vec::new(),
            by_call: HashMap::new(),
            by_port: HashMap::new(),
        }
    }

    fn address(&self) -> SocketAddr {
        self.sip
            .local_addr()
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn audio(&self) -> u16 {
        self.rtp.local_addr().map_or(0, |address| address.port())
    }

    /// Sends now, and again until [`Side::pending`] is taken away.
    fn insist(&mut self, index: usize, message: String, engine: SocketAddr, now: Instant) {
        let _ = self.sip.send_to(message.as_bytes(), engine);
        self.sides[index].pending = Some((message, now + AGAIN, AGAIN));
    }

    fn on_time(&mut self, now: Instant, engine: SocketAddr) {
        for (index, side) in self.sides.iter_mut().enumerate() {
            if let Some((message, at, gap)) = &mut side.pending
                && *at <= now
            {
                let _ = self.sip.send_to(message.as_bytes(), engine);
                *gap *= 2;
                *at = now + *gap;
            }
            if side.step == Step::Talking && side.next_packet <= now {
                let packet = rtp(index as u32, side.packets, self.sample);
                let to = SocketAddr::new(engine.ip(), side.port);
                let _ = self.rtp.send_to(&packet, to);
                side.packets += 1;
                side.next_packet = now + PACKETS;
            }
        }
    }

    /// Notes who heard the other party, by the engine's port that the packet came from.
    fn listen(&mut self, sample: u8) {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = self.rtp.recv_from(&mut buffer) {
            let other = buffer[..length].last() == Some(&sample);
            if let (Some(index), true) = (self.by_port.get(&from.port()), other) {
                self.sides[*index].heard = true;
            }
        }
    }
}
