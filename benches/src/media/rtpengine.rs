//! rtpengine as the peer: without its kernel module, told of calls over its ng protocol.
//!
//! A request is one datagram: a cookie, a space, a dictionary in bencode; the answer begins with the
//! same cookie.

use crate::engine::free;
use crate::sip;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long one answer may take before it is asked again.
const ANSWER: Duration = Duration::from_millis(500);
/// Ports for speech, above those of the program under test.
const PORTS: [&str; 2] = ["50000", "59999"];
/// Silence after which it would give calls up, seconds: longer than any run.
const SILENCE: &str = "3600";

/// A started rtpengine, ended when dropped.
pub struct Rtpengine {
    child: Child,
    control: UdpSocket,
    cookie: u32,
    /// For each call where its caller and its seat send.
    pub calls: Vec<[Option<SocketAddr>; 2]>,
}

impl Rtpengine {
    /// Starts it; `None` if it is not installed.
    ///
    /// # Errors
    /// What the system says, or that it does not answer.
    pub fn start() -> io::Result<Option<Self>> {
        let place = free(UdpSocket::bind)?.local_addr()?;
        let control = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        control.connect(place)?;
        control.set_read_timeout(Some(ANSWER))?;
        let mut command = Command::new("rtpengine");
        command.args(["--config-file=none", "--table=-1", "--foreground"]);
        command.args(["--log-stderr", "--log-level=1", "--num-threads=1"]);
        command.arg(format!("--interface={}", Ipv4Addr::LOCALHOST));
        command.arg(format!("--listen-ng={place}"));
        command.args(["--port-min", PORTS[0], "--port-max", PORTS[1]]);
        command.args(["--timeout", SILENCE, "--silent-timeout", SILENCE]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = match command.stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut started = Self {
            child,
            control,
            cookie: 0,
            calls: Vec::new(),
        };
        let end = Instant::now() + START_LIMIT;
        while started.ask(&[("command", "ping")]).is_err() {
            if let Some(status) = started.child.try_wait()? {
                return Err(io::Error::other(format!("rtpengine ended: {status}")));
            }
            if Instant::now() > end {
                return Err(io::Error::other("rtpengine does not answer"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(started))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes one more call, whose far ends hear at these places.
    ///
    /// # Errors
    /// What it says of it.
    pub fn call(&mut self, caller: SocketAddr, seat: SocketAddr) -> io::Result<()> {
        let number = format!("bench-{}", self.calls.len());
        let offer = sip::speech(caller);
        let answer = sip::speech(seat);
        let towards_seat = self.ask(&[
            ("ICE", "remove"),
            ("call-id", &number),
            ("command", "offer"),
            ("from-tag", "a"),
            ("sdp", &offer),
        ])?;
        let towards_caller = self.ask(&[
            ("ICE", "remove"),
            ("call-id", &number),
            ("command", "answer"),
            ("from-tag", "a"),
            ("sdp", &answer),
            ("to-tag", "b"),
        ])?;
        // The seat is told where to send in the offer, the caller in the answer.
        let place = |sdp: &str| {
            sip::speech_at(sdp).ok_or_else(|| io::Error::other("no place in rtpengine's answer"))
        };
        let both = [Some(place(&towards_caller)?), Some(place(&towards_seat)?)];
        self.calls.push(both);
        Ok(())
    }

    /// One request; the session description of the answer, if it has one.
    fn ask(&mut self, fields: &[(&str, &str)]) -> io::Result<String> {
        self.cookie += 1;
        let cookie = format!("{} ", self.cookie);
        let mut request = format!("{cookie}d");
        for (name, value) in fields {
            request += &format!("{}:{name}{}:{value}", name.len(), value.len());
        }
        request.push('e');
        self.control.send(request.as_bytes())?;
        let mut buffer = vec![0; 65_536];
        loop {
            let length = self.control.recv(&mut buffer)?;
            let answer = String::from_utf8_lossy(&buffer[..length]);
            let Some(answer) = answer.strip_prefix(&cookie) else {
                continue; // of an earlier request
            };
            let result = field(answer, "result").unwrap_or_default();
            if !matches!(result, "ok" | "pong") {
                let why = field(answer, "error-reason").unwrap_or(answer);
                return Err(io::Error::other(format!("rtpengine: {why}")));
            }
            return Ok(field(answer, "sdp").unwrap_or_default().to_owned());
        }
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of this name in a dictionary whose other values hold no such name.
fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let key = format!("{}:{name}", name.len());
    let (_, rest) = answer.split_once(&key)?;
    let (length, rest) = rest.split_once(':')?;
    rest.get(..length.parse().ok()?)
}
