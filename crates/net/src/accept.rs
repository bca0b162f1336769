//! New connections over TCP and TLS: the first worker accepts, all take their turn.

use crate::inbox::Letter;
use crate::outside::Outside;
use crate::room::Entry;
use crate::stats::TlsFailure;
use crate::tcp::{Beginning, Closed, STEPS};
use crate::tls::Session;
use crate::worker::{FIRST_LISTENER, SHARE, Worker};
use mio::Token;
use mio::net::TcpStream;
use std::io;
use std::net::SocketAddr;

impl Worker {
    /// Takes a share of the connections that wait at a listener.
    pub(crate) fn accept(&mut self, number: usize) {
        let secure = self.listeners.get(number).is_some_and(|it| it.secure);
        // No more of them than handshakes can be worked on: the others wait in the kernel.
        for _ in 0..if secure { STEPS } else { SHARE } {
            let Some(listener) = self.listeners.get(number) else {
                return;
            };
            let local = listener.local;
            match listener.socket.accept() {
                Ok((stream, remote)) => self.place(stream, local, remote, secure),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Out of descriptors, most likely: the connection stays in the kernel's queue
                    // and is tried again with the next event.
                    tracing::warn!(%error, "a TCP connection could not be accepted");
                    return;
                }
            }
        }
        self.come_back(Token(FIRST_LISTENER + number));
    }

    /// Workers take accepted connections in turn.
    fn place(&mut self, stream: TcpStream, local: SocketAddr, remote: SocketAddr, secure: bool) {
        let owner = self.next_owner % self.outside.outlets.len().max(1);
        self.next_owner = owner + 1;
        if owner == self.outside.worker {
            return self.adopt(stream, local, remote, secure);
        }
        if self.outside.outlets[owner].is_full() {
            self.outside.counts.tcp_refused += 1;
            return;
        }
        let stream = std::net::TcpStream::from(stream);
        let letter = Letter::Adopt {
            stream,
            local,
            remote,
            secure,
        };
        self.outside.stuck |= !self.outside.outlets[owner].letter(letter);
    }

    /// Takes a connection over that is from now on this worker's.
    pub(crate) fn adopt(
        &mut self,
        stream: TcpStream,
        local: SocketAddr,
        remote: SocketAddr,
        secure: bool,
    ) {
        let now = self.outside.clock.mono();
        let session = match secure {
            true => self.outside.keyring.server().and_then(Session::accepted),
            false => None,
        };
        if secure && session.is_none() {
            self.outside.counts.tcp_refused += 1;
            return;
        }
        let phones = self.outside.registrations.clone();
        match self.outside.tcp.entry(now, remote, |it| phones.uses(it)) {
            Entry::Free => {}
            Entry::Instead(stranger) => self.outside.close(stranger, Closed::Crowded),
            Entry::Full => {
                self.outside.counts.tcp_refused += 1;
                return;
            }
        }
        let Outside {
            tcp,
            registry,
            counts,
            ..
        } = &mut self.outside;
        let beginning = Beginning {
            stream,
            local,
            remote,
            session,
        };
        match tcp.adopt(registry, now, beginning) {
            Ok(_) => counts.tcp_accepted += 1,
            Err(error) => {
                counts.tcp_refused += 1;
                tracing::warn!(%error, "a TCP connection could not be watched");
            }
        }
        while let Some(oldest) = self.outside.tcp.crowded_out() {
            self.outside.close(oldest, Closed::Tls(TlsFailure::Crowded));
        }
    }
}
