//! One UDP socket that speaks SIP a step at a time: for tests that say what happens when.

use crate::sip::{Dialog, Sip, sdp};
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Longest wait for a message.
const LIMIT: Duration = Duration::from_secs(30);

/// A caller's or a seat's socket.
#[derive(Debug)]
pub struct Line {
    socket: UdpSocket,
    local: SocketAddr,
    engine: SocketAddr,
    /// Messages that came while another one was waited for.
    kept: VecDeque<Sip>,
    calls: u32,
}

impl Line {
    /// A socket at a free port. Its peer is named later by [`Line::towards`], since seats must be
    /// there before the engine.
    ///
    /// # Panics
    /// If the system gives none.
    #[must_use]
    pub fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0");
        let socket = socket.unwrap_or_else(|error| panic!("UDP socket: {error}"));
        let local = socket
            .local_addr()
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            socket,
            local,
            engine: local,
            kept: VecDeque::new(),
            calls: 0,
        }
    }

    /// Names the engine.
    #[must_use]
    pub fn towards(mut self, engine: SocketAddr) -> Self {
        self.engine = engine;
        self
    }

    /// Its own address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.local
    }

    /// Sends bytes.
    pub fn send(&self, message: impl AsRef<[u8]>) {
        // A refused port shows at the next wait, which says what was waited for.
        let _ = self.socket.send_to(message.as_ref(), self.engine);
    }

    /// Sends a call from `user` and gives its dialog.
    pub fn invite(&mut self, user: &str) -> Dialog {
        self.calls += 1;
        let name = format!("{}n{}", self.local.port(), self.calls);
        let dialog = Dialog::new(user, &name, self.local, self.engine);
        self.send(dialog.request("INVITE", 1, "INVITE", &sdp(self.local.port() ^ 1)));
        dialog
    }

    /// The first message that fits, of those kept and those to come.
    ///
    /// # Panics
    /// If none comes; the message says what came instead.
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Sip) -> bool) -> Sip {
        if let Some(at) = self.kept.iter().position(&fits) {
            return self.kept.remove(at).unwrap_or_else(|| unreachable!());
        }
        let start = Instant::now();
        while let Some(left) = LIMIT.checked_sub(start.elapsed()).filter(|d| !d.is_zero()) {
            let _ = self.socket.set_read_timeout(Some(left));
            let mut buffer = vec![0; 65_536];
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else {
                continue;
            };
            let message = Sip(String::from_utf8_lossy(&buffer[..length]).into_owned());
            if fits(&message) {
                return message;
            }
            self.kept.push_back(message);
        }
        let came: Vec<&str> = self
            .kept
            .iter()
            .filter_map(|m| m.0.lines().next())
            .collect();
        panic!("{what}: it did not come; what came: {came:?}");
    }

    /// Waits for a response of this status to this method within the dialog.
    pub fn response(&mut self, dialog: &Dialog, method: &str, status: u16) -> Sip {
        let (id, what) = (dialog.call_id.clone(), format!("{status} to {method}"));
        self.wait(&what, |m| {
            m.call_id() == id && m.status() == Some(status) && m.cseq().1 == method
        })
    }

    /// Waits for a request.
    pub fn request(&mut self, method: &str) -> Sip {
        self.wait(method, |m| m.method() == Some(method))
    }

    /// Waits for the 200 of the INVITE and sends the ACK.
    pub fn confirm(&mut self, dialog: &mut Dialog) -> Sip {
        let answer = self.response(dialog, "INVITE", 200);
        dialog.learn(&answer);
        self.send(dialog.request("ACK", 1, "ACK", ""));
        answer
    }

    /// Hangs up and waits for the 200.
    pub fn hang_up(&mut self, dialog: &Dialog) {
        self.send(dialog.request("BYE", 2, "BYE", ""));
        self.response(dialog, "BYE", 200);
    }

    /// Takes the next INVITE, rings, answers it and waits for the ACK.
    pub fn answer(&mut self) -> Sip {
        let invite = self.request("INVITE");
        self.reply(&invite, "180 Ringing", "");
        self.reply(&invite, "200 OK", &sdp(self.local.port() ^ 1));
        let id = invite.call_id().to_owned();
        self.wait("ACK", |m| m.method() == Some("ACK") && m.call_id() == id);
        invite
    }

    /// Answers a request.
    pub fn reply(&self, request: &Sip, status: &str, body: &str) {
        let tag = format!("t{}", request.call_id().len());
        self.send(request.response(status, &tag, self.local, body));
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}
