//! Whom the key reaches: one socket that answers every INVITE, and hangs up when told to.

use crate::sip;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Largest datagram.
const DATAGRAM_BYTES: usize = 64 << 10;
/// How long an INVITE may take to come.
const LIMIT: Duration = Duration::from_secs(5);

/// An INVITE that came.
pub struct Called {
    invite: String,
    from: SocketAddr,
    /// Where the program takes our speech.
    pub speech: SocketAddr,
    /// Right after it was received.
    pub at: Instant,
}

/// The far end of the trunk.
pub struct Police {
    socket: UdpSocket,
    /// Where it is.
    pub address: SocketAddr,
    buffer: Vec<u8>,
}

impl Police {
    /// Takes a free port.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(LIMIT))?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            address,
            buffer: vec![0; DATAGRAM_BYTES],
        })
    }

    /// What makes the program's trunk lead here, with the key 110.
    pub fn configuration(&self) -> [(&'static str, String); 2] {
        let out = format!("outgoing_number = \"12356\"\nout = \"{}\"", self.address);
        let key = "[[transfer.keys]]\nname = \"110\"\ntitle = \"公安\"\nkind = \"emergency\"\n\
                   ring = \"30s\"\ntrunk = \"sipp\"\n\n[routing]\n";
        [
            ("outgoing_number = \"12356\"", out),
            ("[routing]\n", key.to_owned()),
        ]
    }

    /// Waits for the next INVITE; other messages are read and left.
    ///
    /// # Errors
    /// None came, or one that is none.
    pub fn called(&mut self) -> io::Result<Called> {
        loop {
            let (length, from) = self.socket.recv_from(&mut self.buffer)?;
            let at = Instant::now();
            let message = std::str::from_utf8(&self.buffer[..length]).map_err(io::Error::other)?;
            match sip::method(message) {
                Some("INVITE") => {
                    let lacking = || io::Error::other("an INVITE without a place for speech");
                    return Ok(Called {
                        invite: message.to_owned(),
                        from,
                        speech: sip::speech_at(message).ok_or_else(lacking)?,
                        at,
                    });
                }
                Some("BYE" | "OPTIONS") => {
                    let ok = sip::response(message, "200 OK", "", "", "");
                    self.socket.send_to(ok.as_bytes(), from)?;
                }
                _ => {}
            }
        }
    }

    /// Answers; speech is wanted at `place`. Gives the moment right before.
    ///
    /// # Errors
    /// What the system says.
    pub fn answer(&self, called: &Called, place: SocketAddr) -> io::Result<Instant> {
        let contact = format!("sip:police@{}", self.address);
        let body = sip::speech(place);
        let ok = sip::response(&called.invite, "200 OK", "police", &contact, &body);
        let at = Instant::now();
        self.socket.send_to(ok.as_bytes(), called.from)?;
        Ok(at)
    }

    /// Hangs up (BYE within the dialog, RFC 3261 §15.1.1).
    ///
    /// # Errors
    /// What the system says.
    pub fn hang_up(&self, called: &Called) -> io::Result<()> {
        let header = |name| sip::header(&called.invite, name).unwrap_or("");
        let contact = sip::uri(header("Contact"));
        let call_id = header("Call-ID");
        let bye = format!(
            "BYE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKbye{call_id}\r\n\
             From: {};tag=police\r\nTo: {}\r\nCall-ID: {call_id}\r\nCSeq: 1 BYE\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            header("To"),
            header("From"),
            at = self.address,
        );
        self.socket.send_to(bye.as_bytes(), called.from)?;
        Ok(())
    }
}
