//! One SIP connection over TCP or TLS: its stream, what came of it so far, what waits to be sent.

use crate::stats::TlsFailure;
use crate::tcp::Closed;
use crate::tls::Session;
use meishier_engine::signaling::Flow;
use meishier_engine::signaling::framing::TcpFramer;
use meishier_model::Mono;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Duration;

/// How long an accepted connection may stay without one whole message.
pub(crate) const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// Messages of one readiness event before others get their turn.
pub(crate) const MESSAGES: usize = 64;
/// First token of connections; smaller ones are other sockets of the worker.
pub(crate) const FIRST_TOKEN: usize = 1 << 16;
pub(crate) const NUMBER_MASK: u64 = (1 << 47) - 1;

/// A connection, whatever its bytes go through.
pub(crate) struct Connection {
    pub stream: TcpStream,
    pub session: Option<Box<Session>>,
    /// TLS is not finished; nothing of SIP has come or gone.
    pub handshaking: bool,
    /// We asked for it, the peer did not.
    pub ours: bool,
    pub flow: Flow,
    pub framer: TcpFramer,
    pub out: VecDeque<Vec<u8>>,
    /// Bytes of the front of `out` that are sent already.
    pub sent: usize,
    pub queued: usize,
    pub opening: bool,
    pub watches_writing: bool,
    /// Closed at this moment unless it has opened, or said something whole, by then.
    pub deadline: Option<Mono>,
    /// Looked at again at this moment, whether it may stay.
    pub idle_at: Option<Mono>,
    /// Its address is known: it need not say anything before long.
    pub known: bool,
}

impl Connection {
    pub(crate) fn late(&self) -> Closed {
        if self.opening {
            Closed::NotOpened
        } else if self.handshaking {
            Closed::Tls(TlsFailure::Late)
        } else {
            Closed::Unfit
        }
    }

    /// Why reading failed.
    pub(crate) fn why(&self) -> Closed {
        let failure = self.session.as_ref().and_then(|it| it.failure());
        failure.map_or(Closed::ByPeer, Closed::Tls)
    }

    /// Reads plain bytes.
    pub(crate) fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.session {
            Some(session) => session.read(&mut self.stream, into),
            None => self.stream.read(into),
        }
    }

    /// True if TLS has been finished since the last call. Who connected to us, and did not say anything
    /// whole in the same breath (`spoke`), has to do so before long.
    pub(crate) fn finish_handshake(
        &mut self,
        now: Mono,
        spoke: bool,
        check_at: &mut Option<Mono>,
    ) -> bool {
        let done = self.handshaking && self.session.as_ref().is_none_or(|it| !it.is_handshaking());
        if done {
            self.handshaking = false;
            self.deadline = (!self.known && !spoke).then_some(now + SILENCE_LIMIT);
            if let Some(deadline) = self.deadline {
                *check_at = Some(check_at.map_or(deadline, |at| at.min(deadline)));
            }
        }
        done
    }

    /// Moves whole messages out of the framer.
    pub(crate) fn take_messages(
        &mut self,
        registry: &Registry,
        into: &mut Vec<Vec<u8>>,
    ) -> Result<(), Closed> {
        while into.len() < MESSAGES {
            match self.framer.next() {
                Ok(Some(message)) => {
                    self.deadline = None;
                    into.push(message);
                }
                Ok(None) => break,
                Err(_) => return Err(Closed::Unfit),
            }
        }
        // A peer that does not read gets no answers to its pings either.
        if self.framer.take_pings() > 0 && self.out.is_empty() {
            self.queued += 2;
            self.out.push_back(b"\r\n".to_vec());
            return self.write(registry);
        }
        Ok(())
    }

    /// A message that has begun must be whole in time, or anybody could fill the memory with halves.
    pub(crate) fn expect(&mut self, now: Mono, check_at: &mut Option<Mono>) {
        if self.framer.buffered() > 0 && self.deadline.is_none() {
            let deadline = now + SILENCE_LIMIT;
            self.deadline = Some(deadline);
            *check_at = Some(check_at.map_or(deadline, |at| at.min(deadline)));
        }
    }

    /// Hands one piece over, or, on TLS, what came of the pieces before it; false if there is none.
    fn write_some(&mut self) -> io::Result<bool> {
        if let Some(session) = &mut self.session {
            session.flush(&mut self.stream)?;
        }
        if self.handshaking {
            return Ok(false);
        }
        let Some(front) = self.out.front() else {
            return Ok(false);
        };
        let rest = front.get(self.sent..).unwrap_or(&[]);
        self.sent += match &mut self.session {
            Some(session) => session.push(rest)?,
            None => self.stream.write(rest)?,
        };
        if self.sent >= front.len() {
            self.queued -= front.len();
            self.sent = 0;
            self.out.pop_front();
        }
        Ok(true)
    }

    pub(crate) fn write(&mut self, registry: &Registry) -> Result<(), Closed> {
        loop {
            match self.write_some() {
                Ok(true) => {}
                Ok(false) => return self.watch_writing(registry, false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.watch_writing(registry, true);
                }
                Err(_) => return Err(Closed::ByPeer),
            }
        }
    }

    fn watch_writing(&mut self, registry: &Registry, wanted: bool) -> Result<(), Closed> {
        if self.watches_writing == wanted {
            return Ok(());
        }
        self.watches_writing = wanted;
        let interest = if wanted {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        let token = token_of(self.flow.connection);
        let asked = registry.reregister(&mut self.stream, token, interest);
        asked.map_err(|_| Closed::ByPeer)
    }
}

/// The token of a connection.
pub(crate) fn token_of(connection: u64) -> Token {
    Token(FIRST_TOKEN + usize::try_from(connection & NUMBER_MASK).unwrap_or(0))
}
