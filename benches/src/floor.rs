//! The floor: a bare UDP program that answers the same datagrams and does nothing else.
//!
//! One thread, one socket, blocking. It keeps no state: each datagram got is told by its first
//! bytes, the call's number is read from it, and prepared messages of about the engine's sizes go
//! out with that number written into them, to the same ports and as many as the engine sends. What
//! an engine costs above this is its own doing; what this costs is the kernel's.

use crate::tally::{Kind, Tally};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

/// Where a call's number stands in a prepared message.
const HOLE: &str = "00000000";
/// Largest datagram.
const DATAGRAM_BYTES: usize = 64 << 10;

/// The floor as a child process, ended when dropped.
pub struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    /// Starts it. `like` says what the engine sent in as many `calls`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(
        callers: SocketAddr,
        seats: SocketAddr,
        like: &Tally,
        calls: u64,
    ) -> io::Result<Self> {
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor");
        command.args([address, callers, seats].map(|it| it.to_string()));
        // Provisional responses to a caller, rounded; one more than 1 answers the seat's 180.
        let ringing = (like.count(Kind::Ringing) + calls / 2) / calls.max(1);
        command.arg(ringing.to_string());
        command.args(Kind::PLAYED.map(|kind| like.mean(kind).to_string()));
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(Self { child, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// True once its socket is there.
    ///
    /// # Errors
    /// If it has ended.
    pub fn is_up(&mut self) -> io::Result<bool> {
        if let Some(status) = self.child.try_wait()? {
            return Err(io::Error::other(format!("the floor ended: {status}")));
        }
        // The kernel's own list, so that no datagram has to be spent on asking.
        let port = format!(":{:04X} ", self.address.port());
        let table = std::fs::read_to_string(Path::new("/proc/net/udp"))?;
        Ok(table.lines().any(|line| {
            line.split_once(": ").is_some_and(|(_, l)| {
                l.split_once(' ')
                    .is_some_and(|(local, _)| local.ends_with(port.trim_end()))
            })
        }))
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message with a hole for the number, in two places at most.
struct Prepared {
    bytes: Vec<u8>,
    holes: Vec<usize>,
}

impl Prepared {
    /// `text` made `length` bytes long by a header that nobody reads.
    fn new(text: &str, length: usize) -> Self {
        let (head, _) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let missing = length.saturating_sub(head.len() + "\r\nX: \r\n\r\n".len());
        let bytes = format!("{head}\r\nX: {}\r\n\r\n", "x".repeat(missing)).into_bytes();
        let holes = bytes
            .windows(HOLE.len())
            .enumerate()
            .filter(|(_, window)| *window == HOLE.as_bytes())
            .map(|(at, _)| at)
            .collect();
        Self { bytes, holes }
    }

    fn with(&mut self, number: &[u8]) -> &[u8] {
        for at in &self.holes {
            self.bytes[*at..*at + HOLE.len()].copy_from_slice(number);
        }
        &self.bytes
    }
}

fn prepare(kind: Kind, length: usize, own: SocketAddr, seats: SocketAddr) -> Prepared {
    let response = |status: &str, cseq: &str| {
        format!(
            "SIP/2.0 {status}\r\nTo: <sip:12356@{own}>;tag=f\r\nCall-ID: bench-{HOLE}@f\r\n\
             CSeq: {cseq}\r\nContact: <sip:12356@{own}>\r\n\r\n"
        )
    };
    let request = |method: &str, cseq: &str| {
        format!(
            "{method} sip:a0001@{seats} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKf{method}\r\n\
             From: <sip:c{HOLE}@{own}>;tag=f\r\nTo: <sip:a0001@{own}>\r\n\
             Call-ID: bench-{HOLE}@f\r\nCSeq: {cseq}\r\nContact: <sip:12356@{own}>\r\n\r\n"
        )
    };
    let text = match kind {
        Kind::Trying => response("100 Trying", "1 INVITE"),
        Kind::Ringing => response("180 Ringing", "1 INVITE"),
        Kind::Answer => response("200 OK", "1 INVITE"),
        Kind::ByeOk => response("200 OK", "2 BYE"),
        Kind::SeatInvite => request("INVITE", "1 INVITE"),
        Kind::SeatAck => request("ACK", "1 ACK"),
        Kind::SeatBye | Kind::Other => request("BYE", "2 BYE"),
    };
    Prepared::new(&text, length)
}

/// The child process: serves until it is killed.
pub fn run(words: &[&str]) -> ExitCode {
    match serve(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(words: &[&str]) -> io::Result<()> {
    let wrong = || io::Error::other("wrong arguments");
    let [own, callers, seats, ringing, sizes @ ..] = words else {
        return Err(wrong());
    };
    let address = |word: &str| word.parse::<SocketAddr>().map_err(io::Error::other);
    let (own, callers, seats) = (address(own)?, address(callers)?, address(seats)?);
    let ringing: u64 = ringing.parse().map_err(io::Error::other)?;
    let mut messages = Vec::new();
    for (kind, size) in Kind::PLAYED.into_iter().zip(sizes) {
        messages.push(prepare(
            kind,
            size.parse().map_err(io::Error::other)?,
            own,
            seats,
        ));
    }
    if messages.len() != Kind::PLAYED.len() {
        return Err(wrong());
    }
    let socket = UdpSocket::bind(own)?;
    socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(found) => found,
            // An ICMP answer: the players have gone.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) => return Err(error),
        };
        let got = &buffer[..length];
        let Some(number) = number_in(got) else {
            continue;
        };
        for kind in answers(got, from == seats, ringing) {
            let to = match kind {
                Kind::SeatInvite | Kind::SeatAck | Kind::SeatBye => seats,
                _ => callers,
            };
            socket.send_to(messages[*kind as usize].with(&number), to)?;
        }
    }
}

/// What the engine sends after this datagram.
fn answers(got: &[u8], from_seat: bool, ringing: u64) -> &'static [Kind] {
    if !from_seat {
        return match got.first() {
            Some(b'I') if ringing > 0 => &[Kind::Trying, Kind::SeatInvite, Kind::Ringing],
            Some(b'I') => &[Kind::Trying, Kind::SeatInvite],
            Some(b'B') => &[Kind::ByeOk, Kind::SeatBye],
            _ => &[],
        };
    }
    let of_invite = got.windows(8).any(|window| window == b"1 INVITE");
    match got.get(8..11) {
        Some(b"180") if ringing > 1 => &[Kind::Ringing],
        Some(b"200") if of_invite => &[Kind::SeatAck, Kind::Answer],
        _ => &[],
    }
}

/// The call's number, as it stands behind `bench-` in the Call-ID.
fn number_in(got: &[u8]) -> Option<[u8; 8]> {
    let at = got.windows(6).position(|window| window == b"bench-")?;
    got.get(at + 6..at + 14)?.try_into().ok()
}
