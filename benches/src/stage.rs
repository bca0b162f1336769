//! The players: any number of callers on one socket and of seats on another, on one thread.
//!
//! ```text
//!   caller                 program under test                 seat
//!     │ INVITE ────────────────► │ INVITE ───────────────────► │
//!     │ ◄──────────── 100, 180 │ ◄────────────────────── 180 │
//!     │                        │ ◄─────── 200, `ring` later  │
//!     │ ◄────────────────── 200 │ ACK ──────────────────────► │
//!     │ ACK ───────────────────► │                             │
//!     │ BYE, `hold` later ─────► │ BYE ──────────────────────► │
//!     │ ◄────────────────── 200 │ ◄────────────────────── 200 │
//! ```
//!
//! The thread sleeps in poll(2) between datagrams. Times are taken right before a datagram is sent
//! and right after one was received, so a latency includes the wake-up of this thread. Nothing is
//! sent twice: a datagram that is lost is a failed call.

use crate::sip::{self, Caller};
use crate::tally::{Kind, Tally};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// What the sockets may hold of what came while this thread was busy, in bytes.
const SOCKET_BYTES: usize = 8 << 20;
/// Port that the players' SDP names. No speech is sent, nobody listens there.
const RTP_PORT: u16 = 9;
/// Largest datagram.
const DATAGRAM_BYTES: usize = 64 << 10;

/// Places of [`Stage::speak_at`].
const CALLERS: usize = 0;
const SEATS: usize = 1;

/// How the players behave.
#[derive(Clone, Copy)]
pub struct Manners {
    /// From the seat's 180 to its 200.
    pub ring: Duration,
    /// From the caller's ACK to its BYE; `None`: it never hangs up.
    pub hold: Option<Duration>,
}

/// One call as its players saw it.
pub struct Call {
    caller: Caller,
    /// Its name in the program's API, as the seat's INVITE says.
    pub id: Option<String>,
    /// Before the caller's INVITE was sent.
    pub called: Option<Instant>,
    /// After the seat's INVITE was received.
    pub offered: Option<Instant>,
    /// The caller got a provisional response above 100, or the 200.
    pub heard: bool,
    /// The caller got 200.
    pub answered: bool,
    seat_acked: bool,
    caller_over: bool,
    seat_over: bool,
    /// Where the program takes the caller's speech, as its session description says.
    pub caller_speech: Option<SocketAddr>,
    /// The same for the seat's.
    pub seat_speech: Option<SocketAddr>,
}

impl Call {
    /// Everything that the flow above shows has happened.
    pub fn complete(&self) -> bool {
        self.offered.is_some()
            && self.answered
            && self.seat_acked
            && self.caller_over
            && self.seat_over
    }
}

enum Due {
    /// The caller with this number calls.
    Call(usize),
    /// The seat answers this INVITE.
    Answer(String, SocketAddr),
    /// The caller hangs up.
    HangUp(usize),
}

/// Callers, seats and what they do next.
pub struct Stage {
    callers: UdpSocket,
    seats: UdpSocket,
    caller_address: SocketAddr,
    seat_address: SocketAddr,
    engine: SocketAddr,
    manners: Manners,
    calls: Vec<Call>,
    due: BTreeMap<(Instant, u64), Due>,
    next_due: u64,
    buffer: Vec<u8>,
    complete: usize,
    /// Where callers and seats want their speech; empty where nobody speaks.
    speech: [Vec<SocketAddr>; 2],
    /// Datagrams so far.
    pub tally: Tally,
    /// The seat and the moment of the last INVITE that a seat got.
    pub last_offer: Option<(String, Instant)>,
}

fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let options = socket2::SockRef::from(&socket);
    options.set_recv_buffer_size(SOCKET_BYTES)?;
    Ok(socket)
}

impl Stage {
    /// Takes two free ports. The engine's address is set when it is known.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(manners: Manners) -> io::Result<Self> {
        let (callers, seats) = (socket()?, socket()?);
        Ok(Self {
            caller_address: callers.local_addr()?,
            seat_address: seats.local_addr()?,
            callers,
            seats,
            engine: (Ipv4Addr::LOCALHOST, 0).into(),
            manners,
            calls: Vec::new(),
            due: BTreeMap::new(),
            next_due: 0,
            buffer: vec![0; DATAGRAM_BYTES],
            complete: 0,
            speech: [Vec::new(), Vec::new()],
            tally: Tally::default(),
            last_offer: None,
        })
    }

    /// Where the callers call from.
    pub fn caller_address(&self) -> SocketAddr {
        self.caller_address
    }

    /// Where the seats are.
    pub fn seat_address(&self) -> SocketAddr {
        self.seat_address
    }

    /// Whom to call from now on.
    pub fn play_against(&mut self, engine: SocketAddr) {
        self.engine = engine;
    }

    /// Callers and seats that speak: the session descriptions of call `n` name the place `n` of
    /// these, begun anew after the last.
    pub fn speak_at(&mut self, callers: &[SocketAddr], seats: &[SocketAddr]) {
        self.speech = [callers.to_vec(), seats.to_vec()];
    }

    fn sdp(&self, side: usize, call: usize) -> String {
        let places = &self.speech[side];
        match call.checked_rem(places.len()) {
            Some(place) => sip::speech(places[place]),
            None => sip::sdp(RTP_PORT),
        }
    }

    /// Does what is due and reads what has come, without waiting.
    ///
    /// # Errors
    /// What the system says of the sockets.
    pub fn attend(&mut self) -> io::Result<()> {
        self.act()?;
        self.receive()
    }

    /// The calls so far, by number.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// How many of them were complete.
    pub fn complete(&self) -> usize {
        self.complete
    }

    /// Lets one more caller call at `at`; its number.
    pub fn call_at(&mut self, at: Instant) -> usize {
        let index = self.calls.len();
        self.calls.push(Call {
            caller: Caller {
                number: index as u64,
                local: self.caller_address,
                engine: self.engine,
                to: None,
                target: None,
            },
            id: None,
            called: None,
            offered: None,
            heard: false,
            answered: false,
            seat_acked: false,
            caller_over: false,
            seat_over: false,
            caller_speech: None,
            seat_speech: None,
        });
        self.later(at, Due::Call(index));
        index
    }

    /// The caller of this call hangs up now.
    ///
    /// # Errors
    /// What the system says of the sockets.
    pub fn hang_up(&mut self, index: usize) -> io::Result<()> {
        self.later(Instant::now(), Due::HangUp(index));
        self.act()
    }

    /// Plays until `done` (true) or until `end` (false).
    ///
    /// # Errors
    /// What the system says of the sockets.
    pub fn play(&mut self, end: Instant, done: impl Fn(&Self) -> bool) -> io::Result<bool> {
        loop {
            self.act()?;
            if done(self) {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= end {
                return Ok(false);
            }
            let next = self.due.keys().next().map_or(end, |(at, _)| end.min(*at));
            self.wait(next.saturating_duration_since(now))?;
            self.receive()?;
        }
    }

    fn later(&mut self, at: Instant, what: Due) {
        self.due.insert((at, self.next_due), what);
        self.next_due += 1;
    }

    fn wait(&self, limit: Duration) -> io::Result<()> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut sockets = [
            PollFd::new(&self.callers, PollFlags::IN),
            PollFd::new(&self.seats, PollFlags::IN),
        ];
        match poll(&mut sockets, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what is due.
    fn act(&mut self) -> io::Result<()> {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > Instant::now() {
                return Ok(());
            }
            match entry.remove() {
                Due::Call(index) => {
                    let sdp = self.sdp(CALLERS, index);
                    let call = &mut self.calls[index];
                    let request = call.caller.request("INVITE", 1, &sdp);
                    call.called = Some(Instant::now());
                    self.send_to_engine(&request)?;
                }
                Due::Answer(invite, from) => {
                    let (tag, contact) = (seat_tag(&invite), self.seat_contact());
                    let sdp = self.sdp(SEATS, number_of_caller(&invite).unwrap_or(0));
                    let answer = sip::response(&invite, "200 OK", &tag, &contact, &sdp);
                    self.answer_as_seat(&answer, from)?;
                }
                Due::HangUp(index) => {
                    let request = self.calls[index].caller.request("BYE", 2, "");
                    self.send_to_engine(&request)?;
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        // The seats first: their INVITEs are what is timed.
        while let Some((length, from)) = next(&self.seats, &mut buffer)? {
            let at = Instant::now();
            if let Ok(message) = std::str::from_utf8(&buffer[..length]) {
                self.on_seat(at, message, from)?;
            }
        }
        while let Some((length, _)) = next(&self.callers, &mut buffer)? {
            let at = Instant::now();
            if let Ok(message) = std::str::from_utf8(&buffer[..length]) {
                self.on_caller(at, message)?;
            }
        }
        self.buffer = buffer;
        Ok(())
    }

    fn on_seat(&mut self, at: Instant, message: &str, from: SocketAddr) -> io::Result<()> {
        let kind = Kind::to_seat(message);
        self.tally.add(kind, message.len());
        // Nobody speaks here, so the engine asks whether they are there (RFC 3261 §11).
        if sip::method(message) == Some("OPTIONS") {
            let ok = sip::response(message, "200 OK", "", "", "");
            return self.answer_as_seat(&ok, from);
        }
        let number = number_of_caller(message);
        let Some(call) = number.and_then(|number| self.calls.get_mut(number)) else {
            return Ok(());
        };
        let before = call.complete();
        match kind {
            Kind::SeatInvite if call.offered.is_none() => {
                call.offered = Some(at);
                call.id = sip::header(message, "X-Meishier-Call").map(str::to_owned);
                call.seat_speech = sip::speech_at(message);
                let uri = message.split(' ').nth(1).unwrap_or("");
                self.last_offer = Some((sip::user(uri).to_owned(), at));
                let (tag, contact) = (seat_tag(message), self.seat_contact());
                let ringing = sip::response(message, "180 Ringing", &tag, &contact, "");
                self.answer_as_seat(&ringing, from)?;
                self.later(
                    Instant::now() + self.manners.ring,
                    Due::Answer(message.to_owned(), from),
                );
                return Ok(());
            }
            Kind::SeatAck => call.seat_acked = true,
            Kind::SeatBye => call.seat_over = true,
            _ => {}
        }
        self.complete += usize::from(!before && call.complete());
        if kind == Kind::SeatBye {
            let ok = sip::response(message, "200 OK", "", "", "");
            self.answer_as_seat(&ok, from)?;
        }
        Ok(())
    }

    fn on_caller(&mut self, at: Instant, message: &str) -> io::Result<()> {
        let kind = Kind::to_caller(message);
        self.tally.add(kind, message.len());
        if sip::method(message) == Some("OPTIONS") {
            return self.send_to_engine(&sip::response(message, "200 OK", "", "", ""));
        }
        let number = sip::header(message, "Call-ID").and_then(sip::number_of);
        let Some(index) = number.and_then(|number| usize::try_from(number).ok()) else {
            return Ok(());
        };
        let Some(call) = self.calls.get_mut(index) else {
            return Ok(());
        };
        let before = call.complete();
        match kind {
            Kind::Ringing => call.heard = true,
            Kind::Answer if !call.answered => {
                call.heard = true;
                call.answered = true;
                call.caller_speech = sip::speech_at(message);
                call.caller.to = sip::header(message, "To").map(str::to_owned);
                let contact = sip::header(message, "Contact").map(sip::uri);
                call.caller.target = contact.map(str::to_owned);
                let ack = call.caller.request("ACK", 1, "");
                self.send_to_engine(&ack)?;
                if let Some(hold) = self.manners.hold {
                    self.later(at + hold, Due::HangUp(index));
                }
                return Ok(());
            }
            Kind::ByeOk => call.caller_over = true,
            _ => {}
        }
        self.complete += usize::from(!before && call.complete());
        Ok(())
    }

    fn seat_contact(&self) -> String {
        format!("sip:seat@{}", self.seat_address)
    }

    fn send_to_engine(&mut self, message: &str) -> io::Result<()> {
        self.count_sent(message);
        self.callers.send_to(message.as_bytes(), self.engine)?;
        Ok(())
    }

    fn answer_as_seat(&mut self, message: &str, to: SocketAddr) -> io::Result<()> {
        self.count_sent(message);
        self.seats.send_to(message.as_bytes(), to)?;
        Ok(())
    }

    fn count_sent(&mut self, message: &str) {
        self.tally.sent += 1;
        self.tally.sent_bytes += message.len() as u64;
    }
}

/// The number of the call whose caller the From of a seat's request names.
fn number_of_caller(message: &str) -> Option<usize> {
    let user = sip::user(sip::uri(sip::header(message, "From")?));
    user.strip_prefix('c')?.parse().ok()
}

fn seat_tag(invite: &str) -> String {
    let caller = sip::header(invite, "From").map_or("", |value| sip::user(sip::uri(value)));
    format!("s{caller}")
}

/// The next datagram, `None` if there is none now.
fn next(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    loop {
        match socket.recv_from(buffer) {
            Ok(found) => return Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            // An ICMP answer to something sent to a program that has ended, or a signal.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
}
